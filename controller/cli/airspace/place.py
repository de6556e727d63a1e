"""`beichen airspace at`: what holds one place at one height and time, and what is over, under and before it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from shapely.geometry import Point

from airspace.beidou.cells import block_at
from airspace.conflicts import utc_text
from airspace.frames import Datum, Height, LatLon
from airspace.reach import REACH_M
from airspace.reasons import Lang, Reason, Refused, Words
from airspace.zones import Zone
from controller.cli.airspace import words
from controller.cli.airspace.asked import BAD_PLACE, IN_THE_GROUND, far_away, read_height, read_moment
from controller.cli.airspace.charts import HERE
from controller.cli.console import TextView
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption, site_for
from controller.clock import Clock, run
from controller.config import LoadedSite
from controller.site_airspace import SiteAirspace, load_site_airspace

AHEAD_S = 86400.0  # how far zones of other hours are told of
ANY_HEIGHT_M = (-1.0e4, 1.0e6)
GRID_LEVEL = 8  # about a metre


@dataclass(frozen=True, slots=True)
class Held:
    """A zone over a place: why it is kept, whether it holds the height then, and its hours from then on [s UTC]."""

    zone: Zone
    rule: Words
    here: bool
    hours: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a place."""

    position: LatLon
    ellipsoidal_m: float
    at_s: float
    heights_m: dict[Datum, float]
    geoid_m: float
    ground_amsl_m: float
    zones: tuple[Held, ...]
    intents: tuple[str, ...]

    @property
    def free(self) -> bool:
        """Whether nothing there keeps a flight out that has no permission."""
        return not self.intents and not any(held.here and held.zone.closed_to() for held in self.zones)


def at(
    lat: Annotated[float, Parameter(help="Latitude, CGCS2000 [deg]. 纬度。")],
    lon: Annotated[float, Parameter(help="Longitude [deg]. 经度。")],
    height: Annotated[str, Parameter(help="60agl, 168amsl or 148.6ellipsoidal. 高度。", allow_leading_hyphen=True)],
    /,
    *,
    time: Annotated[str, Parameter(help="When, as 2026-05-18T18:30:00+08:00; now if not given. 时刻。")] = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Ask what holds one place."""
    if not (abs(lat) <= 90.0 and abs(lon) <= 180.0):
        raise Refused([Reason(BAD_PLACE, "LAT LON", {"lat": lat, "lon": lon})])
    asked, place = read_height(height), site_for(HERE, site)
    at_s = read_moment(time, "--time") if time else None
    found = run(lambda clock: _found(clock, place, LatLon(lat, lon), asked, at_s))
    if output.json:
        print(json.dumps(_row(found), ensure_ascii=False))  # noqa: T201 - the verb's own output
    else:
        _show(found, output.lang, TextView(output.lang).console)
    return Exit.DONE if found.free else Exit.REFUSED


async def _found(clock: Clock, place: LoadedSite, position: LatLon, height: Height, at_s: float | None) -> Found:
    return found_at(load_site_airspace(place, clock.utc_s), position, height, clock.utc_s() if at_s is None else at_s)


def found_at(here: SiteAirspace, position: LatLon, height: Height, at_s: float) -> Found:
    """What holds a position at a height and a time.

    Raises `Refused` where the ground or the zones are not known, and for a height in the ground.
    """
    origin = here.airspace.frame.origin
    if origin.distance_m(position) > REACH_M:
        raise Refused([far_away(position, origin)])
    ground = here.surface.at(position)
    ellipsoidal_m = ground.ellipsoidal_m(height)
    if (under_m := -ground.agl_m(ellipsoidal_m)) > 0.0:
        raise Refused([Reason(IN_THE_GROUND, "HEIGHT", {"height": str(height), "under_m": under_m})])
    x_m, y_m = here.airspace.frame.xy(position)
    point, spot = Point(x_m, y_m), (x_m, y_m, x_m, y_m)
    near = here.airspace.zones_in(spot, *ANY_HEIGHT_M, at_s, at_s + AHEAD_S)
    over = [zone for zone in near if zone.volume.outline.covers(point)]
    zones = (
        Held(
            zone,
            here.airspace.rule_of(zone),
            zone.contains(x_m, y_m, ellipsoidal_m, at_s),
            zone.windows(at_s, at_s + AHEAD_S),
        )
        for zone in over
    )
    intents = (
        intent.id
        for intent in here.airspace.intents
        if any(volume.contains(x_m, y_m, ellipsoidal_m, at_s) for volume in intent.held)
    )
    return Found(
        position=position,
        ellipsoidal_m=ellipsoidal_m,
        at_s=at_s,
        heights_m={
            Datum.AGL: ground.agl_m(ellipsoidal_m),
            Datum.AMSL: ellipsoidal_m - ground.geoid_m,
            Datum.ELLIPSOIDAL: ellipsoidal_m,
        },
        geoid_m=ground.geoid_m,
        ground_amsl_m=ground.amsl_m,
        zones=tuple(
            sorted(zones, key=lambda held: (not held.here, held.zone.volume.floor_ellipsoidal_m, held.zone.id))
        ),
        intents=tuple(intents),
    )


def _row(found: Found) -> dict[str, Any]:
    return {
        "free": found.free,
        "time": utc_text(found.at_s),
        "lat_deg": found.position.lat_deg,
        "lon_deg": found.position.lon_deg,
        "beidou": _grid_code(found),
        **{f"{datum}_m": round(value, 2) for datum, value in found.heights_m.items()},
        "geoid_m": round(found.geoid_m, 2),
        "ground_amsl_m": round(found.ground_amsl_m, 2),
        "intents": list(found.intents),
        "zones": [
            {
                "id": held.zone.id,
                "name": {"en": held.zone.name.en, "zh": held.zone.name.zh},
                "kind": held.zone.kind,
                "restriction": str(held.zone.restriction),
                "here": held.here,
                "floor_ellipsoidal_m": round(held.zone.volume.floor_ellipsoidal_m, 2),
                "ceiling_ellipsoidal_m": round(held.zone.volume.ceiling_ellipsoidal_m, 2),
                "hours": [[utc_text(start_s), utc_text(end_s)] for start_s, end_s in held.hours],
            }
            for held in found.zones
        ],
    }


def _show(found: Found, lang: Lang, console: Console) -> None:
    console.print(f"{found.position}  {utc_text(found.at_s)}", style="bold", highlight=False)
    heights = ", ".join(f"{value:.1f} m {words.DATUMS[d].text(lang)}" for d, value in found.heights_m.items())
    facts = {"amsl_m": found.ground_amsl_m, "geoid_m": found.geoid_m}
    console.print(f"  {heights}; {words.GROUND_AT.text(lang, facts)}")
    console.print(f"  {words.GRID_CODE.text(lang)} {_grid_code(found)}")
    verdict, style = (words.FREE, "bold green") if found.free else (words.CLOSED, "bold red")
    console.print(verdict.text(lang), style=style)
    for id_ in found.intents:
        console.print(f"  {words.HELD_BY.text(lang, {'id': id_})}", markup=False)
    for here, head in ((True, words.HERE), (False, words.OTHERWISE)):
        told = [held for held in found.zones if held.here is here]
        if told:
            console.print(f"{head.text(lang)}:")
        for held in told:
            console.print(f"  {_line(held, found, lang)}", markup=False)


def _line(held: Held, found: Found, lang: Lang) -> str:
    zone, base_m = held.zone, found.ellipsoidal_m - found.heights_m[Datum.AGL]
    low_m, high_m = zone.volume.floor_ellipsoidal_m - base_m, zone.volume.ceiling_ellipsoidal_m - base_m
    heights = f"{low_m:.0f} – {high_m:.0f} m {words.DATUMS[Datum.AGL].text(lang)}"
    asks = words.ASKS_WORDS[zone.restriction].text(lang)
    hours = _hours(held, found.at_s, lang)
    return f"{zone.id}  {zone.name.text(lang)}: {asks}; {heights}; {hours}; {held.rule.text(lang)}"


def _hours(held: Held, at_s: float, lang: Lang) -> str:
    """When it is active next, or until when it is active now."""
    if not held.hours:
        return held.zone.schedule.words(lang)
    start_s, end_s = held.hours[0]
    if start_s > at_s:
        return f"{utc_text(start_s)} – {utc_text(end_s)}"
    if math.isclose(end_s, at_s + AHEAD_S):
        return held.zone.schedule.words(lang)
    return words.UNTIL.text(lang, {"when": utc_text(end_s)})


def _grid_code(found: Found) -> str:
    return block_at(found.position.lat_deg, found.position.lon_deg, found.ellipsoidal_m, GRID_LEVEL).code
