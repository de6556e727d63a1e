"""The same slice over real sockets, with the controller in a process of its own that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from controller.cli.city_process import city_process
from controller.clock import scaled_tempo
from controller.events import FlightEnded, Phase, PhaseChanged, decode_record

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou"
SPEED = 20
WISHED = "410105-LP-000003"


@contextmanager
def city(folder: Path, *more: str) -> Iterator[Path]:
    """A simulated city at speed, as `beichen sim city` runs it; yields its site file."""
    arguments = [str(EXAMPLE / "city.yaml"), "--into", str(folder), "--speed", str(SPEED), "--dock", WISHED, *more]
    with city_process(arguments) as simulated:
        yield simulated.site


def controller(site: Path, *arguments: str) -> subprocess.Popen[str]:
    """`beichen fly` as a process that speaks JSON lines."""
    command = [sys.executable, "-m", "controller.cli", "fly", *arguments, "--site", str(site), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def read_until(process: subprocess.Popen[str], kind: str, **fields: Any) -> dict[str, Any]:
    """Read the controller's lines until an event of a kind with these fields comes."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line).get("event", {})
        if event.get("kind") == kind and all(event.get(name) == value for name, value in fields.items()):
            return dict(event)
    raise AssertionError(f"the controller ended before {kind} {fields}")


@pytest.mark.timeout(180)
def test_a_killed_controller_is_started_again_and_follows_the_flight_to_its_landing(tmp_path: Path) -> None:
    request = str(EXAMPLE / "pipeline.yaml")
    with city(tmp_path) as site:
        first = controller(site, request)
        read_until(first, "flight.item", seq=6)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        second = controller(site, request)
        out, _ = second.communicate(timeout=150)
    last = json.loads(out.splitlines()[-1])
    assert second.returncode == 0
    assert last["outcome"] == "completed"
    summary = json.loads((Path(last["folder"]) / "summary.json").read_text())
    (flight,) = summary["flights"]
    assert (flight["completed"], flight["landed_on"]) == (True, WISHED)
    log = [decode_record(line).event for line in (Path(last["folder"]) / "events.jsonl").read_bytes().splitlines()]
    assert [event.phase for event in log if isinstance(event, PhaseChanged)].count(Phase.FLYING) == 1
    assert sum(isinstance(event, FlightEnded) for event in log) == 1
    assert (Path(last["folder"]) / "report.html").stat().st_size > 10_000


@pytest.mark.timeout(90)
def test_ctrl_c_before_takeoff_gives_the_reservation_back_and_leaves_the_store_readable(tmp_path: Path) -> None:
    with city(tmp_path) as site:
        process = controller(site, str(EXAMPLE / "pipeline.yaml"))
        read_until(process, "intent.accepted")
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        events = [json.loads(line).get("event", {}) for line in out.splitlines()]
        assert process.returncode == 1
        assert {"intent.changed", "flight.ended", "run.finished"} <= {event.get("kind") for event in events}
        again = controller(site)
        out, _ = again.communicate(timeout=60)
        assert json.loads(out)["reasons"][0]["code"] == "fly.nothing"
        assert again.returncode == 1


def test_a_second_controller_on_the_same_store_is_refused(tmp_path: Path) -> None:
    with city(tmp_path) as site:
        first = controller(site, str(EXAMPLE / "pipeline.yaml"))
        read_until(first, "run.started")
        second = controller(site, str(EXAMPLE / "pipeline.yaml"))
        out, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert json.loads(out)["reasons"][0]["code"] == "store.in-use"
        first.kill()
        first.communicate()


SERVE_TCP = """
import asyncio, random, sys
from controller.clock import Tempo, run
from sim.drone import SimDrone
from sim.links import serve_tcp
from sim.wind import Wind

async def main(clock):
    drone = SimDrone(lat_deg=34.7478, lon_deg=113.6090, datum_amsl_m=108.0, rng=random.Random(5),
                     wind=Wind(rng=random.Random(6), east_mps=2.0), utc_s=clock.utc_s)
    server = await serve_tcp("127.0.0.1", 0, drone.attach)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await drone.run()

run(main, Tempo("scaled", *map(float, sys.argv[1:4])))
"""
MISSION = """QGC WPL 110
0\t1\t0\t16\t0\t0\t0\t0\t34.7478\t113.6090\t108\t1
1\t0\t3\t22\t0\t0\t0\t0\t0\t0\t30\t1
2\t0\t3\t16\t0\t0\t0\t0\t34.7482\t113.6098\t30\t1
3\t0\t3\t16\t0\t0\t0\t0\t34.7478\t113.6104\t30\t1
4\t0\t0\t20\t0\t0\t0\t0\t0\t0\t0\t1
"""


@pytest.mark.timeout(120)
def test_a_waypoints_file_flies_over_tcp_with_the_site_file_that_is_meant_for_ardupilot(tmp_path: Path) -> None:
    tree = tomllib.loads((EXAMPLE / "site-ardupilot.toml").read_text(encoding="utf-8"))
    tempo = scaled_tempo(SPEED)
    anchor = (tempo.speed, tempo.anchor_utc_s, tempo.anchor_monotonic_s)
    command = [sys.executable, "-c", SERVE_TCP, *map(str, anchor)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as autopilot:
        assert autopilot.stdout is not None
        tree["drones"][0]["address"] = f"tcp:127.0.0.1:{int(autopilot.stdout.readline())}"
        tree["airspace"] = [str(EXAMPLE / "airspace.geojson")]
        tree["tempo"] = dict(zip(("speed", "utc_s", "monotonic_s"), anchor, strict=True))
        site, mission = tmp_path / "site.toml", tmp_path / "round.waypoints"
        site.write_text(tomli_w.dumps(tree), encoding="utf-8")
        mission.write_text(MISSION, encoding="utf-8")
        out, _ = controller(site, str(mission)).communicate(timeout=100)
        autopilot.kill()
    last = json.loads(out.splitlines()[-1])
    assert last["outcome"] == "completed", out.splitlines()[-2]
    assert last["summary"]["flights"][0]["landed_on"] == "home"
