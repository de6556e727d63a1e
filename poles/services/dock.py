"""The dock: a pad under a cover on the pole's head, where one drone at a time may land, be shut in and be charged.

The dock is ready only while the cover is open, the pad and the cover's path are clear and nothing is wrong with it;
`why_not` holds the codes of what is missing. The tables of cover and charger are in files of their own, what is said
and ordered is in `dock_functions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, cast

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words
from poles.services import charger, cover
from poles.services.charger import Charger, ChargerEvent, Contacts
from poles.services.cover import Cover, CoverEvent, Motor, Surroundings
from poles.services.dock_functions import (
    CHARGER,
    CHARGER_SPEC,
    DOCK,
    DOCK_SPEC,
    TOO_HOT,
    BatterySlot,
    ChargerReadings,
    ChargerSettings,
    DockReadings,
    DockSettings,
    ForFlight,
    Reserve,
)
from poles.services.service import Function, Readings, Service

NAME = "dock"
WATCHED_EVERY_S = 1.0  # while a flight counts on it or the cover moves: ready may be 2 s old at most on approach

RESERVED = Rule(
    "dock.reserved",
    Words("the dock is reserved for {holder}", "机库已被 {holder} 预留"),
    Words("Use another dock, or wait for its release.", "请使用其他机库，或等待其释放。"),
)
NOT_RESERVED = Rule(
    "dock.not-reserved",
    Words("the dock is not reserved for {flight}", "机库未被 {flight} 预留"),
    Words("Reserve it first.", "请先预留。"),
)
OCCUPIED = Rule(
    "dock.occupied",
    Words("a drone stands on the pad", "停机坪上已有无人机"),
    Words("Use another dock, or launch the drone that is there first.", "请使用其他机库，或先放飞在库无人机。"),
)
EMPTY = Rule(
    "dock.empty",
    Words("no drone stands on the pad", "停机坪上没有无人机"),
    Words("Launch from the dock where the drone is.", "请从无人机所在的机库起飞。"),
)
TURNED_BACK = Rule(
    "dock.cover.turned-back",
    Words("the cover is {cover} instead of {wanted}", "舱盖当前为 {cover}，而非 {wanted}"),
    Words("Look at the dock's readings for what stopped it.", "请查看机库数据中的原因。"),
)


@dataclass(frozen=True, slots=True)
class DockSensors:
    """Switches at both ends of the travel, the pad's sensor, the light curtain in the cover's path, rain [mm/h]."""

    at_open: bool
    at_closed: bool
    drone_present: bool
    path_clear: bool
    rain_mmph: float | None


class DockHardware(Protocol):
    """The driver of the cover's motor; it calls `Dock.sense` whenever a sensor changes."""

    def drive(self, motor: Motor) -> None:
        """Run the motor this way, or stop it."""
        ...


class ChargerHardware(Protocol):
    """The driver of the charging contacts; it calls `Dock.sense_battery` with what it measures."""

    def contact(self, contacts: Contacts) -> None:
        """Let current flow, or let go."""
        ...


class Dock(Service):
    """The service over a dock's drivers; without the charger's it offers no charging.

    `travel_limit_s` is longer than any healthy travel of the cover [s]; after it the cover counts as stuck.
    """

    name = NAME

    def __init__(
        self,
        hardware: DockHardware,
        sensors: DockSensors,
        *,
        charger_hardware: ChargerHardware | None = None,
        travel_limit_s: float = 15.0,
    ) -> None:
        at_first = DockReadings(cover=Cover.STUCK, drone_present=False, path_clear=False, reserved_for="", ready=False)
        dock = Function(DOCK, DOCK_SPEC, at_first)
        super().__init__(
            *((dock,) if charger_hardware is None else (dock, _charger_function())),
        )
        self._hardware = hardware
        self._charger_hardware = charger_hardware
        self._sensors = sensors
        self._travel_limit_s = travel_limit_s
        self._cover = _cover_at_start(sensors)
        self._overrun: asyncio.TimerHandle | None = None
        self._arrivals: list[tuple[Cover, asyncio.Future[None]]] = []
        self._holder = ""
        self._held_until_s = 0.0
        self._tell_stuck()

    def sense(self, sensors: DockSensors) -> None:
        """Take the sensors as they are now and act on what changed."""
        before, self._sensors = self._sensors, sensors
        if sensors.at_open and not before.at_open:
            self._happen(CoverEvent.AT_OPEN)
        if sensors.at_closed and not before.at_closed:
            self._happen(CoverEvent.AT_CLOSED)
        if before.path_clear and not sensors.path_clear:
            self._happen(CoverEvent.BLOCKED)
        if (sensors.rain_mmph or 0.0) > self._rain_limit_mmph:
            # not only when it begins: a cover that an obstacle kept from closing closes when the obstacle is gone
            self._happen(CoverEvent.RAIN)
        if before.drone_present and not sensors.drone_present:
            self._charge(ChargerEvent.LEFT)
            self._forget_battery()
        if (sensors.drone_present, sensors.path_clear) != (before.drone_present, before.path_clear):
            self._changed(DOCK)

    def sense_battery(
        self,
        *,
        charge_pct: float | None,
        power_w: float | None = None,
        temperature_c: float | None = None,
        slots: tuple[BatterySlot, ...] = (),
        trouble: bool = False,
    ) -> None:
        """Take what the charger measures; `trouble` says that it cannot charge, for want of contact or a bad cell."""
        settings = cast("ChargerSettings", self.settings(CHARGER))
        self._now[CHARGER] = ChargerReadings(
            charger=self._charger, charge_pct=charge_pct, power_w=power_w, temperature_c=temperature_c, slots=slots
        )
        hottest = max(
            [t for t in (temperature_c, *(slot.temperature_c for slot in slots)) if t is not None], default=None
        )
        hot = hottest is not None and hottest >= settings.hot_c
        self._alarm(CHARGER, TOO_HOT, hot, temperature_c=hottest)
        if trouble or hot:
            self._charge(ChargerEvent.TROUBLE)
        elif charge_pct is not None and charge_pct >= settings.full_pct:
            self._charge(ChargerEvent.FILLED)

    def readings(self, function: str) -> Readings:
        """The dock or its charger as it is now."""
        return self.now() if function == DOCK else super().readings(function)

    def now(self) -> DockReadings:
        """The dock as it is now."""
        why_not = self._why_not_ready()
        return DockReadings(
            cover=self._cover,
            drone_present=self._sensors.drone_present,
            path_clear=self._sensors.path_clear,
            reserved_for=self._reserved_for(),
            ready=not why_not,
            why_not=why_not,
            faults=(cover.STUCK.code,) if self._cover is Cover.STUCK else (),
        )

    def report_every_s(self, function: str, usual_s: float) -> float:
        """Every second while a flight counts on the dock or the cover moves, otherwise as usual."""
        watched = function == DOCK and (self._reserved_for() or self._cover in (Cover.OPENING, Cover.CLOSING))
        return min(WATCHED_EVERY_S, usual_s) if watched else super().report_every_s(function, usual_s)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin an action; opening, closing and reset end when the cover has arrived. Raises Refused."""
        match function, action, parameters:
            case "DroneCharger", "charge", ForFlight():
                self._must_not_be_anothers(parameters.flight)
                self._order_charger(ChargerEvent.CHARGE)
            case "DroneCharger", "stop", _:
                self._order_charger(ChargerEvent.STOP)
            case "DroneCharger", "reset", _:
                self._order_charger(ChargerEvent.RESET)
            case _, "reserve", Reserve():
                self._reserve(parameters)
            case _, "release", ForFlight():
                self._must_not_be_anothers(parameters.flight)
                self._holder = ""
                self._changed(DOCK)
            case _, "open", ForFlight():
                if self._reserved_for() != parameters.flight:
                    raise Refused([Reason(NOT_RESERVED, "", {"flight": parameters.flight})])
                return self._order(CoverEvent.OPEN, Cover.OPEN)
            case _, "close", ForFlight():
                self._must_not_be_anothers(parameters.flight)
                return self._order(CoverEvent.CLOSE, Cover.CLOSED)
            case _, "reset", _:
                return self._order(CoverEvent.RESET, Cover.CLOSED)
            case _:
                return super().begin(function, action, parameters)
        return None

    @property
    def _rain_limit_mmph(self) -> float:
        return cast("DockSettings", self._settings[DOCK]).rain_limit_mmph

    @property
    def _charger(self) -> Charger:
        readings = self._now.get(CHARGER)
        return readings.charger if isinstance(readings, ChargerReadings) else Charger.OFF

    def _order_charger(self, event: ChargerEvent) -> None:
        refused = self._charge(event)
        if refused is not None:
            raise Refused([Reason(refused)])

    def _charge(self, event: ChargerEvent) -> Rule | None:
        if self._charger_hardware is None:
            return None
        cell = charger.step(
            self._charger, event, drone_present=self._sensors.drone_present, covered=self._cover is Cover.CLOSED
        )
        if cell.refused is not None:
            return cell.refused
        if cell.contacts is not None:
            self._charger_hardware.contact(cell.contacts)
        if cell.charger is not self._charger:
            self._now[CHARGER] = msgspec.structs.replace(self._now[CHARGER], charger=cell.charger)
            self._alarm(CHARGER, charger.FAULT.code, cell.charger is Charger.FAULT)
            self._changed(CHARGER)
        return None

    def _forget_battery(self) -> None:
        readings = self._now.get(CHARGER)
        if readings is not None:
            self._now[CHARGER] = msgspec.structs.replace(readings, charge_pct=None, power_w=None, temperature_c=None)

    def _reserve(self, wanted: Reserve) -> None:
        self._must_not_be_anothers(wanted.flight)
        if self._cover is Cover.STUCK:
            raise Refused([Reason(cover.STUCK)])
        if not self._reserved_for():
            # the holder may repeat its reservation with its own drone on the pad
            if wanted.purpose == "land" and self._sensors.drone_present:
                raise Refused([Reason(OCCUPIED)])
            if wanted.purpose == "launch" and not self._sensors.drone_present:
                raise Refused([Reason(EMPTY)])
        self._holder = wanted.flight
        self._held_until_s = asyncio.get_running_loop().time() + wanted.hold_s
        self._changed(DOCK)

    def _reserved_for(self) -> str:
        if self._holder and asyncio.get_running_loop().time() >= self._held_until_s:
            self._holder = ""
        return self._holder

    def _must_not_be_anothers(self, flight: str) -> None:
        holder = self._reserved_for()
        if holder not in ("", flight):
            raise Refused([Reason(RESERVED, "", {"holder": holder})])

    def _why_not_ready(self) -> tuple[str, ...]:
        missing = []
        if self._cover is Cover.STUCK:
            missing.append(cover.STUCK.code)
        elif self._cover is not Cover.OPEN:
            missing.append(f"dock.cover.{self._cover}")
        if self._sensors.drone_present:
            missing.append(OCCUPIED.code)
        if not self._sensors.path_clear:
            missing.append(cover.PATH_BLOCKED.code)
        return tuple(missing)

    def _order(self, event: CoverEvent, wanted: Cover) -> Awaitable[None] | None:
        refused = self._happen(event)
        if refused is not None:
            raise Refused([refused])
        if self._cover is wanted:
            return None
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.append((wanted, arrival))
        return arrival

    def _happen(self, event: CoverEvent) -> Reason | None:
        around = Surroundings(self._sensors.path_clear, self._sensors.rain_mmph, self._rain_limit_mmph)
        step = cover.step(self._cover, event, around)
        if step.refused is not None:
            facts = {"rain_mmph": around.rain_mmph, "limit_mmph": around.rain_limit_mmph}
            return Reason(step.refused, "", facts if step.refused is cover.RAIN_OVER_LIMIT else {})
        changed, self._cover = step.cover is not self._cover, step.cover
        if self._cover is not Cover.CLOSED:
            self._charge(ChargerEvent.UNCOVERED)  # before anything moves
        if step.motor is not None:
            self._drive(step.motor)
        if changed:
            self._tell_arrivals()
            self._tell_stuck()
            self._changed(DOCK)
        if step.motor is not None:
            self._arrive_if_there(step.motor)
        return None

    def _arrive_if_there(self, motor: Motor) -> None:
        """End a travel to where the cover still is: turned back before it moved, its switch will not close again."""
        if self._sensors.at_open is self._sensors.at_closed:
            return  # on the way, or a broken switch
        if motor is Motor.OPEN and self._sensors.at_open:
            self._happen(CoverEvent.AT_OPEN)
        elif motor is Motor.CLOSE and self._sensors.at_closed:
            self._happen(CoverEvent.AT_CLOSED)

    def _tell_stuck(self) -> None:
        self._alarm(DOCK, cover.STUCK.code, self._cover is Cover.STUCK)

    def _drive(self, motor: Motor) -> None:
        if self._overrun is not None:
            self._overrun.cancel()
            self._overrun = None
        if motor is not Motor.STOP:
            loop = asyncio.get_running_loop()
            self._overrun = loop.call_later(self._travel_limit_s, self._happen, CoverEvent.OVERRUN)
        self._hardware.drive(motor)

    def _tell_arrivals(self) -> None:
        heading = {Cover.OPENING: Cover.OPEN, Cover.CLOSING: Cover.CLOSED}.get(self._cover, self._cover)
        still_coming = []
        for wanted, arrival in self._arrivals:
            if arrival.done():
                continue
            if self._cover is wanted:
                arrival.set_result(None)
            elif heading is wanted:
                still_coming.append((wanted, arrival))
            elif self._cover is Cover.STUCK:
                arrival.set_exception(Refused([Reason(cover.STUCK)]))
            else:
                facts = {"cover": str(self._cover), "wanted": str(wanted)}
                arrival.set_exception(Refused([Reason(TURNED_BACK, "", facts)]))
        self._arrivals = still_coming


def _cover_at_start(sensors: DockSensors) -> Cover:
    if sensors.at_open == sensors.at_closed:
        return Cover.STUCK  # half way or a broken switch: someone must look before anything moves
    return Cover.OPEN if sensors.at_open else Cover.CLOSED


def _charger_function() -> Function:
    return Function(CHARGER, CHARGER_SPEC, ChargerReadings(charger=Charger.OFF))
