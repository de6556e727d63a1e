"""Charted zones as rows, tables and text."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from airspace.charted import ChartedZone, Circle, Corridor, Layer
from airspace.formats.geojson import geojson
from airspace.frames import Height
from airspace.laying import middle_of
from airspace.reasons import Lang
from airspace.rules.jurisdiction import Jurisdiction
from airspace.zone_kinds import ZONE_KINDS
from controller.cli.airspace import words

MOST_LISTED = 3  # layers that a table names one by one


def zone_row(zone: ChartedZone) -> dict[str, Any]:
    """A zone for machines: its GeoJSON properties, without the outline."""
    properties: dict[str, Any] = geojson([zone])["features"][0]["properties"]
    source = zone.source
    return properties | ({"source": f"{source.file} {source.feature}".strip()} if source else {})


def zone_table(zones: list[ChartedZone], lang: Lang) -> Table:
    """A line for each zone."""
    table = Table(box=None, padding=(0, 1))
    for head in (words.ID, words.NAME, words.KIND, words.ASKS, words.HEIGHTS, words.ACTIVE):
        table.add_column(head.text(lang), overflow="fold")
    for zone in zones:
        heights = [layer_heights(layer, lang) for layer in zone.layers]
        more = [f"+{len(heights) - MOST_LISTED}"] if len(heights) > MOST_LISTED else []
        table.add_row(
            zone.id,
            zone.name.text(lang),
            f"{kind_name(zone, lang)} ({zone.kind})",
            words.ASKS_WORDS[zone.restriction].text(lang),
            "\n".join(heights[:MOST_LISTED] + more),
            zone.schedule.words(lang),
        )
    return table


def zone_text(zone: ChartedZone, law: Jurisdiction, lang: Lang) -> Table:
    """All that is known of one zone, a line each."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_row(words.ID.text(lang), zone.id)
    table.add_row(words.NAME.text(lang), zone.name.text(lang))
    table.add_row(words.KIND.text(lang), f"{kind_name(zone, lang)} ({zone.kind})")
    table.add_row(words.ASKS.text(lang), words.ASKS_WORDS[zone.restriction].text(lang))
    table.add_row(words.RULE.text(lang), law.rule_of(zone.kind, zone.restriction, zone.rule).text(lang))
    table.add_row(words.ACTIVE.text(lang), zone.schedule.words(lang))
    for number, layer in enumerate(zone.layers, 1):
        shape = f"{layer_heights(layer, lang)}; {shape_text(layer, lang)}"
        table.add_row(f"{words.LAYER.text(lang)} {number}", shape)
    if zone.source is not None:
        table.add_row(words.SOURCE.text(lang), f"{zone.source.file} {zone.source.feature} ({zone.source.format})")
    return table


def kind_name(zone: ChartedZone, lang: Lang) -> str:
    """What the zone's kind is called."""
    return ZONE_KINDS[zone.kind].text(lang)


def height_text(height: Height, lang: Lang) -> str:
    """A height with what it counts from."""
    return f"{height.value_m:.0f} m {words.DATUMS[height.datum].text(lang)}"


def layer_heights(layer: Layer, lang: Lang) -> str:
    """Floor to ceiling."""
    return f"{height_text(layer.floor, lang)} – {height_text(layer.ceiling, lang)}"


def shape_text(layer: Layer, lang: Lang) -> str:
    """What a layer looks like from above, and where its middle is."""
    match layer.shape:
        case Circle(radius_m=radius_m):
            drawn = words.CIRCLE.text(lang, {"radius_m": radius_m})
        case Corridor(path=path, half_width_m=half_m):
            drawn = words.CORRIDOR.text(lang, {"points": len(path), "wide_m": 2 * half_m})
        case outline:
            corners = sum(len(part.exterior.coords) - 1 for part in getattr(outline, "geoms", [outline]))
            drawn = words.POLYGON.text(lang, {"corners": corners})
    return words.AROUND.text(lang, {"drawn": drawn, "place": middle_of(layer.shape)})
