from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.intents import PLANNED_STATES, IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Refused, Words
from airspace.reservation import first_overlap
from airspace.volumes import Volume4D
from airspace.zones import lay
from controller.register.changes import Batch
from controller.register.laying import LAYERS_CLASH, ZONE_CHARTED
from controller.register.register import Founding, Register, open_register
from controller.sharing import Sharing, StaleKnowledgeError, moved_intent

NOW_S = 1779066000.0
CITY = LatLon(34.75, 113.62)
ELSEWHERE = LatLon(34.80, 113.70)  # the origin of a district that is not the register's own
GROUND = Ground(108.0, -19.4)
FOUNDING = Founding(CITY, b"sixteen bytes it")
BATCH = Batch("chart.geojson", "0" * 64, "duty officer")

A, N, C = IntentState.ACTIVATED, IntentState.NONCONFORMING, IntentState.CONTINGENT


class Party:
    """A district's side of the register: its own connection, its own model in its own frame."""

    def __init__(self, register: Register, name: str, origin: LatLon, zones: Sequence[ChartedZone] = ()) -> None:
        self.register, self.name, self.frame = register, name, LocalFrame(origin)
        laid = [layer for zone in zones for layer in lay(zone, self.frame, GROUND)]
        self.airspace = Airspace(self.frame, GROUND, laid)
        self.sharing = Sharing(register, name, self.airspace)

    def block(self, east_m: float, start_s: float = 0.0, lasts_s: float = 600.0, wide_m: float = 100.0) -> Volume4D:
        """A volume that lies so far east of the city's origin, wherever this party has its own."""
        x_m, y_m = self.frame.xy(LocalFrame(CITY).latlon(east_m, 0.0))
        return Volume4D(
            box(x_m, y_m, x_m + wide_m, y_m + 100.0), 100.0, 150.0, NOW_S + start_s, NOW_S + start_s + lasts_s
        )

    def intent(self, flight: str) -> OperationalIntent:
        return self.register.intent(f"{self.name}/{flight}")


@contextmanager
def parties(folder: Path, **origins: LatLon) -> Iterator[list[Party]]:
    """Districts of one register file, each through a connection of its own."""
    with ExitStack() as stack:
        yield [
            Party(stack.enter_context(open_register(folder / "air.db", lambda: NOW_S, founding=FOUNDING)), name, origin)
            for name, origin in origins.items()
        ]


def shared(folder: Path, body: Callable[[Party, Party], Coroutine[Any, Any, None]]) -> None:
    """Run a body with two districts, the first in the register's frame and the second in another."""
    with parties(folder, west=CITY, east=ELSEWHERE) as (west, east):
        asyncio.run(body(west, east))


def zone(radius_m: float = 60.0, zone_id: str = "Z", east_m: float = 0.0) -> ChartedZone:
    words = Words("sudden event", "突发事件")
    circle = Circle(LocalFrame(CITY).latlon(east_m, 0.0), radius_m)
    layer = Layer(circle, Height(0.0, Datum.AGL), Height(150.0, Datum.AGL))
    return ChartedZone(zone_id, words, "temporary", words, (layer,))


# -- the way of a flight -----------------------------------------------------------------------------------------------


def test_a_flight_is_told_of_in_every_state_to_its_end(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        planned, astray = (west.block(0.0),), (west.block(300.0),)
        await west.sharing.take("f", 3, planned)
        assert (west.intent("f").state, west.intent("f").priority) == (IntentState.ACCEPTED, 3)
        for state, where, volumes in ((A, (), planned), (N, astray, planned), (A, (), planned), (C, astray, ())):
            await west.sharing.settle("f", state, 3, planned, where)
            stands = west.intent("f")
            assert (stands.state, stands.volumes, stands.off_nominal_volumes) == (state, volumes, where)
            await east.sharing.follow()
            (theirs,) = east.airspace.intents
            assert (theirs.id, theirs.state, theirs.ovn) == ("west/f", state, stands.ovn)
        await west.sharing.settle("f", None, 3, ())
        await east.sharing.follow()
        assert (west.intent("f").state, east.airspace.intents) == (IntentState.ENDED, ())
        assert await west.sharing.own() == ()

    shared(tmp_path, body)


def test_a_drone_astray_is_told_of_where_it_goes(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        planned = (west.block(0.0),)
        await west.sharing.take("f", 0, planned)
        for step, state in enumerate((N, N, C, C)):
            await west.sharing.settle("f", state, 0, planned, (west.block(1000.0 + 500.0 * step),))
            await east.sharing.follow()
            met = [
                bool(east.airspace.conflicts([east.block(1000.0 + 500.0 * other, wide_m=50.0)])) for other in range(4)
            ]
            assert met == [other == step for other in range(4)]
            assert bool(east.airspace.conflicts([east.block(0.0)])) is (state is N)

    shared(tmp_path, body)


def test_what_stands_already_is_not_told_again(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        for party in (west, east):
            planned, astray = (party.block(2000.0 if party is east else 0.0),), (party.block(9000.0),)
            await party.sharing.take("f", 0, planned)
            for state, where in ((IntentState.ACCEPTED, ()), (A, ()), (N, astray), (C, astray)):
                await party.sharing.settle("f", state, 0, planned, where)
                version = party.intent("f").version
                await party.sharing.settle("f", state, 0, planned, where)
                assert party.intent("f").version == version

    shared(tmp_path, body)


def test_a_graver_state_is_kept_where_the_log_fell_behind(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        await west.sharing.take("f", 0, (west.block(0.0),))
        await west.sharing.settle("f", C, 0, (west.block(0.0),), (west.block(300.0),))
        for state in (IntentState.ACCEPTED, A, N):
            await west.sharing.settle("f", state, 0, (west.block(0.0),), (west.block(300.0),))
            assert west.intent("f").state is C

    shared(tmp_path, body)


@pytest.mark.parametrize("state", [IntentState.ACCEPTED, A, N, C])
def test_a_flight_that_the_register_never_heard_of_is_brought_in_with_its_state(
    tmp_path: Path, state: IntentState
) -> None:
    async def body(west: Party, east: Party) -> None:
        where = (east.block(300.0),) if state in (N, C) else ()
        await east.sharing.settle("f", state, 7, (east.block(0.0),), where)
        assert (east.intent("f").state, east.intent("f").priority) == (state, 7)
        assert await east.sharing.own() == ("f",)

    shared(tmp_path, body)


def test_a_reservation_that_the_log_moved_is_moved(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        await west.sharing.take("f", 0, (west.block(0.0),))
        await west.sharing.settle("f", IntentState.ACCEPTED, 0, (west.block(500.0),))
        assert west.intent("f").volumes == (west.block(500.0),)
        await west.sharing.take("f", 0, (west.block(900.0),))
        assert west.intent("f").volumes == (west.block(900.0),)
        assert (west.intent("f").state, west.intent("f").version) == (IntentState.ACCEPTED, 3)
        await east.sharing.follow()
        await east.sharing.take("g", 0, (east.block(0.0), east.block(500.0)))

    shared(tmp_path, body)


# -- two who want the same ---------------------------------------------------------------------------------------------


def test_who_does_not_know_the_newest_looks_again_first(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        await west.sharing.take("f", 0, (west.block(0.0),))
        beside = (east.block(98.0, start_s=600.0),)  # the same place, later: near, and no conflict
        far = (east.block(30_000.0),)
        await east.sharing.take("far", 0, far)
        with pytest.raises(StaleKnowledgeError):
            await east.sharing.take("g", 0, (east.block(98.0, start_s=599.0), *beside))
        await east.sharing.follow()
        with pytest.raises(Refused):
            await east.sharing.take("g", 0, (east.block(98.0, start_s=599.0),))
        await east.sharing.take("g", 0, beside)
        await west.sharing.settle("f", A, 0, (west.block(0.0),))
        assert {one.id for one in west.register.intents()} == {"west/f", "east/far", "east/g"}

    shared(tmp_path, body)


def test_flights_of_one_district_are_known_to_each_other(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        await west.sharing.take("f", 0, (west.block(0.0),))
        await west.sharing.take("g", 0, (west.block(50.0, start_s=600.0),))
        await west.sharing.settle("f", A, 0, (west.block(0.0),))
        await west.sharing.take("g", 0, (west.block(60.0, start_s=600.0),))
        assert sorted(await west.sharing.own()) == ["f", "g"]
        with pytest.raises(Refused, match="west/f"):
            await west.sharing.take("g", 0, (west.block(60.0),))

    shared(tmp_path, body)


def test_a_refusal_leaves_nothing_behind_and_what_was_held_stays(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        await west.sharing.take("f", 0, (west.block(0.0),))
        await east.sharing.follow()
        with pytest.raises(Refused, match="west/f"):
            await east.sharing.take("g", 0, (east.block(5000.0), east.block(50.0)))
        assert await east.sharing.own() == ()
        await east.sharing.take("g", 0, (east.block(5000.0),))
        held = east.intent("g")
        with pytest.raises(Refused, match="west/f"):
            await east.sharing.take("g", 0, (east.block(6000.0), east.block(50.0)))
        assert east.intent("g") == held

    shared(tmp_path, body)


# -- zones -------------------------------------------------------------------------------------------------------------


def test_a_zone_that_is_published_replaced_and_removed_is_so_in_every_model(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        def radii_m() -> list[int]:
            sizes = []
            for party in (west, east):
                sizes += [round((layer.volume.outline.area / 3.14159) ** 0.5) for layer in party.airspace.zones]
            return sizes

        for change, expected in (
            (lambda: west.register.import_zones([zone(60.0)], BATCH), [60, 60]),
            (lambda: east.register.import_zones([zone(90.0)], BATCH, replace=True), [90, 90]),
            (lambda: west.register.remove_zones(["Z"], "duty officer"), []),
        ):
            change()
            with pytest.raises(StaleKnowledgeError) if expected else ExitStack():
                await east.sharing.take("f", 0, (east.block(0.0),))
            before = east.sharing.news
            await asyncio.gather(west.sharing.follow(), east.sharing.follow())
            assert radii_m() == expected
            assert east.sharing.news == before + 1
            await east.sharing.follow()
            assert east.sharing.news == before + 1

    shared(tmp_path, body)


def test_a_zone_that_was_never_seen_before_it_went_is_no_news_of_a_zone(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        west.register.import_zones([zone()], BATCH)
        west.register.remove_zones(["Z"], "duty officer")
        await east.sharing.follow()
        assert east.airspace.zones == ()
        await east.sharing.take("f", 0, (east.block(0.0),))

    shared(tmp_path, body)


def test_a_zone_out_of_reach_is_known_and_not_laid(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        far = zone(zone_id="FAR")
        layer = Layer(Circle(LatLon(20.0, 110.0), 500.0), far.layers[0].floor, far.layers[0].ceiling)
        words = Words("far", "远")
        west.register.import_zones([ChartedZone("FAR", words, "no-fly", words, (layer,)), zone()], BATCH)
        await east.sharing.follow()
        assert [one.id for one in east.airspace.zones] == ["Z"]

    shared(tmp_path, body)


def test_a_zone_that_cannot_be_placed_is_told_once_and_closes_what_is_near_it_and_nothing_else(tmp_path: Path) -> None:
    with parties(tmp_path, west=CITY) as (west,):
        east = Party(west.register, "east", CITY, [zone(30.0)])

        async def body() -> None:
            west.register.import_zones([zone(60.0), zone(60.0, "Y", 5000.0)], BATCH)
            with pytest.raises(Refused) as refused:
                await east.sharing.follow()
            assert [reason.rule for reason in refused.value.reasons] == [ZONE_CHARTED]
            await east.sharing.follow()
            assert {one.id: round(one.volume.outline.bounds[2]) for one in east.airspace.zones} == {"Z": 30, "Y": 5060}
            with pytest.raises(Refused, match="Z"):
                await east.sharing.take("f", 0, (east.block(0.0),))
            await east.sharing.take("f", 0, (east.block(9000.0),))
            west.register.remove_zones(["Z"], "duty officer")
            await east.sharing.follow()
            assert [one.id for one in east.airspace.zones] == ["Y", "Z"]
            await east.sharing.take("g", 0, (east.block(0.0),))

        asyncio.run(body())


# -- what was settled late, or not at all ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [A, N])
def test_volumes_that_differ_from_the_log_are_put_right_in_every_state_that_has_them(
    tmp_path: Path, state: IntentState
) -> None:
    async def body(west: Party, east: Party) -> None:
        astray = (west.block(300.0),) if state is N else ()
        for flight, begun in (("f", IntentState.ACCEPTED), ("g", state)):
            await west.sharing.take(flight, 0, (west.block(900.0),))
            await west.sharing.settle(flight, begun, 0, (west.block(900.0),), astray)
            await west.sharing.settle(flight, state, 0, (west.block(0.0),), astray)
            assert (west.intent(flight).state, west.intent(flight).volumes) == (state, (west.block(0.0),))
            await west.sharing.settle(flight, None, 0, ())

    shared(tmp_path, body)


def test_a_flight_is_activated_only_with_what_its_district_has_read(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        volumes = (west.block(0.0),)
        await west.sharing.take("f", 0, volumes)
        east.register.import_zones([zone(500.0)], BATCH)
        await west.sharing.settle("f", A, 0, volumes)
        assert west.intent("f").state is A
        assert [one.id for one in west.airspace.zones] == ["Z"]

    shared(tmp_path, body)


@pytest.mark.parametrize("changes", [1, 1000])
def test_a_settle_that_meets_news_looks_again_and_says_so_when_the_news_never_end(
    tmp_path: Path, changes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(west: Party, east: Party) -> None:
        looking, left = west.sharing._catch_up, iter(range(changes))

        async def look_and_be_late() -> None:
            await looking()
            if next(left, None) is not None:
                east.register.import_zones([zone(30.0)], BATCH, replace=True)

        monkeypatch.setattr(west.sharing, "_catch_up", look_and_be_late)
        settling = west.sharing.settle("f", IntentState.ACCEPTED, 0, (west.block(0.0),))
        if changes == 1:
            await settling
            assert west.intent("f").state is IntentState.ACCEPTED
        else:
            with pytest.raises(StaleKnowledgeError):
                await settling

    shared(tmp_path, body)


def test_whoever_is_cancelled_leaves_no_work_behind_that_ends_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(west: Party, east: Party) -> None:
        begun, go_on, reserving = threading.Event(), threading.Event(), west.register.reserve

        def slowly(*given: Any) -> Any:
            begun.set()
            assert go_on.wait(10.0)
            return reserving(*given)

        monkeypatch.setattr(west.register, "reserve", slowly)
        taking = asyncio.create_task(west.sharing.take("f", 0, (west.block(0.0),)))
        await asyncio.to_thread(begun.wait, 10.0)
        taking.cancel()
        settling = asyncio.create_task(west.sharing.settle("f", None, 0, ()))
        await asyncio.sleep(0.05)
        assert not taking.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await taking
        await settling
        assert west.intent("f").state is IntentState.ENDED

    shared(tmp_path, body)


def test_a_holder_whose_name_begins_like_another_owns_nothing_of_it(tmp_path: Path) -> None:
    with parties(tmp_path, a=CITY) as (short,):
        longer = Party(short.register, "a/b", CITY)

        async def body() -> None:
            await longer.sharing.take("f", 0, (longer.block(0.0),))
            assert (await short.sharing.own(), await longer.sharing.own()) == ((), ("f",))
            with pytest.raises(StaleKnowledgeError):
                await short.sharing.take("g", 0, (short.block(50.0),))

        asyncio.run(body())


def unlayable(charted: ChartedZone) -> ChartedZone:
    """A newer chart of a zone that no ground of this city can hold: its ceiling lies under its floor."""
    layer = replace(charted.layers[0], floor=Height(200.0, Datum.AGL), ceiling=Height(300.0, Datum.AMSL))
    return replace(charted, layers=(layer,))


def two_layers(charted: ChartedZone) -> ChartedZone:
    layer = charted.layers[0]
    upper = replace(layer, floor=Height(200.0, Datum.AGL), ceiling=Height(300.0, Datum.AGL))
    return replace(charted, layers=(layer, upper))


def test_a_newer_chart_that_cannot_be_laid_leaves_the_old_one_standing(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        west.register.import_zones([zone(100.0)], BATCH)
        await east.sharing.follow()
        before = east.airspace.zones
        west.register.import_zones([unlayable(zone(100.0))], BATCH, replace=True)
        with pytest.raises(Refused, match=r"zone\.heights"):
            await east.sharing.follow()
        assert east.airspace.zones == before
        assert await east.sharing.unplaced((east.block(0.0),))
        assert not await east.sharing.unplaced((east.block(9000.0),))
        with pytest.raises(Refused, match=r"zone\.heights"):
            await east.sharing.take("f", 0, (east.block(0.0),))

    shared(tmp_path, body)


def test_a_layer_with_the_id_of_a_charted_one_is_a_fault_like_any_other(tmp_path: Path) -> None:
    with parties(tmp_path, west=CITY) as (west,):
        east = Party(west.register, "east", CITY, [two_layers(zone(zone_id="A"))])

        async def body() -> None:
            west.register.import_zones([zone(zone_id="A#2", east_m=500.0), zone(zone_id="B", east_m=900.0)], BATCH)
            with pytest.raises(Refused) as refused:
                await east.sharing.follow()
            assert [reason.rule for reason in refused.value.reasons] == [LAYERS_CLASH]
            assert [one.id for one in east.airspace.zones] == ["A", "A#2", "B"]
            assert await east.sharing.unplaced((east.block(500.0),))

        asyncio.run(body())


def test_a_zone_takes_the_id_of_a_layer_that_another_has_lost(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        newcomer = zone(zone_id="A#2", east_m=500.0)
        west.register.import_zones([two_layers(zone(zone_id="A"))], BATCH)
        await east.sharing.follow()
        west.register.import_zones([newcomer, zone(zone_id="A")], BATCH, replace=True)
        await asyncio.gather(west.sharing.follow(), east.sharing.follow())
        for party in (west, east):
            assert [(one.id, one.layer) for one in party.airspace.zones] == [("A", 0), ("A#2", 0)]

    shared(tmp_path, body)


def test_a_zone_that_waited_for_an_id_comes_in_when_it_is_free(tmp_path: Path) -> None:
    async def body(west: Party, east: Party) -> None:
        west.register.import_zones([two_layers(zone(zone_id="A"))], BATCH)
        await east.sharing.follow()
        west.register.import_zones([unlayable(zone(zone_id="A"))], BATCH, replace=True)
        west.register.import_zones([zone(zone_id="A#2", east_m=500.0)], BATCH)
        with pytest.raises(Refused) as refused:
            await east.sharing.follow()
        assert len(refused.value.reasons) == 2
        west.register.import_zones([zone(zone_id="A")], BATCH, replace=True)
        await east.sharing.follow()
        assert [(one.id, one.layer) for one in east.airspace.zones] == [("A", 0), ("A#2", 0)]
        assert not await east.sharing.unplaced((east.block(0.0), east.block(500.0)))

    shared(tmp_path, body)


# -- any interleaving --------------------------------------------------------------------------------------------------

FLIGHTS = ("a", "b")
PLACES = tuple(60.0 * n for n in range(6))  # blocks of 100 m: neighbours overlap

steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 1), st.sampled_from(FLIGHTS), st.sampled_from(PLACES)),
        st.tuples(st.just("go"), st.integers(0, 1), st.sampled_from(FLIGHTS), st.sampled_from([A, N, C, None])),
        st.tuples(st.just("follow"), st.integers(0, 1), st.just(""), st.just(0.0)),
        st.tuples(st.just("zone"), st.integers(0, 1), st.just(""), st.sampled_from(PLACES)),
    ),
    max_size=25,
)


async def step(party: Party, what: str, flight: str, value: Any, held: dict[str, Volume4D]) -> None:
    """One thing that a district does, as it would; what others know better is refused and changes nothing."""
    try:
        match what:
            case "take":
                wanted = party.block(value)
                await party.sharing.take(flight, 0, (wanted,))
                held[flight] = wanted
            case "go" if flight in held:
                where = (party.block(random.Random(value).choice(PLACES)),) if value in (N, C) else ()
                await party.sharing.settle(flight, value, 0, (held[flight],), where)
            case "follow":
                await party.sharing.follow()
            case "zone":
                party.register.import_zones([zone(20.0, f"Z{value:.0f}", value)], BATCH, replace=True)
            case _:
                pass
    except (Refused, StaleKnowledgeError):
        pass


def no_two_conflict(register: Register) -> None:
    planned = [intent for intent in register.intents() if intent.state in PLANNED_STATES]
    for one, other in combinations(planned, 2):
        assert first_overlap(one, other) is None, (one.id, other.id)


def models_equal(party: Party) -> None:
    """After a look, a model holds the register's zones and the intents of others, at their versions."""
    theirs = [one for one in party.register.intents() if not one.id.startswith(f"{party.name}/")]
    expected = tuple(moved_intent(one, party.register.frame, party.frame) for one in theirs)
    assert party.airspace.intents == expected
    laid = [layer for held in party.register.zones() for layer in lay(held.zone, party.frame, GROUND)]
    assert [(one.id, one.volume) for one in party.airspace.zones] == [(one.id, one.volume) for one in laid]


def interleave(folder: Path, given_steps: Sequence[tuple[str, int, str, Any]], together: int) -> None:
    """The steps, so many at a time: no two accepted intents ever conflict, and whoever looks sees what stands."""

    async def body(both: list[Party]) -> None:
        held: list[dict[str, Volume4D]] = [{}, {}]
        for first in range(0, len(given_steps), together):
            batch = given_steps[first : first + together]
            await asyncio.gather(
                *(step(both[who], what, flight, value, held[who]) for what, who, flight, value in batch)
            )
            no_two_conflict(both[0].register)
        for party in both:
            await party.sharing.follow()
            models_equal(party)

    with parties(folder, west=CITY, east=ELSEWHERE) as both:
        asyncio.run(body(both))


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(1, 4))
def test_in_any_interleaving_no_two_accepted_intents_conflict_and_every_look_sees_what_stands(
    tmp_path_factory: pytest.TempPathFactory, given_steps: list[tuple[str, int, str, Any]], together: int
) -> None:
    interleave(tmp_path_factory.mktemp("air"), given_steps, together)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_long_interleavings_keep_the_same_promises(tmp_path: Path) -> None:
    dice = random.Random(20261122)
    for number in range(200):
        drawn = [
            dice.choice(
                [
                    ("take", dice.randrange(2), dice.choice(FLIGHTS), dice.choice(PLACES)),
                    ("go", dice.randrange(2), dice.choice(FLIGHTS), dice.choice([A, N, C, None])),
                    ("follow", dice.randrange(2), "", 0.0),
                    ("zone", dice.randrange(2), "", dice.choice(PLACES)),
                ]
            )
            for _ in range(60)
        ]
        folder = tmp_path / str(number)
        folder.mkdir()
        interleave(folder, drawn, dice.randint(1, 6))
    print("sharing: 200 interleavings of 60 steps of two districts, no conflict, no model apart")  # noqa: T201 - the table's row
