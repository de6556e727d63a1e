"""Landings with their fates: a sample in every run, a thousand in a campaign, and bugs that must be found."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.sim.landings.fates import ANCHORS, KINDS, OTHER, WISHED, Fate, Fault, fate
from tests.sim.landings.landings import FIELD, Landed, land
from tests.sim.landings.planted_bugs import BUGS, age_of_ready_ignored, interlock_off, lands_by_itself

FIRST = int(os.environ.get("BEICHEN_SOAK_FIRST", "1"))  # so that several processes share a campaign
LANDINGS = int(os.environ.get("BEICHEN_SOAK_LANDINGS", "1000"))
BATCH = 50
SAMPLE = [13 * number for number in range(1, len(KINDS) + 1)]  # every kind once, at changing moments
WHERE = {WISHED: "wished", OTHER: "other", FIELD: "field", "": "-"}


def landed(given: Fate) -> Landed:
    with tempfile.TemporaryDirectory() as folder:
        return land(given, Path(folder))


def test_the_sample_has_every_kind_of_fault_and_seeds_give_every_moment() -> None:
    assert {fate(seed).faults[0].kind for seed in SAMPLE} == set(KINDS)
    assert {fate(seed).faults[0].anchor for seed in range(1, 100)} == set(ANCHORS)
    assert fate(7) == fate(7) != fate(8)


def test_with_nothing_wrong_the_drone_lands_on_the_wished_dock_and_is_shut_in_and_charged() -> None:
    result = landed(Fate(1, ()))
    assert (result.outcome, result.where, result.through_gate, result.turned_back) == ("completed", WISHED, 1, 0)
    (served,) = result.served
    assert (served.pole, served.cover, served.charger) == (WISHED, "closed", "charging")


@pytest.mark.parametrize("seed", SAMPLE)
def test_whatever_goes_wrong_no_cover_closes_on_a_drone_and_none_descends_to_a_dock_that_is_not_ready(
    seed: int,
) -> None:
    result = landed(fate(seed))
    assert result.wrong == ()
    assert result.outcome in ("completed", "failed")


@pytest.mark.parametrize("anchor", ["asked", "holding", "landing", "gate", "down"])
def test_a_controller_that_is_killed_at_any_stage_of_the_landing_finds_it_again(anchor: str) -> None:
    result = landed(Fate(3, (Fault("controller-killed", anchor, 0.3, 4.0, WISHED),)))
    assert result.wrong == ()
    assert (result.controllers, result.where) == (2, WISHED)
    assert result.served[-1].cover == "closed"


def test_a_drone_whose_dock_fails_during_the_descent_lands_elsewhere() -> None:
    result = landed(Fate(4, (Fault("pad-taken", "landing", 2.0, 900.0, WISHED),)))
    assert result.wrong == ()
    assert (result.turned_back, result.where) == (1, OTHER)


SENT, IN_GATE = 10.0, 22.5  # seconds after the landing began: on the way down, in the gate before its word comes


def alone(kind: str, anchor: str, after_s: float, for_s: float) -> Landed:
    """A landing on which nobody reaches the drone from some moment on, and the pad is taken right after that."""
    faults = Fault(kind, anchor, after_s, for_s, WISHED), Fault("pad-taken", anchor, after_s + 0.5, 900.0, WISHED)
    return landed(Fate(1, faults))


@pytest.mark.parametrize("cut_s", [SENT, IN_GATE])
def test_a_drone_that_was_sent_and_loses_its_link_before_its_word_in_the_gate_lands_on_no_dock(cut_s: float) -> None:
    result = alone("link-lost", "landing", cut_s, 150.0)
    assert (result.wrong, result.where, result.through_gate, result.excused) == ((), FIELD, 0, {})


@pytest.mark.parametrize("killed_s", [SENT, IN_GATE])
def test_a_drone_whose_controller_dies_before_its_word_in_the_gate_waits_for_the_next_one_at_the_hold(
    killed_s: float,
) -> None:
    result = alone("controller-killed", "landing", killed_s, 40.0)
    assert (result.wrong, result.excused, result.controllers, result.where) == ((), {}, 2, OTHER)


@pytest.mark.parametrize(("kind", "for_s"), [("link-lost", 60.0), ("controller-killed", 40.0)])
def test_a_drone_that_went_through_the_gate_on_a_word_of_then_lands_when_nobody_reaches_it_any_more(
    kind: str, for_s: float
) -> None:
    result = alone(kind, "gate", 0.0, for_s)
    assert (result.wrong, result.where, result.through_gate) == ((), WISHED, 1)


def test_a_drone_that_loses_its_link_at_the_hold_lands_on_no_dock() -> None:
    result = landed(Fate(1, (Fault("link-lost", "asked", 0.0, 300.0, WISHED),)))
    assert (result.wrong, result.where, result.through_gate) == ((), FIELD, 0)


@pytest.mark.parametrize("bug", [age_of_ready_ignored, interlock_off, lands_by_itself], ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found_on_a_landing_that_is_sound_without_it(
    bug: Callable[[pytest.MonkeyPatch], None],
) -> None:
    given = BUGS[bug]
    assert landed(given).wrong == ()
    with pytest.MonkeyPatch.context() as patch:
        bug(patch)
        assert landed(given).wrong != ()


@pytest.mark.soak
def test_every_planted_bug_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, str] = {}
    for bug, given in BUGS.items():
        assert landed(given).wrong == ()
        with pytest.MonkeyPatch.context() as patch:
            bug(patch)
            found[bug.__name__] = next(iter(landed(given).wrong), "")
    with capsys.disabled():
        print()  # noqa: T201 - the table is what the campaign is for
        for name, wrong in found.items():
            print(f"{name:32} {wrong or 'missed'}")  # noqa: T201
    assert all(found.values())


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_landings(capsys: pytest.CaptureFixture[str]) -> None:
    results: list[Landed] = []
    for seed in range(FIRST, FIRST + LANDINGS):
        results.append(landed(fate(seed)))
        if len(results) % BATCH == 0 or results[-1].wrong:
            wrong = [result.fate.seed for result in results if result.wrong]
            with capsys.disabled():
                print(f"\nlandings {FIRST} to {seed}: wrong {wrong or 'none'}", end="", flush=True)  # noqa: T201
    with capsys.disabled():
        print()  # noqa: T201 - the table is what the campaign is for
        for line in table(results):
            print(line)  # noqa: T201
    assert {result.fate.seed: result.wrong for result in results if result.wrong} == {}
    few = len(results) < 2 * BATCH  # of which chance may turn most back
    assert few or sum(result.through_gate for result in results) > len(results) / 2


def table(results: Iterable[Landed]) -> Iterable[str]:
    """A row for each kind of fault that was a landing's first, and one for all."""
    rows: dict[str, Counter[str]] = {kind: Counter() for kind in (*KINDS, "all")}
    for result in results:
        for row in (rows[result.fate.faults[0].kind], rows["all"]):
            row["landings"] += 1
            row[WHERE.get(result.where, "-")] += 1
            row["gate"] += result.through_gate
            row["back"] += result.turned_back
            row["killed"] += result.controllers - 1
            row["excused"] += sum(result.excused.values())
            row["wrong"] += len(result.wrong)
    columns = ("landings", "wished", "other", "field", "-", "gate", "back", "killed", "excused", "wrong")
    yield f"{'first fault':18}" + "".join(f"{column:>9}" for column in columns)
    for kind, row in rows.items():
        yield f"{kind:18}" + "".join(f"{row[column]:9}" for column in columns)
