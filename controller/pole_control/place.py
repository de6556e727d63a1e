"""Where the control socket of a site lies, and how a path of any length is reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words
from controller.config import LoadedSite

NOT_RUNNING = Rule(
    "poles.not-running",
    Words("no gateway of this site runs here", "本机没有运行该站点的网关"),
    Words(
        "Start one with `beichen poles serve --site {site}`, as the same user.",
        "请以同一用户运行 `beichen poles serve --site {site}` 启动网关。",
    ),
)


def control_path(place: LoadedSite) -> Path:
    """The control socket lies beside the event store, which only one controller can have open."""
    store = place.path(place.file.store)
    return store.with_name(f"{store.name}.control")


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A short name of the same file: an address of a socket has room for 107 bytes only. Raises OSError."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def not_running(place: LoadedSite) -> Refused:
    """What to raise where nobody answers."""
    return Refused([Reason(NOT_RUNNING, str(control_path(place)), {"site": place.source})])
