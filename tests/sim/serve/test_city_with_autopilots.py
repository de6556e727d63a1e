"""A simulated city in which real autopilots stand in for its drones."""

from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import sys
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pymavlink import mavutil

from airspace.reasons import Refused
from controller.cli.app import run as beichen
from controller.cli.options import Exit
from controller.clock import Clock, run, virtual_tempo
from controller.tasks import attended
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import load_city
from sim.drone import Truth
from sim.drone.modes import Mode
from sim.fault_acts import acts_in
from sim.fault_text import parse_fault
from sim.links import Link, memory_link
from sim.timeline import Timeline
from tests.sim.serve.test_ardupilot import PATIENCE_S, ROOT, binary, free_instance, processes_in

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
    number = free_instance(1)
    file, into = tmp_path / "city.yaml", tmp_path / "into"
    file.write_text(CITY, encoding="utf-8")
    command = [sys.executable, "-m", "controller.cli", "sim", "city", str(file), "--into", str(into), "--json"]
    command += ["--speed", "5", "--ardupilot", "--binary", str(binary), "--first", str(number), "--with-parent"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["autopilots"] == {"drone-1": "4.7.0"}
        site = Path(told["site"])
        (drone,) = tomllib.loads(site.read_text(encoding="utf-8"))["drones"]
        connection = mavutil.mavlink_connection(drone["address"], source_system=255)
        connection.mav.heartbeat_send(6, 8, 0, 0, 4)
        assert connection.wait_heartbeat(timeout=PATIENCE_S) is not None
        connection.mav.command_long_send(number + 1, 1, 512, 0, 33, 0, 0, 0, 0, 0, 0)
        place = connection.recv_match(type="GLOBAL_POSITION_INT", blocking=True, timeout=PATIENCE_S)
        assert place is not None
        assert (place.lat / 1e7, place.hdg) == (pytest.approx(34.7466, abs=1e-5), 9000)
        connection.close()
        assert json.loads(process.stdout.readline()) == {"drone": "drone-1", "landed": True, "armed": False}
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
        self.wind = (0.0, 0.0, 0.0)
        self.truth = Truth(34.7466, 113.6253, 0.0, 0.0, 0.0, 0.0, 90.0, False, True, Mode.STABILIZE, 1.0, 0)

    def attach(self, link: Link) -> None:
        self.links.append(link)

    def feel_wind(self, speed_mps: float, from_deg: float, gust_mps: float) -> None:
        self.wind = (speed_mps, from_deg, gust_mps)


def in_city(folder: Path, main: Callable[[City, Pilot], Awaitable[None]]) -> None:
    """Run `main` in a city whose one drone is a pilot from outside."""

    async def beside(clock: Clock) -> None:
        file = folder / "city.yaml"
        file.write_text(CITY, encoding="utf-8")
        loaded, pilot, exchange = load_city(file), Pilot(), Exchange()
        connections = {pole.code: MemoryConnection(exchange) for pole in loaded.poles}
        city = City(loaded, utc_s=clock.utc_s, seed=1, connections=connections, autopilots={"drone-1": pilot})
        try:
            await main(city, pilot)
        finally:
            exchange.stop()

    run(beside, virtual_tempo())


def test_docks_and_radio_know_an_autopilot_from_outside(tmp_path: Path) -> None:
    async def main(city: City, pilot: Pilot) -> None:
        (dock,) = city.poles
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

    in_city(tmp_path, main)


def test_an_autopilot_is_told_of_the_wind_and_of_a_front_that_comes(tmp_path: Path) -> None:
    async def main(city: City, pilot: Pilot) -> None:
        async def look() -> None:
            await asyncio.sleep(2.0)
            assert pilot.wind == (3.0, 70.0, 0.6)
            Timeline(city, acts_in(city)).inject(parse_fault("wind=11,from_deg=90,over_s=20"))
            await asyncio.sleep(10.0)
            assert 5.0 < pilot.wind[0] < 9.0
            await asyncio.sleep(12.0)
            assert pilot.wind[:2] == (11.0, 90.0)
            assert pilot.wind[2] > 0.6

        await attended(look(), city.run())

    in_city(tmp_path, main)


def test_what_happens_to_a_drones_radio_happens_to_an_autopilots(tmp_path: Path) -> None:
    async def main(city: City, pilot: Pilot) -> None:
        near, far = memory_link(rng=random.Random(1))
        city.attach("drone-1", near)
        timeline = Timeline(city, acts_in(city))
        near.send(b"heard")
        assert await far.receive() == b"heard"
        timeline.inject(parse_fault("link:drone-1=lost@10~5"))
        timeline.inject(parse_fault("loss=100@takeoff:drone-1"))
        await asyncio.sleep(11.0)
        near.send(b"lost")
        await asyncio.sleep(6.0)
        near.send(b"heard again")
        assert await far.receive() == b"heard again"
        assert city.trouble("drone-1").loss == 0.0
        for hook in pilot.on_takeoff:
            hook(34.7466, 113.6253)
        await asyncio.sleep(0.1)
        assert city.trouble("drone-1").loss == 1.0

    in_city(tmp_path, main)


@pytest.mark.parametrize("text", ["battery:drone-1=20", "motor:drone-1=1", "fix:drone-1=3", "spoof:drone-1=1"])
def test_no_fault_reaches_into_an_autopilot(tmp_path: Path, text: str) -> None:
    async def main(city: City, pilot: Pilot) -> None:
        with pytest.raises(Refused, match=r"inject\.no-target"):
            Timeline(city, acts_in(city)).inject(parse_fault(text))

    in_city(tmp_path, main)


def test_faults_that_no_autopilot_can_have_are_refused_all_at_once_before_it_is_started(
    binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, into = tmp_path / "city.yaml", tmp_path / "into"
    file.write_text(CITY, encoding="utf-8")
    faults = ["--inject", "motor=1@takeoff+5", "--inject", "wind=9", "--inject", "temperature=-12"]
    command = ["sim", "city", str(file), "--into", str(into), "--ardupilot", "--binary", str(binary), *faults]
    assert beichen(command) == Exit.REFUSED
    out = capsys.readouterr().out
    assert out.count("[autopilot.needs-inside]") == 2
    assert "--inject motor=1@takeoff+5" in out
    assert "--inject temperature=-12" in out
    assert not into.exists()


def test_a_program_is_not_named_without_saying_that_real_autopilots_fly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "city.yaml"
    file.write_text(CITY, encoding="utf-8")
    command = ["sim", "city", str(file), "--into", str(tmp_path), "--binary", "arducopter", "--first", "3"]
    assert beichen(command) == Exit.USAGE
    err = capsys.readouterr().err
    assert err.count("[autopilot.not-asked]") == 2
    assert "--binary" in err
    assert "--first" in err
