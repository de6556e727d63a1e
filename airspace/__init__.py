"""Where and when may one fly, and who is there already: positions, volumes, zones, intents and the reasons for a no."""

from airspace.conflicts import Conflict
from airspace.charted import Circle
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.index import Index4D
from airspace.intents import (
    Conformance,
    IntentConflict,
    IntentEvent,
    IntentState,
    OperationalIntent,
    conformance,
    first_conflict,
    transition,
)
from airspace.margins import MarginBreakdown, Margins, MarginTerm, derive_margins, grown, swept
from airspace.model import Airspace
from airspace.reasons import Lang, Reason, Refused, Rule, Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zone_kinds import ZONE_KINDS, ZoneKind
from airspace.zones import Charted, Zone, load_charts, load_zones, parse_zones, zones_geojson

__all__ = [
    "FOREVER_S",
    "ZONE_KINDS",
    "Airspace",
    "Charted",
    "Circle",
    "Conflict",
    "Conformance",
    "Datum",
    "Ground",
    "Height",
    "Index4D",
    "IntentConflict",
    "IntentEvent",
    "IntentState",
    "Lang",
    "LatLon",
    "LocalFrame",
    "MarginBreakdown",
    "MarginTerm",
    "Margins",
    "OperationalIntent",
    "Reason",
    "Refused",
    "Rule",
    "Volume4D",
    "Words",
    "Zone",
    "ZoneKind",
    "conformance",
    "derive_margins",
    "first_conflict",
    "grown",
    "load_charts",
    "load_zones",
    "parse_zones",
    "swept",
    "transition",
    "zones_geojson",
]
