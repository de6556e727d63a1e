"""The mission protocol as observed on the real autopilot (the sentence is quoted in the test)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock, run, virtual_tempo
from sim.drone.items import StoredItem, keep
from sim.drone.parameters import float32
from sim.links import memory_link
from tests.sim.station import HOME, RTL, Station, item_message, place, stage, waypoint

SOME = [HOME, waypoint(0, 50, 20), waypoint(50, 50, 20), waypoint(50, 0, 20)]


def count(n: int, kind: int = 0) -> Any:
    return mavlink.MAVLink_mission_count_message(1, 1, n, kind)


async def listed(station: Station, kind: int = 0) -> int:
    reply = await station.answer("MISSION_COUNT", mavlink.MAVLink_mission_request_list_message(1, 1, kind))
    return int(reply.count)


def test_an_empty_list_counts_0_and_home_makes_it_1() -> None:
    # "REQUEST_LIST -> MISSION_COUNT; 0 before home is set (and after CLEAR or COUNT 0), 1 once home is set on a fresh
    # eeprom. Item 0 is always HOME: frame 0, command 16, absolute altitude"
    async def main(clock: Clock) -> None:
        async with stage(clock, warm=False) as (_, station):
            assert await listed(station) == 0
            await asyncio.sleep(25.0)
            assert await listed(station) == 1
            (home,) = await station.download()
            assert (home.frame, home.command, home.z) == (0, 16, 100.0)
            assert (home.x, home.y) == place(0, 0)
            clear = mavlink.MAVLink_mission_clear_all_message(1, 1, 0)
            assert (await station.answer("MISSION_ACK", clear)).type == 0
            assert await listed(station) == 0

    run(main, virtual_tempo())


def test_an_upload_is_asked_for_item_by_item_and_item_0_becomes_home() -> None:
    # "MISSION_COUNT n -> MISSION_REQUEST (never _INT) seq 0; each ITEM_INT -> next MISSION_REQUEST; last ->
    # MISSION_ACK 0, then STATUSTEXT "Flight plan received"."; "whatever the GCS uploads as seq 0 is replaced by home"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload([waypoint(500, 500, 99), *SOME[1:]]) == 0
            assert [m.seq for m in station.of("MISSION_REQUEST")] == [0, 1, 2, 3]
            assert not station.of("MISSION_REQUEST_INT")
            await asyncio.sleep(0.1)
            kinds = [m.get_type() for _, m in station.heard]
            assert "STATUSTEXT" in kinds[kinds.index("MISSION_ACK") :]
            assert station.texts()[-1] == "Flight plan received"
            ack = station.of("MISSION_ACK")[-1]
            assert (ack.target_system, ack.target_component, ack.mission_type) == (255, 190, 0)
            got = await station.download()
            assert (got[0].x, got[0].y, got[0].z, got[0].frame) == (*place(0, 0), 100.0, 0)
            assert [(m.x, m.y, m.z) for m in got[1:]] == [(i.x, i.y, i.z) for i in SOME[1:]]

    run(main, virtual_tempo())


def test_the_old_messages_work_with_a_warning() -> None:
    # "Old MISSION_ITEM accepted too, with warning "got MISSION_ITEM; GCS should send MISSION_ITEM_INT" (once an
    # upload)."; "MISSION_REQUEST (not INT) -> MISSION_ITEM float (34.747047424) + warning"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            sent: list[int] = []
            station.send(count(3))
            for seq in range(3):
                await station.until(lambda: len(station.of("MISSION_REQUEST")) > len(sent))
                sent.append(seq)
                item = SOME[seq]
                station.send(
                    mavlink.MAVLink_mission_item_message(
                        1, 1, seq, 3, 16, 0, 1, 0, 0, 0, 0, item.x / 1e7, item.y / 1e7, item.z, 0
                    )
                )
            await station.until(lambda: station.of("MISSION_ACK"))
            await asyncio.sleep(0.1)
            assert station.texts().count("got MISSION_ITEM; GCS should send MISSION_ITEM_INT") == 1
            got = await station.answer("MISSION_ITEM", mavlink.MAVLink_mission_request_message(1, 1, 1, 0))
            assert got.x == pytest.approx(SOME[1].x / 1e7, abs=4e-6)
            assert "got MISSION_REQUEST; use MISSION_REQUEST_INT!" in station.texts()

    run(main, virtual_tempo())


def test_reading_beyond_the_end_gets_the_count_and_a_refusal() -> None:
    # "REQUEST_INT out of range -> MISSION_COUNT, then MISSION_ACK 13 INVALID_SEQUENCE."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await station.upload(SOME)
            begin = len(station.heard)
            ask = mavlink.MAVLink_mission_request_int_message(1, 1, 9, 0)
            assert (await station.answer("MISSION_ACK", ask)).type == 13
            assert [m.get_type() for _, m in station.heard[begin:]][:2] == ["MISSION_COUNT", "MISSION_ACK"]

    run(main, virtual_tempo())


def test_a_wrong_item_is_refused_and_the_upload_goes_on() -> None:
    # "Item with wrong seq -> ACK 13, upload goes on (no abort)."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            station.send(count(4))
            await station.until(lambda: station.of("MISSION_REQUEST"))
            wrong = item_message(SOME[2], 2)
            assert (await station.answer("MISSION_ACK", wrong)).type == 13
            for seq, item in enumerate(SOME):
                station.send(item_message(item, seq))
            ack = await station.until(lambda: [m for m in station.of("MISSION_ACK") if m.type == 0])
            assert ack
            assert len(await station.download()) == 4

    run(main, virtual_tempo())


def test_a_missing_item_is_asked_for_each_second_and_given_up_after_8() -> None:
    # "No item: MISSION_REQUEST repeated every 1.0 s; 8.0 s after the last item -> ACK 15 OPERATION_CANCELLED +
    # "Mission upload timeout"; the list stays truncated to the new count (old 4 items, aborted COUNT 3 -> count 3)"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await station.upload(SOME)
            begin = clock.monotonic_s()
            ack = await station.answer("MISSION_ACK", count(3), within_s=12.0)
            assert ack.type == 15
            assert clock.monotonic_s() - begin == pytest.approx(8.0, abs=0.3)
            assert len(station.of("MISSION_REQUEST", begin)) == 8
            await asyncio.sleep(0.1)
            assert "Mission upload timeout" in station.texts()
            assert await listed(station) == 3

    run(main, virtual_tempo())


def test_during_an_upload_a_list_or_another_station_is_denied() -> None:
    # "While an upload runs: REQUEST_LIST, or COUNT from another GCS -> ACK 14 DENIED. Same GCS may restart"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            near, far = memory_link(rng=random.Random(5))
            sim.attach(near)
            async with Station(far, system_id=200) as other:
                station.send(count(4))
                await station.until(lambda: station.of("MISSION_REQUEST"))
                listing = mavlink.MAVLink_mission_request_list_message(1, 1, 0)
                assert (await station.answer("MISSION_ACK", listing)).type == 14
                assert (await other.answer("MISSION_ACK", count(2))).type == 14
                assert await station.upload(SOME) == 0

    run(main, virtual_tempo())


@pytest.mark.parametrize(
    ("bad", "result"),
    [
        (StoredItem(31999, 3), 3),
        (StoredItem(16, 3, x=2000000000), 10),
        (StoredItem(16, 3, param1=float("nan")), 6),
        (StoredItem(16, 99, x=347000000, y=1136000000), 2),
    ],
)
def test_a_bad_item_ends_the_upload_and_leaves_what_was_written(bad: StoredItem, result: int) -> None:
    # "Unsupported command -> ACK 3; lat 200 deg -> ACK 10 INVALID_PARAM5_X; NaN param1 -> ACK 6 INVALID_PARAM1; frame
    # 99 -> ACK 2. Each aborts and leaves the items written so far."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload([HOME, SOME[1], bad, SOME[3]]) == result
            assert await listed(station) == 2

    run(main, virtual_tempo())


def test_too_many_items_are_refused_and_the_old_mission_kept() -> None:
    # "COUNT > 650 -> ACK 4 NO_SPACE + "Only 650 items are supported", old mission kept. COUNT 0 -> ACK 0, clears."
    # "Type 255 (CLEAR_ALL or LIST) and type 3 -> ACK 3 UNSUPPORTED."
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await station.upload(SOME)
            assert (await station.answer("MISSION_ACK", count(651))).type == 4
            await asyncio.sleep(0.1)
            assert "Only 650 items are supported" in station.texts()
            assert await listed(station) == 4
            assert (await station.answer("MISSION_ACK", count(71, 1))).type == 4
            assert (await station.answer("MISSION_ACK", count(0))).type == 0
            assert await listed(station) == 0
            for kind in (3, 255):
                clear = mavlink.MAVLink_mission_clear_all_message(1, 1, kind)
                assert (await station.answer("MISSION_ACK", clear)).type == 3
                ask = mavlink.MAVLink_mission_request_list_message(1, 1, kind)
                assert (await station.answer("MISSION_ACK", ask)).type == 3

    run(main, virtual_tempo())


def test_what_comes_back_is_not_always_what_was_sent() -> None:
    # "frame 6 comes back as frame 3; frame 2 (MISSION) items come back as frame 0; non-position items have x=y=0;
    # LOITER_TIME param3 came back 1.0 for 0; `current` always 0; NAV_TAKEOFF uploaded with 0/0 stays 0/0; DO_JUMP,
    # DO_CHANGE_SPEED, CONDITION_YAW, SPLINE, DELAY, DIGICAM, CAM_TRIGG_DIST accepted."
    x, y = place(10, 10)
    sent = [
        HOME,
        StoredItem(22, 6, z=20.0),
        StoredItem(16, 6, x=x, y=y, z=20.0),
        StoredItem(19, 3, 5.0, x=x, y=y, z=20.0),
        StoredItem(178, 2, 1.0, 5.0, x=x, y=y),
        StoredItem(177, 2, 2.0, 1.0),
        StoredItem(115, 2, 90.0),
        StoredItem(82, 3, x=x, y=y, z=20.0),
        StoredItem(93, 2, 3.0),
        StoredItem(203, 2),
        StoredItem(206, 2, 10.0),
    ]

    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            assert await station.upload(sent) == 0
            got = await station.download()
            assert all(m.current == 0 for m in got)
            assert (got[1].frame, got[1].x, got[1].y) == (3, 0, 0)
            assert got[2].frame == 3
            assert got[3].param3 == 1.0
            for place_, item in enumerate(got[4:7], 4):
                assert (item.frame, item.x, item.y) == (0, 0, 0), place_
            assert (got[4].param1, got[4].param2) == (1.0, 5.0)
            assert [m.command for m in got[1:]] == [i.command for i in sent[1:]]

    run(main, virtual_tempo())


def test_an_item_is_kept_as_it_is_sent_again() -> None:
    for item in SOME[1:]:
        kept = keep(item, 0)
        assert isinstance(kept, StoredItem)
        assert keep(kept, 0) == kept


@settings(deadline=None)
@given(st.integers(0, 12000))
def test_heights_of_whole_centimetres_survive(centimetres: int) -> None:
    z = float32(centimetres / 100.0)
    kept = keep(replace(SOME[1], z=z), 0)
    assert isinstance(kept, StoredItem)
    assert kept.z == pytest.approx(z, abs=0.0101)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**16), loss=st.floats(0.0, 0.15), size=st.integers(1, 40))
def test_a_patient_station_gets_its_mission_through_a_lossy_link(seed: int, loss: float, size: int) -> None:
    items = [HOME, *(waypoint(i, 50, 20) for i in range(size))]

    async def main(clock: Clock) -> None:
        async with stage(clock, seed=seed, loss=loss) as (sim, station):
            for _ in range(20):
                try:
                    if await station.upload(items) == 0:
                        break
                except TimeoutError:
                    continue
            kept = sim.autopilot.lists.mission
            assert [(i.x, i.y) for i in kept[1:]] == [(i.x, i.y) for i in items[1:]]

    run(main, virtual_tempo())


def test_the_current_item_can_be_chosen() -> None:
    # "MISSION_SET_CURRENT(5) (no ack) and 224 DO_SET_MISSION_CURRENT (ACCEPTED; out of range DENIED(2)) -> seen in
    # MISSION_CURRENT. MISSION_CURRENT.total = count-1"
    async def main(clock: Clock) -> None:
        async with stage(clock) as (_, station):
            await station.upload([*SOME, RTL])
            await station.command(511, 42, 200000)
            station.send(mavlink.MAVLink_mission_set_current_message(1, 1, 3))
            await asyncio.sleep(0.5)
            current = station.of("MISSION_CURRENT")[-1]
            assert (current.seq, current.total, current.mission_state, current.mission_mode) == (3, 4, 2, 0)
            assert await station.command(224, 2) == 0
            assert await station.command(224, 77) == 2
            await asyncio.sleep(0.5)
            assert station.of("MISSION_CURRENT")[-1].seq == 2

    run(main, virtual_tempo())
