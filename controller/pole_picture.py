"""What the poles say right now, as launch gates and landings need it, and how they are asked to act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airspace.frames import LatLon
from airspace.reasons import Words
from controller.clock import Clock
from controller.flight.landing import PadSight
from controller.streams import STREAMS, Stream
from controller.weather_picture import WeatherReading, WindNear, believed, wind_near
from poles.gateway import Gateway
from poles.gateway.alarms import OpenAlarm
from poles.gateway.state import PoleState
from poles.services.dock_functions import CHARGER, DOCK, ChargerReadings, DockReadings
from poles.services.lamp import ACTUATOR, MONITOR, LampMonitorReadings, LampReadings, Pattern
from poles.services.weather import WIND

COVER_WORDS = {
    "open": Words("open", "开"),
    "opening": Words("opening", "正在打开"),
    "closed": Words("closed", "关"),
    "closing": Words("closing", "正在关闭"),
    "stuck": Words("stuck", "卡住"),
}


@dataclass(frozen=True, slots=True)
class DockReading:
    """The last word of one pole's dock; nothing may rest on a stale one."""

    pole: str
    cover: str
    drone_present: bool
    ready: bool
    why_not: tuple[str, ...]
    reserved_for: str
    faults: tuple[str, ...]
    age_s: float
    stale: bool

    def why_not_free(self, *, own_drone_on_it: bool = False) -> Words | None:
        """Why no drone can be sent here, None when one can."""
        if self.stale:
            return Words(f"silent for {self.age_s:.0f} s", f"已 {self.age_s:.0f} 秒无报告")
        if self.faults:
            faults = ", ".join(self.faults)
            return Words(f"fault {faults}", f"故障 {faults}")
        if self.drone_present and not own_drone_on_it:
            return Words("another drone is on the pad", "停机坪上已有无人机")
        return None


class Poles:
    """The poles of a district, seen through their gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    def codes(self) -> list[str]:
        """The city codes of the poles that were heard since the start, sorted."""
        return sorted(self._gateway.poles)

    def alarms(self) -> list[OpenAlarm]:
        """The open alarms of poles, gravest first."""
        return list(self._gateway.supervision.alarms)

    def weather(self, gust_over_mps: float = -1.0) -> list[WeatherReading]:
        """Fresh and plausible wind of every pole that measures it and has gusts over so much [m/s], by city code."""
        now_s = self._clock.monotonic_s()
        oldest_s = now_s - STREAMS[Stream.POLE_WEATHER].stale_after_s - self._clock.lag_s
        return believed(self._gateway.latest(WIND), self._gateway.poles, now_s, oldest_s, gust_over_mps)

    def wind(self, places: Iterable[LatLon]) -> WindNear | None:
        """The wind at some places by the nearest stations; None when none can be believed."""
        return wind_near(self.weather(), places)

    def pad(self, pole: str) -> PadSight:
        """What is known of a dock for a landing, without the wind over it."""
        state, age_s = self._gateway.poles.get(pole), self._age_s(pole, DOCK)
        dock = None if state is None else state.values(DOCK, DockReadings)
        if state is None or dock is None or age_s is None:
            return PadSight(None)
        monitor = state.values(MONITOR, LampMonitorReadings)
        return PadSight(
            age_s=max(age_s - self._clock.lag_s, 0.0),
            cover=dock.cover,
            drone_present=dock.drone_present,
            ready=dock.ready,
            why_not=dock.why_not,
            faults=dock.faults,
            reserved_for=dock.reserved_for,
            has_lamp=_has(state, ACTUATOR),
            lamp_leads=self._leads(pole, state),
            lamp_failed=monitor is not None and monitor.failed,
        )

    def _leads(self, pole: str, state: PoleState) -> bool | None:
        """Whether the lamp shows the landing pattern, None when its word is too old."""
        lamp, age_s = state.values(ACTUATOR, LampReadings), self._age_s(pole, ACTUATOR)
        if lamp is None or age_s is None or age_s > STREAMS[Stream.POLE_LAMP].stale_after_s + self._clock.lag_s:
            return None
        return lamp.pattern is Pattern.LANDING and lamp.level_pct > 0.0

    def has_charger(self, pole: str) -> bool:
        """Whether a pole's dock can charge a drone, as far as it is known."""
        state = self._gateway.poles.get(pole)
        return state is not None and _has(state, CHARGER)

    def charger(self, pole: str) -> ChargerReadings | None:
        """The last word of a dock's charger, None when there was none."""
        state = self._gateway.poles.get(pole)
        return None if state is None else state.values(CHARGER, ChargerReadings)

    async def until_charger(self, pole: str, condition: Callable[[ChargerReadings], bool], within_s: float) -> bool:
        """Wait until a charger's report fulfils a condition; False when it did not in time."""

        def holds(_: object) -> bool:
            charger = self.charger(pole)
            return charger is not None and condition(charger)

        return await self._gateway.until(pole, holds, deadline_s=within_s)

    def dock(self, pole: str) -> DockReading | None:
        """The last report of a dock, None when there was none."""
        state, age_s = self._gateway.poles.get(pole), self._age_s(pole, DOCK)
        values = None if state is None else state.values(DOCK, DockReadings)
        if values is None or age_s is None:
            return None
        return DockReading(
            pole=pole,
            cover=values.cover.value,
            drone_present=values.drone_present,
            ready=values.ready,
            why_not=values.why_not,
            reserved_for=values.reserved_for,
            faults=values.faults,
            age_s=age_s,
            stale=age_s > STREAMS[Stream.POLE_DOCK].stale_after_s + self._clock.lag_s,
        )

    async def until_dock(self, pole: str, condition: Callable[[DockReading], bool], within_s: float) -> bool:
        """Wait until a dock's report fulfils a condition; False when it did not in time."""

        def holds(_: object) -> bool:
            dock = self.dock(pole)
            return dock is not None and condition(dock)

        return await self._gateway.until(pole, holds, deadline_s=within_s)

    async def until_weather(self, poles: Iterable[str], within_s: float) -> None:
        """Wait until each of these poles has reported its weather, or `within_s` [s] are over."""
        deadline_s = self._clock.monotonic_s() + within_s
        for pole in poles:
            left_s = max(deadline_s - self._clock.monotonic_s(), 0.0)
            await self._gateway.until(pole, lambda state: WIND in state.readings, deadline_s=left_s)

    async def ask(
        self, pole: str, service: str, action: str, within_s: float, parameters: Mapping[str, Any]
    ) -> tuple[str, Words]:
        """Order a pole to act: (accepted | rejected | unknown, what it said)."""
        outcome = await self._gateway.command(pole, service, action, parameters, deadline_s=within_s)
        return outcome.outcome.value, outcome.words

    def _age_s(self, pole: str, service: str) -> float | None:
        state = self._gateway.poles.get(pole)
        return None if state is None else state.age_s(service, self._clock.monotonic_s())


def _has(state: PoleState, function: str) -> bool:
    """Whether a pole has a function: it said so, or has reported it."""
    return function in state.readings or any(each.function == function for each in state.functions)
