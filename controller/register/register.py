"""The shared register of airspace: zones, intents and subscriptions that several processes read and change at once.

Every change is one transaction: decided on what stands at that moment, logged, projected, committed; the caller hears
of it after that. The calls are synchronous, from any thread, one at a time; whoever has an event loop calls them in a
thread. Only `tables`, `projections` and `poles.register_file` know SQL, so that another engine can stand behind
the same calls.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from airspace.charted import ChartedZone
from airspace.frames import LatLon, LocalFrame
from airspace.intents import IntentEvent, OperationalIntent
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.reservation import MayOverlap, NearZone, Reservation, decide, never
from airspace.subscriptions import Kind, Notice, Subscription, subscription_faults
from airspace.volumes import Volume4D
from controller.register.changes import (
    AnyBody,
    Batch,
    Founded,
    IntentsChanged,
    LoggedChange,
    Subscribed,
    Unsubscribed,
    ZoneRemoved,
    ZonesImported,
    decode,
    encode,
    stored_intent,
    stored_volumes,
)
from controller.register.charted_zones import feature_of
from controller.register.projections import HeldZone, Projections
from controller.register.tables import BUSY_S, LAYOUT, PROJECTIONS
from poles.register_file import FOREIGN, UNSTORABLE, connect, failures_refused, transaction

NO_SUCH = Rule(
    "register.no-such",
    Words("the register has no {kind} {id}", "登记库中没有{kind} {id}"),
    Words("Look up the id; it may have been removed.", "请核对编号；它可能已被移除。"),
)
NOT_HOLDER = Rule(
    "register.not-holder",
    Words("{kind} {id} belongs to {holder}, not to {who}", "{kind} {id} 属于 {holder}，而不属于 {who}"),
    Words("Ask {holder} to change it.", "请联系 {holder} 进行变更。"),
)
ZONE_TAKEN = Rule(
    "register.zone-taken",
    Words("zone {id} is in the register already", "区域 {id} 已在登记库中"),
    Words("Import with replacement if this is a newer chart of it.", "如为更新版图表，请以替换方式导入。"),
)
ZONE_TWICE = Rule(
    "register.zone-twice",
    Words("zone {id} is there twice in one import", "同一次导入中区域 {id} 出现两次"),
    Words("Give each zone an id of its own.", "每个区域须有唯一编号。"),
)
LAYER_TAKEN = Rule(
    "register.layer-taken",
    Words("zones {id} and {other} would share the id of a layer", "区域 {id} 与 {other} 的某一层编号相同"),
    Words(
        "Give one of them another id: the layers of X are called X, X#2, X#3.",
        "请更换其中之一的编号：区域 X 的各层编号为 X、X#2、X#3。",
    ),
)
UNFOUNDED = Rule(
    "register.unfounded",
    Words("there is no register here yet", "此处尚无登记库"),
    Words("Found it with an origin and a seed of 16 to 64 bytes.", "请提供原点与 16 至 64 字节的种子来创建。"),
)
INTENT = Words("intent", "飞行意图")
ZONE = Words("zone", "区域")
SUBSCRIPTION = Words("subscription", "订阅")


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new register is given once: the origin of its frame, and the seed of its OVNs (16-64 bytes)."""

    origin: LatLon
    seed: bytes


class Register:
    """One process's door to the register; made by `open_register`. Every call raises `Refused` and nothing else.

    Volumes lie in `frame`, whose origin was fixed when the register was founded.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        utc_s: Callable[[], float],
        may_overlap: MayOverlap,
        busy_s: float,
    ) -> None:
        self._connection = connection
        self._path = path
        self._utc_s = utc_s
        self._may_overlap = may_overlap
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._stands: Projections | None = None

    @property
    def frame(self) -> LocalFrame:
        """The frame of all volumes in the register."""
        return self._standing.frame

    # -- intents -----------------------------------------------------------------------------------------------------

    def reserve(
        self, intents: Sequence[OperationalIntent], key: Collection[str], holder: str
    ) -> tuple[OperationalIntent, ...]:
        """All the intents as `reservation.decide` accepts them, with their new OVNs, once they are durable; or none.

        `key` holds the OVNs of all intents and zones that the caller planned with (`near` tells them).
        """
        with self._change():
            return self._decide(Reservation(tuple(intents), frozenset(key)), holder)

    def change_state(
        self,
        intent_id: str,
        event: IntentEvent,
        version: int,
        holder: str,
        *,
        key: Collection[str] = (),
        volumes: Sequence[Volume4D] | None = None,
        off_nominal_volumes: Sequence[Volume4D] | None = None,
    ) -> OperationalIntent:
        """The intent after an event, with its new OVN; `version` is the one that the caller knew.

        `key` is asked for where the intent stands as planned afterwards, as in `reserve`: after a change, an activation
        or a return, not when it leaves, is given up or ends.
        """
        with self._change():
            before = self._intent(intent_id)
            after = before.after(event, volumes=volumes, off_nominal_volumes=off_nominal_volumes, version=version)
            return self._decide(Reservation((after,), frozenset(key)), holder)[0]

    def end(self, intent_id: str, version: int, holder: str) -> OperationalIntent:
        """Give an intent's airspace back for good."""
        return self.change_state(intent_id, IntentEvent.END, version, holder)

    def intent(self, intent_id: str) -> OperationalIntent:
        """The intent of an id as it stands; ended ones are remembered, without volumes."""
        with self._look():
            return self._intent(intent_id)

    def intents(self) -> tuple[OperationalIntent, ...]:
        """All intents that hold airspace, by id."""
        with self._look():
            rows = self._connection.execute("SELECT id FROM intents WHERE state <> 'ended' ORDER BY id").fetchall()
            return tuple(self._intent(str(id_)) for (id_,) in rows)

    def held_by(self, holder: str) -> tuple[str, ...]:
        """The ids of the intents that a holder, of exactly this name, has here and that hold airspace."""
        with self._look():
            rows = self._connection.execute(
                "SELECT id FROM intents WHERE holder = ? AND state <> 'ended' ORDER BY id", (holder,)
            )
            return tuple(str(id_) for (id_,) in rows)

    def holder(self, intent_id: str) -> str | None:
        """Whose intent it is; None when there never was one."""
        with self._look():
            return self._standing.holder(intent_id)

    def near(self, volumes: Sequence[Volume4D]) -> tuple[tuple[OperationalIntent, ...], tuple[NearZone, ...]]:
        """What a plan with these volumes must know: the intents whose boxes they meet, whole, and zones near them."""
        with self._look():
            stands = self._standing
            intents = tuple(self._intent(part.id) for part in stands.intents_near(volumes))
            return intents, tuple(stands.zones_near(volumes))

    def _decide(self, asked: Reservation, holder: str) -> tuple[OperationalIntent, ...]:
        stands, own = self._standing, {intent.id for intent in asked.intents}
        volumes = [volume for intent in asked.intents for volume in intent.held]
        standing = [intent for intent in stands.intents_near(volumes) if intent.id not in own]
        standing += [intent for id_ in sorted(own) if (intent := stands.intent(id_)) is not None]
        zones = {intent.id: stands.zones_near(intent.held) for intent in asked.intents}
        self._of_holder(own, holder)
        accepted = decide(
            asked,
            standing,
            zones,
            now_s=self._utc_s(),
            seed=stands.seed,
            may_overlap=self._may_overlap,
            frame=stands.frame,
        )
        self._log(IntentsChanged(holder, tuple(map(stored_intent, accepted))))
        return accepted

    def _of_holder(self, intent_ids: Collection[str], holder: str) -> None:
        reasons = [
            Reason(NOT_HOLDER, id_, {"kind": INTENT, "id": id_, "holder": theirs, "who": holder})
            for id_ in sorted(intent_ids)
            if (theirs := self._standing.holder(id_)) not in (None, holder)
        ]
        if reasons:
            raise Refused(reasons)

    def _intent(self, intent_id: str) -> OperationalIntent:
        intent = self._standing.intent(intent_id)
        if intent is None:
            raise Refused([Reason(NO_SUCH, intent_id, {"kind": INTENT, "id": intent_id})])
        return intent

    # -- zones -------------------------------------------------------------------------------------------------------

    def import_zones(self, zones: Sequence[ChartedZone], batch: Batch, *, replace: bool = False) -> int:
        """All zones of one batch, or none; the number of the change.

        A zone whose id is taken is refused unless `replace` says that these are newer charts of the same zones.
        """
        with self._change():
            if reasons := self._id_faults(zones, batch.file, replace):
                raise Refused(reasons)
            return self._log(ZonesImported(batch, tuple(msgspec.Raw(feature_of(zone)) for zone in zones)))

    def _id_faults(self, zones: Sequence[ChartedZone], file: str, replace: bool) -> list[Reason]:
        """A reason for each zone that has an id, its own or a layer's, that another has."""
        reasons: list[Reason] = []
        coming = {zone.id for zone in zones}
        seen: dict[str, str] = {}
        for zone in zones:
            if seen.get(zone.id) == zone.id:
                reasons.append(Reason(ZONE_TWICE, file, {"id": zone.id}))
            elif not replace and self._standing.holds_zone(zone.id):
                reasons.append(Reason(ZONE_TAKEN, file, {"id": zone.id}))
            else:
                held = (self._standing.zone_laid_as(id_) for id_ in zone.laid_ids)
                others = [seen[id_] for id_ in zone.laid_ids if id_ in seen]
                others += [other for other in held if other is not None and other not in coming]
                reasons += [Reason(LAYER_TAKEN, file, {"id": zone.id, "other": other}) for other in others[:1]]
            seen |= dict.fromkeys(zone.laid_ids, zone.id)
        return reasons

    def remove_zones(self, zone_ids: Sequence[str], who: str) -> None:
        """Take zones out, all of them or none."""
        with self._change():
            ids = tuple(dict.fromkeys(zone_ids))
            missing = [id_ for id_ in ids if not self._standing.holds_zone(id_)]
            if missing:
                raise Refused([Reason(NO_SUCH, id_, {"kind": ZONE, "id": id_}) for id_ in missing])
            for id_ in ids:
                self._log(ZoneRemoved(id_, who))

    def zones(self) -> tuple[HeldZone, ...]:
        """All zones, by id."""
        with self._look():
            return tuple(self._standing.held_zones())

    # -- following and telling ---------------------------------------------------------------------------------------

    def changes_after(self, seq: int = 0, most: int = 10_000) -> tuple[LoggedChange, ...]:
        """The next changes after a number, in order: who applies them all stands where the register stands."""
        with self._look():
            return tuple(self._changes(seq, most))

    def subscribe(self, subscription: Subscription) -> Subscription:
        """Begin or renew a subscription; what comes back has the index that it has reached."""
        with self._change():
            if faults := subscription_faults(subscription, self._utc_s()):
                raise Refused(faults)
            self._of_subscriber(subscription.id, subscription.holder)
            body = Subscribed(
                subscription.id,
                subscription.holder,
                tuple(sorted(map(str, subscription.kinds))),
                subscription.until_s,
                stored_volumes(subscription.volumes),
            )
            self._log(body)
            found = self._standing.subscription(subscription.id)
            if found is None:
                raise AssertionError(f"subscription {subscription.id} was logged and is not there")
            return found

    def unsubscribe(self, subscription_id: str, holder: str) -> None:
        """Give a subscription up."""
        with self._change():
            if self._standing.subscription(subscription_id) is None:
                raise Refused([Reason(NO_SUCH, subscription_id, {"kind": SUBSCRIPTION, "id": subscription_id})])
            self._of_subscriber(subscription_id, holder)
            self._log(Unsubscribed(subscription_id))

    def notices(self, holder: str, after: int = 0) -> tuple[tuple[int, Notice], ...]:
        """What a holder must be told of the changes after a number, each with the number of its change, in order."""
        with self._look():
            rows = self._connection.execute(
                """SELECT seq, subscription, number, kind, entity FROM notices WHERE holder = ? AND seq > ?
                   ORDER BY seq, subscription, number""",
                (holder, after),
            )
            return tuple(
                (int(seq), Notice(sub, holder, number, Kind(kind), id_)) for seq, sub, number, kind, id_ in rows
            )

    def _of_subscriber(self, subscription_id: str, holder: str) -> None:
        found = self._standing.subscription(subscription_id)
        if found is not None and found.holder != holder:
            facts = {"kind": SUBSCRIPTION, "id": subscription_id, "holder": found.holder, "who": holder}
            raise Refused([Reason(NOT_HOLDER, subscription_id, facts)])

    # -- the log -----------------------------------------------------------------------------------------------------

    def rebuild(self) -> int:
        """Throw away all that was projected and project it again from the log; the number of changes applied."""
        with self._change():
            for table in PROJECTIONS:
                self._connection.execute(f"DELETE FROM {table}")
            seq = count = 0
            while rows := list(self._changes(seq, 1000)):
                for change in rows:
                    self._standing.apply(change)
                seq, count = rows[-1].seq, count + len(rows)
            return count

    def _log(self, body: AnyBody) -> int:
        """Write a change and project it; both stay only if the transaction does."""
        utc_s = round(self._utc_s(), 6)
        try:
            data = encode(body)
            decode(data)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:  # what could not be read back may not be written
            raise Refused([Reason(UNSTORABLE, str(self._path), {"detail": error})]) from None
        kind = str(body.__struct_config__.tag)
        cursor = self._connection.execute(
            "INSERT INTO changes (utc_s, kind, body) VALUES (?, ?, ?)", (utc_s, kind, data)
        )
        seq = int(cursor.lastrowid or 0)
        self._standing.apply(LoggedChange(seq, utc_s, body))
        return seq

    def _changes(self, after: int, most: int) -> Iterator[LoggedChange]:
        rows = self._connection.execute(
            "SELECT seq, utc_s, body FROM changes WHERE seq > ? ORDER BY seq LIMIT ?", (after, most)
        )
        for seq, utc_s, body in rows:
            try:
                yield LoggedChange(int(seq), float(utc_s), decode(bytes(body)))
            except msgspec.MsgspecError as error:
                detail = f"change {seq}: {error}"
                raise Refused([Reason(FOREIGN, str(self._path), {"detail": detail})]) from None

    @property
    def _standing(self) -> Projections:
        if self._stands is None:
            raise Refused([Reason(UNFOUNDED, str(self._path))])
        return self._stands

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock, failures_refused(self._path, self._busy_s), transaction(self._connection):
            yield

    @contextmanager
    def _look(self) -> Iterator[None]:
        with self._lock, failures_refused(self._path, self._busy_s), transaction(self._connection, writes=False):
            yield

    def _found(self, founding: Founding | None) -> None:
        """Take up the founding that the log begins with, or write it."""
        with self._look():
            first = next(self._changes(0, 1), None)
        if first is None:
            if founding is None or not 16 <= len(founding.seed) <= 64:
                raise Refused([Reason(UNFOUNDED, str(self._path))])
            with self._change():
                first = next(self._changes(0, 1), None)  # another process may have been faster
                if first is None:
                    origin = founding.origin
                    body = Founded(origin.lat_deg, origin.lon_deg, founding.seed)
                    self._take_up(LoggedChange(0, round(self._utc_s(), 6), body))
                    self._log(body)
                    first = next(self._changes(0, 1))
        self._take_up(first)

    def _take_up(self, first: LoggedChange) -> None:
        body = first.body
        if not isinstance(body, Founded):
            detail = "its log does not begin with its founding"
            raise Refused([Reason(FOREIGN, str(self._path), {"detail": detail})])
        frame = LocalFrame(LatLon(body.origin_lat_deg, body.origin_lon_deg))
        self._stands = Projections(self._connection, frame, first.utc_s, body.seed)


@contextmanager
def open_register(
    path: Path,
    utc_s: Callable[[], float],
    *,
    founding: Founding | None = None,
    may_overlap: MayOverlap = never,
    busy_s: float = BUSY_S,
) -> Iterator[Register]:
    """The register at `path`, for one of any number of processes; a new file needs `founding`.

    `may_overlap` is the jurisdiction's word on priorities, the same for all processes. Raises `Refused` for a file that
    is no register or cannot be opened, or when others keep it busy for `busy_s` [s].
    """
    with failures_refused(path, busy_s):
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path, LAYOUT, busy_s)
    try:
        register = Register(connection, path, utc_s, may_overlap, busy_s)
        register._found(founding)
        yield register
    finally:
        connection.close()
