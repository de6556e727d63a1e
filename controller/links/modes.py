"""ArduCopter's flight modes: the numbers that HEARTBEAT.custom_mode carries, and their names."""

from __future__ import annotations

COPTER_MODES: dict[int, str] = {
    0: "STABILIZE",
    1: "ACRO",
    2: "ALT_HOLD",
    3: "AUTO",
    4: "GUIDED",
    5: "LOITER",
    6: "RTL",
    7: "CIRCLE",
    9: "LAND",
    11: "DRIFT",
    13: "SPORT",
    14: "FLIP",
    15: "AUTOTUNE",
    16: "POSHOLD",
    17: "BRAKE",
    18: "THROW",
    19: "AVOID_ADSB",
    20: "GUIDED_NOGPS",
    21: "SMART_RTL",
    22: "FLOWHOLD",
    23: "FOLLOW",
    24: "ZIGZAG",
    25: "SYSTEMID",
    26: "AUTOROTATE",
    27: "AUTO_RTL",
    28: "TURTLE",
}
_NUMBERS = {name: number for number, name in COPTER_MODES.items()}


def mode_name(number: int) -> str:
    """The mode's name, or `MODE n` for a number that ArduCopter does not have here."""
    return COPTER_MODES.get(number) or f"MODE {number}"


def mode_number(name: str) -> int:
    """The number of a mode; raises `KeyError` for a name that ArduCopter does not have."""
    return _NUMBERS[name]
