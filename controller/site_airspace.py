"""The airspace of a site as it stands: its charts, the shared register, the ground under it and what stands on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airspace.charted import ChartedZone
from airspace.formats.importing import import_charts
from airspace.frames import Ground, LatLon
from airspace.geodesy.geoid import Geoid
from airspace.ground.clearance import LaidObstacles
from airspace.ground.obstacles import Obstacle, read_obstacles
from airspace.ground.terrain import Terrain
from airspace.ground.terrain_surface import TerrainSurface
from airspace.intents import OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.rules import by_name
from airspace.rules.jurisdiction import Jurisdiction
from airspace.zones import Zone, load_charts
from controller.clock import fresh_seed
from controller.config import LoadedSite
from controller.register.changes import Batch
from controller.register.laying import put_registered
from controller.register.register import Founding, Register, open_register
from controller.sharing import moved_intent

SiteSurface = Ground | TerrainSurface

EMPTY_REGISTER = Rule(
    "site.register-empty",
    Words("the register is an empty file: what was in it is lost", "登记库是空文件：其内容已丢失"),
    Words(
        "Restore a backup; or move the file away, and import the charts again.",
        "请恢复备份；或移走该文件并重新导入图表。",
    ),
)


@dataclass(frozen=True, slots=True)
class SiteAirspace:
    """What a question about a site's air is asked of; `airspace` holds zones and the intents of the register."""

    airspace: Airspace
    surface: SiteSurface
    obstacles: LaidObstacles
    jurisdiction: Jurisdiction


def load_site_airspace(site: LoadedSite, utc_s: Callable[[], float]) -> SiteAirspace:
    """Everything that a site file names, read; raises `Refused` with every problem in charts and obstacles."""
    surface = surface_of(site)
    law = by_name(site.file.jurisdiction)
    intents: tuple[OperationalIntent, ...] = ()
    zones = load_site_zones(site, surface)
    registered: dict[str, ChartedZone] = {}
    if _has_register(site):
        with site_register(site, utc_s) as register:
            registered = {held.zone.id: held.zone for held in register.zones()}
            intents = tuple(moved_intent(intent, register.frame, site.frame) for intent in register.intents())
    airspace = Airspace(site.frame, surface, zones, intents, jurisdiction=law)
    faults = put_registered(airspace, registered, {zone.charted_id for zone in zones})
    if faults:  # a question is not answered from half of what is known
        raise Refused(reason for reasons in faults.values() for reason in reasons)
    return SiteAirspace(airspace, surface, LaidObstacles(site.frame, _obstacles(site, surface)), law)


def held_zones(site: LoadedSite, utc_s: Callable[[], float]) -> list[ChartedZone]:
    """The zones of a site as they were charted: those of its own charts, then those of the register.

    Raises `Refused` with every problem in the charts.
    """
    zones = list(charted_by_site(site))
    if _has_register(site):
        with site_register(site, utc_s) as register:
            zones += [held.zone for held in register.zones()]
    return zones


def import_of(site: LoadedSite, utc_s: Callable[[], float], zone_id: str) -> Batch | None:
    """The import that brought a zone into the register; None for one that the register does not hold."""
    if not _has_register(site):
        return None
    with site_register(site, utc_s) as register:
        return next((held.batch for held in register.zones() if held.zone.id == zone_id), None)


def _has_register(site: LoadedSite) -> bool:
    """Whether there is a register to read. Raises `Refused` for an empty file, of which nothing may be concluded."""
    path = site.path(site.file.register)
    if not path.exists():
        return False
    if path.stat().st_size == 0:
        raise Refused([Reason(EMPTY_REGISTER, str(path))])
    return True


def surface_of(site: LoadedSite) -> SiteSurface:
    """The site's terrain where it names a model, and its level ground otherwise. Raises `Refused` for a bad model."""
    terrain = site.file.terrain
    if terrain is None:
        return site.ground
    geoid = Geoid.load(site.path(site.file.geoid)) if site.file.geoid else Geoid.built_in()
    counted_from = geoid if terrain.heights == "geoid" else None
    return TerrainSurface(Terrain.load(site.path(terrain.path), counted_from), geoid)


def charted_by_site(site: LoadedSite) -> tuple[ChartedZone, ...]:
    """The zones of the chart files that the site names, as charted. Raises `Refused` with every problem in them."""
    return import_charts([site.path(name) for name in site.file.airspace]).zones


def load_site_zones(site: LoadedSite, surface: SiteSurface) -> tuple[Zone, ...]:
    """The zones of the chart files that the site names. Raises `Refused` with every problem in any of them."""
    return load_charts([site.path(name) for name in site.file.airspace], site.frame, surface)


@contextmanager
def site_register(site: LoadedSite, utc_s: Callable[[], float]) -> Iterator[Register]:
    """The site's register, founded around the site's origin when it is new."""
    law = by_name(site.file.jurisdiction)
    origin = LatLon(site.file.origin.lat_deg, site.file.origin.lon_deg)
    founding = Founding(origin, b"".join(fresh_seed().to_bytes(4) for _ in range(8)))
    path: Path = site.path(site.file.register)
    with open_register(path, utc_s, founding=founding, may_overlap=law.may_overlap) as register:
        yield register


def _obstacles(site: LoadedSite, surface: SiteSurface) -> list[Obstacle]:
    obstacles: list[Obstacle] = []
    reasons: list[Reason] = []
    for name in site.file.obstacles:
        reading = read_obstacles(site.path(name), surface)
        obstacles += reading.obstacles
        reasons += reading.reasons
    if reasons:
        raise Refused(reasons)
    return obstacles
