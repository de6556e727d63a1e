"""One of many processes that reserve in one register, for tests that kill it: `python -m ... PATH ACKS NAME COUNT`.

It reserves random sets of intents and changes the state of its own and of others'. What the register has confirmed it
appends to ACKS, one JSON object a line, so that nothing confirmed can be forgotten by killing it.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from shapely.geometry import Polygon, box

from airspace.conformance import off_nominal_around
from airspace.frames import LatLon
from airspace.intents import IntentEvent, IntentState, OperationalIntent
from airspace.reasons import Refused
from airspace.volumes import Volume4D
from controller.register.register import Founding, Register, open_register

NOW_S = 1779066000.0
FOUNDING = Founding(LatLon(34.7466, 113.6050), b"a seed for the tests of a register")
HOLDER = "the city"
FIELD_M = 3000.0

EVENTS = [
    IntentEvent.ACTIVATE,
    IntentEvent.CHANGE,
    IntentEvent.LEAVE,
    IntentEvent.RETURN,
    IntentEvent.END,
    IntentEvent.END,
]


def random_volume(rng: random.Random) -> Volume4D:
    """A leg or a stay: 20-300 m wide, some of them askew, 10-60 m thick, 1-10 minutes of the next hour."""
    x_m, y_m = rng.uniform(0.0, FIELD_M), rng.uniform(0.0, FIELD_M)
    wide_m, deep_m = rng.uniform(20.0, 300.0), rng.uniform(20.0, 300.0)
    floor_m = rng.uniform(20.0, 110.0)
    start_s = NOW_S + rng.uniform(0.0, 3000.0)
    outline = box(x_m, y_m, x_m + wide_m, y_m + deep_m)
    if rng.random() < 0.5:
        outline = Polygon([(x_m, y_m), (x_m + wide_m, y_m + 10.0), (x_m + wide_m / 2, y_m + deep_m)])
    return Volume4D(outline, floor_m, floor_m + rng.uniform(10.0, 60.0), start_s, start_s + rng.uniform(60.0, 600.0))


class Writer:
    """A process's work with the register, counted by its outcomes."""

    def __init__(self, register: Register, name: str, rng: random.Random, acknowledged: Path) -> None:
        self.register = register
        self.name = name
        self.rng = rng
        self.acknowledged = acknowledged.open("a", encoding="utf-8")
        self.counts: Counter[str] = Counter()
        self.remembered: list[OperationalIntent] = []

    def step(self, number: int) -> None:
        """One attempt, and a line for its outcome."""
        try:
            done = self._reserve(number) if self.rng.random() < 0.7 else self._change()
        except Refused as refused:
            code = refused.reasons[0].rule.code
            self._say({"refused": {"intent.stale": "stale", "reservation.conflict": "conflict"}.get(code, code)})
        else:
            self._say({"done": [[one.id, one.version, str(one.state), one.ovn] for one in done]})

    def _reserve(self, number: int) -> Sequence[OperationalIntent]:
        asked = [
            OperationalIntent(
                f"{self.name}.{number}.{i}",
                0,
                IntentState.ACCEPTED,
                tuple(random_volume(self.rng) for _ in range(self.rng.randint(1, 3))),
            )
            for i in range(self.rng.randint(1, 2))
        ]
        done = self.register.reserve(asked, (), HOLDER)
        self.remembered += done
        return done

    def _change(self) -> Sequence[OperationalIntent]:
        if not self.remembered or self.rng.random() < 0.2:  # look at what others have
            near, _ = self.register.near([random_volume(self.rng)])
            self.remembered += near
        if not self.remembered:
            return ()
        known = self.rng.choice(self.remembered)
        event = self.rng.choice(EVENTS)
        around = off_nominal_around(0.0, 0.0, 50.0, NOW_S, speed_mps=15.0, climb_mps=3.0, for_s=60.0)
        volumes = [random_volume(self.rng)] if event is IntentEvent.CHANGE else None
        return [
            self.register.change_state(
                known.id, event, known.version, HOLDER, volumes=volumes, off_nominal_volumes=[around]
            )
        ]

    def _say(self, outcome: object) -> None:
        self.acknowledged.write(json.dumps(outcome) + "\n")
        self.acknowledged.flush()


def main(path: Path, acknowledged: Path, name: str, count: int) -> None:
    """Work until killed, or until all attempts are made."""
    with open_register(path, lambda: NOW_S, founding=FOUNDING) as register:
        writer = Writer(register, name, random.Random(name), acknowledged)
        for number in range(count):
            writer.step(number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
