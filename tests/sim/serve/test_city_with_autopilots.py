"""A simulated city in which real autopilots stand in for its drones."""

from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pymavlink import mavutil

from controller.clock import Clock, run, virtual_tempo
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import load_city
from sim.drone import Truth
from sim.drone.modes import Mode
from sim.links import Link, memory_link
from sim.serve.sitl_process import FIRST_PORT
from tests.sim.serve.test_ardupilot import PATIENCE_S, ROOT, binary, port_is_free, processes_in

__all__ = ["binary"]
pytestmark = pytest.mark.filterwarnings("ignore")  # mavutil leaves sockets behind
CITY = """\
name: two docks
origin: {lat_deg: 34.7466, lon_deg: 113.6253}
ground: {amsl_m: 100.0, geoid_m: -17.0}
drones:
  - {id: drone-1, lat_deg: 34.7466, lon_deg: 113.6253, heading_deg: 90.0}
poles:
  - {code: 410105-LP-000001, lat_deg: 34.7466, lon_deg: 113.6253, services: [dock, weather]}
"""


def test_a_controller_finds_the_autopilot_where_the_site_file_says(binary: Path, tmp_path: Path) -> None:
    if not port_is_free(FIRST_PORT):
        pytest.skip(f"port {FIRST_PORT} is in use")
    file, into = tmp_path / "city.yaml", tmp_path / "into"
    file.write_text(CITY, encoding="utf-8")
    command = [sys.executable, "-m", "controller.cli", "sim", "city", str(file), "--into", str(into), "--json"]
    command += ["--speed", "5", "--ardupilot", str(binary), "--with-parent"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        site = Path(json.loads(process.stdout.readline())["site"])
        (drone,) = tomllib.loads(site.read_text(encoding="utf-8"))["drones"]
        connection = mavutil.mavlink_connection(drone["address"], source_system=255)
        connection.mav.heartbeat_send(6, 8, 0, 0, 4)
        assert connection.wait_heartbeat(timeout=PATIENCE_S) is not None
        connection.mav.command_long_send(1, 1, 512, 0, 33, 0, 0, 0, 0, 0, 0)
        place = connection.recv_match(type="GLOBAL_POSITION_INT", blocking=True, timeout=PATIENCE_S)
        assert place is not None
        assert (place.lat / 1e7, place.hdg) == (pytest.approx(34.7466, abs=1e-5), 9000)
        connection.close()
        assert processes_in(into)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
    assert processes_in(into) == []


class Pilot:
    """A drone from outside, which is wherever the test puts it."""

    def __init__(self) -> None:
        self.on_takeoff: list[Callable[[float, float], None]] = []
        self.on_touchdown: list[Callable[[float, float], None]] = []
        self.links: list[Link] = []
        self.truth = Truth(34.7466, 113.6253, 0.0, 0.0, 0.0, 0.0, 90.0, False, True, Mode.STABILIZE, 1.0, 0)

    def attach(self, link: Link) -> None:
        self.links.append(link)

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()


def test_docks_and_radio_know_an_autopilot_from_outside(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        file = tmp_path / "city.yaml"
        file.write_text(CITY, encoding="utf-8")
        loaded, pilot, exchange = load_city(file), Pilot(), Exchange()
        (dock,) = (pole.code for pole in loaded.poles)
        connections = {dock: MemoryConnection(exchange)}
        city = City(loaded, utc_s=clock.utc_s, seed=1, connections=connections, autopilots={"drone-1": pilot})
        assert city.drones == {}
        assert city.occupied(dock)
        pilot.truth = replace(pilot.truth, relative_m=20.0, landed=False)
        gone: list[str] = []
        city.on_takeoff.append(gone.append)
        for hook in pilot.on_takeoff:
            hook(34.7466, 113.6253)
        assert gone == ["drone-1"]
        assert not city.occupied(dock)
        assert math.dist(city.place_of("drone-1"), (0.0, 0.0, 20.0)) < 0.1
        near, _ = memory_link(rng=random.Random(1))
        city.attach("drone-1", near)
        assert pilot.links == [near]

    run(main, virtual_tempo())
