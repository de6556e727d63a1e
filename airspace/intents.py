"""Operational intents of ASTM F3548-21: who holds which airspace, in what state, and whether a drone keeps to it.

`TRANSITIONS` is the whole state machine; what is not in it is refused. Ended is the standard's deletion. Every state
but Ended holds its airspace against everybody else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shapely.geometry import Point

from airspace.reasons import Reason, Refused, Rule, Words
from airspace.volumes import Volume4D


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

    CHANGE: its volumes were replaced by others that were free. ACTIVATE: take-off is about to happen. LEAVE: the
    drone was seen outside. RETURN: it is inside again. GIVE_UP: it cannot come back. END: it is on the ground.
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
    (IntentState.NONCONFORMING, IntentEvent.RETURN): IntentState.ACTIVATED,
    (IntentState.NONCONFORMING, IntentEvent.GIVE_UP): IntentState.CONTINGENT,
    (IntentState.NONCONFORMING, IntentEvent.END): IntentState.ENDED,
    (IntentState.CONTINGENT, IntentEvent.END): IntentState.ENDED,
}

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


@dataclass(frozen=True, slots=True)
class OperationalIntent:
    """The airspace of one flight; `version` counts its changes, so that nobody acts on stale knowledge."""

    id: str
    priority: int
    state: IntentState
    volumes: tuple[Volume4D, ...]
    version: int = 1

    @property
    def holds_airspace(self) -> bool:
        """Whether others must keep out of its volumes."""
        return self.state is not IntentState.ENDED

    def after(
        self, event: IntentEvent, *, volumes: Sequence[Volume4D] | None = None, version: int | None = None
    ) -> OperationalIntent:
        """The intent after an event, one version on.

        `volumes` replaces its airspace (None leaves it); `version` is the one that the caller knew. Raises `Refused`
        when the state forbids the event or the caller's version is stale.
        """
        if version is not None and version != self.version:
            raise Refused([Reason(INTENT_STALE, self.id, {"id": self.id, "held": self.version, "given": version})])
        return replace(
            self,
            state=transition(self.state, event, self.id),
            volumes=self.volumes if volumes is None else tuple(volumes),
            version=self.version + 1,
        )


def transition(state: IntentState, event: IntentEvent, where: str = "") -> IntentState:
    """The state after an event. Raises `Refused` for a pair that is not in `TRANSITIONS`."""
    after = TRANSITIONS.get((state, event))
    if after is None:
        allowed = ", ".join(e for s, e in TRANSITIONS if s is state) or "-"
        raise Refused([Reason(INTENT_TRANSITION, where, {"state": state, "event": event, "allowed": allowed})])
    return after


@dataclass(frozen=True, slots=True)
class IntentConflict:
    """Volume `own` of the new intent overlaps volume `other` of the intent `other_id`."""

    own: int
    other_id: str
    other: int


def first_conflict(new: OperationalIntent, existing: Iterable[OperationalIntent]) -> IntentConflict | None:
    """The first overlap of `new` with an intent that holds airspace, in the order given; None when there is none.

    An intent never conflicts with an earlier version of itself. Exact and without an index: it is what decides inside
    a store's transaction, over the few intents that the index has found there.
    """
    for other in existing:
        if other.id == new.id or not other.holds_airspace:
            continue
        for i, own in enumerate(new.volumes):
            for j, volume in enumerate(other.volumes):
                if own.overlaps(volume):
                    return IntentConflict(i, other.id, j)
    return None


@dataclass(frozen=True, slots=True)
class Conformance:
    """Whether a position at a time is inside one and the same volume.

    `volume` is its index, or None. `distance_m` is 0 inside and otherwise the least distance in space to a volume of
    that moment; None when no volume covers that moment. `time_s` is the least time to a volume that holds the place,
    0 inside; None when no volume ever holds the place.
    """

    volume: int | None
    distance_m: float | None
    time_s: float | None

    @property
    def inside(self) -> bool:
        """Whether the drone keeps to its intent."""
        return self.volume is not None


def conformance(volumes: Sequence[Volume4D], x_m: float, y_m: float, ellipsoidal_m: float, at_s: float) -> Conformance:
    """How a live position [m east, m north, m ellipsoidal, s UTC] relates to the volumes of an intent.

    Being inside the outline of one volume and the height band of another is outside. Raises ValueError for a position
    that is not finite, since that compares as inside nothing and outside nothing.
    """
    if not all(map(math.isfinite, (x_m, y_m, ellipsoidal_m, at_s))):
        raise ValueError(f"not a position: {x_m}, {y_m}, {ellipsoidal_m} at {at_s}")
    point = Point(x_m, y_m)
    distance_m: float | None = None
    time_s: float | None = None
    for i, volume in enumerate(volumes):
        if volume.contains(x_m, y_m, ellipsoidal_m, at_s):
            return Conformance(i, 0.0, 0.0)
        above_m = max(volume.floor_ellipsoidal_m - ellipsoidal_m, ellipsoidal_m - volume.ceiling_ellipsoidal_m, 0.0)
        off_m = math.hypot(volume.outline.distance(point), above_m)
        off_s = max(volume.start_s - at_s, at_s - volume.end_s, 0.0)
        if volume.start_s <= at_s < volume.end_s:
            distance_m = off_m if distance_m is None else min(distance_m, off_m)
        if off_m == 0.0:
            time_s = off_s if time_s is None else min(time_s, off_s)
    return Conformance(None, distance_m, time_s)
