"""`beichen airspace import`, `list`, `show`, `remove`, `export`: the zones of a site, in and out."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import Parameter

from airspace.charted import ChartedZone
from airspace.formats.ed269_writer import ed269
from airspace.formats.f3548_writer import f3548_constraint
from airspace.formats.geojson import geojson
from airspace.formats.importing import import_charts
from airspace.formats.kml_writer import kml
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.rules import by_name
from controller.cli.airspace import words
from controller.cli.airspace.asked import read_moment
from controller.cli.airspace.showing_zones import zone_row, zone_table, zone_text
from controller.cli.console import TextView, view_of
from controller.cli.options import Exit, Output, write_file
from controller.cli.plan import SiteOption, site_for
from controller.clock import Clock, run
from controller.config import LoadedSite
from controller.register.changes import Batch
from controller.register.laying import ZONE_CHARTED, laid_here
from controller.site_airspace import charted_by_site, held_zones, import_of, site_register, surface_of

UNKNOWN_ZONE = Rule(
    "airspace.no-zone",
    Words("there is no zone {id} here", "此处没有区域 {id}"),
    Words("`beichen airspace list` shows all ids.", "`beichen airspace list` 可列出全部编号。"),
)

INTENT_IN_CHART = Rule(
    "airspace.intent-in-chart",
    Words("{id} is an operational intent, and intents are not imported", "{id} 是飞行意图，飞行意图不能导入"),
    Words(
        "Reserve it in the register, or leave it out with --partial.", "请在登记库中预留，或使用 --partial 将其忽略。"
    ),
)

HERE = Path("site")  # where a site file is looked for when none is named: beside this, that is in this folder

Ids = Annotated[tuple[str, ...], Parameter(help="Ids of zones. 区域编号。")]


def import_(
    files: Annotated[tuple[Path, ...], Parameter(help="Charts. 图表文件。", negative="")],
    /,
    *,
    partial: Annotated[
        bool, Parameter(help="Take what is good and tell what was left out. 仅导入无误部分并列出其余。", negative="")
    ] = False,
    replace: Annotated[
        bool, Parameter(help="These are newer charts of zones that are there already. 更新已有区域。", negative="")
    ] = False,
    who: Annotated[str, Parameter(help="Who answers for the import. 导入责任人。")] = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Read charts into the register of a site."""
    place = site_for(HERE, site)
    return run(lambda clock: _import(clock, place, files, partial, replace, who, output))


async def _import(
    clock: Clock, place: LoadedSite, files: Sequence[Path], partial: bool, replace: bool, who: str, output: Output
) -> int:
    with site_register(place, clock.utc_s) as register:
        held = () if replace else register.zones()
        taken = frozenset(id_ for one in held for id_ in one.zone.laid_ids)
        result = import_charts(files, partial=True, existing_ids=taken)
        zones, unusable = usable(result.zones, place)
        reasons = [*result.reasons, *unusable]
        reasons += [Reason(INTENT_IN_CHART, one.id, {"id": one.id}) for one in result.intents]
        if reasons and not partial:
            raise Refused(reasons)
        if zones:
            register.import_zones(zones, batch_of(files, who or getpass.getuser()), replace=replace)
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        if reasons:
            view.say(words.LEFT_OUT, count=len(reasons))
            for reason in reasons:
                view.console.print(f"  {reason.text(output.lang)}", markup=False)
        view.say(
            words.IMPORTED,
            zones=len(zones),
            files=len(files),
            register=place.path(place.file.register),
        )
    else:
        rows = {"imported": [zone.id for zone in zones], "left_out": [reason.as_dict() for reason in reasons]}
        print(json.dumps(rows, ensure_ascii=False))  # noqa: T201 - the verb's own output
    return Exit.DONE


def usable(zones: Sequence[ChartedZone], place: LoadedSite) -> tuple[list[ChartedZone], list[Reason]]:
    """The zones that a site can have in its register, and why it cannot have the others.

    Their ids are not those of its own charts, and what of them is within its reach can be laid there.
    """
    own, surface = {id_ for zone in charted_by_site(place) for id_ in zone.laid_ids}, surface_of(place)
    good: list[ChartedZone] = []
    reasons: list[Reason] = []
    for zone in zones:
        if not own.isdisjoint(zone.laid_ids):
            reasons.append(Reason(ZONE_CHARTED, zone.id, {"id": zone.id}))
            continue
        try:
            laid_here(zone, place.frame, surface)
        except Refused as refused:
            reasons += refused.reasons
        else:
            good.append(zone)
    return good, reasons


def batch_of(files: Sequence[Path], who: str) -> Batch:
    """The record of one import: the files, the digest of all that they hold, and who did it."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return Batch(", ".join(str(path) for path in files), digest.hexdigest(), who)


def list_(
    *,
    kind: Annotated[str, Parameter(help="Only zones of this kind. 仅此类别。")] = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """List the zones of a site: those of its charts and those of the register."""
    zones = [zone for zone in _zones(site) if not kind or zone.kind == kind]
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        if zones:
            view.console.print(zone_table(zones, output.lang))
        view.say(words.COUNTED, count=len(zones))
    else:
        for zone in zones:
            print(json.dumps(zone_row(zone), ensure_ascii=False))  # noqa: T201 - the verb's own output
    return Exit.DONE


def show(
    zone_id: Annotated[str, Parameter(name="ID", help="The zone's id. 区域编号。")],
    /,
    *,
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Show one zone."""
    (zone,) = chosen(_zones(site), (zone_id,))
    if output.json:
        print(json.dumps(geojson([zone])["features"][0], ensure_ascii=False))  # noqa: T201 - the verb's own output
    else:
        place = site_for(HERE, site)
        text = zone_text(zone, by_name(place.file.jurisdiction), output.lang)
        if (batch := run(lambda clock: _batch(clock, place, zone_id))) is not None:
            facts = {"file": batch.file, "who": batch.who, "sha256": batch.sha256[:12]}
            text.add_row(words.IMPORTED_FROM.text(output.lang), words.IMPORT_OF.text(output.lang, facts))
        TextView(output.lang).console.print(text)
    return Exit.DONE


async def _batch(clock: Clock, place: LoadedSite, zone_id: str) -> Batch | None:
    return import_of(place, clock.utc_s, zone_id)


def remove(ids: Ids, /, *, site: SiteOption = None, who: str = "", output: Output = Output()) -> int:
    """Take zones out of the register, all that are named or none."""
    place = site_for(HERE, site)
    return run(lambda clock: _remove(clock, place, ids, who, output))


async def _remove(clock: Clock, place: LoadedSite, ids: tuple[str, ...], who: str, output: Output) -> int:
    with site_register(place, clock.utc_s) as register:
        chosen([held.zone for held in register.zones()], ids)
        register.remove_zones(ids, who or getpass.getuser())
    view_of(output.lang, output.json).say(words.REMOVED, count=len(ids))
    return Exit.DONE


def export(
    ids: Ids = (),
    /,
    *,
    out: Annotated[Path, Parameter(help="The file to write. 输出文件。")],
    form: Annotated[
        Literal["geojson", "ed269", "f3548", "kml"] | None,
        Parameter(name="--format", help="What to write; by the file's suffix if not given. 输出格式。"),
    ] = None,
    country: Annotated[str, Parameter(help="ED-269: for zones that name none, as CHN. 国家代码。")] = "",
    between: Annotated[
        tuple[str, str] | None, Parameter(help="F3548: the time to tell of, from and to. 起止时刻。")
    ] = None,
    uss_base_url: Annotated[str, Parameter(help="F3548: where this controller answers. 本系统服务地址。")] = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Write zones of a site for another system; all of them when none is named."""
    place = site_for(HERE, site)
    zones = _zones(site)
    wanted = chosen(zones, ids) if ids else zones
    told = (read_moment(between[0], "--between"), read_moment(between[1], "--between")) if between else None
    text, losses = WRITERS[form or _form_of(out)](Wish(wanted, place, country, told, uss_base_url))
    write_file(out, text.encode())
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        for loss in losses:
            view.console.print(f"  {loss.text(output.lang)}", markup=False)
        view.say(words.WRITTEN, path=out)
    else:
        row = {"written": str(out), "losses": [loss.as_dict() for loss in losses]}
        print(json.dumps(row, ensure_ascii=False))  # noqa: T201 - the verb's own output
    return Exit.DONE


def chosen(zones: Sequence[ChartedZone], ids: Sequence[str]) -> list[ChartedZone]:
    """The zones of some ids, in that order; raises `Refused` with every id that there is not."""
    of = {zone.id: zone for zone in zones}
    if missing := [id_ for id_ in ids if id_ not in of]:
        raise Refused([Reason(UNKNOWN_ZONE, id_, {"id": id_}) for id_ in missing])
    return [of[id_] for id_ in ids]


def _zones(site: Path | None) -> list[ChartedZone]:
    place = site_for(HERE, site)

    async def read(clock: Clock) -> list[ChartedZone]:
        return held_zones(place, clock.utc_s)

    return run(read)


Written = tuple[str, tuple[Reason, ...]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written, and what some formats ask for besides."""

    zones: Sequence[ChartedZone]
    site: LoadedSite
    country: str
    between: tuple[float, float] | None
    uss_base_url: str


def _form_of(out: Path) -> str:
    """What a file is to hold, by its suffix."""
    return "kml" if out.suffix.lower() == ".kml" else "geojson"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _geojson(wish: Wish) -> Written:
    return _json(geojson(wish.zones)), ()


def _ed269(wish: Wish) -> Written:
    made = ed269(wish.zones, country=wish.country, title=wish.site.file.name)
    return _json(made.document), made.losses


def _f3548(wish: Wish) -> Written:
    surface = surface_of(wish.site)
    made = [
        f3548_constraint([zone], reference=_reference(zone, wish), between=wish.between, surface=surface)
        for zone in wish.zones
    ]
    return _json([export.document for export in made]), tuple(loss for export in made for loss in export.losses)


def _reference(zone: ChartedZone, wish: Wish) -> dict[str, Any] | None:
    """What F3548 wants to know of whoever tells of a constraint; None when nobody said where that is."""
    if not wish.uss_base_url:
        return None
    return {
        "id": str(UUID(bytes=blake2b(f"{wish.uss_base_url}/{zone.id}".encode(), digest_size=16).digest(), version=4)),
        "manager": wish.site.file.name,
        "uss_availability": "Unknown",
        "version": 1,
        "uss_base_url": wish.uss_base_url,
    }


def _kml(wish: Wish) -> Written:
    return kml(wish.zones, wish.site.file.name), ()


WRITERS: dict[str, Callable[[Wish], Written]] = {
    "geojson": _geojson,
    "ed269": _ed269,
    "f3548": _f3548,
    "kml": _kml,
}
