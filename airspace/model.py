"""The airspace of a site: its zones and the intents in it, asked with volumes and answered exactly, with reasons.

A box index over east, north, height and time gives candidates; the exact test of `Volume4D.overlaps` decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.conflicts import Conflict, conflict_between
from airspace.frames import Ground, LocalFrame
from airspace.index import Box4, Index4D
from airspace.intents import OperationalIntent
from airspace.reasons import Words
from airspace.volumes import Volume4D
from airspace.zones import Zone

# Wider than any local frame: for questions that are about height and time alone.
EVERYWHERE_M = 1.0e8

RESERVED = Words("reserved for another flight", "已为其他飞行预留")


class Airspace:
    """Zones and intents of one site in one local frame; raises ValueError for two zones or intents of one id."""

    def __init__(
        self,
        frame: LocalFrame,
        ground: Ground,
        zones: Iterable[Zone] = (),
        intents: Iterable[OperationalIntent] = (),
    ) -> None:
        self.frame = frame
        self.ground = ground
        self.zones: tuple[Zone, ...] = tuple(sorted(zones, key=lambda zone: zone.id))
        self._zone_of = {zone.id: zone for zone in self.zones}
        if len(self._zone_of) < len(self.zones):
            raise ValueError("two zones have one id")
        for zone in self.zones:
            shapely.prepare(zone.volume.outline)
        self._zone_index: Index4D[str] = Index4D((zone.id, zone.volume.box) for zone in self.zones)
        self._intent_of: dict[str, OperationalIntent] = {}
        self._intent_index: Index4D[tuple[str, int]] = Index4D()
        for intent in intents:
            if intent.id in self._intent_of:
                raise ValueError(f"two intents have the id {intent.id}")
            self.put_intent(intent)

    @property
    def intents(self) -> tuple[OperationalIntent, ...]:
        """The intents that hold airspace here, by id."""
        return tuple(self._intent_of[id_] for id_ in sorted(self._intent_of))

    def zone(self, zone_id: str) -> Zone:
        """The zone of an id. Raises KeyError."""
        return self._zone_of[zone_id]

    def put_intent(self, intent: OperationalIntent) -> None:
        """Hold an intent's volumes, in place of what its id held before; an ended one holds nothing.

        This records a decision and makes none: whoever reserves asks `conflicts` first, in the same breath.
        """
        self.remove_intent(intent.id)
        if not intent.holds_airspace:
            return
        self._intent_of[intent.id] = intent
        for i, volume in enumerate(intent.volumes):
            self._intent_index.insert((intent.id, i), volume.box)

    def remove_intent(self, intent_id: str) -> None:
        """Give an intent's airspace back; nothing happens when it holds none."""
        gone = self._intent_of.pop(intent_id, None)
        if gone is not None:
            for i in range(len(gone.volumes)):
                self._intent_index.remove((intent_id, i))

    def conflicts(self, volumes: Sequence[Volume4D], *, own_id: str = "") -> list[Conflict]:
        """Every overlap of a volume with a zone or with an intent other than `own_id`, volume by volume.

        Within a volume zones come before intents, each by id. Touching outlines and heights conflict; a window that
        begins when another ends does not.
        """
        found: list[Conflict] = []
        for i, volume in enumerate(volumes):
            for zone_id in self._zone_index.query(volume.box):
                zone = self._zone_of[zone_id]
                if zone.volume.overlaps(volume):
                    found.append(self._conflict(i, volume, zone.volume, zone))
            for intent_id, j in self._intent_index.query(volume.box):
                other = self._intent_of[intent_id].volumes[j]
                if intent_id != own_id and other.overlaps(volume):
                    found.append(self._conflict(i, volume, other, intent_id))
        return found

    def _conflict(self, number: int, volume: Volume4D, other: Volume4D, holder: Zone | str) -> Conflict:
        if isinstance(holder, Zone):
            return conflict_between(
                number,
                volume,
                other,
                kind="zone",
                other_id=holder.id,
                name=holder.name,
                rule=holder.rule,
                frame=self.frame,
                ground=self.ground,
            )
        return conflict_between(
            number,
            volume,
            other,
            kind="intent",
            other_id=holder,
            name=Words(holder, holder),
            rule=RESERVED,
            frame=self.frame,
            ground=self.ground,
        )

    def zones_in(
        self, floor_ellipsoidal_m: float, ceiling_ellipsoidal_m: float, start_s: float, end_s: float
    ) -> tuple[Zone, ...]:
        """The zones that are active somewhere in a height band [m ellipsoidal] and a time window [s UTC], by id."""
        far = EVERYWHERE_M
        box: Box4 = (-far, -far, floor_ellipsoidal_m, start_s, far, far, ceiling_ellipsoidal_m, end_s)
        candidates = (self._zone_of[zone_id] for zone_id in self._zone_index.query(box))
        return tuple(zone for zone in candidates if zone.volume.start_s < end_s and start_s < zone.volume.end_s)

    def obstacles(
        self,
        floor_ellipsoidal_m: float,
        ceiling_ellipsoidal_m: float,
        start_s: float,
        end_s: float,
    ) -> Polygon | MultiPolygon:
        """All that may not be flown through in a height band and a time window, as one shape; empty when free.

        Zones only: intents move on, so a route goes around them in time rather than in plan.
        """
        zones = self.zones_in(floor_ellipsoidal_m, ceiling_ellipsoidal_m, start_s, end_s)
        union: Polygon | MultiPolygon = shapely.union_all([zone.volume.outline for zone in zones])
        return union if zones else Polygon()

    def clearance_m(
        self,
        shape: BaseGeometry,
        floor_ellipsoidal_m: float,
        ceiling_ellipsoidal_m: float,
        start_s: float,
        end_s: float,
    ) -> float | None:
        """The least horizontal distance [m] from a shape to a zone active in the same heights and times.

        The shape lies in the local frame. 0 when it touches or enters a zone; None when no zone is active there then.
        """
        zones = self.zones_in(floor_ellipsoidal_m, ceiling_ellipsoidal_m, start_s, end_s)
        return min((float(zone.volume.outline.distance(shape)) for zone in zones), default=None)
