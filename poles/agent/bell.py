"""What a task waits for until somebody rings, or a moment comes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Bell:
    """What one task waits for until somebody rings, or a moment comes; a ring that nobody waits for is remembered.

    `due_s` tells that moment, a second of the loop; infinity is never. It may move later while one waits: that is found
    out when it was to come, and costs no turn of the task. Who moves it earlier says so with `no_later`.
    """

    def __init__(self, due_s: Callable[[], float] = lambda: math.inf) -> None:
        self._due_s = due_s
        self._rung = False
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        self._rung = True
        self._wake()

    def no_later(self, at_s: float) -> None:
        """Let who waits wake at this second of the loop, if it was to be later."""
        if self._waiting is None:
            return
        if self._timer is None or self._timer.when() > at_s:
            self._set(at_s)

    async def wait(self) -> None:
        """Return when it rings, at once when it has rung since the last wait, or when what is waited for is due."""
        if not self._rung:
            self._waiting = asyncio.get_running_loop().create_future()
            self._set(self._due_s())
            try:
                await self._waiting
            finally:
                self._set(math.inf)
                self._waiting = None
        self._rung = False

    def _set(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(at_s, self._look) if at_s < math.inf else None

    def _look(self) -> None:
        due_s = self._due_s()
        if due_s > asyncio.get_running_loop().time():
            self._set(due_s)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
