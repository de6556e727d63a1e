"""Between a flight and its console: a terminal that blocks, closes or cannot write must never stop control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

MOST_WAITING = 10_000  # lines for a console that does not take them; more are dropped
DRAIN_WALL_S = 5.0


class Showing:
    """Runs output calls one after the other in a thread; the first that fails ends the output, not the program.

    `on_failure` is told why, once.
    """

    def __init__(self, on_failure: Callable[[str], Awaitable[None]]) -> None:
        self._calls: asyncio.Queue[Callable[[], None]] = asyncio.Queue(MOST_WAITING)
        self._on_failure = on_failure
        self.failure: str | None = None

    def show(self, call: Callable[[], None]) -> None:
        """Make an output call soon."""
        if self.failure is None and not self._calls.full():
            self._calls.put_nowait(call)

    async def run(self) -> None:
        """Make the calls until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="console") as thread:
            while True:
                call = await self._calls.get()
                try:
                    if self.failure is None:
                        await loop.run_in_executor(thread, call)
                except (OSError, ValueError) as error:  # a closed pipe or file, or a character it cannot write
                    self.failure = str(error)
                    await self._on_failure(self.failure)
                finally:
                    self._calls.task_done()

    async def drained(self, speed: float) -> None:
        """Wait until everything so far was shown, for at most some seconds of the wall."""
        try:
            async with asyncio.timeout(DRAIN_WALL_S * (speed or 1.0)):
                await self._calls.join()
        except TimeoutError:
            self.failure = "it does not take what is written"
