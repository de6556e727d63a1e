"""Syncing in groups, and commands that begin only when the flash knows of them."""

import asyncio
from collections.abc import Awaitable, Callable

from controller.clock import Clock, run, virtual_tempo
from poles.agent.answers import Answer, Answers
from poles.agent.keeping import SYNC_EVERY_S, Keeper
from poles.agent.orders import MOST_WAITING, Orders
from poles.agent.ring import PAGE_BYTES, Kind, Ring
from poles.protocol import Accepted, Command, Result
from sim.flash import SimFlash


class CountingFlash(SimFlash):
    """Counts its syncs."""

    syncs = 0

    def sync(self) -> None:
        self.syncs += 1
        super().sync()


Work = Callable[[Keeper, Ring, CountingFlash], Awaitable[None]]


def command(id_: str = "c1", expires_s: float = 1e9) -> Command:
    return Command(id=id_, function="LampActuator", action="override", parameters={}, expires_s=expires_s)


class TestKeeper:
    def kept(
        self, work: Callable[[Keeper, Ring, CountingFlash], Awaitable[None]]
    ) -> tuple[CountingFlash, list[OSError | None]]:
        flash, told = CountingFlash(PAGE_BYTES), list[OSError | None]()

        async def main(clock: Clock) -> None:
            ring = Ring.open(flash)
            keeper = Keeper(ring, told.append)
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(keeper.run())
                await work(keeper, ring, flash)
                keeping.cancel()

        run(main, virtual_tempo())
        return flash, told

    def test_many_entries_of_a_second_are_one_sync(self) -> None:
        async def work(keeper: Keeper, ring: Ring, flash: CountingFlash) -> None:
            for seq in range(1, 101):
                ring.append(Kind.READING, 1, seq, 0.0, 0.0)
                keeper.written()
                await asyncio.sleep(0.05)
            await asyncio.sleep(SYNC_EVERY_S)
            assert not ring.unsynced

        flash, _ = self.kept(work)
        assert flash.syncs in (5, 6)

    def test_what_is_urgent_is_synced_at_once(self) -> None:
        async def work(keeper: Keeper, ring: Ring, flash: CountingFlash) -> None:
            ring.append(Kind.READING, 1, 1, 0.0, 0.0)
            keeper.written()
            ring.append(Kind.ALARM, 1, 2, 0.0, 0.0)
            keeper.written(urgent=True)
            await asyncio.sleep(0.001)
            assert not ring.unsynced

        assert self.kept(work)[0].syncs == 1

    def test_without_anything_new_the_flash_is_left_alone(self) -> None:
        async def work(keeper: Keeper, ring: Ring, flash: CountingFlash) -> None:
            ring.append(Kind.READING, 1, 1, 0.0, 0.0)
            keeper.written()
            await asyncio.sleep(3600.0)

        assert self.kept(work)[0].syncs == 1

    def test_a_flash_that_fails_is_told_once_and_once_that_it_works_again(self) -> None:
        async def work(keeper: Keeper, ring: Ring, flash: CountingFlash) -> None:
            for broken in (True, True, False, False):
                flash.is_broken = broken
                await keeper.now()

        told = self.kept(work)[1]
        assert [type(one) for one in told] == [OSError, type(None)]


class TestOrders:
    def test_no_command_begins_before_the_flash_has_it(self) -> None:
        happened: list[str] = []

        async def main(clock: Clock) -> None:
            flash = CountingFlash(PAGE_BYTES)
            ring = Ring.open(flash)

            def begin(order: Command) -> None:
                happened.append(f"begin {order.id}, unsynced {ring.unsynced}")

            async def keep() -> None:
                await asyncio.sleep(0.5)
                ring.sync()

            orders = self.orders(begin, Answers(f"{1:016x}", ring), happened, keep)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(orders.run())
                for id_ in ("a", "a", "b"):
                    orders.take(command(id_))
                await asyncio.sleep(0.2)
                orders.take(command("a"))  # it comes again while it waits for the flash
                await asyncio.sleep(2.0)
                running.cancel()

        run(main, virtual_tempo())
        assert happened == ["begin a, unsynced False", "Result a", "begin b, unsynced False", "Result b"]

    def test_time_that_the_flash_took_counts(self) -> None:
        happened: list[str] = []

        async def main(clock: Clock) -> None:
            async def keep() -> None:
                await asyncio.sleep(5.0)

            def begin(order: Command) -> None:
                happened.append("begun")

            ring = Ring.open(SimFlash(PAGE_BYTES))
            orders = self.orders(begin, Answers(f"{1:016x}", ring), happened, keep, clock.utc_s)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(orders.run())
                orders.take(command(expires_s=clock.utc_s() + 2.0))
                await asyncio.sleep(10.0)
                running.cancel()

        run(main, virtual_tempo())
        assert happened == ["Result c1 pole.command.expired"]

    def test_more_commands_than_can_wait_are_refused_and_may_come_again(self) -> None:
        happened: list[str] = []

        async def main(clock: Clock) -> None:
            async def keep() -> None:
                """There is nothing to wait for."""

            orders = self.orders(lambda order: None, Answers("b"), happened, keep)
            for n in range(MOST_WAITING + 1):
                orders.take(command(f"c{n}"))
            assert happened == [f"Result c{MOST_WAITING} pole.command.busy"]
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(orders.run())
                await asyncio.sleep(0.1)
                orders.take(command(f"c{MOST_WAITING}"))
                await asyncio.sleep(0.1)
                running.cancel()

        run(main, virtual_tempo())
        assert happened[-1] == f"Result c{MOST_WAITING}"
        assert len(happened) == MOST_WAITING + 2

    @staticmethod
    def orders(
        begin: Callable[[Command], None],
        answers: Answers,
        happened: list[str],
        keep: Callable[[], Awaitable[None]],
        utc_s: Callable[[], float] = lambda: 0.0,
    ) -> Orders:
        def say(answer: Answer) -> None:
            code = f" {answer.code}" if isinstance(answer, Result) and answer.code else ""
            happened.append(f"{type(answer).__name__} {answer.id}{code}")

        return Orders("P", begin, answers, utc_s=utc_s, say=say, keep=keep)


class TestAnswers:
    def test_the_answers_of_an_earlier_boot_are_known_and_what_was_only_begun_is_over(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        before = Answers(f"{1:016x}", Ring.open(flash))
        assert before.beginning("a", 1.0)
        before.remember(Result(id="a", ok=True), 1.0)
        before.beginning("b", 1.0)
        before.remember(Accepted(id="b"), 1.0)
        after = Answers(f"{2:016x}", Ring.open(flash))
        assert after.get("a") == Result(id="a", ok=True)
        interrupted = after.get("b")
        assert isinstance(interrupted, Result)
        assert (interrupted.ok, interrupted.code) == (False, "pole.command.interrupted")
        assert after.get("c") is None

    def test_without_a_ring_nothing_waits_for_a_flash(self) -> None:
        answers = Answers("any name")
        assert not answers.beginning("a", 1.0)

    def test_a_flash_that_fails_does_not_stop_commands(self) -> None:
        flash, faults = SimFlash(PAGE_BYTES), list[OSError]()
        answers = Answers(f"{1:016x}", Ring.open(flash), faults.append)
        flash.is_full = True
        assert not answers.beginning("a", 1.0)
        answers.remember(Result(id="a", ok=True), 1.0)
        assert len(faults) == 2
        assert answers.get("a") == Result(id="a", ok=True)
