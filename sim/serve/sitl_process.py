"""One process of ArduPilot's software-in-the-loop simulator: its command line, its folder, its output, its end.

The command line and the ports are those of ArduPilot's SITL (https://ardupilot.org/dev/docs/using-sitl-for-ardupilot-testing.html):
instance n listens for MAVLink on TCP 5760 + 10 n, 5762 + 10 n and 5763 + 10 n, and waits for a client on the first
before its time begins.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from sim.serve.endpoints import LOOPBACK, PORT_TAKEN, TCP_STRIDE

PROGRAM = "arducopter"
FIRST_PORT, SECOND_PORT = 5760, 5762  # of instance 0
TERMINATE_WAIT_S = 5.0
LINES_KEPT = 20
# Without any calibration a new vehicle refuses to arm; these are the settings that the simulator's own quad needs.
DEFAULTS = """\
FRAME_CLASS 1
FRAME_TYPE 0
FS_THR_ENABLE 1
BATT_MONITOR 4
COMPASS_OFS_X 5
COMPASS_OFS_Y 13
COMPASS_OFS_Z -18
COMPASS_OFS2_X 5
COMPASS_OFS2_Y 13
COMPASS_OFS2_Z -18
COMPASS_OFS3_X 5
COMPASS_OFS3_Y 13
COMPASS_OFS3_Z -18
INS_ACCOFFS_X 0.001
INS_ACCOFFS_Y 0.001
INS_ACCOFFS_Z 0.001
INS_ACCSCAL_X 1.001
INS_ACCSCAL_Y 1.001
INS_ACCSCAL_Z 1.001
INS_ACC2OFFS_X 0.001
INS_ACC2OFFS_Y 0.001
INS_ACC2OFFS_Z 0.001
INS_ACC2SCAL_X 1.001
INS_ACC2SCAL_Y 1.001
INS_ACC2SCAL_Z 1.001
MOT_BAT_VOLT_MIN 9.6
MOT_BAT_VOLT_MAX 12.8
MOT_THST_HOVER 0.39
RC3_MIN 1000
RC3_MAX 2000
RC3_TRIM 1500
"""

NO_BINARY = Rule(
    "sitl.no-binary",
    Words("there is no program {program} that could be started", "找不到可启动的程序 {program}"),
    Words(
        "Build ArduPilot's SITL (./waf configure --board sitl && ./waf copter) and name build/sitl/bin/arducopter with "
        "--binary, or put it on PATH.",
        "请编译 ArduPilot 的 SITL（./waf configure --board sitl && ./waf copter），用 --binary 指定 "
        "build/sitl/bin/arducopter，或将其加入 PATH。",
    ),
)
DIED = Rule(
    "sitl.died",
    Words("ArduPilot {number} ended by itself with code {code}; its last words: {words}",
          "ArduPilot {number} 自行退出，代码 {code}；最后输出：{words}"),
    Words("Read its whole output in {log}.", "完整输出见 {log}。"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Start:
    """How one instance is started: `number` is SITL's instance, 0 and up; the first system id is 1."""

    binary: Path
    folder: Path
    number: int
    home: LatLon
    amsl_m: float
    heading_deg: float = 0.0
    speed: float = 1.0
    defaults: Path | None = None

    @property
    def system_id(self) -> int:
        """The vehicle's MAVLink system id."""
        return self.number + 1

    @property
    def ports(self) -> tuple[int, int]:
        """The TCP ports for ground stations and for the supervisor."""
        return FIRST_PORT + TCP_STRIDE * self.number, SECOND_PORT + TCP_STRIDE * self.number

    def command(self, defaults: Path) -> list[str]:
        """The command line."""
        home = f"{self.home.lat_deg:.7f},{self.home.lon_deg:.7f},{self.amsl_m:.2f},{self.heading_deg:.1f}"
        line = [str(self.binary), "--model", "+", "--speedup", f"{self.speed:g}", "--instance", str(self.number)]
        return [*line, "--sysid", str(self.system_id), "--home", home, "--defaults", str(defaults)]


def found(binary: Path | None) -> Path:
    """The program that was named, or `arducopter` on PATH; raises `Refused` when there is none that can be started."""
    if binary is None:
        on_path = shutil.which(PROGRAM)
        binary = Path(on_path) if on_path else None
    if binary is None or not binary.is_file() or not os.access(binary, os.X_OK):
        raise Refused([Reason(NO_BINARY, "--binary", {"program": str(binary or PROGRAM)})])
    return binary.absolute()


def refuse_taken_ports(start: Start) -> None:
    """Raise `Refused` when another program listens where this instance would."""
    for port in start.ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                facts = {"port": port, "kind": "TCP"}
                raise Refused([Reason(PORT_TAKEN, f"ArduPilot {start.number}", facts)]) from None


class SitlProcess:
    """A running instance; what it prints goes to `sitl.log` in its folder, the last lines stay at hand."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.log = start.folder / "sitl.log"
        self.last_lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._process: asyncio.subprocess.Process | None = None

    async def spawn(self) -> None:
        """Start it in its folder; raises `Refused` for a port that is taken."""
        refuse_taken_ports(self.start)
        folder = self.start.folder
        folder.mkdir(parents=True, exist_ok=True)
        defaults = self.start.defaults
        if defaults is None:
            defaults = folder / "defaults.parm"
            defaults.write_text(DEFAULTS, encoding="ascii")
        self._process = await asyncio.create_subprocess_exec(
            *self.start.command(defaults.absolute()),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C at our terminal is ours to pass on
        )

    async def ended(self) -> None:
        """Keep its output until it ends by itself, then raise `Refused` with its last words."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with self.log.open("wb") as log:
            async for line in process.stdout:
                log.write(line)
                log.flush()
                self.last_lines.append(line.decode(errors="replace").rstrip())
        code = await process.wait()
        facts = {
            "number": self.start.number, "code": code, "log": str(self.log), "words": " | ".join(self.last_lines) or "-"
        }  # fmt: skip
        raise Refused([Reason(DIED, f"ArduPilot {self.start.number}", facts)])

    async def end(self) -> None:
        """End it: SIGTERM to all that it started, and SIGKILL when that is not heeded."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(TERMINATE_WAIT_S):
                await process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
