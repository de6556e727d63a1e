"""Operational intents and constraints of ASTM F3548-21 (JSON), read strictly: each whole or not at all.

Read are the answers of a USS (`{"operational_intent": ...}`, `{"constraint": ...}`), what it pushes to others (the same
with ids and subscriptions beside), the bare objects with reference and details, and lists of all these. Constraints
become zones, intents `ForeignIntent` values. Figures are those of `uas_standards.astm.f3548.v21.constants`.
`airspace.formats.f3548_writer` is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from msgspec import to_builtins

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Restriction, Source
from airspace.foreign_intents import ChartedVolume, ForeignIntent
from airspace.formats import chart_rules
from airspace.formats import f3548_rules as rules
from airspace.formats.chart import Chart, decoded, joined
from airspace.formats.ed269 import RESTRICTIONS
from airspace.formats.f3548_shapes import (
    Constraint,
    ConstraintReference,
    GeoZone,
    Intent,
    IntentReference,
    OpenVolume4D,
    Volume4D,
)
from airspace.formats.f3548_volumes import Frame, read_instant, read_volume
from airspace.formats.geozones import authority_line, kind_of, rule_of
from airspace.formats.outlines import Outline, area_of, sound
from airspace.formats.reading import Reading
from airspace.formats.wire import NO_ENTRIES, conform
from airspace.geodesy.epochs import Motion
from airspace.intents import CARRIES, INTENT_VERTICES, INTENT_VOLUMES, MOST_VERTICES, IntentState
from airspace.laying import circle_ring
from airspace.reasons import Words
from airspace.schedules import Schedule

FORMAT = "F3548"

CONSTRAINT_MOST_VERTICES = 1000  # CstrMaxVertices
CONSTRAINT_MOST_KM2 = 10_000.0  # CstrMaxAreaKm2
CONSTRAINT_MOST_H = 24.0  # CstrMaxDurationHours

STATES: dict[str, IntentState] = {
    "Accepted": IntentState.ACCEPTED,
    "Activated": IntentState.ACTIVATED,
    "Nonconforming": IntentState.NONCONFORMING,
    "Contingent": IntentState.CONTINGENT,
}


@dataclass(frozen=True, slots=True)
class F3548Reading(Reading):
    """Constraints as zones, and the operational intents beside them."""

    intents: tuple[ForeignIntent, ...] = ()


def read_f3548(data: bytes, where: str, *, motion: Motion | None = None, epoch: float | None = None) -> F3548Reading:
    """The constraints and intents of a JSON document in UTF-8; `where` begins the place of every reason.

    `motion` and `epoch` say how its WGS 84 positions become CGCS2000 ones (`f3548_volumes.Frame`).
    """
    chart, frame = Chart(where), Frame(motion, epoch)
    if b"FlightIntentCollection" in data[:1000]:
        chart.add(rules.TEST_DATA, "")
        return F3548Reading((), tuple(chart.reasons))
    document = decoded(chart, data)
    zones: list[ChartedZone] = []
    intents: list[ForeignIntent] = []
    for value, path in () if chart.reasons else _entities(chart, document, ""):
        if chart.gives_up(path):
            break
        if _is_intent(value):
            intent = conform(chart, value, Intent, path)
            foreign = _read_intent(chart, intent, path, frame) if intent else None
            intents += [foreign] if foreign else []
        else:
            constraint = conform(chart, value, Constraint, path)
            zones += _read_constraint(chart, constraint, value, path, frame) if constraint else ()
    if not (zones or intents or chart.reasons):
        chart.add(NO_ENTRIES, "")
    return F3548Reading(tuple(zones), tuple(chart.reasons), tuple(intents))


def _entities(chart: Chart, value: Any, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every object with a reference and details, and its path; a reason for what is none."""
    if isinstance(value, list) and not path:
        for i, item in enumerate(value):
            yield from _entities(chart, item, f"[{i}]")
        return
    if isinstance(value, Mapping):
        for name in ("operational_intent", "constraint"):
            inner = value.get(name)
            if isinstance(inner, Mapping):
                yield inner, joined(path, name)
                return
            if inner is None and isinstance(gone := value.get(f"{name}_id"), str):
                chart.add(rules.DELETED, path, id=gone)
                return
        if "reference" in value and "details" in value:
            yield value, path
            return
    chart.add(rules.WHOSE, path)


def _is_intent(value: Mapping[str, Any]) -> bool:
    """Whether it is an intent: only these have a state and a subscription."""
    reference = value.get("reference")
    return isinstance(reference, Mapping) and ("state" in reference or "subscription_id" in reference)


def _read_intent(chart: Chart, intent: Intent, path: str, frame: Frame) -> ForeignIntent | None:
    before = len(chart.reasons)
    reference, details = intent.reference, intent.details
    span = _read_span(chart, reference, joined(path, "reference"))
    if span is None:
        return None
    at, state = joined(path, "details"), STATES[reference.state]
    planned, off_nominal = details.volumes or [], details.off_nominal_volumes or []
    _check_carried(chart, reference.id, state, planned, off_nominal, at)
    vertices = _vertices([*planned, *off_nominal])
    if vertices > MOST_VERTICES:
        chart.add(INTENT_VERTICES, at, id=reference.id, found=vertices, most=MOST_VERTICES)
    volumes = _read_volumes(chart, planned, span, frame, f"{at}.volumes")
    beside = _read_volumes(chart, off_nominal, span, frame, f"{at}.off_nominal_volumes")
    if len(chart.reasons) > before:
        return None
    return ForeignIntent(
        id=reference.id.lower(),
        manager=reference.manager,
        uss_base_url=reference.uss_base_url,
        version=reference.version,
        ovn=reference.ovn or "",
        state=state,
        priority=details.priority or 0,
        volumes=volumes,
        off_nominal_volumes=beside,
        start_s=span[0],
        end_s=span[1],
        subscription_id=reference.subscription_id,
        uss_availability=reference.uss_availability,
    )


def _check_carried(
    chart: Chart, id_: str, state: IntentState, planned: Sequence[Any], off_nominal: Sequence[Any], path: str
) -> None:
    if (bool(planned), bool(off_nominal)) != CARRIES[state]:
        facts = {"id": id_, "volumes": len(planned), "off_nominal": len(off_nominal), "state": state}
        chart.add(INTENT_VOLUMES, path, **facts)


def _read_span(chart: Chart, reference: IntentReference | ConstraintReference, path: str) -> tuple[float, float] | None:
    """The times of a reference [s UTC], its address looked at on the way; or None with reasons."""
    if reference.uss_base_url.endswith("/"):
        chart.add(rules.SLASH, f"{path}.uss_base_url", found=reference.uss_base_url)
    start_s = read_instant(chart, reference.time_start, f"{path}.time_start")
    end_s = read_instant(chart, reference.time_end, f"{path}.time_end")
    return None if start_s is None or end_s is None else (start_s, end_s)


def _read_volumes(
    chart: Chart,
    volumes: Iterable[Volume4D | OpenVolume4D],
    span: tuple[float, float],
    frame: Frame,
    path: str,
) -> tuple[ChartedVolume, ...]:
    read = [read_volume(chart, volume, span, frame, f"{path}[{i}]") for i, volume in enumerate(volumes)]
    return tuple(volume for volume in read if volume is not None)


def _vertices(volumes: Sequence[Volume4D | OpenVolume4D]) -> int:
    polygons = [volume.volume.outline_polygon for volume in volumes]
    return sum(len(polygon.vertices) for polygon in polygons if polygon is not None)


def _read_constraint(
    chart: Chart, constraint: Constraint, value: Mapping[str, Any], path: str, frame: Frame
) -> tuple[ChartedZone, ...]:
    """One zone for each window of the constraint's volumes, or none with reasons."""
    before = len(chart.reasons)
    reference, details = constraint.reference, constraint.details
    span = _read_span(chart, reference, joined(path, "reference"))
    if span is None:
        return ()
    at = joined(path, "details")
    restriction = _read_restriction(chart, details.geozone, f"{at}.geozone")
    vertices = _vertices(details.volumes) + sum(volume.volume.outline_circle is not None for volume in details.volumes)
    if vertices > CONSTRAINT_MOST_VERTICES:  # a circle counts as one, so that no number of them takes for ever
        chart.add(rules.CONSTRAINT_VERTICES, at, found=vertices, most=CONSTRAINT_MOST_VERTICES)
        return ()
    volumes = _read_volumes(chart, details.volumes, span, frame, f"{at}.volumes")
    if len(chart.reasons) == before:
        _check_extent(chart, volumes, at)
    if len(chart.reasons) > before:
        return ()
    windows: dict[tuple[float, float], list[Layer]] = {}
    for volume in volumes:
        windows.setdefault((volume.start_s, volume.end_s), []).append(volume.layer)
    kept: dict[str, Any] = {"reference": to_builtins(reference)}
    kept |= {name: to_builtins(value["details"][name]) for name in ("type", "geozone") if value["details"].get(name)}
    return tuple(
        _zone(constraint, number, window, layers, restriction, kept, Source(chart.where, path, FORMAT))
        for number, (window, layers) in enumerate(windows.items(), 1)
    )


def _zone(
    constraint: Constraint,
    number: int,
    window: tuple[float, float],
    layers: Sequence[Layer],
    restriction: Restriction,
    kept: Mapping[str, Any],
    source: Source,
) -> ChartedZone:
    id_ = constraint.reference.id.lower()
    details, geozone = constraint.details, constraint.details.geozone
    name = (geozone.name or geozone.identifier) if geozone else details.type or id_
    reasons = (geozone.reason or ()) if geozone else ()
    rule = rule_of(FORMAT, restriction, reasons, (geozone and geozone.message) or "")
    return ChartedZone(
        id=id_ if number == 1 else f"{id_} ({number})",
        name=Words(name, name),
        kind=kind_of(reasons) if geozone else "temporary",
        rule=rule,
        layers=tuple(layers),
        restriction=restriction,
        schedule=Schedule((window,)),
        country=geozone.country if geozone else "",
        authority=_asked(geozone) or authority_line(constraint.reference.manager, constraint.reference.uss_base_url),
        extra={"f3548": dict(kept)},
        source=source,
    )


def _read_restriction(chart: Chart, geozone: GeoZone | None, path: str) -> Restriction:
    """What a constraint asks: what its geozone says, and without one nobody flies in it."""
    if geozone is None:
        return Restriction.PROHIBITED
    for name in (geozone.restriction, geozone.type):
        if name in RESTRICTIONS:
            return RESTRICTIONS[name]
    known = ", ".join(RESTRICTIONS)
    chart.add(chart_rules.UNKNOWN_VALUE, f"{path}.restriction", found=geozone.restriction, known=known)
    return Restriction.PROHIBITED


def _asked(geozone: GeoZone | None) -> str:
    """Who authorises flights in a geozone, in one line; the first authority where none says that it does."""
    authorities = sorted(geozone.zone_authority, key=lambda a: a.get("purpose") != "AUTHORIZATION") if geozone else []
    names = ("name", "service", "contact_name", "phone", "email", "site_url")
    said = [authorities[0].get(name) for name in names] if authorities else []
    return authority_line(*(text for text in said if isinstance(text, str)))


def _check_extent(chart: Chart, volumes: Sequence[ChartedVolume], path: str) -> None:
    """The standard's limits of a constraint: area of all its outlines together, time from first to last."""
    shapes = {volume.layer.shape for volume in volumes if not isinstance(volume.layer.shape, Corridor)}
    hours = (max(volume.end_s for volume in volumes) - min(volume.start_s for volume in volumes)) / 3600
    if hours > CONSTRAINT_MOST_H:
        chart.add(rules.CONSTRAINT_DURATION, path, found=hours, most=CONSTRAINT_MOST_H)
    # Layers over each other count once; where even their sum is within the limit nobody needs to know that.
    m2 = math.fsum(math.pi * shape.radius_m**2 if isinstance(shape, Circle) else area_of(shape) for shape in shapes)
    if m2 > CONSTRAINT_MOST_KM2 * 1e6:
        outlines = [outline for shape in shapes if (outline := _outline(shape)) is not None]
        m2 = area_of(shapely.union_all(outlines))
    if m2 > CONSTRAINT_MOST_KM2 * 1e6:
        chart.add(rules.CONSTRAINT_AREA, path, found=m2 / 1e6, most=CONSTRAINT_MOST_KM2)


def _outline(shape: Outline | Circle) -> Outline | None:
    """The outline of what a volume can have; None for a circle around a pole, which has none in degrees."""
    if not isinstance(shape, Circle):
        return shape
    return sound(Chart(""), [[(lon_deg, lat_deg) for lon_deg, lat_deg in circle_ring(shape).tolist()]], "")
