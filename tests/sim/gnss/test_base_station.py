"""What a station sends is good enough to find its place, and two of them for whole cycles between them."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from pyrtcm.rtcmreader import RTCMReader

from sim.gnss.atmosphere import troposphere_factor, zenith_troposphere_m
from sim.gnss.base_station import BaseStationStream, StationSite
from sim.gnss.interference import Area
from sim.gnss.msm import B1I, B3I, WAVELENGTHS_M
from sim.gnss.orbits import EARTH_RATE_RADPS, LIGHT_MPS, WEEK_S, Ephemeris, Orbit, about_z, bdt_s
from sim.gnss.places import Axes, earth_fixed_m
from sim.gnss.sky import Sky
from tests.sim.gnss.henan import ZHENGZHOU, Time, Wall, sky_over
from tests.sim.gnss.test_rtcm import cells_of

SIGNALS = {"2I": B1I, "6I": B3I}


def station_at(time: Time, e_m: float = 0.0, n_m: float = 0.0, *, seed: int = 4, station: int = 9) -> BaseStationStream:
    sky = sky_over(time)
    site = StationSite(sky.frame.latlon(e_m, n_m), 112.5, e_m, n_m, 20.0)
    return BaseStationStream(site, sky, rng=random.Random(seed), station=station)


def read_of(frames: list[bytes]) -> list[Any]:
    return [RTCMReader.parse(frame) for frame in frames]


def ephemeris_of(read: Any) -> Ephemeris:
    """1042 as pyrtcm reads it."""
    orbit = Orbit.GEO if read.DF488 >= 59 else Orbit.MEO if read.DF504 < 6000.0 else Orbit.IGSO
    return Ephemeris(
        read.DF488, orbit, read.DF489 * WEEK_S + read.DF505, read.DF504, read.DF502, read.DF509 * math.pi,
        read.DF507 * math.pi, read.DF512 * math.pi, read.DF511 * math.pi, read.DF500 * math.pi, read.DF499 * math.pi,
        read.DF496, read.DF495,
    )  # fmt: skip


def solved(pseudoranges: dict[int, float], ephemerides: dict[int, Ephemeris], t_s: float) -> np.ndarray:
    """A single point position [m] from ranges free of the ionosphere, by Gauss and Newton from the earth's middle."""
    place = np.zeros(4)
    for iteration in range(12):
        rows, left = [], []
        for prn, range_m in pseudoranges.items():
            sent_s = t_s - range_m / LIGHT_MPS
            sent_s -= ephemerides[prn].clock_s(sent_s)
            flown_s = t_s - sent_s - place[3] / LIGHT_MPS
            satellite = np.array(about_z(ephemerides[prn].position_m(sent_s), EARTH_RATE_RADPS * flown_s))
            away = float(np.linalg.norm(satellite - place[:3]))
            direction = (satellite - place[:3]) / away
            modelled = away + place[3] - LIGHT_MPS * ephemerides[prn].clock_s(sent_s)
            if iteration > 6:
                up = Axes.at(ZHENGZHOU).local(*direction)[2]
                modelled += zenith_troposphere_m(112.5) * troposphere_factor(math.degrees(math.asin(up)))
            rows.append([*-direction, 1.0])
            left.append(range_m - modelled)
        place += np.linalg.lstsq(np.array(rows), np.array(left), rcond=None)[0]
    return place


def test_a_decoder_finds_the_stations_place_from_its_messages_alone() -> None:
    time = Time()
    stream = station_at(time)
    ephemerides: dict[int, Ephemeris] = {}
    reference: tuple[float, float, float] | None = None
    places = []
    for second in range(40):
        time.go(1.0)
        for read in read_of(stream.epoch()):
            if read.identity == "1042":
                ephemerides[read.DF488] = ephemeris_of(read)
            elif read.identity == "1006":
                reference = (read.DF025, read.DF026, read.DF027)
            elif read.identity == "1127" and second >= 20:
                t_s = bdt_s(time.utc_s) // WEEK_S * WEEK_S + read.DF427 / 1000.0
                free = {}
                first, second_band = WAVELENGTHS_M[B1I] ** -2, WAVELENGTHS_M[B3I] ** -2
                cells = cells_of(read, 7)
                for prn in sorted({key[0] for key in cells}):
                    b1, b3 = cells[prn, "2I"][0], cells[prn, "6I"][0]
                    free[int(prn)] = (first * b1 - second_band * b3) / (first - second_band)
                places.append(solved(free, ephemerides, t_s)[:3])
    assert reference is not None
    assert math.dist(reference, earth_fixed_m(ZHENGZHOU, 112.5)) < 1e-3
    assert len(places) == 20
    # code noise of 0.3 m, three times as much without the ionosphere, on 20 epochs
    assert math.dist(np.mean(places, axis=0), reference) < 1.0
    scatter = float(np.std(places, axis=0).max())
    assert 0.2 < scatter < 4.0


def epochs_of(stream: BaseStationStream) -> Any:
    return cells_of(next(read for read in read_of(stream.epoch()) if read.identity == "1127"), 7)


def test_double_differences_of_phases_are_whole_cycles() -> None:
    time = Time()
    near, far = station_at(time, seed=4), station_at(time, 3000.0, 1500.0, seed=5)
    for _ in range(3):
        time.go(1.0)
        here, there = epochs_of(near), epochs_of(far)
    t_s, ephemerides = float(round(bdt_s(time.utc_s))), near.sky.ephemerides()
    elevations = {one.prn: one.elevation_deg for one in near.satellites()}
    high = max(elevations, key=lambda prn: elevations[prn])
    for prn, signal in itertools.product(elevations, ("2I", "6I")):
        if prn == high:
            continue

        def single(number: int, signal: str = signal) -> float:
            key = (f"{number:03d}", signal)
            geometric = near.range_m(ephemerides[number], t_s)[0] - far.range_m(ephemerides[number], t_s)[0]
            return float(here[key][1] - there[key][1]) - geometric

        cycles = (single(prn) - single(high)) / WAVELENGTHS_M[SIGNALS[signal]]
        assert abs(cycles - round(cycles)) < 0.12  # four phases of 2 mm each


def test_phases_run_on_from_second_to_second_at_the_rate_that_is_told() -> None:
    time = Time()
    stream = station_at(time)
    time.go(1.0)
    before = epochs_of(stream)
    time.go(1.0)
    after = epochs_of(stream)
    clock_m = np.median([after[key][1] - before[key][1] - (after[key][3] + before[key][3]) / 2.0 for key in after])
    for key, cell in after.items():
        assert cell[1] - before[key][1] - (cell[3] + before[key][3]) / 2.0 == pytest.approx(clock_m, abs=0.02)


def test_code_is_delayed_by_the_ionosphere_more_on_b3i_by_the_square_of_the_wavelength() -> None:
    time = Time()
    stream = station_at(time)
    view = stream.sky.view()
    factors = {f"{one.prn:03d}": one.zenith_factor for one in view.lines}
    parted: dict[str, list[float]] = {}
    for _ in range(200):
        cells = epochs_of(stream)
        for prn in factors:
            parted.setdefault(prn, []).append(cells[prn, "6I"][0] - cells[prn, "2I"][0])
    more = (WAVELENGTHS_M[B3I] / WAVELENGTHS_M[B1I]) ** 2 - 1.0
    for prn, differences in parted.items():
        expected = view.zenith_ionosphere_m * factors[prn] * more
        assert float(np.mean(differences)) == pytest.approx(expected, abs=0.3 * math.sqrt(2.0 / 200) * 4.0)


def test_messages_come_at_their_times() -> None:
    time = Time()
    stream = station_at(time)
    seen: dict[str, list[int]] = {}
    satellites = len(stream.satellites())
    numbers = set()
    for second in range(60):
        for read in read_of(stream.epoch()):
            seen.setdefault(read.identity, []).append(second)
            if read.identity == "1042":
                numbers.add(read.DF488)
            else:
                assert read.DF003 == 9
        time.go(1.0)
    assert {kind: len(times) for kind, times in seen.items()} == {"1127": 60, "1042": 60, "1006": 12, "1033": 6}
    assert len(numbers) == satellites  # each ephemeris once in about ten seconds
    assert max(len(frame) for frame in stream.epoch()) <= 720  # four fragments of MAVLink


def test_lock_times_grow_until_a_satellite_is_lost() -> None:
    time = Time()
    stream = station_at(time)
    stream.epoch()
    time.go(100.0)
    read = read_of(stream.epoch())[0]
    assert {getattr(read, f"DF407_{n:02d}") for n in range(1, read.NCell + 1)} == {(100_000 >> 11) + 32 * 11}
    jammer = stream.sky.jam(Area(0.0, 0.0, 100.0))
    time.go(1.0)
    assert stream.epoch() == []
    stream.sky.clear(jammer)
    time.go(1.0)
    read = read_of(stream.epoch())[0]
    assert {getattr(read, f"DF407_{n:02d}") for n in range(1, read.NCell + 1)} == {0}


def test_a_wall_and_a_spoofer_take_satellites_from_a_station_too() -> None:
    time = Time()
    walled = Sky(sky_over(time).frame, utc_s=lambda: time.utc_s, skyline=Wall(90.0, 270.0, 60.0))
    stream = BaseStationStream(StationSite(ZHENGZHOU, 112.5), walled, rng=random.Random(1))
    assert len(stream.satellites()) < len(walled.view().lines)
    walled.spoof(Area(0.0, 0.0, 300.0), drift_mps=1.0, bearing_deg=0.0)
    assert stream.satellites() == ()
    assert stream.epoch() == []


def test_the_same_seed_sends_the_same_bytes() -> None:
    def sent(seed: int) -> bytes:
        time = Time()
        stream, made = station_at(time, seed=seed), b""
        for _ in range(20):
            time.go(1.0)
            made += b"".join(stream.epoch())
        return made

    assert sent(3) == sent(3)
    assert sent(3) != sent(4)
