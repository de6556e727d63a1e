"""The pole's electrical meter and cabinet, as TALQ 2.7.1's ElectricalMeter and CabinetMonitor."""

from __future__ import annotations

from typing import Annotated, cast

import msgspec
from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Severity, Words
from poles.services.limits import Limit
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Amperes, Hertz, KilowattHours, Kilowatts, Volts

NAME = "meter"
METER, CABINET = "ElectricalMeter", "CabinetMonitor"
VOLTAGE, POWER, LOST = "supply.voltage", "supply.power-high", "supply.lost"
OPEN, LEAKS = "cabinet.open", "cabinet.leakage"

CROSSED = Rule(
    "supply.limits-crossed",
    Words(
        "the lowest voltage {low_v:g} V is not below the highest {high_v:g} V",
        "电压下限 {low_v:g} V 不低于上限 {high_v:g} V",
    ),
    Words("Give the lower threshold the lower value.", "请将较低的值填入下限。"),
)


class MeterReadings(Readings, frozen=True, kw_only=True):
    """The supply as metered; a field is absent when the meter cannot tell."""

    supply_v: Annotated[Volts, Meta(description="phase to neutral")] | None = field(name="supplyVoltage", default=None)
    current_a: Annotated[Amperes, Meta(description="of all phases")] | None = field(name="totalCurrent", default=None)
    power_kw: Annotated[Kilowatts, Meta(description="active, taken now")] | None = field(
        name="totalPower", default=None
    )
    energy_kwh: Annotated[KilowattHours, Meta(description="active, so far")] | None = field(
        name="totalActiveEnergy", default=None
    )
    power_factor: Annotated[float, Meta(ge=-1.0, le=1.0, description="of all phases")] | None = field(
        name="totalPowerFactor", default=None
    )
    frequency_hz: Annotated[Hertz, Meta(description="of the mains")] | None = field(name="frequency", default=None)
    too_high: Annotated[bool, Meta(description="voltage above its threshold")] = field(
        name="supplyVoltageTooHigh", default=False
    )
    too_low: Annotated[bool, Meta(description="voltage below its threshold")] = field(
        name="supplyVoltageTooLow", default=False
    )
    power_too_high: Annotated[bool, Meta(description="power above its threshold")] = field(
        name="totalPowerTooHigh", default=False
    )
    lost: Annotated[bool, Meta(description="no mains; the pole lives on its battery")] = field(
        name="supplyLoss", default=False
    )


class MeterSettings(Settings, frozen=True, kw_only=True):
    """What the supply is held against; the voltages are those of GB/T 12325-2008 for 220 V, +7 % and -10 %."""

    high_v: Annotated[Volts, Meta(description="voltage above which it is too high")] = field(
        name="supplyVoltageHighThreshold", default=235.4
    )
    low_v: Annotated[Volts, Meta(description="voltage below which it is too low")] = field(
        name="supplyVoltageLowThreshold", default=198.0
    )
    high_kw: Annotated[Kilowatts, Meta(description="power above which it is too high")] | None = field(
        name="totalPowerHighThreshold", default=None
    )


class CabinetReadings(Readings, frozen=True, kw_only=True):
    """The cabinet in the pole's foot."""

    open_: Annotated[bool, Meta(description="its door is open")] = field(name="cabinetDoorOpen")
    leaks: Annotated[bool, Meta(description="current to earth")] = field(name="leakageDetected")


METER_SPEC = FunctionSpec(
    METER,
    MeterReadings,
    stale_after_s=120.0,
    settings=MeterSettings,
    alarms={
        VOLTAGE: AlarmSpec(
            Severity.CAUTION,
            Words("the mains at {subject} have {supply_v} V", "{subject} 市电电压为 {supply_v} V"),
            Words("Tell the grid operator; expect lamps and docks to fail.", "请联系供电单位；灯具和机库可能失效。"),
        ),
        POWER: AlarmSpec(
            Severity.CAUTION,
            Words("{subject} takes {power_kw} kW", "{subject} 用电功率达 {power_kw} kW"),
            Words("Look for what takes it; disable the charging point.", "请排查用电设备，并停用充电桩。"),
        ),
        LOST: AlarmSpec(
            Severity.WARNING,
            Words("{subject} has no mains", "{subject} 市电中断"),
            Words(
                "Send drones to other docks; the cover stays where it is.",
                "请让无人机使用其他机库；舱盖将停在当前位置。",
            ),
        ),
    },
    slow=6.0,
    talq=True,
)  # fmt: skip
CABINET_SPEC = FunctionSpec(
    CABINET,
    CabinetReadings,
    alarms={
        OPEN: AlarmSpec(
            Severity.CAUTION,
            Words("the cabinet of {subject} is open", "{subject} 的机柜门已打开"),
            Words("Ask whether somebody works there; send somebody if not.", "请确认是否有人作业，否则派人查看。"),
        ),
        LEAKS: AlarmSpec(
            Severity.EMERGENCY,
            Words("the cabinet of {subject} leaks current to earth", "{subject} 的机柜漏电"),
            Words("Cut its supply and keep people away.", "请立即断电并疏散周围人员。"),
        ),
    },
    slow=6.0,
    talq=True,
)
SPEC = ServiceSpec((METER_SPEC, CABINET_SPEC))


class Meter(Service):
    """The service; the drivers call `observe` and `see_cabinet`."""

    name = NAME

    def __init__(self) -> None:
        super().__init__(
            Function(METER, METER_SPEC, MeterReadings()),
            Function(CABINET, CABINET_SPEC, CabinetReadings(open_=False, leaks=False)),
        )
        self._high = Limit(release=0.01)
        self._low = Limit(upper=False, release=0.01)
        self._powerful = Limit()

    def observe(self, measured: MeterReadings) -> None:
        """Take what the meter says; what is judged against thresholds is filled in here."""
        self._take(METER, measured)

    def see_cabinet(self, *, open_: bool, leaks: bool) -> None:
        """Take what door switch and residual current device say."""
        self._take(CABINET, CabinetReadings(open_=open_, leaks=leaks))
        self._alarm(CABINET, OPEN, open_)
        self._alarm(CABINET, LEAKS, leaks)

    def _check(self, function: str, settings: Settings) -> None:
        if isinstance(settings, MeterSettings) and settings.low_v >= settings.high_v:
            raise Refused([Reason(CROSSED, "", {"low_v": settings.low_v, "high_v": settings.high_v})])

    def _settle(self, function: str) -> None:
        if function != METER:
            return
        now, settings = cast("MeterReadings", self._now[METER]), cast("MeterSettings", self._settings[METER])
        supply_v = None if now.lost else now.supply_v  # no mains are no low voltage
        now = self._now[METER] = msgspec.structs.replace(
            now,
            too_high=self._high.judge(supply_v, settings.high_v),
            too_low=self._low.judge(supply_v, settings.low_v) and not now.lost,
            power_too_high=self._powerful.judge(now.power_kw, settings.high_kw),
        )
        self._alarm(METER, VOLTAGE, now.too_high or now.too_low, supply_v=now.supply_v)
        self._alarm(METER, POWER, now.power_too_high, power_kw=now.power_kw)
        self._alarm(METER, LOST, now.lost)
