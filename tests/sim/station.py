"""A plain ground station for tests: sends messages over a link and keeps what comes back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from controller.clock import Clock
from sim.drone import SimDrone
from sim.drone.items import StoredItem
from sim.links import Link, memory_link
from sim.wind import Wind


class Station:
    """One ground station; `heard` holds every message with the loop second of its arrival."""

    def __init__(self, link: Link, *, system_id: int = 255, heartbeat: bool = True) -> None:
        self.link = link
        self.heard: list[tuple[float, Any]] = []
        self.raw: list[bytes] = []
        self.beating = heartbeat
        self._mav = mavlink.MAVLink(None, srcSystem=system_id, srcComponent=190)
        self._reader = mavlink.MAVLink(None)
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Station:
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            data = await self.link.receive()
            self.raw.append(data)
            now = asyncio.get_running_loop().time()
            for message in self._reader.parse_buffer(bytearray(data)) or ():
                self.heard.append((now, message))
            self._news.set()

    async def _beat(self) -> None:
        while True:
            if self.beating:
                self.send(mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3))
            await asyncio.sleep(1.0)

    def send(self, message: Any) -> None:
        self.link.send(message.pack(self._mav))
        self._mav.seq = (self._mav.seq + 1) % 256

    def of(self, kind: str, since_s: float = 0.0) -> list[Any]:
        return [m for t, m in self.heard if m.get_type() == kind and t >= since_s]

    def times(self, kind: str) -> list[float]:
        return [t for t, m in self.heard if m.get_type() == kind]

    def texts(self) -> list[str]:
        return [m.text for m in self.of("STATUSTEXT")]

    async def until(self, condition: Callable[[], Any], within_s: float = 10.0) -> Any:
        async with asyncio.timeout(within_s):
            while not (result := condition()):
                self._news.clear()
                await self._news.wait()
        return result

    async def answer(self, kind: str, message: Any, within_s: float = 3.0, **fields: Any) -> Any:
        """Send a message and wait for the next one of a kind with the fields as given."""
        place = len(self.heard)
        self.send(message)

        def found() -> Any:
            for _, m in self.heard[place:]:
                if m.get_type() == kind and all(getattr(m, k) == v for k, v in fields.items()):
                    return m
            return None

        return await self.until(found, within_s)

    async def command(self, command: int, *p: float, as_int: bool = False, frame: int = 3, system_id: int = 1) -> int:
        """Send a command; the MAV_RESULT of its acknowledgement."""
        p1, p2, p3, p4, p5, p6, p7 = (*p, *[0.0] * (7 - len(p)))
        message: Any
        if as_int:
            message = mavlink.MAVLink_command_int_message(
                system_id, 1, frame, command, 0, 0, p1, p2, p3, p4, round(p5 * 1e7), round(p6 * 1e7), p7
            )
        else:
            message = mavlink.MAVLink_command_long_message(system_id, 1, command, 0, p1, p2, p3, p4, p5, p6, p7)
        return int((await self.answer("COMMAND_ACK", message, command=command)).result)

    async def upload(self, items: Sequence[StoredItem], kind: int = 0) -> int:
        """Upload a list by the book; the MAV_MISSION_RESULT of the acknowledgement."""
        place = len(self.heard)

        def asked() -> Any:
            nonlocal place
            while place < len(self.heard):
                message = self.heard[place][1]
                place += 1
                if message.get_type() in ("MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ACK"):
                    return message
            return None

        self.send(mavlink.MAVLink_mission_count_message(1, 1, len(items), kind))
        while True:
            m = await self.until(asked, 15.0)
            if m.get_type() == "MISSION_ACK":
                return int(m.type)
            self.send(item_message(items[m.seq], m.seq, kind))

    async def download(self, kind: int = 0) -> list[Any]:
        """Read a list back as MISSION_ITEM_INT messages."""
        count = await self.answer("MISSION_COUNT", mavlink.MAVLink_mission_request_list_message(1, 1, kind))
        return [
            await self.answer("MISSION_ITEM_INT", mavlink.MAVLink_mission_request_int_message(1, 1, seq, kind), seq=seq)
            for seq in range(count.count)
        ]

    async def set_parameter(self, name: str, value: float) -> float:
        message = mavlink.MAVLink_param_set_message(1, 1, name.encode(), value, 9)
        return float((await self.answer("PARAM_VALUE", message, param_id=name)).param_value)


def item_message(item: StoredItem, seq: int, kind: int = 0) -> Any:
    return mavlink.MAVLink_mission_item_int_message(
        1, 1, seq, item.frame, item.command, 0, item.autocontinue, item.param1, item.param2, item.param3, item.param4,
        item.x, item.y, item.z, kind,
    )  # fmt: skip


HOME_LAT_DEG, HOME_LON_DEG, HOME_AMSL_M = 34.7466, 113.6253, 100.0
_FRAME = LocalFrame(LatLon(HOME_LAT_DEG, HOME_LON_DEG))


def place(east_m: float, north_m: float) -> tuple[int, int]:
    """Latitude and longitude [deg 1e7] of a point east and north of home."""
    at = _FRAME.latlon(east_m, north_m)
    return round(at.lat_deg * 1e7), round(at.lon_deg * 1e7)


def waypoint(east_m: float, north_m: float, relative_m: float, *, command: int = 16, param1: float = 0.0) -> StoredItem:
    x, y = place(east_m, north_m)
    return StoredItem(command, 3, param1, x=x, y=y, z=relative_m)


HOME = StoredItem(16)
TAKEOFF_20 = StoredItem(22, 3, z=20.0)
RTL = StoredItem(20)


@asynccontextmanager
async def stage(
    clock: Clock, *, warm: bool = True, seed: int = 1, wind: Wind | None = None, loss: float = 0.0, **drone: Any
) -> AsyncIterator[tuple[SimDrone, Station]]:
    """A running drone and a ground station that has been talking to it for a second."""
    rng = random.Random(seed)
    near, far = memory_link(rng=rng, loss=loss)
    sim = SimDrone(
        lat_deg=HOME_LAT_DEG,
        lon_deg=HOME_LON_DEG,
        datum_amsl_m=HOME_AMSL_M,
        rng=rng,
        wind=wind or Wind(rng=random.Random(seed + 1)),
        utc_s=clock.utc_s,
        warm=warm,
        **drone,
    )
    sim.attach(near)
    running = asyncio.create_task(sim.run())
    try:
        async with Station(far) as station:
            await asyncio.sleep(1.05)
            yield sim, station
    finally:
        died = running.exception() if running.done() else None
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if died is not None:
            raise died


async def airborne(sim: SimDrone, station: Station, height_m: float = 20.0) -> None:
    """Arm in GUIDED and climb."""
    assert await station.command(176, 1, 4) == 0
    assert await station.command(400, 1) == 0
    assert await station.command(22, 0, 0, 0, 0, 0, 0, height_m) == 0
    await when(lambda: sim.truth.relative_m > height_m - 0.3)


async def when(condition: Callable[[], bool], within_s: float = 300.0) -> None:
    """Wait, looking five times a second, until something is so in the simulated world."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 the truth of a drone tells nobody when it changes
            await asyncio.sleep(0.2)


async def flown(sim: SimDrone, station: Station, items: Sequence[StoredItem], within_s: float = 900.0) -> None:
    """Upload, arm in GUIDED, start in AUTO, and wait until it has disarmed itself."""
    await begun(station, items)
    await when(lambda: not sim.truth.armed, within_s)
    await asyncio.sleep(1.0)


async def begun(station: Station, items: Sequence[StoredItem]) -> None:
    """Upload, arm in GUIDED and start in AUTO."""
    assert await station.upload(items) == 0
    assert await station.command(176, 1, 4) == 0
    assert await station.command(400, 1) == 0
    assert await station.command(176, 1, 3) == 0
    assert await station.command(300) == 0
