"""The same flights as the recorded ones of the real autopilot: times, places, speeds, leans and charge must be near.

The tolerances are what `docs/simulator-fidelity.md` promises; `pytest -m soak -s` on this file prints its table.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Sequence

import pytest

from tests.sim.recordings import FOLDER, Flown, Sample, guided_and_land, recorded, square

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the recordings are not here")

CORNERS = ((0.0, 200.0), (200.0, 200.0), (200.0, 0.0))


@functools.cache
def pair(name: str) -> tuple[Flown, Flown]:
    """A recorded flight and ours."""
    if name == "guided-land":
        return recorded(name), guided_and_land()
    return recorded(name), square(windy=name == "square-wind8-gusts")


def at(flown: Flown, t_s: float) -> Sample:
    return min(flown.track, key=lambda sample: abs(sample.t_s - t_s))


def middle(values: Sequence[float], share: float = 0.5) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


def took_s(flown: Flown, seq: int) -> float:
    return flown.reached_s[seq] - flown.reached_s.get(seq - 1, 0.0)


def used_mah(flown: Flown, seq: int) -> float:
    leg = flown.leg(seq)
    return leg[-1].used_mah - leg[0].used_mah


@pytest.mark.parametrize(("name", "leg_tolerance"), [("square-calm", 0.06), ("square-wind8-gusts", 0.09)])
def test_the_square_takes_the_time_that_the_real_autopilot_took(name: str, leg_tolerance: float) -> None:
    real, ours = pair(name)
    assert ours.ground_s == pytest.approx(real.ground_s, rel=0.03)
    assert ours.disarmed_s == pytest.approx(real.disarmed_s, rel=0.03)
    assert ours.reached_s.keys() == real.reached_s.keys()
    for seq in real.reached_s:
        assert took_s(ours, seq) == pytest.approx(took_s(real, seq), rel=leg_tolerance), f"item {seq}"


@pytest.mark.parametrize("name", ["square-calm", "square-wind8-gusts"])
def test_the_track_of_the_square_is_the_real_ones(name: str) -> None:
    real, ours = pair(name)
    for corner in CORNERS:
        assert ours.miss_m(*corner) == pytest.approx(real.miss_m(*corner), abs=1.0)
    # where the real one was at a share of a leg's time, ours is within a few metres
    for seq in (2, 3, 4):
        for share in (0.25, 0.5, 0.75):
            here, there = (at(f, f.reached_s[seq - 1] + took_s(f, seq) * share) for f in (real, ours))
            assert math.dist((here.e, here.n, here.h), (there.e, there.n, there.h)) < 8.0, (seq, share)


@pytest.mark.parametrize("name", ["square-calm", "square-wind8-gusts"])
def test_it_leans_as_far_and_flies_as_fast_as_the_real_one(name: str) -> None:
    real, ours = pair(name)
    for seq in (2, 3, 4, 5):
        here, there = real.leg(seq), ours.leg(seq)
        for share in (0.5, 0.9):
            want, got = (middle([s.lean_deg for s in leg], share) for leg in (here, there))
            assert got == pytest.approx(want, abs=3.0), (seq, share)
        want, got = (max(s.speed_mps for s in leg) for leg in (here, there))
        assert got == pytest.approx(want, rel=0.14), seq


def test_the_charge_of_the_calm_square_is_near_though_the_recorded_motors_are_a_table() -> None:
    real, ours = pair("square-calm")
    for seq in real.reached_s:
        assert used_mah(ours, seq) == pytest.approx(used_mah(real, seq), rel=0.15), seq
    assert ours.track[-1].used_mah == pytest.approx(real.track[-1].used_mah, rel=0.06)


def test_the_guided_flight_goes_straight_to_its_places_and_comes_down_as_the_real_one() -> None:
    real, ours = pair("guided-land")
    assert ours.ground_s == pytest.approx(real.ground_s, abs=1.0)
    assert ours.disarmed_s == pytest.approx(real.disarmed_s, abs=1.0)
    # the take-off was ordered a second later there; from the first place on the clocks agree
    for t_s in range(17, 72, 3):
        here, there = at(real, t_s), at(ours, t_s)
        assert math.hypot(here.e - there.e, here.n - there.n) < 5.0, t_s
        assert there.h == pytest.approx(here.h, abs=0.7), t_s
        assert there.speed_mps == pytest.approx(here.speed_mps, abs=2.0), t_s


@pytest.mark.soak
def test_the_table_of_the_fidelity_document(capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for name in ("square-calm", "square-wind8-gusts", "guided-land"):
        flights = pair(name)
        ground, off = (" / ".join(f"{s:.1f}" for s in both) for both in zip(*_ends(flights), strict=True))
        rows.append(f"{name}, recorded / simulated: on the ground {ground} s, motors off {off} s")
        for seq in sorted(flights[0].reached_s):
            legs = [f.leg(seq) for f in flights]
            times = " / ".join(f"{took_s(f, seq):.1f}" for f in flights)
            speeds = " / ".join(f"{max(s.speed_mps for s in leg):.1f}" for leg in legs)
            leans = " / ".join(f"{middle([s.lean_deg for s in leg]):.1f}" for leg in legs)
            charge = " / ".join(f"{used_mah(f, seq):.0f}" for f in flights)
            rows.append(f"  item {seq}: {times} s, at most {speeds} m/s, lean {leans} deg (median), {charge} mAh")
        for corner in CORNERS if flights[0].reached_s else ():
            misses = " / ".join(f"{f.miss_m(*corner):.1f}" for f in flights)
            rows.append(f"  corner {corner}: missed by {misses} m")
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(rows) + "\n")
    assert len(rows) == 3 + 12 + 6


def _ends(flights: tuple[Flown, Flown]) -> list[tuple[float, float]]:
    return [(flown.ground_s, flown.disarmed_s) for flown in flights]
