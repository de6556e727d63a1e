"""Whatever comes over a link, the drone goes on living and its state stays one that it can be in."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect

from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.drone.mission_transfer import CAPACITY
from sim.drone.modes import Mode
from tests.sim.station import Station, airborne, stage

mavlink: Any = dialect  # the dialect's types would refuse what this test sends
COMMANDS = [16, 17, 20, 21, 22, 84, 112, 115, 176, 177, 178, 179, 181, 183, 185, 189, 192, 193, 195, 197, 201, 203, 205,
            206, 207, 209, 218, 224, 241, 246, 300, 400, 401, 410, 510, 511, 512, 519, 520, 526, 530, 2000, 2001, 5001,
            65000]  # fmt: skip
ITEMS = [16, 17, 18, 19, 20, 21, 22, 31, 82, 84, 85, 93, 112, 114, 115, 177, 178, 179, 195, 201, 203, 600, 601]
ODD = [0.0, 1.0, -1.0, 2.0, 99.0, 1e9, -1e9, 3.4e38, -3.4e38, math.nan, math.inf, -math.inf, 1e-30, 34.7, 113.6, 255.0]
INTS = [0, 1, -1, 347466000, 1136253000, 900000001, 2147483647, -2147483648, 100000000]
PARAMETERS = [b"RTL_ALT", b"WPNAV_SPEED", b"SCHED_LOOP_RATE", b"MAV_SYSID", b"NO_SUCH", b"ANGLE_MAX", b"WPNAV_RADIUS",
              b"SRTL_ACCURACY", b"SRTL_POINTS", b"WPNAV_JERK", b"WPNAV_ACCEL", b"FENCE_TYPE", b"DID_MAVPORT",
              b"RTL_SPEED", b"CIRCLE_RADIUS", b"LAND_SPEED", b"MAV1_POSITION", b"RC_OVERRIDE_TIME", b"GUID_TIMEOUT",
              b"BATT_LOW_VOLT", b"TERRAIN_SPACING", b"ATC_SLEW_YAW", b"\xff\xfe\x80", b""]  # fmt: skip
NOBODY = [0] * 20


def something(chance: random.Random) -> Any:
    """A message that is well formed and makes no sense."""
    p: list[Any] = [chance.choice(ODD) for _ in range(7)]
    x, y = chance.choice(INTS), chance.choice(INTS)
    seq, kind, frame = chance.choice([0, 1, 2, 700, 65535]), chance.choice([0, 1, 2, 3, 255]), chance.randrange(0, 22)
    command, item = chance.choice(COMMANDS), chance.choice(ITEMS)
    name, byte = chance.choice(PARAMETERS), chance.randrange(256)
    makers: list[Callable[[], Any]] = [
        lambda: mavlink.MAVLink_command_long_message(1, 1, command, 0, *p),
        lambda: mavlink.MAVLink_command_int_message(1, 1, frame, command, 0, 0, *p[:4], x, y, p[4]),
        lambda: mavlink.MAVLink_mission_count_message(1, 1, seq % 8, kind),
        lambda: mavlink.MAVLink_mission_item_int_message(1, 1, seq, frame, item, 0, 1, *p[:4], x, y, p[4], kind),
        lambda: mavlink.MAVLink_mission_item_message(1, 1, seq, frame, 16, 0, 1, *p, kind),
        lambda: mavlink.MAVLink_mission_write_partial_list_message(1, 1, seq % 9 - 1, seq % 5, kind),
        lambda: mavlink.MAVLink_mission_request_int_message(1, 1, seq, kind),
        lambda: mavlink.MAVLink_mission_request_message(1, 1, seq, kind),
        lambda: mavlink.MAVLink_mission_set_current_message(1, 1, seq),
        lambda: mavlink.MAVLink_mission_clear_all_message(1, 1, kind),
        lambda: mavlink.MAVLink_param_set_message(1, 1, name, p[0], 9),
        lambda: mavlink.MAVLink_param_request_read_message(1, 1, name, chance.choice([-1, 0, 5000, -32768])),
        lambda: mavlink.MAVLink_request_data_stream_message(1, 1, seq % 256, chance.choice([0, 1, 65535]), 1),
        lambda: mavlink.MAVLink_set_mode_message(1, 1, seq),
        lambda: mavlink.MAVLink_gps_rtcm_data_message(byte, chance.randrange(256), [byte] * 180),
        lambda: mavlink.MAVLink_rc_channels_override_message(
            1, 1, *[chance.choice([0, 1500, 65535]) for _ in range(8)]
        ),
        lambda: mavlink.MAVLink_open_drone_id_basic_id_message(1, 1, NOBODY, byte, byte, [byte] * 20),
        lambda: mavlink.MAVLink_open_drone_id_self_id_message(1, 1, NOBODY, byte, bytes([byte]) * 23),
        lambda: mavlink.MAVLink_open_drone_id_arm_status_message(byte, bytes([byte]) * 50),
        lambda: mavlink.MAVLink_timesync_message(chance.choice([0, 2**62]), -(2**63)),
        lambda: mavlink.MAVLink_set_position_target_global_int_message(
            0, 1, 1, frame, chance.choice([0, 0b110111111000, 0b110111000111]), x, y, *p, 0.0, chance.choice(ODD)
        ),
        lambda: mavlink.MAVLink_set_position_target_local_ned_message(
            0, 1, 1, frame, chance.choice([0, 0b110111111000]), p[0], p[1], p[2], p[3], p[4], p[5], 0, 0, 0, p[6], 0
        ),
    ]
    return chance.choice(makers)()


def mangled(chance: random.Random, station: Station) -> bytes:
    """Bytes that are no frame, or not the one that they look like."""
    frame = bytearray(something(chance).pack(station._mav))
    match chance.randrange(6):
        case 0:
            return bytes(frame[: chance.randrange(len(frame))])
        case 1:
            for _ in range(chance.randrange(1, 6)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
        case 2:
            return chance.randbytes(chance.randrange(1, 300))
        case 3:  # another message's number, or nobody's, over a checksum that was right
            frame[7] = chance.randrange(256)
        case 4:
            frame = frame[: len(frame) // 2] + something(chance).pack(station._mav) + frame[len(frame) // 2 :]
        case _:
            frame[2] |= 1  # a signature that is not there
    return bytes(frame)


def assert_sane(sim: SimDrone) -> None:
    """The state is one that a drone can be in."""
    autopilot = sim.autopilot
    body, lists, runner = autopilot.body, autopilot.lists, autopilot.runner
    motion = (body.e, body.n, body.u, body.ve, body.vn, body.vu, body.heading_deg, *autopilot.believed())
    assert all(math.isfinite(v) for v in motion)
    assert math.hypot(body.ve, body.vn) < 60.0
    assert isinstance(autopilot.mode, Mode)
    assert autopilot.armed or not autopilot.flying
    for kind, most in CAPACITY.items():
        assert len(lists.of(kind)) <= most
    assert runner.seq == 0 or runner.seq < len(lists.mission)
    names = autopilot.parameters.names
    assert all(math.isfinite(autopilot.parameters[name]) for name in names)
    assert autopilot.home is None or all(math.isfinite(v) for v in autopilot.home)


async def answered(station: Station) -> bool:
    """Whether a plain question is answered; a scrap before it may still hold the reader up for a frame or two."""
    for _ in range(20):
        station.send(mavlink.MAVLink_command_long_message(1, 1, 410, 0, 0, 0, 0, 0, 0, 0, 0))
        await asyncio.sleep(0.5)
    last = station.of("COMMAND_ACK")[-1]
    return (last.command, last.result) == (410, 0)


def campaign(seed: int, count: int) -> dict[str, int]:
    """Send so many messages and scraps to one drone; how many of what came back."""
    answers: dict[str, int] = {}

    async def main(clock: Clock) -> None:
        async with stage(clock, seed=seed) as (sim, station):
            chance = random.Random(seed)
            sim.set_parameter("DID_ENABLE", seed % 3 == 0)
            if seed % 2:
                await airborne(sim, station)
            station.send(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 1, 1))
            for number in range(count):
                if chance.random() < 0.25:
                    station.link.send(mangled(chance, station))
                else:
                    station.send(something(chance))
                await asyncio.sleep(chance.choice([0.0, 0.01, 0.3]))
                if number % 50 == 0:
                    assert_sane(sim)
            await asyncio.sleep(10.0)
            assert_sane(sim)
            sim.set_parameter("MAV_OPTIONS", 0)
            assert await answered(station)
            for _, message in station.heard:
                answers[message.get_type()] = answers.get(message.get_type(), 0) + 1

    run(main, virtual_tempo())
    return answers


@pytest.mark.parametrize("seed", range(4))
def test_odd_messages_harm_nobody(seed: int) -> None:
    answers = campaign(seed, 600)
    for kind in ("COMMAND_ACK", "MISSION_ACK", "PARAM_VALUE", "PARAM_ERROR", "HEARTBEAT"):
        assert answers[kind] > 0


@pytest.mark.soak
def test_many_odd_messages_harm_nobody() -> None:
    """`pytest -m soak -s tests/sim/test_wire_fuzz.py` prints what was answered how often."""
    totals: dict[str, int] = {}
    for seed in range(100, 160):
        for kind, count in campaign(seed, 3000).items():
            totals[kind] = totals.get(kind, 0) + count
    print("\nanswers to 180,000 messages and scraps of 60 seeds")  # noqa: T201 the table of a soak
    for kind, count in sorted(totals.items(), key=lambda pair: -pair[1]):
        print(f"{kind:32}{count:9,}")  # noqa: T201
    assert totals["COMMAND_ACK"] > 1000
