"""From points to a flight: mission items in ArduCopter's order, and the legs that they make it fly, timed and costed.

A common way leads from take-off to a hold. Behind it lie the branches, each of which ends the flight; the first one, to
open ground, is flown when nobody says anything. A dock takes two words, each of them a jump: one to its branch, and in
the gate above the pad one to its landing. Without the second the drone climbs back to the hold, so that no drone which
nobody can reach comes lower. Sequence numbers begin at 1, because item 0 belongs to the vehicle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from airspace.frames import LatLon, LocalFrame
from airspace.routing import PointXY
from missions.energy import worst_leg_energy_wh
from missions.items import Command, Frame, MissionItem
from missions.plan import LandingOption, Leg, Place, Purpose
from missions.site import DroneType
from missions.timing import PointM, landing_s, leg_durations_s, takeoff_s
from missions.volumes import leg_ends_xy

POSITION_DIGITS = 7  # degrees: what an autopilot stores
HEIGHT_DIGITS = 2  # metres, likewise
TIME_DIGITS = 3
ENERGY_DIGITS = 4
GATE_M = 15.0  # above the pad: no drone comes lower without a word of now
GATE_ROOM_M = 1.0  # so much higher it hovers, because it holds its height no better
GATE_S = 10.0  # it waits there for the word
LOW_S = 30.0  # from the gate as far down as a drone turns back, and up to it again
FOR_EVER = -1.0  # a jump is taken again and again


@dataclass(slots=True)
class Itinerary:
    """A flight in the making: each call adds what the drone does next, from where it then is.

    Positions are east and north [m] in `frame`; they are rounded to what the autopilot stores before anything else is
    computed from them. `speed_mps` is the ground speed of level legs.
    """

    frame: LocalFrame
    drone: DroneType
    home: LatLon
    speed_mps: float
    items: list[MissionItem] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    landings: list[LandingOption] = field(default_factory=list)
    hold_seq: int = 0
    hold_s: float = 0.0
    _here: Place = field(init=False)
    _hold: Place = field(init=False)
    _branch: str = ""

    def __post_init__(self) -> None:
        self._here = self._hold = Place(
            round(self.home.lat_deg, POSITION_DIGITS), round(self.home.lon_deg, POSITION_DIGITS), 0.0
        )

    @property
    def next_seq(self) -> int:
        """The sequence number of the item that is added next."""
        return len(self.items) + 1

    def take_off(self, relative_m: float) -> None:
        """Climb straight up [m above home], then go on at the cruise speed."""
        top = replace(self._here, relative_m=round(relative_m, HEIGHT_DIGITS))
        self._item(Command.NAV_TAKEOFF, top)
        self._leg(Purpose.CLIMB, top)
        self._order(Command.DO_CHANGE_SPEED, 1.0, self.speed_mps)

    def fly(self, points: Sequence[PointXY], purpose: Purpose) -> None:
        """Fly to each point in turn, at the height at hand."""
        for point in points:
            place = self._place(point)
            if place != self._here:
                self._item(Command.NAV_WAYPOINT, place)
                self._leg(purpose, place)

    def camera(self, spacing_m: float) -> None:
        """Fire the camera now and then every `spacing_m` [m]; 0 stops it."""
        self._order(Command.DO_SET_CAM_TRIGG_DIST, spacing_m, 0.0, 1.0 if spacing_m else 0.0)

    def hold(self, point: PointXY, seconds: float) -> None:
        """Fly to a point and stay there; all that follows is a branch that begins here."""
        place = self._place(point)
        self.hold_seq, self.hold_s, self._hold = self.next_seq, seconds, place
        self._loiter(place, seconds)
        if place != self._here:
            self._leg(Purpose.APPROACH, place)
        self._leg(Purpose.HOLD, place)

    def land(self, name: str, way: Sequence[PointXY], ground_relative_m: float, dock: str = "") -> None:
        """A branch: from the hold along a way (its first point is the hold) and down at its last point."""
        self._branch, self._here = name, self._hold
        first_seq = self.next_seq
        self.fly(way[1:], Purpose.APPROACH)
        if self.next_seq == first_seq:  # a branch begins with an item that says where, even right above its end
            self._item(Command.NAV_WAYPOINT, self._here)
        down = replace(self._here, relative_m=round(ground_relative_m, HEIGHT_DIGITS))
        gate_seq, escape_seq = self._gate(down, way) if dock else (0, 0)
        land_seq = self.next_seq
        self._item(Command.NAV_LAND, replace(down, relative_m=0.0))
        self._leg(Purpose.LANDING, down)
        self.landings.append(LandingOption(name, first_seq, land_seq, down, dock, gate_seq, escape_seq))

    def _gate(self, pad: Place, way: Sequence[PointXY]) -> tuple[int, int]:
        """Down to the gate and a hover there, then up again and back along the way to the hold; where each begins.

        The way back flies through the volumes of the way to the dock, so it adds no leg of its own.
        """
        above, gate_seq = self._here, self.next_seq
        gate_m = min(above.relative_m, round(pad.relative_m + GATE_M + GATE_ROOM_M, HEIGHT_DIGITS))
        gate = replace(above, relative_m=gate_m)
        self._loiter(gate, GATE_S)
        if gate != above:
            self._leg(Purpose.APPROACH, gate)
        self._leg(Purpose.HOLD, gate)
        escape_seq = self.next_seq
        self._item(Command.NAV_WAYPOINT, above)
        for point in reversed(way[1:-1]):
            self._item(Command.NAV_WAYPOINT, self._place_at(point, above))
        self._order(Command.DO_JUMP, float(self.hold_seq), FOR_EVER)
        return gate_seq, escape_seq

    def _loiter(self, place: Place, seconds: float) -> None:
        # ArduPilot keeps the side on which a loiter is left as 1 and reads it back so.
        self._item(Command.NAV_LOITER_TIME, place, seconds, 0.0, 1.0)

    def _place(self, point: PointXY) -> Place:
        return self._place_at(point, self._here)

    def _place_at(self, point: PointXY, level: Place) -> Place:
        at = self.frame.latlon(*point)
        return replace(level, lat_deg=round(at.lat_deg, POSITION_DIGITS), lon_deg=round(at.lon_deg, POSITION_DIGITS))

    def _item(self, command: Command, at: Place, *params: float) -> None:
        self.items.append(
            MissionItem(
                int(command), int(Frame.GLOBAL_RELATIVE_ALT), *_four(params), at.lat_deg, at.lon_deg, at.relative_m
            )
        )

    def _order(self, command: Command, *params: float) -> None:
        # Items without a position are read back with frame 0.
        self.items.append(MissionItem(int(command), int(Frame.GLOBAL), *_four(params)))

    def _leg(self, purpose: Purpose, end: Place) -> None:
        speed_mps = self.drone.climb_mps if purpose is Purpose.CLIMB else self.speed_mps
        if end.relative_m < self._here.relative_m:
            speed_mps = self.drone.descent_mps
        seq = len(self.items)
        self.legs.append(Leg(seq, purpose, self._here, end, 0.0, 0.0, speed_mps, 0.0, self._branch))
        self._here = end


def _four(params: Sequence[float]) -> tuple[float, float, float, float]:
    first, second, third, fourth = (*params, 0.0, 0.0, 0.0, 0.0)[:4]
    return first, second, third, fourth


def timed(itinerary: Itinerary, wind_mps: float) -> tuple[Leg, ...]:
    """The legs with start, end [s after take-off] and energy [Wh] in the costliest wind of at most `wind_mps`.

    A branch to a dock is timed from the earliest moment at which it can begin, the hold's start; the branch that is
    flown without a word, the first one, from the hold's end.
    """
    legs = itinerary.legs
    common = [leg for leg in legs if not leg.branch]
    done = _run(common, 0.0, itinerary, wind_mps)
    hold_start_s = done[-1].start_s if itinerary.hold_seq else done[-1].end_s
    for landing in itinerary.landings:
        start_s = hold_start_s if landing.dock else done[len(common) - 1].end_s
        done += _run([leg for leg in legs if leg.branch == landing.name], start_s, itinerary, wind_mps)
    return tuple(done)


def again_s(legs: Sequence[Leg]) -> float:
    """How long it takes at most [s] from the word to land on a dock until the hold has been waited out once more.

    Such a landing is broken off below the gate, after a wait in it, and the drone flies back as fast as it came.
    """
    holds = [leg for leg in legs if leg.purpose is Purpose.HOLD]
    hold_s = math.fsum(leg.end_s - leg.start_s for leg in holds if not leg.branch)
    begun_s = {leg.branch: leg.start_s for leg in reversed(legs)}
    gates_s = [leg.end_s - begun_s[leg.branch] for leg in holds if leg.branch]
    return hold_s + LOW_S + max((2 * gate_s - GATE_S for gate_s in gates_s), default=0.0)


def _run(legs: Sequence[Leg], start_s: float, itinerary: Itinerary, wind_mps: float) -> list[Leg]:
    done: list[Leg] = []
    for leg, duration_s in zip(legs, _durations_s(legs, itinerary), strict=True):
        start_xy, end_xy = leg_ends_xy(leg, itinerary.frame)
        energy_wh = worst_leg_energy_wh(
            itinerary.drone,
            distance_m=((end_xy[0] - start_xy[0]) ** 2 + (end_xy[1] - start_xy[1]) ** 2) ** 0.5,
            up_m=leg.end.relative_m - leg.start.relative_m,
            duration_s=duration_s,
            wind_mps=wind_mps,
        )
        end_s = start_s + duration_s
        done.append(
            replace(
                leg,
                start_s=round(start_s, TIME_DIGITS),
                end_s=round(end_s, TIME_DIGITS),
                energy_wh=round(energy_wh, ENERGY_DIGITS),
            )
        )
        start_s = end_s
    return done


def _durations_s(legs: Sequence[Leg], itinerary: Itinerary) -> list[float]:
    """Seconds for each leg of a chain that begins and ends at rest; level legs between two rests are timed together."""
    durations: list[float] = []
    level: list[Leg] = []
    for leg in (*legs, None):
        if leg is not None and leg.purpose not in (Purpose.CLIMB, Purpose.HOLD, Purpose.LANDING):
            level.append(leg)
            continue
        durations += _level_s(level, itinerary)
        level = []
        if leg is None:
            break
        if leg.purpose is Purpose.CLIMB:
            durations.append(takeoff_s(leg.end.relative_m, itinerary.drone))
        elif leg.purpose is Purpose.HOLD:
            durations.append(GATE_S if leg.branch else itinerary.hold_s)
        else:
            durations.append(landing_s(leg.start.relative_m - leg.end.relative_m, itinerary.drone))
    return durations


def _level_s(legs: Sequence[Leg], itinerary: Itinerary) -> tuple[float, ...]:
    if not legs:
        return ()
    points: list[PointM] = [(*leg_ends_xy(legs[0], itinerary.frame)[0], legs[0].start.relative_m)]
    points += [(*leg_ends_xy(leg, itinerary.frame)[1], leg.end.relative_m) for leg in legs]
    stops = [True, *(False for _ in legs[1:]), True]
    return leg_durations_s(points, [leg.speed_mps for leg in legs], stops, itinerary.drone)
