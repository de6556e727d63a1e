"""A country that publishes its zones after ED-269 and adds nothing to Europe's common rules.

Regulation (EU) 2019/947 (open category: art. 4 and Annex part A; zones: art. 15), Delegated Regulation (EU) 2019/945
(classes C0 to C4), Regulation (EU) 2021/664 (U-space). Anything beyond the open category is applied for.
"""

from __future__ import annotations

from airspace.charted import Restriction
from airspace.reasons import Words
from airspace.rules.facts import FlightFacts
from airspace.rules.findings import Finding, Requirement, all_hold, at_least, below, either, must, negated
from airspace.rules.jurisdiction import Ask, DeadlineRule, DroneClass, Jurisdiction, Moment, ZoneAsk
from airspace.sun import CIVIL_TWILIGHT_DEG


def _article(name: str) -> Words:
    return Words(f"Regulation (EU) 2019/947 {name}", f"欧盟 2019/947 号条例 {name}")


DRONE_CLASSES = (
    DroneClass("C0", Words("C0", "C0 类"), mtow_below_kg=0.25, speed_most_mps=19.0),
    DroneClass("C1", Words("C1", "C1 类"), mtow_below_kg=0.9, speed_most_mps=19.0),
    DroneClass("C2", Words("C2", "C2 类"), mtow_below_kg=4.0),
    DroneClass("C3", Words("C3", "C3 类"), mtow_below_kg=25.0, size_below_m=3.0),
    DroneClass("C4", Words("C4", "C4 类"), mtow_below_kg=25.0),
)
CLASSING = Requirement(
    "class",
    Words("Delegated Regulation (EU) 2019/945 Annex", "欧盟 2019/945 号授权条例附件"),
    Words("a class mark that is true of the drone (found: {found})", "类别标识与航空器相符（结果：{found}）"),
    Words("Give the mark, the masses and the greatest speed.", "请提供类别标识、重量与最大速度。"),
)
HEIGHT = Requirement(
    "height",
    _article("UAS.OPEN.010(2)"),
    Words("within {most_m:g} m of the ground", "距地面不超过 {most_m:g} 米"),
    Words("Stay lower, or apply for an operational authorisation.", "请降低高度，或申请运行授权。"),
)
ZONE = Requirement(
    "zone",
    Words("field restriction, ED-269", "字段 restriction，ED-269"),
    Words("zone {zone}: {asks}", "区域 {zone}：{asks}"),
    Words("Keep out of it, or ask its zoneAuthority.", "请避开该区域，或联系其 zoneAuthority。"),
)
APPLICATION = Requirement(
    "application",
    _article("art. 5"),
    Words("the open category, or an operational authorisation", "属于开放类，或已取得运行授权"),
    Words(
        "Keep to art. 4, or apply to the authority with a risk assessment (art. 11 and 12).",
        "请符合第 4 条要求，或附风险评估向主管部门申请（第 11、12 条）。",
    ),
)


def _zone_ask(ask: Ask, value: str, en: str, zh: str) -> ZoneAsk:
    return ZoneAsk(
        ask, Words(en, zh), Words(f"field restriction = {value}, ED-269", f"字段 restriction = {value}，ED-269")
    )


RESTRICTION_ASKS = {
    Restriction.PROHIBITED: _zone_ask(Ask.CLOSED, "PROHIBITED", "closed", "禁止飞行"),
    Restriction.AUTHORISATION: _zone_ask(
        Ask.AUTHORISATION, "REQ_AUTHORISATION", "to be asked for at its authority", "需向其主管方申请"
    ),
    Restriction.CONDITIONAL: _zone_ask(
        Ask.AUTHORISATION, "CONDITIONAL", "open on its restrictionConditions", "须符合其 restrictionConditions"
    ),
    Restriction.NONE: _zone_ask(Ask.NOTHING, "NO_RESTRICTION", "asks nothing", "无要求"),
}
_MANNED = ZoneAsk(
    Ask.NOTICE,
    Words("manned aircraft fly here: agree with whoever runs it", "有人驾驶航空器活动：请与管理方协调"),
    _article("UAS.OPEN.060(2)(b)"),
)
KIND_ASKS = {
    **dict.fromkeys(("aerodrome-traffic", "gliding", "sporting", "visual-route"), _MANNED),
    "u-space": ZoneAsk(
        Ask.AUTHORISATION,
        Words("a flight authorisation of a U-space service provider", "需取得 U-space 服务商的飞行授权"),
        Words("Regulation (EU) 2021/664 art. 10", "欧盟 2021/664 号条例第 10 条"),
    ),
}

REGISTERED = Requirement(
    "registration",
    _article("art. 14(5)"),
    Words("a registered operator, but for C0", "运营人已登记（C0 类除外）"),
    Words("Register as an operator.", "请登记为运营人。"),
)
REMOTE_ID = Requirement(
    "remote-identification",
    Words("Delegated Regulation (EU) 2019/945 Annex parts 2 to 4", "欧盟 2019/945 号授权条例附件第 2 至 4 部分"),
    Words("C1 to C3 send direct remote identification", "C1 至 C3 类发送直接远程识别信息"),
    Words("Switch it on and keep it up to date.", "请开启并保持更新。"),
)
COMPETENCE = Requirement(
    "competence",
    _article("UAS.OPEN.020 to 040"),
    Words("a pilot who passed the test of the subcategory, but for C0", "操控员通过相应子类考试（C0 类除外）"),
    Words("Take the online training and the test.", "请完成在线培训并通过考试。"),
)
GREEN_LIGHT = Requirement(
    "lights",
    _article("UAS.OPEN.060(2)(g)"),
    Words("a green flashing light at night", "夜间开启绿色闪光灯"),
    Words("Switch it on, or fly by day.", "请开启，或改在昼间飞行。"),
)
GEO_AWARENESS = Requirement(
    "geofence",
    _article("UAS.OPEN.060(1)(a)"),
    Words("the pilot has up-to-date information on zones", "操控员已掌握最新的地理区域信息"),
    Words("Update it before the flight.", "请在飞行前更新。"),
)


def _people(facts: FlightFacts, drone_class: str | None) -> bool | None:
    """The distance to people that the subcategory of a class asks: A1, A2 (30 m), A3 (150 m from built-up areas)."""
    match drone_class:
        case None:
            return None
        case "C0" | "C1":
            return negated(facts.over_assembly)
        case "C2":
            return all_hold(negated(facts.over_assembly), at_least(facts.from_people_m, 30.0))
        case _:
            return all_hold(negated(facts.over_assembly), at_least(facts.from_built_up_m, 150.0))


def _open_category(facts: FlightFacts, drone_class: str | None, country: Jurisdiction) -> bool | None:
    """Whether the flight keeps all of art. 4, so that nobody needs to be asked; zones ask for themselves."""
    return all_hold(
        None if drone_class is None else True,
        below(facts.drone.mtow_kg, 25.0),
        negated(facts.beyond_sight),
        country.in_height(facts),
        negated(facts.dangerous_goods),
        negated(facts.drops),
        _people(facts, drone_class),
    )


def _drone_and_people(facts: FlightFacts, drone_class: str | None) -> list[Finding]:
    lightest = None if drone_class is None else drone_class == "C0"
    silent = None if drone_class is None else drone_class in ("C0", "C4")
    return [
        must(REGISTERED, either(lightest, facts.drone.registered)),
        must(REMOTE_ID, either(silent, facts.drone.broadcasts_id)),
        must(COMPETENCE, either(lightest, facts.licensed)),
        must(GREEN_LIGHT, either(negated(facts.at_night), facts.lights)),
        must(GEO_AWARENESS, facts.geofence_current),
    ]


def _special_operations_first(own: int, other: int) -> bool:
    """Regulation (EU) 2021/664 art. 10: special operations go first, equals in the order in which they were filed."""
    return own > other


ED269_COUNTRY = Jurisdiction(
    name="ed269",
    words=Words("a country with ED-269 zones", "采用 ED-269 区域的国家"),
    time_zone="UTC",
    drone_classes=DRONE_CLASSES,
    class_by_mark=True,
    classing=CLASSING,
    height_most_agl_m=120.0,
    height_reached=True,
    height=HEIGHT,
    night_below_deg=CIVIL_TWILIGHT_DEG,  # Regulation (EU) No 923/2012 art. 2(97)
    zone=ZONE,
    kind_asks=KIND_ASKS,
    restriction_asks=RESTRICTION_ASKS,
    application=APPLICATION,
    exempt=_open_category,
    checks=(_drone_and_people,),
    deadline_rules=(
        DeadlineRule(
            "incident-report",
            Words("report the occurrence", "报告事件"),
            Words("Regulation (EU) No 376/2014 art. 4(7)", "欧盟 376/2014 号条例第 4 条第 7 款"),
            Moment.INCIDENT,
            -72 * 3600.0,
        ),
    ),
    may_overlap=_special_operations_first,
    scenario=Requirement(
        "scenario",
        _article("Annex appendix 1"),
        Words("a standard scenario that is known, not {scenario}", "已知的标准场景，而非 {scenario}"),
        Words("Name one of: {known}.", "可选：{known}。"),
    ),
)
