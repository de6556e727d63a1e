"""Where and when may one fly, and who is there already: positions, volumes, zones, intents and the reasons for a no."""

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Restriction
from airspace.conflicts import Conflict
from airspace.conformance import Conformance, ConformanceTrack
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.index import Index4D
from airspace.intents import (
    IntentEvent,
    IntentState,
    OperationalIntent,
    transition,
)
from airspace.margins import MarginBreakdown, Margins, MarginTerm, derive_margins, grown, swept
from airspace.model import Airspace
from airspace.reasons import Lang, Reason, Refused, Rule, Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zone_kinds import ZONE_KINDS
from airspace.zones import Zone, lay, load_charts, parse_zones, zones_geojson

__all__ = [
    "FOREVER_S",
    "ZONE_KINDS",
    "Airspace",
    "ChartedZone",
    "Circle",
    "Conflict",
    "Conformance",
    "ConformanceTrack",
    "Corridor",
    "Datum",
    "Ground",
    "Height",
    "Index4D",
    "IntentEvent",
    "IntentState",
    "Lang",
    "LatLon",
    "Layer",
    "LocalFrame",
    "MarginBreakdown",
    "MarginTerm",
    "Margins",
    "OperationalIntent",
    "Reason",
    "Refused",
    "Restriction",
    "Rule",
    "Volume4D",
    "Words",
    "Zone",
    "derive_margins",
    "grown",
    "lay",
    "load_charts",
    "parse_zones",
    "swept",
    "transition",
    "zones_geojson",
]
