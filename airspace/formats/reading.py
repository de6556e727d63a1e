"""What every reader of a foreign chart gives back: the good zones, and a reason for each thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from airspace.charted import ChartedZone
from airspace.reasons import Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """Zones that can be trusted, and every problem found; whether the good ones may be used alone is not asked here.

    A reader never raises for what a file holds. `where` of each reason names file, feature (or line) and field.
    """

    zones: tuple[ChartedZone, ...]
    reasons: tuple[Reason, ...] = ()
