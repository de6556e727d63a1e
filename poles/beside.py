"""Services that run as long as the body of a context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(*services: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Services that run until the body ends; its own error leaves as it came, not wrapped in a group."""
    serving: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            serving += [tasks.create_task(service) for service in services]
            try:
                yield
            finally:
                # when one has failed the group has cancelled the others: a second time would break off their ends
                if not _any_failed(serving):
                    for task in serving:
                        task.cancel()
    except BaseExceptionGroup as group:
        if _any_failed(serving):
            raise
        raise group.exceptions[0] from None


def _any_failed(tasks: list[asyncio.Task[None]]) -> bool:
    return any(task.done() and not task.cancelled() and task.exception() is not None for task in tasks)
