from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest

from controller import events
from controller.events import AnyEvent, Phase, Record
from controller.report.run import FlightStory, RunStory, fold, read_run
from poles.gateway.notes import Condition
from tests.controller.report.example_plan import ALTERNATE, DOCK, OPEN, plan
from tests.controller.report.example_run import Flight, flown_events, refused_events, write_run


def story_of(rows: Sequence[AnyEvent]) -> RunStory:
    return fold(Record(seq, float(seq), event) for seq, event in enumerate(rows))


def planned(*rows: AnyEvent) -> FlightStory:
    return story_of([events.PlanMade(run="r", flight="F1", drone="drone-1", plan=plan()), *rows]).flights["F1"]


def item(seq: int) -> events.ItemStarted:
    return events.ItemStarted(flight="F1", seq=seq)


def landing(name: str) -> events.LandingChosen:
    return events.LandingChosen(flight="F1", landing=name)


def test_a_run_is_told_by_its_events(tmp_path: Path) -> None:
    story = read_run(write_run(tmp_path, flown_events(Flight())) / "events.jsonl")
    flight = story.flights["F1"]
    assert (story.outcome, story.starts, story.unreadable_lines) == ("completed", 1, 0)
    assert (flight.drone, flight.flew, flight.intent_state, flight.docks) == ("drone-1", True, "ended", [])
    assert flight.phase_s(Phase.HOLDING) is not None
    assert set(story.poles) >= {DOCK, ALTERNATE}
    assert story.poles[DOCK].last()["DroneDock"]["cover"] == "open"


def test_lines_that_are_no_record_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_run(tmp_path, flown_events(Flight())) / "events.jsonl"
    whole = read_run(path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], b"{}", b"\xff\xfe", *lines[1:-1], lines[-1][:40]]))
    story = read_run(path)
    assert story.unreadable_lines == 3
    assert story.records == whole.records - 1
    assert story.outcome == "unfinished"


def test_no_events_at_all_make_an_unfinished_run(tmp_path: Path) -> None:
    story = read_run(tmp_path / "events.jsonl")
    assert (story.outcome, story.records, story.reasons) == ("unfinished", 0, ())


def test_a_reason_of_run_and_flight_is_told_once() -> None:
    story = story_of([event for _, event in sorted(refused_events(), key=lambda row: row[0])])  # type: ignore[misc]
    assert [reason["code"] for reason in story.reasons] == ["gate.wind"]


def test_the_last_judgement_of_a_gate_counts() -> None:
    story = story_of([event for _, event in flown_events(Flight())])  # type: ignore[misc]
    judged = {gate.gate: (gate.passed, count) for _, gate, count in story.flights["F1"].last_gates()}
    assert judged["fix"] == (True, 2)
    assert judged["wind"] == (True, 1)


@pytest.mark.parametrize(
    ("rows", "branches"),
    [
        ([], {"", DOCK}),
        ([landing(DOCK)], {"", DOCK}),
        ([landing(ALTERNATE)], {"", ALTERNATE}),
        ([item(11), item(12)], {"", OPEN}),
        ([landing(DOCK), item(14), landing(ALTERNATE), item(16)], {"", DOCK, ALTERNATE}),
        ([events.FlightEnded(flight="F1", completed=True, landed_on=OPEN)], {"", OPEN}),
    ],
)
def test_branches_are_those_flown_or_chosen_else_the_wished_one(rows: list[AnyEvent], branches: set[str]) -> None:
    assert planned(*rows).branches() == branches


def test_intents_that_were_live_together_are_noted_and_ended_ones_are_not() -> None:
    def intent(flight: str) -> events.IntentAccepted:
        return events.IntentAccepted(flight=flight, priority=0, volumes=())

    ended = events.IntentChanged(flight="A", state="Ended")
    assert story_of([intent("A"), intent("B")]).shared_intents == [("A", "B")]
    assert story_of([intent("A"), ended, intent("B")]).shared_intents == []


def test_every_kind_of_event_is_understood() -> None:
    flown = flown_events(Flight(landed_on=ALTERNATE)) + refused_events()
    rows: list[AnyEvent] = [event for _, event in flown]  # type: ignore[misc]
    rows.append(events.OperatorSaid(run="r", what="Ctrl-C"))
    silent = Condition(code="pole.silent", subject="410105-LP-000001", active=True)
    rows.append(events.PoleNoted(note=silent))
    rows.append(events.PolesForgotten(before_s=1.0))
    rows.append(events.OffNominal(flight="F1", volumes=()))
    proposed = {"alarm": "sos.pressed", "subject": "410105-LP-000001", "mission": "look", "drone": "drone-1"}
    rows.append(events.ResponseProposed(response="1", automatic=True, **proposed))
    rows.append(events.ResponseDecided(response="1", by="rule", flown=True, run="r"))
    assert {type(row) for row in rows} == set(get_args(AnyEvent))
    story_of(rows)
