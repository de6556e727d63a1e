"""The dock: a pad under a cover on the pole's head, where one drone at a time may land and be shut in.

TALQ 2.7.1 has no such function. A flight reserves the dock, has it opened, lands when the dock is ready, has it closed
and releases it. The dock is ready only while the cover is open, the pad and the cover's path are clear and nothing is
wrong with it; `why_not` holds the codes of what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from airspace.reasons import Reason, Refused, Rule, Words
from poles.services import cover
from poles.services.cover import Cover, CoverEvent, Motor, Surroundings
from poles.services.service import NoParameters, ServiceSpec

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


class DockReadings(msgspec.Struct, frozen=True, kw_only=True):
    """The dock as it is; `reserved_for` is a flight's id or empty."""

    cover: Cover
    drone_present: bool
    path_clear: bool
    reserved_for: Annotated[str, Meta(max_length=64)]
    ready: bool
    why_not: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    faults: Annotated[tuple[str, ...], Meta(max_length=16)] = ()


class Reserve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep the dock for a flight for at most `hold_s` [s], so that a lost release does not lock it for ever."""

    flight: Annotated[str, Meta(min_length=1, max_length=64)]
    purpose: Literal["land", "launch"] = "land"
    hold_s: Annotated[float, Meta(gt=0.0, le=86400.0)] = 7200.0


class ForFlight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order on behalf of the flight that holds the reservation."""

    flight: Annotated[str, Meta(min_length=1, max_length=64)]


SPEC = ServiceSpec(
    DockReadings,
    {"reserve": Reserve, "open": ForFlight, "close": ForFlight, "release": ForFlight, "reset": NoParameters},
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


class Dock:
    """The service over a dock's driver.

    `travel_limit_s` is longer than any healthy travel of the cover [s]; after it the cover counts as stuck.
    """

    name = NAME

    def __init__(
        self,
        hardware: DockHardware,
        sensors: DockSensors,
        *,
        rain_limit_mmph: float = 2.5,
        travel_limit_s: float = 15.0,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._hardware = hardware
        self._sensors = sensors
        self._rain_limit_mmph = rain_limit_mmph
        self._travel_limit_s = travel_limit_s
        self._cover = _cover_at_start(sensors)
        self._overrun: asyncio.TimerHandle | None = None
        self._arrivals: list[tuple[Cover, asyncio.Future[None]]] = []
        self._holder = ""
        self._held_until_s = 0.0

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
        if (sensors.drone_present, sensors.path_clear) != (before.drone_present, before.path_clear):
            self.on_change()

    def readings(self) -> DockReadings:
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

    def report_every_s(self, usual_s: float) -> float:
        """Every second while a flight counts on the dock or the cover moves, otherwise as usual."""
        watched = self._reserved_for() or self._cover in (Cover.OPENING, Cover.CLOSING)
        return min(WATCHED_EVERY_S, usual_s) if watched else usual_s

    def begin(self, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin an action; opening, closing and reset end when the cover has arrived. Raises Refused."""
        match action, parameters:
            case "reserve", Reserve():
                self._reserve(parameters)
                return None
            case "release", ForFlight():
                self._must_not_be_anothers(parameters.flight)
                self._holder = ""
                self.on_change()
                return None
            case "open", ForFlight():
                if self._reserved_for() != parameters.flight:
                    raise Refused([Reason(NOT_RESERVED, "", {"flight": parameters.flight})])
                return self._order(CoverEvent.OPEN, Cover.OPEN)
            case "close", ForFlight():
                self._must_not_be_anothers(parameters.flight)
                return self._order(CoverEvent.CLOSE, Cover.CLOSED)
            case _:
                return self._order(CoverEvent.RESET, Cover.CLOSED)

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
        self.on_change()

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
        if step.motor is not None:
            self._drive(step.motor)
        if changed:
            self._tell_arrivals()
            self.on_change()
        return None

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
