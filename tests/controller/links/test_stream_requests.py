from __future__ import annotations

import asyncio
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.drone import DroneLink
from controller.links.stream_requests import EXTRA_HZ
from controller.streams import STREAMS, Stream
from tests.controller.links.air import Faults
from tests.controller.links.autopilot import Autopilot, home, in_virtual_time, position

WANTED = {spec.mavlink: spec.rate_hz for spec in STREAMS.values() if spec.mavlink} | EXTRA_HZ
IDS = {getattr(mavlink, f"MAVLINK_MSG_ID_{name}"): name for name in WANTED}


class Streaming:
    """Sends positions and home at the rate asked for, as ArduPilot does; forgets on `reboot`."""

    def __init__(self, autopilot: Autopilot, denied: frozenset[str] = frozenset()) -> None:
        self.autopilot = autopilot
        self.denied = denied
        self.rates: dict[str, float] = {}
        self.asked: list[str] = []
        self.boot_s = -60.0
        autopilot.on("COMMAND_LONG", self._command)

    def _command(self, message: Any) -> None:
        assert message.command == mavlink.MAV_CMD_SET_MESSAGE_INTERVAL
        name = IDS[int(message.param1)]
        self.asked.append(name)
        if name in self.denied:
            self.autopilot.ack(511, mavlink.MAV_RESULT_DENIED)
            return
        self.rates[name] = 1e6 / message.param2
        self.autopilot.ack(511)

    def reboot(self) -> None:
        self.rates.clear()
        self.asked.clear()
        self.boot_s = asyncio.get_running_loop().time()

    async def run(self) -> None:
        while True:
            if "HOME_POSITION" in self.rates:
                self.autopilot.say(home())
            if "GLOBAL_POSITION_INT" in self.rates:
                boot_ms = int((asyncio.get_running_loop().time() - self.boot_s) * 1000)
                self.autopilot.say(position(5_000, boot_ms))
            await asyncio.sleep(0.25)


def test_every_drone_stream_of_the_table_is_asked_for_at_its_rate() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        streaming = Streaming(autopilot)
        await link.start_streams()
        assert streaming.rates == WANTED
        assert streaming.asked.count("GLOBAL_POSITION_INT") == 1
        assert link.streams.denied == set()

    in_virtual_time(body)


def test_a_denied_message_is_asked_for_as_its_stream_group() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        Streaming(autopilot, frozenset({"WIND", "EXTENDED_SYS_STATE"}))
        await link.start_streams()
        await asyncio.sleep(0.1)
        (request,) = autopilot.got("REQUEST_DATA_STREAM")
        assert (request.req_stream_id, request.req_message_rate, request.start_stop) == (12, 1, 1)
        assert link.streams.denied == {"WIND", "EXTENDED_SYS_STATE"}

    in_virtual_time(body)


def test_a_reboot_is_followed_by_asking_for_all_again() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        streaming = Streaming(autopilot)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(streaming.run())
            await link.start_streams()
            await link.wait_for("a height", lambda s: s.relative_m is not None, 5.0)
            await asyncio.sleep(10.0)
            streaming.reboot()
            await link.wait_for("the reboot", lambda s: s.boots == 1, 20.0)
            await link.wait_for("a height again", lambda s: s.relative_m is not None, 20.0)
            assert {"HOME_POSITION", "GLOBAL_POSITION_INT", "EKF_STATUS_REPORT"} <= set(streaming.asked)
            sending.cancel()

    in_virtual_time(body)


def test_a_stream_that_flows_is_left_alone_and_a_dry_one_is_asked_for_less_and_less_often() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        streaming = Streaming(autopilot)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(streaming.run())
            await link.start_streams()
            await asyncio.sleep(300.0)
            assert streaming.asked.count("GLOBAL_POSITION_INT") == 1
            assert 5 <= streaming.asked.count("WIND") <= 11
            sending.cancel()

    in_virtual_time(body)


def test_nothing_is_asked_of_a_drone_that_is_not_heard() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        Streaming(autopilot)
        await link.start_streams()
        autopilot.silent = True
        await asyncio.sleep(10.0)
        before = len(autopilot.got("COMMAND_LONG"))
        await asyncio.sleep(60.0)
        assert len(autopilot.got("COMMAND_LONG")) == before
        assert not link.freshness.fresh(Stream.HEARTBEAT)

    in_virtual_time(body)


def test_nothing_is_asked_before_streams_are_started() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        await asyncio.sleep(30.0)
        assert autopilot.got("COMMAND_LONG") == []

    in_virtual_time(body)


def test_streams_are_all_asked_for_over_a_bad_link_in_the_end() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        streaming = Streaming(autopilot)
        await link.start_streams()
        await asyncio.sleep(120.0)
        assert streaming.rates == WANTED

    in_virtual_time(body, Faults(loss=0.3, duplicates=0.1, spread_s=0.05), seed=4)


def test_a_drone_that_answers_no_request_does_not_hold_up_the_start() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        began_s = asyncio.get_running_loop().time()
        await link.start_streams()
        assert asyncio.get_running_loop().time() - began_s < 4.0
        streaming = Streaming(autopilot)  # now it does
        await asyncio.sleep(60.0)
        assert streaming.rates.keys() | {"HEARTBEAT"} == WANTED.keys(), "heartbeats flow unasked"

    in_virtual_time(body)
