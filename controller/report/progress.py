"""Where along its plan a drone was, when: planned legs matched with the mission items that were really current.

A step is what the drone does during one mission item: one leg, or several when a curve was planned as short pieces.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np
import shapely
from shapely.geometry import LineString

from airspace.frames import LocalFrame
from controller.report.flown import Floats
from missions.plan import Leg, Plan, Purpose


@dataclass(frozen=True, slots=True)
class Step:
    """One planned step; `xyz_m` are its corners (east, north, height above home), `along_m` its start on the way.

    Planned times are seconds after take-off; flown times are UTC seconds, None while the step was not seen flown.
    """

    seq: int
    branch: str
    purposes: tuple[Purpose, ...]
    xyz_m: tuple[tuple[float, float, float], ...]
    along_m: float
    length_m: float
    speed_mps: float
    energy_wh: float
    planned_start_s: float
    planned_end_s: float
    flown_start_s: float | None = None
    flown_end_s: float | None = None

    @property
    def planned_s(self) -> float:
        """Seconds that the plan gives the step."""
        return self.planned_end_s - self.planned_start_s

    @property
    def flown_s(self) -> float | None:
        """Seconds that the step took, None when it was not seen flown."""
        if self.flown_start_s is None or self.flown_end_s is None:
            return None
        return self.flown_end_s - self.flown_start_s


def planned_steps(plan: Plan, frame: LocalFrame, branches: Collection[str]) -> list[Step]:
    """The steps of the common way and the given landing branches, in the order of the plan."""
    steps: list[Step] = []
    along_m = 0.0
    legs = [leg for leg in plan.legs if leg.branch in branches]
    for _, group in groupby(legs, key=lambda leg: (leg.seq, leg.branch)):
        step = _step(list(group), frame, along_m)
        along_m += step.length_m
        steps.append(step)
    return steps


def _step(legs: list[Leg], frame: LocalFrame, along_m: float) -> Step:
    places = [legs[0].start, *(leg.end for leg in legs)]
    xy = frame.xy_array([(place.lon_deg, place.lat_deg) for place in places])
    length_m = float(np.hypot(*np.diff(xy, axis=0).T).sum())
    first = legs[0]
    return Step(
        seq=first.seq,
        branch=first.branch,
        purposes=tuple(dict.fromkeys(leg.purpose for leg in legs)),
        xyz_m=tuple((float(x), float(y), place.relative_m) for (x, y), place in zip(xy, places, strict=True)),
        along_m=along_m,
        length_m=length_m,
        speed_mps=max(leg.speed_mps for leg in legs),
        energy_wh=math.fsum(leg.energy_wh for leg in legs),
        planned_start_s=first.start_s,
        planned_end_s=legs[-1].end_s,
    )


def with_flown_times(
    steps: Sequence[Step], current: Sequence[tuple[float, int]], airborne: tuple[float, float] | None
) -> list[Step]:
    """The steps with the times at which their item was the current one in the air.

    `current` lists (UTC seconds, sequence number) at each change. Items are matched in order, so that a jump back in
    the mission does not give an early step a late time; an item that no step has is passed over.
    """
    if airborne is None:
        return list(steps)
    changes = [*current, (airborne[1], -1)]
    done = list(steps)
    next_step = 0
    for (start_s, seq), (end_s, _) in pairwise(changes):
        start_s, end_s = max(start_s, airborne[0]), min(end_s, airborne[1])
        found = next((i for i in range(next_step, len(done)) if done[i].seq == seq), None)
        if found is None or end_s <= start_s:
            continue
        done[found] = replace(done[found], flown_start_s=start_s, flown_end_s=end_s)
        next_step = found + 1
    return done


def along_plan(utc_s: Floats, xy_m: Floats, steps: Sequence[Step]) -> Floats:
    """Metres along the plan of each flown position, by the step that was current then; nan outside all steps."""
    along_m = np.full(len(utc_s), np.nan)
    points = shapely.points(xy_m)
    for step in steps:
        if step.flown_start_s is None or step.flown_end_s is None:
            continue
        during = (utc_s >= step.flown_start_s) & (utc_s <= step.flown_end_s)
        if step.length_m < 0.5:
            along_m[during] = step.along_m
        else:
            line = LineString([(x, y) for x, y, _ in step.xyz_m])
            along_m[during] = step.along_m + shapely.line_locate_point(line, points[during])
    return along_m
