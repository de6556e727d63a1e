"""Zones: where one may not fly, or only by leave, when and how high; charts laid into a local frame.

A chart says a zone in degrees, over datums and by schedule (`charted.ChartedZone`); `lay` turns each of its layers into
a `Zone` whose volume decides. Zones of a run are stored as GeoJSON that also holds each height over the ellipsoid, so
that they can be laid again where nothing is known of the ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from airspace.charted import ChartedZone, Layer, Restriction
from airspace.formats import chart_rules as rules
from airspace.formats.chart import Chart
from airspace.formats.geojson import Placed, geojson, read_collection
from airspace.formats.importing import import_charts
from airspace.frames import Datum, Height, LatLon, LocalFrame
from airspace.ground.surface import Surface
from airspace.laying import charted_outline, laid_heights, laid_shape, middle_of
from airspace.reach import within_reach
from airspace.reasons import Reason, Refused, Words
from airspace.schedules import ALWAYS, Schedule
from airspace.volumes import Volume4D

SAME_HEIGHT_M = 0.01
NO_PERMITS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Zone:
    """One layer of a zone, laid: `kind` is a key of `ZONE_KINDS`, `rule` says why in words.

    `volume` holds its outline and heights over its whole validity, `schedule` says when within that it is active, at
    `place` where it asks the sun. `charted` is what the chart said, None for a zone that no chart drew, and `layer`
    which of its layers this is, from 0. Raises ValueError for periods without a place.
    """

    id: str
    name: Words
    kind: str
    rule: Words
    volume: Volume4D
    restriction: Restriction = Restriction.PROHIBITED
    schedule: Schedule = ALWAYS
    place: LatLon | None = None
    charted: ChartedZone | None = None
    layer: int = 0

    def __post_init__(self) -> None:
        if self.schedule.periods and self.place is None:
            raise ValueError(f"zone {self.id} has hours but no place")

    @property
    def charted_id(self) -> str:
        """The id of the zone on its chart, which all its layers share; a permission names this."""
        return self.charted.id if self.charted else self.id

    @property
    def drawn(self) -> Layer | None:
        """The layer as its chart draws it."""
        return self.charted.layers[self.layer] if self.charted else None

    def closed_to(self, permitted: frozenset[str] = NO_PERMITS) -> bool:
        """Whether it must be kept out of by whoever holds the permissions `permitted`, as charted ids."""
        if self.restriction is Restriction.PROHIBITED:
            return True
        return self.restriction is not Restriction.NONE and self.charted_id not in permitted

    def windows(self, start_s: float, end_s: float) -> tuple[tuple[float, float], ...]:
        """When it is active within [start_s, end_s): windows [s UTC] in order, merged, half-open."""
        return self.schedule.active(*self._valid(start_s, end_s), self._place)

    def first_window(self, start_s: float, end_s: float) -> tuple[float, float] | None:
        """The first of `windows`, or None; looks no further than that."""
        return next(self.schedule.spans(*self._valid(start_s, end_s), self._place), None)

    def active_during(self, start_s: float, end_s: float) -> bool:
        """Whether it is active at any moment of [start_s, end_s)."""
        return self.first_window(start_s, end_s) is not None

    def overlaps(self, volume: Volume4D) -> bool:
        """Whether it shares a place with a volume at a time at which it is active."""
        return self.volume.overlaps(volume) and self.active_during(volume.start_s, volume.end_s)

    def contains(self, x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> bool:
        """Whether it holds a point and is active then."""
        return self.volume.contains(x_m, y_m, ellipsoidal_m, at_s) and self.active_during(
            at_s, math.nextafter(at_s, math.inf)
        )

    def standing(self, volumes: Sequence[Volume4D]) -> list[Volume4D | None]:
        """For each volume its own in the first window that it shares with that one's time, the whole of that window.

        None where it is not active then. Places are not asked for, and hours are expanded once for all volumes when
        these lie within `HOURS_SEEN_S` of each other. A window that reaches farther than that from a volume is told as
        the whole validity on that side.
        """
        if not self.schedule.periods and len(self.schedule.windows) == 1:
            held = self.volume
            return [held if held.start_s < v.end_s and v.start_s < held.end_s else None for v in volumes]
        start_s, end_s = min(v.start_s for v in volumes), max(v.end_s for v in volumes)
        if len(volumes) > 1 and end_s - start_s > HOURS_SEEN_S:
            return [standing for volume in volumes for standing in self.standing([volume])]
        shared = self.first_window(start_s, end_s)
        if shared is None:
            return [None] * len(volumes)
        first_s, last_s = self._valid(shared[0] - HOURS_SEEN_S, min(end_s, shared[0] + HOURS_SEEN_S) + HOURS_SEEN_S)
        whole = [
            replace(
                self.volume,
                start_s=opens_s if opens_s > first_s else self.volume.start_s,
                end_s=closes_s if closes_s < last_s else self.volume.end_s,
            )
            for opens_s, closes_s in self.windows(first_s, last_s)
            if closes_s > shared[0] and opens_s < end_s
        ]
        return [next((w for w in whole if w.start_s < v.end_s and v.start_s < w.end_s), None) for v in volumes]

    def _valid(self, start_s: float, end_s: float) -> tuple[float, float]:
        return max(start_s, self.volume.start_s), min(end_s, self.volume.end_s)

    @property
    def _place(self) -> LatLon:
        return self.place or LatLon(0.0, 0.0)


HOURS_SEEN_S = 8 * 86400.0  # a week of hours, and a day to spare


def lay(charted: ChartedZone, frame: LocalFrame, surface: Surface) -> tuple[Zone, ...]:
    """The layers of a charted zone in a local frame, the lowest number first: `X`, `X#2`, `X#3` ...

    Outlines and heights are laid outwards (see `airspace.laying`). Raises `Refused` for a layer that is too far off,
    crosses itself once laid, has its ceiling under its floor, or lies over ground of which nothing is known.
    """
    where = f"{charted.source.file} {charted.source.feature}".strip() if charted.source else charted.id
    return _lay(charted, frame, surface, [(None, None)] * len(charted.layers), where)


def _lay(
    charted: ChartedZone, frame: LocalFrame, surface: Surface | None, placed: Sequence[Placed], where: str
) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    reasons: list[Reason] = []
    start_s = min(start_s for start_s, _ in charted.schedule.windows)
    end_s = max(end_s for _, end_s in charted.schedule.windows)
    for number, (layer, said) in enumerate(zip(charted.layers, placed, strict=True)):
        try:
            heights_m = _heights(layer, said, surface, where)
            volume = Volume4D(laid_shape(frame, layer.shape, where), *heights_m, start_s, end_s)
        except Refused as refused:
            reasons += [replace(reason, where=reason.where or where) for reason in refused.reasons]
            continue
        zones.append(
            Zone(
                id=charted.laid_ids[number],
                name=charted.name,
                kind=charted.kind,
                rule=charted.rule,
                volume=volume,
                restriction=charted.restriction,
                schedule=charted.schedule,
                place=middle_of(layer.shape),
                charted=charted,
                layer=number,
            )
        )
    if reasons:
        raise Refused(reasons)
    return tuple(zones)


def _heights(layer: Layer, said: Placed, surface: Surface | None, where: str) -> tuple[float, float]:
    """Floor and ceiling over the ellipsoid [m]: as said where there is no surface, else equal to that within 1 cm."""
    if surface is None and None not in said:
        floor_m, ceiling_m = (float(side) for side in said if side is not None)
    else:
        floor_m, ceiling_m = laid_heights(layer, surface, where)
        for height, given_m, laid_m in zip((layer.floor, layer.ceiling), said, (floor_m, ceiling_m), strict=True):
            if given_m is not None and abs(given_m - laid_m) > SAME_HEIGHT_M:
                facts = {"found": given_m, "height": str(height), "expected": laid_m}
                raise Refused([Reason(rules.OTHER_GROUND, where, facts)])
    if not floor_m < ceiling_m:
        facts = {"floor": str(layer.floor), "ceiling": str(layer.ceiling)}
        raise Refused([Reason(rules.UPSIDE_DOWN, where, facts)])
    return floor_m, ceiling_m


def load_charts(paths: Iterable[Path], frame: LocalFrame, surface: Surface) -> tuple[Zone, ...]:
    """The zones of all charts of a site, file by file, of any format that is known; an id may come once in all of them.

    What of a zone lies beyond reach is cut off (`reach.within_reach`); one that lies there whole is refused, since a
    site's own chart with it has its coordinates mixed up. Raises `Refused` with every problem found in any of the
    files.
    """
    read = import_charts(paths, partial=True)
    zones: list[Zone] = []
    reasons = [*read.reasons]
    for charted in read.zones:
        try:
            zones += lay(within_reach(charted, frame.origin) or charted, frame, surface)
        except Refused as refused:
            reasons += refused.reasons
    if reasons:
        raise Refused(reasons)
    return tuple(zones)


def parse_zones(document: Any, where: str, frame: LocalFrame, surface: Surface | None) -> tuple[Zone, ...]:
    """The zones of our GeoJSON held in memory, laid; `where` begins the place of every reason.

    Without a `surface` every height must carry its `ellipsoidal_m`, as those that `zones_geojson` writes do. Raises
    `Refused` with every problem found.
    """
    chart = Chart(where)
    zones: list[Zone] = []
    for feature in read_collection(chart, document):
        try:
            zones += _lay(feature.zone, frame, surface, feature.placed, f"{where} {feature.path}")
        except Refused as refused:
            chart.reasons += refused.reasons
    chart.refuse()
    return tuple(zones)


def zones_geojson(zones: Iterable[Zone], frame: LocalFrame) -> dict[str, Any]:
    """The zones as a GeoJSON FeatureCollection that `parse_zones` reads back, charted ones as equal zones.

    Each height carries its `ellipsoidal_m`; the layers of one charted zone become one feature again.
    """
    layers_of: dict[str, list[Zone]] = {}
    for zone in sorted(zones, key=lambda zone: zone.layer):
        layers_of.setdefault(zone.charted_id, []).append(zone)
    charted = [_charted(layers, frame) for layers in layers_of.values()]
    placed = {
        id_: [(layer.volume.floor_ellipsoidal_m, layer.volume.ceiling_ellipsoidal_m) for layer in layers]
        for id_, layers in layers_of.items()
    }
    return geojson(charted, placed)


def _charted(layers: Sequence[Zone], frame: LocalFrame) -> ChartedZone:
    """What a chart says of these layers of one zone."""
    first = layers[0]
    if first.charted is None:
        return _redrawn(first, frame)
    return replace(first.charted, layers=tuple(layer.drawn for layer in layers if layer.drawn))


def _redrawn(zone: Zone, frame: LocalFrame) -> ChartedZone:
    """A zone that no chart drew, as one would."""
    volume = zone.volume
    floor, ceiling = (Height(m, Datum.ELLIPSOIDAL) for m in (volume.floor_ellipsoidal_m, volume.ceiling_ellipsoidal_m))
    return ChartedZone(
        id=zone.id,
        name=zone.name,
        kind=zone.kind,
        rule=zone.rule,
        layers=(Layer(charted_outline(frame, volume.outline), floor, ceiling),),
        restriction=zone.restriction,
        schedule=replace(zone.schedule, windows=((volume.start_s, volume.end_s),)),
    )
