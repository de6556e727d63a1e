"""Whether a drone holds what was sent to it, item by item.

ArduCopter does not store items as they come. What it changes, and what is therefore no difference:

| sent | read back | why |
| --- | --- | --- |
| frames 5, 6, 11 | 0, 3, 10 | the `_INT` frames are aliases |
| any frame of an item without a place | 0 | such items have no frame |
| params 5 and 6 of an item without a place | 0 | it stores no place for them |
| NAV_LOITER_TIME param3 0 | 1 | its sign is kept as a bit |
| NAV_LAND param4 | 1, or -1 for a negative one | likewise |
| param4 NaN | 0 | "any heading" is not stored |
| latitude, longitude | within 1e-7 deg | integers of 1e-7 deg |
| height | within 1 cm | whole centimetres |
| params | the nearest 32-bit float | float fields |
| fence items: frame, height, autocontinue | 0 | a fence is a line on the map |
| rally points: params, autocontinue | 0 | only the place is stored |

Item 0 is home and is in neither list. `current` is not part of a `MissionItem`. Anything else is a difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from controller.links.mission_items import has_place
from controller.links.parameters import as_float32
from missions.items import Command, Frame, MissionItem

DEGREE_UNIT = 1e-7
HEIGHT_STEP_M = 0.01
_HEIGHT_SLACK_M = HEIGHT_STEP_M + 1e-4  # a centimetre, and what a 32-bit float adds at city heights

_ALIASES: dict[int, int] = {
    Frame.GLOBAL_INT: Frame.GLOBAL,
    Frame.GLOBAL_RELATIVE_ALT_INT: Frame.GLOBAL_RELATIVE_ALT,
    Frame.GLOBAL_TERRAIN_ALT_INT: Frame.GLOBAL_TERRAIN_ALT,
}
_FENCE = frozenset(
    {
        Command.FENCE_POLYGON_INCLUSION,
        Command.FENCE_POLYGON_EXCLUSION,
        Command.FENCE_CIRCLE_INCLUSION,
        Command.FENCE_CIRCLE_EXCLUSION,
    }
)


def compare(sent: Sequence[MissionItem], got: Sequence[MissionItem], *, first_seq: int = 1) -> tuple[str, ...]:
    """Every difference between what was sent and what was read back, one line each; empty when the drone holds it.

    `first_seq` is the sequence number of the first item, for the words: 1 for missions, 0 for fences and rally points.
    """
    differences: list[str] = []
    if len(sent) != len(got):
        differences.append(f"{len(sent)} items were sent, the drone holds {len(got)}")
    for seq, (ours, theirs) in enumerate(zip_longest(sent, got), first_seq):
        if ours is None:
            differences.append(f"item {seq} {theirs.name}: was not sent")
        elif theirs is None:
            differences.append(f"item {seq} {ours.name}: is missing on the drone")
        else:
            differences += [f"item {seq} {ours.name}: {line}" for line in _item_differences(ours, theirs)]
    return tuple(differences)


def _item_differences(sent: MissionItem, got: MissionItem) -> list[str]:
    if sent.command != got.command:
        return [f"the drone holds {got.name}"]
    if sent.command in _FENCE:
        return [*_params(sent, got, (1, 2, 3, 4)), *_place(sent, got)]
    if sent.command == Command.RALLY_POINT:
        return [*_frame(sent, got), *_place(sent, got), *_height(sent, got)]
    lines = _params(sent, got, (1, 2, 3, 4))
    if has_place(sent.command, sent.frame):
        lines += [*_frame(sent, got), *_place(sent, got)]
    else:
        lines += _plain(sent, got)
    lines += _height(sent, got)
    if sent.autocontinue != got.autocontinue:
        lines.append(f"autocontinue was sent as {sent.autocontinue}, the drone holds {got.autocontinue}")
    return lines


def _frame(sent: MissionItem, got: MissionItem) -> list[str]:
    ours, theirs = (_ALIASES.get(frame, frame) for frame in (sent.frame, got.frame))
    return [] if ours == theirs else [f"frame {int(sent.frame)} was sent, the drone holds {int(got.frame)}"]


def _params(sent: MissionItem, got: MissionItem, numbers: tuple[int, ...]) -> list[str]:
    lines = []
    for number in numbers:
        ours, theirs = getattr(sent, f"param{number}"), getattr(got, f"param{number}")
        if not _same_param(sent.command, number, ours, theirs):
            lines.append(f"param{number} {ours:g} was sent, the drone holds {theirs:g}")
    return lines


def _same_param(command: int, number: int, sent: float, got: float) -> bool:
    if math.isnan(sent):
        return math.isnan(got) or (number == 4 and got == 0.0)
    if command == Command.NAV_LOITER_TIME and number == 3 and sent == 0.0:
        return got in (0.0, 1.0)
    if command == Command.NAV_LAND and number == 4:
        return got in (sent, -1.0 if sent < 0 else 1.0)
    return as_float32(sent) == as_float32(got)


def _place(sent: MissionItem, got: MissionItem) -> list[str]:
    near = all(
        abs(round(ours / DEGREE_UNIT) - round(theirs / DEGREE_UNIT)) <= 1
        for ours, theirs in ((sent.lat_deg, got.lat_deg), (sent.lon_deg, got.lon_deg))
    )
    if near:
        return []
    return [
        f"place {sent.lat_deg:.7f},{sent.lon_deg:.7f} was sent, the drone holds {got.lat_deg:.7f},{got.lon_deg:.7f}"
    ]


def _plain(sent: MissionItem, got: MissionItem) -> list[str]:
    lines = []
    for number, ours, theirs in ((5, sent.lat_deg, got.lat_deg), (6, sent.lon_deg, got.lon_deg)):
        if not (theirs in (0.0, ours) or (math.isfinite(ours) and theirs == round(ours))):
            lines.append(f"param{number} {ours:g} was sent, the drone holds {theirs:g}")
    return lines


def _height(sent: MissionItem, got: MissionItem) -> list[str]:
    if abs(sent.alt_m - got.alt_m) <= _HEIGHT_SLACK_M:
        return []
    return [f"height {sent.alt_m:.2f} m was sent, the drone holds {got.alt_m:.2f} m"]
