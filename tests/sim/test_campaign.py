"""Whatever goes wrong, the promises hold: a few random days here, hundreds with `make soak`."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.sim.campaign import Day, Verdict, live, table

SOAK_DAYS = int(os.environ.get("BEICHEN_SOAK_DAYS", "300"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_day_breaks_no_promise(tmp_path: Path, seed: int) -> None:
    assert live(Day.of(seed), tmp_path).broken == []


def _day(job: tuple[int, str]) -> Verdict:
    seed, folder = job
    return live(Day.of(seed), Path(folder) / str(seed))


@pytest.mark.soak
def test_hundreds_of_random_days_break_no_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ProcessPoolExecutor(2) as pool:
        verdicts = list(pool.map(_day, ((seed, str(tmp_path)) for seed in range(1, SOAK_DAYS + 1))))
    with capsys.disabled():
        print(f"\n{table(verdicts)}")  # noqa: T201 - the table is what the campaign is for
    assert {verdict.day.seed: verdict.broken for verdict in verdicts if verdict.broken} == {}
