"""One reader, many subscribers: each listener gets its own copy of the messages it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from controller.links.codec import Message
from controller.links.statustexts import StatusText
from controller.links.waiting import Backlog, TransportClosed

INBOX_BOUND = 4096
WHOLE_TEXTS = "whole texts"  # not a MAVLink type: STATUSTEXTs put together


class Inbox:
    """The messages of some types since it was opened, in order; iterate over it, or `get` one with a deadline."""

    def __init__(self, bound: int = INBOX_BOUND) -> None:
        self._backlog: Backlog[Any] = Backlog(bound)

    @property
    def overflowed(self) -> int:
        """Messages lost because the listener was too slow."""
        return self._backlog.overflowed

    def __len__(self) -> int:
        return len(self._backlog)

    async def get(self, within_s: float | None = None) -> Any:
        """The next message; raises `TimeoutError` after `within_s` loop seconds, `TransportClosed` at the end."""
        async with asyncio.timeout(within_s):
            return await self._backlog.get()

    def clear(self) -> None:
        """Forget the messages that wait."""
        self._backlog.clear()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            try:
                message = await self._backlog.get()
            except TransportClosed:
                return
            yield message

    def _put(self, message: Message | StatusText) -> None:
        self._backlog.put(message)

    def _close(self) -> None:
        self._backlog.close()


class Subscriptions:
    """Who listens to which message types of a link."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[Inbox]] = {}
        self._all: list[Inbox] = []
        self._closed = False

    @contextmanager
    def listen(self, *message_types: str, bound: int = INBOX_BOUND) -> Iterator[Inbox]:
        """An inbox for these types (all types when none is named) for as long as the context lasts."""
        inbox = Inbox(bound)
        lists = [self._by_type.setdefault(name, []) for name in message_types] or [self._all]
        for inboxes in lists:
            inboxes.append(inbox)
        if self._closed:
            inbox._close()
        try:
            yield inbox
        finally:
            for inboxes in lists:
                inboxes.remove(inbox)

    def deliver(self, kind: str, message: Message | StatusText) -> None:
        """Give the message to everyone who listens to its kind."""
        for inbox in self._by_type.get(kind, ()):
            inbox._put(message)
        if kind != WHOLE_TEXTS:
            for inbox in self._all:
                inbox._put(message)

    def close(self) -> None:
        """Tell all listeners, present and future, that nothing more will come."""
        self._closed = True
        for inboxes in (*self._by_type.values(), self._all):
            for inbox in inboxes:
                inbox._close()
