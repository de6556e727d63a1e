"""The pilot's transmitter: it lies on the ground with its sticks centred and the throttle down.

A ground station may put itself in its place with RC_CHANNELS_OVERRIDE: 0 gives a channel back, 65535 leaves it as it
is, anything else is the pulse [us] until RC_OVERRIDE_TIME has passed without another word. The sticks are reported and
looked at before arming; they do not steer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.drone.autopilot import Autopilot

AT_REST = (1500, 1500, 1000, 1500, 1800, 1000, 1000, 1800, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
LEAVE, LEAVE_LATE, GIVE_BACK_LATE = 65535, 0, 65534  # the extension fields 9 to 18 swap the meaning of 0
THROTTLE = 2


class Transmitter:
    """What the receiver of the transmitter hands over."""

    def __init__(self, autopilot: Autopilot) -> None:
        self._autopilot = autopilot
        self._overrides: dict[int, tuple[int, float]] = {}  # channel from 0: pulse [us], when it was given [s]

    def handle(self, message: Any) -> bool:
        """Deal with one message if it takes the transmitter's place; only MAV_GCS_SYSID may."""
        if message.get_type() != "RC_CHANNELS_OVERRIDE":
            return False
        if message.get_srcSystem() != self._autopilot.parameters["MAV_GCS_SYSID"]:
            return True
        for channel in range(len(AT_REST)):
            pulse = getattr(message, f"chan{channel + 1}_raw")
            late = channel >= 8
            if pulse == LEAVE or (late and pulse == LEAVE_LATE):
                continue
            if pulse == (GIVE_BACK_LATE if late else 0):
                self._overrides.pop(channel, None)
            else:
                self._overrides[channel] = (pulse, self._autopilot.now_s)
        return True

    @property
    def pulses(self) -> tuple[int, ...]:
        """The 18 channels [us], 0 for one that is not there."""
        if not self._overrides:
            return AT_REST
        limit_s = self._autopilot.parameters["RC_OVERRIDE_TIME"]
        pulses = list(AT_REST)
        for channel, (pulse, given_s) in list(self._overrides.items()):
            if limit_s >= 0.0 and self._autopilot.now_s - given_s > limit_s:
                del self._overrides[channel]
            else:
                pulses[channel] = pulse
        return tuple(pulses)

    def not_neutral(self) -> str | None:
        """The first stick that is not where it must be for arming, as the autopilot names it."""
        p = self._autopilot.parameters
        pulses = self.pulses
        for channel, name in enumerate(("Roll", "Pitch", "Throttle", "Yaw")):
            middle = p[f"RC{channel + 1}_MIN"] if channel == THROTTLE else p[f"RC{channel + 1}_TRIM"]
            if abs(pulses[channel] - middle) > max(p[f"RC{channel + 1}_DZ"], 20.0):
                return f"{name} (RC{channel + 1}) is not neutral"
        return None
