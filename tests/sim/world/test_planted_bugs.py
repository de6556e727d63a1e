"""Whether exploring finds bugs at all: each planted one must break one of its invariants within 200 seeds."""

from __future__ import annotations

import os
from functools import cache

import msgspec
import pytest

from sim.world.days.day import DayLink
from sim.world.days.exploring import DayKind, live_in_memory
from tests.sim.world.planted_bugs import BUGS, PlantedBug, battery_gate_shut

WITHIN_SEEDS = int(os.environ.get("BEICHEN_SOAK_SEEDS", "200"))
SMALL = DayKind(drones=3, poles=24, minutes=10.0)
# a seed of a small day on which the bug shows early
SAMPLE: dict[str, int] = {
    "fence_off_by_one_leg": 1,
    "acknowledged_before_stored": 1,
    "backlog_acknowledged_without_storing": 1,
    "restart_forgets_a_flight": 1,
    "reservations_unchecked": 1,
    "second_start_after_a_restart": 1,
    "margins_halved": 1,
    "drone_lent_twice": 5,
}


def test_there_are_more_than_ten_bugs_and_each_is_described() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 10
    assert all(bug.plant.__doc__ and bug.found_by for bug in BUGS)


@cache
def broken_without_a_bug(seed: int) -> tuple[str, ...]:
    """What a small day breaks with nothing planted, lived once for all bugs that it is a sample for."""
    return live_in_memory(SMALL.day(seed)).broken


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in SAMPLE], ids=lambda bug: bug.name)
def test_a_planted_bug_is_found_on_a_day_that_is_sound_without_it(bug: PlantedBug) -> None:
    day = SMALL.day(SAMPLE[bug.name])
    assert broken_without_a_bug(SAMPLE[bug.name]) == ()
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        verdict = live_in_memory(day)
    assert set(verdict.broken) & set(bug.found_by), verdict.breaches


def test_a_gate_that_never_passes_shows_on_a_day_without_bad_luck() -> None:
    calm = msgspec.structs.replace(SMALL.day(1), faults=(), deaths=(), link=DayLink(), disk_s=0.0)
    sound = live_in_memory(calm)
    assert "completed" in sound.outcomes.values()
    assert sound.broken == ()
    with pytest.MonkeyPatch.context() as patch:
        battery_gate_shut(patch)
        assert "missions-are-flown" in live_in_memory(calm).broken


@pytest.mark.soak
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_planted_bug_is_found_within_200_seeds(bug: PlantedBug, capsys: pytest.CaptureFixture[str]) -> None:
    seed, code = _first_seed(bug)
    with capsys.disabled():  # the table is what the campaign is for
        print(f"\n{bug.name:40} {'missed' if seed is None else f'seed {seed}':>10}  {code}")  # noqa: T201
    assert seed is not None


def _first_seed(bug: PlantedBug) -> tuple[int | None, str]:
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        for seed in range(1, WITHIN_SEEDS + 1):
            broken = live_in_memory(SMALL.day(seed)).broken
            caught = [code for code in broken if code in bug.found_by]
            if caught:
                return seed, caught[0]
    return None, ""
