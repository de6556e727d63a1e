"""What a multirotor weighs and draws: its airframe and the power of flight.

The rotors' ideal power is momentum theory's (Glauert's inflow in forward flight); the figure of merit covers blade
profile, motor and controller losses. Climbing and parasitic drag appear as flow through the rotor disk. A descent
saves nothing: what the rotors gain by sinking is lost again in their own wake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.flight import kernel

GRAVITY_MPS2 = kernel.GRAVITY_MPS2
AIR_DENSITY_KGPM3 = 1.225  # standard atmosphere at sea level


@dataclass(frozen=True, slots=True)
class Airframe:
    """A quadrotor: masses [kg], areas [m2], speeds [m/s], energy [Wh].

    `disk_area_m2` is the sum of the rotor disks; `drag_area_m2` the flat-plate area of body and payload; `avionics_w`
    is drawn whenever the battery is connected; `hover_throttle` is the motor output [0..1] that carries the mass and
    `max_thrust_ratio` the largest thrust over the weight. A lean is sought in `attitude_tc_s` (ATC_INPUT_TC) by a turn
    rate that follows with `rate_lag_s`, thrust follows with `motor_lag_s`. `vertical_drag_ratio` is how many times its
    frontal area a flow from above or below meets; `rotor_drag_per_s` the rotors' own drag in a hover, as deceleration
    [m/s2] for each m/s across their axis: nothing for the built-in type, whose flat-plate area stands for all drag.
    """

    mass_kg: float = 4.2
    disk_area_m2: float = 0.60
    figure_of_merit: float = 0.62
    drag_area_m2: float = 0.035
    avionics_w: float = 18.0
    battery_wh: float = 266.0
    cells: int = 6
    cell_resistance_ohm: float = 0.003
    max_speed_mps: float = 15.0
    climb_mps: float = 2.5
    descent_mps: float = 1.5
    acceleration_mps2: float = 2.5
    attitude_tc_s: float = 0.15
    rate_lag_s: float = 0.05
    motor_lag_s: float = 0.05
    hover_throttle: float = 0.39
    max_thrust_ratio: float = 2.0
    vertical_drag_ratio: float = 2.0
    rotor_drag_per_s: float = 0.0

    @property
    def drag_per_mass(self) -> float:
        """Deceleration [m/s2] by drag for each (m/s)2 of airspeed."""
        return 0.5 * AIR_DENSITY_KGPM3 * self.drag_area_m2 / self.mass_kg

    def induced_mps(self, thrust_n: float, along_mps: float, through_mps: float, start_mps: float = 0.0) -> float:
        """Induced velocity [m/s] by Glauert: v sqrt(along2 + (through + v)2) = T / (2 rho A).

        `start_mps` is a value to begin with; from a near one two Newton steps are enough.
        """
        hover_squared = thrust_n / (2.0 * AIR_DENSITY_KGPM3 * self.disk_area_m2)
        v = start_mps or math.sqrt(hover_squared)
        for _ in range(12):
            flow = through_mps + v
            speed = math.hypot(along_mps, flow)
            if speed < 1e-6:
                return v
            step = (v * speed - hover_squared) / (speed + v * flow / speed)
            v = max(v - step, 0.0)
            if abs(step) < 1e-3:
                break
        return v

    def power_w(self, thrust_n: float, airspeed_mps: float, climb_mps: float, start_mps: float = 0.0) -> float:
        """Electric power [W] at a thrust, a horizontal airspeed and a climb rate; `start_mps` as in `induced_mps`."""
        drag_n = 0.5 * AIR_DENSITY_KGPM3 * self.drag_area_m2 * airspeed_mps * airspeed_mps
        weight_n = self.mass_kg * GRAVITY_MPS2
        tilted_n = math.hypot(drag_n, weight_n)
        sin_tilt, cos_tilt = drag_n / tilted_n, weight_n / tilted_n
        climb = max(climb_mps, 0.0)
        through = airspeed_mps * sin_tilt + climb * cos_tilt
        along = airspeed_mps * cos_tilt - climb * sin_tilt
        induced = self.induced_mps(thrust_n, along, through, start_mps)
        return thrust_n * (through + induced) / self.figure_of_merit + self.avionics_w

    def hover_w(self) -> float:
        """Electric power [W] of a hover in still air: (m g)^1.5 / sqrt(2 rho A) / FoM + avionics."""
        return self.power_w(self.mass_kg * GRAVITY_MPS2, 0.0, 0.0)
