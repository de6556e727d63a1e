"""Open Drone ID as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect

from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.links import memory_link
from tests.sim.station import HOME_LAT_DEG, HOME_LON_DEG, Station, airborne, stage

mavlink: Any = dialect
NOBODY = [0] * 20
OPERATOR = (347000000, 1136000000)


def basic_id() -> Any:
    return mavlink.MAVLink_open_drone_id_basic_id_message(1, 1, NOBODY, 1, 2, list(b"1581F4BND2234".ljust(20, b"\0")))


def system(place: tuple[int, int] = OPERATOR) -> Any:
    return mavlink.MAVLink_open_drone_id_system_message(
        1, 1, NOBODY, 0, 1, *place, 1, 0, -1000.0, -1000.0, 1, 1, 100.0, 0
    )


def arm_status(status: int = 0, error: bytes = b"") -> Any:
    return mavlink.MAVLink_open_drone_id_arm_status_message(status, error)


@asynccontextmanager
async def with_transmitter(clock: Clock, **parameters: float) -> AsyncIterator[tuple[SimDrone, Station, Station]]:
    """A drone that was started with DID_ENABLE 1, its ground station, and its transmitter on serial port 1."""
    async with stage(clock) as (sim, station):
        near, far = memory_link(rng=random.Random(3))
        sim.attach(near)
        async with Station(far, system_id=1, heartbeat=False) as transmitter:
            transmitter._mav.srcSystem, transmitter._mav.srcComponent = 50, 236
            for name, value in {"DID_ENABLE": 1, "DID_MAVPORT": 1, **parameters}.items():
                sim.set_parameter(name, value)
            assert await station.command(246, 1) == 0
            await asyncio.sleep(45.0)
            yield sim, station, transmitter


def kept_up(sender: Station, *messages: Any) -> asyncio.Task[None]:
    async def send() -> None:
        while True:
            for message in messages:
                sender.send(message)
            await asyncio.sleep(1.0)

    return asyncio.create_task(send())


def test_nothing_is_done_before_a_start_with_did_enable() -> None:
    # "ODID is compiled in, DID_ENABLE 0, DID_MAVPORT -1. Inputs are ignored until a reboot with DID_ENABLE=1 (then
    # texts "ODID: lost transmitter" / "lost operator location" every 5 s)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert (sim.autopilot.parameters["DID_ENABLE"], sim.autopilot.parameters["DID_MAVPORT"]) == (0, -1)
            assert await station.set_parameter("DID_ENABLE", 1) == 1
            await asyncio.sleep(20.0)
            assert not any("ODID" in text for text in station.texts())
            assert await station.command(246, 1) == 0
            begin = clock.monotonic_s()
            await asyncio.sleep(30.0)
            for text in ("ODID: lost transmitter", "ODID: lost operator location"):
                told = [t for t, m in station.heard if m.get_type() == "STATUSTEXT" and m.text == text]
                assert len(told) == 5
                assert told[0] - begin == pytest.approx(5.2, abs=0.3)
                assert told[2] - told[1] == pytest.approx(5.1, abs=0.2)

    run(main, virtual_tempo())


def test_the_transmitter_is_fed_on_its_port_only() -> None:
    # "DID_MAVPORT=n: on serial n only, LOCATION and SYSTEM_UPDATE 1 Hz, BASIC_ID, SYSTEM, SELF_ID, OPERATOR_ID ~0.33
    # Hz (simulated), with what the GCS last sent (... accepted on any link, echoed unchanged)."
    async def main(clock: Clock) -> None:
        async with with_transmitter(clock) as (_, station, transmitter):
            words = "巡检".encode()
            station.send(basic_id())
            station.send(system())
            station.send(mavlink.MAVLink_open_drone_id_self_id_message(1, 1, NOBODY, 0, words))
            station.send(mavlink.MAVLink_open_drone_id_operator_id_message(1, 1, NOBODY, 0, b"CHN-87astrdge12k8"))
            begin = clock.monotonic_s()
            await asyncio.sleep(30.0)
            for kind, count in (("LOCATION", 30), ("SYSTEM_UPDATE", 30)):
                assert len(transmitter.of(f"OPEN_DRONE_ID_{kind}", begin)) == pytest.approx(count, abs=1)
            for kind in ("BASIC_ID", "SYSTEM", "SELF_ID", "OPERATOR_ID"):
                told = [m for m in transmitter.of(f"OPEN_DRONE_ID_{kind}", begin) if m.get_srcSystem() == 1]
                assert len(told) == pytest.approx(10, abs=1)
            assert bytes(transmitter.of("OPEN_DRONE_ID_BASIC_ID")[-1].uas_id).startswith(b"1581F4BND2234")
            assert transmitter.of("OPEN_DRONE_ID_SELF_ID")[-1]._description_raw.rstrip(b"\0") == words
            assert transmitter.of("OPEN_DRONE_ID_SYSTEM_UPDATE")[-1].operator_latitude == OPERATOR[0]
            assert not [m for m in station.of("OPEN_DRONE_ID_LOCATION") if m.get_srcSystem() == 1]

    run(main, virtual_tempo())


def test_the_location_is_where_the_drone_is_and_what_it_does() -> None:
    async def main(clock: Clock) -> None:
        async with with_transmitter(clock) as (sim, station, transmitter):
            ground = transmitter.of("OPEN_DRONE_ID_LOCATION")[-1]
            assert (ground.status, ground.height) == (1, 0.0)
            assert (ground.latitude, ground.longitude) == pytest.approx(
                (HOME_LAT_DEG * 1e7, HOME_LON_DEG * 1e7), abs=20
            )
            assert 0.0 <= ground.timestamp <= 3600.0
            await airborne(sim, station, 25.0)
            station.send(
                mavlink.MAVLink_set_position_target_local_ned_message(
                    0, 1, 1, 1, 0b110111000111, 0, 0, 0, 0.0, 4.0, 0, 0, 0, 0, 0, 0
                )
            )
            await asyncio.sleep(2.7)
            m = transmitter.of("OPEN_DRONE_ID_LOCATION")[-1]
            assert (m.status, m.height_reference) == (2, 0)
            assert m.height == pytest.approx(25.0, abs=1.0)
            assert m.speed_horizontal == pytest.approx(100.0 * sim.truth.east_mps, abs=120)
            assert m.direction == pytest.approx(9000, abs=400)
            assert (m.horizontal_accuracy, m.vertical_accuracy) == (12, 6)
            sim.set_fix(1)
            await asyncio.sleep(3.0)
            assert transmitter.of("OPEN_DRONE_ID_LOCATION")[-1].status == 3

    run(main, virtual_tempo())


def test_arming_waits_for_the_transmitter_when_it_is_asked_to() -> None:
    # "DID_OPTIONS bit 0: arming FAILED with "Arm: OpenDroneID: UA_TYPE required in BasicID" -> "...ARM_STATUS not
    # available" -> the transmitter's own text ("...no beacon") -> ACCEPTED when ARM_STATUS 0 and SYSTEM are fresh
    # (3 s). SYSTEM lost while armed: text every 5 s only, no action."
    async def main(clock: Clock) -> None:
        async with with_transmitter(clock, DID_OPTIONS=1) as (sim, station, transmitter):

            async def refused_with(text: str) -> bool:
                begin = clock.monotonic_s()
                assert await station.command(400, 1) == 4
                return [m.text for m in station.of("STATUSTEXT", begin) if m.text.startswith("Arm")] == [text]

            assert await refused_with("Arm: OpenDroneID: UA_TYPE required in BasicID")
            station.send(basic_id())
            await asyncio.sleep(0.2)
            assert await refused_with("Arm: OpenDroneID: operator location must be set")
            operator = kept_up(station, system())
            await asyncio.sleep(0.2)
            assert await refused_with("Arm: OpenDroneID: ARM_STATUS not available")
            beacon = kept_up(transmitter, arm_status(1, b"no beacon"))
            await asyncio.sleep(0.2)
            assert await refused_with("Arm: OpenDroneID: no beacon")
            beacon.cancel()
            beacon = kept_up(transmitter, arm_status())
            await asyncio.sleep(0.2)
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 0
            assert await station.command(22, 0, 0, 0, 0, 0, 0, 10) == 0
            await asyncio.sleep(10.0)
            operator.cancel()
            begin = clock.monotonic_s()
            await asyncio.sleep(16.0)
            lost = [m for m in station.of("STATUSTEXT", begin) if m.text == "ODID: lost operator location"]
            assert len(lost) in (2, 3)
            assert sim.truth.armed
            assert sim.truth.mode == 4
            assert any(m.get_srcSystem() == 50 for m in station.of("OPEN_DRONE_ID_ARM_STATUS"))
            beacon.cancel()

    run(main, virtual_tempo())


def test_a_transmitter_on_another_port_does_not_count() -> None:
    # "ARM_STATUS is taken only from serial n"
    async def main(clock: Clock) -> None:
        async with with_transmitter(clock, DID_OPTIONS=1) as (_, station, _transmitter):
            station.send(basic_id())
            kept = kept_up(station, system(), arm_status())
            await asyncio.sleep(1.0)
            assert await station.command(400, 1) == 4
            assert "Arm: OpenDroneID: ARM_STATUS not available" in station.texts()
            kept.cancel()

    run(main, virtual_tempo())


def test_a_drone_without_remote_id_cannot_be_armed_when_it_is_demanded() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("DID_OPTIONS", 1)
            assert await station.command(400, 1) == 4
            assert "Arm: OpenDroneID: DID_ENABLE must be 1" in station.texts()

    run(main, virtual_tempo())
