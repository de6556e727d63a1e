from __future__ import annotations

import pytest

from airspace.frames import LatLon
from missions.items import Command
from missions.itinerary import Itinerary, timed
from missions.plan import Purpose
from missions.timing import landing_s, takeoff_s
from tests.missions.scenario import DRONE, FRAME


def flight() -> Itinerary:
    itinerary = Itinerary(FRAME, DRONE, LatLon(34.75, 113.62), 8.0)
    itinerary.take_off(40.0)
    itinerary.fly([(0.0, 0.0), (200.0, 0.0), (400.0, 0.0)], Purpose.TRANSIT)
    itinerary.hold((500.0, 0.0), 30.0)
    itinerary.land("field", [(500.0, 0.0), (500.0, 100.0)], 0.0)
    itinerary.land("dock", [(500.0, 0.0), (600.0, 0.0)], -2.0, "410105-LP-000003")
    return itinerary


def test_the_items_are_in_the_order_of_flight() -> None:
    assert [Command(item.command).name for item in flight().items] == [
        "NAV_TAKEOFF",
        "DO_CHANGE_SPEED",
        "NAV_WAYPOINT",
        "NAV_WAYPOINT",
        "NAV_LOITER_TIME",
        "NAV_WAYPOINT",
        "NAV_LAND",
        "NAV_WAYPOINT",
        "NAV_LAND",
        "NAV_WAYPOINT",
        "DO_JUMP",
    ]


def test_behind_a_dock_lies_a_way_back_over_it_to_the_hold_and_behind_open_ground_none() -> None:
    itinerary = flight()
    itinerary.land("corner", [(500.0, 0.0), (550.0, 50.0), (550.0, 90.0)], 0.0, "410105-LP-000004")
    field, dock, corner = itinerary.landings
    items = dict(enumerate(itinerary.items, 1))
    assert field.escape_seq == 0
    for option, points in ((dock, [(600.0, 0.0)]), (corner, [(550.0, 90.0), (550.0, 50.0)])):
        assert option.escape_seq == option.land_seq + 1
        for seq, (east_m, north_m) in enumerate(points, option.escape_seq):
            above = FRAME.latlon(east_m, north_m)
            assert items[seq].command == Command.NAV_WAYPOINT
            assert above.distance_m(LatLon(items[seq].lat_deg, items[seq].lon_deg)) < 0.02
            assert items[seq].alt_m == 40.0
        jump = items[option.escape_seq + len(points)]
        assert (jump.command, jump.param1) == (Command.DO_JUMP, itinerary.hold_seq)
        assert jump.param2 >= 1
    assert not {leg.seq for leg in itinerary.legs} & set(range(dock.escape_seq, corner.first_seq))


def test_a_point_where_the_drone_already_is_is_no_waypoint() -> None:
    itinerary = flight()
    before = len(itinerary.items)
    itinerary.fly([FRAME.xy(FRAME.latlon(600.0, 0.0))], Purpose.TRANSIT)
    assert len(itinerary.items) == before


def test_climb_and_landing_are_timed_as_such() -> None:
    legs = timed(flight(), 0.0)
    climb, landing = legs[0], legs[-1]
    assert climb.end_s == pytest.approx(takeoff_s(40.0, DRONE), abs=1e-3)
    assert landing.end_s - landing.start_s == pytest.approx(landing_s(42.0, DRONE), abs=1e-3)


def test_the_branch_without_a_word_begins_at_the_holds_end_and_a_docks_at_its_start() -> None:
    legs = timed(flight(), 0.0)
    hold = next(leg for leg in legs if leg.purpose is Purpose.HOLD)
    assert hold.end_s - hold.start_s == pytest.approx(30.0, abs=2e-3)
    first_of = {leg.branch: leg for leg in reversed(legs)}
    assert first_of["field"].start_s == hold.end_s
    assert first_of["dock"].start_s == hold.start_s


def test_wind_costs_energy_and_no_time() -> None:
    calm, windy = timed(flight(), 0.0), timed(flight(), 8.0)
    assert [leg.end_s for leg in calm] == [leg.end_s for leg in windy]
    assert sum(leg.energy_wh for leg in windy) > sum(leg.energy_wh for leg in calm)


def test_straight_on_costs_no_stop() -> None:
    legs = timed(flight(), 0.0)
    cruising = [leg for leg in legs if not leg.branch and leg.purpose in (Purpose.TRANSIT, Purpose.APPROACH)]
    assert [leg.purpose for leg in cruising] == [Purpose.TRANSIT, Purpose.TRANSIT, Purpose.APPROACH]
    assert cruising[-1].end_s - cruising[0].start_s < 500.0 / 8.0 + 6.0
