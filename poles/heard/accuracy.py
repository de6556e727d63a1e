"""The accuracy classes that broadcast identifications share: ASTM F3411-22a tables, and GB 46750-2025 items 017 to 021.

A class says 'better than this bound'; class 0 says that nothing is known. Tables hold the bounds of class 1 upwards.
"""

from __future__ import annotations

from collections.abc import Sequence

HORIZONTAL_M = (18520.0, 7408.0, 3704.0, 1852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0)
VERTICAL_M = (150.0, 45.0, 25.0, 10.0, 3.0, 1.0)
SPEED_MPS = (10.0, 3.0, 1.0, 0.3)
TIME_S = (0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)  # of GB 46750-2025; Open Drone ID counts tenths of a second


def bound_of(number: int, bounds: Sequence[float]) -> float | None:
    """What a class number promises; None when it promises nothing or is none of the table's."""
    return bounds[number - 1] if 1 <= number <= len(bounds) else None


def class_of(accuracy: float | None, bounds: Sequence[float]) -> int:
    """The best class whose bound an accuracy keeps (it is less than it); 0 when there is none, or nothing is known."""
    if accuracy is None or accuracy < 0.0:
        return 0
    return sum(1 for bound in bounds if accuracy < bound)
