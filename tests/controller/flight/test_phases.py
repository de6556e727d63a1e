from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import pytest

from controller.clock import run, virtual_tempo
from controller.events import FlightEnded, Phase, PhaseChanged, PlanMade, Record, decode_record
from controller.flight.phases import NEXT, ON_GROUND, PHASE_WORDS, allowed
from controller.state import State
from sim.world import fly_once, setup

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"

# Written down a second time on purpose: a change of the table is a decision.
ALLOWED = {
    ("planned", "gates"),
    ("planned", "ended"),
    ("gates", "uploading"),
    ("gates", "ended"),
    ("uploading", "arming"),
    ("uploading", "ended"),
    ("arming", "flying"),
    ("arming", "ended"),
    ("flying", "holding"),
    ("flying", "landing"),
    ("flying", "ended"),
    ("holding", "landing"),
    ("holding", "ended"),
    ("landing", "holding"),
    ("landing", "ended"),
}


@pytest.mark.parametrize(("now", "then"), list(product(Phase, Phase)), ids=lambda phase: phase.value)
def test_each_pair_of_phases_is_allowed_or_not(now: Phase, then: Phase) -> None:
    assert allowed(now, then) is ((now.value, then.value) in ALLOWED)


def test_every_phase_can_end_and_nothing_follows_the_end() -> None:
    assert set(NEXT) == set(Phase)
    assert all(Phase.ENDED in NEXT[phase] for phase in Phase if phase is not Phase.ENDED)
    assert NEXT[Phase.ENDED] == ()


def test_every_phase_has_words_in_both_languages() -> None:
    assert set(PHASE_WORDS) == set(Phase)
    assert all(words.en and words.zh and words.en != words.zh for words in PHASE_WORDS.values())


def test_a_flight_passes_the_phases_on_the_ground_before_its_motors_run() -> None:
    assert ON_GROUND == (Phase.PLANNED, Phase.GATES, Phase.UPLOADING)
    assert Phase.ARMING in NEXT[ON_GROUND[-1]]
    assert not any(Phase.ARMING in NEXT[phase] for phase in (Phase.PLANNED, Phase.GATES))


def phases(log: list[Record]) -> list[Phase]:
    """The phases of the only flight of a log, as the folded state shows them."""
    state, seen = State(), []
    for record in log:
        state.apply(record)
        if isinstance(record.event, PlanMade | PhaseChanged | FlightEnded):
            seen.append(state.flights[record.event.flight].phase)
    return seen


@pytest.mark.parametrize("fault", ["dock=stuck", "wind=18"])
def test_every_flight_that_is_flown_follows_the_table(tmp_path: Path, fault: str) -> None:
    given = setup(EXAMPLE / "city.yaml", tmp_path, inject=[fault])
    result = run(lambda clock: fly_once(given, EXAMPLE / "pipeline.yaml", clock), virtual_tempo())
    log = [decode_record(line) for line in (result.folder / "events.jsonl").read_bytes().splitlines()]
    went = phases(log)
    assert (went[0], went[-1]) == (Phase.PLANNED, Phase.ENDED)
    steps = list(pairwise(went))
    assert [step for step in steps if not allowed(*step)] == []
    assert (Phase.FLYING in went) is (fault != "wind=18")
