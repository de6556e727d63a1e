"""The clock's promises in its three tempos."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zmq
import zmq.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clock import (
    VIRTUAL_START_S,
    Clock,
    Tempo,
    cpu_s,
    fresh_seed,
    real_tempo,
    run,
    scaled_tempo,
    virtual_tempo,
    wall_s,
)
from controller.virtual_loop import Deadlock

ROOT = Path(__file__).resolve().parents[2]


def child(code: str, **environment: str) -> subprocess.Popen[str]:
    """Another Python process that can import this repository; its SIGINT is as on a terminal."""
    usual = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen(
        [sys.executable, "-c", usual + code],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_virtual_year_passes_at_once() -> None:
    async def main(clock: Clock) -> tuple[float, float]:
        for _ in range(365):
            await asyncio.sleep(86400.0)
        return clock.monotonic_s(), clock.utc_s()

    before = wall_s()
    monotonic_s, utc_s = run(main, virtual_tempo())
    assert wall_s() - before < 5.0
    assert monotonic_s == pytest.approx(365 * 86400.0)
    assert utc_s == pytest.approx(VIRTUAL_START_S + 365 * 86400.0)


def test_virtual_time_starts_at_nine_in_the_morning_in_zhengzhou() -> None:
    async def main(clock: Clock) -> datetime:
        return clock.utc()

    assert run(main, virtual_tempo()) == datetime(2026, 5, 18, 1, 0, tzinfo=UTC)


def test_a_virtual_deadline_passes_while_nothing_answers() -> None:
    async def main(clock: Clock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30.0):
                await asyncio.Event().wait()
        return clock.monotonic_s()

    assert run(main, virtual_tempo()) == pytest.approx(30.0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_virtual_timers_fire_in_order_and_on_time(delays_s: list[float]) -> None:
    fired: list[tuple[float, float]] = []

    async def main(clock: Clock) -> None:
        async def wait(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            fired.append((delay_s, clock.monotonic_s()))

        async with asyncio.TaskGroup() as group:
            for delay_s in delays_s:
                group.create_task(wait(delay_s))

    run(main, virtual_tempo())
    assert [delay_s for delay_s, _ in fired] == pytest.approx(sorted(delays_s), abs=1e-6)
    assert [at_s for _, at_s in fired] == pytest.approx([delay_s for delay_s, _ in fired], abs=1e-6)


def order_of_cancellation(tasks: int) -> list[int]:
    """The order in which a task group that ran into a deadline ends its tasks."""
    ended: list[int] = []

    async def fly(number: int) -> None:
        try:
            await asyncio.sleep(100.0)
        finally:
            ended.append(number)

    async def main(_: Clock) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
                for number in range(tasks):
                    group.create_task(fly(number))

    run(main, virtual_tempo())
    return ended


def test_a_virtual_task_group_cancels_in_the_same_order_in_every_run() -> None:
    first = order_of_cancellation(50)
    moved = [bytearray(300 + number) for number in range(1000)]  # so that the next tasks get other addresses
    assert order_of_cancellation(50) == first
    assert sorted(first) == list(range(50))
    assert len(moved) == 1000


def test_equal_virtual_timers_fire_in_the_same_order_in_every_run() -> None:
    def order() -> list[int]:
        fired: list[int] = []

        async def main(_: Clock) -> None:
            async def wait(number: int) -> None:
                await asyncio.sleep(1.0)
                fired.append(number)

            async with asyncio.TaskGroup() as group:
                for number in range(50):
                    group.create_task(wait(number))

        run(main, virtual_tempo())
        return fired

    assert order() == order()


def test_a_deadlock_is_found_and_names_who_waits_and_where() -> None:
    async def waits_for_a_word_that_never_comes() -> None:
        await asyncio.Event().wait()

    async def main(_: Clock) -> None:
        await asyncio.sleep(12.5)
        async with asyncio.TaskGroup() as group:
            group.create_task(waits_for_a_word_that_never_comes(), name="dock 7")

    with pytest.raises(Deadlock) as caught:
        run(main, virtual_tempo())
    words = str(caught.value)
    assert "12.500 virtual seconds" in words
    (line,) = [line for line in words.splitlines() if "dock 7: " in line]
    assert "waits_for_a_word_that_never_comes > Event.wait" in line
    assert re.search(r"test_clock\.py:\d+\)", line)


def test_a_deadlock_still_lets_everyone_clean_up() -> None:
    cleaned: list[str] = []

    async def main(_: Clock) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("main")

    with pytest.raises(Deadlock):
        run(main, virtual_tempo())
    assert cleaned == ["main"]


def test_virtual_executor_work_is_done_in_place_and_takes_no_virtual_time() -> None:
    async def main(clock: Clock) -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        total = await loop.run_in_executor(None, sum, range(10))
        total += await asyncio.to_thread(max, 4, 5)
        return total, clock.monotonic_s()

    assert run(main, virtual_tempo()) == (50, 0.0)


def test_an_error_of_virtual_executor_work_reaches_who_awaits_it() -> None:
    async def main(_: Clock) -> None:
        await asyncio.to_thread(int, "not a number")

    with pytest.raises(ValueError, match="not a number"):
        run(main, virtual_tempo())


@pytest.mark.parametrize("speed", [5.0, 50.0])
def test_scaled_time_runs_faster_by_its_speed(speed: float) -> None:
    async def main(clock: Clock) -> tuple[float, float, float]:
        loop_before, utc_before, wall_before = clock.monotonic_s(), clock.utc_s(), wall_s()
        await asyncio.sleep(0.2 * speed)
        return clock.monotonic_s() - loop_before, clock.utc_s() - utc_before, wall_s() - wall_before

    loop_s, utc_s, passed_s = run(main, scaled_tempo(speed))
    assert loop_s >= 0.2 * speed - 1e-3
    assert utc_s == pytest.approx(loop_s, rel=0.02)
    assert loop_s / passed_s == pytest.approx(speed, rel=0.05)


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e6, float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        scaled_tempo(speed)


def test_real_time_is_the_machines_own_when_no_tempo_is_given() -> None:
    async def main(clock: Clock) -> tuple[str, float]:
        await asyncio.sleep(0.0)
        return clock.tempo.name, clock.utc_s()

    name, utc_s = run(main)
    assert name == "real"
    assert utc_s == pytest.approx(time.time(), abs=5.0)


@pytest.mark.parametrize("tempo", [real_tempo(), scaled_tempo(20.0), scaled_tempo(20.0, 1.9e9)])
def test_processes_that_share_an_anchor_agree_on_utc(tempo: Tempo) -> None:
    code = f"""
from controller.clock import Tempo, run
async def main(clock):
    print(repr(clock.utc_s()))
run(main, {tempo!r})
"""

    async def main(clock: Clock) -> float:
        return clock.utc_s()

    before_s = run(main, tempo)
    other = child(code)
    answer, errors = other.communicate(timeout=60)
    assert before_s < float(answer) < run(main, tempo), errors


@pytest.mark.parametrize("tempo", ["real_tempo()", "scaled_tempo(20)", "virtual_tempo()"])
def test_ctrl_c_cancels_the_program_and_its_cleanup_runs(tempo: str) -> None:
    code = f"""
import asyncio
from controller.clock import *
async def main(clock):
    try:
        print("flying", flush=True)
        while True:
            await asyncio.sleep(0.01)
    finally:
        await asyncio.sleep(0.01)
        print("store closed", flush=True)
run(main, {tempo})
"""
    program = child(code)
    assert program.stdout is not None
    assert program.stdout.readline() == "flying\n"
    program.send_signal(signal.SIGINT)
    answer, errors = program.communicate(timeout=60)
    assert answer == "store closed\n"
    assert "KeyboardInterrupt" in errors
    assert program.returncode != 0


def exchanges(seed: int, peers: int, for_s: float) -> tuple[int, str]:
    """How many exchanges `peers` ZeroMQ peers had with one router in virtual time, and the digest of their trace."""
    trace = hashlib.sha256()
    count = 0

    async def router(socket: zmq.asyncio.Socket, clock: Clock) -> None:
        nonlocal count
        while True:
            name, word = await socket.recv_multipart()
            trace.update(b"%.9f %s %s\n" % (clock.utc_s(), name, word))
            count += 1
            await socket.send_multipart([name, word.upper()])

    async def peer(socket: zmq.asyncio.Socket, chance: random.Random) -> None:
        while True:
            await asyncio.sleep(chance.uniform(1.0, 5.0))
            await socket.send(b"report %d" % chance.randrange(10**6))
            trace.update(await socket.recv())

    async def main(clock: Clock) -> None:
        context = zmq.asyncio.Context()
        try:
            server = context.socket(zmq.ROUTER)
            server.bind("inproc://poles")
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(router(server, clock))]
                for number in range(peers):
                    socket = context.socket(zmq.DEALER)
                    socket.setsockopt(zmq.IDENTITY, b"pole-%d" % number)
                    socket.connect("inproc://poles")
                    tasks.append(group.create_task(peer(socket, random.Random(f"{seed}/{number}"))))
                await asyncio.sleep(for_s)
                for task in tasks:
                    task.cancel()
        finally:
            context.destroy(linger=0)

    run(main, virtual_tempo())
    return count, trace.hexdigest()


def test_the_same_seed_gives_200_peers_the_same_trace_twice_and_another_seed_another() -> None:
    first = exchanges(seed=7, peers=200, for_s=60.0)
    assert first[0] > 200 * 60 / 5 * 0.9
    assert exchanges(seed=7, peers=200, for_s=60.0) == first
    assert exchanges(seed=8, peers=200, for_s=60.0) != first


def test_the_trace_does_not_depend_on_the_hash_seed_of_the_process() -> None:
    code = "from tests.controller.test_clock import exchanges; print(exchanges(7, 20, 60.0))"
    answers = [child(code, PYTHONHASHSEED=hash_seed).communicate(timeout=60) for hash_seed in ("1", "2")]
    assert answers[0][0], answers[0][1]
    assert answers[0][0] == answers[1][0]


@pytest.mark.soak
def test_an_hour_of_1000_peers_gives_the_same_trace_twice() -> None:
    assert exchanges(seed=7, peers=1000, for_s=3600.0) == exchanges(seed=7, peers=1000, for_s=3600.0)


def test_a_fresh_seed_differs_from_the_last_and_cpu_seconds_grow() -> None:
    before = cpu_s()
    assert len({fresh_seed() for _ in range(20)}) > 1
    assert cpu_s() >= before


@given(st.lists(st.floats(1e-9, 1e7), min_size=1, max_size=8), st.floats(0.0, 1e7))
def test_no_virtual_timer_fires_before_its_time(delays_s: list[float], start_s: float) -> None:
    """Who looks at the clock when its timer fires finds it due, and never has to wait again for what is left of it."""

    async def main(_: Clock) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(start_s)

        async def waits(due_s: float) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await loop.create_future()
            assert loop.time() >= due_s

        async with asyncio.TaskGroup() as tasks:
            for delay_s in delays_s:
                tasks.create_task(waits(loop.time() + delay_s))

    run(main, virtual_tempo())
