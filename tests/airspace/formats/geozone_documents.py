"""Small documents of ED-269, ED-318 and F3548, one of everything, to be read and to be spoiled."""

from __future__ import annotations

import json
from typing import Any

from airspace.formats.ed269 import read_ed269
from airspace.formats.ed318 import read_ed318
from airspace.formats.f3548 import F3548Reading, read_f3548
from airspace.formats.reading import Reading

SQUARE = [[113.60, 34.74], [113.61, 34.74], [113.61, 34.75], [113.60, 34.75], [113.60, 34.74]]
HOLE = [[113.603, 34.743], [113.603, 34.747], [113.607, 34.747], [113.607, 34.743], [113.603, 34.743]]

CONSTRAINT_ID = "5e21ed7e-6ee9-4a35-8ba2-5d3c6a6a1d01"
INTENT_ID = "4cb3f9f6-0d6c-4b6a-9a39-6d5a4b4d7c11"
SUBSCRIPTION_ID = "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f"
NINE, TEN, NOON = "2026-05-18T09:00:00Z", "2026-05-18T10:00:00Z", "2026-05-18T12:00:00Z"


def ed269_volume(**members: Any) -> dict[str, Any]:
    """The square from the ground to 120 m above it."""
    return {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 120,
        "upperVerticalReference": "AGL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [SQUARE]},
        **members,
    }


def ed269_zone(**members: Any) -> dict[str, Any]:
    """A zone with every member that a zone may have, one geometry in metres and one in feet."""
    disc = {"type": "Circle", "center": [113.62, 34.75], "radius": 1500}
    return {
        "title": "a zone",
        "identifier": "HEN0001",
        "country": "CHN",
        "name": "East gate",
        "type": "CUSTOMIZED",
        "restriction": "REQ_AUTHORISATION",
        "restrictionConditions": ["PERMITTED/NOISE CLASS=A"],
        "region": 7,
        "reason": ["NOISE", "AIR_TRAFFIC"],
        "otherReasonInfo": "sleep",
        "regulationExemption": "NO",
        "uSpaceClass": "X",
        "message": "Call first",
        "applicability": [
            {
                "permanent": "NO",
                "startDateTime": "2026-05-18T09:00:00.00Z",
                "endDateTime": "2027-05-18T09:00:00.00Z",
                "schedule": [{"day": ["SAT", "SUN"], "startTime": "17:00:00.00Z", "endTime": "23:30:00.50Z"}],
            }
        ],
        "zoneAuthority": [
            {"name": "Press office", "purpose": "INFORMATION"},
            {
                "name": "Tower",
                "service": "ATC",
                "contactName": "Duty officer",
                "phone": "+86 371 0000",
                "email": "tower@example.org",
                "siteURL": "https://example.org/",
                "purpose": "AUTHORIZATION",
                "intervalBefore": "P1D",
            },
        ],
        "geometry": [
            ed269_volume(horizontalProjection={"type": "Polygon", "coordinates": [SQUARE, HOLE]}),
            ed269_volume(uomDimensions="FT", upperLimit=400, upperVerticalReference="AMSL", horizontalProjection=disc),
        ],
        "extendedProperties": {"colour": "red"},
        **members,
    }


def ed269_document(*zones: Any) -> dict[str, Any]:
    """A document of zones; of the one with everything when none are given."""
    return {"title": "test", "features": [*zones] or [ed269_zone()]}


def ed269_read(*zones: Any) -> Reading:
    return read_ed269(json.dumps(ed269_document(*zones)).encode(), "zones.json")


def ed318_layer(**members: Any) -> dict[str, Any]:
    """From the ground to 120 m above it."""
    return {"upper": 120, "upperReference": "AGL", "lower": 0, "lowerReference": "AGL", "uom": "m", **members}


def ed318_zone(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    """A feature with every member that a zone may have, and a polygon when no other geometry is given."""
    return {
        "type": "Feature",
        "id": 7,
        "bbox": [113.6, 34.74, 113.61, 34.75],
        "geometry": geometry or {"type": "Polygon", "coordinates": [SQUARE], "layer": ed318_layer()},
        "properties": {
            "identifier": "HEN0001",
            "country": "CHN",
            "name": [{"text": "东门", "lang": "zh-CN"}, {"text": "East gate", "lang": "en"}],
            "type": "REQ_AUTHORIZATION",
            "variant": "COMMON",
            "restrictionConditions": "NOISE CLASS=A",
            "region": 7,
            "reason": ["NOISE", "DAR"],
            "otherReasonInfo": [{"text": "sleep", "lang": "en"}],
            "regulationExemption": "NO",
            "message": [{"text": "Call first", "lang": "en"}, {"text": "请先致电", "lang": "zh"}],
            "zoneAuthority": [
                {"name": [{"text": "Press office", "lang": "en"}], "purpose": "INFORMATION"},
                {
                    "name": [{"text": "Tower", "lang": "en"}],
                    "service": [{"text": "ATC", "lang": "en"}],
                    "contactName": [{"text": "Duty officer", "lang": "en"}],
                    "phone": "+86 371 0000",
                    "email": "tower@example.org",
                    "siteURL": "https://example.org/",
                    "purpose": "AUTHORIZATION",
                    "intervalBefore": "P1D",
                },
            ],
            "limitedApplicability": [
                {
                    "startDateTime": NINE,
                    "endDateTime": "2027-05-18T09:00:00Z",
                    "schedule": [{"day": ["MON", "FRI"], "startTime": "08:00:00+08:00", "endEvent": "SS"}],
                }
            ],
            "dataSource": {
                "creationDate": "2026-01-01",
                "updateDateTime": NINE,
                "originator": {"text": "Office", "lang": "en"},
            },
            "extendedProperties": {"colour": "red"},
            **properties,
        },
    }


def ed318_document(*zones: Any, **members: Any) -> dict[str, Any]:
    """A document of zones; of the one with everything when none are given."""
    metadata = {
        "validFrom": NINE,
        "validTo": "2027-05-18T09:00:00Z",
        "issued": NINE,
        "provider": [{"text": "Office", "lang": "en"}],
        "description": [{"text": "All of it", "lang": "en"}],
        "otherGeoid": "urn:x",
        "technicalLimitations": [{"text": "None", "lang": "en"}],
    }
    return {
        "type": "FeatureCollection",
        "name": "test",
        "bbox": [113.6, 34.74, 113.61, 34.75],
        "metadata": metadata,
        "features": [*zones] or [ed318_zone()],
        **members,
    }


def ed318_read(*zones: Any, **members: Any) -> Reading:
    return read_ed318(json.dumps(ed318_document(*zones, **members)).encode(), "zones.json")


def f3548_time(value: str) -> dict[str, Any]:
    return {"value": value, "format": "RFC3339"}


def f3548_altitude(value: float) -> dict[str, Any]:
    return {"value": value, "reference": "W84", "units": "M"}


def f3548_polygon(ring: list[list[float]] = SQUARE) -> dict[str, Any]:
    """A closed ring as vertices, which are not closed."""
    return {"outline_polygon": {"vertices": [{"lng": lng, "lat": lat} for lng, lat in ring[:-1]]}}


def f3548_circle(lng: float = 113.62, lat: float = 34.75, radius_m: float = 300.5) -> dict[str, Any]:
    return {"outline_circle": {"center": {"lng": lng, "lat": lat}, "radius": {"value": radius_m, "units": "M"}}}


def f3548_volume(
    outline: dict[str, Any] | None = None,
    low_m: float = 90.5,
    high_m: float = 140.0,
    start: str = NINE,
    end: str = TEN,
) -> dict[str, Any]:
    """The square from nine to ten, unless told otherwise."""
    altitudes = {"altitude_lower": f3548_altitude(low_m), "altitude_upper": f3548_altitude(high_m)}
    return {
        "volume": {**(outline or f3548_polygon()), **altitudes},
        "time_start": f3548_time(start),
        "time_end": f3548_time(end),
    }


def f3548_intent(state: str = "Accepted", **members: Any) -> dict[str, Any]:
    """An operational intent with the volumes that its state asks for; `members` are of its reference."""
    planned = [] if state == "Contingent" else [f3548_volume(), f3548_volume(f3548_circle(), start=TEN, end=NOON)]
    off_nominal = [f3548_volume(f3548_circle())] if state in ("Nonconforming", "Contingent") else []
    reference = {
        "id": INTENT_ID,
        "manager": "uss2",
        "uss_availability": "Normal",
        "version": 3,
        "state": state,
        "ovn": "9d158f59-80b7-4c11-9c0c-8a2b4d936b2d",
        "time_start": f3548_time(NINE),
        "time_end": f3548_time(NOON),
        "uss_base_url": "https://uss2.example.org/utm",
        "subscription_id": SUBSCRIPTION_ID,
        **members,
    }
    return {"reference": reference, "details": {"volumes": planned, "off_nominal_volumes": off_nominal, "priority": 10}}


def f3548_constraint(*volumes: dict[str, Any], **details: Any) -> dict[str, Any]:
    """A constraint from nine to noon; `details` beside its volumes."""
    reference = {
        "id": CONSTRAINT_ID,
        "manager": "uss1",
        "uss_availability": "Normal",
        "version": 1,
        "ovn": "9d158f59-80b7-4c11-9c0c-8a2b4d936b2d",
        "time_start": f3548_time(NINE),
        "time_end": f3548_time(NOON),
        "uss_base_url": "https://uss1.example.org/utm",
    }
    return {"reference": reference, "details": {"volumes": [*volumes] or [f3548_volume()], **details}}


def f3548_geozone(**members: Any) -> dict[str, Any]:
    return {
        "identifier": "HEN0001",
        "country": "CHN",
        "zone_authority": [{"name": "Tower", "phone": "110", "purpose": "AUTHORIZATION"}],
        "name": "East gate",
        "type": "COMMON",
        "restriction": "REQ_AUTHORISATION",
        "reason": ["AIR_TRAFFIC"],
        "message": "Call first",
        **members,
    }


def f3548_read(document: Any, **kwargs: Any) -> F3548Reading:
    return read_f3548(json.dumps(document).encode(), "utm.json", **kwargs)
