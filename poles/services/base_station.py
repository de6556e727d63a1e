"""The BeiDou base station: where its antenna is, in which frame and epoch, and whether it can be trusted.

TALQ 2.7.1 has no such function. The stream of corrections itself is not part of protocol version 1; this service lets
the controller know which stations exist and are healthy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from airspace.reasons import Reason, Refused
from poles.services.service import UNKNOWN_ACTION, ServiceSpec

NAME = "base_station"


class Health(StrEnum):
    """What the station says of itself."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # tracks too few satellites to be used
    FAILED = "failed"


class BaseStationReadings(msgspec.Struct, frozen=True, kw_only=True):
    """The antenna's surveyed position in CGCS2000 degrees and ellipsoidal metres.

    `epoch_year` is the epoch of the coordinates in decimal years (CGCS2000 is defined at 2000.0); a rover's position
    is in the frame and epoch of the station that corrects it.
    """

    lat_deg: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lon_deg: Annotated[float, Meta(ge=-180.0, le=180.0)]
    ellipsoidal_m: Annotated[float, Meta(ge=-500.0, le=9000.0)]
    epoch_year: Annotated[float, Meta(ge=1980.0, le=2100.0)]
    satellites: Annotated[int, Meta(ge=0, le=100)]
    health: Health


SPEC = ServiceSpec(BaseStationReadings)


class BaseStation:
    """The service; the receiver's driver calls `track` with what it sees.

    `min_satellites` is the number of tracked satellites below which a fixed solution cannot be expected to hold.
    """

    name = NAME

    def __init__(
        self,
        *,
        lat_deg: float,
        lon_deg: float,
        ellipsoidal_m: float,
        epoch_year: float = 2000.0,
        min_satellites: int = 8,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._min_satellites = min_satellites
        self._readings = BaseStationReadings(
            lat_deg=lat_deg,
            lon_deg=lon_deg,
            ellipsoidal_m=ellipsoidal_m,
            epoch_year=epoch_year,
            satellites=0,
            health=Health.FAILED,
        )

    def track(self, satellites: int) -> None:
        """The receiver tracks so many satellites; 0 says that it does not work."""
        health = Health.HEALTHY if satellites >= self._min_satellites else Health.DEGRADED
        if satellites == 0:
            health = Health.FAILED
        changed = health is not self._readings.health
        self._readings = msgspec.structs.replace(self._readings, satellites=satellites, health=health)
        if changed:
            self.on_change()

    def readings(self) -> BaseStationReadings:
        """Position and health as of now."""
        return self._readings

    def report_every_s(self, usual_s: float) -> float:
        """As often as is usual on the pole."""
        return usual_s

    def begin(self, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """A base station takes no orders. Raises Refused."""
        raise Refused([Reason(UNKNOWN_ACTION, "", {"service": NAME, "action": action, "actions": "-"})])
