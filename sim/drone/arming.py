"""What ArduCopter looks at before it arms, in its order, and the words with which it refuses.

ARMING_CHECK bit 0 asks for every check; without it each other bit asks for one kind (AP_Arming). A few are asked for in
any case, also when arming is forced. Why arming would be refused is told every 30 s while somebody listens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.fence import ALL_KINDS, CIRCLE, POLYGON
from sim.drone.modes import ARMABLE, MANUAL_THROTTLE, NEED_POSITION, Mode
from sim.drone.readiness import ALIGNED_S, PREARM_S
from sim.drone.transmitter import THROTTLE

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot
    from sim.drone.parameters import Parameters

ALL, GPS, PARAMETERS, RC, VOLTAGE, BATTERY, MISSION = 1, 8, 32, 64, 128, 256, 16384
LOOK_S, TELL_S = 1.0, 30.0
QUIET = 1  # ARMING_OPTIONS bit: tell nothing before arming is asked for
ARM_IN_AUTO = 1  # AUTO_OPTIONS bit
MUST_BE_POSITIVE = (
    "PSC_POSXY_P", "PSC_POSZ_P", "PSC_VELZ_P", "PSC_ACCZ_P", "PSC_ACCZ_I", "ATC_ANG_RLL_P", "ATC_ANG_PIT_P",
    "ATC_ANG_YAW_P",
)  # fmt: skip
CHANNELS = ("Roll", "Pitch", "Throttle", "Yaw")
# ARMING_MIS_ITEMS: bit, command, name
REQUIRED_ITEMS = (
    (1, mavlink.MAV_CMD_NAV_LAND, "land"),
    (2, mavlink.MAV_CMD_NAV_VTOL_LAND, "vtol land"),
    (4, mavlink.MAV_CMD_DO_LAND_START, "do land start"),
    (8, mavlink.MAV_CMD_NAV_TAKEOFF, "takeoff"),
    (16, mavlink.MAV_CMD_NAV_VTOL_TAKEOFF, "vtol takeoff"),
    (64, mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH, "RTL"),
)
RALLY_REQUIRED = 32


class PreArm:
    """Looks once a second; `passed` is what SYS_STATUS says until the next look."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self._looked_s = -math.inf
        self._told_s = 0.0
        self._settings = _Settings(autopilot.parameters)
        self.passed = False

    def step(self) -> None:
        """Look, and say what is wrong, when it is time."""
        autopilot = self._autopilot
        now = autopilot.now_s
        if now - self._looked_s < LOOK_S - 1e-6:
            return
        self._looked_s = now
        if autopilot.armed:
            self.passed = True
            return
        reasons = failures(autopilot)
        self.passed = not reasons
        if now - self._told_s < TELL_S - 1e-6:
            return
        self._told_s = now
        if not int(autopilot.parameters["ARMING_OPTIONS"]) & QUIET:
            for reason in reasons:
                autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, f"PreArm: {reason}")

    def tell(self) -> None:
        """RUN_PREARM_CHECKS: look now and say what is wrong."""
        for reason in failures(self._autopilot):
            self._autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, f"PreArm: {reason}")

    def settings(self) -> _Settings:
        """What the parameters of now give reason for."""
        parameters = self._autopilot.parameters
        if self._settings.revision != parameters.revision:
            self._settings = _Settings(parameters)
        return self._settings

    def changed(self) -> None:
        """The mode or something else that counts has changed: look again at once."""
        self._looked_s = -math.inf


class _Settings:
    """The reasons that lie in the parameters alone, which seldom change: looked for once for each revision of them."""

    def __init__(self, parameters: Parameters) -> None:
        self.revision = parameters.revision
        self.wrong = tuple(_parameters(parameters))
        self.transmitter = tuple(_transmitter(parameters))


def why_not_arm(autopilot: Autopilot, *, force: bool = False) -> list[str]:
    """Every reason for which arming in the present mode is refused, in ArduCopter's order; empty when none is."""
    if force:
        return list(_mandatory(autopilot)) if autopilot.readiness.initialised else [NOT_INITIALISED]
    reasons = failures(autopilot)
    if reasons or not int(autopilot.parameters["ARMING_CHECK"]):
        return reasons or _unarmable(autopilot)
    stick = autopilot.transmitter.not_neutral() if _asked(autopilot, RC) else None
    return [stick] if stick else _unarmable(autopilot)


NOT_INITIALISED = "System not initialised"


def failures(autopilot: Autopilot) -> list[str]:
    """What the checks before arming find."""
    if not autopilot.readiness.initialised:
        return [NOT_INITIALISED]
    if not int(autopilot.parameters["ARMING_CHECK"]):
        return list(_mandatory(autopilot))
    return list(_checks(autopilot))


def _unarmable(autopilot: Autopilot) -> list[str]:
    """What is said of a mode that cannot be armed in."""
    mode = autopilot.mode
    in_auto = mode is Mode.AUTO and int(autopilot.parameters["AUTO_OPTIONS"]) & ARM_IN_AUTO
    return [] if in_auto or mode in ARMABLE else [f"{mode.title} mode not armable"]


def _asked(autopilot: Autopilot, check: int) -> bool:
    checks = int(autopilot.parameters["ARMING_CHECK"])
    return bool(checks & ALL or checks & check)


def _mandatory(autopilot: Autopilot) -> Iterator[str]:
    yield from _motors(autopilot)
    yield from _position(autopilot)
    yield from _height(autopilot)
    if (veto := autopilot.veto()) is not None:
        yield veto


def _motors(autopilot: Autopilot) -> Iterator[str]:
    if autopilot.broken is not None:
        yield "Motors not responding"


def _checks(autopilot: Autopilot) -> Iterator[str]:
    yield from _motors(autopilot)
    if _asked(autopilot, PARAMETERS):
        yield from autopilot.prearm.settings().wrong
    if autopilot.failsafe.gcs_lost:
        yield "GCS failsafe on"
    p = autopilot.parameters
    throttle_us = autopilot.transmitter.pulses[THROTTLE]
    if _asked(autopilot, RC) and p["FS_THR_ENABLE"] and p["FS_THR_VALUE"] > throttle_us:
        yield "Throttle below failsafe"
    yield from _height(autopilot)
    yield from _satellites(autopilot)
    if _asked(autopilot, BATTERY):
        yield from _battery(autopilot)
    if _asked(autopilot, RC):
        yield from autopilot.prearm.settings().transmitter
    yield from _mission(autopilot)
    if _asked(autopilot, VOLTAGE) and (autopilot.failsafe.battery_low or autopilot.failsafe.battery_critical):
        yield "Battery failsafe"
    yield from _fence(autopilot)
    if (veto := autopilot.veto()) is not None:
        yield veto


def _parameters(p: Parameters) -> Iterator[str]:
    if p["FS_THR_ENABLE"] and (p["RC3_MIN"] <= p["FS_THR_VALUE"] + 10 or p["FS_THR_VALUE"] < 910):
        yield "Check FS_THR_VALUE"
    elif not 1000 <= p["ANGLE_MAX"] <= 8000:
        yield "Check ANGLE_MAX"
    elif p["PILOT_SPEED_UP"] <= 0:
        yield "Check PILOT_SPEED_UP"
    else:
        bad = next((name for name in MUST_BE_POSITIVE if p[name] <= 0.0), None)
        if bad is not None:
            yield f"Bad parameter: {bad} must be > 0"


def _height(autopilot: Autopilot) -> Iterator[str]:
    if autopilot.mode not in MANUAL_THROTTLE and autopilot.readiness.t_s < ALIGNED_S:
        yield "Need Alt Estimate"


def _needs_position(autopilot: Autopilot) -> tuple[bool, bool]:
    """Whether the mode and whether the fence asks for a position."""
    fence = autopilot.fencing.enabled and int(autopilot.parameters["FENCE_TYPE"]) & (CIRCLE | POLYGON)
    return autopilot.mode in NEED_POSITION or autopilot.parameters["ARMING_NEED_LOC"] == 1, bool(fence)


def _satellites(autopilot: Autopilot) -> Iterator[str]:
    receiver, asked = autopilot.receiver, _asked(autopilot, GPS)
    needed = any(_needs_position(autopilot))
    fix_type = receiver.fix_type if autopilot.readiness.fixed else mavlink.GPS_FIX_TYPE_NO_FIX
    if needed and asked and fix_type < mavlink.GPS_FIX_TYPE_3D_FIX:
        yield "GPS 1: Bad fix"
        return
    reasons = list(_position(autopilot))
    if not reasons and autopilot.readiness.t_s < PREARM_S:
        reasons.append("AHRS: waiting for home")
    yield from reasons
    if needed and asked and not reasons and receiver.fix.eph > autopilot.parameters["GPS_HDOP_GOOD"]:
        yield "High GPS HDOP"


def _position(autopilot: Autopilot) -> Iterator[str]:
    ready = autopilot.readiness
    mode, fence = _needs_position(autopilot)
    if mode and not ready.position_ok:
        yield "Need Position Estimate"
    elif fence and not ready.position_ok:
        yield "Fence enabled, need position estimate"


def _battery(autopilot: Autopilot) -> Iterator[str]:
    p, battery = autopilot.parameters, autopilot.battery
    left_mah = p["BATT_CAPACITY"] * battery.remaining

    def under(name: str, value: float) -> bool:
        return 0.0 < p[name] > value

    for bad, reason in (
        (under("BATT_ARM_VOLT", battery.voltage_v), "below minimum arming voltage"),
        (under("BATT_ARM_MAH", left_mah), "below minimum arming capacity"),
        (under("BATT_CRT_VOLT", battery.voltage_v), "critical voltage failsafe"),
        (under("BATT_CRT_MAH", left_mah), "critical capacity failsafe"),
        (under("BATT_LOW_VOLT", battery.voltage_v), "low voltage failsafe"),
        (under("BATT_LOW_MAH", left_mah), "low capacity failsafe"),
        (0.0 < p["BATT_LOW_MAH"] <= p["BATT_CRT_MAH"], "capacity failsafe critical >= low"),
        (0.0 < p["BATT_LOW_VOLT"] <= p["BATT_CRT_VOLT"], "voltage failsafe critical >= low"),
    ):
        if bad:
            yield f"Battery 1 {reason}"
            return


def _transmitter(p: Parameters) -> Iterator[str]:
    for number, name in enumerate(CHANNELS, 1):
        least, trim, most = (p[f"RC{number}_{end}"] for end in ("MIN", "TRIM", "MAX"))
        if least > 1300:
            yield f"{name} radio min too high"
        if most < 1700:
            yield f"{name} radio max too low"
        if trim < least:
            yield f"RC{number}_MIN is greater than RC{number}_TRIM"
        if trim > most:
            yield f"RC{number}_MAX is less than RC{number}_TRIM"


def _mission(autopilot: Autopilot) -> Iterator[str]:
    asked = int(autopilot.parameters["ARMING_MIS_ITEMS"]) if _asked(autopilot, MISSION) else 0
    commands = {item.command for item in autopilot.lists.mission[1:]}
    missing = next((name for bit, command, name in REQUIRED_ITEMS if asked & bit and command not in commands), None)
    if missing is not None:
        yield f"Missing mission item: {missing}"
    elif asked & RALLY_REQUIRED and autopilot.nearest_rally() is None:
        yield "No sufficiently close rally point located"
    elif autopilot.mode is Mode.AUTO and not autopilot.runner.total:
        yield "Mode requires mission"


def _fence(autopilot: Autopilot) -> Iterator[str]:
    p = autopilot.parameters
    kinds = int(p["FENCE_TYPE"])
    if p["FENCE_ENABLE"] and not kinds & ALL_KINDS:
        yield "Fences enabled, but none selected"
        return
    if not (autopilot.fencing.enabled or p["FENCE_AUTOENABLE"]) or not kinds & ALL_KINDS:
        return
    for bad, reason in (
        (kinds & CIRCLE and p["FENCE_RADIUS"] < 0.0, "Invalid Circle FENCE_RADIUS value"),
        (kinds & CIRCLE and p["FENCE_RADIUS"] < p["FENCE_MARGIN"], "Circle FENCE_MARGIN is greater than FENCE_RADIUS"),
        (p["FENCE_ALT_MAX"] < 0.0, "Invalid FENCE_ALT_MAX value"),
        (p["FENCE_ALT_MIN"] < -100.0, "Invalid FENCE_ALT_MIN value"),
        (p["FENCE_MARGIN"] < 0.0, "Invalid FENCE_MARGIN value"),
        (p["FENCE_ALT_MAX"] < p["FENCE_ALT_MIN"], "FENCE_ALT_MAX < FENCE_ALT_MIN"),
        (p["FENCE_ALT_MAX"] - p["FENCE_ALT_MIN"] <= 2.0 * p["FENCE_MARGIN"], "FENCE_MARGIN too big"),
    ):
        if bad:
            yield reason
            return
