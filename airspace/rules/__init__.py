"""What the law of a place asks of a flight: jurisdictions by name, and the verdict of one about a flight."""

from airspace.rules.china import CHINA
from airspace.rules.daylight import flies_at_night
from airspace.rules.ed269_country import ED269_COUNTRY
from airspace.rules.facts import ClearedCase, DroneFacts, FlightFacts, MetZone, NearObstacle, Purpose
from airspace.rules.findings import Deadline, Finding, Status, Verdict
from airspace.rules.jurisdiction import Ask, Jurisdiction, Moment, ZoneAsk, verdict

JURISDICTIONS: dict[str, Jurisdiction] = {one.name: one for one in (CHINA, ED269_COUNTRY)}


def by_name(name: str) -> Jurisdiction:
    """The jurisdiction of a name, such as `china`. Raises KeyError."""
    return JURISDICTIONS[name]


__all__ = [
    "JURISDICTIONS",
    "Ask",
    "ClearedCase",
    "Deadline",
    "DroneFacts",
    "Finding",
    "FlightFacts",
    "Jurisdiction",
    "MetZone",
    "Moment",
    "NearObstacle",
    "Purpose",
    "Status",
    "Verdict",
    "ZoneAsk",
    "by_name",
    "flies_at_night",
    "verdict",
]
