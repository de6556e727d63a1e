"""The body in the air: where it is, how fast, how tilted, and what the controller makes of a reference.

Axes are east, north, up [m] from the take-off place, whose ground is a level plane at height 0. The cascade is
ArduCopter's: position P, velocity PI, acceleration limited by tilt; the attitude loop is a first-order lag.
"""

from __future__ import annotations

import math

from sim.drone.airframe import AIR_DENSITY_KGPM3, GRAVITY_MPS2, Airframe

POSITION_GAIN = 1.0  # PSC_POSXY_P, PSC_POSZ_P [1/s]
VELOCITY_GAIN = 2.0  # PSC_VELXY_P [1/s]
VELOCITY_INTEGRAL = 1.0  # PSC_VELXY_I [1/s2]
CLIMB_GAIN = 4.0  # PSC_VELZ_P [1/s]
CLIMB_LAG_S = 0.08
YAW_LAG_S = 0.3
VERTICAL_DRAG_RATIO = 2.0  # a quadrotor shows about twice its frontal area to a vertical flow


class Reference:
    """Where the body should be now: position [m], velocity [m/s], acceleration [m/s2] and heading [deg]."""

    __slots__ = ("ae", "an", "au", "heading_deg", "pe", "pn", "pu", "ve", "vn", "vu")

    def __init__(self) -> None:
        self.pe = self.pn = self.pu = 0.0
        self.ve = self.vn = self.vu = 0.0
        self.ae = self.an = self.au = 0.0
        self.heading_deg = 0.0


class Body:
    """A rigid quadrotor over flat ground."""

    def __init__(self, airframe: Airframe, heading_deg: float) -> None:
        self._airframe = airframe
        self.e = self.n = self.u = 0.0
        self.ve = self.vn = self.vu = 0.0
        self.ae = self.an = self.au = 0.0  # acceleration by thrust alone, gravity balanced
        self.heading_deg = heading_deg % 360.0
        self.turn_degps = 0.0
        self.wind_e = self.wind_n = 0.0
        self.throttle = 0.0
        self.on_ground = True
        self._ie = self._in = self._iu = 0.0
        self._drag = airframe.drag_per_mass
        self._induced_mps = 0.0

    def rest(self) -> None:
        """Stand on the ground with the motors off."""
        self.ve = self.vn = self.vu = self.ae = self.an = self.au = 0.0
        self._ie = self._in = self._iu = 0.0
        self.turn_degps = self.throttle = 0.0

    def fly(self, ref: Reference, off_e: float, off_n: float, off_u: float, max_tilt_mps2: float, dt: float) -> None:
        """Move on by `dt` seconds towards a reference.

        `off_e`, `off_n`, `off_u` [m] are the errors of the position that the controller believes; `max_tilt_mps2` is
        the horizontal acceleration at the largest tilt.
        """
        err_e = ref.ve + POSITION_GAIN * (ref.pe - self.e - off_e) - self.ve
        err_n = ref.vn + POSITION_GAIN * (ref.pn - self.n - off_n) - self.vn
        err_u = ref.vu + POSITION_GAIN * (ref.pu - self.u - off_u) - self.vu
        want_e = ref.ae + VELOCITY_GAIN * err_e + self._ie
        want_n = ref.an + VELOCITY_GAIN * err_n + self._in
        size = math.sqrt(want_e * want_e + want_n * want_n)
        if size > max_tilt_mps2:
            want_e *= max_tilt_mps2 / size
            want_n *= max_tilt_mps2 / size
        else:
            # the integral stands still while the tilt is at its limit, or it would wind up
            self._ie += VELOCITY_INTEGRAL * err_e * dt
            self._in += VELOCITY_INTEGRAL * err_n * dt
        want_u = ref.au + CLIMB_GAIN * err_u + self._iu
        want_u = min(max(want_u, -0.8 * GRAVITY_MPS2), 0.8 * GRAVITY_MPS2)
        self._iu = min(max(self._iu + 0.5 * err_u * dt, -1.0), 1.0)
        lag = dt / (self._airframe.attitude_lag_s + dt)
        self.ae += (want_e - self.ae) * lag
        self.an += (want_n - self.an) * lag
        self.au += (want_u - self.au) * dt / (CLIMB_LAG_S + dt)
        turn = (ref.heading_deg - self.heading_deg + 180.0) % 360.0 - 180.0
        self.turn_degps = min(max(turn / YAW_LAG_S, -90.0), 90.0)
        self.heading_deg = (self.heading_deg + self.turn_degps * dt) % 360.0
        self._move(dt)

    def fall(self, dt: float) -> None:
        """Move on by `dt` seconds with the motors stopped."""
        self.ae = self.an = 0.0
        self.au = -GRAVITY_MPS2
        self.turn_degps = 0.0
        self._move(dt)

    def _move(self, dt: float) -> None:
        air_e, air_n = self.ve - self.wind_e, self.vn - self.wind_n
        drag = self._drag * math.sqrt(air_e * air_e + air_n * air_n)
        half = 0.5 * dt * dt
        a_e, a_n = self.ae - drag * air_e, self.an - drag * air_n
        a_u = self.au - VERTICAL_DRAG_RATIO * self._drag * abs(self.vu) * self.vu
        self.e += self.ve * dt + a_e * half
        self.n += self.vn * dt + a_n * half
        self.u += self.vu * dt + a_u * half
        self.ve += a_e * dt
        self.vn += a_n * dt
        self.vu += a_u * dt
        if self.u <= 0.0:
            self.u = 0.0
            self.on_ground = True
            if self.vu < 0.0:
                self.ve = self.vn = self.vu = 0.0
        else:
            self.on_ground = False

    def power_w(self) -> float:
        """Electric power [W] that the motors and the avionics draw now."""
        frame = self._airframe
        thrust_n = frame.mass_kg * math.sqrt(
            self.ae * self.ae + self.an * self.an + (GRAVITY_MPS2 + self.au) * (GRAVITY_MPS2 + self.au)
        )
        airspeed = math.hypot(self.ve - self.wind_e, self.vn - self.wind_n)
        drag_n = 0.5 * AIR_DENSITY_KGPM3 * frame.drag_area_m2 * airspeed * airspeed
        weight_n = frame.mass_kg * GRAVITY_MPS2
        climb = max(self.vu, 0.0)
        through = (airspeed * drag_n + climb * weight_n) / math.hypot(drag_n, weight_n)
        self._induced_mps = frame.induced_mps(thrust_n, airspeed, through, self._induced_mps)
        self.throttle = min(frame.hover_throttle * thrust_n / weight_n, 1.0)
        return thrust_n * (through + self._induced_mps) / frame.figure_of_merit + frame.avionics_w

    def tilt_rad(self) -> tuple[float, float]:
        """Roll (right wing down) and pitch (nose up) [rad] that make the present horizontal thrust."""
        heading = math.radians(self.heading_deg)
        forward = self.ae * math.sin(heading) + self.an * math.cos(heading)
        right = self.ae * math.cos(heading) - self.an * math.sin(heading)
        up = GRAVITY_MPS2 + self.au
        if up <= 0.1:
            return 0.0, 0.0
        return math.atan2(right, up), math.atan2(-forward, up)
