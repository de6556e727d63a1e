"""One simulated drone: an autopilot, its links, and its part in the pulse that moves it on by the loop's time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from sim.drone.airframe import Airframe
from sim.drone.autopilot import Autopilot
from sim.drone.camera import Photo
from sim.drone.dynamics import Body
from sim.drone.modes import Mode
from sim.drone.progress import Progress
from sim.drone.routing import Routes
from sim.drone.services import CopterServices, Host, Services
from sim.drone.signing import Signing
from sim.drone.uplink import Uplink
from sim.flight.bodies import TICK_S
from sim.flight.flock import Flock
from sim.gnss.sky import Sky
from sim.links import Link
from sim.surroundings import Air, Ground, LevelGround

LEVEL = LevelGround()
STEP_S = 0.2  # how often the services go on while nothing is being transferred
PERSONALITIES = ("ardupilot", "px4")


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

    Positions are CGCS2000 degrees. Places are in the world's `frame` (one around the start when not given), heights
    above its datum, which lies `datum_amsl_m` above sea level. `boot_delay_s` passes before the autopilot is powered;
    a `warm` one has been on for so long that it is ready to arm. `flock` is the pulse that it moves
    by (one of its own when not given), `personality` one of `PERSONALITIES`.

    `sky` is what its receiver is under, an open one of its own when None, and `name` what a spoofer calls it by.

    Not there: terrain (it is asked for and not used), a pilot who steers. `docs/simulator-fidelity.md` compares the
    rest with a real one.
    """

    def __init__(
        self,
        *,
        lat_deg: float,
        lon_deg: float,
        datum_amsl_m: float,
        frame: LocalFrame | None = None,
        heading_deg: float = 0.0,
        system_id: int = 1,
        airframe: Airframe | None = None,
        rng: random.Random,
        wind: Air,
        ground: Ground = LEVEL,
        utc_s: Callable[[], float],
        boot_delay_s: float = 0.0,
        warm: bool = False,
        flock: Flock | None = None,
        personality: str = "ardupilot",
        sky: Sky | None = None,
        name: str = "",
    ) -> None:
        self.system_id = system_id
        frame = frame or LocalFrame(LatLon(lat_deg, lon_deg))
        self.autopilot = Autopilot(
            start=LatLon(lat_deg, lon_deg),
            datum_amsl_m=datum_amsl_m,
            frame=frame,
            heading_deg=heading_deg,
            system_id=system_id,
            airframe=airframe or Airframe(),
            rng=rng,
            wind=wind,
            ground=ground,
            warm=warm,
            sky=sky or Sky(frame, utc_s=utc_s, datum_ellipsoidal_m=datum_amsl_m),
            name=name,
        )
        self._progress = Progress(self.autopilot)
        self._flock = flock or Flock()
        self._boot_delay_s = boot_delay_s
        self._uplinks: list[Uplink] = []
        self._routes = Routes(system_id)
        self.signing = Signing(lambda: utc_s() if self.autopilot.readiness.fixed else None)
        self._tasks: asyncio.TaskGroup | None = None
        self._boot_s = 0.0
        self._started = False
        self._served_s = 0.0
        self._failed: asyncio.Future[None]
        self._boot(utc_s, personality)
        self.set_fix(6)

    def _boot(self, utc_s: Callable[[], float], personality: str) -> None:
        """Give the autopilot its personality."""
        autopilot = self.autopilot
        autopilot.home_changed = self._home_changed
        autopilot.mode_changed = self._mode_changed
        host = Host(utc_s, self._say, self._broadcast, self._reboot, self.signing, lambda: self._uplinks)
        self._services = _services(personality, autopilot, host)
        self._telemetry, self._streams = self._services.telemetry, self._services.streams

    # For tests and the simulated world

    @property
    def truth(self) -> Truth:
        """Where the drone really is now."""
        autopilot, body = self.autopilot, self.autopilot.body
        now_s = asyncio.get_running_loop().time() - self._boot_s if self._started else autopilot.now_s
        e, n, u = autopilot.actual_at(now_s)
        at = autopilot.frame.latlon(e, n)
        return Truth(
            at.lat_deg,
            at.lon_deg,
            u - autopilot.origin[2],
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

    def set_corrections(self, *, own_network: bool) -> None:
        """Let the receiver be corrected over a network of its own, or only by what arrives as GPS_RTCM_DATA."""
        self.autopilot.receiver.network_corrections = own_network

    def set_battery(self, remaining_fraction: float) -> None:
        """Make the battery as full as asked, 0 to 1."""
        self.autopilot.battery.set_remaining(remaining_fraction)

    def fail_motor(self, number: int) -> None:
        """Stop motor 1 to 4 for good: a quadrotor tumbles and falls."""
        self.autopilot.body.lose_motor(number)

    def set_temperature(self, temperature_c: float) -> None:
        """Make the battery as warm or cold as the air."""
        self.autopilot.battery.set_temperature(temperature_c)

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter as if it had been set before the flight; `KeyError` when there is none of that name."""
        self.autopilot.parameters.put(name, value)

    @property
    def has_adsb_receiver(self) -> bool:
        """Whether it hears other aircraft (ADSB_TYPE)."""
        return self.autopilot.parameters["ADSB_TYPE"] > 0

    def hear_aircraft(self, message: Any) -> None:
        """Pass on what an ADS-B receiver on board says (ADSB_VEHICLE)."""
        self._broadcast(message)

    # Running

    def attach(self, link: Link, *, version: int | None = None) -> None:
        """Serve one more ground-station link, now or as soon as the drone runs.

        A link stands for the first serial port that is free: 0, 1, 2 ... `version` is the MAVLink version that is
        sent, 1 or 2; without it SERIALn_PROTOCOL says it.
        """
        taken = {uplink.number for uplink in self._uplinks}
        number = next(port for port in count() if port not in taken)
        uplink = Uplink(link, self.system_id, self.signing, number)
        uplink.framing.version = version or self._services.version(number)
        self._uplinks.append(uplink)
        if self._started:
            self._streams.add(uplink)
        if self._tasks is not None:
            self._tasks.create_task(self._listen(uplink))

    async def run(self) -> None:
        """Live until cancelled."""
        loop = asyncio.get_running_loop()
        if self._boot_delay_s > 0.0:
            await asyncio.sleep(self._boot_delay_s)
        self._boot_s = self.autopilot.boot_s = self._served_s = loop.time()
        self._started = True
        self._failed = loop.create_future()
        for uplink in self._uplinks:
            self._streams.add(uplink)
        self._flock.join(self)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for uplink in self._uplinks:
                    self._tasks.create_task(self._listen(uplink))
                await self._failed
        finally:
            self._flock.leave(self)

    # As the pulse sees it

    @property
    def active(self) -> bool:
        """Whether it wants every tick: the motors run, or it falls."""
        return self.autopilot.armed or self.autopilot.falling

    def begin(self, now_s: float) -> Body | None:
        """Begin the tick that ends at a loop time [s]."""
        return self._progress.begin(now_s - self._boot_s)

    def finish(self, now_s: float) -> None:
        """End the tick."""
        self._progress.finish(now_s - self._boot_s)

    def serve(self, now_s: float) -> None:
        """Go on with transfers, and send what happened and what is due."""
        self.autopilot.now_s = now_s - self._boot_s
        since_s = now_s - self._served_s
        if since_s > STEP_S - 1e-6 or (since_s > TICK_S - 1e-6 and self._services.busy):
            self._services.step(since_s)
            self._served_s = now_s
        self._report()
        self._streams.step()

    def due_s(self) -> float:
        """When something is due next, by the loop's time [s]."""
        due, soon = self._boot_s + self._streams.next_s(), self._served_s + TICK_S
        return soon if soon < due and self._services.busy else due

    def fail(self, error: Exception) -> None:
        """End the run with an error."""
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _listen(self, uplink: Uplink) -> None:
        try:
            while True:
                for message, frame in await uplink.receive():
                    self._hear(uplink, message, frame)
        except EOFError:
            self._streams.remove(uplink)
            self._routes.forget(uplink)
            self._uplinks.remove(uplink)
            uplink.closed = True

    def _hear(self, uplink: Uplink, message: Any, frame: bytes) -> None:
        """Forward what is not only for us, and deal with what is for us or for all."""
        if message.get_srcSystem() == self.system_id:
            return
        self._routes.learn(uplink, message)
        for other in self._routes.onward(uplink, message, self._uplinks):
            other.forward(frame)
        if getattr(message, "target_system", 0) not in (0, self.system_id):
            return
        now = asyncio.get_running_loop().time()
        self.autopilot.now_s = now - self._boot_s
        if not self._services.busy:
            self._served_s = now
        self._services.hear(uplink, message)
        self._report()
        self._flock.wake(self)

    def _report(self) -> None:
        """Send the events that happened since the last wake-up."""
        autopilot = self.autopilot
        if autopilot.runner.reached is not None:
            self._services.reached(autopilot.runner.reached)
            autopilot.runner.reached = None
        while autopilot.camera.photos:
            self._broadcast(self._feedback(autopilot.camera.photos.popleft()))

    def _feedback(self, photo: Photo) -> Any:
        autopilot = self.autopilot
        e, n, u = photo.place
        at = autopilot.frame.latlon(e, n)
        return mavlink.MAVLink_camera_feedback_message(
            round(photo.at_s * 1e6), 0, 0, photo.number, round(at.lat_deg * 1e7), round(at.lon_deg * 1e7),
            u + autopilot.datum_amsl_m, u - autopilot.home_up_m, photo.roll_deg, photo.pitch_deg, photo.yaw_deg,
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
        for message in (self._telemetry.navigation.gps_global_origin(), self._telemetry.navigation.home_position()):
            if message is not None:
                for uplink in self._uplinks:
                    uplink.send(message)

    def _mode_changed(self) -> None:
        # a recorded ArduCopter sends a heartbeat within a millisecond of each change of mode
        for uplink in self._uplinks:
            uplink.send(self._telemetry.heartbeat())

    def _reboot(self) -> None:
        """Start anew in a moment; lists and parameters survive."""
        asyncio.get_running_loop().call_later(0.1, self._restart)

    def _restart(self) -> None:
        self._boot_s = self.autopilot.boot_s = asyncio.get_running_loop().time()
        self.autopilot.reboot()
        self._progress.reboot()
        self._services.rebooted()
        for uplink in self._uplinks:
            uplink.spoken = False
            self._streams.add(uplink)
        self._flock.wake(self)


def _services(personality: str, autopilot: Autopilot, host: Host) -> Services:
    if personality not in PERSONALITIES:
        raise ValueError(f"no personality {personality}; there are {', '.join(PERSONALITIES)}")
    if personality == "ardupilot":
        return CopterServices(autopilot, host)
    from sim.px4.services import Px4Services  # noqa: PLC0415 - builds on this package

    return Px4Services(autopilot, host)
