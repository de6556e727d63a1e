"""What the firmware makes of a ring file that is not empty, against the real gateway and beside the Python agent."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from airspace.reasons import Refused
from poles.agent.entries import of_reading
from poles.agent.flash import FileFlash
from poles.agent.outbox import Outbox
from poles.agent.ring import SMALLEST_BYTES, Kind, Ring
from poles.protocol import Report, decode
from tests.poles.firmware.firmware import running, variables
from tests.poles.firmware.test_with_gateway import a_gateway, boots, until, with_firmware
from tests.poles.raw_pole import CODE
from tests.poles.town import Town

WIND = of_reading("WindSensor", {"windSpeed": 3.0})
EARLIER = f"{0xABC:016x}"


def in_an_earlier_boot(ring: Path, count: int, acknowledged: int) -> None:
    """Fill a ring as a life that ended in order leaves it, so many entries of it acknowledged."""
    flash = Ring.open(FileFlash.open(ring, SMALLEST_BYTES))
    outbox = Outbox(lambda: EARLIER, ring=flash)
    for _ in range(count):
        outbox.put(Kind.READING, 1_779_066_000.0, 5.0, WIND)
    assert outbox.acknowledged(outbox.boot, acknowledged)
    outbox.close()
    flash.sync()
    flash.close()


@with_firmware
async def test_a_store_that_never_had_what_is_acknowledged_gets_everything_that_is_left(
    town: Town, folder: Path
) -> None:
    in_an_earlier_boot(folder / "ring", 10, acknowledged=5)
    async with running(variables(town, folder, CODE, ring=folder / "ring")) as pole:
        await until(lambda: len(boots(town)) > 1)
        await until(lambda: len(town.store.numbers()) > 20)
        await pole.stopped()
    stored = boots(town)
    assert stored.pop(EARLIER) == [6, 7, 8, 9, 10]
    (numbers,) = stored.values()
    assert numbers == list(range(1, len(numbers) + 1))
    assert town.gateway.statistics()["early"] == 1


@with_firmware
async def test_a_gateway_whose_store_lost_its_end_is_sent_what_comes_about_from_then_on(
    town: Town, folder: Path
) -> None:
    first = a_gateway(town)
    async with first:
        pole_says = variables(town, folder, CODE) | {"BEICHEN_ENDPOINT": first.address}
        running_pole = running(pole_says)
        await running_pole.__aenter__()
        await until(lambda: len(town.store.numbers()) >= 10)
    try:
        lost = town.store.numbers()[-1]
        town.store.told.clear()  # a backup from before the pole's first word
        async with a_gateway(town, first.address) as second:
            await until(lambda: len(town.store.numbers()) >= 10)
            assert second.statistics().get("early", 0) == 0
    finally:
        await running_pole.__aexit__(None, None, None)
    numbers = town.store.numbers()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[0] <= lost + 1


@with_firmware
async def test_one_process_has_a_ring(town: Town, folder: Path) -> None:
    told = variables(town, folder, CODE, ring=folder / "ring")
    async with running(told) as first:
        await until(lambda: town.store.numbers())
        async with running(told) as second:
            code, _, complaints = await second.ended()
        assert (code, "another process has the ring" in complaints) == (1, True)
        with pytest.raises(Refused, match="another process"):
            FileFlash.open(folder / "ring", SMALLEST_BYTES)
        assert (await first.stopped())[0] == 0
    FileFlash.open(folder / "ring", SMALLEST_BYTES).close()


@with_firmware
async def test_entries_of_earlier_boots_come_however_strange_their_dates_are(town: Town, folder: Path) -> None:
    dates = {math.nan: 0.0, -math.inf: 0.0, -5.0: 0.0, math.inf: 4102444800.0, 1e300: 4102444800.0, 7.5: 7.5}
    ring = Ring.open(FileFlash.open(folder / "ring", SMALLEST_BYTES))
    outbox = Outbox(lambda: EARLIER, ring=ring)
    for at_s in dates:
        outbox.put(Kind.READING, at_s, 5.0, WIND)
    ring.sync()
    ring.close()
    found = Ring.open(FileFlash.open(folder / "ring", SMALLEST_BYTES))
    (by_the_agent,) = Outbox(lambda: "f" * 16, ring=found).due(0.0, town.clock.utc_s())
    found.close()
    async with running(variables(town, folder, CODE, ring=folder / "ring")) as pole:
        await until(lambda: len(town.store.numbers()) > 10)
        await pole.stopped()
    (first,) = [report for report in town.store.reports() if report.boot == EARLIER]
    assert [reading.at_s for reading in first.readings] == list(dates.values())
    agent = decode(by_the_agent)
    assert isinstance(agent, Report)
    assert [r.at_s for r in agent.readings] == list(dates.values())
    assert [r.held_s for r in agent.readings] == pytest.approx([r.held_s for r in first.readings], abs=20.0)
