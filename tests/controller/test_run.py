from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from airspace.reasons import Reason
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import OperatorSaid, PlanMade, RunFinished, RunStarted, decode_record
from controller.flight.conduct import INTERRUPTED, STOPPED_WORDS
from controller.flight.mission_source import load_mission
from controller.run import begin, finish, fly_mission, run_records
from missions.qgc_plan import read_qgc_plan
from tests.controller.flight.scene import SITE_FILE, opened_district, plan, site
from tests.controller.links.air import air

REASON = Reason(INTERRUPTED, "d1", {"why": STOPPED_WORDS})


def in_district(folder: Path, test: Callable[[District], Coroutine[Any, Any, Any]]) -> Any:
    async def main(clock: Clock) -> Any:
        async with opened_district(clock, folder, site(ready_within_s=5.0)) as district:
            return await test(district)

    return run(main, virtual_tempo())


def test_runs_of_one_moment_get_folders_of_their_own(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        made = [await begin(district, "gas", tmp_path / "runs", seed=1) for _ in range(3)]
        assert [one.id for one in made] == [f"20260518T010000Z-gas{end}" for end in ("", "-2", "-3")]
        assert all(one.folder == tmp_path / "runs" / one.id and one.folder.is_dir() for one in made)

    in_district(tmp_path, body)


def test_a_finished_run_has_its_own_part_of_the_log_its_plan_and_its_report(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        first = await begin(district, "first", tmp_path, seed=1)
        await finish(district, first, "interrupted", (), lang="en")
        second = await begin(district, "second", tmp_path, seed=2)
        await district.record(PlanMade(run=second.id, flight="f1", drone="d1", plan=plan()))
        result = await finish(district, second, "refused", [REASON, {"code": "c", "en": "e", "zh": "z"}], lang="zh")
        await begin(district, "third", tmp_path, seed=3)
        log = [decode_record(line) for line in (second.folder / "events.jsonl").read_bytes().splitlines()]
        assert [type(record.event) for record in log] == [RunStarted, PlanMade, RunFinished]
        assert log == run_records(district.store.read(), second.id)
        assert result.outcome == "refused"
        assert result.reasons == (REASON.as_dict(), {"code": "c", "en": "e", "zh": "z"})
        held = read_qgc_plan((second.folder / "plan.plan").read_bytes(), "plan.plan")
        assert len(held.items) == len(plan().items)
        assert (second.folder / "report.html").is_file()
        assert not (first.folder / "plan.plan").exists()
        assert json.loads((second.folder / "summary.json").read_bytes())["outcome"] == "refused"

    in_district(tmp_path, body)


def test_an_open_run_reaches_to_the_end_of_the_log(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        made = await begin(district, "gas", tmp_path, seed=None)
        await district.record(OperatorSaid(run=made.id, what="hello"))
        assert len(run_records(district.store.read(), made.id)) == 2

    in_district(tmp_path, body)


def test_stopping_before_the_drone_was_heard_ends_the_run_as_interrupted(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        async def connect(address: str) -> Any:
            return air()[0]

        district.connect = connect
        mission = load_mission(SITE_FILE.with_name("pipeline.yaml"))
        drone = district.site.file.drones[0]
        flying = asyncio.create_task(fly_mission(district, mission, drone, tmp_path / "runs"))
        await asyncio.sleep(2.0)
        flying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flying
        kinds = [str(record.event.__struct_config__.tag) for record in district.store.read()]
        assert kinds == ["run.started", "request.accepted", "operator.said", "run.finished"]
        assert not district.links
        result = await fly_mission(district, mission, drone, tmp_path / "runs")
        assert (result.outcome, result.reasons[0]["code"]) == ("refused", "drone.not-heard")

    in_district(tmp_path, body)


def test_two_runs_at_once_keep_their_events_apart(tmp_path: Path) -> None:
    async def body(district: District) -> None:
        runs = [await begin(district, name, tmp_path, seed=1) for name in ("one", "two")]
        for made in runs:
            await district.record(PlanMade(run=made.id, flight=f"{made.id}-1", drone="d1", plan=plan()))
        for made in runs:
            await district.record(OperatorSaid(run=made.id, what=f"hello {made.id}"))
        result = await finish(district, runs[1], "refused", (), lang="en")
        log = [decode_record(line).event for line in (result.folder / "events.jsonl").read_bytes().splitlines()]
        assert {getattr(event, "run", runs[1].id) for event in log} == {runs[1].id}
        assert [type(event) for event in log] == [RunStarted, PlanMade, OperatorSaid, RunFinished]

    in_district(tmp_path, body)
