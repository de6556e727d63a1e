"""An alarm of a simulated pole starts a mission by rule, and the mission is flown like any other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec

from controller.clock import Clock, run, virtual_tempo
from controller.config import ResponseConfig
from controller.events import AnyEvent, FlightEnded, GateJudged, ResponseDecided, ResponseProposed, RunFinished
from controller.responses import responding
from controller.tasks import attended
from sim.world.assembly import World, WorldSetup, running
from sim.world.days.day import mission_of
from tests.sim.landings.fates import OTHER, WISHED
from tests.sim.landings.landings import CITY, WISH


def test_a_dead_lamp_is_looked_at_by_the_drone_that_the_rule_sends(tmp_path: Path) -> None:
    request = tmp_path / "look.yaml"
    request.write_text(mission_of(WISH).text, encoding="utf-8")
    rule = ResponseConfig(alarm="lamp.failed", request=str(request), automatic=True, poles=(OTHER,))
    events: list[AnyEvent] = []

    async def main(clock: Clock) -> None:
        world = World(WorldSetup(CITY, tmp_path, tmp_path / "runs", seed=9), clock)

        async def controlled() -> None:
            async with world.controller() as district:
                file = msgspec.structs.replace(district.site.file, responses=(rule,))
                district.site = replace(district.site, file=file)
                district.store.listen(lambda record: events.append(record.event))
                async with responding(district, tmp_path / "runs"):
                    await asyncio.sleep(10.0)
                    world.city.poles[OTHER].fail_lamp()
                    await asyncio.sleep(10.0)

        async with running(world):
            await attended(controlled(), world.city.run())

    run(main, virtual_tempo())
    (proposed,) = [event for event in events if isinstance(event, ResponseProposed)]
    (decided,) = [event for event in events if isinstance(event, ResponseDecided)]
    (ended,) = [event for event in events if isinstance(event, FlightEnded)]
    (finished,) = [event for event in events if isinstance(event, RunFinished)]
    assert (proposed.alarm, proposed.subject, decided.by) == ("lamp.failed", OTHER, "rule")
    assert all(event.passed for event in events if isinstance(event, GateJudged))
    assert (ended.landed_on, finished.run, finished.outcome) == (WISHED, decided.run, "completed")
    assert (tmp_path / "runs" / decided.run / "report.html").exists()
