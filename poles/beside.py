"""Services that run as long as the body of a context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(*services: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Services that run until the body ends; its own error leaves as it came, not wrapped in a group."""
    own: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = [tasks.create_task(service) for service in services]
            try:
                yield
            except BaseException as error:  # it is raised again at once
                own = error
                raise
            finally:
                for task in serving:
                    task.cancel()
    except BaseExceptionGroup as group:
        if own is not None and group.exceptions == (own,):
            raise own from None
        raise
