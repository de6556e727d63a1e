"""ArduPilot's simulator is started, supervised and ended; a stand-in with its command line and ports plays the part."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymavlink import mavutil

from airspace.frames import LatLon
from airspace.reasons import Refused
from sim.drone.modes import Mode
from sim.links import memory_link
from sim.serve.ardupilot import ArduPilots, Squadron
from sim.serve.fleet import Site
from sim.serve.sitl_process import Start, found
from tests.sim.station import Station

ROOT = Path(__file__).resolve().parents[3]
HOME = LatLon(34.7466, 113.6253)
PATIENCE_S = 60.0


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    """The stand-in as a program that can be started from anywhere."""
    program = tmp_path / "arducopter"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.sim.serve.standin "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_instance(count: int) -> int:
    """A number from which on so many instances find their ports free."""
    for number in random.Random(os.getpid()).sample(range(20, 200), 180):
        if all(port_is_free(5760 + 10 * n + k) for n in range(number, number + count) for k in (0, 2)):
            return number
    raise AssertionError("no ports are free")


def squadron(binary: Path, folder: Path, count: int = 1, patience_s: float = PATIENCE_S) -> Squadron:
    first = free_instance(count)
    return Squadron(binary, folder, count, Site(HOME, 100.0), speed=5.0, first=first, patience_s=patience_s)


@asynccontextmanager
async def flying(squad: Squadron) -> AsyncIterator[ArduPilots]:
    pilots = ArduPilots(squad)
    running = asyncio.create_task(pilots.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            ready = asyncio.create_task(pilots.ready())
            await asyncio.wait([ready, running], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
        if running.done():
            running.result()
        yield pilots
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def when(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 another process tells nobody here when it changes
            await asyncio.sleep(0.05)


def processes_in(folder: Path) -> list[int]:
    """The processes that work in a folder or below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                place = str((entry / "cwd").readlink())
            except OSError:
                continue
            if place.startswith(str(folder)):
                found.append(int(entry.name))
    return found


def test_two_instances_fly_behind_the_face_of_simulated_drones(binary: Path, tmp_path: Path) -> None:
    async def scene() -> None:
        async with flying(squadron(binary, tmp_path / "fleet", count=2)) as pilots:
            one, other = pilots.drones
            assert one.version == "4.7.0"
            assert other.system_id == one.system_id + 1
            await when(lambda: "SIMSTATE" in one._last and "GLOBAL_POSITION_INT" in one._last)
            east_m = HOME.distance_m(LatLon(one.truth.lat_deg, one.truth.lon_deg))
            assert east_m == pytest.approx(2.5, abs=0.3)  # two stand five metres apart
            taken_off: list[tuple[float, float]] = []
            one.on_takeoff.append(lambda lat, lon: taken_off.append((lat, lon)))
            near, far = memory_link(rng=random.Random(1))
            one.attach(near)
            async with Station(far) as station:
                who = one.system_id
                assert await station.command(176, 1, 4, system_id=who) == 0
                await when(lambda: one.truth.mode is Mode.GUIDED)
                assert await station.command(400, 1, system_id=who) == 0
                assert await station.command(22, 0, 0, 0, 0, 0, 0, 8, system_id=who) == 0
                await when(lambda: one.truth.relative_m > 7.0)
                assert taken_off
                assert one.truth.armed
                assert not one.truth.landed
                assert not other.truth.armed
        assert (tmp_path / "fleet" / f"ardupilot-{one.system_id - 1}" / "sitl.log").read_text().startswith("Starting")

    asyncio.run(scene())
    assert processes_in(tmp_path / "fleet") == []


def test_the_wind_that_it_shall_feel_is_set_in_its_simulator_and_told_once(binary: Path, tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with flying(squadron(binary, tmp_path / "fleet")) as pilots:
            (pilot,) = pilots.drones
            pilot.feel_wind(7.3, 250.0, 0.8)
            await when(lambda: pilot._set.get("SIM_WIND_TURB") == pytest.approx(0.8))
            await asyncio.sleep(1.5)  # time to be told again
            pilot.feel_wind(9.0, 250.0, 0.8)
            await when(lambda: pilot._set.get("SIM_WIND_SPD") == 9.0)
            log = tmp_path / "fleet" / f"ardupilot-{pilot.system_id - 1}" / "sitl.log"
            return [line for line in log.read_text().splitlines() if line.startswith("SIM_")]

    assert asyncio.run(scene()) == [
        "SIM_WIND_T 1", "SIM_WIND_SPD 7.3", "SIM_WIND_DIR 250", "SIM_WIND_TURB 0.8", "SIM_WIND_SPD 9"
    ]  # fmt: skip


def test_an_instance_that_dies_ends_all_and_its_last_words_are_told(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN", "crash")

    async def scene() -> None:
        await ArduPilots(squadron(binary, tmp_path / "fleet", count=2)).run()

    with pytest.raises(Refused) as refused:
        asyncio.run(scene())
    reason = refused.value.reasons[0]
    assert reason.rule.code == "sitl.died"
    assert reason.facts["code"] == 134
    assert "Floating point exception" in str(reason.facts["words"])
    assert processes_in(tmp_path / "fleet") == []


def test_a_slow_start_is_waited_for(binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN", "late")

    async def scene() -> None:
        async with flying(squadron(binary, tmp_path / "fleet")) as pilots:
            assert pilots.drones[0].ready.is_set()

    asyncio.run(scene())


def test_one_that_is_never_heard_is_given_up(binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN", "mute")
    with pytest.raises(Refused, match=r"sitl\.not-ready"):
        asyncio.run(ArduPilots(squadron(binary, tmp_path / "fleet", patience_s=2.0)).run())
    assert processes_in(tmp_path / "fleet") == []


def test_one_that_does_not_heed_sigterm_is_killed(
    binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN", "stubborn")
    monkeypatch.setattr("sim.serve.sitl_process.TERMINATE_WAIT_S", 0.5)

    async def scene() -> None:
        async with flying(squadron(binary, tmp_path / "fleet")):
            assert processes_in(tmp_path / "fleet")

    asyncio.run(scene())
    assert processes_in(tmp_path / "fleet") == []


def test_a_port_that_is_taken_is_named(binary: Path, tmp_path: Path) -> None:
    squad = squadron(binary, tmp_path / "fleet")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 5760 + 10 * squad.first))
        taken.listen()
        with pytest.raises(Refused, match=r"serve\.port-taken"):
            asyncio.run(ArduPilots(squad).run())


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "arducopter"
    plain.write_text("not a program")
    for named in (tmp_path / "nothing", plain, tmp_path):
        with pytest.raises(Refused, match=r"sitl\.no-binary"):
            found(named)


def test_the_command_line_is_as_sitl_takes_it() -> None:
    start = Start(Path("/opt/arducopter"), Path("there"), 3, HOME, 104.5, heading_deg=90.0, speed=5.0)
    assert start.command(Path("d.parm")) == [
        "/opt/arducopter", "--model", "+", "--speedup", "5", "--instance", "3", "--sysid", "4",
        "--home", "34.7466000,113.6253000,104.50,90.0", "--defaults", "d.parm",
    ]  # fmt: skip
    assert start.ports == (5790, 5792)


def test_the_verb_writes_a_site_serves_and_ends_all_at_sigterm(binary: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    command = [sys.executable, "-m", "controller.cli", "sim", "ardupilot", "--binary", str(binary), "--json"]
    command += ["--count", "1", "--first", str(free_instance(1)), "--speed", "5", "--gcs", "none", "--udp", "0"]
    command += ["--tcp", "0", "--folder", str(tmp_path / "fleet"), "--site", str(site)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        connection = mavutil.mavlink_connection(f"tcp:127.0.0.1:{told['drones'][0]['tcp']}", source_system=255)
        assert connection.wait_heartbeat(timeout=PATIENCE_S) is not None
        connection.close()
        assert 'address = "udpout:127.0.0.1:' in site.read_text(encoding="utf-8")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    deadline = time.monotonic() + PATIENCE_S
    while processes_in(tmp_path / "fleet"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
