"""Bugs to plant into the landing, each as a patch: the campaign must find every one of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

import controller.flight.docking as docking
import controller.flight.landing as landing
import missions.itinerary as itinerary
from controller.flight.landing import Act, Event, Missing, Stage, Step
from poles.services import cover
from tests.sim.landings.fates import WISHED, Fate, Fault

Patch = pytest.MonkeyPatch


def _without(patch: Patch, *codes: str) -> None:
    """Whatever is missing of these is not missed."""
    missing = landing.missing

    def blind(*given: Any, **named: Any) -> tuple[Missing, ...]:
        return tuple(each for each in missing(*given, **named) if each.code not in codes)

    patch.setattr(docking, "missing", blind)


def age_of_ready_ignored(patch: Patch) -> None:
    """The dock's word counts whatever its age."""
    _without(patch, "age", "unheard")


def lamp_ignored(patch: Patch) -> None:
    """A dock without its landing light counts as lit."""
    _without(patch, "lamp")


def wind_ignored(patch: Patch) -> None:
    """Gusts at the pad do not count."""
    _without(patch, "wind")


def readiness_ignored(patch: Patch) -> None:
    """Neither cover nor pad are looked at."""
    _without(patch, "ready", "pad", "fault")


def interlock_off(patch: Patch) -> None:
    """The cover closes whatever is in its path."""
    step = cover.step

    def blind(state: cover.Cover, event: cover.CoverEvent, around: cover.Surroundings) -> cover.Step:
        if event is cover.CoverEvent.BLOCKED:
            return cover.Step(state)
        return step(state, event, dataclasses.replace(around, path_clear=True))

    patch.setattr(cover, "step", blind)


def looked_at_only_from_the_hold(patch: Patch) -> None:
    """Once the drone is on its way down nothing makes it turn back."""
    step = landing.step

    def trusting(state: Stage, event: Event, lacking: tuple[Missing, ...]) -> Step:
        taken = step(state, event, lacking)
        return Step(state) if taken.act is Act.TURN_BACK else taken

    patch.setattr(docking, "step", trusting)


def committed_too_high(patch: Patch) -> None:
    """The drone counts as too low to turn back from 14 m on."""
    patch.setattr(docking, "COMMITTED_M", 14.0)


def never_turned_back(patch: Patch) -> None:
    """The way back to the hold is never ordered."""

    async def nothing(self: Any, option: Any, lacking: Any) -> bool:
        return False

    patch.setattr(docking.Docking, "_turn_back", nothing)


def lands_by_itself(patch: Patch) -> None:
    """The way back out of the gate leads into the landing, as if the jump to the hold had been used up."""
    patch.setattr(itinerary, "FOR_EVER", 0.0)


def _of(kind: str, anchor: str, after_s: float, for_s: float = 900.0) -> Fate:
    return Fate(3, (Fault(kind, anchor, after_s, for_s, WISHED),))


# with a landing on which the bug shows
BUGS: dict[Callable[[Patch], None], Fate] = {
    age_of_ready_ignored: _of("pole-silent", "landing", 18.0, 40.0),
    lamp_ignored: _of("lamp-dead", "asked", 5.0),
    wind_ignored: _of("gusts", "asked", 2.0),
    readiness_ignored: _of("pad-taken", "holding", 0.0),
    interlock_off: _of("stray-close", "gate", 18.0),
    looked_at_only_from_the_hold: _of("lamp-dead", "gate", 2.0),
    committed_too_high: _of("lamp-dead", "gate", 2.0),
    never_turned_back: _of("lamp-dead", "gate", 2.0),
    lands_by_itself: Fate(3, (*_of("link-lost", "landing", 10.0).faults, *_of("pad-taken", "landing", 10.5).faults)),
}
