"""Landings on a word that nobody can rest on: doubted docks, doubted gusts, and a drone whose height is not known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.events import AlarmRaised, Phase
from controller.streams import STREAMS, Stream
from missions.itinerary import GATE_M
from poles.gateway.quality import Flag
from poles.protocol import Quality
from poles.services.cover import Cover
from tests.controller.flight import scene as s
from tests.controller.flight.scene import ALTERNATE, PRIMARY, Scene, Spoken, dock
from tests.controller.flight.test_docking import (
    GROUND,
    HOLD_S,
    OPTIONS,
    Flown,
    chosen,
    docking,
    in_descent,
    opens_when_asked,
    phase,
)


@pytest.mark.parametrize("flag", [Flag.JUMPING, Flag.DISAGREES])
def test_gusts_that_cannot_be_believed_keep_the_drone_from_a_dock_which_calm_stations_would_clear(
    tmp_path: Path, flag: Flag
) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        scene.poles.says["410105-LP-000009"] = Spoken(weather=s.wind(3.0, 14.0), weather_flags={"wind_gust_mps": flag})
        opens_when_asked(scene, PRIMARY, ALTERNATE)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert chosen(scene) == [GROUND.name]

    docking(tmp_path, body)


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.SUSPECT])
def test_a_dock_whose_own_pole_doubts_its_sensors_is_not_taken(tmp_path: Path, quality: Quality) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        for pole in (PRIMARY, ALTERNATE):
            scene.poles.says[pole] = Spoken(dock(Cover.OPEN), dock_quality=quality)
        flown.at_hold()
        await asyncio.sleep(HOLD_S + 2.0)
        assert chosen(scene) == [GROUND.name]
        assert any("does not trust" in event.en for event in scene.happened(AlarmRaised))

    docking(tmp_path, body)


@pytest.mark.parametrize("trouble", [Spoken(), Spoken(dock(Cover.OPEN), dock_quality=Quality.BAD)])
def test_a_drone_whose_height_is_not_known_but_which_is_through_the_gate_turns_back_from_a_silent_dock(
    tmp_path: Path, trouble: Spoken
) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown, GATE_M - 1.0)
        flown.tells_place = False
        await asyncio.sleep(STREAMS[Stream.POSITION].stale_after_s + 1.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq]  # its dock is ready
        scene.poles.says[PRIMARY] = trouble
        await asyncio.sleep(2.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq, OPTIONS[PRIMARY].escape_seq]
        assert phase(scene) is Phase.HOLDING

    docking(tmp_path, body)


def test_a_drone_whose_height_is_not_known_is_not_told_to_go_through_the_gate(tmp_path: Path) -> None:
    async def body(scene: Scene, flown: Flown, task: asyncio.Task[None]) -> None:
        await in_descent(scene, flown)
        flown.tells_place = False
        await asyncio.sleep(STREAMS[Stream.POSITION].stale_after_s + 1.0)
        flown.in_gate()
        await asyncio.sleep(3.0)
        assert flown.jumps == [OPTIONS[PRIMARY].first_seq]

    docking(tmp_path, body)
