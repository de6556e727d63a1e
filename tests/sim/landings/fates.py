"""What may go wrong with one landing, drawn from a seed: each fault has its moment, counted from what the log tells."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Moments, as what becomes durable: the order to the dock, the hold, the branch, the gate, the last word of the landing.
ANCHORS = ("asked", "holding", "landing", "landing", "gate", "down", "flying")
KINDS = (
    "pole-silent", "reports-late", "cover-stuck", "pad-taken", "rain", "gusts", "lamp-dead", "commands-lost",
    "gateway-restart", "controller-killed", "link-lost", "stray-close",
)  # fmt: skip
WISHED, OTHER = "410105-LP-000003", "410105-LP-000004"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `after_s` seconds after its anchor, at a dock, for so many seconds."""

    kind: str
    anchor: str
    after_s: float
    for_s: float
    dock: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.dock[-1]}, {self.after_s} s after {self.anchor}, for {self.for_s} s"


@dataclass(frozen=True, slots=True)
class Fate:
    """The faults of one landing."""

    seed: int
    faults: tuple[Fault, ...]


def fate(seed: int) -> Fate:
    """One, two or three faults; every kind and anchor comes about equally often."""
    rng = random.Random(f"landing {seed}")
    first = Fault(
        kind=KINDS[seed % len(KINDS)],
        anchor=ANCHORS[seed // len(KINDS) % len(ANCHORS)],
        after_s=round(rng.uniform(0.0, 25.0), 2),
        for_s=round(rng.choice((2.0, 6.0, 20.0, 300.0)), 1),
        dock=WISHED,
    )
    more = [
        Fault(
            kind=rng.choice(KINDS),
            anchor=rng.choice(ANCHORS),
            after_s=round(rng.uniform(0.0, 25.0), 2),
            for_s=round(rng.choice((2.0, 6.0, 20.0, 300.0)), 1),
            dock=rng.choice((WISHED, OTHER)),
        )
        for _ in range(rng.choice((0, 0, 1, 2)))
    ]
    return Fate(seed, (first, *more))
