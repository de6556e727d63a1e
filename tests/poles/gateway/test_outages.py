"""A dead supply is one outage with its members; what fails for itself stays its own."""

from __future__ import annotations

import pytest

from poles.gateway.outages import CONTROLLER, Alone, Began, Changed, NotAlone, Over
from tests.poles.gateway.city import City


def test_a_dead_gateway_of_500_poles_is_one_outage_with_all_of_them() -> None:
    city = City()
    dead = city.add_many(500, "a", ["backhaul:A"])
    for other in "bcdef":
        city.add_many(500, other, [f"backhaul:{other}"])
    city.kill(dead, 1050.0)
    city.until(1100.0)
    (began,) = city.began()
    assert began.supply == "backhaul:A"
    assert began.absorbed == ()
    assert city.alone() == []
    assert sorted(city.joined("backhaul:A")) == sorted(dead)
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead)


def test_it_is_over_when_its_poles_are_back() -> None:
    city = City()
    dead = city.add_many(50, "a", ["backhaul:A"])
    city.add_many(50, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.revive(dead, 1200.0)
    city.until(1300.0)
    assert [over.supply for over in city.over()] == ["backhaul:A"]
    assert city.over()[0].still_silent == ()
    assert not city.outages.open
    assert city.alone() == city.not_alone() == []


def test_who_does_not_come_back_with_its_gateway_is_silent_for_itself_afterwards() -> None:
    city = City()
    dead = city.add_many(50, "a", ["backhaul:A"])
    city.add_many(50, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.revive(dead[2:], 1200.0)
    city.until(1250.0)
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead[:2])
    city.until(1300.0)
    assert sorted(city.over()[0].still_silent) == sorted(city.alone()) == sorted(dead[:2])
    city.revive(dead[:1], 1400.0)
    city.until(1450.0)
    assert city.not_alone() == dead[:1]


def test_a_pole_that_failed_before_or_beside_the_outage_remains_its_own() -> None:
    city = City()
    dead = city.add_many(100, "a", ["backhaul:A"])
    others = city.add_many(100, "b", ["backhaul:B"])
    city.kill(dead[:1], 1020.0)
    city.kill(dead[1:], 1050.0)
    city.kill(others[:1], 1050.0)
    city.until(1100.0)
    assert sorted(city.alone()) == sorted([dead[0], others[0]])
    assert sorted(city.joined("backhaul:A")) == sorted(dead[1:])


def test_late_members_join_when_their_own_promise_is_broken() -> None:
    city = City()
    dead = city.add_many(100, "a", ["backhaul:A"])
    slow = city.add_many(5, "s", ["backhaul:A"], interval_s=120.0)
    city.add_many(100, "b", ["backhaul:B"])
    city.until(1200.0)
    city.kill(dead + slow, 1200.0)
    city.until(1210.0)
    assert sorted(city.joined("backhaul:A")) == sorted(dead)
    city.until(1330.0)
    assert sorted(city.joined("backhaul:A")) == sorted(dead + slow)
    assert len(city.began()) == 1
    assert city.alone() == []


def test_single_failures_here_and_there_are_no_outage() -> None:
    city = City()
    poles = [code for name in "abcd" for code in city.add_many(250, name, [f"backhaul:{name}", "mains:M"])]
    chosen = city.rng.sample(poles, 40)
    for number, code in enumerate(chosen):
        city.kill([code], 1020.0 + 2.0 * number)
    city.until(1200.0)
    assert city.began() == []
    assert sorted(city.alone()) == sorted(chosen)


def test_of_crossing_supplies_the_one_that_explains_it_is_named() -> None:
    """Every pole has a cell and a mains district that cut across each other."""
    city = City()
    poles = {(cell, mains): city.add_many(60, f"{cell}{mains}", [f"cell:{cell}", f"mains:{mains}"])
             for cell in "ABC" for mains in "123"}  # fmt: skip
    dead = [code for (_, mains), codes in poles.items() if mains == "2" for code in codes]
    city.kill(dead, 1050.0)
    city.until(1100.0)
    assert [began.supply for began in city.began()] == ["mains:2"]
    assert sorted(city.joined("mains:2")) == sorted(dead)
    assert city.alone() == []


def test_a_mains_district_that_takes_its_gateways_with_it_is_one_outage() -> None:
    feeds = {f"backhaul:{n}": ["mains:M"] for n in range(5)}
    city = City(feeds=feeds)
    dead = [code for n in range(5) for code in city.add_many(80, f"m{n}", [f"backhaul:{n}"])]
    city.add_many(400, "other", ["backhaul:x"])
    city.kill(dead, 1050.0)
    city.until(1100.0)
    assert city.began()[-1].supply == "mains:M"
    assert list(city.outages.open) == ["mains:M"]
    assert sorted(city.outages.open["mains:M"].members) == sorted(dead)
    assert city.alone() == []


def test_one_gateway_of_a_district_does_not_take_the_district_with_it() -> None:
    feeds = {f"backhaul:{n}": ["mains:M"] for n in range(5)}
    city = City(feeds=feeds)
    gateways = [city.add_many(80, f"m{n}", [f"backhaul:{n}"]) for n in range(5)]
    city.kill(gateways[3], 1050.0)
    city.until(1100.0)
    assert [began.supply for began in city.began()] == ["backhaul:3"]


def test_a_second_gateway_that_dies_later_is_its_own_outage() -> None:
    feeds = {f"backhaul:{n}": ["mains:M"] for n in range(2)}
    city = City(feeds=feeds)
    one, other = (city.add_many(80, f"m{n}", [f"backhaul:{n}"]) for n in range(2))
    city.add_many(80, "x", ["backhaul:x"])
    city.kill(one, 1050.0)
    city.kill(other, 1100.0)
    city.until(1150.0)
    assert [began.supply for began in city.began()] == ["backhaul:0", "backhaul:1"]


def test_an_old_outage_is_not_taken_for_a_part_of_a_new_one() -> None:
    feeds = {f"backhaul:{n}": ["mains:M"] for n in range(5)}
    city = City(feeds=feeds)
    gateways = [city.add_many(80, f"m{n}", [f"backhaul:{n}"]) for n in range(5)]
    city.add_many(400, "x", ["backhaul:x"])
    city.kill(gateways[0], 1050.0)
    city.kill([code for codes in gateways[1:] for code in codes], 1100.0)
    city.until(1150.0)
    assert sorted(city.outages.open) == ["backhaul:0", "mains:M"]
    assert sorted(city.outages.open["backhaul:0"].members) == sorted(gateways[0])
    assert len(city.outages.open["mains:M"].members) == 320


def test_poles_that_failed_one_by_one_long_ago_do_not_make_the_next_one_an_outage() -> None:
    city = City()
    poles = city.add_many(20, "a", ["backhaul:A"])
    city.add_many(20, "b", ["backhaul:B"])
    for number, code in enumerate(poles[:18]):
        city.kill([code], 1020.0 + 20.0 * number)
    city.until(1500.0)
    assert city.began() == []
    assert len(city.alone()) == 18


def test_a_gateway_of_which_most_poles_were_dead_before_is_found_dead_by_the_rest() -> None:
    city = City()
    poles = city.add_many(300, "a", ["backhaul:A"])
    city.add_many(20, "b", ["backhaul:B"])
    for number, code in enumerate(poles[:250]):
        city.kill([code], 1020.0 + 6.0 * number)
    city.until(2600.0)
    city.kill(poles[250:], 2600.0)
    city.until(2620.0)
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(poles[250:])
    assert len(city.alone()) == 250


def test_when_no_pole_at_all_is_heard_the_controllers_own_network_is_named() -> None:
    city = City()
    everyone = [code for name in "abc" for code in city.add_many(100, name, [f"backhaul:{name}"])]
    city.kill(everyone, 1050.0)
    city.until(1100.0)
    assert list(city.outages.open) == [CONTROLLER]
    assert sorted(city.outages.open[CONTROLLER].members) == sorted(everyone)
    assert city.alone() == []


def test_a_few_slow_poles_that_were_told_alone_are_absorbed_when_their_cause_is_found() -> None:
    city = City()
    dead = city.add_many(6, "a", ["backhaul:A"], interval_s=60.0)
    city.add_many(60, "b", ["backhaul:B"], interval_s=60.0)
    city.until(1100.0)
    city.kill(dead, 1100.0)
    city.until(1200.0)
    (began,) = city.began()
    assert began.supply == "backhaul:A"
    assert sorted(began.absorbed) == sorted(city.alone())
    assert 1 <= len(city.alone()) <= 4
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead)
    assert not list(city.outages.alone)


def test_two_poles_are_no_supply() -> None:
    city = City()
    dead = city.add_many(2, "a", ["backhaul:A"])
    city.add_many(20, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.until(1100.0)
    assert city.began() == []
    assert sorted(city.alone()) == sorted(dead)


def test_most_poles_of_a_gateway_are_enough_when_some_have_another_way() -> None:
    city = City()
    poles = city.add_many(100, "a", ["backhaul:A"])
    city.add_many(100, "b", ["backhaul:B"])
    city.kill(poles[:92], 1050.0)
    city.until(1100.0)
    assert [began.supply for began in city.began()] == ["backhaul:A"]
    assert sorted(city.joined("backhaul:A") + city.alone()) == sorted(poles[:92])


def test_half_of_a_gateways_poles_is_not_the_gateway() -> None:
    city = City()
    poles = city.add_many(100, "a", ["backhaul:A"])
    city.add_many(100, "b", ["backhaul:B"])
    city.kill(poles[::2], 1050.0)
    city.until(1100.0)
    assert city.began() == []
    assert sorted(city.alone()) == sorted(poles[::2])


def test_a_pole_that_is_heard_and_falls_silent_while_its_gateway_is_down_is_its_own() -> None:
    city = City()
    dead = city.add_many(100, "a", ["backhaul:A"])
    city.add_many(100, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.revive(dead[:1], 1100.0)
    city.kill(dead[:1], 1120.0)
    city.until(1200.0)
    assert city.alone() == dead[:1]
    assert len(city.outages.open["backhaul:A"].members) == 99


def test_after_a_restart_outages_go_on_with_their_members() -> None:
    city = City()
    dead = city.add_many(10, "a", ["backhaul:A"])
    city.add_many(10, "b", ["backhaul:B"])
    for code in dead[:9]:
        city.liveness.expect(code, 5.0, city.now_s, silent=True)
    city.liveness.expect(dead[9], 5.0, city.now_s)
    city.outages.restore([], {"backhaul:A": dead[:9]}, city.liveness.tick(city.now_s))
    city.dead.update(dict.fromkeys(dead))
    city.until(1200.0)
    assert city.joined("backhaul:A") == dead[9:]
    assert city.began() == []
    city.revive(dead, 1200.0)
    city.until(1300.0)
    assert [over.supply for over in city.over()] == ["backhaul:A"]


def test_a_removed_pole_is_a_member_of_nothing() -> None:
    city = City()
    dead = city.add_many(5, "a", ["backhaul:A"])
    city.add_many(50, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.until(1100.0)
    city.outages.remove(dead[0])
    city.liveness.forget(dead[0])
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead[1:])
    city.outages.remove(dead[4])
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead[1:4])
    assert [city.outages.remove(code) for code in dead[1:4]] == [
        [Changed("backhaul:A", (), (dead[1],))],
        [Changed("backhaul:A", (), (dead[2],))],
        [Over("backhaul:A")],
    ]
    assert not city.outages.open


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("interval_s", [1.0, 10.0, 30.0])
def test_whatever_the_phases_one_dead_gateway_leaves_one_alarm(seed: int, interval_s: float) -> None:
    city = City(seed)
    dead = city.add_many(120, "a", ["backhaul:A", "mains:M"], interval_s)
    city.add_many(120, "b", ["backhaul:B", "mains:M"], interval_s)
    city.until(1100.0)
    city.kill(dead, 1100.0 + city.rng.random() * 20.0)
    city.until(1200.0)
    assert list(city.outages.open) == ["backhaul:A"]
    assert sorted(city.outages.open["backhaul:A"].members) == sorted(dead)
    assert not list(city.outages.alone)
    assert len(city.alone()) <= 4  # told before the fifth was due, then absorbed


@pytest.mark.parametrize("seed", range(8))
def test_in_a_bad_night_every_silent_pole_has_exactly_one_reason_and_the_news_add_up(seed: int) -> None:
    """Gateways, cells and single poles die and come back at random; what was told adds up to what is."""
    city = City(seed, feeds={f"backhaul:{n}": [f"mains:{n % 2}"] for n in range(6)})
    gateways = {n: city.add_many(30, f"g{n}", [f"backhaul:{n}", f"cell:{n % 4}"], 5.0 + n) for n in range(6)}
    everyone = [code for codes in gateways.values() for code in codes]
    dead_until = dict.fromkeys(everyone, 0.0)
    now_s = 1010.0
    for _ in range(14):
        now_s += city.rng.uniform(1.0, 40.0)
        struck = city.rng.choice([gateways[city.rng.randrange(6)], city.rng.sample(everyone, city.rng.randint(1, 5))])
        struck = [code for code in struck if dead_until[code] < now_s and city.rng.random() < 0.97]
        back_s = now_s + city.rng.choice([3.0, 20.0, 90.0, 1e6])
        dead_until.update(dict.fromkeys(struck, back_s))
        city.kill(struck, now_s)
        if back_s < 1e6:
            city.revive(struck, back_s)
    city.until(now_s + 400.0)

    silent = {code for code, watch in city.liveness.watches.items() if watch.silent}
    assert silent == {code for code in everyone if dead_until[code] > city.now_s}
    explained = [code for outage in city.outages.open.values() for code in outage.members]
    assert len(explained) == len(set(explained))
    assert set(explained).isdisjoint(city.outages.alone)
    assert {*explained, *city.outages.alone} == silent
    alone, members = told_so_far(city)
    assert alone == set(city.outages.alone)
    assert members == {name: set(outage.members) for name, outage in city.outages.open.items()}


def test_members_that_are_taken_away_do_not_keep_an_outage_open_whose_other_poles_are_back() -> None:
    city = City()
    dead = city.add_many(50, "a", ["backhaul:A"])
    city.add_many(50, "b", ["backhaul:B"])
    city.kill(dead, 1050.0)
    city.revive(dead[:20], 1100.0)
    city.until(1150.0)
    city.take_away(dead[21:])
    city.until(1200.0)
    assert list(city.outages.open) == ["backhaul:A"]  # the last one has a minute to come as well
    city.until(1250.0)
    assert [(over.supply, over.still_silent) for over in city.over()] == [("backhaul:A", (dead[20],))]
    assert city.alone() == [dead[20]]


@pytest.mark.parametrize("seed", range(8))
def test_poles_taken_away_and_restarts_in_a_bad_night_leave_no_outage_without_members(seed: int) -> None:
    city = City(seed, feeds={f"backhaul:{n}": ["mains:0"] for n in range(4)})
    gateways = [city.add_many(25, f"g{n}", [f"backhaul:{n}", f"cell:{n % 2}"], 5.0) for n in range(4)]
    left = {code: True for codes in gateways for code in codes}
    for _ in range(12):
        now_s = city.now_s + city.rng.uniform(5.0, 40.0)
        struck = [code for code in gateways[city.rng.randrange(4)] if code not in city.dead and left[code]]
        city.kill(struck, now_s)
        city.revive(city.rng.sample(struck, len(struck) * 2 // 3), now_s + city.rng.choice([10.0, 90.0]))
        city.until(now_s + 120.0)
        taken = [code for code in left if left[code] and city.rng.random() < (0.5 if code in city.dead else 0.02)]
        left.update(dict.fromkeys(taken, False))
        city.take_away(taken)
        if city.rng.random() < 0.3:
            city.restart()
        assert all(outage.members for outage in city.outages.open.values())
        explained = [code for outage in city.outages.open.values() for code in outage.members]
        silent = {code for code, watch in city.liveness.watches.items() if watch.silent}
        assert sorted([*explained, *city.outages.alone]) == sorted(silent)
        assert all(city.outages.supply_of(code) in city.outages.open for code in explained)
    city.take_away([code for code in left if left[code]])
    assert not city.outages.open
    assert not list(city.outages.alone)
    assert told_so_far(city)[1] == {}


def told_so_far(city: City) -> tuple[set[str], dict[str, set[str]]]:
    """What somebody believes who heard all news: who is alone, and who is silent for what."""
    alone: set[str] = set()
    members: dict[str, set[str]] = {}
    for _, change in city.changes:
        match change:
            case Alone(code=code):
                assert code not in alone
                alone.add(code)
            case NotAlone(code=code):
                alone.remove(code)
            case Began(supply=supply, members=begun, absorbed=absorbed, merged=merged):
                assert supply not in members
                members[supply] = set(begun)
                alone -= set(absorbed)
                for name in merged:
                    del members[name]
            case Changed(supply=supply, joined=joined, left=left):
                assert not members[supply] & set(joined)
                assert members[supply] >= set(left)
                members[supply] = members[supply] - set(left) | set(joined)
            case Over(supply=supply):
                del members[supply]
    return alone, members
