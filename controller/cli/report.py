"""`beichen report`: a run's report, written again from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli.console import view_of
from controller.cli.options import Exit, Output
from controller.report import write_report

NO_RUN = Rule(
    "run.missing",
    Words("this is no run folder: it has no events.jsonl", "该目录不是运行文件夹：缺少 events.jsonl"),
    Words("Name a folder under runs/.", "请指定 runs/ 下的文件夹。"),
)


def report(
    folder: Annotated[Path, Parameter(help="A run's folder. 运行文件夹。")], *, output: Output = Output()
) -> int:
    """Write a run's report again from its folder."""
    if not (folder / "events.jsonl").is_file():
        raise Refused([Reason(NO_RUN, str(folder))])
    summary = write_report(folder, lang_default=output.lang)
    view_of(output.lang, output.json).result(summary.outcome, summary, str(folder))
    return Exit.DONE
