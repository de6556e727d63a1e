"""Who gets the airspace: one pure decision over what is asked and what stands, all or nothing, with every reason.

It is made inside a store's transaction, over the few entities that the store found near. After ASTM F3548-21: who
plans must prove, by the OVNs in a key, that it knows each intent and each zone which its plan meets (its API, utm.yaml:
a 409 names the missing ones); who flies off nominal need not, because it stands where the drone is. Unlike a
discovery service of the standard, this decision also sees the volumes, so conflicts are found here and exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from airspace.conflicts import utc_text
from airspace.frames import LocalFrame
from airspace.intents import (
    INTENT_STALE,
    PLANNED_STATES,
    TRANSITIONS,
    IntentState,
    OperationalIntent,
    ovn_of,
    planning_faults,
    volume_faults,
)
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.volumes import Volume4D

# Whether an intent of the first priority may be planned over one of the second; a jurisdiction decides.
MayOverlap = Callable[[int, int], bool]

CONFLICT = Rule(
    "reservation.conflict",
    Words(
        "intent {id} wants airspace that intent {other} (priority {priority}) holds from {start} to {end}",
        "飞行意图 {id} 所需空域在 {start} 至 {end} 已由飞行意图 {other}（优先级 {priority}）占用",
    ),
    Words("Choose another time, height or way.", "请更换时间、高度或航线。"),
)
UNKNOWN_ENTITY = Rule(
    "reservation.unknown-entity",
    Words(
        "intent {id} was planned without knowing the present version of {kind} {other}",
        "飞行意图 {id} 的规划未掌握 {kind} {other} 的当前版本",
    ),
    Words("Read it, plan with it, and put its OVN into the key.", "请读取其内容、据此重新规划，并将其 OVN 放入 key。"),
)
NEW_STATE = Rule(
    "reservation.new",
    Words(
        "intent {id} is new and would begin as {state} at version {version}",
        "新的飞行意图 {id} 以 {state} 状态、版本 {version} 开始",
    ),
    Words("A new intent begins as accepted, at version 1.", "新意图须以 accepted 状态、版本 1 开始。"),
)
SUCCESSION = Rule(
    "reservation.succession",
    Words(
        "intent {id} stands as {before} and cannot become {after}", "飞行意图 {id} 处于 {before} 状态，不能变为 {after}"
    ),
    Words("Read it again; an intent that has ended stays so.", "请重新读取；已结束的意图不再变化。"),
)
TWICE = Rule(
    "reservation.twice",
    Words("intent {id} is there twice in one reservation", "同一次预留中飞行意图 {id} 出现两次"),
    Words("Name each intent once.", "每个意图只应出现一次。"),
)
NOTHING = Rule(
    "reservation.empty",
    Words("the reservation holds no intent", "该次预留不含任何飞行意图"),
    Words("Name at least one.", "请至少给出一个意图。"),
)

INTENT = Words("intent", "飞行意图")
ZONE = Words("zone", "区域")


@dataclass(frozen=True, slots=True)
class NearZone:
    """A zone that the plan may meet: whoever plans must know this version of it, and sees by itself what it asks."""

    id: str
    ovn: str


def never(_own: int, _other: int) -> bool:
    """No intent is ever planned over another, whatever the priorities."""
    return False


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is asked in one go: intents as they shall stand, and the OVNs of all that the caller planned with.

    A new intent has version 1; a changed one comes from `OperationalIntent.after`, one version on from what stands.
    """

    intents: tuple[OperationalIntent, ...]
    key: frozenset[str] = frozenset()


def decide(
    asked: Reservation,
    standing: Iterable[OperationalIntent],
    zones: Mapping[str, Collection[NearZone]],
    *,
    now_s: float,
    seed: bytes,
    may_overlap: MayOverlap = never,
    frame: LocalFrame | None = None,
) -> tuple[OperationalIntent, ...]:
    """All intents asked for, with their new OVNs; or `Refused` with every reason, and none of them.

    `standing` holds at least each intent that meets one asked for and each present version of one asked for; more do
    no harm. `zones` gives by intent id the zones near it. All volumes lie in one frame; with `frame` a conflict's
    reason gives its place. `seed` makes the OVNs (`ovn_of`).
    """
    stands = {intent.id: intent for intent in standing}
    reasons = _faults(asked.intents, stands, now_s)
    for one, other in combinations(asked.intents, 2):
        either = may_overlap(one.priority, other.priority) or may_overlap(other.priority, one.priority)
        if not either and (_planned(one) or _planned(other)) and (overlap := first_overlap(one, other)):
            reasons.append(_conflict(one, other, overlap, frame))
    own = {intent.id for intent in asked.intents}
    others = [intent for intent in stands.values() if intent.id not in own and intent.holds_airspace]
    for intent in asked.intents:
        if not _planned(intent):
            continue
        for other in others:
            overlap = first_overlap(intent, other)
            if overlap is None:
                continue
            if not may_overlap(intent.priority, other.priority):
                reasons.append(_conflict(intent, other, overlap, frame))
            elif other.ovn not in asked.key:
                reasons.append(_unknown(intent, INTENT, other.id))
        unread = (zone for zone in zones.get(intent.id, ()) if zone.ovn not in asked.key)
        reasons += [_unknown(intent, ZONE, zone.id) for zone in unread]
    if reasons:
        raise Refused(reasons)
    return tuple(replace(intent, ovn=ovn_of(intent, seed)) for intent in asked.intents)


def unread(refused: Refused) -> tuple[str, ...]:
    """The ids of the intents and zones that a refused caller must read first: the list of a 409, each once."""
    ids = (str(reason.facts["other"]) for reason in refused.reasons if reason.rule is UNKNOWN_ENTITY)
    return tuple(dict.fromkeys(ids))


def first_overlap(one: OperationalIntent, other: OperationalIntent) -> tuple[Volume4D, Volume4D] | None:
    """The first pair of volumes, one of each intent, that overlap in plan, height and time; None when none does."""
    for own in one.held:
        for volume in other.held:
            if own.overlaps(volume):
                return own, volume
    return None


def _planned(intent: OperationalIntent) -> bool:
    return intent.state in PLANNED_STATES


def _faults(asked: Sequence[OperationalIntent], stands: Mapping[str, OperationalIntent], now_s: float) -> list[Reason]:
    """What is wrong with the intents themselves, whoever else is there."""
    reasons = [] if asked else [Reason(NOTHING)]
    seen: set[str] = set()
    for intent in asked:
        if intent.id in seen:
            reasons.append(Reason(TWICE, intent.id, {"id": intent.id}))
        seen.add(intent.id)
        reasons += _succession_faults(intent, stands.get(intent.id))
        reasons += volume_faults(intent)
        reasons += planning_faults(intent, now_s)
    return reasons


def _succession_faults(intent: OperationalIntent, before: OperationalIntent | None) -> list[Reason]:
    """A reason when the intent is not the next version of what stands, by one event of the table."""
    if before is None:
        if intent.state is IntentState.ACCEPTED and intent.version == 1:
            return []
        facts = {"id": intent.id, "state": intent.state, "version": intent.version}
        return [Reason(NEW_STATE, intent.id, facts)]
    if intent.version != before.version + 1:
        facts = {"id": intent.id, "held": before.version, "given": intent.version - 1}
        return [Reason(INTENT_STALE, intent.id, facts)]
    if any(start is before.state and end is intent.state for (start, _), end in TRANSITIONS.items()):
        return []
    facts = {"id": intent.id, "before": before.state, "after": intent.state}
    return [Reason(SUCCESSION, intent.id, facts)]


def _unknown(intent: OperationalIntent, kind: Words, other: str) -> Reason:
    return Reason(UNKNOWN_ENTITY, intent.id, {"id": intent.id, "kind": kind, "other": other})


def _conflict(
    intent: OperationalIntent,
    other: OperationalIntent,
    overlap: tuple[Volume4D, Volume4D],
    frame: LocalFrame | None,
) -> Reason:
    own, held = overlap
    start_s, end_s = max(own.start_s, held.start_s), min(own.end_s, held.end_s)
    facts = {
        "id": intent.id,
        "other": other.id,
        "priority": other.priority,
        "start": utc_text(start_s),
        "end": utc_text(end_s),
    }
    if frame is None:
        return Reason(CONFLICT, intent.id, facts, start_s=start_s, end_s=end_s)
    shared = own.outline.intersection(held.outline)
    point = (own.outline if shared.is_empty else shared).representative_point()
    place = frame.latlon(point.x, point.y)
    return Reason(
        CONFLICT, intent.id, facts, start_s=start_s, end_s=end_s, lat_deg=place.lat_deg, lon_deg=place.lon_deg
    )
