"""PX4's manners around the vehicle: what `SimDrone(personality="px4")` answers with."""

from __future__ import annotations

from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.corrections_in import CorrectionsIn
from sim.drone.items import NAV
from sim.drone.services import Host
from sim.drone.uplink import Uplink
from sim.px4.commander import Commander
from sim.px4.commands import Px4Commands
from sim.px4.failsafe import Px4Failsafe
from sim.px4.mission_transfer import Px4Transfer
from sim.px4.offboard import OffboardService
from sim.px4.parameters import Px4Parameters, Px4ParameterService
from sim.px4.streams import Px4Streams
from sim.px4.telemetry import Px4Telemetry

REACHED_AGAIN, REACHED_EVERY_S = 10, 1.0
# what the autopilot says that PX4 would say too
HEARD_ALSO = ("SIM Hit",)


class Px4Services:
    """PX4's manners."""

    def __init__(self, autopilot: Autopilot, host: Host) -> None:
        self._autopilot = autopilot
        self._host = host
        self.parameters = Px4Parameters(autopilot, int(autopilot.parameters["MAV_SYSID"]))
        self.commander = Commander(autopilot, self.parameters, host.say)
        self.telemetry = Px4Telemetry(autopilot, self.commander, host.utc_s)
        self.streams = Px4Streams(self.telemetry, autopilot.parameters, lambda: autopilot.now_s, host.say)
        self._parameter_service = Px4ParameterService(self.parameters, host.say)
        self._commands = Px4Commands(autopilot, self.commander, self.streams, host.reboot)
        self._offboard = OffboardService(autopilot, self.commander)
        self._transfer = Px4Transfer(
            now_s=lambda: autopilot.now_s, say=host.say, take=self.commander.take, select=self.commander.select
        )
        self._corrections = CorrectionsIn(autopilot.receiver.corrections)
        self._told_reached: tuple[int, int, float] = (-1, 0, 0.0)  # seq, how often still, when next
        self._told_current = -1
        autopilot.say = self._autopilot_says
        autopilot.failsafe = Px4Failsafe(autopilot, self.commander, self.parameters)
        tell = autopilot.mode_changed

        def mode_changed() -> None:
            self.commander.autopilot_changed_mode()
            tell()

        autopilot.mode_changed = mode_changed

    @property
    def busy(self) -> bool:
        """Whether parameters are being listed or items transferred."""
        return self._parameter_service.busy or self._transfer.busy

    def hear(self, uplink: Uplink, message: Any) -> None:
        """Deal with a message that is for this drone or for all."""
        autopilot = self._autopilot
        match message.get_type():
            case "HEARTBEAT":
                if message.type == mavlink.MAV_TYPE_GCS:
                    autopilot.failsafe.gcs_heartbeat()
            case "TIMESYNC":
                if message.tc1 == 0:
                    uplink.send(mavlink.MAVLink_timesync_message(round(autopilot.now_s * 1e9), message.ts1))
            case "PING":
                if message.target_system == 0 and message.target_component == 0:
                    source = (message.get_srcSystem(), message.get_srcComponent())
                    uplink.send(mavlink.MAVLink_ping_message(message.time_usec, message.seq, *source))
            case "SET_MODE":
                word = message.custom_mode
                self._commands.set_mode(message.base_mode, word >> 16 & 0xFF, word >> 24)
            case _:
                (
                    self._transfer.handle(uplink, message)
                    or self._commands.handle(uplink, message)
                    or self._parameter_service.handle(uplink, message)
                    or self._offboard.handle(message)
                    or self._corrections.handle(message)
                )

    def step(self, dt_s: float) -> None:
        """Go on with transfers, and tell where the mission is."""
        self._parameter_service.step(dt_s)
        self._transfer.step()
        if self.commander.current != self._told_current:
            self._told_current = self.commander.current
            for_all = self.telemetry.mission_current()
            self._host.broadcast(for_all)
        seq, left, due_s = self._told_reached
        if left > 0 and self._autopilot.now_s >= due_s:
            self._tell_reached(seq, left)

    def version(self, port: int) -> int:
        """MAVLink 2 on every port."""
        return 2

    def reached(self, seq: int) -> None:
        """Say that an item was reached, the last one ten times more; a take-off that PX4's list has not is no item.

        The autopilot tells only the last of what was done at once; PX4 tells every item, so that those before it, back
        to the last navigation item, are told too unless they were.
        """
        flight = self.commander.flight
        if not 0 <= seq < len(flight.items):
            return
        first = seq
        while first > 1 and flight.items[first].command not in NAV:
            first -= 1
        together = [own for own in flight.origin[first : seq + 1] if own >= 0]
        told = self._told_reached[0]
        for own in together[together.index(told) + 1 if told in together[:-1] else 0 :]:
            self._tell_reached(own, REACHED_AGAIN + 1)

    def _tell_reached(self, seq: int, left: int) -> None:
        self._told_reached = (seq, left - 1, self._autopilot.now_s + REACHED_EVERY_S)
        self._host.broadcast(mavlink.MAVLink_mission_item_reached_message(seq))

    def rebooted(self) -> None:
        """Begin anew: lists and parameters stay, the mode and the failsafes do not."""
        self._told_reached = (-1, 0, 0.0)
        self.commander.rebooted()
        self._autopilot.failsafe = Px4Failsafe(self._autopilot, self.commander, self.parameters)

    def _autopilot_says(self, severity: int, text: str) -> None:
        if text.startswith(HEARD_ALSO):
            self._host.say(severity, text)
