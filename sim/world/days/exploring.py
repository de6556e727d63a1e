"""Exploring: many random days in parallel processes, counted by what was tried and what broke."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType

from controller.clock import cpu_s
from sim.world.days.day import Day
from sim.world.days.living import StuckError, Verdict, live
from sim.world.days.random_day import random_day

MEMORY = Path("/dev/shm")
LONGEST_CPU_S = 300  # a day that takes more does not move any more
AGAIN_CPU_S = 10  # then it is told once more, where the first time was lost in a finalizer


@dataclass(frozen=True, slots=True)
class DayKind:
    """What random days are made of."""

    drones: int = 5
    poles: int = 50
    minutes: float = 30.0

    def day(self, seed: int) -> Day:
        """The day of a seed."""
        return random_day(seed, drones=self.drones, poles=self.poles, minutes=self.minutes)


@dataclass(slots=True)
class Tally:
    """Days counted: how often each kind of bad luck was tried, and in how many of these days something broke."""

    tried: Counter[str] = field(default_factory=Counter)
    broke: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    breaches: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)  # what did not hold for a cause that is nobody's fault
    days: int = 0
    broken_days: int = 0
    flown: int = 0

    def add(self, day: Day, verdict: Verdict) -> None:
        """Count one day."""
        self.days += 1
        self.flown += verdict.flown
        self.broken_days += bool(verdict.breaches)
        self.outcomes.update(verdict.outcomes.values())
        self.breaches.update(verdict.broken)
        self.excused.update(verdict.excused)
        kinds = kinds_of(day)
        self.tried.update(kinds)
        if verdict.breaches:
            self.broke.update(kinds)


def kinds_of(day: Day) -> list[str]:
    """The kinds of bad luck that a day has, each once, sorted."""
    kinds = {fault.name + (f"={fault.choice}" if fault.choice else "") for fault in day.happenings}
    kinds |= {"killed at an event"} if day.deaths else set()
    kinds |= {"timed block"} if any(zone.from_s is not None for zone in day.zones) else set()
    kinds |= {"loss"} if day.link.loss else set()
    kinds |= {"jitter or doubles"} if day.link.jitter_s or day.link.doubled else set()
    kinds |= {"slow store"} if day.disk_s else set()
    return sorted(kinds) or ["no bad luck"]


def live_in_memory(day: Day, within: str | None = None) -> Verdict:
    """Live a day whose files go away with it; they are in a folder of their own, `within` another one if need be."""
    with tempfile.TemporaryDirectory(dir=within or _memory()) as folder, _not_for_ever():
        return live(day, Path(folder))


def _memory() -> Path | None:
    return MEMORY if MEMORY.is_dir() else None


@contextmanager
def _not_for_ever() -> Iterator[None]:
    """Raise `StuckError` inside when it takes too much of the processor."""

    def stuck(number: int, frame: FrameType | None) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s() + AGAIN_CPU_S), hard_s))
        raise StuckError(f"no end after {LONGEST_CPU_S} s of CPU time")

    before = signal.signal(signal.SIGXCPU, stuck)
    soft_s, hard_s = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s() + LONGEST_CPU_S), hard_s))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft_s, hard_s))
        signal.signal(signal.SIGXCPU, before)


def _lived(seed: int, kind: DayKind, within: str | None = None) -> Verdict:
    return live_in_memory(kind.day(seed), within)


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that do not heed Ctrl-C; when the block is left early they are ended in the midst of their work."""
    heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()  # what it forks inherits its deafness
    finally:
        signal.signal(signal.SIGINT, heeded)
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("forkserver"))
    others = multiprocessing.active_children()
    try:
        yield pool
        pool.shutdown()
    finally:  # who still works when the caller was stopped or went away does so for nobody
        for worker in multiprocessing.active_children():
            if worker not in others:
                worker.terminate()
        pool.shutdown(cancel_futures=True)


def explore(seeds: Iterable[int], kind: DayKind, jobs: int) -> Generator[Verdict, None, None]:
    """Verdicts of the days of these seeds, as they come; each day is lived in one of `jobs` processes.

    A generator that is closed, or a KeyboardInterrupt in it, ends the processes at once.
    """
    if jobs <= 1:
        for seed in seeds:
            yield _lived(seed, kind)
        return
    left = iter(seeds)
    with tempfile.TemporaryDirectory(dir=_memory()) as within, _workers(jobs) as pool:
        under_way: set[Future[Verdict]] = set()
        while True:
            for seed in left:
                under_way.add(pool.submit(_lived, seed, kind, within))
                if len(under_way) >= 2 * jobs:
                    break
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from sorted((future.result() for future in done), key=lambda verdict: verdict.seed)


def jobs_here() -> int:
    """How many processes this machine runs at once."""
    return os.cpu_count() or 1
