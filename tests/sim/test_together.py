"""Several flights under one controller: each has its drone, its airspace and its own part of the log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controller.events import Phase, PhaseChanged, PlanMade, RunStarted, decode_record
from tests.sim.hamlet import ALTERNATE, DOCK, START, Hamlet, live, request, until, until_phase


def codes(result: object) -> list[str]:
    return [reason["code"] for reason in result.reasons]  # type: ignore[attr-defined]


def test_two_drones_fly_at_once_and_each_run_keeps_its_own_story(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            first = asyncio.create_task(world.fly(district, request("out", docks=(DOCK,)), "drone-1"))
            await until_phase(district, Phase.FLYING)
            aside = request("aside", docks=(ALTERNATE,))
            second = asyncio.create_task(world.fly(district, aside, "drone-2"))
            one, other = await first, await second
        assert one.outcome == "completed"
        for result, name in ((one, "out"), (other, "aside")):
            log = [decode_record(line) for line in (result.folder / "events.jsonl").read_bytes().splitlines()]
            assert [r.event.name for r in log if isinstance(r.event, RunStarted)] == [name]
            flights = {r.event.flight for r in log if isinstance(r.event, PlanMade | PhaseChanged)}
            assert all(name in flight for flight in flights)

    live(tmp_path, main)


def test_a_drone_that_another_flight_has_is_not_touched(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            first = asyncio.create_task(world.fly(district, request("out"), "drone-1"))
            await until(lambda: bool(district.claimed))
            at_once = await world.fly(district, request("again", docks=(START,)), "drone-1")
            await until_phase(district, Phase.FLYING)
            in_flight = await world.fly(district, request("again", docks=(START,)), "drone-1")
            assert codes(at_once) == codes(in_flight) == ["drone.held"]
            assert len(world.radios) == 1
            assert (await first).outcome == "completed"
            await until(lambda: not district.claimed)
            back = await world.fly(district, request("back", backwards=True, docks=(START,)), "drone-1")
            assert back.outcome == "completed"

    live(tmp_path, main)
