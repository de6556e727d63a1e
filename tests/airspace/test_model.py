from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from airspace.charted import ChartedZone, Circle, Layer, Restriction
from airspace.conflicts import Conflict
from airspace.frames import Datum, Height, LatLon
from airspace.intents import IntentEvent, IntentState, OperationalIntent
from airspace.margins import Margins, swept
from airspace.model import Airspace
from airspace.reasons import Words
from airspace.rules import by_name
from airspace.schedules import Day, Edge, Period, Schedule
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zone_kinds import ZONE_KINDS
from airspace.zones import Zone, lay
from tests.airspace.shapes import DAY_S, FRAME, GROUND, GROUND_M, UnknownGround, volume, zone


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
    wall = block(low_agl_m=30.0, high_agl_m=100.0, start_s=DAY_S + 10.0, end_s=DAY_S + 3600.0)
    (conflict,) = Airspace(FRAME, GROUND, [wall], jurisdiction=by_name("china")).conflicts([leg((0, 0), (900, 0))])
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


def test_zones_are_asked_for_in_a_band_and_a_window() -> None:
    low = zone("low", volume(box(0, 0, 10, 10), 0.0, 50.0, start_s=0.0, end_s=FOREVER_S))
    high = zone("high", volume(box(5, 0, 20, 10), 60.0, 90.0, start_s=0.0, end_s=FOREVER_S))
    late = zone("late", volume(box(40, 0, 50, 10), 0.0, 90.0, 100.0, 200.0))
    site = airspace(low, high, late)

    def ids(low_m: float, high_m: float, start_s: float, end_s: float) -> list[str]:
        found = site.zones_in((-1e3, -1e3, 1e3, 1e3), low_m, high_m, start_s, end_s)
        assert site.closed_in((-1e3, -1e3, 1e3, 1e3), low_m, high_m, start_s, end_s) == found
        return [held.id for held in found]

    assert ids(10.0, 20.0, 0.0, 100.0) == ["low"]
    assert ids(10.0, 60.0, 0.0, 100.0) == ["high", "low"]
    assert ids(55.0, 58.0, 100.0, 101.0) == ["late"]
    assert ids(91.0, 95.0, 0.0, 300.0) == []
    assert ids(0.0, 100.0, 0.0, 300.0) == ["high", "late", "low"]
    assert ids(0.0, 100.0, 200.0, 300.0) == ["high", "low"]


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


# -- leave, hours, priorities


ASKS = {
    Restriction.AUTHORISATION: ("airspace.authorisation", "without its authorisation", "未经许可"),
    Restriction.CONDITIONAL: ("airspace.condition", "without its conditions being met", "未满足条件"),
}


@pytest.mark.parametrize("restriction", ASKS)
def test_a_zone_that_asks_for_leave_is_closed_to_whoever_has_none(restriction: Restriction) -> None:
    site = airspace(replace(block(), restriction=restriction))
    across = [leg((0, 0), (900, 0))]
    (conflict,) = site.conflicts(across)
    code, en, zh = ASKS[restriction]
    reason = conflict.reason()
    assert reason.rule.code == code
    assert en in reason.text("en")
    assert zh in reason.text("zh")
    assert "whoever answers for it" in reason.text("en")
    assert "name B as permitted" in reason.text("en")
    assert site.conflicts(across, permitted=frozenset({"other"}))
    assert site.conflicts(across, permitted=frozenset({"other", "B"})) == []
    assert conflict.occupant.restriction is restriction


def test_no_leave_opens_what_is_prohibited_and_none_is_needed_where_nothing_is_asked() -> None:
    across = [leg((0, 0), (900, 0))]
    assert airspace(block()).conflicts(across, permitted=frozenset({"B"}))
    site = airspace(replace(block(), restriction=Restriction.NONE))
    assert site.conflicts(across) == []
    assert [held.id for held in site.zones_at(450.0, 0.0, GROUND_M + 45.0, DAY_S)] == ["B"]
    band_and_window = (GROUND_M, GROUND_M + 50.0, 0.0, FOREVER_S)
    assert [held.id for held in site.zones_in((0.0, -60.0, 900.0, 60.0), *band_and_window)] == ["B"]
    assert site.closed_in((0.0, -60.0, 900.0, 60.0), *band_and_window) == ()
    assert site.clearance_m(LineString([(0, 0), (900, 0)]), GROUND_M, GROUND_M + 50.0, 0.0, 10.0) is None


def test_leave_is_named_by_the_charted_id_whatever_the_layer_and_says_whom_to_ask() -> None:
    away_m = FRAME.lon_lat_array([(450.0, 0.0)])[0]
    circle = Circle(LatLon(float(away_m[1]), float(away_m[0])), 50.0)
    layers = tuple(
        Layer(circle, Height(low_m, Datum.AGL), Height(low_m + 30.0, Datum.AGL)) for low_m in (0.0, 40.0, 80.0)
    )
    name = Words("Tower", "塔台")
    rule = Words("ask", "申请")
    charted = ChartedZone("T", name, "airport", rule, layers, Restriction.AUTHORISATION, authority="ZHCC +86 371 1")
    site = airspace(*lay(charted, FRAME, GROUND))
    (conflict,) = site.conflicts([leg((0, 0), (900, 0), agl_m=55.0)])
    assert conflict.other_id == "T#2"
    assert "Get the authorisation of ZHCC +86 371 1 and name T as permitted" in conflict.reason().text("en")
    assert "请取得ZHCC +86 371 1的许可并将 T 列为已许可" in conflict.reason().text("zh")
    assert site.conflicts([leg((0, 0), (900, 0), agl_m=55.0)], permitted=frozenset({"T#2"}))
    assert site.conflicts([leg((0, 0), (900, 0), agl_m=55.0)], permitted=frozenset({"T"})) == []


def school_hours() -> Zone:
    hours = Schedule(
        periods=(Period(Edge(7.5 * 3600.0), Edge(17 * 3600.0), frozenset({Day.MON})),), zone="Asia/Shanghai"
    )
    return replace(block("school"), schedule=hours, place=FRAME.origin)


def test_a_zone_with_hours_is_in_the_way_only_in_them() -> None:
    site = airspace(school_hours())
    monday_s = DAY_S - 9 * 3600.0  # DAY_S is nine o'clock on a Monday in China
    (conflict,) = site.conflicts([leg((0, 0), (900, 0))])
    assert (conflict.start_s, conflict.end_s) == (DAY_S - 15.0, DAY_S + 75.0)
    assert (conflict.other.start_s, conflict.other.end_s) == (monday_s + 7.5 * 3600.0, monday_s + 17 * 3600.0)
    text = conflict.reason().text("en")
    assert "or be gone by 2026-05-17T23:30:00Z, or come after 2026-05-18T09:00:00Z" in text
    for at_s in (monday_s + 7.5 * 3600.0 - 75.0, monday_s + 17 * 3600.0 + 15.0, DAY_S + 86_400.0):
        assert site.conflicts([leg((0, 0), (900, 0), at_s=at_s)]) == []
        assert site.zones_in((0, -60, 900, 60), 0.0, 500.0, at_s - 15.0, at_s + 75.0) == ()
    assert site.zones_at(450.0, 0.0, GROUND_M + 45.0, DAY_S) == (site.zone("school"),)
    assert site.zones_at(450.0, 0.0, GROUND_M + 45.0, DAY_S + 86_400.0) == ()


def test_a_long_stay_meets_the_first_of_the_hours() -> None:
    (conflict,) = airspace(school_hours()).conflicts(
        [volume(box(400, 0, 500, 50), 0.0, 500.0, DAY_S + 86_400.0, DAY_S + 30 * 86_400.0)]
    )
    assert conflict.start_s == DAY_S - 1.5 * 3600.0 + 7 * 86_400.0
    assert conflict.end_s == DAY_S + 8 * 3600.0 + 7 * 86_400.0


def test_the_jurisdiction_says_who_may_be_planned_over_whom() -> None:
    low = replace(intent("low", volume()), priority=1)
    site = Airspace(FRAME, GROUND, (), [low], jurisdiction=by_name("ed269"))
    (conflict,) = site.conflicts([volume()], priority=1)
    assert conflict.occupant.priority == 1
    assert "low (priority 1)" in conflict.reason().text("en")
    assert "low（优先级 1）" in conflict.reason().text("zh")
    assert site.conflicts([volume()], priority=2) == []
    for strict in (
        Airspace(FRAME, GROUND, (), [low], jurisdiction=by_name("china")),
        Airspace(FRAME, GROUND, (), [low]),
    ):
        assert strict.conflicts([volume()], priority=100)


def test_a_zone_without_a_rule_of_its_own_is_kept_by_the_article_of_the_jurisdiction() -> None:
    pad = replace(block(), kind="hospital-pad", rule=ZONE_KINDS["hospital-pad"])
    said: list[str] = []
    for law in (None, by_name("china"), by_name("ed269")):
        (conflict,) = Airspace(FRAME, GROUND, [pad], jurisdiction=law).conflicts([leg((0, 0), (900, 0))])
        said.append(conflict.rule.en)
    assert said == [
        "hospital helicopter pad",
        "hospital helicopter pad, Interim Regulations art. 33",
        "hospital helicopter pad, field restriction = PROHIBITED, ED-269",
    ]
    (own,) = Airspace(FRAME, GROUND, [block()], jurisdiction=by_name("china")).conflicts([leg((0, 0), (900, 0))])
    assert own.rule == block().rule


def test_ways_over_end_under_the_height_of_the_jurisdiction() -> None:
    across = [leg((0, 0), (900, 0))]
    for high_agl_m, law, named in ((114.0, "china", True), (116.0, "china", False), (114.0, "", False)):
        jurisdiction = by_name(law) if law else None
        site = Airspace(FRAME, GROUND, [block(high_agl_m=high_agl_m)], jurisdiction=jurisdiction)
        assert ("stay above" in site.conflicts(across)[0].reason().text("en")) is named


def test_zones_met_are_those_that_are_active_where_and_when_whatever_they_ask() -> None:
    free = replace(block("FREE"), restriction=Restriction.NONE)
    later = block("LATER", start_s=DAY_S + 3600.0)
    site = airspace(free, later, block("B"))
    assert [zone.id for zone in site.zones_met([leg((0, 0), (900, 0))])] == ["B", "FREE"]
    assert [zone.id for zone in site.zones_met([leg((0, 0), (900, 0), at_s=DAY_S + 3600.0)])] == ["B", "FREE", "LATER"]
    assert site.zones_met([leg((0, 900), (900, 900))]) == ()


def test_an_intent_off_nominal_is_met_where_it_may_be_and_gone_when_it_ends() -> None:
    astray = volume(box(500.0, 0.0, 600.0, 100.0))
    flying = intent("F", volume()).after(IntentEvent.LEAVE, off_nominal_volumes=[astray])
    site = airspace()
    site.put_intent(flying)
    assert [one.other for one in site.conflicts([astray])] == [astray]
    site.put_intent(flying.after(IntentEvent.GIVE_UP))
    assert site.conflicts([volume()]) == []
    assert [one.other for one in site.conflicts([astray])] == [astray]
    site.remove_intent("F")
    assert site.conflicts([astray]) == []


def test_a_conflict_over_unknown_ground_tells_heights_over_the_ellipsoid() -> None:
    (conflict,) = Airspace(FRAME, UnknownGround(), [block(low_agl_m=20.0)]).conflicts([leg((0, 0), (900, 0))])
    assert conflict.ground is None
    assert "129 to 139 m over the ellipsoid" in conflict.reason().text("en")
    assert "stay below 109 m over the ellipsoid" in conflict.reason().text("en")
    assert "椭球高 129 至 139 米" in conflict.reason().text("zh")


# -- zones that come and go


def test_zones_come_and_go_with_all_their_layers() -> None:
    site = airspace(block("A"))
    across = [leg((0, 0), (900, 0))]
    name = Words("T", "T")
    low = Layer(box(113.60, 34.74, 113.62, 34.75), Height(0.0, Datum.AGL), Height(40.0, Datum.AGL))
    high = Layer(low.shape, Height(40.0, Datum.AGL), Height(90.0, Datum.AGL))
    charted = ChartedZone("T", name, "airport", name, (low, high))
    site.put_zones(lay(charted, FRAME, GROUND))
    assert [zone.id for zone in site.zones] == ["A", "T", "T#2"]
    assert {c.other_id for c in site.conflicts(across)} == {"A", "T", "T#2"}
    site.put_zones([*lay(replace(charted, layers=(high,)), FRAME, GROUND), block("C", low_agl_m=200.0)])
    assert [zone.id for zone in site.zones] == ["A", "C", "T"]
    assert {c.other_id for c in site.conflicts(across)} == {"A", "T"}
    site.remove_zone("T")
    site.remove_zone("T")
    site.remove_zone("nobody")
    assert [c.other_id for c in site.conflicts(across)] == ["A"]
    with pytest.raises(KeyError):
        site.zone("T")


def test_what_would_give_two_zones_one_id_changes_nothing() -> None:
    site = airspace(block("A"), block("B"))
    for bad in ([block("C"), block("C")], [block("C"), replace(block("B"), charted=charted_as("X"))]):
        with pytest.raises(ValueError, match="two zones"):
            site.put_zones(bad)
        assert [zone.id for zone in site.zones] == ["A", "B"]
    assert len(site.conflicts([leg((0, 0), (900, 0))])) == 2


def charted_as(zone_id: str) -> ChartedZone:
    low = Layer(box(113.60, 34.74, 113.62, 34.75), Height(0.0, Datum.AGL), Height(40.0, Datum.AGL))
    return ChartedZone(zone_id, Words("x", "x"), "no-fly", Words("x", "x"), (low,))


def test_zones_are_asked_for_in_a_box() -> None:
    site = airspace(*(zone(f"z{i}", volume(box(100 * i, 0, 100 * i + 50, 50), end_s=FOREVER_S)) for i in range(10)))
    assert [held.id for held in site.zones_in((120.0, 10.0, 320.0, 20.0), 0.0, 10.0, 0.0, 1.0)] == ["z1", "z2", "z3"]
    assert site.zones_in((160.0, 10.0, 190.0, 20.0), 0.0, 10.0, 0.0, 1.0) == ()
    assert site.zones_in((120.0, 60.0, 320.0, 70.0), 0.0, 10.0, 0.0, 1.0) == ()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_nearest_zone_is_found_however_far_it_is(seed: int) -> None:
    rng = random.Random(seed)
    reach_m = 10.0 ** rng.uniform(2, 5.5)
    zones = [
        zone(f"z{i}", volume(box(x, y, x + 50, y + 50), end_s=FOREVER_S))
        for i, (x, y) in enumerate([(rng.uniform(-reach_m, reach_m), rng.uniform(-reach_m, reach_m)) for _ in range(5)])
    ]
    line = LineString([(0, 0), (rng.uniform(-900, 900), 100)])
    expected_m = min(held.volume.outline.distance(line) for held in zones)
    assert airspace(*zones).clearance_m(line, 0.0, 10.0, 0.0, 10.0) == pytest.approx(expected_m)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_with_hours_and_leave_the_answer_is_still_that_of_all_pairs(seed: int) -> None:
    rng = random.Random(seed)
    zones = [
        replace(
            zone(f"z{i:02}", random_volume(rng)),
            restriction=rng.choice(list(Restriction)),
            schedule=Schedule(
                periods=tuple(
                    Period(Edge(rng.uniform(0, 900)), Edge(rng.uniform(0, 900))) for _ in range(rng.randrange(3))
                )
            ),
            place=FRAME.origin,
        )
        for i in range(30)
    ]
    permitted = frozenset(f"z{i:02}" for i in range(0, 30, 3))
    asked = [random_volume(rng) for _ in range(8)]
    expected = [
        (i, held.id)
        for i, own in enumerate(asked)
        for held in zones
        if held.restriction is not Restriction.NONE
        and (held.restriction is Restriction.PROHIBITED or held.id not in permitted)
        and held.overlaps(own)
    ]
    conflicts = airspace(*zones).conflicts(asked, permitted=permitted)
    assert [(c.volume, c.other_id) for c in conflicts] == expected
    for conflict in conflicts:
        held = next(one for one in zones if one.id == conflict.other_id)
        assert held.windows(conflict.start_s, conflict.end_s) == ((conflict.start_s, conflict.end_s),)


def test_an_intent_that_cannot_be_held_changes_nothing() -> None:
    site = Airspace(FRAME, GROUND)
    held = intent("f", volume())
    site.put_intent(held)
    far = replace(volume(), start_s=0.0, end_s=1e300)
    for wrong in (intent("f", volume(), far), intent("g", far)):
        with pytest.raises(ValueError, match="none beyond"):
            site.put_intent(wrong)
    assert site.intents == (held,)
    assert len(site.conflicts([volume()])) == 1
    site.remove_intent("f")
    assert site.conflicts([volume()]) == []


def test_whoever_remembers_an_answer_sees_by_a_number_that_the_airspace_has_changed() -> None:
    site = airspace()
    seen = [site.changes]
    site.put_intent(intent("a", volume()))
    seen.append(site.changes)
    site.remove_intent("a")
    seen.append(site.changes)
    site.put_zones([])
    seen.append(site.changes)
    site.remove_zone("z")
    seen.append(site.changes)
    assert sorted(set(seen)) == seen
