"""What the poles say right now, as launch gates and landings need it, and how they are asked to act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from airspace.frames import LatLon
from airspace.reasons import Words
from controller.clock import Clock
from controller.flight.landing import PadSight
from controller.streams import STREAMS, Stream
from controller.weather_picture import NEAREST, WeatherReading, WindNear, wind_near, winds
from controller.weather_stations import FEW, Stations
from poles.gateway import Gateway
from poles.gateway.alarms import OpenAlarm
from poles.gateway.state import Known, PoleState
from poles.services.dock_functions import CHARGER, DOCK, ChargerReadings, DockReadings
from poles.services.lamp import ACTUATOR, MONITOR, LampMonitorReadings, LampReadings, Pattern
from poles.services.weather import WIND

R = TypeVar("R", bound=msgspec.Struct)

DOUBTED_WORDS = Words("its pole does not trust its sensors", "灯杆不信任其传感器")
COVER_WORDS = {
    "open": Words("open", "开"),
    "opening": Words("opening", "正在打开"),
    "closed": Words("closed", "关"),
    "closing": Words("closing", "正在关闭"),
    "stuck": Words("stuck", "卡住"),
}


@dataclass(frozen=True, slots=True)
class DockReading:
    """The last word of one pole's dock; nothing may rest on a stale one, or on one that the pole doubts itself."""

    pole: str
    cover: str
    drone_present: bool
    ready: bool
    why_not: tuple[str, ...]
    reserved_for: str
    faults: tuple[str, ...]
    age_s: float
    stale: bool
    doubted: bool

    def why_not_free(self, *, own_drone_on_it: bool = False) -> Words | None:
        """Why no drone can be sent here, None when one can."""
        if self.stale:
            return Words(f"silent for {self.age_s:.0f} s", f"已 {self.age_s:.0f} 秒无报告")
        if self.doubted:
            return DOUBTED_WORDS
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
        self._stations = Stations()

    @property
    def address(self) -> str:
        """Where poles connect to, with the real port."""
        return self._gateway.address

    def codes(self) -> list[str]:
        """The city codes of the poles that were heard since the start, sorted."""
        return sorted(self._gateway.poles)

    def alarms(self) -> list[OpenAlarm]:
        """The open alarms of poles, gravest first."""
        return list(self._gateway.supervision.alarms)

    def weather(self) -> list[WeatherReading]:
        """Fresh and plausible wind of every pole that measures it, by city code."""
        return [reading for reading in self._winds(self._gateway.latest(WIND)) if not reading.doubted]

    def wind(self, places: Iterable[LatLon]) -> WindNear | None:
        """The wind at some places by the nearest stations; None when none can be believed."""
        near = self.gusts(places)
        return near if near is not None and near.can_clear else None

    def gusts(self, places: Iterable[LatLon]) -> WindNear | None:
        """Likewise, also by stations that cannot be believed; None without any."""
        known, places = self._gateway.latest(WIND), list(places)
        if len(known) <= FEW:
            return wind_near(self._winds(known), places)
        self._stations.follow(known, self._gateway.poles, self._clock.monotonic_s())
        found: dict[str, WeatherReading] = {}
        for place in places:
            for codes, within_m in self._stations.around(place):
                heard = self._winds({code: known[code] for code in codes if code in known})
                sure = [reading for reading in heard if not reading.doubted]
                if sum(reading.position.distance_m(place) <= within_m for reading in sure) >= NEAREST:
                    break
            found.update({reading.pole: reading for reading in heard})
        return wind_near(list(found.values()), places)

    def _winds(self, known: Mapping[str, Known]) -> list[WeatherReading]:
        now_s = self._clock.monotonic_s()
        oldest_s = now_s - STREAMS[Stream.POLE_WEATHER].stale_after_s - self._clock.lag_s
        return winds(known, self._gateway.poles, now_s, oldest_s)

    def pad(self, pole: str) -> PadSight:
        """What is known of a dock for a landing, without the wind over it."""
        state, word = self._gateway.poles.get(pole), self._word(pole, DOCK, DockReadings)
        if state is None or word is None:
            return PadSight(None)
        dock, age_s, doubted = word
        if doubted:
            return PadSight(None, doubted=True)
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
            lamp_leads=self._leads(pole),
            lamp_failed=monitor is not None and monitor.failed,
        )

    def _leads(self, pole: str) -> bool | None:
        """Whether the lamp shows the landing pattern, None when its word is too old or doubted."""
        word = self._word(pole, ACTUATOR, LampReadings)
        if word is None:
            return None
        lamp, age_s, doubted = word
        if doubted or age_s > STREAMS[Stream.POLE_LAMP].stale_after_s + self._clock.lag_s:
            return None
        return lamp.pattern is Pattern.LANDING and lamp.level_pct > 0.0

    def has_charger(self, pole: str) -> bool:
        """Whether a pole's dock can charge a drone, as far as it is known."""
        state = self._gateway.poles.get(pole)
        return state is not None and _has(state, CHARGER)

    def charger(self, pole: str) -> ChargerReadings | None:
        """The last word of a dock's charger, None when there was none or its pole doubts it."""
        word = self._word(pole, CHARGER, ChargerReadings)
        return None if word is None or word[2] else word[0]

    async def until_charger(self, pole: str, condition: Callable[[ChargerReadings], bool], within_s: float) -> bool:
        """Wait until a charger's report fulfils a condition; False when it did not in time."""

        def holds(_: object) -> bool:
            charger = self.charger(pole)
            return charger is not None and condition(charger)

        return await self._gateway.until(pole, holds, deadline_s=within_s)

    def dock(self, pole: str) -> DockReading | None:
        """The last report of a dock, None when there was none."""
        word = self._word(pole, DOCK, DockReadings)
        if word is None:
            return None
        values, age_s, doubted = word
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
            doubted=doubted,
        )

    async def until_dock(self, pole: str, condition: Callable[[DockReading], bool], within_s: float) -> bool:
        """Wait until a dock's report that its pole does not doubt fulfils a condition; False when none did in time."""

        def holds(_: object) -> bool:
            dock = self.dock(pole)
            return dock is not None and not dock.doubted and condition(dock)

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

    def _word(self, pole: str, function: str, kind: type[R]) -> tuple[R, float, bool] | None:
        """The last readings of a function, their age at most [s], and whether the pole doubts them."""
        state = self._gateway.poles.get(pole)
        reading = None if state is None else state.readings.get(function)
        if reading is None or not isinstance(reading.values, kind):
            return None
        return reading.values, reading.oldest_s(self._clock.monotonic_s(), self._clock.utc_s()), reading.doubted


def _has(state: PoleState, function: str) -> bool:
    """Whether a pole has a function: it said so, or has reported it."""
    return function in state.readings or any(each.function == function for each in state.functions)
