"""What the watch knows of the truth: who really is lost, what wind a plan could know, why a drone left its mission."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from controller.events import PlanMade, Record
from sim.faults import Fault
from sim.timeline import Happening
from sim.world.days.day import DayLink
from sim.world.days.random_day import random_day
from sim.world.scene import (
    BLOWN_AFTER_S,
    CUT_TRACE_S,
    LOST_M,
    LOST_TRACE_S,
    SETTLED_S,
    Block,
    Scene,
    Sight,
)

START_S = 1_000_000.0
CALM = msgspec.structs.replace(random_day(1), faults=(), deaths=(), link=DayLink(), disk_s=0.0)
SIGHT = Sight("drone-1", 0.0, 0.0, 150.0, 60.0, 0.0, armed=True, landed=False, mode="AUTO", battery=0.8)
BLOCK = Block("block-1", box(-10, -10, 10, 10), 100.0, 200.0, 1000.0, 2000.0)


class Stage:
    """A world of one drone in the air, and its scene; `wind` is mean and gusts [m/s]."""

    def __init__(self, *happened: Happening, loss: float = 0.0) -> None:
        self.now_s = START_S
        self.wind = (0.0, 0.0)
        self.receiver = SimpleNamespace(e=0.0, n=0.0, fix_type=6)
        self.mode = SimpleNamespace(name="AUTO")
        body = SimpleNamespace(e=0.0, n=0.0, u=60.0, vu=0.0)
        autopilot = SimpleNamespace(armed=True, flying=True, falling=False, receiver=self.receiver, body=body)
        truth = SimpleNamespace(armed=True, landed=False, mode=self.mode, battery=0.8)
        drones = {"drone-1": SimpleNamespace(autopilot=autopilot, truth=truth)}
        wind = SimpleNamespace(mean_at=lambda at_s: (self.wind[0], 0.0, self.wind[1]))
        world: Any = SimpleNamespace(
            clock=SimpleNamespace(utc_s=lambda: self.now_s),
            timeline=SimpleNamespace(happened=list(happened)),
            city=SimpleNamespace(drones=drones, wind=wind),
            site=SimpleNamespace(ground=SimpleNamespace(amsl_m=108.0, geoid_m=-19.4)),
        )
        day = msgspec.structs.replace(CALM, link=DayLink(loss=loss))
        self.scene = Scene(world, day, START_S, (), ())
        self.scene.control(True)

    def pass_s(self, seconds: float, every_s: float = 0.5) -> None:
        """Let time pass, looking."""

        async def look() -> None:
            for _ in range(round(seconds / every_s)):
                self.now_s += every_s
                self.scene.look()

        asyncio.run(look())

    def plan(self, wind_mps: float) -> None:
        """Let a flight be planned for this wind."""
        plan: Any = SimpleNamespace(details={"wind_mps": wind_mps})
        event = PlanMade(run="r", flight="f", drone="drone-1", plan=plan)
        self.scene.take_in(Record(1, self.now_s, event))


@pytest.mark.parametrize(
    ("error_m", "fix_type", "excused"), [((0.5, 0.5), 3, False), ((LOST_M, 0.5), 6, True), ((0.0, 0.0), 1, True)]
)
def test_a_receiver_excuses_by_its_true_error_and_not_by_what_it_says(
    error_m: tuple[float, float], fix_type: int, excused: bool
) -> None:
    stage = Stage(Happening(0.0, Fault("fix", target="drone-1", number=3.0), True))
    stage.receiver.e, stage.receiver.n = error_m
    stage.receiver.fix_type = fix_type
    stage.pass_s(1.0)
    assert bool(stage.scene.excuses("drone-1")) is excused
    stage.receiver.e, stage.receiver.n, stage.receiver.fix_type = 0.0, 0.0, 6
    stage.pass_s(LOST_TRACE_S + 1.0)
    assert not stage.scene.excuses("drone-1")


def test_a_drone_that_came_down_without_knowing_where_is_excused_until_it_is_on_a_mission_again() -> None:
    stage = Stage()
    stage.receiver.fix_type = 1
    stage.pass_s(1.0)
    stage.mode.name = "LAND"
    stage.pass_s(1.0)
    stage.receiver.fix_type = 6
    stage.pass_s(LOST_TRACE_S + 10.0)
    assert stage.scene.excuses("drone-1") == ("place",)
    stage.mode.name = "AUTO"
    stage.pass_s(1.0)
    assert not stage.scene.excuses("drone-1")


def test_a_motor_excuses_its_own_drone() -> None:
    stage = Stage(Happening(0.0, Fault("motor", target="drone-1", number=1.0), True))
    assert stage.scene.excuses("drone-1") == ("motor",)
    assert not stage.scene.excuses("drone-2")


def test_a_plan_for_less_wind_than_blew_all_the_while_excuses_nothing() -> None:
    stage = Stage()
    stage.wind = (8.0, 0.0)
    stage.pass_s(SETTLED_S)
    stage.plan(2.0)
    assert stage.scene.expected_mps("drone-1") == 8.0
    assert not stage.scene.blown("drone-1")
    stage.wind = (9.0, 0.0)
    stage.pass_s(1.0)
    assert stage.scene.blown("drone-1")
    stage.wind = (1.0, 0.0)
    stage.pass_s(BLOWN_AFTER_S + 1.0)
    assert not stage.scene.blown("drone-1")


def test_a_wind_that_has_just_come_need_not_be_in_a_plan() -> None:
    stage = Stage()
    stage.wind = (2.0, 0.0)
    stage.pass_s(60.0)
    stage.wind = (8.0, 0.0)
    stage.pass_s(1.0)
    stage.plan(4.0)
    assert stage.scene.expected_mps("drone-1") == 4.0
    assert stage.scene.blown("drone-1")


def test_who_has_no_flight_is_not_blown_away() -> None:
    stage = Stage()
    stage.wind = (20.0, 0.0)
    stage.pass_s(5.0)
    assert stage.scene.expected_mps("drone-1") is None
    assert not stage.scene.blown("drone-1")


CUT = Fault("link", target="drone-1", choice="lost")


@pytest.mark.parametrize(
    ("happened", "loss", "causes"),
    [
        ((), 0.0, ()),
        ((), 0.3, ("link",)),
        ((Happening(10.0, CUT, True),), 0.0, ("link",)),
        ((Happening(10.0, replace(CUT, target="drone-2"), True),), 0.0, ()),
        ((Happening(10.0, CUT, True), Happening(60.0, CUT, False)), 0.0, ("link",)),
        ((Happening(10.0, CUT, True), Happening(60.0 - CUT_TRACE_S, CUT, False)), 0.0, ()),
        ((Happening(10.0, Fault("battery", target="drone-1", number=30.0), True),), 0.0, ("battery",)),
    ],
)
def test_why_a_drone_left_its_mission_is_known_from_what_had_happened_to_it(
    happened: tuple[Happening, ...], loss: float, causes: tuple[str, ...]
) -> None:
    stage = Stage(*happened, loss=loss)
    stage.pass_s(64.0)
    stage.mode.name = "RTL"
    stage.pass_s(0.5)
    assert stage.scene.causes == {"drone-1": causes}
    stage.pass_s(300.0)
    assert stage.scene.causes == {"drone-1": causes}  # of that moment, whatever comes later


def test_a_controller_that_is_dead_or_has_just_begun_is_a_cause() -> None:
    stage = Stage()
    stage.pass_s(100.0)
    stage.scene.control(False)
    assert stage.scene.troubles("drone-1") == ("controller",)
    stage.scene.control(True)
    assert stage.scene.troubles("drone-1") == ("controller",)
    stage.pass_s(CUT_TRACE_S)
    assert not stage.scene.troubles("drone-1")


@given(
    st.tuples(*[st.floats(-40.0, 40.0)] * 2, st.floats(60.0, 240.0)),
    st.tuples(*[st.floats(-40.0, 40.0)] * 2, st.floats(60.0, 240.0)),
    st.floats(990.0, 2010.0),
)
def test_a_way_crosses_a_block_when_a_place_on_it_is_inside(
    start: tuple[float, float, float], end: tuple[float, float, float], at_s: float
) -> None:
    def at(share: float) -> Sight:
        x_m, y_m, h_m = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        return replace(SIGHT, x_m=x_m, y_m=y_m, ellipsoidal_m=h_m)

    inside = any(BLOCK.holds(at(share / 50), at_s + 0.5 * share / 50) for share in range(51))
    crossed = BLOCK.crossed(at(0.0), at_s, at(1.0), at_s + 0.5)
    if inside and math.dist(start, end) > 1e-3:
        assert crossed
    if crossed:  # then a place near one of the fifty is inside of a block that is a little larger
        near = math.dist(start, end) / 50 + 1e-6
        wide = Block("wide", box(-10 - near, -10 - near, 10 + near, 10 + near), 100 - near, 200 + near, 999.9, 2000.1)
        assert any(wide.holds(at(share / 50), at_s + 0.5 * share / 50) for share in range(51))
