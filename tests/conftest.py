"""How the whole test set runs: with the same examples every time in CI, with fresh ones on a developer's machine."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("fresh", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("same" if os.environ.get("CI") else "fresh")
