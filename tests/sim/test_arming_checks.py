"""Each check before arming on its own: what spoils it, the words, and the ARMING_CHECK bit that asks for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.items import StoredItem
from sim.drone.modes import Mode
from tests.sim.station import HOME, TAKEOFF_20, Station, stage, waypoint

GPS, PARAMETERS, RC, BATTERY, MISSION = 8, 32, 64, 256, 16384
OTHERS = 2  # the barometer's check, which nothing here can spoil
RALLY = StoredItem(5100, 3, x=347466000, y=1136253000, z=30.0)


@dataclass(frozen=True)
class Row:
    """Parameters that spoil a check, the reason, and the bit that asks for it (0: asked for in any case)."""

    reason: str
    bit: int = 0
    set: dict[str, float] = field(default_factory=dict)
    mode: int = 4


ROWS = [
    Row("Check FS_THR_VALUE", PARAMETERS, {"FS_THR_VALUE": 905}),
    Row("Check FS_THR_VALUE", PARAMETERS, {"RC3_MIN": 980}),
    Row("Check ANGLE_MAX", PARAMETERS, {"ANGLE_MAX": 900}),
    Row("Check PILOT_SPEED_UP", PARAMETERS, {"PILOT_SPEED_UP": 0}),
    Row("Bad parameter: PSC_POSXY_P must be > 0", PARAMETERS, {"PSC_POSXY_P": 0}),
    Row("Roll radio min too high", RC, {"RC1_MIN": 1400}),
    Row("Pitch radio max too low", RC, {"RC2_MAX": 1600}),
    Row("RC4_MIN is greater than RC4_TRIM", RC, {"RC4_TRIM": 900}),
    Row("RC1_MAX is less than RC1_TRIM", RC, {"RC1_TRIM": 2100}),
    Row("High GPS HDOP", GPS, {"GPS_HDOP_GOOD": 10}),
    Row("Battery 1 below minimum arming voltage", BATTERY, {"BATT_ARM_VOLT": 26}),
    Row("Battery 1 below minimum arming capacity", BATTERY, {"BATT_ARM_MAH": 20000}),
    Row("Battery 1 low voltage failsafe", BATTERY, {"BATT_LOW_VOLT": 26}),
    Row("Battery 1 critical voltage failsafe", BATTERY, {"BATT_CRT_VOLT": 26}),
    Row("Battery 1 low capacity failsafe", BATTERY, {"BATT_LOW_MAH": 20000}),
    Row("Battery 1 voltage failsafe critical >= low", BATTERY, {"BATT_CRT_VOLT": 21, "BATT_LOW_VOLT": 21}),
    Row("Missing mission item: land", MISSION, {"ARMING_MIS_ITEMS": 1}),
    Row("Missing mission item: takeoff", MISSION, {"ARMING_MIS_ITEMS": 8}),
    Row("No sufficiently close rally point located", MISSION, {"ARMING_MIS_ITEMS": 32}),
    Row("Missing mission item: RTL", MISSION, {"ARMING_MIS_ITEMS": 64}),
    Row("Fences enabled, but none selected", 0, {"FENCE_ENABLE": 1, "FENCE_TYPE": 0}),
    Row("Invalid Circle FENCE_RADIUS value", 0, {"FENCE_ENABLE": 1, "FENCE_RADIUS": -1}),
    Row("Circle FENCE_MARGIN is greater than FENCE_RADIUS", 0, {"FENCE_ENABLE": 1, "FENCE_RADIUS": 1}),
    Row("Invalid FENCE_ALT_MAX value", 0, {"FENCE_AUTOENABLE": 3, "FENCE_ALT_MAX": -1}),
    Row("Invalid FENCE_ALT_MIN value", 0, {"FENCE_ENABLE": 1, "FENCE_ALT_MIN": -101}),
    Row("Invalid FENCE_MARGIN value", 0, {"FENCE_ENABLE": 1, "FENCE_MARGIN": -1}),
    Row("FENCE_ALT_MAX < FENCE_ALT_MIN", 0, {"FENCE_ENABLE": 1, "FENCE_ALT_MAX": 10, "FENCE_ALT_MIN": 20}),
    Row("FENCE_MARGIN too big", 0, {"FENCE_ENABLE": 1, "FENCE_ALT_MAX": 3, "FENCE_ALT_MIN": 0, "FENCE_TYPE": 1}),
    Row("LAND mode not armable", 0, mode=9),
    Row("Mode requires mission", 0, mode=3),
]


async def armed(station: Station) -> list[str]:
    """Try to arm; the reasons of the refusal."""
    begin = len(station.heard)
    result = await station.command(400, 1)
    # a text of 50 characters goes on in the next chunk
    chunks = [m.text for _, m in station.heard[begin:] if m.get_type() == "STATUSTEXT"]
    said = "".join(text if len(text) == 50 else f"{text}\n" for text in chunks).splitlines()
    reasons = [text.removeprefix("Arm: ") for text in said if text != "Arming motors"]
    assert (result == 0) == (not reasons)
    return reasons


def test_what_spoils_a_check_is_refused_by_name_unless_its_bit_is_off() -> None:
    async def main(clock: Clock) -> None:
        for row in ROWS:
            async with stage(clock) as (sim, station):
                for name, value in row.set.items():
                    sim.set_parameter(name, value)
                assert await station.command(176, 1, row.mode) == 0
                assert await armed(station) == [row.reason], row
                if row.bit:
                    sim.set_parameter("ARMING_CHECK", OTHERS)
                    assert await armed(station) == [], row

    run(main, virtual_tempo())


def test_all_that_is_wrong_is_told_at_once_in_order() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            for name, value in {"FS_THR_VALUE": 905, "BATT_ARM_VOLT": 26, "RC1_MIN": 1400, "FENCE_ENABLE": 1}.items():
                sim.set_parameter(name, value)
            sim.set_parameter("FENCE_MARGIN", -1)
            assert await armed(station) == [
                "Check FS_THR_VALUE",
                "Battery 1 below minimum arming voltage",
                "Roll radio min too high",
                "Invalid FENCE_MARGIN value",
            ]

    run(main, virtual_tempo())


def test_a_mission_with_what_is_required_may_be_flown() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("ARMING_MIS_ITEMS", 1 | 8 | 32 | 64)
            items = [HOME, TAKEOFF_20, waypoint(0, 0, 0, command=21), StoredItem(20)]
            assert await station.upload(items) == 0
            assert await armed(station) == ["No sufficiently close rally point located"]
            assert await station.upload([RALLY], 2) == 0
            assert await armed(station) == []

    run(main, virtual_tempo())


def test_without_satellites_position_modes_are_refused_and_others_are_not() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_fix(1)
            await asyncio.sleep(1.5)
            assert await station.command(176, 1, 4) == 0
            assert await armed(station) == ["GPS 1: Bad fix"]
            sim.set_parameter("ARMING_CHECK", OTHERS)
            assert await armed(station) == ["Need Position Estimate"]
            sim.set_parameter("ARMING_CHECK", 0)
            assert await armed(station) == ["Need Position Estimate"]
            assert await station.command(176, 1, 0) == 0
            sim.set_parameter("FENCE_ENABLE", 1)
            assert await armed(station) == ["Fence enabled, need position estimate"]
            sim.set_parameter("FENCE_ENABLE", 0)
            assert await armed(station) == []

    run(main, virtual_tempo())


def test_force_skips_the_checks_but_not_the_need_of_a_position() -> None:
    # "Force arm (param2 2989) ACCEPTED."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("BATT_ARM_VOLT", 26)
            assert await station.command(400, 1) == 4
            sim.set_fix(1)
            await asyncio.sleep(1.5)
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1, 2989) == 4
            assert await station.command(176, 1, 0) == 0
            assert await station.command(400, 1, 2989) == 0

    run(main, virtual_tempo())


def test_a_raised_throttle_keeps_it_on_the_ground() -> None:
    # "Throttle raised -> FAILED "Arm: Throttle (RC3) is not neutral"."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):

            def sticks(throttle: int, roll: int = 65535) -> None:
                station.send(mavlink.MAVLink_rc_channels_override_message(1, 1, roll, 65535, throttle, *[65535] * 5))

            await station.command(511, 65, 200000)
            sticks(1500)
            await asyncio.sleep(0.5)
            assert station.of("RC_CHANNELS")[-1].chan3_raw == 1500
            assert await armed(station) == ["Throttle (RC3) is not neutral"]
            await asyncio.sleep(3.2)  # RC_OVERRIDE_TIME
            assert station.of("RC_CHANNELS")[-1].chan3_raw == 1000
            sticks(65535, roll=1800)
            await asyncio.sleep(0.1)
            assert await armed(station) == ["Roll (RC1) is not neutral"]
            sticks(65535, roll=0)
            await asyncio.sleep(0.1)
            assert await armed(station) == []
            assert sim.truth.mode is Mode.STABILIZE

    run(main, virtual_tempo())


def test_the_reasons_are_told_every_30_s_and_the_status_bit_follows_the_mode() -> None:
    # "(and "PreArm: Need Position Estimate" every 30 s)"; "The PREARM bit follows the current mode"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await station.command(511, 1, 200000)
            sim.set_parameter("BATT_ARM_VOLT", 26)
            await asyncio.sleep(100.0)
            told = [
                t for t, m in station.heard if m.get_type() == "STATUSTEXT" and m.text.startswith("PreArm: Battery")
            ]
            assert len(told) == 3
            assert told[2] - told[1] == pytest.approx(30.0, abs=1.1)
            assert not station.of("SYS_STATUS")[-1].onboard_control_sensors_health & 0x10000000
            sim.set_parameter("BATT_ARM_VOLT", 0)
            await asyncio.sleep(1.5)
            assert station.of("SYS_STATUS")[-1].onboard_control_sensors_health & 0x10000000
            assert await station.command(176, 1, 9) == 0
            sim.set_parameter("ARMING_OPTIONS", 1)
            sim.set_parameter("BATT_ARM_VOLT", 26)
            begin = len(station.texts())
            await asyncio.sleep(65.0)
            assert not any(text.startswith("PreArm") for text in station.texts()[begin:])
            assert await station.command(401) == 0
            await asyncio.sleep(0.1)
            assert "PreArm: Battery 1 below minimum arming voltage" in station.texts()[begin:]

    run(main, virtual_tempo())


def test_auto_may_be_armed_in_and_taken_off_in_when_its_options_say_so() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            assert await station.upload([HOME, TAKEOFF_20, waypoint(0, 30, 20)]) == 0
            assert await station.command(176, 1, 3) == 0
            assert await armed(station) == ["AUTO mode not armable"]
            sim.set_parameter("AUTO_OPTIONS", 3)
            assert await armed(station) == []
            await asyncio.sleep(8.0)
            assert sim.truth.relative_m > 3.0

    run(main, virtual_tempo())
