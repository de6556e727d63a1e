from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from controller.events import AlarmRaised, DockServed
from controller.flight.serving import DockService
from poles.services.charger import Charger
from poles.services.cover import Cover
from poles.services.dock_functions import ChargerReadings
from tests.controller.flight.scene import PRIMARY, Scene, Spoken, dock, in_scene

FLIGHT = "f1"
GIVEN_BACK = ["DroneDock release", "LampActuator override"]
IDLE = ChargerReadings(charger=Charger.OFF, charge_pct=40.0)


def served(
    folder: Path,
    says: Spoken,
    check: Callable[[Scene], None],
    *,
    landed_here: bool = True,
    covers: bool = True,
    charges: bool = True,
    **troubles: set[tuple[str, str]],
) -> None:
    """Serve a dock that says this, and does what it is told unless a test has it otherwise."""

    async def body(scene: Scene) -> None:
        poles = scene.poles
        poles.says[PRIMARY] = says
        poles.rejects |= troubles.get("rejects", set())
        poles.ignores |= troubles.get("ignores", set())

        def obeys(pole: str, action: str) -> None:
            if action == "close" and covers and says.dock is not None:
                says.dock = dock(Cover.CLOSED, drone_present=says.dock.drone_present)
            if action == "charge" and charges:
                says.charger = ChargerReadings(charger=Charger.CHARGING, charge_pct=41.0)

        poles.on_order = obeys
        assert scene.district.poles is not None
        await DockService(scene.district, scene.district.poles, FLIGHT, PRIMARY).run(landed_here=landed_here)
        check(scene)

    _run(folder, body)


def _run(folder: Path, body: Callable[[Scene], Awaitable[None]]) -> None:
    in_scene(folder, body)


def stood_on(**says: Any) -> Spoken:
    """An open dock with our drone on its pad."""
    return Spoken(dock(Cover.OPEN, drone_present=True, ready=False), **says)


def alarms(scene: Scene) -> list[str]:
    return [event.code for event in scene.happened(AlarmRaised)]


def test_a_drone_that_has_landed_is_shut_in_then_charged_then_the_dock_is_given_back_and_all_that_told(
    tmp_path: Path,
) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", "DroneCharger charge", *GIVEN_BACK]
        assert [order[3].get("flight") for order in scene.poles.orders[:3]] == [FLIGHT] * 3
        assert alarms(scene) == []
        (event,) = scene.happened(DockServed)
        assert (event.pole, event.cover, event.charger, event.charge_pct) == (PRIMARY, "closed", "charging", 41.0)

    served(tmp_path, stood_on(charger=IDLE), check)


def test_a_dock_without_a_charger_is_closed_and_given_back(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", *GIVEN_BACK]
        assert alarms(scene) == []
        assert scene.happened(DockServed)[0].charger is None

    served(tmp_path, stood_on(), check)


def test_no_cover_is_closed_over_a_drone_that_its_pad_does_not_feel(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == GIVEN_BACK
        assert alarms(scene) == ["dock.not-closed"]

    served(tmp_path, Spoken(dock(Cover.OPEN), charger=IDLE), check)


@pytest.mark.parametrize(
    "troubles",
    [{"rejects": {(PRIMARY, "close")}}, {"ignores": {(PRIMARY, "close")}, "covers": False}, {"covers": False}],
)
def test_under_a_cover_that_does_not_close_nothing_is_charged(tmp_path: Path, troubles: dict[str, Any]) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", *GIVEN_BACK]
        assert alarms(scene) == ["dock.not-closed"]
        assert scene.happened(DockServed)[0].cover == "open"

    served(tmp_path, stood_on(charger=IDLE), check, **troubles)


def test_an_order_that_nobody_answered_counts_as_done_when_the_pole_shows_it(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert alarms(scene) == []
        assert scene.happened(DockServed)[0].charger == "charging"

    served(tmp_path, stood_on(charger=IDLE), check, ignores={(PRIMARY, "close"), (PRIMARY, "charge")})


@pytest.mark.parametrize("troubles", [{"rejects": {(PRIMARY, "charge")}}, {"charges": False}])
def test_a_charger_that_does_not_begin_is_an_alarm_and_the_dock_is_given_back(
    tmp_path: Path, troubles: dict[str, Any]
) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", "DroneCharger charge", *GIVEN_BACK]
        assert alarms(scene) == ["dock.not-charging"]
        assert scene.happened(DockServed)[0].cover == "closed"

    served(tmp_path, stood_on(charger=IDLE), check, **troubles)


def test_a_battery_that_is_full_already_is_well(tmp_path: Path) -> None:
    full = ChargerReadings(charger=Charger.FULL, charge_pct=97.0)
    served(tmp_path, stood_on(charger=full), lambda scene: _nothing_wrong(scene), charges=False)


def _nothing_wrong(scene: Scene) -> None:
    assert alarms(scene) == []


def test_a_dock_to_which_the_drone_did_not_come_is_closed_and_given_back(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", *GIVEN_BACK]
        assert scene.happened(DockServed) == []

    served(tmp_path, Spoken(dock(Cover.OPEN), charger=IDLE), check, landed_here=False)


def test_a_dock_that_is_closed_already_is_not_told_to_close(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == GIVEN_BACK

    served(tmp_path, Spoken(dock(Cover.CLOSED)), check, landed_here=False)


def test_a_silent_pole_is_told_all_the_same_with_an_alarm(tmp_path: Path) -> None:
    def check(scene: Scene) -> None:
        assert scene.poles.ordered(PRIMARY) == ["DroneDock close", *GIVEN_BACK]
        assert alarms(scene) == ["pole.silent", "dock.not-closed"]

    served(tmp_path, Spoken(), check, landed_here=False)
