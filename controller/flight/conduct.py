"""One flight from the wish to the last word, and the same flight picked up again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from controller.alarms import Alarm
from controller.config import DroneConfig
from controller.district import District
from controller.events import IntentChanged, Phase, PhaseChanged, PlanMade
from controller.flight.follow import (
    close,
    dock_at,
    docks_of_others,
    end,
    follow,
    settle_docks,
    stands_at_home,
    start_dock,
)
from controller.flight.gates import Launch
from controller.flight.launch import (
    LEAD_S,
    airborne,
    left_ground,
    pass_gates,
    stands_disarmed,
    take_off,
    upload_and_verify,
)
from controller.flight.mission_source import Mission, plan_mission, wished_docks
from controller.flight.phases import ON_GROUND
from controller.flight.reservation import reserve
from controller.links.drone import DeadlinePassed, DroneLink
from controller.links.telemetry import Landed
from controller.links.tlog import TlogWriter
from controller.pole_picture import Poles
from controller.state import FlightState
from controller.tasks import attended
from missions.plan import Plan
from missions.request import Request

PULSE_S = 1.0
POLES_REPORT_S = 20.0
WIND_ROOM_MPS = 1.5  # what the wind may freshen between plan and launch before the plan no longer holds
STARTS_OR_DISARMS_S = 20.0  # ArduCopter disarms a drone that stands idle after 10 s
UPLOAD_S = 15.0  # gates and upload at their quickest; the reservation is moved when they take longer

NOT_HEARD = Rule(
    "drone.not-heard",
    Words("nothing was heard of the drone at {address} within {s:g} s", "{s:g} 秒内未收到 {address} 处无人机的消息"),
    Words(
        "Switch it on, check the address in the site file and the cable or radio.",
        "请开机，并检查站点文件中的地址及线缆或电台。",
    ),
)
NO_HOME = Rule(
    "drone.no-home",
    Words("the drone did not find its home: {detail}", "无人机未能确定返航点：{detail}"),
    Words("Give it open sky and time; check its satellite receiver.", "请将其置于开阔天空下并等待；检查卫星接收机。"),
)
INTERRUPTED = Rule(
    "flight.interrupted",
    Words("the flight was given up before take-off: {why}", "飞行在起飞前被放弃：{why}"),
    Words("Launch again when you are ready.", "准备就绪后请重新放飞。"),
)
DRONE_HELD = Rule(
    "drone.held",
    Words("drone {drone} belongs to flight {holder}", "无人机 {drone} 正由飞行 {holder} 使用"),
    Words(
        "Wait until that flight has ended, or fly another drone.",
        "请等待该飞行结束，或改用其他无人机。",
    ),
)
BEING_PREPARED = Words("(being prepared)", "（准备中）")
SILENT_WORDS = Words("it has not reported", "尚无报告")
STOPPED_WORDS = Words("the controller was stopped", "控制器已停止")
NEVER_LEFT_WORDS = Words("the drone is still where it stood", "无人机仍在原地")


def must_be_free(district: District, drone: DroneConfig, flight: str) -> None:
    """Refuse a drone that another flight than this one has, or that another one is being prepared for."""
    holders: list[str | Words] = [f.id for f in district.state.unfinished() if f.drone == drone.id and f.id != flight]
    holders += [BEING_PREPARED] if drone.id in district.claimed else []
    if holders:
        raise Refused([Reason(DRONE_HELD, drone.id, {"drone": drone.id, "holder": holders[0]})])


@asynccontextmanager
async def open_link(
    district: District, drone: DroneConfig, tlog_path: Path, flight: str = ""
) -> AsyncIterator[DroneLink]:
    """The running link to a drone, recorded, for an open `flight` of its own or for a new one.

    Raises `Refused` while another flight has the drone: not even its mode is changed then.
    """
    must_be_free(district, drone, flight)
    district.claimed.add(drone.id)
    try:
        with closing(TlogWriter(tlog_path, district.clock.utc_s)) as tlog:
            transport = await district.connect(drone.address)
            async with DroneLink(drone.id, transport, district.clock, system_id=drone.system_id, tlog=tlog) as link:
                district.links[drone.id] = link
                yield link
    finally:
        district.links.pop(drone.id, None)
        district.claimed.discard(drone.id)


async def _pulse(link: DroneLink) -> None:
    while True:
        link.beat()
        await asyncio.sleep(PULSE_S)


async def fly(district: District, drone: DroneConfig, mission: Mission, run: str, folder: Path) -> FlightState:
    """Plan, reserve, launch and follow one flight; raises `Refused` when it does not take off."""
    async with open_link(district, drone, folder / "flight.tlog") as link:
        return await attended(_fly(district, drone, mission, run, link), _pulse(link))


async def _fly(district: District, drone: DroneConfig, mission: Mission, run: str, link: DroneLink) -> FlightState:
    await _meet(district, drone, link)
    wind_mps = await _wind_to_plan_for(district, drone, mission)
    await district.follow_register()  # what was published since the last look is planned around, not met at the gate
    plan = await _plan(district, drone, mission, link, wind_mps)
    flight_id = f"{run}-1"
    await district.record(PlanMade(run=run, flight=flight_id, drone=drone.id, plan=plan))
    flight = district.state.flights[flight_id]
    launch = Launch(
        district=district,
        link=link,
        plan=plan,
        flight=flight_id,
        drone_type=district.site.drone_type(drone),
        wind_limit_mps=wind_limit_mps(district, drone, mission),
        wind_planned_mps=wind_mps,
        boots=link.state.boots,
        start_dock=start_dock(district, plan),
        landing_dock=next((option.dock for option in plan.landings if option.dock), ""),
        docks_of_others=docks_of_others(district, drone.id),
    )
    try:
        await reserve(district, flight_id, plan, plan.takeoff_s)
        await pass_gates(launch)
        await upload_and_verify(launch)
        await take_off(launch)
    except Refused as refused:
        if flight.phase in ON_GROUND or await stands_disarmed(launch):
            await give_up(district, flight, list(refused.reasons))
            raise
        # it was armed and is not seen to stand: it may be flying, and then it keeps its airspace and is followed
        reason = refused.reasons[0]
        why = Words(reason.text("en"), reason.text("zh"))
        await airborne(launch, detail=why.en)
        await district.alarm(Alarm.NOT_SEEN_TO_START, drone.id, flight_id, why=why)
    except asyncio.CancelledError:
        if flight.phase in ON_GROUND:
            await give_up(district, flight, [Reason(INTERRUPTED, drone.id, {"why": STOPPED_WORDS})])
        raise
    await follow(district, link, flight)
    return flight


async def _meet(district: District, drone: DroneConfig, link: DroneLink) -> None:
    """Hear the drone, ask for its streams, and wait until it knows where home is."""
    within_s = district.site.file.gates.ready_within_s
    try:
        await link.wait_for("a heartbeat", lambda s: s.heartbeats > 0, within_s)
    except DeadlinePassed as error:
        raise Refused([Reason(NOT_HEARD, drone.id, {"address": drone.address, "s": error.within_s})]) from None
    await link.start_streams()
    try:
        await link.wait_for("home and position", lambda s: s.home is not None and s.relative_m is not None, within_s)
    except DeadlinePassed as error:
        raise Refused([Reason(NO_HOME, drone.id, {"detail": error})]) from None


async def _wind_to_plan_for(district: District, drone: DroneConfig, mission: Mission) -> float:
    """The mean wind [m/s] that plan, margins and energy must hold for: the gusts of now and some room.

    Where poles measure and none has reported yet, the limit itself: the gate then waits for a measurement. A wind
    beyond the limit is for the gate to refuse, which names the pole that measured it.
    """
    limit_mps = wind_limit_mps(district, drone, mission)
    if district.poles is None:
        stated = district.site.file.gates.stated_weather
        return min(stated.wind_mps, limit_mps) if stated else limit_mps
    stations = [pole.code for pole in district.site.file.poles if "weather" in pole.services]
    await district.poles.until_weather(stations, POLES_REPORT_S)
    gusts = [reading.gust_mps + WIND_ROOM_MPS for reading in district.poles.weather()]
    return min(max(gusts, default=limit_mps), limit_mps)


async def _plan(district: District, drone: DroneConfig, mission: Mission, link: DroneLink, wind_mps: float) -> Plan:
    state, site = link.state, district.site
    if state.lat_deg is None or state.lon_deg is None or state.amsl_m is None:
        raise Refused([Reason(NO_HOME, drone.id, {"detail": "-"})])
    # ArduCopter moves home to where it arms, so the flight begins where the drone stands now
    here = LatLon(state.lat_deg, state.lon_deg)
    wishes = wished_docks(mission)
    return plan_mission(
        mission,
        site=site.site,
        airspace=district.airspace,
        drone=site.drone_type(drone),
        home=here,
        home_amsl_m=state.amsl_m,
        docks_free=wishes if district.poles is None else await _free_docks(district, district.poles, wishes, here),
        use_docks=district.poles is not None,
        takeoff_s=district.clock.utc_s() + LEAD_S + UPLOAD_S,
        wind_mps=wind_mps,
    )


def wind_limit_mps(district: District, drone: DroneConfig, mission: Mission) -> float:
    """The strongest wind [m/s] that site, airframe and request all allow."""
    wished = mission.wish.max_wind_mps if isinstance(mission.wish, Request) else None
    limits = [district.site.file.limits.max_wind_mps, district.site.drone_type(drone).max_wind_mps]
    return min([*limits, wished] if wished is not None else limits)


async def _free_docks(district: District, poles: Poles, wishes: tuple[str, ...], here: LatLon) -> tuple[str, ...]:
    """The wished docks on which this drone can land, in the order of the wish."""
    own = dock_at(district, here)
    free = []
    for pole in wishes:
        await poles.until_dock(pole, lambda dock: not dock.stale, POLES_REPORT_S)
        dock = poles.dock(pole)
        holders = district.state.dock_holders(pole)
        why = SILENT_WORDS if dock is None else dock.why_not_free(own_drone_on_it=pole == own)
        if why is None and holders:
            why = Words(f"it is reserved for flight {holders[0].id}", f"已为飞行 {holders[0].id} 预留")
        if why is None:
            free.append(pole)
        else:
            await district.alarm(Alarm.DOCK_NOT_READY, pole, why=why)
    return tuple(free)


async def give_up(district: District, flight: FlightState, reasons: list[Reason]) -> None:
    """Close a flight that never left the ground, and what it had opened."""
    if flight.phase is not Phase.PLANNED:
        await settle_docks(district, flight, "")
    await end(district, flight, "", reasons)


async def resume(district: District, drone: DroneConfig, flight: FlightState, folder: Path) -> None:
    """Pick up a flight that an earlier controller left open: follow it to its landing and close it."""
    if flight.phase in ON_GROUND:
        await give_up(district, flight, [Reason(INTERRUPTED, drone.id, {"why": STOPPED_WORDS})])
        return
    await district.alarm(Alarm.CONTROLLER_RESTARTED, drone.id, flight.id)
    async with open_link(district, drone, folder / "flight.tlog", flight.id) as link:
        await attended(_resume(district, drone, flight, link), _pulse(link))


async def _resume(district: District, drone: DroneConfig, flight: FlightState, link: DroneLink) -> None:
    await _meet(district, drone, link)
    try:
        state = await link.wait_for(
            "its landed state", lambda s: s.landed_state is not None and s.armed is not None, 60.0
        )
    except DeadlinePassed as error:
        raise Refused([Reason(NOT_HEARD, drone.id, {"address": drone.address, "s": error.within_s})]) from None
    if flight.phase is Phase.ARMING:
        # the earlier controller may have stopped between arming and the start: then the drone disarms itself
        with suppress(DeadlinePassed):
            state = await link.wait_for(
                "starting or disarming", lambda s: s.armed is False or left_ground(s), STARTS_OR_DISARMS_S
            )
    if state.armed is False and state.landed_state is Landed.ON_GROUND:
        if flight.phase is Phase.ARMING and stands_at_home(flight.plan, state):
            await give_up(district, flight, [Reason(INTERRUPTED, drone.id, {"why": NEVER_LEFT_WORDS})])
        else:
            await close(district, flight, state, seen=False)
        return
    if flight.phase is Phase.ARMING:
        await district.record(
            PhaseChanged(flight=flight.id, phase=Phase.FLYING), IntentChanged(flight=flight.id, state="activated")
        )
    await follow(district, link, flight)
