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


def rows() -> list[list[str]]:
    """The cells of the table rows that name a test."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|") and "::test_" in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_names_a_test_that_exists() -> None:
    named = [name for row in rows() for name in re.findall(r"`([\w/]+\.py)::(test_\w+)`", row[-1])]
    assert len(named) > 60
    for file, test in named:
        assert re.search(rf"^def {test}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE), f"{file}::{test}"


def test_every_row_says_same_or_in_what_it_differs() -> None:
    for row in rows():
        verdicts = [cell for cell in row if cell.startswith(("same", "differs: "))]
        assert len(verdicts) == 1, row


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
