from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box

from airspace.intents import PLANNED_STATES, IntentState, OperationalIntent
from airspace.volumes import Volume4D
from controller.register.register import Register, open_register
from controller.register.tables import PROJECTIONS
from tests.controller.register.writing_process import FOUNDING, HOLDER, NOW_S

REPOSITORY = Path(__file__).parents[3]


@dataclass
class Campaign:
    """Processes that write to one register, some of them killed, and what they were told."""

    folder: Path
    rng: random.Random
    attempts: int  # of each process
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    started: int = 0
    killed: int = 0

    @property
    def path(self) -> Path:
        return self.folder / "airspace.db"

    def start(self, stack: ExitStack) -> None:
        name = f"w{self.started}"
        self.started += 1
        arguments = [str(self.path), str(self.folder / f"{name}.jsonl"), name, str(self.attempts)]
        command = [sys.executable, "-m", "tests.controller.register.writing_process", *arguments]
        process = stack.enter_context(subprocess.Popen(command, cwd=REPOSITORY))
        stack.callback(process.kill)
        self.processes[name] = process

    def kill_one(self) -> None:
        """Kill a process that has begun to work, in the middle of whatever it does."""
        working = [name for name in sorted(self.processes) if (self.folder / f"{name}.jsonl").exists()]
        if working:
            name = self.rng.choice(working)
            self.processes[name].kill()
            self.processes.pop(name).wait(30.0)
            self.killed += 1

    def told(self) -> list[dict[str, Any]]:
        """All that the processes wrote down, process by process; a line that the kill cut off was not told."""
        lines = [
            line
            for path in sorted(self.folder.glob("w*.jsonl"))
            for line in path.read_text("utf-8").splitlines(keepends=True)
        ]
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def lines(self) -> int:
        """How many attempts the processes have told of so far."""
        return sum(path.read_bytes().count(b"\n") for path in self.folder.glob("w*.jsonl"))


def run(campaign: Campaign, writers: int, kill_every: int, enough: int, seconds: float) -> float:
    """Let `writers` processes work, one killed and replaced every so many attempts, until there were enough of these.

    It ends after a time, too, or when all have made theirs; what comes back are the seconds since the first attempt.
    """
    begin_s = time.monotonic()
    first_s: float | None = None
    kill_at = kill_every
    with ExitStack() as stack:
        for _ in range(writers):
            campaign.start(stack)
        while campaign.processes and (done := campaign.lines()) < enough:
            now_s = time.monotonic()
            first_s = now_s if first_s is None and done else first_s
            if now_s > (begin_s + 60.0 if first_s is None else first_s + seconds):
                break
            for name, process in [*campaign.processes.items()]:
                if process.poll() is not None:
                    assert process.returncode == 0
                    campaign.processes.pop(name)
            if done >= kill_at:
                campaign.kill_one()
                campaign.start(stack)
                kill_at = done + round(kill_every * campaign.rng.uniform(0.5, 1.5))
            time.sleep(campaign.rng.uniform(0.005, 0.02))
        took_s = time.monotonic() - (first_s or begin_s)
        while campaign.processes:  # whoever is left is killed as well
            _, process = campaign.processes.popitem()
            process.kill()
            process.wait(30.0)
    return took_s


def no_two_conflict(intents: tuple[OperationalIntent, ...]) -> int:
    """Compare every volume with every other; the number of pairs compared."""
    held = [(intent.id, volume) for intent in intents if intent.state in PLANNED_STATES for volume in intent.held]
    boxes = np.array([volume.box for _, volume in held])
    low, high = boxes[:, :4], boxes[:, 4:]
    for i in range(len(held)):
        meeting = np.flatnonzero((low[i] <= high).all(axis=1) & (high[i] >= low).all(axis=1))
        for j in meeting:
            if j > i and held[i][0] != held[j][0]:
                assert not held[i][1].overlaps(held[j][1]), f"{held[i][0]} and {held[j][0]} conflict"
    return len(held) * (len(held) - 1) // 2


def all_told_is_there(register: Register, told: list[dict[str, Any]]) -> None:
    """Whatever a process was told to be done is in the register, or was followed by a later version."""
    newest: dict[str, tuple[int, str, str]] = {}
    for line in told:
        for id_, version, state, ovn in line.get("done", ()):
            newest[id_] = max(newest.get(id_, (0, "", "")), (version, state, ovn))
    for id_, (version, state, ovn) in newest.items():
        stands = register.intent(id_)
        assert stands.version >= version, f"version {version} of {id_} is lost"
        if stands.version == version:
            assert (str(stands.state), stands.ovn) == (state, ovn)
    assert newest


def tables(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in PROJECTIONS}


def judge(campaign: Campaign) -> Counter[str]:
    """Everything that must hold after the campaign; the outcomes counted."""
    told = campaign.told()
    with open_register(campaign.path, lambda: NOW_S, busy_s=1.0) as register:  # whoever was killed holds no lock
        stay = Volume4D(box(-900, -900, -800, -800), 0.0, 100.0, NOW_S, NOW_S + 60.0)
        register.reserve([OperationalIntent("newcomer", 0, IntentState.ACCEPTED, (stay,))], (), HOLDER)
        no_two_conflict(register.intents())
        all_told_is_there(register, told)
        before = tables(campaign.path)
        changes = register.rebuild()
        assert tables(campaign.path) == before
        assert changes == register.changes_after(0, 10**9)[-1].seq
    with closing(sqlite3.connect(campaign.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    outcomes: Counter[str] = Counter()
    for line in told:
        outcomes["accepted" if "done" in line else line["refused"]] += 1
    return outcomes


def row(campaign: Campaign, outcomes: Counter[str], took_s: float) -> str:
    tried = outcomes.total()
    others = {code: count for code, count in sorted(outcomes.items()) if code not in ("accepted", "conflict", "stale")}
    return (
        f"| tried {tried} | accepted {outcomes['accepted']} | refused {outcomes['conflict']} "
        f"| stale {outcomes['stale']} | other {others} | killed {campaign.killed} "
        f"| {outcomes['accepted'] / took_s:.0f} accepted/s | {tried / took_s:.0f} tried/s | {took_s:.1f} s |"
    )


def test_processes_that_reserve_at_once_and_are_killed_leave_a_sound_register(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, random.Random(7), attempts=1000)
    run(campaign, writers=4, kill_every=80, enough=400, seconds=60.0)
    outcomes = judge(campaign)
    assert outcomes["accepted"] > 20
    assert outcomes["conflict"] > 20
    assert campaign.killed >= 3
    assert not outcomes["register.busy"]  # nobody was turned away for having read before writing


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_eight_processes_for_a_minute_leave_a_sound_register(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = Campaign(tmp_path, random.Random(11), attempts=20_000)
    took_s = run(campaign, writers=8, kill_every=150, enough=10**9, seconds=60.0)
    outcomes = judge(campaign)
    with capsys.disabled():
        sys.stdout.write(f"\n{row(campaign, outcomes, took_s)}\n")
    assert outcomes["accepted"] > 300
    assert outcomes["stale"] > 0
    assert campaign.killed >= 10


def test_processes_that_open_a_new_register_at_once_find_one_register(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, random.Random(3), attempts=2)
    run(campaign, writers=3, kill_every=10**9, enough=10**9, seconds=60.0)
    with open_register(campaign.path, lambda: NOW_S) as register:
        changes = register.changes_after()
        assert [change.seq for change in changes if type(change.body).__name__ == "Founded"] == [1]
        assert register.frame.origin == FOUNDING.origin
    assert len(campaign.told()) == 6
