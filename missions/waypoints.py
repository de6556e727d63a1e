"""Mission files in the line format `QGC WPL 110` that Mission Planner, MAVProxy and QGroundControl share.

A row is: number, current, frame, command, four parameters, latitude, longitude, height, autocontinue, parted by white
space. Row 0 is the home position. The vehicle numbers items by their order, so numbers in the file only name rows; but
a DO_JUMP counts by number, and a file with gaps in its numbers and a jump has no meaning that two programs share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from airspace.reasons import Refused, Rule, Words
from missions.items import Command, Frame, MissionItem
from missions.mission_file import (
    FENCE_FILE,
    RALLY_FILE,
    UNKNOWN_FORMAT,
    FileHome,
    Findings,
    MissionFile,
    count_items,
    decoded,
    is_on_earth,
    shown,
)
from missions.plan import Plan

LINE_END = re.compile(r"\r\n|\r|\n")  # str.splitlines also breaks at form feeds and such, which no editor counts
HEADER = re.compile(r"QGC\s+WPL\s+(\d+)\s*$")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$", re.ASCII)
WHOLE = re.compile(r"\d{1,9}$", re.ASCII)
COLUMNS = (
    "number current frame command param1 param2 param3 param4 latitude longitude height autocontinue".split()  # noqa: SIM905
)
FENCE_COMMANDS = range(5000, 5100)  # MAV_CMD_NAV_FENCE_*
RALLY_COMMANDS = range(5100, 5101)  # MAV_CMD_NAV_RALLY_POINT


def looks_like_waypoints(text: str) -> bool:
    """Whether the first written line is a WPL header, or the file is one of the old fence and rally lists."""
    first = next((line.strip() for line in LINE_END.split(text) if line.strip()), "")
    return first.startswith("QGC") or _old_list(text) is not None


def read_waypoints(data: bytes, name: str) -> MissionFile:
    """The mission in the bytes of a `.waypoints` or `.txt` file; raises `Refused` with every malformed line."""
    text = decoded(data, name)
    found = Findings(name)
    rows: list[tuple[int, int, MissionItem]] = []
    comments = False
    lines = _header_taken(text, found)
    for line_number, line in lines:
        content = line.partition("#")[0].strip()
        comments = comments or content != line.strip()
        if content and (row := _row(content, line_number, found)):
            rows.append((line_number, *row))
    found.refuse_if_any()
    if any(item.command in FENCE_COMMANDS for _, _, item in rows):
        found.add(FENCE_FILE)
    elif any(item.command in RALLY_COMMANDS for _, _, item in rows):
        found.add(RALLY_FILE)
    found.refuse_if_any()
    lost = [LOST_COMMENTS] if comments else []
    home = _home(rows, found)
    gaps = _check_numbers(rows, found)
    items = tuple(item for _, _, item in rows[1:])
    count_items(found, items)
    found.refuse_if_any()
    return MissionFile(
        name=name,
        kind="waypoints",
        home=home,
        items=items,
        where=tuple(f"{name}:{line_number}" for line_number, _, _ in rows[1:]),
        lost=tuple(lost + ([LOST_NUMBERS] if gaps else [])),
    )


def waypoints_text(plan: Plan) -> str:
    """The plan's mission as a `QGC WPL 110` file; fence, rally points and timing have no place in this format."""
    return items_text(plan.items, FileHome(plan.home.lat_deg, plan.home.lon_deg, plan.home_amsl_m))


def items_text(items: Iterable[MissionItem], home: FileHome | None) -> str:
    """Items as a `QGC WPL 110` file with its home row; numbers are written so that they read back as they are."""
    home = home or FileHome(0.0, 0.0, None)
    frame = Frame.GLOBAL_RELATIVE_ALT if home.amsl_m is None else Frame.GLOBAL
    first = MissionItem(
        Command.NAV_WAYPOINT, frame, lat_deg=home.lat_deg, lon_deg=home.lon_deg, alt_m=home.amsl_m or 0.0
    )
    lines = ["QGC WPL 110"]
    for number, item in enumerate((first, *items)):
        values = (item.param1, item.param2, item.param3, item.param4, item.lat_deg, item.lon_deg, item.alt_m)
        head = (number, int(number == 0), int(item.frame), int(item.command))
        lines.append("\t".join([*map(str, head), *(repr(float(v)) for v in values), str(int(item.autocontinue))]))
    return "\n".join(lines) + "\n"


def _old_list(text: str) -> Rule | None:
    """The rule that a bare list breaks: `lat lon` lines are a fence, `RALLY ...` lines are rally points."""
    lines = [line.partition("#")[0].split() for line in LINE_END.split(text)]
    lines = [words for words in lines if words]
    if lines and all(words[0] == "RALLY" for words in lines):
        return RALLY_FILE
    if lines and all(len(words) == 2 and all(NUMBER.match(word) for word in words) for words in lines):
        return FENCE_FILE
    return None


def _header_taken(text: str, found: Findings) -> list[tuple[int, str]]:
    """The numbered lines after the header; raises `Refused` when the file is something else."""
    lines = [(number, line) for number, line in enumerate(LINE_END.split(text), start=1) if line.strip()]
    header = HEADER.match(lines[0][1].strip()) if lines else None
    if header is None:
        found.add(_old_list(text) or UNKNOWN_FORMAT, f":{lines[0][0]}" if lines else "")
        raise Refused(found.reasons)
    if header[1] != "110":
        found.add(VERSION, f":{lines[0][0]}", version=shown(header[1]))
        raise Refused(found.reasons)
    return lines[1:]


def _row(content: str, line_number: int, found: Findings) -> tuple[int, MissionItem] | None:
    words = content.split()
    if len(words) != len(COLUMNS):
        found.add(COLUMN_COUNT, f":{line_number}", columns=len(words), wanted=len(COLUMNS))
        return None
    good = True
    for index, (column, word) in enumerate(zip(COLUMNS, words, strict=True)):
        if not (WHOLE if index < 4 else NUMBER).match(word):
            found.add(NOT_A_NUMBER, f":{line_number} {column}", word=shown(word))
            good = False
    if not good:
        return None
    number, current, frame, command = (int(word) for word in words[:4])
    values = [float(word) for word in words[4:]]
    for column, whole, most in (("current", current, 1), ("frame", frame, 255), ("command", command, 65535)):
        if whole > most:
            found.add(OUT_OF_RANGE, f":{line_number} {column}", value=whole, most=most)
    if values[7] not in (0.0, 1.0):
        found.add(OUT_OF_RANGE, f":{line_number} autocontinue", value=words[11], most=1)
    for column, value in zip(COLUMNS[4:], values, strict=True):
        if abs(value) > 1e12:
            found.add(OUT_OF_RANGE, f":{line_number} {column}", value=value, most="1e12")
    param1, param2, param3, param4, lat_deg, lon_deg, alt_m, autocontinue = values
    return number, MissionItem(
        command, frame, param1, param2, param3, param4, lat_deg, lon_deg, alt_m, autocontinue == 1.0
    )


def _home(rows: list[tuple[int, int, MissionItem]], found: Findings) -> FileHome | None:
    if not rows:
        return None
    line_number, number, item = rows[0]
    if number != 0:
        found.add(NO_HOME_ROW, f":{line_number}", number=number)
        return None
    # Mission Planner writes command 0 when it does not know its home
    if item.command not in (0, Command.NAV_WAYPOINT):
        found.add(HOME_IS_ITEM, f":{line_number}", item=item.name)
        return None
    if item.lat_deg == 0 and item.lon_deg == 0:
        return None
    if not is_on_earth(item.lat_deg, item.lon_deg):
        found.add(
            OUT_OF_RANGE, f":{line_number} latitude, longitude", value=f"{item.lat_deg}, {item.lon_deg}", most="90, 180"
        )
        return None
    # only the absolute frames say how high the place lies above the sea
    amsl_m = item.alt_m if item.frame in (Frame.GLOBAL, Frame.GLOBAL_INT) else None
    return FileHome(item.lat_deg, item.lon_deg, amsl_m)


def _check_numbers(rows: list[tuple[int, int, MissionItem]], found: Findings) -> bool:
    """Note rows out of order and jumps in a file with gaps; whether there are gaps."""
    for (_, before, _), (line_number, number, _) in pairwise(rows):
        if number <= before:
            found.add(ROW_ORDER, f":{line_number}", number=number, before=before)
    gaps = [number for _, number, _ in rows] != list(range(len(rows)))
    for line_number, _, item in rows[1:] if gaps else []:
        if item.command == Command.DO_JUMP:
            found.add(JUMP_OVER_GAPS, f":{line_number}")
    return gaps


LOST_COMMENTS = Words("comments", "注释")
LOST_NUMBERS = Words(
    "row numbers with gaps: items are numbered by their order, as the drone does",
    "不连续的行号：任务项按顺序编号，与无人机一致",
)
VERSION = Rule(
    "wpl.version",
    Words("version {version} of the QGC WPL format is not known", "不认识 QGC WPL 格式的版本 {version}"),
    Words("Save the mission as QGC WPL 110.", "请将任务存为 QGC WPL 110。"),
)
COLUMN_COUNT = Rule(
    "wpl.columns",
    Words("the row has {columns} columns, not {wanted}", "该行有 {columns} 列，应为 {wanted} 列"),
    Words("Save the mission again from the ground station.", "请从地面站重新保存任务。"),
)
NOT_A_NUMBER = Rule(
    "wpl.number",
    Words("'{word}' is not the number that belongs here", "“{word}”不是此处应有的数字"),
    Words(
        "Write a finite decimal number; the first four columns are whole numbers.",
        "请写有限的十进制数；前四列为非负整数。",
    ),
)
OUT_OF_RANGE = Rule(
    "wpl.range",
    Words("{value} is out of range (at most {most})", "{value} 超出范围（最大 {most}）"),
    Words("Correct the value in the ground station and save again.", "请在地面站中改正后重新保存。"),
)
NO_HOME_ROW = Rule(
    "wpl.no-home",
    Words(
        "the first row has number {number}, but row 0 must be the home position",
        "首行编号为 {number}，但第 0 行必须是起飞点",
    ),
    Words(
        "Add a row 0 with the home position: the drone overwrites item 0, and the first command would be lost.",
        "请加上第 0 行（起飞点）：无人机会覆盖第 0 项，否则第一条指令会丢失。",
    ),
)
HOME_IS_ITEM = Rule(
    "wpl.item-0",
    Words(
        "row 0 is {item}, but the drone overwrites item 0 with its home",
        "第 0 行是 {item}，但无人机会用起飞点覆盖第 0 项",
    ),
    Words(
        "Put the home position into row 0 and move the command to row 1.",
        "请把起飞点放在第 0 行，把该指令移到第 1 行。",
    ),
)
ROW_ORDER = Rule(
    "wpl.row-order",
    Words("row number {number} comes after {before}", "行号 {number} 出现在 {before} 之后"),
    Words("Number the rows upwards.", "请让行号递增。"),
)
JUMP_OVER_GAPS = Rule(
    "wpl.jump-gaps",
    Words(
        "DO_JUMP counts by row number, but the numbers in this file have gaps",
        "DO_JUMP 按行号跳转，但该文件的行号不连续",
    ),
    Words("Number the rows 0, 1, 2, ... and correct the jump.", "请将行号改为 0、1、2……并改正跳转目标。"),
)
