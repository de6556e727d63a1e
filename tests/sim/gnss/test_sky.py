"""What is up over Henan, what hides it, what drowns it and what replaces it."""

from __future__ import annotations

import math

import pytest

from sim.gnss.constellation import BDS_3
from sim.gnss.interference import CODE_DBHZ, Area, Jammer, noise_rise_db
from sim.gnss.orbits import Orbit
from sim.gnss.sky import EPOCH_S, MASK_DEG
from tests.sim.gnss.henan import NOON_UTC_S, Flight, Time, Wall, sky_over

ORBITS = {one.prn: one.orbit for one in BDS_3}


def day_of_views() -> list[tuple[int, float, float]]:
    time = Time()
    sky = sky_over(time)
    rows = []
    for _ in range(96):
        view = sky.view()
        assert view.geometry is not None
        rows.append((len(view.lines), view.geometry.pdop, view.geometry.hdop))
        time.go(900.0)
    return rows


def test_through_a_day_bds_3_alone_shows_what_receivers_in_henan_report() -> None:
    """BDS-3 alone over central China: 9 to 16 satellites, on average 12 to 13, PDOP mostly under 2.5."""
    rows = day_of_views()
    counts = [count for count, _, _ in rows]
    assert min(counts) >= 8
    assert max(counts) <= 17
    assert 11.5 <= sum(counts) / len(counts) <= 13.5
    assert max(pdop for _, pdop, _ in rows) < 3.5
    assert sorted(pdop for _, pdop, _ in rows)[len(rows) // 2] < 2.0
    assert all(0.5 < hdop < 1.6 for _, _, hdop in rows)


def test_geostationary_satellites_stand_still_in_the_south() -> None:
    time = Time()
    sky = sky_over(time)
    seen: dict[int, list[float]] = {}
    for _ in range(24):
        for one in sky.view().lines:
            if ORBITS[one.prn] is Orbit.GEO:
                seen.setdefault(one.prn, []).append(one.azimuth_deg)
                assert 25.0 < one.elevation_deg < 55.0
        time.go(3600.0)
    assert {prn: len(azimuths) for prn, azimuths in seen.items()} == {59: 24, 60: 24, 61: 24}
    assert sum(seen[59]) / 24 == pytest.approx(140.0, abs=3.0)
    assert sum(seen[60]) / 24 == pytest.approx(229.0, abs=3.0)
    assert sum(seen[61]) / 24 == pytest.approx(185.5, abs=3.0)


def test_the_view_is_made_once_in_30_s_whoever_asks_first() -> None:
    time, other = Time(NOON_UTC_S + 1.0), Time(NOON_UTC_S + 25.0)
    sky, late = sky_over(time), sky_over(other)
    first = sky.view()
    assert first == late.view()
    time.go(EPOCH_S - 7.0)
    assert sky.view() is first
    time.go(7.0)
    assert sky.view() is not first


def test_nothing_below_the_mask_is_used() -> None:
    time = Time()
    sky = sky_over(time)
    for _ in range(48):
        assert all(one.elevation_deg >= MASK_DEG for one in sky.view().lines)
        time.go(1800.0)


def test_directions_are_unit_vectors_that_match_their_angles() -> None:
    for one in sky_over(Time()).view().lines:
        assert math.hypot(one.east, one.north, one.up) == pytest.approx(1.0)
        assert math.degrees(math.asin(one.up)) == pytest.approx(one.elevation_deg)
        assert math.degrees(math.atan2(one.east, one.north)) % 360.0 == pytest.approx(one.azimuth_deg)


def test_a_facade_hides_the_satellites_behind_it_and_doubles_dilution() -> None:
    free, shaded = Time(), Time()
    open_sky, street = Flight(free, sky_over(free)), Flight(shaded, sky_over(shaded, Wall(60.0, 200.0, 70.0)))
    open_sky.go(2.0)
    street.go(2.0)
    behind = [
        one.prn for one in open_sky.receiver.lines if 60.0 <= one.azimuth_deg <= 200.0 and one.elevation_deg < 70.0
    ]
    assert behind
    assert {one.prn for one in street.receiver.lines} == {one.prn for one in open_sky.receiver.lines} - set(behind)
    assert street.receiver.fix.eph > open_sky.receiver.fix.eph


def test_noise_rises_with_the_square_of_the_way_to_a_jammer() -> None:
    jammer = Jammer(Area(0.0, 0.0, 20_000.0), 10.0)
    near, far = jammer.received_mw(1000.0, 0.0, 0.0), jammer.received_mw(0.0, 2000.0, 0.0)
    assert near / far == pytest.approx(4.0)
    # 10 mW over 1 km at 1561.098 MHz: 10 dBm - 96.3 dB
    assert 10.0 * math.log10(near) == pytest.approx(-86.3, abs=0.05)
    assert jammer.received_mw(20_001.0, 0.0, 0.0) == 0.0
    assert noise_rise_db(0.0) == 0.0
    assert noise_rise_db(near) > noise_rise_db(far) > 0.0


@pytest.mark.parametrize(("power_dbm", "none_m", "all_m"), [(10.0, 900.0, 7000.0), (0.0, 280.0, 2200.0)])
def test_a_jammer_takes_all_near_it_and_none_far_away(power_dbm: float, none_m: float, all_m: float) -> None:
    time = Time()
    sky = sky_over(time)
    everything = len(sky.view().lines)
    sky.jam(Area(0.0, 0.0, 20_000.0), power_dbm)

    def received(way_m: float) -> int:
        rise = sky.noise_rise_db(way_m, 0.0, 0.0)
        return sum(1 for one in sky.view().lines if one.cn0_dbhz - rise >= CODE_DBHZ)

    counts = [received(none_m + n * (all_m - none_m) / 40) for n in range(41)]
    assert counts[0] == 0
    assert counts[-1] == everything
    assert counts == sorted(counts)
    assert len(set(counts)) > 4  # fewer and fewer, not all at once


def test_two_jammers_add_and_are_cleared_one_by_one() -> None:
    sky = sky_over(Time())
    area = Area(100.0, 0.0, 5000.0)
    first, second = sky.jam(area, 0.0), sky.jam(area, 0.0)
    both = sky.noise_rise_db(1500.0, 0.0, 0.0)
    sky.clear(first)
    one = sky.noise_rise_db(1500.0, 0.0, 0.0)
    assert 0.0 < one < both < one + 3.02
    sky.clear(second)
    assert sky.noise_rise_db(1500.0, 0.0, 0.0) == 0.0


def test_spoofing_strikes_by_area_or_by_name_and_the_latest_wins() -> None:
    sky = sky_over(Time())
    street = sky.spoof(Area(0.0, 0.0, 200.0), drift_mps=1.0, bearing_deg=90.0)
    drone = sky.spoof("drone-2", drift_mps=2.0, bearing_deg=180.0, climb_mps=-0.5)
    assert sky.spoofing("drone-1", 100.0, 0.0) is street
    assert sky.spoofing("drone-1", 300.0, 0.0) is None
    assert sky.spoofing("drone-2", 9000.0, 0.0) is drone
    assert (street.east_mps, street.north_mps) == pytest.approx((1.0, 0.0), abs=1e-12)
    assert (drone.east_mps, drone.north_mps, drone.up_mps) == pytest.approx((0.0, -2.0, -0.5), abs=1e-12)
    sky.clear()
    assert sky.spoofing("drone-2", 9000.0, 0.0) is None
