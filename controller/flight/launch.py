"""From a reserved plan to a drone in the air: gates, upload and read-back, arming, take-off."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from controller.events import GateJudged, IntentChanged, Phase, PhaseChanged, UploadVerified
from controller.flight.gates import AIRSPACE, GATES, Judged, Launch, Verdict, judge_all, looked
from controller.flight.orders import REJECTED, UNANSWERED, must, order_drone, order_pole
from controller.flight.reservation import reserve
from controller.links.drone import DeadlinePassed
from controller.links.mission_items import PlanKind
from controller.links.mission_transfer import download, upload
from controller.links.read_back import compare
from controller.links.telemetry import DroneState, Landed
from controller.streams import STREAMS, Stream
from poles.services.dock_functions import DOCK

LATE_S = 10.0  # the reserved volumes allow a take-off 15 s from the planned time
LEAD_S = 2.0  # arming, mode change and start
AIRBORNE_M = 1.0
AIRBORNE_WITHIN_S = 20.0
ARMED_SHOWN_S = 2.5
STANDING_SHOWN_S = 15.0
SETTLE_AGAIN_S = 10.0
HOME_SHOWN_S = 3.0
STATUS_MESSAGES = 3  # SYS_STATUS comes once a second; the third after a change of mode was surely made in the new one
HOME_HEIGHT_ROOM_M = 3.0  # between the height that was planned from and home's; the margins allow it

GATE_CLOSED = Rule(
    "gate.closed",
    Words("gate '{gate}' is closed: {why}", "放飞条件“{gate}”不满足：{why}"),
    Words(
        "Wait or mend it, then launch again; nothing was sent to the drone's motors.",
        "请等待或排除后重新放飞；无人机电机未启动。",
    ),
)
UPLOAD_DIFFERS = Rule(
    "upload.differs",
    Words("the drone holds something else than was sent: {detail}", "无人机中的内容与所发内容不符：{detail}"),
    Words("Launch again; if it repeats, do not fly this drone.", "请重新放飞；若再次出现，请勿使用该无人机。"),
)
NO_TAKEOFF = Rule(
    "drone.no-takeoff",
    Words(
        "the drone was told to start but did not leave the ground: {detail}", "无人机已接到起飞指令但未离地：{detail}"
    ),
    Words("It disarms itself; look at it before the next launch.", "无人机会自行上锁；再次放飞前请检查。"),
)

HOME_MOVED = Rule(
    "drone.home-moved",
    Words(
        "armed, the drone set its home {off_m:.1f} m away and {high_m:+.1f} m higher than planned",
        "解锁后无人机的返航点偏离计划 {off_m:.1f} 米，高差 {high_m:+.1f} 米",
    ),
    Words("Let its position settle, then launch again.", "请等待定位稳定后重新放飞。"),
)


async def enter(launch: Launch, phase: Phase, detail: str = "") -> None:
    """Record that the flight goes to its next phase."""
    await launch.district.record(PhaseChanged(flight=launch.flight, phase=phase, detail=detail))


async def pass_gates(launch: Launch) -> None:
    """Wait until every gate passes, and record each with its evidence; raises `Refused` for those that do not.

    A gate that fails for good ends the wait at once; one that may still pass is given `gates.ready_within_s`.
    """
    await enter(launch, Phase.GATES)
    link, drone = launch.link, launch.link.drone
    with suppress(DeadlinePassed):  # the autopilot gate says what is missing
        await link.wait_for("its landed state", lambda s: s.armed is not None and s.landed_state is not None, 20.0)
    if link.state.armed or link.state.landed_state is not Landed.ON_GROUND:
        # not ours to command: a flying drone would be stopped in the air by a change of mode
        await _judge(launch, judge_all(await looked(launch)))
    await must(launch.district, launch.flight, drone, "mode GUIDED", link.set_mode("GUIDED"))
    # an old fence that is still on would keep the drone from arming outside it before the new one goes up
    fence_off = link.command(mavlink.MAV_CMD_DO_FENCE_ENABLE, 0)
    await order_drone(launch.district, launch.flight, drone, "fence off", fence_off)
    await _status_of_this_mode(launch)
    verdicts = judge_all(await looked(launch))
    if not any(judged.verdict is Verdict.FAIL for judged in verdicts.values()):
        refusals = await _claim_docks(launch)
        if refusals:
            await _record_gates(launch, judge_all(await looked(launch)))
            raise Refused(refusals)
    await _judge(launch, await _settle(launch, launch.district.site.file.gates.ready_within_s))


async def _status_of_this_mode(launch: Launch) -> None:
    """Let SYS_STATUS come again: its pre-arm bit follows the mode, and the last one may be of the mode before."""
    with launch.link.listen("SYS_STATUS") as inbox:
        try:
            for _ in range(STATUS_MESSAGES):
                await inbox.get(STREAMS[Stream.SYSTEM].stale_after_s)
        except TimeoutError:
            return  # the gate sees that the stream is stale


async def _judge(launch: Launch, verdicts: dict[str, Judged]) -> None:
    """Record what the gates say; raises `Refused` unless all pass."""
    await _record_gates(launch, verdicts)
    failed = [gate for gate in GATES if verdicts[gate.code].verdict is Verdict.FAIL]
    # what only waited when another gate failed for good was never given its time, so it is no reason
    closed = failed or [gate for gate in GATES if verdicts[gate.code].verdict is Verdict.WAIT]
    if closed:
        raise Refused(
            Reason(GATE_CLOSED, launch.plan.name, {"gate": gate.words, "why": verdicts[gate.code].words})
            for gate in closed
        )


async def _claim_docks(launch: Launch) -> list[Reason]:
    """Let the poles keep their docks for this flight, and open the one that the drone stands in."""
    district, flight, start = launch.district, launch.flight, launch.start_dock
    if district.poles is None:
        return []  # then a person answers for the start dock, and no plan lands on another
    hold_s = 2 * launch.plan.duration_s + 1800
    landings = sorted({option.dock for option in launch.plan.landings} - {"", start})
    claims = [(pole, "land") for pole in landings] + ([(start, "launch")] if start else [])
    answers = [
        await order_pole(district, flight, pole, DOCK, "reserve", purpose=purpose, hold=hold_s)
        for pole, purpose in claims
    ]
    if start:
        answers.append(await order_pole(district, flight, start, DOCK, "open"))
    return [reason for reason in answers if reason is not None]


async def _settle(launch: Launch, within_s: float) -> dict[str, Judged]:
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s
    while True:
        verdicts = judge_all(await looked(launch))
        said = {judged.verdict for judged in verdicts.values()}
        if Verdict.FAIL in said or Verdict.WAIT not in said or loop.time() >= deadline_s:
            return verdicts
        await asyncio.sleep(0.5)


async def _record_gates(launch: Launch, verdicts: dict[str, Judged]) -> None:
    await launch.district.record(
        *(
            GateJudged(
                flight=launch.flight,
                gate=gate.code,
                passed=verdicts[gate.code].verdict is Verdict.PASS,
                evidence=verdicts[gate.code].evidence,
                en=f"{gate.words.en}: {verdicts[gate.code].words.en}",
                zh=f"{gate.words.zh}：{verdicts[gate.code].words.zh}",
            )
            for gate in GATES
        )
    )


async def upload_and_verify(launch: Launch) -> None:
    """Give the drone its parameters, mission, fence and rally points, read all of it back and compare."""
    await enter(launch, Phase.UPLOADING)
    link, plan = launch.link, launch.plan
    steps, progress = len(plan.parameters) + 3, launch.district.upload_progress
    for done, (name, value) in enumerate(plan.parameters.items()):
        progress[launch.flight] = (done, steps)
        await link.set_parameter(name, value)
    differences: list[str] = []
    lists = ((PlanKind.FENCE, plan.fence), (PlanKind.RALLY, plan.rally), (PlanKind.MISSION, plan.items))
    for done, (kind, items) in enumerate(lists, len(plan.parameters)):
        progress[launch.flight] = (done, steps)
        await upload(link, items, kind)
        held = await download(link, kind, expected=len(items))
        first_seq = 1 if kind is PlanKind.MISSION else 0
        differences += [f"{kind.name.lower()}: {line}" for line in compare(items, held, first_seq=first_seq)]
    progress[launch.flight] = (steps, steps)
    event = UploadVerified(
        flight=launch.flight,
        mission_items=len(plan.items),
        fence_items=len(plan.fence),
        rally_items=len(plan.rally),
        parameters=plan.parameters,
        differences=tuple(differences),
    )
    await launch.district.record(event)
    if differences:
        detail = "; ".join(differences[:3])
        raise Refused([Reason(UPLOAD_DIFFERS, link.drone, {"detail": detail})])
    if plan.fence:
        enable = link.command(mavlink.MAV_CMD_DO_FENCE_ENABLE, 1)
        await must(launch.district, launch.flight, link.drone, "fence on", enable)


async def _arm(launch: Launch) -> None:
    """Arm, or raise `Refused`; when the answer was lost the heartbeat tells whether the motors run."""
    district, link = launch.district, launch.link
    arm = link.command(mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 1)
    outcome = await order_drone(district, launch.flight, link.drone, "arm", arm)
    if outcome.outcome == "unknown":
        try:
            await link.wait_for("the motors to run", lambda s: s.armed is True, ARMED_SHOWN_S)
        except DeadlinePassed:
            raise Refused([Reason(UNANSWERED, link.drone, {"order": "arm"})]) from None
    elif outcome.outcome == "rejected":
        raise Refused([Reason(REJECTED, link.drone, {"order": "arm", "detail": outcome.detail})])


async def take_off(launch: Launch) -> None:
    """Judge the gates once more, arm in GUIDED, switch to AUTO, start, and see the drone leave the ground.

    Raises `Refused` when it does not start; after arming the caller must then see it stand before it gives up.
    """
    district, link, flight = launch.district, launch.link, launch.flight
    await _judge(launch, await _settle(launch, SETTLE_AGAIN_S))
    await _keep_to_reservation(launch)
    await enter(launch, Phase.ARMING)
    await _arm(launch)
    await _home_is_as_planned(launch)
    await must(district, flight, link.drone, "mode AUTO", link.set_mode("AUTO"))
    await _keep_to_reservation(launch)
    await _airspace_is_open(launch)
    start = link.command(mavlink.MAV_CMD_MISSION_START)
    outcome = await order_drone(district, flight, link.drone, "mission start", start)
    if outcome.outcome == "rejected":
        raise Refused([Reason(REJECTED, link.drone, {"order": "mission start", "detail": outcome.detail})])
    # an unanswered start may have been carried out: what the drone does next tells
    try:
        await link.wait_for("leaving the ground", left_ground, AIRBORNE_WITHIN_S)
    except DeadlinePassed as error:
        raise Refused([Reason(NO_TAKEOFF, link.drone, {"detail": error})]) from None
    await airborne(launch)


def left_ground(state: DroneState) -> bool:
    """Whether a drone is seen to take off or to fly."""
    return state.landed_state in (Landed.TAKEOFF, Landed.IN_AIR) or (state.relative_m or 0.0) > AIRBORNE_M


async def airborne(launch: Launch, detail: str = "") -> None:
    """Record that the drone flies: phase and intent change in one step, so that no restart finds half of it."""
    await launch.district.record(
        PhaseChanged(flight=launch.flight, phase=Phase.FLYING, detail=detail),
        IntentChanged(flight=launch.flight, state="activated"),
    )


async def stands_disarmed(launch: Launch) -> bool:
    """Order the drone to disarm and say whether it is seen, after that, to stand on the ground with its motors off.

    A drone in the air refuses the order.
    """
    link = launch.link
    disarm = link.command(mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0)
    await order_drone(launch.district, launch.flight, link.drone, "disarm", disarm)
    before = link.state.heartbeats

    def standing(state: DroneState) -> bool:
        fresh = link.freshness.fresh(Stream.LANDED) and state.heartbeats > before
        return fresh and state.armed is False and state.landed_state is Landed.ON_GROUND

    try:
        await link.wait_for("standing disarmed", standing, STANDING_SHOWN_S)
    except DeadlinePassed:
        return False
    return True


async def _keep_to_reservation(launch: Launch) -> None:
    """Move the reservation when a start now would fall out of its window."""
    district = launch.district
    start_s = district.clock.utc_s() + LEAD_S
    if abs(start_s - district.state.flights[launch.flight].takeoff_s) > LATE_S:
        await reserve(district, launch.flight, launch.plan, start_s)


async def _airspace_is_open(launch: Launch) -> None:
    """Look at the airspace once more before the drone leaves the ground; raises `Refused` when it closed meanwhile."""
    judged = AIRSPACE.judge(await looked(launch))
    if judged.verdict is Verdict.FAIL:
        raise Refused([Reason(GATE_CLOSED, launch.plan.name, {"gate": AIRSPACE.words, "why": judged.words})])


async def _home_is_as_planned(launch: Launch) -> None:
    """ArduCopter sets its home when it arms; every height and the way back count from there, so look at it again."""
    link, plan, asked = launch.link, launch.plan, launch.district.site.file.gates
    with link.listen("HOME_POSITION") as inbox:
        await link.command(mavlink.MAV_CMD_REQUEST_MESSAGE, mavlink.MAVLINK_MSG_ID_HOME_POSITION)
        try:
            await inbox.get(HOME_SHOWN_S)
        except TimeoutError:
            raise Refused([Reason(UNANSWERED, link.drone, {"order": "home position"})]) from None
    home = link.state.home
    if home is None:
        raise Refused([Reason(UNANSWERED, link.drone, {"order": "home position"})])
    off_m = LatLon(plan.home.lat_deg, plan.home.lon_deg).distance_m(LatLon(home.lat_deg, home.lon_deg))
    high_m = home.amsl_m - plan.home_amsl_m
    if off_m > asked.max_home_distance_m or abs(high_m) > HOME_HEIGHT_ROOM_M:
        raise Refused([Reason(HOME_MOVED, link.drone, {"off_m": off_m, "high_m": high_m})])
