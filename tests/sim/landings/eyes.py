"""What really happens to drone and docks, looked at from outside: the two things that must never be."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from poles.services.cover import Motor
from poles.services.lamp import Pattern
from poles.services.weather import WIND, WindReadings
from sim.pads import CURTAIN_M, ON_PAD_M
from sim.pole import SimPole
from sim.world.assembly import World

LOOK_EVERY_S = 0.1
GATE_M, LOW_M = 15.0, 5.0  # below the one only on a word of now, below the other it cannot turn back any more
# A word may be 2 s old at the gate; the controller looks at it twice a second, and the store takes a moment.
READY_WITHIN_S = 3.0
WORD_WITHIN_S = 4.0  # from the order to go through the gate until it is through; so long its word may be older
OVER_M = 3.0  # so far beside the pad's middle a drone comes down on it
GUST_OVER_S = 12.0  # by now every station has told of its gusts


@dataclass(slots=True)
class Eyes:
    """Looks ten times a second; `wrong` says what must never have been, `excused` counts what nobody could help."""

    world: World
    drone: str
    gust_limit_mps: float
    wrong: list[str] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    word_age_s: Callable[[str], float | None] = lambda dock: None  # as the controller has it
    through_gate: int = 0
    controlled: bool = True  # a controller runs and hears the drone
    _uncontrolled_s: float = -1e9  # when there was none last
    _held_s: dict[str, float] = field(default_factory=dict)  # dock -> when everything held there last
    _calm_s: float = 0.0  # when no station that can be heard had gusts over the limit last
    _felt_s: float = -1e9
    _agl_m: float = 0.0
    _opened: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Look once."""
        now_s = asyncio.get_running_loop().time()
        if not self.controlled:
            self._uncontrolled_s = now_s
        docks = [pole for pole in self.world.city.poles.values() if pole.site.has_dock]
        for pole in docks:
            if self._holds(pole):
                self._held_s[pole.code] = now_s
        if now_s - self._felt_s >= 1.0:
            self._felt_s = now_s
            stations = [pole for pole in self.world.city.poles.values() if self._tells(pole.code)]
            if all(_gust(pole) <= self.gust_limit_mps for pole in stations):
                self._calm_s = now_s
        for pole in docks:
            self._cover_over_a_drone(pole)
            self._descent(pole, now_s, GATE_M)
            self._descent(pole, now_s, LOW_M)
        self._agl_m = self.world.city.place_of(self.drone)[2]

    def _tells(self, code: str) -> bool:
        """Whether a station's word comes through to the controller; of one that is cut off nobody can know."""
        age_s = self.word_age_s(code) if self.controlled else None
        return age_s is None or age_s <= GUST_OVER_S

    def _holds(self, pole: SimPole) -> bool:
        """Whether a drone may land, as it really is: cover, pad, reservation and light."""
        dock, light = pole.dock.now(), pole.light
        lamp = light.pattern is Pattern.LANDING and light.level_pct > 0.0 and not pole.lamp_failed
        return dock.ready and bool(dock.reserved_for) and pole.hardware.opened >= 1.0 and lamp

    def _over(self, pole: SimPole, within_m: float) -> bool:
        e, n, _ = self.world.city.place_of(self.drone)
        return math.dist((e, n), pole.site.xy_m) <= within_m

    def _cover_over_a_drone(self, pole: SimPole) -> None:
        before = self._opened.get(pole.code, pole.hardware.opened)
        self._opened[pole.code] = pole.hardware.opened
        flying = not self.world.city.flown[self.drone].truth.landed
        low = self.world.city.place_of(self.drone)[2] - pole.site.foot_m < CURTAIN_M - 0.2
        closing = pole.hardware.opened < before - 1e-6 and pole.hardware._motor is Motor.CLOSE
        if flying and low and closing and self._over(pole, ON_PAD_M):
            self.wrong.append(f"cover of {pole.code} closes on the drone, {pole.hardware.opened:.0%} open")

    def _descent(self, pole: SimPole, now_s: float, height_m: float) -> None:
        agl_m = self.world.city.place_of(self.drone)[2]
        simulated = self.world.city.drones[self.drone]
        if not (agl_m < height_m <= self._agl_m) or not self._over(pole, OVER_M):
            return
        if simulated.truth.mode.name != "AUTO":
            self.excused["came down by a failsafe of its own"] += 1
            return
        self.through_gate += height_m == GATE_M
        late_s = now_s - self._held_s.get(pole.code, -1e9)
        windy_s = now_s - self._calm_s
        age_s = self.word_age_s(pole.code) if self.controlled else None
        silent_s = WORD_WITHIN_S if age_s is None else age_s
        if late_s <= READY_WITHIN_S and windy_s <= GUST_OVER_S and silent_s <= WORD_WITHIN_S:
            return
        what = f"not right for {late_s:.1f} s, calm {windy_s:.1f} s ago, its word {silent_s:.1f} s old"
        alone_s = now_s - self._uncontrolled_s
        if height_m < GATE_M and alone_s <= min(max(late_s, windy_s, silent_s), 60.0) + 8.0:
            self.excused["nobody could reach the drone, which was through the gate"] += 1
        else:
            self.wrong.append(f"below {height_m:g} m over {pole.code}: {what}")


def _gust(pole: SimPole) -> float:
    """The gusts that a pole's station tells now [m/s]."""
    said = pole._weather.readings(WIND)
    return said.wind_gust_mps or 0.0 if isinstance(said, WindReadings) else 0.0
