"""The wait in the gate over a dock: what lets a drone go down, and what does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from controller.events import DescentJudged, Phase
from controller.flight.docking import IN_GATE_M, PASS_BEFORE_END_S
from missions.itinerary import GATE_M, GATE_S
from poles.services.cover import Cover
from tests.controller.flight.scene import ALTERNATE, HOME, PRIMARY, Scene, Spoken, dock
from tests.controller.flight.test_docking import (
    ASKED,
    OPTIONS,
    Flown,
    alarms,
    docking,
    in_descent,
    opens,
    phase,
)


def test_a_descent_that_was_begun_waits_for_the_first_word_of_its_pole_down_to_the_gate(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.says[PRIMARY] = Spoken()
        await asyncio.sleep(5.0)
        flown.in_gate()
        await asyncio.sleep(3.0)
        assert (phase(scene), flown.jumps) == (Phase.LANDING, [OPTIONS[PRIMARY].first_seq])
        opens(scene, PRIMARY)
        await asyncio.sleep(1.5)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq, OPTIONS[PRIMARY].land_seq]

    docking(tmp_path, body)


def test_a_dock_that_falls_silent_is_waited_for_in_the_gate_and_the_drone_leaves_it_by_itself(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.OPEN), dock_age_s=4.0)
        flown.in_gate()
        await asyncio.sleep(GATE_S - 1.0)
        assert phase(scene) is Phase.LANDING
        await asyncio.sleep(2.5)
        assert (phase(scene), flown.jumps) == (Phase.HOLDING, [OPTIONS[PRIMARY].first_seq])
        (descent,) = scene.happened(DescentJudged)
        assert (descent.passed, descent.evidence["missing"]) == (False, ["age"])
        assert ("dock.not-ready", PRIMARY) in alarms(scene)
        assert scene.poles.ordered(ALTERNATE) == ASKED

    docking(tmp_path, body)


def test_a_drone_in_the_gate_is_told_to_land_until_it_does(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        flown.obeys = False
        flown.in_gate()
        await asyncio.sleep(3.0)
        assert flown.item == OPTIONS[PRIMARY].gate_seq
        flown.obeys = True
        await asyncio.sleep(1.5)
        assert flown.item == OPTIONS[PRIMARY].land_seq
        assert len([m for m in scene.autopilot.got("COMMAND_LONG") if m.param1 == OPTIONS[PRIMARY].land_seq]) > 2

    docking(tmp_path, body)


def test_above_the_gate_and_beside_it_nothing_is_told_to_land(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        flown.in_gate()
        flown.relative_m += IN_GATE_M
        await asyncio.sleep(3.0)
        flown.relative_m -= IN_GATE_M
        flown.place = HOME
        await asyncio.sleep(3.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq]

    docking(tmp_path, body)


def test_no_drone_is_told_to_land_so_late_that_it_may_be_on_its_way_back_when_it_hears_it(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.says[PRIMARY] = Spoken()
        flown.in_gate()
        await asyncio.sleep(GATE_S - PASS_BEFORE_END_S + 0.6)
        opens(scene, PRIMARY)
        await asyncio.sleep(PASS_BEFORE_END_S + 1.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq]
        (descent,) = scene.happened(DescentJudged)
        assert (descent.passed, descent.evidence["missing"]) == (False, ["untold"])

    docking(tmp_path, body)


def test_the_log_says_once_on_what_word_the_drone_went_through_the_gate(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        flown.in_gate()
        await asyncio.sleep(1.5)
        assert flown.item == OPTIONS[PRIMARY].land_seq
        assert scene.happened(DescentJudged) == []
        flown.relative_m = GATE_M - 0.5
        await asyncio.sleep(3.0)
        (descent,) = scene.happened(DescentJudged)
        assert (descent.dock, descent.passed, descent.evidence["missing"]) == (PRIMARY, True, [])
        assert descent.evidence["age_s"] <= 2.0
        assert descent.evidence["height_m"] < GATE_M

    docking(tmp_path, body)
