"""Ground that rises and falls: a terrain model over the sea of a geoid."""

from __future__ import annotations

import numpy as np
from shapely.geometry import MultiPolygon, Polygon

from airspace.charted import Circle, Corridor, Shape
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.geodesy.geoid import BUILT_IN_ACCURACY_M, Geoid
from airspace.ground.profiles import Profile
from airspace.ground.terrain import Terrain
from airspace.laying import charted_outline, circle_ring, laid_shape, middle_of

# A straight line in the local frame bends by edge^2 tan(lat) / 8R in a map of degrees: pieces of this length [m] stay
# within 5 mm of it below 45 degrees of latitude.
LONGEST_PIECE_M = 500.0


class TerrainSurface:
    """Ground of a terrain model, over the sea of a geoid (`geoid.datum_1985` for heights of Chinese surveys).

    `terrain_accuracy_m` [m] is what 95 % of the model's heights are within, as far as it is known.
    """

    def __init__(self, terrain: Terrain, geoid: Geoid, terrain_accuracy_m: float = 0.0) -> None:
        self.terrain = terrain
        self.geoid = geoid
        self.terrain_accuracy_m = terrain_accuracy_m

    @property
    def accuracy_m(self) -> float:
        """The error of the geoid and of the terrain together [m]; an unstated geoid counts as the built-in one."""
        geoid_m = BUILT_IN_ACCURACY_M if self.geoid.accuracy_m is None else self.geoid.accuracy_m
        return geoid_m + self.terrain_accuracy_m

    def at(self, position: LatLon) -> Ground:
        """The ground at one position. Raises `Refused` outside of the terrain model or the geoid, and in voids."""
        geoid_m = self.geoid.undulation_m(position.lat_deg, position.lon_deg)
        return Ground(self.terrain.ellipsoidal_m(position) - geoid_m, geoid_m)

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        """The lowest and the highest ground under a shape.

        The first has the lowest ellipsoidal height of all cells that the shape touches and the lowest geoid of the box
        around it, the second the highest of both: whatever height is laid over them, over ground, sea or ellipsoid,
        what it is anywhere in the shape lies between the two. Raises `Refused` as `at` does.
        """
        outline = degrees_outline(shape)
        west_deg, south_deg, east_deg, north_deg = outline.bounds
        low_m, high_m = self.terrain.range_m(outline)
        low_geoid_m, high_geoid_m = self.geoid.range_m(south_deg, west_deg, north_deg, east_deg)
        return Ground(low_m - low_geoid_m, low_geoid_m), Ground(high_m - high_geoid_m, high_geoid_m)

    def along(self, frame: LocalFrame, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> Profile:
        """The ground under a straight line in a local frame [m], over the ellipsoid, exact for the bilinear surface.

        Raises `Refused` where the terrain model has no height under the line.
        """
        length_m = float(np.hypot(end_xy[0] - start_xy[0], end_xy[1] - start_xy[1]))
        pieces = max(1, int(np.ceil(length_m / LONGEST_PIECE_M)))
        share = np.linspace(0.0, 1.0, pieces + 1)[:, np.newaxis]
        points = np.array(start_xy) + share * (np.array(end_xy) - np.array(start_xy))
        return self.terrain.along(frame.lon_lat_array(points), share[:, 0] * length_m)


def degrees_outline(shape: Shape) -> Polygon | MultiPolygon:
    """The outline of a charted shape in (longitude, latitude) degrees; circles and corridors are drawn around."""
    if isinstance(shape, Circle):
        return Polygon(circle_ring(shape))
    if isinstance(shape, Corridor):
        frame = LocalFrame(middle_of(shape))
        return charted_outline(frame, laid_shape(frame, shape))
    return shape
