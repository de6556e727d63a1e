from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Refused
from controller.links.drone import DroneLink
from controller.links.mission_transfer import PlanKind, download, upload
from controller.links.read_back import compare
from missions.items import Command, Frame, MissionItem
from tests.controller.links.air import Faults
from tests.controller.links.autopilot import SYSTEM, ZHENGZHOU, Autopilot, in_virtual_time
from tests.controller.links.mission_autopilot import MissionStore

LAT, LON = 34.75, 113.65


def waypoints(count: int) -> list[MissionItem]:
    return [
        MissionItem(Command.NAV_WAYPOINT, lat_deg=LAT + i * 1e-4, lon_deg=LON - i * 1e-4, alt_m=40.0 + i)
        for i in range(count)
    ]


MISSION = [
    MissionItem(Command.NAV_TAKEOFF, alt_m=40.0),
    *waypoints(6),
    MissionItem(Command.DO_CHANGE_SPEED, Frame.MISSION, param1=1.0, param2=6.0),
    MissionItem(Command.DO_DIGICAM_CONTROL, Frame.MISSION, lat_deg=1.0),
    MissionItem(Command.NAV_LOITER_TIME, param1=10.0, lat_deg=LAT, lon_deg=LON, alt_m=33.333),
    MissionItem(Command.DO_JUMP, Frame.MISSION, param1=2.0, param2=1.0),
    MissionItem(Command.NAV_LAND, Frame.GLOBAL_RELATIVE_ALT_INT, lat_deg=LAT, lon_deg=LON),
]
FENCE = [
    MissionItem(Command.FENCE_POLYGON_INCLUSION, param1=4.0, lat_deg=LAT + dy, lon_deg=LON + dx)
    for dx, dy in ((0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01))
]
RALLY = [MissionItem(Command.RALLY_POINT, lat_deg=LAT, lon_deg=LON, alt_m=30.0)]


def transferred(items: Sequence[MissionItem], kind: PlanKind, faults: Faults, seed: int) -> tuple[str, ...]:
    async def body(link: DroneLink, autopilot: Autopilot) -> tuple[str, ...]:
        MissionStore(autopilot)
        await upload(link, items, kind)
        got = await download(link, kind, expected=len(items))
        return compare(items, got)

    differences: tuple[str, ...] = in_virtual_time(body, faults, seed)
    return differences


@pytest.mark.parametrize(
    ("items", "kind"), [(MISSION, PlanKind.MISSION), (FENCE, PlanKind.FENCE), (RALLY, PlanKind.RALLY)]
)
def test_what_is_uploaded_is_read_back_without_a_difference(items: list[MissionItem], kind: PlanKind) -> None:
    assert transferred(items, kind, Faults(), 1) == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    loss=st.floats(0.0, 0.3),
    duplicates=st.floats(0.0, 0.3),
    spread_s=st.floats(0.0, 0.3),
    seed=st.integers(0, 2**32),
)
def test_transfers_survive_loss_duplicates_and_reordering(
    loss: float, duplicates: float, spread_s: float, seed: int
) -> None:
    faults = Faults(loss=loss, duplicates=duplicates, spread_s=spread_s)
    assert transferred(MISSION, PlanKind.MISSION, faults, seed) == ()


def test_home_goes_first_because_the_autopilot_overwrites_item_0() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        await upload(link, waypoints(3))
        assert [item.seq for item in store.lists[0]] == [0, 1, 2, 3]
        assert (store.lists[0][0].x, store.lists[0][0].y) == ZHENGZHOU
        assert store.lists[0][1].x == round(LAT * 1e7)
        assert len(await download(link)) == 3

    in_virtual_time(body)


def test_a_long_mission_goes_through() -> None:
    assert transferred(waypoints(200), PlanKind.MISSION, Faults(), 1) == ()


def test_an_empty_list_clears_the_drones() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        await upload(link, FENCE, PlanKind.FENCE)
        await upload(link, [], PlanKind.FENCE)
        assert store.lists[1] == []
        assert await download(link, PlanKind.FENCE) == ()
        await upload(link, [])
        assert await download(link) == ()

    in_virtual_time(body)


def test_a_refused_item_is_named_with_the_result_and_the_autopilots_words() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        store.invalid.add(PlanKind.FENCE)
        with pytest.raises(Refused, match="refuses the fence with ERROR at item 3: Fence validation failed") as caught:
            await upload(link, FENCE, PlanKind.FENCE)
        (reason,) = caught.value.reasons
        assert "电子围栏" in reason.text("zh")
        store.refuse = {Command.NAV_LAND: mavlink.MAV_MISSION_UNSUPPORTED}
        with pytest.raises(Refused, match=r"mission with UNSUPPORTED at item 12"):
            await upload(link, MISSION)

    in_virtual_time(body)


def test_a_silent_drone_is_a_refusal_in_bounded_time() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with pytest.raises(Refused, match="stopped answering while its mission was uploaded"):
            await upload(link, MISSION)
        with pytest.raises(Refused, match="stopped answering while its fence was read"):
            await download(link, PlanKind.FENCE)
        assert loop.time() - began_s < 90.0

    in_virtual_time(body)


def test_an_outage_of_five_seconds_in_the_middle_is_survived() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        loop = asyncio.get_running_loop()

        def cut(broken: bool) -> None:
            autopilot.end.cut = autopilot.end.peer.cut = broken

        loop.call_later(0.05, cut, True)
        loop.call_later(5.05, cut, False)
        await upload(link, MISSION)
        assert compare(MISSION, await download(link)) == ()

    in_virtual_time(body)


def test_an_upload_that_the_autopilot_gave_up_begins_anew() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        loop = asyncio.get_running_loop()
        ours = autopilot.end.peer
        loop.call_later(0.05, setattr, ours, "cut", True)
        loop.call_later(9.5, setattr, ours, "cut", False)
        await upload(link, MISSION)
        assert len(autopilot.got("MISSION_COUNT")) >= 2
        assert compare(MISSION, await download(link)) == ()

    in_virtual_time(body)


def test_a_lost_final_acknowledgement_is_found_out_by_counting() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        said = autopilot.say

        def say_but_lose_the_ack(message: object) -> None:
            if not isinstance(message, mavlink.MAVLink_mission_ack_message):
                said(message)

        autopilot.say = say_but_lose_the_ack  # type: ignore[method-assign]
        await upload(link, MISSION)
        assert compare(MISSION, await download(link)) == ()

    in_virtual_time(body)


def test_another_ground_stations_upload_is_waited_for_and_then_named() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        store.busy_until_s = asyncio.get_running_loop().time() + 6.0
        await upload(link, MISSION)
        assert compare(MISSION, await download(link)) == ()
        store.busy_until_s = 1e9
        with pytest.raises(Refused, match="busy with another transfer"):
            await upload(link, MISSION)

    in_virtual_time(body)


def test_a_fence_that_counts_0_while_it_is_indexed_is_asked_for_again() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        await upload(link, FENCE, PlanKind.FENCE)
        store.counts_zero = 1
        assert len(await download(link, PlanKind.FENCE)) == 4
        store.counts_zero = 3
        assert len(await download(link, PlanKind.FENCE, expected=4)) == 4

    in_virtual_time(body)


def test_transfers_of_other_lists_and_other_ground_stations_do_not_mix_in() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        await upload(link, RALLY, PlanKind.RALLY)
        noise = [
            mavlink.MAVLink_mission_ack_message(255, 190, 0, 0),  # an earlier transfer's, twice
            mavlink.MAVLink_mission_ack_message(200, 190, 4, 0),  # another station's
            mavlink.MAVLink_mission_request_message(200, 190, 3, 0),
            mavlink.MAVLink_mission_count_message(255, 190, 0, 2),
            mavlink.MAVLink_mission_request_message(255, 190, 999, 0),
        ]
        loop = asyncio.get_running_loop()
        for i in range(40):
            loop.call_later(i * 0.005, autopilot.say, noise[i % 5])
            loop.call_later(
                i * 0.005, autopilot.say_as, SYSTEM + 1, 1, mavlink.MAVLink_mission_ack_message(255, 190, 2)
            )
        await upload(link, MISSION)
        assert compare(MISSION, await download(link)) == ()

    in_virtual_time(body)


def test_an_old_autopilots_float_request_is_answered_with_an_integer_item() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        await upload(link, waypoints(2))
        assert autopilot.got("MISSION_ITEM") == []
        assert [item.seq for item in autopilot.got("MISSION_ITEM_INT")] == [0, 1, 2]

    in_virtual_time(body)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (MissionItem(Command.NAV_WAYPOINT, lat_deg=200.0), "latitude"),
        (MissionItem(Command.NAV_WAYPOINT, lat_deg=float("nan")), "latitude"),
        (MissionItem(Command.NAV_WAYPOINT, lat_deg=LAT, lon_deg=LON, alt_m=float("inf")), "number"),
        (MissionItem(Command.DO_JUMP, Frame.MISSION, param1=1e39), "number"),
        (MissionItem(70000), "command"),
    ],
)
def test_an_item_that_fits_no_message_is_refused_before_anything_is_sent(item: MissionItem, why: str) -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with pytest.raises(Refused, match=f"item 2 .*{why}"):
            await upload(link, [waypoints(1)[0], item])
        assert autopilot.got("MISSION_COUNT") == []

    in_virtual_time(body)


def test_a_list_that_the_autopilot_does_not_know_is_a_refusal() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        unsupported = mavlink.MAVLink_mission_ack_message(255, 190, mavlink.MAV_MISSION_UNSUPPORTED, 2)
        autopilot.on("MISSION_REQUEST_LIST", lambda _: autopilot.say(unsupported))
        with pytest.raises(Refused, match="refuses to read out its rally points: UNSUPPORTED"):
            await download(link, PlanKind.RALLY)

    in_virtual_time(body)


def test_left_over_acknowledgements_do_not_end_a_download() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        MissionStore(autopilot)
        await upload(link, MISSION)
        async with asyncio.TaskGroup() as tasks:
            got = tasks.create_task(download(link))
            for result in (13, 3, 1, 0, 13, 15):
                autopilot.say(mavlink.MAVLink_mission_ack_message(255, 190, result, 0))
        assert compare(MISSION, got.result()) == ()

    in_virtual_time(body)


def test_a_list_that_shrinks_while_it_is_read_is_read_anew() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        store = MissionStore(autopilot)
        await upload(link, waypoints(20))

        def shrink() -> None:
            del store.lists[0][6:]

        asyncio.get_running_loop().call_later(0.1, shrink)
        assert len(await download(link)) == 5

    in_virtual_time(body)
