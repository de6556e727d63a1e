"""How a simulator that runs until it is stopped learns of its end: Ctrl-C, SIGTERM, or a parent that has gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from controller.tasks import attended


async def until_parent_ends() -> None:
    """Return when standard input is closed, which the system does when the process at its other end dies."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096) and not ended.done():
            ended.set_result(None)

    loop.add_reader(descriptor, readable)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)


async def until_told_to_end(with_parent: bool) -> None:
    """Return at SIGINT or SIGTERM, or when the parent has gone; a shell's background job does not heed SIGINT."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, told.set)
    try:
        await (attended(told.wait(), _tell(until_parent_ends(), told)) if with_parent else told.wait())
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


async def _tell(end: Coroutine[Any, Any, None], told: asyncio.Event) -> None:
    await end
    told.set()
