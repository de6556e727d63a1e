"""How tasks wait for what a link brings: bounded backlogs that count what they lose and end when the link ends."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

LINE_BOUND = 4096  # chunks of bytes that may wait for a reader


class TransportClosed(EOFError):
    """Nothing will ever come over this link again."""


class Backlog(Generic[T]):
    """A queue for one receiver: never loses below its bound, counts what it loses above it, and can end."""

    __slots__ = ("_bound", "_closed", "_items", "_receiver", "overflowed")

    def __init__(self, bound: int) -> None:
        self._items: deque[T] = deque()
        self._bound = bound
        self._receiver: asyncio.Future[None] | None = None
        self._closed = False
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item and wake the receiver; above the bound the newest item is lost and counted."""
        if len(self._items) >= self._bound or self._closed:
            self.overflowed += 1
            return
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """Let the receiver have what is left, then `TransportClosed`."""
        self._closed = True
        self._wake()

    async def get(self) -> T:
        """The oldest item; raises `TransportClosed` when there is none and none will come."""
        while not self._items:
            if self._closed:
                raise TransportClosed("the link is closed")
            self._receiver = asyncio.get_running_loop().create_future()
            try:
                await self._receiver
            finally:
                self._receiver = None
        return self._items.popleft()

    def clear(self) -> None:
        """Forget everything that waits."""
        self._items.clear()

    def _wake(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)
