"""The airspace of a site: its zones and the intents in it, asked with volumes and answered exactly, with reasons.

A `VolumeSet` of the zones and one of the intents tell which volumes share a place at a time. A zone is held there over
its whole validity: its hours are expanded only where a volume meets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from airspace.conflicts import Conflict, Occupant, conflict_between
from airspace.frames import LocalFrame
from airspace.ground.surface import Surface
from airspace.index import Box4
from airspace.index.boxes import checked_boxes
from airspace.intents import OperationalIntent
from airspace.reasons import Words
from airspace.reservation import never
from airspace.rules.jurisdiction import Jurisdiction
from airspace.volume_set import VolumeSet
from airspace.volumes import Volume4D
from airspace.zones import NO_PERMITS, Zone

Bounds = tuple[float, float, float, float]
"""West, south, east and north [m] of a box in the local frame."""

NEAR_M = 500.0  # how far the nearest zone is looked for at first

RESERVED = Words("reserved for another flight", "已为其他飞行预留")


class Airspace:
    """Zones and intents of one site in one local frame; raises ValueError for two zones or intents of one id.

    The `jurisdiction` says whether an intent of one priority may be planned over one of another, by which article a
    zone is kept, and how high flights go. Without one no intent goes over another, and reasons name no law.
    """

    def __init__(
        self,
        frame: LocalFrame,
        surface: Surface,
        zones: Iterable[Zone] = (),
        intents: Iterable[OperationalIntent] = (),
        *,
        jurisdiction: Jurisdiction | None = None,
    ) -> None:
        self.frame = frame
        self.surface = surface
        self.jurisdiction = jurisdiction
        self._may_overlap = never if jurisdiction is None else jurisdiction.may_overlap
        self._zone_of: dict[str, Zone] = {}
        self._layers_of: dict[str, tuple[str, ...]] = {}
        self._zone_volumes: VolumeSet[str] = VolumeSet()
        self._intent_of: dict[str, OperationalIntent] = {}
        self._intent_volumes: VolumeSet[tuple[str, int]] = VolumeSet()
        self.changes = 0  # grows with every change: what was found before it need not hold after it
        self.put_zones(zones)
        for intent in intents:
            if intent.id in self._intent_of:
                raise ValueError(f"two intents have the id {intent.id}")
            self.put_intent(intent)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """All zones, layer by layer, by id."""
        return tuple(self._zone_of[id_] for id_ in sorted(self._zone_of))

    @property
    def intents(self) -> tuple[OperationalIntent, ...]:
        """The intents that hold airspace here, by id."""
        return tuple(self._intent_of[id_] for id_ in sorted(self._intent_of))

    def zone(self, zone_id: str) -> Zone:
        """The zone of an id. Raises KeyError."""
        return self._zone_of[zone_id]

    def put_zones(self, zones: Iterable[Zone]) -> None:
        """Add zones, or put them in place of those that have the same charted ids, all their layers.

        Raises ValueError, and changes nothing, when two of them have one id or one has the id of another zone's layer.
        """
        new: dict[str, list[Zone]] = {}
        for zone in zones:
            new.setdefault(zone.charted_id, []).append(zone)
        coming = [zone for layers in new.values() for zone in layers]
        staying = self._zone_of.keys() - {id_ for charted_id in new for id_ in self._layers_of.get(charted_id, ())}
        if len({zone.id for zone in coming} | staying) < len(coming) + len(staying):
            raise ValueError("two zones have one id")
        self.changes += 1
        for charted_id, layers in new.items():
            self.remove_zone(charted_id)
            self._layers_of[charted_id] = tuple(zone.id for zone in layers)
        for zone in coming:
            shapely.prepare(zone.volume.outline)
            self._zone_of[zone.id] = zone
        self._zone_volumes.put_many((zone.id, zone.volume) for zone in coming)

    def remove_zone(self, charted_id: str) -> None:
        """Take all layers of a zone out; nothing happens when there is none."""
        self.changes += 1
        for zone_id in self._layers_of.pop(charted_id, ()):
            del self._zone_of[zone_id]
            self._zone_volumes.remove(zone_id)

    def put_intent(self, intent: OperationalIntent) -> None:
        """Hold all that an intent holds, off-nominal volumes too, in place of what its id held before.

        This records a decision and makes none: whoever reserves asks `conflicts` first, in the same breath. Raises
        ValueError, and changes nothing, for a volume that lies or lasts too far away to be held.
        """
        if intent.holds_airspace:
            checked_boxes([volume.box for volume in intent.held])
        self.changes += 1
        self.remove_intent(intent.id)
        if not intent.holds_airspace:
            return
        self._intent_volumes.put_many(((intent.id, i), volume) for i, volume in enumerate(intent.held))
        self._intent_of[intent.id] = intent

    def remove_intent(self, intent_id: str) -> None:
        """Give an intent's airspace back; nothing happens when it holds none."""
        self.changes += 1
        gone = self._intent_of.pop(intent_id, None)
        if gone is not None:
            for i in range(len(gone.held)):
                self._intent_volumes.remove((intent_id, i))

    def conflicts(
        self,
        volumes: Sequence[Volume4D],
        *,
        own_id: str = "",
        permitted: frozenset[str] = NO_PERMITS,
        priority: int = 0,
    ) -> list[Conflict]:
        """Every overlap of a volume with an active zone or with an intent other than `own_id`, volume by volume.

        A zone that asks for nothing never conflicts, nor does one that asks for leave or conditions when its charted id
        is among `permitted`; a prohibited one always does. An intent conflicts unless the jurisdiction lets this
        `priority` be planned over its own. Within a volume zones come before intents, each by id. Touching outlines and
        heights conflict; a window that begins when another ends does not.
        """
        found: list[tuple[int, Occupant]] = []
        for zone, numbers in self._over(volumes):
            if zone.closed_to(permitted):
                standing = zone.standing([volumes[i] for i in numbers])
                found += [(i, self._closed(zone, held)) for i, held in zip(numbers, standing, strict=True) if held]
        for i, (intent_id, j) in self._intent_volumes.overlapping(volumes):
            intent = self._intent_of[intent_id]
            if intent_id != own_id and not self._may_overlap(priority, intent.priority):
                found.append((i, _reserved(intent, j)))
        found.sort(key=lambda pair: pair[0])
        return [
            conflict_between(
                i, volumes[i], occupant, frame=self.frame, surface=self.surface, highest_agl_m=self._highest_agl_m
            )
            for i, occupant in found
        ]

    def zones_met(self, volumes: Sequence[Volume4D]) -> tuple[Zone, ...]:
        """The zones that share a place with any of these volumes while they are active, whatever they ask; by id."""
        return tuple(zone for zone, numbers in self._over(volumes) if any(zone.standing([volumes[i] for i in numbers])))

    def _over(self, volumes: Sequence[Volume4D]) -> list[tuple[Zone, list[int]]]:
        """The zones, by id, over whose place and validity some of these volumes lie, with the numbers of these."""
        met: dict[str, list[int]] = {}
        for i, zone_id in self._zone_volumes.overlapping(volumes):
            met.setdefault(zone_id, []).append(i)
        return [(self._zone_of[zone_id], met[zone_id]) for zone_id in sorted(met)]

    def rule_of(self, zone: Zone) -> Words:
        """Why a zone is kept: as its chart says, or by the jurisdiction's article where the chart is silent."""
        if self.jurisdiction is None:
            return zone.rule
        return self.jurisdiction.rule_of(zone.kind, zone.restriction, zone.rule)

    @property
    def _highest_agl_m(self) -> float | None:
        return None if self.jurisdiction is None else self.jurisdiction.height_most_agl_m

    def _closed(self, zone: Zone, held: Volume4D) -> Occupant:
        return Occupant(
            kind="zone",
            id=zone.id,
            name=zone.name,
            rule=self.rule_of(zone),
            volume=held,
            restriction=zone.restriction,
            permit=zone.charted_id,
            authority=zone.charted.authority if zone.charted else "",
        )

    def zones_in(
        self, bounds: Bounds, floor_ellipsoidal_m: float, ceiling_ellipsoidal_m: float, start_s: float, end_s: float
    ) -> tuple[Zone, ...]:
        """The zones that are active somewhere in a box, a height band [m ellipsoidal] and a time window, by id.

        Whether they close it to anybody is not asked; a zone may touch the box with no more than its own box.
        """
        x0, y0, x1, y1 = bounds
        box: Box4 = (x0, y0, floor_ellipsoidal_m, start_s, x1, y1, ceiling_ellipsoidal_m, end_s)
        candidates = (self._zone_of[zone_id] for zone_id in self._zone_volumes.touching(box))
        return tuple(zone for zone in candidates if zone.active_during(start_s, end_s))

    def closed_in(
        self,
        bounds: Bounds,
        floor_ellipsoidal_m: float,
        ceiling_ellipsoidal_m: float,
        start_s: float,
        end_s: float,
        permitted: frozenset[str] = NO_PERMITS,
    ) -> tuple[Zone, ...]:
        """Those of `zones_in` that are closed to whoever holds these permissions: what a way must keep clear of."""
        zones = self.zones_in(bounds, floor_ellipsoidal_m, ceiling_ellipsoidal_m, start_s, end_s)
        return tuple(zone for zone in zones if zone.closed_to(permitted))

    def zones_at(self, x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> tuple[Zone, ...]:
        """The zones that hold a point and are active at a UTC second, by id."""
        candidates = self._zone_volumes.touching((x_m, y_m, ellipsoidal_m, at_s, x_m, y_m, ellipsoidal_m, at_s))
        zones = (self._zone_of[zone_id] for zone_id in candidates)
        return tuple(zone for zone in zones if zone.contains(x_m, y_m, ellipsoidal_m, at_s))

    def clearance_m(
        self,
        shape: BaseGeometry,
        floor_ellipsoidal_m: float,
        ceiling_ellipsoidal_m: float,
        start_s: float,
        end_s: float,
        permitted: frozenset[str] = NO_PERMITS,
    ) -> float | None:
        """The least horizontal distance [m] from a shape to a zone that is closed in the same heights and times.

        The shape lies in the local frame. 0 when it touches or enters a zone; None when no zone is closed there then.
        """
        x0, y0, x1, y1 = shape.bounds
        reach_m = NEAR_M
        while True:
            bounds = (x0 - reach_m, y0 - reach_m, x1 + reach_m, y1 + reach_m)
            zones = self.closed_in(bounds, floor_ellipsoidal_m, ceiling_ellipsoidal_m, start_s, end_s, permitted)
            least_m = min((float(zone.volume.outline.distance(shape)) for zone in zones), default=None)
            if (least_m is not None and least_m <= reach_m) or reach_m > WIDEST_M:
                return least_m
            reach_m *= 8.0


WIDEST_M = 1.0e7  # wider than any local frame


def _reserved(intent: OperationalIntent, number: int) -> Occupant:
    return Occupant(
        kind="intent",
        id=intent.id,
        name=Words(intent.id, intent.id),
        rule=RESERVED,
        volume=intent.held[number],
        priority=intent.priority,
    )
