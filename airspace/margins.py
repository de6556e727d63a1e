"""How much room a flight needs around its planned line, and the volume that a leg sweeps with it.

Every margin is a plain sum of named terms. Sums are wider than the root of squares would be; in return each term can
be read, doubted and measured alone, and making any term larger can only add conflicts.

Lateral [m] = position error + correction age + frame error + path error + gust + half span + buffer.
Vertical [m] = position error + correction age + height datum + height keeping + gust + half height + buffer.
Time [s] = late start + pace x seconds after take-off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from airspace.frames import LatLon
from airspace.geodesy.epochs import (
    CGCS2000_EPOCH,
    EURASIA_2014,
    Motion,
    PositionSource,
    ReferenceFrame,
    accuracy_m,
    decimal_year,
    to_cgcs2000,
)
from airspace.reasons import Lang, Reason, Refused, Rule, Words
from airspace.volumes import Volume4D

# 95 % position error [m] in plan and height by the fix that the flight is planned with (open sky, good geometry).
FIX_ERRORS_M: dict[str, tuple[float, float]] = {
    "rtk-fixed": (0.05, 0.10),
    "rtk-float": (0.60, 1.20),
    "dgps": (1.50, 3.00),
    "3d": (3.00, 6.00),
}

# What a position of the day is off from CGCS2000 when nobody moves it back to epoch 2000.0: `frame_error_m` in
# Zhengzhou through 2030. A correction service in CGCS2000 gives CGCS2000 itself; what most receivers call DGPS is
# augmentation by satellite, which is of the day.
FRAME_ERRORS_M: dict[str, float] = {"rtk-fixed": 0.0, "rtk-float": 0.0, "dgps": 1.25, "3d": 1.25}
TWO_SIGMA = 2.0

# How a position gets worse by the second in plan and height [m/s] while its corrections are old: twice the standard
# deviations that a receiver gave for itself (lefebure.com, RTK correction data age). No receiver holds a fix for longer
# than a minute.
AGE_ERRORS_MPS = (0.0015, 0.0025)
OLDEST_CORRECTIONS_S = 60.0

GUST_SHARE = 0.5  # a gust blows half as much again as the mean wind
VERTICAL_GUST_SHARE = 0.2  # of the mean wind, along the vertical, below 150 m
GUST_ANSWER_S = 0.7  # until the autopilot has tilted against it; nothing drifts faster than the air

ARC_SEGMENTS = 8  # per quarter of a circle

MARGIN_FIX = Rule(
    "margin.fix",
    Words("a flight cannot be planned with a {fix} fix", "不能按 {fix} 定位状态规划飞行"),
    Words("Plan with one of: {known}.", "请选用下列定位状态之一：{known}。"),
)
MARGIN_AGE = Rule(
    "margin.age",
    Words("corrections {age_s:g} s old hold no fix", "差分改正数已滞后 {age_s:g} 秒，无法保持固定解"),
    Words("Plan with at most {most_s:g} s, or with a 3d fix.", "请按不超过 {most_s:g} 秒规划，或改用 3d 定位。"),
)
MARGIN_RANGE = Rule(
    "margin.range",
    Words("{name} is {value}, which is no margin", "{name} 为 {value}，不能作为余量"),
    Words("Give a finite number that is not negative.", "请给出非负的有限数值。"),
)


@dataclass(frozen=True, slots=True)
class Margins:
    """The room around a planned line: on each side, above and below, before and after."""

    lateral_m: float
    vertical_m: float
    time_s: float


@dataclass(frozen=True, slots=True)
class MarginTerm:
    """One named part of a margin, in the unit of its sum ([m] or [s])."""

    words: Words
    value: float


@dataclass(frozen=True, slots=True)
class MarginBreakdown:
    """Margins with every term that they are made of."""

    lateral: tuple[MarginTerm, ...]
    vertical: tuple[MarginTerm, ...]
    time: tuple[MarginTerm, ...]
    pace: float

    @property
    def margins(self) -> Margins:
        """The sums, for the moment of take-off."""
        return self.at(0.0)

    def at(self, elapsed_s: float) -> Margins:
        """The sums for a moment [s] after take-off: a flight's timing gets less sure as it goes on."""
        return Margins(
            math.fsum(term.value for term in self.lateral),
            math.fsum(term.value for term in self.vertical),
            math.fsum(term.value for term in self.time) + self.pace * elapsed_s,
        )

    def text(self, lang: Lang = "en") -> str:
        """Three lines, one for each sum with its terms."""
        margins = self.margins
        heads = (
            (Words("lateral", "水平"), margins.lateral_m, "m", self.lateral, ""),
            (Words("vertical", "垂直"), margins.vertical_m, "m", self.vertical, ""),
            (Words("time", "时间"), margins.time_s, "s", self.time, f" + {self.pace:.0%} × t"),
        )
        lines = []
        for head, total, unit, terms, tail in heads:
            parts = " + ".join(f"{term.words.text(lang)} {term.value:.2f}" for term in terms)
            lines.append(f"{head.text(lang)} {total:.2f} {unit} = {parts}{tail}")
        return "\n".join(lines)


def derive_margins(
    fix: str = "rtk-fixed",
    wind_mps: float = 0.0,
    *,
    correction_age_s: float = 0.0,
    frame_m: float | None = None,
    datum_m: float = 0.0,
    path_error_m: float = 2.0,
    height_error_m: float = 2.0,
    span_m: float = 1.0,
    tall_m: float = 0.5,
    lateral_buffer_m: float = 5.0,
    vertical_buffer_m: float = 3.0,
    late_start_s: float = 15.0,
    pace: float = 0.1,
) -> MarginBreakdown:
    """The margins of a flight with a kind of fix (a key of `FIX_ERRORS_M`) in a mean wind [m/s].

    `correction_age_s` is how old corrections may get before the flight counts as off its fix. `frame_m` is how far off
    CGCS2000 positions may be (`frame_error_m`; None takes the value for the fix), `datum_m` how well the heights of the
    route are known over the ellipsoid: the error of the geoid or the terrain that they count from.
    `path_error_m` is how far the autopilot strays from its line, rounded corners included; `height_error_m` the same in
    height, mostly the barometer's drift; `span_m` and `tall_m` are the whole airframe; the buffers are what nobody
    thought of; `late_start_s` is how far from its planned time a flight may start, `pace` the share by which it may
    run slow or fast. Raises `Refused` for an unknown fix, for corrections too old to hold one and for a term that is
    negative or not finite. docs/margins.md has the source of every term.
    """
    _refuse_what_is_no_term(
        fix,
        wind_mps=wind_mps,
        correction_age_s=correction_age_s,
        frame_m=0.0 if frame_m is None else frame_m,
        datum_m=datum_m,
        path_error_m=path_error_m,
        height_error_m=height_error_m,
        span_m=span_m,
        tall_m=tall_m,
        lateral_buffer_m=lateral_buffer_m,
        vertical_buffer_m=vertical_buffer_m,
        late_start_s=late_start_s,
        pace=pace,
    )
    plan_error_m, up_error_m = FIX_ERRORS_M[fix]
    age_m, up_age_m = (rate * correction_age_s for rate in AGE_ERRORS_MPS)
    gust_m = GUST_SHARE * wind_mps * GUST_ANSWER_S
    up_gust_m = VERTICAL_GUST_SHARE * wind_mps * GUST_ANSWER_S
    return MarginBreakdown(
        lateral=(
            MarginTerm(Words(f"position ({fix})", f"定位误差（{fix}）"), plan_error_m),
            MarginTerm(Words("correction age", "改正数滞后"), age_m),
            MarginTerm(Words("frame epoch", "坐标框架历元"), FRAME_ERRORS_M[fix] if frame_m is None else frame_m),
            MarginTerm(Words("path", "航迹误差"), path_error_m),
            MarginTerm(Words("gust", "阵风"), gust_m),
            MarginTerm(Words("half span", "半翼展"), span_m / 2),
            MarginTerm(Words("buffer", "缓冲"), lateral_buffer_m),
        ),
        vertical=(
            MarginTerm(Words(f"position ({fix})", f"定位误差（{fix}）"), up_error_m),
            MarginTerm(Words("correction age", "改正数滞后"), up_age_m),
            MarginTerm(Words("height datum", "高程基准误差"), datum_m),
            MarginTerm(Words("height keeping", "高度保持误差"), height_error_m),
            MarginTerm(Words("gust", "阵风"), up_gust_m),
            MarginTerm(Words("half height", "半机高"), tall_m / 2),
            MarginTerm(Words("buffer", "缓冲"), vertical_buffer_m),
        ),
        time=(MarginTerm(Words("late start", "起飞偏差"), late_start_s),),
        pace=pace,
    )


def _refuse_what_is_no_term(fix: str, **given: float) -> None:
    reasons = [
        Reason(MARGIN_RANGE, facts={"name": name, "value": value})
        for name, value in given.items()
        if not (math.isfinite(value) and value >= 0.0)
    ]
    if fix not in FIX_ERRORS_M:
        reasons.append(Reason(MARGIN_FIX, facts={"fix": fix, "known": ", ".join(FIX_ERRORS_M)}))
    if given["correction_age_s"] > OLDEST_CORRECTIONS_S:
        facts = {"age_s": given["correction_age_s"], "most_s": OLDEST_CORRECTIONS_S}
        reasons.append(Reason(MARGIN_AGE, facts=facts))
    if reasons:
        raise Refused(reasons)


def frame_error_m(
    place: LatLon, at_s: float, source: PositionSource, motion: Motion = EURASIA_2014, *, moved: bool = False
) -> float:
    """How far [m] the positions of a receiver at a place may be off CGCS2000 at UTC second `at_s`, 19 times in 20.

    `source` says in which frame and epoch the receiver gives them. When they are `moved` back to 2000.0 by the model
    of the ground's motion, its own error is what is left; otherwise the whole motion is added to that.
    """
    if source.frame is ReferenceFrame.CGCS2000:
        return 0.0
    epoch = decimal_year(at_s) if source.epoch is None else source.epoch
    known_m = TWO_SIGMA * accuracy_m(motion, epoch - CGCS2000_EPOCH)
    if moved:
        return known_m
    lat_deg, lon_deg, _ = to_cgcs2000(place.lat_deg, place.lon_deg, 0.0, epoch, motion, source.frame)
    return place.distance_m(LatLon(lat_deg, lon_deg)) + known_m


def grown(shape: Point | LineString | Polygon | MultiPolygon, by_m: float) -> Polygon:
    """A shape grown on all sides by at least `by_m` [m], and by 0.5 % more at most.

    Arcs are drawn around the true circle, not inside it: a margin is never a millimetre short.
    """
    outline: Polygon = shape.buffer(by_m / math.cos(math.pi / (4 * ARC_SEGMENTS)), quad_segs=ARC_SEGMENTS)
    return outline


def grown_lines(starts_xy_m: npt.ArrayLike, ends_xy_m: npt.ArrayLike, by_m: float) -> list[Polygon]:
    """Many straight lines, shape (n, 2) each, `grown` one by one; a line of no length grows to a disk.

    Drawn corner by corner, which takes a tenth of the time of the general way.
    """
    starts, ends = np.asarray(starts_xy_m, dtype=np.float64), np.asarray(ends_xy_m, dtype=np.float64)
    away = ends - starts
    bearing = np.arctan2(away[:, 1], away[:, 0])[:, np.newaxis]
    turn = np.linspace(-math.pi / 2, math.pi / 2, 2 * ARC_SEGMENTS + 1)
    radius_m = by_m / math.cos(math.pi / (4 * ARC_SEGMENTS))
    half = radius_m * np.stack([np.cos(bearing + turn), np.sin(bearing + turn)], axis=-1)
    rings = np.concatenate([ends[:, np.newaxis] + half, starts[:, np.newaxis] - half], axis=1)
    outlines: list[Polygon] = shapely.polygons(rings).tolist()
    return outlines


def swept(
    start_xy_m: tuple[float, float],
    end_xy_m: tuple[float, float],
    floor_ellipsoidal_m: float,
    ceiling_ellipsoidal_m: float,
    start_s: float,
    end_s: float,
    margins: Margins,
) -> Volume4D:
    """The volume that holds a straight leg with its margins: the whole leg, never only its ends.

    `floor_ellipsoidal_m` and `ceiling_ellipsoidal_m` are the lowest and highest of the leg, before margins. A leg of
    no length (a climb, a hold) sweeps a disk. Raises ValueError when there is no lateral margin to sweep with.
    """
    if not margins.lateral_m > 0.0:
        raise ValueError("a leg without a lateral margin sweeps no volume")
    line = Point(start_xy_m) if start_xy_m == end_xy_m else LineString([start_xy_m, end_xy_m])
    return Volume4D(
        outline=grown(line, margins.lateral_m),
        floor_ellipsoidal_m=floor_ellipsoidal_m - margins.vertical_m,
        ceiling_ellipsoidal_m=ceiling_ellipsoidal_m + margins.vertical_m,
        start_s=start_s - margins.time_s,
        end_s=end_s + margins.time_s,
    )
