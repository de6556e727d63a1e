"""The 12-bit altitude of airborne positions (ICAO Annex 10, volume IV, 3.1.2.6.5.4): pressure altitude in feet.

With the Q bit it counts steps of 25 ft from -1000 ft. Without it, it is Gillham's code in steps of 100 ft: eight bits
of Gray code for the 500 ft, three for the 100 ft, which run to and fro.
"""

from __future__ import annotations

FT_M = 0.3048
Q_BIT = 0x10
LOWEST_FT = -1000
HIGHEST_25_FT = LOWEST_FT + 25 * 0x7FF

# Where the bits of C1 A1 C2 A2 C4 A4 B1 (Q) B2 D2 B4 D4 stand, from the most significant of 12.
_FIVE_HUNDREDS = (2, 0, 10, 8, 6, 5, 3, 1)  # D2 D4 A1 A2 A4 B1 B2 B4, as shifts
_HUNDREDS = (11, 9, 7)  # C1 C2 C4
_HUNDRED_OF = {1: 1, 3: 2, 2: 3, 6: 4, 4: 5}  # Gray code of the 100 ft steps


def decode_m(code: int) -> float | None:
    """The pressure altitude [m], None when it is not said or the code is none."""
    feet = _feet(code)
    return None if feet is None else feet * FT_M


def encode(pressure_m: float | None) -> int:
    """The code with steps of 25 ft; 0 for an unknown altitude, the ends of the range for what is beyond them."""
    if pressure_m is None:
        return 0
    feet = min(max(pressure_m / FT_M, LOWEST_FT), HIGHEST_25_FT)
    steps = round((feet - LOWEST_FT) / 25)
    return (steps & 0x7F0) << 1 | Q_BIT | steps & 0x0F


def _feet(code: int) -> int | None:
    if code == 0:
        return None
    if code & Q_BIT:
        return ((code & 0xFE0) >> 1 | code & 0x0F) * 25 + LOWEST_FT
    five = _from_gray(_bits(code, _FIVE_HUNDREDS))
    hundred = _HUNDRED_OF.get(_bits(code, _HUNDREDS))
    if hundred is None:
        return None
    return five * 500 + (6 - hundred if five % 2 else hundred) * 100 - 1300


def _bits(code: int, shifts: tuple[int, ...]) -> int:
    value = 0
    for shift in shifts:
        value = value << 1 | code >> shift & 1
    return value


def _from_gray(gray: int) -> int:
    binary = gray
    while gray := gray >> 1:
        binary ^= gray
    return binary
