"""One clock in three tempos: real, scaled and virtual, chosen by the event loop that runs the program.

Everything asks the running loop for time (`loop.time()`, `asyncio.sleep`, `asyncio.timeout`) and the `Clock` for UTC.
In real tempo a loop second is a second. In scaled tempo the loop's clock runs `speed` times faster and its selector
waits that much shorter, so sockets work as ever. In virtual tempo nothing waits: the selector polls without waiting,
and when no socket is ready the loop's time jumps to the next timer. Work given to an executor runs inline there,
because a thread's finish would come at a moment that no seed repeats. This module alone may ask the machine for time.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from controller.virtual_loop import VirtualLoop

T = TypeVar("T")

WALL_LAG_S = 0.5  # what a busy machine may keep a process or a socket waiting
VIRTUAL_START_S = 1779066000.0  # 2026-05-18 09:00 in Zhengzhou


@dataclass(frozen=True, slots=True)
class Tempo:
    """How time passes: at the machine's monotonic second `anchor_monotonic_s` it was UTC second `anchor_utc_s`.

    `speed` is loop seconds per wall second; 0 means virtual. Processes that share an anchor agree on UTC.
    """

    name: str
    speed: float
    anchor_utc_s: float
    anchor_monotonic_s: float


def real_tempo() -> Tempo:
    """The machine's own time."""
    return Tempo("real", 1.0, time.time(), time.monotonic())


def scaled_tempo(speed: float, utc_s: float | None = None) -> Tempo:
    """Time that runs `speed` times faster from now on, from UTC second `utc_s` (now when not given)."""
    if not 0.01 <= speed <= 1000:
        raise ValueError(f"a speed of {speed} is outside 0.01 to 1000")
    return Tempo("scaled", speed, time.time() if utc_s is None else utc_s, time.monotonic())


def virtual_tempo(start_utc_s: float = VIRTUAL_START_S) -> Tempo:
    """Time that jumps from timer to timer and starts at a fixed UTC second."""
    return Tempo("virtual", 0.0, start_utc_s, 0.0)


class Clock:
    """UTC as the running loop counts it; the one that a program passes around."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tempo: Tempo) -> None:
        self._loop = loop
        self.tempo = tempo
        self._offset_s = tempo.anchor_utc_s - tempo.anchor_monotonic_s * (tempo.speed or 1.0)

    def utc_s(self) -> float:
        """UTC seconds since 1970."""
        return self._loop.time() + self._offset_s

    def utc(self) -> datetime:
        """UTC as an aware datetime."""
        return datetime.fromtimestamp(self.utc_s(), UTC)

    @property
    def lag_s(self) -> float:
        """Loop seconds that the machine's own delays may take beyond real time: a busy moment weighs `speed` times."""
        return WALL_LAG_S * max(self.tempo.speed - 1.0, 0.0)

    def monotonic_s(self) -> float:
        """Loop seconds: what intervals and deadlines are counted in."""
        return self._loop.time()


class ScaledLoop(asyncio.SelectorEventLoop):
    """A loop whose clock runs `speed` times as fast as the machine's."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        super().__init__(_ScaledSelector(speed))

    def time(self) -> float:
        """Scaled monotonic seconds."""
        return time.monotonic() * self._speed


class _ScaledSelector(selectors.DefaultSelector):
    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._speed)


def _new_loop(tempo: Tempo) -> asyncio.AbstractEventLoop:
    if tempo.name == "virtual":
        return VirtualLoop()
    if tempo.name == "scaled":
        return ScaledLoop(tempo.speed)
    return asyncio.SelectorEventLoop()


def run(main: Callable[[Clock], Coroutine[Any, Any, T]], tempo: Tempo | None = None) -> T:
    """Run `main(clock)` to its end in the given tempo (real when none is given).

    Raises what `main` raises; `KeyboardInterrupt` after a Ctrl-C has cancelled `main` and its cleanup has run;
    `Deadlock` in virtual tempo when nothing will ever happen.
    """
    tempo = tempo or real_tempo()
    with asyncio.Runner(loop_factory=lambda: _new_loop(tempo)) as runner:
        return runner.run(_with_clock(main, tempo))


async def _with_clock(main: Callable[[Clock], Coroutine[Any, Any, T]], tempo: Tempo) -> T:
    return await main(Clock(asyncio.get_running_loop(), tempo))


def wall_s() -> float:
    """Seconds of the machine's own steady clock, to say how long something took; never for decisions."""
    return time.monotonic()


def cpu_s() -> float:
    """CPU seconds that this process has used, for benchmarks and summaries."""
    return time.process_time()


def fresh_seed() -> int:
    """A seed that nobody chose; it is recorded so that the run can be repeated."""
    return random.SystemRandom().randrange(2**31)
