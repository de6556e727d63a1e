"""Faults as they come and go in a running city."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from airspace.reasons import Reason, Refused, Rule, Words
from sim.fault_targets import struck, target_problems
from sim.fault_text import fault_text
from sim.faults import Fault, Occasion, Target

NOT_HERE = Rule(
    "inject.not-here",
    Words("{name} is not the simulated city's to do", "{name} 不由模拟城市执行"),
    Words("Use it with a command that runs the controller, too.", "请在同时运行控制器的命令中使用。"),
)


def _nothing(target: str, fault: Fault) -> None:
    """There is nothing to take back."""


@dataclass(frozen=True, slots=True)
class Act:
    """How a fault begins and how it ends, given what it happens to ("" for all there are) and the fault.

    `sets` names what it changes; what was begun and has not ended is set again after the end of another that set it.
    It is empty for what is a thing of its own each time.
    """

    begin: Callable[[str, Fault], None]
    end: Callable[[str, Fault], None] = _nothing
    sets: str = field(default="", kw_only=True)


class Place(Protocol):
    """Where faults happen: who tells of take-offs and landings (by drone id), and what is there to go wrong."""

    on_takeoff: list[Callable[[str], None]]
    on_touchdown: list[Callable[[str], None]]

    def targets(self, kind: Target) -> list[str] | None:
        """The names of what a fault can happen to; None where names are not known or there are none."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault that began, or ended, so many seconds after the start."""

    at_s: float
    fault: Fault
    began: bool


class Timeline:
    """The faults of one place; seconds count from when this was made, in a running loop.

    `acts` has a row for each fault that can happen here; `wished_dock` is what a dock's or pole's fault without a
    target happens to.
    """

    def __init__(self, place: Place, acts: Mapping[str, Act], *, wished_dock: str = "") -> None:
        self._place = place
        self._acts = acts
        self._wished_dock = wished_dock
        self._start_s = asyncio.get_running_loop().time()
        self._lasting: list[Fault] = []  # begun and not ended, in that order
        self.happened: list[Happening] = []

    def inject(self, fault: Fault) -> None:
        """Make a fault happen at its moment, and end after its time; now, when it is there from the start.

        Raises `Refused` for a target that this city does not have, and for what nobody here can do.
        """
        self._check(fault)
        moment = fault.moment
        if fault.at_once:
            self._begin(fault)
        elif moment.occasion is Occasion.START:
            asyncio.get_running_loop().call_at(self._start_s + moment.after_s, self._begin, fault)
        else:
            self._on_occasion(fault)

    def _check(self, fault: Fault) -> None:
        if fault.name not in self._acts:
            raise Refused([Reason(NOT_HERE, fault_text(fault), {"name": fault.name})])
        if problems := list(target_problems(fault, self._place.targets, self._wished_dock, fault_text(fault))):
            raise Refused(problems)

    def _target(self, fault: Fault) -> str:
        return struck(fault, self._wished_dock)

    def _on_occasion(self, fault: Fault) -> None:
        listeners = self._place.on_takeoff if fault.moment.occasion is Occasion.TAKEOFF else self._place.on_touchdown
        waiting = [True]  # an occasion counts once

        def occurred(drone: str) -> None:
            if waiting and fault.moment.drone in ("", drone):
                waiting.clear()
                asyncio.get_running_loop().call_later(fault.moment.after_s, self._begin, fault)

        listeners.append(occurred)

    def _begin(self, fault: Fault) -> None:
        self._acts[fault.name].begin(self._target(fault), fault)
        self._lasting.append(fault)
        self._note(fault, began=True)
        if fault.for_s is not None:
            asyncio.get_running_loop().call_later(fault.for_s, self._end, fault)

    def _end(self, fault: Fault) -> None:
        place = self._lasting.index(fault)
        del self._lasting[place]
        if not self._hidden(fault, self._lasting[place:]):
            self._acts[fault.name].end(self._target(fault), fault)
            self._set_again(fault)
        self._note(fault, began=False)

    def _set_again(self, ended: Fault) -> None:
        """Begin anew, in their order, the faults that the end of one has undone."""
        sets, target = self._acts[ended.name].sets, self._target(ended)
        if not sets or (ended.choice and target):  # what else is of its choice happens elsewhere: it was not hidden
            return
        for other in self._lasting:
            act = self._acts[other.name]
            if (act.sets, other.choice) == (sets, ended.choice):
                act.begin(self._target(other), other)

    def _hidden(self, fault: Fault, newer: Sequence[Fault]) -> bool:
        """Whether the end of a fault changes nothing: another of the same choice lasts, or a newer number."""
        if not self._acts[fault.name].sets:
            return False
        target = self._target(fault)
        hiding, reached = (self._lasting, ("", target)) if fault.choice else (newer, (target,))
        same = [other for other in hiding if (other.name, other.choice) == (fault.name, fault.choice)]
        return any(self._target(other) in reached for other in same)

    def _note(self, fault: Fault, *, began: bool) -> None:
        self.happened.append(Happening(asyncio.get_running_loop().time() - self._start_s, fault, began))
