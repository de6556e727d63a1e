"""Whether a flying drone keeps to its airspace, what its intent owes if not, and where it may be meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from airspace.conformance import RECOVERABLE_S, Conformance, ConformanceTrack, conformance, off_nominal_around
from airspace.intents import IntentEvent, IntentState, transition
from airspace.volumes import Volume4D
from controller.alarms import Alarm
from controller.config import KNOWN_TYPES
from controller.district import District
from controller.events import FlightKept, IntentChanged, OffNominal
from controller.state import FlightState
from missions.site import DroneType
from missions.volumes import plan_volume

AHEAD_S = RECOVERABLE_S  # how far ahead others are told where the drone may be
REDRAWN_S = 10.0  # how often, while it is astray
ASTRAY = (IntentState.NONCONFORMING, IntentState.CONTINGENT)

Seen = tuple[float, float, float, float]
"""East and north [m] in the site's frame, ellipsoidal height [m], UTC [s]."""


@dataclass(slots=True)
class Keeping:
    """One flight's conformance from its positions in the air; what follows from it is recorded at once."""

    district: District
    flight: FlightState
    track: ConformanceTrack = field(default_factory=ConformanceTrack)
    _last: Seen | None = None
    _drawn_s: float | None = None

    async def seen(self, x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> None:
        """Take in a position [m east, m north, m ellipsoidal, s UTC] of the drone in the air."""
        found = conformance(self.district.volumes_of(self.flight), x_m, y_m, ellipsoidal_m, at_s)
        self.track = self.track.seen(found, at_s)
        self._last = (x_m, y_m, ellipsoidal_m, at_s)
        await self._answer(found, at_s)

    async def unseen(self, now_s: float) -> None:
        """Nothing was heard: where it may be by now grows, and time runs on for a drone that was outside."""
        if self._last is not None and self.flight.intent in ASTRAY:
            await self._answer(None, now_s)

    async def _answer(self, found: Conformance | None, now_s: float) -> None:
        state = self.flight.intent
        due = None if state is None else self.track.due(state, now_s)
        if state is not None and due is not None:
            after = transition(state, due.event, self.flight.id)
            changed = IntentChanged(flight=self.flight.id, state=after.value)
            if after in ASTRAY:
                await self.district.record(self._where(now_s), changed)
            else:
                await self.district.record(changed)
            if due.event is IntentEvent.LEAVE:
                distance_m = 0.0 if found is None or found.distance_m is None else found.distance_m
                drone = self.flight.drone
                await self.district.alarm(
                    Alarm.OFF_ROUTE, drone, self.flight.id, again_after_s=0.0, distance_m=distance_m
                )
        elif state in ASTRAY and (self._drawn_s is None or now_s - self._drawn_s >= REDRAWN_S):
            await self.district.record(self._where(now_s))

    def _where(self, now_s: float) -> OffNominal:
        """Where the drone may be from now until `AHEAD_S` from now, by when and where it was seen last."""
        self._drawn_s = now_s
        frame = self.district.site.frame
        return OffNominal(flight=self.flight.id, volumes=(plan_volume(self._reachable(now_s), frame),))

    def _reachable(self, now_s: float) -> Volume4D:
        if self._last is None:
            raise ValueError(f"flight {self.flight.id} was never seen in the air")
        x_m, y_m, ellipsoidal_m, at_s = self._last
        kinds = self._kinds()
        return off_nominal_around(
            x_m,
            y_m,
            ellipsoidal_m,
            at_s,
            speed_mps=max(kind.max_speed_mps + kind.max_wind_mps for kind in kinds),  # blown along at its fastest
            climb_mps=max(max(kind.climb_mps, kind.descent_mps) for kind in kinds),
            for_s=now_s + AHEAD_S - at_s,
        )

    def _kinds(self) -> list[DroneType]:
        """The airframe of the drone; all that the site knows where its file does not name the drone any more."""
        site = self.district.site
        return [site.drone_type(one) for one in site.file.drones if one.id == self.flight.drone] or [
            *(site.drone_type(one) for one in site.file.drones),
            *KNOWN_TYPES.values(),
        ]

    def kept(self) -> FlightKept | None:
        """How the flight has kept to its airspace, for the log; None when nobody saw it in the air."""
        track = self.track
        if track.last_s is None:
            return None
        share = track.inside_share(track.last_s)
        return FlightKept(
            flight=self.flight.id,
            inside_share=None if share is None else round(share, 4),
            outside_s=round(track.outside_s(track.last_s), 1),
            longest_s=round(track.longest_s(track.last_s), 1),
            excursions=track.excursions,
            farthest_m=round(track.farthest_m, 1),
        )
