"""A city's worth of poles: each silence is told once and within its bound, a dead gateway is one alarm."""

from __future__ import annotations

import asyncio
import random

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.gateway.supervision import Supplies
from poles.protocol import Capability, Heartbeat, Hello, encode
from tests.poles.gateway.city import City
from tests.poles.gateway.supervised import Scene
from tests.poles.raw_pole import hello

POLES, OF_ONE_GATEWAY = 100_000, 500
INTERVAL_S = 10.0


def test_each_of_a_hundred_thousand_is_told_once_within_its_bound_and_a_dead_gateway_is_one_outage() -> None:
    city = City(seed=20261122)
    gateways = {
        number: city.add_many(
            OF_ONE_GATEWAY,
            f"g{number}",
            [f"backhaul:{number}", f"cell:{number % 77}", f"mains:{number // 10}"],
            INTERVAL_S,
        )
        for number in range(POLES // OF_ONE_GATEWAY)
    }
    dark = gateways[77]
    singles = city.rng.sample([code for number, codes in gateways.items() if number != 77 for code in codes], 300)
    city.kill(dark, 1012.0)
    for code in singles:
        city.kill([code], 1005.0 + city.rng.random() * 12.0)
    city.until(1030.0)
    assert sorted(silence.code for _, silence in city.told) == sorted(dark + singles)
    for told_s, silence in city.told:
        assert INTERVAL_S + 0.5 < told_s - city.last_s[silence.code] <= INTERVAL_S + 1.0
    (began,) = city.began()
    assert began.supply == "backhaul:77"
    assert sorted(city.outages.open["backhaul:77"].members) == sorted(dark)
    assert sorted(city.alone()) == sorted(singles)


@pytest.mark.soak
def test_the_same_through_the_gateway_with_the_bytes_of_the_wire(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way from a line's bytes to the alarm that is told, in virtual time."""
    rng = random.Random(20261122)
    codes = [f"41{number // OF_ONE_GATEWAY:04d}-LP-{number % OF_ONE_GATEWAY:06d}" for number in range(POLES)]
    supplies = Supplies(of={code: (f"backhaul:{code[:6]}",) for code in codes})
    dark = codes[77 * OF_ONE_GATEWAY : 78 * OF_ONE_GATEWAY]
    singles = rng.sample([code for code in codes if code not in set(dark)], 200)
    last_s: dict[str, float] = {}
    beat = encode(Heartbeat())

    async def main(clock: Clock) -> None:
        scene, loop = Scene(clock), asyncio.get_running_loop()
        async with scene.gateway(supplies=supplies) as gateway:
            ends_s = {code: rng.uniform(20.0, 35.0) for code in singles} | dict.fromkeys(dark, 28.0)
            lines = {code: scene.exchange.call(code) for code in codes}
            phases = sorted((rng.random() * INTERVAL_S * 0.98, code) for code in codes)
            begun_s = loop.time()
            for turn in range(6):
                for phase_s, code in phases:
                    at_s = turn * INTERVAL_S * 0.98 + phase_s
                    if at_s > ends_s.get(code, 1e9):
                        continue
                    if begun_s + at_s - loop.time() > 0.02:
                        await asyncio.sleep(begun_s + at_s - loop.time())
                    assert lines[code].send(beat if turn else encode(_hello(code)))
                    last_s[code] = loop.time()
            await asyncio.sleep(0.1)
            told = {subject: at_s for at_s, news, _, subject in scene.journal.news if news == "raised"}
            assert sorted(told) == sorted([*singles, f"backhaul:{dark[0][:6]}"])
            late = [told[code] - last_s[code] - INTERVAL_S for code in singles]
            assert all(0.4 < each <= 1.0 for each in late), (min(late), max(late))
            alarm = gateway.supervision.alarms.get("pole.supply-down", f"backhaul:{dark[0][:6]}")
            assert alarm is not None
            assert sorted(alarm.members) == sorted(dark)
            with capsys.disabled():
                said = f"{POLES} poles, {len(singles)} alone, told {min(late):.2f} to {max(late):.2f} s late"
                print(f"\n{said}")  # noqa: T201 - the figures of the campaign

    run(main, virtual_tempo())


def _hello(code: str) -> Hello:
    return hello(code, heartbeat_s=INTERVAL_S, functions=(Capability(function="LampMonitor", every_s=3600.0),))
