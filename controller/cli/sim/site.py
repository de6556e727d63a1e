"""Site files that lead a controller to simulated drones and poles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from controller.config import SiteFile


def write_site(path: Path, site: SiteFile) -> None:
    """Write a site file that `beichen fly --site` reads."""
    path.write_text(tomli_w.dumps(_without_none(msgspec.to_builtins(site))), encoding="utf-8")


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list | tuple):
        return [_without_none(value) for value in tree]
    return tree
