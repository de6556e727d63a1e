"""Gas in the air, or in the duct under the pole, as TALQ 2.7.1's GasSensor: one function for each gas, by instance."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services.limits import Limit, RunningMean
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import PartsPerMillion

NAME = "gas"
FUNCTION = "GasSensor"
HIGH = "gas.high"
HOUR_S = 3600.0


class Gas(StrEnum):
    """What is measured."""

    CH4 = "CH4"
    CO = "CO"
    H2S = "H2S"
    CO2 = "CO2"
    NO2 = "NO2"
    SO2 = "SO2"
    O3 = "O3"
    NH3 = "NH3"


# Where nobody set a threshold. CH4: a fifth of the lower explosive limit of 5 %; CO, H2S, NO2, SO2, NH3 and CO2: short-
# term exposure limits or ceilings of GBZ 2.1-2019 at 20 °C (30, 10, 10, 10, 30 and 18000 mg/m3); O3: its ceiling 0.3.
HIGH_PPM: Mapping[Gas, float] = {
    Gas.CH4: 10_000.0,
    Gas.CO: 25.8,
    Gas.H2S: 7.1,
    Gas.CO2: 9_840.0,
    Gas.NO2: 5.2,
    Gas.SO2: 3.8,
    Gas.O3: 0.15,
    Gas.NH3: 42.4,
}


class GasReadings(Readings, frozen=True, kw_only=True):
    """The concentration of one gas by volume; a mean is absent until three quarters of its time are measured."""

    gas: Annotated[Gas, Meta(description="what is measured")] = field(name="gasName")
    ppm: Annotated[PartsPerMillion, Meta(description="now")] | None = field(name="gasConcentration", default=None)
    mean_1h_ppm: Annotated[PartsPerMillion, Meta(description="mean of the last hour")] | None = field(
        name="gasConcentration1hAverage", default=None
    )
    mean_8h_ppm: Annotated[PartsPerMillion, Meta(description="mean of the last eight hours")] | None = field(
        name="gasConcentration8hAverage", default=None
    )
    too_high: Annotated[bool, Meta(description="above the threshold")] = field(
        name="gasConcentrationTooHigh", default=False
    )


class GasSettings(Settings, frozen=True, kw_only=True):
    """What the concentration is held against."""

    high_ppm: Annotated[PartsPerMillion, Meta(description="above it is too high; none: the gas's own limit")] | None = (
        field(name="gasHighConcentrationThreshold", default=None)
    )


FUNCTION_SPEC = FunctionSpec(
    FUNCTION,
    GasReadings,
    stale_after_s=120.0,
    settings=GasSettings,
    alarms={
        HIGH: AlarmSpec(
            Severity.EMERGENCY,
            Words(
                "{gas} at {subject}: {ppm} ppm, limit {limit_ppm} ppm",
                "{subject} 处 {gas} 浓度 {ppm} ppm，限值 {limit_ppm} ppm",
            ),
            Words("Keep people and sparks away and call the gas company or the fire brigade.",
                  "疏散人员、杜绝火源，并联系燃气公司或消防。"),
        ),
    },
    slow=6.0,
    talq=True,
)  # fmt: skip
SPEC = ServiceSpec((FUNCTION_SPEC,))


class GasSensor(Service):
    """The service for the gases that the pole's sensors measure; the driver calls `observe` for each sample."""

    name = NAME

    def __init__(self, gases: Iterable[Gas]) -> None:
        named = {address_of(gas): gas for gas in gases}
        super().__init__(*(Function(function, FUNCTION_SPEC, GasReadings(gas=gas)) for function, gas in named.items()))
        self._limits = {function: Limit() for function in named}
        self._hours = {function: RunningMean(HOUR_S) for function in named}
        self._shifts = {function: RunningMean(8 * HOUR_S) for function in named}

    def observe(self, gas: Gas, ppm: float) -> None:
        """Take a sample of one of the gases. Raises KeyError for one that is not measured here."""
        function = address_of(gas)
        now_s = asyncio.get_running_loop().time()
        hour, shift = self._hours[function], self._shifts[function]
        hour.add(now_s, ppm)
        shift.add(now_s, ppm)
        self._take(
            function, GasReadings(gas=gas, ppm=ppm, mean_1h_ppm=hour.mean(), mean_8h_ppm=shift.mean(), too_high=False)
        )

    def _settle(self, function: str) -> None:
        now = cast("GasReadings", self._now[function])
        given_ppm = cast("GasSettings", self._settings[function]).high_ppm
        limit_ppm = HIGH_PPM[now.gas] if given_ppm is None else given_ppm
        too_high = self._limits[function].judge(now.ppm, limit_ppm)
        self._now[function] = msgspec.structs.replace(now, too_high=too_high)
        self._alarm(function, HIGH, too_high, gas=now.gas, ppm=now.ppm, limit_ppm=limit_ppm)


def address_of(gas: Gas) -> str:
    """The address of the function that measures a gas."""
    return f"{FUNCTION}.{gas.value.lower()}"
