from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airspace.intents import IntentState
from airspace.reasons import Refused, Words
from airspace.zones import Zone
from controller.alarms import ALARMS, Alarm
from controller.clock import Clock, run, virtual_tempo
from controller.config import LoadedSite
from controller.district import District
from controller.events import (
    AlarmRaised,
    FlightEnded,
    IntentAccepted,
    IntentChanged,
    ItemStarted,
    Phase,
    PhaseChanged,
    PlanMade,
)
from controller.flight.reservation import volumes_at
from controller.site_airspace import load_site_zones, surface_of
from tests.controller.flight.scene import listened, opened_district, plan, site

T0 = 1779070000.0


def zones_of(site: LoadedSite) -> tuple[Zone, ...]:
    return load_site_zones(site, surface_of(site))


def in_district(folder: Path, test: Callable[[District], Coroutine[Any, Any, Any]]) -> Any:
    async def main(clock: Clock) -> Any:
        async with opened_district(clock, folder) as district:
            return await test(district)

    return run(main, virtual_tempo())


async def accepted(district: District, flight: str) -> None:
    await district.record(PlanMade(run="r", flight=flight, drone="d", plan=plan()))
    await district.record(IntentAccepted(flight=flight, priority=0, volumes=volumes_at(plan(), T0)))


def held(district: District) -> dict[str, tuple[IntentState, int]]:
    """What the airspace holds: by flight, the state and how many volumes."""
    return {intent.id: (intent.state, len(intent.volumes)) for intent in district.airspace.intents}


def test_the_airspace_follows_the_events_of_each_intent(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        await accepted(district, "f1")
        count = len(plan().volumes)
        assert held(district) == {"f1": (IntentState.ACCEPTED, count)}
        for state in (IntentState.ACTIVATED, IntentState.NONCONFORMING, IntentState.CONTINGENT):
            await district.record(IntentChanged(flight="f1", state=state.value))
            assert held(district) == {"f1": (state, count)}
        await district.record(IntentChanged(flight="f1", state="ended"))
        assert held(district) == {}

    in_district(tmp_path, body)


def test_how_far_an_upload_is_is_forgotten_when_its_flight_has_ended(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        for flight in ("f1", "f2"):
            await accepted(district, flight)
            district.upload_progress[flight] = (1, 4)
        await district.record(FlightEnded(flight="f1", completed=False, landed_on=""))
        assert district.upload_progress == {"f2": (1, 4)}

    in_district(tmp_path, body)


def test_after_a_restart_state_and_airspace_are_what_they_were(tmp_path: Path) -> None:
    async def before(district: District) -> Any:
        for flight in ("f1", "f2"):
            await accepted(district, flight)
        await district.record(IntentChanged(flight="f1", state="activated"), ItemStarted(flight="f1", seq=4))
        ended = FlightEnded(flight="f2", completed=True, landed_on="P")
        await district.record(IntentChanged(flight="f2", state="ended"), ended)
        return district.state, district.airspace.intents

    async def after(district: District) -> Any:
        return district.state, district.airspace.intents

    first = in_district(tmp_path, before)
    assert in_district(tmp_path, after) == first
    assert [intent.id for intent in first[1]] == ["f1"]


def test_events_of_a_flight_that_nobody_planned_change_nothing(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        await district.record(
            IntentAccepted(flight="ghost", priority=0, volumes=volumes_at(plan(), T0)),
            IntentChanged(flight="ghost", state="activated"),
            FlightEnded(flight="ghost", completed=True, landed_on="P"),
        )
        assert (district.state.flights, held(district)) == ({}, {})

    in_district(tmp_path, body)


def test_a_record_is_in_the_state_when_record_returns(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        await accepted(district, "f1")
        for seq in range(1, 20):
            await district.record(ItemStarted(flight="f1", seq=seq))
            assert district.state.flights["f1"].item == seq

    in_district(tmp_path, body)


def test_a_change_of_phase_that_the_table_forbids_is_not_recorded(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        await accepted(district, "f1")
        count = len(district.store.read())
        with pytest.raises(ValueError, match="planned to flying"):
            await district.record(PhaseChanged(flight="f1", phase=Phase.FLYING))
        assert len(district.store.read()) == count
        await district.record(PhaseChanged(flight="f1", phase=Phase.GATES))

    in_district(tmp_path, body)


def test_an_alarm_is_raised_once_for_a_subject_until_its_pause_is_over(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        events = listened(district)

        async def raised(subject: str, flight: str = "f1") -> int:
            await district.alarm(Alarm.LINK_LOST, subject, flight, age_s=5.0)
            return len(events)

        assert [await raised("d1"), await raised("d1"), await raised("d2"), await raised("d1", "f2")] == [1, 1, 2, 3]
        await asyncio.sleep(59.0)
        assert await raised("d1") == 3
        await asyncio.sleep(1.0)
        assert await raised("d1") == 4

    in_district(tmp_path, body)


def test_an_alarm_says_its_facts_in_both_languages(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        events = listened(district)
        await district.alarm(Alarm.DOCK_NOT_READY, "P1", "f1", why=Words("it rains", "正在下雨"))
        (alarm,) = [event for event in events if isinstance(event, AlarmRaised)]
        assert ("it rains" in alarm.en, "正在下雨" in alarm.zh) == (True, True)
        assert ("P1" in alarm.en, "P1" in alarm.zh) == (True, True)
        assert (alarm.code, alarm.flight) == ("dock.not-ready", "f1")
        assert alarm.severity == ALARMS[Alarm.DOCK_NOT_READY].severity

    in_district(tmp_path, body)


def test_two_districts_cannot_share_a_store(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        with pytest.raises(Refused):
            async with opened_district(district.clock, tmp_path):
                pytest.fail("two districts hold one store")

    in_district(tmp_path, body)


def test_zones_of_every_airspace_file_are_loaded_and_every_bad_file_is_named(tmp_path: Path) -> None:
    example = site()
    zones = load_site_zones(example, surface_of(example))
    assert zones
    for name in ("a.geojson", "b.geojson"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    file = type(example.file)(
        name="n", origin=example.file.origin, ground=example.file.ground, airspace=("a.geojson", "b.geojson")
    )
    with pytest.raises(Refused) as refused:
        zones_of(replace(example, file=file, source=tmp_path / "site.toml"))
    for name in ("a.geojson", "b.geojson"):
        assert str(tmp_path / name) in str(refused.value)
