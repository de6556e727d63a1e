"""F3548-21 out: intents and constraints come back as they were, and what is not an own of F3548 only grows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from uas_standards.astm.f3548.v21.api import GetConstraintDetailsResponse, GetOperationalIntentDetailsResponse

from airspace.charted import UNLIMITED, ChartedZone, Corridor, Layer, Restriction
from airspace.foreign_intents import ChartedVolume, ForeignIntent, charted, laid
from airspace.formats.f3548 import F3548Reading
from airspace.formats.f3548_writer import f3548_constraint as constraint_of
from airspace.formats.f3548_writer import f3548_intent as intent_of
from airspace.frames import Datum, Ground, Height, LatLon
from airspace.geodesy.epochs import EURASIA_2014
from airspace.intents import IntentState, OperationalIntent
from airspace.laying import laid_shape
from airspace.reasons import Refused, Words
from airspace.schedules import Day, Edge, Period, Schedule
from tests.airspace.charted_zones import circles as some_circles
from tests.airspace.charted_zones import layers, polygons
from tests.airspace.formats.geozone_documents import (
    CONSTRAINT_ID,
    HOLE,
    INTENT_ID,
    NOON,
    SQUARE,
    SUBSCRIPTION_ID,
    TEN,
    f3548_circle,
    f3548_constraint,
    f3548_geozone,
    f3548_intent,
    f3548_read,
    f3548_volume,
)
from tests.airspace.shapes import FRAME, volume

MORNING = (1779148800.0, 1779163200.0)
REFERENCE = {
    "id": CONSTRAINT_ID,
    "manager": "us",
    "uss_availability": "Normal",
    "version": 1,
    "uss_base_url": "https://us.example.org/utm",
}
STATES = ("Accepted", "Activated", "Nonconforming", "Contingent")


class Slope(Ground):
    """Ground that rises by 50 m under any shape."""

    def under(self, shape: Any) -> tuple[Ground, Ground]:
        return self, Ground(amsl_m=158.0, geoid_m=-19.4)


SLOPE = Slope(amsl_m=108.0, geoid_m=-19.4)


def zone(**given: Any) -> ChartedZone:
    """A square block of another source, from the ground to 120 m above it, this morning."""
    made: dict[str, Any] = {
        "id": "B",
        "name": Words("Block", "街区"),
        "kind": "no-fly",
        "rule": Words("closed", "禁止进入"),
        "layers": (Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), Height(120.0, Datum.AGL)),),
        "schedule": Schedule((MORNING,)),
        **given,
    }
    return ChartedZone(**made)


def over_ellipsoid(shape: Any) -> tuple[Layer, ...]:
    return (Layer(shape, Height(10.0, Datum.ELLIPSOIDAL), Height(60.0, Datum.ELLIPSOIDAL)),)


def losses(export: Any) -> list[str]:
    for reason in export.losses:
        assert reason.text("en")
        assert reason.text("zh")
    return [reason.rule.code for reason in export.losses]


def again(export: Any) -> F3548Reading:
    return f3548_read(export.document)


@pytest.mark.parametrize("state", STATES)
def test_an_intent_comes_back_as_it_was(state: str) -> None:
    reading = f3548_read(f3548_intent(state))
    export = intent_of(reading.intents[0])
    assert export.losses == ()
    assert again(export).intents == reading.intents
    assert intent_of(again(export).intents[0]).document == export.document


def test_an_independent_reader_takes_what_is_written() -> None:
    (read,) = f3548_read(f3548_intent("Nonconforming")).intents
    told = GetOperationalIntentDetailsResponse.parse(intent_of(read).document, GetOperationalIntentDetailsResponse)
    theirs = told.operational_intent
    assert theirs.reference.id == INTENT_ID
    assert theirs.reference.state.value == "Nonconforming"
    assert theirs.details.volumes[1].volume.outline_circle.radius.value == 300.5
    assert theirs.details.volumes[0].time_end.value.datetime.timestamp() == read.volumes[0].end_s
    constraint = constraint_of([zone()], reference=REFERENCE, surface=SLOPE).document
    details = GetConstraintDetailsResponse.parse(constraint, GetConstraintDetailsResponse).constraint.details
    assert len(details.volumes[0].volume.outline_polygon.vertices) == 6
    assert details.volumes[0].volume.altitude_lower.reference.value == "W84"


def test_positions_go_out_through_the_motion_that_they_came_in_by() -> None:
    (read,) = f3548_read(f3548_intent(), motion=EURASIA_2014).intents
    (back,) = f3548_read(intent_of(read, motion=EURASIA_2014).document).intents
    (plain,) = f3548_read(f3548_intent()).intents
    for moved, given_ in zip(back.volumes, plain.volumes, strict=True):
        ours, theirs = (laid_shape(FRAME, volume.layer.shape) for volume in (moved, given_))
        assert ours.hausdorff_distance(theirs) < 0.02


def test_a_constraint_comes_back_as_it_was() -> None:
    volumes = [f3548_volume(), f3548_volume(f3548_circle(), start=TEN, end=NOON)]
    document = {"constraint": f3548_constraint(*volumes, type="x", geozone=f3548_geozone())}
    zones = f3548_read(document).zones
    export = constraint_of(zones)
    assert export.losses == ()
    assert again(export).zones == zones
    assert export.document["constraint"]["reference"] == document["constraint"]["reference"]
    assert export.document["constraint"]["details"]["geozone"] == f3548_geozone()


def test_heights_over_ground_become_the_widest_over_the_ellipsoid() -> None:
    export = constraint_of([zone()], reference=REFERENCE, surface=SLOPE)
    assert losses(export) == ["export.ground"]
    (layer,) = again(export).zones[0].layers
    assert layer.floor.value_m == pytest.approx(88.6)
    assert layer.ceiling.value_m == pytest.approx(258.6)
    with pytest.raises(Refused) as refused:
        constraint_of([zone()], reference=REFERENCE)
    assert refused.value.reasons[0].rule.code == "zone.no-ground"


def test_a_constraint_needs_a_reference_and_an_end() -> None:
    always = zone(schedule=Schedule(), layers=over_ellipsoid(Polygon(SQUARE)))
    for reference, rule in ((None, "export.reference"), (REFERENCE, "export.open")):
        with pytest.raises(Refused) as refused:
            constraint_of([always], reference=reference)
        assert [reason.rule.code for reason in refused.value.reasons] == [rule]
        assert refused.value.reasons[0].text("zh")
    export = constraint_of([always], reference=REFERENCE, between=MORNING)
    assert losses(export) == []
    assert again(export).zones[0].schedule.windows == (MORNING,)


def test_a_schedule_becomes_the_windows_of_the_time_told_of() -> None:
    hours = (Period(Edge(8 * 3600.0), Edge(9 * 3600.0)), Period(Edge(11 * 3600.0), Edge(12 * 3600.0)))
    daily = zone(schedule=Schedule(periods=hours, zone="Asia/Shanghai"), layers=over_ellipsoid(Polygon(SQUARE)))
    export = constraint_of([daily], reference=REFERENCE, between=MORNING)
    assert [back.schedule.windows for back in again(export).zones] == [
        ((1779148800.0, 1779152400.0),),
        ((1779159600.0, 1779163200.0),),
    ]
    sundays = replace(daily, schedule=Schedule(periods=(Period(Edge(0.0), Edge(60.0), frozenset({Day.SUN})),)))
    with pytest.raises(Refused) as refused:
        constraint_of([sundays], reference=REFERENCE, between=MORNING)
    assert [reason.rule.code for reason in refused.value.reasons] == ["export.window"]


def test_a_country_brings_a_geozone_and_without_one_what_the_zone_asks_is_lost() -> None:
    asks = zone(restriction=Restriction.AUTHORISATION, layers=over_ellipsoid(Polygon(SQUARE)), authority="Tower")
    assert losses(constraint_of([asks], reference=REFERENCE)) == ["export.asks"]
    export = constraint_of([replace(asks, country="CHN", id="CHN-B")], reference=REFERENCE)
    assert losses(export) == []
    (back,) = again(export).zones
    assert (back.restriction, back.country, back.name.en) == (Restriction.AUTHORISATION, "CHN", "Block")
    assert back.authority == "Tower"
    assert export.document["constraint"]["details"]["geozone"]["identifier"] == "B"


@pytest.mark.parametrize(
    ("shape", "lost"),
    [
        (Polygon(SQUARE, [HOLE]), ["export.holes"]),
        (Corridor((LatLon(34.74, 113.6), LatLon(34.75, 113.61), LatLon(34.75, 113.63)), 80.0), ["export.corridor"]),
        (MultiPolygon([box(113.6, 34.7, 113.605, 34.705), box(113.61, 34.7, 113.615, 34.705)]), []),
    ],
)
def test_shapes_that_f3548_does_not_know_are_covered(shape: Any, lost: list[str]) -> None:
    export = constraint_of([zone(layers=over_ellipsoid(shape))], reference=REFERENCE)
    assert losses(export) == lost
    drawn = shapely.union_all([laid_shape(FRAME, layer.shape) for layer in again(export).zones[0].layers])
    assert drawn.buffer(0.05).covers(laid_shape(FRAME, shape))


def test_what_a_dss_would_refuse_is_told() -> None:
    wide = zone(layers=over_ellipsoid(box(113.0, 34.0, 115.0, 35.0)), schedule=Schedule(((0.5, 200_000.0),)))
    export = constraint_of([wide], reference={**REFERENCE, "id": "mine"})
    assert losses(export) == ["chart.shape"]
    export = constraint_of([wide], reference=REFERENCE)
    assert losses(export) == ["f3548.constraint-duration", "f3548.constraint-area"]
    own = OperationalIntent("M-1", 0, IntentState.ACCEPTED, (volume(),))
    told = charted(own, FRAME, manager="us", uss_base_url="https://us.example.org", subscription_id=SUBSCRIPTION_ID)
    assert losses(intent_of(told)) == ["chart.shape"]


def test_a_zone_without_a_ceiling_is_told_up_to_what_anything_reaches() -> None:
    open_above = (Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), UNLIMITED),)
    (layer,) = again(constraint_of([zone(layers=open_above)], reference=REFERENCE, surface=SLOPE)).zones[0].layers
    assert layer.ceiling.value_m == pytest.approx(30_000.0 - 19.4)


times = st.integers(1_700_000_000, 1_800_000_000)
volumes = st.builds(
    lambda layer, start, length: ChartedVolume(layer, float(start), start + length / 8),
    layers([Datum.ELLIPSOIDAL], st.one_of(polygons().map(lambda p: Polygon(p.exterior)), some_circles)),
    times,
    st.integers(1, 80_000),
)


@settings(max_examples=25)
@given(st.lists(volumes, min_size=1, max_size=3), st.sampled_from(IntentState), st.integers(-5, 200))
def test_any_intent_comes_back_with_its_circles_and_within_two_centimetres_of_its_polygons(
    held: list[ChartedVolume], state: IntentState, priority: int
) -> None:
    if state is IntentState.ENDED:
        return
    planned = () if state is IntentState.CONTINGENT else tuple(held)
    beside = tuple(held) if state in (IntentState.NONCONFORMING, IntentState.CONTINGENT) else ()
    span = (min(volume.start_s for volume in held), max(volume.end_s for volume in held))
    intent = ForeignIntent(
        INTENT_ID, "us", "https://us.example.org", 7, "", state, priority, planned, beside, *span, SUBSCRIPTION_ID
    )
    export = intent_of(intent)
    assert export.losses == ()
    (back,) = again(export).intents
    assert replace(back, volumes=planned, off_nominal_volumes=beside) == intent
    for ours, theirs in zip(laid(back, FRAME).held, laid(intent, FRAME).held, strict=True):
        assert ours.box[2:4] == theirs.box[2:4]
        assert ours.box[6:] == theirs.box[6:]
        assert ours.outline.hausdorff_distance(theirs.outline) < 0.02
    assert json.loads(json.dumps(export.document)) == export.document
