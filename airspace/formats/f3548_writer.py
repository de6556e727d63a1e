"""Operational intents and constraints as ASTM F3548-21 (JSON), and what is lost on the way.

Volumes only ever grow: corridors are drawn around, holes filled, heights over ground taken at the lowest and highest
ground. What comes out is read again by `f3548.read_f3548`, and whatever that refuses is told with the losses: a DSS
would refuse it too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airspace.charted import ChartedZone, Corridor, Layer, Restriction
from airspace.foreign_intents import ChartedVolume, ForeignIntent
from airspace.formats import f3548_rules as rules
from airspace.formats import geozone_rules
from airspace.formats.ed269 import RESTRICTIONS
from airspace.formats.f3548 import FORMAT, STATES, read_f3548
from airspace.formats.f3548_volumes import Frame, holes_of, span_of, written
from airspace.formats.writing import Export
from airspace.frames import Datum
from airspace.geodesy.epochs import Motion
from airspace.ground.surface import Surface
from airspace.laying import laid_heights, middle_of
from airspace.reasons import Reason, Refused, Rule
from airspace.schedules import BEGINNING_S
from airspace.volumes import FOREVER_S

_STATE_NAMES = {state: name for name, state in STATES.items()}
_RESTRICTION_NAMES = {restriction: name for name, restriction in RESTRICTIONS.items()}


def f3548_intent(intent: ForeignIntent, *, motion: Motion | None = None, epoch: float | None = None) -> Export:
    """An intent as `{"operational_intent": {"reference": ..., "details": ...}}`."""
    frame, losses = Frame(motion, epoch), _Losses(intent.id)
    reference = {
        "id": intent.id,
        "manager": intent.manager,
        "uss_availability": intent.uss_availability,
        "version": intent.version,
        "state": _STATE_NAMES[intent.state],
        **({"ovn": intent.ovn} if intent.ovn else {}),
        **span_of(intent.start_s, intent.end_s),
        "uss_base_url": intent.uss_base_url,
        "subscription_id": intent.subscription_id,
    }
    details = {
        "volumes": _intent_volumes(intent.volumes, frame, losses),
        "off_nominal_volumes": _intent_volumes(intent.off_nominal_volumes, frame, losses),
        "priority": intent.priority,
    }
    return _checked({"operational_intent": {"reference": reference, "details": details}}, losses)


def f3548_constraint(
    zones: Sequence[ChartedZone],
    *,
    reference: Mapping[str, Any] | None = None,
    between: tuple[float, float] | None = None,
    surface: Surface | None = None,
    motion: Motion | None = None,
    epoch: float | None = None,
) -> Export:
    """Zones as one constraint, `{"constraint": {"reference": ..., "details": ...}}`.

    `reference` gives id, manager, uss_availability, version and uss_base_url of it; zones that were read from F3548
    bring theirs. `between` [s UTC] is the time to tell of, in which schedules become windows; without, zones must end.
    `surface` is asked for heights that are not ellipsoidal. Raises `Refused` where any of this is missing.
    """
    first = zones[0]
    losses, frame = _Losses(first.id), Frame(motion, epoch)
    kept: Mapping[str, Any] = first.extra.get("f3548", {})
    known = reference if reference is not None else kept.get("reference")
    if known is None:
        raise Refused([Reason(rules.EXPORT_REFERENCE, first.id)])
    volumes: list[dict[str, Any]] = []
    spans: list[tuple[float, float]] = []
    for zone in zones:
        windows = _windows(zone, between)
        spans += windows
        for layer in zone.layers:
            volumes += _zone_volumes(zone, layer, windows, surface, frame, losses)
    details: dict[str, Any] = {"volumes": volumes}
    details |= {"type": kept["type"]} if "type" in kept else {"type": first.kind}
    geozone = kept.get("geozone") or _geozone(first, losses)
    details |= {"geozone": geozone} if geozone else {}
    span = span_of(min(start_s for start_s, _ in spans), max(end_s for _, end_s in spans))
    return _checked({"constraint": {"reference": {**known, **span}, "details": details}}, losses)


class _Losses:
    """What one export could not carry."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.reasons: list[Reason] = []

    def add(self, rule: Rule, **facts: Any) -> None:
        reason = Reason(rule, self.where, {"format": FORMAT, **facts})
        if reason not in self.reasons:
            self.reasons.append(reason)

    def shape(self, layer: Layer) -> None:
        """What F3548 does to the shape of a layer."""
        if isinstance(layer.shape, Corridor):
            self.add(geozone_rules.EXPORT_CORRIDOR)
        holes = holes_of(layer.shape)
        if holes:
            self.add(rules.EXPORT_HOLES, count=holes)


def _checked(document: dict[str, Any], losses: _Losses) -> Export:
    again = read_f3548(json.dumps(document).encode(), losses.where)
    return Export(document, (*losses.reasons, *again.reasons))


def _intent_volumes(volumes: Iterable[ChartedVolume], frame: Frame, losses: _Losses) -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = []
    for volume in volumes:
        losses.shape(volume.layer)
        heights_m = laid_heights(volume.layer, None, losses.where)
        drawn += written(volume.layer.shape, heights_m, (volume.start_s, volume.end_s), frame, losses.where)
    return drawn


def _windows(zone: ChartedZone, between: tuple[float, float] | None) -> list[tuple[float, float]]:
    """When a zone is active [s UTC]. Raises `Refused` for never and for ever."""
    start_s, end_s = between or (BEGINNING_S, FOREVER_S)
    if between is None and any(FOREVER_S in window or BEGINNING_S in window for window in zone.schedule.windows):
        raise Refused([Reason(rules.EXPORT_OPEN, zone.id)])
    windows = list(zone.schedule.active(start_s, end_s, middle_of(zone.layers[0].shape)))
    if not windows:
        raise Refused([Reason(rules.EXPORT_WINDOW, zone.id)])
    return windows


def _zone_volumes(
    zone: ChartedZone,
    layer: Layer,
    windows: Iterable[tuple[float, float]],
    surface: Surface | None,
    frame: Frame,
    losses: _Losses,
) -> list[dict[str, Any]]:
    losses.shape(layer)
    if {layer.floor.datum, layer.ceiling.datum} != {Datum.ELLIPSOIDAL}:
        losses.add(rules.EXPORT_GROUND)
    heights_m = laid_heights(layer, surface, zone.id)
    return [volume for window in windows for volume in written(layer.shape, heights_m, window, frame, zone.id)]


def _geozone(zone: ChartedZone, losses: _Losses) -> dict[str, Any] | None:
    """What ED-269 would say of a zone, with names as F3548 spells them; None for a zone without a country."""
    if not zone.country:
        if zone.restriction is not Restriction.PROHIBITED:
            losses.add(rules.EXPORT_ASKS, restriction=zone.restriction)
        return None
    return {
        "identifier": zone.id.removeprefix(f"{zone.country}-") or zone.id,
        "country": zone.country,
        "name": zone.name.en,
        "type": "COMMON",
        "restriction": _RESTRICTION_NAMES[zone.restriction],
        "zone_authority": [{"name": zone.authority, "purpose": "AUTHORIZATION"}] if zone.authority else [],
        "message": zone.rule.en,
    }
