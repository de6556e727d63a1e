"""Bodies on the test bench: hovering ones, and a tick in the air."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.drone.airframe import GRAVITY_MPS2, Airframe
from sim.drone.dynamics import Body, Reference
from sim.flight.bodies import PIECES, TICK_S, move

FRAME = Airframe()


def hovering(
    height_m: float = 20.0, *, frame: Airframe = FRAME, pieces: int = PIECES, heading_deg: float = 0.0
) -> tuple[Body, Reference]:
    """A body at rest in the air, and a reference that holds it there."""
    body, ref = Body(frame, heading_deg, pieces), Reference()
    body.u = ref.pu = height_m
    body.floor_u = 0.0
    body.on_ground, body.thrust = False, GRAVITY_MPS2
    ref.heading_deg = body.heading_deg
    return body, ref


def tick(body: Body, ref: Reference, steer: Callable[[], None] = lambda: None, *, pieces: int = PIECES) -> None:
    """One tick, in which `steer` moves the reference on."""
    body.aim_from(ref)
    steer()
    body.aim_to(ref)
    move([body], pieces)


def ticks(body: Body, ref: Reference, seconds: float, *, pieces: int = PIECES) -> None:
    """So many seconds towards a reference that stands still."""
    for _ in range(round(seconds / TICK_S)):
        tick(body, ref, pieces=pieces)


def exponential(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The exponential of a matrix by its series, after halving it until it is small."""
    halvings = 20
    small = matrix / 2.0**halvings
    result = np.eye(len(matrix)) + small @ (np.eye(len(matrix)) + small / 2.0)
    for _ in range(halvings):
        result = result @ result
    return result
