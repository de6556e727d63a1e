"""The import of charts: any known format, told by what the file holds, everything or nothing.

Pure: files are read, nothing is written. What is imported is a list of zones (and of operational intents, where a file
holds some) that the caller puts into its store in one transaction of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from airspace.charted import ChartedZone
from airspace.foreign_intents import ForeignIntent
from airspace.formats import chart_rules
from airspace.formats.chart import read_bytes
from airspace.formats.ed269 import read_ed269
from airspace.formats.ed318 import read_ed318
from airspace.formats.f3548 import F3548Reading, read_f3548
from airspace.formats.geojson import read_geojson
from airspace.formats.kml import read_kml
from airspace.formats.openair import read_openair
from airspace.formats.reading import Reading
from airspace.frames import Height
from airspace.reasons import Reason, Refused, Rule, Words

READERS: dict[str, Callable[[bytes, str], Reading]] = {
    "GeoJSON": read_geojson,
    "ED-269": read_ed269,
    "ED-318": read_ed318,
    "F3548": read_f3548,
    "KML": read_kml,
    "OpenAir": read_openair,
}
# What a suffix says where the content does not.
SUFFIXES: dict[str, str] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".kml": "KML",
    ".kmz": "KML",
    ".txt": "OpenAir",
    ".openair": "OpenAir",
    ".air": "OpenAir",
}
FEATURES_LOOKED_AT = 20
HEAD_BYTES = 4096

EMPTY = Rule(
    "import.empty",
    Words("the file is empty", "文件为空"),
    Words("Give a file with zones in it.", "请提供含有区域的文件。"),
)
UNKNOWN_FORMAT = Rule(
    "import.format",
    Words("nothing in the file says what it is", "无法识别文件格式"),
    Words("Give one of: {known}.", "请提供下列格式之一：{known}。"),
)
NOTHING = Rule(
    "import.nothing",
    Words("the file holds no zone", "文件中没有区域"),
    Words("Check that it is the file that was meant.", "请核对文件。"),
)
IMPORTED_BEFORE = Words("a zone imported before", "已导入的区域")

_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_OPENAIR = re.compile(rb"^[ \t]*(AC|AN|AH|AL|DP|DC|DB|DA|V)[ \t]+\S", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileCount:
    """What came out of one file: its format ("" where that is unknown), what is taken of it, how many problems."""

    file: str
    format: str
    zones: int
    intents: int
    problems: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What may be taken in, and of a partial import all that was left out and why."""

    zones: tuple[ChartedZone, ...]
    intents: tuple[ForeignIntent, ...]
    reasons: tuple[Reason, ...]
    files: tuple[FileCount, ...]


class _Members(msgspec.Struct, frozen=True):
    """The members that tell one JSON format from another, each still unread."""

    type: Any = None
    features: Any = None
    UASZoneList: Any = None
    operational_intent: Any = None
    constraint: Any = None
    operational_intent_id: Any = None
    constraint_id: Any = None
    reference: Any = None


def read_chart_file(path: Path, *, ceiling: Height | None = None) -> Reading:
    """The zones of a file of any known format, and a reason for each problem, an unreadable file included.

    The content decides, then the suffix. `ceiling` stands for the missing heights of a foreign KML.
    """
    return _read(path, ceiling)[1]


def import_charts(
    paths: Iterable[Path],
    *,
    partial: bool = False,
    existing_ids: Collection[str] = frozenset(),
    ceiling: Height | None = None,
) -> ImportResult:
    """The zones and intents of all files together, in the order of the files; every id is there once.

    Raises `Refused` with every problem of every file when there is any, unless `partial`: then what is good is given,
    with the reasons for the rest. `existing_ids` are those of zones imported before.
    """
    taken: dict[str, str | Words] = dict.fromkeys(existing_ids, IMPORTED_BEFORE)
    zones: list[ChartedZone] = []
    intents: list[ForeignIntent] = []
    reasons: list[Reason] = []
    files: list[FileCount] = []
    for path in paths:
        name, reading = _read(path, ceiling)
        problems = [*reading.reasons]
        good = [zone for zone in reading.zones if _is_new(zone, str(path), taken, problems)]
        told = reading.intents if isinstance(reading, F3548Reading) else ()
        told = tuple(intent for intent in told if _is_free(intent.id, (intent.id,), str(path), taken, problems))
        if not reading.zones and not told and not problems:
            problems.append(Reason(NOTHING, str(path)))
        files.append(FileCount(str(path), name, len(good), len(told), len(problems)))
        zones, intents, reasons = [*zones, *good], [*intents, *told], [*reasons, *problems]
    if reasons and not partial:
        raise Refused(reasons)
    return ImportResult(tuple(zones), tuple(intents), tuple(reasons), tuple(files))


def _is_new(zone: ChartedZone, file: str, taken: dict[str, str | Words], problems: list[Reason]) -> bool:
    """Whether neither the zone nor one of its layers has the id of another."""
    where = f"{file} {zone.source.feature}" if zone.source else file
    return _is_free(zone.id, zone.laid_ids, where, taken, problems)


def _is_free(id_: str, ids: tuple[str, ...], where: str, taken: dict[str, str | Words], problems: list[Reason]) -> bool:
    clash = next((taken[one] for one in ids if one in taken), None)
    if clash is not None:
        problems.append(Reason(chart_rules.ID_TAKEN, where, {"id": id_, "first": clash}))
        return False
    taken.update(dict.fromkeys(ids, where))
    return True


def _read(path: Path, ceiling: Height | None) -> tuple[str, Reading]:
    """The format of a file and what was read of it."""
    where = str(path)
    try:
        data = read_bytes(path)
    except Refused as refused:
        return "", Reading((), refused.reasons)
    if not data.removeprefix(_BOM).strip():
        return "", Reading((), (Reason(EMPTY, where),))
    name = format_of(data, path.suffix)
    if name is None:
        return "", Reading((), (Reason(UNKNOWN_FORMAT, where, {"known": ", ".join(READERS)}),))
    if name == "KML":
        return name, read_kml(data, where, ceiling=ceiling)
    return name, READERS[name](data, where)


def format_of(data: bytes, suffix: str) -> str | None:
    """The name of the format in `READERS`: by content, else by suffix (with its dot); None when neither tells."""
    text = data.removeprefix(_BOM).lstrip()
    if data.startswith(_ZIP):
        return "KML"
    if text[:1] == b"<":
        return "KML" if b"<kml" in text[:HEAD_BYTES].lower() or suffix.lower() in (".kml", ".kmz") else None
    if b"FlightIntentCollection" in text[:HEAD_BYTES]:
        return "F3548"  # not to be imported, and its reader says why
    if text[:1] in (b"{", b"["):
        return _json_format(text) or SUFFIXES.get(suffix.lower(), "GeoJSON")
    if _OPENAIR.search(text):
        return "OpenAir"
    return SUFFIXES.get(suffix.lower())


def _json_format(text: bytes) -> str | None:
    """Which of the JSON formats it is; None when it is no JSON or none of them."""
    try:
        members: _Members | list[_Members] = msgspec.json.decode(text, type=_Members | list[_Members])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(members, list):
        return "F3548" if members else None
    if members.UASZoneList is not None:
        return "ED-269"
    intent = (members.operational_intent, members.operational_intent_id, members.constraint, members.constraint_id)
    if any(member is not None for member in (*intent, members.reference)):
        return "F3548"
    features = list(_objects(members.features))
    if not features:
        return None
    if any("horizontalProjection" in volume for feature in features for volume in _objects(feature.get("geometry"))):
        return "ED-269"
    if members.type is None and any("identifier" in feature for feature in features):
        return "ED-269"
    return "ED-318" if any(_is_ed318(feature) for feature in features) else "GeoJSON"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The first objects in a list."""
    for item in value[:FEATURES_LOOKED_AT] if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def _is_ed318(feature: dict[str, Any]) -> bool:
    """Whether a GeoJSON feature carries what only ED-318 gives one."""
    properties, geometry = feature.get("properties"), feature.get("geometry")
    named = isinstance(properties, dict) and not {"identifier", "zoneAuthority", "variant"}.isdisjoint(properties)
    return named or (isinstance(geometry, dict) and not {"layer", "extent"}.isdisjoint(geometry))
