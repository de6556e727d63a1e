"""Ways that are almost one line, seen on a random day: the fence around them must lose none."""

from __future__ import annotations

import pytest
from shapely.geometry import Polygon

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.model import Airspace
from airspace.reasons import Words
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from controller.config import KNOWN_TYPES
from missions.fence import fence_from_items
from missions.planning import plan_request
from missions.request import Camera, Request
from missions.site import Dock, Limits, OpenGround, Site
from missions.volumes import leg_line

FRAME = LocalFrame(LatLon(34.75, 113.62))
GROUND = Ground(108.0, -19.4)
HOME = LatLon(34.7485018, 113.6187539)
GROUNDS = (
    LatLon(34.7479475, 113.6218085),
    LatLon(34.7490165, 113.6241904),
    LatLon(34.7510753, 113.6158455),
    LatLon(34.7520507, 113.6182395),
    LatLon(34.7530414, 113.6205395),
)
LINE = (LatLon(34.7505462, 113.617499), LatLon(34.7484062, 113.6152046))
BLOCK = (
    (34.7487048, 113.6216284),
    (34.7487908, 113.6212936),
    (34.7485945, 113.6210361),
    (34.7483123, 113.6211132),
    (34.7482263, 113.6214479),
    (34.7484225, 113.6217055),
)
SITE = Site(
    "city",
    GROUND,
    (Dock("410105-LP-000013", HOME),),
    tuple(OpenGround(f"ground-{number}", place) for number, place in enumerate(GROUNDS, 1)),
    Limits(120.0),
)
REQUEST = Request(
    name="thin",
    title=Words("thin", "thin"),
    line=LINE,
    targets=(),
    height_agl_m=60.0,
    speed_mps=6.0,
    camera=Camera(15.0, 30.0),
    dock="410105-LP-000013",
    alternates=(),
    requested_by="tests",
)


def airspace() -> Airspace:
    """The block beside the ways."""
    outline = Polygon([FRAME.xy(LatLon(*corner)) for corner in BLOCK])
    block = Volume4D(outline, 88.6, 208.6, 0.0, FOREVER_S)
    zone = Zone("block", Words("block", "block"), "no-fly", Words("", ""), block)
    return Airspace(FRAME, GROUND, [zone])


@pytest.mark.parametrize(
    ("home", "wind_mps"),
    [
        (LatLon(34.7485021, 113.6187542), 5.3),
        (LatLon(34.748502, 113.6187539), 4.0),
        (LatLon(34.7485023, 113.618754), 5.0),
    ],
)
def test_the_fence_holds_every_leg_however_thin_the_ways_of_return_are(home: LatLon, wind_mps: float) -> None:
    plan = plan_request(
        REQUEST,
        site=SITE,
        airspace=airspace(),
        drone=KNOWN_TYPES["quad-4kg"],
        home=home,
        home_amsl_m=108.0,
        docks_free=["410105-LP-000013"],
        takeoff_s=1779066000.0,
        wind_mps=wind_mps,
    )
    fence = fence_from_items(plan.fence, FRAME)
    assert all(fence.holds([leg_line(leg, FRAME)], 7.0) for leg in plan.legs)
