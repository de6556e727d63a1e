"""The wire shapes of ASTM F3548-21: operational intents and constraints with their references and details.

They follow utm.yaml 1.0.0 (astm-utm/Protocol), which the classes of `uas_standards.astm.f3548.v21.api` come from.
Members that it does not declare are to be ignored, as it says itself. What it asks of every volume of an intent in
words (both altitudes, both times) is asked here by the shape.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from airspace.formats.ed269 import ReasonName

Uuid = Annotated[str, Meta(extra={"form": "uuid4"})]
Ovn = Annotated[str, Meta(min_length=16, max_length=128)]
Prose = Annotated[str, Meta(extra={"form": "prose"})]
BaseUrl = Annotated[str, Meta(extra={"form": "uri"})]
Availability = Literal["Unknown", "Normal", "Down"]
State = Literal["Accepted", "Activated", "Nonconforming", "Contingent"]


class Time(Struct, frozen=True):
    """A time in UTC."""

    value: str
    format: Literal["RFC3339"]


class Radius(Struct, frozen=True):
    """Metres along the ellipsoid."""

    value: Annotated[float, Meta(gt=0.0)]
    units: Literal["M"]


class Altitude(Struct, frozen=True):
    """Metres above the WGS 84 ellipsoid: an ellipsoidal height, neither above the sea nor above the ground."""

    value: Annotated[float, Meta(ge=-8000.0, le=100000.0)]
    reference: Literal["W84"]
    units: Literal["M"]


class Point(Struct, frozen=True):
    """A position in WGS 84."""

    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lng: Annotated[float, Meta(ge=-180.0, le=180.0)]


class CircleOutline(Struct, frozen=True):
    """All within a radius."""

    center: Point
    radius: Radius


class PolygonOutline(Struct, frozen=True):
    """Corners, joined by geodesics; the last is joined to the first."""

    vertices: Annotated[list[Point], Meta(min_length=3)]


class Volume3D(Struct, frozen=True):
    """One outline between two altitudes."""

    altitude_lower: Altitude
    altitude_upper: Altitude
    outline_circle: CircleOutline | None = None
    outline_polygon: PolygonOutline | None = None


class Volume4D(Struct, frozen=True):
    """A volume in a span of time."""

    volume: Volume3D
    time_start: Time
    time_end: Time


class OpenVolume3D(Struct, frozen=True):
    """One outline; of a constraint, an altitude that is not given is none."""

    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None
    outline_circle: CircleOutline | None = None
    outline_polygon: PolygonOutline | None = None


class OpenVolume4D(Struct, frozen=True):
    """A volume of a constraint: times that are not given are those of its reference."""

    volume: OpenVolume3D
    time_start: Time | None = None
    time_end: Time | None = None


class IntentReference(Struct, frozen=True):
    """What the DSS knows of an operational intent."""

    id: Uuid
    manager: str
    uss_availability: Availability
    version: int
    state: State
    time_start: Time
    time_end: Time
    uss_base_url: BaseUrl
    subscription_id: Uuid
    ovn: Ovn | None = None


class IntentDetails(Struct, frozen=True):
    """What only its USS knows of an operational intent; without a priority it has the lowest, 0."""

    volumes: list[Volume4D] | None = None
    off_nominal_volumes: list[Volume4D] | None = None
    priority: int | None = None


class Intent(Struct, frozen=True):
    """An operational intent."""

    reference: IntentReference
    details: IntentDetails


class ConstraintReference(Struct, frozen=True, omit_defaults=True):
    """What the DSS knows of a constraint."""

    id: Uuid
    manager: str
    uss_availability: Availability
    version: int
    time_start: Time
    time_end: Time
    uss_base_url: BaseUrl
    ovn: Ovn | None = None


class GeoZone(Struct, frozen=True):
    """What ED-269 says of the constraint's zone, with names as F3548 spells them; the rest is kept unread."""

    identifier: Annotated[str, Meta(extra={"form": "id"})]
    country: Annotated[str, Meta(extra={"form": "country"})]
    type: Literal["COMMON", "CUSTOMIZED", "PROHIBITED", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION"]
    restriction: str
    zone_authority: list[dict[str, Any]]
    name: Prose | None = None
    reason: list[ReasonName] | None = None
    message: str | None = None


class ConstraintDetails(Struct, frozen=True):
    """What only its USS knows of a constraint."""

    volumes: Annotated[list[OpenVolume4D], Meta(min_length=1)]
    type: Prose | None = None
    geozone: GeoZone | None = None


class Constraint(Struct, frozen=True):
    """A constraint."""

    reference: ConstraintReference
    details: ConstraintDetails
