"""A simulated city: drones and poles in one air, on one ground, with docks that feel the drones.

It does not know who flies it: drones answer on whatever links are attached, poles connect to whatever gateway they are
given. Whatever can go wrong is a method of the part that it goes wrong with; `sim.timeline` calls them.
"""

from __future__ import annotations

import asyncio
import gc
import math
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from airspace.frames import LatLon, LocalFrame
from poles.wire.connection import Connection
from sim.city_file import CityAircraft, CityCell, CityDrone, CityFile, CityPole
from sim.districts import Districts
from sim.drone import SimDrone
from sim.fault_targets import targets_in
from sim.faults import Target
from sim.flight.flock import Flock
from sim.flown import Autopilot, Flown
from sim.gnss.sky import Sky
from sim.links import MemoryLink, Quality, UdpLink
from sim.pads import Pads, is_flying
from sim.place.buildings import hidden_by
from sim.place.ground import BuiltGround, load_ground
from sim.pole import WEATHER_SAMPLE_S, PoleSite, SimPole
from sim.pole_network import PoleNetwork
from sim.radio.coverage import Cell, Place, Radio
from sim.radio.reception import NO_TROUBLE, Reception, Trouble
from sim.surroundings import LevelGround
from sim.traffic.adsb import HEARD_EVERY_S, RECEIVER_RANGE_M, adsb_vehicle
from sim.traffic.aircraft import Aircraft, Heard, Kind, Traffic
from sim.traffic.broadcast import address_of, own_drone
from sim.traffic.hearing import Hearing
from sim.traffic.receivers import Spoken, aircraft_speak, ears_of, listen
from sim.weather.conditions import Weather
from sim.wind import Wind

HEAD_AGL_M = 10.0
WEATHER_EVERY_S = 10.0
WIND_TOLD_EVERY_S, WIND_STEP_M = 1.0, 5.0
SYSTEM_IDS = 250  # ground stations are above


class City:
    """Everything simulated; `run` lives until cancelled. The same seed gives the same city to the bit.

    `folder` is where the city file lies: the files it names are read from there, and `Refused` is raised for bad ones.
    `autopilots` take the place of drones of the file, by their ids: docks feel them, radio reaches them, and the mean
    wind at their height and its gusts are told to the simulators that they fly in; of the rest of this world they know
    nothing, no fault reaches into them, and whoever started them runs them. `flown` has both kinds, `drones` the
    simulated ones.
    """

    def __init__(
        self,
        file: CityFile,
        *,
        utc_s: Callable[[], float],
        seed: int,
        connections: Mapping[str, Connection],
        folder: Path = Path(),
        autopilots: Mapping[str, Autopilot] | None = None,
    ) -> None:
        self.file = file
        self.frame = LocalFrame(LatLon(file.origin.lat_deg, file.origin.lon_deg))
        self._utc_s = utc_s
        self._seed = seed
        self.on_takeoff: list[Callable[[str], None]] = []  # told the drone's id
        self.on_touchdown: list[Callable[[str], None]] = []
        self.ground: BuiltGround = load_ground(file, folder)
        self.skyline = self.ground.skyline()
        self.wind = self._make_wind()
        self.weather = Weather(file.weather, self.frame, utc_s)
        self._datum_ellipsoidal_m = file.ground.amsl_m + file.ground.geoid_m
        self.sky = Sky(
            self.frame,
            utc_s=utc_s,
            datum_ellipsoidal_m=self._datum_ellipsoidal_m,
            skyline=self.skyline,
        )
        self._hidden = hidden_by(self.ground.buildings) if self.ground.buildings.solids else None
        self.radio = Radio(map(self._cell, file.cells), self._hidden)
        self.traffic = Traffic()
        self.networks = {pole.code: PoleNetwork(connections[pole.code]) for pole in file.poles}
        self.flock = Flock()
        self.poles = {pole.code: self._pole(pole) for pole in file.poles}
        self.districts = Districts(file.poles, file.cells, self.poles, self.networks, self.radio)
        self._autopilots = given = autopilots or {}
        self.drones = {
            drone.id: self._drone(drone, number) for number, drone in enumerate(file.drones) if drone.id not in given
        }
        self.flown: dict[str, Flown] = {drone.id: given.get(drone.id) or self.drones[drone.id] for drone in file.drones}
        self._homes = {drone.id: LatLon(drone.lat_deg, drone.lon_deg) for drone in file.drones}
        for name, flown in self.flown.items():
            self._follow(name, flown)
        self._receptions = {name: self._reception(name) for name in self.flown}
        self._links: dict[str, list[MemoryLink | UdpLink]] = {drone.id: [] for drone in file.drones}
        self._unheard: list[str] = []  # drones whose links are cut
        self._rain_at: dict[str, float] = {}  # poles where it rains otherwise
        batteries = {name: drone.autopilot.battery for name, drone in self.drones.items()}
        self._pads = Pads(self.poles, self.flown, batteries, self.place_of)
        self._let_weather_be(0.0)

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")

    # What it is made of

    def _make_wind(self) -> Wind:
        weather, ground = self.file.weather, self.ground
        wind = Wind(
            rng=self._rng("wind"),
            gust_mps=weather.gust_mps,
            shear_exponent=weather.shear_exponent,
            ground_m=ground.terrain_m if ground.terrain is not None else None,
        )
        wind.set_mean(weather.wind_mps, weather.from_deg)
        return wind

    def _place(self, lat_deg: float, lon_deg: float, agl_m: float) -> Place:
        e, n = self.frame.xy(LatLon(lat_deg, lon_deg))
        return e, n, self.ground.terrain_m(e, n) + agl_m

    def _cell(self, cell: CityCell) -> Cell:
        return Cell(cell.name, self._place(cell.lat_deg, cell.lon_deg, cell.agl_m), cell.range_m, cell.delay_s)

    def _pole(self, pole: CityPole) -> SimPole:
        e, n, foot_m = self._place(pole.lat_deg, pole.lon_deg, 0.0)
        site = PoleSite(
            code=pole.code,
            position=LatLon(pole.lat_deg, pole.lon_deg),
            xy_m=(e, n),
            head_agl_m=HEAD_AGL_M,
            head_ellipsoidal_m=self.file.ground.amsl_m + self.file.ground.geoid_m + foot_m + HEAD_AGL_M,
            foot_m=foot_m,
            services=pole.services,
        )
        return SimPole(
            site,
            wind=self.wind,
            connection=self.networks[pole.code],
            utc_s=self._utc_s,
            rng=self._rng(f"pole {pole.code}"),
            report_every_s=self.file.report_every_s,
            heartbeat_every_s=self.file.heartbeat_every_s,
            sky=self.sky,
            sends_corrections=self.file.corrections == "radio",
            radio_margin_db=lambda: self.radio.margin_db(e, n, foot_m + HEAD_AGL_M),
        )

    def _drone(self, drone: CityDrone, number: int) -> SimDrone:
        open_plain = self.skyline is None
        simulated = SimDrone(
            lat_deg=drone.lat_deg,
            lon_deg=drone.lon_deg,
            datum_amsl_m=self.file.ground.amsl_m,
            frame=self.frame,
            heading_deg=drone.heading_deg,
            system_id=1 + number % SYSTEM_IDS,
            rng=self._rng(f"drone {drone.id}"),
            flock=self.flock,
            wind=self.wind,
            ground=LevelGround() if open_plain else self.ground,
            utc_s=self._utc_s,
            personality=drone.personality,
            sky=self.sky,
            name=drone.id,
        )
        simulated.set_corrections(own_network=self.file.corrections == "network")
        if drone.battery_pct < 100.0:
            simulated.set_battery(drone.battery_pct / 100.0)
        return simulated

    def _follow(self, name: str, flown: Flown) -> None:
        flown.on_takeoff.append(lambda lat_deg, lon_deg: self._took_off(name))
        flown.on_touchdown.append(lambda lat_deg, lon_deg: self._touched_down(name))

    def _aircraft(self, given: CityAircraft, started_s: float) -> Aircraft:
        path = tuple(self._place(point.lat_deg, point.lon_deg, point.agl_m) for point in given.path)
        return Aircraft(
            given.id,
            path,
            given.speed_mps,
            started_s + given.at_s,
            repeats=given.repeats,
            heard=Heard(given.heard),
            kind=Kind(given.kind),
            icao=given.icao,
        )

    # Docks and what stands on them

    def place_of(self, drone: str) -> Place:
        """Where a drone really is: east, north and height above the datum [m]. Raises KeyError."""
        if drone in self.drones:
            return _place_of(self.drones[drone])
        truth = self.flown[drone].truth
        return self._place(truth.lat_deg, truth.lon_deg, truth.relative_m)

    def occupied(self, dock: str) -> bool:
        """Whether one of the city's drones really stands on a dock."""
        return self._pads.occupied(dock)

    def targets(self, kind: Target) -> list[str] | None:
        """The names of what a fault of this kind can happen to; None where it needs no name."""
        return list(self.drones) if kind is Target.INSIDE else targets_in(self.file, kind)

    def _took_off(self, drone: str) -> None:
        self._pads.left(drone)
        for tell in tuple(self.on_takeoff):
            tell(drone)

    def _touched_down(self, drone: str) -> None:
        self._pads.reached(drone)
        for tell in tuple(self.on_touchdown):
            tell(drone)

    # Links

    def attach(self, drone: str, link: MemoryLink | UdpLink) -> None:
        """Give a drone one more link, which carries as its radio does where it is, and not at all in its outages."""
        self.flown[drone].attach(link)
        self._links[drone] = [*(open_ for open_ in self._links[drone] if not open_.closed), link]
        link.cut(drone in self._unheard)
        if self.radio.cells or self._receptions[drone].trouble != NO_TROUBLE:
            self._carry(drone, link)

    def cut_links(self, drone: str, broken: bool) -> None:
        """Begin or end an outage of all links of a drone, those that it is given meanwhile included."""
        self._unheard = [name for name in self._unheard if name != drone] + ([drone] if broken else [])
        for link in self._links[drone]:
            link.cut(broken)

    def trouble(self, drone: str) -> Trouble:
        """What is wrong with a drone's radio besides coverage. Raises KeyError."""
        return self._receptions[drone].trouble

    def set_trouble(self, drone: str, trouble: Trouble) -> None:
        """Make a drone's radio lose, delay, spread or double what it carries, on all its links. Raises KeyError."""
        self._receptions[drone].trouble = trouble
        for link in self._links[drone]:
            self._carry(drone, link)

    def _reception(self, drone: str) -> Reception:
        return Reception(self.radio, lambda: self.place_of(drone))

    def _carry(self, drone: str, link: MemoryLink | UdpLink) -> None:
        reception = self._receptions[drone]
        if isinstance(link, MemoryLink):
            link.carry(reception.over(link.own))
        else:
            link.carry(reception.over(Quality()), self._rng(f"radio {drone} {self._links[drone].index(link)}"))

    # Weather and traffic

    def set_rain(self, rain_mmph: float | None, pole: str = "") -> None:
        """Let it rain so hard [mm/h] everywhere, or at one pole only; None gives it back to the weather."""
        if not pole:
            self.weather.set_rain(rain_mmph)
        elif rain_mmph is None:
            self._rain_at.pop(pole, None)
        else:
            self._rain_at[pole] = rain_mmph
        self._let_weather_be(asyncio.get_running_loop().time())

    def set_temperature(self, temperature_c: float | None) -> None:
        """Make the air so warm [°C]; None gives it back to the weather."""
        self.weather.set_temperature(temperature_c)
        self._let_weather_be(asyncio.get_running_loop().time())

    def set_visibility(self, visibility_m: float | None) -> None:
        """Let one see so far [m] where it does not rain; None gives it back to the weather."""
        self.weather.set_visibility(visibility_m)
        self._let_weather_be(asyncio.get_running_loop().time())

    def _let_weather_be(self, now_s: float) -> None:
        """Let poles and drones feel the weather of a second of the loop."""
        for code, pole in self.poles.items():
            if not (pole.site.has_weather or pole.site.has_dock):
                continue
            conditions = self.weather.at(*pole.site.xy_m, pole.site.foot_m + HEAD_AGL_M, now_s)
            pole.visibility_m = conditions.visibility_m
            pole.temperature_c = conditions.temperature_c
            pole.pressure_hpa = conditions.pressure_hpa
            rain_mmph = self._rain_at.get(code, conditions.rain_mmph)
            if rain_mmph != pole.hardware.rain_mmph:
                pole.set_rain(rain_mmph)
        for drone in self.drones.values():
            drone.set_temperature(self.weather.temperature_c(_place_of(drone)[2]))

    async def _weather_passes(self) -> None:
        while True:
            self._let_weather_be(asyncio.get_running_loop().time())
            await asyncio.sleep(WEATHER_EVERY_S)

    async def _wind_is_told(self) -> None:
        """Real autopilots hear of the wind where they are; in steps, for each is an order to their simulators."""
        loop = asyncio.get_running_loop()
        while True:
            for name, autopilot in self._autopilots.items():
                e, n, u = self.place_of(name)
                agl_m = WIND_STEP_M * round((u - self.ground.terrain_m(e, n)) / WIND_STEP_M)
                east, north, gust_mps = self.wind.mean_aloft(agl_m, loop.time())
                from_deg = math.degrees(math.atan2(-east, -north)) % 360.0
                autopilot.feel_wind(round(math.hypot(east, north), 1), float(round(from_deg)), round(gust_mps, 1))
            await asyncio.sleep(WIND_TOLD_EVERY_S)

    async def _stations_measure(self) -> None:
        """All weather stations sample at once: a task and a timer for each would cost more than the sample."""
        loop = asyncio.get_running_loop()
        stations = [pole for pole in self.poles.values() if pole.site.has_weather]
        while stations:
            for pole in stations:
                pole.measure_weather(loop.time())
            await asyncio.sleep(WEATHER_SAMPLE_S)

    async def _traffic_is_heard(self) -> None:
        """Drones with a receiver hear of the aircraft around them."""
        loop = asyncio.get_running_loop()
        while True:
            listening = [drone for drone in self.drones.values() if drone.has_adsb_receiver] if self.traffic else []
            for drone in listening:
                for sighting in self.traffic.heard_by(_place_of(drone), RECEIVER_RANGE_M, loop.time()):
                    drone.hear_aircraft(adsb_vehicle(sighting, self.frame, self.file.ground.amsl_m))
            await asyncio.sleep(HEARD_EVERY_S)

    def _spoken(self, now_s: float) -> Iterator[Spoken]:
        """What is in the air at a second of the loop: the city's drones that are up, and the aircraft around them."""
        for name, flown in self.flown.items():
            if not is_flying(flown):
                continue
            e, n, u = self.place_of(name)
            drone, truth = self.drones.get(name), flown.truth
            said_e, said_n, said_u = drone.autopilot.believed() if drone is not None else (e, n, u)
            frames = own_drone(
                name,
                self.frame.latlon(said_e, said_n),
                self._homes[name],
                ellipsoidal_m=said_u + self._datum_ellipsoidal_m,
                above_takeoff_m=truth.relative_m,
                velocity=(truth.east_mps, truth.north_mps, truth.up_mps),
                utc_s=self._utc_s(),
            )
            yield (e, n, u), address_of(name), frames
        yield from aircraft_speak(self.traffic.present(now_s), self.frame, self._datum_ellipsoidal_m, self._utc_s())

    # Running

    async def run(self) -> None:
        """Run every simulated drone and pole until cancelled."""
        self._start(asyncio.get_running_loop().time())
        gc.freeze()  # the city lives until the end: the collector need not go through it again and again
        try:
            await self._live()
        finally:
            gc.unfreeze()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stations_measure(), name="weather stations")
            for code, pole in self.poles.items():
                group.create_task(pole.run(measured=True), name=f"pole {code}")
            for name, drone in self.drones.items():
                group.create_task(drone.run(), name=f"drone {name}")
            if self.weather.changes:
                group.create_task(self._weather_passes(), name="weather")
            group.create_task(self._traffic_is_heard(), name="traffic")
            if self._autopilots:
                group.create_task(self._wind_is_told(), name="wind for autopilots")
            if ears := ears_of(self.poles.values()):
                hearing = Hearing(self._rng("broadcasts"), self._hidden)
                group.create_task(listen(ears, hearing, self._spoken), name="receivers")
            if self._pads.docks:
                group.create_task(self._pads.watch_curtains(), name="light curtains")

    def _start(self, now_s: float) -> None:
        """Let the file's moments count from now."""
        self.weather.started_s = now_s
        for front in self.file.weather.fronts:
            self.wind.front(now_s + front.at_s, front.over_s, front.wind_mps, front.from_deg, gust_mps=front.gust_mps)
        for given in self.file.traffic:
            self.traffic.add(self._aircraft(given, now_s))


def _place_of(drone: SimDrone) -> Place:
    body = drone.autopilot.body
    return body.e, body.n, body.u
