"""Fence and rally points as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from shapely.geometry import Point, Polygon

from controller.clock import Clock, run, virtual_tempo
from sim.drone.fence import METRES_PER_DEG, Area
from sim.drone.items import StoredItem
from sim.drone.modes import Mode
from tests.sim.station import HOME, RTL, TAKEOFF_20, airborne, begun, place, stage, waypoint, when


def ring(command: int, *corners: tuple[float, float], frame: int = 0) -> list[StoredItem]:
    return [
        StoredItem(command, frame, float(len(corners)), x=place(e, n)[0], y=place(e, n)[1], autocontinue=0)
        for e, n in corners
    ]


def box(command: int, half_m: float, east_m: float = 0.0) -> list[StoredItem]:
    return ring(
        command,
        (east_m - half_m, -half_m),
        (east_m + half_m, -half_m),
        (east_m + half_m, half_m),
        (east_m - half_m, half_m),
    )


def circle(command: int, radius_m: float, east_m: float = 0.0) -> StoredItem:
    x, y = place(east_m, 0.0)
    return StoredItem(command, 0, radius_m, x=x, y=y, autocontinue=0)


def test_a_good_fence_is_indexed_and_reads_back_in_frame_0() -> None:
    # "Good fence -> ACK 0 + STATUSTEXT sev 7 "Fence Indexed OK"."; "Frames 0,3,5,6 accepted, read back as frame 0, z 0,
    # autocontinue 0"; "Reading right after the ACK can give MISSION_COUNT 0 (index still loading)"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            fence = [*box(5001, 200.0), *ring(5002, (50, 50), (60, 50), (55, 60), frame=3), circle(5004, 5.0, 100.0)]
            assert await station.upload(fence, 1) == 0
            early = await station.answer("MISSION_COUNT", mavlink.MAVLink_mission_request_list_message(1, 1, 1))
            assert early.count == 0
            assert "Fence Indexed OK" in station.texts()
            await asyncio.sleep(1.0)
            got = await station.download(1)
            assert [(m.frame, m.z, m.autocontinue) for m in got] == [(0, 0.0, 0)] * len(fence)
            assert [(m.command, m.param1, m.x, m.y) for m in got] == [(i.command, i.param1, i.x, i.y) for i in fence]

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("bad", "result", "text"),
    [
        (box(5001, 100.0)[:3], 1, "Incorrect item count"),
        (ring(5001, (0, 0), (10, 10)), 1, "Invalid vertex count (2)"),
        ([circle(5003, 0.0)], 1, "Non-positive circle radius"),
        ([waypoint(0, 0, 0)], 3, ""),
    ],
)
def test_a_bad_fence_is_refused_and_the_old_one_kept(bad: list[StoredItem], result: int, text: str) -> None:
    # "3 vertices of param1=4 -> ACK 1 + "Incorrect item count" + "Fence validation failed", old fence kept. 2 vertices
    # -> ACK 1 "Invalid vertex count (2)". Radius 0 -> ACK 1 "Non-positive circle radius". Command 16 -> ACK 3."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload(box(5001, 200.0), 1) == 0
            assert await station.upload(bad, 1) == result
            await asyncio.sleep(1.0)
            if text:
                assert text in station.texts()
                assert "Fence validation failed" in station.texts()
            assert len(await station.download(1)) == 4

    run(main, virtual_tempo())


def test_enabling_the_fence_shows_in_status() -> None:
    # "207 DO_FENCE_ENABLE 1/0 -> ACCEPTED (also with no fence loaded); FENCE_STATUS then streams, breach_mitigation 1;
    # SYS_STATUS bit 0x100000 set in all three."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            station.send(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 4, 1))
            await asyncio.sleep(1.0)
            assert not station.of("FENCE_STATUS")
            status = station.of("SYS_STATUS")[-1]
            assert not status.onboard_control_sensors_enabled & 0x100000
            assert status.onboard_control_sensors_health & 0x100000, "ground stations would tell of a breach"
            assert await station.command(207, 1) == 0
            await asyncio.sleep(1.0)
            assert station.of("FENCE_STATUS")[-1].breach_mitigation == 1
            status = station.of("SYS_STATUS")[-1]
            bits = (
                status.onboard_control_sensors_present
                & status.onboard_control_sensors_enabled
                & status.onboard_control_sensors_health
            )
            assert bits & 0x100000
            assert await station.command(207, 0) == 0

    run(main, virtual_tempo())


def test_a_guided_target_outside_the_fence_is_not_flown_to() -> None:
    # "GUIDED with a fence of 80 m: DO_REPOSITION outside -> FAILED(4). SET_POSITION_TARGET outside: ignored. Velocity
    # target towards it: vehicle stops inside, FENCE_STATUS breach_mitigation=2, no breach."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.upload(box(5001, 80.0), 1)
            await station.command(207, 1)
            await airborne(sim, station)
            x, y = place(100.0, 0.0)
            assert await station.command(192, -1, 0, 0, 0, x / 1e7, y / 1e7, 20.0, as_int=True) == 4
            station.send(
                mavlink.MAVLink_set_position_target_global_int_message(
                    0, 1, 1, 6, 0b110111111000, x, y, 20.0, 0, 0, 0, 0, 0, 0, 0, 0
                )
            )
            await asyncio.sleep(10.0)
            assert abs(sim.autopilot.body.e) < 1.0
            await station.command(511, 162, 500000)
            for _ in range(25):
                station.send(
                    mavlink.MAVLink_set_position_target_local_ned_message(
                        0, 1, 1, 1, 0b110111000111, 0, 0, 0, 0, 8.0, 0, 0, 0, 0, 0, 0
                    )
                )
                await asyncio.sleep(1.0)
            assert 60.0 < sim.autopilot.body.e < 80.0
            status = station.of("FENCE_STATUS")[-1]
            assert (status.breach_status, status.breach_mitigation) == (0, 2)

    run(main, virtual_tempo())


def test_a_fence_far_away_brings_the_drone_down_at_once() -> None:
    # "New fence 500 m away uploaded in flight -> at once breach_status=1 type 3 count 1, "Polygon fence breached",
    # mode LAND (9) (FENCE_ACTION 1, more than 100 m outside), system_status stays 4. A GCS mode change to GUIDED
    # afterwards -> ACCEPTED, "Manual recovery started"."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.command(207, 1)
            await airborne(sim, station)
            await station.upload(box(5001, 50.0, east_m=500.0), 1)
            await station.command(511, 162, 200000)
            await asyncio.sleep(1.5)
            assert "Polygon fence breached" in station.texts()
            status = station.of("FENCE_STATUS")[-1]
            assert (status.breach_status, status.breach_type, status.breach_count) == (1, 3, 1)
            heartbeat = [m for m in station.of("HEARTBEAT") if m.get_srcSystem() == 1][-1]
            assert (heartbeat.custom_mode, heartbeat.system_status) == (9, 4)
            assert await station.command(176, 1, 4) == 0
            assert "Manual recovery started" in station.texts()

    run(main, virtual_tempo())


@pytest.mark.parametrize(("action", "mode"), [(1, Mode.RTL), (2, Mode.LAND), (4, Mode.BRAKE)])
def test_a_mission_that_leaves_the_fence_ends_as_the_parameter_says(action: int, mode: Mode) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.set_parameter("FENCE_ACTION", action)
            await station.set_parameter("FENCE_TYPE", 4)
            await station.set_parameter("FENCE_ENABLE", 1)
            await station.upload(box(5001, 100.0), 1)
            await begun(station, [HOME, TAKEOFF_20, waypoint(300, 0, 20), RTL])
            await when(lambda: sim.truth.mode is mode, 120.0)
            assert 100.0 < sim.autopilot.body.e < 103.0

    run(main, virtual_tempo())


def test_the_ceiling_is_part_of_the_fence() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.set_parameter("FENCE_TYPE", 1)
            await station.set_parameter("FENCE_ALT_MAX", 30)
            await station.set_parameter("FENCE_ENABLE", 1)
            await begun(station, [HOME, StoredItem(22, 3, z=50.0), RTL])
            await when(lambda: sim.truth.mode is Mode.RTL, 60.0)
            assert "Max Alt fence breached" in station.texts()
            assert sim.truth.relative_m < 32.0

    run(main, virtual_tempo())


@pytest.mark.parametrize(("include_home", "limit_km", "ends_m"), [(1, 0.3, 100.0), (0, 0.05, 0.0), (0, 0.3, 100.0)])
def test_return_goes_to_the_nearest_rally_point_within_the_limit(
    include_home: int, limit_km: float, ends_m: float
) -> None:
    # "Rally 5100 upload/read/clear: ACK 0, frame 3 kept."
    x, y = place(100.0, 0.0)

    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.upload([StoredItem(5100, 3, x=x, y=y, z=15.0)], 2) == 0
            assert [m.frame for m in await station.download(2)] == [3]
            await station.set_parameter("RALLY_INCL_HOME", include_home)
            await station.set_parameter("RALLY_LIMIT_KM", limit_km)
            landed: list[tuple[float, float]] = []
            sim.on_touchdown.append(lambda lat, lon: landed.append((lat, lon)))
            await begun(station, [HOME, TAKEOFF_20, waypoint(160, 0, 20), RTL])
            await when(lambda: not sim.truth.armed)
            assert math.hypot(sim.autopilot.body.e - ends_m, sim.autopilot.body.n) < 1.0
            assert len(landed) == 1

    run(main, virtual_tempo())


corners = st.lists(st.tuples(st.floats(-300, 300), st.floats(-300, 300)), min_size=3, max_size=8)


@settings(deadline=None)
@given(corners, st.floats(-400, 400), st.floats(-400, 400))
def test_distance_to_a_polygon_agrees_with_an_independent_library(
    ring_m: list[tuple[float, float]], e: float, n: float
) -> None:
    shape = Polygon(ring_m)
    if not shape.is_valid or shape.area < 1.0:
        return
    scale = math.cos(math.radians(34.0)) * METRES_PER_DEG
    area = Area(True, tuple((34.0 + b / METRES_PER_DEG, 113.0 + a / scale) for a, b in ring_m))
    got = area.outside_m(34.0 + n / METRES_PER_DEG, 113.0 + e / scale)
    edge = shape.exterior.distance(Point(e, n))
    assert abs(got) == pytest.approx(edge, abs=0.1)
    if edge > 0.1:
        assert (got < 0.0) == shape.contains(Point(e, n))


@settings(deadline=None)
@given(corners, st.booleans(), st.floats(0.0, 200.0), st.floats(-400, 400), st.floats(-400, 400))
def test_what_an_area_forbids_is_what_lies_on_its_far_side(
    ring_m: list[tuple[float, float]], inside_allowed: bool, radius_m: float, e: float, n: float
) -> None:
    scale = math.cos(math.radians(34.0)) * METRES_PER_DEG
    points = tuple((34.0 + b / METRES_PER_DEG, 113.0 + a / scale) for a, b in ring_m)
    for area in (Area(inside_allowed, points), Area(inside_allowed, points[:1], radius_m + 1.0)):
        lat, lon = 34.0 + n / METRES_PER_DEG, 113.0 + e / scale
        beyond_m = area.outside_m(lat, lon)
        if beyond_m != 0.0:
            assert area.forbids(lat, lon) == (beyond_m > 0.0)


def test_outside_the_fence_it_can_be_armed_on_the_ground() -> None:
    # "Disarmed on the ground outside an inclusion circle with fence enabled by 207 (FENCE_TYPE 7): arming was ACCEPTED
    # once."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.upload([circle(5003, 50.0, 300.0)], 1) == 0
            await asyncio.sleep(1.0)
            assert await station.command(207, 1) == 0
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 0
            assert sim.truth.armed

    run(main, virtual_tempo())
