"""Parameters as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.parameter_table import INT8, INT16, INT32, REAL32, TABLE
from tests.sim.station import stage


def read(name: str, index: int = -1) -> Any:
    return mavlink.MAVLink_param_request_read_message(1, 1, name.encode(), index)


def write(name: str, value: float) -> Any:
    return mavlink.MAVLink_param_set_message(1, 1, name.encode(), value, 9)


def test_the_table_is_sound() -> None:
    names = [name for name, _, _ in TABLE]
    assert len(names) == len(set(names)) >= 120
    assert names == sorted(names, key=names.index)
    assert all(len(name) <= 16 and kind in (INT8, INT16, INT32, REAL32) for name, kind, _ in TABLE)
    assert all(float(value).is_integer() for _, kind, value in TABLE if kind != REAL32)


def test_the_list_comes_in_order_with_indices_in_under_a_second() -> None:
    # "PARAM_REQUEST_LIST: 1358 parameters, indices 0..1357 in order, 0.70 s at speedup 1 [...], after STATUSTEXTs
    # version, board id [...], "Frame: QUAD/PLUS"."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            begin = clock.monotonic_s()
            station.send(mavlink.MAVLink_param_request_list_message(1, 1))
            await asyncio.sleep(1.0)
            values = [m for m in station.of("PARAM_VALUE", begin) if m.param_index != 65535]
            assert [m.param_index for m in values] == list(range(len(TABLE)))
            assert {m.param_count for m in values} == {len(TABLE)}
            assert [m.param_id for m in values] == [name for name, _, _ in TABLE]
            assert [m.param_type for m in values] == [kind for _, kind, _ in TABLE]
            texts = station.texts()
            assert texts[-2:] == ["ArduCopter V4.7.0-dev (2f74ba84)", "Frame: QUAD/PLUS"]

    run(main, virtual_tempo())


def test_reading_by_name_and_by_index() -> None:
    # "READ by name -> PARAM_VALUE with index 65535; by index -> that index. Unknown name/index -> PARAM_ERROR (id 345)
    # error 1"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            by_name = await station.answer("PARAM_VALUE", read("RTL_ALT"))
            assert (by_name.param_value, by_name.param_index, by_name.param_type) == (1500.0, 65535, INT32)
            by_index = await station.answer("PARAM_VALUE", read("", 7))
            assert (by_index.param_id, by_index.param_index) == (TABLE[7][0], 7)
            for bad in (read("NO_SUCH"), read("", len(TABLE))):
                assert (await station.answer("PARAM_ERROR", bad)).error == 1

    run(main, virtual_tempo())


def test_setting() -> None:
    # "SET ok -> PARAM_VALUE (real type, index 65535), also when unchanged; unknown -> PARAM_ERROR 1; NaN ->
    # PARAM_ERROR 2; 7.6 to an INT8 -> 7."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            for value in (2500.0, 2500.0):
                told = await station.answer("PARAM_VALUE", write("RTL_ALT", value))
                assert (told.param_value, told.param_type, told.param_index) == (2500.0, INT32, 65535)
            assert (await station.answer("PARAM_ERROR", write("NO_SUCH", 1.0))).error == 1
            assert (await station.answer("PARAM_ERROR", write("RTL_ALT", math.nan))).error == 2
            assert (await station.answer("PARAM_VALUE", write("FENCE_TYPE", 7.6))).param_value == 7.0
            begin = len(station.heard)
            await station.answer("PARAM_VALUE", write("LAND_SPEED", 60.0))
            await asyncio.sleep(0.5)
            assert len([m for _, m in station.heard[begin:] if m.get_type() == "PARAM_VALUE"]) == 1

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FS_GCS_ENABLE", 0), ("FS_GCS_TIMEOUT", 5), ("FENCE_ENABLE", 0), ("FENCE_TYPE", 7), ("FENCE_RADIUS", 150),
        ("FENCE_ALT_MAX", 100), ("FENCE_ACTION", 1), ("RTL_ALT", 1500), ("WPNAV_SPEED", 1000), ("DID_ENABLE", 0),
        ("AVD_ENABLE", 0), ("MAV_GCS_SYSID", 255), ("RALLY_INCL_HOME", 1),
    ],
)  # fmt: skip
def test_defaults_are_the_observed_ones(name: str, value: float) -> None:
    # "FS_GCS_ENABLE 0, FS_GCS_TIMEOUT 5, FENCE_ENABLE 0, FENCE_TYPE 7, FENCE_RADIUS 150, FENCE_ALT_MAX 100,
    # FENCE_ACTION 1, RTL_ALT 1500 (cm), WPNAV_SPEED 1000 (cm/s), MAV_SYSID/MAV_GCS_SYSID [...]"
    assert {n: v for n, _, v in TABLE}[name] == value


def test_changes_are_pushed_with_index_65535() -> None:
    # "PARAM_VALUE is pushed unsolicited with param_index 65535 on change (STAT_RUNTIME every 30 s, MIS_TOTAL [...])"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await asyncio.sleep(65.0)
            pushed = [m for m in station.of("PARAM_VALUE") if m.param_id == "STAT_RUNTIME"]
            assert len(pushed) == 2
            assert {m.param_index for m in pushed} == {65535}

    run(main, virtual_tempo())
