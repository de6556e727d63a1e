"""Plans as GeoJSON (RFC 7946) for maps and other programs.

Positions are longitude, latitude in CGCS2000 degrees, which is WGS 84 to within a metre, as the format asks for; a
third coordinate is the height over the ellipsoid [m]. Every feature says what it is in `properties.feature`.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from missions.items import Command, MissionItem
from missions.plan import Place, Plan

Feature = dict[str, Any]
POLYGON_FENCES = (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_POLYGON_EXCLUSION)
INCLUSIONS = (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_CIRCLE_INCLUSION)


def geojson_text(plan: Plan, zones: Mapping[str, Any] | None = None) -> str:
    """The plan as the text of a `.geojson` file; `zones` is a FeatureCollection that is drawn with it."""
    return json.dumps(plan_geojson(plan, zones), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def plan_geojson(plan: Plan, zones: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The plan as a FeatureCollection: legs, volumes, landings, targets, home, fence and rally points, then zones."""
    features = [
        _point("home", plan, plan.home, name="home"),
        *_legs(plan),
        *_volumes(plan),
        *(_point("landing", plan, at.place, name=at.name, dock=at.dock, seq=at.land_seq) for at in plan.landings),
        *_targets(plan),
        *_fence(plan.fence),
        *(_point("rally", plan, Place(item.lat_deg, item.lon_deg, item.alt_m)) for item in plan.rally),
    ]
    features += [
        dict(zone) | {"properties": dict(zone.get("properties") or {}) | {"feature": "zone"}}
        for zone in (zones["features"] if zones else ())
    ]
    return {"type": "FeatureCollection", "name": plan.name, "features": features}


def rfc3339(utc_s: float) -> str:
    """UTC seconds as RFC 3339 to the millisecond."""
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fence_groups(fence: Sequence[MissionItem]) -> Iterator[tuple[MissionItem, tuple[MissionItem, ...]]]:
    """The shapes of a fence: each first item with all items of its polygon; a circle is its own only item."""
    at = 0
    while at < len(fence):
        size = max(int(fence[at].param1), 1) if fence[at].command in POLYGON_FENCES else 1
        yield fence[at], tuple(fence[at : at + size])
        at += size


def _feature(kind: str, geometry_type: str, coordinates: Any, **properties: Any) -> Feature:
    return {
        "type": "Feature",
        "properties": {"feature": kind} | properties,
        "geometry": {"type": geometry_type, "coordinates": coordinates},
    }


def _lon_lat_height(plan: Plan, place: Place) -> list[float]:
    ellipsoidal_m = place.relative_m + plan.home_amsl_m + plan.geoid_m
    return [place.lon_deg, place.lat_deg, round(ellipsoidal_m, 3)]


def _point(kind: str, plan: Plan, place: Place, **properties: Any) -> Feature:
    return _feature(kind, "Point", _lon_lat_height(plan, place), relative_m=place.relative_m, **properties)


def _legs(plan: Plan) -> Iterator[Feature]:
    for number, leg in enumerate(plan.legs):
        ends = [_lon_lat_height(plan, leg.start), _lon_lat_height(plan, leg.end)]
        yield _feature(
            "leg",
            "LineString",
            ends,
            leg=number,
            seq=leg.seq,
            purpose=str(leg.purpose),
            branch=leg.branch,
            start=rfc3339(plan.takeoff_s + leg.start_s),
            end=rfc3339(plan.takeoff_s + leg.end_s),
            speed_mps=leg.speed_mps,
            energy_wh=leg.energy_wh,
            start_relative_m=leg.start.relative_m,
            end_relative_m=leg.end.relative_m,
        )


def _volumes(plan: Plan) -> Iterator[Feature]:
    for volume in plan.volumes:
        yield _feature(
            "volume",
            "Polygon",
            [_ring([[lon, lat] for lon, lat in volume.ring_lon_lat_deg])],
            leg=volume.leg,
            floor_ellipsoidal_m=volume.floor_ellipsoidal_m,
            ceiling_ellipsoidal_m=volume.ceiling_ellipsoidal_m,
            start=rfc3339(plan.takeoff_s + volume.start_s),
            end=rfc3339(plan.takeoff_s + volume.end_s),
        )


def _targets(plan: Plan) -> Iterator[Feature]:
    for target in plan.targets:
        at = [target.lon_deg, target.lat_deg]
        yield _feature("target", "Point", at, name=target.name, covered=target.covered, why_not=target.why_not)


def _fence(fence: Sequence[MissionItem]) -> Iterator[Feature]:
    for first, group in fence_groups(fence):
        inclusion = first.command in INCLUSIONS
        corners = [[item.lon_deg, item.lat_deg] for item in group]
        if first.command in POLYGON_FENCES:
            yield _feature("fence", "Polygon", [_ring(corners)], inclusion=inclusion)
        else:
            yield _feature("fence", "Point", corners[0], inclusion=inclusion, radius_m=first.param1)


def _ring(lon_lat: list[list[float]]) -> list[list[float]]:
    """Closed, and against the clock as RFC 7946 asks of an exterior."""
    ring = lon_lat if lon_lat[0] == lon_lat[-1] else [*lon_lat, lon_lat[0]]
    doubled_area = math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise(ring))
    return ring if doubled_area > 0 else ring[::-1]
