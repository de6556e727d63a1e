"""`beichen sim explore`: random city days, and the short version of each that breaks a promise."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter, validators
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from airspace.reasons import Lang, Words
from controller.cli import words
from controller.cli.options import BadOption, Exit, Output
from controller.clock import wall_s
from controller.run import make_folder
from sim.faults import FAULTS
from sim.generated_city import size_problems
from sim.world.days.day import Day, read_day, write_day
from sim.world.days.exploring import DayKind, Tally, explore, jobs_here, live_in_memory
from sim.world.days.living import Verdict
from sim.world.days.shrinking import Shrinker
from sim.world.invariants import INVARIANTS, Breach

HELP = Words("Live random city days and look for a broken promise.", "随机模拟城市的一天又一天，查找被违反的不变量。")
EXPLORING = Words("days lived", "已模拟天数")
KIND, TRIED, BROKE = Words("bad luck", "不利因素"), Words("days", "天数"), Words("broken", "违反")
SUMMARY = Words(
    "days: {days}, flights flown: {flown}, missions: {missions} ({outcomes}), broken days: {broken}; {s:.0f} s",
    "{days} 天，飞行 {flown} 次，任务 {missions} 个：{outcomes}；{broken} 天出现违反；用时 {s:.0f} 秒",
)
SO_FAR = Words(
    "days: {days} of {seeds}, broken: {broken}; {s:.0f} s", "已模拟 {days}/{seeds} 天，违反 {broken} 天；{s:.0f} 秒"
)
NOT_SHRUNK = Words(
    "seed {seed} broke {code}; to shrink it:\n  beichen sim explore --seeds 1 --first {seed} {kind}",
    "种子 {seed} 违反 {code}；如需缩减：\n  beichen sim explore --seeds 1 --first {seed} {kind}",
)
SHRUNK = Words(
    "seed {seed} broke {code}; a short day that does is in {path}\n  beichen sim explore --replay {path}",
    "种子 {seed} 违反 {code}；最短复现已写入 {path}\n  beichen sim explore --replay {path}",
)
HOLDS = Words("every promise held; digest {digest}", "全部不变量成立；摘要 {digest}")
BEFORE = Words("before it", "此前事件")
WORDS = {invariant.code: invariant.words for invariant in INVARIANTS}
OTHER_KINDS = {
    "killed at an event": "控制器在某事件时被终止",
    "timed block": "限时禁飞区",
    "jitter or doubles": "帧抖动或重复",
    "slow store": "存储缓慢",
    "no bad luck": "无不利因素",
}
SHRINK_DAYS = 60
DAYS_A_LINE = 25  # between two lines of progress where there is no terminal


def explore_days(
    *,
    seeds: Annotated[int, Parameter(help="How many days. 天数。", validator=validators.Number(gte=1))] = 1000,
    first: Annotated[int, Parameter(help="The first seed. 首个种子。", validator=validators.Number(gte=0))] = 1,
    drones: Annotated[int, Parameter(help="Drones of each day. 无人机数。", validator=validators.Number(gte=1))] = 5,
    poles: Annotated[int, Parameter(help="Poles of each day. 灯杆数。", validator=validators.Number(gte=8))] = 50,
    minutes: Annotated[
        float, Parameter(help="Length of each day. 每天时长（分钟）。", validator=validators.Number(gte=1))
    ] = 30.0,
    jobs: Annotated[
        int | None, Parameter(help="Processes at once; all cores. 并行进程数。", validator=validators.Number(gte=1))
    ] = None,
    into: Annotated[Path, Parameter(help="Where failing days are written. 失败案例目录。")] = Path("runs/explored"),
    replay: Annotated[Path | None, Parameter(help="Live this day again instead. 重放该文件中的一天。")] = None,
    output: Output = Output(),
) -> int:
    """Live random days in parallel; shrink each that breaks a promise and write it into a file."""
    if replay is not None:
        return _replay(read_day(replay), output)
    if problems := size_problems(drones, poles, "--poles"):
        raise BadOption(problems)
    make_folder(into)
    kind = DayKind(drones, poles, minutes)
    exploration = _Exploration(kind, into, output)
    with _sigterm_as_ctrl_c():
        return exploration.explore(range(first, first + seeds), jobs or jobs_here())


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Exploration:
    """Days lived, counted, and shrunk when they are broken; whoever stops it is told what was found until then."""

    def __init__(self, kind: DayKind, into: Path, output: Output) -> None:
        self._kind = kind
        self._into = into
        self._output = output
        self._tally = Tally()
        self._failing: list[tuple[Day, Verdict]] = []
        self._began_s = wall_s()

    def explore(self, seeds: range, jobs: int) -> int:
        """Live the days of these seeds; the exit code."""
        output, stopped, failed = self._output, False, False
        try:
            self._live(seeds, jobs)
            failed = bool(self._failing)
            self._failing.sort(key=lambda pair: pair[1].seed)
            while self._failing:
                _shrink(*self._failing[0], self._into, output)
                del self._failing[0]
        except KeyboardInterrupt:
            stopped = True
        for day, verdict in self._failing:
            _tell_not_shrunk(day, verdict, self._kind, output)
        _tell(self._tally, wall_s() - self._began_s, output)
        if stopped and not output.json:
            Console().print(words.STOPPED_ONLY.text(output.lang))
        return Exit.REFUSED if stopped or failed else Exit.DONE

    def _live(self, seeds: range, jobs: int) -> None:
        with _progress(self._output, len(seeds)) as advance, closing(explore(seeds, self._kind, jobs)) as verdicts:
            for verdict in verdicts:
                day = self._kind.day(verdict.seed)
                self._tally.add(day, verdict)
                if self._output.json:
                    _say_json({"verdict": msgspec.to_builtins(verdict)})
                if verdict.breaches:
                    self._failing.append((day, verdict))
                advance(self._tally)


@contextmanager
def _progress(output: Output, seeds: int) -> Iterator[Callable[[Tally], None]]:
    console = Console(stderr=True)
    if output.json or not console.is_terminal:
        yield _lines_of_progress(output, seeds)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[broken]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(EXPLORING.text(output.lang), total=seeds, broken="")

        def advance(tally: Tally) -> None:
            broken = f"{BROKE.text(output.lang)}: {tally.broken_days}" if tally.broken_days else ""
            progress.update(task, advance=1, broken=broken)

        yield advance


def _lines_of_progress(output: Output, seeds: int) -> Callable[[Tally], None]:
    """What tells a log that days go by; machines hear of each."""
    began_s = wall_s()

    def advance(tally: Tally) -> None:
        if (tally.days == 1 or tally.days % DAYS_A_LINE == 0) and not output.json:
            facts = {"days": tally.days, "seeds": seeds, "broken": tally.broken_days, "s": wall_s() - began_s}
            sys.stderr.write(SO_FAR.text(output.lang, facts) + "\n")
            sys.stderr.flush()

    return advance


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
    promise = WORDS.get(breach.invariant)
    console.print(f"[red]{breach.invariant}[/red] {promise.text(lang) if promise else ''}", highlight=False)
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


def _tell_not_shrunk(day: Day, verdict: Verdict, kind: DayKind, output: Output) -> None:
    facts = {"seed": day.seed, "code": verdict.broken[0]}
    if output.json:
        _say_json({"not_shrunk": facts})
        return
    made_of = f"--drones {kind.drones} --poles {kind.poles} --minutes {kind.minutes:g}"
    Console().print(NOT_SHRUNK.text(output.lang, {**facts, "kind": made_of}), markup=False, highlight=False)


def _tell(tally: Tally, took_s: float, output: Output) -> None:
    zh = output.lang == "zh" and not output.json
    outcomes = ", ".join(
        f"{words.OUTCOMES[name].zh if zh and name in words.OUTCOMES else name} {count}"
        for name, count in sorted(tally.outcomes.items())
    )
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
        table.add_row(kind_words(name).text(output.lang), str(tally.tried[name]), str(tally.broke[name]))
    for code in sorted(tally.breaches):
        promise = f" {WORDS[code].zh}" if zh and code in WORDS else ""
        table.add_row(f"[red]{code}[/red]{promise}", "", str(tally.breaches[code]))
    console = Console()
    console.print(table)
    console.print(SUMMARY.text(output.lang, facts), highlight=False)


def kind_words(kind: str) -> Words:
    """A kind of bad luck of `kinds_of` in words; those of the table of faults keep their names in English."""
    name, _, choice = kind.partition("=")
    if name not in FAULTS:
        return Words(kind, OTHER_KINDS.get(kind, kind))
    spec = FAULTS[name]
    return Words(kind, spec.words.zh + (f"：{spec.choices[choice].zh}" if choice else ""))


def _say_json(tree: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(tree, ensure_ascii=False) + "\n")
    sys.stdout.flush()
