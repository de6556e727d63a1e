"""Missions, fences and rally points as PX4 takes, keeps and gives them back; and missions as PX4 flies them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.drone.items import FENCE, MISSION, RALLY, StoredItem
from sim.px4.modes import Px4Mode
from tests.sim.px4.scene import ACCEPTED, DENIED, REJECTED, RTL_ITEM, START, airborne, commander, mode, play, set_mode
from tests.sim.station import Station, item_message, place, waypoint, when

JUMP, SPEED = 177, 178
CORNERS = ((60.0, 60.0), (60.0, -60.0), (-60.0, -60.0), (-60.0, 60.0))


def corner(east_m: float, north_m: float, command: int = 5001) -> StoredItem:
    x, y = place(east_m, north_m)
    return StoredItem(command, 0, 4.0, x=x, y=y)


def count(n: int, kind: int = MISSION) -> Any:
    return mavlink.MAVLink_mission_count_message(1, 1, n, kind)


async def finished(station: Station) -> None:
    """Tell the drone that all was read, as the protocol wants it."""
    station.send(mavlink.MAVLink_mission_ack_message(1, 1, 0, 0))
    await asyncio.sleep(0.1)


def test_a_mission_comes_back_whole_without_a_home_in_front() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        first = replace(waypoint(10.0, 20.0, 15.0), param4=float("nan"))
        items = [first, replace(waypoint(5.0, 0.0, 120.0), frame=0), StoredItem(SPEED, 2, 1.0, 4.0, -1.0), RTL_ITEM]
        assert await station.upload(items) == 0
        back = await station.download()
        assert [(m.seq, m.frame, m.command, m.z) for m in back] == [
            (0, 6, 16, 15.0), (1, 5, 16, 120.0), (2, 2, SPEED, 0.0), (3, 2, 20, 0.0),
        ]  # fmt: skip
        assert (back[0].x, back[0].y) == (first.x, first.y)
        assert back[0].param4 != back[0].param4  # not a number, as it was sent
        assert (back[2].param1, back[2].param2) == (1.0, 4.0)

    play(scene)


def test_items_are_asked_for_by_int_requests_and_again_every_quarter_second() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(count(2))
        await asyncio.sleep(1.1)
        asked = station.of("MISSION_REQUEST_INT")
        assert [m.seq for m in asked] == [0] * len(asked)
        assert 4 <= len(asked) <= 6
        await asyncio.sleep(5.0)
        assert "Operation timeout" in station.texts()
        assert station.of("MISSION_ACK") == []
        assert commander(sim).mission == []

    play(scene)


def test_a_partner_who_speaks_the_old_form_is_answered_in_it() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        x, y = place(10.0, 10.0)
        station.send(count(2))
        await station.until(lambda: station.of("MISSION_REQUEST_INT"))
        old = mavlink.MAVLink_mission_item_message(1, 1, 0, 3, 16, 0, 1, 0, 0, 0, 0, x / 1e7, y / 1e7, 12.0)
        request = await station.answer("MISSION_REQUEST", old)
        assert request.seq == 1
        old.seq = 1
        assert (await station.answer("MISSION_ACK", old)).type == 0
        listed = await station.answer("MISSION_COUNT", mavlink.MAVLink_mission_request_list_message(1, 1))
        assert listed.count == 2
        item = await station.answer("MISSION_ITEM", mavlink.MAVLink_mission_request_message(1, 1, 0))
        assert item.frame == 3
        assert item.x == pytest.approx(x / 1e7, abs=1e-5)

    play(scene)


def test_an_upload_that_fails_leaves_the_old_mission() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        old = [waypoint(10.0, 0.0, 10.0), waypoint(20.0, 0.0, 10.0)]
        assert await station.upload(old) == 0
        assert await station.upload([waypoint(1.0, 1.0, 5.0), StoredItem(16, 2)]) == mavlink.MAV_MISSION_UNSUPPORTED
        assert "IGN MISSION_ITEM: Invalid item" in station.texts()
        assert [m.x for m in await station.download()] == [item.x for item in old]
        await finished(station)
        assert await station.upload([replace(old[0], frame=11)]) == mavlink.MAV_MISSION_UNSUPPORTED_FRAME
        assert await station.upload([StoredItem(201, 3, 2.0)]) == mavlink.MAV_MISSION_INVALID_PARAM1
        assert await station.upload([corner(0.0, 0.0)]) == mavlink.MAV_MISSION_ERROR
        assert len(commander(sim).mission) == 2

    play(scene)


def test_a_wrong_seq_is_passed_over_and_the_last_item_may_come_twice() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        items = [waypoint(10.0, 0.0, 10.0), waypoint(20.0, 0.0, 10.0)]
        station.send(count(2))
        await station.until(lambda: station.of("MISSION_REQUEST_INT"))
        station.send(item_message(items[1], 1))
        await asyncio.sleep(0.2)
        assert station.of("MISSION_ACK") == []
        station.send(item_message(items[0], 0))
        assert (await station.answer("MISSION_ACK", item_message(items[1], 1))).type == 0
        assert (await station.answer("MISSION_ACK", item_message(items[1], 1))).type == 0
        assert (await station.answer("MISSION_ACK", item_message(items[0], 0))).type == mavlink.MAV_MISSION_ERROR
        assert station.texts()[-1] == "IGN MISSION_ITEM: No transfer"

    play(scene)


@pytest.mark.parametrize(("kind", "most"), [(MISSION, 2000), (FENCE, 63), (RALLY, 7), (3, 0)])
def test_a_list_that_is_too_long_has_no_space(kind: int, most: int) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        ack = await station.answer("MISSION_ACK", count(most + 1, kind))
        assert (ack.type, ack.mission_type) == (mavlink.MAV_MISSION_NO_SPACE, kind)
        assert (await station.answer("MISSION_ACK", count(0, kind))).type == 0

    play(scene)


def test_a_download_must_be_asked_for_in_order() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await station.upload([waypoint(float(n), 0.0, 10.0) for n in range(4)])
        await station.answer("MISSION_COUNT", mavlink.MAVLink_mission_request_list_message(1, 1))
        ask = [mavlink.MAVLink_mission_request_int_message(1, 1, seq) for seq in range(4)]
        assert (await station.answer("MISSION_ITEM_INT", ask[0])).seq == 0
        assert (await station.answer("MISSION_ITEM_INT", ask[0])).seq == 0  # the same one again is fine
        assert (await station.answer("MISSION_ACK", ask[3])).type == mavlink.MAV_MISSION_ERROR
        assert "WPM: REJ. CMD: Req. WP was unexpected" in station.texts()
        before = len(station.of("MISSION_ITEM_INT"))
        station.send(ask[0])  # nothing was begun: it says nothing
        await asyncio.sleep(0.5)
        assert len(station.of("MISSION_ITEM_INT")) == before

    play(scene)


def test_clear_all_clears_one_list_or_every_list() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        fence = [corner(e, n) for e, n in CORNERS]
        x, y = place(30.0, 0.0)
        assert await station.upload([waypoint(10.0, 0.0, 10.0)]) == 0
        assert await station.upload(fence, FENCE) == 0
        assert await station.upload([StoredItem(5100, 3, x=x, y=y, z=10.0)], RALLY) == 0
        assert [len(await station.download(kind)) for kind in (MISSION,)] == [1]
        await finished(station)
        clear = mavlink.MAVLink_mission_clear_all_message
        assert (await station.answer("MISSION_ACK", clear(1, 1, 0))).type == 0
        assert [m.command for m in await station.download(FENCE)] == [5001] * 4
        station.send(mavlink.MAVLink_mission_ack_message(1, 1, 0, FENCE))
        await asyncio.sleep(0.1)
        ack = await station.answer("MISSION_ACK", clear(1, 1, 255))
        assert (ack.type, ack.mission_type) == (0, 255)
        assert sim.autopilot.lists.fence.areas == ()
        assert sim.autopilot.lists.rally == []

    play(scene)


def test_a_fence_with_too_few_corners_is_refused_and_clears_the_old_one() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload([corner(e, n) for e, n in CORNERS], FENCE) == 0
        two = [replace(corner(e, n), param1=2.0) for e, n in CORNERS[:2]]
        assert await station.upload(two, FENCE) == mavlink.MAV_MISSION_ERROR
        assert sim.autopilot.lists.fence.areas == ()

    play(scene)


def test_a_mission_without_a_take_off_is_flown_from_the_ground_and_ends_in_hold() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        items = [waypoint(30.0, 0.0, 12.0), StoredItem(SPEED, 2, 1.0, 3.0, -1.0), waypoint(30.0, 30.0, 12.0)]
        assert await station.upload(items) == 0
        assert await station.command(START, 0, 0) == ACCEPTED
        assert "Armed by mission start" in station.texts()
        assert mode(sim) is Px4Mode.MISSION
        await when(lambda: mode(sim) is Px4Mode.LOITER)
        assert "Mission finished, loitering." in station.texts()
        x, y = place(30.0, 30.0)
        assert sim.truth.lat_deg == pytest.approx(x / 1e7, abs=2e-5)
        assert sim.truth.lon_deg == pytest.approx(y / 1e7, abs=2e-5)
        await asyncio.sleep(15.0)
        reached = [m.seq for m in station.of("MISSION_ITEM_REACHED")]
        assert list(dict.fromkeys(reached)) == [0, 1, 2]
        assert reached[-11:] == [2] * 11  # and ten times more
        assert station.of("MISSION_CURRENT")[-1].seq == 2
        assert station.of("MISSION_CURRENT")[-1].total == 3

    play(scene)


def test_a_return_in_a_mission_changes_to_rtl_and_lands_at_home() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        takeoff = StoredItem(22, 3, x=place(20.0, 0.0)[0], y=place(20.0, 0.0)[1], z=10.0)
        assert await station.upload([takeoff, waypoint(40.0, 0.0, 10.0), RTL_ITEM]) == 0
        assert await set_mode(station, Px4Mode.MISSION) == ACCEPTED
        assert await station.command(400, 1) == ACCEPTED
        await when(lambda: sim.truth.relative_m > 9.0)
        await when(lambda: mode(sim) is Px4Mode.RTL)
        await when(lambda: not sim.truth.armed)
        assert station.of("MISSION_ITEM_REACHED")[0].seq == 0
        assert sim.truth.landed

    play(scene)


def test_a_jump_goes_to_the_item_that_was_named() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        items = [waypoint(15.0, 0.0, 10.0), waypoint(0.0, 15.0, 10.0), StoredItem(JUMP, 2, 0.0, 1.0)]
        items.append(waypoint(0.0, 0.0, 10.0))
        assert await station.upload(items) == 0
        assert await station.command(START, 0, 0) == ACCEPTED
        await when(lambda: mode(sim) is Px4Mode.LOITER)
        seqs = [m.seq for m in station.of("MISSION_CURRENT")]
        visits = [seq for place_, seq in enumerate(seqs) if place_ == 0 or seqs[place_ - 1] != seq]
        assert visits[:5] == [0, 1, 0, 1, 3]

    play(scene)


def test_a_current_item_is_set_by_message_by_upload_and_by_the_start() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        items = [waypoint(15.0 * n, 0.0, 10.0) for n in (1, 2, 3)]
        assert await station.upload(items) == 0
        station.send(mavlink.MAVLink_mission_set_current_message(1, 1, 2))
        await asyncio.sleep(0.2)
        assert commander(sim).current == 2
        station.send(mavlink.MAVLink_mission_set_current_message(1, 1, 9))
        await asyncio.sleep(0.2)
        assert station.texts()[-1] == "WPM: WP CURR CMD: Not in list"
        assert await station.command(START, 7, 0) == DENIED
        await airborne(sim, station, 10.0)
        assert await station.command(START, 1, 0) == ACCEPTED
        await asyncio.sleep(1.0)
        assert commander(sim).current == 1

    play(scene)


def test_a_mission_that_is_not_there_is_not_started() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.command(START, 0, 0) == DENIED
        assert station.texts()[-1] == "Mission start denied! No valid mission"
        assert await set_mode(station, Px4Mode.MISSION) == REJECTED

    play(scene)


def test_a_mission_survives_a_lossy_link() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await asyncio.sleep(0.5)
        for seed in range(3):
            items = [waypoint(5.0 * n + seed, 0.0, 10.0) for n in range(20)]
            place_ = len(station.heard)
            station.send(count(len(items)))
            async with asyncio.timeout(60.0):
                while commander(sim).mission[:1] != [items[0]]:
                    await asyncio.sleep(0.05)
                    for _, m in station.heard[place_:]:
                        if m.get_type() == "MISSION_REQUEST_INT":
                            station.send(item_message(items[m.seq], m.seq))
                    place_ = len(station.heard)
                    if not services_busy(sim) and commander(sim).mission[:1] != [items[0]]:
                        station.send(count(len(items)))
            assert [item.x for item in commander(sim).mission] == [item.x for item in items]

    play(scene, loss=0.1)


def services_busy(sim: SimDrone) -> bool:
    return sim._services.busy
