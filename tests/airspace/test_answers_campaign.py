"""The long campaign: many random scenes, each answer against a dense sampling oracle and each remedy asked again."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from airspace.clearing import clear
from airspace.remedies import applied, remedies
from tests.airspace.routes import LIMITS, asked, body_samples, margins, random_route, random_zones

SCENES, SAMPLES, REMEDY_SCENES = 1000, 1000, 400


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_overlap_is_missed_in_many_scenes(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(20260518)
    inside = told = 0
    missed: list[str] = []
    for scene in range(SCENES):
        zones, room = random_zones(rng, 15), margins(float(rng.uniform(1, 80)), float(rng.uniform(0, 25)))
        answer = clear(random_route(rng), asked(*zones, room=room))
        met = {conflict.id for conflict in answer.conflicts}
        told += len(met)
        for x, y, up_m, at_s in body_samples(answer.flown.legs, room, rng, SAMPLES):
            found = {held.id for held in zones if held.volume.contains(x, y, up_m, at_s)}
            inside += bool(found)
            missed += [f"scene {scene}: {id_}" for id_ in sorted(found - met)]
    counts = f"samples {SCENES * SAMPLES} | inside {inside} | conflicts {told} | missed {len(missed)}"
    with capsys.disabled():
        print(f"\n| scenes {SCENES} | {counts} |")  # noqa: T201 - the row of a table
    assert missed == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_remedy_clears_its_route_in_many_scenes(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(20260519)
    offered: Counter[str] = Counter()
    blocked = helped = 0
    for _ in range(REMEDY_SCENES):
        asking, question = random_route(rng), asked(*random_zones(rng, 12))
        answer = clear(asking, question)
        found = remedies(answer, LIMITS)
        blocked += not answer.free
        helped += bool(found)
        offered.update(str(remedy.kind) for remedy in found)
        assert all(clear(applied(asking, remedy), question).free for remedy in found)
    with capsys.disabled():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(offered.items()))
        print(f"\n| scenes {REMEDY_SCENES} | blocked {blocked} | with a remedy {helped} | {kinds} |")  # noqa: T201 - the row of a table
    assert helped > 0
