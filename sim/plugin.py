"""The pytest plugin: fixtures `drone`, `pole`, `city` and `world` for tests of what talks to them; docs/simulator.md.

A project that uses none of them pays for this file alone: the simulator is imported when the first fixture is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from sim.world.stand import CityStand, DroneStand, PoleStand, WorldStand

MARKER = "beichen"
FIXTURES = frozenset({"drone", "pole", "city", "world"})
NAMES = "seed, speed, city, drones and poles"
# the bounds of seeds, speeds and generated cities: what a value must be, and whether it is
WANTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "seed": ("a whole number, 0 to 2**31 - 1", lambda value: _whole(value, 0, 2**31 - 1)),
    "speed": ("None or a number, 0.01 to 1000", lambda value: value is None or _number(value, 0.01, 1000.0)),
    "city": ("None or a path beside the test", lambda value: value is None or isinstance(value, str | Path)),
    "drones": ("a whole number, 1 to 200", lambda value: _whole(value, 1, 200)),
    "poles": ("a whole number, 3 to 5000", lambda value: _whole(value, 3, 5000)),
}


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "beichen(seed=1, speed=None, city=None, drones=2, poles=12): what Beichen's fixtures are made of; without a "
        "speed they run in virtual time, `city` is a city file beside the test",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A refusal is told by its reasons and the line of the test that met it, without the way through the simulator."""
    report = yield
    reasons = sys.modules.get("airspace.reasons")
    ours = FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if call.excinfo is not None and reasons is not None and ours and call.excinfo.errisinstance(reasons.Refused):
        lines = [entry.lineno + 1 for entry in call.excinfo.traceback if entry.path == item.path]
        where = f"{item.path.name}:{lines[-1]}: " if lines else ""
        report.longrepr = f"{where}refused\n{call.excinfo.value}"
    return report


def _given(request: pytest.FixtureRequest, *names: str) -> dict[str, Any]:
    """The marker's arguments that a fixture takes, as far as they are given."""
    marker = request.node.get_closest_marker(MARKER)
    given = dict(marker.kwargs) if marker is not None else {}
    if given.keys() - WANTED.keys() or (marker is not None and marker.args):
        pytest.fail(f"@pytest.mark.{MARKER} takes {NAMES} by name", pytrace=False)
    wrong = [f"{name}={value!r}: {WANTED[name][0]}" for name, value in given.items() if not WANTED[name][1](value)]
    if wrong:
        pytest.fail(f"@pytest.mark.{MARKER} cannot have " + "; ".join(wrong), pytrace=False)
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
    """A stand with one simulated pole and a gateway: `pole.run(main)`, `pole.readings`."""
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
