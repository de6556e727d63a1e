"""The receiver: ears for the broadcast identification of drones and for ADS-B.

TALQ 2.7.1 has no such function. The receiver's driver hands in frames as they come off the air (`poles.heard.radio`
finds them in Wi-Fi beacons and Bluetooth advertisements); they go on as observations once a second, one of each kind of
message for each transmitter. What they say is decoded by the controller, so that poles need not be renewed for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Annotated, cast

from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.protocol import MAX_FRAME_BYTES, MAX_HEARD, Heard, Source
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Count, DecibelMilliwatts

NAME = "receiver"
FUNCTION = "AircraftReceiver"
OVERRUN = "receiver.overrun"
COUNTED_OVER_S = 60.0
TOGETHER_S = 1.0  # GB 46750-2025: drones speak once a second, receivers tell them within it


class ReceiverReadings(Readings, frozen=True, kw_only=True):
    """What was heard in the last minute."""

    frames: Annotated[Count, Meta(description="heard in the last minute")] = field(name="frames")
    transmitters: Annotated[Count, Meta(description="that they came from")] = field(name="transmitters")
    lost: Annotated[Count, Meta(description="frames of the last minute that could not be told for their number")] = (
        field(name="framesLost")
    )
    by_source: Annotated[dict[Source, int], Meta(description="frames of the last minute by their language")] = field(
        name="framesBySource", default_factory=dict
    )


class ReceiverSettings(Settings, frozen=True, kw_only=True):
    """What is worth telling."""

    min_rssi_dbm: Annotated[DecibelMilliwatts, Meta(description="weaker frames are not told")] = field(
        name="minSignalStrength", default=-200.0
    )


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    ReceiverReadings,
    stale_after_s=10.0,
    settings=ReceiverSettings,
    alarms={
        OVERRUN: AlarmSpec(
            Severity.CAUTION,
            Words("{subject} hears more than it can tell: {lost} frames a minute are lost",
                  "{subject} 收到的广播超出上报能力，每分钟丢失 {lost} 帧"),
            Words("Look for a transmitter that floods the air; other poles may hear more.",
                  "请排查是否有设备恶意发射；其他灯杆可能接收更完整。"),
        ),
    },
)  # fmt: skip
SPEC = ServiceSpec((FUNCTION_SPEC,))


@dataclass(frozen=True, slots=True)
class _Frame:
    source: Source
    frame: bytes
    transmitter: str
    rssi_dbm: float | None
    at_s: float


class Receiver(Service):
    """The service; the driver calls `hear` for each frame and `tell` once a second.

    `most` frames are told in one second; of transmitters that are heard when there are so many already nothing is told.
    """

    name = NAME

    def __init__(self, *, most: int = 4 * MAX_HEARD) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, ReceiverReadings(frames=0, transmitters=0, lost=0)))
        self._most = most
        self._waiting: OrderedDict[tuple[Source, str, int], _Frame] = OrderedDict()
        self._minute: deque[tuple[float, Source, str, bool]] = deque()  # second, language, transmitter, lost

    def hear(self, source: Source, frame: bytes, *, transmitter: str = "", rssi_dbm: float | None = None) -> None:
        """Take a frame off the air; of one kind from one transmitter the last in a second is told."""
        weakest = cast("ReceiverSettings", self._settings[FUNCTION]).min_rssi_dbm
        if not 1 <= len(frame) <= MAX_FRAME_BYTES or (rssi_dbm is not None and rssi_dbm < weakest):
            return
        now_s = asyncio.get_running_loop().time()
        key = source, transmitter, _kind_of(source, frame)
        lost = key not in self._waiting and len(self._waiting) >= self._most
        if not lost:
            self._waiting[key] = _Frame(source, frame, transmitter, rssi_dbm, now_s)
        self._minute.append((now_s, source, transmitter, lost))

    def tell(self) -> None:
        """Tell what was heard since the last time."""
        now_s = asyncio.get_running_loop().time()
        heard = [
            Heard(
                source=each.source,
                frame=each.frame,
                age_s=now_s - each.at_s,
                rssi_dbm=each.rssi_dbm,
                transmitter=each.transmitter,
            )
            for each in self._waiting.values()
        ]
        self._waiting.clear()
        for first in range(0, len(heard), MAX_HEARD):
            self._voice.observed(heard[first : first + MAX_HEARD])
        self._count(now_s)

    def _count(self, now_s: float) -> None:
        minute = self._minute
        while minute and minute[0][0] <= now_s - COUNTED_OVER_S:
            minute.popleft()
        by_source: dict[Source, int] = {}
        for _, source, _, _ in minute:
            by_source[source] = by_source.get(source, 0) + 1
        lost = sum(1 for row in minute if row[3])
        transmitters = len({(source, transmitter) for _, source, transmitter, _ in minute})
        ordered = {source: by_source[source] for source in Source if source in by_source}
        self._take(
            FUNCTION, ReceiverReadings(frames=len(minute), transmitters=transmitters, lost=lost, by_source=ordered)
        )
        self._alarm(FUNCTION, OVERRUN, lost > 0, lost=lost)


def _kind_of(source: Source, frame: bytes) -> int:
    """What tells one transmitter's messages apart that do not replace each other."""
    if source is Source.ADSB:
        # the type code, and whether a position is even or odd: it takes both to be placed
        return frame[4] >> 3 << 1 | (frame[6] >> 2 & 1) if len(frame) > 6 else 0
    return frame[0] >> 4 if source in (Source.GB42590, Source.ODID) else 0
