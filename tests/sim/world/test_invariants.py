"""Each invariant on scenes of a few lines: what breaks it, what does not, and what excuses."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from shapely.geometry import box

from airspace.frames import LocalFrame
from controller.events import (
    DockReserved,
    FlightEnded,
    GateJudged,
    IntentAccepted,
    Phase,
    PhaseChanged,
    Record,
    UploadVerified,
)
from controller.flight.gates import GATES
from controller.state import State
from missions.plan import PlanVolume
from sim.faults import Fault
from sim.timeline import Happening
from sim.world.day import DayZone
from sim.world.invariants import INVARIANTS
from sim.world.invariants.docks import CoverOpenUnderDrones, NeverOpensInRain
from sim.world.invariants.durability import EVERY_LOOKS, AcknowledgedIsStored, NothingForgotten
from sim.world.invariants.endings import ChargeAtLanding, EveryFlightEnds
from sim.world.invariants.in_the_air import APART_M, KeptApart, OutOfBlocks
from sim.world.invariants.launches import GatesPassed, OneHandOnADrone
from sim.world.invariants.reservations import DocksHeldOnce, ReservationsApart
from sim.world.random_day import MIDDLE
from sim.world.scene import Block, Scene, Sight

FRAME = LocalFrame(MIDDLE)
FLYING = Sight("drone-1", 0.0, 0.0, 150.0, 60.0, 0.0, armed=True, landed=False, mode="AUTO", battery=0.8)
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
        "flight_of": lambda drone: None,
        "windiest_mps": lambda within_s: 0.0,
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


def test_a_drone_that_cannot_know_its_place_or_is_blown_away_is_excused() -> None:
    windy = SimpleNamespace(plan=SimpleNamespace(details={"wind_mps": 6.0}))
    assert not details(OutOfBlocks().look(scene(FLYING, excuses=lambda drone: ("spoof",))))
    blown = scene(FLYING, flight_of=lambda drone: windy, windiest_mps=lambda within_s: 6.1)
    calm = scene(FLYING, flight_of=lambda drone: windy, windiest_mps=lambda within_s: 5.9)
    assert not details(OutOfBlocks().look(blown))
    assert details(OutOfBlocks().look(calm))


@pytest.mark.parametrize(
    ("other", "breaks"),
    [
        (replace(FLYING, drone="drone-2", x_m=APART_M - 0.1), True),
        (replace(FLYING, drone="drone-2", x_m=APART_M + 0.1), False),
        (replace(FLYING, drone="drone-2", x_m=3.0, mode="RTL"), False),
        (replace(FLYING, drone="drone-2", x_m=3.0, landed=True), False),
    ],
)
def test_two_drones_on_their_missions_keep_apart(other: Sight, breaks: bool) -> None:
    assert bool(details(KeptApart().look(scene(FLYING, other)))) is breaks


def dock(opened: float, *, taken: bool = False, rain_mmph: float = 0.0) -> Any:
    hardware = SimpleNamespace(opened=opened, drone_present=taken, rain_mmph=rain_mmph)
    place = SimpleNamespace(code="dock-1", xy_m=(0.0, 0.0), position=MIDDLE, has_dock=True)
    return SimpleNamespace(code="dock-1", site=place, hardware=hardware)


def with_dock(sight: Sight, pole: Any, *happened: Happening) -> Any:
    city = SimpleNamespace(poles={"dock-1": pole}, drones={"drone-1": None})
    world = SimpleNamespace(timeline=SimpleNamespace(happened=list(happened)), city=city)
    return scene(sight, world=world, sight=lambda name, drone: sight)


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


def test_what_a_pole_was_told_must_be_stored_then_and_after_every_restart() -> None:
    invariant, agent = AcknowledgedIsStored(), SimpleNamespace(boot="b", acknowledged=7)
    world = SimpleNamespace(city=SimpleNamespace(poles={"p": SimpleNamespace(agent=agent)}))
    held = State(pole_seq={("p", "b"): 7})
    looks = [details(invariant.look(scene(world=world, state=held))) for _ in range(EVERY_LOOKS)]
    assert not any(looks)
    assert details(invariant.restarted(scene(state=held), []))  # a store that came back empty
    agent.acknowledged = 8
    looks = [details(invariant.look(scene(world=world, state=held))) for _ in range(EVERY_LOOKS)]
    assert any(looks)


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


@pytest.mark.parametrize(("battery", "hurt", "breaks"), [(0.19, False, True), (0.21, False, False), (0.1, True, False)])
def test_a_drone_lands_with_charge_left_unless_its_battery_was_hurt(battery: float, hurt: bool, breaks: bool) -> None:
    drone = SimpleNamespace(truth=SimpleNamespace(battery=battery))
    happened = [Happening(1.0, Fault("battery", target="drone-1", number=30.0), True)] if hurt else []
    world = SimpleNamespace(
        timeline=SimpleNamespace(happened=happened), city=SimpleNamespace(drones={"drone-1": drone})
    )
    assert bool(details(ChargeAtLanding().touched_down(scene(world=world), "drone-1"))) is breaks


def test_a_block_lies_where_and_when_its_day_says() -> None:
    ring = tuple((at.lat_deg, at.lon_deg) for at in (FRAME.latlon(*p) for p in ((0, 0), (20, 0), (0, 20))))
    block = Block.of(DayZone(id="b", ring=ring, floor_agl_m=10.0, ceiling_agl_m=50.0, from_s=5.0), FRAME, 88.6, 100.0)
    inside = replace(FLYING, x_m=5.0, y_m=5.0, ellipsoidal_m=120.0)
    assert block.holds(inside, 105.0)
    assert not block.holds(inside, 104.9)
    assert block.holds(inside, 1e8)
    assert not block.holds(replace(inside, ellipsoidal_m=98.0), 105.0)
    assert not block.holds(replace(inside, x_m=15.0, y_m=15.0), 105.0)


def test_a_fault_excuses_while_it_lasts_and_a_little_longer() -> None:
    fix, wind = Fault("fix", target="drone-1", number=3.0), Fault("wind", number=9.0)
    happened = [Happening(10.0, wind, True), Happening(20.0, fix, True), Happening(50.0, fix, False)]
    world = SimpleNamespace(timeline=SimpleNamespace(happened=happened))
    for day_s, excused in ((60.0, True), (170.0, True), (171.0, False)):
        at: Any = SimpleNamespace(world=world, day_s=day_s)
        assert bool(Scene.excuses(at, "drone-1")) is excused
        assert not Scene.excuses(at, "drone-2")
