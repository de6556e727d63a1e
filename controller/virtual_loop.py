"""The event loop of virtual time: nothing waits, and when nothing is ready its time jumps to the next timer.

Timers of one moment fire in the order in which they were set. asyncio's own heap has them in an order that depends on
which cancelled timers it still holds, and so on when the garbage collector ends a coroutine that nobody awaits any
more: a day would give other bytes in a process that has lived through another day before.

A turn does what `BaseEventLoop._run_once` does, without looking at sockets each time and without asyncio's debug mode.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import itertools
import math
import os
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import Context, copy_context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_ASYNCIO = os.path.dirname(asyncio.__file__)  # noqa: PTH120 - compared with the text of code objects

LOOKS_SPARED = 64  # turns without sockets from one look at the loop's own pipe to the next
MANY_TIMERS = 100  # when there are more, and half of them are cancelled, those are thrown out


class Deadlock(RuntimeError):
    """A virtual loop has nothing left that could ever happen; the message says what each task was waiting for."""


class _Call(asyncio.Handle):
    """A callback that is to be called in the next turn."""

    __slots__ = ()

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], loop: Any, context: Context | None
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback: Any = callback
        self._args: Any = args
        self._cancelled = False
        self._repr = self._source_traceback = None

    def cancel(self) -> None:
        """Never call it."""
        self._cancelled = True
        self._callback = self._args = None


class _Timer(asyncio.TimerHandle):
    """A callback that is to be called at a moment."""

    __slots__ = ()

    def __init__(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], loop: Any, context: Context | None
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback: Any = callback
        self._args: Any = args
        self._cancelled = False
        self._repr = self._source_traceback = None
        self._when = when
        self._scheduled = True

    def cancel(self) -> None:
        """Never call it."""
        if not self._cancelled:
            self._cancelled = True
            self._callback = self._args = None
            if self._scheduled:
                self._loop.timers_cancelled += 1


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits."""

    _ready: deque[asyncio.Handle]
    _stopping: bool
    _process_events: Callable[[list[tuple[selectors.SelectorKey, int]]], None]

    def __init__(self) -> None:
        self.virtual_s = 0.0
        self.task_numbers = itertools.count()
        self.timers_cancelled = 0  # of those that are still in the heap
        self._timers: list[tuple[float, int, _Timer]] = []  # a heap
        self._timer_numbers = itertools.count()
        self._looks_spared = 0
        self._watching = selectors.DefaultSelector()
        self._watched: Mapping[Any, selectors.SelectorKey] = self._watching.get_map()
        super().__init__(self._watching)
        self.jump(0.0)
        self.set_task_factory(_NumberedTask)

    def jump(self, by_s: float) -> None:
        """Let virtual time pass.

        Timers that are due within a resolution fire. That is the step to the next float: more, and a timer fires before
        its time, and who then waits for the rest of it waits for ever; less, and it never fires.
        """
        self.virtual_s += by_s
        self._resolution_s = math.ulp(self.virtual_s)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.virtual_s

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Call in the next turn; raises RuntimeError when the loop is closed."""
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        handle = _Call(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call at a second of this loop; raises RuntimeError when it is closed."""
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._timer_numbers), timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call after so many seconds."""
        return self.call_at(self.virtual_s + delay, callback, *args, context=context)

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run the work here and now; its result is ready when this returns."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # handed on to whoever awaits the future
            future.set_exception(error)
        return future

    def _run_once(self) -> None:
        """One turn: the time of the next timer if nothing is ready, then all that is ready by now."""
        ready = self._ready
        self._forget_cancelled()
        timers = self._timers
        # the loop's own pipe brings signals only, and they can wait for some turns
        if self._looks_spared >= LOOKS_SPARED or len(self._watched) > 1 or not (ready or timers):
            self._look_at_sockets()
        else:
            self._looks_spared += 1
        if not ready and not self._stopping:
            if not timers:
                raise Deadlock(_who_waits(self))
            self.jump(max(timers[0][0] - self.virtual_s, 0.0))
        end_s = self.virtual_s + self._resolution_s
        while timers and timers[0][0] < end_s:
            timer = heapq.heappop(timers)[2]
            timer._scheduled = False
            if timer._cancelled:
                self.timers_cancelled -= 1
            else:
                ready.append(timer)
        for _ in range(len(ready)):  # what these call soon is for the next turn
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _look_at_sockets(self) -> None:
        self._looks_spared = 0
        self._process_events(self._watching.select(0))

    def _forget_cancelled(self) -> None:
        """Throw cancelled timers out of the heap: those at its top, and all of them when they are too many."""
        timers = self._timers
        if len(timers) > MANY_TIMERS and self.timers_cancelled > len(timers) // 2:
            timers = self._timers = [entry for entry in timers if not entry[2]._cancelled]
            heapq.heapify(timers)
            self.timers_cancelled = 0
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
            self.timers_cancelled -= 1


class _NumberedTask(asyncio.Task[Any]):
    """A task that sorts into sets by its number: task groups cancel in the order of a set, else that of addresses."""

    def __init__(self, loop: Any, coro: Any, **kwargs: Any) -> None:
        self._number: int = next(loop.task_numbers)
        super().__init__(coro, loop=loop, **kwargs)

    def __hash__(self) -> int:
        return self._number


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
