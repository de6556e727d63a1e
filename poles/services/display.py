"""The display: a text that its program shows, and orders that override it, as TALQ 2.7.1's TextDisplayActuator."""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.overrides import Overridden
from poles.services.service import Function, FunctionSpec, Parameters, Readings, Service, ServiceSpec, Settings
from poles.services.units import Percent

NAME = "display"
FUNCTION = "TextDisplayActuator"
FAILED = "display.failed"

Line = Annotated[str, Meta(max_length=512)]
Coordinate = Annotated[int, Meta(ge=0, le=65535)]


class PositionedText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text and where it begins, columns and lines from the upper left corner."""

    text: Annotated[Line, Meta(description="what is shown; empty is a dark display")] = ""
    x: Annotated[Coordinate, Meta(description="column of the first letter")] = field(name="xPos", default=0)
    y: Annotated[Coordinate, Meta(description="line of the first letter")] = field(name="yPos", default=0)


class DisplayReadings(Readings, frozen=True, kw_only=True):
    """What is shown."""

    state: Annotated[PositionedText, Meta(description="what is shown now")] = field(name="actualState")
    level_pct: Annotated[Percent, Meta(description="brightness")] = field(name="level")
    overridden: Annotated[bool, Meta(description="an order is in force, not the program")] = field(name="overridden")
    failed: Annotated[bool, Meta(description="it shows nothing, or not what it is told")] = field(
        name="displayFailure", default=False
    )


class DisplaySettings(Settings, frozen=True, kw_only=True):
    """What the display does by itself."""

    state: Annotated[PositionedText, Meta(description="what the program shows")] = field(
        name="defaultState", default=PositionedText()
    )
    level_pct: Annotated[Percent, Meta(description="brightness")] = field(name="level", default=80.0)


class Show(Parameters, frozen=True, kw_only=True):
    """Show this from now on, whatever the program shows; without it the display returns to its program."""

    state: Annotated[PositionedText, Meta(description="what to show")] | None = None


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    DisplayReadings,
    {"override": Show},
    DisplaySettings,
    {
        FAILED: AlarmSpec(
            Severity.CAUTION,
            Words("the display of {subject} does not show what it is told", "{subject} 的信息屏显示异常"),
            Words("Have it repaired; do not rely on it for warnings.", "请安排检修，勿依赖其发布警示。"),
        ),
    },
    slow=6.0,
    talq=True,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class DisplayHardware(Protocol):
    """The driver of the display."""

    def show(self, state: PositionedText, level_pct: float) -> None:
        """Show this from now on."""
        ...


class Display(Service):
    """The service over a display's driver."""

    name = NAME

    def __init__(self, hardware: DisplayHardware) -> None:
        settings = DisplaySettings()
        dark = DisplayReadings(state=settings.state, level_pct=settings.level_pct, overridden=False)
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, dark))
        self._hardware = hardware
        self._text = Overridden(settings.state)
        hardware.show(settings.state, settings.level_pct)

    def check(self, *, failed: bool) -> None:
        """The driver compared what is shown with what should be."""
        self._now[FUNCTION] = msgspec.structs.replace(self._now[FUNCTION], failed=failed)
        self._alarm(FUNCTION, FAILED, failed)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> None:
        """Override the text or return it to the program; done at once. Raises Refused."""
        if not isinstance(parameters, Show):
            super().begin(function, action, parameters)
            return
        self._text.override = parameters.state
        self._settle(function)
        self._changed(function)

    def _settle(self, function: str) -> None:
        settings = self._settings[FUNCTION]
        assert isinstance(settings, DisplaySettings)
        self._text.program = settings.state
        self._now[FUNCTION] = msgspec.structs.replace(
            self._now[FUNCTION],
            state=self._text.now,
            level_pct=settings.level_pct,
            overridden=self._text.overridden,
        )
        self._hardware.show(self._text.now, settings.level_pct)
