"""What a drone answers with: the services of one personality around one autopilot.

`SimDrone` owns the links and the time; a personality owns the protocol. ArduCopter's is here, PX4's in `sim.px4`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import file_transfer
from sim.drone.autopilot import Autopilot
from sim.drone.commands import CommandService
from sim.drone.corrections_in import CorrectionsIn
from sim.drone.guided import GuidedService
from sim.drone.mission_transfer import MissionTransfer
from sim.drone.parameters import ParameterService
from sim.drone.remote_id import RemoteId
from sim.drone.signing import Signing
from sim.drone.streams import StreamService
from sim.drone.telemetry import Telemetry
from sim.drone.uplink import Uplink

VERSION_TEXTS = ("ArduCopter V4.7.0-dev (2f74ba84)", "Frame: QUAD/PLUS")
ONE_STATION = 1  # MAV_OPTIONS bit: obey MAV_GCS_SYSID only


@dataclass(frozen=True, slots=True)
class Host:
    """What a personality may ask of the drone it lives in."""

    utc_s: Callable[[], float]
    say: Callable[[int, str], None]  # a status text to every link
    broadcast: Callable[[Any], None]  # a message to every link on which somebody has spoken
    reboot: Callable[[], None]
    signing: Signing
    uplinks: Callable[[], Sequence[Uplink]]


class Services(Protocol):
    """One personality."""

    @property
    def telemetry(self) -> Telemetry:
        """What it says of itself."""

    @property
    def streams(self) -> StreamService:
        """What goes out on which link."""

    @property
    def busy(self) -> bool:
        """Whether a transfer is under way, so that time must go on in small steps."""

    def hear(self, uplink: Uplink, message: Any) -> None:
        """Deal with a message that is for this drone or for all."""

    def step(self, dt_s: float) -> None:
        """Go on with transfers and whatever else takes time."""

    def version(self, port: int) -> int:
        """The MAVLink version that is sent on a serial port when nothing else is said."""

    def reached(self, seq: int) -> None:
        """Item `seq` of the autopilot's mission list was reached."""

    def rebooted(self) -> None:
        """The autopilot has begun anew."""


class CopterServices:
    """ArduCopter's manners."""

    def __init__(self, autopilot: Autopilot, host: Host) -> None:
        self._autopilot = autopilot
        self._host = host
        self.telemetry = Telemetry(autopilot, host.utc_s)
        self.streams = StreamService(self.telemetry, autopilot.parameters, lambda: autopilot.now_s, host.say)
        self._parameters = ParameterService(autopilot.parameters, self._greet)
        self._commands = CommandService(autopilot, self.streams, host.reboot)
        self._guided = GuidedService(autopilot)
        self._transfer = MissionTransfer(
            autopilot.lists,
            now_s=lambda: autopilot.now_s,
            home=autopilot.home_item,
            say=host.say,
            changed=autopilot.list_changed,
            select=lambda seq: autopilot.runner.select(seq),
            guided=self._guided.fly_to_item,
        )
        self._remote_id = RemoteId(autopilot, host.utc_s, self._to_port)
        self._corrections = CorrectionsIn(autopilot.receiver.corrections)
        autopilot.say = host.say
        autopilot.veto = self._remote_id.why_not_arm
        autopilot.parameters.changed = self._parameter_changed

    @property
    def busy(self) -> bool:
        """Whether parameters are being listed or items uploaded."""
        return self._parameters.busy or self._transfer.busy or self._commands.busy or self._remote_id.enabled

    def hear(self, uplink: Uplink, message: Any) -> None:
        """Deal with a message that is for this drone or for all."""
        autopilot = self._autopilot
        options, station = int(autopilot.parameters["MAV_OPTIONS"]), int(autopilot.parameters["MAV_GCS_SYSID"])
        if options & ONE_STATION and message.get_srcSystem() != station:
            return
        match message.get_type():
            case "HEARTBEAT":
                if message.get_srcSystem() == autopilot.parameters["MAV_GCS_SYSID"]:
                    autopilot.failsafe.gcs_heartbeat()
            case "TIMESYNC":
                if message.tc1 == 0:
                    now = round(autopilot.now_s * 1e9)
                    uplink.send(mavlink.MAVLink_timesync_message(now, message.ts1))
            case "REQUEST_DATA_STREAM":
                self.streams.request(uplink, message.req_stream_id, message.req_message_rate, bool(message.start_stop))
            case "SET_MODE":
                if message.base_mode & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
                    self._commands.set_mode(message.custom_mode)
            case "SETUP_SIGNING":
                self._setup_signing(message)
            case _:
                (
                    self._transfer.handle(uplink, message)
                    or self._commands.handle(uplink, message)
                    or self._parameters.handle(uplink, message)
                    or self._guided.handle(message)
                    or self._corrections.handle(message)
                    or autopilot.transmitter.handle(message)
                    or self._remote_id.handle(uplink, message)
                    or file_transfer.handle(uplink, message)
                )

    def step(self, dt_s: float) -> None:
        """Send the parameters that are due, repeat requests, give up what stands still."""
        self._parameters.step(dt_s)
        self._transfer.step()
        self._commands.step()
        self._remote_id.step()
        self._autopilot.prearm.step()

    def version(self, port: int) -> int:
        """SERIALn_PROTOCOL 1 is MAVLink 1, all else MAVLink 2."""
        name = f"SERIAL{port}_PROTOCOL"
        parameters = self._autopilot.parameters
        return 1 if name in parameters and parameters[name] == 1 else 2

    def reached(self, seq: int) -> None:
        """Say once that an item was reached."""
        self._host.broadcast(mavlink.MAVLink_mission_item_reached_message(seq))

    def rebooted(self) -> None:
        """Remote identification begins anew, signing goes on a minute later."""
        self._remote_id.restart()
        self._host.signing.restarted()

    def _setup_signing(self, message: Any) -> None:
        autopilot = self._autopilot
        if autopilot.armed:
            autopilot.say(mavlink.MAV_SEVERITY_WARNING, "ERROR: Won't setup signing when armed")
            return
        self._host.signing.setup(bytes(message.secret_key), message.initial_timestamp)
        for uplink in self._host.uplinks():
            uplink.signing_changed()

    def _to_port(self, port: int, message: Any) -> None:
        for uplink in self._host.uplinks():
            if uplink.number == port:
                uplink.send(message)

    def _parameter_changed(self, name: str) -> None:
        self._autopilot.settings_changed(name)
        self.streams.parameter_changed(name)
        self._host.broadcast(self._parameters.value(name))

    def _greet(self, uplink: Uplink) -> None:
        for text in VERSION_TEXTS:
            uplink.text(mavlink.MAV_SEVERITY_INFO, text)
