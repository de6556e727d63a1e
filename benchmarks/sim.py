"""How fast the simulator runs, in CPU seconds of one core (the last row: wall time): `python -m benchmarks.sim`."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from benchmarks.rows import Row, json_file, tell
from controller.clock import Clock, cpu_s, run, virtual_tempo, wall_s
from controller.district import District
from sim.city_file import CityDrone, CityPole
from sim.drone import SimDrone
from sim.drone.framing import Framing
from sim.drone.items import MISSION, StoredItem
from sim.drone.modes import Mode
from sim.drone.streams import ALL
from sim.drone.telemetry import Telemetry
from sim.flight.flock import Flock
from sim.generated_city import city_of
from sim.gnss.sky import Sky
from sim.wind import Wind
from sim.world.assembly import World, WorldSetup, controlled
from sim.world.days.day import DayMission, mission_of
from sim.world.days.exploring import DayKind, explore, live_in_memory
from sim.world.days.random_day import random_day

# ArduCopter 4.7-dev in its own simulator, AUTO on a 200 m square with all streams at 4 Hz: 24 to 27, one core busy.
SITL = "ArduCopter SITL, stated figure"
SITL_S_PER_CPU_S = 25.5
WIND_MPS, GUST_MPS = 4.0, 0.8
HOME = LatLon(34.7466, 113.6253)
STREAM_HZ = 4
ALONE_S, MANY_S = 300.0, 20.0
MANY = 1000
CITY_DRONES, CITY_POLES, CITY_FLYING = 100, 2000, 10
CITY_REPORT_EVERY_S, CITY_HEARTBEAT_EVERY_S = 15.0, 20.0  # gates want weather of the last 20 s
DAYS, TOGETHER, JOBS = 5, 24, 2
ENCODED = 20_000


class Sink:
    """A ground station that asks for all streams and counts what comes; a link as the drones know it."""

    def __init__(self) -> None:
        station = mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
        self._asks = [mavlink.MAVLink_request_data_stream_message(0, 0, 0, STREAM_HZ, 1).pack(station)]
        self.frames = 0
        self.bytes = 0

    def send(self, data: bytes) -> None:
        """Count a chunk."""
        self.frames += 1
        self.bytes += len(data)

    async def receive(self) -> bytes:
        """Ask once, then say nothing."""
        if not self._asks:
            await asyncio.get_running_loop().create_future()
        return self._asks.pop()

    def close(self) -> None:
        """There is nothing to close."""


def patrol(frame: LocalFrame, east_m: float, north_m: float) -> list[StoredItem]:
    """A mission of legs up and down between two streets, hours long."""
    items = [StoredItem(16), StoredItem(22, 3, z=30.0)]
    for number in range(600):
        at = frame.latlon(east_m + (number // 2 % 2) * 150.0, north_m + ((number + 1) // 2 % 2) * 200.0)
        items.append(StoredItem(16, 3, x=round(at.lat_deg * 1e7), y=round(at.lon_deg * 1e7), z=30.0))
    return items


def send_off(drone: SimDrone, items: list[StoredItem]) -> None:
    """Give a drone its mission and let it take off."""
    autopilot = drone.autopilot
    autopilot.lists.mission[:] = items
    autopilot.list_changed(MISSION)
    if not (autopilot.set_mode(Mode.GUIDED) and autopilot.arm() and autopilot.set_mode(Mode.AUTO)):
        raise RuntimeError(f"drone {drone.system_id} does not arm")
    autopilot.start_mission()


async def patrols(clock: Clock, count: int, for_s: float) -> tuple[float, int]:
    """CPU seconds that so many drones on patrol take for so many seconds, and the frames that they sent."""
    rng = random.Random(1)
    wind, frame, flock = Wind(rng=rng, gust_mps=GUST_MPS), LocalFrame(HOME), Flock()
    wind.set_mean(WIND_MPS, 70.0)
    sky = Sky(frame, utc_s=clock.utc_s, datum_ellipsoidal_m=100.0)  # one for all, as in a world
    sinks, drones = [Sink() for _ in range(count)], []
    for number, sink in enumerate(sinks):
        east_m, north_m = number % 32 * 20.0, number // 32 * 20.0
        at = frame.latlon(east_m, north_m)
        drone = SimDrone(
            lat_deg=at.lat_deg, lon_deg=at.lon_deg, datum_amsl_m=100.0, frame=frame, system_id=number % 250 + 1,
            rng=random.Random(number), wind=wind, utc_s=clock.utc_s, warm=True, flock=flock, sky=sky,
        )  # fmt: skip
        drone.attach(sink)
        drones.append((drone, patrol(frame, east_m, north_m)))
    tasks = [asyncio.create_task(drone.run()) for drone, _ in drones]
    await asyncio.sleep(2.0)
    for drone, items in drones:
        send_off(drone, items)
    await asyncio.sleep(15.0)
    if not all(drone.autopilot.flying for drone, _ in drones):
        raise RuntimeError("not all drones fly")
    sent_before, began_s = sum(sink.frames for sink in sinks), cpu_s()
    await asyncio.sleep(for_s)
    used_s = cpu_s() - began_s
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return used_s, sum(sink.frames for sink in sinks) - sent_before


def drones_on_patrol(count: int, for_s: float, goal: float) -> Iterator[Row]:
    """Simulated seconds per CPU second with so many drones, beside ArduCopter's own simulator per vehicle."""
    used_s, frames = run(lambda clock: patrols(clock, count, for_s), virtual_tempo())
    a_second = frames / count / for_s
    name = f"{count:,} drones" if count > 1 else "one drone"
    yield Row(
        name=f"{name} on a mission, {a_second:.0f} messages a second each",
        value=for_s / used_s, unit="s/CPU s", goal=goal, better="higher",
    )  # fmt: skip
    yield Row(
        name=f"{name}: vehicle-seconds per CPU second", value=count * for_s / used_s, unit="1/CPU s", peer=SITL,
        peer_value=SITL_S_PER_CPU_S, ratio=count * for_s / used_s / SITL_S_PER_CPU_S, better="higher",
    )  # fmt: skip


def encoding() -> Iterator[Row]:
    """Encoding a drone's 27 messages, beside pymavlink making and packing the same ones."""
    drone = SimDrone(
        lat_deg=HOME.lat_deg, lon_deg=HOME.lon_deg, datum_amsl_m=100.0, rng=random.Random(1),
        wind=Wind(rng=random.Random(1)), utc_s=lambda: 1e9, warm=True,
    )  # fmt: skip
    telemetry = Telemetry(drone.autopilot, lambda: 1e9)
    builds = [telemetry.builders[message_id] for message_id in ALL]
    framing, reader, theirs = Framing(1, 1), mavlink.MAVLink(None), mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
    frames = [framing.frame(message) for build in builds if (message := build()) is not None]
    messages = [reader.decode(bytearray(frame or b"")) for frame in frames]
    made = [(type(m), [getattr(m, name) for name in m.fieldnames]) for m in messages]
    rounds = ENCODED // len(builds)
    began_s = cpu_s()
    for number in range(rounds):
        drone.autopilot.now_s = number / STREAM_HZ  # another instant, so that nothing is known of it
        for build in builds:
            message = build()
            if message is not None:
                framing.frame(message)
    ours_us = (cpu_s() - began_s) / rounds / len(frames) * 1e6
    began_s = cpu_s()
    for _ in range(rounds):
        for kind, values in made:
            kind(*values).pack(theirs)
    theirs_us = (cpu_s() - began_s) / rounds / len(made) * 1e6
    yield Row(
        name="one telemetry message: its values, its frame", value=ours_us, unit="µs", goal=4.0,
        peer="pymavlink, the frame alone", peer_value=theirs_us, ratio=theirs_us / ours_us,
    )  # fmt: skip


def corridor(frame: LocalFrame, drone: CityDrone, docks: list[CityPole]) -> DayMission:
    """A flight of some ten minutes up and down around a drone's own dock, where it lands again."""
    home = LatLon(drone.lat_deg, drone.lon_deg)
    e, n = frame.xy(home)
    dock = min(docks, key=lambda pole: home.distance_m(LatLon(pole.lat_deg, pole.lon_deg)))
    ends_m = [(row * 40.0 - 100.0, side * 80.0 if row % 2 else -side * 80.0) for row in range(6) for side in (-1, 1)]
    places = [frame.latlon(e + east_m, n + north_m) for east_m, north_m in ends_m]
    line = tuple((at.lat_deg, at.lon_deg) for at in places)
    return DayMission(
        name=f"around-{drone.id}", drone=drone.id, at_s=0.0, line=line, height_agl_m=45.0, speed_mps=3.0,
        docks=(dock.code,),
    )  # fmt: skip


async def whole_city(clock: Clock, folder: Path) -> tuple[float, float, int, int]:
    """Virtual and CPU seconds from the first request to the last landing, how many flew, and entries stored."""
    made = city_of(1, CITY_DRONES, CITY_POLES)
    city = msgspec.structs.replace(
        made.file, report_every_s=CITY_REPORT_EVERY_S, heartbeat_every_s=CITY_HEARTBEAT_EVERY_S
    )
    frame = LocalFrame(LatLon(city.origin.lat_deg, city.origin.lon_deg))
    docks = [pole for pole in city.poles if "dock" in pole.services]
    world = World(WorldSetup(city, folder, folder / "runs", extra_zones=made.zones), clock)

    async def work(district: District) -> tuple[float, float, int, int]:
        await asyncio.sleep(60.0)
        entries, began_s, began_cpu_s = _entries(world), clock.monotonic_s(), cpu_s()
        async with asyncio.TaskGroup() as group:
            for drone in city.drones[:CITY_FLYING]:
                mission = mission_of(corridor(frame, drone, docks))
                group.create_task(world.fly_unreported(district, mission, drone.id))
        flown = sum(flight.completed for flight in district.state.flights.values())
        return clock.monotonic_s() - began_s, cpu_s() - began_cpu_s, flown, _entries(world) - entries

    return await controlled(world, work)


def _entries(world: World) -> int:
    return 0 if world.gateway is None else world.gateway.statistics().get("entries", 0)


def city() -> Iterator[Row]:
    """A whole city with its controller, while some of its drones fly a mission."""
    with tempfile.TemporaryDirectory() as folder:
        lasted_s, used_s, flown, entries = run(lambda clock: whole_city(clock, Path(folder)), virtual_tempo())
    yield Row(
        name=f"city: {CITY_DRONES} drones ({flown} fly, the others stand without a link), {CITY_POLES:,} poles "
        f"({entries / lasted_s:.0f} entries a second), controller without its written reports",
        value=lasted_s / used_s, unit="s/CPU s", goal=20.0, better="higher",
    )  # fmt: skip


def explored() -> Iterator[Row]:
    """Random 30-minute days of 5 drones and 50 poles, with the controller and every invariant watched."""
    began_s = cpu_s()
    for seed in range(1, DAYS + 1):
        live_in_memory(random_day(seed))
    used_s = (cpu_s() - began_s) / DAYS
    yield Row(name=f"a random day explored, mean of {DAYS}", value=used_s, unit="CPU s", goal=3.6)
    began_s = wall_s()
    lived = len(list(explore(range(1, TOGETHER + 1), DayKind(), JOBS)))
    yield Row(
        name=f"random days in 30 minutes, {JOBS} processes, from the wall time of {lived}",
        value=lived * 1800.0 / (wall_s() - began_s), unit="days", goal=1000.0, better="higher",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """All figures of the simulator."""
    yield from encoding()
    yield from drones_on_patrol(1, ALONE_S, 500.0)
    yield from drones_on_patrol(MANY, MANY_S, 1.0)
    yield from city()
    yield from explored()


if __name__ == "__main__":
    tell(rows(), json_file())
