"""A killed controller is as dead as after SIGKILL, and the next one finds what was acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from controller.events import OfPoles, Phase
from tests.sim.hamlet import Hamlet, live, only_flight, until_phase


@pytest.mark.parametrize("at", [Phase.GATES, Phase.UPLOADING, Phase.FLYING])
def test_nothing_is_recorded_sent_or_ordered_after_a_kill(tmp_path: Path, at: Phase) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, at)
            held, reserved = district.store.read(), reservations(world)
            sent: list[bytes] = []
            for line in world._lines:
                setattr(line._end, "send", sent.append)  # noqa: B010 - what still leaves the controller
            await world.kill(district, flying)
            assert flying.done()
            await asyncio.sleep(60.0)
            assert district.store.read() == held
            assert not sent
            assert reservations(world) == reserved

    live(tmp_path, main)


def test_the_next_controller_finds_all_that_was_acknowledged_and_nothing_else(tmp_path: Path) -> None:
    async def main(world: Hamlet) -> None:
        async with world.controller() as district:
            flying = asyncio.create_task(world.fly(district))
            await until_phase(district, Phase.FLYING)
            await asyncio.sleep(5.0)
            held, flight = district.store.read(), only_flight(district)
            told = {(code, pole.agent.boot): pole.agent.acknowledged for code, pole in world.city.poles.items()}
            await world.kill(district, flying)
        await asyncio.sleep(10.0)
        async with world.controller() as district:
            found, picked_up = district.store.read(), only_flight(district)
            assert found[: len(held)] == held
            assert all(isinstance(record.event, OfPoles) for record in found[len(held) :])
            assert (picked_up.id, picked_up.phase, picked_up.volumes) == (flight.id, Phase.FLYING, flight.volumes)
            assert any(told.values())
            stored = district.store.poles_stored()
            assert all(stored[code].get(boot, 0) >= seq for (code, boot), seq in told.items() if seq)
            (result,) = await world.pick_up(district)
            assert result.outcome == "completed"

    live(tmp_path, main)


def reservations(world: Hamlet) -> list[tuple[str, str]]:
    """What each dock is kept for and where its cover is heading, by the docks' own word."""
    readings = [(code, pole.dock.now()) for code, pole in world.city.poles.items() if pole.site.has_dock]
    return [(code, dock.reserved_for) for code, dock in readings]
