"""A simulated pole: the real agent over simulated hardware.

The weather station samples the given wind at its own place; the dock has a cover motor that takes its time, a pad
sensor, a light curtain and limit switches; the lamp has nothing to see but its readings. Faults are methods, to be
called at any moment of a run.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airspace.frames import LatLon, LocalFrame
from poles.agent import HEARTBEAT_S, PoleAgent
from poles.agent.ring import PAGE_BYTES, Ring
from poles.agent.settings import SettingsStore
from poles.protocol.rtcm import crc_24q
from poles.services import Service
from poles.services.base_station import BaseStation
from poles.services.dock import Dock
from poles.services.lamp import Lamp, LampMonitorReadings, Pattern
from poles.services.weather import Weather
from poles.wire.connection import Connection
from sim.drone.battery import Battery
from sim.fittings import FITTINGS, Fitting, Outside
from sim.fittings.devices import ChargingPointFitting
from sim.fittings.dock import SimDockHardware
from sim.flash import SimFlash
from sim.gnss.base_station import BaseStationStream, StationSite
from sim.gnss.sky import Sky
from sim.surroundings import Air

WEATHER_SAMPLE_S = 1.0
OBSERVE_EVERY_S = 30.0  # the slow quantities, when they do not change
EPOCH_EVERY_S = 1.0
LAMP_KW, COMPUTER_KW = 0.12, 0.03
FLASH_BYTES = 8 * PAGE_BYTES  # of the ring in which entries survive a power cut


@dataclass(frozen=True, slots=True)
class PoleSite:
    """Where a simulated pole stands: `xy_m` in the world's local frame, `head_agl_m` the height of anemometer and pad.

    `position` are CGCS2000 degrees, `head_ellipsoidal_m` the same head as an ellipsoidal height, `foot_m` the height of
    its foot above the world's datum, `services` what it offers, by the names of the registry.
    """

    code: str
    position: LatLon
    xy_m: tuple[float, float] = (0.0, 0.0)
    head_agl_m: float = 10.0
    head_ellipsoidal_m: float = 80.0
    foot_m: float = 0.0
    services: tuple[str, ...] = ("weather", "lamp", "dock")

    @property
    def has_dock(self) -> bool:
        """Whether drones can land on it."""
        return "dock" in self.services

    @property
    def has_weather(self) -> bool:
        """Whether it measures the weather."""
        return "weather" in self.services


class SimLampHardware:
    """A light that can be looked at."""

    def __init__(self) -> None:
        self.pattern = Pattern.STEADY
        self.level_pct = 0.0

    def light(self, pattern: Pattern, level_pct: float) -> None:
        """Give this light."""
        self.pattern, self.level_pct = pattern, level_pct


class SimPole:
    """One pole of the simulated city; `run` lives until cancelled.

    `wind` is asked once a second at the pole's place; `rng` makes boot ids and spreads reconnects; `utc_s` is the
    pole's clock. A base station sees `sky` (an open one over itself when None) and gives each RTCM 3 message to
    `corrections_out`, once a second, and with `sends_corrections` to the gateway too. `radio_margin_db` is asked how
    well the best cell is received. What else hangs on the pole is in `fittings`, by its service.
    """

    def __init__(
        self,
        site: PoleSite,
        *,
        wind: Air,
        connection: Connection,
        utc_s: Callable[[], float],
        rng: random.Random,
        report_every_s: float = 5.0,
        heartbeat_every_s: float = HEARTBEAT_S,
        sky: Sky | None = None,
        radio_margin_db: Callable[[], float | None] = lambda: math.inf,
        sends_corrections: bool = False,
    ) -> None:
        self.site = site
        self.light = SimLampHardware()
        self.hardware = SimDockHardware()
        self.temperature_c = 22.0
        self.pressure_hpa = 1003.0
        self.visibility_m = 12_000.0
        self._wind = wind
        self._connection = connection
        self._utc_s = utc_s
        self._rng = rng
        self._report_every_s = report_every_s
        self._heartbeat_every_s = heartbeat_every_s
        self._weather = Weather(head_agl_m=site.head_agl_m)
        self._observed_s = -math.inf
        self._observed: tuple[float, ...] = ()  # rain, visibility, pressure and temperature as the station has them
        self.corrections_out: Callable[[bytes], None] | None = None
        self._sky = sky
        self._sends_corrections = sends_corrections
        self._station: BaseStation | None = None
        self._lamp: Lamp | None = None
        self.lamp_failed = False
        self._powered = asyncio.Event()
        self._powered.set()
        self.fittings = self._make_fittings(radio_margin_db)
        self._services = tuple(self._make_services())
        self._off = asyncio.Event()
        self._dark: list[str] = []  # why there is no power
        self._centred = True  # what stands on the pad
        self.flash = SimFlash(FLASH_BYTES)
        self._settings = SettingsStore()
        self.agent = self._boot()

    @property
    def code(self) -> str:
        """The pole's city code."""
        return self.site.code

    @property
    def dock(self) -> Dock:
        """The dock's service."""
        return self.hardware.dock

    async def run(self, *, measured: bool = False) -> None:
        """Sample the weather and run the agent while there is power.

        `measured` says that somebody calls `measure_weather` every `WEATHER_SAMPLE_S`, for this pole among others.
        """
        async with asyncio.TaskGroup() as tasks:
            if self.site.has_weather and not measured:
                tasks.create_task(self._sample_weather(), name=f"{self.code}-weather")
            if self.fittings:
                tasks.create_task(self._sample_fittings(), name=f"{self.code}-fittings")
            if self._station is not None:
                tasks.create_task(self._track(self._station), name=f"{self.code}-satellites")
            while True:
                await self._powered.wait()
                running = tasks.create_task(self.agent.run(), name=f"{self.code}-agent")
                await self._off.wait()
                running.cancel()
                await asyncio.wait([running])

    def drone_landed(self, *, centred: bool = True, battery: Battery | None = None) -> None:
        """A drone stands on the pad; one that is not centred also stands in the cover's path."""
        self._centred = centred
        self.hardware.drone_present, self.hardware.path_clear = True, centred
        self.hardware.battery = battery
        self.hardware.sense()
        self.hardware.sense_battery()

    def drone_left(self) -> None:
        """The pad is empty again."""
        self._centred = True
        self.hardware.drone_present, self.hardware.path_clear = False, True
        self.hardware.battery = None
        self.hardware.sense()

    def drone_overhead(self) -> None:
        """A drone is in the cover's path on its way down or up."""
        self.hardware.path_clear = False
        self.hardware.sense()

    def path_left(self) -> None:
        """No drone is in the cover's path any more but one that stands there."""
        self.hardware.path_clear = self._centred
        self.hardware.sense()

    def set_rain(self, rain_mmph: float) -> None:
        """It rains so much from now on [mm/h]."""
        self.hardware.rain_mmph = rain_mmph
        self.hardware.sense()

    def fail_taken(self) -> None:
        """A drone that nobody announced stands on the pad."""
        self.drone_landed()

    def fail_cover(self) -> None:
        """The cover jams where it is."""
        self.hardware.jam()

    def repair_cover(self) -> None:
        """The cover can move again; the dock still wants a reset."""
        self.hardware.free()

    def fail_lamp(self, failed: bool = True) -> None:
        """The lamp gives no light any more, whatever it is told, and its gear says so; or it is repaired."""
        self.lamp_failed = failed
        if self._lamp is not None:
            self._lamp.observe(LampMonitorReadings(failed=failed, leaks=False))

    def fail_power(self) -> None:
        """The pole's computer loses power: it falls silent in the middle of a word, and what it did not sync is gone.

        The dock's and the lamp's own controllers keep their state.
        """
        self._go_dark("supply")

    def restore_power(self) -> None:
        """The computer's own supply is back: it boots again, if there are mains."""
        self._light_up("supply")

    def fail_mains(self) -> None:
        """The mains are gone: the computer as in `fail_power`, and the dock's cover stays where it is."""
        self.hardware.lose_power()
        self._go_dark("mains")

    def restore_mains(self) -> None:
        """The mains are back: the cover goes on, the computer boots, if its supply works."""
        self.hardware.regain_power()
        self._light_up("mains")

    def _go_dark(self, why: str) -> None:
        if why not in self._dark:
            self._dark.append(why)
        self._powered.clear()
        self._off.set()

    def _light_up(self, why: str) -> None:
        if why not in self._dark:
            return
        self._dark.remove(why)
        if not self._dark:
            self._off.clear()
            self.flash.lose_power(self._rng)
            self.agent = self._boot()
            self._powered.set()

    def _boot(self) -> PoleAgent:
        return PoleAgent(
            self.site.code,
            self._services,
            self._connection,
            position=self.site.position,
            utc_s=self._utc_s,
            rng=self._rng,
            report_every_s=self._report_every_s,
            heartbeat_every_s=self._heartbeat_every_s,
            firmware="beichen-sim/1",
            ring=Ring.open(self.flash),
            settings=self._settings,
        )

    def _make_services(self) -> Iterable[Service]:
        site = self.site
        if site.has_weather:
            yield self._weather
        if "lamp" in site.services:
            self._lamp = Lamp(self.light)
            yield self._lamp
        if site.has_dock:
            yield self.hardware.dock
        yield from (fitting.service for fitting in self.fittings.values())
        if "base_station" in site.services:
            self._station = BaseStation(
                lat_deg=site.position.lat_deg, lon_deg=site.position.lon_deg, ellipsoidal_m=site.head_ellipsoidal_m
            )
            yield self._station

    def _make_fittings(self, radio_margin_db: Callable[[], float | None]) -> dict[str, Fitting]:
        outside = Outside(
            rain_mmph=lambda: self.hardware.rain_mmph,
            wind_mps=self._wind_mps,
            temperature_c=lambda: self.temperature_c,
            has_mains=lambda: self.hardware.powered,
            power_kw=self._power_kw,
            radio_margin_db=radio_margin_db,
        )
        names = [name for name in FITTINGS if name in self.site.services]
        if not names:
            return {}
        seed = self._rng.getrandbits(64)  # a generator of its own for each: one more changes nothing for the others
        return {name: FITTINGS[name](outside, random.Random(f"{seed}/{name}")) for name in names}

    def _wind_mps(self, now_s: float) -> float:
        east, north, _ = self._wind.at(self.site.xy_m, self.site.foot_m + self.site.head_agl_m, now_s)
        return math.hypot(east, north)

    def _power_kw(self) -> float:
        vehicle = self.fittings.get("charging_point")
        vehicle_kw = vehicle.power_kw if isinstance(vehicle, ChargingPointFitting) else 0.0
        lamp_kw = LAMP_KW * self.light.level_pct / 100.0
        return COMPUTER_KW + lamp_kw + self.hardware.charging_w / 1000.0 + vehicle_kw

    async def _sample_fittings(self) -> None:
        """Let each fitting measure at its own pace while the pole's computer runs."""
        loop = asyncio.get_running_loop()
        due_s = dict.fromkeys(self.fittings, loop.time())
        while True:
            now_s = loop.time()
            for name, fitting in self.fittings.items():
                if due_s[name] <= now_s:
                    due_s[name] = now_s + fitting.every_s
                    if self._powered.is_set():
                        fitting.sample(now_s)
            await asyncio.sleep(min(due_s.values()) - now_s)

    async def _track(self, station: BaseStation) -> None:
        """Receive satellites at the head; hand the corrections out while there is power."""
        site = self.site
        sky = self._sky or Sky(
            LocalFrame(site.position), utc_s=self._utc_s, datum_ellipsoidal_m=site.head_ellipsoidal_m
        )
        at = StationSite(site.position, site.head_ellipsoidal_m, *site.xy_m, site.foot_m + site.head_agl_m)
        stream = BaseStationStream(at, sky, rng=self._rng, station=crc_24q(self.code.encode()) & 0xFFF)
        while True:
            station.track(len(stream.satellites()))
            if self._powered.is_set() and (self._sends_corrections or self.corrections_out is not None):
                frames = stream.epoch()
                if self._sends_corrections:
                    station.correct(frames)
                for frame in frames:
                    if self.corrections_out is not None:
                        self.corrections_out(frame)
            await asyncio.sleep(EPOCH_EVERY_S)

    async def _sample_weather(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.measure_weather(loop.time())
            await asyncio.sleep(WEATHER_SAMPLE_S)

    def measure_weather(self, now_s: float) -> None:
        """Let the station take a sample at this second of the loop."""
        site = self.site
        east, north, _ = self._wind.at(site.xy_m, site.foot_m + site.head_agl_m, now_s)
        self._weather.sample_wind(east, north)
        rest = (self.hardware.rain_mmph, self.visibility_m, self.pressure_hpa, self.temperature_c)
        if rest != self._observed or now_s >= self._observed_s + OBSERVE_EVERY_S:
            self._observed, self._observed_s = rest, now_s
            rain_mmph, visibility_m, pressure_hpa, temperature_c = rest
            self._weather.observe(
                rain_mmph=rain_mmph, visibility_m=visibility_m, pressure_hpa=pressure_hpa, temperature_c=temperature_c
            )
