"""A controller's store being written to, for tests that kill it: `python -m ... PATH`.

Two writers append pairs of events and print the number of each pair as soon as the store has acknowledged it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from controller.clock import Clock, real_tempo, run
from controller.events import DockReleased, DockReserved
from controller.store import open_store


async def main(clock: Clock) -> None:
    """Append until killed."""
    numbers = itertools.count(1)
    async with open_store(Path(sys.argv[1]), clock.utc_s) as store:

        async def append_pairs() -> None:
            for number in numbers:
                name = str(number)
                reserved = DockReserved(flight=name, pole="P", start_s=0.0, end_s=1.0)
                await store.append(reserved, DockReleased(flight=name, pole="P"))
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()

        async with asyncio.TaskGroup() as writers:
            for _ in range(2):
                writers.create_task(append_pairs())


if __name__ == "__main__":
    run(main, real_tempo())
