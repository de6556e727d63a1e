from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.drone import DroneLink
from tests.controller.links.air import Faults
from tests.controller.links.autopilot import SYSTEM, Autopilot, ack, heartbeat, in_virtual_time

ARM = mavlink.MAV_CMD_COMPONENT_ARM_DISARM


def test_an_accepted_command_is_accepted_at_the_first_try() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.on("COMMAND_LONG", lambda m: autopilot.ack(m.command))
        outcome = await link.command(ARM, 1.0, p7=7.0)
        assert outcome.accepted
        assert (outcome.detail, outcome.result, outcome.tries) == ("ACCEPTED", 0, 1)
        (sent,) = autopilot.got("COMMAND_LONG")
        assert (sent.target_system, sent.target_component, sent.param1, sent.param7) == (SYSTEM, 1, 1.0, 7.0)

    in_virtual_time(body)


def test_a_rejection_carries_the_result_and_the_words_that_came_with_it() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def refuse(message: Any) -> None:
            autopilot.statustext("Arm: Need Position Estimate", severity=2)  # the text comes before the ACK
            autopilot.ack(message.command, mavlink.MAV_RESULT_FAILED)

        autopilot.statustext("EKF3 IMU0 is using GPS", severity=6)
        autopilot.on("COMMAND_LONG", refuse)
        outcome = await link.command(ARM, 1.0)
        assert outcome.outcome == "rejected"
        assert outcome.detail == "FAILED: Arm: Need Position Estimate"

    in_virtual_time(body)


def test_words_that_come_after_the_refusal_are_waited_for_a_moment() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def refuse(message: Any) -> None:
            autopilot.ack(message.command, mavlink.MAV_RESULT_DENIED)
            asyncio.get_running_loop().call_later(0.1, autopilot.statustext, "No ap_message for mavlink id (230)")

        autopilot.on("COMMAND_LONG", refuse)
        outcome = await link.command(511, 230.0, 1e6)
        assert outcome.detail == "DENIED: No ap_message for mavlink id (230)"

    in_virtual_time(body)


def test_a_silent_drone_makes_the_outcome_unknown_and_each_try_says_which_it_is() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        outcome = await link.command(ARM, 1.0, retries=2, within_s=0.7)
        assert outcome.outcome == "unknown"
        assert outcome.detail == "COMPONENT_ARM_DISARM: no answer to 3 tries"
        assert [message.confirmation for message in autopilot.got("COMMAND_LONG")] == [0, 1, 2]

    in_virtual_time(body)


def test_answers_to_other_commands_other_stations_and_from_other_drones_do_not_count() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def answer(message: Any) -> None:
            autopilot.ack(message.command + 1)
            autopilot.ack(message.command, target=200)
            autopilot.ack(message.command, component=77)
            autopilot.say_as(SYSTEM + 1, 1, ack(message.command))
            autopilot.say_as(SYSTEM, 100, ack(message.command))

        autopilot.on("COMMAND_LONG", answer)
        outcome = await link.command(ARM, 1.0, retries=1)
        assert outcome.outcome == "unknown"

    in_virtual_time(body)


def test_an_answer_in_mavlink_1_names_no_target_and_counts() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.on("COMMAND_LONG", lambda m: autopilot.ack(m.command, target=0, component=0))
        assert (await link.command(ARM, 1.0)).accepted

    in_virtual_time(body)


def test_in_progress_extends_the_wait_without_sending_again() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()

        def answer(message: Any) -> None:
            for i in range(4):
                loop.call_later(0.5 + 3.0 * i, autopilot.ack, message.command, mavlink.MAV_RESULT_IN_PROGRESS)
            loop.call_later(11.0, autopilot.ack, message.command)

        autopilot.on("COMMAND_LONG", answer)
        outcome = await link.command(241)
        assert outcome.accepted
        assert len(autopilot.got("COMMAND_LONG")) == 1

    in_virtual_time(body)


def test_in_progress_and_then_silence_is_unknown() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.on("COMMAND_LONG", lambda m: autopilot.ack(m.command, mavlink.MAV_RESULT_IN_PROGRESS))
        outcome = await link.command(241)
        assert outcome.outcome == "unknown"
        assert "IN_PROGRESS" in outcome.detail

    in_virtual_time(body)


def test_a_failure_after_a_lost_answer_is_unknown_because_the_first_try_may_have_worked() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def take_off_once(message: Any) -> None:
            if message.confirmation > 0:
                autopilot.ack(message.command, mavlink.MAV_RESULT_FAILED)  # already flying

        autopilot.on("COMMAND_LONG", take_off_once)
        outcome = await link.command(mavlink.MAV_CMD_NAV_TAKEOFF, p7=10.0)
        assert outcome.outcome == "unknown"
        assert "an earlier one may have been carried out" in outcome.detail

    in_virtual_time(body)


def test_command_int_carries_degrees_as_integers() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.on("COMMAND_INT", lambda m: autopilot.ack(m.command))
        outcome = await link.command(192, -1.0, p5=34.7512345, p6=113.65, p7=40.0, as_int=True)
        assert outcome.accepted
        (sent,) = autopilot.got("COMMAND_INT")
        assert (sent.x, sent.y, sent.z, sent.frame) == (347512345, 1136500000, 40.0, 3)

    in_virtual_time(body)


def test_commands_of_the_same_number_wait_for_each_other_and_others_do_not() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()

        def answer(message: Any) -> None:
            if message.command == 511:
                loop.call_later(0.6, autopilot.ack, 511, int(message.param1) % 2)
            else:
                autopilot.ack(message.command)

        autopilot.on("COMMAND_LONG", answer)
        async with asyncio.TaskGroup() as tasks:
            even, odd = (tasks.create_task(link.command(511, i)) for i in (30.0, 33.0))
            arm = tasks.create_task(link.command(ARM, 1.0))
            await arm
            assert not even.done()
        assert (even.result().outcome, odd.result().outcome) == ("accepted", "rejected")

    in_virtual_time(body)


def test_a_link_that_closes_during_a_command_makes_it_unknown() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        asyncio.get_running_loop().call_later(0.5, autopilot.end.close)
        outcome = await link.command(ARM, 1.0)
        assert outcome.outcome == "unknown"
        assert "closed" in outcome.detail

    in_virtual_time(body)


@pytest.mark.parametrize("seed", range(10))
def test_commands_get_through_a_third_of_loss(seed: int) -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> str:
        autopilot.on("COMMAND_LONG", lambda m: autopilot.ack(m.command))
        return (await link.command(ARM, 1.0, retries=15)).outcome

    assert in_virtual_time(body, Faults(loss=0.3, duplicates=0.2, spread_s=0.1), seed) == "accepted"


def _modes(autopilot: Autopilot, *, loses_ack: bool = False, keeps_mode: bool = False) -> None:
    def answer(message: Any) -> None:
        assert (message.command, message.param1) == (176, 1.0)
        if not keeps_mode:
            autopilot.mode = int(message.param2)
        if not loses_ack:
            autopilot.ack(176)

    autopilot.on("COMMAND_LONG", answer)


def test_a_mode_is_set_when_a_heartbeat_shows_it() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        _modes(autopilot)
        assert (await link.set_mode("GUIDED")).accepted
        assert link.state.mode == "GUIDED"

    in_virtual_time(body)


def test_a_mode_that_no_heartbeat_shows_is_unknown_although_acknowledged() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        _modes(autopilot, keeps_mode=True)
        outcome = await link.set_mode("AUTO")
        assert outcome.outcome == "unknown"
        assert "heartbeat shows STABILIZE, not AUTO" in outcome.detail

    in_virtual_time(body)


def test_a_mode_that_heartbeats_show_is_accepted_although_the_answer_was_lost() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        _modes(autopilot, loses_ack=True)
        assert (await link.set_mode("RTL")).accepted

    in_virtual_time(body)


def test_a_rejected_mode_is_rejected() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def refuse(message: Any) -> None:
            autopilot.statustext("Mode change to AUTO failed: init failed")
            autopilot.ack(176, mavlink.MAV_RESULT_FAILED)

        autopilot.on("COMMAND_LONG", refuse)
        outcome = await link.set_mode("AUTO")
        assert (outcome.outcome, outcome.detail) == ("rejected", "FAILED: Mode change to AUTO failed: init failed")

    in_virtual_time(body)


def test_an_unknown_mode_name_is_the_callers_error() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with pytest.raises(KeyError):
            await link.set_mode("HOVERISH")

    in_virtual_time(body)


def test_the_old_mode_in_a_late_heartbeat_is_not_taken_for_the_answer() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        autopilot.mode = 3
        autopilot.say(heartbeat(3))
        await link.wait_for("AUTO", lambda s: s.mode == "AUTO", 2.0)
        autopilot.mode = 17
        outcome = await link.set_mode("AUTO")  # nobody answers, and the drone is in BRAKE by now
        assert outcome.outcome == "unknown"

    in_virtual_time(body)


def test_the_late_answer_to_an_earlier_try_is_not_taken_for_the_next_commands() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        loop = asyncio.get_running_loop()

        def slow_to_arm_and_deaf_to_disarm(message: Any) -> None:
            if message.param1 == 1.0:
                loop.call_later(1.05, autopilot.ack, message.command)

        autopilot.on("COMMAND_LONG", slow_to_arm_and_deaf_to_disarm)
        armed = await link.command(ARM, 1.0)
        assert (armed.outcome, armed.tries) == ("accepted", 2)
        disarmed = await link.command(ARM, 0.0, retries=0)
        assert disarmed.outcome == "unknown"

    in_virtual_time(body)


def test_long_words_in_chunks_after_a_refusal_are_given_whole() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        long = "Requested rate for message ID 30 too fast. Increase SCHED_LOOP_RATE"

        def refuse(message: Any) -> None:
            autopilot.ack(message.command, mavlink.MAV_RESULT_DENIED)
            autopilot.statustext("something else", severity=6)
            for seq in range(2):
                chunk = long[seq * 50 : seq * 50 + 50].encode()
                autopilot.say(mavlink.MAVLink_statustext_message(3, chunk, 1, seq))

        autopilot.on("COMMAND_LONG", refuse)
        assert (await link.command(511, 30.0, 2000.0)).detail == f"DENIED: {long}"

    in_virtual_time(body)


def test_a_late_answer_to_the_last_change_of_mode_does_not_pass_for_this_one() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        lost = [True]

        def answer(message: Any) -> None:
            if lost:  # the request was lost on its way; what comes is the answer to an earlier one
                lost.pop()
            else:
                autopilot.mode = int(message.param2)
            autopilot.ack(176)

        autopilot.on("COMMAND_LONG", answer)
        assert (await link.set_mode("AUTO")).accepted
        assert link.state.mode == "AUTO"
        assert len(autopilot.got("COMMAND_LONG")) == 2

    in_virtual_time(body)
