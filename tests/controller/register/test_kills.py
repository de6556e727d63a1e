from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from controller.register.register import open_register
from tests.controller.register.importing_process import ZONES
from tests.controller.register.test_many_writers import REPOSITORY, tables
from tests.controller.register.writing_process import NOW_S


def killed_at(path: Path, acknowledged: Path, lines: int, then_s: float) -> None:
    """Let a process import and rebuild until it has confirmed some lines and a moment more, and kill it there."""
    command = [sys.executable, "-m", "tests.controller.register.importing_process", str(path), str(acknowledged)]
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        try:
            while not acknowledged.exists() or acknowledged.read_text("utf-8").count("\n") < lines:
                assert process.poll() is None
                pause(process, 0.005)
            pause(process, then_s)
        finally:
            process.kill()


def pause(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


@pytest.mark.parametrize("seed", range(2))
def test_an_import_or_a_rebuild_that_is_killed_has_happened_whole_or_not_at_all(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path, acknowledged = tmp_path / "airspace.db", tmp_path / "acks"
    killed_at(path, acknowledged, rng.randint(1, 12), rng.uniform(0.0, 0.02))
    told = [int(line) for line in acknowledged.read_text("utf-8").splitlines() if line.isdigit()]
    with open_register(path, lambda: NOW_S, busy_s=1.0) as register:
        held = register.zones()
        assert len(held) == ZONES
        (batch,) = {one.batch.file for one in held}
        assert int(batch.removesuffix(".geojson")) in (told[-1], told[-1] + 1)
        before = tables(path)
        register.rebuild()
        assert tables(path) == before
