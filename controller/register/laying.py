"""The zones of the register laid for one site: the one way in which they come into a model, at any time.

A zone that cannot be laid is told of and does not take away what the model holds of it: an old zone too many closes
too much, a zone that is missing lets a drone into it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from airspace.charted import ChartedZone, Layer
from airspace.formats.chart_fields import PLACED_RANGE_M
from airspace.frames import Datum, Height, LocalFrame
from airspace.ground.surface import Surface
from airspace.model import Airspace
from airspace.reach import within_reach
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.zones import Zone, lay

ZONE_CHARTED = Rule(
    "site.zone-charted",
    Words(
        "zone {id} is in the register and in the site's own charts",
        "区域 {id} 同时存在于登记库和站点自有图表中",
    ),
    Words(
        "Remove it from one of them: `beichen airspace remove {id}`, or the site file's airspace list.",
        "请从其中一处删除：`beichen airspace remove {id}`，或修改站点文件的 airspace 列表。",
    ),
)
LAYERS_CLASH = Rule(
    "site.zone-layers",
    Words(
        "a layer of zone {id} of the register has the id of another zone here",
        "登记库区域 {id} 的某一层与此处另一区域编号相同",
    ),
    Words(
        "Give one of them another id; layers are called ID#2, ID#3.", "请更换其中之一的编号；各层编号为 ID#2、ID#3。"
    ),
)


def laid_here(charted: ChartedZone, frame: LocalFrame, surface: Surface) -> tuple[Zone, ...]:
    """The layers of a zone within reach of a frame's origin; none when all of it is farther off.

    A layer over ground of which nothing is known closes all heights. Raises `Refused` as `zones.lay` does otherwise.
    """
    near = within_reach(charted, frame.origin)
    if near is None:
        return ()
    try:
        return lay(near, frame, surface)
    except Refused:
        layers = tuple(layer if _over_known_ground(layer, surface) else _at_all_heights(layer) for layer in near.layers)
        if layers == near.layers:
            raise
        return tuple(replace(zone, charted=near) for zone in lay(replace(near, layers=layers), frame, surface))


def put_registered(
    airspace: Airspace, zones: Mapping[str, ChartedZone | None], own_charts: Collection[str]
) -> dict[str, tuple[Reason, ...]]:
    """Bring zones of the register into a model, by id, None for one that is gone; why some of them cannot be.

    `own_charts` are the ids of the zones that the site itself charts. What cannot be laid leaves the model as it was.
    """
    faults: dict[str, tuple[Reason, ...]] = {}
    waiting: dict[str, tuple[Zone, ...]] = {}
    for zone_id, charted in zones.items():
        if zone_id in own_charts:
            if charted is not None:
                faults[zone_id] = (Reason(ZONE_CHARTED, zone_id, {"id": zone_id}),)
            continue
        try:
            waiting[zone_id] = () if charted is None else laid_here(charted, airspace.frame, airspace.surface)
        except Refused as refused:
            faults[zone_id] = refused.reasons
    for zone_id in [zone_id for zone_id, laid in waiting.items() if not laid]:
        airspace.remove_zone(zone_id)
        del waiting[zone_id]
    while waiting:  # one may stand where another has yet to lose a layer
        put = [zone_id for zone_id, laid in waiting.items() if _put(airspace, laid)]
        if not put:
            break
        waiting = {zone_id: laid for zone_id, laid in waiting.items() if zone_id not in put}
    return faults | {zone_id: (Reason(LAYERS_CLASH, zone_id, {"id": zone_id}),) for zone_id in waiting}


def _put(airspace: Airspace, laid: tuple[Zone, ...]) -> bool:
    try:
        airspace.put_zones(laid)
    except ValueError:
        return False
    return True


def _over_known_ground(layer: Layer, surface: Surface) -> bool:
    if layer.floor.datum is layer.ceiling.datum is Datum.ELLIPSOIDAL:
        return True
    try:
        surface.under(layer.shape)
    except Refused:
        return False
    return True


def _at_all_heights(layer: Layer) -> Layer:
    floor, ceiling = (Height(side_m, Datum.ELLIPSOIDAL) for side_m in PLACED_RANGE_M)
    return replace(layer, floor=floor, ceiling=ceiling)
