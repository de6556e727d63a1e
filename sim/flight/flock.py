"""The pulse that moves all drones of a world: one timer for the ticks of all bodies and for every message that is due.

Ticks lie on one grid in time, `TICK_S` apart. At each the autopilots that are active say where they steer, the bodies
move together, and the autopilots look at what came of it. Idle ones are looked after once a second. Between ticks
messages go out when they are due, and what arrives is dealt with at once, against the state of the last tick.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from typing import Any, Protocol

from sim.flight.bodies import TICK_S, move

IDLE_TICKS = 10  # an idle drone is looked after at every so many ticks
EARLY_S = 1e-6  # what is due within this is due now: sums of tenths are not exact


class Member(Protocol):
    """One drone, as the pulse knows it; times are the loop's [s]."""

    @property
    def active(self) -> bool:
        """Whether it wants every tick."""

    def begin(self, now_s: float) -> Any:
        """Begin a tick: the body that moves in it, or None."""

    def finish(self, now_s: float) -> None:
        """End a tick: what came of the motion."""

    def serve(self, now_s: float) -> None:
        """Send what is due."""

    def due_s(self) -> float:
        """When it wants to be served next."""

    def fail(self, error: Exception) -> None:
        """It raised this and is a member no more."""


class Flock:
    """Drones that move by one pulse; a drone alone is a flock of one. It lives as long as it has members."""

    def __init__(self) -> None:
        self._members: dict[Member, int] = {}  # by order of joining
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Member]] = []  # a heap; entries that are no longer true are passed over
        self._due_s: dict[Member, float] = {}
        self._origin_s = 0.0
        self._tick = 0  # the last one done
        self._timer: asyncio.TimerHandle | None = None
        self._beating = False
        self._resting = True  # nobody was active when it was last asked

    def join(self, member: Member) -> None:
        """Move a drone from now on; the grid of the ticks begins with the first."""
        now = asyncio.get_running_loop().time()
        if not self._members:
            self._origin_s, self._tick, self._resting = now, 0, True
        self._members[member] = next(self._numbers)
        self.wake(member)

    def leave(self, member: Member) -> None:
        """Move a drone no more."""
        self._members.pop(member, None)
        self._due_s.pop(member, None)
        if not self._members and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake(self, member: Member) -> None:
        """Something changed: see anew when it wants to be served, and whether it is active."""
        if member not in self._members:
            return
        due = member.due_s()
        if due != self._due_s.get(member):
            self._due_s[member] = due
            if due < math.inf:
                heapq.heappush(self._due, (due, self._members[member], member))
        if not self._beating:
            self._schedule()

    def _next_tick(self) -> int:
        """The next tick that anybody wants."""
        for member in self._members:
            if member.active:
                return self._tick + 1
        return self._next_idle_tick()

    def _next_idle_tick(self) -> int:
        return (self._tick // IDLE_TICKS + 1) * IDLE_TICKS

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._resting:
            # ticks that nobody wanted are over, and who wakes up has the next one; late ones that were wanted are not
            passed = math.ceil((loop.time() - self._origin_s - EARLY_S) / TICK_S) - 1
            self._tick = max(self._tick, min(passed, self._next_idle_tick() - 1))
        tick = self._next_tick()
        self._resting = tick == self._next_idle_tick() and tick != self._tick + 1
        when = self._origin_s + tick * TICK_S
        while self._due and self._due_s.get(self._due[0][2]) != self._due[0][0]:
            heapq.heappop(self._due)
        if self._due:
            when = min(when, self._due[0][0])
        if self._timer is not None:
            if self._timer.when() == when and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._beat)

    def _beat(self) -> None:
        """Do the ticks and send the messages that are due."""
        loop = asyncio.get_running_loop()
        self._timer, self._beating = None, True
        now = loop.time() + EARLY_S
        while (tick := self._next_tick()) * TICK_S + self._origin_s <= now:
            self._do_tick(tick)
        while self._due and self._due[0][0] <= now:
            due, _, member = heapq.heappop(self._due)
            if self._due_s.get(member) == due:
                self._serve(member)
        self._beating = False
        if self._members:
            self._schedule()

    def _do_tick(self, tick: int) -> None:
        now_s = self._origin_s + tick * TICK_S
        idle = tick % IDLE_TICKS == 0
        taking_part = [member for member in self._members if idle or member.active]
        bodies = []
        for member in taking_part:
            try:
                body = member.begin(now_s)
            except Exception as error:  # one drone's failure is raised by its own task and stops nobody else
                self._fail(member, error)
            else:
                if body is not None:
                    bodies.append(body)
        move(bodies)
        self._tick = tick
        for member in taking_part:
            if member in self._members:
                try:
                    member.finish(now_s)
                except Exception as error:  # as above
                    self._fail(member, error)
                else:
                    self._serve(member)

    def _serve(self, member: Member) -> None:
        if member not in self._members:
            return
        try:
            # a late beat serves at the time that it is, not at the one it should have been
            member.serve(asyncio.get_running_loop().time())
        except Exception as error:  # as above
            self._fail(member, error)
        else:
            self.wake(member)

    def _fail(self, member: Member, error: Exception) -> None:
        self.leave(member)
        member.fail(error)
