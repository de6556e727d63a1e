"""The kinds of zones that a chart may hold, with the rule behind each."""

from __future__ import annotations

from dataclasses import dataclass

from airspace.reasons import Words

# Interim Regulations on the Flight Management of Unmanned Aircraft, in force since 2024-01-01
_LAW = "Interim Regulations art."
_LAW_ZH = "《无人驾驶航空器飞行管理暂行条例》第"


@dataclass(frozen=True, slots=True)
class ZoneKind:
    """One kind: what it is called, and why nobody flies there unasked."""

    words: Words
    rule: Words


def _listed(en: str, zh: str) -> ZoneKind:
    return ZoneKind(Words(en, zh), Words(f"{en}, {_LAW} 19", f"{zh}，{_LAW_ZH}十九条"))


ZONE_KINDS: dict[str, ZoneKind] = {
    "airport": _listed("airport and its surroundings", "机场及周边"),
    "hospital-pad": ZoneKind(
        Words("hospital helicopter pad", "医院直升机起降点"),
        Words(f"manned flights go first, {_LAW} 33", f"避让有人驾驶航空器，{_LAW_ZH}三十三条"),
    ),
    "no-fly": _listed("prohibited area", "禁飞区"),
    "restricted": _listed("restricted area", "限制区"),
    "danger": ZoneKind(Words("danger area", "危险区"), Words("danger area", "危险区")),
    "temporary": ZoneKind(
        Words("temporary controlled airspace", "临时管制空域"),
        Words(f"temporary controlled airspace, {_LAW} 20", f"临时管制空域，{_LAW_ZH}二十条"),
    ),
    "military": _listed("military site", "军事禁区"),
    "nuclear": _listed("nuclear facility", "核设施"),
    "hazardous-goods": _listed("site of flammable, explosive or toxic goods", "易燃易爆等危险品场所"),
    "power": _listed("power plant or substation", "发电厂或变电站"),
    "fuel": _listed("fuel or gas station", "加油（气）站"),
    "water-supply": _listed("water supply or drinking-water source", "供水厂或饮用水水源地"),
    "transport-hub": _listed("public transport hub", "公共交通枢纽"),
    "port": _listed("port", "港口"),
    "motorway": _listed("motorway", "高速公路"),
    "railway": _listed("electrified railway", "电气化铁路"),
    "radio": _listed("radio astronomy, satellite control, navigation or radar site", "射电、测控、导航或雷达台站"),
    "monument": _listed("key monument", "重点文物保护单位"),
    "border": _listed("national border", "国界线周边"),
}
