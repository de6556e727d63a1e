"""The launch gates as one table: each looks at fresh values only, and says with numbers why it opens or not.

A gate answers PASS, WAIT (it may still become a pass: a fix that converges, a pole that has not reported yet) or FAIL.
`judge_all` asks every gate, so that an operator sees the whole picture and not the first obstacle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from airspace.frames import LatLon
from airspace.reasons import Reason, Words
from controller.district import District
from controller.links.drone import DroneLink
from controller.links.telemetry import Landed
from controller.pole_picture import COVER_WORDS, DOUBTED_WORDS, Poles
from controller.streams import STREAMS, Stream
from controller.weather_picture import places_of
from missions.plan import Plan
from missions.site import DroneType

BESIDE_DOCK_M = 30.0  # nearer than this to a dock that holds a drone, nobody knows for sure which one it is
EKF_POS_HORIZ_ABS = 0x10  # EKF_STATUS_FLAGS: the estimator knows where it is
FIX_WORDS = {
    0: Words("no GNSS", "无接收机"),
    1: Words("no fix", "未定位"),
    2: Words("2D", "二维定位"),
    3: Words("3D", "三维定位"),
    4: Words("DGPS", "差分定位"),
    5: Words("RTK float", "RTK 浮点解"),
    6: Words("RTK fixed", "RTK 固定解"),
}


class Verdict(StrEnum):
    """What a gate says now."""

    PASS = "pass"
    WAIT = "wait"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Judged:
    """A gate's verdict with its evidence; `words` is one line for people."""

    verdict: Verdict
    words: Words
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """What is about to fly: everything that a gate may look at."""

    district: District
    link: DroneLink
    plan: Plan
    flight: str
    drone_type: DroneType
    wind_limit_mps: float
    wind_planned_mps: float  # the plan's margins and energy hold up to this mean wind
    boots: int  # how often the autopilot had restarted when the plan was made
    start_dock: str  # city code of the dock that the drone stands on, or empty
    landing_dock: str  # city code of the dock that it shall land on, or empty
    docks_of_others: frozenset[str] = frozenset()  # city codes of the docks that other drones stand in, as far as known
    unseen: tuple[Reason, ...] = ()  # why the district's airspace may lack something of the shared register

    def stale(self, stream: Stream) -> Judged | None:
        """The verdict when a drone stream is too old to decide upon, None when it is fresh."""
        if self.link.freshness.fresh(stream):
            return None
        age_s, spec = self.link.freshness.age_s(stream), STREAMS[stream]
        seen_en = "never came" if age_s is None else f"is {age_s:.0f} s old"
        seen_zh = "尚未收到" if age_s is None else f"已 {age_s:.0f} 秒未更新"
        words = Words(f"{spec.words.en} {seen_en}", f"{spec.words.zh}{seen_zh}")
        return Judged(Verdict.WAIT, words, {"stream": stream.value, "age_s": age_s})


def _link(launch: Launch) -> Judged:
    if (stale := launch.stale(Stream.HEARTBEAT)) is not None:
        return stale
    state = launch.link.state
    words = Words(f"heartbeat of system {state.system_id} is fresh", f"系统 {state.system_id} 心跳正常")
    return Judged(Verdict.PASS, words, {"system_id": state.system_id})


def _home(launch: Launch) -> Judged:
    state, plan, asked = launch.link.state, launch.plan, launch.district.site.file.gates
    if (stale := launch.stale(Stream.POSITION)) is not None:
        return stale
    if state.home is None or state.lat_deg is None or state.lon_deg is None or state.amsl_m is None:
        words = Words("the drone has not set its home yet", "无人机尚未确定返航点")
        return Judged(Verdict.WAIT, words, {"home": state.home is not None, "position": state.lat_deg is not None})
    # ArduCopter moves its home to where it is armed, so what counts now is where the drone stands
    start = LatLon(plan.home.lat_deg, plan.home.lon_deg)
    off_m = start.distance_m(LatLon(state.lat_deg, state.lon_deg))
    limit_m, high_limit_m = asked.max_home_distance_m, asked.max_home_height_error_m
    # every height of the plan counts from here: a drone that is wrong about sea level flies at wrong heights
    high_m = state.amsl_m - launch.district.site.ground.amsl_m
    evidence = {
        "off_m": round(off_m, 2),
        "limit_m": limit_m,
        "amsl_m": round(state.amsl_m, 2),
        "above_ground_m": round(high_m, 2),
        "height_limit_m": high_limit_m,
    }
    words = Words(
        f"{off_m:.1f} m from the planned take-off place (limit {limit_m:g} m), {high_m:+.1f} m from the site's ground "
        f"(limit {high_limit_m:g} m)",
        f"距计划起飞点 {off_m:.1f} 米（限值 {limit_m:g} 米），"
        f"与站点地面高差 {high_m:+.1f} 米（限值 {high_limit_m:g} 米）",
    )
    good = off_m <= limit_m and abs(high_m) <= high_limit_m
    return Judged(Verdict.PASS if good else Verdict.FAIL, words, evidence)


def fix_words(fix: int) -> Words:
    """A GPS_FIX_TYPE in words."""
    return FIX_WORDS.get(fix, Words(str(fix), str(fix)))


def _fix(launch: Launch) -> Judged:
    if (stale := launch.stale(Stream.GNSS)) is not None:
        return stale
    state, asked = launch.link.state, launch.district.site.file.gates
    fix, satellites = state.fix_type or 0, state.satellites or 0
    good = fix >= asked.min_fix and satellites >= asked.min_satellites
    name, wanted = fix_words(fix), fix_words(asked.min_fix)
    words = Words(
        f"{name.en} with {satellites} satellites, asked for {wanted.en} with {asked.min_satellites}",
        f"{name.zh}，{satellites} 颗卫星；要求{wanted.zh}，{asked.min_satellites} 颗",
    )
    evidence = {"fix_type": fix, "satellites": satellites, "min_fix": asked.min_fix}
    return Judged(Verdict.PASS if good else Verdict.WAIT, words, evidence)


def _battery(launch: Launch) -> Judged:
    if (stale := launch.stale(Stream.BATTERY)) is not None:
        return stale
    remaining_pct, plan = launch.link.state.battery_remaining_pct, launch.plan
    if remaining_pct is None:
        words = Words("the drone does not say how full its battery is", "无人机未报告剩余电量")
        return Judged(Verdict.FAIL, words, {"remaining_pct": None, "voltage_v": launch.link.state.battery_v})
    floor_pct = launch.district.site.file.gates.min_battery_pct
    left_pct = remaining_pct - 100 * plan.energy_wh / launch.drone_type.battery_wh
    reserve_pct = 100 * launch.district.site.file.limits.reserve_fraction
    good = remaining_pct >= floor_pct and left_pct >= reserve_pct
    words = Words(
        f"{remaining_pct:.0f} % now (at least {floor_pct:.0f} %), {left_pct:.0f} % after the flight "
        f"(at least {reserve_pct:.0f} %)",
        f"当前 {remaining_pct:.0f}%（不低于 {floor_pct:.0f}%），飞行后 {left_pct:.0f}%（不低于 {reserve_pct:.0f}%）",
    )
    evidence = {
        "remaining_pct": remaining_pct,
        "voltage_v": launch.link.state.battery_v,
        "planned_wh": round(plan.energy_wh, 1),
        "after_pct": round(left_pct, 1),
    }
    return Judged(Verdict.PASS if good else Verdict.FAIL, words, evidence)


def _wind(launch: Launch) -> Judged:
    site, poles = launch.district.site.file, launch.district.poles
    if poles is not None and launch.district.site.measures_wind:
        return _measured_wind(launch, poles)
    stated, limit_mps = site.gates.stated_weather, launch.wind_limit_mps
    if stated is None:
        words = Words(
            "no weather pole is connected to this site, and nobody states the wind under [gates.stated_weather]",
            "本站点未接入气象灯杆，也无人在 [gates.stated_weather] 中声明风速",
        )
        return Judged(Verdict.FAIL, words, {"limit_mps": limit_mps, "poles": []})
    words = Words(
        f"{stated.stated_by} states {stated.wind_mps:.1f} m/s, limit {limit_mps:g} m/s; no pole measures it",
        f"{stated.stated_by} 声明风速 {stated.wind_mps:.1f} m/s，限值 {limit_mps:g} m/s（非实测）",
    )
    evidence = {"stated_by": stated.stated_by, "wind_mps": stated.wind_mps, "limit_mps": limit_mps}
    return Judged(Verdict.PASS if stated.wind_mps <= limit_mps else Verdict.FAIL, words, evidence)


def _measured_wind(launch: Launch, poles: Poles) -> Judged:
    wind, limit_mps = poles.wind(places_of(launch.plan)), launch.wind_limit_mps
    if wind is None:
        words = Words("no pole reports fresh weather that can be believed", "没有灯杆提供有效且可信的气象数据")
        return Judged(Verdict.WAIT, words, {"limit_mps": limit_mps, "poles": []})
    worst, count, spread_mps = wind.worst, len(wind.stations), wind.spread_mps
    words = Words(
        f"pole {worst.pole} measures {worst.gust_mps:.1f} m/s in gusts ({worst.wind_mps:.1f} mean, "
        f"{worst.age_s:.0f} s ago), the strongest of {count} near the way, which differ by {spread_mps:.1f} m/s; "
        f"limit {limit_mps:g} m/s; planned for {launch.wind_planned_mps:.1f} m/s mean",
        f"灯杆 {worst.pole} 测得阵风 {worst.gust_mps:.1f} m/s（平均 {worst.wind_mps:.1f}，{worst.age_s:.0f} 秒前），"
        f"为航线附近 {count} 站中最强，各站相差 {spread_mps:.1f} m/s；"
        f"限值 {limit_mps:g} m/s；规划平均风速 {launch.wind_planned_mps:.1f} m/s",
    )
    evidence = {
        **wind.evidence(),
        "limit_mps": limit_mps,
        "planned_mps": round(launch.wind_planned_mps, 2),
    }
    good = wind.gust_mps <= limit_mps and wind.wind_mps <= launch.wind_planned_mps
    return Judged(Verdict.PASS if good else Verdict.FAIL, words, evidence)


def _start_dock(launch: Launch) -> Judged:
    if not launch.start_dock:
        return _open_ground(launch)
    if launch.district.poles is None:
        return _stated_dock(launch)
    dock = launch.district.poles.dock(launch.start_dock)
    if dock is None or dock.stale:
        words = Words(f"dock {launch.start_dock} has not reported", f"机库 {launch.start_dock} 尚无报告")
        return Judged(Verdict.WAIT, words, {"dock": launch.start_dock})
    if dock.doubted:
        words = Words(f"dock {dock.pole}: {DOUBTED_WORDS.en}", f"机库 {dock.pole}：{DOUBTED_WORDS.zh}")
        return Judged(Verdict.WAIT, words, {"dock": dock.pole})
    if not dock.drone_present:
        words = Words(
            f"the drone believes to stand in dock {dock.pole}, which says that no drone is in it",
            f"无人机认为自己位于机库 {dock.pole}，但该机库报告内无无人机",
        )
        return Judged(Verdict.WAIT, words, {"dock": dock.pole, "drone_present": False})
    cover = COVER_WORDS[dock.cover]
    words = Words(f"cover of dock {dock.pole} is {cover.en}", f"机库 {dock.pole} 舱盖：{cover.zh}")
    good = dock.cover == "open"
    return Judged(Verdict.PASS if good else Verdict.WAIT, words, {"dock": dock.pole, "cover": dock.cover})


def _open_ground(launch: Launch) -> Judged:
    """A drone whose receiver is led astray may stand under a closed cover and believe to stand beside the dock."""
    poles, state, home = launch.district.poles, launch.link.state, launch.plan.home
    believed = [LatLon(home.lat_deg, home.lon_deg)]
    if state.lat_deg is not None and state.lon_deg is not None:
        believed.append(LatLon(state.lat_deg, state.lon_deg))
    docks = () if poles is None else launch.district.site.site.docks
    for charted in (dock for dock in docks if dock.code not in launch.docks_of_others):
        off_m = min(charted.position.distance_m(place) for place in believed)
        dock = poles.dock(charted.code) if poles and off_m <= BESIDE_DOCK_M else None
        if dock is not None and dock.drone_present:
            words = Words(
                f"the drone believes to stand {off_m:.1f} m from dock {dock.pole}, which says that a drone is in it: "
                "it may be this one",
                f"无人机认为自己距机库 {dock.pole} {off_m:.1f} 米，而该机库报告内有无人机，可能就是本机",
            )
            return Judged(Verdict.WAIT, words, {"dock": dock.pole, "drone_present": True, "off_m": round(off_m, 2)})
    return Judged(Verdict.PASS, Words("takes off from open ground", "从开阔地起飞"), {"dock": ""})


def _stated_dock(launch: Launch) -> Judged:
    """Without a gateway a person must answer for the cover over the drone."""
    person = launch.district.site.file.gates.stated_open_dock
    if not person:
        words = Words(
            f"the drone stands at dock {launch.start_dock}, no gateway can tell whether its cover is open, and nobody "
            "states it under gates.stated_open_dock",
            f"无人机位于机库 {launch.start_dock}，没有网关可确认舱盖是否打开，也无人在 gates.stated_open_dock 中声明",
        )
        return Judged(Verdict.FAIL, words, {"dock": launch.start_dock})
    words = Words(
        f"{person} states that the cover of dock {launch.start_dock} is open",
        f"{person} 声明机库 {launch.start_dock} 舱盖已打开",
    )
    return Judged(Verdict.PASS, words, {"dock": launch.start_dock, "stated_by": person})


def _landing_dock(launch: Launch) -> Judged:
    poles = launch.district.poles
    if not launch.landing_dock:
        return Judged(Verdict.PASS, Words("the mission ends on open ground", "任务在开阔地结束"), {"dock": ""})
    dock = None if poles is None else poles.dock(launch.landing_dock)
    if dock is None or dock.stale:
        words = Words(f"dock {launch.landing_dock} has not reported", f"机库 {launch.landing_dock} 尚无报告")
        return Judged(Verdict.WAIT, words, {"dock": launch.landing_dock})
    why_not = dock.why_not_free(own_drone_on_it=launch.landing_dock == launch.start_dock)
    evidence = {
        "dock": dock.pole,
        "drone_present": dock.drone_present,
        "faults": dock.faults,
        "age_s": round(dock.age_s, 2),
    }
    if why_not is not None:
        words = Words(f"dock {dock.pole}: {why_not.en}", f"机库 {dock.pole}：{why_not.zh}")
        return Judged(Verdict.FAIL, words, evidence)
    words = Words(f"dock {dock.pole} is free and reserved for this flight", f"机库 {dock.pole} 空闲，已为本次飞行预留")
    return Judged(Verdict.PASS, words, evidence)


def _airspace(launch: Launch) -> Judged:
    district = launch.district
    flight = district.state.flights[launch.flight]
    conflicts = district.conflicts_of(launch.plan, launch.flight)
    held = flight.volumes
    evidence = {"volumes": len(held), "zones": len(district.airspace.zones), "conflicts": len(conflicts)}
    if launch.unseen or conflicts or not held:
        reason = conflicts[0].reason() if conflicts else next(iter(launch.unseen), None)
        words = Words(
            reason.text("en") if reason else "no airspace is reserved", reason.text("zh") if reason else "未预留空域"
        )
        return Judged(Verdict.FAIL, words, evidence)
    clearance = launch.plan.min_clearance_m
    near_en = "" if clearance is None else f", nearest zone {clearance:.0f} m away"
    near_zh = "" if clearance is None else f"，最近禁区 {clearance:.0f} 米"
    words = Words(
        f"{len(held)} volumes reserved, no conflict{near_en}", f"已预留 {len(held)} 个空域体，无冲突{near_zh}"
    )
    return Judged(Verdict.PASS, words, evidence)


def _autopilot(launch: Launch) -> Judged:
    for stream in (Stream.SYSTEM, Stream.LANDED):
        if (stale := launch.stale(stream)) is not None:
            return stale
    state = launch.link.state
    evidence = {"mode": state.mode, "armed": state.armed, "prearm_ok": state.prearm_ok, "ekf_flags": state.ekf_flags}
    if state.armed or state.landed_state is not Landed.ON_GROUND:
        words = Words("the drone is armed or in the air already", "无人机已解锁或已在空中")
        return Judged(Verdict.FAIL, words, evidence)
    if state.boots != launch.boots:
        words = Words("the autopilot restarted since the plan was made", "规划之后飞控重新启动过")
        return Judged(Verdict.FAIL, words, {**evidence, "boots": state.boots})
    # without this flag the pre-arm check of another mode may be what the last status told
    positioned = bool((state.ekf_flags or 0) & EKF_POS_HORIZ_ABS)
    if state.mode != "GUIDED" or not state.prearm_ok or not positioned:
        said = [text.text for text in state.texts if "Arm: " in text.text]
        why = f": {said[-1]}" if said else ""
        words = Words(f"not ready to arm in {state.mode}{why}", f"{state.mode} 模式下尚不能解锁{why}")
        return Judged(Verdict.WAIT, words, evidence)
    return Judged(Verdict.PASS, Words("ready to arm in GUIDED", "GUIDED 模式下可以解锁"), evidence)


@dataclass(frozen=True, slots=True)
class Gate:
    """One row of the table."""

    code: str
    words: Words
    judge: Callable[[Launch], Judged]


AIRSPACE = Gate("airspace", Words("airspace", "空域"), _airspace)
GATES: tuple[Gate, ...] = (
    Gate("link", Words("link", "链路"), _link),
    Gate("home", Words("take-off place", "起飞点"), _home),
    Gate("fix", Words("satellite fix", "卫星定位"), _fix),
    Gate("battery", Words("battery", "电量"), _battery),
    Gate("wind", Words("wind", "风速"), _wind),
    Gate("start-dock", Words("take-off dock", "起飞机库"), _start_dock),
    Gate("landing-dock", Words("landing dock", "降落机库"), _landing_dock),
    AIRSPACE,
    Gate("autopilot", Words("autopilot", "飞控"), _autopilot),
)


async def looked(launch: Launch) -> Launch:
    """The launch after a look at the shared register: the gates know nothing newer than the last look."""
    return replace(launch, unseen=await launch.district.unseen(launch.flight))


def judge_all(launch: Launch) -> dict[str, Judged]:
    """What every gate says now, by its code, in the order of the table."""
    return {gate.code: gate.judge(launch) for gate in GATES}
