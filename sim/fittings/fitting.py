"""A simulated sensor or device on a pole, and what it feels of the world."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from poles.services import Service


@dataclass(frozen=True, slots=True)
class Outside:
    """The world around one pole, asked whenever something is sampled.

    Rain [mm/h], wind speed at the head [m/s], air temperature [°C], whether there are mains, what the pole takes [kW],
    and by how much the best radio cell is received better than at its range [dB] (None: no cell is heard).
    """

    rain_mmph: Callable[[], float]
    wind_mps: Callable[[float], float]
    temperature_c: Callable[[], float]
    has_mains: Callable[[], bool]
    power_kw: Callable[[], float]
    radio_margin_db: Callable[[], float | None] = lambda: math.inf


class Fitting(Protocol):
    """A service over simulated hardware; `sample` is called every `every_s` of the loop, also without mains."""

    every_s: float

    @property
    def service(self) -> Service:
        """What the pole's agent drives."""
        ...

    def sample(self, now_s: float) -> None:
        """Let the sensors measure at this second of the loop."""
        ...
