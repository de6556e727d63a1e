"""The ground of a simulated city: terrain with buildings on it, read from the files that the city file names."""

from __future__ import annotations

from pathlib import Path

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.geodesy.geoid import Geoid
from airspace.ground.obstacles import Obstacle, read_obstacles
from airspace.ground.surface import Surface
from airspace.ground.terrain import Terrain
from airspace.ground.terrain_surface import TerrainSurface
from airspace.reasons import Reason, Refused
from sim.city_file import CityFile
from sim.place.buildings import Buildings, solids_of
from sim.place.skyline import CitySkyline
from sim.place.terrain import TerrainGrid

AROUND_M = 2000.0  # the terrain is known so far around all places of the city


class BuiltGround:
    """Terrain, level where none is given, with buildings on it; heights are above the world's datum."""

    def __init__(self, buildings: Buildings, terrain: TerrainGrid | None = None) -> None:
        self.buildings = buildings
        self.terrain = terrain
        self.highest_m = buildings.highest_m

    def terrain_m(self, e_m: float, n_m: float) -> float:
        """The height of the ground itself [m], under whatever stands on it."""
        return 0.0 if self.terrain is None else self.terrain.height_m(e_m, n_m)

    def height_m(self, e_m: float, n_m: float) -> float:
        """The height of the surface that a drone would land on [m]: ground or roof."""
        return max(self.terrain_m(e_m, n_m), self.buildings.roof_m(e_m, n_m))

    def struck(self, e_m: float, n_m: float, u_m: float) -> str | None:
        """What a body at this place is inside of, by name; the ground itself is not struck but stood on."""
        return self.buildings.struck(e_m, n_m, u_m)

    def skyline(self) -> CitySkyline | None:
        """The horizon that all this leaves; None for an open plain."""
        if self.terrain is None and not self.buildings.solids:
            return None
        return CitySkyline(self.buildings, self.terrain)


def load_ground(file: CityFile, folder: Path) -> BuiltGround:
    """The ground of a city whose file lies in a folder. Raises `Refused` with what is wrong in the files it names."""
    frame = LocalFrame(LatLon(file.origin.lat_deg, file.origin.lon_deg))
    surface, terrain = _surface(file, folder)
    datum_ellipsoidal_m = file.ground.amsl_m + file.ground.geoid_m
    if isinstance(surface, TerrainSurface):
        origin = frame.origin
        datum_ellipsoidal_m = file.ground.amsl_m + surface.geoid.undulation_m(origin.lat_deg, origin.lon_deg)
    grid = None
    if terrain is not None:
        grid = TerrainGrid.sampled(terrain, frame, _extent(file, frame), datum_ellipsoidal_m)
    obstacles: list[Obstacle] = []
    reasons: list[Reason] = []
    for name in file.buildings:
        reading = read_obstacles(folder / name, surface)
        obstacles += reading.obstacles
        reasons += reading.reasons
    if reasons:
        raise Refused(reasons)
    return BuiltGround(Buildings(solids_of(frame, obstacles, datum_ellipsoidal_m)), grid)


def _surface(file: CityFile, folder: Path) -> tuple[Surface, Terrain | None]:
    if file.terrain is None:
        return Ground(file.ground.amsl_m, file.ground.geoid_m), None
    geoid = Geoid.built_in()
    terrain = Terrain.load(folder / file.terrain.path, geoid if file.terrain.heights == "geoid" else None)
    return TerrainSurface(terrain, geoid), terrain


def _extent(file: CityFile, frame: LocalFrame) -> tuple[float, float, float, float]:
    """The box around all places of the file with room around them: west, south, east, north [m]."""
    places = [LatLon(drone.lat_deg, drone.lon_deg) for drone in file.drones]
    places += [LatLon(pole.lat_deg, pole.lon_deg) for pole in file.poles]
    places += [LatLon(field.lat_deg, field.lon_deg) for field in file.open_ground]
    spots = [(0.0, 0.0), *map(frame.xy, places)]
    easts, norths = [e for e, _ in spots], [n for _, n in spots]
    return min(easts) - AROUND_M, min(norths) - AROUND_M, max(easts) + AROUND_M, max(norths) + AROUND_M
