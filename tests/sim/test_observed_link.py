"""Several links, forwarding between them, and MAVLink 1 (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymavlink.dialects.v10 import ardupilotmega as first
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, real_tempo, run, virtual_tempo
from sim.drone import SimDrone
from sim.drone.parameters import float32
from sim.links import Link, memory_link, serve_tcp
from tests.sim.station import HOME, Station, stage, waypoint, when


@asynccontextmanager
async def another(sim: SimDrone, *, system_id: int, version: int | None = None) -> AsyncIterator[Station]:
    near, far = memory_link(rng=random.Random(system_id))
    sim.attach(near, version=version)
    async with Station(far, system_id=system_id) as station:
        await asyncio.sleep(1.05)
        yield station


def test_a_frame_for_all_reaches_the_other_links_and_heartbeats_too() -> None:
    # "Frames of another GCS (sysid 200 on 5762) are forwarded to the 5760 link and vice versa (its HEARTBEAT is seen
    # there): a client must filter by sysid/compid."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, one), another(sim, system_id=200) as other:
            await asyncio.sleep(2.0)
            assert any(m.get_srcSystem() == 200 for m in one.of("HEARTBEAT"))
            assert any(m.get_srcSystem() == 255 for m in other.of("HEARTBEAT"))
            other.send(mavlink.MAVLink_statustext_message(6, b"hello"))
            await asyncio.sleep(0.2)
            assert "hello" in one.texts()

    run(main, virtual_tempo())


def test_a_frame_for_one_station_goes_only_where_that_station_was_heard() -> None:
    async def main(clock: Clock) -> None:
        async with (
            stage(clock) as (sim, one),
            another(sim, system_id=200) as two,
            another(sim, system_id=201) as three,
        ):
            two.send(mavlink.MAVLink_command_long_message(201, 190, 400, 0, 1, 0, 0, 0, 0, 0, 0))
            await asyncio.sleep(0.2)
            assert len(three.of("COMMAND_LONG")) == 1
            assert not one.of("COMMAND_LONG")
            assert not sim.truth.armed
            two.send(mavlink.MAVLink_command_long_message(77, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))  # heard nowhere
            two.send(mavlink.MAVLink_radio_status_message(1, 2, 3, 4, 5, 6, 7))
            await asyncio.sleep(0.2)
            assert not one.of("COMMAND_LONG")
            assert not one.of("RADIO_STATUS")

    run(main, virtual_tempo())


def test_answers_go_to_the_asker_and_texts_to_all() -> None:
    # "Any sysid may arm (GCS 200 did)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, one), another(sim, system_id=200) as other:
            assert await other.command(400, 1) == 0
            await asyncio.sleep(0.2)
            assert sim.truth.armed
            assert not one.of("COMMAND_ACK")
            assert other.of("COMMAND_ACK")[0].target_system == 200
            for station in (one, other):
                assert "Arming motors" in station.texts()
            other.send(mavlink.MAVLink_request_data_stream_message(1, 1, 6, 5, 1))
            await asyncio.sleep(1.0)
            assert other.of("GLOBAL_POSITION_INT")
            assert not one.of("GLOBAL_POSITION_INT")

    run(main, virtual_tempo())


def test_only_the_ground_station_that_counts_is_obeyed_when_mav_options_asks_for_it() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, one), another(sim, system_id=200) as other:
            sim.set_parameter("MAV_OPTIONS", 1)
            other.send(mavlink.MAVLink_command_long_message(1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0))
            await asyncio.sleep(0.5)
            assert not sim.truth.armed
            assert await one.command(400, 1) == 0

    run(main, virtual_tempo())


def test_rates_of_a_serial_port_can_be_parameters() -> None:
    # "All MAV1_*/MAVn_* rate parameters are 0."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, one), another(sim, system_id=200) as other:
            assert await one.set_parameter("MAV2_POSITION", 5) == 5
            begin = clock.monotonic_s()
            await asyncio.sleep(4.0)
            assert len(other.of("GLOBAL_POSITION_INT", begin)) == pytest.approx(20, abs=1)
            assert not one.of("GLOBAL_POSITION_INT")
            async with another(sim, system_id=201):
                assert sim.autopilot.parameters["MAV3_POSITION"] == 0

    run(main, virtual_tempo())


def parsed_as_version_1(chunks: list[bytes]) -> list[Any]:
    reader = first.MAVLink(None)
    return [m for chunk in chunks for m in reader.parse_buffer(bytearray(chunk)) or ()]


def test_a_version_1_port_speaks_version_1_only() -> None:
    # SERIALn_PROTOCOL 1; what MAVLink 1 cannot number is not sent, and lists but the mission need MAVLink 2
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, _):
            sim.set_parameter("SERIAL1_PROTOCOL", 1)
            async with another(sim, system_id=200) as old:
                old.send(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 4, 1))
                assert await old.upload([HOME, waypoint(0, 50, 20)]) == 0
                await asyncio.sleep(2.0)
                own = [m for m in parsed_as_version_1(old.raw) if m.get_srcSystem() == 1]
                assert {m.get_type() for m in own} >= {"HEARTBEAT", "ATTITUDE", "GLOBAL_POSITION_INT", "MISSION_ACK"}
                assert all(chunk[0] == 0xFE for chunk in old.raw if chunk[3 if chunk[0] == 0xFE else 5] == 1)
                assert not any(m.get_msgId() > 255 for m in own)
                battery = next(m for m in own if m.get_type() == "BATTERY_STATUS")
                assert battery.battery_remaining == 100
                old.send(mavlink.MAVLink_mission_count_message(1, 1, 1, 1))
                await asyncio.sleep(0.3)
                assert "Need mavlink2 for item transfer" in old.texts()
                assert old.of("MISSION_ACK")[-1].type == 3

    run(main, virtual_tempo())


def test_a_station_that_speaks_version_1_is_understood_and_answered_in_version_2() -> None:
    # as ArduPilot: a port for MAVLink 2 sends MAVLink 2 from the start, whatever it hears
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            writer = first.MAVLink(None, srcSystem=255, srcComponent=190)
            begin = len(station.raw)
            for mode in (4, 5):
                message = first.MAVLink_command_long_message(1, 1, 176, 0, 1, mode, 0, 0, 0, 0, 0)
                station.link.send(message.pack(writer))
                writer.seq += 1
            await asyncio.sleep(0.5)
            assert sim.truth.mode == 5
            assert [m.result for m in station.of("COMMAND_ACK")] == [0, 0]
            assert {chunk[0] for chunk in station.raw[begin:]} == {0xFD}

    run(main, virtual_tempo())


def test_a_server_can_serve_one_client_after_the_other() -> None:
    # "One client a port. A 2nd client on the same port connects (backlog) but gets nothing until the 1st closes; then
    # it is served."
    async def main(_: Clock) -> None:
        served: list[Link] = []
        server = await serve_tcp("127.0.0.1", 0, served.append, one_at_a_time=True)
        async with server:
            port = server.sockets[0].getsockname()[1]
            clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            clients[1][1].write(b"early")
            async with asyncio.timeout(10.0):
                await when(lambda: bool(served))
                await asyncio.sleep(0.3)
                assert len(served) == 1
                clients[2][1].close()  # one that waits may leave
                clients[0][1].close()
                await when(lambda: len(served) > 1)
                assert await served[1].receive() == b"early"
                served[1].send(b"hello")
                assert await clients[1][0].readexactly(5) == b"hello"
            clients[1][1].close()

    run(main, real_tempo())


def test_a_free_port_is_taken_again() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, _), another(sim, system_id=200) as two:
            sim.set_parameter("MAV2_POSITION", 5)
            two.link.close()
            await asyncio.sleep(0.5)
            async with another(sim, system_id=201) as three:
                assert len(three.of("GLOBAL_POSITION_INT")) >= 4

    run(main, virtual_tempo())


def test_the_heartbeat_is_a_quadrotors_of_ardupilot() -> None:
    # "HEARTBEAT from sysid given by --sysid (param MAV_SYSID), comp 1, type 2, autopilot 3."
    async def main(clock: Clock) -> None:
        async with stage(clock, system_id=42) as (sim, station):
            beat = next(m for m in station.of("HEARTBEAT") if m.get_srcSystem() == 42)
            assert (beat.get_srcComponent(), beat.type, beat.autopilot) == (1, 2, 3)
            assert sim.autopilot.parameters["MAV_SYSID"] == 42.0 == float32(42)

    run(main, virtual_tempo())
