from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.intents import IntentState
from controller.events import (
    AlarmRaised,
    AnyEvent,
    CommandAnswered,
    DockReleased,
    DockReserved,
    FlightEnded,
    IntentAccepted,
    IntentChanged,
    ItemStarted,
    LandingChosen,
    OffNominal,
    OperatorSaid,
    Phase,
    PhaseChanged,
    PhotoTaken,
    PlanMade,
    PoleSaid,
    PoleSeen,
    Record,
    RunFinished,
    RunStarted,
    decode_record,
    encode,
)
from controller.flight.reservation import volumes_at
from controller.state import State
from controller.store import CLAIMS
from tests.controller.report.example_plan import plan
from tests.poles.raw_pole import report

PLAN = plan()
FLIGHTS, POLES, BOOTS, RUNS = ("f1", "f2", "f3"), ("P1", "P2"), ("b1", "b2"), ("r1", "r2")

flights, poles = st.sampled_from(FLIGHTS), st.sampled_from(POLES)
numbers = st.integers(0, 20)
seconds = st.floats(0.0, 1e9)


def made(flight: str) -> PlanMade:
    return PlanMade(run="r1", flight=flight, drone="d", plan=PLAN)


def accepted(flight: str) -> IntentAccepted:
    return IntentAccepted(flight=flight, priority=0, volumes=PLAN.volumes)


events: st.SearchStrategy[AnyEvent] = st.one_of(
    flights.map(made),
    flights.map(accepted),
    st.builds(IntentChanged, flight=flights, state=st.sampled_from([state.value for state in IntentState])),
    st.builds(OffNominal, flight=flights, volumes=st.just(PLAN.volumes[:1])),
    st.builds(DockReserved, flight=flights, pole=poles, start_s=seconds, end_s=seconds),
    st.builds(DockReleased, flight=flights, pole=poles),
    st.builds(PhaseChanged, flight=flights, phase=st.sampled_from(Phase), detail=st.text(max_size=5)),
    st.builds(ItemStarted, flight=flights, seq=numbers),
    st.builds(PhotoTaken, flight=flights, index=numbers, lat_deg=seconds, lon_deg=seconds, relative_m=seconds),
    st.builds(LandingChosen, flight=flights, landing=st.text(max_size=5)),
    st.builds(FlightEnded, flight=flights, completed=st.booleans(), landed_on=poles),
    st.builds(CommandAnswered, flight=flights, target=poles, command=st.just("arm"), outcome=st.just("accepted")),
    st.builds(
        RunStarted,
        run=st.sampled_from(RUNS),
        name=st.just("n"),
        site=st.just("s"),
        seed=numbers,
        tempo=st.just("virtual"),
        speed=seconds,
        zones=st.just({}),
    ),
    st.builds(RunFinished, run=st.sampled_from(RUNS), outcome=st.just("completed")),
    st.builds(OperatorSaid, run=st.sampled_from(RUNS), what=st.just("stop")),
    st.builds(PoleSaid, pole=poles, message=st.builds(report, st.integers(1, 9), boot=st.sampled_from(BOOTS))),
    st.builds(PoleSeen, pole=poles, boot=st.just("b1"), functions=st.just(("lamp",)), lat_deg=seconds, lon_deg=seconds),
    st.builds(AlarmRaised, code=poles, subject=poles, severity=numbers, en=st.text(), zh=st.text(), flight=flights),
)


def numbered(given_events: list[AnyEvent]) -> list[Record]:
    return [Record(seq, 100.0 + seq, event) for seq, event in enumerate(given_events, 1)]


def folded(*given_events: AnyEvent) -> State:
    return State.fold(numbered(list(given_events)))


@given(st.lists(events, max_size=40), st.integers(0, 40))
def test_any_order_of_events_folds_and_a_restart_at_any_place_changes_nothing(
    given_events: list[Any], cut: int
) -> None:
    records = numbered(given_events)
    whole = State.fold(records)
    restarted = State.fold([decode_record(encode(record)) for record in records[:cut]])
    for record in records[cut:]:
        restarted.apply(record)
    assert restarted == whole


@given(st.lists(events, max_size=40))
def test_the_last_claim_is_the_one_that_the_store_guards(given_events: list[Any]) -> None:
    records = numbered(given_events)
    claims = [record.seq for record in records if record.event.__struct_config__.tag in CLAIMS]
    assert State.fold(records).last_claim == max(claims, default=0)


@given(st.lists(events, max_size=40))
def test_a_flight_is_unfinished_from_its_plan_to_its_last_word(given_events: list[Any]) -> None:
    state = folded(*given_events)
    open_flights: dict[str, bool] = {}
    for event in given_events:
        if isinstance(event, PlanMade):
            open_flights[event.flight] = True
        elif isinstance(event, FlightEnded) and event.flight in open_flights:
            open_flights[event.flight] = False
    assert {flight.id for flight in state.unfinished()} == {id_ for id_, is_open in open_flights.items() if is_open}
    for pole in POLES:
        assert {holder.id for holder in state.dock_holders(pole)} <= {flight.id for flight in state.unfinished()}


def test_a_flight_holds_its_airspace_from_acceptance_to_its_end() -> None:
    state = folded(made("f1"))
    assert (state.flights["f1"].intent, state.flights["f1"].volumes) == (None, ())
    state.apply(Record(2, 0.0, accepted("f1")))
    assert state.flights["f1"].volumes == PLAN.volumes
    state.apply(Record(3, 0.0, IntentChanged(flight="f1", state="activated")))
    assert (state.flights["f1"].intent, state.flights["f1"].volumes) == (IntentState.ACTIVATED, PLAN.volumes)
    state.apply(Record(4, 0.0, IntentChanged(flight="f1", state="ended")))
    assert (state.flights["f1"].intent, state.flights["f1"].volumes) == (IntentState.ENDED, ())


@pytest.mark.parametrize("back", ["activated", "ended"])
def test_where_a_drone_may_be_is_held_while_it_is_astray(back: str) -> None:
    state = folded(made("f1"), accepted("f1"), OffNominal(flight="f1", volumes=PLAN.volumes[:1]))
    for number, astray in enumerate(("nonconforming", "contingent") if back == "ended" else ("nonconforming",)):
        state.apply(Record(4 + number, 0.0, IntentChanged(flight="f1", state=astray)))
        assert state.flights["f1"].off_nominal == PLAN.volumes[:1]
    assert state.last_claim > 3
    state.apply(Record(9, 0.0, OffNominal(flight="f1", volumes=PLAN.volumes[1:2])))
    assert (state.last_claim, state.flights["f1"].off_nominal) == (9, PLAN.volumes[1:2])
    state.apply(Record(10, 0.0, IntentChanged(flight="f1", state=back)))
    assert state.flights["f1"].off_nominal == ()


def test_a_dock_is_held_until_it_is_released_or_its_flight_has_ended() -> None:
    reserved = [DockReserved(flight=flight, pole="P1", start_s=1.0, end_s=2.0) for flight in ("f1", "f2")]
    start: list[AnyEvent] = [made("f1"), made("f2"), *reserved]
    assert [holder.id for holder in folded(*start).dock_holders("P1")] == ["f1", "f2"]
    assert folded(*start).flights["f1"].docks == {"P1": (1.0, 2.0)}
    assert folded(*start).dock_holders("P2") == []
    released = folded(*start, DockReleased(flight="f1", pole="P1"))
    assert [holder.id for holder in released.dock_holders("P1")] == ["f2"]
    ended = folded(*start, FlightEnded(flight="f2", completed=False, landed_on=""))
    assert [holder.id for holder in ended.dock_holders("P1")] == ["f1"]


def test_the_end_of_a_flight_gives_back_all_that_it_held() -> None:
    slot = DockReserved(flight="f1", pole="P1", start_s=1.0, end_s=2.0)
    state = folded(made("f1"), accepted("f1"), slot, FlightEnded(flight="f1", completed=False, landed_on=""))
    flight = state.flights["f1"]
    assert (flight.phase, flight.intent, flight.volumes, flight.docks) == (Phase.ENDED, IntentState.ENDED, (), {})


def test_a_phase_counts_from_the_record_that_began_it() -> None:
    flight = folded(made("f1"), PhaseChanged(flight="f1", phase=Phase.GATES)).flights["f1"]
    assert (flight.phase, flight.phase_since_s) == (Phase.GATES, 102.0)


def test_the_takeoff_is_the_one_for_which_airspace_is_held() -> None:
    state = folded(made("f1"))
    assert state.flights["f1"].takeoff_s == PLAN.takeoff_s
    volumes = volumes_at(PLAN, PLAN.takeoff_s + 90.0)
    state.apply(Record(2, 0.0, IntentAccepted(flight="f1", priority=0, volumes=volumes)))
    assert state.flights["f1"].takeoff_s == PLAN.takeoff_s + 90.0


def test_going_back_to_an_earlier_item_keeps_the_farthest_one() -> None:
    state = folded(made("f1"), *(ItemStarted(flight="f1", seq=seq) for seq in (3, 7, 2)))
    assert (state.flights["f1"].item, state.flights["f1"].farthest_item) == (2, 7)


def test_each_run_is_known_by_the_record_that_started_it() -> None:
    started = [
        RunStarted(run=run, name="n", site="s", seed=None, tempo="real", speed=1.0, zones={}) for run in ("r1", "r2")
    ]
    assert folded(started[0], RunFinished(run="r1", outcome="failed"), started[1]).runs == {"r1": 1, "r2": 3}
