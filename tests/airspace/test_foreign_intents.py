"""Operational intents of others in our frame, and ours as others are told of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.charted import Circle, Layer
from airspace.foreign_intents import ChartedVolume, ForeignIntent, charted, laid
from airspace.frames import Datum, Height, LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.reasons import Refused
from tests.airspace.shapes import FRAME, ZHENGZHOU, volume

TOLD = {"manager": "us", "uss_base_url": "https://us.example.org", "subscription_id": "s"}


def foreign(place: LatLon = ZHENGZHOU) -> ForeignIntent:
    layer = Layer(Circle(place, 50.0), Height(10.0, Datum.ELLIPSOIDAL), Height(60.0, Datum.ELLIPSOIDAL))
    volumes = (ChartedVolume(layer, 100.0, 200.0),)
    return ForeignIntent(
        "I-1", "them", "https://x.example", 4, "ovn", IntentState.NONCONFORMING, 7, volumes, volumes, 100.0, 200.0, "s"
    )


def test_an_intent_of_others_is_laid_with_all_that_it_says() -> None:
    intent = laid(foreign(), FRAME)
    assert (intent.id, intent.priority, intent.state, intent.version, intent.ovn) == (
        "I-1",
        7,
        IntentState.NONCONFORMING,
        4,
        "ovn",
    )
    (planned,) = intent.volumes
    assert planned.box == pytest.approx((-50.0, -50.0, 10.0, 100.0, 50.0, 50.0, 60.0, 200.0), abs=0.05)
    assert intent.off_nominal_volumes == intent.volumes


def test_an_intent_too_far_away_to_be_laid_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        laid(foreign(LatLon(0.0, 0.0)), FRAME)
    assert refused.value.reasons[0].rule.code == "zone.far"
    assert refused.value.reasons[0].where == "I-1"


def test_an_intent_without_a_volume_cannot_be_told_of() -> None:
    with pytest.raises(ValueError, match="I-2"):
        charted(OperationalIntent("I-2", 0, IntentState.ENDED, ()), FRAME, **TOLD)


boxes = st.tuples(st.floats(-9000, 9000), st.floats(-9000, 9000), st.floats(1, 900), st.floats(1, 900))


@settings(max_examples=50)
@given(st.lists(boxes, min_size=1, max_size=3), st.sampled_from([*IntentState][:4]))
def test_ours_come_back_within_a_centimetre(plans: list[tuple[float, float, float, float]], state: IntentState) -> None:
    volumes = tuple(
        volume(box(x, y, x + width, y + height), 10.0 * i, 10.0 * i + 5.0, 60.0 * i, 60.0 * i + 90.0)
        for i, (x, y, width, height) in enumerate(plans)
    )
    ours = OperationalIntent("I-3", 3, state, volumes, 9, volumes[:1], "ovn")
    told = charted(ours, FRAME, **TOLD)
    assert (told.start_s, told.end_s) == (0.0, max(own.end_s for own in volumes))
    back = laid(told, FRAME)
    assert (back.id, back.priority, back.state, back.version, back.ovn) == ("I-3", 3, state, 9, "ovn")
    for one, other in zip(back.held, ours.held, strict=True):
        assert one.outline.hausdorff_distance(other.outline) < 0.01
        assert (one.floor_ellipsoidal_m, one.ceiling_ellipsoidal_m) == (
            other.floor_ellipsoidal_m,
            other.ceiling_ellipsoidal_m,
        )
        assert (one.start_s, one.end_s) == (other.start_s, other.end_s)
