"""Frames of one transmitter become one drone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from poles.heard import Ears, HeardDrone, adsb, cpr, gb46750, open_drone_id
from poles.heard.drone import Aircraft, Frame, OperatorPlace, Status, WeightClass
from poles.heard.ears import in_hour_of
from poles.heard.open_drone_id import BasicId, IdKind, Location, OperatorId, SelfId, System
from poles.protocol import Heard, Source

POLE = LatLon(34.75, 113.62)
DRONE = LatLon(34.7531, 113.6254)
NOON_S = 1_800_014_400.0  # a full hour


def heard(source: Source, frame: bytes, *, age_s: float = 0.0, by: str = "", rssi_dbm: float = -70.0) -> Heard:
    return Heard(source=source, frame=frame, age_s=age_s, transmitter=by, rssi_dbm=rssi_dbm)


def squitter(content: adsb.Content, icao: str = "780a1b") -> Heard:
    return heard(Source.ADSB, adsb.encode(icao, content))


def take(ears: Ears, what: Heard, at_s: float) -> HeardDrone:
    drone = ears.take(what, at_s, POLE)
    assert drone is not None
    return drone


def test_one_packet_of_gb_46750_says_everything() -> None:
    said = gb46750.Identification(
        product_code="1581F8DBW25B800B3417", real_name_mark="0123ABCD", weight_class=WeightClass.LIGHT, position=DRONE,
        speed_mps=7.5, track_deg=90.0, above_takeoff_m=60.0, ellipsoidal_m=145.0, status=Status.AIRBORNE,
        frame=Frame.CGCS2000, at_s=NOON_S - 0.4,
    )  # fmt: skip
    drone = take(Ears(), heard(Source.GB46750, gb46750.encode(said), age_s=0.5), NOON_S)
    assert (drone.id, drone.registration, drone.weight_class) == (
        "1581F8DBW25B800B3417",
        "0123ABCD",
        WeightClass.LIGHT,
    )
    assert (drone.position, drone.frame, drone.ellipsoidal_m) == (DRONE, Frame.CGCS2000, 145.0)
    assert (drone.heard_s, drone.placed_s, drone.said_s) == (NOON_S - 0.5, NOON_S - 0.5, NOON_S - 0.4)
    assert drone.rssi_dbm == -70.0


def test_single_messages_of_one_transmitter_are_put_together() -> None:
    ears = Ears()
    parts: tuple[open_drone_id.Message, ...] = (
        BasicId(IdKind.SERIAL, Aircraft.ROTORCRAFT, "1581F8DBW25B800B3417"),
        Location(Status.AIRBORNE, DRONE, height_m=50.0, over_ground=True, speed_mps=4.0, after_hour_s=3599.5),
        System(operator=POLE, operator_is=OperatorPlace.STATION, frame=Frame.CGCS2000),
        OperatorId(0, "CHN-87astrdge12k8"),
        SelfId(0, "survey"),
        BasicId(IdKind.REGISTRATION, Aircraft.ROTORCRAFT, "UAS01234567"),
    )
    for n, part in enumerate(parts):
        drone = take(ears, heard(Source.GB42590, open_drone_id.encode(part, 1), by="60601f0a0b0c"), NOON_S + n)
    assert (drone.id, drone.registration, drone.text) == ("1581F8DBW25B800B3417", "UAS01234567", "survey")
    assert (drone.position, drone.placed_s, drone.said_s) == (DRONE, NOON_S + 1, NOON_S - 0.5)
    assert (drone.above_ground_m, drone.above_takeoff_m, drone.speed_mps) == (50.0, None, 4.0)
    assert (drone.operator.position, drone.operator.where, drone.operator.id) == (
        POLE,
        OperatorPlace.STATION,
        "CHN-87astrdge12k8",
    )
    assert len(ears) == 1


def test_messages_of_two_transmitters_are_not_mixed() -> None:
    ears = Ears()
    for by in ("aa", "bb"):
        take(ears, heard(Source.ODID, open_drone_id.encode(SelfId(0, by)), by=by), NOON_S)
    moved = take(ears, heard(Source.ODID, open_drone_id.encode(Location(position=DRONE)), by="aa"), NOON_S + 1)
    assert (moved.text, moved.position) == ("aa", DRONE)
    other = take(ears, heard(Source.ODID, open_drone_id.encode(OperatorId(0, "x")), by="bb"), NOON_S + 1)
    assert (other.text, other.position) == ("bb", None)


def test_a_pack_without_an_address_is_known_by_its_id_and_a_lone_message_is_nobodys() -> None:
    pack = open_drone_id.encode_pack([BasicId(IdKind.SERIAL, Aircraft.ROTORCRAFT, "S1"), Location(position=DRONE)])
    assert take(Ears(), heard(Source.ODID, pack), NOON_S).transmitter == "S1"
    assert Ears().take(heard(Source.ODID, open_drone_id.encode(Location(position=DRONE))), NOON_S, POLE) is None


def test_an_aircraft_is_placed_by_two_messages_and_followed_by_one() -> None:
    ears = Ears()
    take(ears, squitter(adsb.Identification("B7001", Aircraft.ROTORCRAFT)), NOON_S)
    first = take(ears, squitter(adsb.position(DRONE, odd=False, pressure_m=300.0)), NOON_S + 0.5)
    assert first.position is None
    second = take(ears, squitter(adsb.position(DRONE, odd=True, pressure_m=300.0)), NOON_S + 1.0)
    assert second.position is not None
    assert second.position.distance_m(DRONE) < 5.0
    on = LatLon(DRONE.lat_deg + 0.005, DRONE.lon_deg)
    later = take(ears, squitter(adsb.position(on, odd=True, pressure_m=300.0)), NOON_S + 20.0)
    assert later.position is not None
    assert later.position.distance_m(on) < 5.0
    assert (later.registration, later.aircraft, later.status) == ("B7001", Aircraft.ROTORCRAFT, Status.AIRBORNE)
    assert later.pressure_m == pytest.approx(300.0, abs=4.0)


def test_halves_that_are_far_apart_in_time_make_no_place() -> None:
    ears = Ears()
    take(ears, squitter(adsb.position(DRONE, odd=False)), NOON_S)
    assert take(ears, squitter(adsb.position(DRONE, odd=True)), NOON_S + 11.0).position is None


def test_what_no_receiver_here_can_have_heard_is_no_place() -> None:
    ears, far = Ears(), LatLon(20.0, 113.6)
    for odd in (False, True):
        drone = take(ears, squitter(adsb.position(far, odd=odd)), NOON_S)
    assert drone.position is None


def test_satellite_height_is_pressure_height_and_the_said_difference() -> None:
    ears = Ears()
    take(ears, squitter(adsb.Velocity(50.0, 180.0, -2.0, 76.2)), NOON_S)
    drone = take(ears, squitter(adsb.position(DRONE, odd=False, pressure_m=304.8)), NOON_S)
    assert (drone.pressure_m, drone.ellipsoidal_m) == pytest.approx((304.8, 381.0))
    said = take(ears, squitter(adsb.position(DRONE, odd=True, ellipsoidal_m=400.0)), NOON_S)
    assert said.ellipsoidal_m == 400.0


def test_an_emergency_stays_until_it_is_over_and_the_ground_is_no_flight() -> None:
    ears = Ears()
    assert take(ears, squitter(adsb.Emergency(Status.UNDECLARED)), NOON_S).status is Status.UNDECLARED
    take(ears, squitter(adsb.Emergency(Status.EMERGENCY)), NOON_S)
    assert take(ears, squitter(adsb.position(DRONE, odd=False)), NOON_S).status is Status.EMERGENCY
    assert take(ears, squitter(adsb.Emergency(Status.UNDECLARED)), NOON_S).status is Status.AIRBORNE
    taxiing = adsb.Position(cpr.encode(DRONE, odd=False, surface=True), speed_mps=5.0, track_deg=90.0)
    down = take(ears, squitter(taxiing), NOON_S + 1)
    assert (down.status, down.above_ground_m) == (Status.GROUND, 0.0)
    taxiing = adsb.Position(cpr.encode(DRONE, odd=True, surface=True), speed_mps=5.0, track_deg=90.0)
    placed = take(ears, squitter(taxiing), NOON_S + 2).position
    assert placed is not None
    assert placed.distance_m(DRONE) < 2.0


def test_accuracy_is_told() -> None:
    assert take(Ears(), squitter(adsb.Accuracy(30.0)), NOON_S).horizontal_accuracy_m == 30.0


def test_nothing_is_taken_of_an_older_frame() -> None:
    ears = Ears()
    new, old = (open_drone_id.encode(Location(position=at)) for at in (DRONE, POLE))
    take(ears, heard(Source.ODID, new, by="aa"), NOON_S)
    assert ears.take(heard(Source.ODID, old, by="aa", age_s=0.1), NOON_S, POLE) is None
    assert take(ears, heard(Source.ODID, open_drone_id.encode(SelfId(0, "x")), by="aa"), NOON_S).position == DRONE


def test_who_was_silent_for_long_begins_anew_and_the_memory_is_bounded() -> None:
    ears = Ears(remembered=3)
    take(ears, heard(Source.ODID, open_drone_id.encode(Location(position=DRONE)), by="aa"), NOON_S)
    back = take(ears, heard(Source.ODID, open_drone_id.encode(SelfId(0, "x")), by="aa"), NOON_S + 61.0)
    assert back.position is None
    for n in range(10):
        take(ears, heard(Source.ODID, open_drone_id.encode(SelfId(0, "x")), by=f"b{n}"), NOON_S + 62.0)
    assert len(ears) == 3


@given(st.sampled_from(Source), st.binary(min_size=1, max_size=200), st.text(max_size=12))
def test_no_frame_raises(source: Source, frame: bytes, by: str) -> None:
    Ears().take(heard(source, frame, by=by), NOON_S, POLE)


@given(st.floats(1.6e9, 2.0e9), st.floats(-1700.0, 1700.0))
def test_a_time_after_the_hour_is_of_the_nearest_hour(at_s: float, off_s: float) -> None:
    said_s = at_s + off_s
    assert in_hour_of(at_s, said_s % 3600.0) == pytest.approx(said_s, abs=1e-5)
