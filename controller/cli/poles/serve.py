"""`beichen poles serve`: the gateway of a site, with no flights but those that alarms ask for."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from controller.cli.console import view_of
from controller.cli.fly import controller, tempo_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption
from controller.cli.poles import words
from controller.cli.poles.enrol import gateway_of, site_for_poles
from controller.cli.sim.parent import until_told_to_end
from controller.clock import Clock, run
from controller.config import LoadedSite
from controller.responses import responding


def serve(
    *,
    site: SiteOption = None,
    with_parent: Annotated[
        bool, Parameter(help="End when standard input ends. 标准输入结束时退出。", negative="")
    ] = False,
    output: Output = Output(),
) -> int:
    """Run the gateway of a site until Ctrl-C or SIGTERM, and tell what becomes of its poles. Raises Refused."""
    place = site_for_poles(site)
    return run(lambda clock: _serve(clock, place, with_parent, output), tempo_of(place))


async def _serve(clock: Clock, place: LoadedSite, with_parent: bool, output: Output) -> int:
    gateway_of(place)
    view = view_of(output.lang, output.json)
    async with (
        controller(clock, place) as district,
        responding(district, place.path(place.file.runs), lang=output.lang) as responses,
    ):
        assert district.poles is not None
        district.store.listen(view.record, to_poles=False)
        view.say(words.LISTENING, address=district.poles.address)
        await until_told_to_end(with_parent)
        if responses.flying:
            view.say(words.FLIGHTS_GO_ON)
    return Exit.DONE
