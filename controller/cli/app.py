"""The verbs of `beichen`, built for one language, and the way out for every kind of failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cyclopts import App, CycloptsError
from rich.console import Console

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from controller.cli import words
from controller.cli.airspace import airspace_app
from controller.cli.close import close
from controller.cli.console import TextView, view_of
from controller.cli.demo import demo
from controller.cli.fly import fly
from controller.cli.options import BadOption, Exit
from controller.cli.plan import plan
from controller.cli.poles import poles_app
from controller.cli.report import report
from controller.cli.sim import sim_app

USAGE = Rule(
    "usage",
    Words("{detail}", "用法有误：{detail}"),
    Words("See `beichen --help` and `beichen VERB --help`.", "请查看 `beichen --help` 和 `beichen VERB --help`。"),
)


def build(lang: Lang) -> App:
    """The command line with its help in one language."""
    app = App(name="beichen", help=words.HELP.text(lang), help_format="plaintext", suppress_keyboard_interrupt=False)
    app.command(demo, help=words.HELP_DEMO.text(lang))
    app.command(plan, help=words.HELP_PLAN.text(lang))
    app.command(fly, help=words.HELP_FLY.text(lang))
    app.command(close, help=words.HELP_CLOSE.text(lang))
    app.command(report, help=words.HELP_REPORT.text(lang))
    app.command(airspace_app(lang))
    app.command(poles_app(lang))
    app.command(sim_app(lang))
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and leave with its exit code: 0 done, 1 refused or failed, 2 bad usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal in GBK has no check mark, which is no reason to stop
    code = run(list(sys.argv[1:] if arguments is None else arguments))
    try:
        sys.stdout.flush()
    except OSError:  # whoever read our output has gone; nothing is left to tell them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one verb and return its exit code."""
    lang, json = language_of(arguments), "--json" in arguments
    try:
        code = build(lang)(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _bad_usage([Reason(USAGE, facts={"detail": " ".join(str(error).split())})], lang, json)
    except BadOption as bad:
        return _bad_usage(bad.reasons, lang, json)
    except Refused as refused:
        view_of(lang, json).refused(refused.reasons)
        return Exit.REFUSED
    except KeyboardInterrupt:
        view_of(lang, json).say(words.STOPPED if arguments[:1] in (["fly"], ["demo"]) else words.STOPPED_ONLY)
        return Exit.REFUSED
    return int(code or Exit.DONE)


def _bad_usage(reasons: Sequence[Reason], lang: Lang, json: bool) -> int:
    view = view_of(lang, json) if json else TextView(lang, Console(stderr=True, highlight=False))
    view.refused(reasons)
    return Exit.USAGE


def language_of(arguments: Sequence[str]) -> Lang:
    """The language asked for, wherever `--lang` stands; English otherwise."""
    for i, argument in enumerate(arguments):
        if argument == "--lang=zh" or (argument == "--lang" and list(arguments[i + 1 : i + 2]) == ["zh"]):
            return "zh"
    return "en"
