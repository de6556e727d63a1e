"""Each invariant on scenes of a few lines: what breaks it, what does not, and what excuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from shapely.geometry import box

from airspace.charted import Restriction
from airspace.frames import LocalFrame
from airspace.intents import IntentState
from airspace.reasons import Words
from airspace.schedules import Edge, Period, Schedule
from airspace.volumes import Volume4D
from airspace.zones import Zone
from controller.events import (
    DockReserved,
    FlightEnded,
    GateJudged,
    IntentAccepted,
    Phase,
    PhaseChanged,
    PoleSaid,
    Record,
    UploadVerified,
)
from controller.flight.gates import GATES
from missions.plan import PlanVolume
from sim.faults import Fault
from sim.generated_city import ORIGIN
from sim.timeline import Happening
from sim.world.days.day import DayLink, DayZone
from sim.world.days.random_day import random_day
from sim.world.invariants import INVARIANTS
from sim.world.invariants.docks import CoverOpenUnderDrones, NeverOpensInRain
from sim.world.invariants.durability import EVERY_LOOKS, AcknowledgedIsStored, NothingForgotten
from sim.world.invariants.endings import ChargeAtLanding, EveryFlightEnds, MissionsAreFlown
from sim.world.invariants.in_the_air import APART_M, InItsAirspace, KeptApart, NeverStrikes, OutOfBlocks
from sim.world.invariants.launches import GatesPassed, OneHandOnADrone
from sim.world.invariants.reservations import DocksHeldOnce, ReservationsApart
from sim.world.scene import Block, Sight
from tests.poles.raw_pole import report

FRAME = LocalFrame(ORIGIN)
FLYING = Sight("drone-1", 0.0, 0.0, 150.0, 60.0, 0.0, armed=True, landed=False, mode="AUTO", battery=0.8)
BLOCK_WORDS = Words("Block", "禁飞区")
BLOCK = Block("block-1", box(-10, -10, 10, 10), 88.6, 208.6, 1000.0, 2000.0)


def scene(*sights: Sight, **rest: Any) -> Any:
    """A scene with just what the invariants at hand look at."""
    facts = {
        "sights": sights,
        "blocks": (BLOCK,),
        "utc_s": 1500.0,
        "day_s": 500.0,
        "state": SimpleNamespace(flights={}),
        "excuses": lambda drone: (),
        "blown": lambda drone: False,
        "expected_mps": lambda drone: None,
        "suffered": lambda name, drone, since_s=0.0: False,
        "flight_of": lambda drone: None,
        "before": {},
        "before_s": 1499.5,
        "causes": {},
        "open_flights": [],
        "world": SimpleNamespace(timeline=SimpleNamespace(happened=[]), city=SimpleNamespace(poles={}, drones={})),
        "site": SimpleNamespace(frame=FRAME),
    }
    return SimpleNamespace(**facts | rest)


def details(found: Iterator[Any]) -> list[str]:
    return [broken.detail for broken in found]


def record(event: Any, seq: int = 1) -> Record:
    return Record(seq, 1500.0, event)


def test_every_invariant_has_its_own_code_and_words_in_both_languages() -> None:
    assert len({kind.code for kind in INVARIANTS}) == len(INVARIANTS)
    assert all(kind.words.en and kind.words.zh and kind.__doc__ for kind in INVARIANTS)


@pytest.mark.parametrize(
    ("sight", "utc_s", "breaks"),
    [
        (FLYING, 1500.0, True),
        (replace(FLYING, x_m=10.5), 1500.0, False),
        (replace(FLYING, ellipsoidal_m=209.0), 1500.0, False),
        (replace(FLYING, landed=True), 1500.0, False),
        (FLYING, 999.9, False),
        (FLYING, 2000.0, False),
    ],
)
def test_a_drone_in_an_active_block_breaks_the_rule(sight: Sight, utc_s: float, breaks: bool) -> None:
    assert bool(details(OutOfBlocks().look(scene(sight, utc_s=utc_s)))) is breaks


@pytest.mark.parametrize(
    ("took_off_s", "published_s", "breaks"),
    [(1400.0, 1450.0, False), (1400.0, 1390.0, True), (1400.0, 1398.0, False), (None, 1450.0, False)],
)
def test_a_drone_that_was_up_when_a_block_was_published_is_excused(
    took_off_s: float | None, published_s: float, breaks: bool
) -> None:
    rule, published = OutOfBlocks(), replace(BLOCK, published_s=published_s)
    if took_off_s is not None:
        assert not details(rule.took_off(scene(utc_s=took_off_s), "drone-1"))
    seen = scene(FLYING, blocks=(published,), utc_s=1500.0 if took_off_s else 1452.0)
    assert bool(details(rule.look(seen))) is breaks


def test_a_charted_zone_is_a_block_whenever_it_is_active() -> None:
    volume = Volume4D(box(-10, -10, 10, 10), 88.6, 208.6, 0.0, 1e10)
    noon_s = datetime(2026, 5, 18, 12, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
    nights = Schedule(periods=(Period(Edge(20 * 3600.0), Edge(6 * 3600.0)),), zone="Asia/Shanghai")
    zone = Zone("quiet", BLOCK_WORDS, "restricted", BLOCK_WORDS, volume, schedule=nights, place=ORIGIN)
    first, second = Block.of_zone(zone, noon_s, noon_s + 36 * 3600.0)
    assert (first.from_s, first.until_s) == (noon_s + 8 * 3600.0, noon_s + 18 * 3600.0)
    assert (second.from_s, second.published_s) == (noon_s + 32 * 3600.0, BLOCK.published_s)
    assert not first.holds(FLYING, noon_s)
    assert first.holds(FLYING, noon_s + 9 * 3600.0)
    assert not Block.of_zone(replace(zone, restriction=Restriction.NONE), noon_s, noon_s + 36 * 3600.0)


def test_a_drone_that_cannot_know_its_place_or_is_blown_away_is_excused() -> None:
    assert not details(OutOfBlocks().look(scene(FLYING, excuses=lambda drone: ("place",))))
    assert not details(OutOfBlocks().look(scene(FLYING, blown=lambda drone: True)))


def test_a_drone_that_went_through_a_block_between_two_looks_is_seen() -> None:
    before, now = replace(FLYING, x_m=-11.0, y_m=8.0), replace(FLYING, x_m=8.0, y_m=11.0)
    assert details(OutOfBlocks().look(scene(now, before={"drone-1": before}, before_s=1499.5)))
    assert not details(OutOfBlocks().look(scene(now)))
    over = replace(before, ellipsoidal_m=230.0), replace(now, ellipsoidal_m=210.0)
    assert not details(OutOfBlocks().look(scene(over[1], before={"drone-1": over[0]}, before_s=1499.5)))


@pytest.mark.parametrize(
    ("other", "breaks"),
    [
        (replace(FLYING, drone="drone-2", x_m=APART_M - 0.1), True),
        (replace(FLYING, drone="drone-2", x_m=APART_M + 0.1), False),
        (replace(FLYING, drone="drone-2", x_m=3.0, mode="RTL"), True),  # without a cause that is known of it
        (replace(FLYING, drone="drone-2", x_m=3.0, landed=True), False),
    ],
)
def test_two_drones_on_their_missions_keep_apart(other: Sight, breaks: bool) -> None:
    assert bool(details(KeptApart().look(scene(FLYING, other)))) is breaks


def test_two_drones_that_passed_each_other_between_two_looks_came_near() -> None:
    west, east = replace(FLYING, x_m=-5.0), replace(FLYING, drone="drone-2", x_m=5.0)
    swapped = {"drone-1": replace(west, x_m=5.0), "drone-2": replace(east, x_m=-5.0)}
    assert details(KeptApart().look(scene(west, east, before=swapped))) == ["0.0 m apart at 60 m"]
    assert not details(KeptApart().look(scene(west, east, before={"drone-1": west, "drone-2": east})))
    below = swapped | {"drone-2": replace(east, x_m=-5.0, agl_m=60.0 - 2 * APART_M)}
    assert not details(KeptApart().look(scene(west, replace(east, agl_m=60.0 - 2 * APART_M), before=below)))


def test_a_drone_that_left_its_mission_for_a_known_cause_is_excused_and_counted_once() -> None:
    near = replace(FLYING, drone="drone-2", x_m=3.0, mode="RTL")
    invariant = KeptApart()
    for _ in range(3):
        assert not details(invariant.look(scene(FLYING, near, causes={"drone-2": ("link",)})))
    assert invariant.excused == 1
    assert details(invariant.look(scene(FLYING, near, causes={"drone-2": (), "drone-1": ("link",)})))


@pytest.mark.parametrize(
    ("excuse", "breaks"),
    [({}, True), ({"excuses": lambda drone: ("motor",)}, False), ({"blown": lambda drone: True}, False)],
)
def test_a_drone_that_strikes_something_is_seen_once_and_excused_by_its_own_bad_luck(
    excuse: dict[str, Any], breaks: bool
) -> None:
    autopilot = SimpleNamespace(broken=None)
    world = SimpleNamespace(city=SimpleNamespace(drones={"drone-1": SimpleNamespace(autopilot=autopilot)}))
    invariant, at = NeverStrikes(), scene(world=world, **excuse)
    assert not details(invariant.look(at))
    autopilot.broken = "tower"
    assert details(invariant.look(at)) == (["has struck tower"] if breaks else [])
    assert not details(invariant.look(at))
    assert invariant.excused == (not breaks)


def dock(opened: float, *, taken: bool = False, rain_mmph: float = 0.0) -> Any:
    hardware = SimpleNamespace(opened=opened, drone_present=taken, rain_mmph=rain_mmph)
    place = SimpleNamespace(code="dock-1", xy_m=(0.0, 0.0), position=ORIGIN, has_dock=True)
    return SimpleNamespace(code="dock-1", site=place, hardware=hardware)


def with_dock(sight: Sight, pole: Any, *happened: Happening) -> Any:
    city = SimpleNamespace(poles={"dock-1": pole}, drones={"drone-1": None})
    world = SimpleNamespace(timeline=SimpleNamespace(happened=list(happened)), city=city)
    return scene(sight, world=world, docks=(pole,), sight=lambda name, drone: sight)


@pytest.mark.parametrize(
    ("agl_m", "opened", "since_fault_s", "breaks"),
    [
        (3.0, 0.5, None, True),
        (3.0, 1.0, None, False),
        (12.0, 0.0, None, False),
        (3.0, 0.0, 10.0, False),
        (3.0, 0.0, 100.0, True),
    ],
)
def test_a_cover_must_be_open_under_a_low_drone_unless_its_dock_has_just_failed(
    agl_m: float, opened: float, since_fault_s: float | None, breaks: bool
) -> None:
    fault = Fault("dock", target="dock-1", choice="stuck")
    happened = [] if since_fault_s is None else [Happening(500.0 - since_fault_s, fault, True)]
    at = with_dock(replace(FLYING, agl_m=agl_m), dock(opened), *happened)
    assert bool(details(CoverOpenUnderDrones().look(at))) is breaks


def test_nobody_lands_on_a_pad_that_was_taken() -> None:
    invariant, sight = CoverOpenUnderDrones(), replace(FLYING, agl_m=0.0)
    assert not details(invariant.look(with_dock(FLYING, dock(1.0, taken=True))))
    assert details(invariant.touched_down(with_dock(sight, dock(1.0, taken=True)), "drone-1"))
    assert not details(invariant.look(with_dock(FLYING, dock(1.0))))
    assert not details(invariant.touched_down(with_dock(sight, dock(1.0, taken=True)), "drone-1"))


def test_a_cover_that_leaves_its_closed_end_in_rain_is_seen() -> None:
    invariant = NeverOpensInRain()
    assert not details(invariant.look(with_dock(FLYING, dock(0.0, rain_mmph=8.0))))
    assert details(invariant.look(with_dock(FLYING, dock(0.001, rain_mmph=8.0))))
    # one that was open when the rain began may be anywhere
    assert not details(invariant.look(with_dock(FLYING, dock(0.6, rain_mmph=8.0))))


def said(seq: int) -> PoleSaid:
    return PoleSaid(pole="p", message=report(seq, boot="b"))


def told(seq: int, stored: tuple[int, ...], dropped: int = 0) -> tuple[list[str], AcknowledgedIsStored]:
    """What is found when a pole was told that it is durable up to `seq`."""
    invariant, agent = AcknowledgedIsStored(), SimpleNamespace(boot="b", acknowledged=seq, dropped=dropped)
    at = scene(world=SimpleNamespace(city=SimpleNamespace(poles={"p": SimpleNamespace(agent=agent)})))
    for number in stored:
        assert not details(invariant.reported(at, record(said(number))))
    return [line for _ in range(EVERY_LOOKS) for line in details(invariant.look(at))], invariant


def test_each_report_that_a_pole_was_told_is_durable_must_be_stored() -> None:
    assert not told(3, (1, 2, 3))[0]
    assert told(3, (1, 2))[0] == ["told that 3 is durable, the store has not 3"]
    # reports that were acknowledged without being stored stay missing under those that were stored after them
    assert told(9, (1, 8, 9))[0] == ["told that 9 is durable, the store has not 2, 3, 4, 5, 6 and 1 more"]
    assert not told(9, (1, 8, 9), dropped=6)[0]
    assert told(9, (1, 8, 9), dropped=5)[0]


def test_what_a_pole_was_told_must_be_stored_after_every_restart_too() -> None:
    _, invariant = told(3, (1, 2, 3))
    assert not details(invariant.restarted(scene(), [record(said(seq), seq) for seq in (1, 2, 3)]))
    assert details(invariant.restarted(scene(), [record(said(seq), seq) for seq in (1, 3)]))
    assert details(invariant.restarted(scene(), []))


def test_what_poles_said_is_not_forgotten_either() -> None:
    invariant = NothingForgotten()
    assert not details(invariant.reported(scene(), record(said(1), 5)))
    assert not details(invariant.restarted(scene(), [record(said(1), 5)]))
    assert "gone" in details(invariant.restarted(scene(), []))[0]
    assert "changed" in details(invariant.restarted(scene(), [record(said(2), 5)]))[0]


def test_a_durable_event_that_is_gone_or_changed_is_seen() -> None:
    ended = FlightEnded(flight="f", completed=True, landed_on="dock-1")
    invariant = NothingForgotten()
    assert not details(invariant.heard(scene(), record(ended, 5)))
    assert not details(invariant.restarted(scene(), [record(ended, 5), record(ended, 6)]))
    assert "gone" in details(invariant.restarted(scene(), []))[0]
    other = FlightEnded(flight="f", completed=False, landed_on="dock-1")
    assert "changed" in details(invariant.restarted(scene(), [record(other, 5)]))[0]
    assert details(invariant.heard(scene(), record(ended, 5)))  # its number was given before


def volume(west_m: float, start_s: float = 1000.0) -> PlanVolume:
    corners = [(west_m, 0.0), (west_m + 20.0, 0.0), (west_m + 20.0, 20.0), (west_m, 20.0)]
    ring = tuple((at.lon_deg, at.lat_deg) for at in (FRAME.latlon(*corner) for corner in corners))
    return PlanVolume(ring, 130.0, 150.0, start_s, start_s + 100.0, 0)


def test_reservations_that_share_a_place_at_a_time_are_seen() -> None:
    def reserve(*volumes: tuple[str, PlanVolume]) -> list[str]:
        invariant, found = ReservationsApart(), []
        flights = {name: SimpleNamespace(volumes=(held,)) for name, held in volumes}
        at = scene(blocks=(), state=SimpleNamespace(flights=flights))
        for name, held in volumes:
            event = IntentAccepted(flight=name, priority=0, volumes=(held,))
            found += details(invariant.heard(at, record(event)))
        return found

    assert reserve(("a", volume(0.0)), ("b", volume(10.0)))
    assert not reserve(("a", volume(0.0)), ("b", volume(21.0)))
    assert not reserve(("a", volume(0.0)), ("b", volume(10.0, start_s=1100.0)))
    assert not reserve(("a", volume(0.0)), ("a", volume(10.0)))  # moved, not doubled


def test_a_reservation_over_an_active_block_is_seen() -> None:
    at = scene(state=SimpleNamespace(flights={"a": SimpleNamespace(volumes=())}))
    for start_s, breaks in ((1950.0, True), (2000.0, False), (850.0, False)):
        event = IntentAccepted(flight="a", priority=0, volumes=(volume(5.0, start_s),))
        assert bool(details(ReservationsApart().heard(at, record(event)))) is breaks


def in_its_airspace(x_m: float, utc_s: float, *, led_away: bool = False, **rest: Any) -> bool:
    """Whether a drone at x metres is where its flight holds airspace from x 0 to 20 m, 1000 s to 1100 s."""
    facts = {"phase": Phase.FLYING, "intent": IntentState.ACTIVATED, "item": 1, "takeoff_s": 1000.0}
    flight = SimpleNamespace(id="f", volumes=(volume(0.0),), **facts | rest)
    sight = replace(FLYING, x_m=x_m, y_m=10.0, ellipsoidal_m=140.0)
    invariant = InItsAirspace()
    if led_away:
        astray = scene(sight, utc_s=990.0, flight_of=lambda drone: flight, excuses=lambda drone: ("place",))
        assert not details(invariant.look(astray))
    return not details(invariant.look(scene(sight, utc_s=utc_s, flight_of=lambda drone: flight)))


def test_a_drone_on_its_mission_is_in_a_volume_of_its_own_at_its_time() -> None:
    assert in_its_airspace(10.0, 1050.0)
    assert not in_its_airspace(25.0, 1050.0)
    assert not in_its_airspace(10.0, 1110.0)


def test_a_drone_that_was_led_away_may_be_late_as_long_as_it_is_told_but_never_elsewhere() -> None:
    told: dict[str, Any] = {"led_away": True, "intent": IntentState.NONCONFORMING}
    assert in_its_airspace(10.0, 1110.0, **told)
    assert not in_its_airspace(10.0, 1110.0, led_away=True)
    assert in_its_airspace(10.0, 1102.0, led_away=True)  # the watch has not looked again yet
    assert not in_its_airspace(25.0, 1102.0, led_away=True)
    assert not in_its_airspace(10.0, 1102.0)
    assert not in_its_airspace(10.0, 1110.0, intent=IntentState.NONCONFORMING)
    assert not in_its_airspace(25.0, 1050.0, **told)


def test_a_dock_for_two_is_seen() -> None:
    slot = DockReserved(flight="b", pole="dock-1", start_s=0.0, end_s=1.0)
    holder = SimpleNamespace(id="a", docks={"dock-1": (0.0, 1.0)})
    assert details(DocksHeldOnce().heard(scene(open_flights=[holder]), record(slot)))
    assert not details(DocksHeldOnce().heard(scene(open_flights=[]), record(slot)))


def test_a_flight_must_pass_every_gate_after_its_upload() -> None:
    def arms(*, before: bool, missing: str = "") -> list[str]:
        invariant = GatesPassed()
        at = scene(state=SimpleNamespace(flights={"f": SimpleNamespace(drone="drone-1")}))
        upload = UploadVerified(flight="f", mission_items=1, fence_items=1, rally_items=1, parameters={})
        gates = [
            GateJudged(flight="f", gate=gate.code, passed=gate.code != missing, evidence={}, en="", zh="")
            for gate in GATES
        ]
        arming = PhaseChanged(flight="f", phase=Phase.ARMING)
        events = [*gates, upload, arming] if before else [upload, *gates, arming]
        return [line for event in events for line in details(invariant.heard(at, record(event)))]

    assert not arms(before=False)
    assert arms(before=True)
    assert arms(before=False, missing="wind") == ["arms without wind"]


def frame_of(number: int, command: int = 0, first: float = 1.0) -> bytes:
    payload = struct.pack("<7fHBBB", first, *[0.0] * 6, command, 1, 1, 0)
    return bytes([0xFD, len(payload), 0, 0, 0, 255, 190]) + number.to_bytes(3, "little") + payload + b"\0\0"


@pytest.mark.parametrize(
    ("frame", "flying", "phase", "breaks"),
    [
        (frame_of(76, 400), True, Phase.FLYING, True),  # arm
        (frame_of(76, 400, 0.0), True, Phase.FLYING, False),  # disarm: a flying drone refuses it
        (frame_of(76, 300), True, Phase.FLYING, True),  # start the mission
        (frame_of(76, 300), True, Phase.ARMING, False),  # said again while its answer is on the way
        (frame_of(76, 300), False, Phase.FLYING, False),
        (frame_of(76, 224), True, Phase.FLYING, False),  # the jump to a landing
        (frame_of(44), True, Phase.FLYING, True),  # an upload begins
    ],
)
def test_a_flying_drone_is_neither_started_nor_given_another_mission(
    frame: bytes, flying: bool, phase: Phase, breaks: bool
) -> None:
    drone = SimpleNamespace(autopilot=SimpleNamespace(flying=flying))
    world = SimpleNamespace(city=SimpleNamespace(drones={"drone-1": drone}))
    at = scene(world=world, flight_of=lambda name: SimpleNamespace(phase=phase))
    assert bool(details(OneHandOnADrone().sent(at, "drone-1", frame))) is breaks


def test_a_second_link_to_a_drone_is_seen() -> None:
    assert not details(OneHandOnADrone().connected(scene(), "drone-1", 1))
    assert details(OneHandOnADrone().connected(scene(), "drone-1", 2))


def test_flights_end_with_a_reason_and_drones_on_the_ground() -> None:
    at = scene(state=SimpleNamespace(flights={"f": SimpleNamespace(drone="drone-1")}))
    silent = FlightEnded(flight="f", completed=False, landed_on="")
    said = FlightEnded(flight="f", completed=False, landed_on="", reasons=({"code": "x"},))
    assert details(EveryFlightEnds().heard(at, record(silent)))
    assert not details(EveryFlightEnds().heard(at, record(said)))
    open_one = SimpleNamespace(id="f", phase=Phase.FLYING, drone="drone-1")
    assert details(EveryFlightEnds().ended(scene(FLYING, open_flights=[open_one]))) == [
        "is still flying",
        "is in the air in AUTO",
    ]


@pytest.mark.parametrize(
    ("battery", "facts", "breaks"),
    [
        (0.19, {}, True),
        (0.21, {}, False),
        (0.1, {"suffered": lambda name, drone, since_s=0.0: name == "battery" and since_s <= 500.0}, False),
        # the gates should have seen a battery that failed long before
        (0.1, {"suffered": lambda name, drone, since_s=0.0: name == "battery" and since_s <= 300.0}, True),
        (0.1, {"suffered": lambda name, drone, since_s=0.0: name == "motor"}, False),
        (0.1, {"expected_mps": lambda drone: 6.0, "wind_now_mps": 6.1}, False),
        (0.1, {"expected_mps": lambda drone: 6.0, "wind_now_mps": 5.9}, True),
    ],
)
def test_a_drone_lands_with_charge_left_unless_its_flight_had_bad_luck(
    battery: float, facts: dict[str, Any], breaks: bool
) -> None:
    drone = SimpleNamespace(truth=SimpleNamespace(battery=battery))
    at = scene(FLYING, world=SimpleNamespace(city=SimpleNamespace(drones={"drone-1": drone})), **facts)
    invariant = ChargeAtLanding()
    assert not details(invariant.took_off(at, "drone-1"))
    assert not details(invariant.look(at))
    assert bool(details(invariant.touched_down(at, "drone-1"))) is breaks


def test_the_wind_of_one_flight_excuses_no_later_one() -> None:
    drone = SimpleNamespace(truth=SimpleNamespace(battery=0.1))
    world = SimpleNamespace(city=SimpleNamespace(drones={"drone-1": drone}))
    invariant, windy = ChargeAtLanding(), scene(FLYING, world=world, expected_mps=lambda drone: 6.0, wind_now_mps=9.0)
    assert not details(invariant.look(windy))
    assert not details(invariant.touched_down(windy, "drone-1"))
    assert not details(invariant.took_off(windy, "drone-1"))
    assert details(invariant.touched_down(windy, "drone-1"))


@pytest.mark.parametrize(("landed", "cut", "breaks"), [(True, False, True), (True, True, False), (False, False, False)])
def test_a_person_need_not_close_the_flight_of_a_drone_that_is_down_and_can_be_heard(
    landed: bool, cut: bool, breaks: bool
) -> None:
    drone = SimpleNamespace(truth=SimpleNamespace(landed=landed, armed=not landed))
    world = SimpleNamespace(city=SimpleNamespace(drones={"drone-1": drone}))
    at = scene(world=world, cut_since=lambda drone, since_s: cut)
    flight: Any = SimpleNamespace(id="f", drone="drone-1")
    assert bool(details(EveryFlightEnds().searched(at, flight, 100.0))) is breaks


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([("completed", ())], []),
        ([("completed", ()), ("refused", ("airspace.intent", "airspace.zone"))], []),
        ([("completed", ()), ("refused", ("drone.held",))], []),
        (
            [("completed", ()), ("refused", ("airspace.intent", "gate.closed"))],
            ["refused: airspace.intent, gate.closed"],
        ),
        ([("completed", ()), ("failed", ("flight.lost",))], ["failed: flight.lost"]),
        ([("completed", ()), ("refused", ())], ["refused: without a reason"]),
        ([("refused", ("drone.held",)), ("refused", ("airspace.zone",))], ["none of 2 was flown"]),
        ([], []),
    ],
)
def test_on_a_day_without_bad_luck_missions_are_flown(
    answers: list[tuple[str, tuple[str, ...]]], found: list[str]
) -> None:
    def all_of(day: Any) -> list[str]:
        invariant, at = MissionsAreFlown(), scene(day=day)
        lines = [line for outcome, codes in answers for line in details(invariant.answered(at, "m", outcome, codes))]
        return lines + details(invariant.ended(at))

    calm = msgspec.structs.replace(random_day(1), faults=(), deaths=(), link=DayLink(), disk_s=0.0)
    assert all_of(calm) == found
    for trouble in ({"faults": ("wind=12@30",)}, {"link": DayLink(loss=0.1)}, {"disk_s": 0.4}):
        assert all_of(msgspec.structs.replace(calm, **trouble)) == []


def test_a_block_lies_where_and_when_its_day_says() -> None:
    ring = tuple((at.lat_deg, at.lon_deg) for at in (FRAME.latlon(*p) for p in ((0, 0), (20, 0), (0, 20))))
    block = Block.of(DayZone(id="b", ring=ring, floor_agl_m=10.0, ceiling_agl_m=50.0, from_s=5.0), FRAME, 88.6, 100.0)
    inside = replace(FLYING, x_m=5.0, y_m=5.0, ellipsoidal_m=120.0)
    assert block.holds(inside, 105.0)
    assert not block.holds(inside, 104.9)
    assert block.holds(inside, 1e8)
    assert not block.holds(replace(inside, ellipsoidal_m=98.0), 105.0)
    assert not block.holds(replace(inside, x_m=15.0, y_m=15.0), 105.0)


@pytest.mark.parametrize(
    ("agl_m", "up_mps", "breaks"), [(4.0, -0.5, True), (4.0, 0.0, True), (4.0, 1.0, False), (2.5, 1.0, True)]
)
def test_a_cover_may_close_behind_a_drone_that_has_left_its_light_curtain(
    agl_m: float, up_mps: float, breaks: bool
) -> None:
    leaving = replace(FLYING, agl_m=agl_m, up_mps=up_mps)
    assert bool(details(CoverOpenUnderDrones().look(with_dock(leaving, dock(0.8))))) is breaks


@pytest.mark.parametrize("fault", [Fault("rain", number=8.0), Fault("pole", target="dock-1", choice="silent")])
def test_neither_rain_nor_a_silent_pole_excuses_a_cover_that_closes_under_a_drone(fault: Fault) -> None:
    low = with_dock(replace(FLYING, agl_m=3.0), dock(0.5), Happening(495.0, fault, True))
    assert details(CoverOpenUnderDrones().look(low))
