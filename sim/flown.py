"""Drones as a city meets them from outside, whoever simulates them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sim.drone import Truth
from sim.links import Link


class Flown(Protocol):
    """A drone as far as a city needs it from outside: a simulated one, or a real autopilot in its own simulator."""

    @property
    def on_takeoff(self) -> list[Callable[[float, float], None]]:
        """Called with latitude and longitude [deg] when the ground is left."""

    @property
    def on_touchdown(self) -> list[Callable[[float, float], None]]:
        """Called with latitude and longitude [deg] when the ground is reached."""

    @property
    def truth(self) -> Truth:
        """Where it really is."""

    def attach(self, link: Link) -> None:
        """Serve one more link."""


class Autopilot(Flown, Protocol):
    """A real autopilot in its own simulator."""

    def feel_wind(self, speed_mps: float, from_deg: float, gust_mps: float) -> None:
        """Let its simulator have this mean wind, with gusts of this standard deviation."""
