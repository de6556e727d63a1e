"""The manhole cover that a sensor watches: whether it lies as it should, as TALQ 2.7.1's Orientation."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Degrees

NAME = "manhole"
FUNCTION = "Orientation"
MOVED = "manhole.moved"


class Attitude(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How something lies; 0 and 0 is level."""

    roll_deg: Annotated[Degrees, Meta(ge=-180.0, le=180.0, description="about the x axis")] = field(
        name="roll", default=0.0
    )
    pitch_deg: Annotated[Degrees, Meta(ge=-180.0, le=180.0, description="about the y axis")] = field(
        name="pitch", default=0.0
    )


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far something may lie off."""

    roll_deg: Annotated[Degrees, Meta(gt=0.0, le=180.0, description="about the x axis")] = field(
        name="roll", default=10.0
    )
    pitch_deg: Annotated[Degrees, Meta(gt=0.0, le=180.0, description="about the y axis")] = field(
        name="pitch", default=10.0
    )

    def used(self, lies: Attitude, expected: Attitude) -> float:
        """How much of it is used up, 1 at its end, by the worse of both angles."""
        off_roll_deg = _turn_deg(lies.roll_deg - expected.roll_deg)
        off_pitch_deg = _turn_deg(lies.pitch_deg - expected.pitch_deg)
        return max(off_roll_deg / self.roll_deg, off_pitch_deg / self.pitch_deg)


class OrientationReadings(Readings, frozen=True, kw_only=True):
    """How the cover lies; absent before the first measurement."""

    orientation: Annotated[Attitude, Meta(description="as it lies now")] | None = field(
        name="orientation", default=None
    )
    changed: Annotated[bool, Meta(description="it lies otherwise than it should")] = field(
        name="orientationChanged", default=False
    )


class OrientationSettings(Settings, frozen=True, kw_only=True):
    """How the cover should lie."""

    expected: Annotated[Attitude, Meta(description="as it lies when it is shut")] = field(
        name="expectedOrientation", default=Attitude()
    )
    tolerance: Annotated[Tolerance, Meta(description="beyond it the orientation has changed")] = field(
        name="orientationChangedThreshold", default=Tolerance()
    )


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    OrientationReadings,
    stale_after_s=600.0,
    settings=OrientationSettings,
    alarms={
        MOVED: AlarmSpec(
            Severity.EMERGENCY,
            Words(
                "the manhole cover at {subject} lies off: roll {roll_deg}, pitch {pitch_deg} degrees",
                "{subject} 处井盖移位：横滚 {roll_deg} 度，俯仰 {pitch_deg} 度",
            ),
            Words("Send somebody to fence it off now.", "请立即派人围护现场。"),
        ),
    },
    slow=12.0,
    talq=True,
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class Manhole(Service):
    """The service; the driver calls `observe`, at once when the sensor woke up from a movement."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, OrientationReadings()))
        self._off = Limit(release=0.2)

    def observe(self, roll_deg: float, pitch_deg: float) -> None:
        """Take how the cover lies [deg]."""
        self._take(FUNCTION, OrientationReadings(orientation=Attitude(roll_deg=roll_deg, pitch_deg=pitch_deg)))

    def _settle(self, function: str) -> None:
        now = cast("OrientationReadings", self._now[FUNCTION])
        settings = cast("OrientationSettings", self._settings[FUNCTION])
        lies = now.orientation
        used = None if lies is None else settings.tolerance.used(lies, settings.expected)
        moved = self._off.judge(used, 1.0)
        self._now[FUNCTION] = msgspec.structs.replace(now, changed=moved)
        facts = {} if lies is None else {"roll_deg": lies.roll_deg, "pitch_deg": lies.pitch_deg}
        self._alarm(FUNCTION, MOVED, moved, **facts)


def _turn_deg(angle_deg: float) -> float:
    """The size of the smallest turn [deg] that amounts to an angle."""
    return abs((angle_deg + 180.0) % 360.0 - 180.0)
