"""A simulated dock: cover, motor, sensors and charger."""

from __future__ import annotations

import asyncio

from poles.services.charger import Contacts
from poles.services.cover import Motor
from poles.services.dock import Dock, DockSensors
from sim.drone.battery import Battery

COVER_TRAVEL_S = 6.0
OFF_SWITCH = 1e-3  # so far from its end a cover that moves has left the limit switch, or not reached it yet
CHARGER_W, CHARGER_EFFICIENCY = 240.0, 0.9
CHARGER_SAMPLE_S = 5.0
CHARGED_AT_C = 30.0


class SimDockHardware:
    """Cover, motor and sensors; the cover's place goes from 0 (closed) to 1 (open) in `COVER_TRAVEL_S`."""

    def __init__(self) -> None:
        self.stuck = False
        self.powered = True
        self.drone_present = False
        self.path_clear = True
        self.rain_mmph = 0.0
        self.battery: Battery | None = None  # of the drone on the pad, when it is a simulated one
        self._charging: asyncio.TimerHandle | None = None
        self._motor = Motor.STOP
        self._halted_at = 0.0  # the cover's place when it last stood still
        self._since_s = 0.0  # when the motor began to move it on from there
        self._arrival: asyncio.TimerHandle | None = None
        self.dock = Dock(self, self.sensors(), charger_hardware=self)

    @property
    def opened(self) -> float:
        """Where the cover is now, on its way too: 0 is closed and 1 open."""
        if self._arrival is None:
            return self._halted_at
        travelled = (asyncio.get_running_loop().time() - self._since_s) / COVER_TRAVEL_S
        if self._motor is Motor.OPEN:
            return min(self._halted_at + travelled, max(self._halted_at, 1.0 - OFF_SWITCH))
        return max(self._halted_at - travelled, min(self._halted_at, OFF_SWITCH))

    def sensors(self) -> DockSensors:
        """What the switches and curtains say now."""
        opened = self.opened
        return DockSensors(
            at_open=opened >= 1.0,
            at_closed=opened <= 0.0,
            drone_present=self.drone_present,
            path_clear=self.path_clear,
            rain_mmph=self.rain_mmph,
        )

    def drive(self, motor: Motor) -> None:
        """Run the motor this way from where the cover is, or stop it there."""
        self._halt()
        self._motor = motor
        self._run_motor()

    def sense(self) -> None:
        """Let the dock read its sensors."""
        self.dock.sense(self.sensors())

    def contact(self, contacts: Contacts) -> None:
        """Let current flow into the drone on the pad, or let go."""
        if self._charging is not None:
            self._charging.cancel()
            self._charging = None
        if contacts is Contacts.ON:
            self._charging = asyncio.get_running_loop().call_later(CHARGER_SAMPLE_S, self._charge)

    @property
    def charging_w(self) -> float:
        """What the charger gives now."""
        return CHARGER_W if self._charging is not None and self.powered else 0.0

    def sense_battery(self) -> None:
        """Let the dock read its charger; a drone that is no simulated one answers nothing."""
        battery = self.battery
        if battery is None:
            self.dock.sense_battery(charge_pct=None, trouble=self._charging is not None)
        else:
            charge_pct = round(100.0 * battery.remaining, 2)
            self.dock.sense_battery(charge_pct=charge_pct, power_w=self.charging_w, temperature_c=CHARGED_AT_C)

    def _charge(self) -> None:
        self._charging = asyncio.get_running_loop().call_later(CHARGER_SAMPLE_S, self._charge)
        if self.battery is not None and self.powered:
            self.battery.charge(CHARGER_W * CHARGER_EFFICIENCY, CHARGER_SAMPLE_S)
        self.sense_battery()

    def jam(self) -> None:
        """The cover stays where it is from now on, whatever the motor does."""
        self._halt()
        self.stuck = True

    def free(self) -> None:
        """The cover can move again; a motor that is still told to run drives on."""
        self.stuck = False
        self._run_motor()

    def lose_power(self) -> None:
        """The motor stops where the cover is, whatever it is told."""
        self._halt()
        self.powered = False

    def regain_power(self) -> None:
        """The motor obeys again."""
        self.powered = True
        self._run_motor()

    def _halt(self) -> None:
        """Let the cover stand where it is now."""
        self._halted_at = self.opened
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _run_motor(self) -> None:
        self._halt()
        if self._motor is Motor.STOP or self.stuck or not self.powered:
            return
        loop = asyncio.get_running_loop()
        self._since_s = loop.time()
        left = 1.0 - self._halted_at if self._motor is Motor.OPEN else self._halted_at
        # it leaves the switch behind at once and meets the other one when it arrives
        self._arrival = loop.call_later(left * COVER_TRAVEL_S, self._arrive)
        loop.call_soon(self._leave_switch, self._motor)

    def _leave_switch(self, motor: Motor) -> None:
        if motor is self._motor and self._arrival is not None:
            self._halted_at = min(max(self._halted_at, OFF_SWITCH), 1.0 - OFF_SWITCH)
            self.sense()

    def _arrive(self) -> None:
        self._arrival = None
        self._halted_at = 1.0 if self._motor is Motor.OPEN else 0.0
        self.sense()
