from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from controller.events import AlarmRaised, DescentJudged, DockReserved, IntentAccepted, LandingChosen, Phase
from controller.flight.docking import DECIDE_BEFORE_END_S, EACH_DOCK_S, Docking
from controller.flight.landing import COMMITTED_M
from controller.flight.reservation import volumes_at
from controller.flight.serving import FIRST_WORD_S
from missions.itinerary import GATE_M, again_s
from missions.plan import Plan, Purpose
from poles.services.cover import Cover
from tests.controller.flight import scene as s
from tests.controller.flight.scene import ALTERNATE, HOME, PRIMARY, Scene, Spoken, dock, in_scene, plan
from tests.missions.scenario import FRAME

FLIGHT = "f1"
STATION = "410105-LP-000002"
ASKED = ["DroneDock reserve", "LampActuator override", "DroneDock open"]  # of a pole whose dock is to be ready
HOLD = plan().hold_seq
HOLD_S = plan().items[HOLD - 1].param1
OPTIONS = {option.name: option for option in plan().landings}
(GROUND,) = (option for option in plan().landings if not option.dock)


@dataclass
class Flown:
    """A drone that says where it is twice a second, and goes to whatever item it is told to."""

    scene: Scene
    item: int = 6
    relative_m: float = 45.0
    place: LatLon = HOME
    obeys: bool = True
    tells_place: bool = True

    async def run(self) -> None:
        self.scene.autopilot.on("COMMAND_LONG", self._ordered)
        await self.scene.heard(s.home())
        while True:
            if self.tells_place:
                self.scene.autopilot.say(s.position(self.place, self.relative_m))
            self.scene.autopilot.say(s.current_item(self.item))
            await asyncio.sleep(0.5)

    def _ordered(self, message: Any) -> None:
        if message.command != mavlink.MAV_CMD_DO_SET_MISSION_CURRENT:
            return
        if self.obeys:
            self.item = int(message.param1)
        self.scene.autopilot.ack(message.command, 0 if self.obeys else 4)

    def at_hold(self) -> None:
        """The drone has come to the hold item and to its place, and goes on by itself when its time there is over."""
        hold = plan().items[HOLD - 1]
        self.item, self.place = HOLD, LatLon(hold.lat_deg, hold.lon_deg)
        asyncio.get_running_loop().call_later(HOLD_S, self._goes_on)

    def _goes_on(self) -> None:
        if self.item == HOLD:
            self.item = GROUND.first_seq

    def in_gate(self) -> None:
        """The drone has come down to the gate over the first dock, and climbs back by itself when its time is over."""
        option = OPTIONS[PRIMARY]
        gate = plan().items[option.gate_seq - 1]
        self.item, self.place, self.relative_m = option.gate_seq, LatLon(gate.lat_deg, gate.lon_deg), gate.alt_m + 0.2
        asyncio.get_running_loop().call_later(gate.param1, self._climbs_back)

    def _climbs_back(self) -> None:
        if self.item == OPTIONS[PRIMARY].gate_seq:
            self.item = OPTIONS[PRIMARY].escape_seq

    @property
    def jumps(self) -> list[int]:
        """The items that the drone was told to go to, without repetitions."""
        orders = [m for m in self.scene.autopilot.got("COMMAND_LONG") if m.command == 224]
        items = [int(order.param1) for order in orders]
        return [item for n, item in enumerate(items) if n == 0 or item != items[n - 1]]


Test = Callable[[Scene, Flown, "asyncio.Task[None]"], Awaitable[None]]


def docking(folder: Path, test: Test, made: Plan | None = None) -> None:
    """Run a test body beside a docking whose drone is on the way; both docks are closed and free."""

    async def body(scene: Scene) -> None:
        await scene.plan_made(FLIGHT, made)
        slots = [DockReserved(flight=FLIGHT, pole=pole, start_s=0.0, end_s=1.0) for pole in (PRIMARY, ALTERNATE)]
        await scene.district.record(*slots)
        await scene.flying(FLIGHT)
        for pole in (PRIMARY, ALTERNATE):
            scene.poles.says[pole] = Spoken(dock(Cover.CLOSED, why_not=("dock.cover.closed",)))
        scene.poles.says[STATION] = Spoken(weather=s.wind(3.0, 4.0))
        flown = Flown(scene)
        flight = scene.district.state.flights[FLIGHT]
        async with asyncio.TaskGroup() as group:
            flying = group.create_task(flown.run())
            task = group.create_task(Docking(scene.district, scene.link, flight).run())
            await asyncio.sleep(1.0)
            await test(scene, flown, task)
            flying.cancel()
            task.cancel()

    in_scene(folder, body)


def opens(scene: Scene, *poles: str) -> None:
    """Let these docks be open and ready from now on."""
    for pole in poles:
        scene.poles.says[pole] = Spoken(dock(Cover.OPEN))


def opens_when_asked(scene: Scene, *poles: str) -> None:
    """Let these docks open when they are told to."""
    scene.poles.on_order = lambda pole, action: opens(scene, pole) if action == "open" and pole in poles else None


def chosen(scene: Scene) -> list[str]:
    return [event.landing for event in scene.happened(LandingChosen)]


def alarms(scene: Scene) -> list[tuple[str, str]]:
    return [(event.code, event.subject) for event in scene.happened(AlarmRaised)]


def phase(scene: Scene) -> Phase:
    return scene.district.state.flights[FLIGHT].phase


async def in_descent(scene: Scene, flown: Flown, relative_m: float = 40.0) -> None:
    """Bring the drone to its descent onto the first dock, above the gate or through it."""
    opens_when_asked(scene, PRIMARY, ALTERNATE)
    flown.at_hold()
    await asyncio.sleep(4.0)
    assert flown.jumps == [OPTIONS[PRIMARY].first_seq]
    option = OPTIONS[PRIMARY]
    flown.item, flown.relative_m = option.gate_seq if relative_m > GATE_M else option.land_seq, relative_m
    await asyncio.sleep(1.0)


def test_the_dock_is_asked_to_open_before_the_drone_arrives_and_the_drone_sent_there(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        opens_when_asked(scene, PRIMARY)
        assert scene.poles.orders == []
        flown.item = 10
        await asyncio.sleep(2.0)
        assert scene.poles.ordered(PRIMARY) == ASKED
        assert [order[3].get("flight") for order in scene.poles.orders] == [FLIGHT, None, FLIGHT]
        assert phase(scene) is Phase.FLYING
        flown.at_hold()
        await asyncio.sleep(3.0)
        assert (phase(scene), chosen(scene), alarms(scene)) == (Phase.LANDING, [PRIMARY], [])
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq]
        flown.relative_m = COMMITTED_M - 0.5
        await asyncio.sleep(1.5)
        assert task.done()
        assert scene.poles.ordered(ALTERNATE) == []

    docking(tmp_path, body)


def test_a_drone_short_of_the_hold_is_not_sent_to_land(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        opens(scene, PRIMARY)
        flown.item = HOLD  # on the way to the hold, still far from it
        await asyncio.sleep(20.0)
        assert (phase(scene), flown.jumps) == (Phase.FLYING, [])

    docking(tmp_path, body)


def test_when_the_first_dock_is_not_ready_in_time_the_alternate_is_taken(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        opens_when_asked(scene, ALTERNATE)
        flown.at_hold()
        await asyncio.sleep(EACH_DOCK_S - 1.0)
        assert (phase(scene), scene.poles.ordered(ALTERNATE)) == (Phase.HOLDING, [])
        await asyncio.sleep(6.0)
        assert (phase(scene), chosen(scene)) == (Phase.LANDING, [ALTERNATE])
        assert flown.jumps == [OPTIONS[ALTERNATE].first_seq]
        assert scene.poles.ordered(ALTERNATE) == ASKED
        assert ("dock.not-ready", PRIMARY) in alarms(scene)
        assert ("flight.diverted", "D1") in alarms(scene)
        assert "dock.cover.closed" in scene.happened(LandingChosen)[0].why

    docking(tmp_path, body)


@pytest.mark.parametrize(
    "said",
    [Spoken(dock(Cover.OPEN, drone_present=True)), Spoken(dock(faults=("dock.cover.stuck",)))],
)
def test_a_dock_that_cannot_become_ready_is_not_waited_for(tmp_path: Path, said: Spoken) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[PRIMARY] = said
        opens_when_asked(scene, ALTERNATE)
        flown.at_hold()
        await asyncio.sleep(4.0)
        assert chosen(scene) == [ALTERNATE]

    docking(tmp_path, body)


def test_the_first_dock_is_still_taken_when_it_becomes_ready_after_the_alternate_was_asked(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.at_hold()
        await asyncio.sleep(EACH_DOCK_S + 3.0)
        assert scene.poles.ordered(ALTERNATE) == ASKED
        opens(scene, PRIMARY)
        await asyncio.sleep(2.0)
        assert chosen(scene) == [PRIMARY]

    docking(tmp_path, body)


def test_with_no_dock_ready_the_drone_is_left_to_itself_with_an_alarm(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.at_hold()
        await asyncio.sleep(HOLD_S - 1.0)
        assert (phase(scene), chosen(scene)) == (Phase.HOLDING, [])
        await asyncio.sleep(3.0)
        assert task.done()
        assert (phase(scene), chosen(scene), flown.jumps) == (Phase.LANDING, [GROUND.name], [])
        assert ("dock.not-ready", PRIMARY) in alarms(scene)
        (diverted,) = [event for event in scene.happened(AlarmRaised) if event.code == "flight.diverted"]
        assert GROUND.name in diverted.en
        assert GROUND.name in diverted.zh

    docking(tmp_path, body)


def test_nothing_is_ordered_any_more_once_the_drone_went_on_by_itself(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.at_hold()
        await asyncio.sleep(5.0)
        flown.item = GROUND.first_seq
        await asyncio.sleep(2.0)
        assert task.done()
        assert (chosen(scene), flown.jumps) == ([GROUND.name], [])

    docking(tmp_path, body)


@pytest.mark.parametrize("holder", ["f2", ""])
def test_an_open_dock_that_its_pole_does_not_keep_for_this_flight_is_not_taken(tmp_path: Path, holder: str) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.OPEN, reserved_for=holder))
        opens_when_asked(scene, ALTERNATE)
        flown.at_hold()
        await asyncio.sleep(HOLD_S)
        assert chosen(scene) == [ALTERNATE]

    docking(tmp_path, body)


@pytest.mark.parametrize(("age_s", "taken"), [(1.9, True), (2.1, False)])
def test_a_ready_that_is_not_of_now_is_not_believed(tmp_path: Path, age_s: float, taken: bool) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        for pole in (PRIMARY, ALTERNATE):
            scene.poles.says[pole] = Spoken(dock(Cover.OPEN), dock_age_s=age_s)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert chosen(scene) == [PRIMARY if taken else GROUND.name]

    docking(tmp_path, body)


def test_a_drone_that_does_not_take_the_jump_is_told_again_and_then_left_to_itself(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.obeys = False
        opens(scene, PRIMARY)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 5.0)
        assert chosen(scene) == [GROUND.name]
        assert flown.jumps[0] == OPTIONS[PRIMARY].first_seq

    docking(tmp_path, body)


def test_a_dock_that_has_not_been_heard_since_the_controller_started_is_asked_once_it_speaks(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        said = scene.poles.says.pop(PRIMARY)
        opens_when_asked(scene, PRIMARY)
        flown.item = 10
        await asyncio.sleep(FIRST_WORD_S - 5.0)
        assert scene.poles.orders == []
        scene.poles.says[PRIMARY] = said
        await asyncio.sleep(2.0)
        assert scene.poles.ordered(PRIMARY) == ASKED
        flown.at_hold()
        await asyncio.sleep(4.0)
        assert chosen(scene) == [PRIMARY]

    docking(tmp_path, body)


def test_a_dock_that_stays_unheard_is_waited_for_no_longer_than_poles_take_to_find_a_controller(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[PRIMARY] = Spoken()
        opens_when_asked(scene, ALTERNATE)
        await asyncio.sleep(FIRST_WORD_S - 10.0)
        flown.at_hold()
        await asyncio.sleep(14.0)
        assert chosen(scene) == [ALTERNATE]

    docking(tmp_path, body)


TROUBLES = [
    Spoken(dock(Cover.OPEN, drone_present=True, ready=False)),
    Spoken(dock(Cover.CLOSING, why_not=("dock.cover.closing",))),
    Spoken(dock(Cover.OPEN), dock_age_s=3.0),
    Spoken(),
]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_high_enough_the_drone_goes_back_to_the_hold_when_its_dock_is_no_longer_ready_and_then_elsewhere(
    tmp_path: Path, trouble: Spoken
) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown, COMMITTED_M + 1.0)
        scene.poles.says[PRIMARY] = trouble
        await asyncio.sleep(2.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq, OPTIONS[PRIMARY].escape_seq]
        assert (phase(scene), chosen(scene)) == (Phase.HOLDING, [PRIMARY])
        assert scene.poles.ordered(ALTERNATE) == ASKED
        assert ("dock.not-ready", PRIMARY) in alarms(scene)
        flown.at_hold()
        await asyncio.sleep(2.0)
        assert (phase(scene), chosen(scene)) == (Phase.LANDING, [PRIMARY, ALTERNATE])
        assert flown.jumps[2:] == [OPTIONS[ALTERNATE].first_seq]
        assert ("flight.diverted", "D1") in alarms(scene)

    docking(tmp_path, body)


def test_no_dock_is_chosen_while_the_drone_is_still_on_its_way_back_to_the_hold(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.says[PRIMARY] = TROUBLES[0]
        await asyncio.sleep(20.0)
        assert flown.jumps[-1] == OPTIONS[PRIMARY].escape_seq
        assert (phase(scene), chosen(scene)) == (Phase.HOLDING, [PRIMARY])

    docking(tmp_path, body)


def test_the_same_dock_is_taken_after_all_when_it_is_ready_again(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.rejects.add((ALTERNATE, "open"))
        scene.poles.says[PRIMARY] = TROUBLES[1]
        await asyncio.sleep(2.0)
        opens(scene, PRIMARY)
        flown.at_hold()
        await asyncio.sleep(2.0)
        assert flown.jumps == [getattr(OPTIONS[PRIMARY], seq) for seq in ("first_seq", "escape_seq", "first_seq")]
        flown.relative_m = COMMITTED_M - 0.5
        await asyncio.sleep(1.0)
        assert task.done()

    docking(tmp_path, body)


def test_with_no_other_dock_ready_a_broken_off_descent_ends_on_open_ground(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.on_order = lambda pole, action: None
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.OPEN, drone_present=True))
        await asyncio.sleep(2.0)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert chosen(scene) == [PRIMARY, GROUND.name]
        assert flown.jumps[-1] == OPTIONS[PRIMARY].escape_seq
        assert task.done()

    docking(tmp_path, body)


def test_a_drone_that_does_not_turn_back_is_told_again(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        flown.obeys = False
        scene.poles.says[PRIMARY] = TROUBLES[0]
        await asyncio.sleep(3.0)
        assert phase(scene) is Phase.LANDING
        flown.obeys = True
        await asyncio.sleep(3.0)
        assert (flown.jumps[-1], phase(scene)) == (OPTIONS[PRIMARY].escape_seq, Phase.HOLDING)

    docking(tmp_path, body)


@pytest.mark.parametrize("seq", ["first_seq", "land_seq"])
def test_a_jump_whose_answer_nobody_heard_is_taken_up_and_not_ordered_again(tmp_path: Path, seq: str) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.at_hold()
        await asyncio.sleep(3.0)
        opens(scene, PRIMARY)
        flown.item = getattr(OPTIONS[PRIMARY], seq)
        await asyncio.sleep(3.0)
        assert (flown.jumps, chosen(scene), phase(scene)) == ([], [PRIMARY], Phase.LANDING)

    docking(tmp_path, body)


def test_no_jump_is_begun_so_late_that_the_drone_may_leave_the_hold_under_it(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        flown.at_hold()
        await asyncio.sleep(HOLD_S - DECIDE_BEFORE_END_S + 1.0)
        opens(scene, PRIMARY, ALTERNATE)
        await asyncio.sleep(DECIDE_BEFORE_END_S + 2.0)
        assert (flown.jumps, chosen(scene)) == ([], [GROUND.name])

    docking(tmp_path, body)


def test_just_above_the_pad_the_drone_is_committed(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown, COMMITTED_M - 0.1)
        opens(scene, ALTERNATE)
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.CLOSED, drone_present=True))
        await asyncio.sleep(5.0)
        assert task.done()
        assert chosen(scene) == [PRIMARY]

    docking(tmp_path, body)


def test_a_pole_that_refuses_to_open_is_an_alarm_with_its_own_words(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.rejects.add((PRIMARY, "open"))
        flown.at_hold()
        await asyncio.sleep(2.0)
        (alarm,) = [event for event in scene.happened(AlarmRaised) if event.code == "dock.not-ready"]
        assert "it rains" in alarm.en
        assert "正在下雨" in alarm.zh

    docking(tmp_path, body)


def test_a_plan_without_docks_has_nothing_to_dock(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        assert task.done()

    docking(tmp_path, body, replace(plan(), landings=(GROUND,)))


def test_the_third_dock_is_asked_only_after_the_second_had_its_time(tmp_path: Path) -> None:
    third = "410105-LP-000001"
    here = FRAME.latlon(100.0, 0.0)
    option = replace(
        OPTIONS[ALTERNATE],
        name=third,
        dock=third,
        place=replace(GROUND.place, lat_deg=here.lat_deg, lon_deg=here.lon_deg),
    )
    made = replace(plan(), landings=(OPTIONS[PRIMARY], OPTIONS[ALTERNATE], option, GROUND))

    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.CLOSED, drone_present=True))
        scene.poles.says[third] = Spoken(dock(Cover.CLOSED))
        flown.at_hold()
        await asyncio.sleep(8.0)
        assert scene.poles.ordered(ALTERNATE) == ASKED
        assert scene.poles.ordered(third) == []
        await asyncio.sleep(EACH_DOCK_S)
        assert scene.poles.ordered(third) == ASKED

    docking(tmp_path, body, made)


@pytest.mark.parametrize(("spare_s", "lands"), [(60.0, True), (-1.0, False)])
def test_no_landing_is_begun_whose_break_off_would_end_after_the_reserved_time(
    tmp_path: Path, spare_s: float, lands: bool
) -> None:
    """A random day's slow store let a dock's word age again and again, and the drone tried until its time was over."""

    async def test(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        holds = [n for n, leg in enumerate(plan().legs) if leg.seq == HOLD and leg.purpose is Purpose.HOLD]
        (hold,) = (volume for volume in plan().volumes if volume.leg in holds)
        takeoff_s = scene.district.clock.utc_s() + again_s(plan().legs) + spare_s - hold.end_s
        volumes = volumes_at(plan(), takeoff_s)
        await scene.district.record(IntentAccepted(flight=FLIGHT, priority=0, volumes=volumes))
        opens_when_asked(scene, PRIMARY)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert flown.jumps == ([OPTIONS[PRIMARY].first_seq] if lands else [])
        assert (flown.item == GROUND.first_seq) is not lands

    docking(tmp_path, test)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"lamp": s.STEADY}, "landing pattern"),
        ({"lamp": s.LEADS, "lamp_failed": True}, "no light"),
        ({"lamp": s.LEADS, "lamp_age_s": 21.0}, "not reported"),
    ],
)
def test_a_dock_whose_lamp_does_not_lead_is_not_taken(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.OPEN), **said)
        scene.poles.says[ALTERNATE] = Spoken(dock(Cover.OPEN), lamp=s.LEADS)
        flown.at_hold()
        await asyncio.sleep(HOLD_S - 8.0)
        assert chosen(scene) == [ALTERNATE]
        assert why in scene.happened(LandingChosen)[0].why

    docking(tmp_path, body)


@pytest.mark.parametrize(("gust_mps", "age_s", "lands"), [(9.9, 1.0, True), (10.1, 1.0, False), (4.0, 21.0, False)])
def test_no_dock_is_taken_in_gusts_over_the_limit_or_in_a_wind_that_nobody_tells(
    tmp_path: Path, gust_mps: float, age_s: float, lands: bool
) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says[STATION] = Spoken(weather=s.wind(3.0, gust_mps), weather_age_s=age_s)
        opens_when_asked(scene, PRIMARY, ALTERNATE)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert chosen(scene) == [PRIMARY if lands else GROUND.name]

    docking(tmp_path, body)


def test_gusts_that_come_up_during_the_descent_send_the_drone_back(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        scene.poles.says[STATION] = Spoken(weather=s.wind(3.0, 14.0))
        await asyncio.sleep(2.0)
        assert flown.jumps[-1] == OPTIONS[PRIMARY].escape_seq
        (descent,) = scene.happened(DescentJudged)
        assert (descent.passed, descent.evidence["missing"], descent.evidence["gust_mps"]) == (False, ["wind"], 14.0)

    docking(tmp_path, body)
