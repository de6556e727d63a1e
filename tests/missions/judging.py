"""How tests of planning ask for a refusal, and what must hold for every plan."""

from __future__ import annotations

import pytest
from shapely.geometry import Point

from airspace.frames import LatLon
from airspace.reasons import Refused
from airspace.zones import Zone
from missions.fence import fence_from_items
from missions.plan import Plan
from missions.volumes import leg_line
from tests.missions import oracle
from tests.missions.scenario import (
    FRAME,
    HOME,
    plan,
)

MAY_REFUSE = {
    "plan.closed-place",
    "plan.no-way",
    "plan.line-closed",
    "plan.open-ground",
    "plan.contingency",
    "plan.fence",
    "plan.energy",
    "plan.nothing-seen",
}


def plan_or_refusal(zones: list[Zone]) -> Plan | Refused:
    try:
        return plan(zones=zones)
    except Refused as refused:
        return refused


def refusal(**arguments: object) -> Refused:
    with pytest.raises(Refused) as caught:
        plan(**arguments)  # type: ignore[arg-type]
    for reason in caught.value.reasons:
        assert reason.text("en") != reason.text("zh")
        assert "{" not in reason.text("en") + reason.text("zh")
    return caught.value


def codes(refused: Refused) -> list[str]:
    return [reason.rule.code for reason in refused.reasons]


def judged(made: Plan, zones: list[Zone]) -> None:
    """What must hold for every plan, whatever the zones."""
    assert oracle.entered(made, zones) == []
    assert oracle.straight_ways_entered(made, zones) == []
    assert all(check.passed for check in made.checks)
    fence = fence_from_items(made.fence, FRAME)
    assert len(made.fence) <= 60
    assert fence.inclusion.is_valid
    assert fence.holds([leg_line(leg, FRAME) for leg in made.legs], 7.5)
    assert fence.keeps_out([block.volume.outline for block in zones])
    for item in made.rally:
        assert fence.inclusion.contains(Point(FRAME.xy(LatLon(item.lat_deg, item.lon_deg))))
    assert fence.inclusion.contains(Point(FRAME.xy(HOME)))
    for target in made.targets:
        assert target.covered != bool(target.why_not)
