"""The table of streams: every regular input, who sends it, how often, and when it is too old to decide upon.

Gates, the console and the report all ask this table; a stream that is not in it does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from airspace.reasons import Words


class Stream(StrEnum):
    """The names of all streams."""

    HEARTBEAT = "heartbeat"
    POSITION = "position"
    ATTITUDE = "attitude"
    GNSS = "gnss"
    BATTERY = "battery"
    SYSTEM = "system"
    MISSION = "mission"
    LANDED = "landed"
    DRONE_WIND = "drone-wind"
    POLE_WEATHER = "pole-weather"
    POLE_DOCK = "pole-dock"
    POLE_READY = "pole-ready"
    POLE_LAMP = "pole-lamp"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One row: `rate_hz` is what is asked of the source, `stale_after_s` the age after which nothing may rest on it."""

    source: Literal["drone", "pole"]
    rate_hz: float
    stale_after_s: float
    recorded: Literal["tlog", "event"]
    words: Words
    mavlink: str = ""  # the message that carries it


STREAMS: dict[Stream, StreamSpec] = {
    Stream.HEARTBEAT: StreamSpec("drone", 1.0, 3.5, "tlog", Words("heartbeat", "心跳"), "HEARTBEAT"),
    Stream.POSITION: StreamSpec("drone", 4.0, 2.0, "tlog", Words("position", "位置"), "GLOBAL_POSITION_INT"),
    Stream.ATTITUDE: StreamSpec("drone", 2.0, 3.0, "tlog", Words("attitude", "姿态"), "ATTITUDE"),
    Stream.GNSS: StreamSpec("drone", 2.0, 3.0, "tlog", Words("satellite fix", "卫星定位"), "GPS_RAW_INT"),
    Stream.BATTERY: StreamSpec("drone", 1.0, 5.0, "tlog", Words("battery", "电池"), "BATTERY_STATUS"),
    Stream.SYSTEM: StreamSpec("drone", 1.0, 5.0, "tlog", Words("system status", "系统状态"), "SYS_STATUS"),
    Stream.MISSION: StreamSpec("drone", 2.0, 4.0, "tlog", Words("current item", "当前航点"), "MISSION_CURRENT"),
    Stream.LANDED: StreamSpec("drone", 2.0, 4.0, "tlog", Words("landed state", "起降状态"), "EXTENDED_SYS_STATE"),
    Stream.DRONE_WIND: StreamSpec("drone", 1.0, 10.0, "tlog", Words("wind at the drone", "机载风速"), "WIND"),
    Stream.POLE_WEATHER: StreamSpec("pole", 0.2, 20.0, "event", Words("pole weather", "杆载气象")),
    Stream.POLE_DOCK: StreamSpec("pole", 0.2, 20.0, "event", Words("pole dock", "杆载机库")),
    Stream.POLE_READY: StreamSpec("pole", 1.0, 2.0, "event", Words("dock ready", "机库就绪")),
    Stream.POLE_LAMP: StreamSpec("pole", 0.2, 20.0, "event", Words("pole lamp", "杆载灯光")),
}


class Freshness:
    """When each stream of one source was last heard; `now` gives loop seconds.

    `lag_s` is added to what may be old, for a loop that runs faster than the machine delivers.
    """

    def __init__(self, now: Callable[[], float], lag_s: float = 0.0) -> None:
        self._now = now
        self._lag_s = lag_s
        self._heard: dict[Stream, float] = {}

    def heard(self, stream: Stream) -> None:
        """Note that the stream delivered just now."""
        self._heard[stream] = self._now()

    def age_s(self, stream: Stream) -> float | None:
        """Seconds since the stream last delivered, None when it never did."""
        at = self._heard.get(stream)
        return None if at is None else self._now() - at

    def fresh(self, stream: Stream) -> bool:
        """Whether decisions may rest on the stream."""
        age = self.age_s(stream)
        return age is not None and age <= STREAMS[stream].stale_after_s + self._lag_s
