"""A plan: everything that is decided before a drone moves, as values that survive a restart.

All times in a plan are seconds after take-off but for `takeoff_s`; heights named `relative_m` count from the take-off
place. A plan encodes to JSON and back with msgspec and is the same for the same inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from missions.items import MissionItem


class Purpose(StrEnum):
    """What a leg is flown for."""

    CLIMB = "climb"
    TRANSIT = "transit"
    SURVEY = "survey"
    APPROACH = "approach"
    HOLD = "hold"
    LANDING = "landing"


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a route: CGCS2000 degrees and the height above the take-off place [m]."""

    lat_deg: float
    lon_deg: float
    relative_m: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight piece of the route, flown at one speed [m/s] while mission item `seq` is the current one.

    `branch` is empty on the common way, and otherwise names the landing option that the leg belongs to.
    """

    seq: int
    purpose: Purpose
    start: Place
    end: Place
    start_s: float
    end_s: float
    speed_mps: float
    energy_wh: float
    branch: str = ""


NO_LEG = -1


@dataclass(frozen=True, slots=True)
class PlanVolume:
    """The airspace of one leg: outline ring in (lon, lat) degrees, ellipsoidal heights [m], seconds after take-off.

    `leg` is `NO_LEG` where it is that of no leg.
    """

    ring_lon_lat_deg: tuple[tuple[float, float], ...]
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float
    leg: int


@dataclass(frozen=True, slots=True)
class LandingOption:
    """A way to end the flight: a dock on a pole (by city code) or open ground, and the mission item that starts it.

    A dock's items end in a hover in the gate, item `gate_seq`, and lead from `escape_seq` on straight up and back to
    the hold. The landing is item `land_seq`, which no item leads to: only a jump does. 0 where there is no gate.
    """

    name: str
    first_seq: int
    land_seq: int
    place: Place
    dock: str = ""  # city code of the pole, empty for open ground
    gate_seq: int = 0
    escape_seq: int = 0

    def flown_at(self, seq: int) -> bool:
        """Whether a drone whose current item is `seq` is on its way down to here; on its way back it is not."""
        return self.first_seq <= seq <= (self.gate_seq or self.land_seq) or seq == self.land_seq


@dataclass(frozen=True, slots=True)
class Target:
    """A thing to inspect, and whether the plan shows it to the camera."""

    name: str
    lat_deg: float
    lon_deg: float
    covered: bool
    why_not: str = ""
    why_not_zh: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at while planning, with the numbers that decided it."""

    code: str
    passed: bool
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A complete, checked flight of one drone.

    `items[0]` is mission sequence 1. At item `hold_seq` the drone waits for the word to land on a dock; when
    no word comes, the items after it take the drone to open ground. 0 means that the mission ends by itself. In the
    gate over a dock it waits for a second word, and without one goes back to the hold.
    """

    name: str
    title: str
    source: str  # "request" | "plan" | "waypoints"
    home: Place
    home_amsl_m: float
    geoid_m: float
    takeoff_s: float  # UTC
    items: tuple[MissionItem, ...]
    legs: tuple[Leg, ...]
    volumes: tuple[PlanVolume, ...]
    fence: tuple[MissionItem, ...]
    rally: tuple[MissionItem, ...]
    landings: tuple[LandingOption, ...]
    hold_seq: int
    duration_s: float
    energy_wh: float
    energy_limit_wh: float
    cruise_mps: float
    max_relative_m: float
    parameters: dict[str, float] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    photos_planned: int = 0
    checks: tuple[Check, ...] = ()
    min_clearance_m: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def priority(self) -> int:
        """The priority of its flight; 0 when nobody gave one."""
        return int(self.details.get("priority", 0))

    @property
    def permitted(self) -> frozenset[str]:
        """The charted ids of zones that it may enter, because their authority gave leave."""
        return frozenset(self.details.get("permitted", ()))
