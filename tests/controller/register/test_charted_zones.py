from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from shapely.geometry import MultiPolygon, Polygon, box

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Shape
from airspace.formats.importing import read_chart_file
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.reasons import Refused, Words
from airspace.schedules import Schedule
from airspace.zones import lay
from controller.register.changes import Batch
from controller.register.charted_zones import EVERYWHERE_M, extents, feature_of, ovn_of_feature, zone_of
from controller.register.register import open_register
from tests.airspace.charted_zones import charted_zones
from tests.controller.register.writing_process import FOUNDING, NOW_S

ORIGIN = LatLon(34.7466, 113.6050)
FRAME = LocalFrame(ORIGIN)
GROUND = Ground(108.0, -19.4)
SEED = b"a seed for the tests of a register"


def zone(*shapes: Shape, schedule: Schedule | None = None) -> ChartedZone:
    layers = tuple(Layer(shape, Height(0.0, Datum.AGL), Height(120.0, Datum.AGL)) for shape in shapes)
    words = Words("zone", "区域")
    return ChartedZone("Z", words, "no-fly", words, layers, schedule=schedule or Schedule())


@given(charted_zones())
@settings(max_examples=50, deadline=None)
def test_a_zone_comes_back_as_it_was_stored(charted: ChartedZone) -> None:
    feature = feature_of(charted)
    assert zone_of(feature, "the register") == charted
    assert feature_of(zone_of(feature, "the register")) == feature


@given(charted_zones())
@settings(max_examples=50, deadline=None)
def test_an_extent_holds_every_layer_as_it_is_laid(charted: ChartedZone) -> None:
    boxes = extents(charted, FRAME)
    try:
        laid = lay(charted, FRAME, GROUND)
    except Refused:
        return
    for layer in laid:
        covered = [one for one in boxes if one.outline.intersects(layer.volume.outline)]
        union = covered[0].outline
        for one in covered[1:]:
            union = union.union(one.outline)
        assert union.covers(layer.volume.outline)
        assert all(one.start_s <= layer.volume.start_s and layer.volume.end_s <= one.end_s for one in covered)


@pytest.mark.parametrize(
    "shape",
    [
        Circle(LatLon(34.8, 113.7), 500.0),
        Corridor((LatLon(34.8, 113.7), LatLon(34.9, 113.9)), 50.0),
        box(113.6, 34.7, 113.7, 34.8),
    ],
)
def test_an_extent_is_not_much_larger_than_its_zone(shape: Shape) -> None:
    (held,) = extents(zone(shape), FRAME)
    (laid,) = lay(zone(shape), FRAME, GROUND)
    x0, y0, x1, y1 = laid.volume.outline.bounds
    a0, b0, a1, b1 = held.outline.bounds
    assert (a1 - a0) < 1.1 * (x1 - x0) + 10.0
    assert (b1 - b0) < 1.1 * (y1 - y0) + 10.0


def test_parts_on_both_sides_of_the_antimeridian_are_held_apart() -> None:
    frame = LocalFrame(LatLon(0.0, 179.9))
    both = MultiPolygon([box(179.8, -0.1, 180.0, 0.1), box(-180.0, -0.1, -179.8, 0.1)])
    widths = [one.outline.bounds[2] - one.outline.bounds[0] for one in extents(zone(both), frame)]
    assert len(widths) == 2
    assert max(widths) < 30_000.0


def test_a_zone_on_the_other_side_of_the_earth_is_near_nothing_or_everything_but_never_missed() -> None:
    (held,) = extents(zone(Polygon([(-70, -40), (-60, -40), (-60, -30)])), FRAME)
    assert held.outline.bounds == (-EVERYWHERE_M, -EVERYWHERE_M, EVERYWHERE_M, EVERYWHERE_M)


def test_a_polar_circle_and_a_corridor_over_the_antimeridian_go_all_around() -> None:
    frame = LocalFrame(LatLon(80.0, 0.0))
    for shape in (Circle(LatLon(89.5, 10.0), 60_000.0), Corridor((LatLon(80.0, 179.9), LatLon(80.0, -179.9)), 100.0)):
        (held,) = extents(zone(shape), frame)
        x_m, y_m = frame.xy(LatLon(80.0 if isinstance(shape, Corridor) else 89.9, 180.0))
        assert held.contains(x_m, y_m, 50.0, 1e9)


def test_an_extent_lasts_from_the_first_window_to_the_last() -> None:
    schedule = Schedule(windows=((100.0, 200.0), (900.0, 1000.0)))
    (held,) = extents(zone(Circle(ORIGIN, 100.0), schedule=schedule), FRAME)
    assert (held.start_s, held.end_s) == (100.0, 1000.0)


@pytest.mark.parametrize(
    "changed",
    [
        lambda: ovn_of_feature(b"feature", 2, SEED),
        lambda: ovn_of_feature(b"feature!", 1, SEED),
        lambda: ovn_of_feature(b"feature", 1, b"another seed of a register"),
    ],
)
def test_the_ovn_of_a_zone_changes_with_its_chart_its_batch_and_the_register(changed: Callable[[], str]) -> None:
    assert changed() != ovn_of_feature(b"feature", 1, SEED)
    assert ovn_of_feature(b"feature", 1, SEED) == ovn_of_feature(b"feature", 1, SEED)


def test_what_is_no_zone_is_refused_with_the_readers_reasons() -> None:
    with pytest.raises(Refused) as refused:
        zone_of(b'{"type":"Feature"}', "the register")
    assert refused.value.reasons


@pytest.mark.parametrize(
    "name", ["openair/Switzerland.txt", "ed269/geo-awareness-che-1.json", "ed318/Example_Collection.json"]
)
def test_a_real_chart_comes_back_from_the_register_as_it_was_read(tmp_path: Path, name: str) -> None:
    chart = Path(__file__).parents[3].parent / "shared" / "data" / name
    if not chart.exists():
        pytest.skip("the collected charts are not here")
    read = read_chart_file(chart).zones
    assert read
    with open_register(tmp_path / "airspace.db", lambda: NOW_S, founding=FOUNDING) as register:
        register.import_zones(read, Batch(name, "00", "the office"))
        held = [one.zone for one in register.zones()]
    assert held == sorted(read, key=lambda one: one.id)
