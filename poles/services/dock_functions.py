"""What a dock says and is told: readings, settings, commands and alarms of `DroneDock` and `DroneCharger`.

TALQ 2.7.1 has no such functions. A flight reserves the dock, has it opened, lands when the dock is ready, has it
closed, charges and releases it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, field

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services import charger, cover
from poles.services.charger import Charger
from poles.services.cover import Cover
from poles.services.service import FunctionSpec, NoParameters, Parameters, Readings, ServiceSpec, Settings
from poles.services.units import Celsius, FlightId, MillimetresPerHour, Percent, Seconds, Watts

DOCK, CHARGER = "DroneDock", "DroneCharger"
TOO_HOT = "dock.battery.hot"


class DockReadings(Readings, frozen=True, kw_only=True):
    """The dock as it is."""

    cover: Annotated[Cover, Meta(description="where the cover is")] = field(name="cover")
    drone_present: Annotated[bool, Meta(description="a drone stands on the pad")] = field(name="dronePresent")
    path_clear: Annotated[bool, Meta(description="nothing is in the path of the cover")] = field(name="pathClear")
    reserved_for: Annotated[FlightId, Meta(description="the flight that holds it, or empty")] = field(
        name="reservedFor"
    )
    ready: Annotated[bool, Meta(description="a drone may descend to it")] = field(name="ready")
    why_not: Annotated[tuple[str, ...], Meta(max_length=16, description="codes of what keeps it from being ready")] = (
        field(name="whyNotReady", default=())
    )
    faults: Annotated[tuple[str, ...], Meta(max_length=16, description="codes of what is broken")] = field(
        name="faults", default=()
    )


class DockSettings(Settings, frozen=True, kw_only=True):
    """What the dock keeps to."""

    rain_limit_mmph: Annotated[MillimetresPerHour, Meta(description="above it the cover is not opened")] = field(
        name="rainLimit", default=2.5
    )


class Reserve(Parameters, frozen=True, kw_only=True):
    """Keep the dock for a flight, for a time, so that a lost release does not lock it for ever."""

    flight: Annotated[FlightId, Meta(min_length=1, description="who will come or go")]
    purpose: Annotated[Literal["land", "launch"], Meta(description="a pad to land on, or the drone that is there")] = (
        "land"
    )
    hold_s: Annotated[Seconds, Meta(gt=0.0, le=86400.0, description="at most so long")] = field(
        name="hold", default=7200.0
    )


class ForFlight(Parameters, frozen=True, kw_only=True):
    """An order on behalf of the flight that holds the reservation."""

    flight: Annotated[FlightId, Meta(min_length=1, description="who orders it")]


class SlotState(StrEnum):
    """A place for a battery in the dock."""

    EMPTY = "empty"
    CHARGING = "charging"
    READY = "ready"
    FAULTY = "faulty"


class BatterySlot(Readings, frozen=True, kw_only=True):
    """One place for a battery."""

    state: Annotated[SlotState, Meta(description="what is in it")]
    charge_pct: Annotated[Percent, Meta(description="of the battery")] | None = field(name="batteryLevel", default=None)
    temperature_c: Annotated[Celsius, Meta(ge=-60.0, le=1000.0, description="of the battery")] | None = field(
        name="temperature", default=None
    )
    cycles: Annotated[int, Meta(ge=0, le=100_000, description="of the battery so far")] | None = None


class ChargerReadings(Readings, frozen=True, kw_only=True):
    """The charger, the battery of the drone on the pad, and batteries beside it; absent is what cannot be told."""

    charger: Annotated[Charger, Meta(description="what it does")] = field(name="charger")
    charge_pct: Annotated[Percent, Meta(description="of the drone's battery")] | None = field(
        name="batteryLevel", default=None
    )
    power_w: Annotated[Watts, Meta(description="into the drone")] | None = field(name="power", default=None)
    temperature_c: Annotated[Celsius, Meta(ge=-60.0, le=1000.0, description="of the drone's battery")] | None = field(
        name="temperature", default=None
    )
    slots: Annotated[tuple[BatterySlot, ...], Meta(max_length=16, description="places for other batteries")] = field(
        name="slots", default=()
    )


class ChargerSettings(Settings, frozen=True, kw_only=True):
    """What the charger keeps to."""

    full_pct: Annotated[
        float, Meta(ge=20.0, le=100.0, description="charge at which it stops", extra={"unit": "Percent"})
    ] = field(name="fullLevel", default=95.0)
    hot_c: Annotated[Celsius, Meta(ge=30.0, le=80.0, description="battery temperature at which it lets go")] = field(
        name="highTemperatureThreshold", default=55.0
    )


DOCK_SPEC = FunctionSpec(
    DOCK,
    DockReadings,
    {"reserve": Reserve, "open": ForFlight, "close": ForFlight, "release": ForFlight, "reset": NoParameters},
    DockSettings,
    {
        cover.STUCK.code: AlarmSpec(
            Severity.WARNING,
            Words("the dock's cover on {subject} is stuck", "{subject} 的机库舱盖卡滞"),
            Words("Send drones to other docks; have someone look at it, then send reset.",
                  "请让无人机使用其他机库；派人检查后发送 reset。"),
        ),
    },
)  # fmt: skip
CHARGER_SPEC = FunctionSpec(
    CHARGER,
    ChargerReadings,
    {"charge": ForFlight, "stop": NoParameters, "reset": NoParameters},
    ChargerSettings,
    {
        charger.FAULT.code: AlarmSpec(
            Severity.CAUTION,
            Words("the dock's charger on {subject} found something wrong", "{subject} 的机库充电器故障"),
            Words("Have someone look at it, then send reset to the charger.", "请派人检查后向充电器发送 reset。"),
        ),
        TOO_HOT: AlarmSpec(
            Severity.EMERGENCY,
            Words("a battery in the dock on {subject} is at {temperature_c} °C",
                  "{subject} 机库内电池温度达 {temperature_c} °C"),
            Words("Keep the cover closed and people away, and call the fire brigade if it rises.",
                  "保持舱盖关闭并疏散人员，温度继续上升时呼叫消防。"),
        ),
    },
    slow=3.0,
)  # fmt: skip
SPEC = ServiceSpec((DOCK_SPEC, CHARGER_SPEC))
