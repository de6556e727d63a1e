"""How the kit starts the client under test, and ends it: gently, or as a power cut does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class Client(Protocol):
    """The client under test."""

    can_restart: bool

    async def start(self, environment: Mapping[str, str]) -> None:
        """Start it with what it needs to know (§13.3)."""
        ...

    async def kill(self) -> None:
        """End it as a power cut does."""
        ...

    async def stop(self, within_s: float) -> bool:
        """Tell it to end (SIGTERM), and end it by force after `within_s` [s]; whether it ended by itself."""
        ...


class ProcessClient:
    """A program, started with the environment of §13.3; what it writes goes to a file."""

    can_restart = True

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = list(command)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, environment: Mapping[str, str]) -> None:
        """Start it in a process group of its own. Raises OSError when there is no such program."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("BEICHEN_")}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=own | dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """SIGKILL to the group."""
        await self._end(signal.SIGKILL)

    async def stop(self, within_s: float) -> bool:
        """SIGTERM to the group, then SIGKILL; true when it ended in time with exit code 0."""
        process = self._process
        if process is None:
            return True
        try:
            async with asyncio.timeout(within_s):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
            return False
        return process.returncode == 0

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now
                os.killpg(process.pid, how)
        await process.wait()
        self._process = None


class ClientByHand:
    """A client that somebody started: nobody here can start it again."""

    can_restart = False

    async def start(self, environment: Mapping[str, str]) -> None:
        """It was told already."""

    async def kill(self) -> None:
        """It goes on."""

    async def stop(self, within_s: float) -> bool:
        """It goes on."""
        return True
