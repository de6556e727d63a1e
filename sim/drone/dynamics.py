"""The body in the air: its state, what it is steered towards, and the constants of its airframe.

The equations are in `sim.flight.kernel`. Axes are east, north, up [m] in the world's frame, heights above its datum.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TypeAlias

from sim.drone.airframe import Airframe
from sim.flight.bodies import GIVEN, PIECES, SCRATCH, STATE, TICK_S
from sim.flight.kernel import GRAVITY_MPS2

LEVEL_LEAN_MPS2 = GRAVITY_MPS2 * math.tan(math.radians(30.0))  # ANGLE_MAX
EMPTY_SHARE = 0.25  # of the largest thrust, when the battery gives no more
DEAD_SHARE = 0.5  # a quadrotor that cuts the motor opposite the dead one has half its thrust
TUMBLE_RADPS = math.radians(300.0)

Axes: TypeAlias = tuple[float, float, float, float, float, float]


class Reference:
    """Where the body should be now: position [m], velocity [m/s], acceleration [m/s2] and heading [deg]."""

    __slots__ = ("ae", "an", "au", "heading_deg", "pe", "pn", "pu", "ve", "vn", "vu")

    def __init__(self) -> None:
        self.pe = self.pn = self.pu = 0.0
        self.ve = self.vn = self.vu = 0.0
        self.ae = self.an = self.au = 0.0
        self.heading_deg = 0.0


class Body:
    """A rigid quadrotor: position, velocity, direction and size of the thrust, heading.

    `t*` is the unit vector of the thrust and `w*` its rate [rad/s], `f*` the last acceleration [m/s2], `thrust` the
    thrust over the mass [m/s2], `int_*` what the loops have integrated. Fields that end in 0 and 1 are the reference
    at the two ends of a tick; `off_*` [m] is how wrong the position is that the controller believes.
    """

    __slots__ = (*STATE, *GIVEN, *SCRATCH, "_airframe", "_induced_mps", "_strongest", "throttle")

    def __init__(self, airframe: Airframe, heading_deg: float, pieces: int = PIECES) -> None:
        self._airframe = airframe
        self.e = self.n = self.u = self.ve = self.vn = self.vu = self.fe = self.fn = self.fu = 0.0
        self.te = self.tn = self.we = self.wn = self.wu = self.ce = self.cn = 0.0
        self.tu = self.cu = self.powered = 1.0
        self.thrust = self.lift = self.throttle = self._induced_mps = 0.0
        self.int_e = self.int_n = self.int_u = self.off_e = self.off_n = self.off_u = 0.0
        self.heading_deg = self.h0_deg = self.h1_deg = heading_deg % 360.0
        self.turn_degps = self.tumble_radps = self.tip_e = self.tip_n = 0.0
        self.pe0 = self.pn0 = self.pu0 = self.ve0 = self.vn0 = self.vu0 = self.ae0 = self.an0 = self.au0 = 0.0
        self.pe1 = self.pn1 = self.pu1 = self.ve1 = self.vn1 = self.vu1 = self.ae1 = self.an1 = self.au1 = 0.0
        self.wind_e = self.wind_n = self.wind_u = self.floor_u = self.impact_mps = 0.0
        self.on_ground = True
        self.lean_mps2 = LEVEL_LEAN_MPS2
        self.drag, self.drag_up = airframe.drag_per_mass, airframe.vertical_drag_ratio
        self.rotor_drag = airframe.rotor_drag_per_s
        self.highest = self._strongest = GRAVITY_MPS2 * airframe.max_thrust_ratio
        self.turn_tc_s = airframe.attitude_tc_s
        self.lag_end, self.lag_mean, self.q10, self.q12, self.q21, self.q22 = _lags(airframe, TICK_S / pieces)

    def take(self, values: tuple[float, ...]) -> None:
        """Set what the kernel changes, in the order of `STATE`."""
        (
            self.e, self.n, self.u, self.ve, self.vn, self.vu, self.fe, self.fn, self.fu, self.te, self.tn, self.tu,
            self.we, self.wn, self.wu, self.thrust, self.lift, self.int_e, self.int_n, self.int_u,
            self.heading_deg, self.turn_degps, self.impact_mps, ground,
        ) = values  # fmt: skip
        self.on_ground = ground != 0.0

    def rest(self) -> None:
        """Stand on the ground with the motors off."""
        self.ve = self.vn = self.vu = self.fe = self.fn = self.fu = 0.0
        self.te = self.tn = self.we = self.wn = self.wu = 0.0
        self.tu = 1.0
        self.int_e = self.int_n = self.int_u = 0.0
        self.thrust = self.lift = self.turn_degps = self.throttle = self.impact_mps = 0.0
        self.powered = 1.0

    def aim_from(self, ref: Reference) -> None:
        """The reference at the beginning of a tick."""
        self.pe0, self.pn0, self.pu0, self.h0_deg = ref.pe, ref.pn, ref.pu, ref.heading_deg
        self.ve0, self.vn0, self.vu0, self.ae0, self.an0, self.au0 = ref.ve, ref.vn, ref.vu, ref.ae, ref.an, ref.au

    def aim_to(self, ref: Reference) -> None:
        """The reference at the end of a tick."""
        self.pe1, self.pn1, self.pu1, self.h1_deg = ref.pe, ref.pn, ref.pu, ref.heading_deg
        self.ve1, self.vn1, self.vu1, self.ae1, self.an1, self.au1 = ref.ve, ref.vn, ref.vu, ref.ae, ref.an, ref.au

    def lose_motor(self, number: int) -> None:
        """Motor 1 to 4 (front right, back left, front left, back right) stops for good; the body tips over it."""
        if not 1 <= number <= 4:
            raise ValueError(f"there is no motor {number} on a quadrotor (1 to 4)")
        # the axis is level and square to the arm that lost its lift, so that this arm goes down
        arm = math.radians(self.heading_deg + (45.0, 225.0, 315.0, 135.0)[number - 1])
        self.tip_e, self.tip_n = -math.cos(arm), math.sin(arm)
        self.tumble_radps = TUMBLE_RADPS
        self._strongest *= DEAD_SHARE
        self.highest *= DEAD_SHARE

    def feed(self, volts_share: float) -> None:
        """The motors get this share of a full battery's voltage: thrust goes with its square; 0 is an empty one."""
        self.highest = self._strongest * (volts_share * volts_share if volts_share > 0.0 else EMPTY_SHARE)

    def power_w(self) -> float:
        """Electric power [W] that the motors and the avionics draw now."""
        frame = self._airframe
        air_e, air_n, air_u = self.ve - self.wind_e, self.vn - self.wind_n, self.vu - self.wind_u
        axial = air_e * self.te + air_n * self.tn + air_u * self.tu
        # a flow from below is taken for none: what it gives is lost again in the rotors' own wake
        through = max(axial, 0.0)
        along = math.sqrt(max(air_e * air_e + air_n * air_n + air_u * air_u - axial * axial, 0.0))
        thrust_n = frame.mass_kg * self.thrust
        self._induced_mps = frame.induced_mps(thrust_n, along, through, self._induced_mps)
        self.throttle = min(frame.hover_throttle * self.thrust / GRAVITY_MPS2, 1.0)
        return thrust_n * (through + self._induced_mps) / frame.figure_of_merit + frame.avionics_w

    def rates_radps(self, axes: Axes | None = None) -> tuple[float, float, float]:
        """Turn rates about the body's forward, right and down axes [rad/s]; `axes` if they are known."""
        fe, fn, fu, re, rn, ru = axes or self.axes()
        return (
            self.we * re + self.wn * rn + self.wu * ru,
            -(self.we * fe + self.wn * fn + self.wu * fu),
            math.radians(self.turn_degps),
        )

    def felt_mps2(self, axes: Axes | None = None) -> tuple[float, float, float]:
        """Specific force along the body's forward, right and down axes [m/s2], as accelerometers feel it."""
        if self.on_ground:
            return 0.0, 0.0, -GRAVITY_MPS2
        fe, fn, fu, re, rn, ru = axes or self.axes()
        up = self.fu + GRAVITY_MPS2
        return (
            self.fe * fe + self.fn * fn + up * fu,
            self.fe * re + self.fn * rn + up * ru,
            -(self.fe * self.te + self.fn * self.tn + up * self.tu),
        )

    def axes(self) -> Axes:
        """The body's forward and right axes, each east, north and up; down is against the thrust."""
        heading = math.radians(self.heading_deg)
        he, hn = math.sin(heading), math.cos(heading)
        along = he * self.te + hn * self.tn
        fe, fn, fu = he - along * self.te, hn - along * self.tn, -along * self.tu
        size = math.sqrt(max(fe * fe + fn * fn + fu * fu, 1e-12))
        fe, fn, fu = fe / size, fn / size, fu / size
        return fe, fn, fu, fn * self.tu - fu * self.tn, fu * self.te - fe * self.tu, fe * self.tn - fn * self.te

    def tilt_rad(self) -> tuple[float, float]:
        """Roll (right wing down) and pitch (nose up) [rad] of the thrust's direction."""
        heading = math.radians(self.heading_deg)
        sin, cos = math.sin(heading), math.cos(heading)
        return math.atan2(self.te * cos - self.tn * sin, self.tu), math.atan2(-self.te * sin - self.tn * cos, self.tu)


@cache  # equal bodies share the numbers themselves, which keeps them near when many are read
def _lags(airframe: Airframe, dt: float) -> tuple[float, float, float, float, float, float]:
    """What the motors' and the attitude's lags make of a piece of `dt` seconds; the body's fields of these names."""
    lag_s = airframe.motor_lag_s
    lag_end = math.exp(-dt / lag_s)
    lag_mean = (1.0 - lag_end) * lag_s / dt
    q11, q12, q21, q22 = turning(airframe.attitude_tc_s, airframe.rate_lag_s, dt)
    return lag_end, lag_mean, 1.0 - q11, q12, q21, q22


def turning(tc_s: float, lag_s: float, dt: float) -> tuple[float, float, float, float]:
    """The matrix that takes an angle to go [rad] and its rate of closing [rad/s] over `dt` seconds.

    The angle x closes at a rate w, and w follows x / tc with a lag: x' = -w, w' = (x / tc - w) / lag; exactly solved.
    """
    mean = -0.5 / lag_s
    disc = mean * mean - 1.0 / (tc_s * lag_s)
    root = math.sqrt(abs(disc))
    if disc < 0.0:
        c, s = math.cos(root * dt), math.sin(root * dt) / root
    elif root * dt < 1e-6:
        c, s = 1.0, dt
    else:
        c, s = math.cosh(root * dt), math.sinh(root * dt) / root
    scale = math.exp(mean * dt)
    return (
        scale * (c - s * mean),
        -scale * s,
        scale * s / (tc_s * lag_s),
        scale * (c + s * (-1.0 / lag_s - mean)),
    )
