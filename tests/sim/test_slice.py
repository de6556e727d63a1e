"""The whole way, from a request to a report, in virtual time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from airspace.frames import LatLon
from controller.clock import Clock, run, virtual_tempo
from controller.events import (
    AlarmRaised,
    CommandAnswered,
    DockReserved,
    FlightEnded,
    GateJudged,
    IntentAccepted,
    Phase,
    PhaseChanged,
    PoleSaid,
    Record,
    UploadVerified,
    decode_record,
)
from controller.flight.gates import GATES
from controller.flight.mission_source import load_mission
from controller.run import RunResult
from controller.tasks import attended
from poles.protocol import numbers_of
from sim.faults import zone_over
from sim.links import Quality
from sim.world import World, WorldSetup, fly_once, running, setup
from tests.sim.hamlet import finished

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou"
REQUEST = EXAMPLE / "pipeline.yaml"
WISHED, ALTERNATE, START = "410105-LP-000003", "410105-LP-000004", "410105-LP-000001"


def flown(runs: Path, *inject: str, **rest: Any) -> tuple[RunResult, list[Record]]:
    """The result and the log of one run of the example in virtual time."""
    given = setup(EXAMPLE / "city.yaml", runs, inject=inject, **rest)
    result = run(lambda clock: fly_once(given, REQUEST, clock), virtual_tempo())
    return result, log_of(result)


def log_of(result: RunResult) -> list[Record]:
    """The exported log of a run."""
    return [decode_record(line) for line in (result.folder / "events.jsonl").read_bytes().splitlines()]


def events(log: list[Record], kind: type) -> list[Any]:
    """All events of one kind, in order."""
    return [record.event for record in log if isinstance(record.event, kind)]


def test_the_inspection_is_flown_and_lands_on_the_reserved_dock(tmp_path: Path) -> None:
    result, log = flown(tmp_path)
    assert result.outcome == "completed"
    flight = result.summary.flights[0]
    assert (flight.completed, flight.landed_on) == (True, WISHED)
    assert WISHED in {event.pole for event in events(log, DockReserved)}
    assert not result.summary.conflicts
    assert flight.max_cross_track_m is not None
    assert flight.max_cross_track_m < 5
    assert flight.min_clearance_m is not None
    assert flight.min_clearance_m > 50
    assert flight.outside_reserved_s == 0.0
    assert flight.photos > 200
    assert all(target.seen for target in flight.targets)
    gates = events(log, GateJudged)
    assert len(gates) == 2 * len(GATES)  # before the upload, and again before the motors start
    assert all(gate.passed and gate.evidence for gate in gates)


def test_nothing_is_sent_to_the_motors_before_the_upload_was_read_back(tmp_path: Path) -> None:
    _, log = flown(tmp_path)
    kinds = [type(record.event) for record in log]
    reserved, verified = kinds.index(IntentAccepted), kinds.index(UploadVerified)
    armed = next(
        i for i, record in enumerate(log) if isinstance(record.event, CommandAnswered) and record.event.command == "arm"
    )
    judged = [i for i, kind in enumerate(kinds) if kind is GateJudged]
    assert reserved < judged[0] < verified < judged[-1] < armed
    assert events(log, UploadVerified)[0].differences == ()


def test_the_run_folder_holds_everything(tmp_path: Path) -> None:
    result, _ = flown(tmp_path)
    names = {path.name for path in result.folder.iterdir()}
    assert names >= {
        "report.html",
        "plan.plan",
        "tracks.geojson",
        "flight.tlog",
        "events.jsonl",
        "summary.json",
    }


def test_two_runs_with_one_seed_write_the_same_bytes(tmp_path: Path) -> None:
    first, _ = flown(tmp_path / "a", seed=7)
    second, _ = flown(tmp_path / "b", seed=7)
    other, _ = flown(tmp_path / "c", seed=8)
    one, two, three = ((r.folder / "events.jsonl").read_bytes() for r in (first, second, other))
    assert one == two
    assert one != three
    assert (first.folder / "flight.tlog").read_bytes() == (second.folder / "flight.tlog").read_bytes()


def test_two_processes_that_hash_differently_write_the_same_bytes(tmp_path: Path) -> None:
    script = f"from tests.sim.test_slice import flown; from pathlib import Path; flown(Path({str(tmp_path)!r}) / HASH)"
    for hash_seed in ("1", "2"):
        code = f"HASH = {hash_seed!r}; {script}"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(EXAMPLE.parents[1])}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    one, two = ((tmp_path / name).glob("*/events.jsonl") for name in ("1", "2"))
    assert next(one).read_bytes() == next(two).read_bytes()


def test_strong_wind_refuses_the_launch_and_names_the_pole(tmp_path: Path) -> None:
    result, log = flown(tmp_path, "wind=18")
    assert result.outcome == "refused"
    wind = next(gate for gate in events(log, GateJudged) if gate.gate == "wind")
    assert not wind.passed
    assert wind.evidence["gust_mps"] > 10
    assert any(wind.evidence["pole"] in reason["en"] and "wind" in reason["en"] for reason in result.reasons)
    assert not any(event.command == "arm" for event in events(log, CommandAnswered))
    assert events(log, FlightEnded)[0].landed_on == ""


def test_a_zone_laid_over_the_route_is_flown_around(tmp_path: Path) -> None:
    line = load_mission(REQUEST).wish.line  # type: ignore[union-attr]
    result, _ = flown(tmp_path, extra_zones=zone_over(line))
    flight = result.summary.flights[0]
    assert result.outcome == "completed"
    assert flight.min_clearance_m is not None
    assert 0 < flight.min_clearance_m < 30
    assert flight.min_clearance_zone == "laid-over-the-route"
    assert flight.distance_m is not None


def test_with_the_dock_taken_the_drone_lands_at_the_alternate(tmp_path: Path) -> None:
    result, log = flown(tmp_path, "dock=taken")
    assert (result.outcome, result.summary.flights[0].landed_on) == ("completed", ALTERNATE)
    assert WISHED not in {event.pole for event in events(log, DockReserved)}


@pytest.mark.parametrize("fault", ["dock=taken@takeoff+60", "dock=stuck"])
def test_a_dock_that_fails_during_the_flight_diverts_to_the_alternate(tmp_path: Path, fault: str) -> None:
    result, log = flown(tmp_path, fault)
    assert (result.outcome, result.summary.flights[0].landed_on) == ("completed", ALTERNATE)
    raised = {alarm.code for alarm in events(log, AlarmRaised)}
    assert raised >= {"dock.not-ready", "flight.diverted"}


def test_an_empty_battery_or_a_poor_fix_refuses_the_launch(tmp_path: Path) -> None:
    for fault, gate in (("battery=40", "battery"), ("fix=3", "fix")):
        result, log = flown(tmp_path / gate, fault)
        assert result.outcome == "refused"
        assert not next(event for event in events(log, GateJudged) if event.gate == gate).passed
        assert not any(event.command == "arm" for event in events(log, CommandAnswered))


def world_run(
    runs: Path, main: Callable[[World], Coroutine[Any, Any, Any]], *inject: str, seed: int = 3, link_loss: float = 0.0
) -> Any:
    """Run `main` in a world with its city, in virtual time."""
    given = setup(EXAMPLE / "city.yaml", runs, seed=seed, inject=inject)
    given = WorldSetup(given.city, given.folder, runs, seed, given.faults, link=Quality(link_loss, delay_s=0.02))

    async def with_city(clock: Clock) -> Any:
        world = World(given, clock, load_mission(REQUEST))
        async with running(world):
            return await attended(main(world), world.city.run())

    return run(with_city, virtual_tempo())


def test_a_drone_whose_link_is_lost_ends_its_flight_on_open_ground_by_itself(tmp_path: Path) -> None:
    async def main(world: World) -> None:
        async with world.controller() as district:
            result = await world.fly(district)
        assert result.outcome == "failed"
        assert result.reasons[0]["code"] == "flight.lost"
        truth = world.city.drones["drone-1"].truth
        assert truth.landed
        assert not truth.armed
        here = LatLon(truth.lat_deg, truth.lon_deg)
        spots = [LatLon(p.lat_deg, p.lon_deg) for p in world.given.city.open_ground]
        assert min(here.distance_m(spot) for spot in spots) < 5

    world_run(tmp_path, main, "link=lost@takeoff+60")


def test_a_lossy_link_still_brings_the_drone_home(tmp_path: Path) -> None:
    async def main(world: World) -> None:
        async with world.controller() as district:
            result = await world.fly(district)
        assert (result.outcome, result.summary.flights[0].landed_on) == ("completed", WISHED)

    world_run(tmp_path, main, link_loss=0.15)


@pytest.mark.parametrize("after_s", [70, 200, 440, 470])
def test_a_controller_that_dies_in_flight_finds_the_flight_and_reports_it_whole(tmp_path: Path, after_s: int) -> None:
    async def main(world: World) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await asyncio.sleep(after_s)
            assert not flying.done()
            flying.cancel()
            await asyncio.wait([flying])
        await asyncio.sleep(20)
        async with world.controller() as district:
            (result,) = await finished(world, district)
        assert result.outcome == "completed"
        assert result.summary.flights[0].landed_on == WISHED
        assert result.summary.controller_starts >= 1
        log = log_of(result)
        assert [event.phase for event in events(log, PhaseChanged)].count(Phase.FLYING) == 1
        assert len(events(log, FlightEnded)) == 1
        assert "controller.restarted" in {alarm.code for alarm in events(log, AlarmRaised)}
        assert not district.state.unfinished()

    world_run(tmp_path, main)


@pytest.mark.parametrize("after_s", [5, 30, 45])
def test_a_controller_stopped_before_takeoff_gives_everything_back(tmp_path: Path, after_s: int) -> None:
    async def main(world: World) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await asyncio.sleep(after_s)
            flying.cancel()
            await asyncio.wait([flying])
            assert not district.airspace.intents
        async with world.controller() as district:
            await finished(world, district)
            result = await world.fly(district)
        assert result.outcome == "completed"

    world_run(tmp_path, main)


def test_no_pole_report_is_counted_twice_or_out_of_order(tmp_path: Path) -> None:
    _, log = flown(tmp_path)
    seen: dict[tuple[str, str], list[int]] = {}
    for said in events(log, PoleSaid):
        seen.setdefault((said.pole, said.message.boot), []).extend(numbers_of(said.message))
    assert len(seen) == 4
    for numbers in seen.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
