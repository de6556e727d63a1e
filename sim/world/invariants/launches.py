"""What must be true when a drone starts its motors, and what may be said to it while it flies."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar

import shapely
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.reasons import Words
from controller.events import GateJudged, Phase, PhaseChanged, Record, UploadVerified
from controller.flight.gates import GATES
from controller.links.read_back import compare
from controller.state import FlightState
from missions.items import Command, MissionItem
from missions.volumes import leg_line
from sim.drone.items import FENCE, MISSION, RALLY, StoredItem
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

WIND_SEEN_S = 200.0  # a wind that has blown for so long stands in every pole's mean of two minutes
WIND_ROOM_MPS = 1.0
BATTERY_ROOM = 0.03
STARTING = (mavlink.MAV_CMD_COMPONENT_ARM_DISARM, mavlink.MAV_CMD_MISSION_START, mavlink.MAV_CMD_NAV_TAKEOFF)
UPLOADING = (mavlink.MAVLINK_MSG_ID_MISSION_COUNT, mavlink.MAVLINK_MSG_ID_MISSION_CLEAR_ALL)
DRAWN_M = 0.05  # what drawing a fence in degrees may take
HEADER = 10  # bytes of a MAVLink 2 frame before its payload


class FitAtTakeOff(Invariant):
    """A drone leaves the ground only for a flight that is arming, with a battery, a wind and a cover that allow it."""

    code = "fit-at-take-off"
    words = Words(
        "a drone takes off only when drone, wind and dock are really fit",
        "仅当无人机、风况和机库确实满足条件时方可起飞",
    )

    def took_off(self, scene: Scene, drone: str) -> Iterator[Broken]:
        """The truth at take-off against the limits of the site."""
        flight, site = scene.flight_of(drone), scene.site.file
        if flight is None or flight.phase not in (Phase.ARMING, Phase.FLYING):
            yield Broken(drone, f"took off while {'no flight has it' if flight is None else flight.phase}", drone)
            return
        calm_mps, limit_mps = scene.calmest_mps(WIND_SEEN_S), site.limits.max_wind_mps
        if calm_mps > limit_mps + WIND_ROOM_MPS:
            yield Broken(flight.id, f"took off in a mean wind of {calm_mps:.1f} m/s, limit {limit_mps:g}", drone)
        sight = scene.sight(drone, scene.world.city.drones[drone])
        kind = scene.site.drone_type(scene.world.configured(drone))
        left = sight.battery - flight.plan.energy_wh / kind.battery_wh
        if (
            left < site.limits.reserve_fraction - BATTERY_ROOM
            or sight.battery < site.gates.min_battery_pct / 100 - 0.02
        ):
            yield Broken(flight.id, f"took off with {sight.battery:.0%}, {left:.0%} would be left", drone)
        for pole in scene.world.city.poles.values():
            under = pole.site.has_dock and Point(pole.site.xy_m).distance(Point(sight.x_m, sight.y_m)) <= 1.5
            if under and pole.hardware.opened < 0.99:
                yield Broken(pole.code, f"{drone} took off with the cover {pole.hardware.opened:.0%} open", drone)


class GatesPassed(Invariant):
    """No flight arms before every launch gate was recorded as passed after the upload was verified."""

    code = "gates-passed"
    words = Words("no flight without a passed set of gates", "未通过全部放飞条件不得飞行")

    def __init__(self) -> None:
        self._passed: dict[str, set[str]] = {}

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """What the gates said, until the flight arms."""
        match record.event:
            case UploadVerified(flight=flight, differences=differences):
                self._passed[flight] = set()
                if differences:
                    self._passed.pop(flight)
            case GateJudged(flight=flight, gate=gate, passed=passed) if flight in self._passed:
                self._passed[flight] = self._passed[flight] | {gate} if passed else self._passed[flight] - {gate}
            case PhaseChanged(flight=flight, phase=Phase.ARMING):
                missing = [gate.code for gate in GATES if gate.code not in self._passed.get(flight, set())]
                if missing:
                    yield Broken(flight, f"arms without {', '.join(missing)}", scene.state.flights[flight].drone)
            case _:
                pass


class HoldsItsPlan(Invariant):
    """An armed drone holds exactly its flight's mission, fence and rally points, and the fence holds the way."""

    code = "holds-its-plan"
    words = Words(
        "an armed drone holds the plan's mission, fence and rally points",
        "已解锁的无人机须持有计划的航线、围栏和备降点",
    )

    def __init__(self) -> None:
        self._looked: set[str] = set()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Each flight once, at the first look at its armed drone."""
        for sight in scene.sights:
            flight = scene.flight_of(sight.drone)
            if flight is None or not sight.armed or flight.id in self._looked:
                continue
            if flight.phase in (Phase.PLANNED, Phase.GATES, Phase.UPLOADING):
                continue
            self._looked.add(flight.id)
            for detail in _differences(scene, flight):
                yield Broken(flight.id, detail, sight.drone)


def _differences(scene: Scene, flight: FlightState) -> Iterator[str]:
    lists, plan = scene.world.city.drones[flight.drone].autopilot.lists, flight.plan
    held = {MISSION: list(lists.mission)[1:], FENCE: list(lists.fence.items), RALLY: list(lists.rally)}
    for name, kind, sent in (
        ("mission", MISSION, plan.items),
        ("fence", FENCE, plan.fence),
        ("rally", RALLY, plan.rally),
    ):
        lines = compare(sent, [_item(item) for item in held[kind]], first_seq=1 if kind == MISSION else 0)
        if lines:
            yield f"{name}: {lines[0]}"
    allowed, frame = _allowed(scene, held[FENCE]), scene.site.frame
    if allowed is not None:
        outside = [leg.seq for leg in plan.legs if not allowed.covers(leg_line(leg, frame))]
        if outside:
            yield f"the fence does not hold the way to item {outside[0]}"


def _item(item: StoredItem) -> MissionItem:
    return MissionItem(
        command=item.command,
        frame=item.frame,
        param1=item.param1,
        param2=item.param2,
        param3=item.param3,
        param4=item.param4,
        lat_deg=item.x / 1e7,
        lon_deg=item.y / 1e7,
        alt_m=item.z,
        autocontinue=bool(item.autocontinue),
    )


def _allowed(scene: Scene, items: list[StoredItem]) -> BaseGeometry | None:
    """Where a fence of polygons lets a drone be, in the site's frame; None without an inclusion."""
    rings: dict[int, list[Polygon]] = {Command.FENCE_POLYGON_INCLUSION: [], Command.FENCE_POLYGON_EXCLUSION: []}
    left = list(items)
    while left:
        count = int(left[0].param1)
        corners = [(item.y / 1e7, item.x / 1e7) for item in left[:count]]
        rings[left[0].command].append(Polygon(scene.site.frame.xy_array(corners)))
        left = left[count:]
    if not rings[Command.FENCE_POLYGON_INCLUSION]:
        return None
    inside = shapely.union_all(rings[Command.FENCE_POLYGON_INCLUSION])
    allowed: BaseGeometry = shapely.difference(inside, shapely.union_all(rings[Command.FENCE_POLYGON_EXCLUSION]))
    drawn: BaseGeometry = allowed.buffer(DRAWN_M)
    return drawn


class OneHandOnADrone(Invariant):
    """A drone is spoken to over one link at a time, and in the air nobody arms or starts it again or uploads to it."""

    code = "one-hand-on-a-drone"
    words = Words(
        "nothing is sent to a drone that another flight holds, nor a second start",
        "不得向他人占用的无人机发送指令或重复启动",
    )
    _heads: ClassVar[frozenset[int]] = frozenset({mavlink.MAVLINK_MSG_ID_COMMAND_LONG, *UPLOADING})

    def connected(self, scene: Scene, drone: str, links: int) -> Iterator[Broken]:
        """A second link to a drone."""
        if links > 1:
            yield Broken(drone, f"{links} links are open to it", drone)

    def sent(self, scene: Scene, drone: str, frame: bytes) -> Iterator[Broken]:
        """A frame to a drone in the air."""
        number = int.from_bytes(frame[7:10], "little")
        if number not in self._heads or not scene.world.city.drones[drone].autopilot.flying:
            return
        flight = scene.flight_of(drone)
        if flight is not None and flight.phase is Phase.ARMING:
            return  # it has just left the ground, and its answer is still under way
        if number in UPLOADING:
            yield Broken(drone, f"message {number} to a drone in the air", drone)
            return
        payload = frame[HEADER : HEADER + frame[1]].ljust(33, b"\0")
        command, first = struct.unpack_from("<H", payload, 28)[0], struct.unpack_from("<f", payload)[0]
        disarms = command == mavlink.MAV_CMD_COMPONENT_ARM_DISARM and first == 0.0
        if command in STARTING and not disarms:
            yield Broken(drone, f"command {command} to a drone in the air", drone)
