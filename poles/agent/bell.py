"""What a task waits for until somebody rings, or a moment comes."""

from __future__ import annotations

import asyncio
import math


class Bell:
    """What one task waits for until somebody rings, or a moment comes; a ring that nobody waits for is remembered."""

    def __init__(self) -> None:
        self._rung = False
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        self._rung = True
        self._wake()

    def no_later(self, at_s: float) -> None:
        """Let who waits wake at this second of the loop, if it was to be later."""
        if self._waiting is not None and (self._timer is None or self._timer.when() > at_s):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(at_s, self._wake)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, until_s: float = math.inf) -> None:
        """Return when it rings, at once when it has rung since the last wait, or at the loop's second `until_s`."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            self._timer = loop.call_at(until_s, self._wake) if until_s < math.inf else None
            try:
                await self._waiting
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = self._waiting = None
        self._rung = False
