"""`beichen airspace check` and `explain`: may a route be flown, why not, and what would clear it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from airspace.clearing import Answer, Question, clear
from airspace.conflicts import utc_text
from airspace.ground.clearance import RequiredClearance
from airspace.margins import derive_margins
from airspace.reasons import Lang
from airspace.remedies import Limits, Remedy, remedies
from airspace.routes import Route
from controller.cli.airspace import words
from controller.cli.airspace.asked import read_moment
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption, planned, site_for
from controller.clock import Clock, run
from controller.config import LoadedSite
from controller.explain.drawing import draw
from controller.explain.plan_routes import routes_of_plan
from controller.explain.text import explanation_text
from controller.flight.mission_source import load_mission
from controller.site_airspace import SiteAirspace, load_site_airspace
from missions.request import read_text
from missions.route_file import is_route, parse_route

LOWEST_AGL_M = 10.0

RouteFile = Annotated[
    Path, Parameter(name="ROUTE", help="A route (.yaml), a request, a .plan or a .waypoints file. 航线或任务文件。")
]
Permits = Annotated[
    tuple[str, ...], Parameter(name="--permit", help="Zones that may be entered by leave, by id. 已获许可的区域编号。")
]
KeepClear = Annotated[
    float, Parameter(name="--clearance", help="Least height over ground and obstacles [m]. 与地面和障碍物的最小净空。")
]
Departs = Annotated[str, Parameter(name="--departs", help="Another departure, with its offset. 改用的起飞时刻。")]


def check(
    route: RouteFile,
    /,
    *,
    departs: Departs = "",
    permit: Permits = (),
    clearance: KeepClear = LOWEST_AGL_M,
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Ask whether a route may be flown."""
    answers = run(lambda clock: _answers(clock, route, departs, permit, clearance, site))
    for answer in answers:
        _tell(answer, (), output)
    return Exit.DONE if all(answer.free for answer in answers) else Exit.REFUSED


def explain(
    route: RouteFile,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The drawing, .svg or .png. 图文件。")] = None,
    departs: Departs = "",
    permit: Permits = (),
    clearance: KeepClear = LOWEST_AGL_M,
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Check a route, look for what would clear it, and draw it."""
    answers = run(lambda clock: _answers(clock, route, departs, permit, clearance, site))
    for number, answer in enumerate(answers):
        place = site_for(route, site)
        limits = Limits(lowest_agl_m=clearance, highest_agl_m=place.site.limits.max_agl_m)
        found = remedies(answer, limits)
        _tell(answer, found, output)
        file = _sheet(route, out, number)
        draw(answer, found, file, output.lang)
        if not output.json:
            _console().print(words.WRITTEN.text(output.lang, {"path": file}), markup=False)
    return Exit.DONE if all(answer.free for answer in answers) else Exit.REFUSED


def _sheet(route: Path, out: Path | None, number: int) -> Path:
    """The file of a drawing: in this folder and named after the route, where nobody named one."""
    file = out or Path(f"{route.stem}.svg")
    return file if number == 0 else file.with_stem(f"{file.stem}-{number + 1}")


async def _answers(
    clock: Clock, file: Path, departs: str, permit: tuple[str, ...], clearance_m: float, site: Path | None
) -> list[Answer]:
    place = site_for(file, site)
    here = load_site_airspace(place, clock.utc_s)
    routes = await _routes(clock, file, place, here)
    if departs:
        at_s = read_moment(departs, "--departs")
        routes = [route.departing(at_s) for route in routes]
    return [clear(route, _question(route, here, permit, clearance_m)) for route in routes]


def _question(route: Route, here: SiteAirspace, permit: Sequence[str], clearance_m: float) -> Question:
    return Question(
        here.airspace,
        derive_margins(route.fix, route.wind_mps),
        permitted=frozenset(permit),
        obstacles=here.obstacles,
        required=RequiredClearance(clearance_m, clearance_m, clearance_m),
    )


async def _routes(clock: Clock, file: Path, place: LoadedSite, here: SiteAirspace) -> Sequence[Route]:
    """The route of a route file, or the routes of a mission's plan: one for each of its landings."""
    if file.suffix in (".yaml", ".yml") and is_route(text := read_text(file)):
        return [parse_route(text, str(file))]
    plan = await planned(clock, load_mission(file), place, here.airspace, wind_mps=0.0)
    return routes_of_plan(plan)


def _tell(answer: Answer, found: Sequence[Remedy], output: Output) -> None:
    if output.json:
        print(json.dumps(answer_row(answer, found), ensure_ascii=False))  # noqa: T201 - the verb's own output
    else:
        _console().print(explanation_text(answer, found, output.lang), markup=False)


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def answer_row(answer: Answer, found: Sequence[Remedy]) -> dict[str, Any]:
    """An answer for machines."""
    return {
        "route": answer.route.name,
        "free": answer.free,
        "departs": utc_text(answer.route.departs_s),
        "length_m": round(answer.flown.length_m, 1),
        "duration_s": round(answer.flown.duration_s, 1),
        "conflicts": [
            {
                "kind": conflict.kind,
                "id": conflict.id,
                "legs": list(conflict.legs),
                "lat_deg": conflict.place.lat_deg,
                "lon_deg": conflict.place.lon_deg,
                "beidou": conflict.grid_code,
                "from": utc_text(conflict.start_s),
                "to": utc_text(conflict.end_s),
                "floor_ellipsoidal_m": round(conflict.floor_ellipsoidal_m, 2),
                "ceiling_ellipsoidal_m": round(conflict.ceiling_ellipsoidal_m, 2),
                "plan_m": round(conflict.depth.plan_m, 2),
                "height_m": conflict.depth.height_m,
                "time_s": conflict.depth.time_s,
                "reason": conflict.reason(answer.route.name).as_dict(),
            }
            for conflict in answer.conflicts
        ],
        "too_close": [reason.as_dict() for reason in answer.too_close],
        "margins": _margins(answer, "en"),
        "remedies": [
            {
                "kind": str(remedy.kind),
                "en": remedy.words.en,
                "zh": remedy.words.zh,
                "departs": utc_text(remedy.route.departs_s),
                "shift_s": remedy.change.shift_s,
                "raise_m": remedy.raise_m,
                "added_m": round(remedy.added_m, 1),
                "added_s": round(remedy.added_s, 1),
                "waypoints": [
                    {
                        "lat_deg": waypoint.position.lat_deg,
                        "lon_deg": waypoint.position.lon_deg,
                        "height": {"value_m": waypoint.height.value_m, "datum": str(waypoint.height.datum)},
                    }
                    for waypoint in remedy.route.waypoints
                ],
            }
            for remedy in found
        ],
    }


def _margins(answer: Answer, lang: Lang) -> list[str]:
    return answer.question.margins.text(lang).splitlines()
