"""Running a piece of work with the tasks that must live as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def attended(main: Coroutine[Any, Any, T], *companions: Coroutine[Any, Any, None]) -> T:
    """The result of `main`, with companions that run beside it and are cancelled when it is done.

    A companion that fails ends `main` too. Errors come out bare, not in a group: the first one that happened.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(companion) for companion in companions]
            result = await main
            for task in tasks:
                task.cancel()
        return result
    except BaseExceptionGroup as failures:
        raise _first(failures) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
