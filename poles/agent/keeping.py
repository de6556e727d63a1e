"""Syncing the ring in groups: what was written is safe a second later, what is urgent at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from poles.agent.bell import Bell
from poles.agent.ring import Ring

SYNC_EVERY_S = 1.0


class Keeper:
    """Owns the syncing of one ring; `on_fault` hears of a flash that fails, and once again with None when it works."""

    def __init__(
        self, ring: Ring, on_fault: Callable[[OSError | None], None], *, every_s: float = SYNC_EVERY_S
    ) -> None:
        self._ring = ring
        self._on_fault = on_fault
        self._every_s = every_s
        self._due_s = math.inf
        self._bell = Bell(lambda: self._due_s)
        self._is_faulty = False

    def written(self, *, urgent: bool = False) -> None:
        """Something was appended: it is to be safe soon, or at once."""
        due_s = asyncio.get_running_loop().time() + (0.0 if urgent else self._every_s)
        if due_s < self._due_s:
            self._due_s = due_s
            self._bell.no_later(due_s)

    def failed(self, error: OSError | None) -> None:
        """The flash failed, or works (None): told on when that is news."""
        if (error is not None) != self._is_faulty:
            self._is_faulty = error is not None
            self._on_fault(error)

    async def now(self) -> None:
        """Return when everything written until now is safe, or the flash failed."""
        try:
            # the flash may take its time, and everything else goes on meanwhile
            await asyncio.get_running_loop().run_in_executor(None, self._ring.sync)
        except OSError as error:
            self.failed(error)
        else:
            self.failed(None)

    async def run(self) -> None:
        """Sync when it is due, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._bell.wait()
            if loop.time() >= self._due_s:
                self._due_s = math.inf
                if self._ring.unsynced:
                    await self.now()
