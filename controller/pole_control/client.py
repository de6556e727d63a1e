"""The verbs' end of the control socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words
from controller.config import LoadedSite
from controller.pole_control.messages import Answer, Begun, Request, Underway
from controller.pole_control.place import control_path, not_running, reachable

LONGEST_ANSWER = 1 << 27  # a survey of 100,000 poles has some 20 MB

ENDED = Rule(
    "poles.gateway-ended",
    Words("the gateway ended before it answered", "网关在应答前已停止"),
    Words("Look at its console; a command may have reached the pole.", "请查看网关控制台；指令可能已到达灯杆。"),
)

BAD_ANSWER = Rule(
    "poles.bad-answer",
    Words("the gateway's answer is not understood here: {why}", "无法理解网关的应答：{why}"),
    Words("Use the same version of Beichen for both.", "请使用相同版本的北辰。"),
)


class Control:
    """A connection to a running gateway; made by `control_of`."""

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path, self._reader, self._writer = path, reader, writer

    async def ask(self, request: Request) -> AsyncIterator[Answer]:
        """Every answer to one request; the last one ends it. Raises Refused when the gateway goes away."""
        try:
            self._writer.write(msgspec.json.encode(request) + b"\n")
            await self._writer.drain()
            while True:
                line = await self._reader.readline()
                if not line:
                    raise ConnectionError
                answer: Answer = msgspec.json.decode(line, type=Answer)
                yield answer
                if not isinstance(answer, Begun | Underway):
                    return
        except ConnectionError:
            raise Refused([Reason(ENDED, str(self._path))]) from None
        except msgspec.DecodeError as error:
            raise Refused([Reason(BAD_ANSWER, str(self._path), {"why": str(error)})]) from None


@asynccontextmanager
async def control_of(place: LoadedSite) -> AsyncIterator[Control]:
    """Connect to the gateway of a site that runs on this machine. Raises Refused when none does."""
    path = control_path(place)
    try:
        with reachable(path) as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=LONGEST_ANSWER)
    except OSError:
        raise not_running(place) from None
    try:
        yield Control(path, reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
