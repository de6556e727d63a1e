"""Faults as they come and go in a running city."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from airspace.reasons import Reason, Refused, Rule, Words
from sim.fault_text import fault_text
from sim.faults import TARGET_WORDS, Fault, Occasion, Target

NO_TARGET = Rule(
    "inject.no-target",
    Words("there is no {kind} {value} here to go wrong; there are: {known}", "此处没有{kind} {value}；现有：{known}"),
    Words(
        "Name one of these; a dock or pole that is not named is the one that a request wishes to land on (--dock).",
        "请指定其中之一；未指定的机库或灯杆即请求希望降落之处（--dock）。",
    ),
)
NOT_HERE = Rule(
    "inject.not-here",
    Words("{name} is not the simulated city's to do", "{name} 不由模拟城市执行"),
    Words("Use it with a command that runs the controller, too.", "请在同时运行控制器的命令中使用。"),
)


def _nothing(target: str, fault: Fault) -> None:
    """There is nothing to take back."""


@dataclass(frozen=True, slots=True)
class Act:
    """How a fault begins and how it ends, given what it happens to ("" for all there are) and the fault."""

    begin: Callable[[str, Fault], None]
    end: Callable[[str, Fault], None] = _nothing


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
        wanted = [(fault.spec.target, self._target(fault))]
        wanted += [(Target.DRONE, fault.moment.drone)]
        for kind, name in wanted:
            known = self._place.targets(kind)
            must = kind in (Target.DOCK, Target.POLE) and fault.name != "rain"
            if known is not None and (name or must) and name not in known:
                facts = {"kind": TARGET_WORDS[kind], "value": name or "-", "known": ", ".join(known) or "-"}
                raise Refused([Reason(NO_TARGET, fault_text(fault), facts)])

    def _target(self, fault: Fault) -> str:
        wished = fault.name in ("dock", "pole")
        return fault.target or (self._wished_dock if wished else "")

    def _on_occasion(self, fault: Fault) -> None:
        listeners = self._place.on_takeoff if fault.moment.occasion is Occasion.TAKEOFF else self._place.on_touchdown
        waiting = [True]  # an occasion counts once

        def occurred(drone: str) -> None:
            if waiting and fault.moment.drone in ("", drone):
                waiting.clear()
                asyncio.get_running_loop().call_later(fault.moment.after_s, self._begin, fault)

        listeners.append(occurred)

    def _begin(self, fault: Fault) -> None:
        self._happen(fault, True, self._acts[fault.name].begin)
        if fault.for_s is not None:
            asyncio.get_running_loop().call_later(fault.for_s, self._happen, fault, False, self._acts[fault.name].end)

    def _happen(self, fault: Fault, began: bool, act: Callable[[str, Fault], None]) -> None:
        self.happened.append(Happening(asyncio.get_running_loop().time() - self._start_s, fault, began))
        act(self._target(fault), fault)
