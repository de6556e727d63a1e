"""`beichen airspace check` and `explain`: may a route be flown, why not, and what would clear it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators
from rich.console import Console

from airspace.clearing import HORIZON_S, Answer, Question
from airspace.clearing import clear as answer_to
from airspace.conflicts import utc_text
from airspace.frames import Datum
from airspace.ground.clearance import RequiredClearance
from airspace.ground.surface import Surface
from airspace.margins import derive_margins
from airspace.reach import REACH_M
from airspace.reasons import Lang, Reason, Refused
from airspace.remedies import Limits, Remedy, remedies
from airspace.routes import Route
from airspace.rules import Jurisdiction, Status, Verdict, by_name
from airspace.schedules import BEGINNING_S
from airspace.volumes import FOREVER_S
from controller.cli.airspace import words
from controller.cli.airspace.asked import BEYOND_CHARTS, far_away, read_moment
from controller.cli.airspace.charts import UNKNOWN_ZONE
from controller.cli.fly import drone_of
from controller.cli.options import Exit, Output
from controller.cli.plan import PLANNED_WIND_MPS, SiteOption, planned, site_for
from controller.clock import Clock, run
from controller.config import LoadedSite
from controller.explain.drawing import draw
from controller.explain.law_text import law_row, law_text
from controller.explain.plan_routes import routes_of_plan
from controller.explain.text import explanation_text
from controller.flight.mission_source import load_mission
from controller.law import Said, law_of, read_cleared, read_granted
from controller.site_airspace import SiteAirspace, load_site_airspace
from missions.request import read_text
from missions.route_file import is_route, parse_route

LOWEST_AGL_M = 10.0

RouteFile = Annotated[
    Path, Parameter(name="ROUTE", help="A route (.yaml), a request, a .plan or a .waypoints file. 航线或任务文件。")
]
Permits = Annotated[
    tuple[str, ...],
    Parameter(
        name="--permit", help="Zones that may be entered by leave, by id. 已获许可的区域编号。", consume_multiple=True
    ),
]
KeepClear = Annotated[
    float,
    Parameter(
        name="--clearance",
        help="Least height over ground and obstacles [m]. 与地面和障碍物的最小净空。",
        validator=validators.Number(gte=0.0),
    ),
]
DroneOption = Annotated[
    str, Parameter(name="--drone", help="The drone's id, for the law; the first one when not given. 无人机标识。")
]
Cleared = Annotated[
    tuple[str, ...],
    Parameter(name="--clear", help="A case that does not apply: 'relay=Li Wei: direct radio'. 具名确认不涉及。"),
]
Granted = Annotated[
    tuple[str, ...],
    Parameter(name="--granted", help="What was granted, as application=ZZ-2026-118. 已获批准事项及编号。"),
]
Departs = Annotated[str, Parameter(name="--departs", help="Another departure, with its offset. 改用的起飞时刻。")]


def check(
    route: RouteFile,
    /,
    *,
    departs: Departs = "",
    permit: Permits = (),
    clearance: KeepClear = LOWEST_AGL_M,
    drone: DroneOption = "",
    clear: Cleared = (),
    granted: Granted = (),
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Ask whether a route may be flown, and what the law asks of it."""
    place = site_for(route, site)
    said = _said(place, drone, clear, granted)
    checked = run(lambda clock: _checked(clock, route, departs, permit, clearance, place, said))
    for one in checked:
        _tell(one, None, output)
    return _exit(checked)


def explain(
    route: RouteFile,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The drawing, .svg or .png. 图文件。")] = None,
    departs: Departs = "",
    permit: Permits = (),
    clearance: KeepClear = LOWEST_AGL_M,
    drone: DroneOption = "",
    clear: Cleared = (),
    granted: Granted = (),
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Check a route, look for what would clear it, and draw it."""
    place = site_for(route, site)
    said = _said(place, drone, clear, granted)
    checked = run(lambda clock: _checked(clock, route, departs, permit, clearance, place, said))
    for number, one in enumerate(checked):
        limits = Limits(
            lowest_agl_m=clearance,
            highest_agl_m=place.site.limits.max_agl_m,
            not_before_s=not_before_s(one.answer.route.departs_s, one.now_s),
        )
        found = remedies(one.answer, limits)
        _tell(one, found, output)
        file = _sheet(route, out, number)
        draw(one.answer, found, file, output.lang)
        if not output.json:
            _console().print(words.WRITTEN.text(output.lang, {"path": file}), markup=False)
    return _exit(checked)


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer about one route, and what the law finds about it; `now_s` [s UTC] is when it was asked."""

    answer: Answer
    law: Jurisdiction
    verdict: Verdict
    now_s: float


def _exit(checked: Sequence[Checked]) -> int:
    """The law refuses only what it forbids: what is needed or unknown may be settled until the departure."""
    free = all(one.answer.free for one in checked)
    forbidden = any(found.status is Status.FORBIDDEN for one in checked for found in one.verdict.findings)
    return Exit.DONE if free and not forbidden else Exit.REFUSED


def _said(place: LoadedSite, drone: str, cleared: Sequence[str], granted: Sequence[str]) -> Said:
    law = by_name(place.file.jurisdiction)
    kind = place.drone_type(drone_of(place, drone)) if drone or place.file.drones else None
    return Said(kind, read_cleared(cleared, law), read_granted(granted))


def _sheet(route: Path, out: Path | None, number: int) -> Path:
    """The file of a drawing: in this folder and named after the route, where nobody named one."""
    file = out or Path(f"{route.stem}.svg")
    return file if number == 0 else file.with_stem(f"{file.stem}-{number + 1}")


async def _checked(
    clock: Clock, file: Path, departs: str, permit: tuple[str, ...], clearance_m: float, place: LoadedSite, said: Said
) -> list[Checked]:
    here = load_site_airspace(place, clock.utc_s)
    if unknown := set(permit) - {zone.charted_id for zone in here.airspace.zones}:
        raise Refused([Reason(UNKNOWN_ZONE, "--permit", {"id": id_}) for id_ in sorted(unknown)])
    routes = await _routes(clock, file, place, here)
    if departs:
        at_s = read_moment(departs, "--departs")
        routes = [route.departing(at_s) for route in routes]
    _within_knowledge(routes, place)
    # a mission is planned for a minute from now, which nobody chose: no deadline can be missed for that
    law, asked_s = here.jurisdiction, clock.utc_s()
    now_s = asked_s if departs or _names_its_departure(file) else None
    answers = [answer_to(route, _question(route, here, permit, clearance_m)) for route in routes]
    return [Checked(answer, law, law_of(answer, law, said, now_s), asked_s) for answer in answers]


def _within_knowledge(routes: Sequence[Route], place: LoadedSite) -> None:
    """Raise `Refused` for a route of which the site cannot say that nothing is in its way: it knows nothing there."""
    origin = place.frame.origin
    far = [w.position for route in routes for w in route.waypoints if origin.distance_m(w.position) > REACH_M]
    reasons = [far_away(position, origin) for position in far[:1]]
    late = [route for route in routes if not BEGINNING_S <= route.departs_s < FOREVER_S - HORIZON_S]
    reasons += [Reason(BEYOND_CHARTS, route.name, {"text": utc_text(route.departs_s)}) for route in late[:1]]
    if reasons:
        raise Refused(reasons)


def _question(route: Route, here: SiteAirspace, permit: Sequence[str], clearance_m: float) -> Question:
    return Question(
        here.airspace,
        derive_margins(route.fix, route.wind_mps, datum_m=datum_m(route, here.surface)),
        permitted=frozenset(permit),
        obstacles=here.obstacles,
        required=RequiredClearance(clearance_m, clearance_m, clearance_m),
    )


def datum_m(route: Route, surface: Surface) -> float:
    """How well a route's heights are known over the ellipsoid [m]: only those over ground or sea hang on a surface."""
    datums = {waypoint.height.datum for waypoint in route.waypoints}
    return surface.accuracy_m if datums & {Datum.AGL, Datum.AMSL} else 0.0


def not_before_s(departs_s: float, now_s: float) -> float:
    """The earliest departure [s UTC] to offer: now, but for a route of more than a day ago, which nobody will fly.

    Such a one is an example, or looked back at, and is asked as on its own day.
    """
    return now_s if departs_s > now_s - HORIZON_S else -math.inf


def _names_its_departure(file: Path) -> bool:
    """Whether a file holds a route, which departs when it says, and no mission."""
    return file.suffix in (".yaml", ".yml") and is_route(read_text(file))


async def _routes(clock: Clock, file: Path, place: LoadedSite, here: SiteAirspace) -> Sequence[Route]:
    """The route of a route file, or the routes of a mission's plan: one for each of its landings."""
    if _names_its_departure(file):
        return [parse_route(read_text(file), str(file))]
    plan = await planned(clock, load_mission(file), place, here.airspace, wind_mps=PLANNED_WIND_MPS)
    return routes_of_plan(plan, PLANNED_WIND_MPS)


def _tell(checked: Checked, found: Sequence[Remedy] | None, output: Output) -> None:
    answer, law, verdict = checked.answer, checked.law, checked.verdict
    if output.json:
        row = answer_row(answer, found) | {"law": law_row(law, verdict)}
        print(json.dumps(row, ensure_ascii=False))  # noqa: T201 - the verb's own output
    else:
        _console().print(explanation_text(answer, found, output.lang), markup=False)
        if found is None and not answer.free:
            _console().print(f"\n{words.ASK_EXPLAIN.text(output.lang)}", markup=False)
        _console().print(f"\n{law_text(law, verdict, output.lang)}", markup=False)


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def answer_row(answer: Answer, found: Sequence[Remedy] | None) -> dict[str, Any]:
    """An answer for machines; without remedies where nobody looked for any."""
    row: dict[str, Any] = {
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
    }
    if found is not None:
        row["remedies"] = [
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
        ]
    return row


def _margins(answer: Answer, lang: Lang) -> list[str]:
    return answer.question.margins.text(lang).splitlines()
