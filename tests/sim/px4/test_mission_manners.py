"""What PX4 says to partners who talk out of turn during a transfer, and how transfers end that nobody finishes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone import SimDrone
from sim.drone.items import FENCE, MISSION, RALLY
from sim.links import memory_link
from tests.sim.px4.scene import commander, play
from tests.sim.station import Station, item_message, waypoint

ACCEPTED, ERROR = int(mavlink.MAV_MISSION_ACCEPTED), int(mavlink.MAV_MISSION_ERROR)
UNSUPPORTED, CANCELLED = int(mavlink.MAV_MISSION_UNSUPPORTED), int(mavlink.MAV_MISSION_OPERATION_CANCELLED)
TWO = [waypoint(10.0, 0.0, 10.0), waypoint(20.0, 0.0, 10.0)]


def count(n: int, kind: int = MISSION) -> Any:
    return mavlink.MAVLink_mission_count_message(1, 1, n, kind)


def listing(kind: int = MISSION) -> Any:
    return mavlink.MAVLink_mission_request_list_message(1, 1, kind)


def request(seq: int, kind: int = MISSION) -> Any:
    return mavlink.MAVLink_mission_request_int_message(1, 1, seq, kind)


def ack(result: int, kind: int = MISSION) -> Any:
    return mavlink.MAVLink_mission_ack_message(1, 1, result, kind)


async def said(station: Station, text: str) -> None:
    await station.until(lambda: text in station.texts())


async def begun(station: Station, n: int = 2, kind: int = MISSION) -> None:
    """Announce a list, and hear its first item asked for."""
    assert (await station.answer("MISSION_REQUEST_INT", count(n, kind))).seq == 0


@asynccontextmanager
async def another(sim: SimDrone, system_id: int = 254) -> AsyncIterator[Station]:
    """A second ground station on a link of its own."""
    near, far = memory_link(rng=random.Random(9))
    sim.attach(near)
    async with Station(far, system_id=system_id) as station:
        await asyncio.sleep(0.1)
        yield station


def test_one_upload_at_a_time_over_all_links() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        async with another(sim) as other:
            await begun(station)
            refused = await other.answer("MISSION_ACK", count(1))
            assert (refused.type, refused.target_system) == (ERROR, 254)
            assert await station.upload(TWO) == ACCEPTED  # the first one goes on
            assert await other.upload(TWO[:1]) == ACCEPTED
            assert len(commander(sim).mission) == 1

    play(scene)


def test_both_links_may_read_at_the_same_time() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        async with another(sim) as other:
            mine, theirs = await asyncio.gather(station.download(), other.download())
            assert [m.seq for m in mine] == [m.seq for m in theirs] == [0, 1]

    play(scene)


def test_a_list_announced_again_is_asked_for_again_until_its_first_item_has_come() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await begun(station)
        await begun(station)
        station.send(item_message(TWO[0], 0))
        await station.until(lambda: station.of("MISSION_REQUEST_INT")[-1].seq == 1)
        assert (await station.answer("MISSION_ACK", count(2))).type == ERROR
        assert "WPM: REJ. CMD: Busy" in station.texts()
        assert (await station.answer("MISSION_ACK", item_message(TWO[1], 1))).type == ACCEPTED

    play(scene)


def test_a_list_is_not_taken_while_one_is_read() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        await station.answer("MISSION_COUNT", listing())
        assert (await station.answer("MISSION_ACK", count(1))).type == ERROR
        assert "WPM: IGN MISSION_COUNT: Busy" in station.texts()
        assert len(commander(sim).mission) == 2

    play(scene)


def test_neither_a_current_item_nor_a_clearing_is_taken_during_a_transfer() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        await begun(station)
        station.send(mavlink.MAVLink_mission_set_current_message(1, 1, 1))
        await said(station, "WPM: IGN WP CURR CMD: Busy")
        station.send(mavlink.MAVLink_mission_clear_all_message(1, 1))
        await said(station, "WPM: IGN CLEAR CMD: Busy")
        assert len(commander(sim).mission) == 2

    play(scene)


def test_an_item_of_another_list_is_an_error_and_the_transfer_goes_on() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await begun(station)
        assert (await station.answer("MISSION_ACK", item_message(TWO[0], 0, RALLY))).type == ERROR
        station.send(item_message(TWO[0], 0))
        await station.until(lambda: station.of("MISSION_REQUEST_INT")[-1].seq == 1)
        assert (await station.answer("MISSION_ACK", item_message(TWO[1], 1))).type == ACCEPTED

    play(scene)


def test_an_item_that_nobody_asked_for_is_an_error() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert (await station.answer("MISSION_ACK", item_message(TWO[0], 5))).type == ERROR
        assert "IGN MISSION_ITEM: No transfer" in station.texts()
        assert await station.upload(TWO) == ACCEPTED
        await station.answer("MISSION_COUNT", listing())
        assert (await station.answer("MISSION_ACK", item_message(TWO[0], 0))).type == ERROR
        assert "IGN MISSION_ITEM: Busy" in station.texts()

    play(scene)


def test_a_partner_who_does_not_know_a_form_of_request_is_asked_in_the_other() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await begun(station)
        assert (await station.answer("MISSION_REQUEST", ack(UNSUPPORTED))).seq == 0
        assert (await station.answer("MISSION_REQUEST_INT", ack(UNSUPPORTED))).seq == 0

    play(scene)


def test_a_partner_may_cancel_what_he_sends() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        await begun(station)
        station.send(ack(CANCELLED))
        await asyncio.sleep(0.2)
        heard = len(station.of("MISSION_REQUEST_INT"))
        await asyncio.sleep(6.0)
        assert len(station.of("MISSION_REQUEST_INT")) == heard
        assert "Operation timeout" not in station.texts()
        assert await station.upload(TWO) == ACCEPTED

    play(scene)


def test_nobody_else_can_end_or_answer_a_transfer() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        await station.answer("MISSION_COUNT", listing())
        stranger = Station(station.link, system_id=77, heartbeat=False)
        stranger.send(ack(ACCEPTED))
        await said(station, "REJ. WP CMD: partner id mismatch")
        stranger.send(request(0))
        await said(station, "WPM: REJ. CMD: partner id mismatch")
        assert station.of("MISSION_ITEM_INT") == []
        assert (await station.answer("MISSION_ITEM_INT", request(0))).seq == 0

    play(scene)


def test_items_are_not_given_while_a_list_is_taken_nor_out_of_turn() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        station.send(request(0))  # some displays ask out of turn
        await asyncio.sleep(0.5)
        assert station.of("MISSION_ITEM_INT") == []
        await begun(station, kind=RALLY)
        station.send(request(0))
        await said(station, "WPM: REJ. CMD: Busy")
        station.send(listing())
        await said(station, "Mission download request ignored, already active")
        assert station.of("MISSION_ITEM_INT") == []

    play(scene)


def test_a_download_may_begin_again_and_gives_the_item_before_once_more() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        assert (await station.answer("MISSION_COUNT", listing())).count == 2
        assert (await station.answer("MISSION_ITEM_INT", request(0))).seq == 0
        assert (await station.answer("MISSION_ITEM_INT", request(0))).seq == 0  # its answer was lost
        assert (await station.answer("MISSION_COUNT", listing())).count == 2
        assert (await station.answer("MISSION_ITEM_INT", request(0))).seq == 0
        assert (await station.answer("MISSION_ITEM_INT", request(1))).seq == 1
        assert (await station.answer("MISSION_COUNT", listing(FENCE))).count == 0  # only the acknowledgement was lost

    play(scene)


def test_a_request_of_another_list_during_a_download_is_passed_over() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        await station.answer("MISSION_COUNT", listing())
        station.send(request(0, RALLY))
        await asyncio.sleep(0.5)
        assert station.of("MISSION_ITEM_INT") == []
        assert (await station.answer("MISSION_ITEM_INT", request(0))).seq == 0

    play(scene)


def test_a_download_that_nobody_finishes_is_given_up_and_told() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        assert await station.upload(TWO) == ACCEPTED
        await station.answer("MISSION_COUNT", listing())
        await asyncio.sleep(6.0)
        assert "Operation timeout" in station.texts()
        station.send(request(0))
        await asyncio.sleep(0.5)
        assert station.of("MISSION_ITEM_INT") == []

    play(scene)


def test_an_upload_over_a_link_that_goes_away_leaves_room_for_another() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        async with another(sim) as other:
            await begun(other)
            other.link.close()
            await asyncio.sleep(1.0)
            assert await station.upload(TWO) == ACCEPTED

    play(scene)


def test_what_is_for_everybody_or_another_component_is_not_answered() -> None:
    async def scene(sim: SimDrone, station: Station) -> None:
        for system, component in ((0, 1), (1, 100), (2, 1)):
            station.send(mavlink.MAVLink_mission_request_list_message(system, component, MISSION))
        await asyncio.sleep(0.5)
        assert station.of("MISSION_COUNT") == []
        for component in (0, 1, int(mavlink.MAV_COMP_ID_MISSIONPLANNER)):
            message = mavlink.MAVLink_mission_request_list_message(1, component, MISSION)
            assert (await station.answer("MISSION_COUNT", message)).count == 0

    play(scene)
