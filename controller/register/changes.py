"""What the register's log holds: one body for each kind of change, complete enough to rebuild everything from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import shapely

from airspace.intents import IntentState, OperationalIntent
from airspace.subscriptions import Kind, Subscription
from airspace.volumes import Volume4D


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """A body is written with its kind, and what is not known of it is an error."""


class StoredVolume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A volume: outline as WKB in the register's frame [m], ellipsoidal heights [m], UTC seconds."""

    outline: bytes
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float


class StoredIntent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intent as it stands after the change."""

    id: str
    priority: int
    state: str
    version: int
    ovn: str
    volumes: tuple[StoredVolume, ...]
    off_nominal_volumes: tuple[StoredVolume, ...]


class Founded(Body, frozen=True, tag="founded"):
    """The first change: the origin of the register's frame [CGCS2000 deg] and the seed of its OVNs."""

    origin_lat_deg: float
    origin_lon_deg: float
    seed: bytes


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One import of charted zones: the file, its SHA-256 in hex, and who did it."""

    file: str
    sha256: str
    who: str


class ZonesImported(Body, frozen=True, tag="zones.imported"):
    """Zones of one batch, each as a GeoJSON feature; one that was there under the same id is replaced."""

    batch: Batch
    features: tuple[msgspec.Raw, ...]


class ZoneRemoved(Body, frozen=True, tag="zone.removed"):
    """A zone that is no more."""

    id: str
    who: str


class IntentsChanged(Body, frozen=True, tag="intents.changed"):
    """Intents as one decision left them, in place of what stood under their ids; ended ones hold nothing."""

    holder: str
    intents: tuple[StoredIntent, ...]


class Subscribed(Body, frozen=True, tag="subscribed"):
    """A subscription begun or renewed; its index goes on from where it was."""

    id: str
    holder: str
    kinds: tuple[str, ...]
    until_s: float
    volumes: tuple[StoredVolume, ...]


class Unsubscribed(Body, frozen=True, tag="unsubscribed"):
    """A subscription that its holder gave up."""

    id: str


AnyBody = Founded | ZonesImported | ZoneRemoved | IntentsChanged | Subscribed | Unsubscribed

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyBody] = msgspec.json.Decoder(AnyBody)


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """One row of the log: `seq` orders all changes of all processes."""

    seq: int
    utc_s: float
    body: AnyBody


def encode(body: AnyBody) -> bytes:
    """The body as the log holds it."""
    return _encoder.encode(body)


def decode(data: bytes) -> AnyBody:
    """The body of a row. Raises `msgspec.MsgspecError` for what is none."""
    return _decoder.decode(data)


def stored_volumes(volumes: Iterable[Volume4D]) -> tuple[StoredVolume, ...]:
    """Volumes as the log holds them: exact, since WKB keeps every bit of a coordinate."""
    return tuple(
        StoredVolume(
            shapely.to_wkb(volume.outline),
            float(volume.floor_ellipsoidal_m),
            float(volume.ceiling_ellipsoidal_m),
            float(volume.start_s),
            float(volume.end_s),
        )
        for volume in volumes
    )


def volume_of(stored: StoredVolume) -> Volume4D:
    """The volume that was stored."""
    return Volume4D(
        shapely.from_wkb(stored.outline),
        stored.floor_ellipsoidal_m,
        stored.ceiling_ellipsoidal_m,
        stored.start_s,
        stored.end_s,
    )


def stored_intent(intent: OperationalIntent) -> StoredIntent:
    """An intent as the log holds it."""
    return StoredIntent(
        intent.id,
        intent.priority,
        str(intent.state),
        intent.version,
        intent.ovn,
        stored_volumes(intent.volumes),
        stored_volumes(intent.off_nominal_volumes),
    )


def intent_of(stored: StoredIntent) -> OperationalIntent:
    """The intent that was stored."""
    return OperationalIntent(
        stored.id,
        stored.priority,
        IntentState(stored.state),
        tuple(map(volume_of, stored.volumes)),
        stored.version,
        tuple(map(volume_of, stored.off_nominal_volumes)),
        stored.ovn,
    )


def subscription_of(body: Subscribed, index: int) -> Subscription:
    """The subscription that a change began, with the index that it has reached."""
    kinds = frozenset(map(Kind, body.kinds))
    return Subscription(body.id, body.holder, tuple(map(volume_of, body.volumes)), kinds, body.until_s, index)
