from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from airspace.volumes import Volume4D
from controller.clock import Clock, Tempo, real_tempo, run, virtual_tempo
from controller.district import District
from controller.events import DockReserved, FlightEnded, IntentAccepted, PlanMade, Record
from controller.flight.reservation import releases, reserve, volumes_at
from controller.state import FlightState, State
from missions.plan import LandingOption, Place, Plan, PlanVolume
from missions.volumes import absolute
from tests.controller.flight.scene import ALTERNATE, PRIMARY, opened_district, plan
from tests.missions.scenario import FRAME

T0 = 1779070000.0
DOCKS = ("P1", "P2", "P3")


def in_district(folder: Path, test: Callable[[District], Coroutine[Any, Any, Any]], tempo: Tempo | None = None) -> Any:
    async def main(clock: Clock) -> Any:
        async with opened_district(clock, folder) as district:
            return await test(district)

    return run(main, tempo or virtual_tempo())


async def planned(district: District, flight: str, made: Plan) -> FlightState:
    await district.record(PlanMade(run="r", flight=flight, drone="d", plan=made))
    return district.state.flights[flight]


async def ended(district: District, flight: str) -> None:
    gone = district.state.flights[flight]
    await district.record(*releases(gone), FlightEnded(flight=flight, completed=True, landed_on="P1"))


def test_a_second_flight_through_the_same_airspace_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        first = await planned(district, "first", plan())
        await planned(district, "second", replace(plan(), landings=()))
        await reserve(district, "first", plan(), T0)
        assert first.volumes == volumes_at(plan(), T0)
        assert set(first.docks) == {PRIMARY, ALTERNATE}
        before = district.store.read()
        with pytest.raises(Refused) as refused:
            await reserve(district, "second", replace(plan(), landings=()), T0 + 100)
        assert all("first" in reason.text(lang) for reason in refused.value.reasons for lang in ("en", "zh"))
        assert district.store.read() == before
        await ended(district, "first")
        await reserve(district, "second", replace(plan(), landings=()), T0 + 100)

    in_district(tmp_path, body)


def test_a_flight_after_the_other_has_gone_by_is_accepted(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        alone = replace(plan(), landings=())
        last_s = max(volume.end_s for volume in alone.volumes) - min(volume.start_s for volume in alone.volumes)
        for flight in ("first", "second"):
            await planned(district, flight, alone)
        await reserve(district, "first", alone, T0)
        await reserve(district, "second", alone, T0 + last_s)

    in_district(tmp_path, body)


def test_a_dock_is_held_for_one_flight_at_a_time_even_when_the_air_is_free(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        landing_only = replace(plan(), volumes=())
        for flight in ("first", "second"):
            await planned(district, flight, landing_only)
        await reserve(district, "first", landing_only, T0)
        with pytest.raises(Refused) as refused:
            await reserve(district, "second", landing_only, T0 + 1e6)
        assert [reason.rule.code for reason in refused.value.reasons] == ["dock.held", "dock.held"]
        for dock, reason in zip((PRIMARY, ALTERNATE), refused.value.reasons, strict=True):
            for lang in ("en", "zh"):
                assert dock in reason.text(lang)
                assert "first" in reason.text(lang)
        assert not district.state.flights["second"].docks
        await ended(district, "first")
        await reserve(district, "second", landing_only, T0)

    in_district(tmp_path, body)


def test_reserving_again_moves_the_flights_own_airspace_in_one_step(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        flight = await planned(district, "first", plan())
        await reserve(district, "first", plan(), T0)
        count = len(district.store.read())
        await reserve(district, "first", plan(), T0 + 7)
        assert flight.volumes == volumes_at(plan(), T0 + 7)
        assert [intent.id for intent in district.airspace.intents] == ["first"]
        moved = district.store.read()[count:]
        assert [type(record.event) for record in moved] == [IntentAccepted, DockReserved, DockReserved]

    in_district(tmp_path, body)


def test_reservations_survive_a_restart(tmp_path: Path) -> None:
    async def before(district: District) -> None:
        await planned(district, "first", plan())
        await reserve(district, "first", plan(), T0)

    async def after(district: District) -> None:
        await planned(district, "second", plan())
        with pytest.raises(Refused):
            await reserve(district, "second", plan(), T0)

    in_district(tmp_path, before)
    in_district(tmp_path, after)


@dataclass(frozen=True)
class Wish:
    """A made-up flight: boxes (east, north, width [m], floor [m], from, to [s]) and docks."""

    boxes: tuple[tuple[int, int, int, int, int, int], ...]
    docks: tuple[str, ...]
    takeoff_s: int

    def plan(self) -> Plan:
        volumes = tuple(
            PlanVolume(_square(east, north, width), 90.0 + floor, 100.0 + floor, start, start + lasts, n)
            for n, (east, north, width, floor, start, lasts) in enumerate(self.boxes)
        )
        here = Place(34.75, 113.62, 0.0)
        landings = tuple(LandingOption(dock, n, n, here, dock) for n, dock in enumerate(self.docks, 1))
        return replace(plan(), items=(), legs=(), fence=(), volumes=volumes, landings=landings)


def _square(east: int, north: int, width: int) -> tuple[tuple[float, float], ...]:
    corners = [(0, 0), (width, 0), (width, width), (0, width), (0, 0)]
    ring = FRAME.lon_lat_array([(float(east + x), float(north + y)) for x, y in corners])
    return tuple((float(lon), float(lat)) for lon, lat in ring)


wishes = st.builds(
    Wish,
    boxes=st.lists(
        st.tuples(
            st.integers(0, 300),
            st.integers(0, 300),
            st.integers(10, 120),
            st.sampled_from([0, 20, 40]),
            st.integers(0, 100),
            st.integers(5, 60),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    docks=st.sets(st.sampled_from(DOCKS), max_size=1).map(lambda docks: tuple(sorted(docks))),
    takeoff_s=st.integers(0, 60),
)


def clash(one: FlightState, other: FlightState) -> bool:
    """Whether two reservations share airspace at a time, or a dock, by comparing everything with everything."""
    if one.docks.keys() & other.docks.keys():
        return True
    ours, theirs = ([in_frame(volume) for volume in flight.volumes] for flight in (one, other))
    return any(a.overlaps(b) for a in ours for b in theirs)


@functools.lru_cache(4096)
def in_frame(volume: PlanVolume) -> Volume4D:
    return absolute(volume, FRAME, 0.0)


def check_log(records: list[Record]) -> None:
    """At no moment of the log did two open flights hold the same thing."""
    state = State()
    for record in records:
        state.apply(record)
        if isinstance(record.event, IntentAccepted | DockReserved):
            here = state.flights[record.event.flight]
            assert not [other.id for other in state.unfinished() if other is not here and clash(here, other)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(wishes, min_size=2, max_size=8))
def test_of_many_who_reserve_at_once_no_two_get_the_same_and_nobody_is_refused_for_nothing(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[Wish]
) -> None:
    async def body(district: District) -> None:
        plans = {f"f{n}": wish.plan() for n, wish in enumerate(wanted)}
        for flight, made in plans.items():
            await planned(district, flight, made)
        starts = {f"f{n}": T0 + wish.takeoff_s for n, wish in enumerate(wanted)}
        outcomes = await asyncio.gather(
            *(reserve(district, flight, made, starts[flight]) for flight, made in plans.items()),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} <= {type(None), Refused}
        refused = {flight for flight, outcome in zip(plans, outcomes, strict=True) if outcome is not None}
        accepted = [district.state.flights[flight] for flight in plans if flight not in refused]
        assert not [(a.id, b.id) for a, b in combinations(accepted, 2) if clash(a, b)]
        for flight in refused:
            made = plans[flight]
            wish = replace_state(district.state.flights[flight], made, starts[flight])
            assert any(clash(wish, other) for other in accepted)
            assert not district.state.flights[flight].volumes
            assert not district.state.flights[flight].docks
        check_log(district.store.read())

    in_district(tmp_path_factory.mktemp("district"), body)


def replace_state(flight: FlightState, made: Plan, takeoff_s: float) -> FlightState:
    """What the flight would hold had it been accepted."""
    docks = {landing.dock: (0.0, 0.0) for landing in made.landings}
    return replace(flight, volumes=volumes_at(made, takeoff_s), docks=docks)


@pytest.mark.parametrize("tempo", [pytest.param(virtual_tempo, id="virtual"), pytest.param(real_tempo, id="real")])
@pytest.mark.parametrize("seed", [1, 2])
def test_reserving_releasing_and_moving_all_at_once_never_breaks_the_invariant(
    tmp_path: Path, tempo: Callable[[], Tempo], seed: int
) -> None:
    rng = random.Random(seed)

    def wish() -> Wish:
        def box() -> tuple[int, int, int, int, int, int]:
            return rng.randrange(300), rng.randrange(300), 60, rng.choice([0, 20]), rng.randrange(60), 40

        return Wish(tuple(box() for _ in range(2)), tuple(rng.sample(DOCKS, rng.choice([0, 0, 1]))), 0)

    async def one_operator(district: District, name: str) -> int:
        accepted = 0
        for n in range(6):
            flight, made = f"{name}-{n}", wish().plan()
            await planned(district, flight, made)
            try:
                await reserve(district, flight, made, T0)
                accepted += 1
                await reserve(district, flight, made, T0 + 10)
            except Refused:
                pass
            if rng.random() < 0.5:
                await ended(district, flight)
        return accepted

    async def body(district: District) -> None:
        counts = await asyncio.gather(*(one_operator(district, f"o{n}") for n in range(8)))
        assert sum(counts) > 8
        check_log(district.store.read())
        assert State.fold(district.store.read()) == district.state

    in_district(tmp_path, body, tempo())
