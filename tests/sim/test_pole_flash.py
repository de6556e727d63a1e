"""Flash and network of simulated poles fail as real ones do."""

import asyncio
import random

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Body, Exchange
from sim.flash import SECTOR_BYTES, SimFlash
from sim.pole_network import PoleNetwork, Trouble


class TestFlash:
    def test_what_was_synced_survives_and_of_the_rest_each_sector_is_as_before_or_after(self) -> None:
        outcomes = set()
        for seed in range(60):
            flash = SimFlash(8 * SECTOR_BYTES)
            flash.write(0, b"a" * SECTOR_BYTES)
            flash.sync()
            flash.write(SECTOR_BYTES, b"b" * (3 * SECTOR_BYTES))
            assert flash.read(SECTOR_BYTES, 1) == b"b"
            flash.lose_power(random.Random(seed))
            assert flash.read(0, SECTOR_BYTES) == b"a" * SECTOR_BYTES
            sectors = [flash.read(n * SECTOR_BYTES, SECTOR_BYTES) for n in (1, 2, 3)]
            for sector in sectors:
                kept = len(sector.rstrip(b"\0"))
                assert sector == (b"b" * kept).ljust(SECTOR_BYTES, b"\0")
                outcomes.add("whole" if kept == SECTOR_BYTES else "torn" if kept else "lost")
        assert outcomes == {"whole", "torn", "lost"}

    def test_the_same_chance_is_the_same_cut(self) -> None:
        def cut() -> bytes:
            flash = SimFlash(8 * SECTOR_BYTES)
            flash.write(100, b"x" * 2000)
            flash.lose_power(random.Random(3))
            return flash.kept

        assert cut() == cut()

    def test_a_full_flash_takes_nothing_and_a_broken_one_gives_nothing(self) -> None:
        flash = SimFlash(SECTOR_BYTES)
        flash.is_full = True
        with pytest.raises(OSError, match="No space"):
            flash.write(0, b"x")
        flash.is_broken = True
        with pytest.raises(OSError, match="Input/output"):
            flash.read(0, 1)
        with pytest.raises(OSError, match="Input/output"):
            flash.sync()


class TestNetwork:
    def carried(self, trouble: Trouble, count: int = 400) -> tuple[list[int], list[int]]:
        """What arrives at the gateway and at the pole of numbered messages said 0.1 s apart."""
        up: list[int] = []
        down: list[int] = []

        async def main(clock: Clock) -> None:
            exchange = Exchange()
            network = PoleNetwork(MemoryConnection(exchange), random.Random(5))
            network.trouble = trouble
            line = network.open("P")

            def take(code: str | None, route: bytes, body: Body | None) -> None:
                assert body is not None
                up.append(int(bytes(body)))

            gateway = exchange.listen(take)
            assert gateway is not None

            async def listen() -> None:
                while True:
                    down.append(int(await line.receive()))

            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(listen())
                for number in range(count):
                    line.send(str(number).encode())
                    for route in gateway.lines:
                        gateway.send(route, str(number).encode())
                    await asyncio.sleep(0.1)
                await asyncio.sleep(count * trouble.longest_s)
                listening.cancel()

        run(main, virtual_tempo())
        return up, down

    def test_a_good_network_carries_everything_once_and_in_order(self) -> None:
        up, down = self.carried(Trouble())
        assert up == down == list(range(400))

    def test_messages_are_lost_both_ways(self) -> None:
        up, down = self.carried(Trouble(lost=0.3))
        assert 0.6 * 400 < len(up) < 0.8 * 400
        assert 0.6 * 400 < len(down) < 0.8 * 400
        assert up == sorted(set(up))

    def test_messages_are_doubled(self) -> None:
        up, down = self.carried(Trouble(doubled=0.5))
        assert set(up) == set(down) == set(range(400))
        assert 550 < len(up) < 650
        assert 550 < len(down) < 650

    def test_messages_to_the_gateway_overtake_each_other(self) -> None:
        up, down = self.carried(Trouble(longest_s=0.19))
        assert sorted(up) == list(range(400))
        assert up != sorted(up)
        assert down == list(range(400))
