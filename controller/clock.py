"""One clock in three tempos: real, scaled and virtual, chosen by the event loop that runs the program.

Everything asks the running loop for time (`loop.time()`, `asyncio.sleep`, `asyncio.timeout`) and the `Clock` for UTC.
In real tempo a loop second is a second. In scaled tempo the loop's clock runs `speed` times faster and its selector
waits that much shorter, so sockets work as ever. In virtual tempo nothing waits: the selector polls without waiting,
and when no socket is ready the loop's time jumps to the next timer. Work given to an executor runs inline there,
because a thread's finish would come at a moment that no seed repeats. This module alone may ask the machine for time.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import math
import os
import random
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_ASYNCIO = os.path.dirname(asyncio.__file__)  # noqa: PTH120 - compared with the text of code objects

WALL_LAG_S = 0.5  # what a busy machine may keep a process or a socket waiting
LOOKS_SPARED = 64  # turns of a virtual loop without sockets from one look at its own pipe to the next
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


class Deadlock(RuntimeError):
    """A virtual loop has nothing left that could ever happen; the message says what each task was waiting for."""


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


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: when nothing is ready its time jumps to the next timer."""

    def __init__(self) -> None:
        self._selector_of_jumps = _JumpingSelector(self)
        self.virtual_s = 0.0
        self.task_numbers = itertools.count()
        super().__init__(self._selector_of_jumps)
        self.jump(0.0)
        self.set_task_factory(_NumberedTask)

    def jump(self, by_s: float) -> None:
        """Let virtual time pass.

        asyncio fires timers that are due within its resolution. Here that is the step to the next float: more, and a
        timer fires before its time, and who then waits for the rest of it waits for ever; less, and it never fires.
        """
        self.virtual_s += by_s
        self._clock_resolution = math.ulp(self.virtual_s)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.virtual_s

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run the work here and now; its result is ready when this returns."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handed on to whoever awaits the future
            future.set_exception(error)
        return future


class _NumberedTask(asyncio.Task[Any]):
    """A task that sorts into sets by its number: task groups cancel in the order of a set, else that of addresses."""

    def __init__(self, loop: Any, coro: Any, **kwargs: Any) -> None:
        self._number: int = next(loop.task_numbers)
        super().__init__(coro, loop=loop, **kwargs)

    def __hash__(self) -> int:
        return self._number


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._looks_spared = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = []
        # the loop's own pipe brings signals only, and they can wait for some turns
        if timeout is None or len(self.get_map()) > 1 or self._looks_spared >= LOOKS_SPARED:
            self._looks_spared = 0
            ready = super().select(0)
        else:
            self._looks_spared += 1
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Deadlock(_who_waits(self._loop))
        self._loop.jump(max(timeout, 0.0))
        return ready


def _who_waits(loop: asyncio.AbstractEventLoop) -> str:
    lines = [f"nothing will ever happen after {loop.time():.3f} virtual seconds; waiting:"]
    lines += sorted(f"  {task.get_name()}: {_where(task.get_coro())}" for task in asyncio.all_tasks(loop))
    return "\n".join(lines)


def _where(coroutine: Any) -> str:
    """The way down from a task's coroutine to what it awaits; the place is the last one outside asyncio itself."""
    names, place = [], "not started"
    while inspect.iscoroutine(coroutine) and coroutine.cr_frame is not None:
        code = coroutine.cr_frame.f_code
        names.append(code.co_qualname)
        if not code.co_filename.startswith(_ASYNCIO):
            place = f"{code.co_filename}:{coroutine.cr_frame.f_lineno}"
        coroutine = coroutine.cr_await
    return f"{' > '.join(names)} ({place})"


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
