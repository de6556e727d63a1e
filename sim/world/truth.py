"""How the drones of a world really are, and the wait until they are down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class DroneTruth:
    """How a drone really is."""

    landed: bool
    armed: bool


async def until_down(truth: Callable[[], Mapping[str, DroneTruth]], within_s: float) -> dict[str, DroneTruth]:
    """How every drone is when all are down with their motors off, or after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while any(one.armed or not one.landed for one in truth().values()):  # noqa: ASYNC110 - truth tells nobody
                await asyncio.sleep(LOOK_S)
    return dict(truth())
