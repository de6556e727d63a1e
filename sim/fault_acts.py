"""What each fault does to a simulated city, and how it is taken back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from airspace.frames import LatLon
from sim.city import City
from sim.drone import SimDrone
from sim.fault_text import fault_text
from sim.faults import Fault
from sim.gnss.interference import Area, Jammer, Spoof
from sim.timeline import Act
from sim.traffic.aircraft import Aircraft, Heard

BEST_FIX = 6

Deed = Callable[[City, str, Fault], None]


def _drones(city: City, target: str) -> Iterable[SimDrone]:
    return (drone for name, drone in city.drones.items() if target in ("", name))


def _names(city: City, target: str) -> Iterable[str]:
    return [name for name in city.flown if target in ("", name)]


def _wind(city: City, target: str, fault: Fault) -> None:
    from_deg, over_s = fault.detail("from_deg"), fault.detail("over_s")
    from_deg = city.file.weather.from_deg if from_deg is None else from_deg
    if over_s:
        city.wind.front(asyncio.get_running_loop().time(), over_s, fault.number, from_deg)
    else:
        city.wind.set_mean(fault.number, from_deg)


def _wind_as_before(city: City, target: str, fault: Fault) -> None:
    weather = city.file.weather
    city.wind.set_mean(weather.wind_mps, weather.from_deg, gust_mps=weather.gust_mps)


def _gust(city: City, target: str, fault: Fault) -> None:
    city.wind.set_gusts(fault.number)


def _gust_as_before(city: City, target: str, fault: Fault) -> None:
    city.wind.set_gusts(city.file.weather.gust_mps)


def _rain(city: City, target: str, fault: Fault) -> None:
    city.set_rain(fault.number, target)


def _rain_as_before(city: City, target: str, fault: Fault) -> None:
    city.set_rain(None, target)


def _battery(city: City, target: str, fault: Fault) -> None:
    for drone in _drones(city, target):
        drone.set_battery(fault.number / 100.0)


def _fix(city: City, target: str, fault: Fault) -> None:
    for drone in _drones(city, target):
        drone.set_fix(int(fault.number))


def _fix_as_before(city: City, target: str, fault: Fault) -> None:
    for drone in _drones(city, target):
        drone.set_fix(BEST_FIX)


def _link(city: City, target: str, fault: Fault) -> None:
    for drone in _names(city, target):
        city.cut_links(drone, True)


def _link_back(city: City, target: str, fault: Fault) -> None:
    for drone in _names(city, target):
        city.cut_links(drone, False)


def _dock(city: City, target: str, fault: Fault) -> None:
    if fault.choice == "taken":
        city.poles[target].fail_taken()
    else:
        city.poles[target].fail_cover()


def _dock_free(city: City, target: str, fault: Fault) -> None:
    if fault.choice == "stuck":
        city.poles[target].repair_cover()
    elif not city.occupied(target):
        city.poles[target].drone_left()


def _pole(city: City, target: str, fault: Fault) -> None:
    city.poles[target].fail_power()


def _pole_back(city: City, target: str, fault: Fault) -> None:
    city.poles[target].restore_power()


def _mains(city: City, target: str, fault: Fault) -> None:
    for district in _of(city.districts.mains, target):
        city.districts.mains_off(district)


def _mains_back(city: City, target: str, fault: Fault) -> None:
    for district in _of(city.districts.mains, target):
        city.districts.mains_on(district)


def _network(city: City, target: str, fault: Fault) -> None:
    for district in _of(city.districts.network, target):
        city.districts.network_off(district)


def _network_back(city: City, target: str, fault: Fault) -> None:
    for district in _of(city.districts.network, target):
        city.districts.network_on(district)


def _cell(city: City, target: str, fault: Fault) -> None:
    for cell in _of(city.radio.cells, target):
        city.radio.cell_off(cell)


def _cell_back(city: City, target: str, fault: Fault) -> None:
    for cell in _of(city.radio.cells, target):
        city.radio.cell_on(cell)


def _of(names: Iterable[str], target: str) -> list[str]:
    return [name for name in names if target in ("", name)]


def _temperature(city: City, target: str, fault: Fault) -> None:
    city.set_temperature(fault.number)


def _temperature_as_before(city: City, target: str, fault: Fault) -> None:
    city.set_temperature(None)


def _visibility(city: City, target: str, fault: Fault) -> None:
    city.set_visibility(fault.number)


def _visibility_as_before(city: City, target: str, fault: Fault) -> None:
    city.set_visibility(None)


def _motor(city: City, target: str, fault: Fault) -> None:
    for drone in _drones(city, target):
        drone.fail_motor(int(fault.number))


def _trouble(field: str, per: float, city: City, target: str, fault: Fault) -> None:
    for drone in _names(city, target):
        city.set_trouble(drone, replace(city.trouble(drone), **{field: fault.number / per}))


def _trouble_over(field: str, city: City, target: str, fault: Fault) -> None:
    for drone in _names(city, target):
        city.set_trouble(drone, replace(city.trouble(drone), **{field: 0.0}))


def _troubled(field: str, per: float = 1.0) -> tuple[Deed, Deed]:
    """The deeds of a fault that changes one figure of a drone's radio."""
    return partial(_trouble, field, per), partial(_trouble_over, field)


def _place(city: City, fault: Fault) -> tuple[float, float]:
    """The place of a fault that has one, east and north in the world's frame [m]."""
    return city.frame.xy(LatLon(fault.detail("lat_deg") or 0.0, fault.detail("lon_deg") or 0.0))


class _Signals:
    """What false or jamming signals each fault has switched on."""

    def __init__(self) -> None:
        self._on: dict[Fault, list[list[Jammer | Spoof]]] = {}  # of equal faults the oldest first

    def jam(self, city: City, target: str, fault: Fault) -> None:
        """A jammer in the middle of its area."""
        area = Area(*_place(city, fault), fault.detail("radius_m") or 0.0)
        self._on.setdefault(fault, []).append([city.sky.jam(area, fault.number)])

    def spoof(self, city: City, target: str, fault: Fault) -> None:
        """A walk-off of the receivers of some drones."""
        bearing_deg = fault.detail("bearing_deg") or 0.0
        self._on.setdefault(fault, []).append(
            [
                city.sky.spoof(name, drift_mps=fault.number, bearing_deg=bearing_deg)
                for name in city.drones
                if target in ("", name)
            ]
        )

    def off(self, city: City, target: str, fault: Fault) -> None:
        """Switch off what a fault switched on."""
        for signal in self._on[fault].pop(0):
            city.sky.clear(signal)


HEARD = (Heard.NOTHING, Heard.ADSB, Heard.REMOTE_ID)
INTRUDER_REACH_M = 1500.0  # it comes from so far and goes as far again


def _intruder(city: City, target: str, fault: Fault) -> None:
    """An aircraft whose way leads over the place, which it reaches in the middle of its path."""
    e_m, n_m = _place(city, fault)
    bearing = math.radians(fault.detail("bearing_deg") or 0.0)
    de_m, dn_m = INTRUDER_REACH_M * math.sin(bearing), INTRUDER_REACH_M * math.cos(bearing)
    path = ((e_m - de_m, n_m - dn_m, fault.number), (e_m + de_m, n_m + dn_m, fault.number))
    heard = HEARD[int(fault.detail("heard") or 0)]
    now_s = asyncio.get_running_loop().time()
    city.traffic.add(
        Aircraft(fault_text(fault), path, fault.detail("speed_mps") or 1.0, now_s, heard=heard, icao=0x780F00)
    )


def _intruder_gone(city: City, target: str, fault: Fault) -> None:
    city.traffic.remove(fault_text(fault))


# How each fault begins, and how it ends where it can be taken back.
DEEDS: Mapping[str, tuple[Deed, Deed] | tuple[Deed]] = {
    "wind": (_wind, _wind_as_before),
    "gust": (_gust, _gust_as_before),
    "rain": (_rain, _rain_as_before),
    "temperature": (_temperature, _temperature_as_before),
    "visibility": (_visibility, _visibility_as_before),
    "battery": (_battery,),
    "motor": (_motor,),
    "fix": (_fix, _fix_as_before),
    "link": (_link, _link_back),
    "loss": _troubled("loss", 100.0),
    "delay": _troubled("delay_s"),
    "duplicates": _troubled("doubled", 100.0),
    "jitter": _troubled("jitter_s"),
    "dock": (_dock, _dock_free),
    "pole": (_pole, _pole_back),
    "mains": (_mains, _mains_back),
    "network": (_network, _network_back),
    "cell": (_cell, _cell_back),
    "intruder": (_intruder, _intruder_gone),
}


# What faults set, if it is more than a row of their own: gusts are the wind's; and what is new each time.
SETS = {"gust": "wind", "jam": "", "spoof": "", "intruder": ""}


def acts_in(city: City) -> dict[str, Act]:
    """The acts of one city, by the name of the fault."""
    signals = _Signals()
    deeds = {**DEEDS, "jam": (signals.jam, signals.off), "spoof": (signals.spoof, signals.off)}
    return {
        name: Act(*(partial(deed, city) for deed in pair), sets=SETS.get(name, name)) for name, pair in deeds.items()
    }
