"""Scenario files (YAML): what is flown where, what goes wrong, and what is expected of it; see docs/scenarios.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sim.city_file import CityDrone, CityWeather, Seconds

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Outcome = Literal["completed", "refused", "failed", "interrupted"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts of the file: unknown fields are errors."""


class BothLanguages(Part, frozen=True, kw_only=True):
    """A text for people."""

    en: Annotated[str, Meta(min_length=1)]
    zh: Annotated[str, Meta(min_length=1)]


class GeneratedPart(Part, frozen=True, kw_only=True):
    """A city made from the scenario's seed (`sim.generated_city`)."""

    drones: Annotated[int, Meta(ge=1, le=200)]
    poles: Annotated[int, Meta(ge=3, le=5000)]
    aircraft: Annotated[int, Meta(ge=0, le=1000)] = 0


class WorldPart(Part, frozen=True, kw_only=True):
    """The city, from a file beside the scenario or generated; `weather` and `starts` (RFC 3339) replace its own.

    `airspace` are charts beside the scenario, laid over the city's.
    `lasts_s` is when the scenario is given up if its missions have not ended by then.
    """

    city: str = ""
    generated: GeneratedPart | None = None
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 1
    starts: str = ""
    weather: CityWeather | None = None
    airspace: tuple[str, ...] = ()
    lasts_s: Annotated[float, Meta(gt=0.0, le=86400.0)] = 1200.0


class MissionPart(Part, frozen=True, kw_only=True):
    """One mission: a file beside the scenario, or a request written here.

    It is asked for `at_s` after the start, or after the mission named by `after` has ended; `drone` is the first one
    that nobody uses when none is named.
    """

    name: Name | None = None
    file: str = ""
    request: dict[str, Any] | None = None
    drone: str = ""
    at_s: Seconds = 0.0
    after: str = ""


class MissionExpectation(Part, frozen=True, kw_only=True):
    """What must become of one mission; what is not given is not looked at.

    `lands_on` are the places of which one must be it, `reasons` the codes that must be among its reasons, `within_s`
    the longest time from asking to the end, `facts` comparisons with figures of its report (`photos >= 20`).
    """

    outcome: tuple[Outcome, ...] | Outcome = "completed"
    lands_on: tuple[str, ...] | str | None = None
    within_s: Seconds | None = None
    reasons: tuple[str, ...] = ()
    drone: str = ""
    facts: tuple[str, ...] = ()


class ExpectPart(Part, frozen=True, kw_only=True):
    """What must have happened at the end, and what never.

    `eventually` and `never` are patterns of events (`flight.phase phase=holding mission=look`), `alarms` codes of
    which each must have been raised. `truth` (comparisons with `sim.world.scenarios.figures`), `invariants` and `down`
    are looked at in virtual time, where the truth is known.
    """

    missions: dict[str, MissionExpectation] = {}
    alarms: tuple[str, ...] = ()
    eventually: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    truth: tuple[str, ...] = ()
    invariants: bool = True
    down: bool = True


class ScenarioFile(Part, frozen=True, kw_only=True):
    """The whole file; `faults` are texts of `sim.fault_text`."""

    beichen: Literal[1]
    kind: Literal["scenario"]
    name: Name
    title: BothLanguages
    story: BothLanguages
    world: WorldPart
    fleet: Annotated[tuple[CityDrone, ...], Meta(min_length=1)] = ()
    missions: tuple[MissionPart, ...] = ()
    faults: tuple[str, ...] = ()
    expect: ExpectPart = ExpectPart()
