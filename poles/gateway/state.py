"""What the controller knows of one pole: the latest readings with their age."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from airspace.frames import LatLon
from poles.gateway.quality import UNUSABLE, Flag
from poles.protocol import Capability, Hello, Quality

R = TypeVar("R", bound=msgspec.Struct)


class Known(msgspec.Struct, frozen=True, gc=False):
    """Readings of one function, typed by the registry.

    `at_s` is UTC by the pole's clock; `taken_s` is the loop's second at which they were taken, counted back from when
    they were heard: a pole's wrong clock does not matter to it, but what was under way for long looks young by it.
    """

    values: msgspec.Struct
    at_s: float
    taken_s: float
    quality: Quality = Quality.GOOD
    flags: Mapping[str, Flag] = {}  # what speaks against a field; under "" against the whole

    def usable(self, field: str) -> bool:
        """Whether a decision may rest on a field, as far as its quality goes."""
        return not (self.flags.get(field, 0) | self.flags.get("", 0)) & UNUSABLE

    @property
    def doubted(self) -> bool:
        """Whether the pole itself doubts the readings, or knows that their sensor does not work."""
        return self.quality is not Quality.GOOD

    def oldest_s(self, now_s: float, utc_s: float) -> float:
        """The greater of two ages [s] at the loop's second `now_s`, which is UTC `utc_s`: by arrival and by date.

        For what must not rest on an old word: one that waited on its way was old when it was heard, and a pole whose
        clock is slow only looks older. A clock that is fast hides as much of the way as it is fast.
        """
        return max(now_s - self.taken_s, utc_s - self.at_s)


@dataclass(slots=True)
class PoleState:
    """One pole as last heard, kept up to date in place; `heard_s` is the loop's second of its last word of any kind."""

    code: str
    boot: str
    firmware: str
    functions: tuple[Capability, ...]
    position: LatLon
    heard_s: float
    noted_s: float = -math.inf  # when the supervision was told so
    last_seq: int = 0
    readings: dict[str, Known] = field(default_factory=dict)

    def introduced(self, hello: Hello) -> None:
        """Take over what a hello says."""
        if hello.boot != self.boot:
            self.last_seq = 0
        self.boot, self.firmware, self.functions = hello.boot, hello.firmware, hello.functions
        self.position = LatLon(hello.lat_deg, hello.lon_deg)

    def silent_s(self, now_s: float) -> float:
        """Seconds since the pole was last heard; `now_s` is the loop's second."""
        return now_s - self.heard_s

    def values(self, function: str, kind: type[R]) -> R | None:
        """The function's readings when there are any of that type."""
        reading = self.readings.get(function)
        return reading.values if reading is not None and isinstance(reading.values, kind) else None


def introduced_by(hello: Hello, heard_s: float) -> PoleState:
    """A pole that has only said hello."""
    position = LatLon(hello.lat_deg, hello.lon_deg)
    return PoleState(hello.code, hello.boot, hello.firmware, hello.functions, position, heard_s)
