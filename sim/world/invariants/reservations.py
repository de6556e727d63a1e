"""What flights hold: airspace apart from each other and out of blocks, docks one at a time, by plain geometry."""

from __future__ import annotations

from collections.abc import Iterator

from shapely.geometry import Polygon

from airspace.reasons import Words
from controller.events import DockReserved, IntentAccepted, Record
from missions.plan import PlanVolume
from missions.volumes import leg_line
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

LEAST_LATERAL_M = 2.0 + 0.5 + 5.0 - 0.1  # less what drawing an outline may take
LEAST_VERTICAL_M = 2.0 + 0.25 + 3.0 - 0.1
LEAST_TIME_S = 15.0 - 0.5

Laid = list[tuple[Polygon, PlanVolume]]


class ReservationsApart(Invariant):
    """No two open flights hold one place at one height and time, and none holds a block while it is active."""

    code = "reservations-apart"
    words = Words("reserved airspace meets neither another flight's nor a block", "预留空域不得与其他飞行或禁飞区重叠")

    def __init__(self) -> None:
        self._laid: dict[str, Laid] = {}

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each new reservation against all that is held."""
        self._laid = {id_: laid for id_, laid in self._laid.items() if scene.state.flights[id_].volumes}
        event = record.event
        if not isinstance(event, IntentAccepted):
            return
        frame = scene.site.frame
        mine = [(Polygon(frame.xy_array(volume.ring_lon_lat_deg)), volume) for volume in event.volumes]
        for block in scene.blocks:
            for outline, volume in mine:
                known = block.published_s < record.utc_s
                together = known and block.from_s < volume.end_s and volume.start_s < block.until_s
                if together and _heights(volume, block) and outline.intersects(block.outline):
                    yield Broken(event.flight, f"leg {volume.leg} holds {block.id} while it is active")
        for other, laid in self._laid.items():
            if other != event.flight and (clash := _clash(mine, laid)) is not None:
                yield Broken(event.flight, f"leg {clash[0].leg} meets leg {clash[1].leg} of {other}")
        self._laid[event.flight] = mine


def _heights(one: PlanVolume, other: PlanVolume | object) -> bool:
    floor_m, ceiling_m = (float(getattr(other, f"{side}_ellipsoidal_m")) for side in ("floor", "ceiling"))
    return one.floor_ellipsoidal_m <= ceiling_m and floor_m <= one.ceiling_ellipsoidal_m


def _clash(mine: Laid, theirs: Laid) -> tuple[PlanVolume, PlanVolume] | None:
    for outline, volume in mine:
        for other_outline, other in theirs:
            together = volume.start_s < other.end_s and other.start_s < volume.end_s
            if together and _heights(volume, other) and outline.intersects(other_outline):
                return volume, other
    return None


class RoomAround(Invariant):
    """The airspace of each leg holds it with the least room that any flight must have, in calm air and at best fix.

    That is what docs/margins.md gives for the way itself: its path error, half the airframe and the buffers.
    """

    code = "room-around"
    words = Words("every leg has its least room on all sides, and in time", "每个航段四周及时间上均须留有最小余量")

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each leg of a new reservation."""
        event = record.event
        if not isinstance(event, IntentAccepted):
            return
        flight = scene.state.flights[event.flight]
        plan, frame = flight.plan, scene.site.frame
        home_m = plan.home_amsl_m + plan.geoid_m
        for volume in event.volumes:
            leg = plan.legs[volume.leg]
            line = leg_line(leg, frame)
            low_m, high_m = sorted((leg.start.relative_m, leg.end.relative_m))
            starts_s = flight.takeoff_s + leg.start_s
            enough = (
                Polygon(frame.xy_array(volume.ring_lon_lat_deg)).contains(line.buffer(LEAST_LATERAL_M))
                and volume.floor_ellipsoidal_m <= home_m + low_m - LEAST_VERTICAL_M
                and volume.ceiling_ellipsoidal_m >= home_m + high_m + LEAST_VERTICAL_M
                and volume.start_s <= starts_s - LEAST_TIME_S
                and volume.end_s >= flight.takeoff_s + leg.end_s + LEAST_TIME_S
            )
            if not enough:
                yield Broken(event.flight, f"leg {volume.leg} has less room than it must", flight.drone)
                return


class DocksHeldOnce(Invariant):
    """A dock has a slot for one open flight at a time."""

    code = "docks-held-once"
    words = Words("a dock is reserved for one flight at a time", "同一机库同一时间只为一次飞行预留")

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each new slot."""
        event = record.event
        if isinstance(event, DockReserved):
            others = [f.id for f in scene.open_flights if event.pole in f.docks and f.id != event.flight]
            if others:
                yield Broken(event.pole, f"given to {event.flight} while {others[0]} holds it")
