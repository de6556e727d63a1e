"""What it costs to watch 100,000 poles for silence; `benchmarks.poles` tells it with the rest.

The peers do the same in the same run: one timer of the loop for each pole and function, put off by every word
(`call_later`), and a look at all of them four times a second.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

from benchmarks.rows import Row
from controller.clock import cpu_s
from poles.gateway.liveness import Liveness
from poles.protocol import Reading

POLES = 100_000
EVERY_S = 10.0
FOR_S = 60.0
BOUND_S = EVERY_S + 0.5
LOOK_S = 0.25
TOGETHER = 64  # words that are taken at one time, as a socket gives them
SILENT = 100  # poles that stop on the way, so that there is something to find
FUNCTIONS = ("WindSensor", "LampMonitor")

Told = list[str]


def words(seed: int = 1) -> list[tuple[float, list[str]]]:
    """When which poles speak: each every 9.9 s from a moment of its own, some not any more after half of the time."""
    rng = random.Random(seed)
    codes = [f"410105-LP-{number:06d}" for number in range(POLES)]
    silent = set(codes[:: POLES // SILENT])
    spoken: list[tuple[float, str]] = []
    for code in codes:
        at_s = rng.random() * EVERY_S
        while at_s < (FOR_S / 2 if code in silent else FOR_S):
            spoken.append((at_s, code))
            at_s += 0.99 * EVERY_S
    spoken.sort()
    return [(part[0][0], [code for _, code in part]) for part in _parts(spoken)]


def _parts(spoken: list[tuple[float, str]]) -> Iterator[list[tuple[float, str]]]:
    for begin in range(0, len(spoken), TOGETHER):
        yield spoken[begin : begin + TOGETHER]


def by_wheel(spoken: list[tuple[float, list[str]]]) -> tuple[float, Told]:
    """Our watch."""
    liveness = Liveness(0.0)
    readings = tuple([Reading(seq=1, at_s=0.0, held_s=0.0, function=name, values={}) for name in FUNCTIONS])
    for code in {code: None for _, codes in spoken for code in codes}:
        liveness.introduce(code, EVERY_S, dict.fromkeys(FUNCTIONS, EVERY_S), 0.0)
    told: Told = []
    began_s, wake_s = cpu_s(), liveness.wake_s
    for at_s, codes in spoken:
        while wake_s <= at_s:
            told += [silence.code for silence in liveness.advance(wake_s)]
            wake_s = liveness.wake_s
        tick = liveness.tick(at_s)
        for code in codes:
            liveness.heard(code, tick)
            liveness.reported(code, readings, tick)
    return cpu_s() - began_s, told


def by_timers(spoken: list[tuple[float, list[str]]]) -> tuple[float, Told]:
    """A timer of the loop for each pole and each function; their heap is worked off as the loop does it."""
    loop = _Loop()
    told: Told = []
    names = {code: (code, *(f"{code} {name}" for name in FUNCTIONS)) for _, codes in spoken for code in codes}
    timers = {name: loop.call_later(BOUND_S, told.append, name) for each in names.values() for name in each}
    began_s = cpu_s()
    for at_s, codes in spoken:
        loop.until(at_s)
        for code in codes:
            for name in names[code]:
                timers[name].cancel()
                timers[name] = loop.call_later(BOUND_S, told.append, name)
    return cpu_s() - began_s, [name for name in told if name in names]


def by_looking_at_all(spoken: list[tuple[float, list[str]]]) -> tuple[float, Told]:
    """A look at every pole and function four times a second, as often as the bound of one second asks for."""
    names = {code: (code, *(f"{code} {name}" for name in FUNCTIONS)) for _, codes in spoken for code in codes}
    heard = {name: 0.0 for each in names.values() for name in each}
    silent: dict[str, None] = {}
    began_s, next_s = cpu_s(), LOOK_S
    for at_s, codes in spoken:
        while next_s <= at_s:
            silent.update({name: None for name, then_s in heard.items() if next_s - then_s > BOUND_S})
            next_s += LOOK_S
        for code in codes:
            for name in names[code]:
                heard[name] = at_s
    return cpu_s() - began_s, [name for name in silent if name in names]


class _Loop(asyncio.BaseEventLoop):
    """The timers of asyncio and nothing else: its clock stands where it is put."""

    def __init__(self) -> None:
        super().__init__()
        self._at_s = 0.0
        self._selector = self

    def time(self) -> float:
        """The second that it was put to."""
        return self._at_s

    def select(self, timeout: float | None) -> list[object]:
        """There are no sockets."""
        return []

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def until(self, at_s: float) -> None:
        """Run what is due up to a moment."""
        self._at_s = at_s
        self._run_once()  # type: ignore[attr-defined]


def liveness_rows() -> Iterator[Row]:
    """The share of a core that 100,000 poles cost, each with a report every 10 s."""
    spoken = words()
    ways: dict[str, Callable[[list[tuple[float, list[str]]]], tuple[float, Told]]] = {
        "wheel": by_wheel,
        "call_later": by_timers,
        "look at all": by_looking_at_all,
    }
    shares: dict[str, float] = {}
    for name, way in ways.items():
        used_s, told = way(spoken)
        if len(told) != SILENT:
            raise RuntimeError(f"{name} found {len(told)} of {SILENT} silent poles")
        shares[name] = 100.0 * used_s / FOR_S
    for peer, what in (("call_later", "asyncio call_later"), ("look at all", "a look at all, 4 a second")):
        yield Row(
            name="liveness of 100,000 poles and 200,000 functions",
            value=shares["wheel"],
            unit="% of a core",
            peer=what,
            peer_value=shares[peer],
            ratio=shares["wheel"] / shares[peer],
            goal=5.0,
        )
