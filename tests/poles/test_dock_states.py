"""Reserve, open, ready, close and charge: every state of the dock with every order, against what may be."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from dataclasses import dataclass

import pytest

from airspace.reasons import Refused, Rule
from controller.clock import Clock, run, virtual_tempo
from poles.services import charger, cover, dock
from poles.services.charger import Charger, Contacts
from poles.services.cover import Cover, Motor
from poles.services.dock import Dock, DockSensors
from poles.services.dock_functions import CHARGER, DOCK, ChargerReadings, DockReadings, ForFlight, Reserve
from poles.services.service import NoParameters
from tests.poles.test_services import Notes

CLOSED = DockSensors(at_open=False, at_closed=True, drone_present=False, path_clear=True, rain_mmph=0.0)
OURS, ANOTHERS = "ours", "anothers"
ORDERS = ("reserve-land", "reserve-launch", "release", "open", "close", "reset", "charge", "stop", "reset-charger")


@dataclass(frozen=True)
class State:
    """All that an order's fate may depend on."""

    cover: Cover
    holder: str
    drone: bool
    clear: bool
    wet: bool
    charger: Charger


class Bench:
    """A dock that was led into a state, with all that its drivers are told."""

    def __init__(self) -> None:
        self.motor: list[Motor] = []
        self.contacts: list[Contacts] = []
        self.sensors = CLOSED
        self.dock = Dock(self, CLOSED, charger_hardware=self)
        self.notes = Notes(self.dock)

    def drive(self, motor: Motor) -> None:
        self.motor.append(motor)

    def contact(self, contacts: Contacts) -> None:
        self.contacts.append(contacts)

    def sense(self, **changes: bool | float) -> None:
        self.sensors = dataclasses.replace(self.sensors, **changes)  # type: ignore[arg-type]
        self.dock.sense(self.sensors)

    @property
    def now(self) -> DockReadings:
        return self.dock.now()

    @property
    def charger(self) -> Charger:
        readings = self.dock.readings(CHARGER)
        assert isinstance(readings, ChargerReadings)
        return readings.charger

    def order(self, order: str, flight: str = OURS) -> None:
        match order:
            case "reserve-land" | "reserve-launch":
                purpose = order.removeprefix("reserve-")
                self.dock.begin(DOCK, "reserve", Reserve(flight=flight, purpose=purpose))  # type: ignore[arg-type]
            case "release" | "open" | "close":
                self.dock.begin(DOCK, order, ForFlight(flight=flight))
            case "reset":
                self.dock.begin(DOCK, "reset", NoParameters())
            case "charge":
                self.dock.begin(CHARGER, "charge", ForFlight(flight=flight))
            case "stop":
                self.dock.begin(CHARGER, "stop", NoParameters())
            case _:
                self.dock.begin(CHARGER, "reset", NoParameters())

    def lead_to(self, state: State) -> None:
        """Bring it about, in an order in which nothing forbids it."""
        self.sense(drone_present=True)
        if state.charger is not Charger.OFF:
            self.order("charge")
        if state.charger is Charger.FULL:
            self.dock.sense_battery(charge_pct=100.0)
        if state.charger is Charger.FAULT:
            self.dock.sense_battery(charge_pct=50.0, trouble=True)
        self.sense(drone_present=state.drone)
        if state.cover is not Cover.CLOSED:
            self.order("reserve-launch" if state.drone else "reserve-land", ANOTHERS)
            self.order("open", ANOTHERS)
            self.sense(at_closed=False)
            if state.cover is not Cover.OPENING:
                self.sense(at_open=True)
            if state.cover is Cover.CLOSING:
                self.order("close", ANOTHERS)
                self.sense(at_open=False)
            if state.cover is Cover.STUCK:
                self.sense(at_closed=True)
                self.sense(at_open=False, at_closed=False)
            self.order("release", ANOTHERS)
        if state.holder and state.cover is not Cover.STUCK:
            self.order("reserve-launch" if state.drone else "reserve-land", state.holder)
        if not state.clear:
            self.sense(path_clear=False)
        if state.wet:
            self.sense(rain_mmph=9.0)

    def state(self, asked: State) -> State:
        """What it is in truth, weather and holder as asked for."""
        return State(self.now.cover, self.now.reserved_for, self.now.drone_present, self.sensors.path_clear,
                     asked.wet, self.charger)  # fmt: skip


def refuses(state: State, order: str) -> Rule | None:
    """The rule that an order breaks in a state, in the words of the protocol rather than in those of the code."""
    anothers = state.holder == ANOTHERS
    match order:
        case "reserve-land" | "reserve-launch":
            if anothers:
                return dock.RESERVED
            if state.cover is Cover.STUCK:
                return cover.STUCK
            if not state.holder and order == "reserve-land" and state.drone:
                return dock.OCCUPIED
            if not state.holder and order == "reserve-launch" and not state.drone:
                return dock.EMPTY
        case "release":
            return dock.RESERVED if anothers else None
        case "open":
            if state.holder != OURS:
                return dock.NOT_RESERVED
            if state.cover is Cover.STUCK:
                return cover.STUCK
            if state.cover in (Cover.CLOSED, Cover.CLOSING) and state.wet:
                return cover.RAIN_OVER_LIMIT
        case "close":
            if anothers:
                return dock.RESERVED
            if state.cover is Cover.STUCK:
                return cover.STUCK
            if state.cover in (Cover.OPEN, Cover.OPENING) and not state.clear:
                return cover.PATH_BLOCKED
        case "reset":
            if state.cover is not Cover.STUCK:
                return cover.NO_FAULT
            if not state.clear:
                return cover.PATH_BLOCKED
        case "charge":
            if anothers:
                return dock.RESERVED
            if state.charger is Charger.FAULT:
                return charger.FAULT
            if state.charger is not Charger.CHARGING and not state.drone:
                return charger.NO_DRONE
            if state.charger is not Charger.CHARGING and state.cover is not Cover.CLOSED:
                return charger.NOT_COVERED
        case "reset-charger":
            return None if state.charger is Charger.FAULT else charger.NO_FAULT
    return None


STATES = [
    State(*values)
    for values in itertools.product(Cover, ("", OURS, ANOTHERS), (False, True), (False, True), (False, True), Charger)
]


@pytest.mark.parametrize("state_cover", Cover)
def test_every_order_in_every_state_is_carried_out_or_refused_by_its_rule(state_cover: Cover) -> None:
    tried: list[tuple[State, str]] = []

    async def main(_: Clock) -> None:
        for asked, order in itertools.product([state for state in STATES if state.cover is state_cover], ORDERS):
            bench = Bench()
            bench.lead_to(asked)
            state = bench.state(asked)
            bench.motor.clear()
            expected, refused = refuses(state, order), None
            try:
                bench.order(order)
            except Refused as error:
                refused = error.reasons[0].rule
            assert refused is expected, (state, order)
            after = bench.state(asked)
            if expected is not None:
                assert after == state, (state, order)
            assert Motor.CLOSE not in bench.motor or state.clear
            assert Motor.OPEN not in bench.motor or not state.wet
            assert bench.charger is not Charger.CHARGING or (after.drone and after.cover is Cover.CLOSED)
            assert (bench.contacts[-1:] == [Contacts.ON]) == (bench.charger is Charger.CHARGING)
            assert bench.now.ready == (after.cover is Cover.OPEN and not after.drone and after.clear)
            tried.append((state, order))
            await asyncio.sleep(0)

    run(main, virtual_tempo())
    reached = {state for state, _ in tried}
    assert {state.cover for state in reached} >= {state_cover}
    assert {order for _, order in tried} == set(ORDERS)
    assert len(reached) >= 20


def test_opening_the_cover_ends_charging_before_the_motor_runs() -> None:
    async def main(_: Clock) -> None:
        bench = Bench()
        bench.sense(drone_present=True)
        bench.order("charge")
        bench.order("reserve-launch")
        told: list[str] = []
        bench.drive = lambda motor: told.append(f"motor {motor}")  # type: ignore[method-assign]
        bench.contact = lambda contacts: told.append(f"contacts {contacts}")  # type: ignore[method-assign]
        bench.order("open")
        assert told == ["contacts off", "motor open"]

    run(main, virtual_tempo())


def test_a_drone_that_leaves_and_a_battery_that_gets_hot_end_charging() -> None:
    async def main(_: Clock) -> None:
        bench = Bench()
        bench.sense(drone_present=True)
        bench.order("charge")
        bench.dock.sense_battery(charge_pct=40.0, temperature_c=60.0)
        assert (bench.charger, bench.contacts[-1]) == (Charger.FAULT, Contacts.OFF)
        assert [code for _, code, active in bench.notes.alarms if active] == ["dock.battery.hot", "dock.charger.fault"]
        bench.dock.sense_battery(charge_pct=40.0, temperature_c=30.0)
        bench.order("reset-charger")
        bench.order("charge")
        bench.sense(drone_present=False)
        assert (bench.charger, bench.contacts[-1]) == (Charger.OFF, Contacts.OFF)
        readings = bench.dock.readings(CHARGER)
        assert isinstance(readings, ChargerReadings)
        assert readings.charge_pct is None
        with contextlib.suppress(Refused):
            bench.order("charge")
        assert [active for _, _, active in bench.notes.alarms] == [True, True, False, False]

    run(main, virtual_tempo())
