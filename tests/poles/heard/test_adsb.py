"""ADS-B against published frames (J. Sun, The 1090 Megahertz Riddle, 2nd ed.) and against itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from poles.heard import adsb, altitude_code, cpr
from poles.heard.adsb import Accuracy, Emergency, Identification, Position, Velocity, decode, encode, parity
from poles.heard.cpr import from_near, from_pair
from poles.heard.drone import Aircraft, Status
from tests.poles.heard.test_gb46750 import positions

KNOT = 1852.0 / 3600.0


def content(frame: str) -> adsb.Content:
    squitter = decode(bytes.fromhex(frame))
    assert squitter is not None
    return squitter.content


def coded(frame: str) -> cpr.Cpr:
    position = content(frame)
    assert isinstance(position, Position)
    return position.cpr


def test_published_identification() -> None:
    assert content("8D4840D6202CC371C32CE0576098") == Identification("KLM1023", Aircraft.UNDECLARED)
    squitter = decode(bytes.fromhex("8D4840D6202CC371C32CE0576098"))
    assert squitter is not None
    assert squitter.icao == "4840d6"


def test_published_positions_in_the_air() -> None:
    even, odd = coded("8D40621D58C382D690C8AC2863A7"), coded("8D40621D58C386435CC412692AD6")
    here = from_pair(even, odd, newest=even)
    assert here is not None
    assert (here.lat_deg, here.lon_deg) == pytest.approx((52.2572, 3.91937), abs=1e-5)
    near = from_near(even, LatLon(52.258, 3.918))
    assert near is not None
    assert near.distance_m(here) < 0.1
    position = content("8D40621D58C382D690C8AC2863A7")
    assert isinstance(position, Position)
    assert position.pressure_m == pytest.approx(38000 * 0.3048)


def test_published_positions_on_the_ground() -> None:
    even, odd = coded("8C4841753AAB238733C8CD4020B1"), coded("8C4841753A8A35323FAEBDAC702D")
    assert even.surface
    here = from_pair(even, odd, newest=odd, near=LatLon(51.990, 4.375))
    assert here is not None
    assert (here.lat_deg, here.lon_deg) == pytest.approx((52.320607, 4.734735), abs=2e-5)
    assert from_pair(even, odd, newest=odd) is None
    moving = content("8C4841753A8A35323FAEBDAC702D")
    assert isinstance(moving, Position)
    assert moving.speed_mps == pytest.approx(16 * KNOT)


def test_published_velocities() -> None:
    over_ground = content("8D485020994409940838175B284F")
    assert isinstance(over_ground, Velocity)
    assert over_ground.speed_mps == pytest.approx(159.2 * KNOT, abs=0.05)
    assert over_ground.track_deg == pytest.approx(182.88, abs=0.01)
    assert over_ground.climb_mps == pytest.approx(-832 * 0.3048 / 60)
    assert over_ground.ellipsoidal_over_pressure_m == pytest.approx(550 * 0.3048)
    through_air = content("8DA05F219B06B6AF189400CBC33F")
    assert isinstance(through_air, Velocity)
    assert (through_air.speed_mps, through_air.track_deg) == (None, None)  # 375 kt of airspeed are no ground speed
    assert through_air.climb_mps == pytest.approx(-2304 * 0.3048 / 60)


@given(st.binary(max_size=20), st.integers(0, 111))
def test_no_bytes_raise_and_no_flipped_bit_passes(frame: bytes, bit: int) -> None:
    decode(frame)
    good = bytearray.fromhex("8D4840D6202CC371C32CE0576098")
    good[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(good)) is None


@given(st.integers(0, 2**56 - 1), st.sampled_from([0x8D, 0x90, 0x91, 0x96, 0x95, 0x5D]))
def test_no_content_raises(body: int, first: int) -> None:
    head = bytes((first,)) + b"\x78\x00\x01" + body.to_bytes(7)
    squitter = decode(head + parity(head).to_bytes(3))
    assert squitter is None or first not in (0x95, 0x5D)


@given(positions.filter(lambda p: abs(p.lat_deg) < 86.9), st.booleans())
def test_a_pair_tells_the_place(at: LatLon, newest_odd: bool) -> None:
    even, odd = (cpr.encode(at, odd=odd) for odd in (False, True))
    newest = odd if newest_odd else even
    found = from_pair(even, odd, newest=newest)
    if found is None:  # on a border of longitude zones the two halves may fall apart
        assert cpr.zones_at(at.lat_deg - 1e-3) != cpr.zones_at(at.lat_deg + 1e-3)
    else:
        assert found.distance_m(at) < 6.0


@given(positions.filter(lambda p: abs(p.lat_deg) < 80.0), st.booleans(), st.booleans(), st.floats(0, 2 * math.pi))
def test_one_message_and_a_near_place_tell_the_place(at: LatLon, odd: bool, surface: bool, bearing: float) -> None:
    away_deg = 0.7 if surface else 2.9
    lon = at.lon_deg + away_deg * math.sin(bearing) * math.cos(math.radians(80.0))
    near = LatLon(at.lat_deg + away_deg * math.cos(bearing), (lon + 180.0) % 360.0 - 180.0)
    found = from_near(cpr.encode(at, odd=odd, surface=surface), near)
    assert found is not None
    assert found.distance_m(at) < (1.6 if surface else 6.0)


@given(positions.filter(lambda p: abs(p.lat_deg) < 80.0), st.booleans())
def test_a_pair_on_the_ground_tells_the_place_next_to_the_receiver(at: LatLon, newest_odd: bool) -> None:
    even, odd = (cpr.encode(at, odd=odd, surface=True) for odd in (False, True))
    near = LatLon(at.lat_deg + 0.3, (at.lon_deg + 180.3) % 360.0 - 180.0)
    found = from_pair(even, odd, newest=odd if newest_odd else even, near=near)
    if found is None:
        assert cpr.zones_at(at.lat_deg - 1e-3) != cpr.zones_at(at.lat_deg + 1e-3)
    else:
        assert found.distance_m(at) < 1.6


@pytest.mark.parametrize(("lat_deg", "zones"), [(0, 59), (1e-9, 59), (10.4704713, 58), (10.46, 59), (-30, 51),
                                                (52.2572, 36), (86.9, 2), (87, 2), (-87, 2), (88, 1)])  # fmt: skip
def test_longitude_zones(lat_deg: float, zones: int) -> None:
    assert cpr.zones_at(lat_deg) == zones


@given(st.integers(-40, 2006))
def test_altitudes_in_steps_of_25_ft(steps: int) -> None:
    feet = 25 * steps
    assert altitude_code.decode_m(altitude_code.encode(feet * 0.3048)) == pytest.approx(feet * 0.3048)


def test_an_altitude_that_is_not_said_or_no_code_is_none() -> None:
    assert altitude_code.encode(None) == 0
    assert altitude_code.decode_m(0) is None
    assert altitude_code.decode_m(0b000010000000 | 0b100000000000) is None  # C1 and C4 never stand together


def test_gillhams_code_climbs_in_steps_of_100_ft_and_changes_one_bit_a_step() -> None:
    heights = {code: altitude_code.decode_m(code) for code in range(1, 4096) if not code & altitude_code.Q_BIT}
    by_height = {round(height / 0.3048): code for code, height in heights.items() if height is not None}
    assert sorted(by_height) == list(range(-1200, 126800, 100))
    for lower, upper in zip(range(-1200, 126700, 100), range(-1100, 126800, 100), strict=True):
        assert (by_height[lower] ^ by_height[upper]).bit_count() == 1


@pytest.mark.parametrize(
    "said",
    [
        Identification("B7001", Aircraft.ROTORCRAFT),
        Identification("UAV 12", Aircraft.UNMANNED),
        Identification("", Aircraft.UNDECLARED),
        Emergency(Status.EMERGENCY),
        Emergency(Status.UNDECLARED),
        Accuracy(10.0),
        Accuracy(None),
        adsb.position(LatLon(34.7, 113.6), odd=True, ellipsoidal_m=432.0),
    ],
    ids=str,
)
def test_what_is_said_is_heard(said: adsb.Content) -> None:
    squitter = decode(encode("780a1b", said))
    assert squitter == adsb.Squitter("780a1b", said)


@given(st.floats(0, 800), st.floats(0, 359.99), st.floats(-150, 150), st.floats(-900, 900))
def test_velocities_are_heard_as_finely_as_they_are_sent(speed: float, track: float, climb: float, over: float) -> None:
    squitter = decode(encode("780a1b", Velocity(speed, track, climb, over)))
    assert squitter is not None
    heard = squitter.content
    assert isinstance(heard, Velocity)
    assert heard.speed_mps == pytest.approx(speed, abs=4 * KNOT)
    assert heard.climb_mps == pytest.approx(climb, abs=0.17)
    assert heard.ellipsoidal_over_pressure_m == pytest.approx(over, abs=3.9)
    if speed > 100.0:
        assert heard.track_deg is not None
        assert abs((heard.track_deg - track + 180.0) % 360.0 - 180.0) < 2.0


def test_a_difference_of_heights_that_is_more_than_can_be_said_is_not_told() -> None:
    squitter = decode(encode("780a1b", Velocity(ellipsoidal_over_pressure_m=-2000.0)))
    assert squitter == adsb.Squitter("780a1b", Velocity())


@given(st.floats(0, 95), st.floats(0, 359.99), positions)
def test_motion_on_the_ground(speed: float, track: float, at: LatLon) -> None:
    said = Position(cpr.encode(at, odd=False, surface=True), speed_mps=speed, track_deg=track)
    squitter = decode(encode("780a1b", said))
    assert squitter is not None
    heard = squitter.content
    assert isinstance(heard, Position)
    assert heard.cpr == said.cpr
    assert heard.speed_mps is not None
    assert heard.speed_mps <= speed + 1e-9
    assert heard.speed_mps == pytest.approx(min(speed, 175 * KNOT), abs=5 * KNOT)
    assert heard.track_deg is not None
    assert abs((heard.track_deg - track + 180.0) % 360.0 - 180.0) <= 1.5
