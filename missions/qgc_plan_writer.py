"""Plans as QGroundControl `.plan` files, in the schema of its developer guide ("Plan File Format")."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from missions.items import Command, Frame, MissionItem
from missions.mission_file import FileHome
from missions.plan import Plan

ARDUPILOT = 3  # MAV_AUTOPILOT_ARDUPILOTMEGA
QUADROTOR = 2  # MAV_TYPE_QUADROTOR
# QGroundControl's own numbers for what a height counts from
RELATIVE, ABSOLUTE, TERRAIN_FRAME, MIXED = 1, 2, 4, 0
ALTITUDE_MODES = {
    Frame.GLOBAL: ABSOLUTE,
    Frame.GLOBAL_INT: ABSOLUTE,
    Frame.GLOBAL_RELATIVE_ALT: RELATIVE,
    Frame.GLOBAL_RELATIVE_ALT_INT: RELATIVE,
    Frame.GLOBAL_TERRAIN_ALT: TERRAIN_FRAME,
    Frame.GLOBAL_TERRAIN_ALT_INT: TERRAIN_FRAME,
}


def qgc_plan_text(plan: Plan) -> str:
    """The plan as a `.plan` file that QGroundControl opens; timing, volumes and targets have no place in it."""
    home = FileHome(plan.home.lat_deg, plan.home.lon_deg, plan.home_amsl_m)
    return plan_text(plan.items, home, fence=plan.fence, rally=plan.rally, hover_mps=plan.cruise_mps)


def plan_text(
    items: Iterable[MissionItem],
    home: FileHome | None,
    *,
    fence: Iterable[MissionItem] = (),
    rally: Iterable[MissionItem] = (),
    hover_mps: float = 5.0,
) -> str:
    """Items, fence and rally points as a `.plan` file; reading it gives the same values back."""
    items = tuple(items)
    modes = {ALTITUDE_MODES[Frame(item.frame)] for item in items if item.frame in ALTITUDE_MODES}
    at = home or FileHome(0.0, 0.0, None)
    document = {
        "fileType": "Plan",
        "geoFence": _fence_json(tuple(fence)),
        "groundStation": "Beichen",
        "mission": {
            "cruiseSpeed": hover_mps,
            "firmwareType": ARDUPILOT,
            "globalPlanAltitudeMode": modes.pop() if len(modes) == 1 else MIXED,
            "hoverSpeed": hover_mps,
            "items": [_item_json(sequence, item) for sequence, item in enumerate(items, start=1)],
            "plannedHomePosition": [at.lat_deg, at.lon_deg, at.amsl_m],
            "vehicleType": QUADROTOR,
            "version": 2,
        },
        "rallyPoints": {"points": [[p.lat_deg, p.lon_deg, p.alt_m] for p in rally], "version": 2},
        "version": 1,
    }
    return json.dumps(document, indent=4, allow_nan=False) + "\n"


def _item_json(sequence: int, item: MissionItem) -> dict[str, Any]:
    mode = ALTITUDE_MODES.get(Frame(item.frame)) if item.frame in ALTITUDE_MODES else None
    heights = {} if mode is None else {"AMSLAltAboveTerrain": None, "Altitude": item.alt_m, "AltitudeMode": mode}
    params = [item.param1, item.param2, item.param3, item.param4, item.lat_deg, item.lon_deg, item.alt_m]
    return heights | {
        "autoContinue": item.autocontinue,
        "command": int(item.command),
        "doJumpId": sequence,
        "frame": int(item.frame),
        "params": params,
        "type": "SimpleItem",
    }


def _fence_json(fence: tuple[MissionItem, ...]) -> dict[str, Any]:
    circles, polygons, at = [], [], 0
    while at < len(fence):
        item = fence[at]
        inclusion = item.command in (Command.FENCE_POLYGON_INCLUSION, Command.FENCE_CIRCLE_INCLUSION)
        if item.command in (Command.FENCE_CIRCLE_INCLUSION, Command.FENCE_CIRCLE_EXCLUSION):
            circle = {"center": [item.lat_deg, item.lon_deg], "radius": item.param1}
            circles.append({"circle": circle, "inclusion": inclusion, "version": 1})
            at += 1
            continue
        corners = fence[at : at + max(int(item.param1), 1)]
        ring = [[corner.lat_deg, corner.lon_deg] for corner in corners]
        polygons.append({"inclusion": inclusion, "polygon": ring, "version": 1})
        at += len(corners)
    return {"circles": circles, "polygons": polygons, "version": 2}
