"""Flights that a jurisdiction has nothing against, for tests that then take something away."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from airspace.rules.china import SPECIAL_CASES
from airspace.rules.facts import ClearedCase, DroneFacts, FlightFacts, NearObstacle

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai_s(text: str) -> float:
    """A local time such as `2026-05-18 09:00` as UTC seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


ALL_CLEARED = tuple(ClearedCase(case, "Wang Fang", "the lead of operations looked at it") for case in SPECIAL_CASES)

LIGHT_DRONE = DroneFacts(
    empty_kg=2.7,
    mtow_kg=4.1,
    speed_most_mps=23.0,
    height_most_agl_m=500.0,
    size_m=0.8,
    low_power_radio=False,
    manual_takeover=True,
    holds_airspace=True,
    surveillance=True,
    registered=True,
    reports_id=True,
    broadcasts_id=True,
)

IN_HENAN = FlightFacts(
    drone=LIGHT_DRONE,
    asked_s=shanghai_s("2026-05-17 10:00"),
    takeoff_s=shanghai_s("2026-05-18 09:00"),
    highest_agl_m=60.0,
    zones=(),
    cleared=ALL_CLEARED,
    beyond_sight=True,
    at_night=False,
    lights=True,
    geofence_current=True,
    visibility_m=8000.0,
    preplanned_route=True,
    drones_per_pilot=1,
    hands_over_in_flight=False,
    from_moving_vehicle=False,
    dangerous_goods=False,
    drops=False,
    over_assembly=False,
    people_per_km2=120.0,
    controlled_ground=False,
    from_people_m=60.0,
    from_built_up_m=200.0,
    ground_buffer_m=60.0,
    obstacle=NearObstacle(height_agl_m=45.0, beside_m=30.0, above_m=15.0),
    kinetic_energy_j=900.0,
    commercial=True,
    certified=True,
    insured=True,
    licensed=True,
)

IN_EUROPE = FlightFacts(
    drone=DroneFacts(
        empty_kg=0.8,
        mtow_kg=0.89,
        speed_most_mps=19.0,
        height_most_agl_m=120.0,
        size_m=0.3,
        class_mark="C1",
        registered=True,
        reports_id=False,
        broadcasts_id=True,
    ),
    asked_s=shanghai_s("2026-05-17 10:00"),
    takeoff_s=shanghai_s("2026-05-18 09:00"),
    highest_agl_m=120.0,
    zones=(),
    beyond_sight=False,
    at_night=False,
    lights=False,
    geofence_current=True,
    dangerous_goods=False,
    drops=False,
    over_assembly=False,
    from_people_m=40.0,
    from_built_up_m=20.0,
    licensed=True,
)

GOOD_FLIGHTS = {"china": IN_HENAN, "ed269": IN_EUROPE}
