"""What the controller knows of one pole: the latest readings with their age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from airspace.frames import LatLon

R = TypeVar("R", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Reading:
    """Readings of one service, typed by the registry.

    `at_s` is UTC by the pole's clock; `taken_s` is the loop's second at which they were taken, counted back from when
    they were heard, so that neither a pole's wrong clock nor a late delivery makes them look young.
    """

    values: msgspec.Struct
    at_s: float
    taken_s: float


class PoleState(msgspec.Struct, frozen=True):
    """One pole as last heard; `heard_s` is the loop's second of its last message of any kind."""

    code: str
    boot: str
    firmware: str
    services: tuple[str, ...]
    position: LatLon
    heard_s: float
    last_seq: int = 0
    readings: Mapping[str, Reading] = {}  # never changed in place

    @property
    def introduction(self) -> tuple[str, str, tuple[str, ...], LatLon]:
        """What a hello says of the pole; a hello that repeats it is no news."""
        return self.boot, self.firmware, self.services, self.position

    def silent_s(self, now_s: float) -> float:
        """Seconds since the pole was last heard; `now_s` is the loop's second."""
        return now_s - self.heard_s

    def age_s(self, service: str, now_s: float) -> float | None:
        """Seconds since the service's readings were taken, None when there are none."""
        reading = self.readings.get(service)
        return None if reading is None else now_s - reading.taken_s

    def values(self, service: str, kind: type[R]) -> R | None:
        """The service's readings when there are any of that type."""
        reading = self.readings.get(service)
        return reading.values if reading is not None and isinstance(reading.values, kind) else None
