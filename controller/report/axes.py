"""Axes and paths of plots: values to a box of 1000 by 100 that the page stretches to its width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controller.report.flown import Floats

WIDTH, HEIGHT = 1000.0, 100.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, in per cent from its left or its bottom."""

    at_pct: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale from values to per cent of an axis."""

    low: float
    high: float

    def pct(self, value: float) -> float:
        """Where a value lies [%]."""
        return 100 * (value - self.low) / (self.high - self.low)

    def ticks(self, wanted: int, unit: str = "") -> list[Tick]:
        """About as many round ticks as wanted."""
        step = round_step((self.high - self.low) / wanted)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step)))
        return [Tick(self.pct(i * step), f"{i * step:.{digits}f}{unit}") for i in range(first, last + 1)]


def round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(nice * power for nice in (1, 2, 5, 10) if nice * power >= step - 1e-12)


def scale_over(series: Sequence[Floats], *, low: float | None = None, least_span: float = 1.0) -> Scale:
    """A scale that holds all values with some air above; `low` fixes its foot."""
    values = np.concatenate([s[~np.isnan(s)] for s in series]) if series else np.empty(0)
    bottom = low if low is not None else (float(values.min()) if len(values) else 0.0)
    top = max(float(values.max()) if len(values) else bottom, bottom + least_span)
    air = 0.08 * (top - bottom)
    return Scale(bottom if low is not None else bottom - air, top + air)


def path(x_pct: Floats, y_pct: Floats) -> str:
    """An SVG path through points in per cent; a nan lifts the pen."""
    parts: list[str] = []
    pen_down = False
    for x, y in zip(x_pct.tolist(), y_pct.tolist(), strict=True):
        if math.isnan(x) or math.isnan(y):
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{x * WIDTH / 100:.1f} {HEIGHT - y * HEIGHT / 100:.2f}")
        pen_down = True
    return "".join(parts)
