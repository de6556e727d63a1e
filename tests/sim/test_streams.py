"""Default streams and message rates, each as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.links import MemoryLink, memory_link
from sim.wind import Wind
from tests.sim.station import Station, stage

STREAM_ALL = {
    "RAW_IMU", "SCALED_IMU2", "SCALED_IMU3", "SCALED_PRESSURE", "SCALED_PRESSURE2", "SYS_STATUS", "POWER_STATUS",
    "MEMINFO", "MISSION_CURRENT", "GPS_RAW_INT", "NAV_CONTROLLER_OUTPUT", "GLOBAL_POSITION_INT", "LOCAL_POSITION_NED",
    "SERVO_OUTPUT_RAW", "RC_CHANNELS", "ATTITUDE", "SIMSTATE", "AHRS2", "ESC_TELEMETRY_1_TO_4", "VFR_HUD", "AHRS",
    "WIND", "SYSTEM_TIME", "TERRAIN_REPORT", "BATTERY_STATUS", "EKF_STATUS_REPORT", "VIBRATION",
}  # fmt: skip


def request(stream: int, rate_hz: int, start: int = 1) -> Any:
    return mavlink.MAVLink_request_data_stream_message(1, 1, stream, rate_hz, start)


def test_a_silent_station_gets_heartbeats_timesync_and_home_only() -> None:
    # "GCS silent: only HEARTBEAT 1 Hz and TIMESYNC (tc1=0) 0.1 Hz; GPS_GLOBAL_ORIGIN + HOME_POSITION once each when
    # the EKF origin is set (~20 s). No STATUSTEXT, no SYS_STATUS, no position."
    async def main(clock: Clock) -> None:
        rng = random.Random(1)
        near, far = memory_link(rng=rng)
        sim = SimDrone(lat_deg=34.7, lon_deg=113.6, datum_amsl_m=100.0, rng=rng, wind=Wind(rng=rng), utc_s=clock.utc_s)
        sim.attach(near)
        running = asyncio.create_task(sim.run())
        async with Station(far, heartbeat=False) as station:
            await asyncio.sleep(60.05)
            kinds = {m.get_type() for _, m in station.heard}
            assert kinds == {"HEARTBEAT", "TIMESYNC", "GPS_GLOBAL_ORIGIN", "HOME_POSITION"}
            assert len(station.of("HEARTBEAT")) == 60
            assert [m.tc1 for m in station.of("TIMESYNC")] == [0] * 6
            assert len(station.of("HOME_POSITION")) == len(station.of("GPS_GLOBAL_ORIGIN")) == 1
            assert station.times("HOME_POSITION")[0] == pytest.approx(20.0, abs=1.1)
            home = station.of("HOME_POSITION")[0]
            assert all(q != q for q in home.q)  # "HOME_POSITION q = NaN"
            # "After the GCS sends anything (heartbeat): queued and new STATUSTEXTs flow"
            station.send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
            await asyncio.sleep(0.1)
            assert "EKF3 IMU0 is using GPS" in station.texts()
            # "Still no telemetry."
            await asyncio.sleep(5.0)
            assert not station.of("GLOBAL_POSITION_INT")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main, virtual_tempo())


def test_stream_0_is_27_messages_at_exactly_the_rate_asked() -> None:
    # "REQUEST_DATA_STREAM(stream 0, 4 Hz): no ack; 27 types at exactly 4.00 Hz each [...] plus TERRAIN_REQUEST
    # 0.5 Hz"; "start_stop=0: all stop,
    # HEARTBEAT stays"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            station.send(request(0, 4))
            await asyncio.sleep(1.0)
            begin = clock.monotonic_s()
            await asyncio.sleep(10.0)
            recent = [m.get_type() for t, m in station.heard if t > begin]
            regular = set(recent) - {"HEARTBEAT", "TIMESYNC", "PARAM_VALUE", "STATUSTEXT"}
            assert regular == STREAM_ALL | {"TERRAIN_REQUEST"}
            assert len(STREAM_ALL) == 27
            assert recent.count("TERRAIN_REQUEST") == 5
            for kind in STREAM_ALL:
                assert recent.count(kind) == 40, kind
            station.send(request(0, 4, start=0))
            await asyncio.sleep(0.5)
            begin = clock.monotonic_s()
            await asyncio.sleep(5.0)
            assert {m.get_type() for t, m in station.heard if t > begin} <= {"HEARTBEAT", "TIMESYNC", "PARAM_VALUE"}
            assert len(station.of("HEARTBEAT", begin)) == 5

    run(main, virtual_tempo())


def test_stream_6_is_position_only() -> None:
    # "Stream 6: only GLOBAL_POSITION_INT and LOCAL_POSITION_NED."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            begin = clock.monotonic_s()
            station.send(request(6, 5))
            await asyncio.sleep(3.0)
            kinds = {m.get_type() for t, m in station.heard if t > begin}
            assert kinds - {"HEARTBEAT", "TIMESYNC"} == {"GLOBAL_POSITION_INT", "LOCAL_POSITION_NED"}

    run(main, virtual_tempo())


@pytest.mark.parametrize("rate_hz", [50, 10, 4, 2, 1])
def test_a_message_interval_is_exact(rate_hz: int) -> None:
    # "511 known id -> ACCEPTED(0); rate exact (50, 10, 4, 2, 1 Hz measured). -1 -> stop"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(511, 30, 1e6 / rate_hz) == 0
            await asyncio.sleep(1.0)
            begin = clock.monotonic_s()
            await asyncio.sleep(10.0)
            assert abs(len(station.of("ATTITUDE", begin)) - 10 * rate_hz) <= 1
            assert await station.command(511, 30, -1) == 0
            await asyncio.sleep(0.1)
            begin = clock.monotonic_s()
            await asyncio.sleep(5.0)
            assert not station.of("ATTITUDE", begin)

    run(main, virtual_tempo())


def test_heartbeats_can_be_made_faster() -> None:
    # "HEARTBEAT can be changed too (id 0 -> 5 Hz)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(511, 0, 200000) == 0
            begin = clock.monotonic_s()
            await asyncio.sleep(4.0)
            assert len(station.of("HEARTBEAT", begin)) == 20

    run(main, virtual_tempo())


@pytest.mark.parametrize("message_id", [99999, 12345, 230, 106, 12915])
def test_an_interval_for_an_unsupported_message_is_denied(message_id: int) -> None:
    # "511 unknown or unsupported id (99999, 12345, 230, 106, 12915) -> DENIED(2) + STATUSTEXT "No ap_message for
    # mavlink id (N)"."; "[510] Unknown id -> FAILED(4), MESSAGE_INTERVAL interval 0 (id truncated to 16 bits)"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(511, message_id, 100000) == 2
            assert f"No ap_message for mavlink id ({message_id})" in station.texts()
            assert await station.command(510, message_id) == 4
            assert (station.of("MESSAGE_INTERVAL")[-1].message_id, station.of("MESSAGE_INTERVAL")[-1].interval_us) == (
                message_id & 0xFFFF,
                0,
            )

    run(main, virtual_tempo())


def test_too_fast_is_denied_in_a_text_of_two_chunks() -> None:
    # "511 id 30 at 2000 us -> DENIED(2) + STATUSTEXT "Requested rate for message ID 30 too fast. Increase
    # SCHED_LOOP_RATE" (two chunks, STATUSTEXT id=1: reassemble)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(511, 30, 2000) == 2
            chunks = [m for m in station.of("STATUSTEXT") if m.id == 1]
            assert [m.chunk_seq for m in chunks] == [0, 1]
            whole = "".join(m.text for m in chunks)
            assert whole == "Requested rate for message ID 30 too fast. Increase SCHED_LOOP_RATE"

    run(main, virtual_tempo())


def test_the_interval_is_told_before_its_acknowledgement() -> None:
    # "510 -> MESSAGE_INTERVAL first, then COMMAND_ACK ACCEPTED; interval -1 when off."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.command(511, 33, 250000) == 0
            begin = len(station.heard)
            assert await station.command(510, 33) == 0
            kinds = [m.get_type() for _, m in station.heard[begin:]]
            assert kinds.index("MESSAGE_INTERVAL") < kinds.index("COMMAND_ACK")
            assert station.of("MESSAGE_INTERVAL")[-1].interval_us == 250000
            await station.command(510, 74)
            assert station.of("MESSAGE_INTERVAL")[-1].interval_us == -1

    run(main, virtual_tempo())


def test_messages_on_request() -> None:
    # "512 known -> ACCEPTED then the message (HOME_POSITION before home is set: ACCEPTED, nothing sent).
    # Unknown/unsupported (300, 253, 395, 397, 99999) -> FAILED(4). 519 -> UNSUPPORTED(3). 520 -> ACCEPTED +
    # AUTOPILOT_VERSION (capabilities 64495, flight_sw_version 0x04070000). 410 GET_HOME -> ACCEPTED + HOME_POSITION."
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            assert await station.command(512, 242) == 0
            assert not station.of("HOME_POSITION")
            for unknown in (300, 253, 395, 397, 99999):
                assert await station.command(512, unknown) == 4
            assert await station.command(519) == 3
            await asyncio.sleep(25.0)
            begin = len(station.heard)
            assert await station.command(512, 242) == 0
            await asyncio.sleep(0.1)
            kinds = [m.get_type() for _, m in station.heard[begin:]]
            assert kinds.index("COMMAND_ACK") < kinds.index("HOME_POSITION")
            assert await station.command(410) == 0
            assert await station.command(520) == 0
            await asyncio.sleep(0.1)
            version = station.of("AUTOPILOT_VERSION")[-1]
            assert (version.capabilities, version.flight_sw_version) == (64495, 0x04070000)
            assert await station.command(512, 245) == 0  # EXTENDED_SYS_STATE is in no stream, but can be asked for

    run(main, virtual_tempo())


def test_the_acknowledgement_names_the_asker_and_nothing_more() -> None:
    # "COMMAND_ACK always: progress 0, result_param2 0, target = sender's sysid/compid. [...] one ACK a command"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await station.command(410)
            await asyncio.sleep(1.0)
            (ack,) = station.of("COMMAND_ACK")
            assert (ack.progress, ack.result_param2, ack.target_system, ack.target_component) == (0, 0, 255, 190)

    run(main, virtual_tempo())


def test_only_its_own_number_or_zero_is_obeyed() -> None:
    # "Commands to another target sysid -> no answer. target 0/0 -> answered. Right sysid with unknown comp (77) ->
    # executed and ACKed."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):

            def ask(system: int, component: int) -> Any:
                return mavlink.MAVLink_command_long_message(system, component, 410, 0, 0, 0, 0, 0, 0, 0, 0)

            station.send(ask(7, 1))
            await asyncio.sleep(1.0)
            assert not station.of("COMMAND_ACK")
            await station.answer("COMMAND_ACK", ask(0, 0))
            await station.answer("COMMAND_ACK", ask(1, 77))

    run(main, virtual_tempo())


@asynccontextmanager
async def two_links(clock: Clock) -> AsyncIterator[tuple[Station, Station, MemoryLink]]:
    """Two stations on links of their own to one drone, and the drone's end of the second."""
    async with stage(clock) as (sim, first):
        near, far = memory_link(rng=random.Random(5))
        sim.attach(near)
        async with Station(far, system_id=200) as second:
            await asyncio.sleep(0.5)
            yield first, second, near


def test_two_links_have_rates_of_their_own_and_see_each_others_frames() -> None:
    # "Frames of another GCS (sysid 200 on 5762) are forwarded to the 5760 link and vice versa (its HEARTBEAT is seen
    # there)"
    async def main(clock: Clock) -> None:
        async with two_links(clock) as (first, second, near):
            assert await first.command(511, 33, 100000) == 0
            assert await second.command(511, 33, 500000) == 0
            begin = clock.monotonic_s()
            await asyncio.sleep(10.0)
            assert len(first.of("GLOBAL_POSITION_INT", begin)) == pytest.approx(100, abs=1)
            assert len(second.of("GLOBAL_POSITION_INT", begin)) == pytest.approx(20, abs=1)
            assert {m.get_srcSystem() for m in first.of("HEARTBEAT", begin)} == {1, 200}
            assert {m.get_srcSystem() for m in second.of("HEARTBEAT", begin)} == {1, 255}
            near.close()
            await asyncio.sleep(1.0)
            assert await first.command(410) == 0  # a closed link harms no other

    run(main, virtual_tempo())


def test_timesync_is_answered() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            answer = await station.answer("TIMESYNC", mavlink.MAVLink_timesync_message(0, 123456789), ts1=123456789)
            assert answer.tc1 > 0

    run(main, virtual_tempo())


def test_noise_on_the_line_is_dropped() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            noise = random.Random(9)
            for _ in range(50):
                station.link.send(noise.randbytes(noise.randrange(1, 60)))
            # whole frames that make no sense
            station.send(mavlink.MAVLink_command_long_message(1, 1, 511, 0, float("nan"), 0, 0, 0, 0, 0, 0))
            station.send(mavlink.MAVLink_command_long_message(1, 1, 176, 0, 1, float("inf"), 0, 0, 0, 0, 0))
            station.send(mavlink.MAVLink_param_set_message(1, 1, b"\xff\xfe", float("nan"), 9))
            await asyncio.sleep(20.0)
            assert await station.command(410) == 0

    run(main, virtual_tempo())


def test_two_links_that_are_owed_one_message_get_the_same_numbers() -> None:
    async def main(clock: Clock) -> None:
        async with two_links(clock) as (first, second, _):
            for station in (first, second):
                station.send(request(0, 4))
            await asyncio.sleep(5.0)
            ours, theirs = (
                {m.time_boot_ms: bytes(m.get_msgbuf())[10:-2] for m in station.of("ATTITUDE")}
                for station in (first, second)
            )
            both = ours.keys() & theirs.keys()
            assert len(both) > 15
            assert all(ours[at] == theirs[at] for at in both)

    run(main, virtual_tempo())
