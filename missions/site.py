"""What a planner must know of a site: ground, docks, open ground and the drone that will fly."""

from __future__ import annotations

from dataclasses import dataclass

from airspace.frames import Ground, LatLon


@dataclass(frozen=True, slots=True)
class Dock:
    """A landing dock on a smart pole, by the pole's city code; `pad_agl_m` is the pad's height above ground [m]."""

    code: str
    position: LatLon
    pad_agl_m: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenGround:
    """A place where a drone may land by itself when nobody can tell it more."""

    name: str
    position: LatLon


@dataclass(frozen=True, slots=True)
class DroneType:
    """What the planner needs of an airframe; `mass_kg` is the greatest that it takes off with, speeds [m/s].

    `disk_area_m2` is the sum of the rotor disks; `figure_of_merit` covers rotor, motor and controller losses;
    `drag_area_m2` is the flat-plate area of body and payload; `avionics_w` is drawn all the time.
    """

    name: str
    mass_kg: float
    disk_area_m2: float
    figure_of_merit: float
    drag_area_m2: float
    avionics_w: float
    battery_wh: float
    max_speed_mps: float
    climb_mps: float
    descent_mps: float
    acceleration_mps2: float
    max_wind_mps: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What operator and rules ask of every flight of a site; heights above ground stay below `max_agl_m` [m]."""

    max_agl_m: float
    reserve_fraction: float = 0.3
    max_route_legs: int = 500


@dataclass(frozen=True, slots=True)
class Site:
    """The place in which a mission is planned."""

    name: str
    ground: Ground
    docks: tuple[Dock, ...]
    open_ground: tuple[OpenGround, ...]
    limits: Limits
