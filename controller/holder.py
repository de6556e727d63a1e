"""Who a controller is to others: the name under which it holds airspace in a register, made once for its event store.

Two sites may bear one name, and two stores of one site are two controllers; each may only give back what is its own.
"""

from __future__ import annotations

import os
from pathlib import Path

from airspace.reasons import Reason, Refused
from controller.clock import fresh_seed
from controller.store import CANNOT_WRITE


def holder_of(store: Path, site: str) -> str:
    """The holder that belongs to an open event store: the site's name as it was at first, and a number of its own.

    It lies in a file beside the store, so that it outlives a change of the site's name. Raises `Refused` when it can be
    neither read nor written. Only the controller that has the store open may ask.
    """
    path = store.with_name(f"{store.name}.holder")
    try:
        if path.exists() and (held := path.read_text(encoding="utf-8").strip()):
            return held
        made = f"{site}#{fresh_seed():08x}{fresh_seed():08x}"
        fresh = path.with_name(f"{path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(f"{made}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused([Reason(CANNOT_WRITE, str(path), {"detail": error})]) from None
    return made
