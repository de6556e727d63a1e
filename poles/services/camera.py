"""The camera: places that it can look at, and where its pictures are fetched.

TALQ 2.7.1 has no such function. Pictures themselves do not travel this way: the readings name a URL.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Protocol, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.service import Function, FunctionSpec, NoParameters, Parameters, Readings, Service, ServiceSpec
from poles.services.units import Text

NAME = "camera"
FUNCTION = "Camera"
BLIND = "camera.blind"

NO_PRESET = Rule(
    "camera.no-preset",
    Words("the camera has no preset {preset}", "摄像机没有预置位 {preset}"),
    Words("It has: {presets}.", "可用预置位：{presets}。"),
)

Preset = Annotated[str, Meta(min_length=1, max_length=64)]


class CameraReadings(Readings, frozen=True, kw_only=True):
    """Where it looks, and where its last picture is."""

    presets: Annotated[tuple[Preset, ...], Meta(max_length=64, description="places that it can be sent to")] = field(
        name="presets"
    )
    preset: Annotated[Text, Meta(description="where it looks; empty while it moves or elsewhere")] = field(
        name="preset", default=""
    )
    snapshot_url: Annotated[Text, Meta(description="where the last picture is fetched; empty before the first")] = (
        field(name="snapshotUrl", default="")
    )
    blind: Annotated[bool, Meta(description="it sees nothing: covered, dirty, or dark without light")] = field(
        name="viewBlocked", default=False
    )


class LookAt(Parameters, frozen=True, kw_only=True):
    """Look at one of the presets."""

    preset: Annotated[Preset, Meta(description="one of the presets in the readings")]


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    CameraReadings,
    {"look": LookAt, "snapshot": NoParameters},
    alarms={
        BLIND: AlarmSpec(
            Severity.CAUTION,
            Words("the camera of {subject} sees nothing", "{subject} 的摄像机画面被遮挡"),
            Words("Have it cleaned, or look for what covers it.", "请安排清洁，或排查遮挡物。"),
        ),
    },
    slow=6.0,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class CameraHardware(Protocol):
    """The driver of a camera. Both raise Refused when the camera does not do it."""

    async def look(self, preset: str) -> None:
        """Turn to a preset; done when it is there."""
        ...

    async def snapshot(self) -> str:
        """Take a picture; the URL at which it is fetched."""
        ...


class Camera(Service):
    """The service over a camera's driver."""

    name = NAME

    def __init__(self, hardware: CameraHardware, presets: tuple[str, ...]) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, CameraReadings(presets=presets)))
        self._hardware = hardware

    def see(self, *, blind: bool) -> None:
        """The driver judged the picture."""
        self._note(FUNCTION, blind=blind)
        self._alarm(FUNCTION, BLIND, blind)

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin to look somewhere, or take a picture; ends when it is done. Raises Refused."""
        match action, parameters:
            case "look", LookAt(preset=preset):
                presets = self._camera.presets
                if preset not in presets:
                    raise Refused([Reason(NO_PRESET, "", {"preset": preset, "presets": ", ".join(presets) or "-"})])
                return self._look(preset)
            case "snapshot", _:
                return self._snapshot()
            case _:
                return super().begin(function, action, parameters)

    @property
    def _camera(self) -> CameraReadings:
        return cast("CameraReadings", self._now[FUNCTION])

    async def _look(self, preset: str) -> None:
        self._note(FUNCTION, preset="")
        await self._hardware.look(preset)
        self._note(FUNCTION, preset=preset)

    async def _snapshot(self) -> None:
        self._note(FUNCTION, snapshot_url=await self._hardware.snapshot())
