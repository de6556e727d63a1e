"""MAVProxy without a screen flies the simulated drone by what is typed into it."""

from __future__ import annotations

import contextlib
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.clients.serving import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, PATIENCE_S, serving

pytest.importorskip("MAVProxy")
QUESTIONS = 6
MODULES = "mode,arm,wp,fence,rally,param,misc,cmdlong"


class Console:
    """A MAVProxy at work: commands go in, lines come out and are looked at in their order."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip())

    def type(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def expect(self, pattern: str, within_s: float = PATIENCE_S) -> str:
        """The next line that matches."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                line = self._lines.get(timeout=0.5)
            except queue.Empty:
                continue
            self.seen.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError(f"{pattern} never came after: " + "\n".join(self.seen[-20:]))

    def ask(self, command: str, pattern: str) -> str:
        """The line that answers a question, which is typed again when its answer was lost or came too late for it."""
        for _ in range(QUESTIONS - 1):
            self.type(command)
            with contextlib.suppress(AssertionError):
                return self.expect(pattern, PATIENCE_S / QUESTIONS)
        self.type(command)
        return self.expect(pattern, PATIENCE_S / QUESTIONS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mavproxy")


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[Console]:
    with serving(speed=2.5) as drones:  # on a loaded machine it falls behind with what a faster drone says
        script = Path(sys.executable).parent / "mavproxy.py"
        command = [sys.executable, str(script), "--master", f"tcp:{drones[0].address}", "--default-modules", MODULES]
        command += ["--state-basedir", str(folder), "--logfile", str(folder / "flight.tlog")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(command, cwd=folder, text=True, bufsize=1, **pipes) as process:  # type: ignore[call-overload]
            try:
                console = Console(process)
                console.expect("Frame: QUAD")  # it asks for the parameters of a drone that it has met
                console.ask("param fetch", r"Received \d+ parameters")
                yield console
            finally:
                process.kill()


def written_mission(path: Path) -> Path:
    lines = ["QGC WPL 110"]
    lines.append(f"0\t1\t0\t16\t0\t0\t0\t0\t{HOME_LAT_DEG}\t{HOME_LON_DEG}\t{HOME_AMSL_M}\t1")
    lines.append("1\t0\t3\t22\t0\t0\t0\t0\t0\t0\t10\t1")
    lines.append(f"2\t0\t3\t16\t0\t0\t0\t0\t{HOME_LAT_DEG + 0.0003}\t{HOME_LON_DEG}\t12\t1")
    path.write_text("\n".join(lines) + "\n")
    return path


def written_fence(path: Path) -> Path:
    corners = ((0.002, -0.002), (0.002, 0.002), (-0.002, 0.002), (-0.002, -0.002), (0.002, -0.002))
    lines = [f"{HOME_LAT_DEG} {HOME_LON_DEG}"] + [f"{HOME_LAT_DEG + n} {HOME_LON_DEG + e}" for n, e in corners]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_mavproxy_reads_and_sets_parameters(console: Console) -> None:
    console.ask("param show FENCE_ALT_MAX", r"FENCE_ALT_MAX\s+100\.0")
    console.type("param set FENCE_ALT_MAX 80")
    console.ask("param show FENCE_ALT_MAX", r"FENCE_ALT_MAX\s+80\.0")


def test_mavproxy_loads_lists_and_saves_a_mission_and_flies_it(console: Console, folder: Path) -> None:
    written_mission(folder / "mission.txt")
    console.type("wp load mission.txt")
    console.expect("Got MISSION_ACK: TYPE_MISSION: ACCEPTED")
    console.ask("wp list", r"^22 3 .* 10\.0")
    console.expect(r"^16 3 34\.746[89].* 12\.0")
    console.ask("wp save saved.txt", "Saved 3 waypoints to saved.txt")
    assert (folder / "saved.txt").read_text().splitlines()[2].split()[3] == "22"

    written_fence(folder / "fence.txt")
    console.type("fence load fence.txt")
    console.expect("Got MISSION_ACK: TYPE_FENCE: ACCEPTED")
    console.ask("fence list", "^5001 ")  # an autopilot that has not indexed its new fence yet says that it has none
    console.type("fence enable")
    console.expect("DO_FENCE_ENABLE: ACCEPTED")

    console.type("mode GUIDED")
    console.expect("Mode GUIDED")
    console.type("arm throttle")
    console.expect("^ARMED|ARMED$")
    console.type("takeoff 10")
    console.expect("NAV_TAKEOFF: ACCEPTED")
    console.type("mode AUTO")
    console.expect("Mode AUTO")
    console.type("long MISSION_START")
    console.expect("Reached command #2")
    console.type("mode LAND")
    console.expect("DISARMED")
