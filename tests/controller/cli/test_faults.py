from __future__ import annotations

from pathlib import Path

import pytest

from airspace.reasons import Refused
from controller.cli.app import run
from controller.cli.options import Exit
from sim.fault_text import parse_fault
from sim.faults import FAULTS

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"


@pytest.mark.parametrize("verb", [["demo"], ["sim", "city", str(EXAMPLE / "city.yaml"), "--into"]])
@pytest.mark.parametrize(("text", "code"), [("storm=1", "inject.unknown"), ("wind=gale", "inject.value")])
def test_an_unknown_fault_is_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: list[str], text: str, code: str
) -> None:
    folder = ["--runs", str(tmp_path / "new")] if verb == ["demo"] else [str(tmp_path / "new")]
    assert run([*verb, *folder, "--inject", text]) == Exit.REFUSED
    out, err = capsys.readouterr()
    assert err == ""
    assert f"[{code}]" in out
    assert text in out
    if code == "inject.unknown":
        assert all(spec.example in out for spec in FAULTS.values())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_words_and_an_example_that_parses(name: str) -> None:
    spec = FAULTS[name]
    assert spec.words.en
    assert spec.words.zh
    assert spec.words.en != spec.words.zh
    fault = parse_fault(spec.example)
    assert fault.name == name
    assert bool(spec.choices) is bool(fault.choice)


@pytest.mark.parametrize("text", ["wind", "wind=", "wind=-1", "wind=41", "wind=nan", "fix=7", "dock", "dock=open", ""])
def test_a_bad_value_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_fault(text)
    (reason,) = refused.value.reasons
    assert reason.where.startswith("--inject")
    spec = FAULTS.get(text.partition("=")[0])
    wanted = spec.example if spec else "wind=18"
    assert wanted in reason.text("en")
    assert wanted in reason.text("zh")
