from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from controller.config import Origin
from controller.events import FlightEnded, ItemStarted, Phase, PhaseChanged
from controller.flight.follow import (
    AT_PLACE_M,
    IN_DOCK_M,
    ON_DOCK_M,
    close,
    docks_of_others,
    last_working_item,
    start_dock,
    where_landed,
)
from controller.links.telemetry import DroneState
from missions.plan import Purpose
from tests.controller.flight.scene import ALTERNATE, HOME, PRIMARY, START, Scene, in_scene, opened_district, plan, site

FLIGHT = "f1"
PLACES = {option.name: LatLon(option.place.lat_deg, option.place.lon_deg) for option in plan().landings}
(GROUND,) = (option.name for option in plan().landings if not option.dock)


def standing(at: LatLon, east_m: float = 0.0) -> DroneState:
    """A drone that stands so far east of a place [m]."""
    spot = LocalFrame(at).latlon(east_m, 0.0)
    return DroneState(lat_deg=spot.lat_deg, lon_deg=spot.lon_deg, armed=False)


@pytest.mark.parametrize(
    ("place", "off_m", "name"),
    [
        (PRIMARY, 0.0, PRIMARY),
        (PRIMARY, ON_DOCK_M - 0.1, PRIMARY),
        (PRIMARY, ON_DOCK_M + 0.1, ""),
        (ALTERNATE, 0.3, ALTERNATE),
        (GROUND, AT_PLACE_M - 0.5, GROUND),
        (GROUND, AT_PLACE_M + 0.5, ""),
    ],
)
def test_a_drone_has_landed_where_it_stands_on_the_pad_or_near_the_open_ground(
    place: str, off_m: float, name: str
) -> None:
    landing = where_landed(plan(), standing(PLACES[place], off_m))
    assert landing.name == name
    assert landing.place.distance_m(PLACES[place]) == pytest.approx(off_m, abs=0.02)


def test_the_nearer_of_two_landing_places_counts() -> None:
    near = replace(plan().landings[2], name="near", place=replace(plan().landings[2].place, lat_deg=34.7546))
    assert where_landed(replace(plan(), landings=(*plan().landings, near)), standing(PLACES[GROUND])).name == GROUND


def test_a_mission_counts_as_flown_from_its_hold_item_or_its_last_leg() -> None:
    assert last_working_item(plan()) == plan().hold_seq
    without_hold = replace(plan(), hold_seq=0, legs=tuple(leg for leg in plan().legs if not leg.branch))
    working = [leg.seq for leg in without_hold.legs if leg.purpose is not Purpose.LANDING]
    assert last_working_item(without_hold) == max(working)


def test_the_dock_under_the_home_is_the_one_to_start_from(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with opened_district(clock, tmp_path) as district:
            frame = LocalFrame(HOME)

            def starting(east_m: float) -> str:
                home = frame.latlon(east_m, 0.0)
                moved = replace(plan().home, lat_deg=home.lat_deg, lon_deg=home.lon_deg)
                return start_dock(district, replace(plan(), home=moved))

            assert [starting(0.0), starting(IN_DOCK_M - 0.1), starting(IN_DOCK_M + 0.1)] == [START, START, ""]

    run(main, virtual_tempo())


def test_other_drones_stand_where_they_landed_last_or_else_at_home(tmp_path: Path) -> None:
    async def body(scene: Scene) -> None:
        district, own = scene.district, scene.link.drone

        def seen_by_another() -> frozenset[str]:
            return docks_of_others(district, "another")

        assert docks_of_others(district, own) == set()
        assert seen_by_another() == {START}  # the site file says so
        await scene.plan_made(FLIGHT)
        assert seen_by_another() == set()  # on its way
        await district.record(ItemStarted(flight=FLIGHT, seq=4))
        await district.record(FlightEnded(flight=FLIGHT, completed=True, landed_on=PRIMARY))
        assert seen_by_another() == {PRIMARY}
        await scene.plan_made("f2")
        await district.record(FlightEnded(flight="f2", completed=False, landed_on=""))  # never left the ground
        assert seen_by_another() == {PRIMARY}

    loaded = site()
    home = Origin(lat_deg=HOME.lat_deg, lon_deg=HOME.lon_deg)
    drones = (msgspec.structs.replace(loaded.file.drones[0], id="D1", home=home),)
    in_scene(tmp_path, body, replace(loaded, file=msgspec.structs.replace(loaded.file, drones=drones)))


@pytest.mark.parametrize(
    ("item", "place", "completed", "code"),
    [
        (plan().hold_seq, PLACES[PRIMARY], True, ""),
        (plan().hold_seq, PLACES[GROUND], True, ""),
        (plan().hold_seq - 1, PLACES[GROUND], False, "flight.unfinished"),
        (plan().hold_seq, HOME, False, "flight.elsewhere"),
        (3, HOME, False, "flight.elsewhere"),
    ],
)
def test_the_last_word_says_where_it_landed_and_whether_the_mission_was_flown(
    tmp_path: Path, item: int, place: LatLon, completed: bool, code: str
) -> None:
    async def body(scene: Scene) -> None:
        await scene.plan_made(FLIGHT)
        await scene.flying(FLIGHT)
        await scene.district.record(ItemStarted(flight=FLIGHT, seq=item))
        await close(scene.district, scene.district.state.flights[FLIGHT], standing(place))
        (ended,) = scene.happened(FlightEnded)
        assert ended.completed is completed
        assert [reason["code"] for reason in ended.reasons] == ([code] if code else [])
        assert [event.phase for event in scene.happened(PhaseChanged)][-2:] == [Phase.FLYING, Phase.LANDING]
        assert not scene.district.state.unfinished()

    in_scene(tmp_path, body, with_poles=False)
