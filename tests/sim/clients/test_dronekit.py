"""dronekit flies the simulated drone, unchanged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sim.clients.serving import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, PATIENCE_S, eventually, serving

dronekit = pytest.importorskip("dronekit")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def vehicle() -> Iterator[Any]:
    with serving(speed=5.0) as drones:
        vehicle = dronekit.connect(f"tcp:{drones[0].address}", wait_ready=True, timeout=PATIENCE_S)
        try:
            yield vehicle
        finally:
            vehicle.close()


def uploaded(vehicle: Any, *items: Any) -> None:
    commands = vehicle.commands
    commands.download()
    commands.wait_ready()
    commands.clear()
    for item in items:
        commands.add(item)
    commands.upload()
    commands.download()
    commands.wait_ready()


def item(command: int, north_deg: float = 0.0, height_m: float = 0.0) -> Any:
    lat, lon = (HOME_LAT_DEG + north_deg, HOME_LON_DEG) if command == 16 else (0.0, 0.0)
    return dronekit.Command(0, 0, 0, 3, command, 0, 1, 0, 0, 0, 0, lat, lon, height_m)


def height_m(vehicle: Any) -> float:
    return float(vehicle.location.global_relative_frame.alt or 0.0)


def test_dronekit_reads_and_sets_parameters(vehicle: Any) -> None:
    assert vehicle.version.vehicle_type is not None
    assert vehicle.parameters["FENCE_ALT_MAX"] == 100
    vehicle.parameters.set("FENCE_ALT_MAX", 80, retries=3)
    eventually(lambda: vehicle.parameters["FENCE_ALT_MAX"] == 80)


def test_dronekit_flies_a_mission_and_goes_where_it_is_told(vehicle: Any) -> None:
    heard: list[Any] = []
    vehicle.add_attribute_listener("location.global_relative_frame", lambda _, name, value: heard.append(value))
    assert vehicle.mode.name == "STABILIZE"
    assert not vehicle.armed
    home = vehicle.location.global_frame
    assert (home.lat, home.alt) == (pytest.approx(HOME_LAT_DEG, abs=1e-5), pytest.approx(HOME_AMSL_M, abs=1.0))

    uploaded(vehicle, item(22, height_m=15.0), item(16, 0.0003, 15.0))
    assert [c.command for c in vehicle.commands] == [22, 16]

    vehicle.mode = dronekit.VehicleMode("GUIDED")
    eventually(lambda: vehicle.mode.name == "GUIDED")
    eventually(lambda: vehicle.is_armable)
    vehicle.armed = True
    eventually(lambda: vehicle.armed)
    vehicle.simple_takeoff(10)
    eventually(lambda: height_m(vehicle) > 9.5)
    vehicle.simple_goto(dronekit.LocationGlobalRelative(HOME_LAT_DEG + 0.0002, HOME_LON_DEG, 12))
    eventually(lambda: vehicle.location.global_frame.lat > HOME_LAT_DEG + 0.00018 and height_m(vehicle) > 11.0)
    assert len(heard) > 5

    vehicle.mode = dronekit.VehicleMode("AUTO")
    eventually(lambda: vehicle.commands.next == 2)
    eventually(lambda: vehicle.location.global_frame.lat > HOME_LAT_DEG + 0.00028)
    vehicle.mode = dronekit.VehicleMode("LAND")
    eventually(lambda: not vehicle.armed)


def test_dronekit_meets_a_drone_that_is_still_booting() -> None:
    with serving("--cold", speed=10.0) as drones:
        began_s = time.monotonic()
        vehicle = dronekit.connect(f"udpout:127.0.0.1:{drones[0].udp}", wait_ready=False, timeout=PATIENCE_S)
        try:
            eventually(lambda: vehicle.gps_0.fix_type is not None)
            assert not vehicle.is_armable
            eventually(lambda: vehicle.is_armable)
            assert time.monotonic() - began_s > 1.0
        finally:
            vehicle.close()
