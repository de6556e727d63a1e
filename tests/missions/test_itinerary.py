from __future__ import annotations

import pytest

from airspace.frames import LatLon
from missions.items import Command
from missions.itinerary import FOR_EVER, GATE_M, GATE_ROOM_M, GATE_S, LOW_S, Itinerary, again_s, timed
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
        "NAV_LOITER_TIME",
        "NAV_WAYPOINT",
        "DO_JUMP",
        "NAV_LAND",
    ]


def test_over_a_dock_the_drone_hovers_in_the_gate_and_lands_only_by_a_jump() -> None:
    itinerary = flight()
    field, dock = itinerary.landings
    gate = itinerary.items[dock.gate_seq - 1]
    assert (gate.command, gate.param1) == (Command.NAV_LOITER_TIME, GATE_S)
    assert gate.alt_m == dock.place.relative_m + GATE_M + GATE_ROOM_M
    assert field.gate_seq == 0
    assert [seq for seq in range(1, itinerary.next_seq) if dock.flown_at(seq)] == [8, 9, 12]
    assert [seq for seq in range(1, itinerary.next_seq) if field.flown_at(seq)] == [6, 7]


def test_a_flight_lower_than_the_gate_waits_for_the_word_at_its_own_height() -> None:
    itinerary = Itinerary(FRAME, DRONE, LatLon(34.75, 113.62), 8.0)
    itinerary.take_off(12.0)
    itinerary.hold((500.0, 0.0), 30.0)
    itinerary.land("dock", [(500.0, 0.0), (600.0, 0.0)], 2.0, "410105-LP-000003")
    (dock,) = itinerary.landings
    assert itinerary.items[dock.gate_seq - 1].alt_m == 12.0
    assert [leg.purpose for leg in itinerary.legs[-3:]] == [Purpose.APPROACH, Purpose.HOLD, Purpose.LANDING]


def test_out_of_the_gate_a_way_leads_back_over_the_dock_to_the_hold_and_behind_open_ground_none() -> None:
    itinerary = flight()
    itinerary.land("corner", [(500.0, 0.0), (550.0, 50.0), (550.0, 90.0)], 0.0, "410105-LP-000004")
    field, dock, corner = itinerary.landings
    items = dict(enumerate(itinerary.items, 1))
    assert field.escape_seq == 0
    for option, points in ((dock, [(600.0, 0.0)]), (corner, [(550.0, 90.0), (550.0, 50.0)])):
        assert option.escape_seq == option.gate_seq + 1
        for seq, (east_m, north_m) in enumerate(points, option.escape_seq):
            above = FRAME.latlon(east_m, north_m)
            assert items[seq].command == Command.NAV_WAYPOINT
            assert above.distance_m(LatLon(items[seq].lat_deg, items[seq].lon_deg)) < 0.02
            assert items[seq].alt_m == 40.0
        jump = items[option.escape_seq + len(points)]
        assert (jump.command, jump.param1, jump.param2) == (Command.DO_JUMP, itinerary.hold_seq, FOR_EVER)
        assert option.land_seq == option.escape_seq + len(points) + 1
        assert not {leg.seq for leg in itinerary.legs} & set(range(option.escape_seq, option.land_seq))


def test_a_point_where_the_drone_already_is_is_no_waypoint() -> None:
    itinerary = flight()
    before = len(itinerary.items)
    itinerary.fly([FRAME.xy(FRAME.latlon(600.0, 0.0))], Purpose.TRANSIT)
    assert len(itinerary.items) == before


def test_climb_and_landing_are_timed_as_such() -> None:
    legs = timed(flight(), 0.0)
    climb, landing = legs[0], next(leg for leg in legs if leg.branch == "field" and leg.purpose is Purpose.LANDING)
    assert climb.end_s == pytest.approx(takeoff_s(40.0, DRONE), abs=1e-3)
    assert landing.end_s - landing.start_s == pytest.approx(landing_s(40.0, DRONE), abs=1e-3)


def test_a_landing_on_a_dock_takes_the_way_down_to_the_gate_the_wait_there_and_the_rest() -> None:
    down, wait, landing = (leg for leg in timed(flight(), 0.0)[-3:])
    assert (down.end.relative_m, landing.end.relative_m) == (14.0, -2.0)
    assert down.end_s - down.start_s > 26.0 / DRONE.descent_mps
    assert wait.end_s - wait.start_s == pytest.approx(GATE_S, abs=2e-3)
    assert wait.energy_wh > 0.0
    assert landing.end_s - landing.start_s == pytest.approx(landing_s(16.0, DRONE), abs=2e-3)
    assert [leg.speed_mps for leg in (down, landing)] == [DRONE.descent_mps] * 2


def test_the_branch_without_a_word_begins_at_the_holds_end_and_a_docks_at_its_start() -> None:
    legs = timed(flight(), 0.0)
    hold = next(leg for leg in legs if leg.purpose is Purpose.HOLD and not leg.branch)
    assert hold.end_s - hold.start_s == pytest.approx(30.0, abs=2e-3)
    first_of = {leg.branch: leg for leg in reversed(legs)}
    assert first_of["field"].start_s == hold.end_s
    assert first_of["dock"].start_s == hold.start_s


def test_a_landing_in_vain_takes_the_way_there_and_back_and_the_hold_once_more() -> None:
    itinerary = flight()
    near_s = again_s(timed(itinerary, 0.0))
    (gate,) = (leg for leg in timed(itinerary, 0.0) if leg.branch and leg.purpose is Purpose.HOLD)
    (to_dock, *_) = (leg for leg in timed(itinerary, 0.0) if leg.branch == "dock")
    assert near_s == pytest.approx(30.0 + LOW_S + 2 * (gate.end_s - to_dock.start_s) - GATE_S)
    itinerary.land("far", [(500.0, 0.0), (900.0, 0.0)], -2.0, "410105-LP-000004")
    assert again_s(timed(itinerary, 0.0)) == pytest.approx(near_s + 2 * 300.0 / 8.0, abs=0.1)


def test_wind_costs_energy_and_no_time() -> None:
    calm, windy = timed(flight(), 0.0), timed(flight(), 8.0)
    assert [leg.end_s for leg in calm] == [leg.end_s for leg in windy]
    assert sum(leg.energy_wh for leg in windy) > sum(leg.energy_wh for leg in calm)


def test_straight_on_costs_no_stop() -> None:
    legs = timed(flight(), 0.0)
    cruising = [leg for leg in legs if not leg.branch and leg.purpose in (Purpose.TRANSIT, Purpose.APPROACH)]
    assert [leg.purpose for leg in cruising] == [Purpose.TRANSIT, Purpose.TRANSIT, Purpose.APPROACH]
    assert cruising[-1].end_s - cruising[0].start_s < 500.0 / 8.0 + 6.0
