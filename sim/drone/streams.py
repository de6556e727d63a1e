"""Which messages go out on which link, and how often.

Every link has rates of its own. A link that asked for nothing gets a heartbeat every second and TIMESYNC every ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.framing import Packed, form
from sim.drone.parameters import Parameters
from sim.drone.telemetry import Telemetry
from sim.drone.uplink import Uplink

HEARTBEAT, TIMESYNC = mavlink.MAVLINK_MSG_ID_HEARTBEAT, mavlink.MAVLINK_MSG_ID_TIMESYNC
TIMESYNC_FORM = form(TIMESYNC)
HEARTBEAT_S, TIMESYNC_S = 1.0, 10.0
LONGEST_S = 60.0  # the longest interval that a message can have
LOOP_SHARE = 0.8  # a message may not be sent more often than this share of the loop rate

# MAV_DATA_STREAM to messages, as ArduCopter groups them
GROUPS: dict[int, tuple[int, ...]] = {
    mavlink.MAV_DATA_STREAM_RAW_SENSORS: (27, 116, 129, 29, 137),
    mavlink.MAV_DATA_STREAM_EXTENDED_STATUS: (1, 125, 152, 42, 24, 127, 62, 162, 87),
    mavlink.MAV_DATA_STREAM_POSITION: (33, 32),
    mavlink.MAV_DATA_STREAM_RC_CHANNELS: (36, 65),
    mavlink.MAV_DATA_STREAM_RAW_CONTROLLER: (),
    mavlink.MAV_DATA_STREAM_EXTRA1: (30, 164, 178, 11030),
    mavlink.MAV_DATA_STREAM_EXTRA2: (74,),
    mavlink.MAV_DATA_STREAM_EXTRA3: (163, 168, 2, 133, 136, 147, 193, 241),
}
STREAM_PARAMETERS = {
    "RAW_SENS": mavlink.MAV_DATA_STREAM_RAW_SENSORS,
    "EXT_STAT": mavlink.MAV_DATA_STREAM_EXTENDED_STATUS,
    "RC_CHAN": mavlink.MAV_DATA_STREAM_RC_CHANNELS,
    "RAW_CTRL": mavlink.MAV_DATA_STREAM_RAW_CONTROLLER,
    "POSITION": mavlink.MAV_DATA_STREAM_POSITION,
    "EXTRA1": mavlink.MAV_DATA_STREAM_EXTRA1,
    "EXTRA2": mavlink.MAV_DATA_STREAM_EXTRA2,
    "EXTRA3": mavlink.MAV_DATA_STREAM_EXTRA3,
}
ALL = tuple(message for group in GROUPS.values() for message in group)
# sent on their own occasion, but known to SET_MESSAGE_INTERVAL
EVENTS = frozenset({mavlink.MAVLINK_MSG_ID_CAMERA_FEEDBACK, mavlink.MAVLINK_MSG_ID_MISSION_ITEM_REACHED})


@dataclass(slots=True)
class Beat:
    """What goes out on one link at one rate, together; `due_s` is when next [s since boot]."""

    interval_s: float
    due_s: float
    messages: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Rates:
    """The rates of one link; `next_s` is when the first message is due [s since boot]."""

    beats: dict[float, Beat] = field(default_factory=dict)  # by interval [s]
    interval_s: dict[int, float] = field(default_factory=dict)  # of each message
    next_s: float = math.inf

    def set(self, message_id: int, interval_s: float | None, now_s: float) -> None:
        """Set an interval, None for never; equal rates fall due together so that the drone wakes less often."""
        before = self.interval_s.pop(message_id, None)
        if before is not None and before != interval_s:
            self.beats[before].messages.remove(message_id)
            if not self.beats[before].messages:
                del self.beats[before]
        if interval_s is not None:
            self.interval_s[message_id] = interval_s
            beat = self.beats.get(interval_s)
            if beat is None:
                first_s = (math.floor(now_s / interval_s + 1e-6) + 1.0) * interval_s
                beat = self.beats[interval_s] = Beat(interval_s, first_s)
            if before != interval_s:
                beat.messages.append(message_id)
        self.find_next()

    def find_next(self) -> None:
        """Find out anew when the first message is due."""
        self.next_s = min((beat.due_s for beat in self.beats.values()), default=math.inf)


class StreamService:
    """Sends what is due on each link, and answers the commands that ask for messages."""

    def __init__(
        self,
        telemetry: Telemetry,
        parameters: Parameters,
        now_s: Callable[[], float],
        say: Callable[[int, str], None],
    ) -> None:
        self._telemetry = telemetry
        self._parameters = parameters
        self._now_s = now_s
        self._say = say
        self._links: dict[Uplink, Rates] = {}

    def add(self, uplink: Uplink) -> None:
        """Begin with a link: heartbeats only."""
        rates = self._links[uplink] = Rates()
        rates.set(HEARTBEAT, HEARTBEAT_S, self._now_s())
        rates.set(TIMESYNC, TIMESYNC_S, self._now_s())
        for name in STREAM_PARAMETERS:
            self.parameter_changed(f"MAV{uplink.number + 1}_{name}")

    def parameter_changed(self, name: str) -> None:
        """MAVn_ and the name of a group is its rate [Hz] on serial port n - 1, as REQUEST_DATA_STREAM would set it."""
        port, _, group = name.removeprefix("MAV").partition("_")
        if group not in STREAM_PARAMETERS or name not in self._parameters:
            return
        rate_hz = int(self._parameters[name])
        for uplink in self._links:
            if str(uplink.number + 1) == port:
                self.request(uplink, STREAM_PARAMETERS[group], rate_hz, rate_hz > 0)

    def remove(self, uplink: Uplink) -> None:
        """Forget a link that was closed."""
        self._links.pop(uplink, None)

    def next_s(self) -> float:
        """When the next message is due on any link [s since boot]."""
        next_s = math.inf
        for rates in self._links.values():
            next_s = min(next_s, rates.next_s)
        return next_s

    def step(self) -> None:
        """Send what is due; links that are owed the same message get the same payload."""
        now = self._now_s() + 1e-6
        built: dict[int, Packed | None] = {}
        builders = self._telemetry.builders
        for uplink, rates in self._links.items():
            if rates.next_s > now:
                continue
            due = []
            for beat in rates.beats.values():
                if beat.due_s > now:
                    continue
                beat.due_s = max(beat.due_s + beat.interval_s, now - beat.interval_s)
                for message_id in beat.messages:
                    if message_id not in built:
                        builder = builders.get(message_id)
                        built[message_id] = builder() if builder is not None else self._build(message_id)
                    message = built[message_id]
                    if message is not None:
                        due.append(message)
            rates.find_next()
            uplink.send_all(due)

    def _build(self, message_id: int) -> Packed | None:
        if message_id == TIMESYNC:
            return TIMESYNC_FORM, TIMESYNC_FORM.payload(0, round(self._now_s() * 1e9))
        builder = self._telemetry.builders.get(message_id)
        return builder() if builder is not None else None

    def request(self, uplink: Uplink, stream: int, rate_hz: int, start: bool) -> None:
        """REQUEST_DATA_STREAM: set the rate of a group of messages."""
        rates = self._links.get(uplink)
        group = ALL if stream == mavlink.MAV_DATA_STREAM_ALL else GROUPS.get(stream)
        if rates is None or group is None:
            return
        interval = 1.0 / min(rate_hz, 50) if start and rate_hz > 0 else None
        for message_id in group:
            rates.set(message_id, interval, self._now_s())

    def command(self, uplink: Uplink, command: int, p1: float, p2: float, after: list[Any]) -> int | None:
        """Answer 511, 510, 512, 519, 520 and 410; None for any other. `after` collects what follows the ack."""
        match command:
            case mavlink.MAV_CMD_SET_MESSAGE_INTERVAL:
                return self._set_interval(uplink, int(p1), p2)
            case mavlink.MAV_CMD_GET_MESSAGE_INTERVAL:
                return self._get_interval(uplink, int(p1))
            case mavlink.MAV_CMD_REQUEST_MESSAGE:
                return self._once(int(p1), after)
            case mavlink.MAV_CMD_REQUEST_AUTOPILOT_CAPABILITIES:
                return self._once(mavlink.MAVLINK_MSG_ID_AUTOPILOT_VERSION, after)
            case mavlink.MAV_CMD_GET_HOME_POSITION:
                return self._once(mavlink.MAVLINK_MSG_ID_HOME_POSITION, after)
        return None

    def _known(self, message_id: int) -> bool:
        return message_id in self._telemetry.builders or message_id in EVENTS or message_id == TIMESYNC

    def _set_interval(self, uplink: Uplink, message_id: int, interval_us: float) -> int:
        if not self._known(message_id):
            self._say(mavlink.MAV_SEVERITY_INFO, f"No ap_message for mavlink id ({message_id})")
            return int(mavlink.MAV_RESULT_DENIED)
        if not math.isfinite(interval_us):
            return int(mavlink.MAV_RESULT_DENIED)
        if 0.0 < interval_us < 1e6 / (LOOP_SHARE * max(self._parameters["SCHED_LOOP_RATE"], 50.0)):
            text = f"Requested rate for message ID {message_id} too fast. Increase SCHED_LOOP_RATE"
            self._say(mavlink.MAV_SEVERITY_INFO, text)
            return int(mavlink.MAV_RESULT_DENIED)
        rates = self._links.get(uplink)
        if rates is not None:
            interval = min(interval_us / 1e6, LONGEST_S) if interval_us > 0.0 else None
            if interval_us == 0.0 and message_id == HEARTBEAT:
                interval = HEARTBEAT_S
            rates.set(message_id, interval, self._now_s())
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _get_interval(self, uplink: Uplink, message_id: int) -> int:
        if not self._known(message_id):
            uplink.send(mavlink.MAVLink_message_interval_message(message_id & 0xFFFF, 0))
            return int(mavlink.MAV_RESULT_FAILED)
        rates = self._links.get(uplink)
        interval = rates.interval_s.get(message_id) if rates is not None else None
        uplink.send(
            mavlink.MAVLink_message_interval_message(message_id, -1 if interval is None else round(interval * 1e6))
        )
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _once(self, message_id: int, after: list[Any]) -> int:
        if message_id not in self._telemetry.builders:
            return int(mavlink.MAV_RESULT_FAILED)
        message = self._build(message_id)
        if message is not None:
            after.append(message)
        return int(mavlink.MAV_RESULT_ACCEPTED)
