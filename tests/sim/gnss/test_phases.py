"""Carrier phases are lost by noise and slips, and count again after five seconds."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace

import pytest

from sim.gnss.phases import JOIN_S, LONG_AGO_S, LOW_DEG, SLIPS_LOW, SLIPS_PER_S, PhaseLocks
from tests.sim.gnss.henan import Flight, Time, sky_over

LINES = sky_over(Time()).view().lines
LOW = [one.prn for one in LINES if one.elevation_deg < LOW_DEG]
HIGH = [one.prn for one in LINES if one.elevation_deg >= LOW_DEG]


def locked(t_s: float = 0.0, since_s: float | None = LONG_AGO_S) -> PhaseLocks:
    phases = PhaseLocks()
    phases.track(LINES, noise_rise_db=0.0, blocked=0.0, t_s=t_s, since_s=since_s)
    return phases


def test_new_satellites_join_after_five_seconds() -> None:
    phases = PhaseLocks()
    phases.track(LINES[:-1], noise_rise_db=0.0, blocked=0.0, t_s=0.0, since_s=LONG_AGO_S)
    phases.track(LINES, noise_rise_db=0.0, blocked=0.0, t_s=100.0)
    held = phases.held(LINES)
    assert held == list(LINES)
    assert phases.joined(held, 100.0 + JOIN_S - 0.1) == list(LINES[:-1])
    assert phases.joined(held, 100.0 + JOIN_S) == list(LINES)


def test_a_slip_takes_one_satellite_out_for_five_seconds_and_low_ones_slip_more_often() -> None:
    assert LOW
    assert HIGH
    slipped: Counter[int] = Counter()
    rng, trials = random.Random(4), 4000
    for _ in range(trials):
        phases = locked()
        phases.slip(rng, LINES, 50.0)
        left = phases.joined(phases.held(LINES), 50.0)
        (one,) = {line.prn for line in LINES} - {line.prn for line in left}
        slipped[one] += 1
        assert len(phases.joined(phases.held(LINES), 50.0 + JOIN_S)) == len(LINES)
    expected = SLIPS_LOW * len(LOW) / (SLIPS_LOW * len(LOW) + len(HIGH))
    share = sum(slipped[prn] for prn in LOW) / trials
    assert share == pytest.approx(expected, abs=4.0 * math.sqrt(expected * (1.0 - expected) / trials))


def test_noise_takes_the_weak_phases_and_makes_the_others_slip() -> None:
    phases = locked()
    quiet = phases.slips_per_s
    assert quiet == pytest.approx((SLIPS_LOW * len(LOW) + len(HIGH)) * SLIPS_PER_S)
    phases.track(LINES, noise_rise_db=9.0, blocked=0.0, t_s=10.0)
    weak = [one for one in LINES if one.cn0_dbhz - 9.0 < 33.0]
    assert weak
    assert phases.held(LINES) == [one for one in LINES if one not in weak]
    walled = PhaseLocks()
    walled.track(LINES, noise_rise_db=0.0, blocked=0.5, t_s=0.0)
    assert walled.slips_per_s == pytest.approx(6.0 * quiet)


def test_a_phase_that_was_lost_begins_anew() -> None:
    phases = locked()
    drowned = [replace(one, cn0_dbhz=20.0) if n == 0 else one for n, one in enumerate(LINES)]
    phases.track(drowned, noise_rise_db=0.0, blocked=0.0, t_s=10.0)
    assert LINES[0] not in phases.held(LINES)
    phases.track(LINES, noise_rise_db=0.0, blocked=0.0, t_s=20.0)
    held = phases.held(LINES)
    assert phases.joined(held, 22.0) == list(LINES[1:])
    phases.lose(30.0)
    assert phases.joined(held, 31.0) == []
    phases.restart()
    assert phases.joined(held, 0.0) == list(LINES)


def test_slips_come_as_often_as_is_stated() -> None:
    """Counted in a receiver whose fix they leave as it is."""
    time = Time()
    flight = Flight(time, sky_over(time), seed=12)
    flight.go(2.0)
    phases = flight.receiver._phases
    slips, expected, last = 0, 0.0, phases._newest_s
    for _ in range(6 * 3600):
        satellites = flight.receiver.lines
        flight.go(1.0, 1.0)
        expected += phases.slips_per_s
        if phases._newest_s != last and flight.receiver.lines == satellites:
            slips += 1
        last = phases._newest_s
    assert expected > 30.0
    assert abs(slips - expected) < 4.0 * math.sqrt(expected)
    assert [fix for _, fix in flight.fixes] == [6]
