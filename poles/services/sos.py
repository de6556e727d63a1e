"""The SOS button: somebody calls for help at the pole, and is told that help comes.

TALQ 2.7.1 has no such function. A call begins when the button is pressed and lasts until an operator ends it, however
often it is pressed meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Protocol, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.service import Function, FunctionSpec, NoParameters, Readings, Service, ServiceSpec
from poles.services.units import Count

NAME = "sos"
FUNCTION = "EmergencyCall"
CALLED, STUCK = "sos.called", "sos.stuck"
STUCK_AFTER_S = 120.0

NO_CALL = Rule(
    "sos.no-call",
    Words("nobody calls for help at this pole", "该灯杆当前没有求助呼叫"),
    Words("Look for the call at another pole.", "请查看其他灯杆的呼叫。"),
)


class EmergencyCallReadings(Readings, frozen=True, kw_only=True):
    """The button, and the call."""

    calling: Annotated[bool, Meta(description="somebody called and no operator has ended the call")] = field(
        name="calling"
    )
    answered: Annotated[bool, Meta(description="an operator has taken the call")] = field(name="answered")
    pressed: Annotated[bool, Meta(description="the button is held down now")] = field(name="pressed")
    presses: Annotated[Count, Meta(description="in this call")] = field(name="presses", default=0)


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    EmergencyCallReadings,
    {"answer": NoParameters, "end": NoParameters},
    alarms={
        CALLED: AlarmSpec(
            Severity.EMERGENCY,
            Words("somebody calls for help at {subject}", "{subject} 处有人求助"),
            Words("Answer the call, look through the camera and send help.", "请应答呼叫，查看摄像画面并派人救助。"),
        ),
        STUCK: AlarmSpec(
            Severity.CAUTION,
            Words("the SOS button of {subject} has been down for {held_s} s", "{subject} 的求助按钮已按下 {held_s} 秒"),
            Words("Have the button looked at.", "请派人检查按钮。"),
        ),
    },
    slow=6.0,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class SosHardware(Protocol):
    """The driver of the lamp in the button."""

    def show(self, *, calling: bool, answered: bool) -> None:
        """Tell who pressed it how far the call is."""
        ...


class Sos(Service):
    """The service; the driver calls `press` and `release`."""

    name = NAME

    def __init__(self, hardware: SosHardware) -> None:
        super().__init__(
            Function(FUNCTION, FUNCTION_SPEC, EmergencyCallReadings(calling=False, answered=False, pressed=False))
        )
        self._hardware = hardware
        self._held: asyncio.TimerHandle | None = None

    def press(self) -> None:
        """The button went down."""
        if not self._call.pressed:
            self._held = asyncio.get_running_loop().call_later(STUCK_AFTER_S, self._stick)
            self._note(FUNCTION, calling=True, pressed=True, presses=self._call.presses + 1)
            self._alarm(FUNCTION, CALLED, True)

    def release(self) -> None:
        """The button came up."""
        if self._held is not None:
            self._held.cancel()
            self._held = None
        self._note(FUNCTION, pressed=False)
        self._alarm(FUNCTION, STUCK, False)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> None:
        """Answer or end the call; done at once. Raises Refused when there is none."""
        if action not in FUNCTION_SPEC.commands:
            super().begin(function, action, parameters)
        if not self._call.calling:
            raise Refused([Reason(NO_CALL)])
        if action == "answer":
            self._note(FUNCTION, answered=True)
        else:
            self._note(FUNCTION, calling=False, answered=False, presses=0)
            self._alarm(FUNCTION, CALLED, False)

    @property
    def _call(self) -> EmergencyCallReadings:
        return cast("EmergencyCallReadings", self._now[FUNCTION])

    def _stick(self) -> None:
        self._alarm(FUNCTION, STUCK, True, held_s=STUCK_AFTER_S)

    def _settle(self, function: str) -> None:
        self._hardware.show(calling=self._call.calling, answered=self._call.answered)
