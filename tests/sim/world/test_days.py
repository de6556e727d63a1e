"""Whatever goes wrong, the promises hold: a few random days here, hundreds with `make soak`."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from sim.world.days.day import Day
from sim.world.days.exploring import DayKind, Tally, explore, kinds_of, live_in_memory

SMALL = DayKind(drones=3, poles=24, minutes=10.0)
SOAK_DAYS = int(os.environ.get("BEICHEN_SOAK_DAYS", "300"))


@pytest.mark.parametrize("seed", [3])
def test_a_random_day_breaks_no_promise(seed: int) -> None:
    day = SMALL.day(seed)
    verdict = live_in_memory(day)
    assert verdict.breaches == ()
    assert verdict.lasted_s >= 600.0
    assert set(verdict.outcomes) == {mission.name for mission in day.missions}


def test_days_are_counted_by_what_went_wrong() -> None:
    days = {seed: SMALL.day(seed) for seed in (2,)}
    tally = Tally()
    for verdict in explore(days, SMALL, jobs=1):
        tally.add(days[verdict.seed], verdict)
    assert (tally.days, tally.broken_days) == (1, 0)
    assert set(tally.tried) == set(kinds_of(days[2]))
    assert tally.outcomes.total() == len(days[2].missions)


class OneFails(DayKind):
    """Days of which the second cannot be made, and the others never end."""

    def day(self, seed: int) -> Day:
        while seed != 2:
            signal.pause()
        raise LookupError("planted")


def test_days_that_nobody_waits_for_any_more_are_ended_in_their_midst() -> None:
    before = multiprocessing.active_children()
    with pytest.raises(LookupError, match="planted"):
        list(explore([1, 2, 3], OneFails(), jobs=2))
    assert multiprocessing.active_children() == before


@pytest.mark.soak
def test_hundreds_of_random_days_break_no_promise(capsys: pytest.CaptureFixture[str]) -> None:
    kind, tally, broken = DayKind(), Tally(), {}
    for verdict in explore(range(1, SOAK_DAYS + 1), kind, jobs=2):
        tally.add(kind.day(verdict.seed), verdict)
        if verdict.breaches:
            broken[verdict.seed] = verdict.broken
    with capsys.disabled():
        print()  # noqa: T201 - the table is what the campaign is for
        for name in sorted(tally.tried):
            print(f"{tally.tried[name]:5d} {tally.broke[name]:5d}  {name}")  # noqa: T201
        print(f"{tally.days:5d} {tally.broken_days:5d}  in all, {dict(tally.outcomes)}")  # noqa: T201
        print(f"excused: {dict(tally.excused)}")  # noqa: T201
    assert broken == {}
