"""A simulated city as a child process: `beichen sim city`, started, listened to and ended."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airspace.reasons import Reason, Refused, Rule, Words

NO_CITY = Rule(
    "demo.city",
    Words("the simulated city did not start: {detail}", "模拟城市未能启动：{detail}"),
    Words("Run `beichen sim city` by hand to see what it says.", "请单独运行 `beichen sim city` 查看原因。"),
)
CITY_ENDED = Rule(
    "demo.city-ended",
    Words("the simulated city ended by itself: {detail}", "模拟城市自行退出：{detail}"),
    Words("Mend what it says and run the command again.", "请按其提示处理后重新运行该命令。"),
)
CHUNK = 65536


@dataclass(slots=True)
class CityProcess:
    """A running city: its site file, what real autopilots fly in it, and how its drones are, as it tells of them.

    `autopilots` are the versions by drone id, none for simulated drones; `drones` and `faults` are as `follow` has
    heard: of a fault its text, when [s UTC], and whether it began or ended then.
    """

    site: Path
    autopilots: Mapping[str, str]
    drones: dict[str, dict[str, bool]] = field(default_factory=dict)  # by id: landed, armed
    faults: list[tuple[str, float, bool]] = field(default_factory=list)
    _out: int = -1
    _rest: bytes = b""  # of a line that is not whole yet
    _last: str = ""

    async def follow(self) -> None:
        """Take in what it tells of its drones until cancelled; raises `Refused` when the city ends by itself."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def readable() -> None:
            data = os.read(self._out, CHUNK)
            if not data and not ended.done():
                loop.remove_reader(self._out)
                ended.set_exception(Refused([Reason(CITY_ENDED, "", {"detail": _reasons(self._last)})]))
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._hear(line.decode(errors="replace"))

        loop.add_reader(self._out, readable)
        try:
            await ended
        finally:
            loop.remove_reader(self._out)

    def _hear(self, line: str) -> None:
        said = _said(line)
        if "drone" in said:
            self.drones[said["drone"]] = {"landed": bool(said["landed"]), "armed": bool(said["armed"])}
        elif "fault" in said:
            self.faults.append((str(said["fault"]), float(said["utc_s"]), bool(said["began"])))
        elif line.strip():
            self._last = line


@contextmanager
def city_process(arguments: list[str]) -> Iterator[CityProcess]:
    """A simulated city as a child process, ended when the context is left; raises `Refused` if it does not start.

    The child is in a session of its own, so that a Ctrl-C reaches the controller alone; it ends when we do.
    """
    command = [sys.executable, "-m", "controller.cli", "sim", "city", *arguments, "--with-parent", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True) as child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline().decode(errors="replace")
            said = _said(line)
            if "site" not in said:
                raise Refused([Reason(NO_CITY, "", {"detail": _reasons(line)})])
            yield CityProcess(Path(said["site"]), said["autopilots"], _out=child.stdout.fileno())
        finally:
            child.terminate()


def _said(line: str) -> dict[str, Any]:
    return dict(json.loads(line)) if line.startswith("{") else {}


def _reasons(line: str) -> Words:
    """The reasons in a line that refuses, or the line itself."""
    reasons = _said(line).get("reasons", [])
    if not reasons:
        return Words(line.strip() or "-", line.strip() or "-")
    return Words("; ".join(reason["en"] for reason in reasons), "；".join(reason["zh"] for reason in reasons))
