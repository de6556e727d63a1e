"""The pytest plugin: fixtures `drone`, `pole`, `city` and `world` for tests of what talks to them; docs/simulator.md.

A project that uses none of them pays for this file alone: the simulator is imported when the first fixture is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.world.stand import CityStand, DroneStand, PoleStand, WorldStand

MARKER = "beichen"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "beichen(seed=1, speed=None, city=None, drones=2, poles=12): what Beichen's fixtures are made of; without a "
        "speed they run in virtual time, `city` is a city file beside the test",
    )


def _given(request: pytest.FixtureRequest, *names: str) -> dict[str, Any]:
    """The marker's arguments that a fixture takes, as far as they are given."""
    marker = request.node.get_closest_marker(MARKER)
    given = dict(marker.kwargs) if marker is not None else {}
    unknown = sorted(given.keys() - {"seed", "speed", "city", "drones", "poles"})
    if unknown or (marker is not None and marker.args):
        raise pytest.UsageError(f"@pytest.mark.{MARKER} takes seed, speed, city, drones and poles by name")
    if given.get("city") is not None:
        given["city"] = Path(request.path).parent / given["city"]
    return {name: given[name] for name in names if name in given}


@pytest.fixture
def drone(request: pytest.FixtureRequest) -> DroneStand:
    """A stand with one simulated drone: `drone.run(main)`, `drone.link(simulated)`."""
    from sim.world.stand import DroneStand  # noqa: PLC0415 - costs nothing until it is used

    return DroneStand(**_given(request, "seed", "speed"))


@pytest.fixture
def pole(request: pytest.FixtureRequest) -> PoleStand:
    """A stand with one simulated pole and a gateway: `pole.run(main)`, `pole.reports`."""
    from sim.world.stand import PoleStand  # noqa: PLC0415 - costs nothing until it is used

    return PoleStand(**_given(request, "seed", "speed"))


@pytest.fixture
def city(request: pytest.FixtureRequest) -> CityStand:
    """A stand with a simulated city: `city.run(main, faults=[...])`."""
    from sim.world.stand import CityStand  # noqa: PLC0415 - costs nothing until it is used

    return CityStand(**_given(request, "seed", "speed", "city", "drones", "poles"))


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> WorldStand:
    """A stand with a city and the real controller: `world.fly(mission)`, `.control(main)`, `.play(scenario)`."""
    from sim.world.stand import WorldStand  # noqa: PLC0415 - costs nothing until it is used

    return WorldStand(tmp_path / "beichen", **_given(request, "seed", "speed", "city", "drones", "poles"))
