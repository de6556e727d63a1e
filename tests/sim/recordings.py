"""Flights of a real ArduCopter (`shared/data/ardupilot`), and the same flights by the simulated one."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock, run, virtual_tempo
from sim.drone import SimDrone
from sim.drone.airframe import Airframe
from sim.drone.items import StoredItem
from tests.sim.station import HOME, RTL, Station, begun, place, stage, waypoint, when

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "ardupilot"

# What the recorded autopilot flew: 3 kg on four 10 inch propellers, hovering at 27.7 A and 12.6 V. In still air it
# leans 29.7 degrees at 10 m/s, and 45 at 15.08 m/s by its simulator's own table: hence the two parts of its drag.
RECORDED_AIRFRAME = Airframe(
    mass_kg=3.0,
    drag_area_m2=0.0877,
    rotor_drag_per_s=0.38,
    vertical_drag_ratio=1.0,
    figure_of_merit=0.65,
    disk_area_m2=0.203,
    avionics_w=0.0,
    battery_wh=100.0,
    cells=3,
    cell_resistance_ohm=0.0,
    max_thrust_ratio=2.4,
)


class RecordedWind:
    """8 m/s from 300 degrees at 60 m, with the square root of the height below, as the recorded simulator blew."""

    def at(self, xy_m: tuple[float, float], height_m: float, t_s: float, /) -> tuple[float, float, float]:
        speed = 8.0 * math.sqrt(min(max(height_m, 0.0), 60.0) / 60.0)
        return speed * math.sin(math.radians(120.0)), speed * math.cos(math.radians(120.0)), 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment since arming [s]: place [m east, north, above home], velocity [m/s], lean [deg], charge used [mAh]."""

    t_s: float
    e: float
    n: float
    h: float
    ve: float
    vn: float
    vu: float
    lean_deg: float
    used_mah: float

    @property
    def speed_mps(self) -> float:
        return math.hypot(self.ve, self.vn)


@dataclass(slots=True)
class Flown:
    """One flight: when items were reached, the ground was, and the motors stopped [s since arming], and the track."""

    reached_s: dict[int, float] = field(default_factory=dict)
    ground_s: float = 0.0
    disarmed_s: float = 0.0
    track: list[Sample] = field(default_factory=list)

    def between(self, begin_s: float, end_s: float) -> list[Sample]:
        return [s for s in self.track if begin_s <= s.t_s <= end_s]

    def leg(self, seq: int) -> list[Sample]:
        return self.between(self.reached_s.get(seq - 1, 0.0), self.reached_s[seq])

    def miss_m(self, e: float, n: float) -> float:
        return min(math.hypot(s.e - e, s.n - n) for s in self.track)

    def note(self, t_s: float, message: Any) -> None:
        if message.get_type() == "MISSION_ITEM_REACHED":
            self.reached_s[message.seq] = t_s
        elif message.get_type() == "STATUSTEXT" and message.text.startswith("SIM Hit"):
            self.ground_s = t_s
        elif message.get_type() == "STATUSTEXT" and message.text == "Disarming motors":
            self.disarmed_s = t_s


def recorded(name: str) -> Flown:
    """A .tlog is a time stamp of 8 bytes and a frame, again and again; the boot time inside the frames is used."""
    data = (FOLDER / f"{name}.tlog").read_bytes()
    parser = mavlink.MAVLink(None)
    flown, armed_s, boot_s, frame = Flown(), None, 0.0, None
    lean_deg = used_mah = 0.0
    at = 0
    while at + 20 < len(data):
        at += 8
        size = data[at + 1] + (12 if data[at] == 0xFD else 8)
        message: Any = parser.decode(bytearray(data[at : at + size]))
        at += size
        match message.get_type():
            case "GLOBAL_POSITION_INT":
                boot_s = message.time_boot_ms / 1000.0
                if armed_s is not None and frame is not None:
                    e, n = frame.xy(LatLon(message.lat / 1e7, message.lon / 1e7))
                    ve, vn, vu = message.vy / 100.0, message.vx / 100.0, -message.vz / 100.0
                    h = message.relative_alt / 1000.0
                    flown.track.append(Sample(boot_s - armed_s, e, n, h, ve, vn, vu, lean_deg, used_mah))
            case "ATTITUDE":
                lean_deg = math.degrees(math.acos(math.cos(message.roll) * math.cos(message.pitch)))
            case "BATTERY_STATUS":
                used_mah = message.current_consumed
            case "HOME_POSITION":
                frame = LocalFrame(LatLon(message.latitude / 1e7, message.longitude / 1e7))
            case "STATUSTEXT" if message.text == "Arming motors":
                armed_s = boot_s
        if armed_s is not None:
            flown.note(boot_s - armed_s, message)
    return flown


def _three_cells(sim: SimDrone) -> None:
    sim.set_parameter("BATT_LOW_VOLT", 10.5)
    sim.set_parameter("BATT_CRT_VOLT", 0.0)


async def _watch(sim: SimDrone, clock: Clock, armed_s: float, flown: Flown) -> None:
    while True:
        body = sim.autopilot.body
        lean_deg = math.degrees(math.acos(min(body.tu, 1.0)))
        used_mah = sim.autopilot.battery.consumed_ah * 1000.0
        t_s = clock.monotonic_s() - armed_s
        flown.track.append(Sample(t_s, body.e, body.n, body.u, body.ve, body.vn, body.vu, lean_deg, used_mah))
        await asyncio.sleep(0.25)


async def _flight(sim: SimDrone, station: Station, clock: Clock) -> Flown:
    """Watch a flight that has just begun to its end."""
    flown = Flown()
    armed_s = next(t for t, m in station.heard if m.get_type() == "STATUSTEXT" and m.text == "Arming motors")
    watching = asyncio.create_task(_watch(sim, clock, armed_s, flown))
    await when(lambda: not sim.truth.armed)
    watching.cancel()
    await asyncio.sleep(0.5)
    for t_s, message in station.heard:
        flown.note(t_s - armed_s, message)
    return flown


def square(*, windy: bool) -> Flown:
    """The square of the recordings, flown by the simulated drone."""
    items = [
        HOME,
        StoredItem(22, 3, z=40.0),
        waypoint(0, 200, 40),
        waypoint(200, 200, 40),
        waypoint(200, 0, 60),
        waypoint(0, 0, 40, param1=5.0),
        RTL,
    ]

    async def main(clock: Clock) -> Flown:
        air: dict[str, Any] = {"wind": RecordedWind()} if windy else {}
        async with stage(clock, airframe=RECORDED_AIRFRAME, **air) as (sim, station):
            _three_cells(sim)
            await begun(station, items)
            return await _flight(sim, station, clock)

    return run(main, virtual_tempo())


def guided_and_land() -> Flown:
    """The guided flight of the recording: up to 25 m, two places in turn, down; orders come when they came there."""

    async def main(clock: Clock) -> Flown:
        async with stage(clock, airframe=RECORDED_AIRFRAME) as (sim, station):
            _three_cells(sim)
            assert await station.command(176, 1, 4) == 0
            assert await station.command(400, 1) == 0
            assert await station.command(22, 0, 0, 0, 0, 0, 0, 25.0) == 0
            flight = asyncio.create_task(_flight(sim, station, clock))
            await asyncio.sleep(15.4)
            for e, n, h, wait_s in ((30, 80, 30, 12.35), (-60, 80, 20, 13.75)):
                x, y = place(e, n)
                station.send(
                    mavlink.MAVLink_set_position_target_global_int_message(
                        0, 1, 1, 6, 0b110111111000, x, y, h, 0, 0, 0, 0, 0, 0, 0, 0
                    )
                )
                await asyncio.sleep(wait_s)
            assert await station.command(176, 1, 9) == 0
            return await flight

    return run(main, virtual_tempo())
