"""The shape of one OpenAir zone: its V and D records in order become a polygon, a circle or a corridor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from airspace.charted import Shape
from airspace.formats import chart_rules
from airspace.formats import openair_rules as rules
from airspace.formats.chart import Chart, shown
from airspace.formats.openair_arcs import Arc, bearings_arc, positions_arc, ring
from airspace.formats.openair_fields import NAUTICAL_MILE_M, read_numbers, read_position
from airspace.formats.outlines import MOST_POSITIONS, LonLat, sound, sound_circle, sound_corridor
from airspace.frames import LatLon
from airspace.reasons import Words

LEAST_ARC_M = 1.0
LARGEST_ARC_M = 500_000.0

# Charts give positions to the second, that is to 30 m, and centres that were computed elsewhere: ends of an arc that
# differ by less than this in their distance from its centre are rounding, more is a mistake in one of the three.
ROUNDING_M = 50.0
ROUNDING_OF_RADIUS = 0.01

BEARINGS = Words("bearings from 0 to 360 degrees", "0 至 360 度的方位角")


# A line of a few letters can stand for a hundred corners, so all the arcs of a file share what there is to draw with:
# a country takes a tenth of it.
MOST_INK = 250_000
INK_OF_AN_ARC = 10


@dataclass(slots=True)
class Ink:
    """How many corners the arcs of a file may still take; below zero when they took more."""

    left: int = MOST_INK


@dataclass(slots=True)
class Drawing:
    """What the records of one zone have drawn so far; `repairs` tells what was taken as rounding, for people."""

    chart: Chart
    ink: Ink
    centre: LatLon | None = None
    clockwise: bool = True
    width_nm: float | None = None
    pieces: list[LonLat | Arc] = field(default_factory=list)
    corners: int = 0
    airway: list[LonLat] = field(default_factory=list)
    circles: list[tuple[LatLon, float, str]] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)

    def take(self, tag: str, value: str, line: int) -> None:
        """Read one V or D record; what is wrong with it becomes a reason. Too many corners or arcs are not drawn on."""
        if self.corners > MOST_POSITIONS or self.ink.left < 0:
            return
        _READERS[tag](self, value, f"line {line} {tag}")

    def shape(self, path: str) -> Shape | None:
        """What was drawn, sound; or None with reasons."""
        found = {"DP DA DB": len(self.pieces) > 0, "DC": len(self.circles), "DY": len(self.airway) > 0}
        count = sum(found.values())
        if count == 0:
            self.chart.add(rules.NO_SHAPE, path)
            return None
        if count > 1:
            names = ", ".join(name for name, times in found.items() for _ in range(times))
            self.chart.add(rules.MIXED_SHAPES, path, found=names if count <= 4 else f"{count} ({names[:10]}...)")
            return None
        if self.circles:
            centre, radius_m, at = self.circles[0]
            return sound_circle(self.chart, (centre.lon_deg, centre.lat_deg), radius_m, at)
        if self.airway:
            if self.width_nm is None:
                self.chart.add(rules.NO_WIDTH, path)
                return None
            return sound_corridor(self.chart, self.airway, self.width_nm * NAUTICAL_MILE_M / 2, path)
        if self.corners > MOST_POSITIONS:
            self.chart.add(chart_rules.TOO_MANY, path, count=self.corners, most=MOST_POSITIONS)
            return None
        return sound(self.chart, [ring(self.pieces)], path)

    def _variable(self, value: str, at: str) -> None:
        name, equals, given = value.partition("=")
        name, given = name.strip().upper(), given.strip()
        if name == "X" and equals:
            self.centre = read_position(self.chart, given, at)
        elif name == "D" and given in ("+", "-"):
            self.clockwise = given == "+"
        elif name == "W" and equals:
            width = read_numbers(self.chart, given, at, 1)
            self.width_nm = width[0] if width else None
        elif name != "Z" or not equals:  # the zoom at which a map shows the zone
            self.chart.add(rules.VARIABLE, at, found=shown(value))

    def _point(self, value: str, at: str) -> None:
        position = read_position(self.chart, value, at)
        if position is not None:
            self.pieces.append((position.lon_deg, position.lat_deg))
            self.corners += 1

    def _bearings(self, value: str, at: str) -> None:
        numbers = read_numbers(self.chart, value, at, 3)
        centre = self._centre(at)
        if numbers is None or centre is None:
            return
        radius_nm, start_deg, end_deg = numbers
        if max(start_deg, end_deg) > 360.0:
            facts = {"found": shown(value), "low": 0.0, "high": 360.0, "unit": BEARINGS}
            self.chart.add(chart_rules.OUT_OF_RANGE, at, **facts)
        elif self._is_sized(radius_nm * NAUTICAL_MILE_M, at):
            self._add(
                bearings_arc(centre, radius_nm * NAUTICAL_MILE_M, start_deg, end_deg, clockwise=self.clockwise), at
            )

    def _positions(self, value: str, at: str) -> None:
        first, comma, last = value.partition(",")
        if not comma:
            self.chart.add(rules.POSITION, at, found=shown(value))
            return
        start, end = read_position(self.chart, first, at), read_position(self.chart, last, at)
        centre = self._centre(at)
        if start is None or end is None or centre is None:
            return
        arc = positions_arc(centre, start, end, clockwise=self.clockwise)
        if arc is not None and self._is_sized(arc.least_m, at) and self._is_sized(arc.most_m, at):
            apart_m = arc.most_m - arc.least_m
            most_m = max(ROUNDING_M, ROUNDING_OF_RADIUS * arc.most_m)
            if apart_m > most_m:
                facts = {"start_m": centre.distance_m(start), "end_m": centre.distance_m(end), "apart_m": apart_m}
                self.chart.add(rules.ARC_DIFFERS, at, **facts, most_m=most_m)
                return
            self._add(arc, at)
            if apart_m > 1.0:
                self.repairs.append({"at": at, "rule": rules.ARC_DIFFERS.code, "deviation_m": round(apart_m, 1)})
        elif arc is None:
            self._add(None, at)

    def _circle(self, value: str, at: str) -> None:
        radius = read_numbers(self.chart, value, at, 1)
        centre = self._centre(at)
        if radius is not None and centre is not None:
            self.circles.append((centre, radius[0] * NAUTICAL_MILE_M, at))

    def _airway(self, value: str, at: str) -> None:
        position = read_position(self.chart, value, at)
        if position is not None:
            self.airway.append((position.lon_deg, position.lat_deg))

    def _centre(self, at: str) -> LatLon | None:
        if self.centre is None:
            self.chart.add(rules.NO_CENTRE, at)
        return self.centre

    def _is_sized(self, radius_m: float, at: str) -> bool:
        if LEAST_ARC_M <= radius_m <= LARGEST_ARC_M:
            return True
        self.chart.add(rules.ARC_SIZE, at, radius_m=radius_m, low_m=LEAST_ARC_M, high_m=LARGEST_ARC_M)
        return False

    def _add(self, arc: Arc | None, at: str) -> None:
        if arc is None:
            self.chart.add(rules.ARC_NOWHERE, at)
            return
        self.pieces.append(arc)
        self.corners += arc.steps
        self.ink.left -= arc.steps + INK_OF_AN_ARC


_READERS: dict[str, Callable[[Drawing, str, str], None]] = {
    "V": Drawing._variable,
    "DP": Drawing._point,
    "DA": Drawing._bearings,
    "DB": Drawing._positions,
    "DC": Drawing._circle,
    "DY": Drawing._airway,
}
