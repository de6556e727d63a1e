"""From no fix to a fixed one and back: what the sky, the corrections, jammers and spoofers make of it."""

from __future__ import annotations

import math
import random

import pytest

from sim.gnss.interference import Area
from sim.gnss.laws import DGPS, FIX_2D, FIX_3D, NO_FIX, NO_GPS, RTK_FIXED, RTK_FLOAT
from sim.gnss.receiver import (
    DGPS_AGE_S,
    FIX_DELAY_S,
    FIX_MEAN_S,
    FIX_PER_KM_S,
    FIXED_AGE_S,
    FLOAT_AFTER_S,
    FLOAT_AGE_S,
    REACQUIRE_S,
    Receiver,
)
from tests.sim.gnss.henan import Flight, Time, Wall, sky_over


def rtk_flight(seed: int = 1, *, warm_s: float = 30.0) -> Flight:
    """A drone that a station 800 m away corrects, after so long."""
    time = Time()
    flight = Flight(time, sky_over(time), seed=seed, network=False)
    flight.corrected_from(800.0, 0.0)
    flight.go(warm_s)
    return flight


def test_with_a_network_of_its_own_the_fix_is_fixed_at_once() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    assert flight.go(0.2) == RTK_FIXED
    assert flight.receiver.fix.satellites == len(flight.sky.view().lines)
    assert flight.receiver.rtk() is None  # the network's station has no place


def test_without_corrections_it_stays_a_plain_one() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), network=False)
    assert flight.go(60.0) == FIX_3D
    assert math.isinf(flight.receiver.age_s())


def test_corrections_lead_through_dgps_and_float_to_a_fixed_solution() -> None:
    flight = rtk_flight()
    assert [fix for _, fix in flight.fixes] == [FIX_3D, DGPS, RTK_FLOAT, RTK_FIXED]
    rtk = flight.receiver.rtk()
    assert rtk is not None
    assert (rtk.east_m, rtk.north_m, rtk.up_m) == pytest.approx((-800.0, 0.0, 40.0), abs=0.1)
    assert rtk.station == 7
    assert rtk.hypotheses == 1
    assert 0.0 <= rtk.age_s <= 1.2
    assert rtk.satellites == flight.receiver.fix.satellites
    assert flight.receiver.sigma_m[0] < 0.02


def frames_of(seconds: int) -> list[list[bytes]]:
    time = Time()
    flight = Flight(time, sky_over(time))
    station = flight.corrected_from(0.0, 2000.0)
    made = []
    for _ in range(seconds):
        time.go(1.0)
        made.append(station.epoch())
    return made


def test_the_time_to_fix_is_a_delay_and_an_exponential_wait() -> None:
    frames, waits = frames_of(60), []
    for seed in range(150):
        time = Time()
        receiver = Receiver(random.Random(seed), sky_over(time), network_corrections=False)
        floating = fixed = 0
        for second in range(60):
            time.go(1.0)
            for frame in frames[second]:
                receiver.corrections(frame)
            receiver.step(time.passed_s, 0.0, 0.0, 50.0)
            if receiver.fix_type == RTK_FLOAT and not floating:
                floating = second
            if receiver.fix_type == RTK_FIXED:
                fixed = second
                break
        assert fixed
        waits.append(fixed - floating)
    mean_s = FIX_MEAN_S + FIX_PER_KM_S * 2.0
    assert min(waits) >= math.floor(FIX_DELAY_S)
    # rounded up to the next look, half a second later on average
    assert sum(waits) / len(waits) == pytest.approx(FIX_DELAY_S + mean_s + 0.5, abs=4.0 * mean_s / math.sqrt(150))
    late = sum(1 for wait in waits if wait > FIX_DELAY_S + mean_s + 0.5) / len(waits)
    assert late == pytest.approx(math.exp(-1.0), abs=0.15)


def test_corrections_that_grow_old_lose_the_fix_step_by_step() -> None:
    flight = rtk_flight(warm_s=60.0)
    flight.station = None
    flight.fixes.clear()
    begin = flight.time.passed_s
    assert flight.go(DGPS_AGE_S + 5.0) == FIX_3D
    assert [fix for _, fix in flight.fixes] == [RTK_FIXED, RTK_FLOAT, DGPS, FIX_3D]
    ages = [at_s - begin for at_s, _ in flight.fixes[1:]]
    assert ages == pytest.approx([FIXED_AGE_S, FLOAT_AGE_S, DGPS_AGE_S], abs=1.5)


def test_accuracy_fades_while_corrections_age() -> None:
    flight = rtk_flight(warm_s=60.0)
    fresh = flight.receiver.fix.h_acc_mm
    flight.station = None
    flight.go(25.0)
    assert flight.receiver.fix_type == RTK_FIXED
    assert flight.receiver.fix.h_acc_mm > fresh


@pytest.mark.parametrize(
    ("north_m", "best"), [(1_000.0, RTK_FIXED), (29_000.0, RTK_FIXED), (31_000.0, DGPS), (90_000.0, DGPS)]
)
def test_a_station_too_far_away_only_corrects_the_code(north_m: float, best: int) -> None:
    time = Time()
    flight = Flight(time, sky_over(time), network=False)
    flight.corrected_from(0.0, north_m)
    flight.go(90.0)
    assert max(fix for _, fix in flight.fixes) == best


def test_observations_without_the_stations_place_correct_nothing() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), network=False)
    station = flight.corrected_from(500.0, 0.0)
    flight.station = None
    for _ in range(60):
        flight.go(1.0)
        flight.receiver.corrections(station.epoch()[0])
    assert flight.receiver.received.messages > 50
    assert flight.receiver.fix_type == FIX_3D


def test_msm4_fixes_as_well_and_a_recording_of_another_hour_does_not() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), network=False)
    flight.corrected_from(500.0, 0.0, kind=4)
    assert flight.go(40.0) == RTK_FIXED
    late = Time()
    other = Flight(late, sky_over(late), network=False)
    for second, frames in enumerate(frames_of(20)):
        late.utc_s = Time().utc_s + 7200.0 + second
        for frame in frames:
            other.receiver.corrections(frame)
        other.receiver.step(float(second), *other.place)
    assert other.receiver.fix_type == FIX_3D


def test_bytes_that_were_damaged_on_the_way_correct_nothing() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), network=False)
    station = flight.corrected_from(500.0, 0.0)
    flight.station = None
    for _ in range(20):
        flight.go(1.0)
        for frame in station.epoch():
            broken = bytearray(frame)
            broken[len(broken) // 2] ^= 0x10
            flight.receiver.corrections(bytes(broken))
    assert flight.receiver.fix_type == FIX_3D
    assert flight.receiver.received.messages == 0


def test_another_station_means_new_ambiguities() -> None:
    flight = rtk_flight(warm_s=60.0)
    assert flight.receiver.fix_type == RTK_FIXED
    flight.fixes.clear()
    flight.corrected_from(-600.0, 300.0, station=8)
    flight.go(60.0)
    assert [fix for _, fix in flight.fixes][-3:] == [DGPS, RTK_FLOAT, RTK_FIXED]
    rtk = flight.receiver.rtk()
    assert rtk is not None
    assert rtk.station == 8
    assert (rtk.east_m, rtk.north_m) == pytest.approx((600.0, -300.0), abs=0.1)


@pytest.mark.parametrize("cap", [NO_GPS, NO_FIX, FIX_2D, FIX_3D, DGPS, RTK_FLOAT, RTK_FIXED])
def test_a_cap_is_the_best_that_is_possible_and_goes_as_it_came(cap: int) -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.go(2.0)
    flight.receiver.set_fix(cap)
    assert flight.receiver.fix_type == cap
    flight.go(5.0)
    assert flight.receiver.fix_type == cap
    assert flight.receiver.fix.satellites == {NO_GPS: 0, NO_FIX: 3}.get(cap, len(flight.receiver.lines))
    flight.receiver.set_fix(RTK_FIXED)
    assert flight.receiver.fix_type == RTK_FIXED


def test_a_jammer_nearby_takes_every_satellite_and_gives_them_back() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.go(5.0)
    jammer = flight.sky.jam(Area(0.0, 0.0, 500.0))
    flight.go(2.0)
    assert (flight.receiver.fix_type, flight.receiver.fix.satellites, flight.receiver.fix.eph) == (NO_FIX, 0, 65535)
    flight.fixes.clear()
    flight.sky.clear(jammer)
    begin = time.passed_s
    assert flight.go(60.0) == RTK_FIXED
    assert [fix for _, fix in flight.fixes] == [NO_FIX, DGPS, RTK_FLOAT, RTK_FIXED]
    assert flight.fixes[1][0] - begin == pytest.approx(REACQUIRE_S, abs=1.5)
    assert flight.fixes[2][0] - flight.fixes[1][0] == pytest.approx(FLOAT_AFTER_S, abs=1.1)
    assert flight.fixes[3][0] - flight.fixes[2][0] >= FIX_DELAY_S - 1.0


def test_flying_towards_a_jammer_costs_first_the_centimetres_then_satellites_then_all() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.sky.jam(Area(0.0, 0.0, 10_000.0), 0.0)
    seen = []
    for way_m in range(3000, 100, -20):
        flight.place = (float(way_m), 0.0, 50.0)
        flight.go(2.0)
        seen.append((flight.receiver.fix_type, flight.receiver.fix.satellites))
    kinds = [kind for kind, _ in seen]
    assert kinds[0] == RTK_FIXED
    assert kinds[-1] == NO_FIX
    assert any(kind in (FIX_3D, DGPS) for kind in kinds)
    weak = [count for kind, count in seen if kind >= FIX_3D]
    assert weak == sorted(weak, reverse=True)
    assert min(weak) >= 4


def test_outside_its_area_a_jammer_is_not_heard() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.sky.jam(Area(2000.0, 0.0, 500.0), 30.0)
    assert flight.go(5.0) == RTK_FIXED


@pytest.mark.parametrize(("coherent", "kind"), [(False, FIX_3D), (True, RTK_FIXED)])
def test_a_spoofer_walks_the_position_off_while_all_looks_well(coherent: bool, kind: int) -> None:
    time = Time()
    flight = Flight(time, sky_over(time), name="drone-1")
    flight.go(5.0)
    before = flight.receiver.fix
    spoof = flight.sky.spoof("drone-1", drift_mps=2.0, bearing_deg=90.0, coherent=coherent)
    flight.go(30.0)
    receiver = flight.receiver
    assert receiver.fix_type == kind
    assert (receiver.fix.satellites, receiver.fix.eph) == (before.satellites, before.eph)
    # 2 m/s for 30 s, less a second until it takes hold, reacquiring, and 3 s of the filter
    assert receiver.e == pytest.approx(60.0, abs=14.0)
    assert abs(receiver.n) < 4.0
    east = receiver.e
    flight.go(20.0)
    assert receiver.e - east == pytest.approx(40.0, abs=3.0)
    flight.sky.clear(spoof)
    flight.go(60.0)
    assert receiver.fix_type == RTK_FIXED
    assert abs(receiver.e) < 0.2


def test_a_spoofer_strikes_whom_it_aims_at() -> None:
    time = Time()
    sky = sky_over(time)
    flights = [Flight(Time(), sky, name=name) for name in ("drone-1", "drone-2")]
    sky.spoof("drone-2", drift_mps=5.0, bearing_deg=0.0)
    for flight in flights:
        flight.go(20.0)
    assert abs(flights[0].receiver.n) < 0.2
    assert flights[1].receiver.n > 50.0


def test_a_narrow_street_loses_the_fix_and_finds_it_again() -> None:
    time, open_time = Time(), Time()
    street = Flight(time, sky_over(time, Wall(20.0, 170.0, 75.0)))
    field = Flight(open_time, sky_over(open_time))
    for flight in (street, field):
        flight.go(4 * 3600.0, 1.0)
    assert [fix for _, fix in field.fixes] == [RTK_FIXED]
    kinds = [fix for _, fix in street.fixes]
    assert RTK_FLOAT in kinds
    assert RTK_FIXED in kinds[kinds.index(RTK_FLOAT) :]


def test_a_restart_counts_time_anew() -> None:
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.go(600.0, 1.0)
    flight.receiver.restart()
    flight.receiver.step(0.0, 0.0, 0.0, 50.0)
    before = flight.receiver.raw_m
    flight.receiver.step(0.2, 0.0, 0.0, 50.0)
    assert flight.receiver.raw_m != before
    assert flight.receiver.fix_type == RTK_FIXED


class Roofs:
    """Walls all around that end at a height."""

    def elevation_deg(self, e_m: float, n_m: float, u_m: float, azimuth_deg: float) -> float:
        return 70.0 if u_m < 30.0 else 0.0


def test_above_the_roofs_the_sky_opens() -> None:
    time = Time()
    flight = Flight(time, sky_over(time, Roofs()))
    flight.place = (0.0, 0.0, 5.0)
    flight.go(5.0)
    assert len(flight.receiver.lines) < 6
    flight.place = (0.0, 0.0, 60.0)
    flight.go(2.0)
    assert flight.receiver.lines == flight.sky.view().lines
