"""Which refuges a flight relies on: the set with which the camera gets to see most.

More refuges make shorter returns. But the drone returns to the nearest one, and where a zone stands before that one it
may not fly; without that refuge it could return to another. So refuges are given up, as few as possible, of which a
zone hides something that the flight is for: a part of the line, a dock or home.
"""

from __future__ import annotations

from dataclasses import replace

import shapely
from shapely.geometry import LineString, Point

from airspace.reasons import Reason, Refused
from missions import rules
from missions.contingency import Refuge
from missions.setting import Setting
from missions.ways import Ways, find_ways, targets_of

MOST_TRIED = 16


def with_refuges(setting: Setting) -> tuple[Setting, Ways]:
    """The setting with the refuges to rely on, and the ways that they allow.

    Of sets that show equally many targets the first is taken. Raises `Refused` when there is no way even for a drone
    that never had to return, and when no set of refuges allows one.
    """
    free = replace(setting, refuges=())
    ideal = _seen(free, find_ways(free))
    best: tuple[Setting, Ways] | None = None
    best_seen = -1
    refusal: Refused | None = None
    waiting = [setting.all_refuges]
    for _ in range(MOST_TRIED):
        if not waiting or best_seen >= ideal:
            break
        trial = replace(setting, refuges=waiting.pop(0))
        for refuges in _without_one(trial):
            if refuges and refuges not in waiting:
                waiting.append(refuges)
        try:
            ways = find_ways(trial)
        except Refused as refused:
            refusal = refusal or refused
            continue
        seen = _seen(trial, ways)
        if seen > best_seen:
            best, best_seen = (trial, ways), seen
    if best is None:
        raise Refused([_stranded(setting, reason) for reason in refusal.reasons] if refusal else [])
    return best


def _without_one(trial: Setting) -> list[tuple[Refuge, ...]]:
    """The trial's refuges without each one in turn that is hidden from where the flight must be."""
    line = LineString([trial.frame.xy(point) for point in trial.request.line])
    wanted = shapely.union_all(
        [line, *(Point(trial.frame.xy(dock.position)) for dock in trial.docks), Point(trial.home_xy)]
    )
    hidden = {shadow.refuge for shadow in trial.shadows.values() if shadow.outline.intersects(wanted)}
    names = [refuge.name for refuge in trial.refuges if refuge.name in hidden]
    return [tuple(refuge for refuge in trial.refuges if refuge.name != name) for name in names]


def _seen(setting: Setting, ways: Ways) -> int:
    return sum(target.covered for target in targets_of(setting, ways))


def _stranded(setting: Setting, reason: Reason) -> Reason:
    """A closed way, said as what it is: closed by the need to return."""
    if "zones" not in reason.facts:
        return reason
    at = f"{reason.lat_deg:.6f},{reason.lon_deg:.6f}"
    facts = {"place": at, "zones": reason.facts["zones"]}
    return Reason(rules.STRANDED, setting.where, facts, lat_deg=reason.lat_deg, lon_deg=reason.lon_deg)
