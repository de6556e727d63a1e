"""A real ArduPilot behind the face of a simulated drone: links are attached to it, and the truth is what it reports.

Clients share its first port: what it sends goes to every link, frame by frame, and what the links bring goes to it. The
second port is the supervisor's: there it asks for the messages that tell the truth, so that a client's own choice of
rates is not disturbed, and sets the wind of ArduPilot's simulator (libraries/SITL: parameters SIM_WIND_*).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Reason, Refused, Rule, Words
from sim.drone.drone import Truth
from sim.drone.modes import Mode
from sim.links import Link
from sim.serve.endpoints import LOOPBACK
from sim.serve.sitl_process import SitlProcess, Start

SUPERVISOR = (252, mavlink.MAV_COMP_ID_ONBOARD_COMPUTER)
CONNECT_EVERY_S, ASK_EVERY_S = 0.2, 1.0
CHUNK = 4096
# what tells the truth, and how often it is wanted [s]
WATCHED: dict[int, float] = {
    mavlink.MAVLINK_MSG_ID_SIMSTATE: 0.2,
    mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: 0.2,
    mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: 0.2,
    mavlink.MAVLINK_MSG_ID_SYS_STATUS: 1.0,
}
# SITL's parameters for its wind: mean [m/s], where it comes from [deg], its gusts [m/s], and how it grows with height
WIND_SPEED, WIND_FROM, WIND_GUSTS, WIND_PROFILE = "SIM_WIND_SPD", "SIM_WIND_DIR", "SIM_WIND_TURB", "SIM_WIND_T"
SAME_AT_ALL_HEIGHTS = 1.0
ON_GROUND = frozenset({mavlink.MAV_LANDED_STATE_UNDEFINED, mavlink.MAV_LANDED_STATE_ON_GROUND})

NOT_READY = Rule(
    "sitl.not-ready",
    Words(
        "ArduPilot {number} said nothing for {seconds:g} s after its start",
        "ArduPilot {number} 启动后 {seconds:g} s 内没有应答",
    ),
    Words(
        "Read its output in {log}; `beichen sim ardupilot --patience` gives it longer.",
        "请查看 {log} 中的输出；`beichen sim ardupilot --patience` 可延长等待。",
    ),
)


class SitlDrone:
    """One instance of ArduPilot as a drone; `run` starts it and lives until it is cancelled, then ends it.

    `patience_s` is how long it may take until it is heard. `run` raises `Refused` for a port that is taken, an instance
    that is never heard, and one that ends by itself.
    """

    def __init__(self, start: Start, *, patience_s: float = 60.0) -> None:
        self.system_id = start.system_id
        self.on_takeoff: list[Callable[[float, float], None]] = []
        self.on_touchdown: list[Callable[[float, float], None]] = []
        self.ready = asyncio.Event()  # a heartbeat and its version were heard
        self.version = ""
        self._start = start
        self._patience_s = patience_s
        self._process = SitlProcess(start)
        self._links: list[Link] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._to_autopilot: asyncio.StreamWriter | None = None
        self._last: dict[str, Any] = {}  # the last message of each type
        self._wanted: dict[str, float] = {}  # parameters of its simulator, and what it said of them
        self._set: dict[str, float] = {}
        self._photos = 0
        self._landed = True

    @property
    def truth(self) -> Truth:
        """Where it is by its own simulator; as at the start until that was heard."""
        home, last = self._start.home, self._last
        at, moving = last.get("SIMSTATE"), last.get("GLOBAL_POSITION_INT")
        beat, power = last.get("HEARTBEAT"), last.get("SYS_STATUS")
        return Truth(
            lat_deg=at.lat / 1e7 if at else home.lat_deg,
            lon_deg=at.lng / 1e7 if at else home.lon_deg,
            relative_m=moving.alt / 1000.0 - self._start.amsl_m if moving else 0.0,
            east_mps=moving.vy / 100.0 if moving else 0.0,
            north_mps=moving.vx / 100.0 if moving else 0.0,
            up_mps=-moving.vz / 100.0 if moving else 0.0,
            heading_deg=moving.hdg / 100.0 if moving else self._start.heading_deg,
            armed=bool(beat and beat.base_mode & mavlink.MAV_MODE_FLAG_SAFETY_ARMED),
            landed=self._landed,
            mode=_mode(beat.custom_mode) if beat else Mode.STABILIZE,
            battery=power.battery_remaining / 100.0 if power and power.battery_remaining >= 0 else 1.0,
            photos=self._photos,
        )

    def attach(self, link: Link) -> None:
        """Serve one more ground-station link, now or as soon as it runs."""
        self._links.append(link)
        if self._tasks is not None:
            self._tasks.create_task(self._listen(link))

    def feel_wind(self, speed_mps: float, from_deg: float, gust_mps: float) -> None:
        """Let its simulator have this mean wind, with gusts of this size; told again until it has taken it."""
        self._wanted = {
            WIND_PROFILE: SAME_AT_ALL_HEIGHTS,
            WIND_SPEED: speed_mps,
            WIND_FROM: from_deg,
            WIND_GUSTS: gust_mps,
        }

    async def run(self) -> None:
        """Live until cancelled."""
        try:
            await self._process.spawn()
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._process.ended())
                self._tasks.create_task(_again(self._relay))
                self._tasks.create_task(_again(self._watch))
                for link in self._links:
                    self._tasks.create_task(self._listen(link))
                self._tasks.create_task(self._be_ready())
        except* Refused as refusals:
            raise _first(refusals) from None
        finally:
            self._tasks = None
            await self._process.end()

    async def _be_ready(self) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await self.ready.wait()
        except TimeoutError:
            facts = {"number": self._start.number, "seconds": self._patience_s, "log": str(self._process.log)}
            raise Refused([Reason(NOT_READY, f"ArduPilot {self._start.number}", facts)]) from None

    # The port of the clients

    async def _relay(self) -> None:
        reader, writer = await _connected(self._start.ports[0])
        self._to_autopilot = writer
        parser = mavlink.MAVLink(None)
        parser.robust_parsing = True
        try:
            while data := await reader.read(CHUNK):
                for message in parser.parse_buffer(bytearray(data)) or ():
                    if message.get_type() != "BAD_DATA":
                        frame = bytes(message.get_msgbuf())
                        for link in self._links:
                            link.send(frame)
        finally:
            self._to_autopilot = None
            writer.close()

    async def _listen(self, link: Link) -> None:
        try:
            while True:
                data = await link.receive()
                if self._to_autopilot is not None:
                    self._to_autopilot.write(data)
        except EOFError:
            self._links.remove(link)

    # The port of the supervisor

    async def _watch(self) -> None:
        # ArduPilot's time begins with a client on its first port; the second is open by then
        reader, writer = await _connected(self._start.ports[1])
        parser, sender = mavlink.MAVLink(None), mavlink.MAVLink(None, *SUPERVISOR)
        parser.robust_parsing = True
        self._last.clear()  # what was asked for is forgotten by a restart of the autopilot
        self._set.clear()

        def send(message: Any) -> None:
            writer.write(message.pack(sender))
            sender.seq = (sender.seq + 1) % 256

        assert self._tasks is not None
        asking = self._tasks.create_task(self._ask(send))
        try:
            while data := await reader.read(CHUNK):
                for message in parser.parse_buffer(bytearray(data)) or ():
                    if message.get_srcSystem() == self.system_id:
                        self._note(message)
        finally:
            asking.cancel()
            writer.close()

    async def _ask(self, send: Callable[[Any], None]) -> None:
        """Ask for the version and the messages that tell the truth until they come, and set what is wanted."""
        while True:
            if not self.version:
                send(self._command(mavlink.MAV_CMD_REQUEST_AUTOPILOT_CAPABILITIES, 1.0))
            for message_id, every_s in WATCHED.items():
                if mavlink.mavlink_map[message_id].msgname not in self._last:
                    send(self._command(mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, message_id, every_s * 1e6))
            for name, value in self._wanted.items() if self.ready.is_set() else ():
                if self._set.get(name) != _as_sent(value):
                    send(
                        mavlink.MAVLink_param_set_message(
                            self.system_id, 1, name.encode(), value, mavlink.MAV_PARAM_TYPE_REAL32
                        )
                    )
            await asyncio.sleep(ASK_EVERY_S)

    def _command(self, command: int, *params: float) -> Any:
        values = (*params, *[0.0] * (7 - len(params)))
        return mavlink.MAVLink_command_long_message(self.system_id, 1, command, 0, *values)

    def _note(self, message: Any) -> None:
        kind = message.get_type()
        self._last[kind] = message
        if kind == "AUTOPILOT_VERSION":
            word = message.flight_sw_version
            self.version = f"{word >> 24}.{word >> 16 & 255}.{word >> 8 & 255}"
        elif kind == "PARAM_VALUE":
            self._set[message.param_id] = message.param_value
        elif kind == "CAMERA_FEEDBACK":
            self._photos += 1
        elif kind == "EXTENDED_SYS_STATE":
            self._note_landed(message.landed_state in ON_GROUND)
        if self.version and "HEARTBEAT" in self._last:
            self.ready.set()

    def _note_landed(self, landed: bool) -> None:
        if landed == self._landed:
            return
        self._landed = landed
        truth = self.truth
        for hook in self.on_touchdown if landed else self.on_takeoff:
            hook(truth.lat_deg, truth.lon_deg)


async def _again(connection: Callable[[], Awaitable[None]]) -> None:
    """Make a connection anew each time it ends: a restart of the autopilot closes its ports for a second.

    One that is reset is no more than that: why the autopilot ended, its process tells.
    """
    while True:
        with contextlib.suppress(ConnectionError):
            await connection()
        await asyncio.sleep(CONNECT_EVERY_S)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a port, tried again until somebody listens there."""
    while True:
        try:
            return await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(CONNECT_EVERY_S)


def _as_sent(value: float) -> float:
    """A parameter's value as it comes back: a float of 32 bits."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _mode(custom_mode: int) -> Mode:
    return Mode(custom_mode) if custom_mode in Mode._value2member_map_ else Mode.STABILIZE


def _first(group: BaseExceptionGroup[Refused]) -> Refused:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Refused)
    return error
