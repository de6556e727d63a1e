"""The pole's time: right within what was measured, whatever its own clock does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poles.agent.clock import ASK_FIRST_S, ASK_SELDOM_S, DRIFT_SPS, WRONG_S, PoleClock, Sample, sample

EPOCH_S = 1_779_066_000.0


class Machine:
    """A pole's two clocks: `wrong_s` is how much its UTC is off, `drift` how fast its quartz runs."""

    def __init__(self, wrong_s: float = 0.0, drift: float = 0.0) -> None:
        self.true_s = 0.0
        self.wrong_s = wrong_s
        self.drift = drift
        self.told: list[float | None] = []
        self.clock = PoleClock(self.utc_s, self.monotonic_s, self.told.append)

    def monotonic_s(self) -> float:
        return self.true_s * (1.0 + self.drift)

    def utc_s(self) -> float:
        return EPOCH_S + self.monotonic_s() + self.wrong_s

    def ask(self, there_s: float = 0.02, back_s: float = 0.02, stay_s: float = 0.001) -> Sample:
        """Four stamps over a way of these lengths."""
        asked_s = self.monotonic_s()
        self.true_s += there_s
        received_s = EPOCH_S + self.true_s
        self.true_s += stay_s
        sent_s = EPOCH_S + self.true_s
        self.true_s += back_s
        heard = sample(asked_s, received_s, sent_s, self.monotonic_s())
        assert heard is not None
        return heard

    @property
    def error_s(self) -> float:
        return self.clock.utc_s() - (EPOCH_S + self.true_s)


class TestFourStamps:
    def test_the_example_of_a_way_that_is_as_long_there_as_back(self) -> None:
        assert sample(10.0, EPOCH_S + 1.0, EPOCH_S + 1.5, 12.5) == Sample(EPOCH_S - 10.0, 1.0, 12.5)

    @given(st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.0, 5.0), st.floats(-1e6, 1e6))
    def test_the_offset_is_right_within_its_error(self, there: float, back: float, stay: float, offset: float) -> None:
        received = 100.0 + there + offset
        heard = sample(100.0, received, received + stay, 100.0 + there + stay + back)
        if heard is not None:  # rounding may make a way of no length negative
            assert abs(heard.offset_s - offset) <= heard.error_s + 1e-6

    @pytest.mark.parametrize(
        "stamps",
        [(10.0, 5.0, 5.0, 9.0), (10.0, 5.0, 4.0, 11.0), (10.0, 5.0, 7.0, 11.0), (10.0, float("nan"), 5.0, 11.0)],
    )
    def test_stamps_that_cannot_be_true_are_no_sample(self, stamps: tuple[float, float, float, float]) -> None:
        assert sample(*stamps) is None


class TestPoleClock:
    def test_a_clock_that_nobody_corrects_is_the_systems(self) -> None:
        machine = Machine()
        assert machine.clock.utc_s() == EPOCH_S
        assert (machine.clock.is_set, machine.clock.is_wrong) == (False, False)

    def test_a_right_clock_is_used_as_it_is(self) -> None:
        machine = Machine(wrong_s=0.3)
        machine.clock.take(machine.ask())
        assert machine.clock.utc_s() == machine.utc_s()
        assert machine.told == []

    @pytest.mark.parametrize("wrong_s", [-7200.0, -3.0, 3.0, 7200.0, -EPOCH_S])
    def test_a_wrong_clock_is_found_and_the_gateways_time_used(self, wrong_s: float) -> None:
        machine = Machine(wrong_s)
        machine.clock.take(machine.ask())
        assert machine.told == [pytest.approx(wrong_s, abs=0.05)]
        assert machine.clock.is_wrong
        assert abs(machine.error_s) <= 0.02

    def test_a_clock_that_jumps_by_hours_does_not_take_the_dates_along(self) -> None:
        machine = Machine()
        machine.clock.take(machine.ask())
        for jump_s in (5 * 3600.0, -3 * 3600.0, 86_400.0):
            machine.true_s += 60.0
            machine.wrong_s += jump_s
            assert abs(machine.error_s) < 0.1
        assert len(machine.told) == 1
        machine.wrong_s = 0.0
        assert machine.error_s == 0.0
        assert machine.told[1:] == [None]

    def test_a_jump_before_anybody_told_the_time_is_not_followed(self) -> None:
        machine = Machine()
        machine.clock.utc_s()
        machine.true_s += 100.0
        machine.wrong_s = 3600.0
        assert abs(machine.error_s) < 0.1
        assert machine.told == [pytest.approx(3600.0)]

    def test_moments_of_this_boot_that_were_dated_wrong_are_dated_anew(self) -> None:
        machine = Machine(wrong_s=-EPOCH_S)  # no battery: it begins in 1970
        taken_s = machine.monotonic_s()
        dated_s = machine.clock.utc_s()
        machine.true_s += 50.0
        assert machine.clock.dated(dated_s, taken_s) == dated_s  # nobody told the time yet
        machine.clock.take(machine.ask())
        assert machine.clock.dated(dated_s, taken_s) == pytest.approx(EPOCH_S, abs=0.05)

    def test_what_was_dated_right_keeps_its_date_to_the_last_digit(self) -> None:
        machine = Machine(wrong_s=0.1234567)
        dated_s, taken_s = machine.clock.utc_s(), machine.monotonic_s()
        machine.clock.take(machine.ask())
        machine.true_s += 1234.567
        assert machine.clock.dated(dated_s, taken_s) == dated_s

    def test_the_surest_sample_counts(self) -> None:
        machine = Machine(wrong_s=1e6)
        machine.clock.take(machine.ask(0.01, 0.01))
        for _ in range(5):
            machine.clock.take(machine.ask(0.0, 3.0))  # congested on the way back
        assert abs(machine.error_s) <= 0.01

    @given(st.integers(0, 2**32), st.floats(-DRIFT_SPS, DRIFT_SPS))
    def test_the_error_stays_within_what_was_measured_and_the_drift_since(self, seed: int, drift: float) -> None:
        rng, machine = random.Random(seed), Machine(wrong_s=1e5, drift=drift)
        for _ in range(20):
            heard = machine.ask(rng.uniform(0.0, 0.4), rng.uniform(0.0, 0.4))
            machine.clock.take(heard)
            worst_s = heard.error_s + 9 * 1100.0 * DRIFT_SPS + 0.001  # of the oldest of eight samples
            for _ in range(3):
                machine.true_s += rng.uniform(0.0, 300.0)
                assert abs(machine.error_s) <= worst_s

    def test_a_gateway_whose_own_clock_was_set_is_followed(self) -> None:
        machine = Machine(wrong_s=1e5)
        machine.clock.take(machine.ask())
        shifted = machine.ask()
        machine.clock.take(Sample(shifted.offset_s + 60.0, shifted.error_s, shifted.at_s))
        assert machine.error_s == pytest.approx(60.0, abs=0.1)

    def test_a_quartz_within_its_limits_is_never_called_wrong(self) -> None:
        machine = Machine()
        machine.clock.take(machine.ask())
        machine.drift = 0.9 * DRIFT_SPS
        machine.true_s += 30 * 86_400.0
        machine.wrong_s = -machine.monotonic_s() + machine.true_s  # its system clock is right by its receiver
        machine.clock.utc_s()
        assert machine.told == []

    def test_the_time_is_asked_for_ever_more_seldom(self) -> None:
        machine, every = Machine(), list[float]()
        for _ in range(8):
            machine.clock.take(machine.ask())
            every.append(machine.clock.ask_every_s)
        assert every[0] == ASK_FIRST_S
        assert every[-1] == ASK_SELDOM_S
        assert every == sorted(every)
        assert WRONG_S > 4 * ASK_SELDOM_S * DRIFT_SPS
