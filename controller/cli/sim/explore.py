"""`beichen sim explore`: random city days, and the short version of each that breaks a promise."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter, validators
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from airspace.reasons import Lang, Words
from controller.cli.options import Exit, Output
from controller.clock import wall_s
from controller.run import make_folder
from sim.world.day import Day, read_day, write_day
from sim.world.exploring import DayKind, Tally, explore, jobs_here, live_in_memory
from sim.world.invariants import INVARIANTS, Breach
from sim.world.living import Verdict
from sim.world.shrinking import Shrinker

HELP = Words("Live random city days and look for a broken promise.", "随机模拟城市的一天又一天，查找被违反的不变量。")
EXPLORING = Words("days lived", "已模拟天数")
KIND, TRIED, BROKE = Words("bad luck", "不利因素"), Words("days", "天数"), Words("broken", "违反")
SUMMARY = Words(
    "{days} days, {flown} flights flown, {missions} missions: {outcomes}; {broken} days broke a promise; {s:.0f} s",
    "{days} 天，飞行 {flown} 次，任务 {missions} 个：{outcomes}；{broken} 天出现违反；用时 {s:.0f} 秒",
)
SHRUNK = Words(
    "seed {seed} broke {code}; a short day that does is in {path}\n  beichen sim explore --replay {path}",
    "种子 {seed} 违反 {code}；最短复现已写入 {path}\n  beichen sim explore --replay {path}",
)
HOLDS = Words("every promise held; digest {digest}", "全部不变量成立；摘要 {digest}")
BEFORE = Words("before it", "此前事件")
WORDS = {invariant.code: invariant.words for invariant in INVARIANTS}
SHRINK_DAYS = 60

AtLeastOne = Annotated[int, Parameter(validator=validators.Number(gte=1))]


def explore_days(
    *,
    seeds: Annotated[int, Parameter(help="How many days. 天数。", validator=validators.Number(gte=1))] = 1000,
    first: Annotated[int, Parameter(help="The first seed. 首个种子。", validator=validators.Number(gte=0))] = 1,
    drones: Annotated[int, Parameter(help="Drones of each day. 无人机数。", validator=validators.Number(gte=1))] = 5,
    poles: Annotated[int, Parameter(help="Poles of each day. 灯杆数。", validator=validators.Number(gte=8))] = 50,
    minutes: Annotated[
        float, Parameter(help="Length of each day. 每天时长（分钟）。", validator=validators.Number(gte=1))
    ] = 30.0,
    jobs: Annotated[int | None, Parameter(help="Processes at once; all cores. 并行进程数。")] = None,
    into: Annotated[Path, Parameter(help="Where failing days are written. 失败案例目录。")] = Path("runs/explored"),
    replay: Annotated[Path | None, Parameter(help="Live this day again instead. 重放该文件中的一天。")] = None,
    output: Output = Output(),
) -> int:
    """Live random days in parallel; shrink each that breaks a promise and write it into a file."""
    if replay is not None:
        return _replay(read_day(replay), output)
    kind = DayKind(drones, max(poles, 4 * (drones + 1)), minutes)
    tally, began_s, failing = Tally(), wall_s(), []
    with _progress(output, seeds) as advance:
        for verdict in explore(range(first, first + seeds), kind, jobs or jobs_here()):
            day = kind.day(verdict.seed)
            tally.add(day, verdict)
            if output.json:
                _say_json({"verdict": msgspec.to_builtins(verdict)})
            if verdict.breaches:
                failing.append((day, verdict))
            advance(tally)
    for day, verdict in sorted(failing, key=lambda pair: pair[1].seed):
        _shrink(day, verdict, into, output)
    _tell(tally, wall_s() - began_s, output)
    return Exit.REFUSED if failing else Exit.DONE


@contextmanager
def _progress(output: Output, seeds: int) -> Iterator[Callable[[Tally], None]]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[broken]}"),
    )
    with Progress(*columns, console=console, disable=output.json or not console.is_terminal) as progress:
        task = progress.add_task(EXPLORING.text(output.lang), total=seeds, broken="")

        def advance(tally: Tally) -> None:
            broken = f"{BROKE.text(output.lang)}: {tally.broken_days}" if tally.broken_days else ""
            progress.update(task, advance=1, broken=broken)

        yield advance


def _replay(day: Day, output: Output) -> int:
    verdict = live_in_memory(day)
    if output.json:
        _say_json({"verdict": msgspec.to_builtins(verdict)})
    else:
        console = Console()
        for breach in verdict.breaches:
            _show(console, breach, output.lang)
        if not verdict.breaches:
            console.print(HOLDS.text(output.lang, {"digest": verdict.digest}), highlight=False)
    return Exit.REFUSED if verdict.breaches else Exit.DONE


def _show(console: Console, breach: Breach, lang: Lang) -> None:
    words = WORDS.get(breach.invariant)
    console.print(f"[red]{breach.invariant}[/red] {words.text(lang) if words else ''}", highlight=False)
    console.print(f"  {breach.at_s:.2f} s, {breach.place}", highlight=False)
    console.print(f"  {breach.subject}: {breach.detail}", markup=False, highlight=False)
    console.print(f"  {BEFORE.text(lang)}:", highlight=False)
    for line in breach.before:
        console.print(f"    {line}", markup=False, highlight=False, no_wrap=True, overflow="ellipsis")


def _shrink(day: Day, verdict: Verdict, into: Path, output: Output) -> None:
    code = verdict.broken[0]
    short, again = Shrinker(live_in_memory, code, SHRINK_DAYS).shrink(day, verdict)
    path = make_folder(into) / f"day-{day.seed}-{code}.yaml"
    write_day(short, path)
    facts = {"seed": day.seed, "code": code, "path": str(path)}
    if output.json:
        _say_json({"shrunk": facts, "verdict": msgspec.to_builtins(again)})
        return
    console = Console()
    console.print(SHRUNK.text(output.lang, facts), markup=False, highlight=False)
    _show(console, next(b for b in again.breaches if b.invariant == code), output.lang)


def _tell(tally: Tally, took_s: float, output: Output) -> None:
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(tally.outcomes.items()))
    facts = {
        "days": tally.days,
        "flown": tally.flown,
        "missions": tally.outcomes.total(),
        "outcomes": outcomes,
        "broken": tally.broken_days,
        "s": took_s,
    }
    if output.json:
        _say_json({"tally": {**facts, "tried": dict(sorted(tally.tried.items())), "breaches": dict(tally.breaches)}})
        return
    table = Table(box=None)
    table.add_column(KIND.text(output.lang))
    table.add_column(TRIED.text(output.lang), justify="right")
    table.add_column(BROKE.text(output.lang), justify="right")
    for name in sorted(tally.tried):
        table.add_row(name, str(tally.tried[name]), str(tally.broke[name]))
    for code in sorted(tally.breaches):
        table.add_row(f"[red]{code}[/red]", "", str(tally.breaches[code]))
    console = Console()
    console.print(table)
    console.print(SUMMARY.text(output.lang, facts), highlight=False)


def _say_json(tree: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(tree, ensure_ascii=False) + "\n")
    sys.stdout.flush()
