"""One conflict in words: with what, where, when, how high, and what would clear it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry

from airspace.charted import Restriction
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.surface import Surface
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.volumes import FOREVER_S, Volume4D

CONFLICT_ZONE = Rule(
    "airspace.zone",
    Words(
        "enters {name} ({id}: {rule}) near {place}, {low_m:.0f} to {high_m:.0f} m {over}, {when}",
        "在 {place} 附近、{over} {low_m:.0f} 至 {high_m:.0f} 米进入{name}（{id}：{rule}），时段：{when}",
    ),
    Words("Plan around it{ways}.", "请绕行{ways}。"),
)
CONFLICT_PERMISSION = Rule(
    "airspace.authorisation",
    Words(
        "enters {name} ({id}: {rule}) without its authorisation near {place}, {low_m:.0f} to {high_m:.0f} m {over}, "
        "{when}",
        "未经许可在 {place} 附近、{over} {low_m:.0f} 至 {high_m:.0f} 米进入{name}（{id}：{rule}），时段：{when}",
    ),
    Words(
        "Get the authorisation of {authority} and name {id} as permitted, or plan around it{ways}.",
        "请取得{authority}的许可并将 {id} 列为已许可，或绕行{ways}。",
    ),
)
CONFLICT_CONDITION = Rule(
    "airspace.condition",
    Words(
        "enters {name} ({id}: {rule}) without its conditions being met near {place}, {low_m:.0f} to {high_m:.0f} m "
        "{over}, {when}",
        "未满足条件即在 {place} 附近、{over} {low_m:.0f} 至 {high_m:.0f} 米进入{name}（{id}：{rule}），时段：{when}",
    ),
    Words(
        "Meet the conditions that {authority} sets and name {id} as permitted, or plan around it{ways}.",
        "请满足{authority}规定的条件并将 {id} 列为已许可，或绕行{ways}。",
    ),
)
CONFLICT_INTENT = Rule(
    "airspace.intent",
    Words(
        "meets the reserved airspace of {id} (priority {priority}) near {place}, {low_m:.0f} to {high_m:.0f} m {over}, "
        "{when}",
        "在 {place} 附近、{over} {low_m:.0f} 至 {high_m:.0f} 米与 {id}（优先级 {priority}）已预留的空域重叠，"
        "时段：{when}",
    ),
    Words("Plan around it{ways}.", "请绕行{ways}。"),
)

OF_ZONE = {
    Restriction.PROHIBITED: CONFLICT_ZONE,
    Restriction.AUTHORISATION: CONFLICT_PERMISSION,
    Restriction.CONDITIONAL: CONFLICT_CONDITION,
}
WHOEVER = Words("whoever answers for it", "主管单位")


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who is in the way: a zone or an intent, in the words that a reason needs.

    `restriction` is what a zone asks, `priority` that of an intent; `permit` is the id that a permission names, and
    `authority` who gives it. `volume` is the whole of what is in the way while both are there: of a scheduled zone, in
    the one window of its hours that is shared first.
    """

    kind: Literal["zone", "intent"]
    id: str
    name: Words
    rule: Words
    volume: Volume4D
    restriction: Restriction | None = None
    priority: int | None = None
    permit: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Volume number `volume` of those asked about shares a place at a time with a zone or an intent.

    `overlap` is the shared outline in the local frame [m]: a polygon, or less when the two only touch. Heights are the
    shared band [m ellipsoidal], times the first shared window [s UTC]. `ground` is the ground at `place`, None where
    nothing is known of it. Up to `highest_agl_m` [m] flights go there; None while nobody said how high.
    """

    volume: int
    occupant: Occupant
    overlap: BaseGeometry
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float
    start_s: float
    end_s: float
    place: LatLon
    ground: Ground | None
    highest_agl_m: float | None = None

    @property
    def other_kind(self) -> Literal["zone", "intent"]:
        """Whether a zone or an intent is in the way."""
        return self.occupant.kind

    @property
    def other_id(self) -> str:
        """The id of the zone or intent that is in the way."""
        return self.occupant.id

    @property
    def name(self) -> Words:
        """What is in the way, in words."""
        return self.occupant.name

    @property
    def rule(self) -> Words:
        """Why it may not be entered, in words."""
        return self.occupant.rule

    @property
    def other(self) -> Volume4D:
        """The whole volume that is in the way."""
        return self.occupant.volume

    def reason(self, where: str = "") -> Reason:
        """The conflict as a refusal, with its place and time."""
        occupant = self.occupant
        facts = {
            "id": occupant.permit or occupant.id,
            "name": occupant.name,
            "rule": occupant.rule,
            "priority": occupant.priority,
            "authority": Words(occupant.authority, occupant.authority) if occupant.authority else WHOEVER,
            "place": str(self.place),
            "low_m": self._shown_m(self.floor_ellipsoidal_m),
            "high_m": self._shown_m(self.ceiling_ellipsoidal_m),
            "over": self._over,
            "when": _window(self.start_s, self.end_s),
            "ways": self._ways(),
        }
        return Reason(
            CONFLICT_INTENT if occupant.restriction is None else OF_ZONE[occupant.restriction],
            where,
            facts,
            start_s=self.start_s,
            end_s=self.end_s,
            lat_deg=self.place.lat_deg,
            lon_deg=self.place.lon_deg,
        )

    @property
    def _over(self) -> Words:
        """What shown heights count from."""
        return Words("above ground", "离地") if self.ground else Words("over the ellipsoid", "椭球高")

    def _shown_m(self, ellipsoidal_m: float) -> float:
        return self.ground.agl_m(ellipsoidal_m) if self.ground else ellipsoidal_m

    def _ways(self) -> Words:
        low_m, high_m = self._shown_m(self.other.floor_ellipsoidal_m), self._shown_m(self.other.ceiling_ellipsoidal_m)
        over = self._over
        ways: list[tuple[str, str]] = []
        if low_m > 0.0:
            ways.append((f"stay below {low_m:.0f} m {over.en}", f"保持低于{over.zh} {low_m:.0f} 米"))
        if self.ground and self.highest_agl_m is not None and high_m < self.highest_agl_m - ROOM_OVER_M:
            ways.append((f"stay above {high_m:.0f} m {over.en}", f"保持高于{over.zh} {high_m:.0f} 米"))
        if self.other.start_s > 0.0:
            ways.append((f"be gone by {utc_text(self.other.start_s)}", f"在 {utc_text(self.other.start_s)} 前离开"))
        if self.other.end_s < FOREVER_S:
            ways.append((f"come after {utc_text(self.other.end_s)}", f"在 {utc_text(self.other.end_s)} 后进入"))
        if not ways:
            return Words("", "")
        en = "".join(f", or {way}" for way, _ in ways)
        zh = "".join(f"，或{way}" for _, way in ways)
        return Words(f"{en}, margins included", f"{zh}（均含余量）")


ROOM_OVER_M = 5.0  # with less than that under the highest height there is no way over anything


def conflict_between(
    volume_number: int,
    volume: Volume4D,
    occupant: Occupant,
    *,
    frame: LocalFrame,
    surface: Surface,
    highest_agl_m: float | None = None,
) -> Conflict:
    """The conflict of a volume with an occupant whose volume it overlaps."""
    other = occupant.volume
    overlap = volume.outline.intersection(other.outline)
    if overlap.is_empty:  # touching is decided exactly, but a touch can be lost where the overlay rounds
        overlap = shapely.shortest_line(volume.outline, other.outline)
    middle = overlap.representative_point()
    place = frame.latlon(middle.x, middle.y)
    return Conflict(
        volume=volume_number,
        occupant=occupant,
        overlap=overlap,
        floor_ellipsoidal_m=max(volume.floor_ellipsoidal_m, other.floor_ellipsoidal_m),
        ceiling_ellipsoidal_m=min(volume.ceiling_ellipsoidal_m, other.ceiling_ellipsoidal_m),
        start_s=max(volume.start_s, other.start_s),
        end_s=min(volume.end_s, other.end_s),
        place=place,
        ground=_known_ground(surface, place),
        highest_agl_m=highest_agl_m,
    )


def _known_ground(surface: Surface, place: LatLon) -> Ground | None:
    try:
        return surface.at(place)
    except Refused:  # a conflict over unknown ground is a conflict all the same
        return None


def utc_text(at_s: float) -> str:
    """A UTC second as people write it, to the second."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _window(start_s: float, end_s: float) -> Words:
    if start_s <= 0.0 and end_s >= FOREVER_S:
        return Words("at all times", "全天候")
    return Words(f"{utc_text(start_s)} to {utc_text(end_s)}", f"{utc_text(start_s)} 至 {utc_text(end_s)}")
