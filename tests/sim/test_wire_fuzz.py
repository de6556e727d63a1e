"""Whatever a station sends, the drone goes on living."""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect

from controller.clock import Clock, run, virtual_tempo
from tests.sim.station import airborne, stage

mavlink: Any = dialect  # the dialect's types would refuse what this test sends
COMMANDS = [16, 17, 20, 21, 22, 84, 112, 115, 176, 177, 178, 179, 181, 185, 189, 192, 193, 195, 203, 205, 206, 207, 218,
            224, 241, 246, 300, 400, 410, 510, 511, 512, 519, 520, 530, 2000, 2001, 5001, 65000]  # fmt: skip
ODD = [0.0, 1.0, -1.0, 2.0, 99.0, 1e9, -1e9, 3.4e38, -3.4e38, math.nan, math.inf, -math.inf, 1e-30, 34.7, 113.6, 255.0]
INTS = [0, 1, -1, 347466000, 1136253000, 900000001, 2147483647, -2147483648, 100000000]


def something(chance: random.Random) -> Any:
    p: list[Any] = [chance.choice(ODD) for _ in range(7)]
    x, y = chance.choice(INTS), chance.choice(INTS)
    seq, kind, frame = chance.choice([0, 1, 2, 700, 65535]), chance.choice([0, 1, 2, 3, 255]), chance.randrange(0, 22)
    command = chance.choice(COMMANDS)
    name = chance.choice([b"RTL_ALT", b"WPNAV_SPEED", b"SCHED_LOOP_RATE", b"MAV_SYSID", b"NO_SUCH", b"ANGLE_MAX"])
    return chance.choice(
        [
            lambda: mavlink.MAVLink_command_long_message(1, 1, command, 0, *p),
            lambda: mavlink.MAVLink_command_int_message(1, 1, frame, command, 0, 0, *p[:4], x, y, p[4]),
            lambda: mavlink.MAVLink_mission_count_message(1, 1, seq % 8, kind),
            lambda: mavlink.MAVLink_mission_item_int_message(1, 1, seq, frame, command, 0, 1, *p[:4], x, y, p[4], kind),
            lambda: mavlink.MAVLink_mission_item_message(1, 1, seq, frame, 16, 0, 1, *p, kind),
            lambda: mavlink.MAVLink_mission_request_int_message(1, 1, seq, kind),
            lambda: mavlink.MAVLink_mission_request_message(1, 1, seq, kind),
            lambda: mavlink.MAVLink_mission_set_current_message(1, 1, seq),
            lambda: mavlink.MAVLink_mission_clear_all_message(1, 1, kind),
            lambda: mavlink.MAVLink_param_set_message(1, 1, name, p[0], 9),
            lambda: mavlink.MAVLink_param_request_read_message(1, 1, name, chance.choice([-1, 0, 5000, -32768])),
            lambda: mavlink.MAVLink_request_data_stream_message(1, 1, seq % 256, chance.choice([0, 1, 65535]), 1),
            lambda: mavlink.MAVLink_set_mode_message(1, 1, seq),
            lambda: mavlink.MAVLink_set_position_target_global_int_message(
                0, 1, 1, frame, chance.choice([0, 0b110111111000, 0b110111000111]), x, y, *p, 0.0, chance.choice(ODD)
            ),
            lambda: mavlink.MAVLink_set_position_target_local_ned_message(
                0, 1, 1, frame, chance.choice([0, 0b110111111000]), p[0], p[1], p[2], p[3], p[4], p[5], 0, 0, 0, p[6], 0
            ),
        ]
    )()


@pytest.mark.parametrize("seed", range(3))
def test_odd_messages_harm_nobody(seed: int) -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock, seed=seed) as (sim, station):
            chance = random.Random(seed)
            if seed % 2:
                await airborne(sim, station)
            station.send(mavlink.MAVLink_request_data_stream_message(1, 1, 0, 1, 1))
            for _ in range(600):
                station.send(something(chance))
                await asyncio.sleep(chance.choice([0.0, 0.01, 0.3]))
            assert await station.command(410) == 0
            body = sim.autopilot.body
            assert all(math.isfinite(v) for v in (body.e, body.n, body.u, body.ve, body.vn, body.vu))

    run(main, virtual_tempo())
