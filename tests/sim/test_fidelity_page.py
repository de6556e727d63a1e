"""The fidelity page names tests that exist and the parameters that the simulator really reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.drone.arming import MUST_BE_POSITIVE
from sim.drone.parameter_table import BEHAVES, TABLE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "simulator-fidelity.md"
TESTS = ROOT / "tests" / "sim"
READ = re.compile(r"""(?:parameters|parameter|\bp)\["([A-Z][A-Z0-9_]+)"\]|under\("([A-Z0-9_]+)",""")
SERIES = re.compile(r"(RC\d+_(MIN|MAX|TRIM|DZ)|MAV\d_(?!OPTIONS)[A-Z0-9_]+|SERIAL\d_PROTOCOL)")


NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
MEASURED = "item"  # the first word of the one table of figures, whose test the text before it names


def tables() -> list[list[list[str]]]:
    """The cells of each table of the page, its heading first and without the line under that."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE.read_text("utf-8"), re.MULTILINE)
    lines = [[line for line in block.splitlines() if not re.fullmatch(r"[|\- ]+", line)] for block in blocks]
    return [[[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in block] for block in lines]


def rows() -> list[list[str]]:
    """All rows that say how something is here: those of every table but the one of figures."""
    return [row for heading, *rest in tables() if heading[0] != MEASURED for row in rest]


def test_every_table_but_the_one_of_figures_has_a_verdict_and_a_test_in_each_row() -> None:
    headings = [heading for heading, *_ in tables()]
    assert [heading[-2:] for heading in headings if heading[0] != MEASURED] == [["", "test"]] * (len(headings) - 1)
    assert len(headings) >= 11
    for row in rows():
        assert len(row) in (4, 5), row


def test_every_row_that_says_same_names_tests_and_all_that_are_named_exist() -> None:
    for *_, verdict, named in rows():
        assert NAMED.sub("", named).strip(", ") == ("-" if named == "-" else ""), named
        assert NAMED.search(named) or verdict.startswith("differs: "), (verdict, named)
        for file, test in NAMED.findall(named):
            assert re.search(rf"^def {test}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), f"{file}::{test}"


def test_every_row_says_same_or_in_what_it_differs() -> None:
    for row in rows():
        assert row[-2].startswith(("same", "differs: ")), row
        assert not any(cell.startswith(("same", "differs: ")) for cell in row[:-2]), row


def read_by_the_simulator() -> set[str]:
    names: set[str] = set(MUST_BE_POSITIVE)
    for path in sorted((ROOT / "sim" / "drone").glob("*.py")):
        for match in READ.finditer(path.read_text("utf-8")):
            names.add(match.group(1) or match.group(2))
    return names


def test_the_parameters_that_behave_are_the_ones_that_are_read() -> None:
    names = {name for name, _, _ in TABLE}
    assert names >= BEHAVES
    single = {name for name in BEHAVES if not SERIES.fullmatch(name)}
    read = {name for name in read_by_the_simulator() if not SERIES.fullmatch(name)}
    assert read - single == set(), "read by the simulator and not in BEHAVES"
    assert single - read == set(), "in BEHAVES and read nowhere"


def test_the_page_lists_the_parameters_that_behave() -> None:
    text = PAGE.read_text("utf-8")
    listed = text.split("<!-- behaves -->")[1].split("<!-- /behaves -->")[0]
    names = set(re.findall(r"`([A-Z0-9_n]+)`", listed))
    series = {re.sub(r"\d+_", "n_", name, count=1) if SERIES.fullmatch(name) else name for name in BEHAVES}
    assert names == series


@pytest.mark.parametrize("section", ["Link", "Mission protocol", "Failsafes", "RTCM and Open Drone ID"])
def test_the_page_has_its_sections(section: str) -> None:
    assert f"\n## {section}\n" in PAGE.read_text("utf-8")
