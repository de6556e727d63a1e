"""Who must hear that something changed in an area: subscriptions as in ASTM F3548-21, matched purely.

A subscription names volumes; whatever appears, changes or disappears in them is heard, before and after alike. The
holder of an active intent hears of its own airspace without asking (the standard's implicit subscription).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from airspace.intents import OperationalIntent
from airspace.reasons import Reason, Rule, Words
from airspace.volumes import Volume4D

LONGEST_SUBSCRIPTION_S = 24 * 3600.0  # DSSMaxSubscriptionDurationHours
IMPLICIT = "intent:"  # begins the id of the subscription that an intent brings along

SUBSCRIPTION_DEAF = Rule(
    "subscription.deaf",
    Words("subscription {id} asks to hear of nothing", "订阅 {id} 未选择任何通知内容"),
    Words("Ask for intents, for zones, or for both.", "请选择飞行意图、区域或两者。"),
)
SUBSCRIPTION_SPAN = Rule(
    "subscription.span",
    Words(
        "subscription {id} would last {hours:.1f} h from now, and it may last 0 to {most:g} h",
        "订阅 {id} 自当前起有效 {hours:.1f} 小时，允许范围为 0 至 {most:g} 小时",
    ),
    Words("Ask for less and renew it.", "请缩短有效期并按期续订。"),
)

SUBSCRIPTION_NAME = Rule(
    "subscription.name",
    Words("subscription {id} has the name of an intent's own", "订阅 {id} 使用了飞行意图自带订阅的名称"),
    Words("Choose an id that does not begin with {begin}.", "请使用不以 {begin} 开头的编号。"),
)


class Kind(StrEnum):
    """What can change in the airspace."""

    INTENT = "intent"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody's wish to hear of changes in some volumes until a moment [UTC s]; `index` counts what it was sent."""

    id: str
    holder: str
    volumes: tuple[Volume4D, ...]
    kinds: frozenset[Kind]
    until_s: float
    index: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One entity that appeared, changed or went: `volumes` are those before and those after."""

    kind: Kind
    id: str
    volumes: tuple[Volume4D, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """What one subscription must be told; `index` lets its holder see that none was lost."""

    subscription: str
    holder: str
    index: int
    kind: Kind
    id: str


def subscription_faults(subscription: Subscription, now_s: float) -> list[Reason]:
    """Why a subscription cannot begin at a moment [UTC s]."""
    reasons: list[Reason] = []
    if not subscription.kinds:
        reasons.append(Reason(SUBSCRIPTION_DEAF, subscription.id, {"id": subscription.id}))
    if subscription.id.startswith(IMPLICIT):
        reasons.append(Reason(SUBSCRIPTION_NAME, subscription.id, {"id": subscription.id, "begin": IMPLICIT}))
    if not 0.0 < subscription.until_s - now_s <= LONGEST_SUBSCRIPTION_S:
        hours = (subscription.until_s - now_s) / 3600.0
        facts = {"id": subscription.id, "hours": hours, "most": LONGEST_SUBSCRIPTION_S / 3600.0}
        reasons.append(Reason(SUBSCRIPTION_SPAN, subscription.id, facts))
    return reasons


def implicit(intent: OperationalIntent, holder: str, index: int = 0) -> Subscription:
    """The subscription that comes with an intent: all kinds of changes in what it holds, until its last volume ends."""
    until_s = max((volume.end_s for volume in intent.held), default=0.0)
    return Subscription(f"{IMPLICIT}{intent.id}", holder, intent.held, frozenset(Kind), until_s, index)


def must_hear(
    changes: Iterable[Change], subscriptions: Iterable[Subscription], now_s: float
) -> tuple[tuple[Notice, ...], Mapping[str, Subscription]]:
    """What must be told to whom, and the subscriptions that were told something, by id, with their new index.

    Change by change, within a change by subscription id. An intent's own subscription does not hear of that intent;
    one that is over by now hears nothing.
    """
    known = {subscription.id: subscription for subscription in subscriptions if subscription.until_s > now_s}
    notices: list[Notice] = []
    told: dict[str, Subscription] = {}
    for change in changes:
        for id_ in sorted(known):
            subscription = known[id_]
            own = change.kind is Kind.INTENT and id_ == f"{IMPLICIT}{change.id}"
            if own or change.kind not in subscription.kinds or not _meet(change.volumes, subscription.volumes):
                continue
            known[id_] = told[id_] = replace(subscription, index=subscription.index + 1)
            notices.append(Notice(id_, subscription.holder, known[id_].index, change.kind, change.id))
    return tuple(notices), told


def _meet(some: tuple[Volume4D, ...], others: tuple[Volume4D, ...]) -> bool:
    return any(one.overlaps(other) for one in some for other in others)
