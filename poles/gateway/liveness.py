"""Who is silent: each pole and each function of a pole by the time that it promised, each silence told once.

A pole promises a word within `heartbeat_s` and each of its functions a reading within `every_s`. When nothing at all
came within the shortest of these, the pole is silent; when the pole speaks but a function's promise has passed, that
function is. What is silent under a silent pole is not told again. A silence is told later than 0.5 s and, while the
loop keeps up, not later than 0.75 s after the promise has passed; times are kept in ticks of 0.125 s.

Time in which nobody could have been heard does not count: when `advance` or a word comes more than a second later than
`wake_s` asked for, the gateway itself stood still, and the time between is left out of every promise.

Nothing here reads a clock; `now_s` is the loop's second throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from poles.gateway.wheel import Wheel
from poles.protocol.messages import Reading

TICKS_PER_S = 8
GRACE_S = 0.5  # of a promise: messages are under way for a while, and timers of poles are late
STALL_S = 1.0
BACK_GRACE_S = 1.0  # to hear the rest of what a pole that is heard again has to say
RETURN_S = 60.0  # in which the poles find their gateway again after its restart
AGAIN_S = 60.0  # between two tellings of one function, or one pole could fill the store with promises that it breaks
AWAY_S = 3600.0  # who announced a longer absence is shown as away: nobody misses it meanwhile


@dataclass(frozen=True, slots=True)
class Silence:
    """A pole, or one function of a speaking pole, broke its promise of `every_s`; its last word was `silent_s` ago.

    `expected` says that it was not heard since the gateway started, or since it said Bye, and `silent_s` counts from
    there. `explains` are functions that were told silent after the pole's last word: not they fell silent, but it.
    """

    code: str
    function: str | None
    every_s: float
    silent_s: float
    expected: bool = False
    explains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Back:
    """A pole or function that was told silent is heard again, or the pole does not offer the function any more."""

    code: str
    function: str | None


@dataclass(slots=True)
class WatchedFunction:
    """When a function was last reported, in ticks; `every` is its promise, before `again` it is not told silent."""

    every: int
    reported: int
    silent: bool = False
    again: int = 0


@dataclass(slots=True)
class Watch:
    """One pole under watch; ticks. `every` is what holds now, of the pole's promise and its speaking functions'.

    `quiet` says that the next word changes more than `heard`: the pole is silent, or expected and not heard yet.
    """

    code: str
    heartbeat: int
    heard: int
    every: int
    slot: int = -1  # where the wheel has it; an entry of any other slot is an old one
    quiet: bool = False
    silent: bool = False
    functions: dict[str, WatchedFunction] = field(default_factory=dict)

    @property
    def away(self) -> bool:
        """Whether the pole said Bye for longer than `AWAY_S` and has not come back."""
        return self.quiet and not self.silent and self.every > to_ticks(AWAY_S)


def to_ticks(seconds: float) -> int:
    """Whole ticks, none of them early."""
    return math.ceil(seconds * TICKS_PER_S)


class Liveness:
    """The watch over all poles of a gateway.

    `on_sooner` is called when `wake_s` became earlier than it was. `lag_s` is added to every grace, for a loop that
    runs ahead of its sockets.
    """

    def __init__(self, now_s: float, *, on_sooner: Callable[[], None] = lambda: None, lag_s: float = 0.0) -> None:
        self._on_sooner = on_sooner
        self._stall_s = STALL_S + lag_s
        self._lost_s = 0.0
        self._seen_s = now_s
        self._wake_s = math.inf
        self._grace = to_ticks(GRACE_S + lag_s) + 1  # the tick of a word may have begun before it
        self._watches: dict[str, Watch] = {}
        self._silent = 0
        self._wheel: Wheel[Watch] = Wheel(int(now_s * TICKS_PER_S))

    def __len__(self) -> int:
        return len(self._watches)

    @property
    def silent(self) -> int:
        """How many poles are silent."""
        return self._silent

    @property
    def watches(self) -> Mapping[str, Watch]:
        """Every pole that is watched, by city code."""
        return self._watches

    @property
    def wake_s(self) -> float:
        """The second at which `advance` must be called next, infinite while nobody is watched."""
        return self._wake_s

    def tick(self, now_s: float) -> int:
        """The tick of a moment, for `heard` and `reported`: one for everything that was taken together."""
        if now_s - self._wake_s > self._stall_s:
            self._lost_s += now_s - self._wake_s
            self._plan()
        # a tick begins a little early, so that its own second, computed back, never falls before it
        return int((now_s - self._lost_s) * TICKS_PER_S + 1e-4)

    def begin_s(self, tick: int) -> float:
        """The loop's second at which a tick begins."""
        return tick / TICKS_PER_S + self._lost_s

    def hold(self, since_s: float, now_s: float) -> None:
        """What poles say has not been taken since a moment, and is not now: this time does not count."""
        self._lost_s += max(now_s - max(since_s, self._seen_s), 0.0)
        self._seen_s = now_s
        self._plan()

    def expect(
        self,
        code: str,
        heartbeat_s: float,
        now_s: float,
        *,
        within_s: float = RETURN_S,
        silent: bool = False,
        silent_functions: Iterable[str] = (),
    ) -> None:
        """Watch a pole that was heard before this gateway started, or that said when it will be back.

        `silent` and `silent_functions` are what the store says was told already; it is not told again.
        """
        before = self._watches.get(code)
        if before is not None:
            silent = silent or before.silent
            silent_functions = [name for name, watched in before.functions.items() if watched.silent]
            self.forget(code)
        tick, heartbeat = self.tick(now_s), to_ticks(heartbeat_s)
        watched = {name: WatchedFunction(heartbeat, tick, silent=True) for name in silent_functions}
        every = max(heartbeat, to_ticks(within_s))
        watch = Watch(code, heartbeat, tick, every, quiet=True, silent=silent, functions=watched)
        self._watches[code] = watch
        self._silent += int(silent)
        if not silent:
            self._put(watch)

    def introduce(self, code: str, heartbeat_s: float, functions: Mapping[str, float], now_s: float) -> list[Back]:
        """Take a Hello: from now on these promises [s] hold; what was told silent and is over now.

        A function that was silent stays so until it is reported.
        """
        tick, before = self.tick(now_s), self._watches.get(code)
        back: list[Back] = []
        watched: dict[str, WatchedFunction] = {}
        for name, every_s in functions.items():
            known = before.functions.get(name) if before else None
            watched[name] = new = WatchedFunction(to_ticks(every_s), tick)
            if known is not None:
                new.silent, new.again = known.silent, known.again
        if before is not None:
            if before.silent:
                self._silent -= 1
                back.append(Back(code, None))
            gone = [name for name, old in before.functions.items() if old.silent and name not in watched]
            back += [Back(code, name) for name in gone]
            before.slot = -1
        watch = Watch(code, to_ticks(heartbeat_s), tick, 1, functions=watched)
        watch.every = _promise(watch)
        self._watches[code] = watch
        self._put(watch)
        return back

    def heard(self, code: str, tick: int) -> Back | None:
        """A word of any kind came from the pole."""
        watch = self._watches.get(code)
        if watch is None:
            return None
        watch.heard = tick
        return self._heard_again(watch) if watch.quiet else None

    def reported(self, code: str, readings: Iterable[Reading], tick: int) -> list[Back] | None:
        """New readings came from the pole; which of their functions were silent, None when none was.

        A reading that was held for longer than its function's promise, of a ring that is emptied, does not say that the
        function speaks again; but nor is a function missed whose new readings may wait behind such ones.
        """
        watch = self._watches.get(code)
        if watch is None:
            return None
        back: list[Back] | None = None
        functions = watch.functions
        for reading in readings:
            watched = functions.get(reading.function)
            if watched is not None:
                watched.reported = tick
                if watched.silent and reading.held_s * TICKS_PER_S <= watched.every:
                    watched.silent = False
                    back = [*(back or ()), Back(code, reading.function)]
        if back is not None:
            watch.every = _promise(watch)
            self._put(watch)
        return back

    def forget(self, code: str) -> None:
        """Watch a pole no more."""
        watch = self._watches.pop(code, None)
        if watch is not None:
            watch.slot = -1
            self._silent -= int(watch.silent)

    def advance(self, now_s: float) -> list[Silence]:
        """Turn the wheel to now; the silences that began, each told this once."""
        told: list[Silence] = []
        tick, self._seen_s = self.tick(now_s), now_s
        for slot, watches in self._wheel.turn(tick):
            for watch in watches:
                if watch.slot == slot:
                    self._judge(watch, slot, told)
        self._plan()
        return told

    def _plan(self) -> None:
        """Ask to be called when the wheel has something next."""
        tick = self._wheel.next_tick()
        self._wake_s = math.inf if tick is None else self.begin_s(tick)

    def _judge(self, watch: Watch, tick: int, told: list[Silence]) -> None:
        if watch.heard + watch.every + self._grace <= tick:
            silent_s, explained = (tick - watch.heard) / TICKS_PER_S, _explained(watch)
            told.append(Silence(watch.code, None, watch.every / TICKS_PER_S, silent_s, watch.quiet, explained))
            watch.silent = watch.quiet = True
            watch.slot = -1
            self._silent += 1
            return
        for name, watched in watch.functions.items():
            if watched.silent or watched.reported + watched.every + self._grace > tick:
                continue
            if watched.again + self._grace <= tick:
                silent_s = (tick - watched.reported) / TICKS_PER_S
                told.append(Silence(watch.code, name, watched.every / TICKS_PER_S, silent_s))
                watched.silent, watched.again = True, tick + to_ticks(AGAIN_S)
                watch.every = _promise(watch)
        self._put(watch)

    def _heard_again(self, watch: Watch) -> Back | None:
        """The pole speaks: its functions get a moment to be reported before they are judged."""
        was_silent = watch.silent
        watch.quiet = watch.silent = False
        watch.every = _promise(watch)
        soonest = watch.heard + to_ticks(BACK_GRACE_S)
        for watched in watch.functions.values():
            watched.reported = max(watched.reported, soonest - watched.every)
        self._put(watch)
        if not was_silent:
            return None
        self._silent -= 1
        return Back(watch.code, None)

    def _put(self, watch: Watch) -> None:
        """Have the wheel hand the pole out when the first of its promises may be broken."""
        due = watch.heard + watch.every
        for watched in watch.functions.values():
            if not watched.silent and watched.reported + watched.every < due:
                due = min(due, max(watched.reported + watched.every, watched.again))
        watch.slot = self._wheel.put(watch, due + self._grace)
        begin_s = self.begin_s(watch.slot)
        if begin_s < self._wake_s:
            self._wake_s = begin_s
            self._on_sooner()


def _promise(watch: Watch) -> int:
    """The longest time without a word that the pole allows itself: a silent function promises nothing."""
    every = watch.heartbeat
    for watched in watch.functions.values():
        if not watched.silent and watched.every < every:
            every = watched.every
    return every


def _explained(watch: Watch) -> tuple[str, ...]:
    """The functions that were told silent since the pole's last word; they count as speaking from now on."""
    since = watch.heard + to_ticks(AGAIN_S)
    found = [name for name, watched in watch.functions.items() if watched.silent and watched.again > since]
    for name in found:
        watch.functions[name].silent, watch.functions[name].again = False, 0
    return tuple(found)
