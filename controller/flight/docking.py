"""Landing on a pole's dock: it is asked to get ready in time, and the drone descends only when everything holds.

The uploaded mission waits at its hold item and, when no word comes, ends on open ground by itself. The word is a jump
from the hold to the landing branch of a dock. What the drone's current item says is what counts: a jump whose answer
was lost, or that an earlier controller ordered, is taken up from there. While the drone descends everything must go on
to hold, or the drone climbs back over the dock to the hold, and the next dock is tried. In the gate above the pad it
hovers until a second jump lets it land; when none comes it climbs back by itself. What follows from what is the table
of `landing`; here is looked, ordered and recorded.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Any

from airspace.frames import LatLon
from airspace.reasons import Reason, Words
from controller.alarms import Alarm
from controller.district import District
from controller.events import DescentJudged, LandingChosen, Phase, PhaseChanged
from controller.flight.landing import (
    COMMITTED_M,
    Act,
    Event,
    Missing,
    PadSight,
    Stage,
    judged,
    missing,
    step,
)
from controller.flight.orders import order_drone, order_pole
from controller.flight.serving import FIRST_WORD_S
from controller.links.drone import DroneLink
from controller.state import FlightState
from controller.streams import STREAMS, Stream
from missions.items import Command
from missions.itinerary import GATE_M, GATE_S, again_s
from missions.plan import LandingOption, Leg, Purpose
from poles.services.dock_functions import DOCK
from poles.services.lamp import ACTUATOR, Pattern

PREPARE_BEFORE_S = 60.0  # a cover needs seconds; the lamp shows people that a drone is coming
AT_HOLD_M = 6.0
EACH_DOCK_S = 12.0  # at the hold, then the next alternate is asked too
JUMP_RETRIES = 2
JUMP_ANSWER_S = 1.0
JUMP_SHOWN_S = 3.0
# before the hold is over and the drone goes to open ground by itself: no jump may be under way then
DECIDE_BEFORE_END_S = (JUMP_RETRIES + 1) * JUMP_ANSWER_S + JUMP_SHOWN_S + 2.0
IN_GATE_M = 1.0  # so near to its height there the drone is in the gate
PASS_BEFORE_END_S = 3.0  # before it leaves the gate by itself; the order there is sent once and looked after
PASS_SHOWN_S = 1.0
TICK_S = 0.5
PATIENCE_S = 7 * 86400.0  # whoever follows the flight decides when to stop waiting
EVERYTHING_HOLDS = Words("everything holds", "一切就绪")
UNTOLD = Missing("untold", Words("the drone was not told in time to land", "未能及时通知无人机降落"), known=False)


@dataclass(slots=True)
class Docking:
    """The landing of one flight that has a hold item; `run` returns when the drone is committed or on its own."""

    district: District
    link: DroneLink
    flight: FlightState
    asked: list[LandingOption] = field(default_factory=list)  # docks that were told to open, in the order of the wish
    stages: dict[str, Stage] = field(default_factory=dict)  # by dock
    _began_s: float = field(init=False)
    _gate_left_s: float = math.inf  # when the drone leaves the gate by itself [UTC s]; inf before it came there
    _gated: str = ""  # the dock whose gate the drone has gone through in this descent

    def __post_init__(self) -> None:
        self._began_s = self._now_s()

    @property
    def docks(self) -> list[LandingOption]:
        """The docks of the plan, in the order of the wish."""
        return [option for option in self.flight.plan.landings if option.dock]

    async def run(self) -> None:
        """Prepare, wait at the hold, choose, watch the descent; again from the hold when a landing is broken off."""
        if not self.docks or self.flight.plan.hold_seq == 0 or self.district.poles is None:
            return
        if self.flight.phase is Phase.FLYING:
            await self._until_item(self._prepare_seq())
            await self._happen(self.docks[0], Event.ASK)
        while True:
            option = await self._until_on_a_branch()
            await self._adopt(option)
            if not option.dock or await self._descended(option):
                return

    async def _happen(self, option: LandingOption, event: Event) -> bool:
        """Let something happen to the landing on a dock, and do what follows; False when it is refused or failed."""
        lacking = self._lacking(option)
        taken = step(self._stage(option), event, lacking)
        self.stages[option.dock] = taken.stage
        match taken.act:
            case Act.ASK:
                await self._ask(option)
            case Act.SEND:
                return await self._jump(option.first_seq, f"land at {option.name}")
            case Act.PASS:
                order = f"go down to {option.name}"
                return await self._jump(option.land_seq, order, retries=0, shown_s=PASS_SHOWN_S)
            case Act.TURN_BACK:
                return await self._turn_back(option, lacking)
            case _:
                pass
        return taken.refused is None

    def _stage(self, option: LandingOption) -> Stage:
        return self.stages.get(option.dock, Stage.IDLE)

    def _prepare_seq(self) -> int:
        """The first item from which the hold is less than `PREPARE_BEFORE_S` of planned flight away."""
        plan = self.flight.plan
        common = [leg for leg in plan.legs if not leg.branch]
        hold_s = min((leg.start_s for leg in common if leg.seq == plan.hold_seq), default=plan.duration_s)
        close = [leg.seq for leg in common if leg.end_s >= hold_s - PREPARE_BEFORE_S]
        return min([*close, plan.hold_seq])

    async def _until_item(self, seq: int) -> None:
        await self.link.wait_for(f"item {seq}", lambda s: (s.mission_seq or 0) >= seq, PATIENCE_S)

    async def _ask(self, option: LandingOption) -> None:
        """Keep the dock, light its lamp and open it; how that goes shows in its reports."""
        if option not in self.asked:
            self.asked.append(option)
        await self._first_word(option)
        hold_s = self.flight.plan.duration_s + 1800
        reason = await self._order(option, DOCK, "reserve", purpose="land", hold=hold_s)
        if reason is None:
            await self._order(option, ACTUATOR, "override", pattern=Pattern.LANDING)
            reason = await self._order(option, DOCK, "open")
        if reason is not None:
            await self._not_ready(option, Words(reason.text("en"), reason.text("zh")))

    async def _first_word(self, option: LandingOption) -> None:
        """After a restart, let the pole find this controller before it is given an order."""
        left_s = self._began_s + FIRST_WORD_S - self._now_s()
        if self.district.poles is not None and self._unheard(option) and left_s > 0.0:
            await self.district.poles.until_dock(option.dock, lambda dock: True, left_s)

    async def _order(self, option: LandingOption, function: str, action: str, **parameters: Any) -> Reason | None:
        return await order_pole(self.district, self.flight.id, option.dock, function, action, **parameters)

    def _lacking(self, option: LandingOption) -> tuple[Missing, ...]:
        """What a landing on a dock lacks now, gravest first."""
        sight = self._sight(option)
        within_s = STREAMS[Stream.POLE_READY].stale_after_s
        return missing(sight, self.flight.id, self.district.site.gust_limit_mps(self.flight.drone), within_s)

    def _sight(self, option: LandingOption) -> PadSight:
        poles = self.district.poles
        sight = PadSight(None) if poles is None else poles.pad(option.dock)
        if poles is None or not self.district.site.measures_wind:
            return sight
        wind = poles.wind([LatLon(option.place.lat_deg, option.place.lon_deg)])
        gust_mps, age_s = (None, None) if wind is None else (wind.gust_mps, wind.age_s)
        return replace(sight, measures_wind=True, gust_mps=gust_mps, wind_age_s=age_s)

    def _unheard(self, option: LandingOption) -> bool:
        """Whether the dock has not said anything since this controller started."""
        return self.district.poles is not None and self.district.poles.dock(option.dock) is None

    def _branch(self) -> LandingOption | None:
        """The landing option whose items the drone flies now, None on the common way or while that is not known."""
        seq = self.link.state.mission_seq
        if seq is None or not self.link.freshness.fresh(Stream.MISSION):
            return None
        return next((o for o in self.flight.plan.landings if o.flown_at(seq)), None)

    def _at_hold(self) -> bool:
        state, plan = self.link.state, self.flight.plan
        if state.mission_seq != plan.hold_seq or not self.link.freshness.fresh(Stream.MISSION):
            return False
        return self._is_over(plan.hold_seq)

    def _is_over(self, seq: int) -> bool:
        """Whether the drone is known to be over the place of an item, or under it."""
        state, item = self.link.state, self.flight.plan.items[seq - 1]
        if state.lat_deg is None or state.lon_deg is None or not self.link.freshness.fresh(Stream.POSITION):
            return False
        return LatLon(item.lat_deg, item.lon_deg).distance_m(LatLon(state.lat_deg, state.lon_deg)) < AT_HOLD_M

    async def _until_on_a_branch(self) -> LandingOption:
        """Wait until the drone flies a landing branch; from the hold, send it to the first dock that is ready."""
        asked_s = self._now_s()
        while (option := self._branch()) is None:
            if self._at_hold():
                if self.flight.phase is not Phase.HOLDING:
                    await self._enter(Phase.HOLDING)
                    asked_s = self._now_s()
                for asked in self.asked:
                    await self._happen(asked, judged(self._lacking(asked)))
                if self._time_left_s() > DECIDE_BEFORE_END_S and self._may_be_broken_off():
                    if await self._send_to_clear():
                        continue
                    asked_s = await self._ask_the_next(asked_s)
            await asyncio.sleep(TICK_S)
        return option

    def _now_s(self) -> float:
        return self.district.clock.utc_s()

    def _time_left_s(self) -> float:
        """Seconds until the drone leaves the hold by itself, counted from when it was first seen there."""
        hold_s = self.flight.plan.items[self.flight.plan.hold_seq - 1].param1
        return self.flight.phase_since_s + hold_s - self._now_s()

    def _may_be_broken_off(self) -> bool:
        """Whether a landing that is begun now and broken off ends within the time for which the hold is reserved.

        Else it stays at the hold until that is over and goes to open ground, in time.
        """
        plan = self.flight.plan
        holds = [v.end_s for v in self.flight.volumes if v.leg >= 0 and _is_hold(plan.legs[v.leg])]
        return not holds or self._now_s() + again_s(plan.legs) <= max(holds)

    async def _send_to_clear(self) -> bool:
        """Order the drone to the first dock that is clear; True when there was one and it goes there."""
        option = next((o for o in self.docks if self._stage(o) is Stage.CLEAR), None)
        return option is not None and await self._happen(option, Event.SEND)

    async def _jump(self, seq: int, order: str, *, retries: int = JUMP_RETRIES, shown_s: float = JUMP_SHOWN_S) -> bool:
        """Make an item the current one, and give the drone a moment to show it."""
        jump = self.link.command(Command.DO_SET_MISSION_CURRENT, float(seq), retries=retries, within_s=JUMP_ANSWER_S)
        outcome = await order_drone(self.district, self.flight.id, self.link.drone, order, jump)
        if outcome.outcome == "rejected":
            return False
        try:
            await self.link.wait_for(order, lambda s: s.mission_seq == seq, shown_s)
        except TimeoutError:
            return False
        return True

    async def _ask_the_next(self, asked_s: float) -> float:
        """Ask the next dock to open when the last one is hopeless or slow; when the last one was asked [UTC s]."""
        last = self.asked[-1] if self.asked else None
        rest = [option for option in self.docks if option not in self.asked]
        slow = self._now_s() - asked_s >= EACH_DOCK_S
        if not rest or not (last is None or slow or self._hopeless(last)):
            return asked_s
        if last is not None:
            await self._not_ready(last, _words(self._lacking(last)))
        await self._happen(rest[0], Event.ASK)
        return self._now_s()

    def _hopeless(self, option: LandingOption) -> bool:
        dock = self.district.poles.dock(option.dock) if self.district.poles else None
        return dock is None or dock.why_not_free() is not None or dock.reserved_for != self.flight.id

    async def _adopt(self, option: LandingOption) -> None:
        """Record the branch that the drone flies, once, and say so when it is not the wished one."""
        if self.flight.phase is Phase.LANDING and self.flight.landing == option.name:
            return
        planned, why = self.docks[0], ""
        if option is not planned:
            lacking = self._lacking(planned)
            why = f"{planned.name}: {lacking[0].words.en}" if lacking else ""
            await self.district.alarm(
                Alarm.DIVERTED, self.link.drone, self.flight.id, landing=option.name, planned=planned.name
            )
        chosen = LandingChosen(flight=self.flight.id, landing=option.name, why=why)
        if self.flight.phase is Phase.LANDING:
            await self.district.record(chosen)
        else:
            landing = PhaseChanged(flight=self.flight.id, phase=Phase.LANDING, detail=option.name)
            await self.district.record(chosen, landing)

    async def _descended(self, option: LandingOption) -> bool:
        """Watch the descent; True when the drone cannot turn back any more, False when it flies something else."""
        self._gate_left_s, self._gated = math.inf, ""
        if option not in self.asked:  # an earlier controller did
            self.asked.append(option)
        while not self._off(option):
            await self._happen(option, Event.ON_BRANCH)
            height_m = self._above_pad_m(option)
            if height_m is not None and height_m < COMMITTED_M:
                await self._happen(option, Event.LOW)
            else:
                await self._happen(option, judged(self._lacking(option)))
                if self.link.state.mission_seq == option.land_seq:
                    await self._happen(option, Event.BELOW)
                elif self._waits_in_gate(option):
                    await self._happen(option, Event.GATE)
            if height_m is not None and height_m < GATE_M and self._stage(option) in (Stage.GATED, Stage.COMMITTED):
                await self._tell_gated(option, height_m)
            if self._stage(option) is Stage.COMMITTED:
                return True
            await asyncio.sleep(TICK_S)
        seq = self.link.state.mission_seq or 0
        if self._stage(option) is Stage.DESCENDING and option.escape_seq <= seq < option.land_seq:  # by itself
            lacking = self._lacking(option) or (UNTOLD,)
            await self._not_ready(option, _words(lacking))
            await self._went_back(option, lacking)
        await self._happen(option, Event.OFF_BRANCH)
        return False

    def _off(self, option: LandingOption) -> bool:
        """Whether the drone is known to fly something else than this branch."""
        seq = self.link.state.mission_seq
        fresh = seq is not None and self.link.freshness.fresh(Stream.MISSION)
        return fresh and self._branch() is not option

    def _waits_in_gate(self, option: LandingOption) -> bool:
        """Whether the drone hovers in the gate and an order still reaches it there."""
        state = self.link.state
        if self._branch() is not option or state.mission_seq != option.gate_seq or not self._is_over(option.gate_seq):
            return False
        gate_m = self.flight.plan.items[option.gate_seq - 1].alt_m
        if state.relative_m is None or state.relative_m - gate_m > IN_GATE_M:
            return False
        self._gate_left_s = min(self._gate_left_s, self._now_s() + GATE_S)
        return self._now_s() < self._gate_left_s - PASS_BEFORE_END_S

    async def _tell_gated(self, option: LandingOption, height_m: float) -> None:
        """Record, once in each descent, on what word the drone has gone through the gate."""
        if self._gated != option.dock:
            self._gated = option.dock
            await self._record_judged(option, height_m, self._lacking(option))

    async def _record_judged(self, option: LandingOption, height_m: float | None, lacking: tuple[Missing, ...]) -> None:
        sight = self._sight(option)
        evidence = {
            "height_m": None if height_m is None else round(height_m, 1),
            "age_s": None if sight.age_s is None else round(sight.age_s, 2),
            "cover": sight.cover.value,
            "lamp_leads": sight.lamp_leads if sight.has_lamp else None,
            "gust_mps": None if sight.gust_mps is None else round(sight.gust_mps, 2),
            "wind_age_s": None if sight.wind_age_s is None else round(sight.wind_age_s, 2),
            "missing": [each.code for each in lacking],
        }
        says = _words(lacking) or EVERYTHING_HOLDS
        await self.district.record(
            DescentJudged(
                flight=self.flight.id, dock=option.dock, passed=not lacking, evidence=evidence, en=says.en, zh=says.zh
            )
        )

    def _above_pad_m(self, option: LandingOption) -> float | None:
        """The drone's height over a landing place [m], None while its position is not fresh."""
        relative_m = self.link.state.relative_m
        if relative_m is None or not self.link.freshness.fresh(Stream.POSITION):
            return None
        return relative_m - option.place.relative_m

    async def _turn_back(self, option: LandingOption, lacking: tuple[Missing, ...]) -> bool:
        """Send the drone back over the dock to the hold, all in its own airspace."""
        if self._branch() is not option:
            return False
        await self._not_ready(option, _words(lacking))
        if not await self._jump(option.escape_seq, f"leave {option.name}"):
            return False
        if self.flight.phase is not Phase.HOLDING:  # else an older word of the drone was overtaken and came late
            await self._went_back(option, lacking)
        return True

    async def _went_back(self, option: LandingOption, lacking: tuple[Missing, ...]) -> None:
        """Record that the drone is on its way back to the hold, and ask the next dock meanwhile."""
        await self._record_judged(option, self._above_pad_m(option), lacking)
        await self._enter(Phase.HOLDING)
        rest = [other for other in self.docks if other not in self.asked]
        if rest:
            await self._happen(rest[0], Event.ASK)

    async def _enter(self, phase: Phase) -> None:
        await self.district.record(PhaseChanged(flight=self.flight.id, phase=phase))

    async def _not_ready(self, option: LandingOption, why: Words | None) -> None:
        reason = why or Words("not ready in time", "未及时就绪")
        await self.district.alarm(Alarm.DOCK_NOT_READY, option.dock, self.flight.id, why=reason)


def _is_hold(leg: Leg) -> bool:
    return leg.purpose is Purpose.HOLD and not leg.branch


def _words(lacking: tuple[Missing, ...]) -> Words | None:
    """The gravest of what is missing, in words."""
    return lacking[0].words if lacking else None
