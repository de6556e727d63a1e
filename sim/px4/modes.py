"""Flight modes of PX4 as its heartbeat tells them, and the autopilot's modes that fly them (px4_custom_mode.h)."""

from __future__ import annotations

from enum import IntEnum

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.modes import Mode

MAIN_AUTO = 4


class Px4Mode(IntEnum):
    """Main mode, and sub mode times 256: the upper half of `custom_mode`."""

    MANUAL = 1
    ALTCTL = 2
    POSCTL = 3
    ACRO = 5
    OFFBOARD = 6
    STABILIZED = 7
    ORBIT = 3 | 1 << 8
    TAKEOFF = MAIN_AUTO | 2 << 8
    LOITER = MAIN_AUTO | 3 << 8
    MISSION = MAIN_AUTO | 4 << 8
    RTL = MAIN_AUTO | 5 << 8
    LAND = MAIN_AUTO | 6 << 8

    @property
    def custom_mode(self) -> int:
        """`custom_mode` of the heartbeat."""
        return int(self) << 16

    @property
    def base_mode(self) -> int:
        """`base_mode` of the heartbeat, without the armed flag."""
        flags = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
        if self in BY_STICK:
            flags |= mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED
        else:
            flags |= mavlink.MAV_MODE_FLAG_AUTO_ENABLED | mavlink.MAV_MODE_FLAG_GUIDED_ENABLED
        if self is not Px4Mode.ACRO:
            flags |= mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
        return int(flags)


BY_STICK = frozenset({Px4Mode.MANUAL, Px4Mode.ALTCTL, Px4Mode.POSCTL, Px4Mode.ACRO, Px4Mode.STABILIZED, Px4Mode.ORBIT})
NEED_POSITION = frozenset(Px4Mode) - {Px4Mode.MANUAL, Px4Mode.ALTCTL, Px4Mode.ACRO, Px4Mode.STABILIZED}

FLOWN_BY: dict[Px4Mode, Mode] = {
    Px4Mode.MANUAL: Mode.STABILIZE,
    Px4Mode.STABILIZED: Mode.STABILIZE,
    Px4Mode.ACRO: Mode.ACRO,
    Px4Mode.ALTCTL: Mode.ALT_HOLD,
    Px4Mode.POSCTL: Mode.LOITER,
    Px4Mode.ORBIT: Mode.CIRCLE,
    Px4Mode.OFFBOARD: Mode.GUIDED,
    Px4Mode.TAKEOFF: Mode.GUIDED,
    Px4Mode.LOITER: Mode.GUIDED,
    Px4Mode.MISSION: Mode.AUTO,
    Px4Mode.RTL: Mode.RTL,
    Px4Mode.LAND: Mode.LAND,
}


def asked_for(base_mode: int, main: int, sub: int) -> Px4Mode | None:
    """The mode that DO_SET_MODE or SET_MODE names, None when there is none such."""
    if base_mode & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
        if main == MAIN_AUTO and sub == 0:
            return Px4Mode.MISSION
        value = main | (sub << 8 if main == MAIN_AUTO else 0)
        return Px4Mode(value) if value in Px4Mode._value2member_map_ else None
    if base_mode & mavlink.MAV_MODE_FLAG_AUTO_ENABLED:
        return Px4Mode.MISSION
    if base_mode & mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED:
        if base_mode & mavlink.MAV_MODE_FLAG_GUIDED_ENABLED:
            return Px4Mode.POSCTL
        stabilized = base_mode & mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
        return Px4Mode.STABILIZED if stabilized else Px4Mode.MANUAL
    return None
