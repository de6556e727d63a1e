"""What stands now, projected from the log into tables that can be asked by box. Used inside a transaction only.

`apply` is the one way in which a change reaches the tables, so that a rebuild from the log ends where the living
register is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import shapely

from airspace.charted import ChartedZone
from airspace.frames import LocalFrame
from airspace.intents import IntentState, OperationalIntent
from airspace.reservation import NearZone
from airspace.subscriptions import IMPLICIT, Change, Kind, Subscription, implicit, must_hear
from airspace.volumes import Volume4D
from controller.register.changes import (
    Batch,
    Founded,
    IntentsChanged,
    LoggedChange,
    Subscribed,
    Unsubscribed,
    ZoneRemoved,
    ZonesImported,
    intent_of,
    subscription_of,
)
from controller.register.charted_zones import extents, ovn_of_feature, zone_of

INTENT, ZONE, SUBSCRIPTION = "intent", "zone", "subscription"

_INSERT = """INSERT INTO volumes (kind, owner, off_nominal, outline, x0, y0, z0, t0, x1, y1, z1, t1)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_NEAR = """SELECT v.kind, v.owner, v.off_nominal, v.outline, v.z0, v.z1, v.t0, v.t1, v.n
           FROM boxes AS b JOIN volumes AS v ON v.n = b.n
           WHERE b.x0 <= :x1 AND b.x1 >= :x0 AND b.y0 <= :y1 AND b.y1 >= :y0 AND b.z0 <= :z1 AND b.z1 >= :z0
             AND b.t0 <= :t1 - :founded AND b.t1 >= :t0 - :founded
             AND v.x0 <= :x1 AND v.x1 >= :x0 AND v.y0 <= :y1 AND v.y1 >= :y0 AND v.z0 <= :z1 AND v.z1 >= :z0
             AND v.t0 < :t1 AND v.t1 > :t0"""
_OWNED = """SELECT kind, owner, off_nominal, outline, z0, z1, t0, t1, n FROM volumes
            WHERE kind = ? AND owner = ? ORDER BY n"""
_SIDES = ("x0", "y0", "z0", "t0", "x1", "y1", "z1", "t1")


@dataclass(frozen=True, slots=True)
class Held:
    """One volume of an entity, as its row has it."""

    kind: str
    owner: str
    off_nominal: bool
    volume: Volume4D


@dataclass(frozen=True, slots=True)
class HeldZone:
    """A zone of the register, its OVN and the batch that brought it."""

    zone: ChartedZone
    ovn: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class Projections:
    """The tables of one register; `frame` and `founded_s` are those of its founding."""

    connection: sqlite3.Connection
    frame: LocalFrame
    founded_s: float
    seed: bytes

    # -- asking ------------------------------------------------------------------------------------------------------

    def near(self, volumes: Iterable[Volume4D], kinds: Collection[str]) -> list[Held]:
        """The stored volumes of some kinds whose boxes meet one of the boxes given, each once, oldest first."""
        found: dict[int, Held] = {}
        for volume in volumes:
            sides = dict(zip(_SIDES, map(float, volume.box), strict=True))
            for row in self.connection.execute(_NEAR, {**sides, "founded": self.founded_s}):
                if row[0] in kinds and row[8] not in found:
                    found[row[8]] = _held(row)
        return [found[n] for n in sorted(found)]

    def owned(self, kind: str, owner: str) -> list[Held]:
        """All volumes of one entity, in the order in which it has them."""
        return [_held(row) for row in self.connection.execute(_OWNED, (kind, owner))]

    def intent(self, intent_id: str) -> OperationalIntent | None:
        """The intent of an id as it stands, ended ones included; None when there never was one."""
        return self._intent(intent_id, self.owned(INTENT, intent_id))

    def intents_near(self, volumes: Iterable[Volume4D]) -> list[OperationalIntent]:
        """The intents near some volumes, by id, each with only those of its own volumes that are near."""
        held = sorted(self.near(volumes, {INTENT}), key=lambda volume: volume.owner)
        parts = groupby(held, key=lambda volume: volume.owner)
        return [intent for id_, some in parts if (intent := self._intent(id_, list(some))) is not None]

    def holder(self, intent_id: str) -> str | None:
        """Whose intent it is; None when there never was one."""
        row = self.connection.execute("SELECT holder FROM intents WHERE id = ?", (intent_id,)).fetchone()
        return None if row is None else str(row[0])

    def zones_near(self, volumes: Iterable[Volume4D]) -> list[NearZone]:
        """The zones whose extent, taken outward and at all heights, meets one of the volumes; by id."""
        owners = sorted({held.owner for held in self.near(volumes, {ZONE})})
        rows = (self.connection.execute("SELECT id, ovn FROM zones WHERE id = ?", (id_,)).fetchone() for id_ in owners)
        return [NearZone(str(id_), str(ovn)) for id_, ovn in rows]

    def holds_zone(self, zone_id: str) -> bool:
        """Whether there is a zone of an id."""
        return self.connection.execute("SELECT 1 FROM zones WHERE id = ?", (zone_id,)).fetchone() is not None

    def zone_laid_as(self, layer_id: str) -> str | None:
        """The id of the zone that has this id, or a layer that is laid under it."""
        if self.holds_zone(layer_id):
            return layer_id
        zone_id, _, number = layer_id.rpartition("#")
        row = self.connection.execute("SELECT feature FROM zones WHERE id = ?", (zone_id,)).fetchone()
        if row is None or not number.isdigit():
            return None
        return zone_id if layer_id in zone_of(bytes(row[0]), zone_id).laid_ids else None

    def held_zones(self) -> Iterator[HeldZone]:
        """All zones, by id."""
        rows = self.connection.execute(
            """SELECT z.id, z.feature, z.ovn, b.file, b.sha256, b.who FROM zones AS z JOIN batches AS b
               ON b.seq = z.batch ORDER BY z.id"""
        ).fetchall()
        for id_, feature, ovn, file, sha256, who in rows:
            yield HeldZone(zone_of(bytes(feature), str(id_)), str(ovn), Batch(file, sha256, who))

    def subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription of an id, whole; None when there is none."""
        return self._subscription(subscription_id, self.owned(SUBSCRIPTION, subscription_id))

    def _subscription(self, subscription_id: str, held: list[Held]) -> Subscription | None:
        row = self.connection.execute(
            "SELECT holder, kinds, until_s, notices FROM subscriptions WHERE id = ?", (subscription_id,)
        ).fetchone()
        if row is None:
            return None
        holder, kinds, until_s, index = row
        volumes = tuple(part.volume for part in held)
        return Subscription(subscription_id, holder, volumes, frozenset(map(Kind, kinds.split())), until_s, index)

    def _intent(self, intent_id: str, held: list[Held]) -> OperationalIntent | None:
        row = self.connection.execute(
            "SELECT priority, state, version, ovn FROM intents WHERE id = ?", (intent_id,)
        ).fetchone()
        if row is None:
            return None
        planned = tuple(part.volume for part in held if not part.off_nominal)
        off_nominal = tuple(part.volume for part in held if part.off_nominal)
        priority, state, version, ovn = row
        return OperationalIntent(intent_id, priority, IntentState(state), planned, version, off_nominal, ovn)

    # -- changing ----------------------------------------------------------------------------------------------------

    def apply(self, change: LoggedChange) -> None:
        """Bring the tables from the change before to this one, notices included."""
        heard: list[Change] = []
        match change.body:
            case IntentsChanged(holder=holder, intents=intents):
                heard = [self._put_intent(holder, intent_of(stored)) for stored in intents]
            case ZonesImported(batch=batch, features=features):
                row = (change.seq, change.utc_s, batch.file, batch.sha256, batch.who)
                self.connection.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?)", row)
                heard = [self._put_zone(change.seq, bytes(feature)) for feature in features]
            case ZoneRemoved(id=zone_id):
                heard = [Change(Kind.ZONE, zone_id, self._drop(ZONE, zone_id))]
                self.connection.execute("DELETE FROM zones WHERE id = ?", (zone_id,))
            case Subscribed() as body:
                self._put_subscription(body, change.utc_s)
            case Unsubscribed(id=subscription):
                self._forget(subscription)
            case Founded():
                pass
        if heard:
            self._notify(heard, change)

    def _put_intent(self, holder: str, intent: OperationalIntent) -> Change:
        before = self._drop(INTENT, intent.id)
        row = (intent.id, holder, intent.priority, str(intent.state), intent.version, intent.ovn)
        self.connection.execute(
            """INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET holder = excluded.holder,
               priority = excluded.priority, state = excluded.state, version = excluded.version, ovn = excluded.ovn""",
            row,
        )
        if intent.holds_airspace:
            self._hold(INTENT, intent.id, intent.volumes)
            self._hold(INTENT, intent.id, intent.off_nominal_volumes, off_nominal=True)
        return Change(Kind.INTENT, intent.id, before + intent.held)

    def _put_zone(self, batch: int, feature: bytes) -> Change:
        zone = zone_of(feature, "the register")
        before = self._drop(ZONE, zone.id)
        ovn = ovn_of_feature(feature, batch, self.seed)
        self.connection.execute("INSERT OR REPLACE INTO zones VALUES (?, ?, ?, ?)", (zone.id, batch, ovn, feature))
        after = extents(zone, self.frame)
        self._hold(ZONE, zone.id, after)
        return Change(Kind.ZONE, zone.id, before + after)

    def _put_subscription(self, body: Subscribed, utc_s: float) -> None:
        """Keep a subscription, in place of its former self; those that are over go at this occasion."""
        rows = self.connection.execute("SELECT id FROM subscriptions WHERE until_s <= ?", (utc_s,)).fetchall()
        for (over,) in rows:
            self._forget(over)
        self._drop(SUBSCRIPTION, body.id)
        self.connection.execute(
            """INSERT INTO subscriptions VALUES (?, ?, ?, ?, 0) ON CONFLICT (id) DO UPDATE SET holder = excluded.holder,
               kinds = excluded.kinds, until_s = excluded.until_s""",
            (body.id, body.holder, " ".join(body.kinds), body.until_s),
        )
        self._hold(SUBSCRIPTION, body.id, subscription_of(body, 0).volumes)

    def _forget(self, subscription_id: str) -> None:
        self._drop(SUBSCRIPTION, subscription_id)
        self.connection.execute("DELETE FROM subscriptions WHERE id = ?", (subscription_id,))

    def _hold(self, kind: str, owner: str, volumes: Iterable[Volume4D], *, off_nominal: bool = False) -> None:
        for volume in volumes:
            x0, y0, z0, t0, x1, y1, z1, t1 = (float(side) for side in volume.box)
            outline = shapely.to_wkb(volume.outline)
            row = (kind, owner, int(off_nominal), outline, x0, y0, z0, t0, x1, y1, z1, t1)
            n = self.connection.execute(_INSERT, row).lastrowid
            box = (n, x0, x1, y0, y1, z0, z1, t0 - self.founded_s, t1 - self.founded_s)
            self.connection.execute("INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", box)

    def _drop(self, kind: str, owner: str) -> tuple[Volume4D, ...]:
        """Take an entity's volumes out; what they were."""
        gone = tuple(held.volume for held in self.owned(kind, owner))
        if gone:
            of_it = "SELECT n FROM volumes WHERE kind = ? AND owner = ?"
            self.connection.execute(f"DELETE FROM boxes WHERE n IN ({of_it})", (kind, owner))
            self.connection.execute("DELETE FROM volumes WHERE kind = ? AND owner = ?", (kind, owner))
        return gone

    # -- telling -----------------------------------------------------------------------------------------------------

    def _notify(self, heard: list[Change], change: LoggedChange) -> None:
        volumes = [volume for one in heard for volume in one.volumes]
        notices, told = must_hear(heard, self._listening(volumes), change.utc_s)
        for notice in notices:
            row = (notice.subscription, notice.index, notice.holder, change.seq, str(notice.kind), notice.id)
            self.connection.execute("INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?)", row)
        for id_, subscription in told.items():
            table, name = (
                ("intents", id_.removeprefix(IMPLICIT)) if id_.startswith(IMPLICIT) else ("subscriptions", id_)
            )
            self.connection.execute(f"UPDATE {table} SET notices = ? WHERE id = ?", (subscription.index, name))

    def _listening(self, volumes: Iterable[Volume4D]) -> Iterator[Subscription]:
        """The subscriptions near some volumes, those of intents included, each with only its volumes that are near."""
        held = sorted(self.near(volumes, {INTENT, SUBSCRIPTION}), key=lambda part: (part.kind, part.owner))
        for (kind, owner), some in groupby(held, key=lambda part: (part.kind, part.owner)):
            parts = list(some)
            if kind == SUBSCRIPTION:
                if (subscription := self._subscription(owner, parts)) is not None:
                    yield subscription
            elif (intent := self._intent(owner, parts)) is not None:
                holder, index = self.connection.execute(
                    "SELECT holder, notices FROM intents WHERE id = ?", (owner,)
                ).fetchone()
                yield replace(implicit(intent, holder, index), until_s=self._last_end_s(owner))

    def _last_end_s(self, intent_id: str) -> float:
        row = self.connection.execute(
            "SELECT max(t1) FROM volumes WHERE kind = ? AND owner = ?", (INTENT, intent_id)
        ).fetchone()
        return float(row[0])


def _held(row: Any) -> Held:
    kind, owner, off_nominal, outline, z0, z1, t0, t1, _ = row
    return Held(kind, owner, bool(off_nominal), Volume4D(shapely.from_wkb(outline), z0, z1, t0, t1))
