"""The link against the simulated ArduCopter, in virtual time and over real sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, Tempo, run, scaled_tempo, virtual_tempo
from controller.links.drone import DroneLink
from controller.links.mission_transfer import PlanKind, download, upload
from controller.links.read_back import compare
from controller.links.telemetry import Landed, MissionState
from controller.links.transport import Transport, open_transport
from controller.streams import STREAMS, Stream
from missions.items import Command, Frame, MissionItem
from sim.drone import SimDrone
from sim.links import serve_tcp
from sim.wind import Wind
from tests.controller.links.air import Faults, air

LAT, LON = 34.7466, 113.6253

MISSION = [
    MissionItem(Command.NAV_TAKEOFF, alt_m=20.0),
    MissionItem(Command.NAV_WAYPOINT, lat_deg=LAT + 0.0005, lon_deg=LON, alt_m=20.0),
    MissionItem(Command.DO_CHANGE_SPEED, Frame.MISSION, param1=1.0, param2=5.0),
    MissionItem(Command.NAV_WAYPOINT, lat_deg=LAT + 0.0005, lon_deg=LON + 0.0005, alt_m=25.0),
    MissionItem(Command.NAV_LAND, lat_deg=LAT, lon_deg=LON),
]
FENCE = [
    MissionItem(Command.FENCE_POLYGON_INCLUSION, param1=4.0, lat_deg=LAT + dy, lon_deg=LON + dx)
    for dx, dy in ((-0.01, -0.01), (0.01, -0.01), (0.01, 0.01), (-0.01, 0.01))
]
RALLY = [MissionItem(Command.RALLY_POINT, lat_deg=LAT, lon_deg=LON, alt_m=30.0)]

Body = Callable[[DroneLink, SimDrone], Awaitable[Any]]


def copter(clock: Clock, seed: int, *, warm: bool = True) -> SimDrone:
    rng = random.Random(seed)
    return SimDrone(
        lat_deg=LAT, lon_deg=LON, datum_amsl_m=100.0, rng=rng, wind=Wind(rng=rng), utc_s=clock.utc_s, warm=warm
    )


async def flown(link: DroneLink, drone: SimDrone, body: Body) -> None:
    async def beat() -> None:
        while True:
            link.beat()
            await asyncio.sleep(1.0)

    async with asyncio.TaskGroup() as tasks:
        own = [tasks.create_task(drone.run()), tasks.create_task(beat())]
        async with link:
            await link.wait_for("a heartbeat", lambda s: s.heartbeats > 0, 30.0)
            await body(link, drone)
        for task in own:
            task.cancel()


def against_simulator(body: Body, faults: Faults | None = None, seed: int = 1, *, warm: bool = True) -> None:
    async def main(clock: Clock) -> None:
        ours, theirs = air(faults, seed)
        drone = copter(clock, seed, warm=warm)
        drone.attach(theirs)
        await flown(DroneLink("D1", ours, clock, system_id=1), drone, body)

    run(main, virtual_tempo())


def test_all_streams_of_the_table_flow_after_they_were_asked_for() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        assert link.state.lat_deg is None
        await link.start_streams()
        await link.wait_for("home", lambda s: s.relative_m is not None, 20.0)
        await asyncio.sleep(10.0)
        drone_streams = {stream for stream, spec in STREAMS.items() if spec.source == "drone"}
        assert {stream for stream in drone_streams if link.freshness.fresh(stream)} == drone_streams
        assert link.streams.denied == set()
        assert link.state.landed_state is Landed.ON_GROUND

    against_simulator(body)


def test_streams_come_back_by_themselves_after_the_autopilot_reboots() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        await link.start_streams()
        await link.wait_for("home", lambda s: s.relative_m is not None, 20.0)
        await asyncio.sleep(30.0)
        assert (await link.command(246, 1.0)).accepted
        await link.wait_for("the reboot", lambda s: s.boots == 1, 30.0)
        assert link.state.relative_m is None
        await link.wait_for("home again", lambda s: s.relative_m is not None, 60.0)
        assert link.freshness.fresh(Stream.POSITION)

    against_simulator(body)


@pytest.mark.parametrize("seed", range(5))
def test_mission_fence_and_rally_points_are_verified_over_a_bad_link(seed: int) -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        for items, kind in ((MISSION, PlanKind.MISSION), (FENCE, PlanKind.FENCE), (RALLY, PlanKind.RALLY)):
            await upload(link, items, kind)
            assert compare(items, await download(link, kind, expected=len(items))) == ()

    rng = random.Random(seed)
    faults = Faults(loss=0.06 * (seed + 1), duplicates=rng.uniform(0.0, 0.3), spread_s=rng.uniform(0.0, 0.2))
    against_simulator(body, faults, seed)


def test_a_fence_that_makes_no_sense_is_refused() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        with pytest.raises(Refused, match="refuses the fence with ERROR"):
            await upload(link, FENCE[:3], PlanKind.FENCE)

    against_simulator(body)


def test_an_item_that_the_autopilot_does_not_know_is_refused() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        with pytest.raises(Refused, match="refuses the mission with UNSUPPORTED at item 2"):
            await upload(link, [MISSION[0], MissionItem(31999, Frame.MISSION)])

    against_simulator(body)


def test_arming_too_early_is_rejected_with_the_autopilots_words() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        outcome = await link.command(400, 1.0)
        assert outcome.outcome == "rejected"
        assert outcome.detail == "FAILED: Arm: System not initialised"

    against_simulator(body, warm=False)


def test_parameters_are_set_compared_and_refused() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        assert await link.get_parameter("FENCE_ACTION") == 1.0
        assert await link.set_parameter("FENCE_ALT_MAX", 95.5) == 95.5
        assert await link.get_parameter("FENCE_ALT_MAX") == 95.5
        with pytest.raises(Refused, match="DOES_NOT_EXIST"):
            await link.set_parameter("NO_SUCH_THING", 1.0)
        with pytest.raises(Refused, match=r"holds FENCE_ACTION = 7 after 7\.6"):
            await link.set_parameter("FENCE_ACTION", 7.6)

    against_simulator(body)


async def fly_mission(link: DroneLink, drone: SimDrone) -> None:
    await link.start_streams()
    await upload(link, MISSION)
    assert compare(MISSION, await download(link, expected=len(MISSION))) == ()
    await link.wait_for("ready to arm", lambda s: bool(s.prearm_ok) and s.home is not None, 60.0)
    assert (await link.set_mode("GUIDED")).accepted
    assert (await link.command(400, 1.0)).accepted
    assert (await link.set_mode("AUTO")).accepted
    assert (await link.command(300)).accepted
    await link.wait_for("in the air", lambda s: s.landed_state is Landed.IN_AIR, 30.0)
    flying = await link.wait_for("item 4", lambda s: (s.mission_seq or 0) >= 4, 60.0)
    assert flying.mission_state is MissionState.ACTIVE
    landed = await link.wait_for("landed and disarmed", lambda s: s.armed is False, 180.0)
    assert landed.mode == "AUTO"
    assert drone.truth.landed


@pytest.mark.parametrize("faults", [Faults(), Faults(loss=0.15, duplicates=0.1, spread_s=0.1)])
def test_a_mission_is_flown_from_upload_to_landing(faults: Faults) -> None:
    against_simulator(fly_mission, faults)


def over_sockets(tempo: Tempo, body: Body) -> None:
    """Over TCP, where each connection is a new link to the same drone."""

    async def main(clock: Clock) -> None:
        drone = copter(clock, 1)
        server = await serve_tcp("127.0.0.1", 0, drone.attach)
        port = server.sockets[0].getsockname()[1]
        transport: Transport = await open_transport(f"tcp:127.0.0.1:{port}")
        await flown(DroneLink("D1", transport, clock), drone, body)
        server.close()
        await server.wait_closed()

    run(main, tempo)


def test_a_dropped_tcp_connection_comes_back_and_so_do_the_streams() -> None:
    async def body(link: DroneLink, drone: SimDrone) -> None:
        await link.start_streams()
        await link.wait_for("home", lambda s: s.relative_m is not None, 20.0)
        for uplink in list(drone._uplinks):
            uplink._link.close()
        beats = link.state.heartbeats
        await link.wait_for("heartbeats again", lambda s: s.heartbeats > beats + 1, 60.0)
        before_s = link.state.heard_s
        await link.wait_for("positions again", lambda s: link.freshness.fresh(Stream.POSITION), 60.0)
        assert before_s is not None

    over_sockets(scaled_tempo(20.0), body)
