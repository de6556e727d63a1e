"""PX4's parameters on the wire, what it streams, and what drives the vehicle."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.drone.framing import Framing
from sim.px4.parameter_table import DRIVES, INT32, REAL32, TABLE
from sim.px4.streams import DEFAULT_HZ
from tests.sim.px4.scene import DENIED, airborne, play, services
from tests.sim.station import Station, when

LIST = mavlink.MAVLink_param_request_list_message(1, 1)
FAILED = 4


def read(name: str = "", index: int = -1) -> Any:
    return mavlink.MAVLink_param_request_read_message(1, 1, name.encode(), index)


def write(name: str, raw: bytes, kind: int) -> Any:
    return mavlink.MAVLink_param_set_message(1, 1, name.encode(), struct.unpack("<f", raw)[0], kind)


def whole(message: Any) -> int:
    return int(struct.unpack("<i", struct.pack("<f", message.param_value))[0])


def test_the_table_names_each_parameter_once_in_order() -> None:
    names = [name for name, _, _ in TABLE]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 16 for name in names)
    assert DRIVES.keys() <= set(names)


def test_a_list_begins_with_a_hash_and_counts_every_parameter() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(LIST)
        await when(lambda: len(station.of("PARAM_VALUE")) == len(TABLE) + 1)
        first, *rest = station.of("PARAM_VALUE")
        assert (first.param_id, first.param_index, first.param_type) == ("_HASH_CHECK", 65535, 5)
        assert [m.param_index for m in rest] == list(range(len(TABLE)))
        assert [m.param_id for m in rest] == sorted(name for name, _, _ in TABLE)
        assert {m.param_count for m in rest} == {len(TABLE)}
        assert {m.param_type for m in rest} == {INT32, REAL32}

    play(scene)


def test_the_hash_is_the_crc_of_all_names_and_values() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        async def hashed() -> int:
            message = await station.answer("PARAM_VALUE", read("_HASH_CHECK"), param_id="_HASH_CHECK")
            return int(struct.unpack("<I", struct.pack("<f", message.param_value))[0])

        values = services(sim).parameters
        blob = b"".join(name.encode() + values.raw(name) for name in sorted(n for n, _, _ in TABLE))
        assert await hashed() == zlib.crc32(blob, 0xFFFFFFFF) ^ 0xFFFFFFFF
        before = await hashed()
        await station.answer("PARAM_VALUE", write("MPC_XY_CRUISE", struct.pack("<f", 6.0), REAL32))
        assert await hashed() != before

    play(scene)


def test_setting_the_hash_stops_a_list() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(LIST)
        await station.until(lambda: station.of("PARAM_VALUE"))
        station.send(write("_HASH_CHECK", struct.pack("<I", 1), 5))
        await asyncio.sleep(2.0)
        assert len(station.of("PARAM_VALUE")) < len(TABLE)

    play(scene)


@pytest.mark.parametrize("value", [0, 1, -1, 3, 250, 2**31 - 1 - 2**24, -(2**22)])
def test_whole_numbers_travel_as_their_bytes(value: int) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        answer = await station.answer("PARAM_VALUE", write("GF_ACTION", struct.pack("<i", value), INT32))
        assert (answer.param_type, whole(answer)) == (INT32, value)
        assert answer.param_index == services(sim).parameters.index("GF_ACTION")
        assert whole(await station.answer("PARAM_VALUE", read("GF_ACTION"))) == value

    play(scene)


def test_names_and_numbers_that_are_not_there_are_told_in_words() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        station.send(write("NOT_THERE", struct.pack("<f", 1.0), REAL32))
        station.send(read(index=9999))
        station.send(read("NOT_THERE"))
        await asyncio.sleep(0.5)
        assert {"[pm] unknown param: NOT_THERE", "[pm] unknown param ID: 9999"} <= set(station.texts())
        assert station.of("PARAM_VALUE") == []
        answer = await station.answer("PARAM_VALUE", write("MPC_XY_CRUISE", struct.pack("<f", float("nan")), REAL32))
        assert answer.param_value == 5.0

    play(scene)


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_what_a_parameter_drives_is_a_setting_of_the_vehicle(name: str) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        kind = services(sim).parameters.kind(name)
        raw = struct.pack("<i", 3) if kind == INT32 else struct.pack("<f", 3.0)
        await station.answer("PARAM_VALUE", write(name, raw, kind))
        setting, unit = DRIVES[name]
        assert sim.autopilot.parameters[setting] == pytest.approx(3.0 * unit)

    play(scene)


def test_a_negative_landing_delay_makes_the_return_wait_in_the_air() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await station.set_parameter("RTL_LAND_DELAY", -1.0)
        await station.set_parameter("RTL_DESCEND_ALT", 12.0)
        await airborne(sim, station, 15.0)
        assert await station.command(20) == 0
        await asyncio.sleep(120.0)
        assert sim.truth.armed
        assert sim.truth.relative_m == pytest.approx(12.0, abs=0.5)

    play(scene)


def test_everything_streams_at_its_rate_before_anybody_speaks() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        begin = asyncio.get_running_loop().time()
        await asyncio.sleep(20.0)
        only_in_flight = {83, 87, 85, 231, 360}  # targets, wind and orbit
        for message_id, hz in DEFAULT_HZ.items():
            if message_id in only_in_flight - {83}:
                continue
            kind = mavlink.mavlink_map[message_id].msgname
            heard = [t for t in station.times(kind) if t > begin]
            assert len(heard) == pytest.approx(20.0 * hz, abs=1.1), kind

    play(scene)


@pytest.mark.parametrize("state", ["booting", "on the ground", "in the air"])
def test_every_message_can_be_built_in_every_state(state: str) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        if state == "in the air":
            await airborne(sim, station, 12.0)
        parser = mavlink.MAVLink(None)
        framing = Framing(1, 1)
        for message_id, build in services(sim).telemetry.builders.items():
            built = build()
            if built is not None:
                frame = framing.frame(built)
                assert frame is not None
                parsed = parser.parse_buffer(bytearray(frame))
                assert parsed
                assert [message.get_msgId() for message in parsed] == [message_id]

    play(scene, warm=state != "booting")


def test_a_position_target_and_the_wind_are_told_in_the_air() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        for kind in ("POSITION_TARGET_LOCAL_NED", "WIND_COV"):
            assert station.of(kind) == []
        await airborne(sim, station, 12.0)
        await asyncio.sleep(3.0)
        assert station.of("POSITION_TARGET_LOCAL_NED")[-1].z == pytest.approx(-12.0, abs=0.3)
        assert station.of("WIND_COV")
        assert station.of("ALTITUDE")[-1].altitude_relative == pytest.approx(12.0, abs=0.5)

    play(scene)


def test_intervals_are_set_restored_told_and_stopped() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        attitude, imu = 30, 105
        assert await station.command(511, imu, 100000) == 0
        begin = asyncio.get_running_loop().time()
        await asyncio.sleep(5.0)
        assert len([t for t in station.times("HIGHRES_IMU") if t > begin]) == pytest.approx(50, abs=1)
        told = mavlink.MAVLink_command_long_message(1, 1, 510, 0, imu, 0, 0, 0, 0, 0, 0)
        assert (await station.answer("MESSAGE_INTERVAL", told)).interval_us == 100000
        assert await station.command(511, attitude, -1) == 0
        count = len(station.of("ATTITUDE"))
        await asyncio.sleep(2.0)
        assert len(station.of("ATTITUDE")) <= count + 1
        assert await station.command(511, attitude, 0) == 0
        begin = asyncio.get_running_loop().time()
        await asyncio.sleep(2.0)
        assert len([t for t in station.times("ATTITUDE") if t > begin]) == pytest.approx(30, abs=1)
        assert await station.command(511, 12345, 100000) == FAILED
        assert await station.command(512, 148) == 0
        await station.until(lambda: station.of("AUTOPILOT_VERSION"))
        version = station.of("AUTOPILOT_VERSION")[-1]
        assert version.capabilities & mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE
        assert version.flight_sw_version >> 16 == 0x010D
        assert await station.command(512, 12345) == DENIED

    play(scene)


def test_pings_are_answered_and_time_is_told() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        answer = await station.answer("PING", mavlink.MAVLink_ping_message(77, 5, 0, 0), target_system=255)
        assert (answer.time_usec, answer.seq) == (77, 5)
        sync = await station.answer("TIMESYNC", mavlink.MAVLink_timesync_message(0, 123456))
        assert sync.ts1 == 123456
        assert sync.tc1 > 0

    play(scene)


@settings(max_examples=25)
@given(st.sampled_from([n for n, kind, _ in TABLE if kind == REAL32]), st.floats(-1e6, 1e6, width=32))
def test_any_number_is_kept_in_single_precision(name: str, value: float) -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        answer = await station.answer("PARAM_VALUE", write(name, struct.pack("<f", value), REAL32))
        assert answer.param_value == value

    play(scene)
