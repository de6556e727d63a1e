"""A real district in virtual time with a real link to a scripted drone, and poles that say what a test wants."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import msgspec
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from airspace.reasons import Words
from airspace.zones import Zone
from controller.clock import VIRTUAL_START_S, Clock, run, virtual_tempo
from controller.config import LoadedSite, load_site
from controller.district import District, open_district
from controller.events import AnyEvent, Phase, PhaseChanged, PlanMade
from controller.links.drone import DroneLink
from controller.links.transport import Transport
from controller.pole_picture import Poles
from missions.plan import Plan
from poles.gateway import Gateway
from poles.gateway.commands import CommandOutcome, Outcome
from poles.gateway.quality import Flag
from poles.gateway.state import Known, PoleState
from poles.protocol import Quality
from poles.services import function_spec
from poles.services.cover import Cover
from poles.services.dock_functions import CHARGER, DOCK, ChargerReadings, DockReadings
from poles.services.lamp import ACTUATOR, MONITOR, LampMonitorReadings, LampReadings, Pattern
from poles.services.service import parameters_from_wire
from poles.services.weather import WIND, WindReadings
from tests.controller.links.autopilot import Autopilot, connected
from tests.missions import scenario

SITE_FILE = Path(__file__).parents[3] / "examples" / "zhengzhou" / "site.toml"
START, PRIMARY, ALTERNATE = "410105-LP-000001", scenario.PRIMARY, scenario.ALTERNATE
HOME = scenario.HOME
UNKNOWN_MM = 65535


@functools.cache
def plan() -> Plan:
    """The plan of the example's inspection: hold item 12, then two docks and open ground to land on."""
    return scenario.plan()


def site(**gates: Any) -> LoadedSite:
    """The example's site with some of its gates changed."""
    loaded = load_site(SITE_FILE)
    changed = msgspec.structs.replace(loaded.file.gates, **gates)
    return replace(loaded, file=msgspec.structs.replace(loaded.file, gates=changed))


@dataclass
class Spoken:
    """What one pole says; None says nothing of that service. Ages are seconds at the moment of looking."""

    dock: DockReadings | None = None
    dock_age_s: float = 0.2
    dock_quality: Quality = Quality.GOOD
    weather: WindReadings | None = None
    weather_age_s: float = 1.0
    weather_flags: dict[str, Flag] = field(default_factory=dict)
    lamp: LampReadings | None = None
    lamp_age_s: float = 1.0
    lamp_failed: bool = False
    charger: ChargerReadings | None = None


def dock(cover: Cover = Cover.OPEN, **fields: Any) -> DockReadings:
    """A dock's readings: open, empty, kept for flight f1 and ready when nothing else is said."""
    values: dict[str, Any] = {"drone_present": False, "path_clear": True, "reserved_for": "f1"}
    values["ready"] = cover is Cover.OPEN
    return DockReadings(cover=cover, **{**values, **fields})


LEADS = LampReadings(level_pct=100.0, pattern=Pattern.LANDING, overridden=True)
STEADY = LampReadings(level_pct=40.0, pattern=Pattern.STEADY, overridden=False)


def wind(mean_mps: float, gust_mps: float | None) -> WindReadings:
    return WindReadings(wind_mean_mps=mean_mps, wind_gust_mps=gust_mps, wind_from_deg=70.0)


@dataclass
class SpokenPoles:
    """Stands where the gateway does: the same questions, answered from what the test has the poles say."""

    says: dict[str, Spoken] = field(default_factory=dict)
    orders: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    rejects: set[tuple[str, str]] = field(default_factory=set)  # (city code, action)
    ignores: set[tuple[str, str]] = field(default_factory=set)  # likewise, orders that nobody answers
    on_order: Callable[[str, str], None] = lambda pole, action: None

    @property
    def poles(self) -> Mapping[str, PoleState]:
        return {code: self._state(code, spoken) for code, spoken in self.says.items()}

    def latest(self, service: str) -> Mapping[str, Known]:
        return {code: state.readings[service] for code, state in self.poles.items() if service in state.readings}

    def _state(self, code: str, spoken: Spoken) -> PoleState:
        now_s = asyncio.get_running_loop().time()
        readings: dict[str, Known] = {}

        def said(values: msgspec.Struct, age_s: float = 0.0, quality: Quality = Quality.GOOD) -> Known:
            return Known(values, VIRTUAL_START_S + now_s - age_s, now_s - age_s, quality)

        if spoken.dock is not None:
            readings[DOCK] = said(spoken.dock, spoken.dock_age_s, spoken.dock_quality)
        if spoken.weather is not None:
            told = said(spoken.weather, spoken.weather_age_s)
            readings[WIND] = msgspec.structs.replace(told, flags=spoken.weather_flags)
        if spoken.lamp is not None:
            readings[ACTUATOR] = said(spoken.lamp, spoken.lamp_age_s)
            readings[MONITOR] = said(LampMonitorReadings(failed=spoken.lamp_failed, leaks=False))
        if spoken.charger is not None:
            readings[CHARGER] = said(spoken.charger)
        return PoleState(code, "b1", "test/1", (), HOME, now_s, readings=readings)

    async def until(self, code: str, condition: Callable[[PoleState], bool], *, deadline_s: float) -> bool:
        for _ in range(round(deadline_s / 0.2) + 1):
            if code in self.says and condition(self.poles[code]):
                return True
            await asyncio.sleep(0.2)
        return False

    async def command(
        self, code: str, function: str, action: str, parameters: Mapping[str, Any], *, deadline_s: float
    ) -> CommandOutcome:
        await asyncio.sleep(0.1)
        spec = function_spec(function)
        assert spec is not None
        parameters_from_wire(function, spec, action, parameters)  # no pole would take others
        self.orders.append((code, function, action, dict(parameters)))
        if (code, action) in self.rejects:
            return CommandOutcome("1", Outcome.REJECTED, Words("it rains", "正在下雨"), "dock.rain.over-limit")
        self.on_order(code, action)
        if (code, action) in self.ignores:
            return CommandOutcome("1", Outcome.UNKNOWN, Words("no answer", "未应答"), "pole.command.silent")
        return CommandOutcome("1", Outcome.ACCEPTED, Words("done", "已执行"))

    def ordered(self, pole: str) -> list[str]:
        """`function action` of every order to a pole, in order."""
        return [f"{function} {action}" for code, function, action, _ in self.orders if code == pole]


@dataclass
class Scene:
    """Everything that a flight's parts ask."""

    district: District
    link: DroneLink
    autopilot: Autopilot
    poles: SpokenPoles
    events: list[AnyEvent]

    def happened(self, kind: type) -> list[Any]:
        """All events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def plan_made(self, flight: str = "f1", made: Plan | None = None) -> None:
        await self.district.record(PlanMade(run="r", flight=flight, drone=self.link.drone, plan=made or plan()))

    async def flying(self, flight: str = "f1") -> None:
        """Bring a planned flight into the air, phase by phase."""
        for phase in (Phase.GATES, Phase.UPLOADING, Phase.ARMING, Phase.FLYING):
            await self.district.record(PhaseChanged(flight=flight, phase=phase))

    async def heard(self, *messages: Any) -> None:
        """Let the autopilot say these and wait until they have arrived."""
        for message in messages:
            self.autopilot.say(message)
        await asyncio.sleep(0.02)


def listened(district: District) -> list[AnyEvent]:
    """The events that become durable from now on, as they come."""
    events: list[AnyEvent] = []
    district.store.listen(lambda record: events.append(record.event))
    return events


async def _no_connection(address: str) -> Transport:
    raise AssertionError("a scene has its link already")


@asynccontextmanager
async def opened_district(
    clock: Clock, folder: Path, at: LoadedSite | None = None, zones: tuple[Zone, ...] = ()
) -> AsyncIterator[District]:
    """The example's district without its poles, with its store in a folder of the test."""
    given = at or site()
    async with open_district(
        given, clock, zones=zones, connect=_no_connection, durable="process", store_path=folder / "store.db"
    ) as district:
        yield district


def in_scene(
    folder: Path, test: Callable[[Scene], Awaitable[None]], at: LoadedSite | None = None, *, with_poles: bool = True
) -> None:
    """Run a test body in a scene, in virtual time."""

    async def main(clock: Clock) -> None:
        async with opened_district(clock, folder, at) as district, connected(clock) as (link, autopilot):
            poles = SpokenPoles()
            district.poles = Poles(cast("Gateway", poles), clock) if with_poles else None
            autopilot.mode = 4  # GUIDED
            await link.wait_for("a heartbeat", lambda state: state.heartbeats > 0, 5.0)
            await test(Scene(district, link, autopilot, poles, listened(district)))

    run(main, virtual_tempo())


def position(at: LatLon = HOME, relative_m: float = 0.0, *, home_amsl_m: float = 108.0) -> Any:
    mm, home_mm = round(relative_m * 1000), round(home_amsl_m * 1000)
    return mavlink.MAVLink_global_position_int_message(
        60_000, round(at.lat_deg * 1e7), round(at.lon_deg * 1e7), home_mm + mm, mm, 0, 0, 0, 0
    )


def home(at: LatLon = HOME) -> Any:
    nan = float("nan")
    return mavlink.MAVLink_home_position_message(
        round(at.lat_deg * 1e7), round(at.lon_deg * 1e7), 108_000, 0, 0, 0, [nan] * 4, 0, 0, 0
    )


def fix(fix_type: int = 6, satellites: int = 20) -> Any:
    return mavlink.MAVLink_gps_raw_int_message(0, fix_type, 1, 1, 1, 80, 90, 0, 0, satellites)


def battery(remaining_pct: int = 95) -> Any:
    cells = [24_000] + [UNKNOWN_MM] * 9
    return mavlink.MAVLink_battery_status_message(0, 0, 0, 32767, cells, 100, 0, 0, remaining_pct)


def system(prearm_ok: bool = True) -> Any:
    check = mavlink.MAV_SYS_STATUS_PREARM_CHECK
    healthy = check if prearm_ok else 0
    return mavlink.MAVLink_sys_status_message(check, check, healthy, 0, 24_000, 100, 95, 0, 0, 0, 0, 0, 0)


def ekf(flags: int = 0x33F) -> Any:
    return mavlink.MAVLink_ekf_status_report_message(flags, 0.1, 0.1, 0.1, 0.1, 0.1)


def landed(state: int = 1) -> Any:
    return mavlink.MAVLink_extended_sys_state_message(0, state)


def current_item(seq: int) -> Any:
    return mavlink.MAVLink_mission_current_message(seq, 20, 3, 1)
