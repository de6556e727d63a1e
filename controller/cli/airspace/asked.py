"""Words of the command line that stand for a height or a moment."""

from __future__ import annotations

import re
from datetime import datetime

from airspace.frames import Datum, Height
from airspace.reasons import Reason, Refused, Rule, Words

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
    return at.timestamp()
