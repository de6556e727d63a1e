"""The equations of motion of a multirotor and of the loops that fly it, written once for one body and for many.

Only + - * /, comparisons, a square root and a choice are used, so that Python floats and numpy arrays run the same
source and give the same bits; the direction of the thrust is a unit vector, and exponentials are constants of the
airframe. Axes are east, north, up; SI units; thrust is force over mass [m/s2].

The cascade is ArduCopter's: a position error asks for a velocity (P), a velocity error for an acceleration (PI), an
acceleration for a lean and a throttle (AC_PosControl); the lean is turned to through a shaped rate (the square-root
controller of AC_AttitudeControl) that the motors follow with a lag. The body's drag grows with the square of the
airspeed, the rotors' with its part across their axis and with the thrust.
Left out: ground effect, the vortex ring of a fast descent, blade flapping, and the feedback of drag on attitude.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

GRAVITY_MPS2 = 9.80665
POSITION_GAIN = 1.0  # PSC_NE_POS_P, PSC_D_POS_P [1/s]
VELOCITY_GAIN = 2.0  # PSC_NE_VEL_P [1/s]
VELOCITY_INTEGRAL = 1.0  # PSC_NE_VEL_I [1/s2]
CLIMB_GAIN = 4.0  # [1/s]
CLIMB_INTEGRAL = 2.0  # [1/s2]
HIGHEST_LIFT = 0.95  # share of the largest thrust that may go into lift; the rest is kept for steering
LEAST_LIFT_MPS2 = 0.2 * GRAVITY_MPS2
LEAST_UPRIGHT = 0.5  # thrust makes up for a lean of up to 60 degrees (AC_AttitudeControl_Multi, angle boost)
STEERING_SHARE = 0.15  # share of the largest thrust that a full roll or pitch acceleration takes from some motors
LEAST_STEERING = 0.3  # roll and pitch keep this much of their acceleration whatever the throttle is
YAW_SHARE = 0.10  # share of the largest thrust that a full yaw acceleration takes; yaw gives way first
YAW_LAG_S = 0.3
YAW_RATE_DEGPS = 90.0
YAW_ACCEL_DEGPS2 = 270.0  # ATC_ACCEL_Y_MAX
TURN_ACCEL_RADPS2 = math.radians(1100.0)  # ATC_ACCEL_R_MAX, ATC_ACCEL_P_MAX
TURN_RATE_RADPS = math.radians(360.0)
TINY = 1e-12


class Maths(Protocol):
    """What floats and arrays do in different words; of two equal ones the first is taken, as `min` and `max` do."""

    def least(self, a: Any, b: Any, /) -> Any:
        """`b` where it is less than `a`, else `a`."""

    def most(self, a: Any, b: Any, /) -> Any:
        """`b` where it is greater than `a`, else `a`."""

    def where(self, condition: Any, yes: Any, no: Any, /) -> Any:
        """`yes` where the condition holds, else `no`."""

    def sqrt(self, x: Any, /) -> Any:
        """The square root."""


class FloatMaths:
    """For one body."""

    least = staticmethod(min)
    most = staticmethod(max)
    sqrt = staticmethod(math.sqrt)

    @staticmethod
    def where(condition: Any, yes: Any, no: Any, /) -> Any:
        """`yes` or `no`."""
        return yes if condition else no


class ArrayMaths:
    """For many bodies."""

    sqrt = staticmethod(np.sqrt)
    where = staticmethod(np.where)

    @staticmethod
    def least(a: Any, b: Any, /) -> Any:
        """`b` where it is less than `a`, else `a`."""
        return np.where(b < a, b, a)

    @staticmethod
    def most(a: Any, b: Any, /) -> Any:
        """`b` where it is greater than `a`, else `a`."""
        return np.where(b > a, b, a)


FLOATS, ARRAYS = FloatMaths(), ArrayMaths()


def substep(m: Maths, b: Any, share: float, tick_s: float, dt: float) -> None:
    """Move bodies on by `dt` seconds of a tick of `tick_s`, around whose `share` (0 to 1) this piece lies.

    `b` has the fields of `sim.drone.dynamics.Body` as floats or as arrays; the reference goes from its fields of the
    tick's beginning to those of its end.
    """
    half = 0.5 * dt
    # controller and drag look at the middle of the piece, where the last acceleration takes the body
    middle = (b.ve + b.fe * half, b.vn + b.fn * half, b.vu + b.fu * half)
    _steer(m, b, share, tick_s, dt, middle)
    before = (b.te, b.tn, b.tu)
    _turn(m, b, dt)
    _yaw(m, b, share, dt)
    _move(m, b, dt, middle, before)


def _steer(m: Maths, b: Any, share: float, tick_s: float, dt: float, middle: tuple[Any, Any, Any]) -> None:
    """From the reference to the wanted direction and size of the thrust."""
    half = 0.5 * dt
    ve, vn, vu = middle
    bend = 0.5 * share * share * tick_s
    along = share * tick_s
    re, rn, ru = b.ve1 - b.ve0, b.vn1 - b.vn0, b.vu1 - b.vu0
    pe = b.pe0 + b.ve0 * along + re * bend + share * (b.pe1 - b.pe0 - (b.ve0 + 0.5 * re) * tick_s)
    pn = b.pn0 + b.vn0 * along + rn * bend + share * (b.pn1 - b.pn0 - (b.vn0 + 0.5 * rn) * tick_s)
    pu = b.pu0 + b.vu0 * along + ru * bend + share * (b.pu1 - b.pu0 - (b.vu0 + 0.5 * ru) * tick_s)
    err_e = b.ve0 + re * share - ve + POSITION_GAIN * (pe - b.e - b.ve * half - b.off_e)
    err_n = b.vn0 + rn * share - vn + POSITION_GAIN * (pn - b.n - b.vn * half - b.off_n)
    err_u = b.vu0 + ru * share - vu + POSITION_GAIN * (pu - b.u - b.vu * half - b.off_u)
    want_u = b.au0 + (b.au1 - b.au0) * share + CLIMB_GAIN * err_u + b.int_u
    lift = m.least(HIGHEST_LIFT * b.highest, m.most(LEAST_LIFT_MPS2, GRAVITY_MPS2 + want_u))
    b.int_u = m.least(3.0, m.most(-3.0, b.int_u + CLIMB_INTEGRAL * err_u * dt))
    # the lean is reckoned for a thrust that carries the weight, and limited by angle and by what lift leaves of it
    want_e = b.ae0 + (b.ae1 - b.ae0) * share + VELOCITY_GAIN * err_e + b.int_e
    want_n = b.an0 + (b.an1 - b.an0) * share + VELOCITY_GAIN * err_n + b.int_n
    size = m.sqrt(want_e * want_e + want_n * want_n)
    spare = m.sqrt(b.highest * b.highest - lift * lift) * GRAVITY_MPS2 / lift
    most = m.least(spare, b.lean_mps2)
    free = size <= most
    scale = m.where(free, 1.0, most / m.most(TINY, size)) * lift / GRAVITY_MPS2
    # the integral stands still while the lean is at its limit, or it would wind up
    b.int_e = b.int_e + m.where(free, VELOCITY_INTEGRAL * err_e * dt, 0.0)
    b.int_n = b.int_n + m.where(free, VELOCITY_INTEGRAL * err_n * dt, 0.0)
    ce, cn = want_e * scale, want_n * scale
    length = m.sqrt(ce * ce + cn * cn + lift * lift)
    b.ce, b.cn, b.cu = ce / length, cn / length, lift / length
    b.lift = lift


def _authority(m: Maths, b: Any, share: Any, least: float) -> Any:
    """How much of a steering acceleration the motors can still make without running into a limit."""
    spare = m.least(b.highest - b.thrust, b.thrust) / (share * b.highest)
    return m.least(1.0, m.most(least, spare))


def _turn(m: Maths, b: Any, dt: float) -> None:
    """Turn the direction of the thrust to the wanted one: second order, within rate and acceleration."""
    dot = b.te * b.ce + b.tn * b.cn + b.tu * b.cu
    xe, xn, xu = b.ce - b.te * dot, b.cn - b.tn * dot, b.cu - b.tu * dot
    sine = m.sqrt(xe * xe + xn * xn + xu * xu)
    chord = m.sqrt(m.most(0.0, 2.0 - 2.0 * dot))  # the angle, to 4 % at 60 degrees
    most_accel = TURN_ACCEL_RADPS2 * _authority(m, b, STEERING_SHARE, LEAST_STEERING)
    linear = most_accel * b.turn_tc_s * b.turn_tc_s
    root = m.sqrt(2.0 * most_accel * m.most(0.0, chord - 0.5 * linear)) * b.turn_tc_s
    angle = m.where(chord > linear, root, chord) / m.most(TINY, sine)
    # with a motor dead nothing steers: the rest tip it over an axis that lies level
    dead = b.tumble_radps > 0.0
    tumble = b.tumble_radps * b.turn_tc_s
    xe = m.where(dead, b.tip_n * b.tu * tumble, xe * angle)
    xn = m.where(dead, -b.tip_e * b.tu * tumble, xn * angle)
    xu = m.where(dead, (b.tip_e * b.tn - b.tip_n * b.te) * tumble, xu * angle)
    de = b.q21 * xe + b.q22 * b.we - b.we
    dn = b.q21 * xn + b.q22 * b.wn - b.wn
    du = b.q21 * xu + b.q22 * b.wu - b.wu
    jump = m.sqrt(de * de + dn * dn + du * du)
    limit = most_accel * dt
    free = jump <= limit
    scale = b.powered * m.where(free, 1.0, limit / m.most(TINY, jump))
    we, wn, wu = b.we + de * scale, b.wn + dn * scale, b.wu + du * scale
    rate = m.sqrt(we * we + wn * wn + wu * wu)
    slow = m.where(rate <= TURN_RATE_RADPS, 1.0, TURN_RATE_RADPS / m.most(TINY, rate))
    we, wn, wu = we * slow, wn * slow, wu * slow
    exact = free & (rate <= TURN_RATE_RADPS) & (b.powered > 0.0) & (b.tumble_radps <= 0.0)
    half = 0.5 * dt
    te = b.te + m.where(exact, b.q10 * xe - b.q12 * b.we, (b.we + we) * half)
    tn = b.tn + m.where(exact, b.q10 * xn - b.q12 * b.wn, (b.wn + wn) * half)
    tu = b.tu + m.where(exact, b.q10 * xu - b.q12 * b.wu, (b.wu + wu) * half)
    length = m.sqrt(te * te + tn * tn + tu * tu)
    b.te, b.tn, b.tu = te, tn, tu = te / length, tn / length, tu / length
    dot = we * te + wn * tn + wu * tu
    b.we, b.wn, b.wu = we - te * dot, wn - tn * dot, wu - tu * dot


def _yaw(m: Maths, b: Any, share: float, dt: float) -> None:
    """Turn the heading; it is the first to give way when the motors have nothing to spare."""
    turn = _wrapped(m, b.h1_deg - b.h0_deg) * share + b.h0_deg - b.heading_deg
    rate = _wrapped(m, _wrapped(m, turn)) / YAW_LAG_S
    rate = m.least(YAW_RATE_DEGPS, m.most(-YAW_RATE_DEGPS, rate))
    change = b.powered * YAW_ACCEL_DEGPS2 * dt * _authority(m, b, YAW_SHARE, 0.0)
    b.turn_degps = b.turn_degps + m.least(change, m.most(-change, rate - b.turn_degps))
    heading = b.heading_deg + b.turn_degps * dt
    b.heading_deg = m.where(heading >= 360.0, heading - 360.0, m.where(heading < 0.0, heading + 360.0, heading))


def _wrapped(m: Maths, turn_deg: Any) -> Any:
    """An angle between -720 and 720 degrees brought one turn nearer to -180 to 180."""
    return m.where(turn_deg > 180.0, turn_deg - 360.0, m.where(turn_deg < -180.0, turn_deg + 360.0, turn_deg))


def _move(m: Maths, b: Any, dt: float, middle: tuple[Any, Any, Any], before: tuple[Any, Any, Any]) -> None:
    """Motors, forces, motion, and the ground."""
    wanted = b.powered * m.least(b.highest, b.lift / m.most(LEAST_UPRIGHT, b.tu))
    mean = wanted + (b.thrust - wanted) * b.lag_mean
    b.thrust = wanted + (b.thrust - wanted) * b.lag_end
    air_e, air_n, air_u = middle[0] - b.wind_e, middle[1] - b.wind_n, middle[2] - b.wind_u
    drag = b.drag * m.sqrt(air_e * air_e + air_n * air_n + air_u * air_u)
    # turning rotors drag what flows across their axis with the first power of its speed
    axial = air_e * b.te + air_n * b.tn + air_u * b.tu
    across = b.rotor_drag * b.thrust / GRAVITY_MPS2
    push = 0.5 * (mean + across * axial)
    fe = push * (before[0] + b.te) - (drag + across) * air_e
    fn = push * (before[1] + b.tn) - (drag + across) * air_n
    fu = push * (before[2] + b.tu) - (drag * b.drag_up + across) * air_u - GRAVITY_MPS2
    half = 0.5 * dt * dt
    u = b.u + b.vu * dt + fu * half
    ve, vn, vu = b.ve + fe * dt, b.vn + fn * dt, b.vu + fu * dt
    b.e = b.e + b.ve * dt + fe * half
    b.n = b.n + b.vn * dt + fn * half
    touches = u <= b.floor_u
    down = touches & (vu < 0.0)
    b.impact_mps = m.where(down & (-vu > b.impact_mps), -vu, b.impact_mps)
    b.u = m.where(touches, b.floor_u, u)
    b.on_ground = touches
    b.ve, b.vn, b.vu = m.where(down, 0.0, ve), m.where(down, 0.0, vn), m.where(down, 0.0, vu)
    b.fe, b.fn, b.fu = m.where(down, 0.0, fe), m.where(down, 0.0, fn), m.where(down, 0.0, fu)
