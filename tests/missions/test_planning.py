from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from airspace.frames import LatLon
from missions.items import Command
from missions.itinerary import FOR_EVER, GATE_M
from missions.plan import Purpose
from missions.site import Dock
from missions.volumes import absolute, leg_line
from tests.missions.scenario import (
    ALTERNATE,
    FRAME,
    PRIMARY,
    SITE,
    changed,
    example,
    plan,
)


def test_home_is_never_an_order_and_the_mission_begins_with_take_off() -> None:
    made = plan()
    assert made.items[0].command == Command.NAV_TAKEOFF
    assert made.items[0].alt_m == 45.0


def test_without_a_word_the_mission_ends_on_open_ground_right_behind_the_hold() -> None:
    made = plan()
    assert made.items[made.hold_seq - 1].command == Command.NAV_LOITER_TIME
    behind = made.items[made.hold_seq :]
    first_land = next(i for i, item in enumerate(behind) if item.command == Command.NAV_LAND)
    open_ground = next(landing for landing in made.landings if not landing.dock)
    assert open_ground.first_seq == made.hold_seq + 1
    assert open_ground.land_seq == made.hold_seq + 1 + first_land
    assert open_ground.name == "east field"


def test_every_landing_option_is_a_run_of_items_from_a_waypoint_to_a_landing_at_its_place() -> None:
    made = plan()
    assert [landing.dock for landing in made.landings] == [PRIMARY, ALTERNATE, ""]
    for landing in made.landings:
        run = [item for seq, item in enumerate(made.items, 1) if landing.flown_at(seq)]
        gate = [Command.NAV_LOITER_TIME] if landing.dock else []
        assert [item.command for item in run if item.command != Command.NAV_WAYPOINT] == [*gate, Command.NAV_LAND]
        assert run[0].command == Command.NAV_WAYPOINT
        assert (run[-1].lat_deg, run[-1].lon_deg) == (landing.place.lat_deg, landing.place.lon_deg)


def test_a_drone_that_nobody_can_reach_lands_on_open_ground_from_every_item_but_a_docks_landing() -> None:
    made = plan()
    (ground,) = (landing for landing in made.landings if not landing.dock)
    landings = {landing.land_seq for landing in made.landings if landing.dock}
    for begun_at in range(1, len(made.items) + 1):
        seq, lowest_m = begun_at, made.max_relative_m
        while made.items[seq - 1].command != Command.NAV_LAND:
            item = made.items[seq - 1]
            if item.command in (Command.NAV_WAYPOINT, Command.NAV_LOITER_TIME):
                lowest_m = min(lowest_m, item.alt_m)
            jumps = item.command == Command.DO_JUMP
            assert not jumps or item.param2 == FOR_EVER
            seq = int(item.param1) if jumps else seq + 1
        assert seq == (begun_at if begun_at in landings else ground.land_seq)
        assert lowest_m > GATE_M


def test_items_survive_the_way_through_an_autopilot() -> None:
    for item in plan().items:
        if item.command in (Command.DO_CHANGE_SPEED, Command.DO_SET_CAM_TRIGG_DIST, Command.DO_JUMP):
            assert (item.frame, item.lat_deg, item.lon_deg, item.alt_m) == (0, 0.0, 0.0, 0.0)
        else:
            assert item.frame == 3
        if item.command == Command.NAV_LOITER_TIME:
            assert item.param3 == 1.0
        assert round(item.lat_deg * 1e7) / 1e7 == item.lat_deg
        assert round(item.lon_deg * 1e7) / 1e7 == item.lon_deg


def test_each_leg_begins_where_the_one_before_it_in_its_branch_ends() -> None:
    made = plan()
    common = [leg for leg in made.legs if not leg.branch]
    for before, after in itertools.pairwise(common):
        assert (before.end, before.end_s) == (after.start, after.start_s)
    hold = common[-1]
    assert hold.purpose is Purpose.HOLD
    for landing in made.landings:
        legs = [leg for leg in made.legs if leg.branch == landing.name]
        assert legs[0].start == hold.end
        assert legs[0].start_s == (hold.start_s if landing.dock else hold.end_s)
        assert legs[-1].end == landing.place
        for before, after in itertools.pairwise(legs):
            assert (before.end, before.end_s) == (after.start, after.start_s)


def test_legs_name_the_item_that_flies_them() -> None:
    made = plan()
    for leg in made.legs:
        item = made.items[leg.seq - 1]
        assert (item.lat_deg, item.lon_deg) == (leg.end.lat_deg, leg.end.lon_deg)


def test_a_pad_on_a_pole_is_landed_on_at_its_height() -> None:
    docks = tuple(replace(dock, pad_agl_m=6.0) for dock in SITE.docks)
    assert plan(site=replace(SITE, docks=docks)).landings[0].place.relative_m == 6.0


def test_the_larger_reserve_of_site_and_request_counts() -> None:
    assert plan(changed(reserve_fraction=0.5)).energy_limit_wh == pytest.approx(133.0)
    assert plan(changed(reserve_fraction=0.1)).energy_limit_wh == pytest.approx(186.2)


def test_the_energy_of_the_plan_is_that_of_the_common_way_and_the_costliest_branch() -> None:
    made = plan(wind_mps=6.0)
    common = sum(leg.energy_wh for leg in made.legs if not leg.branch)
    branches = [sum(leg.energy_wh for leg in made.legs if leg.branch == landing.name) for landing in made.landings]
    assert made.energy_wh == pytest.approx(common + max(branches), abs=1e-3)
    assert made.energy_wh > plan().energy_wh


def test_the_energy_of_the_worst_flight_covers_a_landing_in_vain_and_open_ground_after_it() -> None:
    made = plan(wind_mps=6.0)
    (ground,) = (landing.name for landing in made.landings if not landing.dock)
    hold_wh = sum(leg.energy_wh for leg in made.legs if leg.purpose is Purpose.HOLD and not leg.branch)
    sure_wh = sum(leg.energy_wh for leg in made.legs if leg.branch in ("", ground)) + hold_wh
    for dock in (PRIMARY, ALTERNATE):
        to_gate = [leg for leg in made.legs if leg.branch == dock and leg.purpose is not Purpose.LANDING]
        wait_wh = sum(leg.energy_wh for leg in to_gate if leg.purpose is Purpose.HOLD)
        there_wh = sum(leg.energy_wh for leg in to_gate)
        # back is as far, and up instead of down
        assert made.details["broken_off_worst_wh"] > sure_wh + 2 * there_wh - wait_wh


def test_the_line_is_flown_backwards_when_home_is_at_its_end() -> None:
    made = plan(home=SITE.docks[1].position, docks_free=["410105-LP-000001"])
    survey = [leg for leg in made.legs if leg.purpose is Purpose.SURVEY]
    assert survey[0].start.lon_deg == 113.6330
    assert survey[-1].end.lon_deg == 113.6050
    assert all(target.covered for target in made.targets)


def test_a_dock_that_is_named_twice_is_one_branch() -> None:
    assert plan(docks_free=[PRIMARY, PRIMARY]) == plan(docks_free=[PRIMARY])


def test_every_leg_is_inside_its_volume_with_its_margins() -> None:
    made = plan(wind_mps=5.0)
    home_m = made.home_amsl_m + made.geoid_m
    assert [volume.leg for volume in made.volumes] == list(range(len(made.legs)))
    for volume in made.volumes:
        leg, space = made.legs[volume.leg], absolute(volume, FRAME, 0.0)
        assert space.outline.contains(leg_line(leg, FRAME).buffer(7.0))
        assert space.start_s <= leg.start_s - 15.0
        assert space.end_s >= leg.end_s + 15.0
        assert space.floor_ellipsoidal_m < home_m + min(leg.start.relative_m, leg.end.relative_m) - 2.0
        assert space.ceiling_ellipsoidal_m > home_m + max(leg.start.relative_m, leg.end.relative_m) + 2.0


def test_a_dock_branch_is_reserved_for_a_word_at_the_holds_end_too() -> None:
    made = plan()
    hold = next(leg for leg in made.legs if leg.seq == made.hold_seq and leg.purpose is Purpose.HOLD)
    for volume in made.volumes:
        leg = made.legs[volume.leg]
        if leg.branch == PRIMARY:
            assert volume.start_s <= hold.start_s
            assert volume.end_s >= leg.end_s + (hold.end_s - hold.start_s)


def test_a_dock_right_above_the_end_of_the_line_is_a_branch_all_the_same() -> None:
    end = example().line[-1]
    docks = (Dock(PRIMARY, end), Dock(ALTERNATE, LatLon(34.7530, 113.6365)))
    made = plan(site=replace(SITE, docks=docks))
    landing = made.landings[0]
    assert made.items[landing.first_seq - 1].command == Command.NAV_WAYPOINT
    assert landing.gate_seq == landing.first_seq + 1
