"""`beichen sim explore` stopped in the midst of it: at once, in words, with what it found, and nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0  # of the wall, for a loaded machine
DAYS = ("--seeds", "100000", "--drones", "2", "--poles", "12", "--minutes", "1", "--jobs", "2")


def left_of(session: int) -> list[str]:
    """The processes of a session that still run."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(process.name)
    return found


def everybody(process: int) -> None:
    os.killpg(process, signal.SIGINT)  # what a terminal does at Ctrl-C


@pytest.mark.parametrize(
    "stop",
    [everybody, lambda process: os.kill(process, signal.SIGINT), lambda process: os.kill(process, signal.SIGTERM)],
    ids=["ctrl-c", "sigint", "sigterm"],
)
def test_it_ends_at_once_with_its_table_and_without_a_trace(tmp_path: Path, stop: Callable[[int], None]) -> None:
    command = [sys.executable, "-m", "controller.cli", "sim", "explore", *DAYS, "--into", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        try:
            assert process.stderr.readline().startswith("days: 1 of 100000, broken: ")  # a log shows that it is alive
            stop(process.pid)
            out, err = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "leaked" not in err
    assert "bad luck" in out
    assert "days: " in out
    assert out.splitlines()[-1] == "Stopped."
    deadline = time.monotonic() + PATIENCE_S
    while left_of(process.pid):
        assert time.monotonic() < deadline, "processes were left behind"
        time.sleep(0.05)
