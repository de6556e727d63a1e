"""A failing day becomes short: what the failure does not need goes, what it needs stays."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sim.world.days.day import Day, DayLink
from sim.world.days.living import Verdict
from sim.world.days.random_day import random_day
from sim.world.days.shrinking import Shrinker
from sim.world.invariants import Breach

CODE = "kept-apart"


def verdict(day: Day, *codes: str, at_s: float = 100.0) -> Verdict:
    breaches = tuple(Breach(invariant=code, subject="x", at_s=at_s, detail="") for code in codes)
    return Verdict(
        seed=day.seed, outcomes={}, breaches=breaches, digest="", lasted_s=0.0, controllers=1, flown=0
    )  # fmt: skip


def shrunk(day: Day, breaks: Callable[[Day], bool], *, tries: int = 500) -> tuple[Day, int]:
    """The short day when `breaks` says which days do, and how many were lived."""

    def live(candidate: Day) -> Verdict:
        return verdict(candidate, *([CODE] if breaks(candidate) else ["no-crash"]))

    shrinker = Shrinker(live, CODE, tries)
    short, _ = shrinker.shrink(day, verdict(day, CODE))
    return short, shrinker.lived


def rich_day() -> Day:
    """A day with everything in it."""
    day = random_day(7)
    docks = day.missions[0].docks
    return msgspec.structs.replace(
        day,
        faults=("wind=12@30", f"dock:{docks[0]}=taken@50", "battery:drone-2=40@90", "fix:drone-1=3@takeoff:drone-1+5"),
        link=DayLink(loss=0.1),
        disk_s=0.05,
    )


def test_one_mission_and_one_fault_are_all_that_is_left_when_they_are_all_that_counts() -> None:
    day = rich_day()
    needed = day.missions[1].name

    def breaks(candidate: Day) -> bool:
        missions = {mission.name for mission in candidate.missions}
        return needed in missions and any(fault.startswith("battery") for fault in candidate.faults)

    short, _ = shrunk(day, breaks)
    assert [mission.name for mission in short.missions] == [needed]
    assert short.faults == ("battery:drone-2=40@90",)
    assert (short.deaths, short.zones, short.link, short.disk_s) == ((), (), DayLink(), 0.0)
    assert short.minutes < day.minutes
    # what the mission and the fault name must stay
    assert {drone.id for drone in short.city.drones} == {day.missions[1].drone, "drone-2"}
    assert {pole.code for pole in short.city.poles} == set(day.missions[1].docks)


def test_two_missions_that_only_break_together_both_stay() -> None:
    day = rich_day()
    pair = {day.missions[0].name, day.missions[-1].name}
    short, _ = shrunk(day, lambda d: pair <= {mission.name for mission in d.missions})
    assert {mission.name for mission in short.missions} == pair


def test_a_day_that_needs_everything_stays_as_it_is_but_for_its_length() -> None:
    day = rich_day()

    def breaks(candidate: Day) -> bool:
        return msgspec.structs.replace(candidate, minutes=day.minutes) == day

    short, _ = shrunk(day, breaks)
    assert msgspec.structs.replace(short, minutes=day.minutes) == day


def test_another_broken_invariant_does_not_count() -> None:
    day = rich_day()
    short, lived = shrunk(day, lambda d: False)
    assert short == day
    assert lived > 5


def test_no_more_days_are_lived_than_allowed_and_the_result_is_always_the_same() -> None:
    day = rich_day()
    few, lived = shrunk(day, lambda d: bool(d.missions), tries=4)
    assert lived == 4
    assert (few, 4) == shrunk(day, lambda d: bool(d.missions), tries=4)
