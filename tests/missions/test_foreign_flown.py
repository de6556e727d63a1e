"""Foreign missions on the simulated autopilot: the drone stays in the airspace that was planned for it, when it was."""

from __future__ import annotations

import asyncio

import pytest

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.model import Airspace
from controller.clock import Clock, run, virtual_tempo
from missions.foreign import plan_mission_file
from missions.items import Command, MissionItem
from missions.mission_file import FileHome, MissionFile
from missions.plan import Plan
from missions.site import Limits, Site
from missions.volumes import absolute
from sim.drone.items import StoredItem
from tests.missions.foreign_scenario import DRONE, RTL, TAKEOFF, order
from tests.sim.station import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, begun, stage

HERE = LatLon(HOME_LAT_DEG, HOME_LON_DEG)
FRAME = LocalFrame(HERE)
GROUND = Ground(HOME_AMSL_M, geoid_m=0.0)


def item(command: int, east_m: float, north_m: float, alt_m: float = 30.0, *params: float) -> MissionItem:
    at = FRAME.latlon(east_m, north_m)
    p1, p2, p3, p4 = (*params, 0.0, 0.0, 0.0, 0.0)[:4]
    return MissionItem(command, 3, p1, p2, p3, p4, at.lat_deg, at.lon_deg, alt_m)


def waypoint(east_m: float, north_m: float, alt_m: float = 30.0, delay_s: float = 0.0) -> MissionItem:
    return item(Command.NAV_WAYPOINT, east_m, north_m, alt_m, delay_s)


def planned(clock: Clock, items: tuple[MissionItem, ...], rally: tuple[MissionItem, ...]) -> Plan:
    """The plan of a file for a take-off now."""
    home = FileHome(HERE.lat_deg, HERE.lon_deg, HOME_AMSL_M)
    where = tuple(f"m.plan mission.items[{i}]" for i in range(len(items)))
    return plan_mission_file(
        MissionFile("m.plan", "plan", home, items, where, rally=rally),
        site=Site("station", GROUND, docks=(), open_ground=(), limits=Limits(max_agl_m=120.0)),
        airspace=Airspace(FRAME, GROUND),
        drone=DRONE,
        takeoff_s=clock.utc_s(),
    )


def stored(one: MissionItem) -> StoredItem:
    x, y = (one.lat_deg, one.lon_deg) if one.lat_deg or one.lon_deg else (0.0, 0.0)
    return StoredItem(
        int(one.command), int(one.frame), one.param1, one.param2, one.param3, one.param4,
        round(x * 1e7), round(y * 1e7), one.alt_m,
    )  # fmt: skip


MISSIONS: dict[str, tuple[MissionItem, ...]] = {
    "square": (waypoint(80, 0), waypoint(80, 80), waypoint(0, 80), RTL),
    "climb and return from below": (waypoint(80, 0, 45), waypoint(120, 60, 20), RTL),
    "waits": (waypoint(60, 0, 30, 6), MissionItem(Command.NAV_LOITER_TIME, param1=5, alt_m=30.0), order(93, 4), RTL),
    "slow": (waypoint(60, 0), order(178, 1, 3), waypoint(120, 0), order(178, 1, 10), waypoint(120, 20), RTL),
    "jump": (waypoint(60, 0), waypoint(60, 60), order(Command.DO_JUMP, 2, 2), RTL),
    "return to a rally point": (waypoint(80, 0), waypoint(80, 80), RTL),
    "landing elsewhere": (waypoint(80, 0), item(Command.NAV_LAND, 80, 60, 0)),
}


RALLY: dict[str, tuple[MissionItem, ...]] = {"return to a rally point": (item(Command.RALLY_POINT, 50, 60, 40),)}


@pytest.mark.parametrize("name", list(MISSIONS))
def test_the_drone_stays_in_its_planned_airspace(name: str) -> None:
    outside: list[tuple[float, float, float, float]] = []

    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            plan = planned(clock, (TAKEOFF, *MISSIONS[name]), RALLY.get(name, ()))
            if plan.rally:
                assert await station.upload([stored(one) for one in plan.rally], 2) == 0
            for parameter, value in plan.parameters.items():
                assert await station.set_parameter(parameter, value) == pytest.approx(value)
            await begun(station, [StoredItem(16), *map(stored, plan.items)])
            start_s = clock.utc_s()
            volumes = [absolute(volume, FRAME, start_s) for volume in plan.volumes]
            while sim.truth.armed:
                truth = sim.truth
                x_m, y_m = FRAME.xy(LatLon(truth.lat_deg, truth.lon_deg))
                if not any(v.contains(x_m, y_m, HOME_AMSL_M + truth.relative_m, clock.utc_s()) for v in volumes):
                    outside.append((round(clock.utc_s() - start_s, 1), round(x_m), round(y_m), truth.relative_m))
                await asyncio.sleep(0.5)
            flown_s = clock.utc_s() - start_s
            assert flown_s == pytest.approx(plan.duration_s, rel=0.12)
            landed = FRAME.xy(LatLon(sim.truth.lat_deg, sim.truth.lon_deg))
            wanted = FRAME.xy(LatLon(plan.landings[0].place.lat_deg, plan.landings[0].place.lon_deg))
            assert landed == pytest.approx(wanted, abs=1.5)

    run(main, virtual_tempo())
    assert outside == []


def test_what_is_read_back_is_what_was_planned() -> None:
    untidy = (
        item(Command.NAV_WAYPOINT, 60, 0, 30.25, 3, 2, 1, 90),
        item(Command.NAV_LOITER_TIME, 60, 40, 30, 5, 0, -20, 3),
        RTL,
    )

    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            plan = planned(clock, (TAKEOFF, *untidy), ())
            assert await station.upload([StoredItem(16), *map(stored, plan.items)]) == 0
            back = (await station.download())[1:]
            sent = [stored(one) for one in plan.items]
            assert [(m.command, m.param1, m.param2, m.param3, m.param4, m.x, m.y) for m in back] == [
                (s.command, s.param1, s.param2, s.param3, s.param4, s.x, s.y) for s in sent
            ]

    run(main, virtual_tempo())
