"""Operational intents of ASTM F3548-21: who holds which airspace, in what state, at what version.

`TRANSITIONS` is the whole state machine; what is not in it is refused. Ended is the standard's deletion. Every state
but Ended holds its airspace against everybody else. Figures are those of the standard, by their names in it
(InterUSS `uas_standards`, astm/f3548/v21/constants.py); the rules about volumes are those of its API (utm.yaml).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b

import shapely

from airspace.reasons import Reason, Refused, Rule, Words
from airspace.volumes import Volume4D

PLAN_HORIZON_S = 30 * 86400.0  # OiMaxPlanHorizonDays
MOST_VERTICES = 10_000  # OiMaxVertices, in all volumes of an intent together


class IntentState(StrEnum):
    """Where an intent stands.

    ACCEPTED: its airspace is reserved and nothing flies; it may still be changed or given back.
    ACTIVATED: the drone flies inside the volumes; they may be changed, never left.
    NONCONFORMING: the drone is out of its volumes, or flies before activation, and is expected back.
    CONTINGENT: the drone will not come back into its volumes; only the end is left.
    ENDED: the airspace is free again; nothing changes any more.
    """

    ACCEPTED = "accepted"
    ACTIVATED = "activated"
    NONCONFORMING = "nonconforming"
    CONTINGENT = "contingent"
    ENDED = "ended"


class IntentEvent(StrEnum):
    """What can happen to an intent.

    CHANGE: its volumes were replaced; off nominal they follow the drone. ACTIVATE: take-off is about to happen. LEAVE:
    the drone was seen outside. RETURN: it is inside again. GIVE_UP: it cannot come back. END: it is on the ground.
    """

    CHANGE = "change"
    ACTIVATE = "activate"
    LEAVE = "leave"
    RETURN = "return"
    GIVE_UP = "give-up"
    END = "end"


TRANSITIONS: dict[tuple[IntentState, IntentEvent], IntentState] = {
    (IntentState.ACCEPTED, IntentEvent.CHANGE): IntentState.ACCEPTED,
    (IntentState.ACCEPTED, IntentEvent.ACTIVATE): IntentState.ACTIVATED,
    (IntentState.ACCEPTED, IntentEvent.LEAVE): IntentState.NONCONFORMING,
    (IntentState.ACCEPTED, IntentEvent.GIVE_UP): IntentState.CONTINGENT,
    (IntentState.ACCEPTED, IntentEvent.END): IntentState.ENDED,
    (IntentState.ACTIVATED, IntentEvent.CHANGE): IntentState.ACTIVATED,
    (IntentState.ACTIVATED, IntentEvent.LEAVE): IntentState.NONCONFORMING,
    (IntentState.ACTIVATED, IntentEvent.GIVE_UP): IntentState.CONTINGENT,
    (IntentState.ACTIVATED, IntentEvent.END): IntentState.ENDED,
    (IntentState.NONCONFORMING, IntentEvent.CHANGE): IntentState.NONCONFORMING,
    (IntentState.NONCONFORMING, IntentEvent.RETURN): IntentState.ACTIVATED,
    (IntentState.NONCONFORMING, IntentEvent.GIVE_UP): IntentState.CONTINGENT,
    (IntentState.NONCONFORMING, IntentEvent.END): IntentState.ENDED,
    (IntentState.CONTINGENT, IntentEvent.CHANGE): IntentState.CONTINGENT,
    (IntentState.CONTINGENT, IntentEvent.END): IntentState.ENDED,
}

# Which of (volumes, off-nominal volumes) a state must have; the others it must not have.
CARRIES: dict[IntentState, tuple[bool, bool]] = {
    IntentState.ACCEPTED: (True, False),
    IntentState.ACTIVATED: (True, False),
    IntentState.NONCONFORMING: (True, True),
    IntentState.CONTINGENT: (False, True),
    IntentState.ENDED: (False, False),
}

# The states in which an intent may only stand where it was cleared; off nominal it stands where the drone is.
PLANNED_STATES = frozenset({IntentState.ACCEPTED, IntentState.ACTIVATED})

INTENT_TRANSITION = Rule(
    "intent.transition",
    Words("an intent that is {state} cannot {event}", "处于 {state} 状态的飞行意图不能执行 {event}"),
    Words("What it can do now: {allowed}.", "当前可执行：{allowed}。"),
)

INTENT_STALE = Rule(
    "intent.stale",
    Words(
        "intent {id} is at version {held}, and the change was made for version {given}",
        "飞行意图 {id} 当前版本为 {held}，而该变更基于版本 {given}",
    ),
    Words("Read the intent again and repeat the change.", "请重新读取该意图后再提交变更。"),
)

INTENT_VOLUMES = Rule(
    "intent.volumes",
    Words(
        "intent {id} has {volumes} volumes and {off_nominal} off-nominal volumes, which {state} does not allow",
        "飞行意图 {id} 有 {volumes} 个空域体和 {off_nominal} 个偏离空域体，不符合 {state} 状态的要求",
    ),
    Words(
        "accepted and activated have volumes only, nonconforming both kinds, contingent off-nominal ones only.",
        "accepted 与 activated 只含空域体，nonconforming 两者皆有，contingent 只含偏离空域体。",
    ),
)

INTENT_PAST = Rule(
    "intent.past",
    Words("intent {id} is over before now", "飞行意图 {id} 在当前时刻之前已结束"),
    Words("Give it a time that lies ahead.", "请选择未来的时间。"),
)

INTENT_HORIZON = Rule(
    "intent.horizon",
    Words("intent {id} begins more than {days:g} days ahead", "飞行意图 {id} 的开始时间超过 {days:g} 天之后"),
    Words("Reserve it later.", "请稍后再预留。"),
)

INTENT_VERTICES = Rule(
    "intent.vertices",
    Words("intent {id} has {found} vertices, and {most} is the most", "飞行意图 {id} 有 {found} 个顶点，上限为 {most}"),
    Words("Simplify its outlines outward, or divide it.", "请向外简化轮廓，或拆分该意图。"),
)


@dataclass(frozen=True, slots=True)
class OperationalIntent:
    """The airspace of one flight, with all its volumes in one local frame.

    `volumes` is where it plans to be, `off_nominal_volumes` where it may be while it does not keep to that (`CARRIES`
    says which of them a state has). `version` counts its changes. `ovn` is the opaque version number that a register
    gave it; empty while no register has accepted this version.
    """

    id: str
    priority: int
    state: IntentState
    volumes: tuple[Volume4D, ...]
    version: int = 1
    off_nominal_volumes: tuple[Volume4D, ...] = ()
    ovn: str = ""

    @property
    def holds_airspace(self) -> bool:
        """Whether others must keep out of its volumes."""
        return self.state is not IntentState.ENDED

    @property
    def held(self) -> tuple[Volume4D, ...]:
        """All that others must keep out of, volumes before off-nominal ones; nothing once it has ended."""
        return (*self.volumes, *self.off_nominal_volumes) if self.holds_airspace else ()

    def after(
        self,
        event: IntentEvent,
        *,
        volumes: Sequence[Volume4D] | None = None,
        off_nominal_volumes: Sequence[Volume4D] | None = None,
        version: int | None = None,
    ) -> OperationalIntent:
        """The intent after an event, one version on and without an OVN.

        `volumes` and `off_nominal_volumes` replace what it has (None leaves it); what the new state may not carry is
        dropped. `version` is the one that the caller knew. Raises `Refused` when the state forbids the event, when the
        caller's version is stale, or when the new state needs volumes that nobody gave.
        """
        if version is not None and version != self.version:
            raise Refused([Reason(INTENT_STALE, self.id, {"id": self.id, "held": self.version, "given": version})])
        state = transition(self.state, event, self.id)
        planned, off_nominal = CARRIES[state]
        changed = replace(
            self,
            state=state,
            volumes=_chosen(planned, volumes, self.volumes),
            off_nominal_volumes=_chosen(off_nominal, off_nominal_volumes, self.off_nominal_volumes),
            version=self.version + 1,
            ovn="",
        )
        if faults := volume_faults(changed):
            raise Refused(faults)
        return changed


def _chosen(carried: bool, given: Sequence[Volume4D] | None, held: tuple[Volume4D, ...]) -> tuple[Volume4D, ...]:
    if not carried:
        return ()
    return held if given is None else tuple(given)


def transition(state: IntentState, event: IntentEvent, where: str = "") -> IntentState:
    """The state after an event. Raises `Refused` for a pair that is not in `TRANSITIONS`."""
    after = TRANSITIONS.get((state, event))
    if after is None:
        allowed = ", ".join(e for s, e in TRANSITIONS if s is state) or "-"
        raise Refused([Reason(INTENT_TRANSITION, where, {"state": state, "event": event, "allowed": allowed})])
    return after


def volume_faults(intent: OperationalIntent) -> list[Reason]:
    """A reason when the intent has volumes that its state may not carry, or lacks those that it must have."""
    if (bool(intent.volumes), bool(intent.off_nominal_volumes)) == CARRIES[intent.state]:
        return []
    facts = {
        "id": intent.id,
        "volumes": len(intent.volumes),
        "off_nominal": len(intent.off_nominal_volumes),
        "state": intent.state,
    }
    return [Reason(INTENT_VOLUMES, intent.id, facts)]


def planning_faults(intent: OperationalIntent, now_s: float) -> list[Reason]:
    """A reason for each of the standard's limits that the intent breaks at a moment [UTC s]: past, horizon, vertices.

    The first volume must begin within `PLAN_HORIZON_S`. Each volume of a new intent must end after now; one that
    changes on its way has volumes behind it, so of these one must still lie ahead.
    """
    reasons: list[Reason] = []
    held = intent.held
    past = [volume.end_s <= now_s for volume in held]
    if any(past) if intent.version == 1 else past and all(past):
        reasons.append(Reason(INTENT_PAST, intent.id, {"id": intent.id}))
    if held and min(volume.start_s for volume in held) > now_s + PLAN_HORIZON_S:
        reasons.append(Reason(INTENT_HORIZON, intent.id, {"id": intent.id, "days": PLAN_HORIZON_S / 86400.0}))
    vertices = sum(int(shapely.get_num_coordinates(volume.outline)) for volume in held)
    if vertices > MOST_VERTICES:
        facts = {"id": intent.id, "found": vertices, "most": MOST_VERTICES}
        reasons.append(Reason(INTENT_VERTICES, intent.id, facts))
    return reasons


def ovn_of(intent: OperationalIntent, seed: bytes) -> str:
    """The opaque version number of an intent: 32 characters that change with any change of its content or version.

    `seed` (1-64 bytes) belongs to whoever gives OVNs, so that nobody else can tell one without having read it.
    """
    digest = blake2b(key=seed, digest_size=16)
    digest.update(f"{intent.id}\0{intent.priority}\0{intent.state}\0{intent.version}".encode())
    for mark, volumes in ((b"\0v", intent.volumes), (b"\0o", intent.off_nominal_volumes)):
        for volume in volumes:
            digest.update(mark)
            digest.update(" ".join(float(side).hex() for side in volume.box).encode())
            digest.update(shapely.to_wkb(volume.outline))
    return digest.hexdigest()
