"""Asking the running gateway of a site, and saying what it answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from airspace.reasons import Lang, Reason, Rule, Words
from controller.cli.console import view_of
from controller.cli.options import BadOption, Output
from controller.cli.plan import SiteOption
from controller.cli.poles.enrol import site_for_poles
from controller.pole_control import Control, control_of
from controller.pole_control.messages import AlarmTold, Answer, DifferenceTold, Refusal, Request

NOT_A_VALUE = Rule(
    "poles.value",
    Words("'{value}' does not name a value", "“{value}” 未给出取值"),
    Words("Write NAME=VALUE, each name once, as level=60.", "请写成 名称=值，每个名称一次，例如 level=60。"),
)


async def answers_to(request: Request, site: SiteOption, output: Output) -> AsyncIterator[Answer]:
    """What the gateway of the site that is meant answers; refusals are shown. Raises Refused when none runs."""
    async with control_of(site_for_poles(site)) as control:
        async for answer in asked(control, request, output):
            if output.json:
                line(msgspec.json.encode(answer).decode())
            yield answer


async def asked(control: Control, request: Request, output: Output) -> AsyncIterator[Answer]:
    """What a gateway answers but for refusals, which are shown. Raises Refused when it goes away."""
    async for answer in control.ask(request):
        if isinstance(answer, Refusal):
            view_of(output.lang, output.json).refused(answer.reasons)
        else:
            yield answer


def values_of(pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE pairs, values read as JSON where they are that, else as text. Raises BadOption."""
    values: dict[str, Any] = {}
    problems = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals) or name in values:
            problems.append(Reason(NOT_A_VALUE, "NAME=VALUE", {"value": pair}))
        else:
            values[name] = _value(text)
    if problems:
        raise BadOption(problems)
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def line(text: str) -> None:
    """One line of the verb's own output, at once: somebody may wait for it."""
    print(text, flush=True)  # noqa: T201 - the verb's own output


def in_words(told: AlarmTold | DifferenceTold, lang: Lang) -> str:
    """What an alarm says, or why something is not as desired."""
    return told.zh if lang == "zh" else told.en


def age(seconds: float | None) -> str:
    """An age for people: seconds, then minutes, hours and days."""
    if seconds is None:
        return "-"
    for most, by, unit in ((120.0, 1.0, "s"), (7200.0, 60.0, "min"), (172_800.0, 3600.0, "h")):
        if seconds < most:
            return f"{seconds / by:.0f} {unit}"
    return f"{seconds / 86_400.0:.0f} d"
