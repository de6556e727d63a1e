"""Drives the watch over poles as the gateway does, in time that the test tells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from poles.gateway.liveness import Back, Liveness, Silence
from poles.protocol import Reading


def readings_of(*functions: str, held_s: float = 0.0) -> tuple[Reading, ...]:
    return tuple([Reading(seq=1, at_s=0.0, held_s=held_s, function=function, values={}) for function in functions])


@dataclass
class Driven:
    """Advances a `Liveness` whenever it asked for it, `late_s` late, and notes what it tells and when."""

    now_s: float = 0.0
    late_s: float = 0.0
    told: list[tuple[float, Silence]] = field(default_factory=list)
    back: list[tuple[float, Back]] = field(default_factory=list)
    liveness: Liveness = field(init=False)

    def __post_init__(self) -> None:
        self.liveness = Liveness(self.now_s)

    def until(self, now_s: float) -> None:
        while (wake_s := self.liveness.wake_s + self.late_s) <= now_s:
            self.now_s = max(self.now_s, wake_s)
            self.told += [(self.now_s, silence) for silence in self.liveness.advance(self.now_s)]
            if math.isinf(self.liveness.wake_s):
                break
        self.now_s = now_s

    def hello(self, code: str, heartbeat_s: float = 5.0, **functions: float) -> None:
        self.back += [(self.now_s, b) for b in self.liveness.introduce(code, heartbeat_s, functions, self.now_s)]

    def heard(self, *codes: str) -> None:
        tick = self.liveness.tick(self.now_s)
        for code in codes:
            if (back := self.liveness.heard(code, tick)) is not None:
                self.back.append((self.now_s, back))

    def report(self, code: str, *functions: str, held_s: float = 0.0) -> None:
        self.heard(code)
        tick = self.liveness.tick(self.now_s)
        for back in self.liveness.reported(code, readings_of(*functions, held_s=held_s), tick) or ():
            self.back.append((self.now_s, back))

    def silences(self) -> list[tuple[str, str | None]]:
        return [(silence.code, silence.function) for _, silence in self.told]
