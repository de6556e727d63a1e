"""`beichen poles command`, `desired`, `acknowledge` and `respond`: what people order, wish and decide."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter, validators
from rich.table import Table
from rich.text import Text

from airspace.reasons import Lang, Reason, Rule, Words
from controller.cli.console import TextView, view_of
from controller.cli.options import BadOption, Exit, Output
from controller.cli.plan import SiteOption
from controller.cli.poles import words
from controller.cli.poles.asking import age, answers_to, asked, in_words, line, values_of
from controller.cli.poles.enrol import Code, Who, known_pole, site_for_poles, who_or_login
from controller.cli.poles.values import setting_text
from controller.clock import fresh_seed, run
from controller.pole_control import control_of
from controller.pole_control.messages import (
    Acknowledge,
    Acknowledged,
    Begun,
    Decide,
    Decided,
    DifferenceTold,
    Look,
    Order,
    Outcome,
    Proposals,
    ProposalTold,
    Proposed,
    Request,
    Seen,
    Underway,
    Wish,
    Wished,
)
from poles.gateway.commands import known_function

UNDECIDED = Rule(
    "response.undecided",
    Words("it is not said of which proposal, or not whether to fly it", "未说明是哪项建议，或未说明是否执行"),
    Words("Give its id and one of --fly and --leave.", "请给出其标识，并选择 --fly 或 --leave 之一。"),
)
Function = Annotated[str, Parameter(help="A function of the pole, as LampActuator. 灯杆功能。")]
Values = Annotated[str, Parameter(help="NAME=VALUE, as level=60. 名称=值。", negative_iterable="")]
Deadline = Annotated[
    float,
    Parameter(help="Seconds to wait for the pole. 等待灯杆的秒数。", validator=validators.Number(gt=0, lte=86_400)),
]


def command(
    code: Code,
    function: Function,
    action: Annotated[str, Parameter(help="What it shall do, as override. 动作。")],
    /,
    *values: Values,
    deadline: Deadline = 10.0,
    key: Annotated[str, Parameter(help="Names the order: given again it is carried out once. 指令的唯一标识。")] = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Order a pole to act, and wait until it has."""
    known_pole(site_for_poles(site), code)
    order = Order(
        pole=code,
        function=function,
        action=action,
        parameters=values_of(values),
        deadline_s=deadline,
        key=key or f"{fresh_seed():08x}{fresh_seed():08x}",
    )
    return run(lambda clock: _ask(order, site, output))


def desired(
    code: Code,
    function: Function = "",
    /,
    *values: Values,
    deadline: Deadline = 10.0,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Have a function set from now on; without values, tell what is not as desired."""
    known_pole(site_for_poles(site), code)
    if not values:
        if function:
            known_function(function)
        return run(lambda clock: _tell_differences(code, function, site, output))
    wish = Wish(pole=code, function=function, settings=values_of(values), by=who_or_login(who), deadline_s=deadline)
    return run(lambda clock: _ask(wish, site, output))


def acknowledge(
    alarm: Annotated[int, Parameter(help="The alarm's number, as watch shows it. 告警编号。")],
    /,
    *,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Say that somebody has seen an alarm."""
    return run(lambda clock: _ask(Acknowledge(alarm=alarm, who=who_or_login(who)), site, output))


def respond(
    response: Annotated[
        str, Parameter(help="The proposal's id; none lists what is open. 建议的标识；省略则列出。")
    ] = "",
    /,
    *,
    fly: Annotated[bool, Parameter(help="Fly the mission. 执行任务。", negative="")] = False,
    leave: Annotated[bool, Parameter(help="Leave it. 放弃。", negative="")] = False,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Decide on a mission that an alarm asks for; without one, list those that nobody has decided on."""
    if not response and not (fly or leave):
        return run(lambda clock: _ask(Proposals(), site, output))
    if not response or fly == leave:
        raise BadOption([Reason(UNDECIDED, "--fly")])
    return run(lambda clock: _ask(Decide(response=response, by=who_or_login(who), fly=fly), site, output))


async def _tell_differences(code: str, function: str, site: SiteOption, output: Output) -> int:
    """What is not as desired of a pole, or of one of its functions."""
    done = Exit.REFUSED
    async with control_of(site_for_poles(site)) as control:
        async for answer in asked(control, Look(pole=code), output):
            if not isinstance(answer, Seen):
                continue
            found = tuple([each for each in answer.differences if function in ("", each.function)])
            view, done = view_of(output.lang, output.json), Exit.DONE
            if output.json:
                line(msgspec.json.encode({"pole": code, "differences": found}).decode())
            elif found:
                show_differences(found, view)
            else:
                view.say(words.ALL_AS_DESIRED)
    return done


async def _ask(request: Request, site: SiteOption, output: Output) -> int:
    """Show each answer; 0 when the last one says that what was asked for is so, or under way to be."""
    view, code = view_of(output.lang, output.json), Exit.REFUSED
    async for answer in answers_to(request, site, output):
        match answer:
            case Begun():
                view.say(words.ACCEPTED)
            case Underway(share=share, en=en, zh=zh):
                view.say(words.PROGRESS, percent=share * 100.0, words=zh if output.lang == "zh" else en)
            case Outcome(outcome=outcome, en=en, zh=zh):
                view.say(words.OUTCOMES[outcome], words=zh if output.lang == "zh" else en)
                code = Exit.DONE if outcome == "accepted" else Exit.REFUSED
            case Wished(version=version, status=status, differences=differences):
                view.say(words.WISHED, version=version, status=words.STATUSES[status])
                show_differences(differences, view)
                code = Exit.REFUSED if status == "refused" else Exit.DONE
            case Acknowledged(alarm=alarm):
                first = request.who if isinstance(request, Acknowledge) else ""
                said = words.ACKNOWLEDGED if alarm.acknowledged_by in ("", first) else words.ACKNOWLEDGED_BEFORE
                view.say(said, alarm=in_words(alarm, output.lang), who=alarm.acknowledged_by)
                code = Exit.DONE
            case Proposed(proposals=proposals):
                _show_proposals(proposals, view)
                code = Exit.DONE
            case Decided(response=response, run=run_id):
                view.say(words.FLIES if run_id else words.LEFT, response=response, run=run_id)
                code = Exit.DONE
    return code


def _show_proposals(proposals: tuple[ProposalTold, ...], view: object) -> None:
    if not isinstance(view, TextView):
        return
    if not proposals:
        view.say(words.NOTHING_PROPOSED)
        return
    table = Table(box=None, padding=(0, 1))
    for head in (words.RESPONSE, words.ALARM, words.POLE, words.MISSION, words.DRONE):
        table.add_column(head.text(view.lang), overflow="fold")
    for each in proposals:
        cells = (each.response, each.alarm, each.subject, each.mission, each.drone)
        table.add_row(*(Text(cell) for cell in cells))
    view.console.print(table)


def differing(told: DifferenceTold, lang: Lang) -> tuple[str, str]:
    """What a setting shall be and what it is, for people."""
    return (
        setting_text(told.function, told.setting, told.desired, lang),
        setting_text(told.function, told.setting, told.reported, lang),
    )


def show_differences(differences: tuple[DifferenceTold, ...], view: object) -> None:
    """A table of what is not as desired, for people; nothing when all is."""
    if not (differences and isinstance(view, TextView)):
        return
    table = Table(box=None, padding=(0, 1))
    for head in (words.FUNCTION, words.SETTING, words.DESIRED, words.REPORTED, words.STATUS, words.AGE, words.WHY):
        table.add_column(head.text(view.lang), overflow="fold")
    for each in differences:
        status = words.STATUSES[each.status].text(view.lang)
        desired, reported = differing(each, view.lang)
        cells = (each.function, each.setting, desired, reported, status, age(each.age_s))
        table.add_row(*(Text(cell) for cell in (*cells, in_words(each, view.lang))))
    view.console.print(table)
