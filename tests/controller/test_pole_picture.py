"""What the controller makes of a dock's words as its gateway hears them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from controller.clock import Clock, run, virtual_tempo
from controller.flight.landing import PadSight, missing
from controller.pole_picture import Poles
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.protocol import Capability, Hello, Quality, Reading, Report, encode
from poles.services.dock_functions import DOCK
from poles.wire.lines import Exchange

POLE, FLIGHT = "410105-LP-000003", "f1"
READY = {"cover": "open", "dronePresent": False, "pathClear": True, "reservedFor": FLIGHT, "ready": True}

Says = Callable[..., Awaitable[None]]


async def kept(batch: Sequence[Said]) -> None:
    """Nothing is looked up again."""


def beside_a_dock(test: Callable[[Clock, Poles, Says], Awaitable[None]]) -> None:
    """Run a test body beside a gateway with one dock, which says what the test wants, as old as it wants."""

    async def main(clock: Clock) -> None:
        exchange = Exchange()
        async with Gateway.memory(exchange, keep=kept, utc_s=clock.utc_s, rng=random.Random(1)) as gateway:
            call, seq = exchange.call(POLE), 0
            able = (Capability(function=DOCK, every_s=5.0),)
            hello = Hello(version=1, code=POLE, boot="b", firmware="f", functions=able, lat_deg=34.7, lon_deg=113.6)
            call.send(encode(hello))
            await call.receive()

            async def says(under_way_s: float = 0.0, held_s: float = 0.0, quality: Quality = Quality.GOOD) -> None:
                nonlocal seq
                seq += 1
                at_s = clock.utc_s() - under_way_s - held_s
                reading = Reading(seq=seq, at_s=at_s, held_s=held_s, function=DOCK, values=READY, quality=quality)
                call.send(encode(Report(boot="b", after=seq - 1, readings=(reading,))))
                await call.receive()

            await test(clock, Poles(gateway, clock), says)

    run(main, virtual_tempo())


def lacks(poles: Poles) -> list[str]:
    return [each.code for each in missing(poles.pad(POLE), FLIGHT, 10.0, 2.0)]


def test_a_ready_of_now_lets_a_drone_land() -> None:
    async def body(clock: Clock, poles: Poles, says: Says) -> None:
        await says()
        assert lacks(poles) == []

    beside_a_dock(body)


@pytest.mark.parametrize(("under_way_s", "held_s"), [(3.0, 0.0), (0.0, 3.0), (1.5, 1.5)])
def test_a_ready_that_was_long_on_its_way_is_as_old_as_one_that_was_held(under_way_s: float, held_s: float) -> None:
    async def body(clock: Clock, poles: Poles, says: Says) -> None:
        await says(under_way_s, held_s)
        assert poles.pad(POLE).age_s == pytest.approx(3.0, abs=0.03)
        assert lacks(poles) == ["age"]

    beside_a_dock(body)


def test_a_date_in_the_future_makes_no_word_younger_than_it_was_heard() -> None:
    async def body(clock: Clock, poles: Poles, says: Says) -> None:
        await says(under_way_s=-60.0)
        await asyncio.sleep(3.0)
        assert poles.pad(POLE).age_s == pytest.approx(3.0, abs=0.03)

    beside_a_dock(body)


@pytest.mark.parametrize("quality", [Quality.BAD, Quality.SUSPECT])
def test_a_dock_that_its_own_pole_doubts_is_not_ready_and_fulfils_no_condition(quality: Quality) -> None:
    async def body(clock: Clock, poles: Poles, says: Says) -> None:
        await says(quality=quality)
        assert poles.pad(POLE) == PadSight(None, doubted=True)
        assert lacks(poles) == ["doubted"]
        dock = poles.dock(POLE)
        assert dock is not None
        why = dock.why_not_free()
        assert why is not None
        assert "does not trust" in why.en
        assert not await poles.until_dock(POLE, lambda seen: seen.ready, 1.0)
        await says()
        assert await poles.until_dock(POLE, lambda seen: seen.ready, 1.0)

    beside_a_dock(body)
