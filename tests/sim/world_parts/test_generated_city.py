"""Cities made from a seed: plausible, whole, and the same again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.reasons import Refused
from airspace.zones import parse_zones
from sim.city_file import CityFile, load_city, save_city
from sim.generated_city import ORIGIN, ZONE_FROM_DOCK_M, city_of

FRAME = LocalFrame(ORIGIN)


def spots(file: CityFile) -> list[tuple[float, float]]:
    return [FRAME.xy(LatLon(pole.lat_deg, pole.lon_deg)) for pole in file.poles]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(0, 150))
def test_any_size_is_whole_and_can_be_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, seed: int, drones: int, more_poles: int
) -> None:
    made = city_of(seed, drones, drones + 2 + more_poles)
    path = tmp_path_factory.mktemp("city") / "city.yaml"
    save_city(made.file, path)
    assert load_city(path) == made.file
    assert len(made.file.drones) == drones
    assert len(made.file.poles) == drones + 2 + more_poles
    assert len(set(spots(made.file))) == len(made.file.poles)


def test_each_drone_stands_on_a_dock_of_its_own_and_two_docks_are_spare() -> None:
    file = city_of(5, 8, 80).file
    docks = [(pole.lat_deg, pole.lon_deg) for pole in file.poles if "dock" in pole.services]
    homes = [(drone.lat_deg, drone.lon_deg) for drone in file.drones]
    assert len(docks) == 10
    assert len(set(homes)) == 8
    assert set(homes) < set(docks)


def test_docks_are_far_apart() -> None:
    file = city_of(5, 8, 200).file
    docks = [spot for spot, pole in zip(spots(file), file.poles, strict=True) if "dock" in pole.services]
    apart = [math.dist(a, b) for n, a in enumerate(docks) for b in docks[:n]]
    assert min(apart) > 150.0


def test_no_fly_blocks_are_valid_and_leave_docks_and_open_ground_alone() -> None:
    made = city_of(11, 6, 150)
    zones = parse_zones(made.zones, "generated", FRAME, Ground(108.0, -19.4))
    assert zones
    free = [spot for spot, pole in zip(spots(made.file), made.file.poles, strict=True) if "dock" in pole.services]
    free += [FRAME.xy(LatLon(place.lat_deg, place.lon_deg)) for place in made.file.open_ground]
    for feature in made.zones["features"]:
        ring = FRAME.xy_array(feature["geometry"]["coordinates"][0])
        middle = ring[:-1].mean(axis=0)
        assert min(math.dist(middle, place) for place in free) >= ZONE_FROM_DOCK_M - 0.1


def test_there_are_districts_cells_streets_weather_stations_and_one_base_station() -> None:
    made = city_of(2, 5, 50)
    file = made.file
    assert len({pole.mains for pole in file.poles}) == 4
    assert len({pole.network for pole in file.poles}) == 2
    assert len(file.cells) == 4
    assert len(made.streets) == 8
    assert sum("weather" in pole.services for pole in file.poles) >= 7
    assert sum("base_station" in pole.services for pole in file.poles) <= 1


def test_the_same_seed_gives_the_same_city_and_another_another() -> None:
    assert city_of(3, 4, 40) == city_of(3, 4, 40)
    assert city_of(3, 4, 40) != city_of(4, 4, 40)


def test_a_big_city_is_made_and_reaches_a_few_kilometres() -> None:
    file = city_of(1, 100, 2000).file
    assert len(file.poles) == 2000
    assert 2000.0 < max(math.hypot(*spot) for spot in spots(file)) < 4000.0


def test_docks_parks_and_the_distance_of_poles_can_be_asked_for() -> None:
    usual = city_of(1, 5, 60).file
    wide = city_of(1, 5, 60, pole_every_m=100.0, poles_per_dock=3.0, blocks_per_park=2).file
    assert sum("dock" in pole.services for pole in usual.poles) == 7
    assert sum("dock" in pole.services for pole in wide.poles) == 20
    assert (len(usual.open_ground), len(wide.open_ground)) == (1, 8)
    assert max(math.hypot(*spot) for spot in spots(wide)) > 1.3 * max(math.hypot(*spot) for spot in spots(usual))
    assert len(set(spots(wide))) == 60


def test_fewer_poles_than_docks_are_refused_with_what_would_do() -> None:
    with pytest.raises(Refused) as caught:
        city_of(1, 5, 6, where="here")
    (reason,) = caught.value.reasons
    assert reason.where == "here"
    assert "at least 7 poles" in reason.text()


def test_aircraft_of_others_cross_the_city_some_of_them_unheard() -> None:
    file = city_of(4, 3, 40, aircraft=60).file
    assert file == city_of(4, 3, 40, aircraft=60).file
    assert len({aircraft.id for aircraft in file.traffic}) == 60
    assert {aircraft.heard for aircraft in file.traffic} == {"adsb", "remote-id", "nothing"}
    assert {aircraft.kind for aircraft in file.traffic} == {"aeroplane", "helicopter", "drone", "balloon"}
    for aircraft in file.traffic:
        (e0, n0), (e1, n1) = (FRAME.xy(LatLon(point.lat_deg, point.lon_deg)) for point in aircraft.path)
        passed_m = abs(e0 * n1 - e1 * n0) / math.dist((e0, n0), (e1, n1))
        assert passed_m < 1000.0
        assert math.hypot(e0, n0) > 1000.0
