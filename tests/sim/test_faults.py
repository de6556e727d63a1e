"""Faults: their texts, when they come and go, and that what they did is really taken back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.reasons import Refused
from controller.cli.demo import example
from controller.clock import Clock, run, virtual_tempo
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.city import City
from sim.city_file import load_city
from sim.fault_acts import acts_in
from sim.fault_targets import target_problems, targets_in
from sim.fault_text import fault_text, parse_fault
from sim.faults import FAULTS, OF_THE_CONTROLLER, UNTARGETED, Fault, Moment, Occasion, Span, Target
from sim.timeline import Act, Timeline

DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"
VALLEY = example("scenarios") / "valley.yaml"
DOCK = "410105-LP-000003"


def numbers(span: Span) -> st.SearchStrategy[float]:
    if span.whole:
        return st.integers(int(span.low), int(span.high)).map(float)
    return st.floats(span.low, span.high, allow_nan=False).map(lambda number: number + 0.0)


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    name = draw(st.sampled_from(sorted(FAULTS)))
    spec = FAULTS[name]
    choice = draw(st.sampled_from(sorted(spec.choices))) if spec.choices else ""
    details = {key: draw(numbers(span)) for key, span in spec.details.items() if span.required or draw(st.booleans())}
    seconds = st.floats(0.0, 1e6, allow_nan=False)
    occasion = draw(st.sampled_from(Occasion))
    drone = draw(st.sampled_from(["", "drone-1", "无人机.2"])) if occasion is not Occasion.START else ""
    targets = [""] if spec.target in UNTARGETED else ["", "410105-LP-000003", "东区-2"]
    return Fault(
        name,
        draw(st.sampled_from(targets)),
        choice,
        0.0 if spec.choices else draw(numbers(spec.span)),
        tuple(details.items()),
        Moment(draw(seconds), occasion, drone),
        draw(st.none() | seconds) if spec.undone is not None else None,
    )


@given(faults())
def test_a_fault_reads_back_from_its_text(fault: Fault) -> None:
    assert parse_fault(fault_text(fault)) == fault
    assert fault_text(parse_fault(fault_text(fault))) == fault_text(fault)


@pytest.mark.parametrize(
    ("text", "moment", "for_s"),
    [
        ("wind=9", Moment(), None),
        ("wind=9@300", Moment(300.0), None),
        ("wind=9@300.5~60", Moment(300.5), 60.0),
        ("wind=9~60", Moment(), 60.0),
        ("wind=9@takeoff", Moment(0.0, Occasion.TAKEOFF), None),
        ("wind=9@takeoff+60", Moment(60.0, Occasion.TAKEOFF), None),
        ("wind=9@landing:drone-2+5~1", Moment(5.0, Occasion.LANDING, "drone-2"), 1.0),
    ],
)
def test_a_moment_is_written_in_few_words(text: str, moment: Moment, for_s: float | None) -> None:
    fault = parse_fault(text)
    assert (fault.moment, fault.for_s) == (moment, for_s)
    assert fault.at_once is (moment == Moment())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("storm=3", "inject.unknown"),
        ("wind=3@noon", "inject.moment"),
        ("wind=3@-5", "inject.moment"),
        ("wind=3@takeoff-5", "inject.moment"),
        ("wind=3~", "inject.moment"),
        ("wind=3@1e9", "inject.moment"),
        ("wind=3,over=5", "inject.value"),
        ("wind=3,over_s=5,over_s=6", "inject.value"),
        ("wind=3,from_deg=400", "inject.value"),
        ("motor=1.5", "inject.value"),
        ("jam=5", "inject.missing"),
        ("wind:drone-1=3", "inject.target-too-much"),
        ("controller:drone-1=killed", "inject.target-too-much"),
        ("battery=40~60", "inject.never-undone"),
        ("motor:drone-1=2@takeoff~5", "inject.never-undone"),
    ],
)
def test_a_wrong_text_is_refused_with_its_place_and_a_remedy(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_fault(text, "day.yaml:7 faults[0]")
    (reason,) = refused.value.reasons
    assert reason.rule.code == code
    assert reason.where.startswith("day.yaml:7 faults[0]")
    assert reason.text("en")
    assert reason.text("zh")


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_says_in_both_languages_what_it_is_and_is_documented(name: str) -> None:
    fault = parse_fault(FAULTS[name].example)
    assert fault.said.en != fault.said.zh
    assert "{" not in fault.said.en + fault.said.zh
    assert f"`{FAULTS[name].example}`" in DOCS.read_text(encoding="utf-8")


def in_valley(main: Callable[[City, Timeline], Any], acts: dict[str, Act] | None = None) -> Any:
    """Run `main` beside the valley, in virtual time."""

    async def beside(clock: Clock) -> Any:
        exchange = Exchange()
        file = load_city(VALLEY)
        connections = {pole.code: MemoryConnection(exchange) for pole in file.poles}
        city = City(file, utc_s=clock.utc_s, seed=1, connections=connections)
        return await main(city, Timeline(city, {**acts_in(city), **(acts or {})}, wished_dock=DOCK))

    return run(beside, virtual_tempo())


# what a fault shows in the city, by its text: it must change when it begins and be as before when it ends
SHOWN: dict[str, Callable[[City], Any]] = {
    "wind=17,from_deg=200": lambda city: city.wind.mean_at(asyncio.get_running_loop().time()),
    "gust=4": lambda city: city.wind.mean_at(asyncio.get_running_loop().time()),
    "rain=9": lambda city: [pole.hardware.rain_mmph for pole in city.poles.values()],
    f"rain:{DOCK}=9": lambda city: [pole.hardware.rain_mmph for pole in city.poles.values()],
    "temperature=-20": lambda city: [pole.temperature_c for pole in city.poles.values()],
    "visibility=200": lambda city: [pole.visibility_m for pole in city.poles.values()],
    "loss:drone-2=30": lambda city: (city.trouble("drone-1"), city.trouble("drone-2")),
    "delay:drone-1=1": lambda city: (city.trouble("drone-1"), city.trouble("drone-2")),
    "jitter:drone-1=1": lambda city: (city.trouble("drone-1"), city.trouble("drone-2")),
    "duplicates=5": lambda city: (city.trouble("drone-1"), city.trouble("drone-2")),
    "dock=taken": lambda city: city.poles[DOCK].hardware.drone_present,
    "dock=stuck": lambda city: city.poles[DOCK].hardware.stuck,
    "mains:east=off": lambda city: [pole.hardware.powered for pole in city.poles.values()],
    "network=off": lambda city: [network.is_down for network in city.networks.values()],
    "cell:west-mast=off": lambda city: [city.radio.quality(*cell.place) for cell in city.radio.cells.values()],
    "jam=10,lat_deg=34.7468,lon_deg=113.6055": lambda city: city.sky.noise_rise_db(0.0, 0.0, 50.0),
    "spoof:drone-1=2,bearing_deg=90": lambda city: [city.sky.spoofing(name, 0.0, 0.0) for name in city.drones],
    "intruder=80,lat_deg=34.7468,lon_deg=113.6055": lambda city: bool(city.traffic),
}


@pytest.mark.parametrize("text", SHOWN)
def test_a_fault_changes_the_city_and_its_end_changes_it_back(text: str) -> None:
    async def main(city: City, timeline: Timeline) -> None:
        before = SHOWN[text](city)
        timeline.inject(parse_fault(f"{text}@10~20"))
        await asyncio.sleep(5.0)
        assert SHOWN[text](city) == before
        await asyncio.sleep(10.0)
        assert SHOWN[text](city) != before
        await asyncio.sleep(20.0)
        assert SHOWN[text](city) == before
        assert [(one.at_s, one.began) for one in timeline.happened] == [(10.0, True), (30.0, False)]

    in_valley(main)


def winds(city: City) -> tuple[float, float]:
    """The mean wind and its gusts now [m/s]."""
    east_mps, north_mps, gust_mps = city.wind.mean_at(asyncio.get_running_loop().time())
    return round(math.hypot(east_mps, north_mps), 6), gust_mps


# faults that overlap, what shows them, and what that is at some seconds
OVERLAPS: dict[tuple[str, ...], tuple[Callable[[City], Any], dict[float, Any]]] = {
    ("wind=12@10~10", "wind=15@14~100"): (lambda city: winds(city)[0], {12: 12.0, 19: 15.0, 21: 15.0}),
    ("wind=12@10~100", "wind=15@14~10"): (lambda city: winds(city)[0], {12: 12.0, 19: 15.0, 25: 12.0}),
    ("wind=12@10", "wind=15@14~10", "wind=20@16~2"): (lambda city: winds(city)[0], {17: 20.0, 19: 15.0, 25: 12.0}),
    ("gust=4@10~100", "wind=15@14~10"): (lambda city: winds(city)[1], {12: 4.0, 19: 4.0, 25: 4.0}),
    ("wind=15@10~100", "gust=4@14~10"): (lambda city: winds(city)[0], {12: 15.0, 19: 15.0, 25: 15.0}),
    ("rain=9@10~100", f"rain:{DOCK}=20@14~10"): (
        lambda city: city.poles[DOCK].hardware.rain_mmph, {12: 9.0, 19: 20.0, 25: 9.0},
    ),
    ("loss:drone-1=30@10~100", "loss=50@14~10"): (
        lambda city: [city.trouble(name).loss for name in ("drone-1", "drone-2")],
        {12: [0.3, 0.0], 19: [0.5, 0.5], 25: [0.3, 0.0]},
    ),
    ("dock=stuck@10~10", "dock=stuck@14~100"): (
        lambda city: city.poles[DOCK].hardware.stuck, {12: True, 19: True, 25: True, 120: False},
    ),
    ("dock=stuck@10~10", "dock=taken@14~100"): (
        lambda city: (city.poles[DOCK].hardware.stuck, city.poles[DOCK].hardware.drone_present),
        {12: (True, False), 19: (True, True), 25: (False, True), 120: (False, False)},
    ),
    ("jam=10,lat_deg=34.7468,lon_deg=113.6055@10~10", "jam=20,lat_deg=34.7468,lon_deg=113.6055@14~100"): (
        lambda city: [jammer.power_dbm for jammer in city.sky.jammers], {12: [10.0], 19: [10.0, 20.0], 25: [20.0]},
    ),
    ("jam=10,lat_deg=34.7468,lon_deg=113.6055@10~10",) * 2: (
        lambda city: len(city.sky.jammers), {12: 2, 19: 2, 25: 0},
    ),
    ("spoof:drone-1=2@10~10",) * 2: (lambda city: len(city.sky.spoofs), {12: 2, 19: 2, 25: 0}),
}  # fmt: skip


@pytest.mark.parametrize("texts", OVERLAPS, ids=" + ".join)
def test_the_end_of_a_fault_leaves_alone_what_another_still_does(texts: tuple[str, ...]) -> None:
    shown, expected = OVERLAPS[texts]

    async def main(city: City, timeline: Timeline) -> None:
        before = shown(city)
        for text in texts:
            timeline.inject(parse_fault(text))
        seen = {}
        for second in expected:
            await asyncio.sleep(second - asyncio.get_running_loop().time())
            seen[second] = shown(city)
        assert seen == expected
        await asyncio.sleep(200.0)
        assert shown(city) == before or any("~" not in text for text in texts)

    in_valley(main)


def test_the_end_of_one_outage_does_not_end_another_and_does_not_begin_it_anew() -> None:
    done: list[tuple[float, str]] = []

    def noted(word: str) -> Callable[[str, Fault], None]:
        return lambda target, fault: done.append((asyncio.get_running_loop().time(), word))

    async def main(city: City, timeline: Timeline) -> None:
        timeline.inject(parse_fault("controller=killed@10~10"))
        timeline.inject(parse_fault("controller=killed@14~16"))
        await asyncio.sleep(60.0)
        assert done == [(10.0, "killed"), (14.0, "killed"), (30.0, "started")]
        assert [one.at_s for one in timeline.happened] == [10.0, 14.0, 20.0, 30.0]

    in_valley(main, {"controller": Act(noted("killed"), noted("started"), sets="controller")})


def test_what_could_not_begin_has_not_happened_and_does_not_end() -> None:
    lost: list[str] = []

    def broken(target: str, fault: Fault) -> None:
        raise RuntimeError("planted")

    async def main(city: City, timeline: Timeline) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(str(context["exception"])))
        timeline.inject(parse_fault("controller=killed@10~10"))
        await asyncio.sleep(60.0)
        assert timeline.happened == []
        with pytest.raises(RuntimeError, match="planted"):
            timeline.inject(parse_fault("controller=killed"))

    in_valley(main, {"controller": Act(broken, broken, sets="controller")})
    assert lost == ["planted"]


def test_every_fault_of_the_city_has_an_act_and_the_others_are_refused_there() -> None:
    async def main(city: City, timeline: Timeline) -> None:
        assert acts_in(city).keys() | OF_THE_CONTROLLER == FAULTS.keys()
        for name in sorted(OF_THE_CONTROLLER):
            with pytest.raises(Refused, match=r"inject\.not-here"):
                timeline.inject(parse_fault(FAULTS[name].example))

    in_valley(main)


@pytest.mark.parametrize(
    "text",
    [
        "battery:drone-9=40",
        "dock:410105-LP-000002=taken",
        "pole:410105-LP-000099=silent",
        "mains:north=off",
        "network:north=off",
        "cell:mast=off",
        "wind=9@takeoff:drone-9",
    ],
)
def test_what_the_city_does_not_have_cannot_go_wrong(text: str) -> None:
    async def main(city: City, timeline: Timeline) -> None:
        with pytest.raises(Refused, match=r"inject\.no-target"):
            timeline.inject(parse_fault(text))

    in_valley(main)


def test_an_occasion_counts_once_and_only_for_the_drone_that_is_named() -> None:
    begun: list[tuple[float, str]] = []
    acts = {"controller": Act(lambda target, fault: begun.append((asyncio.get_running_loop().time(), fault.choice)))}

    async def main(city: City, timeline: Timeline) -> None:
        timeline.inject(parse_fault("controller=killed@takeoff:drone-2+5"))
        for drone in ("drone-1", "drone-2", "drone-2"):
            await asyncio.sleep(1.0)
            for tell in city.on_takeoff:
                tell(drone)
        await asyncio.sleep(20.0)
        assert begun == [(7.0, "killed")]

    in_valley(main, acts)


def test_a_wished_dock_is_what_a_dock_fault_without_a_target_happens_to() -> None:
    async def main(city: City, timeline: Timeline) -> None:
        timeline.inject(parse_fault("pole=silent"))
        assert timeline.happened[0].began
        assert city.targets(Target.DOCK) is not None
        with pytest.raises(Refused, match=r"inject\.unnamed"):
            Timeline(city, acts_in(city)).inject(parse_fault("dock=taken"))

    in_valley(main)


def test_all_numbers_that_a_fault_needs_are_named_at_once() -> None:
    with pytest.raises(Refused, match="lat_deg, lon_deg missing"):
        parse_fault("jam=10@60")


@pytest.mark.parametrize("text", ["cell=off", "mains=off", "network=off", "battery=40", "rain=3"])
def test_a_fault_without_a_target_that_finds_nothing_is_refused(text: str) -> None:
    file = load_city(VALLEY)
    bare = msgspec.structs.replace(file, drones=(), poles=(), cells=())
    fault = parse_fault(text)
    codes = [
        [reason.rule.code for reason in target_problems(fault, partial(targets_in, city), "", text)]
        for city in (bare, file)
    ]
    assert codes == [["inject.nothing-there"], []]
