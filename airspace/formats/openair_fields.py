"""The fields of OpenAir records, each read to a value or to None with a reason: positions, heights, lengths, times.

Sources: the OpenAir description of 1999 and Naviter's extended OpenAir 2.1.2. Positions are WGS 84 and are taken as
CGCS2000: the two differ by less than a metre, which the margins of a route count.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from airspace.charted import UNLIMITED
from airspace.formats import chart_rules
from airspace.formats import openair_rules as rules
from airspace.formats.chart import Chart, shown
from airspace.formats.chart_fields import HEIGHT_RANGES_M, METRES, rfc3339
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import BEGINNING_S
from airspace.volumes import FOREVER_S

FOOT_M = 0.3048
NAUTICAL_MILE_M = 1852.0
FLIGHT_LEVEL_M = 100 * FOOT_M
GROUND = Height(0.0, Datum.AGL)

_ANGLE = r"(\d{1,3}(?:\.\d{1,15})?)(?::(\d{1,2}(?:\.\d{1,15})?))?(?::(\d{1,2}(?:\.\d{1,15})?))?\s*"
# A word after the position labels the corner, as in the sample of 1999; it is no part of the outline.
_POSITION = re.compile(rf"{_ANGLE}([NS])[\s,]*{_ANGLE}([EW])(?:\s+[A-Z]\w{{0,31}})?", re.ASCII | re.IGNORECASE)
_GROUND = re.compile(r"GND|A?SFC|GROUND|SURFACE", re.ASCII)
_UNLIMITED = re.compile(r"UNL|UNLIM|UNLIMITED|UNLTD|UNLD", re.ASCII)
_LEVEL = re.compile(r"FL\s*(\d{1,3}(?:\.\d{1,3})?)", re.ASCII)
_VALUE = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)\s*(FT|FEET|F|M)?\s*(A?MSL|ASL|AGL|GND|A?SFC|STD)?", re.ASCII)
_REMARK = re.compile(r"\s*\([^()]*\)\s*$")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,9})?", re.ASCII)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?Z", re.ASCII)

_DATUMS = {
    "": Datum.AMSL,  # the description of 1999 leaves it out: above mean sea level
    "MSL": Datum.AMSL,
    "AMSL": Datum.AMSL,
    "ASL": Datum.AMSL,
    "AGL": Datum.AGL,
    "GND": Datum.AGL,
    "SFC": Datum.AGL,
    "ASFC": Datum.AGL,
    "STD": Datum.PRESSURE,
}
_EXPECTED = {
    1: Words("a number", "一个数值"),
    3: Words("a radius in nautical miles and two bearings in degrees", "半径（海里）与两个方位角（度）"),
}


def read_position(chart: Chart, text: str, at: str) -> LatLon | None:
    """Latitude and longitude in degrees with minutes and seconds, or decimals of the last part that is given."""
    found = _POSITION.fullmatch(text.strip())
    if found is not None:
        north, n_minutes, n_seconds, pole, east, e_minutes, e_seconds, side = found.groups()
        lat_deg, lon_deg = _angle(north, n_minutes, n_seconds, 90.0), _angle(east, e_minutes, e_seconds, 180.0)
        if lat_deg is not None and lon_deg is not None:
            return LatLon(-lat_deg if pole in "Ss" else lat_deg, -lon_deg if side in "Ww" else lon_deg)
    chart.add(rules.POSITION, at, found=shown(text))
    return None


def _angle(degrees: str, minutes: str | None, seconds: str | None, most_deg: float) -> float | None:
    if ("." in degrees and minutes is not None) or (minutes is not None and "." in minutes and seconds is not None):
        return None  # only the last part that is given may have decimals
    of_minutes, of_seconds = float(minutes or 0), float(seconds or 0)
    if of_minutes >= 60.0 or of_seconds >= 60.0:
        return None
    angle_deg = (float(degrees) * 3600.0 + of_minutes * 60.0 + of_seconds) / 3600.0
    return angle_deg if angle_deg <= most_deg else None


def read_height(chart: Chart, text: str, at: str, *, is_ceiling: bool) -> Height | None:
    """A height over its datum: metres or feet above the sea, the ground or the standard pressure, or a flight level.

    A remark in brackets at the end is passed over: it can only say that the zone is closed less often. A floor of 0
    without a datum is the ground, also where that lies below the sea. A ceiling without a limit, or higher than any
    height that is known here, is `UNLIMITED`.
    """
    wanted = _REMARK.sub("", text.upper()).strip()
    height: Height | None = None
    if _GROUND.fullmatch(wanted):
        height = GROUND
    elif is_ceiling and _UNLIMITED.fullmatch(wanted):
        height = UNLIMITED
    elif level := _LEVEL.fullmatch(wanted):
        height = Height(float(level.group(1)) * FLIGHT_LEVEL_M, Datum.PRESSURE)
    elif value := _VALUE.fullmatch(wanted):
        metres = float(value.group(1)) * (1.0 if value.group(2) == "M" else FOOT_M)
        is_ground = metres == 0.0 and value.group(3) is None and not is_ceiling
        height = GROUND if is_ground else Height(metres, _DATUMS[value.group(3) or ""])
    if height is None:
        chart.add(rules.HEIGHT, at, found=shown(text))
        return None
    low_m, high_m = HEIGHT_RANGES_M[height.datum]
    if is_ceiling and height.value_m > high_m:
        return UNLIMITED
    if not low_m <= height.value_m <= high_m:
        facts = {"found": shown(text), "low": low_m, "high": high_m, "unit": METRES}
        chart.add(chart_rules.OUT_OF_RANGE, at, **facts)
        return None
    return height


def read_numbers(chart: Chart, text: str, at: str, count: int) -> list[float] | None:
    """So many numbers that are not negative, with commas between them."""
    parts = [part.strip() for part in text.split(",", count)]
    if len(parts) == count and all(_NUMBER.fullmatch(part) for part in parts):
        return [float(part) for part in parts]
    chart.add(rules.NUMBERS, at, found=shown(text), expected=_EXPECTED[count])
    return None


def read_window(chart: Chart, text: str, at: str) -> tuple[float, float] | None:
    """An interval START/END [s UTC], either of which may be NONE: without a beginning, without an end."""
    parts = text.upper().split("/")
    if len(parts) == 2:
        start_s = BEGINNING_S if parts[0].strip() == "NONE" else _time_s(parts[0].strip())
        end_s = FOREVER_S if parts[1].strip() == "NONE" else _time_s(parts[1].strip())
        if start_s is not None and end_s is not None:
            if start_s < end_s:
                return start_s, end_s
            chart.add(chart_rules.TIME_ORDER, at, start=rfc3339(start_s), end=rfc3339(end_s))
            return None
    chart.add(rules.ACTIVATION, at, found=shown(text))
    return None


def _time_s(text: str) -> float | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second > 0):
        return None
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
    except ValueError:  # the 31st of June
        return None
    at_s = midnight.timestamp() + timedelta(hours=hour, minutes=minute, seconds=second).total_seconds()
    return at_s if BEGINNING_S <= at_s <= FOREVER_S else None
