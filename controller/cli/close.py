"""`beichen close`: a person ends a flight whose drone will never be heard again, and answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli.console import view_of
from controller.cli.fly import controller, tempo_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption, site_for
from controller.clock import Clock, run
from controller.run import RunResult, close_flight

NO_FLIGHT = Rule(
    "flight.none",
    Words("there is no open flight {flight}; open are: {known}", "没有未结束的飞行 {flight}；未结束的有：{known}"),
    Words("Name one of these.", "请指定其中之一。"),
)


def close(
    flight: Annotated[str, Parameter(help="The flight's id. 飞行标识。")],
    *,
    because: Annotated[str, Parameter(help="What became of the drone, and who says so. 无人机去向及确认人。")],
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Close a flight whose drone will never be heard again."""
    place = site_for(Path(), site)

    async def work(clock: Clock) -> RunResult:
        async with controller(clock, place) as district:
            open_ones = {candidate.id: candidate for candidate in district.state.unfinished()}
            if flight not in open_ones:
                facts = {"flight": flight, "known": ", ".join(open_ones) or "-"}
                raise Refused([Reason(NO_FLIGHT, facts=facts)])
            runs = place.path(place.file.runs)
            return await close_flight(district, open_ones[flight], because, runs, lang=output.lang)

    result = run(work, tempo_of(place))
    view_of(output.lang, output.json).result(result.outcome, result.summary, str(result.folder))
    return Exit.DONE
