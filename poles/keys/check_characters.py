"""Check characters of ISO/IEC 7064:2003 (GB/T 17710-2008 is its translation): they find what hands get wrong.

All systems here find every single wrong character, and all but a few swaps of two.
"""

from __future__ import annotations

from collections.abc import Callable

DIGITS = "0123456789"
ALPHANUMERIC = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mod_11_2(text: str) -> str | None:
    """The check character of the pure system MOD 11-2 (clause 7), 0 to 9 or X; None for other than digits."""
    p = 0
    for character in text:
        if character not in DIGITS:
            return None
        p = (p + int(character)) * 2 % 11
    return (DIGITS + "X")[(1 - p) % 11]


def hybrid(text: str, alphabet: str) -> str | None:
    """The check character of the hybrid system MOD m+1,m over m characters (clause 9); None outside the set."""
    m = len(alphabet)
    p = m
    for character in text:
        value = alphabet.find(character)
        if value < 0:
            return None
        p = ((p + value) % m or m) * 2 % (m + 1)
    return alphabet[(1 - p) % m]


# By designation: what a text's characters must be followed by. MOD 37-2 is left out, because its * is no name.
SYSTEMS: dict[str, Callable[[str], str | None]] = {
    "MOD 11-2": mod_11_2,
    "MOD 11,10": lambda text: hybrid(text, DIGITS),
    "MOD 37,36": lambda text: hybrid(text, ALPHANUMERIC),
}
