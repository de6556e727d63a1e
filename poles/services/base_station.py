"""The BeiDou base station: where its antenna is, in which frame and epoch, whether it can be trusted, its corrections.

TALQ 2.7.1 has no such function. The corrections themselves, RTCM 3, travel in messages of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.protocol import Quality
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Degrees, Metres, Years

NAME = "base_station"
FUNCTION = "BaseStation"
DEGRADED, FAILED = "base-station.degraded", "base-station.failed"


class Health(StrEnum):
    """What the station says of itself."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # tracks too few satellites to be used
    FAILED = "failed"


class BaseStationReadings(Readings, frozen=True, kw_only=True):
    """The antenna's surveyed position in CGCS2000 degrees and ellipsoidal metres.

    `epoch_year` is the epoch of the coordinates in decimal years (CGCS2000 is defined at 2000.0); a rover's position
    is in the frame and epoch of the station that corrects it.
    """

    lat_deg: Annotated[Degrees, Meta(ge=-90.0, le=90.0, description="CGCS2000 latitude of the antenna")] = field(
        name="latitude"
    )
    lon_deg: Annotated[Degrees, Meta(ge=-180.0, le=180.0, description="CGCS2000 longitude of the antenna")] = field(
        name="longitude"
    )
    ellipsoidal_m: Annotated[Metres, Meta(ge=-500.0, le=9000.0, description="height above the ellipsoid")] = field(
        name="ellipsoidalHeight"
    )
    epoch_year: Annotated[Years, Meta(ge=1980.0, le=2100.0, description="of the coordinates")] = field(name="epoch")
    satellites: Annotated[int, Meta(ge=0, le=100, description="tracked now")] = field(name="satellites")
    health: Annotated[Health, Meta(description="whether its corrections may be used")] = field(name="health")


class BaseStationSettings(Settings, frozen=True, kw_only=True):
    """When the station thinks itself fit."""

    min_satellites: Annotated[
        int, Meta(ge=4, le=60, description="tracked, below which a fixed solution cannot be expected to hold")
    ] = field(name="minSatellites", default=8)


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    BaseStationReadings,
    stale_after_s=30.0,
    settings=BaseStationSettings,
    alarms={
        DEGRADED: AlarmSpec(
            Severity.CAUTION,
            Words(
                "the base station {subject} tracks {satellites} satellites",
                "基准站 {subject} 仅跟踪到 {satellites} 颗卫星",
            ),
            Words("Let drones use another base station.", "请让无人机使用其他基准站。"),
        ),
        FAILED: AlarmSpec(
            Severity.WARNING,
            Words("the base station {subject} does not work", "基准站 {subject} 故障"),
            Words(
                "Let drones use another base station and have it repaired.", "请让无人机使用其他基准站，并安排检修。"
            ),
        ),
    },
)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class BaseStation(Service):
    """The service; the receiver's driver calls `track` with what it sees and `correct` with what it makes of it."""

    name = NAME

    def __init__(self, *, lat_deg: float, lon_deg: float, ellipsoidal_m: float, epoch_year: float = 2000.0) -> None:
        surveyed = BaseStationReadings(
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            ellipsoidal_m=ellipsoidal_m,
            epoch_year=epoch_year,
            satellites=0,
            health=Health.FAILED,
        )
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, surveyed))

    def track(self, satellites: int) -> None:
        """The receiver tracks so many satellites; 0 says that it does not work."""
        self._take(FUNCTION, msgspec.structs.replace(self._station, satellites=satellites))
        health = self._station.health
        self._alarm(FUNCTION, DEGRADED, health is Health.DEGRADED, satellites=satellites)
        self._alarm(FUNCTION, FAILED, health is Health.FAILED)

    def correct(self, frames: Sequence[bytes]) -> None:
        """Hand RTCM 3 frames on while the station may be used."""
        if self._station.health is Health.HEALTHY and frames:
            self._voice.corrections(frames)

    def quality(self, function: str) -> Quality:
        """As good as the station's health, while its receiver says anything."""
        quality = super().quality(function)
        marks = {Health.HEALTHY: quality, Health.DEGRADED: Quality.SUSPECT, Health.FAILED: Quality.BAD}
        return Quality.BAD if quality is Quality.BAD else marks[self._station.health]

    @property
    def _station(self) -> BaseStationReadings:
        return cast("BaseStationReadings", self._now[FUNCTION])

    def _settle(self, function: str) -> None:
        enough = cast("BaseStationSettings", self._settings[FUNCTION]).min_satellites
        satellites = self._station.satellites
        health = Health.HEALTHY if satellites >= enough else Health.DEGRADED if satellites else Health.FAILED
        changed = health is not self._station.health
        self._now[FUNCTION] = msgspec.structs.replace(self._station, health=health)
        if changed:
            self._changed(FUNCTION)
