"""Every pair of state and event of the landing's table, written out a second time as a person would read it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.flight import landing
from controller.flight.landing import (
    COMMITTED_M,
    TABLE,
    Act,
    Event,
    Missing,
    PadSight,
    Stage,
    judged,
    missing,
    step,
)
from missions.itinerary import GATE_M
from poles.services.charger import NOT_COVERED
from poles.services.cover import Cover

# A row for each state; in it, in the order of the events, the next state and act, or the code that refuses.
# "." is: nothing changes.
HEAD = "ask holds unheard fails send on-branch off-branch gate below low touchdown closed charging trouble end"
EVENTS = HEAD.split()
MATRIX = """
idle       | asked/ask . . . !not-asked  descending . !not-there !not-there !not-there landed/close . !not-landed . over/release
asked      | . clear . . !not-clear      descending . !not-there !not-there !not-there landed/close . !not-landed . over/release
clear      | . . asked asked clear/send  descending . !not-there !not-there !not-there landed/close . !not-landed . over/release
descending | !under-way . . leaving/turn-back !under-way . asked descending/pass gated committed landed/close . !not-landed . !under-way
gated      | !under-way . leaving/turn-back leaving/turn-back !under-way . asked . . committed landed/close . !not-landed . !under-way
committed  | !under-way . . . !under-way . asked . . . landed/close . !not-landed . !under-way
leaving    | !under-way . . . !under-way leaving/turn-back asked . . committed landed/close . !not-landed . !under-way
landed     | !on-pad . . . !on-pad . . !on-pad !on-pad !on-pad . covered/charge !not-covered over/release over/release
covered    | !on-pad . . . !on-pad . . !on-pad !on-pad !on-pad . . over/release over/release over/release
over       | !over !over !over !over !over !over !over !over !over !over !over !over !over !over .
"""  # noqa: E501 - a row is a row
NOTHING: tuple[Missing, ...] = ()
SILENT = missing(PadSight(None), "f1", 10.0, 2.0)
RULES = {
    "not-covered": NOT_COVERED.code,
    **{
        rule.code.removeprefix("landing."): rule.code
        for rule in (getattr(landing, name) for name in dir(landing) if name.isupper())
        if getattr(rule, "code", "").startswith("landing.")
    },
}


def cells() -> list[tuple[Stage, Event, str]]:
    rows = [line.split("|") for line in MATRIX.strip().splitlines()]
    return [
        (Stage(name.strip()), Event(event), said)
        for name, row in rows
        for event, said in zip(EVENTS, row.split(), strict=True)
    ]


def test_the_matrix_and_the_table_have_every_pair_once() -> None:
    pairs = [(stage, event) for stage, event, _ in cells()]
    assert len(pairs) == len(set(pairs)) == len(Stage) * len(Event) == 150
    assert set(pairs) == set(TABLE)


@pytest.mark.parametrize(("stage", "event", "said"), cells())
def test_a_pair_with_nothing_missing(stage: Stage, event: Event, said: str) -> None:
    taken = step(stage, event, NOTHING)
    if said == ".":
        assert (taken.stage, taken.act, taken.refused) == (stage, None, None)
    elif said.startswith("!"):
        assert taken.stage is stage
        assert taken.act is None
        assert taken.refused is not None
        assert taken.refused.code == RULES[said[1:]]
    else:
        after, _, act = said.partition("/")
        assert (taken.stage, taken.act, taken.refused) == (Stage(after), Act(act) if act else None, None)


@pytest.mark.parametrize(("stage", "event", "said"), cells())
def test_what_is_missing_changes_the_three_guarded_cells_and_no_other(stage: Stage, event: Event, said: str) -> None:
    taken, usual = step(stage, event, SILENT), step(stage, event, NOTHING)
    if usual.act in (Act.SEND, Act.PASS):
        assert (taken.stage, taken.act) == (stage, None)
        assert taken.refused is landing.NOT_CLEAR
    elif (stage, event) == (Stage.DESCENDING, Event.BELOW):
        assert (taken.stage, taken.act) == (Stage.LEAVING, Act.TURN_BACK)
    else:
        assert taken == usual


@given(st.lists(st.tuples(st.sampled_from(Event), st.booleans()), max_size=60))
def test_no_history_sends_a_drone_or_lets_it_through_the_gate_while_something_is_missing(
    history: list[tuple[Event, bool]],
) -> None:
    stage = Stage.IDLE
    for event, lacks in history:
        taken = step(stage, event, SILENT if lacks else NOTHING)
        if lacks:
            assert taken.act not in (Act.SEND, Act.PASS)
            assert stage is Stage.GATED or taken.stage is not Stage.GATED
        if taken.act is Act.CLOSE:
            assert event is Event.TOUCHDOWN
        if taken.act is Act.CHARGE:
            assert (stage, event) == (Stage.LANDED, Event.CLOSED)
        stage = taken.stage


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_the_cover_is_ordered_to_close_over_a_drone_once_in_each_landing(history: list[Event]) -> None:
    stages, acts = [Stage.IDLE], []
    for event in history:
        taken = step(stages[-1], event, NOTHING)
        stages.append(taken.stage)
        acts.append(taken.act)
    assert acts.count(Act.CLOSE) == sum(1 for one, two in pairwise(stages) if two is Stage.LANDED is not one) <= 1


def test_every_stage_can_be_reached_and_ends() -> None:
    reached, waiting = {Stage.IDLE}, [Stage.IDLE]
    while waiting:
        stage = waiting.pop()
        for event in Event:
            after = step(stage, event, NOTHING).stage
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    assert reached == set(Stage)
    for stage in Stage:
        down = stage
        for event in (Event.LOW, Event.TOUCHDOWN, Event.CLOSED, Event.CHARGING, Event.END):
            down = step(down, event, NOTHING).stage
        assert down is Stage.OVER


READY = PadSight(
    age_s=0.5,
    cover=Cover.OPEN,
    ready=True,
    reserved_for="f1",
    has_lamp=True,
    lamp_leads=True,
    measures_wind=True,
    gust_mps=5.0,
    wind_age_s=4.0,
)


def test_nothing_is_missing_at_a_dock_of_which_everything_holds() -> None:
    assert missing(READY, "f1", 10.0, 2.0) == ()
    assert judged(()) is Event.HOLDS


@pytest.mark.parametrize(
    ("changes", "code", "known"),
    [
        ({"age_s": None}, "unheard", False),
        ({"age_s": None, "doubted": True}, "doubted", False),
        ({"age_s": 2.1}, "age", False),
        ({"faults": ("dock.cover.stuck",)}, "fault", True),
        ({"drone_present": True}, "pad", True),
        ({"reserved_for": "f2"}, "reserved", True),
        ({"reserved_for": ""}, "reserved", True),
        ({"cover": Cover.OPENING}, "ready", True),
        ({"ready": False, "why_not": ("dock.cover.blocked",)}, "ready", True),
        ({"lamp_leads": False}, "lamp", True),
        ({"lamp_leads": None}, "lamp", False),
        ({"lamp_failed": True}, "lamp", True),
        ({"gust_mps": 10.1}, "wind", True),
        ({"gust_mps": None}, "wind", False),
    ],
)
def test_each_thing_that_can_be_missing_is_named_and_silence_is_no_no(
    changes: dict[str, object], code: str, known: bool
) -> None:
    lacking = missing(replace(READY, **changes), "f1", 10.0, 2.0)  # type: ignore[arg-type]
    assert [each.code for each in lacking] == [code]
    assert lacking[0].known is known
    assert judged(lacking) is (Event.FAILS if known else Event.UNHEARD)
    assert lacking[0].words.en
    assert lacking[0].words.zh


@pytest.mark.parametrize(
    "changes", [{"has_lamp": False, "lamp_leads": None}, {"measures_wind": False, "gust_mps": None}]
)
def test_a_pole_without_a_lamp_or_a_city_without_stations_lacks_neither(changes: dict[str, object]) -> None:
    assert missing(replace(READY, **changes), "f1", 10.0, 2.0) == ()  # type: ignore[arg-type]


def test_a_word_as_old_as_it_may_be_still_counts() -> None:
    assert missing(replace(READY, age_s=2.0, gust_mps=10.0), "f1", 10.0, 2.0) == ()


def test_all_that_is_missing_is_told_at_once_gravest_first() -> None:
    bad = replace(
        READY, faults=("x",), drone_present=True, reserved_for="f2", lamp_failed=True, gust_mps=20.0, age_s=9.0
    )
    codes = [each.code for each in missing(replace(bad, cover=Cover.STUCK), "f1", 10.0, 2.0)]
    assert codes == ["fault", "pad", "reserved", "ready", "lamp", "wind", "age"]


def test_below_the_gate_there_is_room_to_turn_back() -> None:
    assert COMMITTED_M < GATE_M / 2
