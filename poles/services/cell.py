"""The mobile network around the pole: how well it is received and how well it carries.

TALQ 2.7.1 knows the link of a device (Communication), not the air around it: drones over the pole's surroundings fly by
this network. Quantities are those of 3GPP TS 36.214 and 38.215 with the reporting ranges of TS 36.133 and 38.133.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, cast

from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import DecibelMilliwatts, Decibels, Percent, Seconds, Text

NAME = "cell"
FUNCTION = "NetworkCell"
POOR = "cell.poor"


class Technology(StrEnum):
    """The generation of the network."""

    LTE = "lte"
    NR = "nr"


class NetworkCellReadings(Readings, frozen=True, kw_only=True):
    """The serving cell at the pole; a field is absent when it is not measured."""

    cell_id: Annotated[Text, Meta(description="global identity of the serving cell; empty without service")] = field(
        name="cellId", default=""
    )
    technology: Annotated[Technology, Meta(description="generation of the network")] | None = field(
        name="technology", default=None
    )
    rsrp_dbm: Annotated[DecibelMilliwatts, Meta(description="reference signal received power")] | None = field(
        name="referenceSignalPower", default=None
    )
    rsrq_db: Annotated[Decibels, Meta(ge=-43.0, le=20.0, description="reference signal received quality")] | None = (
        field(name="referenceSignalQuality", default=None)
    )
    sinr_db: Annotated[Decibels, Meta(ge=-23.0, le=40.0, description="signal to interference and noise")] | None = (
        field(name="signalToNoise", default=None)
    )
    delay_s: Annotated[Seconds, Meta(ge=0.0, le=60.0, description="round trip to the network's edge")] | None = field(
        name="roundTripTime", default=None
    )
    loss_pct: Annotated[Percent, Meta(description="of packets of the last minute")] | None = field(
        name="packetLoss", default=None
    )


class NetworkCellSettings(Settings, frozen=True, kw_only=True):
    """When the network is too poor to fly by."""

    least_rsrp_dbm: Annotated[DecibelMilliwatts, Meta(description="received power below which it is poor")] = field(
        name="referenceSignalPowerLowThreshold", default=-110.0
    )
    most_loss_pct: Annotated[Percent, Meta(description="packet loss above which it is poor")] = field(
        name="packetLossHighThreshold", default=5.0
    )


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    NetworkCellReadings,
    stale_after_s=120.0,
    settings=NetworkCellSettings,
    alarms={
        POOR: AlarmSpec(
            Severity.CAUTION,
            Words("the mobile network around {subject} is poor: {rsrp_dbm} dBm, {loss_pct} % lost",
                  "{subject} 周边移动网络质量差：{rsrp_dbm} dBm，丢包 {loss_pct} %"),
            Words("Do not plan flights that need the network there.", "请勿在该处规划依赖移动网络的飞行。"),
        ),
    },
    slow=3.0,
)  # fmt: skip
SPEC = ServiceSpec((FUNCTION_SPEC,))


class NetworkCell(Service):
    """The service; the modem's driver calls `observe`."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, NetworkCellReadings()))
        self._weak = Limit(upper=False, release=0.02)
        self._lossy = Limit()

    def observe(self, measured: NetworkCellReadings) -> None:
        """Take what the modem measured."""
        self._take(FUNCTION, measured)

    def _settle(self, function: str) -> None:
        now = cast("NetworkCellReadings", self._now[FUNCTION])
        settings = cast("NetworkCellSettings", self._settings[FUNCTION])
        weak = self._weak.judge(now.rsrp_dbm, settings.least_rsrp_dbm)
        lossy = self._lossy.judge(now.loss_pct, settings.most_loss_pct)
        self._alarm(FUNCTION, POOR, weak or lossy, rsrp_dbm=now.rsrp_dbm, loss_pct=now.loss_pct)
