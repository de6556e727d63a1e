"""Drones served by `beichen sim drones` in a process of its own, as a user has them, and patience for their clients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOME_LAT_DEG, HOME_LON_DEG, HOME_AMSL_M = 34.7466, 113.6253, 100.0
PATIENCE_S = 60.0  # of the wall, for a loaded machine


@dataclass(frozen=True, slots=True)
class Served:
    """One drone's ports on the loopback."""

    udp: int
    tcp: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.tcp}"


@contextmanager
def serving(*options: str, speed: float = 10.0, gcs: str = "none") -> Iterator[list[Served]]:
    """The drones of one process, which ends with the block."""
    command = [sys.executable, "-m", "controller.cli", "sim", "drones", "--json", "--with-parent"]
    command += ["--gcs", gcs, "--tcp", "0", "--udp", "0", "--seed", "1", "--speed", str(speed), *options]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            yield [Served(each["udp"], each["tcp"]) for each in told["drones"]]
        finally:
            process.kill()


def eventually(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait until something is so; fails when that takes too long."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)
