"""Moves bodies through one tick: a few one after the other, many as arrays; the bits are the same."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from sim.flight.kernel import ARRAYS, FLOATS, substep

TICK_S = 0.1
PIECES = 2  # a tenth of this step changes no gust response by 2 %: tests/sim/flight/test_kernel.py
ARRAYS_FROM = 12  # so many bodies are faster as arrays

# what the kernel changes
STATE = (
    "e", "n", "u", "ve", "vn", "vu", "fe", "fn", "fu", "te", "tn", "tu", "we", "wn", "wu", "thrust", "lift",
    "int_e", "int_n", "int_u", "heading_deg", "turn_degps", "impact_mps", "on_ground",
)  # fmt: skip
# what it only reads
GIVEN = (
    "pe0", "pn0", "pu0", "ve0", "vn0", "vu0", "ae0", "an0", "au0", "h0_deg",
    "pe1", "pn1", "pu1", "ve1", "vn1", "vu1", "ae1", "an1", "au1", "h1_deg",
    "off_e", "off_n", "off_u", "wind_e", "wind_n", "wind_u", "floor_u", "lean_mps2", "powered", "highest",
    "tumble_radps", "tip_e", "tip_n", "drag", "drag_up", "rotor_drag",
    "turn_tc_s", "q10", "q12", "q21", "q22", "lag_mean", "lag_end",
)  # fmt: skip
# what lives only within one piece
SCRATCH = ("ce", "cn", "cu")
_NAMES = STATE + GIVEN
_read = attrgetter(*_NAMES)
_pack = struct.Struct(f"{len(_NAMES)}d").pack


class _Many:
    """The fields of many bodies, an array each."""

    __slots__ = STATE + GIVEN + SCRATCH

    def __init__(self, bodies: Sequence[Any]) -> None:
        # bytes at once: a list of tuples would be walked through a second time
        packed = b"".join([_pack(*_read(body)) for body in bodies])
        table = np.frombuffer(packed).reshape(len(bodies), len(_NAMES))
        for name, column in zip(_NAMES, table.T.copy(), strict=True):
            setattr(self, name, column)

    def give_back(self, bodies: Sequence[Any]) -> None:
        columns = [getattr(self, name).tolist() for name in STATE]
        for body, values in zip(bodies, zip(*columns, strict=True), strict=True):
            body.take(values)


def move(bodies: Sequence[Any], pieces: int = PIECES) -> None:
    """Move bodies (`sim.drone.dynamics.Body`) on by one tick, in `pieces` equal steps each."""
    dt = TICK_S / pieces
    shares = [(piece + 0.5) / pieces for piece in range(pieces)]
    if len(bodies) < ARRAYS_FROM:
        for body in bodies:
            for share in shares:
                substep(FLOATS, body, share, TICK_S, dt)
        return
    many = _Many(bodies)
    for share in shares:
        substep(ARRAYS, many, share, TICK_S, dt)
    many.give_back(bodies)
