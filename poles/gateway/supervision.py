"""The gateway's watch over its poles: who is silent and why, what is alarming, what is set otherwise than desired.

The gateway tells it what it hears, cheaply and without waiting. What follows from it (conditions) is first kept in the
store and only then told, by the one task `run`. After a restart everything is read back from the store: what was told
is not told again, and what has been silent since is found.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from airspace.frames import LatLon
from poles.alarm_table import (
    ALL_SILENT,
    DESIRED_UNMET,
    FLOODING,
    POLE_SILENT,
    SENSOR_SILENT,
    SUPPLY_DOWN,
)
from poles.gateway.alarms import AlarmBook, OpenAlarm, Told
from poles.gateway.commands import known_function
from poles.gateway.desired import DesiredBook
from poles.gateway.doubts import Doubts
from poles.gateway.liveness import Back, Liveness, Silence
from poles.gateway.memory import Memory, Remembered
from poles.gateway.notes import Acknowledged, AnyNote, Condition
from poles.gateway.outages import CONTROLLER, Alone, Began, Change, Changed, NotAlone, Outages, Over
from poles.gateway.quality import Flag
from poles.gateway.wishes import Wishes
from poles.protocol.messages import BACK_MAX_S, Alarm, Desired, Hello, Quality, Reading, Reported
from poles.services.service import settings_from_wire

KeepNotes = Callable[[Sequence[AnyNote]], Awaitable[object]]
"""Appends notes to the store, all or nothing and in order; what it returns is done when they are durable."""

TellAlarms = Callable[[Sequence[Told]], Awaitable[object]]
"""Tells people what is new of alarms; what it follows from is durable."""

HELD_UP_S = 1.0  # by the store, before time stops counting


@dataclass(frozen=True, slots=True)
class Supplies:
    """What poles hang on: city code -> supplies, and supply -> what it hangs on itself."""

    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Supervision:
    """Made by the gateway; `send` gives a wish to a connected pole, `lag_s` is that of the loop's clock."""

    def __init__(
        self,
        keep: KeepNotes,
        send: Callable[[str, Desired], bool],
        utc_s: Callable[[], float],
        *,
        tell: TellAlarms | None = None,
        supplies: Supplies | None = None,
        lag_s: float = 0.0,
    ) -> None:
        self._keep = keep
        self._tell_alarms = tell
        self._utc_s = utc_s
        self._supplies = supplies or Supplies()
        self._lag_s = lag_s
        self._wishes = Wishes(send, self._tell, utc_s)
        self._memory = Memory(self._wishes.book)
        self._book = self._memory.alarms
        self._doubts = Doubts(self._tell, lambda: asyncio.get_running_loop().time())
        self._boots: dict[str, str] = {}
        self._silences: dict[str, Silence] = {}  # by pole, as told
        self._back: dict[str, None] = {}
        self._pending: list[Condition] = []
        self._work = asyncio.Event()
        self._told: list[Told] = []
        self._ahead_s = 0.0  # of UTC before the loop's seconds
        self._liveness: Liveness
        self._outages: Outages

    # -- before it runs ----------------------------------------------------------------------------------------------

    def open(self, history: Iterable[Remembered] = ()) -> None:
        """Begin, with what the store holds in its order; must be called in the loop that `run` will run in."""
        now_s = asyncio.get_running_loop().time()
        self._ahead_s = self._utc_s() - now_s
        self._liveness = Liveness(now_s, on_sooner=self._work.set, lag_s=self._lag_s)
        self._outages = Outages(self._liveness.watches, self._supplies.feeds)
        for each in history:
            self._memory.remember(each)
        silent = {alarm.subject for alarm in self._active(POLE_SILENT)}
        outages = [*self._active(SUPPLY_DOWN), *self._active(ALL_SILENT)]
        down = {alarm.subject: tuple(alarm.members) for alarm in outages}
        dark = silent.union(*down.values())
        dead: dict[str, list[str]] = {}
        for alarm in self._active(SENSOR_SILENT):
            dead.setdefault(alarm.subject, []).append(alarm.function)
        for code, heartbeat_s in self._memory.heartbeat_s.items():
            self._outages.place(code, self._supplies.of.get(code, ()))
            self._liveness.expect(code, heartbeat_s, now_s, silent=code in dark, silent_functions=dead.get(code, ()))
        alone = [code for code in self._memory.heartbeat_s if code in silent]
        self._outages.restore(alone, down, self._liveness.tick(now_s))
        for alarm in self._book:
            self._doubts.restore(alarm.code, alarm.subject, alarm.function)
        self._wishes.restore(now_s, [(alarm.subject, alarm.function) for alarm in self._active(DESIRED_UNMET)])

    # -- what the gateway hears --------------------------------------------------------------------------------------

    def heard(self, code: str, now_s: float) -> None:
        """A word of any kind came from a pole that has said hello."""
        back = self._liveness.heard(code, self._liveness.tick(now_s))
        if back is not None:
            self._returned(back)

    def greeted(self, hello: Hello, now_s: float) -> None:
        """A pole's hello is durable, and it has been welcomed."""
        code = hello.code
        functions = {capability.function: capability.every_s for capability in hello.functions}
        if code not in self._memory.heartbeat_s:
            self._outages.place(code, self._supplies.of.get(code, ()))
        gone = [function for function in self._memory.functions.get(code, ()) if function not in functions]
        self._memory.introduced(hello)
        self._taken_away(code, gone)
        for back in self._liveness.introduce(code, hello.heartbeat_s, functions, now_s):
            self._returned(back)
        self._wishes.welcomed(code, now_s)

    def declared(self, code: str) -> Mapping[str, None]:
        """The functions that the pole's last Hello names; of others nothing is remembered but what the store has."""
        return self._memory.functions.get(code, {})

    def said_bye(self, code: str, back_s: float, now_s: float) -> None:
        """A pole said when it will be back; until then, at most `BACK_MAX_S`, its silence is as announced."""
        if code in self._memory.heartbeat_s:
            heartbeat_s = self._memory.heartbeat_s[code]
            self._liveness.expect(code, heartbeat_s, now_s, within_s=min(back_s, BACK_MAX_S) + heartbeat_s)

    def forget(self, code: str) -> None:
        """A pole is not of this district any more, or its key is revoked: what was open of it is over."""
        for alarm in self._book.of(code):
            if alarm.active:
                self._tell(Condition(code=alarm.code, subject=code, function=alarm.function, active=False))
        self._liveness.forget(code)
        for change in self._outages.remove(code):
            self._explain(change)
        self._doubts.forget(code, self._memory.functions.get(code, ()))
        self._wishes.forget(code)
        self._silences.pop(code, None)
        self._memory.forget(code)

    def stored(self, code: str, message: object, now_s: float) -> None:
        """An alarm or settings in force are durable; other messages say nothing here."""
        if isinstance(message, Alarm):
            condition = self._memory.condition(code, message)
            self._announce(self._book.apply(condition, self._utc_s()))
        elif isinstance(message, Reported):
            self._wishes.reported(code, message, self._utc_s(), now_s)

    def spoke_of_boot(self, code: str, boot: str) -> None:
        """The first entry of a boot is durable: entries of earlier boots have all come before."""
        if self._boots.get(code) != boot:
            self._boots[code] = boot
            for condition in self._book.of_earlier_boots(code, boot):
                self._tell(condition)

    def reported(self, code: str, readings: Sequence[Reading], last: Reading, heard_s: float, now_s: float) -> None:
        """New readings are durable, whether anybody understands them or not; the `last` was heard at `heard_s`."""
        tick = self._liveness.tick(now_s)
        for back in self._liveness.reported(code, readings, tick) or ():
            self._returned(back)
        declared = self.declared(code)
        self._doubts.reported(code, [reading for reading in readings if reading.function in declared])
        self._doubts.judge_clock(code, last.at_s, heard_s + self._ahead_s - last.held_s, last.held_s)

    def judged(
        self, code: str, place: LatLon, function: str, values: msgspec.Struct, taken_s: float, quality: Quality
    ) -> Mapping[str, Flag]:
        """The flags of a reading that was understood, by field; under "" those of the whole."""
        return self._doubts.judge(code, place, function, values, taken_s, quality)

    def flooding(self, code: str, held: int | None) -> None:
        """A pole sends more than it may and so much of it waits; None: not any more."""
        facts = {"held": held} if held is not None else {}
        self._tell(Condition(code=FLOODING, subject=code, active=held is not None, facts=facts))

    # -- what others ask ---------------------------------------------------------------------------------------------

    @property
    def alarms(self) -> AlarmBook:
        """All open alarms."""
        return self._book

    @property
    def desired(self) -> DesiredBook:
        """What functions shall be set to, and are."""
        return self._wishes.book

    @property
    def liveness(self) -> Liveness:
        """Who is watched, and silent."""
        return self._liveness

    @property
    def outages(self) -> Outages:
        """The dead supplies."""
        return self._outages

    async def acknowledge(self, id_: int, who: str) -> OpenAlarm | None:
        """Note that somebody has seen an open alarm; None when there is no such alarm."""
        alarm = self._book.by_id(id_)
        if alarm is None:
            return None
        note = Acknowledged(code=alarm.code, subject=alarm.subject, function=alarm.function, who=who)
        await self._keep([note])
        self._announce(self._book.acknowledge(alarm.key, who, self._utc_s()))
        return alarm

    async def wish(self, code: str, function: str, settings: Mapping[str, Any], by: str) -> int:
        """Have a function set from now on, whether its pole is connected or not; the version of the wish.

        The settings are by their names on the wire. Raises `Refused` for what no pole could take.
        """
        settings_from_wire(function, known_function(function), settings)
        wish = self._wishes.next(code, function, settings, by)
        await self._keep([wish])
        self._wishes.wished(wish, self._utc_s(), asyncio.get_running_loop().time())
        self._work.set()
        return wish.version

    def statistics(self) -> dict[str, int]:
        """How many are watched, silent, down, open and unmet."""
        return {
            "alarms_open": len(self._book),
            "poles_silent": self._liveness.silent,
            "poles_watched": len(self._liveness),
            "supplies_down": len(self._outages.open),
        }

    # -- its own task ------------------------------------------------------------------------------------------------

    async def run(self, held_up_since: Callable[[], float | None] = lambda: None) -> None:
        """Judge, keep and tell until cancelled; `held_up_since` says since when the store takes nothing [loop s]."""
        loop = asyncio.get_running_loop()
        while True:
            if not (self._pending or self._back or self._told):
                wake_s = self._wake_s(loop.time())
                try:
                    async with asyncio.timeout_at(wake_s if math.isfinite(wake_s) else None):
                        await self._work.wait()
                except TimeoutError:
                    pass
            self._work.clear()
            now_s = loop.time()
            self._ahead_s = self._utc_s() - now_s
            since_s = held_up_since()
            if since_s is not None and now_s - since_s > HELD_UP_S:
                self._liveness.hold(since_s, now_s)
                await asyncio.sleep(HELD_UP_S / 4)
                continue
            self._judge(now_s)
            await self._settle()

    def _judge(self, now_s: float) -> None:
        back, self._back = list(self._back), {}
        silences = self._liveness.advance(now_s)
        tick = self._liveness.tick(now_s)
        silent = {silence.code: silence for silence in silences if silence.function is None}
        self._silences.update(silent)
        for silence in silent.values():
            for function in silence.explains:
                self._returned(Back(silence.code, function))
        changes = self._outages.back(back, tick) if back else []
        if silent:
            changes += self._outages.silent(silent, tick)
        changes += self._outages.advance(tick)
        for change in changes:
            self._explain(change)
        for silence in silences:
            if silence.function is not None:
                self._tell(_sensor_silent(silence))
        self._wishes.advance(now_s)
        self._announce(self._book.advance(self._utc_s()))

    def _explain(self, change: Change) -> None:
        match change:
            case Alone(code=code):
                self._tell(_pole_silent(code, self._silences.get(code)))
            case NotAlone(code=code):
                self._tell(Condition(code=POLE_SILENT, subject=code, active=False))
            case Began(supply=supply, of=of, members=members, absorbed=absorbed, merged=merged):
                causes = [(POLE_SILENT, code, "") for code in absorbed]
                causes += [(_outage_code(name), name, "") for name in merged]
                code = _outage_code(supply)
                self._tell(
                    Condition(
                        code=code,
                        subject=supply,
                        active=True,
                        facts={"of": of},
                        joined=members,
                        absorbs=tuple(causes),
                    )
                )
            case Changed(supply=supply, joined=joined, left=left):
                self._tell(Condition(code=_outage_code(supply), subject=supply, active=True, joined=joined, left=left))
            case Over(supply=supply):
                self._tell(Condition(code=_outage_code(supply), subject=supply, active=False))

    async def _settle(self) -> None:
        """Keep what is to be told, then tell it; what comes meanwhile waits for its turn, or nothing else had one."""
        if self._pending:
            conditions, self._pending = self._pending, []
            await self._keep(conditions)
            at_s = self._utc_s()
            for condition in conditions:
                self._announce(self._book.apply(condition, at_s))
        told, self._told = self._told, []
        if told and self._tell_alarms is not None:
            await self._tell_alarms(told)

    def _wake_s(self, now_s: float) -> float:
        wake_s = min(self._liveness.wake_s, self._wishes.wake_s)
        tick = self._outages.wake_tick
        if tick is not None:
            wake_s = min(wake_s, self._liveness.begin_s(tick))
        flapping_s = self._book.wake_s
        return min(wake_s, now_s + max(flapping_s - self._utc_s(), 0.0)) if math.isfinite(flapping_s) else wake_s

    def _tell(self, condition: Condition) -> None:
        self._pending.append(condition)
        self._work.set()

    def _announce(self, told: Iterable[Told]) -> None:
        self._told += told
        if self._told:
            self._work.set()

    def _returned(self, back: Back) -> None:
        if back.function is None:
            self._silences.pop(back.code, None)
            self._back[back.code] = None
            self._work.set()
        else:
            self._tell(Condition(code=SENSOR_SILENT, subject=back.code, function=back.function, active=False))

    def _taken_away(self, code: str, functions: Sequence[str]) -> None:
        """The pole has these functions no more: what it and its readings said of them is over."""
        for function in functions:
            self._doubts.taken_away(code, function)
        for alarm in self._book.of(code) if functions else ():
            if alarm.active and alarm.function in functions and alarm.code not in (SENSOR_SILENT, DESIRED_UNMET):
                self._tell(Condition(code=alarm.code, subject=code, function=alarm.function, active=False))

    def _active(self, code: str) -> list[OpenAlarm]:
        return [alarm for alarm in self._book if alarm.code == code and alarm.active]


def _outage_code(supply: str) -> str:
    return ALL_SILENT if supply == CONTROLLER else SUPPLY_DOWN


def _pole_silent(code: str, silence: Silence | None) -> Condition:
    facts = {"age_s": silence.silent_s, "every_s": silence.every_s} if silence is not None else {}
    return Condition(code=POLE_SILENT, subject=code, active=True, facts=facts)


def _sensor_silent(silence: Silence) -> Condition:
    facts = {"age_s": silence.silent_s, "every_s": silence.every_s}
    return Condition(
        code=SENSOR_SILENT, subject=silence.code, function=silence.function or "", active=True, facts=facts
    )
