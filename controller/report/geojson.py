"""`tracks.geojson`: planned legs, flown tracks, photos, targets and landings of a run (RFC 7946).

Positions are longitude, latitude [deg] and the height over the ellipsoid [m].
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controller.report.analysis import FlightAnalysis, RunAnalysis
from missions.plan import Place

GeoJson = dict[str, Any]


def tracks_geojson(run: RunAnalysis) -> GeoJson:
    """The FeatureCollection of a run; each feature's `properties.what` says what it is."""
    features: list[GeoJson] = []
    for flight in run.flights:
        features += _planned(flight)
        features += _flown(flight)
        features += _photos(flight)
        features += _places(flight)
    return {"type": "FeatureCollection", "features": features}


def _feature(what: str, geometry: GeoJson, flight: FlightAnalysis, **properties: Any) -> GeoJson:
    return {
        "type": "Feature",
        "properties": {"what": what, "flight": flight.story.id, **properties},
        "geometry": geometry,
    }


def _position(flight: FlightAnalysis, lon_deg: float, lat_deg: float, relative_m: float) -> list[float]:
    ellipsoidal_m = relative_m + flight.plan.home_amsl_m + flight.plan.geoid_m
    return [round(lon_deg, 7), round(lat_deg, 7), round(ellipsoidal_m, 2)]


def _of_place(flight: FlightAnalysis, place: Place) -> list[float]:
    return _position(flight, place.lon_deg, place.lat_deg, place.relative_m)


def _time(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _planned(flight: FlightAnalysis) -> list[GeoJson]:
    return [
        _feature(
            "planned-leg",
            {"type": "LineString", "coordinates": [_of_place(flight, leg.start), _of_place(flight, leg.end)]},
            flight,
            seq=leg.seq,
            purpose=str(leg.purpose),
            branch=leg.branch,
            speed_mps=leg.speed_mps,
        )
        for leg in flight.plan.legs
    ]


def _flown(flight: FlightAnalysis) -> list[GeoJson]:
    position = flight.flown.position
    if flight.airborne is not None:
        position = position[(position[:, 0] >= flight.airborne[0]) & (position[:, 0] <= flight.airborne[1])]
    if flight.airborne is None or len(position) < 2:
        return []
    line = [_position(flight, row[1], row[2], row[3]) for row in position.tolist()]
    return [
        _feature(
            "flown-track",
            {"type": "LineString", "coordinates": line},
            flight,
            drone=flight.story.drone,
            coordTimes=[_time(utc_s) for utc_s in position[:, 0].tolist()],
            gaps=[[_time(start_s), _time(end_s)] for start_s, end_s in flight.gaps_s],
        )
    ]


def _photos(flight: FlightAnalysis) -> list[GeoJson]:
    return [
        _feature(
            "photo",
            {"type": "Point", "coordinates": _position(flight, photo.lon_deg, photo.lat_deg, photo.relative_m)},
            flight,
            index=photo.index,
            time=_time(utc_s),
        )
        for utc_s, photo in flight.story.photos
    ]


def _places(flight: FlightAnalysis) -> list[GeoJson]:
    targets = [
        _feature(
            "target",
            {"type": "Point", "coordinates": [target.lon_deg, target.lat_deg]},
            flight,
            name=target.name,
            planned=target.planned,
            seen=target.seen,
            nearest_photo_m=target.nearest_photo_m,
        )
        for target in flight.targets
    ]
    landings = [
        _feature(
            "landing",
            {"type": "Point", "coordinates": _of_place(flight, option.place)},
            flight,
            name=option.name,
            dock=option.dock,
        )
        for option in flight.plan.landings
    ]
    return targets + landings
