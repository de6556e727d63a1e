from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from airspace.frames import LatLon, LocalFrame
from controller.traffic_picture import (
    COUNTS_S,
    ELSEWHERE_M,
    NEAR,
    NEAR_OF_CREWED,
    TURNS_MPS,
    Impostor,
    Linked,
    TrafficPicture,
)
from poles.gateway.flow import Said
from poles.heard import adsb, open_drone_id
from poles.heard.drone import Aircraft, Status
from poles.heard.open_drone_id import BasicId, IdKind, Location
from poles.protocol import Heard, Log, Observation, Source
from poles.protocol.messages import Level

MIDDLE = LatLon(34.75, 113.62)
FRAME = LocalFrame(MIDDLE)
POLE, OTHER_POLE = "410105-LP-000001", "410105-LP-000002"
GROUND_M = 90.0
HERE = (0.0, 0.0, GROUND_M + 50.0)
STILL = (0.0, 0.0, 0.0)


@dataclass
class Air:
    """A picture with a clock that a test moves on."""

    own: dict[str, str] = field(default_factory=dict)
    links: dict[str, Linked] = field(default_factory=dict)
    now_s: float = 5000.0
    picture: TrafficPicture = field(init=False)

    def __post_init__(self) -> None:
        self.picture = TrafficPicture(
            FRAME,
            self.own,
            self.links.get,
            {POLE: MIDDLE, OTHER_POLE: MIDDLE},
            utc_s=lambda: 1.7e9 + self.now_s,
            loop_s=lambda: self.now_s,
            ground_ellipsoidal_m=GROUND_M,
        )

    def hear(self, *heard: Heard, pole: str = POLE, held_s: float = 0.0, at_s: float = 12.0) -> list[Impostor]:
        message = Observation(boot="b", after=0, seq=1, at_s=at_s, held_s=held_s, heard=heard)
        return self.picture.take([Said(pole, message, b"", self.now_s)])

    def names(self) -> list[str]:
        return [track.name for track in self.picture.tracks()]


def drone(
    id_: str,
    east_m: float,
    north_m: float = 0.0,
    *,
    transmitter: str = "aa01",
    source: Source = Source.ODID,
    **said: Any,
) -> list[Heard]:
    """What a drone broadcasts: who it is and where, 50 m above ground unless something else is said."""
    fields = {"above_m": 50.0, "speed_mps": 0.0, "track_deg": 0.0, "accuracy_m": 3.0} | said
    where = Location(
        status=Status.AIRBORNE,
        position=FRAME.latlon(east_m, north_m),
        ellipsoidal_m=None,
        pressure_m=None,
        height_m=fields["above_m"],
        over_ground=True,
        track_deg=fields["track_deg"],
        speed_mps=fields["speed_mps"],
        climb_mps=0.0,
        horizontal_accuracy_m=fields["accuracy_m"],
        vertical_accuracy_m=3.0,
        speed_accuracy_mps=None,
        after_hour_s=None,
    )
    frames = [open_drone_id.encode(BasicId(IdKind.SERIAL, Aircraft.ROTORCRAFT, id_)), open_drone_id.encode(where)]
    return [Heard(source=source, frame=frame, age_s=0.0, transmitter=transmitter) for frame in frames]


def test_a_drone_that_a_pole_hears_is_a_track_with_its_place_and_error() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0, 100.0))
    (track,) = air.picture.tracks()
    assert track.name == "UAS-7"
    assert track.at_m[:2] == pytest.approx((200.0, 100.0), abs=0.1)
    assert track.at_m[2] == pytest.approx(GROUND_M + 50.0, abs=0.6)
    assert track.error_m == pytest.approx(3.0)


def test_what_two_poles_hear_of_one_drone_is_one_track() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0), pole=POLE)
    air.now_s += 1.0
    air.hear(*drone("UAS-7", 210.0), pole=OTHER_POLE)
    (track,) = air.picture.tracks()
    assert track.at_m[0] == pytest.approx(210.0, abs=0.1)


def test_one_identity_on_two_transmitters_is_one_track_by_the_freshest_word() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0, transmitter="aa01"))
    air.now_s += 2.0
    air.hear(*drone("UAS-7", 220.0, transmitter="bb02", source=Source.GB42590))
    (track,) = air.picture.tracks()
    assert track.at_m[0] == pytest.approx(220.0, abs=0.1)


def test_our_own_drones_are_left_out_whatever_case_their_identity_is_written_in() -> None:
    air = Air(own={"uas-7 ": "drone-7"}, links={"drone-7": Linked((200.0, 0.0))})
    air.hear(*drone("UAS-7", 200.0), *drone("UAS-8", 300.0, transmitter="bb02"))
    assert air.names() == ["UAS-8"]


def test_one_that_has_not_said_who_it_is_bears_its_transmitters_name() -> None:
    air = Air()
    air.hear(drone("x", 200.0)[1])
    assert air.names() == ["odid:aa01"]


def test_a_track_ages_out() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0))
    air.now_s += COUNTS_S
    assert air.names() == ["UAS-7"]
    air.now_s += 0.1
    assert air.names() == []


def test_what_a_pole_held_is_as_old_as_it_says_whatever_its_clock_says() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0), held_s=4.0, at_s=2e9)
    (track,) = air.picture.tracks()
    assert track.age_s == pytest.approx(4.0)
    air.hear(*drone("UAS-8", 200.0, transmitter="bb02"), held_s=COUNTS_S + 1.0)
    assert air.names() == ["UAS-7"]


def test_a_track_goes_on_along_its_course_and_its_error_grows() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 0.0, speed_mps=10.0, track_deg=90.0))
    air.now_s += 4.0
    (track,) = air.picture.tracks()
    assert track.at_m[:2] == pytest.approx((40.0, 0.0), abs=0.3)
    assert track.error_m == pytest.approx(3.0 + 4.0 * TURNS_MPS)


@pytest.mark.parametrize(
    ("linked", "shown", "told"),
    [
        (Linked((0.0, 0.0)), False, False),
        (Linked((-ELSEWHERE_M, 0.0)), False, False),  # within what both may be wrong
        (Linked((0.0, 400.0)), True, True),
        (Linked(None), False, False),  # silent: what is heard may well be it
        (None, True, False),  # nobody knows where it is
    ],
)
def test_whoever_has_our_identity_elsewhere_is_shown_and_told(linked: Linked | None, shown: bool, told: bool) -> None:
    air = Air(own={"UAS-7": "drone-7"}, links={} if linked is None else {"drone-7": linked})
    impostors = air.hear(*drone("UAS-7", 0.0))
    assert air.names() == (["UAS-7"] if shown else [])
    assert [(each.drone, round(each.distance_m)) for each in impostors[-1:]] == ([("drone-7", 400)] if told else [])
    assert bool(air.picture.approaches(HERE, STILL)) is shown


def test_an_unknown_pole_or_another_message_says_nothing() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 200.0), pole="410105-LP-000999")
    line = Log(boot="b", after=0, seq=1, at_s=1.0, held_s=0.0, level=Level.INFO, text="hello")
    air.picture.take([Said(POLE, line, b"", air.now_s)])
    air.hear(Heard(source=Source.ODID, frame=b"\xff\x00", age_s=0.0, transmitter="cc"))
    assert air.names() == []


def approach_of(air: Air, velocity: tuple[float, float, float] = STILL) -> Any:
    (approach,) = air.picture.approaches(HERE, velocity)
    return approach


@pytest.mark.parametrize(("course_deg", "near"), [(270.0, True), (90.0, False), (0.0, False)])
def test_one_that_comes_on_is_near_before_it_is_there_and_one_that_leaves_is_not(course_deg: float, near: bool) -> None:
    air = Air()
    air.hear(*drone("UAS-7", 400.0, speed_mps=10.0, track_deg=course_deg))
    assert approach_of(air).near is near


def test_the_nearest_approach_of_crossing_courses() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 300.0, -300.0, speed_mps=10.0, track_deg=0.0, accuracy_m=1.0))
    approach = approach_of(air, (10.0, 0.0, 0.0))
    assert approach.in_s == pytest.approx(30.0, abs=0.2)
    assert approach.distance_m == pytest.approx(0.0, abs=1.0)
    late = approach_of(air, (5.0, 0.0, 0.0))
    assert 0.0 < late.distance_m < 160.0


@pytest.mark.parametrize(("above_m", "near"), [(50.0, True), (112.0, True), (114.0, False), (200.0, False)])
def test_one_far_above_is_not_near_its_uncertain_height_taken_off(above_m: float, near: bool) -> None:
    air = Air()
    air.hear(*drone("UAS-7", 20.0, above_m=above_m))
    assert approach_of(air).near is near


def test_a_height_that_was_not_said_counts_as_the_same() -> None:
    air = Air()
    air.hear(*drone("UAS-7", 20.0, above_m=None))
    approach = approach_of(air)
    assert approach.vertical_m is None
    assert approach.near


def test_the_error_is_taken_off_the_distance() -> None:
    air = Air()
    air.hear(*drone("UAS-7", NEAR.horizontal_m + 5.0, accuracy_m=1.0))
    assert not approach_of(air).near
    air.now_s += 1.5
    assert approach_of(air).near


def test_an_aircraft_that_may_carry_people_is_near_from_much_farther() -> None:
    air, at = Air(), FRAME.latlon(1000.0, 0.0)
    for odd in (False, True):
        place = adsb.position(at, odd=odd, ellipsoidal_m=GROUND_M + 100.0)
        air.hear(Heard(source=Source.ADSB, frame=adsb.encode("780abc", place), age_s=0.0, transmitter="780abc"))
    (track,) = air.picture.tracks()
    assert track.reach is NEAR_OF_CREWED
    assert math.hypot(*track.at_m[:2]) == pytest.approx(1000.0, abs=20.0)
    assert approach_of(air).near


def test_a_flood_of_invented_transmitters_fills_no_memory() -> None:
    air = Air()
    for first in range(0, 6000, 60):
        frames = [h for n in range(first, first + 60) for h in drone(f"U{n}", 10.0, transmitter=f"{n:06x}")[1:]]
        air.hear(*frames)
    assert len(air.picture._drones) <= 4096
