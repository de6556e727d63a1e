"""What a part of the program raises where nobody takes it is found, and a day that does not move on is ended."""

from __future__ import annotations

import dataclasses
import resource
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from controller.cli.demo import example
from controller.clock import cpu_s
from sim.fault_text import parse_fault
from sim.faults import Fault
from sim.world.days.day import Day
from sim.world.days.exploring import LONGEST_CPU_S, DayKind, live_in_memory
from sim.world.days.living import DayWorld
from sim.world.scenarios.judging import judge
from sim.world.scenarios.play import Play
from sim.world.scenarios.scenario import load_scenario
from sim.world.scenarios.virtual import play_virtually

CALM = example("scenarios") / "calm-morning.yaml"


def short_day() -> Day:
    """A minute without missions in which the controller is to be killed."""
    day = DayKind(drones=1, poles=24, minutes=1.0).day(1)
    return replace(day, missions=(), deaths=(), zones=(), faults=("controller=killed@20",), disk_s=0.0)


def test_a_fault_that_cannot_begin_is_a_crash_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: DayWorld, target: str, fault: Fault) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(DayWorld, "_killed", broken)
    verdict = live_in_memory(short_day())
    (breach,) = verdict.breaches
    assert (breach.invariant, breach.subject, breach.at_s) == ("no-crash", "RuntimeError", 20.0)
    assert "planted" in breach.detail
    assert verdict.lasted_s >= 60.0


def test_a_fault_that_cannot_begin_fails_the_scenario(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(self: Play, fault: Fault) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(Play, "_kill", broken)
    calm = load_scenario(CALM)
    scenario = dataclasses.replace(calm, faults=(parse_fault("controller=killed@20~5"),))
    played = play_virtually(scenario, tmp_path)
    assert played.broken is not None
    assert len(played.broken) == 1
    assert played.broken[0].startswith("no-crash: RuntimeError")
    assert "planted" in played.broken[0]
    assert not judge(scenario, played).as_expected


def test_a_day_that_is_stuck_ends_whoever_takes_all_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    left_s: list[float] = []

    def spinning(self: DayWorld, target: str, fault: Fault) -> None:
        ends_s, hard_s = resource.getrlimit(resource.RLIMIT_CPU)
        left_s.append(ends_s - cpu_s())
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s()) + 1, hard_s))  # its time is nearly over
        while True:
            with suppress(Exception):  # as others take all errors
                while True:
                    pass

    monkeypatch.setattr(DayWorld, "_killed", spinning)
    verdict = live_in_memory(short_day())
    (breach,) = verdict.breaches
    assert (breach.invariant, breach.subject, breach.at_s) == ("no-crash", "StuckError", 20.0)
    assert 0.0 < left_s[0] <= LONGEST_CPU_S
    assert verdict.lasted_s == 20.0
