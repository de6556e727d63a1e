"""One conflict in words: with what, where, when, how high, and what would clear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.reasons import Reason, Rule, Words
from airspace.volumes import FOREVER_S, Volume4D

CONFLICT_ZONE = Rule(
    "airspace.zone",
    Words(
        "enters {name} ({id}: {rule}) near {place}, {low_m:.0f} to {high_m:.0f} m above ground, {when}",
        "在 {place} 附近、离地 {low_m:.0f} 至 {high_m:.0f} 米进入{name}（{id}：{rule}），时段：{when}",
    ),
    Words("Plan around it{ways}.", "请绕行{ways}。"),
)
CONFLICT_INTENT = Rule(
    "airspace.intent",
    Words(
        "meets the reserved airspace of {id} near {place}, {low_m:.0f} to {high_m:.0f} m above ground, {when}",
        "在 {place} 附近、离地 {low_m:.0f} 至 {high_m:.0f} 米与 {id} 已预留的空域重叠，时段：{when}",
    ),
    Words("Plan around it{ways}.", "请绕行{ways}。"),
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Volume number `volume` of those asked about shares a place at a time with a zone or an intent.

    `overlap` is the shared outline in the local frame [m]: a polygon, or less when the two only touch. Heights are the
    shared band [m ellipsoidal], times the shared window [s UTC]; `other` is the whole volume that is in the way.
    """

    volume: int
    other_kind: Literal["zone", "intent"]
    other_id: str
    name: Words
    rule: Words
    overlap: BaseGeometry
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float
    place: LatLon
    other: Volume4D
    ground: Ground

    def reason(self, where: str = "") -> Reason:
        """The conflict as a refusal, with its place and time."""
        facts = {
            "id": self.other_id,
            "name": self.name,
            "rule": self.rule,
            "place": str(self.place),
            "low_m": self.ground.agl_m(self.floor_ellipsoidal_m),
            "high_m": self.ground.agl_m(self.ceiling_ellipsoidal_m),
            "when": _window(self.start_s, self.end_s),
            "ways": self._ways(),
        }
        return Reason(
            CONFLICT_ZONE if self.other_kind == "zone" else CONFLICT_INTENT,
            where,
            facts,
            start_s=self.start_s,
            end_s=self.end_s,
            lat_deg=self.place.lat_deg,
            lon_deg=self.place.lon_deg,
        )

    def _ways(self) -> Words:
        low_m = self.ground.agl_m(self.other.floor_ellipsoidal_m)
        high_m = self.ground.agl_m(self.other.ceiling_ellipsoidal_m)
        ways: list[tuple[str, str]] = []
        if low_m > 0.0:
            ways.append((f"stay below {low_m:.0f} m above ground", f"保持低于离地 {low_m:.0f} 米"))
        if high_m < HIGHEST_WAY_OVER_M:
            ways.append((f"stay above {high_m:.0f} m above ground", f"保持高于离地 {high_m:.0f} 米"))
        if self.other.start_s > 0.0:
            ways.append((f"be gone by {utc_text(self.other.start_s)}", f"在 {utc_text(self.other.start_s)} 前离开"))
        if self.other.end_s < FOREVER_S:
            ways.append((f"come after {utc_text(self.other.end_s)}", f"在 {utc_text(self.other.end_s)} 后进入"))
        if not ways:
            return Words("", "")
        en = "".join(f", or {way}" for way, _ in ways)
        zh = "".join(f"，或{way}" for _, way in ways)
        return Words(f"{en}, margins included", f"{zh}（均含余量）")


# Interim Regulations art. 19: 120 m true height and above is controlled airspace, so a way over something is only
# worth naming below that.
HIGHEST_WAY_OVER_M = 115.0


def conflict_between(
    volume_number: int,
    volume: Volume4D,
    other: Volume4D,
    *,
    kind: Literal["zone", "intent"],
    other_id: str,
    name: Words,
    rule: Words,
    frame: LocalFrame,
    ground: Ground,
) -> Conflict:
    """The conflict of two volumes that overlap."""
    overlap = volume.outline.intersection(other.outline)
    if overlap.is_empty:  # touching is decided exactly, but a touch can be lost where the overlay rounds
        overlap = shapely.shortest_line(volume.outline, other.outline)
    middle = overlap.representative_point()
    return Conflict(
        volume=volume_number,
        other_kind=kind,
        other_id=other_id,
        name=name,
        rule=rule,
        overlap=overlap,
        floor_ellipsoidal_m=max(volume.floor_ellipsoidal_m, other.floor_ellipsoidal_m),
        ceiling_ellipsoidal_m=min(volume.ceiling_ellipsoidal_m, other.ceiling_ellipsoidal_m),
        start_s=max(volume.start_s, other.start_s),
        end_s=min(volume.end_s, other.end_s),
        place=frame.latlon(middle.x, middle.y),
        other=other,
        ground=ground,
    )


def utc_text(at_s: float) -> str:
    """A UTC second as people write it, to the second."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _window(start_s: float, end_s: float) -> Words:
    if start_s <= 0.0 and end_s >= FOREVER_S:
        return Words("at all times", "全天候")
    return Words(f"{utc_text(start_s)} to {utc_text(end_s)}", f"{utc_text(start_s)} 至 {utc_text(end_s)}")
