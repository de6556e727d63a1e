"""Operational intents of other USSs, as ASTM F3548-21 tells of them, and ours as we tell of them.

Their volumes are charted: shapes in CGCS2000 degrees between ellipsoidal heights, each with its window. `laid` makes an
`OperationalIntent` of a local frame of one, which the airspace compares with its own; `charted` goes the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airspace.charted import Layer
from airspace.frames import Datum, Height, LocalFrame
from airspace.intents import IntentState, OperationalIntent
from airspace.laying import charted_outline, laid_heights, laid_shape
from airspace.volumes import Volume4D


@dataclass(frozen=True, slots=True)
class ChartedVolume:
    """A layer in a window [s UTC], half-open."""

    layer: Layer
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class ForeignIntent:
    """An operational intent with what its reference says of it.

    `manager` is whom the DSS knows as its USS, `uss_base_url` where its details are, `uss_availability` Unknown, Normal
    or Down, `start_s` and `end_s` [s UTC] the times of the reference. `ovn` is empty where the teller did not know it.
    """

    id: str
    manager: str
    uss_base_url: str
    version: int
    ovn: str
    state: IntentState
    priority: int
    volumes: tuple[ChartedVolume, ...]
    off_nominal_volumes: tuple[ChartedVolume, ...]
    start_s: float
    end_s: float
    subscription_id: str
    uss_availability: str = "Unknown"


def laid(intent: ForeignIntent, frame: LocalFrame) -> OperationalIntent:
    """The intent in a local frame. Raises `Refused` for one that reaches too far from the frame's origin."""
    return OperationalIntent(
        id=intent.id,
        priority=intent.priority,
        state=intent.state,
        volumes=_laid_volumes(intent.volumes, frame, intent.id),
        version=intent.version,
        off_nominal_volumes=_laid_volumes(intent.off_nominal_volumes, frame, intent.id),
        ovn=intent.ovn,
    )


def _laid_volumes(volumes: Sequence[ChartedVolume], frame: LocalFrame, where: str) -> tuple[Volume4D, ...]:
    return tuple(
        Volume4D(
            laid_shape(frame, volume.layer.shape, where),
            *laid_heights(volume.layer, None, where),
            volume.start_s,
            volume.end_s,
        )
        for volume in volumes
    )


def charted(
    intent: OperationalIntent, frame: LocalFrame, *, manager: str, uss_base_url: str, subscription_id: str
) -> ForeignIntent:
    """An intent of ours as others are told of it. Raises ValueError for one without a volume."""
    held = (*intent.volumes, *intent.off_nominal_volumes)
    if not held:
        raise ValueError(f"intent {intent.id} has no volume")
    return ForeignIntent(
        id=intent.id,
        manager=manager,
        uss_base_url=uss_base_url,
        version=intent.version,
        ovn=intent.ovn,
        state=intent.state,
        priority=intent.priority,
        volumes=tuple(_charted_volume(volume, frame) for volume in intent.volumes),
        off_nominal_volumes=tuple(_charted_volume(volume, frame) for volume in intent.off_nominal_volumes),
        start_s=min(volume.start_s for volume in held),
        end_s=max(volume.end_s for volume in held),
        subscription_id=subscription_id,
        uss_availability="Normal",
    )


def _charted_volume(volume: Volume4D, frame: LocalFrame) -> ChartedVolume:
    layer = Layer(
        charted_outline(frame, volume.outline),
        Height(volume.floor_ellipsoidal_m, Datum.ELLIPSOIDAL),
        Height(volume.ceiling_ellipsoidal_m, Datum.ELLIPSOIDAL),
    )
    return ChartedVolume(layer, volume.start_s, volume.end_s)
