"""Aircraft that nobody here flies: where they are, and who hears of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon, LocalFrame
from sim.traffic.adsb import adsb_vehicle
from sim.traffic.aircraft import Aircraft, Heard, Kind, Traffic

SQUARE = ((0.0, 0.0, 100.0), (1000.0, 0.0, 100.0), (1000.0, 1000.0, 200.0))


def passing(**given: object) -> Aircraft:
    return Aircraft("B-1", SQUARE, 50.0, 10.0, **given)  # type: ignore[arg-type]


def test_it_is_in_the_air_from_its_time_to_the_end_of_its_path() -> None:
    aircraft = passing()
    assert aircraft.sighting(9.9) is None
    assert aircraft.sighting(10.0) is not None
    length_m = 1000.0 + math.hypot(1000.0, 100.0)
    assert aircraft.sighting(10.0 + length_m / 50.0 - 0.1) is not None
    assert aircraft.sighting(10.0 + length_m / 50.0 + 0.1) is None


def test_it_follows_its_path_at_its_speed() -> None:
    sighting = passing().sighting(20.0)
    assert sighting is not None
    assert sighting.place == pytest.approx((500.0, 0.0, 100.0))
    assert sighting.velocity == pytest.approx((50.0, 0.0, 0.0))


def test_one_that_repeats_flies_around_for_ever() -> None:
    aircraft = passing(repeats=True)
    round_s = (1000.0 + math.hypot(1000.0, 100.0) + math.hypot(1000.0, 1000.0, 100.0)) / 50.0
    one, other = aircraft.sighting(15.0), aircraft.sighting(15.0 + 7 * round_s)
    assert one is not None
    assert other is not None
    assert other.place == pytest.approx(one.place, abs=1e-6)


def test_one_with_a_single_place_hangs_there() -> None:
    balloon = Aircraft("M-1", ((10.0, 20.0, 80.0),), 1.0, 0.0, kind=Kind.BALLOON)
    sighting = balloon.sighting(1e5)
    assert sighting is not None
    assert (sighting.place, sighting.velocity) == ((10.0, 20.0, 80.0), (0.0, 0.0, 0.0))


@given(st.floats(10.0, 40.0), st.floats(0.001, 0.5))
def test_its_velocity_is_the_change_of_its_place(t_s: float, dt_s: float) -> None:
    one, other = passing().sighting(t_s), passing().sighting(t_s + dt_s)
    assert one is not None
    assert other is not None
    assert math.dist(one.place, other.place) <= 50.0 * dt_s + 1e-6
    assert math.hypot(*one.velocity) == pytest.approx(50.0)


def test_receivers_hear_their_own_kind_in_range_and_silent_ones_are_not_heard() -> None:
    hangs = {"heard": Heard.ADSB, "kind": Kind.HELICOPTER}
    traffic = Traffic(
        [
            Aircraft("near", ((100.0, 0.0, 50.0),), 1.0, 0.0, **hangs),  # type: ignore[arg-type]
            Aircraft("far", ((5000.0, 0.0, 50.0),), 1.0, 0.0, **hangs),  # type: ignore[arg-type]
            Aircraft("drone", ((50.0, 0.0, 50.0),), 1.0, 0.0, heard=Heard.REMOTE_ID),
            Aircraft("silent", ((10.0, 0.0, 50.0),), 1.0, 0.0, heard=Heard.NOTHING),
        ]
    )
    here = (0.0, 0.0, 50.0)
    assert [s.aircraft.id for s in traffic.heard_by(here, 1000.0, 1.0)] == ["near"]
    assert [s.aircraft.id for s in traffic.heard_by(here, 9000.0, 1.0)] == ["near", "far"]
    assert [s.aircraft.id for s in traffic.heard_by(here, 9000.0, 1.0, Heard.REMOTE_ID)] == ["drone"]
    assert len(traffic.present(1.0)) == 4
    traffic.remove("near")
    traffic.remove("nobody")
    assert not traffic.heard_by(here, 1000.0, 1.0)


def test_adsb_vehicle_says_where_it_is_in_the_units_of_mavlink() -> None:
    frame = LocalFrame(LatLon(34.75, 113.62))
    sighting = passing(icao=0x780ABC).sighting(20.0)
    assert sighting is not None
    message = adsb_vehicle(sighting, frame, 108.0)
    at = frame.latlon(500.0, 0.0)
    assert message.ICAO_address == 0x780ABC
    assert (message.lat, message.lon) == (round(at.lat_deg * 1e7), round(at.lon_deg * 1e7))
    assert (message.altitude, message.heading, message.hor_velocity) == (208_000, 9000, 5000)
    assert message.emitter_type == mavlink.ADSB_EMITTER_TYPE_ROTOCRAFT
    assert message.flags & mavlink.ADSB_FLAGS_VALID_COORDS
    assert message.pack(mavlink.MAVLink(None, 1, 1))
