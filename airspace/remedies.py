"""The smallest changes that clear a whole route, each tried on the airspace before it is offered.

A change of one kind is looked for first: another departure, another height, a way round. When these leave no choice,
two of them are put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain

from airspace.clearing import Answer, Flown, Holder
from airspace.conflicts import Conflict, utc_text
from airspace.detours import way_round
from airspace.reasons import Reason, Words
from airspace.route_conflicts import duration_words, runs_text
from airspace.routes import Route, Waypoint
from airspace.shifts import Interval, forbidden_times, in_height, in_plan, least_shift
from airspace.volumes import Volume4D

TIME_STEP_S = 1.0
HEIGHT_STEP_M = 1.0
ROUNDING_M = 0.001
PAIRED_STEP_M = 10.0  # heights that are tried together with another change
MOST_RAISES = 100
WORTH_M = 10.0  # two changes must spare this much of the way round that alone clears the route


class RemedyKind(StrEnum):
    """What is changed."""

    LATER = "later"
    EARLIER = "earlier"
    HIGHER = "higher"
    LOWER = "lower"
    AROUND = "around"
    PAIRED = "paired"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a remedy may not exceed.

    Heights above ground [m] hold for the planned line, the lowest between places in the air only.
    Departures stay within the horizon of the question and not before `not_before_s` [s UTC]; ways round stay within
    `detour_m` [m] of the route's places.
    """

    highest_agl_m: float
    lowest_agl_m: float = 10.0
    not_before_s: float = -math.inf
    detour_m: float = 3000.0


@dataclass(frozen=True, slots=True)
class Change:
    """What to do to a route: depart `shift_s` [s] later (earlier when negative), along other waypoints if given."""

    shift_s: float = 0.0
    waypoints: tuple[Waypoint, ...] | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change that was found to clear a route, and the route after it.

    `raise_m` is how much higher it flies [m]; `added_m` and `added_s` how much longer it is, in plan [m] and in time
    [s]; `left_out` the numbers of the waypoints that it no longer passes.
    """

    kind: RemedyKind
    words: Words
    change: Change
    route: Route
    raise_m: float = 0.0
    added_m: float = 0.0
    added_s: float = 0.0
    left_out: tuple[int, ...] = ()


def applied(route: Route, remedy: Remedy) -> Route:
    """A route with a remedy's change made to it."""
    change = remedy.change
    waypoints = route.waypoints if change.waypoints is None else change.waypoints
    return replace(route, departs_s=route.departs_s + change.shift_s, waypoints=waypoints)


def remedies(answer: Answer, limits: Limits) -> tuple[Remedy, ...]:
    """The smallest changes that clear a route that is not free; empty for one that is, or that none of them clears.

    Each is the least of its kind, in whole seconds and whole metres, and its route was asked again before it is
    offered. A way round is short but not proven to be the shortest, since what it meets depends on when it is there.
    Raises `Refused` where the ground under a height above ground is not known.
    """
    if answer.free:
        return ()
    search = _Search(answer, limits)
    route = answer.route
    single = [*search.departures(route), *search.heights(route), *search.around(route)]
    detour_m = min((remedy.added_m for remedy in single if remedy.kind is RemedyKind.AROUND), default=math.inf)
    if len(single) > 1:
        return tuple(single)
    return (*single, *(pair for pair in search.paired() if pair.added_m < detour_m - WORTH_M))


class _Search:
    """The changes that clear one route, looked for one kind at a time."""

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self._asked = answer.flown
        self._question = answer.question
        self._limits = limits

    def departures(self, route: Route, *, raise_m: float = 0.0, left_out: tuple[int, ...] = ()) -> Iterator[Remedy]:
        """The least delay, and the least advance, after which a route is free; in what it was changed is passed on."""
        forbidden = [*chain.from_iterable(self._forbidden_times(route).values())]
        too_soon = (-math.inf, self._limits.not_before_s - route.departs_s)
        later_s = least_shift([*forbidden, too_soon], 1, closed=False, step=TIME_STEP_S)
        earlier_s = least_shift(forbidden, -1, closed=False, step=TIME_STEP_S)
        for kind, least_s, step_s in (
            (RemedyKind.LATER, later_s, TIME_STEP_S),
            (RemedyKind.EARLIER, -earlier_s, -TIME_STEP_S),
        ):
            # a window that ends on the very second may still be touched, as seconds since 1970 round
            for shift_s in (least_s, least_s + step_s) if least_s else ():
                departs_s = route.departs_s + shift_s
                if abs(shift_s) > self._question.horizon_s or departs_s < self._limits.not_before_s:
                    break
                offered = [*self._offered(kind, route.departing(departs_s), raise_m=raise_m, left_out=left_out)]
                if offered:
                    yield from offered
                    break

    def _forbidden_times(self, route: Route) -> dict[Holder, list[Interval]]:
        """The shifts of its departure [s] within the horizon at which a route meets something; open intervals."""
        volumes = self._question.flown(route).volumes
        reach_s = self._question.horizon_s
        asked = [replace(v, start_s=v.start_s - reach_s, end_s=v.end_s + reach_s) for v in volumes]
        if not asked:  # lowered onto its own dock, a climb is no flight any more
            return {}
        start_s, end_s = min(v.start_s for v in asked), max(v.end_s for v in asked)
        met: dict[Holder, set[int]] = {}
        for conflict in self._question.found(asked):
            met.setdefault((conflict.other_kind, conflict.other_id), set()).add(conflict.volume)
        forbidden: dict[Holder, list[Interval]] = {}
        for holder, numbers in met.items():
            own = [volumes[number] for number in sorted(numbers)]
            others = self._question.volumes_of(holder, start_s, end_s)
            if others:
                forbidden[holder] = forbidden_times(own, others, in_plan(own, others) & in_height(own, others))
        return forbidden

    def heights(self, route: Route) -> Iterator[Remedy]:
        """The least raise, and the least lowering, of all that is in the air after which a route is free."""
        for kind, sign in ((RemedyKind.HIGHER, 1.0), (RemedyKind.LOWER, -1.0)):
            moved = self._moved(route, sign)
            if moved is not None:
                yield from self._offered(kind, moved[0], raise_m=moved[1])

    def _moved(self, route: Route, sign: float) -> tuple[Route, float] | None:
        """A route moved up or down until it is free, and by how much [m].

        Whatever it meets at one height must be left behind in the direction of the move, so the greatest of these needs
        is the next height to try, and none in between can be free.
        """
        by_m, moved = 0.0, route
        for _ in range(MOST_RAISES):
            flown = self._question.flown(moved)
            met = self._question.found(flown.volumes)
            needs_m = [_height_to_leave_m(conflict, flown.volumes[conflict.volume], sign) for conflict in met]
            if sign > 0.0:
                needs_m += [shortfall.facts["climb_m"] for shortfall in self._too_close(flown)]
            if not needs_m:
                return (moved, by_m) if self._kept_up(route, moved) and self._within_heights(flown) else None
            need_m = max(needs_m)
            by_m += sign * (math.floor(need_m / HEIGHT_STEP_M) + 1) * HEIGHT_STEP_M
            if abs(by_m) > self._limits.highest_agl_m:
                return None
            moved = self._raised(route, by_m)
        return None

    def _raised(self, route: Route, by_m: float) -> Route:
        """A route flown higher [m], or lower; what is not in the air stays where it is."""
        grounded = self._question.grounded(route)
        waypoints = enumerate(route.waypoints)
        moved = (w if i in grounded else replace(w, height=w.height + by_m) for i, w in waypoints)
        return replace(route, waypoints=tuple(moved))

    def _kept_up(self, before: Route, after: Route) -> bool:
        """Whether all places that were in the air are still high enough over the ground after a move."""
        in_the_air = set(range(len(before.waypoints))) - self._question.grounded(before)
        lowest_m = self._limits.lowest_agl_m - ROUNDING_M
        return all(self._question.agl_m(after.waypoints[i]) >= lowest_m for i in in_the_air)

    def _within_heights(self, flown: Flown) -> bool:
        """Whether the planned line keeps to the limits over the ground under it, and to what clearance is required."""
        airspace, grounded = self._question.airspace, self._question.grounded(flown.route)
        lowest_m, highest_m = self._limits.lowest_agl_m - ROUNDING_M, self._limits.highest_agl_m + ROUNDING_M
        for leg in flown.legs:
            ground = airspace.surface.along(airspace.frame, leg.start_xy, leg.end_xy)
            above = ground.under(leg.start_ellipsoidal_m, leg.end_ellipsoidal_m)
            too_low = above.lowest()[0] < lowest_m and not grounded & leg.ends
            if too_low or above.highest()[0] > highest_m:
                return False
        return not self._too_close(flown)

    def _too_close(self, flown: Flown) -> tuple[Reason, ...]:
        return self._question.refusals(self._question.over_ground(flown))

    def around(self, route: Route, *, raise_m: float = 0.0) -> Iterator[Remedy]:
        """A way round all that a route, `raise_m` [m] higher than asked, meets."""
        found = way_round(route, self._question, self._limits.detour_m)
        if found is not None and found.flown.route != route and self._within_heights(found.flown):
            yield from self._offered(RemedyKind.AROUND, found.flown.route, raise_m=raise_m, left_out=found.left_out)

    def paired(self) -> Iterator[Remedy]:
        """Changes of two kinds together: a height with a departure or a way round, and a departure with a way round."""
        route = self._asked.route
        raised = chain.from_iterable(map(self._with_height, self._heights_to_pair()))
        yield from sorted(raised, key=lambda pair: pair.added_s + _long_s(pair))[:1]
        led = way_round(route, self._question, self._limits.detour_m, self._passing(route))
        if led is not None and self._within_heights(led.flown):
            yield from sorted(self.departures(led.flown.route, left_out=led.left_out), key=_long_s)[:1]

    def _passing(self, route: Route) -> frozenset[Holder]:
        """What a route could meet within the horizon and, leaving at some other time in it, would not."""
        return frozenset(
            holder
            for holder, forbidden in self._forbidden_times(route).items()
            if any(least_shift(forbidden, sign, closed=False) < self._question.horizon_s for sign in (1, -1))
        )

    def _with_height(self, by_m: float) -> Iterator[Remedy]:
        """The changes of departure or way that clear a route which flies higher [m] or lower."""
        moved = self._raised(self._asked.route, by_m)
        if self._kept_up(self._asked.route, moved) and self._within_heights(self._question.flown(moved)):
            yield from self.departures(moved, raise_m=by_m)
            yield from self.around(moved, raise_m=by_m)

    def _heights_to_pair(self) -> list[float]:
        """Changes of height [m] that are tried with another change, the least first."""
        steps = int(self._limits.highest_agl_m // PAIRED_STEP_M)
        return [sign * i * PAIRED_STEP_M for i in range(1, steps + 1) for sign in (1.0, -1.0)]

    def _offered(
        self, kind: RemedyKind, route: Route, *, raise_m: float = 0.0, left_out: tuple[int, ...] = ()
    ) -> Iterator[Remedy]:
        """The remedy that a changed route is, when the whole of it is free."""
        flown = self._question.flown(route)
        asked = self._asked.route
        if route == asked or not flown.legs or self._question.found(flown.volumes) or self._too_close(flown):
            return
        waypoints = None if route.waypoints == asked.waypoints else route.waypoints
        rerouted = [w.position for w in route.waypoints] != [w.position for w in asked.waypoints]
        changes = (route.departs_s != asked.departs_s, raise_m != 0.0, rerouted)
        remedy = Remedy(
            kind=RemedyKind.PAIRED if sum(changes) > 1 else kind,
            words=Words("", ""),
            change=Change(route.departs_s - asked.departs_s, waypoints),
            route=route,
            raise_m=raise_m,
            added_m=flown.length_m - self._asked.length_m,
            added_s=flown.duration_s - self._asked.duration_s,
            left_out=left_out,
        )
        yield replace(remedy, words=_words(remedy, rerouted=rerouted))


def _long_s(remedy: Remedy) -> float:
    return abs(remedy.change.shift_s)


def _height_to_leave_m(conflict: Conflict, own: Volume4D, sign: float) -> float:
    """How far up (`sign` 1) or down (-1) a volume must move [m] to touch no more what it conflicts with."""
    other = conflict.other
    if sign > 0.0:
        return other.ceiling_ellipsoidal_m - own.floor_ellipsoidal_m
    return own.ceiling_ellipsoidal_m - other.floor_ellipsoidal_m


def _words(remedy: Remedy, *, rerouted: bool) -> Words:
    """The remedy as an instruction."""
    parts: list[Words] = []
    shift_s, departs = remedy.change.shift_s, utc_text(remedy.route.departs_s)
    if shift_s:
        span = duration_words(abs(shift_s))
        how = Words("later", "推迟") if shift_s > 0.0 else Words("earlier", "提前")
        parts.append(Words(f"depart {span.en} {how.en}, at {departs}", f"{how.zh} {span.zh}起飞（{departs}）"))
    if remedy.raise_m:
        by_m, up = abs(remedy.raise_m), remedy.raise_m > 0.0
        parts.append(
            Words(
                f"fly {by_m:.0f} m {'higher' if up else 'lower'}", f"飞行高度{'升高' if up else '降低'} {by_m:.0f} 米"
            )
        )
    if rerouted:
        span, longer = duration_words(abs(remedy.added_s)), remedy.added_s >= 0.0
        how = Words("longer", "增加") if longer else Words("shorter", "减少")
        metres = f"{abs(remedy.added_m):.0f}"
        parts.append(
            Words(
                f"fly around, {metres} m and {span.en} {how.en}",
                f"绕行，航程{how.zh} {metres} 米、时间{how.zh} {span.zh}",
            )
        )
    if remedy.left_out:
        numbers = runs_text(remedy.left_out)
        parts.append(Words(f"leave out waypoint {numbers}", f"舍去航点 {numbers}"))
    return Words("; ".join(part.en for part in parts), "；".join(part.zh for part in parts))
