from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from controller.links.drone import DeadlinePassed, DroneLink
from controller.links.transport import TransportClosed
from tests.controller.links.air import air
from tests.controller.links.autopilot import (
    SYSTEM,
    Autopilot,
    connected,
    heartbeat,
    in_virtual_time,
    position,
)


def test_heartbeats_go_out_each_second_as_ground_station() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        for _ in range(10):
            link.beat()
            await asyncio.sleep(1.0)
        beats = autopilot.got("HEARTBEAT")
        assert 10 <= len(beats) <= 12
        assert {(b.get_srcSystem(), b.get_srcComponent(), b.type, b.autopilot) for b in beats} == {(255, 190, 6, 8)}

    in_virtual_time(body)


def test_heartbeats_stop_when_the_program_is_stuck_and_come_back_with_it() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        link.beat()
        await asyncio.sleep(20.0)
        stopped_at = len(autopilot.got("HEARTBEAT"))
        assert 5 <= stopped_at <= 7
        link.beat()
        await asyncio.sleep(1.5)
        assert len(autopilot.got("HEARTBEAT")) > stopped_at

    in_virtual_time(body)


def test_the_first_autopilot_heard_is_taken_when_no_system_is_named() -> None:
    async def main(clock: Clock) -> None:
        async with connected(clock, system_id=None) as (link, autopilot):
            autopilot.silent = True
            await asyncio.sleep(1.5)
            autopilot.say_as(200, 190, heartbeat(9, kind=6, autopilot=8))  # another ground station
            autopilot.say_as(9, 100, heartbeat(9, kind=30, autopilot=8))  # a camera
            await asyncio.sleep(0.5)
            autopilot.silent = False
            state = await link.wait_for("a heartbeat", lambda s: s.heartbeats > 0, 5.0)
            assert state.system_id == link.system_id == SYSTEM

    run(main, virtual_tempo())


def test_other_drones_on_the_same_link_change_nothing() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.say_as(8, 1, heartbeat(9, armed=True))
        autopilot.say_as(8, 1, position(50_000))
        await asyncio.sleep(0.5)
        assert link.state.mode == "STABILIZE"
        assert link.state.armed is False
        assert link.state.lat_deg is None
        assert link.statistics.foreign == 2

    in_virtual_time(body)


def test_wait_for_returns_at_the_message_that_makes_it_true() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        loop.call_later(2.345, autopilot.say, heartbeat(4))
        state = await link.wait_for("GUIDED", lambda s: s.mode == "GUIDED", 10.0)
        assert state.mode == "GUIDED"
        assert loop.time() - began_s == pytest.approx(2.345 + 0.005)
        await link.wait_for("STABILIZE again", lambda s: s.mode == "STABILIZE", 2.0)
        assert state.mode == "GUIDED", "what was returned is a snapshot"

    in_virtual_time(body)


def test_a_passed_deadline_tells_what_was_awaited_and_what_the_autopilot_said() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.statustext("said before")
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(1.0, autopilot.statustext, "PreArm: Need Position Estimate")
        with pytest.raises(DeadlinePassed, match=r"armed: not within 3 s.*Need Position Estimate") as caught:
            await link.wait_for("armed", lambda s: bool(s.armed), 3.0)
        assert [text.text for text in caught.value.texts] == ["PreArm: Need Position Estimate"]

    in_virtual_time(body)


def test_a_condition_that_fails_hurts_only_the_one_who_waits() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def broken(state: Any) -> bool:
            return bool(1 / (state.heartbeats - state.heartbeats) if state.heartbeats > 1 else False)

        with pytest.raises(ZeroDivisionError):
            await link.wait_for("nonsense", broken, 5.0)
        await link.wait_for("life goes on", lambda s: s.heartbeats > 5, 10.0)

    in_virtual_time(body)


def test_every_subscriber_gets_every_message_it_asked_for() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with (
            link.listen("STATUSTEXT") as texts,
            link.listen("STATUSTEXT", "COMMAND_ACK") as both,
            link.listen() as all_,
        ):
            for i in range(5):
                autopilot.statustext(f"text {i}")
                autopilot.ack(400)
            await asyncio.sleep(0.1)
            assert [(await texts.get()).text for _ in range(5)] == [f"text {i}" for i in range(5)]
            assert [(await both.get()).get_type() for _ in range(10)] == ["STATUSTEXT", "COMMAND_ACK"] * 5
            assert len(all_) >= 10
            with pytest.raises(TimeoutError):
                await texts.get(0.2)

    in_virtual_time(body)


def test_a_subscriber_that_does_not_read_loses_only_above_its_bound_and_it_is_counted() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with link._subscriptions.listen("STATUSTEXT", bound=3) as inbox:
            for i in range(5):
                autopilot.statustext(f"text {i}")
            await asyncio.sleep(0.1)
            assert inbox.overflowed == 2
            assert [(await inbox.get()).text for _ in range(3)] == ["text 0", "text 1", "text 2"]

    in_virtual_time(body)


def test_an_inbox_can_be_iterated_and_ends_with_the_link() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with link.listen("STATUSTEXT") as inbox:
            autopilot.statustext("one")
            autopilot.statustext("two")
            asyncio.get_running_loop().call_later(1.0, autopilot.end.close)
            assert [message.text async for message in inbox] == ["one", "two"]
        assert link.closed
        with link.listen("STATUSTEXT") as late, pytest.raises(TransportClosed):
            await late.get()
        with pytest.raises(TransportClosed):
            await link.wait_for("anything", lambda s: False, 1.0)

    in_virtual_time(body)


def test_who_waits_when_the_link_closes_is_told_at_once() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        loop.call_later(1.0, autopilot.end.close)
        with pytest.raises(TransportClosed):
            await link.wait_for("never", lambda s: False, 60.0)
        assert loop.time() - began_s < 1.1

    in_virtual_time(body)


def test_an_error_inside_the_link_comes_out_as_it_is_and_closes_the_transport() -> None:
    async def main(clock: Clock) -> None:
        ours, _ = air()
        with pytest.raises(LookupError):
            async with DroneLink("D1", ours, clock, system_id=None):
                raise LookupError
        assert ours.closed

    run(main, virtual_tempo())


def test_a_cancelled_owner_leaves_no_task_behind() -> None:
    async def main(clock: Clock) -> None:
        ours, _ = air()

        async def own() -> None:
            async with DroneLink("D1", ours, clock, system_id=None):
                await asyncio.sleep(1000.0)

        task = asyncio.create_task(own())
        await asyncio.sleep(3.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ours.closed
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main, virtual_tempo())


def test_the_age_of_the_link_grows_while_it_is_silent() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.silent = True
        await asyncio.sleep(7.0)
        age_s = link.age_s()
        assert age_s is not None
        assert 6.0 <= age_s <= 8.0

    in_virtual_time(body)


def test_garbage_on_the_link_is_counted_and_the_link_lives() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.end.send(b"\xfd\xfe garbage \xfd\x00")
        autopilot.end.send(bytes(range(256)))
        beats = link.state.heartbeats
        await link.wait_for("more heartbeats", lambda s: s.heartbeats > beats + 3, 20.0)
        assert link.statistics.junk_bytes > 0

    in_virtual_time(body)


def test_messages_of_other_components_reach_no_subscriber() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with link.listen() as inbox:
            autopilot.say_as(SYSTEM, 191, mavlink.MAVLink_statustext_message(2, b"from a companion computer"))
            await asyncio.sleep(0.1)
            assert "STATUSTEXT" not in {(await inbox.get()).get_type() for _ in range(len(inbox))}
            assert not link.state.texts

    in_virtual_time(body)


def test_long_texts_reach_their_listeners_whole() -> None:
    long = "Requested rate for message ID 30 too fast. Increase SCHED_LOOP_RATE"

    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with link.listen_texts() as texts, link.listen() as everything:
            autopilot.say(mavlink.MAVLink_statustext_message(4, long[:50].encode(), 9, 0))
            autopilot.say(mavlink.MAVLink_statustext_message(4, long[50:].encode(), 9, 1))
            autopilot.statustext("short", severity=6)
            assert [(await texts.get()).text for _ in range(2)] == [long, "short"]
            kinds = {(await everything.get()).get_type() for _ in range(len(everything))}
            assert kinds <= {"STATUSTEXT", "HEARTBEAT"}

    in_virtual_time(body)
