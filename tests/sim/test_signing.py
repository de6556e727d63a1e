"""Message signing, with pymavlink's own signing at the other end of the link."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as dialect

from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.drone.signing import EPOCH_UTC_S, LATE_TICKS, MOST_STREAMS, TICKS_PER_S, Signing
from sim.links import memory_link
from tests.sim.station import Station, airborne, stage

mavlink: Any = dialect
KEY = bytes(range(32))
BASE = 10**14  # a signing time in 2046, after every simulated day


def signs(station: Station, key: bytes = KEY, timestamp: int = BASE + TICKS_PER_S) -> None:
    """Let a station sign what it sends and check what it hears."""
    for side in (station._mav, station._reader):
        side.signing.secret_key = key
        side.signing.timestamp = timestamp
        side.signing.link_id = 7
    station._mav.signing.sign_outgoing = True
    station._reader.robust_parsing = True


def setup(key: bytes = KEY, timestamp: int = BASE) -> Any:
    return mavlink.MAVLink_setup_signing_message(1, 1, list(key), timestamp)


@asynccontextmanager
async def second(sim: SimDrone, **kind: Any) -> AsyncIterator[Station]:
    """A station on another link, which is not the secure one."""
    near, far = memory_link(rng=random.Random(9))
    sim.attach(near)
    async with Station(far, **kind) as station:
        yield station


def mode_request(mode: int) -> Any:
    return mavlink.MAVLink_command_long_message(1, 1, 176, 0, 1, mode, 0, 0, 0, 0, 0)


async def obeyed(station: Station, sim: SimDrone, mode: int) -> bool:
    station.send(mode_request(mode))
    await asyncio.sleep(0.3)
    return int(sim.truth.mode) == mode


def test_after_setup_all_that_goes_out_is_signed_and_only_signed_frames_are_obeyed() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, secure), second(sim, system_id=200) as station:
            await asyncio.sleep(0.5)
            assert await obeyed(station, sim, 5)
            secure.send(setup())
            await asyncio.sleep(0.5)
            assert not await obeyed(station, sim, 4)  # unsigned
            signs(station)
            assert await obeyed(station, sim, 4)
            begin = len(station.heard)
            await asyncio.sleep(2.0)
            heard = [m for _, m in station.heard[begin:] if m.get_srcSystem() == 1]
            assert [m.get_type() for m in heard].count("HEARTBEAT") >= 2
            assert all(m.get_signed() and m.get_link_id() == 1 for m in heard)
            assert await obeyed(secure, sim, 5)  # the first link is taken to be secure

    run(main, virtual_tempo())


def test_a_wrong_key_an_old_time_and_a_repeated_frame_are_refused() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, secure), second(sim, system_id=200, heartbeat=False) as station:
            secure.send(setup())
            await asyncio.sleep(0.5)
            signs(station, key=bytes(32))
            assert not await obeyed(station, sim, 4)
            signs(station, timestamp=BASE - 1)  # a minute and more behind the autopilot's own time
            assert not await obeyed(station, sim, 4)
            signs(station)
            frame = mode_request(4).pack(station._mav)
            station.link.send(frame)
            await asyncio.sleep(0.3)
            assert int(sim.truth.mode) == 4
            assert await obeyed(station, sim, 5)
            station.link.send(frame)  # heard before
            await asyncio.sleep(0.3)
            assert int(sim.truth.mode) == 5

    run(main, virtual_tempo())


def test_signing_is_not_set_up_while_armed_and_all_zeros_end_it() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, secure), second(sim, system_id=200) as station:
            await airborne(sim, secure, 10.0)
            secure.send(setup())
            await asyncio.sleep(0.5)
            assert "ERROR: Won't setup signing when armed" in secure.texts()
            assert await obeyed(station, sim, 5)
            await secure.command(400, 0, 21196)
            secure.send(setup())
            await asyncio.sleep(0.5)
            assert not await obeyed(station, sim, 4)
            secure.send(setup(bytes(32), 0))
            await asyncio.sleep(0.5)
            assert await obeyed(station, sim, 4)

    run(main, virtual_tempo())


def test_the_key_survives_a_reboot_and_time_jumps_by_a_minute() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, secure), second(sim, system_id=200) as station:
            secure.send(setup())
            await asyncio.sleep(0.5)
            before = sim.signing.timestamp
            assert await secure.command(246, 1) == 0
            await asyncio.sleep(3.0)
            assert sim.signing.timestamp >= before + LATE_TICKS
            assert not await obeyed(station, sim, 5)
            signs(station, timestamp=sim.signing.timestamp)
            assert await obeyed(station, sim, 5)

    run(main, virtual_tempo())


def test_a_radio_is_heard_unsigned() -> None:
    signing = Signing(lambda: None)
    signing.setup(KEY, BASE)
    frame = b"\xfd" + bytes(20)
    assert not signing.accepts(frame, mavlink.MAVLINK_MSG_ID_HEARTBEAT, secure=False)
    assert signing.accepts(frame, mavlink.MAVLINK_MSG_ID_RADIO_STATUS, secure=False)
    assert signing.accepts(frame, mavlink.MAVLINK_MSG_ID_HEARTBEAT, secure=True)


def test_the_time_of_the_satellites_is_taken_once_they_give_one() -> None:
    utc: list[float | None] = [None]
    signing = Signing(lambda: utc[0])
    signing.setup(KEY, 1000)
    signing.sign(b"", 0)
    assert signing.timestamp == 1000 + LATE_TICKS + 1
    utc[0] = EPOCH_UTC_S + 1e8
    signing.sign(b"", 0)
    assert signing.timestamp == int(1e8) * TICKS_PER_S + 1


def test_no_more_than_16_streams_are_remembered() -> None:
    signing = Signing(lambda: None)
    signing.setup(KEY, BASE)
    accepted = [signing.accepts(signed(system, BASE + LATE_TICKS), 0, secure=False) for system in range(1, 31)]
    assert accepted == [True] * MOST_STREAMS + [False] * (30 - MOST_STREAMS)


def signed(system: int, timestamp: int, key: bytes = KEY) -> bytes:
    writer = mavlink.MAVLink(None, srcSystem=system, srcComponent=1)
    writer.signing.secret_key, writer.signing.timestamp, writer.signing.link_id = key, timestamp, 3
    writer.signing.sign_outgoing = True
    return bytes(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3).pack(writer))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-2 * LATE_TICKS, 3 * LATE_TICKS), min_size=1, max_size=20))
def test_within_a_stream_accepted_times_only_rise(offsets: list[int]) -> None:
    signing = Signing(lambda: None)
    signing.setup(KEY, BASE)
    last = BASE - 1
    for offset in offsets:
        timestamp = BASE + offset
        taken = signing.accepts(signed(1, timestamp), 0, secure=False)
        assert taken == (timestamp > last)
        last = timestamp if taken else last


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 31), st.integers(0, 7))
def test_a_changed_bit_spoils_a_frame(place: int, bit: int) -> None:
    signing = Signing(lambda: None)
    signing.setup(KEY, BASE)
    frame = bytearray(signed(1, BASE + LATE_TICKS))
    place = place % len(frame)
    frame[place] ^= 1 << bit
    if place in (0, 2):
        return  # the magic and the flag that says it is signed
    assert not signing.accepts(bytes(frame), 0, secure=False)


@pytest.mark.parametrize("length", [0, 1, 12, 13, 20])
def test_a_frame_too_short_for_a_signature_is_no_signed_frame(length: int) -> None:
    signing = Signing(lambda: None)
    signing.setup(KEY, BASE)
    assert not signing.accepts(b"\xfd\x00\x01" + bytes(length), 0, secure=False)
