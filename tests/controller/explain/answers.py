"""Answers for the tests of explanations: the example's routes, and one over ground with a mast."""

from __future__ import annotations

from pathlib import Path

from airspace.charted import Circle
from airspace.clearing import Answer, Question, clear
from airspace.frames import Ground, LatLon, LocalFrame
from airspace.ground.clearance import LaidObstacles, RequiredClearance
from airspace.ground.obstacles import Obstacle, ObstacleKind
from airspace.margins import derive_margins
from airspace.model import Airspace
from airspace.rules import by_name
from airspace.zones import Zone, load_charts
from missions.route_file import read_route

EXAMPLES = Path(__file__).parents[3] / "examples" / "zhengzhou"
FRAME = LocalFrame(LatLon(34.75, 113.62))
GROUND = Ground(108.0, -19.4)


def example_answer(
    name: str = "blocked",
    zones: tuple[Zone, ...] | None = None,
    required: RequiredClearance | None = None,
    law: str = "china",
) -> Answer:
    """The answer about an example route among the example's zones; with a mast under it where clearance is asked."""
    route = read_route(EXAMPLES / f"{name}-route.yaml")
    if zones is None:
        zones = load_charts([EXAMPLES / "airspace.geojson"], FRAME, GROUND)
    margins = derive_margins(route.fix, route.wind_mps)
    mast = Obstacle("mast-7", "Relay mast", ObstacleKind.MAST, Circle(LatLon(34.7480, 113.60955), 2.0), (140.0,), 88.6)
    obstacles = LaidObstacles(FRAME, [mast]) if required else None
    airspace = Airspace(FRAME, GROUND, zones, jurisdiction=by_name(law))
    question = Question(airspace, margins, obstacles=obstacles, required=required)
    return clear(route, question)
