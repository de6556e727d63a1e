"""Words of the command line that stand for a height or a moment."""

from __future__ import annotations

import re
from datetime import datetime

from airspace.frames import Datum, Height, LatLon
from airspace.reach import REACH_M
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.schedules import BEGINNING_S
from airspace.volumes import FOREVER_S

BAD_HEIGHT = Rule(
    "asked.height",
    Words("{text!r} is not a height over a named surface", "{text!r} 不是带基准面的高度"),
    Words(
        "Write metres and what they count from: 60agl, 168amsl or 148.6ellipsoidal.",
        "请写出米数及其基准：60agl（离地）、168amsl（海拔）或 148.6ellipsoidal（大地高）。",
    ),
)
BAD_MOMENT = Rule(
    "asked.time",
    Words("{text!r} is not a time with its offset", "{text!r} 不是带时区的时刻"),
    Words("Write it as 2026-05-18T18:30:00+08:00.", "请写成 2026-05-18T18:30:00+08:00。"),
)
BEYOND_CHARTS = Rule(
    "asked.beyond-charts",
    Words("no chart says anything of {text}", "没有图表涉及 {text}"),
    Words("Ask about a time between 1970 and 2100.", "请询问 1970 年至 2100 年之间的时刻。"),
)
FAR_AWAY = Rule(
    "asked.far",
    Words(
        "{place} is {away_km:.0f} km from the site's origin, where none of its zones are known",
        "{place} 距站点原点 {away_km:.0f} 千米，站点不掌握该处的区域",
    ),
    Words(
        "Ask a site within {most_km:.0f} km of it, with --site.",
        "请用 --site 指定距该处 {most_km:.0f} 千米以内的站点。",
    ),
)
IN_THE_GROUND = Rule(
    "asked.in-the-ground",
    Words("{height} is {under_m:.0f} m under the ground there", "{height} 在该处地面以下 {under_m:.0f} 米"),
    Words("Give a height above the ground.", "请给出高于地面的高度。"),
)
BAD_PLACE = Rule(
    "asked.place",
    Words("{lat:g}, {lon:g} is no place on Earth", "{lat:g}, {lon:g} 不是地球上的位置"),
    Words(
        "Latitude (-90 to 90) comes first, then longitude (-180 to 180).",
        "先纬度（-90 至 90），后经度（-180 至 180）。",
    ),
)

_HEIGHT = re.compile(r"([+-]?\d{1,6}(?:\.\d+)?)\s*m?\s*(agl|amsl|ellipsoidal)", re.IGNORECASE | re.ASCII)


def read_height(text: str) -> Height:
    """A height such as `60agl`. Raises `Refused` for one that does not say what it counts from."""
    found = _HEIGHT.fullmatch(text.strip())
    if found is None:
        raise Refused([Reason(BAD_HEIGHT, "HEIGHT", {"text": text})])
    return Height(float(found[1]), Datum(found[2].lower()))


def read_moment(text: str, where: str) -> float:
    """An RFC 3339 time with its offset as UTC seconds. Raises `Refused` for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused([Reason(BAD_MOMENT, where, {"text": text})])
    at_s = at.timestamp()
    if not BEGINNING_S <= at_s < FOREVER_S:
        raise Refused([Reason(BEYOND_CHARTS, where, {"text": text})])
    return at_s


def far_away(position: LatLon, origin: LatLon) -> Reason:
    """Why a site of an origin is not asked about a position: it knows no zones there."""
    facts = {"place": str(position), "away_km": origin.distance_m(position) / 1000, "most_km": REACH_M / 1000}
    return Reason(FAR_AWAY, str(position), facts)
