"""OpenAir charts: text of records, one a line, in which AC begins a zone (WinPilot 1999, Naviter's extension 2.1.2).

Read: AC, AY, AN, AI, AF, AR, AG, AX, AA, AH, AL, DP, DA, DB, DC, DY and V. Passed over, since they only say how a map
draws: comments (*), AT, SP, SB, V Z, and terrain (TO, TC, TX with its outline). Anything else is a problem of its line.
A zone with any problem is left out whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from airspace.charted import ChartedZone, Layer, Restriction, Source
from airspace.formats import chart_rules
from airspace.formats import openair_rules as rules
from airspace.formats.chart import MOST_BYTES, Chart, shown
from airspace.formats.openair_classes import CLASSES, TYPES, kind_and_restriction
from airspace.formats.openair_fields import read_height, read_window
from airspace.formats.openair_shapes import MOST_INK, Drawing, Ink
from airspace.formats.outlines import MOST_POSITIONS, sound_heights
from airspace.formats.reading import Ids, Reading
from airspace.frames import Height
from airspace.reasons import Words
from airspace.schedules import ALWAYS, Schedule
from airspace.zone_kinds import ZONE_KINDS

FORMAT = "openair"
LONGEST_LINE = 1000
MOST_RECORDS = MOST_POSITIONS + 100  # of one zone
MOST_ZONES = 4000  # Germany and its neighbours in the west have 800
DRAWN = ("V", "DP", "DA", "DB", "DC", "DY")
ONCE = ("AC", "AY", "AN", "AI", "AX", "AH", "AL")
SEVERAL = ("AF", "AR", "AG", "AA")
DISPLAY = ("AT", "SP", "SB", "TX")
TERRAIN = ("TO", "TC")
TAGS = frozenset((*DRAWN, *ONCE, *SEVERAL, *DISPLAY, *TERRAIN))
KNOWN = ", ".join(sorted(TAGS))

_LINE_END = re.compile(r"\r\n|\r|\n")
_RECORD = re.compile(r"([A-Z]{1,2})(?:\s+(.*))?", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"\d{4}", re.ASCII)

HEIGHT_EXPECTED = Words("a height such as 3500ft AMSL", "高度，例如 3500ft AMSL")
CODE_EXPECTED = Words("four digits", "四位数字")


@dataclass(frozen=True, slots=True)
class Record:
    """One line: its number from 1, its tag in capitals, what follows the tag without comment, and all of the line."""

    line: int
    tag: str
    value: str
    text: str


@dataclass(slots=True)
class Block:
    """The records of one zone, from its AC on; `is_good` until a line of it cannot be used."""

    line: int
    records: list[Record] = field(default_factory=list)
    is_good: bool = True


def read_openair(data: bytes, where: str) -> Reading:
    """The zones of an OpenAir chart in the order of the file, and every problem found; `where` names the file.

    The text is UTF-8, with or without a byte order mark; one that is not UTF-8 is read as Windows-1252. An id is the
    AI record, else the name, with its number in brackets where the name comes again.
    """
    chart = Chart(where)
    text = _decoded(chart, data)
    zones: list[ChartedZone] = []
    ids = Ids()
    ink = Ink()
    count = 0
    for count, block in enumerate(_blocks(chart, text), start=1):
        drawing = _drawing(chart, block, ink)
        if ink.left < 0 or count > MOST_ZONES:
            what = Words("corners of arcs", "圆弧顶点") if ink.left < 0 else Words("zones", "区域")
            most = MOST_INK if ink.left < 0 else MOST_ZONES
            chart.add(rules.TOO_MUCH, f"line {block.line}", what=what, most=most)
            break
        zone = _zone(chart, block, drawing, ids)
        if zone is not None:
            zones.append(zone)
    if not count and not chart.reasons:
        chart.add(rules.NO_ZONES, "")
    return Reading(tuple(zones), tuple(chart.reasons))


def _decoded(chart: Chart, data: bytes) -> str:
    if len(data) > MOST_BYTES:
        chart.add(chart_rules.UNREADABLE, "", error=f"{len(data)} bytes", most_mb=MOST_BYTES // 1024**2)
        return ""
    if b"\0" in data:
        chart.add(rules.BINARY, "")
        return ""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _blocks(chart: Chart, text: str) -> Iterator[Block]:
    """The zones of a text one after another; what stands outside all of them becomes a reason."""
    block: Block | None = None
    is_skipped = False
    was_orphan = False
    for record in _records(chart, text):
        if chart.gives_up(f"line {record.line}"):
            return
        if record.tag == "AC":
            if block is not None:
                yield block
            block, is_skipped = Block(record.line), False
        elif record.tag in TERRAIN:
            if block is not None:
                yield block
            block, is_skipped = None, True
        elif block is not None and len(block.records) == MOST_RECORDS:
            facts = {"what": Words("records in one zone", "条记录（同一区域）"), "most": MOST_RECORDS}
            chart.add(rules.TOO_MUCH, f"line {block.line}", **facts)
            block, is_skipped = None, True
        if is_skipped or record.tag in DISPLAY:
            continue
        if block is not None:
            block.records.append(record)
            block.is_good = block.is_good and record.tag != ""
        elif record.tag and not was_orphan:
            chart.add(rules.ORPHAN, f"line {record.line}", found=record.tag)
        was_orphan = block is None
    if block is not None:
        yield block


def _records(chart: Chart, text: str) -> Iterator[Record]:
    """The lines that say something; one that nobody knows has no tag and its reason is told here."""
    for number, line in enumerate(_LINE_END.split(text), start=1):
        said = line.partition("*")[0].strip()
        if not said:
            continue
        if len(line) > LONGEST_LINE:
            chart.add(rules.LONG_LINE, f"line {number}", count=len(line), most=LONGEST_LINE)
            yield Record(number, "", "", "")
            continue
        found = _RECORD.fullmatch(said)
        tag = found.group(1).upper() if found else ""
        if found is None or tag not in TAGS:
            chart.add(rules.UNKNOWN_RECORD, f"line {number}", found=shown(said), known=KNOWN)
            yield Record(number, "", "", line)
            continue
        yield Record(number, tag, (found.group(2) or "").strip(), line)


def _drawing(chart: Chart, block: Block, ink: Ink) -> Drawing:
    drawing = Drawing(chart, ink)
    before = len(chart.reasons)
    for record in block.records:
        if record.tag in DRAWN:
            drawing.take(record.tag, record.value, record.line)
    block.is_good = block.is_good and len(chart.reasons) == before
    return drawing


def _zone(chart: Chart, block: Block, drawing: Drawing, ids: Ids) -> ChartedZone | None:
    """The zone of a block, or None with reasons."""
    before = len(chart.reasons)
    at = f"line {block.line}"
    values = _values(chart, block)
    meaning = _meaning(chart, values, at)
    heights = _heights(chart, values, at)
    schedule = _schedule(chart, block)
    _check_code(chart, values)
    name = _text(chart, values, "AN")
    given_id = _text(chart, values, "AI")
    shape = drawing.shape(at) if block.is_good else None
    if len(chart.reasons) > before or not block.is_good or not (meaning and heights and schedule and shape):
        return None
    kind, restriction, rule = meaning
    floor, ceiling = heights
    zone_id = _id(chart, given_id, name, block, ids)
    if zone_id is None:
        return None
    called = name or ZONE_KINDS[kind].en
    return ChartedZone(
        id=zone_id,
        name=Words(called, name or ZONE_KINDS[kind].zh),
        kind=kind,
        rule=rule,
        layers=(Layer(shape, floor, ceiling),),
        restriction=restriction,
        schedule=schedule,
        extra={FORMAT: _kept(block, drawing)},
        source=Source(chart.where, at, FORMAT),
    )


def _values(chart: Chart, block: Block) -> dict[str, Record]:
    """The records that come once, by tag."""
    values: dict[str, Record] = {}
    for record in block.records:
        if record.tag not in ONCE:
            continue
        if record.tag in values:
            first = values[record.tag].line
            chart.add(rules.REPEATED, f"line {record.line} {record.tag}", tag=record.tag, first=first)
        else:
            values[record.tag] = record
    return values


def _meaning(chart: Chart, values: dict[str, Record], at: str) -> tuple[str, Restriction, Words] | None:
    """Kind, restriction and rule in words."""
    class_token = values["AC"].value.upper()
    type_token = values["AY"].value.upper() if "AY" in values else ""
    meaning = kind_and_restriction(class_token, type_token)
    if meaning is None:
        is_class_known = class_token in CLASSES or class_token in TYPES
        tag, token = ("AY", type_token) if is_class_known else ("AC", class_token)
        known = ", ".join((*TYPES, "NONE") if is_class_known else (*CLASSES, *TYPES))
        chart.add(rules.CLASS, f"line {values[tag].line} {tag}", found=shown(token), known=known)
        return None
    kind, restriction = meaning
    charted = " ".join(f"{tag} {token}" for tag, token in (("AC", class_token), ("AY", type_token)) if token)
    words = ZONE_KINDS[kind]
    return kind, restriction, Words(f"{words.en}, charted as {charted}", f"{words.zh}，航图标注为 {charted}")


def _heights(chart: Chart, values: dict[str, Record], at: str) -> tuple[Height, Height] | None:
    heights: list[Height] = []
    for tag in ("AL", "AH"):
        if tag not in values:
            chart.add(rules.MISSING, at, tag=tag, expected=HEIGHT_EXPECTED)
            continue
        record = values[tag]
        height = read_height(chart, record.value, f"line {record.line} {tag}", is_ceiling=tag == "AH")
        if height is not None:
            heights.append(height)
    if len(heights) < 2:
        return None
    floor, ceiling = heights
    return (floor, ceiling) if sound_heights(chart, floor, ceiling, f"line {values['AH'].line} AH") else None


def _schedule(chart: Chart, block: Block) -> Schedule | None:
    """When the zone is active. Where that is not known (AA NONE: by NOTAM), it is taken as active at all times."""
    records = [record for record in block.records if record.tag == "AA"]
    if not records:
        return ALWAYS
    given = [(record, record.value.partition(";")[0].strip()) for record in records]
    nones = [record for record, value in given if value.upper() == "NONE"]
    if nones:
        if len(records) > 1:
            chart.add(rules.ACTIVATION_NONE, f"line {nones[0].line} AA")
            return None
        return ALWAYS
    windows = [read_window(chart, value, f"line {record.line} AA") for record, value in given]
    known = sorted(window for window in windows if window is not None)
    return Schedule(windows=tuple(known)) if len(known) == len(windows) else None


def _check_code(chart: Chart, values: dict[str, Record]) -> None:
    record = values.get("AX")
    if record is not None and not _CODE.fullmatch(record.value):
        chart.add(rules.NUMBERS, f"line {record.line} AX", found=shown(record.value), expected=CODE_EXPECTED)


def _text(chart: Chart, values: dict[str, Record], tag: str) -> str | None:
    """A text with its white space evened out, or None when it is not there or, with a reason, cannot be shown."""
    record = values.get(tag)
    if record is None:
        return None
    text = " ".join(record.value.split())
    return chart.text(text, f"line {record.line} {tag}") if text else None


def _id(chart: Chart, given: str | None, name: str | None, block: Block, ids: Ids) -> str | None:
    at = f"line {block.line}"
    if given is None:
        return ids.unused(name or f"{FORMAT} {at}", at)
    first = ids.taken_at(given, at)
    if first is None:
        return given
    chart.add(chart_rules.ID_TAKEN, f"{at} AI", id=given, first=first)
    return None


def _kept(block: Block, drawing: Drawing) -> dict[str, Any]:
    """What no other field of a zone holds, as plain JSON; `lines` is the block as the file writes it."""
    kept: dict[str, Any] = {"line": block.line, "lines": [record.text for record in block.records]}
    for record in block.records:
        if record.tag in ("AC", "AY", "AI", "AX"):
            kept[record.tag] = record.value
        elif record.tag in SEVERAL:
            kept.setdefault(record.tag, []).append(record.value)
    if drawing.repairs:
        kept["repairs"] = drawing.repairs
    return kept
