"""Parts of lists, several uploads at once, what the store keeps of an item, and the jumps and heights of missions."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.items import NAMES, StoredItem, keep
from sim.links import memory_link
from tests.sim.station import HOME, TAKEOFF_20, Station, airborne, begun, item_message, place, stage, waypoint, when

SOME = [HOME, *(waypoint(10.0 * i, 50, 20) for i in range(1, 5))]
RALLY = [StoredItem(5100, 3, x=place(10.0 * i, 0)[0], y=place(10.0 * i, 0)[1], z=30.0) for i in range(3)]
CIRCLE = StoredItem(5003, 0, 500.0, x=place(0, 0)[0], y=place(0, 0)[1])


def partial(first: int, last: int, kind: int = 0) -> Any:
    return mavlink.MAVLink_mission_write_partial_list_message(1, 1, first, last, kind)


async def wanted(station: Station, kind: int = 0) -> int:
    """The next item that is asked for."""
    begin = len(station.heard)

    def asked() -> Any:
        for _, m in station.heard[begin:]:
            if m.get_type() in ("MISSION_REQUEST", "MISSION_ACK") and m.mission_type == kind:
                return m
        return None

    m = await station.until(asked)
    return int(m.seq) if m.get_type() == "MISSION_REQUEST" else -1


async def write_part(station: Station, first: int, items: list[StoredItem], kind: int = 0) -> int:
    place = len(station.heard)
    station.send(partial(first, first + len(items) - 1, kind))

    def next_word() -> Any:
        nonlocal place
        while place < len(station.heard):
            m = station.heard[place][1]
            place += 1
            if m.get_type() in ("MISSION_REQUEST", "MISSION_ACK"):
                return m
        return None

    while True:
        m = await station.until(next_word)
        if m.get_type() == "MISSION_ACK":
            return int(m.type)
        station.send(item_message(items[m.seq - first], m.seq, kind))


def test_a_part_of_the_mission_is_replaced_and_can_grow_the_list() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload(SOME) == 0
            assert await write_part(station, 2, [waypoint(0, 111, 22), waypoint(0, 112, 23)]) == 0
            assert await write_part(station, 5, [waypoint(0, 115, 26)]) == 0
            got = await station.download()
            assert [m.z for m in got] == [100.0, 20.0, 22.0, 23.0, 20.0, 26.0]
            assert "Flight plan received" in station.texts()

    run(main, virtual_tempo())


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (3, 2), (2, 6), (6, 6), (9, 12)])
def test_a_part_that_is_none_is_refused(first: int, last: int) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload(SOME) == 0
            ack = await station.answer("MISSION_ACK", partial(first, last))
            assert ack.type == mavlink.MAV_MISSION_ERROR
            await asyncio.sleep(0.1)
            assert station.texts()[-1] == "Flight plan update rejected"
            assert [m.z for m in await station.download()] == [100.0, 20.0, 20.0, 20.0, 20.0]

    run(main, virtual_tempo())


def test_a_part_is_denied_while_a_list_is_being_uploaded() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            station.send(mavlink.MAVLink_mission_count_message(1, 1, 3, 0))
            assert await wanted(station) == 0
            ack = await station.answer("MISSION_ACK", partial(0, 0))
            assert ack.type == mavlink.MAV_MISSION_DENIED

    run(main, virtual_tempo())


def test_parts_of_rally_points_and_fences_are_written_too() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.upload(RALLY, 2) == 0
            assert await write_part(station, 1, [replace(RALLY[1], z=44.0)], 2) == 0
            assert [m.z for m in await station.download(2)] == [30.0, 44.0, 30.0]
            assert "Rally points received" in station.texts()
            assert await station.upload([CIRCLE], 1) == 0
            assert await write_part(station, 0, [replace(CIRCLE, param1=300.0)], 1) == 0
            assert sim.autopilot.lists.fence.items[0].param1 == 300.0
            assert await write_part(station, 0, [replace(CIRCLE, param1=0.0)], 1) == mavlink.MAV_MISSION_ERROR
            assert sim.autopilot.lists.fence.items[0].param1 == 300.0

    run(main, virtual_tempo())


def test_asking_for_a_part_is_not_answered() -> None:
    # ArduPilot has no handler for MISSION_REQUEST_PARTIAL_LIST
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload(SOME) == 0
            begin = clock.monotonic_s()
            station.send(mavlink.MAVLink_mission_request_partial_list_message(1, 1, 0, 2, 0))
            await asyncio.sleep(1.0)
            kinds = {m.get_type() for t, m in station.heard if t > begin}
            assert kinds <= {"HEARTBEAT", "STATUSTEXT"}

    run(main, virtual_tempo())


def test_the_three_lists_are_uploaded_independently() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            station.send(mavlink.MAVLink_mission_count_message(1, 1, 2, 0))
            station.send(mavlink.MAVLink_mission_count_message(1, 1, 1, 2))
            await asyncio.sleep(0.2)
            assert {(m.seq, m.mission_type) for m in station.of("MISSION_REQUEST")} == {(0, 0), (0, 2)}
            station.send(item_message(RALLY[0], 0, 2))
            station.send(item_message(HOME, 0, 0))
            station.send(item_message(SOME[1], 1, 0))
            await asyncio.sleep(0.2)
            assert {(m.type, m.mission_type) for m in station.of("MISSION_ACK")} == {(0, 0), (0, 2)}
            assert (len(sim.autopilot.lists.mission), len(sim.autopilot.lists.rally)) == (2, 1)

    run(main, virtual_tempo())


def test_another_station_neither_joins_nor_clears_an_upload() -> None:
    # "While an upload runs: REQUEST_LIST, or COUNT from another GCS -> ACK 14 DENIED. Same GCS may restart with a new
    # COUNT (code)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            near, far = memory_link(rng=random.Random(4))
            sim.attach(near)
            async with Station(far, system_id=200) as other:
                station.send(mavlink.MAVLink_mission_count_message(1, 1, 3, 0))
                assert await wanted(station) == 0
                other.send(item_message(HOME, 0))
                other.send(mavlink.MAVLink_mission_clear_all_message(1, 1, 0))
                await asyncio.sleep(0.3)
                # the answer to an item goes where the upload comes from
                assert [m.type for m in station.of("MISSION_ACK")] == [mavlink.MAV_MISSION_DENIED]
                denied = [mavlink.MAV_MISSION_DENIED, mavlink.MAV_MISSION_ERROR]
                assert [m.type for m in other.of("MISSION_ACK")] == denied
                station.send(mavlink.MAVLink_mission_clear_all_message(1, 1, 0))
                await asyncio.sleep(0.3)
                assert station.of("MISSION_ACK")[-1].type == 0
                assert not sim.autopilot.lists.mission

    run(main, virtual_tempo())


def test_an_item_without_an_upload_is_an_error() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            ack = await station.answer("MISSION_ACK", item_message(SOME[1], 1))
            assert ack.type == mavlink.MAV_MISSION_ERROR

    run(main, virtual_tempo())


KEPT = [
    (StoredItem(16, 3, 2.7, 5.0, 6.0, 90.0, 1, 1, 20.0), (2.0, 0.0, 0.0, 0.0)),
    (StoredItem(16, 3, 2.0, 0.0, 0.0, math.nan, 1, 1, 20.0), (2.0, 0.0, 0.0, 0.0)),
    (StoredItem(17, 3, 9.0, 9.0, -30.5, 0.0, 1, 1, 20.0), (0.0, 0.0, -30.0, 0.0)),
    (StoredItem(18, 3, 3.0, 1.0, -20.0, 1.0, 1, 1, 20.0), (3.0, 0.0, -20.0, 1.0)),
    (StoredItem(19, 3, 12.0, 1.0, 0.0, 0.0, 1, 1, 20.0), (12.0, 0.0, 1.0, 0.0)),
    (StoredItem(19, 3, 12.0, 1.0, -50.0, 2.0, 1, 1, 20.0), (12.0, 0.0, -1.0, 1.0)),
    (StoredItem(21, 3, 0.0, 2.0, 0.0, math.nan, 1, 1, 0.0), (0.0, 0.0, 0.0, 1.0)),
    (StoredItem(22, 3, 15.0, 0.0, 0.0, 45.0, 1, 1, 20.0), (15.0, 0.0, 0.0, 0.0)),
    (StoredItem(31, 3, 1.0, 25.0, 0.0, 1.0, 1, 1, 20.0), (0.0, 25.0, 0.0, 1.0)),
    (StoredItem(93, 0, 4.5, -1.0, -1.0, -1.0), (4.5, -1.0, -1.0, -1.0)),
    (StoredItem(115, 0, 90.5, 20.0, 1.0, 1.0), (90.5, 20.0, 1.0, 1.0)),
    (StoredItem(177, 0, 3.0, -1.0), (3.0, -1.0, 0.0, 0.0)),
    (StoredItem(178, 0, 1.0, 7.5, -1.0, 3.0), (1.0, 7.5, -1.0, 0.0)),
    (StoredItem(206, 0, 12.5, 3.0, 1.0), (12.5, 0.0, 1.0, 0.0)),
    (StoredItem(2000, 0, 0.0, 2.5, 10.0, 1.0), (0.0, 2.5, 10.0, 1.0)),
]


@pytest.mark.parametrize(("item", "params"), KEPT)
def test_the_store_keeps_what_it_has_room_for(item: StoredItem, params: tuple[float, ...]) -> None:
    kept = keep(item, 0)
    assert isinstance(kept, StoredItem)
    assert (kept.param1, kept.param2, kept.param3, kept.param4) == params
    assert kept.autocontinue == 1
    assert keep(kept, 0) == kept


REFUSED = [
    (StoredItem(530, 2), mavlink.MAV_MISSION_UNSUPPORTED),
    (StoredItem(65000), mavlink.MAV_MISSION_UNSUPPORTED),
    (StoredItem(16, 99, x=1, y=1), mavlink.MAV_MISSION_UNSUPPORTED_FRAME),
    (StoredItem(16, 3, x=2000000000, y=1), mavlink.MAV_MISSION_INVALID_PARAM5_X),
    (StoredItem(16, 3, x=1, y=2000000000), mavlink.MAV_MISSION_INVALID_PARAM6_Y),
    (StoredItem(16, 3, x=1, y=1, z=83000.0), mavlink.MAV_MISSION_INVALID_PARAM7),
    (StoredItem(16, 3, x=1, y=1, z=math.nan), mavlink.MAV_MISSION_INVALID_PARAM7),
    (StoredItem(16, 3, math.nan, x=1, y=1), mavlink.MAV_MISSION_INVALID_PARAM1),
    (StoredItem(16, 3, 0.0, math.inf, x=1, y=1), mavlink.MAV_MISSION_INVALID_PARAM2),
    (StoredItem(19, 3, 0.0, 0.0, math.nan, x=1, y=1), mavlink.MAV_MISSION_INVALID_PARAM3),
    (StoredItem(19, 3, 0.0, 0.0, 0.0, math.nan, x=1, y=1), mavlink.MAV_MISSION_INVALID_PARAM4),
    (StoredItem(16, 3, 0.0, 0.0, 0.0, math.inf, x=1, y=1), mavlink.MAV_MISSION_INVALID_PARAM4),
]


@pytest.mark.parametrize(("item", "result"), REFUSED)
def test_what_cannot_be_stored_is_refused_by_its_field(item: StoredItem, result: int) -> None:
    assert keep(item, 0) == result


def test_every_command_that_is_taken_can_be_kept() -> None:
    for command in NAMES:
        assert isinstance(keep(StoredItem(command, 3, 1.0, 1.0, 1.0, 1.0, 1, 1, 1.0), 0), StoredItem), command


@pytest.mark.parametrize(("target", "result"), [(0, 1), (1, 0), (3, 0), (4, 1), (70, 1)])
def test_a_jump_must_lead_into_the_mission(target: int, result: int) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            jump = StoredItem(177, 0, float(target), 1.0)
            assert await station.upload([HOME, TAKEOFF_20, jump, waypoint(0, 20, 20)]) == result

    run(main, virtual_tempo())


def test_a_jump_by_tag_is_taken_as_often_as_it_says() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            there, back = waypoint(0, 30, 15), waypoint(0, 0, 15)
            items = [HOME, TAKEOFF_20, StoredItem(600, 0, 7.0), there, back, StoredItem(601, 0, 7.0, 2.0)]
            await begun(station, [*items, StoredItem(601, 0, 99.0, 1.0), StoredItem(21)])
            await when(lambda: "Mission: 4 WP" in station.texts(), 100.0)
            await asyncio.sleep(120.0)
            assert station.texts().count("Mission: 3 WP") == 3
            assert sim.truth.armed  # the tag 99 is nowhere: the mission ends there, hovering

    run(main, virtual_tempo())


def test_a_height_of_0_is_the_height_before() -> None:
    # AP_Mission and ModeAuto::loc_from_cmd: an altitude of 0, in any frame, keeps the one before
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            flat, amsl = waypoint(0, 60, 0), replace(waypoint(60, 60, 0), frame=0)
            await begun(station, [HOME, TAKEOFF_20, waypoint(0, 20, 35), flat, amsl])
            await when(lambda: "Reached command #4" in station.texts(), 200.0)
            assert sim.truth.relative_m == pytest.approx(35.0, abs=0.5)

    run(main, virtual_tempo())


def test_a_region_of_interest_lasts_over_waypoints() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            roi = replace(waypoint(0, 500, 0), command=195)
            await begun(station, [HOME, TAKEOFF_20, roi, waypoint(0, 60, 20), waypoint(60, 60, 20)])
            await when(lambda: "Reached command #4" in station.texts(), 200.0)
            assert sim.truth.heading_deg == pytest.approx(352.2, abs=2.0)

    run(main, virtual_tempo())


def test_a_speed_can_be_wished_in_the_air_for_climb_and_descent() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 15.0)
            assert await station.command(178, 2, 1.2) == 0
            assert await station.command(178, 3, 0.8) == 0
            parameters = sim.autopilot.parameters
            assert (parameters["WPNAV_SPEED_UP"], parameters["WPNAV_SPEED_DN"]) == pytest.approx((120.0, 80.0))

    run(main, virtual_tempo())


@pytest.mark.parametrize(("options", "centre_m", "rate"), [(1, 20.0, 20.0), (4, 0.0, -10.0)])
def test_circle_goes_round_a_point_ahead_or_here_at_its_rate(options: int, centre_m: float, rate: float) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            for name, value in {"CIRCLE_OPTIONS": options, "CIRCLE_RADIUS": 2000, "CIRCLE_RATE": rate}.items():
                sim.set_parameter(name, value)
            await airborne(sim, station, 20.0)
            assert await station.command(176, 1, 7) == 0
            await asyncio.sleep(30.0)
            body = sim.autopilot.body
            angles = []
            for _ in range(20):
                await asyncio.sleep(0.5)
                assert math.hypot(body.e, body.n - centre_m) == pytest.approx(20.0, abs=1.5)
                angles.append(math.degrees(math.atan2(body.e, body.n - centre_m)))
            turned = [(b - a + 180.0) % 360.0 - 180.0 for a, b in pairwise(angles)]
            fastest = math.degrees(math.sqrt(sim.autopilot.limits().corner_mps2 * 20.0) / 20.0)
            assert math.fsum(turned) / 9.5 == pytest.approx(math.copysign(min(abs(rate), fastest), rate), rel=0.1)

    run(main, virtual_tempo())
