"""The pytest plugin, as the test files of other projects use it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

EXAMPLES = Path(__file__).parents[3] / "examples"
INSTALLED = any(point.name == "beichen" for point in entry_points(group="pytest11"))
LOADED = [] if INSTALLED else ["-p", "sim.plugin"]

USERS_FILE = """
import asyncio
import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

HEARTBEAT = mavlink.MAVLINK_MSG_ID_HEARTBEAT


def test_a_drone_is_heard(drone):
    async def main(simulated):
        link, parser = drone.link(simulated), mavlink.MAVLink(None)
        while True:
            for message in parser.parse_buffer(await link.receive()) or ():
                if message.get_msgId() == HEARTBEAT:
                    return message.autopilot

    assert drone.run(main) == mavlink.MAV_AUTOPILOT_ARDUPILOTMEGA


def test_a_pole_reports_its_weather_and_loses_its_power(pole):
    async def main(simulated, gateway):
        await asyncio.sleep(22.0)
        heard = len(pole.readings)
        simulated.fail_power()
        await asyncio.sleep(60.0)
        return heard

    heard = pole.run(main)
    assert heard >= 2
    assert len(pole.readings) == heard
    assert "WindSensor" in [reading.function for reading in pole.readings]


@pytest.mark.beichen(seed=7, drones=3, poles=20)
def test_a_city_is_as_large_as_the_marker_says(city):
    async def main(simulated):
        await asyncio.sleep(5.0)
        return len(simulated.drones), len(simulated.poles), simulated.wind.mean_at(5.0)[:2]

    drones, poles, wind = city.run(main, faults=["wind=9,from_deg=270"])
    assert (city.seed, drones, poles) == (7, 3, 20)
    assert wind == pytest.approx((9.0, 0.0), abs=1e-6)


@pytest.mark.beichen(city="hamlet.yaml", seed=4)
def test_the_whole_system_flies_a_request(world):
    result = world.fly(world.folder / "requests" / "west-east.yaml", faults=["dock:410105-LP-000003=taken"])
    assert (result.outcome, result.summary.flights[0].landed_on) == ("completed", "410105-LP-000004")
    assert result.summary.seed == 4


@pytest.mark.beichen(speed=20)
def test_time_can_be_the_wall_clock(drone):
    async def main(simulated):
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(2.0)
        return asyncio.get_running_loop().time() - began_s

    assert 2.0 <= drone.run(main) < 40.0
"""


def test_a_users_tests_use_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_of_a_user=USERS_FILE)
    for name in ("hamlet.yaml", "requests"):
        (pytester.path / name).symlink_to(EXAMPLES / "scenarios" / name)
    result = pytester.runpytest_subprocess(*LOADED, "-q", "-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=5)


def test_wrong_words_in_the_marker_are_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.beichen(sped=3)
        def test_nothing(drone):
            pass
        """
    )
    result = pytester.runpytest_subprocess(*LOADED, "-q", "-p", "no:cacheprovider")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*takes seed, speed, city, drones and poles by name*"])


def test_a_project_without_it_is_left_alone_and_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        import pytest

        @pytest.fixture
        def world():
            return "mine"

        def test_own_fixtures_win(world):
            assert world == "mine"

        def test_the_simulator_is_not_imported():
            assert not {"sim.world", "sim.city", "numpy", "zmq", "controller"} & sys.modules.keys()
        """
    )
    result = pytester.runpytest_subprocess(*LOADED, "-q", "-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=2)


def test_the_plugin_itself_imports_only_pytest() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import sim.plugin; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sim", "sim.plugin"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("seed='x'", "seed='x': a whole number, 0 to 2**31 - 1"),
        ("seed=-1", "seed=-1: a whole number"),
        ("speed=0", "speed=0: None or a number, 0.01 to 1000"),
        ("city=3", "city=3: None or a path beside the test"),
        ("drones=0", "drones=0: a whole number, 1 to 200"),
        ("drones=2, poles=True", "poles=True: a whole number, 3 to 5000"),
    ],
)
def test_wrong_values_in_the_marker_are_refused_in_a_line(pytester: pytest.Pytester, given: str, told: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.beichen({given})\ndef test_nothing(city):\n    pass\n")
    result = pytester.runpytest_subprocess(*LOADED, "-q", "-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    assert f"@pytest.mark.beichen cannot have {told}" in result.stdout.str()
    assert len(result.outlines) < 12


def test_a_refusal_is_told_by_its_reasons_and_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_of_a_user="""
        import pytest
        from airspace.reasons import Refused

        async def nothing(city):
            pass

        def test_a_fault_that_there_is_none_of(city):
            city.run(nothing, faults=["storm=1"])

        @pytest.mark.beichen(city="nowhere.yaml")
        def test_a_city_that_is_not_there(city):
            pass

        def test_who_expects_it_gets_it(city):
            with pytest.raises(Refused):
                city.run(nothing, faults=["storm=1"])
        """
    )
    result = pytester.runpytest_subprocess(*LOADED, "-q", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1, errors=1)
    text = result.stdout.str()
    assert "test_of_a_user.py:8: refused" in text
    assert "[inject.unknown]" in text
    assert "nowhere.yaml" in text
    assert "asyncio" not in text
    assert len(result.outlines) < 25
