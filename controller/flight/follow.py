"""Following a drone in the air to its landing, and closing the flight; also one that was found after a restart."""

from __future__ import annotations

from dataclasses import dataclass

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from airspace.reasons import Reason, Rule, Words
from controller.alarms import Alarm
from controller.district import District
from controller.events import FlightEnded, Phase, PhaseChanged
from controller.flight.docking import Docking
from controller.flight.keeping import Keeping
from controller.flight.orders import order_drone
from controller.flight.reservation import releases
from controller.flight.serving import DockService
from controller.flight.watch import SafetyWatch, note_items, note_photos, note_texts
from controller.links.drone import DeadlinePassed, DroneLink
from controller.links.telemetry import DroneState, Landed
from controller.state import FlightState
from controller.tasks import attended
from missions.plan import Place, Plan, Purpose

ON_DOCK_M = 1.5  # a pad is three metres wide
IN_DOCK_M = 3.0  # so far a drone in a dock may believe to stand from the dock's charted place
AT_PLACE_M = 10.0

NOT_HEARD_AGAIN = Rule(
    "flight.lost",
    Words("the drone was not seen to land: {detail}", "未观察到无人机降落：{detail}"),
    Words("Search at its planned landing places, nearest first.", "请按由近及远的顺序在计划降落点搜寻。"),
)
ELSEWHERE = Rule(
    "flight.elsewhere",
    Words("the drone landed at {place}, which is no planned landing place", "无人机降落在 {place}，并非计划降落点"),
    Words("Fetch it there; the alarms of the flight say why.", "请到该处取回；原因见本次飞行的告警。"),
)
UNFINISHED = Rule(
    "flight.unfinished",
    Words("the drone landed at {place} before the mission was flown", "任务未完成，无人机已降落在 {place}"),
    Words("Read the alarms of the flight, then fly what is left.", "请查看本次飞行的告警，再补飞剩余部分。"),
)
NOT_SEEN = Rule(
    "flight.not-seen",
    Words(
        "the drone stands at {place}; nobody saw whether the whole mission was flown",
        "无人机位于 {place}；任务是否全部完成无人观察到",
    ),
    Words("Look at its photos, then fly what is left.", "请检查其照片，再补飞剩余部分。"),
)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a drone came down: a dock's city code or a landing option's name, empty for an unplanned place."""

    name: str
    place: LatLon


async def follow(district: District, link: DroneLink, flight: FlightState) -> None:
    """Watch the drone until it is on the ground and disarmed, handle its dock, and close the flight."""
    keeping = Keeping(district, flight)
    watch = SafetyWatch(district, link, flight, keeping)
    try:
        state = await attended(
            _until_landed(link, flight),
            note_items(district, link, flight),
            note_photos(district, link, flight),
            note_texts(district, link, flight),
            watch.run(),
            Docking(district, link, flight).run(),
        )
    except DeadlinePassed as error:
        await _record_kept(district, keeping)
        await settle_docks(district, flight, "")
        await end(district, flight, "", [Reason(NOT_HEARD_AGAIN, link.drone, {"detail": error})])
        return
    await _record_kept(district, keeping)
    # the fence of this flight must not hold a later one, by hand or by another plan
    fence_off = link.command(mavlink.MAV_CMD_DO_FENCE_ENABLE, 0)
    await order_drone(district, flight.id, link.drone, "fence off", fence_off)
    await close(district, flight, state)


async def _record_kept(district: District, keeping: Keeping) -> None:
    kept = keeping.kept()
    if kept is not None:
        await district.record(kept)


async def _until_landed(link: DroneLink, flight: FlightState) -> DroneState:
    return await link.wait_for(
        "landing and disarming",
        lambda s: s.armed is False and s.landed_state is Landed.ON_GROUND,
        3 * flight.plan.duration_s + 1200,
    )


async def close(district: District, flight: FlightState, state: DroneState, *, seen: bool = True) -> None:
    """Close the flight of a drone that stands on the ground, disarmed: its docks, its airspace, its last word.

    `seen` is False when it landed while nobody looked: then what was flown is only known as far as it was recorded.
    """
    landing = where_landed(flight.plan, state)
    reasons = []
    place = landing.name or str(landing.place)
    if not landing.name:
        reasons.append(Reason(ELSEWHERE, flight.drone, {"place": place}))
    elif flight.farthest_item < last_working_item(flight.plan):
        reasons.append(Reason(UNFINISHED if seen else NOT_SEEN, flight.drone, {"place": place}))
    if flight.phase in (Phase.FLYING, Phase.HOLDING):
        await district.record(PhaseChanged(flight=flight.id, phase=Phase.LANDING, detail=place))
    if flight.plan.photos_planned and not flight.photos:
        await district.alarm(Alarm.NO_PHOTOS, flight.drone, flight.id, planned=flight.plan.photos_planned)
    await settle_docks(district, flight, landing.name)
    await end(district, flight, landing.name, reasons)


async def settle_docks(district: District, flight: FlightState, landed_on: str) -> None:
    """Close every dock of the flight and put its lamps out; a dock that holds the drone shuts it in and charges it."""
    if district.poles is None:
        return
    for pole in sorted({*flight.docks, start_dock(district, flight.plan)} - {""}):
        service = DockService(district, district.poles, flight.id, pole)
        await service.run(landed_here=pole == landed_on)


def dock_at(district: District, place: LatLon) -> str:
    """The city code of the dock in which a drone at this place stands, empty when it stands elsewhere."""
    near = [(dock.position.distance_m(place), dock.code) for dock in district.site.site.docks]
    distance_m, code = min(near, default=(IN_DOCK_M + 1, ""))
    return code if distance_m <= IN_DOCK_M else ""


def start_dock(district: District, plan: Plan) -> str:
    """The city code of the dock that the drone takes off from, empty when it stands elsewhere."""
    return dock_at(district, _latlon(plan.home))


def docks_of_others(district: District, drone: str) -> frozenset[str]:
    """The city codes of the docks in which the site's other drones stand: where each landed last, else its home."""
    flown = (flight for flight in district.state.flights.values() if flight.farthest_item or not flight.ended)
    landed_on = {flight.drone: flight.landed_on for flight in flown}  # the last of each drone
    found = set()
    for other in (each for each in district.site.file.drones if each.id != drone):
        if other.id in landed_on:
            found.add(landed_on[other.id])
        elif other.home is not None:
            found.add(dock_at(district, LatLon(other.home.lat_deg, other.home.lon_deg)))
    return frozenset(found - {""})


def stands_at_home(plan: Plan, state: DroneState) -> bool:
    """Whether the drone is where the flight was to begin."""
    return _latlon(plan.home).distance_m(LatLon(state.lat_deg or 0.0, state.lon_deg or 0.0)) <= AT_PLACE_M


def where_landed(plan: Plan, state: DroneState) -> Landing:
    """The landing option on which the drone stands, or just the place."""
    place = LatLon(state.lat_deg or 0.0, state.lon_deg or 0.0)
    candidates = [
        (place.distance_m(_latlon(option.place)), option.dock or option.name, ON_DOCK_M if option.dock else AT_PLACE_M)
        for option in plan.landings
    ]
    near = sorted((distance_m, name) for distance_m, name, limit_m in candidates if distance_m <= limit_m)
    return Landing(near[0][1] if near else "", place)


def _latlon(place: Place) -> LatLon:
    return LatLon(place.lat_deg, place.lon_deg)


def last_working_item(plan: Plan) -> int:
    """The last item that must have been flown for the mission to count as flown."""
    if plan.hold_seq:
        return plan.hold_seq
    return max((leg.seq for leg in plan.legs if leg.purpose is not Purpose.LANDING), default=0)


async def end(district: District, flight: FlightState, landed_on: str, reasons: list[Reason]) -> None:
    """Give back everything that the flight holds and write its last word, in one step."""
    ended = FlightEnded(
        flight=flight.id,
        completed=not reasons and bool(landed_on),
        landed_on=landed_on,
        reasons=tuple(reason.as_dict() for reason in reasons),
    )
    await district.record(*releases(flight), ended)
