"""What a rover takes from a stream of RTCM 3: where the station is, what it tracks, and how old that is."""

from __future__ import annotations

from dataclasses import dataclass

from sim.gnss import msm, rtcm
from sim.gnss.orbits import WEEK_S, Vector

HALF_WEEK_S = WEEK_S / 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """The last epoch of a station: BeiDou time of week [s], satellites, and whether phases came with it."""

    station: int
    tow_s: float
    satellites: frozenset[int]
    phases: bool

    def age_s(self, bdt_s: float) -> float:
        """How old it is [s] at a BDT; an epoch of the other half of the week is one from the future and negative."""
        return (bdt_s - self.tow_s + HALF_WEEK_S) % WEEK_S - HALF_WEEK_S


class Corrections:
    """Gathers the messages; `feed` takes any pieces of the stream. What is malformed is counted and left out.

    Without BeiDou observations or without the station's place there is nothing to correct with.
    """

    def __init__(self) -> None:
        self._deframer = rtcm.Deframer()
        self._points: dict[int, Vector] = {}
        self.observation: Observation | None = None
        self.messages = 0
        self.malformed = 0

    @property
    def reference_m(self) -> Vector | None:
        """Earth-fixed place [m] of the station whose observations came last, when it has told it."""
        return None if self.observation is None else self._points.get(self.observation.station)

    def feed(self, data: bytes) -> None:
        """Take some bytes."""
        for payload in self._deframer.feed(data):
            self.messages += 1
            try:
                self._take(payload)
            except IndexError:
                self.malformed += 1

    def _take(self, payload: bytes) -> None:
        kind = int.from_bytes(payload[:2], "big") >> 4 if len(payload) > 1 else 0
        if kind in (1005, 1006):
            point = rtcm.ReferencePoint.read(payload)
            self._points[point.station] = point.position_m
        elif kind - msm.FIRST + 1 in msm.CODE_KINDS:
            self._observe(msm.read_head(payload))

    def _observe(self, head: msm.Head) -> None:
        """Take an epoch, or add to the one that another message of the same station has begun."""
        tow_s, satellites = head.tow_ms / 1000.0, frozenset(head.satellites)
        phases = head.kind in msm.PHASE_KINDS
        last = self.observation
        if last is not None and (last.station, last.tow_s) == (head.station, tow_s):
            satellites, phases = satellites | last.satellites, phases or last.phases
        self.observation = Observation(head.station, tow_s, satellites, phases)
