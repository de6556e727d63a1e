"""A dead supply is one outage with its members; what fails for itself stays its own."""

from __future__ import annotations

import pytest

from poles.gateway.outages import CONTROLLER
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
