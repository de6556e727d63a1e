"""China: the Interim Regulations on the Flight Management of Unmanned Aircraft (State Council and CMC, order 761).

In force since 2024-01-01; identification as GB 46750-2025 asks, registration as GB 46761-2025 does, both in force since
2026-05-01. docs/rules.md says article by article what is here and what is not.
"""

from __future__ import annotations

from airspace.charted import Restriction
from airspace.reasons import Words
from airspace.rules.facts import FlightFacts, Purpose
from airspace.rules.findings import (
    Finding,
    Requirement,
    Status,
    all_hold,
    at_most,
    either,
    granted,
    must,
    negated,
)
from airspace.rules.fixed_facility import FIXED_FACILITY
from airspace.rules.jurisdiction import Ask, DeadlineRule, DroneClass, Jurisdiction, Moment, ZoneAsk
from airspace.sun import RISE_AND_SET_DEG

KMH = 1000.0 / 3600.0  # [m/s]


def _article(number: int, zh: str) -> Words:
    return Words(f"Interim Regulations art. {number}", f"《无人驾驶航空器飞行管理暂行条例》第{zh}条")


# -- drones (art. 62) --------------------------------------------------------------------------------------------------

MICRO, LIGHT, SMALL = "micro", "light", "small"
DRONE_CLASSES = (
    DroneClass(
        MICRO,
        Words("micro", "微型"),
        empty_below_kg=0.25,
        height_most_agl_m=50.0,
        speed_most_mps=40.0 * KMH,
        abilities=("low_power_radio", "manual_takeover"),
    ),
    DroneClass(
        LIGHT,
        Words("light", "轻型"),
        empty_most_kg=4.0,
        mtow_most_kg=7.0,
        speed_most_mps=100.0 * KMH,
        abilities=("holds_airspace", "surveillance"),
    ),
    DroneClass(
        SMALL,
        Words("small", "小型"),
        empty_most_kg=15.0,
        mtow_most_kg=25.0,
        abilities=("holds_airspace", "surveillance"),
    ),
    DroneClass("medium", Words("medium", "中型"), mtow_most_kg=150.0),
    DroneClass("large", Words("large", "大型"), mtow_above_kg=150.0),
)
CLASSING = Requirement(
    "class",
    _article(62, "六十二"),
    Words("the drone's class is known (found: {found})", "航空器分类明确（结果：{found}）"),
    Words(
        "Give its masses, its greatest speed and height, and what it is able to do.",
        "请提供重量、最大速度、最大高度及相关能力。",
    ),
)

# -- airspace (art. 19 and 20) -----------------------------------------------------------------------------------------

# 'Above 120 m' (120米以上) normally includes the number, so 120 m itself is not planned.
HEIGHT_LIMIT_M = 120.0
HEIGHT = Requirement(
    "height",
    _article(19, "十九"),
    Words("a true height below {most_m:g} m", "真高低于 {most_m:g} 米"),
    Words("Stay lower, or apply: it is controlled airspace.", "请降低高度，或申请管制空域飞行。"),
)
ZONE = Requirement(
    "zone",
    _article(19, "十九"),
    Words("zone {zone}: {asks}", "区域 {zone}：{asks}"),
    Words("Keep out of it, or obtain what it asks for.", "请避开该区域，或取得所需许可。"),
)
_CONTROLLED = ZoneAsk(
    Ask.AUTHORISATION,
    Words("controlled airspace, to be applied for", "管制空域，需申请"),
    _article(19, "十九"),
)
_CHARTED = _article(19, "十九")
CONTROLLED_KINDS = (
    *("airport", "restricted", "military", "nuclear", "hazardous-goods", "power", "fuel", "water-supply"),
    *("transport-hub", "port", "motorway", "railway", "radio", "monument", "border"),
    *("control-zone", "aerodrome-traffic", "military-traffic", "military-training"),
)
KIND_ASKS = {
    **dict.fromkeys(CONTROLLED_KINDS, _CONTROLLED),
    "no-fly": ZoneAsk(Ask.CLOSED, Words("closed", "禁止飞行"), _article(19, "十九")),
    "temporary": ZoneAsk(
        Ask.AUTHORISATION,
        Words("temporary controlled airspace, to be applied for", "临时管制空域，需申请"),
        _article(20, "二十"),
    ),
    "hospital-pad": ZoneAsk(
        Ask.NOTICE,
        Words("manned aircraft go first: agree with whoever runs the pad", "避让有人驾驶航空器：请与起降点管理方协调"),
        _article(33, "三十三"),
    ),
}
RESTRICTION_ASKS = {
    Restriction.PROHIBITED: ZoneAsk(Ask.CLOSED, Words("closed", "禁止飞行"), _CHARTED),
    Restriction.AUTHORISATION: ZoneAsk(Ask.AUTHORISATION, Words("to be applied for", "需申请"), _CHARTED),
    Restriction.CONDITIONAL: ZoneAsk(
        Ask.AUTHORISATION, Words("open on conditions, to be applied for", "附条件开放，需申请"), _CHARTED
    ),
    Restriction.NONE: ZoneAsk(Ask.NOTHING, Words("asks nothing", "无要求"), _CHARTED),
}

# -- applying (art. 26, 29, 30 and 31) ---------------------------------------------------------------------------------

APPLICATION = Requirement(
    "application",
    _article(26, "二十六"),
    Words("an approved application, unless art. 31 needs none", "飞行申请已获批准（第三十一条免申请的除外）"),
    Words(
        "Apply by 12:00 of the day before; have the five cases of art. 31 cleared by name if none applies.",
        "请于飞行前一日 12 时前申请；第三十一条五种情形如均不涉及，须由具名人员确认。",
    ),
)
CONFIRMATION = Requirement(
    "takeoff-confirmation",
    _article(30, "三十"),
    Words("a take-off confirmed by the control unit", "起飞前经空中交通管理机构确认"),
    Words("Report the expected take-off at least 1 h before.", "请在起飞 1 小时前报告预计起飞时间。"),
)


def _case(code: str, en: str, zh: str) -> Requirement:
    return Requirement(
        f"special.{code}",
        _article(31, "三十一"),
        Words(f"no {en}, by somebody's name", f"未涉及{zh}（具名确认）"),
        Words(
            "Apply for the flight, or have a person who may do so clear this case.",
            "请申请飞行，或由有权人员确认不涉及。",
        ),
    )


RELAY, GOODS, ASSEMBLY, VEHICLE, SWARM = "relay", "goods", "assembly", "vehicle", "swarm"
SPECIAL_CASES = {
    RELAY: _case(RELAY, "relaying through base stations or the internet", "通过通信基站或互联网的中继飞行"),
    GOODS: _case(GOODS, "dangerous goods on board and nothing dropped", "运载危险品或投放物品"),
    ASSEMBLY: _case(ASSEMBLY, "flight over assembled people", "飞越集会人群上空"),
    VEHICLE: _case(VEHICLE, "operation from a moving vehicle", "在移动的交通工具上操控"),
    SWARM: _case(SWARM, "distributed operation or swarm", "分布式操作或集群飞行"),
}


def _open_cases(facts: FlightFacts) -> set[str]:
    """The cases that nobody has cleared, or that a known fact says apply, whoever cleared them."""
    apply = {
        GOODS: facts.dangerous_goods or facts.drops,
        ASSEMBLY: facts.over_assembly,
        VEHICLE: facts.from_moving_vehicle,
        SWARM: facts.drones_per_pilot is not None and facts.drones_per_pilot > 1,
    }
    cleared = {one.case for one in facts.cleared}
    return {case for case in SPECIAL_CASES if case not in cleared or apply.get(case)}


def _special(facts: FlightFacts, _drone_class: str | None) -> list[Finding]:
    """The five cases: each is taken to apply until somebody has cleared it, or the flight is approved with it."""
    approved = bool(facts.granted.get("application", "").strip())
    still_open = _open_cases(facts)
    return [
        Finding(requirement, Status.NEEDED if case in still_open and not approved else Status.SATISFIED, case)
        for case, requirement in SPECIAL_CASES.items()
    ]


def _exempt(facts: FlightFacts, drone_class: str | None, china: Jurisdiction) -> bool | None:
    """Art. 31: no application for micro to small in suitable airspace and routine agriculture, unless a case applies.

    Art. 61: what cannot identify itself must always apply.
    """
    cases = _open_cases(facts)
    drone = facts.drone
    micro = None if drone_class is None else drone_class == MICRO
    small = None if drone_class is None else drone_class in (MICRO, LIGHT, SMALL)
    if facts.purpose is Purpose.AGRICULTURAL:
        free = all_hold(
            at_most(drone.mtow_kg, 150.0),
            at_most(facts.highest_agl_m, 30.0),
            at_most(drone.speed_most_mps, 50.0 * KMH),
            at_most(facts.reach_m, 2000.0),
            drone.holds_airspace,
            drone.surveillance,
        )
        cases.discard(GOODS)
    else:
        free = all_hold(small, china.in_open_airspace(facts))
    return all_hold(not cases, free, drone.broadcasts_id, either(micro, drone.reports_id))


def _confirmation(facts: FlightFacts, drone_class: str | None) -> list[Finding]:
    if facts.purpose in (Purpose.EMERGENCY, Purpose.SPECIAL_EMERGENCY):
        return []
    exempt = _exempt(facts, drone_class, CHINA)
    reference = "not needed" if exempt else facts.granted.get("takeoff-confirmation", "")
    return [granted(CONFIRMATION, reference)]


# -- the drone and its people (art. 11, 12, 16, 24 and 32) -------------------------------------------------------------

REGISTERED = Requirement(
    "registration",
    Words("GB 46761-2025", "GB 46761-2025"),
    Words("the drone is registered and activated", "航空器已实名登记并激活"),
    Words("Register and activate it on the UOM platform.", "请在 UOM 平台登记并激活。"),
)
NETWORK_ID = Requirement(
    "network-identification",
    _article(24, "二十四"),
    Words("identification reported to UOM in flight, but for micro", "飞行中向 UOM 平台报送识别信息（微型除外）"),
    Words("Fit a module after GB 46750-2025 and test it.", "请安装符合 GB 46750-2025 的模块并自检。"),
)
BROADCAST_ID = Requirement(
    "broadcast-identification",
    _article(24, "二十四"),
    Words("micro, light and small broadcast their identification", "微型、轻型、小型主动广播识别信息"),
    Words("Fit a module after GB 46750-2025 and test it.", "请安装符合 GB 46750-2025 的模块并自检。"),
)
CERTIFICATE = Requirement(
    "operating-certificate",
    _article(11, "十一"),
    Words("the operator is certified, but for micro", "运营人持有运营合格证（微型除外）"),
    Words("Apply for the operating certificate.", "请申请运营合格证。"),
)
INSURANCE = Requirement(
    "insurance",
    _article(12, "十二"),
    Words("liability insurance for business, and from small on for all", "经营性飞行及小型以上飞行已投保责任险"),
    Words("Insure the operation.", "请投保责任保险。"),
)
LICENCE = Requirement(
    "licence",
    _article(16, "十六"),
    Words("a licensed pilot from small on", "小型及以上由持照人员操控"),
    Words("Have it flown by somebody with a licence for its class.", "请由持有相应执照的人员操控。"),
)
LIGHTS = Requirement(
    "lights",
    _article(32, "三十二"),
    Words("lights on at night", "夜间开启灯光"),
    Words("Switch them on, or fly by day.", "请开启灯光，或改在昼间飞行。"),
)
IN_SIGHT = Requirement(
    "in-sight",
    _article(32, "三十二"),
    Words("micro stays in sight", "微型保持视距内飞行"),
    Words("Keep it in sight, or take a larger one.", "请保持视距内，或使用更高类别航空器。"),
)
GEOFENCE = Requirement(
    "geofence",
    _article(32, "三十二"),
    Words("geofence data is up to date before the flight", "飞行前已更新电子围栏数据"),
    Words("Update it.", "请更新。"),
)


def _drone_and_people(facts: FlightFacts, drone_class: str | None) -> list[Finding]:
    drone = facts.drone
    micro = None if drone_class is None else drone_class == MICRO
    lightest = None if drone_class is None else drone_class in (MICRO, LIGHT)
    larger = None if drone_class is None else drone_class not in (MICRO, LIGHT, SMALL)
    return [
        must(REGISTERED, drone.registered),
        must(NETWORK_ID, either(micro, drone.reports_id)),
        must(BROADCAST_ID, either(larger, drone.broadcasts_id)),
        must(CERTIFICATE, either(micro, facts.certified)),
        must(INSURANCE, either(all_hold(lightest, negated(facts.commercial)), facts.insured)),
        must(LICENCE, either(lightest, facts.licensed)),
        must(LIGHTS, either(negated(facts.at_night), facts.lights)),
        must(IN_SIGHT, either(negated(micro), negated(facts.beyond_sight))),
        must(GEOFENCE, facts.geofence_current),
    ]


# -- times -------------------------------------------------------------------------------------------------------------

DEADLINE_RULES = (
    DeadlineRule(
        "apply", Words("apply", "提出申请"), _article(26, "二十六"), Moment.TAKE_OFF, days_before=1, clock_h=12.0
    ),
    DeadlineRule(
        "decision", Words("decision", "作出决定"), _article(26, "二十六"), Moment.TAKE_OFF, days_before=1, clock_h=21.0
    ),
    DeadlineRule(
        "confirm-takeoff", Words("report the take-off", "报告起飞"), _article(30, "三十"), Moment.TAKE_OFF, 3600.0
    ),
    DeadlineRule(
        "emergency-apply", Words("apply", "提出申请"), _article(29, "二十九"), Moment.EMERGENCY_TAKE_OFF, 1800.0
    ),
    DeadlineRule(
        "emergency-decision", Words("decision", "作出决定"), _article(29, "二十九"), Moment.EMERGENCY_TAKE_OFF, 600.0
    ),
    DeadlineRule(
        "incident-report", Words("report the incident", "报告事件"), _article(40, "四十"), Moment.INCIDENT, -86400.0
    ),
    DeadlineRule(
        "publish", Words("publish the restriction", "发布临时管制"), _article(20, "二十"), Moment.RESTRICTION, 86400.0
    ),
    DeadlineRule(
        "urgent-publish",
        Words("publish the restriction", "发布临时管制"),
        _article(20, "二十"),
        Moment.URGENT_RESTRICTION,
        1800.0,
    ),
)


def _first_come(_own: int, _other: int) -> bool:
    """Art. 33 says who gives way in the air; no article lets a flight be planned over another that was approved."""
    return False


CHINA = Jurisdiction(
    name="china",
    words=Words("China", "中国"),
    time_zone="Asia/Shanghai",
    drone_classes=DRONE_CLASSES,
    class_by_mark=False,
    classing=CLASSING,
    height_most_agl_m=HEIGHT_LIMIT_M,
    height_reached=False,
    height=HEIGHT,
    night_below_deg=RISE_AND_SET_DEG,  # the text does not say what night is: from sunset to sunrise asks for more
    zone=ZONE,
    kind_asks=KIND_ASKS,
    restriction_asks=RESTRICTION_ASKS,
    application=APPLICATION,
    exempt=_exempt,
    checks=(_special, _confirmation, _drone_and_people),
    deadline_rules=DEADLINE_RULES,
    may_overlap=_first_come,
    scenario=Requirement(
        "scenario",
        Words("field scenario", "字段 scenario"),
        Words("a standard scenario that is known, not {scenario}", "已知的标准场景，而非 {scenario}"),
        Words("Name one of: {known}.", "可选：{known}。"),
    ),
    scenarios={"fixed-facility": FIXED_FACILITY},
    cases=tuple(SPECIAL_CASES),
)
