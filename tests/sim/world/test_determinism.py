"""The same day gives the same bytes: in one process after another, whatever hashes, and on another Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.world.days.exploring import live_in_memory
from tests.sim.world.digest_process import SMALL

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("digest_process.py")
SEEDS = ("2", "5")


def digests(python: str, hash_seed: str, *seeds: str) -> list[str]:
    """What the script prints with an interpreter."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    made = subprocess.run([python, str(SCRIPT), *seeds], check=True, capture_output=True, text=True, env=environment)
    return made.stdout.splitlines()


def here(*seeds: str) -> list[str]:
    """The same in this process."""
    verdicts = [live_in_memory(SMALL.day(int(seed))) for seed in seeds]
    return [f"{verdict.seed} {verdict.digest} {verdict.lasted_s}" for verdict in verdicts]


def test_two_processes_that_hash_differently_live_the_same_days() -> None:
    mine = here(*SEEDS)
    assert digests(sys.executable, "1", *SEEDS) == mine
    assert len({line.split()[1] for line in mine}) == len(SEEDS)  # and different seeds differ


def test_a_day_does_not_depend_on_the_days_before_it() -> None:
    first, second = here(*SEEDS)
    assert here(*reversed(SEEDS)) == [second, first]


@pytest.mark.skipif(not os.environ.get("BEICHEN_OTHER_PYTHON"), reason="no other Python is named")
def test_another_python_lives_the_same_days() -> None:
    assert digests(os.environ["BEICHEN_OTHER_PYTHON"], "3", *SEEDS) == here(*SEEDS)
