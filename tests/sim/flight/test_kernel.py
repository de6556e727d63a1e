"""The equations of motion against closed forms, against themselves with finer steps, and floats against arrays."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.drone.airframe import GRAVITY_MPS2, Airframe
from sim.drone.dynamics import Body, turning
from sim.flight.bodies import ARRAYS_FROM, GIVEN, PIECES, STATE, TICK_S, move
from sim.flight.kernel import LEAST_LIFT_MPS2, POSITION_GAIN, VELOCITY_GAIN, VELOCITY_INTEGRAL, YAW_RATE_DEGPS
from tests.sim.flight.bench import FRAME, exponential, hovering, tick, ticks

DRAG = FRAME.drag_per_mass


def lean_rad(body: Body) -> float:
    return math.acos(min(body.tu, 1.0))


# Falling and flying fast


def test_a_body_that_falls_for_long_has_the_terminal_speed() -> None:
    body, ref = hovering(2000.0)
    body.powered = 0.0
    ticks(body, ref, 40.0)
    terminal = math.sqrt(GRAVITY_MPS2 / (DRAG * FRAME.vertical_drag_ratio))
    assert -body.vu == pytest.approx(terminal, rel=0.005)


def test_a_short_fall_is_slowed_by_drag_as_the_closed_form_says() -> None:
    body, ref = hovering(500.0)
    body.powered = body.thrust = 0.0
    ticks(body, ref, 3.0)
    terminal = math.sqrt(GRAVITY_MPS2 / (DRAG * FRAME.vertical_drag_ratio))
    assert -body.vu == pytest.approx(terminal * math.tanh(GRAVITY_MPS2 * 3.0 / terminal), rel=1e-3)
    fallen = terminal**2 / GRAVITY_MPS2 * math.log(math.cosh(GRAVITY_MPS2 * 3.0 / terminal))
    assert 500.0 - body.u == pytest.approx(fallen, rel=1e-3)


def test_at_full_lean_the_level_speed_is_where_drag_balances_thrust() -> None:
    frame = Airframe(drag_area_m2=0.2, rotor_drag_per_s=0.2)
    body, ref = hovering(100.0, frame=frame)
    body.lean_mps2 = 4.0
    ref.ve = 60.0

    def run_away() -> None:
        ref.pe += 60.0 * TICK_S

    for _ in range(400):
        tick(body, ref, run_away)
    # level: a v + k v^2 = 4, of which the lean takes the rotors' part off by cos^2, and lifts by sin cos
    cos = body.tu
    along = frame.rotor_drag_per_s * body.thrust / GRAVITY_MPS2
    balance = frame.drag_per_mass * body.ve**2 + along * cos * cos * body.ve
    assert body.thrust * body.te == pytest.approx(balance, rel=2e-3)
    assert math.degrees(lean_rad(body)) == pytest.approx(math.degrees(math.atan(4.0 / GRAVITY_MPS2)), abs=0.3)
    assert body.u == pytest.approx(100.0, abs=0.5)


# Wind


@settings(deadline=None, max_examples=25)
@given(speed=st.floats(1.0, 14.0), towards_deg=st.floats(0.0, 360.0))
def test_a_steady_wind_leans_it_by_drag_over_weight_and_does_not_move_it(speed: float, towards_deg: float) -> None:
    body, ref = hovering()
    body.wind_e = speed * math.sin(math.radians(towards_deg))
    body.wind_n = speed * math.cos(math.radians(towards_deg))
    ticks(body, ref, 40.0)
    assert math.hypot(body.e, body.n) < 0.05
    assert math.tan(lean_rad(body)) == pytest.approx(DRAG * speed * speed / GRAVITY_MPS2, rel=0.01)
    assert (body.te * body.wind_e + body.tn * body.wind_n) < 0.0


def test_a_steady_downwind_is_held_by_thrust() -> None:
    body, ref = hovering()
    body.wind_u = -4.0
    ticks(body, ref, 30.0)
    assert body.u == pytest.approx(20.0, abs=0.02)
    assert body.thrust == pytest.approx(GRAVITY_MPS2 + DRAG * FRAME.vertical_drag_ratio * 16.0, rel=1e-3)


def linear_response(push: list[float], dt: float) -> list[float]:
    """Displacement of the linear loop x''= d - lag of (P x + V x' + I ...): thrust follows as the airframe turns."""
    k_p, k_v, k_i = POSITION_GAIN, VELOCITY_GAIN, VELOCITY_INTEGRAL
    tc, rate_lag = FRAME.attitude_tc_s, FRAME.rate_lag_s
    # states: x, v, integral of the velocity error, acceleration by lean, its rate
    matrix = np.zeros((6, 6))
    matrix[0, 1] = 1.0
    matrix[1, 3], matrix[1, 5] = 1.0, 1.0
    matrix[2, 0], matrix[2, 1] = -k_p, -1.0
    matrix[3, 4] = 1.0
    matrix[4, 0], matrix[4, 1], matrix[4, 2] = -k_v * k_p, -k_v, k_i
    matrix[4, 3] = -1.0
    matrix[4] /= tc * rate_lag
    matrix[4, 4] = -1.0 / rate_lag
    step = exponential(matrix * dt)
    state, out = np.zeros(6), []
    for d in push:
        state[5] = d
        state = step @ state
        out.append(float(state[0]))
    return out


@pytest.mark.parametrize("length_s", [1.0, 2.0, 4.0, 8.0])
def test_a_gust_of_one_minus_cosine_pushes_it_as_far_as_the_linear_loop_says(length_s: float) -> None:
    body, ref = hovering()
    steady, gust = 8.0, 2.0
    body.wind_e = steady
    ticks(body, ref, 40.0)
    start = body.e
    winds = [
        steady + 0.5 * gust * (1.0 - math.cos(2.0 * math.pi * t / length_s)) if t < length_s else steady
        for t in ((i + 0.5) * TICK_S for i in range(200))
    ]
    moved = []
    for wind in winds:
        body.wind_e = wind
        tick(body, ref)
        moved.append(body.e - start)
    closed = linear_response([DRAG * (w * w - steady * steady) for w in winds], TICK_S)
    assert max(moved) == pytest.approx(max(closed), rel=0.10)
    assert min(moved) == pytest.approx(min(closed), rel=0.20, abs=2e-3)


# Steering


def test_the_turning_matrix_is_the_exponential_of_its_equations() -> None:
    for tc, lag, dt in ((0.15, 0.05, 0.05), (0.15, 0.01, 0.05), (0.2, 0.05, 0.02), (0.4, 0.1, 0.1)):
        exact = exponential(np.array([[0.0, -1.0], [1.0 / (tc * lag), -1.0 / lag]]) * dt)
        assert np.array(turning(tc, lag, dt)).reshape(2, 2) == pytest.approx(exact, abs=1e-9)


def test_a_small_step_of_the_wanted_lean_is_answered_as_the_second_order_closed_form_says() -> None:
    body, ref = hovering(200.0)
    wanted = 0.5  # m/s2, about 3 degrees: within all limits
    ref.ae = wanted
    leans = []

    def go_along() -> None:
        ref.pe, ref.ve = body.e + body.ve * TICK_S, body.ve + body.fe * TICK_S

    for _ in range(12):
        ref.pe, ref.ve = body.e, body.ve  # nothing but the acceleration is asked for
        body.int_e = 0.0
        tick(body, ref, go_along)
        leans.append(math.atan2(body.te, body.tu))
    wn, zeta = math.sqrt(1.0 / (0.15 * 0.05)), 0.5 / 0.05 / math.sqrt(1.0 / (0.15 * 0.05))
    damped = wn * math.sqrt(1.0 - zeta * zeta)
    for number, lean in enumerate(leans, start=1):
        t = number * TICK_S
        rest = math.exp(-zeta * wn * t) * (math.cos(damped * t) + zeta * wn / damped * math.sin(damped * t))
        assert lean == pytest.approx(math.atan(wanted / GRAVITY_MPS2) * (1.0 - rest), abs=math.radians(0.25)), t


@pytest.mark.parametrize("speed", [6.0, 9.0, 12.0, 15.0])
def test_it_brakes_in_the_distance_of_its_deceleration(speed: float) -> None:
    body, ref = hovering(50.0)
    body.lean_mps2 = brake = 3.0
    body.ve = speed
    while body.ve > 0.05:  # the reference stands where the body is: only the speed is to go
        ref.pe = body.e
        tick(body, ref)
    # leaning takes its delay; then lean and drag brake together; below brake / gain the loop lets go with its own lag
    delay_m = speed * FRAME.attitude_tc_s
    full_m = math.log(1.0 + DRAG * speed**2 / brake) / (2.0 * DRAG)
    low = brake / VELOCITY_GAIN
    tail_m = low / VELOCITY_GAIN - low**2 / (2.0 * brake)
    assert body.e == pytest.approx(delay_m + full_m + tail_m, rel=0.05)


def test_a_climb_beyond_the_motors_takes_the_lean_and_keeps_the_lift() -> None:
    frame = Airframe(max_thrust_ratio=1.3)
    body, ref = hovering(100.0, frame=frame)
    body.lean_mps2 = 5.66
    ref.ae, ref.au = 5.0, 6.0
    for _ in range(10):
        ref.pe, ref.pu, ref.ve, ref.vu = body.e, body.u, body.ve, body.vu
        tick(body, ref)
    assert body.thrust <= 1.3 * GRAVITY_MPS2 + 1e-9
    lift = body.thrust * body.tu
    assert lift == pytest.approx(0.95 * 1.3 * GRAVITY_MPS2, rel=0.03)
    most = math.sqrt((1.3 * GRAVITY_MPS2) ** 2 - lift**2)
    assert body.thrust * body.te <= most + 0.05
    assert body.thrust * body.te == pytest.approx(most, rel=0.1)


def test_yaw_gives_way_first_when_the_motors_have_nothing_to_spare() -> None:
    def turned(ratio: float, climb_mps2: float) -> float:
        body, ref = hovering(100.0, frame=Airframe(max_thrust_ratio=ratio))
        ref.heading_deg, ref.au, ref.ae = 170.0, climb_mps2, climb_mps2
        for _ in range(10):
            ref.pu, ref.vu, ref.pe, ref.ve = body.u, body.vu, body.e, body.ve
            tick(body, ref)
        return body.heading_deg

    assert turned(2.0, 0.0) > 40.0
    assert turned(1.15, 5.0) < 0.65 * turned(2.0, 0.0)


def test_the_fastest_turn_is_limited_and_goes_the_short_way() -> None:
    body, ref = hovering(heading_deg=350.0)
    ref.heading_deg = 100.0
    headings = [350.0]
    for _ in range(40):
        tick(body, ref)
        headings.append(body.heading_deg)
    rates = [(b - a + 540.0) % 360.0 - 180.0 for a, b in pairwise(headings)]
    assert max(rates) <= YAW_RATE_DEGPS * TICK_S + 1e-6
    assert min(rates) > -1.0
    assert body.heading_deg == pytest.approx(100.0, abs=0.5)


def test_thrust_follows_with_the_lag_of_the_motors() -> None:
    body, ref = hovering(2000.0)
    body.thrust, body.powered = 15.0, 0.0
    for number in range(1, 4):
        tick(body, ref)
        assert body.thrust == pytest.approx(15.0 * math.exp(-number * TICK_S / FRAME.motor_lag_s), rel=1e-9)


def test_it_never_throws_itself_down_faster_than_the_least_lift_lets_it() -> None:
    body, ref = hovering(500.0)
    ref.au, ref.vu = -30.0, -50.0
    for _ in range(10):
        ref.pu = body.u - 50.0
        tick(body, ref)
    assert body.thrust == pytest.approx(LEAST_LIFT_MPS2, rel=0.02)


def test_with_a_motor_dead_it_tumbles_and_falls() -> None:
    body, ref = hovering(200.0)
    body.lose_motor(1)
    seen = []
    for _ in range(60):
        tick(body, ref)
        seen.append(body.tu)
    assert min(seen) < -0.9  # it has been on its back
    assert body.u < 120.0
    with pytest.raises(ValueError, match="no motor 5"):
        body.lose_motor(5)


def test_it_tips_over_the_arm_that_lost_its_lift() -> None:
    for number, (e, n) in {1: (1, 1), 2: (-1, -1), 3: (-1, 1), 4: (1, -1)}.items():
        body, ref = hovering(200.0)
        body.lose_motor(number)
        tick(body, ref)
        assert body.te * e > 0.0, number
        assert body.tn * n > 0.0, number


# The ground


def test_the_ground_stops_it_and_remembers_how_hard() -> None:
    body, ref = hovering(5.0)
    body.floor_u = 3.0
    body.powered = body.thrust = 0.0
    while not body.on_ground:
        tick(body, ref)
    assert (body.u, body.vu) == (3.0, 0.0)
    assert body.impact_mps == pytest.approx(math.sqrt(2.0 * GRAVITY_MPS2 * 2.0), rel=0.1)


# Accuracy and sameness


def storm(pieces: int, seed: int) -> list[tuple[float, float, float]]:
    """A flight along a wild reference in a gusty wind: place and lean at each tick."""
    rng = random.Random(seed)
    body, ref = hovering(40.0, pieces=pieces)
    path = []
    for _ in range(300):
        body.wind_e = 0.9 * body.wind_e + rng.gauss(0.6, 0.8)
        body.wind_n = 0.9 * body.wind_n + rng.gauss(0.0, 0.8)
        body.wind_u = 0.8 * body.wind_u + rng.gauss(0.0, 0.4)

        def steer() -> None:
            ref.ae += min(max(rng.uniform(-2.5, 2.5) - ref.ae, -0.4), 0.4)
            ref.pe += ref.ve * TICK_S + 0.5 * ref.ae * TICK_S**2
            ref.ve = 0.97 * (ref.ve + ref.ae * TICK_S)

        tick(body, ref, steer, pieces=pieces)
        path.append((body.e - ref.pe, body.u, math.degrees(lean_rad(body))))
    return path


@pytest.mark.parametrize("seed", range(4))
def test_ten_times_finer_pieces_change_nothing_that_matters(seed: int) -> None:
    coarse, fine = storm(PIECES, seed), storm(10 * PIECES, seed)
    assert max(abs(a[0] - b[0]) for a, b in zip(coarse, fine, strict=True)) < 0.03
    assert max(abs(a[1] - b[1]) for a, b in zip(coarse, fine, strict=True)) < 0.02
    rms = [math.sqrt(math.fsum(row[2] ** 2 for row in path) / len(path)) for path in (coarse, fine)]
    assert rms[0] == pytest.approx(rms[1], rel=0.02)


numbers = st.floats(-30.0, 30.0, allow_nan=False)


def wild_body(rng: random.Random) -> Body:
    body = Body(
        Airframe(
            mass_kg=rng.uniform(1.0, 8.0),
            max_thrust_ratio=rng.choice((1.2, 2.0, 2.6)),
            attitude_tc_s=rng.choice((0.1, 0.15, 0.25)),
            rotor_drag_per_s=rng.choice((0.0, 0.3)),
        ),
        rng.uniform(0.0, 360.0),
    )
    for name in STATE + GIVEN:
        if name[:2] in ("pe", "pn", "pu", "ve", "vn", "vu", "ae", "an", "au", "wi", "in") or name in ("e", "n", "u"):
            setattr(body, name, rng.uniform(-20.0, 20.0))
    direction = [rng.gauss(0.0, 1.0) for _ in range(3)]
    length = math.sqrt(math.fsum(x * x for x in direction))
    body.te, body.tn, body.tu = (x / length for x in direction)
    body.floor_u = rng.choice((-100.0, -5.0, 10.0))
    body.powered = rng.choice((1.0, 1.0, 1.0, 0.0))
    body.thrust = rng.uniform(0.0, 15.0)
    body.h0_deg, body.h1_deg = rng.uniform(0.0, 360.0), rng.uniform(0.0, 360.0)
    if rng.random() < 0.15:
        body.lose_motor(rng.randint(1, 4))
    return body


def bits(body: Body) -> list[float | bool]:
    return [getattr(body, name) for name in STATE]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**9), st.integers(ARRAYS_FROM, 3 * ARRAYS_FROM), st.integers(1, 8))
def test_many_bodies_at_once_move_as_each_alone_to_the_bit(seed: int, count: int, moves: int) -> None:
    together = [wild_body(random.Random(f"{seed}/{i}")) for i in range(count)]
    alone = [wild_body(random.Random(f"{seed}/{i}")) for i in range(count)]
    for _ in range(moves):
        move(together)
        for body in alone:
            move([body])
    for a, b in zip(together, alone, strict=True):
        assert [str(x) for x in bits(a)] == [str(x) for x in bits(b)]
        assert all(isinstance(x, float | bool) for x in bits(a))
        assert all(math.isfinite(x) for x in bits(a))
        assert a.te**2 + a.tn**2 + a.tu**2 == pytest.approx(1.0)


# What its sensors feel


def test_a_hover_feels_only_its_weight() -> None:
    body, ref = hovering(heading_deg=70.0)
    ticks(body, ref, 5.0)
    assert body.felt_mps2() == pytest.approx((0.0, 0.0, -GRAVITY_MPS2), abs=1e-3)
    assert body.rates_radps() == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(heading_deg=st.floats(0.0, 360.0), wind=st.floats(2.0, 12.0))
def test_standing_against_a_wind_it_leans_and_feels_its_weight_all_the_same(heading_deg: float, wind: float) -> None:
    body, ref = hovering(heading_deg=heading_deg)
    body.wind_e = wind
    ticks(body, ref, 40.0)
    forward, right, down = body.felt_mps2()
    assert math.sqrt(forward**2 + right**2 + down**2) == pytest.approx(GRAVITY_MPS2, rel=1e-3)
    roll, pitch = body.tilt_rad()
    # at rest the accelerometers see the lean: nose down is felt forward, right wing down to the left
    lean = math.atan(math.hypot(math.tan(roll), math.tan(pitch)))
    assert math.acos(min(-down / GRAVITY_MPS2, 1.0)) == pytest.approx(lean, abs=2e-3)


def test_the_turn_rates_are_how_fast_the_lean_changes() -> None:
    body, ref = hovering(200.0, heading_deg=0.0)
    ref.an = 2.0
    before = body.tilt_rad()
    for _ in range(3):
        ref.pn, ref.vn = body.n, body.vn
        tick(body, ref)
        after = body.tilt_rad()
        roll_rate, pitch_rate, _ = body.rates_radps()
        assert roll_rate == pytest.approx(0.0, abs=1e-6)
        assert pitch_rate <= 0.0  # nose down to go north
        before = after
    assert before[1] < -0.05


def test_to_go_right_it_rolls_right_wing_down() -> None:
    body, ref = hovering(200.0, heading_deg=90.0)
    ref.an = -2.0  # south of east is to the right
    tick(body, ref)
    assert body.rates_radps()[0] > 0.1
    assert body.tilt_rad()[0] > 0.0
    assert abs(body.tilt_rad()[1]) < 1e-6
