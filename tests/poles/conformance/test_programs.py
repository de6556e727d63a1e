"""Clients that are programs of their own pass the kit: the firmware in C, and a stranger's."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from poles.conformance import PARAGRAPHS, TRIALS, Verdict
from tests.poles.conformance.test_over_curve import failed, kit
from tests.poles.firmware.firmware import built

LONG = {
    "a-gateway-that-says-bye",
    "a-power-cut",
    "a-version-that-is-not-spoken",
    "enrolment",
    "acknowledgements-that-do-not-come",
    "more-than-it-can-hold",
}
SHORT = [trial for trial in TRIALS if trial.name not in LONG]
PROJECT = Path(__file__).parents[3]
STRANGER = ["env", f"PYTHONPATH={PROJECT}", sys.executable, "-m", "tests.stranger.pole"]


def firmware(*environment: str) -> list[str]:
    """The command that starts the firmware's example."""
    return ["env", *environment, str(built("main"))]


def test_the_firmware_passes(tmp_path: Path) -> None:
    assert failed(kit(tmp_path, firmware(), SHORT)) == {}


@pytest.mark.soak
@pytest.mark.parametrize("environment", [(), ("BEICHEN_FADE_S=0.4",)], ids=["at-once", "with-fading"])
def test_the_firmware_keeps_every_paragraph(tmp_path: Path, environment: tuple[str, ...]) -> None:
    findings = kit(tmp_path, firmware(*environment), TRIALS)
    assert failed(findings) == {}
    assert all(findings.verdict(number) is Verdict.PASS for number in PARAGRAPHS)


def test_the_strangers_pole_passes(tmp_path: Path) -> None:
    findings = kit(tmp_path, STRANGER, SHORT)
    assert failed(findings) == {}


@pytest.mark.soak
def test_the_strangers_pole_breaks_no_paragraph(tmp_path: Path) -> None:
    assert failed(kit(tmp_path, STRANGER, TRIALS)) == {}


def test_the_strangers_pole_knows_nothing_of_beichen() -> None:
    """It imports the standard library, zmq and msgpack; what it knows it has from the document."""
    files = [path for path in (PROJECT / "tests" / "stranger").glob("*.py") if not path.name.startswith("test_")]
    assert files
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                known = top in sys.stdlib_module_names or top in ("zmq", "msgpack")
                assert known or name.startswith("tests.stranger"), f"{path.name} imports {name}"
