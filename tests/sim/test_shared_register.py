"""A controller that shares a register with others: each hears of the other, and neither flies into the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely.geometry import Point

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Height, LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.reasons import Words
from airspace.volumes import Volume4D
from controller.alarms import Alarm
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import AlarmRaised, FlightKept, Phase, PhaseChanged
from controller.flight.mission_source import load_mission
from controller.register.changes import Batch
from controller.register.register import Register
from controller.site_airspace import site_register
from controller.tasks import attended
from sim.world import World, running, setup
from tests.sim.hamlet import until, until_phase

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou"
REQUEST = EXAMPLE / "pipeline.yaml"
ON_THE_WAY = LatLon(34.7519, 113.6222)
HOUR_S = 3600.0

Body = Callable[[World, District], Coroutine[Any, Any, Any]]


def in_world(runs: Path, *bodies: Body) -> None:
    """Run each body against a controller of its own, one after the other, in one city with one register."""

    async def main(clock: Clock) -> None:
        given = replace(setup(EXAMPLE / "city.yaml", runs), shared=True)
        world = World(given, clock, load_mission(REQUEST))

        async def controlled() -> None:
            for body in bodies:
                async with world.controller() as district:
                    await body(world, district)

        async with running(world):
            await attended(controlled(), world.city.run())

    run(main, virtual_tempo())


def others(world: World) -> AbstractContextManager[Register]:
    """The register as another process opens it."""
    return site_register(world.site, world.clock.utc_s)


def intents(world: World) -> dict[str, IntentState]:
    with others(world) as register:
        return {intent.id: intent.state for intent in register.intents()}


def zone_over(place: LatLon, radius_m: float = 60.0) -> ChartedZone:
    words = Words("sudden event", "突发事件")
    layer = Layer(Circle(place, radius_m), Height(0.0, Datum.AGL), Height(150.0, Datum.AGL))
    return ChartedZone("SUDDEN-1", words, "temporary", words, (layer,))


def raised(district: District, code: Alarm) -> list[AlarmRaised]:
    events = (record.event for record in district.store.read())
    return [event for event in events if isinstance(event, AlarmRaised) and event.code == code.value]


def test_others_see_a_flight_from_its_reservation_to_its_end(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        seen: list[IntentState] = []

        async def looking() -> None:
            while True:
                states = list(intents(world).values())
                if states and states[0] not in seen:
                    seen.append(states[0])
                await asyncio.sleep(0.5)

        looker = asyncio.create_task(looking())
        result = await world.fly(district)
        looker.cancel()
        assert result.outcome == "completed"
        assert seen == [IntentState.ACCEPTED, IntentState.ACTIVATED]
        assert intents(world) == {}
        assert not raised(district, Alarm.REGISTER_BEHIND)
        (kept,) = [record.event for record in district.store.read() if isinstance(record.event, FlightKept)]
        assert (kept.inside_share, kept.outside_s, kept.excursions) == (1.0, 0.0, 0)

    in_world(tmp_path, body)


def test_airspace_that_another_controller_holds_is_not_flown_into(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        x_m, y_m = district.site.frame.xy(ON_THE_WAY)
        now_s = world.clock.utc_s()
        theirs = Volume4D(Point(x_m, y_m).buffer(80.0), 80.0, 200.0, now_s, now_s + HOUR_S)
        intent = OperationalIntent("east/7", 0, IntentState.ACCEPTED, (theirs,))
        with others(world) as register:
            register.reserve([intent], (), "east")
        result = await world.fly(district)
        assert result.outcome == "refused"
        assert any("east/7" in reason["en"] for reason in result.reasons)
        assert intents(world) == {"east/7": IntentState.ACCEPTED}

    in_world(tmp_path, body)


def test_a_zone_that_is_published_during_a_flight_is_told_at_once(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        async def publishing() -> None:
            await until_phase(district, Phase.FLYING)
            with others(world) as register:
                register.import_zones([zone_over(ON_THE_WAY)], Batch("call.txt", "0" * 64, "duty officer"))
            published_s = world.clock.utc_s()
            await until(lambda: bool(raised(district, Alarm.AIRSPACE_CHANGED)))
            assert world.clock.utc_s() - published_s < 2.0

        await attended(world.fly(district), publishing())
        (alarm,) = raised(district, Alarm.AIRSPACE_CHANGED)
        assert "sudden event" in alarm.en
        assert "突发事件" in alarm.zh

    in_world(tmp_path, body)


def test_a_zone_that_is_published_while_the_drone_arms_keeps_it_on_the_ground(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        async def publishing() -> None:
            await until_phase(district, Phase.ARMING)
            with others(world) as register:
                register.import_zones([zone_over(ON_THE_WAY)], Batch("call.txt", "0" * 64, "duty officer"))

        result = await attended(world.fly(district), publishing())
        assert result.outcome == "refused"
        assert any("sudden event" in reason["en"] for reason in result.reasons)
        phases = [record.event for record in district.store.read() if isinstance(record.event, PhaseChanged)]
        assert Phase.FLYING not in {event.phase for event in phases}
        assert intents(world) == {}

    in_world(tmp_path, body)


def test_a_zone_that_is_published_before_a_flight_is_flown_around(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        with others(world) as register:
            register.import_zones([zone_over(ON_THE_WAY)], Batch("call.txt", "0" * 64, "duty officer"))
        await district.follow_register()
        result = await world.fly(district)
        assert result.outcome == "completed"
        assert not result.summary.conflicts
        assert not raised(district, Alarm.REGISTER_BEHIND)
        assert not raised(district, Alarm.ZONE_ENTERED)

    in_world(tmp_path, body)


def test_a_zone_that_is_published_while_the_drone_is_being_met_is_flown_around(tmp_path: Path) -> None:
    async def body(world: World, district: District) -> None:
        async def publishing() -> None:
            await asyncio.sleep(2.0)
            assert not district.state.flights  # nothing is planned yet
            with others(world) as register:
                register.import_zones([zone_over(ON_THE_WAY)], Batch("call.txt", "0" * 64, "duty officer"))

        result = await attended(world.fly(district), publishing())
        assert result.outcome == "completed"
        assert not result.summary.conflicts
        assert not raised(district, Alarm.ZONE_ENTERED)

    in_world(tmp_path, body)


def test_what_a_killed_controller_took_and_never_logged_is_given_back(tmp_path: Path) -> None:
    async def killed(world: World, district: District) -> None:
        assert district.sharing is not None
        now_s = world.clock.utc_s()
        volume = Volume4D(Point(0.0, 0.0).buffer(50.0), 80.0, 200.0, now_s, now_s + HOUR_S)
        await district.sharing.take("never-logged-1", 0, [volume])
        assert intents(world) == {f"{district.sharing.holder}/never-logged-1": IntentState.ACCEPTED}

    async def again(world: World, district: District) -> None:
        assert intents(world) == {}

    in_world(tmp_path, killed, again)
