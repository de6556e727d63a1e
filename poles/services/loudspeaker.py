"""The loudspeaker: announcements, spoken from a text or played from the pole's own store.

TALQ 2.7.1 has no such function. Each announcement takes the place of the one before, and ends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Literal, Protocol, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.service import (
    Function,
    FunctionSpec,
    NoParameters,
    Parameters,
    Readings,
    Service,
    ServiceSpec,
    Settings,
)
from poles.services.units import Percent

NAME = "loudspeaker"
FUNCTION = "Loudspeaker"
FAILED = "loudspeaker.failed"

CUT_SHORT = Rule(
    "loudspeaker.cut-short",
    Words("another order ended the announcement", "播报已被其他指令中断"),
    Words("Send it again when the other is over.", "请在其他播报结束后重发。"),
)

Announcement = Annotated[str, Meta(min_length=1, max_length=512)]


class LoudspeakerReadings(Readings, frozen=True, kw_only=True):
    """What is heard from it."""

    announcing: Annotated[bool, Meta(description="something is played now")] = field(name="announcing")
    volume_pct: Annotated[Percent, Meta(description="of the next announcement")] = field(name="volume")
    failed: Annotated[bool, Meta(description="the line test finds no speaker")] = field(name="speakerFailure")


class LoudspeakerSettings(Settings, frozen=True, kw_only=True):
    """How loud it may be."""

    volume_pct: Annotated[Percent, Meta(description="of announcements")] = field(name="volume", default=60.0)


class Say(Parameters, frozen=True, kw_only=True):
    """Speak a text."""

    text: Annotated[Announcement, Meta(description="what is said")]
    language: Annotated[Literal["zh", "en"], Meta(description="in which it is spoken")] = "zh"
    times: Annotated[int, Meta(ge=1, le=20, description="one after the other")] = 1


class Play(Parameters, frozen=True, kw_only=True):
    """Play a clip from the pole's own store."""

    clip: Annotated[str, Meta(min_length=1, max_length=64, description="its name in the store")]
    times: Annotated[int, Meta(ge=1, le=20, description="one after the other")] = 1


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    LoudspeakerReadings,
    {"say": Say, "play": Play, "stop": NoParameters},
    LoudspeakerSettings,
    {
        FAILED: AlarmSpec(
            Severity.CAUTION,
            Words("the loudspeaker of {subject} cannot be heard", "{subject} 的扬声器无声"),
            Words("Have it repaired; warn people by other means.", "请安排检修，并以其他方式提示公众。"),
        ),
    },
    slow=6.0,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class LoudspeakerHardware(Protocol):
    """The driver of amplifier, voice and store. Both raise Refused, and fall silent when they are cancelled."""

    async def say(self, text: str, language: str, volume_pct: float) -> None:
        """Speak a text once; done when it is said."""
        ...

    async def play(self, clip: str, volume_pct: float) -> None:
        """Play a clip once; done when it is over."""
        ...


class Loudspeaker(Service):
    """The service over a loudspeaker's driver."""

    name = NAME

    def __init__(self, hardware: LoudspeakerHardware) -> None:
        volume_pct = LoudspeakerSettings().volume_pct
        silent = LoudspeakerReadings(announcing=False, volume_pct=volume_pct, failed=False)
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, silent))
        self._hardware = hardware
        self._running: asyncio.Task[None] | None = None

    def test(self, *, failed: bool) -> None:
        """The driver tested the line to the speaker."""
        self._note(FUNCTION, failed=failed)
        self._alarm(FUNCTION, FAILED, failed)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin an announcement; it ends when it is over, or raises Refused when another order cuts it short."""
        if isinstance(parameters, Say | Play):
            return self._announce(parameters)
        if action != "stop":
            return super().begin(function, action, parameters)
        self._stop()
        return None

    async def _announce(self, order: Say | Play) -> None:
        self._stop()
        task = self._running = asyncio.ensure_future(self._speak(order))
        self._note(FUNCTION, announcing=True)
        try:
            await asyncio.wait([task])
        finally:  # whoever waits may be cancelled, and the speaker must not go on without an owner
            task.cancel()
            if self._running is task:
                self._running = None
                self._note(FUNCTION, announcing=False)
        if task.cancelled():
            raise Refused([Reason(CUT_SHORT)])
        task.result()

    async def _speak(self, order: Say | Play) -> None:
        for n in range(order.times):
            self._voice.progress(FUNCTION, n / order.times)
            volume_pct = cast("LoudspeakerSettings", self._settings[FUNCTION]).volume_pct
            match order:
                case Say(text=text, language=language):
                    await self._hardware.say(text, language, volume_pct)
                case Play(clip=clip):
                    await self._hardware.play(clip, volume_pct)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None
            self._note(FUNCTION, announcing=False)

    def _settle(self, function: str) -> None:
        volume_pct = cast("LoudspeakerSettings", self._settings[FUNCTION]).volume_pct
        self._now[FUNCTION] = msgspec.structs.replace(self._now[FUNCTION], volume_pct=volume_pct)
