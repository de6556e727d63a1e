from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.links.read_back import compare
from missions.items import Command, Frame, MissionItem

WP = MissionItem(Command.NAV_WAYPOINT, param1=3.0, lat_deg=34.75, lon_deg=113.65, alt_m=40.0)


def changed(item: MissionItem, **fields: Any) -> MissionItem:
    return dataclasses.replace(item, **fields)


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        (WP, WP),
        (changed(WP, frame=Frame.GLOBAL_RELATIVE_ALT_INT), WP),
        (changed(WP, frame=Frame.GLOBAL_INT), changed(WP, frame=Frame.GLOBAL)),
        (changed(WP, lat_deg=34.75000004), WP),
        (changed(WP, alt_m=40.004), WP),
        (changed(WP, param1=0.1), changed(WP, param1=0.10000000149011612)),
        (changed(WP, param4=float("nan")), WP),
        (
            MissionItem(Command.NAV_LOITER_TIME, param1=5.0, lat_deg=34.0, lon_deg=113.0),
            MissionItem(Command.NAV_LOITER_TIME, param1=5.0, param3=1.0, lat_deg=34.0, lon_deg=113.0),
        ),
        (MissionItem(Command.DO_CHANGE_SPEED, Frame.MISSION, 1.0, 6.0), MissionItem(178, 0, 1.0, 6.0)),
        (MissionItem(Command.DO_DIGICAM_CONTROL, Frame.MISSION, lat_deg=1.0), MissionItem(203, 0)),
        (
            MissionItem(Command.FENCE_CIRCLE_INCLUSION, param1=80.0, lat_deg=34.0, lon_deg=113.0, alt_m=9.0),
            MissionItem(5003, 0, param1=80.0, lat_deg=34.0, lon_deg=113.0, autocontinue=False),
        ),
        (
            MissionItem(Command.RALLY_POINT, lat_deg=34.0, lon_deg=113.0, alt_m=30.0),
            MissionItem(5100, 3, lat_deg=34.0, lon_deg=113.0, alt_m=30.0, autocontinue=False),
        ),
    ],
)
def test_what_arducopter_is_known_to_change_is_no_difference(sent: MissionItem, got: MissionItem) -> None:
    assert compare([sent], [got]) == ()


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (changed(WP, command=Command.NAV_LAND), "the drone holds NAV_LAND"),
        (changed(WP, frame=Frame.GLOBAL), "frame 3 was sent, the drone holds 0"),
        (changed(WP, frame=Frame.GLOBAL_TERRAIN_ALT), "frame 3 was sent, the drone holds 10"),
        (changed(WP, lat_deg=34.7500010), "place 34.7500000"),
        (changed(WP, lon_deg=113.66), "place 34.7500000"),
        (changed(WP, alt_m=40.05), "height 40.00 m was sent, the drone holds 40.05 m"),
        (changed(WP, param1=2.0), "param1 3 was sent, the drone holds 2"),
        (changed(WP, param2=1.0), "param2 0"),
        (changed(WP, param4=90.0), "param4 0"),
        (changed(WP, autocontinue=False), "autocontinue"),
    ],
)
def test_anything_else_is_a_difference_and_named(got: MissionItem, says: str) -> None:
    (line,) = compare([WP], [got])
    assert line.startswith("item 1 NAV_WAYPOINT: ")
    assert says in line


@pytest.mark.parametrize(("sent", "got"), [([WP, WP], [WP]), ([WP], [WP, WP]), ([], [WP]), ([WP], [])])
def test_a_wrong_number_of_items_is_a_difference(sent: list[MissionItem], got: list[MissionItem]) -> None:
    lines = compare(sent, got)
    assert f"{len(sent)} items were sent, the drone holds {len(got)}" in lines
    assert len(lines) == 2


def test_a_param_of_a_command_without_place_must_come_back_or_be_0() -> None:
    sent = MissionItem(Command.DO_DIGICAM_CONTROL, Frame.MISSION, lat_deg=1.0)
    assert compare([sent], [changed(sent, frame=0)]) == ()
    (line,) = compare([sent], [changed(sent, frame=0, lat_deg=2.0)])
    assert "param5 1 was sent, the drone holds 2" in line


def test_items_are_counted_from_the_number_given() -> None:
    assert compare([WP], [changed(WP, param1=0.0)], first_seq=0)[0].startswith("item 0 ")


@given(
    st.lists(
        st.builds(
            MissionItem,
            command=st.sampled_from([Command.NAV_WAYPOINT, Command.NAV_LAND, Command.DO_JUMP]),
            param1=st.floats(0, 100, width=32),
            lat_deg=st.integers(-900_000_000, 900_000_000).map(lambda x: x / 1e7),
            lon_deg=st.integers(-1_800_000_000, 1_800_000_000).map(lambda x: x / 1e7),
            alt_m=st.integers(-10000, 500000).map(lambda x: x / 100),
        )
    )
)
def test_a_list_never_differs_from_itself(items: list[MissionItem]) -> None:
    assert compare(items, items) == ()
