"""Whether a flight is a night flight, by the sun and by what a jurisdiction calls night."""

from __future__ import annotations

import math

import numpy as np

from airspace.frames import LatLon
from airspace.rules.jurisdiction import Jurisdiction
from airspace.sun import elevation_deg

STEP_S = 300.0  # near a pole a night may be shorter than that, and is not seen


def flies_at_night(jurisdiction: Jurisdiction, place: LatLon, start_s: float, end_s: float) -> bool:
    """Whether any of [start_s, end_s] [UTC s] is night at a place: the fact that `FlightFacts.at_night` asks for."""
    steps = max(1, math.ceil((end_s - start_s) / STEP_S))
    moments = np.linspace(start_s, end_s, steps + 1)
    return any(elevation_deg(place, float(at_s)) < jurisdiction.night_below_deg for at_s in moments)
