"""Reading and writing QGC WPL 110 files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from missions.foreign import read_mission_file
from missions.items import MissionItem
from missions.mission_file import FileHome, MissionFile
from missions.waypoints import items_text, read_waypoints, waypoints_text
from tests.missions.any_items import ITEMS
from tests.missions.foreign_scenario import HOME, RTL, TAKEOFF, codes, mission, plan, read_well, real_files, waypoint

HEAD = "QGC WPL 110\n"
ROWS = (
    "0\t1\t0\t16\t0\t0\t0\t0\t34.75\t113.62\t108\t1\n"
    "1\t0\t3\t22\t0\t0\t0\t0\t0\t0\t30\t1\n"
    "2\t0\t3\t16\t5\t0\t0\t0\t34.751\t113.621\t40.5\t1\n"
    "3\t0\t0\t20\t0\t0\t0\t0\t0\t0\t0\t1\n"
)


def read(text: str) -> MissionFile:
    return read_waypoints(text.encode(), "m.waypoints")


def refused(text: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read_waypoints(text if isinstance(text, bytes) else text.encode(), "m.waypoints")
    return [(reason.rule.code, reason.where) for reason in read_well(caught.value)]


def test_rows_become_items_with_their_lines_and_row_0_becomes_home() -> None:
    file = read(HEAD + ROWS)
    assert file.home == FileHome(34.75, 113.62, 108.0)
    assert [item.command for item in file.items] == [22, 16, 20]
    assert file.items[1] == MissionItem(16, 3, param1=5.0, lat_deg=34.751, lon_deg=113.621, alt_m=40.5)
    assert file.where == ("m.waypoints:3", "m.waypoints:4", "m.waypoints:5")
    assert file.lost == ()


def test_a_home_with_a_relative_frame_has_no_known_height() -> None:
    assert read(HEAD + ROWS.replace("0\t1\t0\t16", "0\t1\t3\t16")).home == FileHome(34.75, 113.62, None)


def test_a_home_at_0_0_is_no_home() -> None:
    assert read(HEAD + ROWS.replace("34.75\t113.62\t108", "0\t0\t0")).home is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_and_a_byte_order_mark_are_read(end: str) -> None:
    text = "\ufeff" + (HEAD + ROWS).replace("\n", end)
    assert read(text).items == read(HEAD + ROWS).items
    assert read(text).where[-1] == "m.waypoints:5"


def test_comments_and_gaps_in_row_numbers_are_named_as_lost() -> None:
    file = read(HEAD + "# planned by hand\n" + ROWS.replace("\n3\t", "\n12\t"))
    assert len(file.items) == 3
    assert [words.en for words in file.lost] == [
        "comments",
        "row numbers with gaps: items are numbered by their order, as the drone does",
    ]
    assert file.where[0] == "m.waypoints:4"


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("", "file.unknown-format", "m.waypoints"),
        ("hello\nworld\n", "file.unknown-format", "m.waypoints:1"),
        ("QGC WPL 120\n" + ROWS, "wpl.version", "m.waypoints:1"),
        ("QGC WPL\n" + ROWS, "file.unknown-format", "m.waypoints:1"),
        (HEAD, "mission.empty", "m.waypoints"),
        (HEAD + ROWS.splitlines()[0], "mission.empty", "m.waypoints"),
        (HEAD + ROWS + "4 0 3 16 0 0 0\n", "wpl.columns", "m.waypoints:6"),
        (HEAD + ROWS.replace("40.5", "high"), "wpl.number", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("40.5", "nan"), "wpl.number", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("40.5", "inf"), "wpl.number", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("40.5", "1_0"), "wpl.number", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("40.5", "٤٠"), "wpl.number", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("40.5", "1e300"), "wpl.range", "m.waypoints:4 height"),
        (HEAD + ROWS.replace("\t22\t", "\t22.5\t"), "wpl.number", "m.waypoints:3 command"),
        (HEAD + ROWS.replace("\t22\t", "\t99999\t"), "wpl.range", "m.waypoints:3 command"),
        (HEAD + ROWS.replace("1\t0\t3\t22", "1\t0\t300\t22"), "wpl.range", "m.waypoints:3 frame"),
        (HEAD + ROWS.replace("1\t0\t3\t22", "1\t7\t3\t22"), "wpl.range", "m.waypoints:3 current"),
        (HEAD + ROWS.replace("40.5\t1", "40.5\t2"), "wpl.range", "m.waypoints:4 autocontinue"),
        (HEAD + ROWS.split("\n", 1)[1], "wpl.no-home", "m.waypoints:2"),
        (HEAD + ROWS.replace("0\t1\t0\t16", "0\t1\t3\t22"), "wpl.item-0", "m.waypoints:2"),
        (HEAD + ROWS.replace("34.75\t", "134.75\t"), "wpl.range", "m.waypoints:2 latitude, longitude"),
        (HEAD + ROWS.replace("\n3\t", "\n2\t"), "wpl.row-order", "m.waypoints:5"),
        (HEAD + ROWS + "9\t0\t0\t177\t2\t1\t0\t0\t0\t0\t0\t1\n", "wpl.jump-gaps", "m.waypoints:6"),
        ("34.75 113.62\n34.76 113.62\n34.76 113.63\n", "file.is-fence", "m.waypoints:1"),
        ("RALLY 34.75 113.62 0 40 0 0\n", "file.is-rally", "m.waypoints:1"),
        (HEAD + "0 0 0 5001 3 0 0 0 34.75 113.62 0 0\n", "file.is-fence", "m.waypoints"),
        (HEAD + ROWS + "4 0 3 5100 0 0 0 0 34.75 113.62 40 1\n", "file.is-rally", "m.waypoints"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(text: str, code: str, where: str) -> None:
    assert (code, where) in refused(text)


def test_all_malformed_lines_are_named_at_once() -> None:
    text = HEAD + ROWS.replace("40.5", "high").replace("\t22\t", "\tx\t")
    assert [where for _, where in refused(text)] == ["m.waypoints:3 command", "m.waypoints:4 height"]


def test_what_is_not_text_is_refused_with_its_line() -> None:
    assert refused((HEAD + ROWS).encode() + b"\xff\xfe") == [("file.not-text", "m.waypoints:6")]


def test_more_items_than_the_drone_stores_are_refused() -> None:
    rows = "".join(f"{i}\t0\t3\t16\t0\t0\t0\t0\t34.75\t113.62\t30\t1\n" for i in range(652))
    assert codes_of(refused(HEAD + rows)) == ["mission.too-many-items"]


def test_an_endless_file_is_refused_before_it_is_read() -> None:
    assert codes_of(refused(b"#" * 5_000_000)) == ["file.too-long"]


def codes_of(pairs: list[tuple[str, str]]) -> list[str]:
    return [code for code, _ in pairs]


HOMES = st.none() | st.builds(
    FileHome, st.floats(0.001, 90), st.floats(-180, 180), st.none() | st.floats(-400, 9000, allow_subnormal=False)
)


@given(st.lists(ITEMS, min_size=1, max_size=8), HOMES)
def test_what_is_written_is_read_back_as_it_was(items: list[MissionItem], home: FileHome | None) -> None:
    file = read(items_text(items, home))
    assert file.items == tuple(items)
    assert file.home == home
    assert file.lost == ()


def test_a_plan_is_written_with_its_home_and_items() -> None:
    made = plan(mission(TAKEOFF, waypoint(100, 0), RTL))
    file = read(waypoints_text(made))
    assert file.items == made.items
    assert file.home == FileHome(HOME.lat_deg, HOME.lon_deg, made.home_amsl_m)


@settings(max_examples=120)
@given(st.data())
def test_broken_bytes_make_a_mission_or_a_refusal_and_never_a_crash(data: st.DataObject) -> None:
    broken = bytearray((HEAD + ROWS).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(broken)))
        end = data.draw(st.integers(start, min(start + 12, len(broken))))
        broken[start:end] = data.draw(st.binary(max_size=12))
    try:
        assert isinstance(read_mission_file(bytes(broken), "m"), MissionFile)
    except Refused as refusal:
        read_well(refusal)


NOT_MISSIONS = {"file.is-fence", "file.is-rally", "file.unknown-format", "wpl.row-order"}


@pytest.mark.parametrize("path", [p for p in real_files() if p.suffix == ".txt"], ids=lambda p: p.name)
def test_a_real_file_comes_back_equal_after_writing_it(path: Path) -> None:
    try:
        file = read_waypoints(path.read_bytes(), path.name)
    except Refused as refusal:
        # lists of fences and rally points, a list of places, and one whose rows count 4, 5, 4
        not_a_mission = set(codes(refusal.reasons)) <= NOT_MISSIONS
        if not not_a_mission:
            raise
        return
    again = read_waypoints(items_text(file.items, file.home).encode(), path.name)
    assert (again.items, again.home) == (file.items, file.home)
