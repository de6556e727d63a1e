"""What must hold whatever happens: the shape of an invariant, and of its breach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from airspace.reasons import Words
from controller.events import Record
from controller.state import FlightState
from sim.world.scene import Scene


@dataclass(frozen=True, slots=True)
class Broken:
    """That an invariant does not hold, for what, and the figures that show it; `drone` has the place of the breach."""

    subject: str
    detail: str
    drone: str = ""


class Breach(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broken invariant with its time [s of the day], its place and the events before it."""

    invariant: str
    subject: str
    at_s: float
    detail: str
    place: str = ""
    before: tuple[str, ...] = ()


class Invariant:
    """Something that must always hold. Each method is called at its occasion and tells what is broken then.

    An instance belongs to one day and may remember what it saw.
    """

    code: ClassVar[str]
    words: ClassVar[Words]
    excused: int = 0  # how often it did not hold for a cause that is nobody's fault

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Twice a second."""
        yield from ()

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """At each record that became durable, after the scene's state has it; pole reports excepted."""
        yield from ()

    def reported(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """At each record of what a pole said that became durable."""
        yield from ()

    def took_off(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """When a drone leaves the ground."""
        yield from ()

    def touched_down(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """When a drone reaches the ground."""
        yield from ()

    def sent(self, scene: Scene, drone: str, frame: bytes) -> Iterator[Broken]:
        """At each MAVLink 2 frame that a controller sends to a drone."""
        yield from ()

    def connected(self, scene: Scene, drone: str, links: int) -> Iterator[Broken]:
        """When a controller opens a link to a drone; `links` counts those that it has open, this one included."""
        yield from ()

    def restarted(self, scene: Scene, records: list[Record]) -> Iterator[Broken]:
        """When a controller has opened its store, which holds `records`."""
        yield from ()

    def answered(self, scene: Scene, mission: str, outcome: str, codes: tuple[str, ...]) -> Iterator[Broken]:
        """When a person has the outcome of a mission, with the codes of its reasons, and asks no more."""
        yield from ()

    def searched(self, scene: Scene, flight: FlightState, since_s: float) -> Iterator[Broken]:
        """When a person closes a flight that no controller could close since this second of the day."""
        yield from ()

    def ended(self, scene: Scene) -> Iterator[Broken]:
        """When the day is over."""
        yield from ()
