from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from airspace.conflicts import Conflict
from airspace.intents import IntentEvent, IntentState, OperationalIntent
from airspace.margins import Margins, swept
from airspace.model import Airspace
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from tests.airspace.shapes import DAY_S, FRAME, GROUND, GROUND_M, volume, zone


def airspace(*zones: Zone) -> Airspace:
    return Airspace(FRAME, GROUND, zones)


def intent(id_: str, *volumes: Volume4D, state: IntentState = IntentState.ACCEPTED) -> OperationalIntent:
    return OperationalIntent(id_, 0, state, volumes)


def leg(start: tuple[float, float], end: tuple[float, float], agl_m: float = 45.0, at_s: float = DAY_S) -> Volume4D:
    height_m = GROUND_M + agl_m
    return swept(start, end, height_m, height_m, at_s, at_s + 60.0, Margins(10.0, 5.0, 15.0))


def block(
    zone_id: str = "B",
    low_agl_m: float = 0.0,
    high_agl_m: float = 300.0,
    start_s: float = 0.0,
    end_s: float = FOREVER_S,
) -> Zone:
    return zone(zone_id, volume(box(400, -50, 500, 50), GROUND_M + low_agl_m, GROUND_M + high_agl_m, start_s, end_s))


def test_a_leg_is_judged_and_not_its_waypoints() -> None:
    site = airspace(block())
    (conflict,) = site.conflicts([leg((0, 0), (300, 0)), leg((0, 0), (900, 0)), leg((600, 0), (900, 0))])
    assert (conflict.volume, conflict.other_id, conflict.other_kind) == (1, "B", "zone")


def test_a_conflict_says_where_when_and_how_high() -> None:
    site = airspace(block(high_agl_m=48.0, start_s=DAY_S + 10.0, end_s=DAY_S + 3600.0))
    (conflict,) = site.conflicts([leg((0, 0), (900, 0))])
    assert conflict.overlap.bounds == pytest.approx((400, -10, 500, 10), abs=0.1)
    assert (conflict.start_s, conflict.end_s) == (DAY_S + 10.0, DAY_S + 75.0)
    assert conflict.floor_ellipsoidal_m == pytest.approx(GROUND_M + 40.0)
    assert conflict.ceiling_ellipsoidal_m == pytest.approx(GROUND_M + 48.0)
    x_m, y_m = FRAME.xy(conflict.place)
    assert 400.0 < x_m < 500.0
    assert -10.0 < y_m < 10.0


def test_the_reason_names_place_time_height_rule_and_ways_out_in_both_languages() -> None:
    site = airspace(block(low_agl_m=30.0, high_agl_m=100.0, start_s=DAY_S + 10.0, end_s=DAY_S + 3600.0))
    (conflict,) = site.conflicts([leg((0, 0), (900, 0))])
    reason = conflict.reason("pipeline.yaml leg 3")
    assert reason.text("en") == (
        f"pipeline.yaml leg 3: enters zone B (B: closed) near {conflict.place}, 40 to 50 m above ground, "
        "2026-05-18T01:00:10Z to 2026-05-18T01:01:15Z [airspace.zone] Plan around it, or stay below 30 m above ground, "
        "or stay above 100 m above ground, or be gone by 2026-05-18T01:00:10Z, or come after 2026-05-18T02:00:00Z, "
        "margins included."
    )
    for part in (
        "区域 B",
        "禁止进入",
        str(conflict.place),
        "40",
        "50",
        "2026-05-18T01:00:10Z",
        "低于离地 30",
        "高于离地 100",
    ):
        assert part in reason.text("zh")
    assert (reason.start_s, reason.end_s) == (conflict.start_s, conflict.end_s)
    assert (reason.lat_deg, reason.lon_deg) == (conflict.place.lat_deg, conflict.place.lon_deg)


def test_a_zone_from_the_ground_to_the_sky_for_ever_leaves_only_the_way_round() -> None:
    (conflict,) = airspace(block()).conflicts([leg((0, 0), (900, 0))])
    assert conflict.reason().text("en").endswith("Plan around it.")
    assert conflict.reason().text("zh").endswith("请绕行。")


def test_each_way_out_that_a_reason_names_clears_the_conflict() -> None:
    site = airspace(block(low_agl_m=60.0, high_agl_m=90.0, start_s=DAY_S, end_s=DAY_S + 3600.0))
    ends = (0.0, 0.0), (900.0, 0.0)
    assert site.conflicts([leg(*ends, agl_m=75.0)])
    assert not site.conflicts([leg(*ends, agl_m=60.0 - 5.1)])
    assert not site.conflicts([leg(*ends, agl_m=90.0 + 5.1)])
    assert not site.conflicts([leg(*ends, agl_m=75.0, at_s=DAY_S - 75.0)])
    assert not site.conflicts([leg(*ends, agl_m=75.0, at_s=DAY_S + 3600.0 + 15.0)])
    assert not site.conflicts([leg((0.0, 61.0), (900.0, 61.0), agl_m=75.0)])


def test_a_shape_that_only_touches_a_zone_still_has_a_place() -> None:
    site = airspace(zone("T", volume(box(100, 0, 200, 100), start_s=0.0, end_s=FOREVER_S)))
    (conflict,) = site.conflicts([volume()])
    assert conflict.overlap.area == 0.0
    assert FRAME.xy(conflict.place)[0] == pytest.approx(100.0, abs=1e-3)


def test_conflicts_come_by_volume_then_zones_then_intents_each_by_id() -> None:
    site = airspace(zone("z2", volume(start_s=0.0, end_s=FOREVER_S)), zone("z1", volume(start_s=0.0, end_s=FOREVER_S)))
    site.put_intent(intent("b", volume()))
    site.put_intent(intent("a", volume(), volume()))
    found = site.conflicts([volume(), volume()])
    assert [(c.volume, c.other_id) for c in found] == [(i, o) for i in (0, 1) for o in ("z1", "z2", "a", "a", "b")]


def test_an_intent_holds_its_airspace_until_it_ends() -> None:
    site = airspace()
    held = intent("flight-1", volume())
    site.put_intent(held)
    (conflict,) = site.conflicts([volume()])
    assert (conflict.other_kind, conflict.other_id) == ("intent", "flight-1")
    assert "flight-1" in conflict.reason().text("en")
    assert "flight-1" in conflict.reason().text("zh")
    assert conflict.reason().rule.code == "airspace.intent"
    assert site.conflicts([volume()], own_id="flight-1") == []
    site.put_intent(held.after(IntentEvent.END))
    assert site.conflicts([volume()]) == []
    assert site.intents == ()


def test_a_changed_intent_gives_back_what_it_no_longer_needs() -> None:
    site = airspace()
    site.put_intent(intent("f", volume(), volume(box(200, 0, 300, 100))))
    site.put_intent(intent("f", volume(box(500, 0, 600, 100))))
    assert site.conflicts([volume(), volume(box(200, 0, 300, 100))]) == []
    assert len(site.conflicts([volume(box(550, 0, 560, 9))])) == 1
    site.remove_intent("f")
    site.remove_intent("f")
    assert site.conflicts([volume(box(550, 0, 560, 9))]) == []


def test_two_zones_or_intents_of_one_id_are_an_error() -> None:
    with pytest.raises(ValueError, match="two zones"):
        airspace(block("B"), block("B"))
    with pytest.raises(ValueError, match="two intents"):
        Airspace(FRAME, GROUND, (), [intent("a", volume()), intent("a", volume())])


def test_obstacles_are_the_zones_of_that_band_and_window_as_one_shape() -> None:
    low = zone("low", volume(box(0, 0, 10, 10), 0.0, 50.0, start_s=0.0, end_s=FOREVER_S))
    high = zone("high", volume(box(5, 0, 20, 10), 60.0, 90.0, start_s=0.0, end_s=FOREVER_S))
    late = zone("late", volume(box(40, 0, 50, 10), 0.0, 90.0, 100.0, 200.0))
    site = airspace(low, high, late)
    assert site.obstacles(10.0, 20.0, 0.0, 100.0).equals(box(0, 0, 10, 10))
    assert site.obstacles(10.0, 60.0, 0.0, 100.0).equals(box(0, 0, 20, 10))
    assert site.obstacles(55.0, 58.0, 100.0, 101.0).equals(box(40, 0, 50, 10))
    assert site.obstacles(91.0, 95.0, 0.0, 300.0).is_empty
    assert [z.id for z in site.zones_in(0.0, 100.0, 0.0, 300.0)] == ["high", "late", "low"]
    assert isinstance(site.obstacles(91.0, 95.0, 0.0, 300.0), Polygon)


def test_clearance_counts_only_zones_of_the_same_heights_and_times() -> None:
    line = LineString([(0, 0), (1000, 0)])
    near = zone("near", volume(box(400, 120, 500, 200), 0.0, 50.0, start_s=0.0, end_s=FOREVER_S))
    far = zone("far", volume(box(400, -400, 500, -300), 0.0, 900.0, start_s=0.0, end_s=FOREVER_S))
    site = airspace(near, far)
    assert site.clearance_m(line, 40.0, 50.0, 0.0, 10.0) == pytest.approx(120.0)
    assert site.clearance_m(line, 51.0, 60.0, 0.0, 10.0) == pytest.approx(300.0)
    assert site.clearance_m(LineString([(450, 0), (450, 500)]), 40.0, 50.0, 0.0, 10.0) == 0.0
    assert site.clearance_m(line, 901.0, 950.0, 0.0, 10.0) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_a_drone_seen_inside_a_zone_anywhere_on_its_legs_was_a_conflict(seed: int) -> None:
    rng = random.Random(seed)
    zones = []
    for i in range(6):
        x_m, y_m, low_m, start_s = rng.uniform(0, 900), rng.uniform(0, 900), rng.uniform(0, 80), rng.uniform(0, 250)
        sides = (x_m, y_m, x_m + rng.uniform(5, 150), y_m + rng.uniform(5, 150), low_m, low_m + rng.uniform(5, 60))
        window = start_s, start_s + rng.uniform(5, 200)
        zones.append((f"z{i}", sides, window))
    site = airspace(*(zone(name, volume(box(*s[:4]), s[4], s[5], *w)) for name, s, w in zones))
    way = [(rng.uniform(0, 1000), rng.uniform(0, 1000), rng.uniform(0, 120), 60.0 * i) for i in range(6)]
    seen: set[tuple[int, str]] = set()
    legs = []
    for number, ((x0, y0, z0, t0), (x1, y1, z1, t1)) in enumerate(pairwise(way)):
        margins = Margins(1.0, 0.0, 0.0)
        legs.append(swept((x0, y0), (x1, y1), min(z0, z1), max(z0, z1), t0, t1, margins))
        for step in range(400):
            f = step / 400
            x, y, z, t = x0 + f * (x1 - x0), y0 + f * (y1 - y0), z0 + f * (z1 - z0), t0 + f * (t1 - t0)
            for name, (xa, ya, xb, yb, za, zb), (ta, tb) in zones:
                if xa <= x <= xb and ya <= y <= yb and za <= z <= zb and ta <= t < tb:
                    seen.add((number, name))
    assert seen <= {(conflict.volume, conflict.other_id) for conflict in site.conflicts(legs)}


def random_volume(rng: random.Random) -> Volume4D:
    x_m, y_m, low_m, start_s = (rng.uniform(0, 1000), rng.uniform(0, 1000), rng.uniform(0, 100), rng.uniform(0, 1000))
    outline = Polygon([(x_m, y_m), (x_m + rng.uniform(20, 300), y_m), (x_m, y_m + rng.uniform(20, 300))])
    return Volume4D(outline, low_m, low_m + rng.uniform(5, 40), start_s, start_s + rng.uniform(10, 300))


def found(conflicts: list[Conflict]) -> list[tuple[int, str, str, Volume4D]]:
    return [(c.volume, c.other_kind, c.other_id, c.other) for c in conflicts]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_answer_is_that_of_brute_force_over_all_pairs(seed: int) -> None:
    rng = random.Random(seed)
    zones = [zone(f"z{i:02}", random_volume(rng)) for i in range(25)]
    site = airspace(*zones)
    intents = [intent(f"i{i:02}", *(random_volume(rng) for _ in range(3))) for i in range(12)]
    for held in intents:
        site.put_intent(held)
    for held in intents[::3]:
        site.remove_intent(held.id)
    intents = [held for held in intents if held not in intents[::3]]
    asked = [random_volume(rng) for _ in range(8)]
    expected = [
        (i, kind, other_id, other)
        for i, own in enumerate(asked)
        for kind, other_id, other in [
            *(("zone", z.id, z.volume) for z in zones),
            *(("intent", held.id, v) for held in intents for v in held.volumes),
        ]
        if own.overlaps(other)
    ]
    conflicts = site.conflicts(asked)
    assert found(conflicts) == expected
    for conflict in conflicts:
        own = asked[conflict.volume]
        assert own.outline.distance(conflict.overlap.representative_point()) < 1e-6
        assert own.start_s <= conflict.start_s < conflict.end_s <= own.end_s
        assert conflict.floor_ellipsoidal_m <= conflict.ceiling_ellipsoidal_m
