"""What the poles say right now, as launch gates and landings need it, and how they are asked to act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airspace.reasons import Words
from controller.clock import Clock
from controller.streams import STREAMS, Stream
from poles.gateway import Gateway
from poles.services.dock_functions import DOCK, DockReadings
from poles.services.weather import WIND, WindReadings

COVER_WORDS = {
    "open": Words("open", "开"),
    "opening": Words("opening", "正在打开"),
    "closed": Words("closed", "关"),
    "closing": Words("closing", "正在关闭"),
    "stuck": Words("stuck", "卡住"),
}


@dataclass(frozen=True, slots=True)
class WeatherReading:
    """Fresh weather of one pole; the wind comes from `from_deg`."""

    pole: str
    wind_mps: float
    gust_mps: float
    from_deg: float
    age_s: float


@dataclass(frozen=True, slots=True)
class DockReading:
    """The last word of one pole's dock; nothing may rest on a stale one, and no descent on one that is not of now."""

    pole: str
    cover: str
    drone_present: bool
    ready: bool
    why_not: tuple[str, ...]
    reserved_for: str
    faults: tuple[str, ...]
    age_s: float
    stale: bool
    of_now: bool  # fresh enough to descend on

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

    def why_not_ready(self, flight: str) -> Words | None:
        """Why a flight's drone may not descend to it now, None when it may."""
        if (why := self.why_not_free()) is not None:
            return why
        if self.reserved_for != flight:
            holder = self.reserved_for or "-"
            return Words(f"the pole keeps it for {holder}", f"灯杆将其保留给 {holder}")
        if not self.ready:
            missing = ", ".join(self.why_not)
            return Words(f"not ready: {missing}", f"未就绪：{missing}")
        if not self.of_now:
            return Words(f"its word is {self.age_s:.1f} s old", f"其就绪信息已过 {self.age_s:.1f} 秒")
        return None


class Poles:
    """The poles of a district, seen through their gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    def codes(self) -> list[str]:
        """The city codes of the poles that were heard since the start, sorted."""
        return sorted(self._gateway.poles)

    def weather(self, gust_over_mps: float = -1.0) -> list[WeatherReading]:
        """Fresh wind of every pole that measures it and has gusts over so much [m/s], by city code."""
        now_s = self._clock.monotonic_s()
        oldest_s = now_s - STREAMS[Stream.POLE_WEATHER].stale_after_s - self._clock.lag_s
        fresh = []
        for pole, reading in self._gateway.latest(WIND).items():  # asked every second for each drone in the air
            values = reading.values
            if reading.taken_s < oldest_s or not isinstance(values, WindReadings) or values.wind_mean_mps is None:
                continue
            gust_mps = values.wind_mean_mps if values.wind_gust_mps is None else values.wind_gust_mps
            if gust_mps > gust_over_mps:
                age_s = now_s - reading.taken_s
                fresh.append(WeatherReading(pole, values.wind_mean_mps, gust_mps, values.wind_from_deg or 0.0, age_s))
        return sorted(fresh, key=lambda reading: reading.pole)

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
            of_now=age_s <= STREAMS[Stream.POLE_READY].stale_after_s + self._clock.lag_s,
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
