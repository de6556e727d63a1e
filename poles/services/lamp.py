"""The lamp: its program, and orders that override it, among them the pattern that leads a drone to the pad.

In TALQ 2.7.1 this is LampActuatorFunction: `level_pct` is actualLightState [percent], an order is an override command.
Its rule holds here: the last override wins, and an empty one returns the lamp to its program. TALQ knows no landing
pattern: two flashes a second of the light on the pole's head, steady light on the pad.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from poles.services.service import NoParameters, ServiceSpec

NAME = "lamp"

Percent = Annotated[float, Meta(ge=0.0, le=100.0)]


class Pattern(StrEnum):
    """How the light is given."""

    OFF = "off"
    ON = "on"
    LANDING = "landing"


class LampReadings(msgspec.Struct, frozen=True, kw_only=True):
    """The light as it is; `overridden` tells an order from the program; `failed` is a lamp that draws no power."""

    pattern: Pattern
    level_pct: Percent
    overridden: bool
    failed: bool = False


class On(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Steady light at a level [percent]."""

    level_pct: Percent = 100.0


SPEC = ServiceSpec(LampReadings, {"off": NoParameters, "on": On, "landing": NoParameters, "program": NoParameters})


class LampHardware(Protocol):
    """The driver of the light."""

    def light(self, pattern: Pattern, level_pct: float) -> None:
        """Give this light from now on."""
        ...


class Lamp:
    """The service over a lamp driver; `program_pct` is the level that the pole's own program asks for."""

    name = NAME

    def __init__(self, hardware: LampHardware, *, program_pct: float = 0.0) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._hardware = hardware
        self._program_pct = program_pct
        self._override: tuple[Pattern, float] | None = None
        self._failed = False
        self._show()

    def program(self, level_pct: float) -> None:
        """The pole's program asks for a new level; an order that is in force still wins."""
        self._program_pct = level_pct
        self._show()

    def fail(self, failed: bool) -> None:
        """The driver found the lamp dead, or alive again."""
        self._failed = failed
        self.on_change()

    def readings(self) -> LampReadings:
        """The light as it is now."""
        pattern, level = self._now()
        return LampReadings(
            pattern=pattern, level_pct=level, overridden=self._override is not None, failed=self._failed
        )

    def report_every_s(self, usual_s: float) -> float:
        """As often as is usual on the pole."""
        return usual_s

    def begin(self, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Change the light; done at once."""
        match action, parameters:
            case "off", _:
                self._override = (Pattern.OFF, 0.0)
            case "on", On():
                self._override = (Pattern.ON, parameters.level_pct)
            case "landing", _:
                self._override = (Pattern.LANDING, 100.0)
            case _:
                self._override = None
        self._show()
        return None

    def _now(self) -> tuple[Pattern, float]:
        if self._override is not None:
            return self._override
        return (Pattern.ON if self._program_pct > 0 else Pattern.OFF), self._program_pct

    def _show(self) -> None:
        self._hardware.light(*self._now())
        self.on_change()
