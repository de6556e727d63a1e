"""A simulated city: drones and poles in one wind, with docks that feel the drones, and faults on request.

It does not know who flies it: drones answer on whatever links are attached, poles connect to whatever gateway they are
given.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Words
from poles.connection import Connection
from sim.city_file import CityDrone, CityFile, CityPole
from sim.drone import SimDrone
from sim.faults import Fault
from sim.links import MemoryLink, UdpLink
from sim.pole import PoleSite, SimPole
from sim.wind import Wind

ON_PAD_M = 1.5
HEAD_AGL_M = 10.0
IN_FLIGHT_AFTER_S = 60.0  # when a fault of the flight happens, counted from take-off

NO_DOCK = Rule(
    "inject.no-dock",
    Words("there is no dock {dock} in this city to go wrong", "该城市中没有可注入故障的机库 {dock}"),
    Words(
        "Name a pole of the city with --dock, or fly a request that lands on one.",
        "请用 --dock 指定灯杆，或执行在机库降落的请求。",
    ),
)


class City:
    """Everything simulated; `run` lives until cancelled. The same seed gives the same city to the bit."""

    def __init__(
        self,
        file: CityFile,
        *,
        utc_s: Callable[[], float],
        seed: int,
        connections: Mapping[str, Connection],
        wished_dock: str = "",
    ) -> None:
        self.file = file
        self._frame = LocalFrame(LatLon(file.origin.lat_deg, file.origin.lon_deg))
        self._utc_s = utc_s
        self._seed = seed
        self._wished_dock = wished_dock
        self._taken_in_flight = False
        self._cut_in_flight = False
        weather = file.weather
        self.wind = Wind(rng=self._rng("wind"), gust_mps=weather.gust_mps)
        self.wind.set_mean(weather.wind_mps, weather.from_deg)
        self.poles = {pole.code: self._pole(pole, connections[pole.code]) for pole in file.poles}
        self.drones = {drone.id: self._drone(drone) for drone in file.drones}
        self._links: list[MemoryLink | UdpLink] = []
        for drone in self.drones.values():
            self._touch(drone, lambda pole: pole.drone_landed())

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")

    def _pole(self, pole: CityPole, connection: Connection) -> SimPole:
        position = LatLon(pole.lat_deg, pole.lon_deg)
        site = PoleSite(
            code=pole.code,
            position=position,
            xy_m=self._frame.xy(position),
            head_agl_m=HEAD_AGL_M,
            head_ellipsoidal_m=self.file.ground.amsl_m + self.file.ground.geoid_m + HEAD_AGL_M,
            has_dock="dock" in pole.services,
            has_weather="weather" in pole.services,
            has_lamp="lamp" in pole.services,
            has_base_station="base_station" in pole.services,
        )
        simulated = SimPole(
            site, wind=self.wind, connection=connection, utc_s=self._utc_s, rng=self._rng(f"pole {pole.code}")
        )
        if self.file.weather.rain_mmph:
            simulated.set_rain(self.file.weather.rain_mmph)
        return simulated

    def _drone(self, drone: CityDrone) -> SimDrone:
        simulated = SimDrone(
            lat_deg=drone.lat_deg,
            lon_deg=drone.lon_deg,
            amsl_m=self.file.ground.amsl_m,
            heading_deg=drone.heading_deg,
            system_id=1 + [other.id for other in self.file.drones].index(drone.id),
            rng=self._rng(f"drone {drone.id}"),
            wind=self.wind,
            utc_s=self._utc_s,
        )
        simulated.on_takeoff.append(lambda lat_deg, lon_deg: self._took_off(simulated))
        simulated.on_touchdown.append(lambda lat_deg, lon_deg: self._touch(simulated, lambda pole: pole.drone_landed()))
        return simulated

    def _touch(self, drone: SimDrone, act: Callable[[SimPole], None]) -> None:
        """Tell the dock under a drone, if there is one."""
        place = LatLon(drone.truth.lat_deg, drone.truth.lon_deg)
        for pole in self.poles.values():
            if pole.site.has_dock and pole.site.position.distance_m(place) <= ON_PAD_M:
                act(pole)

    def _took_off(self, drone: SimDrone) -> None:
        self._touch(drone, lambda pole: pole.drone_left())
        loop = asyncio.get_running_loop()
        if self._taken_in_flight:
            loop.call_later(IN_FLIGHT_AFTER_S, self.poles[self._wished_dock].fail_taken)
        if self._cut_in_flight:
            for link in self._links:
                loop.call_later(IN_FLIGHT_AFTER_S, link.cut, True)

    def attach(self, drone: str, link: MemoryLink | UdpLink) -> None:
        """Give a drone one more link, which faults of the radio then cut."""
        self.drones[drone].attach(link)
        self._links.append(link)

    def inject(self, fault: Fault) -> None:
        """Make one thing go wrong from now on; `zone` is not the city's to do.

        Raises `Refused` for a dock's fault in a city whose mission wishes for no dock.
        """
        if fault.name in ("dock", "pole") and self._wished_dock not in self.poles:
            raise Refused(
                [Reason(NO_DOCK, f"--inject {fault.name}={fault.choice}", {"dock": self._wished_dock or "-"})]
            )
        match fault.name:
            case "wind":
                self.wind.set_mean(fault.number, self.file.weather.from_deg)
            case "rain":
                for pole in self.poles.values():
                    pole.set_rain(fault.number)
            case "battery":
                for drone in self.drones.values():
                    drone.set_battery(fault.number / 100)
            case "fix":
                for drone in self.drones.values():
                    drone.set_fix(int(fault.number))
            case "dock":
                self._inject_dock(fault.choice)
            case "pole":
                self.poles[self._wished_dock].fail_power()
            case "link":
                self._cut_in_flight = True

    def _inject_dock(self, choice: str) -> None:
        dock = self.poles[self._wished_dock]
        if choice == "taken":
            dock.fail_taken()
        elif choice == "stuck":
            dock.fail_cover()
        else:
            self._taken_in_flight = True

    async def run(self) -> None:
        """Run every drone and pole until cancelled."""
        async with asyncio.TaskGroup() as group:
            for code, pole in self.poles.items():
                group.create_task(pole.run(), name=f"pole {code}")
            for name, drone in self.drones.items():
                group.create_task(drone.run(), name=f"drone {name}")
