from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Height, LatLon, LocalFrame
from airspace.intents import IntentEvent, IntentState, OperationalIntent
from airspace.reasons import Refused, Words
from airspace.reservation import unread
from airspace.schedules import ALWAYS, Schedule
from airspace.subscriptions import Kind, Subscription
from airspace.volumes import Volume4D
from controller.register.changes import Batch, Founded, IntentsChanged
from controller.register.register import Founding, Register, open_register
from tests.controller.register.test_many_writers import tables

ORIGIN = LatLon(34.7466, 113.6050)
FOUNDING = Founding(ORIGIN, b"a seed for the tests of a register")
NOW_S = 1779066000.0
BATCH = Batch("city.geojson", "00" * 32, "the office")


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def volume(x_m: float = 0.0, y_m: float = 0.0, start_s: float = 0.0, *, wide_m: float = 100.0) -> Volume4D:
    outline = box(x_m, y_m, x_m + wide_m, y_m + wide_m)
    return Volume4D(outline, 50.0, 100.0, NOW_S + start_s, NOW_S + start_s + 600.0)


def intent(id_: str, *volumes: Volume4D, priority: int = 0) -> OperationalIntent:
    return OperationalIntent(id_, priority, IntentState.ACCEPTED, volumes or (volume(),))


def zone(
    id_: str = "pad", lat_deg: float = ORIGIN.lat_deg, radius_m: float = 200.0, schedule: Schedule = ALWAYS
) -> ChartedZone:
    shape = Circle(LatLon(lat_deg, ORIGIN.lon_deg), radius_m)
    layer = Layer(shape, Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    return ChartedZone(
        id_, Words("pad", "起降点"), "hospital-pad", Words("keep out", "禁入"), (layer,), schedule=schedule
    )


def refusal(ask: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        ask()
    return refused.value


def codes(ask: Callable[[], object]) -> list[str]:
    return [reason.rule.code for reason in refusal(ask).reasons]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "airspace.db"


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def register(path: Path, hands: Hands) -> Iterator[Register]:
    with open_register(path, hands, founding=FOUNDING) as opened:
        yield opened


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_register_is_founded_once_and_keeps_its_frame(path: Path, hands: Hands) -> None:
    with open_register(path, hands, founding=FOUNDING) as register:
        (given_,) = register.reserve([intent("a")], (), "me")
    with open_register(path, hands, founding=Founding(LatLon(30.0, 110.0), b"another seed of 16+")) as again:
        assert again.frame.origin == ORIGIN
        assert again.intent("a") == given_
        assert isinstance(again.changes_after()[0].body, Founded)
    with open_register(path, hands) as without:
        assert without.intents() == (given_,)


@pytest.mark.parametrize("founding", [None, Founding(ORIGIN, b"too short")])
def test_a_new_file_without_a_sound_founding_is_refused(path: Path, hands: Hands, founding: Founding | None) -> None:
    assert codes(lambda: ExitStack().enter_context(open_register(path, hands, founding=founding))) == [
        "register.unfounded"
    ]


def test_a_file_of_something_else_is_refused_and_left_as_it_is(path: Path, hands: Hands) -> None:
    path.write_bytes(b"no database at all, " * 100)
    before = path.read_bytes()
    assert codes(lambda: ExitStack().enter_context(open_register(path, hands, founding=FOUNDING))) == [
        "register.foreign"
    ]
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(path: Path, hands: Hands) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (n)")
    assert codes(lambda: ExitStack().enter_context(open_register(path, hands, founding=FOUNDING))) == [
        "register.foreign"
    ]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, hands: Hands) -> None:
    (tmp_path / "file").write_text("a file where a folder would have to be")
    path = tmp_path / "file" / "airspace.db"
    assert codes(lambda: ExitStack().enter_context(open_register(path, hands, founding=FOUNDING))) == [
        "register.failed"
    ]


def test_a_log_that_was_tampered_with_is_named(register: Register, path: Path) -> None:
    register.reserve([intent("a")], (), "me")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE changes SET body = x'7b7d' WHERE seq = 2")
    assert codes(register.changes_after) == ["register.foreign"]
    assert codes(register.rebuild) == ["register.foreign"]
    assert len(register.intents()) == 1  # the rebuild that failed has thrown nothing away


def test_a_writer_that_waits_too_long_is_told_so(path: Path, hands: Hands, register: Register) -> None:
    with open_register(path, hands, busy_s=0.05) as other, closing(sqlite3.connect(path)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        assert codes(lambda: other.reserve([intent("a")], (), "me")) == ["register.busy"]
        assert other.intents() == ()  # readers are not kept waiting
        holding.execute("ROLLBACK")
        assert other.reserve([intent("a")], (), "me")


def test_commits_outlive_a_power_cut(register: Register, path: Path) -> None:
    synchronous = register._connection.execute("PRAGMA synchronous").fetchone()[0]
    mode = register._connection.execute("PRAGMA journal_mode").fetchone()[0]
    assert (synchronous, mode) == (2, "wal")  # FULL


# -- intents -----------------------------------------------------------------------------------------------------------


def test_what_was_reserved_is_there_for_every_process_exactly(path: Path, hands: Hands, register: Register) -> None:
    askew = Volume4D(Polygon([(0.1, 0.2), (99.7, 1 / 3), (50.0, 88.8)]), 1 / 7, 99.9, NOW_S, NOW_S + 1 / 3)
    hole = Volume4D(Point(900, 0).buffer(50).difference(Point(900, 0).buffer(20)), 0.0, 1.0, NOW_S, NOW_S + 9.0)
    (accepted,) = register.reserve([intent("a", askew, hole, priority=4)], (), "me")
    with open_register(path, hands) as other:
        read = other.intent("a")
    assert read == accepted
    assert read.volumes[0].outline.wkb == askew.outline.wkb  # to the last bit


def test_a_set_is_reserved_all_or_nothing(register: Register) -> None:
    register.reserve([intent("old")], (), "me")
    before = register.changes_after()
    ask = lambda: register.reserve([intent("free", volume(500)), intent("new", volume(50))], (), "you")  # noqa: E731
    assert codes(ask) == ["reservation.conflict"]
    assert [one.id for one in register.intents()] == ["old"]
    assert register.changes_after() == before


def test_the_conflict_is_tested_exactly_and_not_by_boxes(register: Register) -> None:
    lower = Volume4D(Polygon([(0, 0), (100, 0), (0, 100)]), 50, 100, NOW_S, NOW_S + 600)
    upper = Volume4D(Polygon([(100, 100), (100, 1), (1, 100)]), 50, 100, NOW_S, NOW_S + 600)
    register.reserve([intent("lower", lower)], (), "me")
    assert register.reserve([intent("upper", upper)], (), "me")
    touching = Volume4D(Polygon([(-50, -50), (0, -50), (0, 0)]), 50, 100, NOW_S, NOW_S + 600)
    assert codes(lambda: register.reserve([intent("touching", touching)], (), "me")) == ["reservation.conflict"]


def test_one_after_the_other_to_the_second_is_no_conflict(register: Register) -> None:
    register.reserve([intent("first", volume(start_s=0.0))], (), "me")
    assert register.reserve([intent("second", volume(start_s=600.0))], (), "me")
    assert codes(lambda: register.reserve([intent("third", volume(start_s=599.999))], (), "me")) == [
        "reservation.conflict",
        "reservation.conflict",
    ]


def test_a_conflict_says_where_and_when(register: Register) -> None:
    register.reserve([intent("old")], (), "me")
    (reason,) = refusal(lambda: register.reserve([intent("new")], (), "me")).reasons
    assert (reason.start_s, reason.end_s) == (NOW_S, NOW_S + 600.0)
    assert reason.lat_deg == pytest.approx(ORIGIN.lat_deg, abs=0.001)


def test_a_life_from_acceptance_to_the_end(register: Register) -> None:
    (accepted,) = register.reserve([intent("a")], (), "me")
    flying = register.change_state("a", IntentEvent.ACTIVATE, 1, "me")
    around = volume(300, wide_m=50)
    out = register.change_state("a", IntentEvent.LEAVE, 2, "me", off_nominal_volumes=[around])
    assert out.held == (volume(), around)
    assert register.intent("a") == out
    assert codes(lambda: register.reserve([intent("b", volume(310))], (), "me")) == ["reservation.conflict"]
    back = register.change_state("a", IntentEvent.RETURN, 3, "me")
    assert register.reserve([intent("b", volume(310))], (), "me")
    ended = register.end("a", 4, "me")
    assert len({one.ovn for one in (accepted, flying, out, back, ended)}) == 5
    assert register.intent("a") == ended
    assert [one.id for one in register.intents()] == ["b"]
    assert register.reserve([intent("c")], (), "me")


def test_a_change_on_stale_knowledge_is_refused(register: Register) -> None:
    register.reserve([intent("a")], (), "me")
    register.change_state("a", IntentEvent.ACTIVATE, 1, "me")
    assert codes(lambda: register.end("a", 1, "me")) == ["intent.stale"]


def test_an_ended_id_is_not_used_again(register: Register) -> None:
    register.reserve([intent("a")], (), "me")
    register.end("a", 1, "me")
    assert codes(lambda: register.reserve([intent("a")], (), "me")) == ["intent.stale"]
    assert codes(lambda: register.end("a", 2, "me")) == ["intent.transition"]


def test_only_its_holder_changes_an_intent(register: Register) -> None:
    (first,) = register.reserve([intent("a")], (), "me")
    assert codes(lambda: register.end("a", 1, "you")) == ["register.not-holder"]
    change = first.after(IntentEvent.CHANGE, volumes=[volume(500)])
    assert codes(lambda: register.reserve([change], (), "you")) == ["register.not-holder"]
    assert register.reserve([change], (), "me")


def test_an_intent_that_never_was_is_refused(register: Register) -> None:
    assert codes(lambda: register.intent("x")) == ["register.no-such"]
    assert codes(lambda: register.end("x", 1, "me")) == ["register.no-such"]


def test_time_goes_on_and_what_lies_behind_is_no_longer_reserved(register: Register, hands: Hands) -> None:
    hands.now_s = NOW_S + 600.0
    assert codes(lambda: register.reserve([intent("a")], (), "me")) == ["intent.past"]


def test_a_higher_priority_goes_over_what_it_knows_and_the_other_hears_of_it(path: Path, hands: Hands) -> None:
    with open_register(path, hands, founding=FOUNDING, may_overlap=lambda own, other: own > other) as register:
        (photo,) = register.reserve([intent("photo")], (), "press")
        rescue = intent("rescue", priority=9)
        refused = refusal(lambda: register.reserve([rescue], (), "fire brigade"))
        assert unread(refused) == ("photo",)
        (known,), _ = register.near(rescue.volumes)
        assert known == photo
        register.reserve([rescue], {known.ovn}, "fire brigade")
        ((seq, notice),) = register.notices("press")
        assert (seq, notice.subscription, notice.id, notice.index) == (3, "intent:photo", "rescue", 1)
        assert register.notices("fire brigade") == ()


@pytest.mark.parametrize("odd", [intent("\ud800"), intent("a", priority=2**70)])
def test_what_cannot_be_stored_is_refused_whole(register: Register, odd: OperationalIntent) -> None:
    assert codes(lambda: register.reserve([intent("good", volume(900)), odd], (), "me")) == ["register.unstorable"]
    assert codes(lambda: register.reserve([intent("good", volume(900))], (), "\ud800")) == ["register.unstorable"]
    assert register.intents() == ()


def test_threads_of_one_process_take_turns(register: Register) -> None:
    with ThreadPoolExecutor(8) as threads:
        asked = [intent(f"n{number}", volume(200.0 * number)) for number in range(40)]
        list(threads.map(lambda one: register.reserve([one], (), "me"), asked))
    assert len(register.intents()) == 40
    assert [change.seq for change in register.changes_after()] == [*range(1, 42)]


# -- zones -------------------------------------------------------------------------------------------------------------


def test_a_batch_of_zones_is_imported_all_or_nothing(register: Register) -> None:
    register.import_zones([zone("a"), zone("b")], BATCH)
    assert codes(lambda: register.import_zones([zone("c"), zone("a")], BATCH)) == ["register.zone-taken"]
    assert codes(lambda: register.import_zones([zone("d"), zone("d")], BATCH)) == ["register.zone-twice"]
    assert [held.zone for held in register.zones()] == [zone("a"), zone("b")]
    assert {held.batch for held in register.zones()} == {BATCH}


def layered(id_: str) -> ChartedZone:
    charted = zone(id_)
    (layer,) = charted.layers
    return replace(charted, layers=(layer, replace(layer, floor=layer.ceiling, ceiling=Height(300.0, Datum.AGL))))


def test_no_zone_has_the_id_of_a_layer_of_another(register: Register) -> None:
    one, other = layered("A"), zone("A#2")
    assert codes(lambda: register.import_zones([one, other], BATCH)) == ["register.layer-taken"]
    assert codes(lambda: register.import_zones([other, one], BATCH)) == ["register.layer-taken"]
    register.import_zones([layered("A")], BATCH)
    assert codes(lambda: register.import_zones([zone("A#2")], BATCH)) == ["register.layer-taken"]
    register.import_zones([zone("A#3"), zone("A#x")], BATCH)
    register.import_zones([zone("A#2"), zone("A")], BATCH, replace=True)
    assert codes(lambda: register.import_zones([layered("A")], BATCH, replace=True)) == ["register.layer-taken"]
    assert [held.zone.id for held in register.zones()] == ["A", "A#2", "A#3", "A#x"]


def test_what_a_holder_has_is_told_by_its_whole_name(register: Register) -> None:
    register.reserve([intent("a/b/1")], (), "a/b")
    register.reserve([intent("a/1", volume(5000.0))], (), "a")
    register.reserve([intent("a/2", volume(9000.0))], (), "a")
    register.end("a/2", 1, "a")
    assert (register.held_by("a"), register.held_by("a/b"), register.held_by("")) == (("a/1",), ("a/b/1",), ())
    assert (register.holder("a/b/1"), register.holder("a/2"), register.holder("a/9")) == ("a/b", "a", None)


def test_a_newer_chart_replaces_a_zone_knowingly_and_gives_it_a_new_ovn(register: Register) -> None:
    register.import_zones([zone()], BATCH)
    (before,) = register.zones()
    newer = Batch("newer.geojson", BATCH.sha256, BATCH.who)
    register.import_zones([zone(radius_m=300.0)], newer, replace=True)
    (after,) = register.zones()
    assert (after.zone, after.batch) == (zone(radius_m=300.0), newer)
    assert after.ovn != before.ovn
    register.import_zones([zone(radius_m=300.0)], newer, replace=True)
    assert register.zones()[0].ovn != after.ovn  # the same chart again is another import


def test_a_plan_near_a_zone_must_know_its_present_version(register: Register) -> None:
    register.import_zones([zone(), zone("far", lat_deg=34.9)], BATCH)
    refused = refusal(lambda: register.reserve([intent("a")], (), "me"))
    assert unread(refused) == ("pad",)
    _, zones = register.near([volume()])
    assert [near.id for near in zones] == ["pad"]
    register.import_zones([zone()], BATCH, replace=True)
    stale = {near.ovn for near in zones}
    assert unread(refusal(lambda: register.reserve([intent("a")], stale, "me"))) == ("pad",)
    _, zones = register.near([volume()])
    assert register.reserve([intent("a")], {near.ovn for near in zones}, "me")


def test_a_flight_near_a_zone_is_activated_knowingly_and_leaves_without_asking(register: Register) -> None:
    register.import_zones([zone()], BATCH)
    key = {near.ovn for near in register.near([volume()])[1]}
    register.reserve([intent("a")], key, "me")
    register.import_zones([zone()], BATCH, replace=True)
    ask = lambda key: register.change_state("a", IntentEvent.ACTIVATE, 1, "me", key=key)  # noqa: E731
    assert unread(refusal(lambda: ask(key))) == ("pad",)
    assert ask({near.ovn for near in register.near([volume()])[1]}).state is IntentState.ACTIVATED
    out = register.change_state("a", IntentEvent.LEAVE, 2, "me", off_nominal_volumes=[volume(wide_m=400.0)])
    assert out.state is IntentState.NONCONFORMING
    assert register.end("a", 3, "me").held == ()


def test_a_zone_that_was_removed_or_is_over_need_not_be_known(register: Register) -> None:
    over = Schedule(windows=((NOW_S - 900.0, NOW_S),))
    register.import_zones([zone(), zone("over", schedule=over)], BATCH)
    register.remove_zones(["pad"], "the office")
    assert register.reserve([intent("a")], (), "me")
    assert codes(lambda: register.remove_zones(["pad"], "the office")) == ["register.no-such"]


def test_zones_are_removed_all_or_none(register: Register) -> None:
    register.import_zones([zone("a"), zone("b")], BATCH)
    assert codes(lambda: register.remove_zones(["a", "x", "y"], "the office")) == ["register.no-such"] * 2
    assert [held.zone.id for held in register.zones()] == ["a", "b"]
    register.remove_zones(["a", "b", "a"], "the office")
    assert register.zones() == ()


# -- following ---------------------------------------------------------------------------------------------------------


def test_others_follow_by_the_number_of_the_last_change_that_they_know(path: Path, hands: Hands) -> None:
    with open_register(path, hands, founding=FOUNDING) as one, open_register(path, hands) as other:
        one.reserve([intent("a")], (), "me")
        hands.now_s += 2.5
        one.end("a", 1, "me")
        changes = other.changes_after(1)
        assert [(change.seq, change.utc_s) for change in changes] == [(2, NOW_S), (3, NOW_S + 2.5)]
        states = [body.intents[0].state for change in changes if isinstance(body := change.body, IntentsChanged)]
        assert states == ["accepted", "ended"]
        assert other.changes_after(3) == ()
        assert len(other.changes_after(0, most=2)) == 2


def subscription(id_: str = "s", holder: str = "me", kinds: frozenset[Kind] = frozenset(Kind)) -> Subscription:
    return Subscription(id_, holder, (volume(wide_m=1000.0),), kinds, NOW_S + 3600.0)


def test_subscribers_hear_of_what_comes_changes_and_goes_in_their_area(register: Register) -> None:
    assert register.subscribe(subscription()) == subscription()
    register.reserve([intent("a"), intent("far", volume(5000))], (), "you")
    register.end("a", 1, "you")
    register.import_zones([zone()], BATCH)
    register.remove_zones(["pad"], "the office")
    heard = [(notice.kind, notice.id, notice.index) for _, notice in register.notices("me")]
    assert heard == [("intent", "a", 1), ("intent", "a", 2), ("zone", "pad", 3), ("zone", "pad", 4)]
    last = register.notices("me")[1][0]
    assert [notice.index for _, notice in register.notices("me", after=last)] == [3, 4]


def test_a_renewed_subscription_counts_on(register: Register, hands: Hands) -> None:
    register.subscribe(subscription())
    register.reserve([intent("a")], (), "you")
    hands.now_s += 1800.0
    later = replace(subscription(), until_s=NOW_S + 9000.0)
    assert register.subscribe(later) == replace(later, index=1)


def test_a_subscription_ends_by_its_time_and_by_its_holder(register: Register, hands: Hands) -> None:
    register.subscribe(subscription("s"))
    register.subscribe(subscription("t"))
    assert codes(lambda: register.unsubscribe("t", "you")) == ["register.not-holder"]
    assert codes(lambda: register.subscribe(subscription("t", holder="you"))) == ["register.not-holder"]
    register.unsubscribe("t", "me")
    assert codes(lambda: register.unsubscribe("t", "me")) == ["register.no-such"]
    hands.now_s += 3600.0
    register.reserve([intent("a", volume(start_s=3600.0))], (), "you")
    assert register.notices("me") == ()
    assert codes(lambda: register.subscribe(subscription("s"))) == ["subscription.span"]


# -- rebuilding --------------------------------------------------------------------------------------------------------


def test_everything_is_rebuilt_from_the_log_alone(register: Register, path: Path, hands: Hands) -> None:
    register.subscribe(subscription())
    register.import_zones([zone(), zone("b"), zone("c")], BATCH)
    register.import_zones([zone("b", radius_m=50.0)], BATCH, replace=True)
    register.remove_zones(["c"], "the office")
    _, near = register.near([volume()])
    register.reserve([intent("a"), intent("b", volume(2000))], {one.ovn for one in near}, "me")
    register.change_state("b", IntentEvent.LEAVE, 1, "me", off_nominal_volumes=[volume(3000)])
    register.end("a", 1, "me")
    hands.now_s += 7200.0
    register.subscribe(replace(subscription("late"), until_s=hands.now_s + 60.0))
    before = tables(path)
    assert all(before.values())
    assert register.rebuild() == 9
    assert tables(path) == before


steps = st.lists(
    st.tuples(st.sampled_from(["reserve", *IntentEvent]), st.integers(0, 5), st.integers(0, 8), st.integers(1, 4)),
    max_size=25,
)


@given(steps)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_happens_the_register_agrees_with_itself(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[str, int, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("register") / "airspace.db"
    with open_register(path, lambda: NOW_S, founding=FOUNDING) as register:
        register.subscribe(subscription())
        for what, name, place, version in some:
            held = volume(60.0 * place)
            with suppress(Refused):
                if what == "reserve":
                    register.reserve(
                        [intent(f"i{name}", held), intent(f"j{name}", volume(0.0, 60.0 * place))], (), "me"
                    )
                else:
                    register.change_state(
                        f"i{name}", IntentEvent(what), version, "me", volumes=[held], off_nominal_volumes=[held]
                    )
        intents = register.intents()
        planned = [one for one in intents if one.state in (IntentState.ACCEPTED, IntentState.ACTIVATED)]
        for i, one in enumerate(planned):
            for other in planned[i + 1 :]:
                assert not any(a.overlaps(b) for a in one.held for b in other.held)
        before = tables(path)
        register.rebuild()
        assert tables(path) == before
        assert register.intents() == intents


def test_a_frame_far_from_the_origin_still_tells_near_from_far(register: Register) -> None:
    x_m, y_m = LocalFrame(ORIGIN).xy(LatLon(36.0, 115.0))
    register.import_zones([zone("away", lat_deg=36.0)], BATCH)
    assert register.near([volume(x_m, y_m)])[1] == ()  # 127 km west of it
    x_m, y_m = LocalFrame(ORIGIN).xy(LatLon(36.0, ORIGIN.lon_deg))
    assert [near.id for near in register.near([volume(x_m, y_m)])[1]] == ["away"]
