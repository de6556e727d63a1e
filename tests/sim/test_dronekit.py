"""The real dronekit client flies the simulated drone."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

dronekit = pytest.importorskip("dronekit")
SPEED = 5


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def vehicle() -> Iterator[Any]:
    port = free_port()
    command = [sys.executable, "-m", "tests.sim.drone_process", str(port), str(SPEED)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        vehicle = dronekit.connect(f"udp:127.0.0.1:{port}", wait_ready=True, timeout=60)
        try:
            yield vehicle
        finally:
            vehicle.close()
    finally:
        process.kill()
        process.wait()


def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.filterwarnings("ignore")
def test_dronekit_reads_arms_and_uploads(vehicle: Any) -> None:
    assert vehicle.parameters["RTL_ALT"] == 1500
    assert vehicle.mode.name == "STABILIZE"
    assert not vehicle.armed
    assert vehicle.location.global_frame.lat == pytest.approx(34.7466, abs=1e-5)
    commands = vehicle.commands
    commands.download()
    commands.wait_ready()
    commands.clear()
    home = vehicle.location.global_frame
    mavutil_item = dronekit.Command
    commands.add(mavutil_item(0, 0, 0, 3, 22, 0, 1, 0, 0, 0, 0, 0, 0, 15))
    commands.add(mavutil_item(0, 0, 0, 3, 16, 0, 1, 0, 0, 0, 0, home.lat + 0.0003, home.lon, 15))
    commands.upload()
    commands.download()
    commands.wait_ready()
    assert commands.count == 2
    vehicle.mode = dronekit.VehicleMode("GUIDED")
    eventually(lambda: vehicle.mode.name == "GUIDED")
    vehicle.armed = True
    eventually(lambda: vehicle.armed)
    vehicle.simple_takeoff(10)
    eventually(lambda: (vehicle.location.global_relative_frame.alt or 0.0) > 9.0)
