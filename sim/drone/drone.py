"""One simulated drone: an autopilot, its links, and the task that moves it on by the loop's time.

The loop's clock is the only one: at each wake-up the autopilot catches up with it in steps. The drone wakes for the
next message that is due, at least ten times a second while it is armed and once a second otherwise.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from sim.drone.airframe import Airframe
from sim.drone.autopilot import Autopilot
from sim.drone.camera import Photo
from sim.drone.commands import CommandService
from sim.drone.guided import GuidedService
from sim.drone.mission_transfer import MissionTransfer
from sim.drone.modes import Mode
from sim.drone.parameters import ParameterService
from sim.drone.progress import Progress
from sim.drone.streams import StreamService
from sim.drone.telemetry import Telemetry
from sim.drone.uplink import Uplink
from sim.links import Link
from sim.wind import Wind

STEP_S = 0.02
ACTIVE_S, IDLE_S = 0.1, 1.0
VERSION_TEXTS = ("ArduCopter V4.7.0-dev (2f74ba84)", "Frame: QUAD/PLUS")


@dataclass(frozen=True, slots=True)
class Truth:
    """Where the drone really is and what it does; for tests and the simulated world, never for a controller."""

    lat_deg: float
    lon_deg: float
    relative_m: float  # above the take-off ground
    east_mps: float
    north_mps: float
    up_mps: float
    heading_deg: float
    armed: bool
    landed: bool
    mode: Mode
    battery: float  # share of the charge that is left
    photos: int


class SimDrone:
    """An ArduCopter as MAVLink shows it, with a camera.

    Positions are CGCS2000 degrees, `amsl_m` is the height of the ground at the start above sea level; the ground is
    level. `boot_delay_s` passes before the autopilot is powered; a `warm` one has been on for so long that it is ready
    to arm. `step_s` is the length of a physics step.

    Not there: terrain (TERRAIN_REQUEST is never sent), Open Drone ID, an effect of RTCM, turning towards an ROI,
    a pilot's sticks, SmartRTL's own way back (it flies RTL).
    """

    def __init__(
        self,
        *,
        lat_deg: float,
        lon_deg: float,
        amsl_m: float,
        heading_deg: float = 0.0,
        system_id: int = 1,
        airframe: Airframe | None = None,
        rng: random.Random,
        wind: Wind,
        utc_s: Callable[[], float],
        boot_delay_s: float = 0.0,
        warm: bool = False,
        step_s: float = STEP_S,
    ) -> None:
        self.system_id = system_id
        self.autopilot = Autopilot(
            start=LatLon(lat_deg, lon_deg),
            amsl_m=amsl_m,
            heading_deg=heading_deg,
            system_id=system_id,
            airframe=airframe or Airframe(),
            rng=rng,
            wind=wind,
            warm=warm,
        )
        self._progress = Progress(self.autopilot, step_s)
        self._boot_delay_s = boot_delay_s
        self._uplinks: list[Uplink] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._boot_s = 0.0
        self._started = False
        self._wake = asyncio.Event()
        self._boot(utc_s)
        self.set_fix(6)

    def _boot(self, utc_s: Callable[[], float]) -> None:
        """Wire the services to the autopilot."""
        autopilot = self.autopilot
        autopilot.say = self._say
        autopilot.home_changed = self._home_changed
        autopilot.mode_changed = self._mode_changed
        autopilot.parameters.changed = self._parameter_changed
        self._telemetry = Telemetry(autopilot, utc_s)
        self._streams = StreamService(self._telemetry, autopilot.parameters, lambda: autopilot.now_s, self._say)
        self._parameters = ParameterService(autopilot.parameters, self._greet)
        self._commands = CommandService(autopilot, self._streams, self._reboot)
        self._guided = GuidedService(autopilot)
        self._transfer = MissionTransfer(
            autopilot.lists,
            now_s=lambda: autopilot.now_s,
            home=autopilot.home_item,
            say=self._say,
            changed=autopilot.list_changed,
            select=lambda seq: autopilot.runner.select(seq),
        )

    # For tests and the simulated world

    @property
    def truth(self) -> Truth:
        """Where the drone really is now."""
        autopilot = self.autopilot
        self._catch_up()
        body = autopilot.body
        at = autopilot.frame.latlon(body.e, body.n)
        return Truth(
            at.lat_deg,
            at.lon_deg,
            body.u,
            body.ve,
            body.vn,
            body.vu,
            body.heading_deg,
            autopilot.armed,
            not autopilot.flying and not autopilot.falling,
            autopilot.mode,
            autopilot.battery.remaining,
            autopilot.camera.taken,
        )

    @property
    def on_touchdown(self) -> list[Callable[[float, float], None]]:
        """Called with latitude and longitude [deg] when the ground is reached."""
        return self.autopilot.on_touchdown

    @property
    def on_takeoff(self) -> list[Callable[[float, float], None]]:
        """Called with latitude and longitude [deg] when the ground is left."""
        return self.autopilot.on_takeoff

    def set_fix(self, fix_type: int) -> None:
        """Change the satellite fix: GPS_FIX_TYPE, 6 RTK fixed, 5 RTK float, 3 plain, 1 none."""
        self.autopilot.receiver.set_fix(fix_type)

    def set_battery(self, remaining_fraction: float) -> None:
        """Make the battery as full as asked, 0 to 1."""
        self.autopilot.battery.set_remaining(remaining_fraction)

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter as if it had been set before the flight; `KeyError` when there is none of that name."""
        self.autopilot.parameters.put(name, value)

    # Running

    def attach(self, link: Link) -> None:
        """Serve one more ground-station link, now or as soon as the drone runs."""
        uplink = Uplink(link, self.system_id)
        self._uplinks.append(uplink)
        if self._started:
            self._streams.add(uplink)
        if self._tasks is not None:
            self._tasks.create_task(self._listen(uplink))

    async def run(self) -> None:
        """Live until cancelled."""
        if self._boot_delay_s > 0.0:
            await asyncio.sleep(self._boot_delay_s)
        self._boot_s = self.autopilot.boot_s = asyncio.get_running_loop().time()
        self._started = True
        for uplink in self._uplinks:
            self._streams.add(uplink)
        async with asyncio.TaskGroup() as self._tasks:
            for uplink in self._uplinks:
                self._tasks.create_task(self._listen(uplink))
            await self._live()

    async def _live(self) -> None:
        autopilot = self.autopilot
        while True:
            before = autopilot.now_s
            self._catch_up()
            self._parameters.step(autopilot.now_s - before)
            self._transfer.step()
            self._report()
            self._streams.step()
            active = autopilot.armed or autopilot.falling or self._parameters.busy or self._transfer.busy
            until = min(self._streams.next_s(), autopilot.now_s + (ACTIVE_S if active else IDLE_S))
            self._wake.clear()
            pause = max(until - (asyncio.get_running_loop().time() - self._boot_s), 0.001)
            timer = asyncio.get_running_loop().call_later(pause, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()

    def _catch_up(self) -> None:
        if self._started:
            self._progress.advance(asyncio.get_running_loop().time() - self._boot_s)

    async def _listen(self, uplink: Uplink) -> None:
        try:
            while True:
                for message, frame in await uplink.receive():
                    self._hear(uplink, message, frame)
        except EOFError:
            self._streams.remove(uplink)
            self._uplinks.remove(uplink)
            uplink.closed = True

    def _hear(self, uplink: Uplink, message: Any, frame: bytes) -> None:
        """Forward what is not only for us, and deal with what is for us or for all."""
        target = getattr(message, "target_system", 0)
        source = message.get_srcSystem()
        if source == self.system_id:
            return
        if target != self.system_id:
            for other in self._uplinks:
                if other is not uplink:
                    other.forward(frame)
            if target != 0:
                return
        self._catch_up()
        match message.get_type():
            case "HEARTBEAT":
                if source == self.autopilot.parameters["MAV_GCS_SYSID"]:
                    self.autopilot.failsafe.gcs_heartbeat()
            case "TIMESYNC":
                if message.tc1 == 0:
                    now = round(self.autopilot.now_s * 1e9)
                    uplink.send(mavlink.MAVLink_timesync_message(now, message.ts1))
            case "REQUEST_DATA_STREAM":
                self._streams.request(uplink, message.req_stream_id, message.req_message_rate, bool(message.start_stop))
            case "SET_MODE":
                if message.base_mode & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
                    self._commands.set_mode(message.custom_mode)
            case _:
                (
                    self._transfer.handle(uplink, message)
                    or self._commands.handle(uplink, message)
                    or self._parameters.handle(uplink, message)
                    or self._guided.handle(message)
                )
        self._wake.set()

    def _report(self) -> None:
        """Send the events that happened since the last wake-up."""
        autopilot = self.autopilot
        if autopilot.runner.reached is not None:
            self._broadcast(mavlink.MAVLink_mission_item_reached_message(autopilot.runner.reached))
            autopilot.runner.reached = None
        while autopilot.camera.photos:
            self._broadcast(self._feedback(autopilot.camera.photos.popleft()))

    def _feedback(self, photo: Photo) -> Any:
        autopilot = self.autopilot
        e, n, u = photo.place
        at = autopilot.frame.latlon(e, n)
        return mavlink.MAVLink_camera_feedback_message(
            round(photo.at_s * 1e6), 0, 0, photo.number, round(at.lat_deg * 1e7), round(at.lon_deg * 1e7),
            u + autopilot.ground_amsl_m, u - autopilot.home_up_m, photo.roll_deg, photo.pitch_deg, photo.yaw_deg,
            0.0, mavlink.CAMERA_FEEDBACK_PHOTO, photo.number,
        )  # fmt: skip

    def _broadcast(self, message: Any) -> None:
        for uplink in self._uplinks:
            if uplink.spoken:
                uplink.send(message)

    def _say(self, severity: int, text: str) -> None:
        for uplink in self._uplinks:
            uplink.text(severity, text)

    def _home_changed(self) -> None:
        for message in (self._telemetry.gps_global_origin(), self._telemetry.home_position()):
            if message is not None:
                for uplink in self._uplinks:
                    uplink.send(message)

    def _mode_changed(self) -> None:
        # a recorded ArduCopter sends a heartbeat within a millisecond of each change of mode
        for uplink in self._uplinks:
            uplink.send(self._telemetry.heartbeat())

    def _parameter_changed(self, name: str) -> None:
        self.autopilot.settings_changed(name)
        self._broadcast(self._parameters.value(name))

    def _greet(self, uplink: Uplink) -> None:
        for text in VERSION_TEXTS:
            uplink.text(mavlink.MAV_SEVERITY_INFO, text)

    def _reboot(self) -> None:
        """Start anew in a moment; lists and parameters survive."""
        asyncio.get_running_loop().call_later(0.1, self._restart)

    def _restart(self) -> None:
        self._boot_s = self.autopilot.boot_s = asyncio.get_running_loop().time()
        self.autopilot.reboot()
        self._progress.reboot()
        for uplink in self._uplinks:
            uplink.spoken = False
            self._streams.add(uplink)
        self._wake.set()
