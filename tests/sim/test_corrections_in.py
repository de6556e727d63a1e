"""RTCM over MAVLink: blocks cut into GPS_RTCM_DATA fragments and put together again."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as dialect

from sim.drone.corrections_in import FRAGMENT_BYTES, CorrectionsIn

mavlink: Any = dialect


def message(flags: int, data: bytes) -> Any:
    return mavlink.MAVLink_gps_rtcm_data_message(flags, len(data), list(data.ljust(FRAGMENT_BYTES, b"\0")))


def fragments(block: bytes, sequence: int) -> list[Any]:
    """A block cut as QGroundControl and the protocol's description do it."""
    if len(block) <= FRAGMENT_BYTES:
        return [message(sequence << 3, block)]
    pieces = [block[i : i + FRAGMENT_BYTES] for i in range(0, len(block), FRAGMENT_BYTES)]
    if len(pieces[-1]) == FRAGMENT_BYTES and len(pieces) < 4:
        pieces.append(b"")
    return [message(1 | number << 1 | (sequence % 32) << 3, piece) for number, piece in enumerate(pieces)]


def received(messages: list[Any]) -> list[bytes]:
    blocks: list[bytes] = []
    service = CorrectionsIn(blocks.append)
    for m in messages:
        assert service.handle(m)
    return blocks


@given(st.integers(1, 4 * FRAGMENT_BYTES), st.randoms(use_true_random=False))
def test_a_block_is_whole_again_in_whatever_order_its_fragments_come(size: int, chance: random.Random) -> None:
    block = chance.randbytes(size)
    parts = fragments(block, 5)
    chance.shuffle(parts)
    assert received(parts) == [block]


@given(st.lists(st.integers(1, 4 * FRAGMENT_BYTES), max_size=12), st.randoms(use_true_random=False))
def test_with_loss_and_repetition_no_block_is_ever_put_together_wrongly(
    sizes: list[int], chance: random.Random
) -> None:
    blocks = [chance.randbytes(size) for size in sizes]
    sent = [part for number, block in enumerate(blocks) for part in fragments(block, number)]
    through = [part for part in sent for _ in range(chance.choice([0, 1, 1, 1, 2]))]
    for got in received(through):
        # a lost last fragment can leave the block short of its end but never mix two blocks
        assert any(got == block for block in blocks)


def test_a_lost_fragment_costs_its_block_and_no_other() -> None:
    one, two, three = (bytes([value]) * 400 for value in (1, 2, 3))
    messages = [*fragments(one, 0), *fragments(two, 1)[:2], *fragments(three, 2)]
    assert received(messages) == [one, three]


def test_a_repeated_fragment_changes_nothing_and_a_different_one_begins_anew() -> None:
    one, two = bytes([1]) * 400, bytes([2]) * 400
    first = fragments(one, 3)
    assert received([first[0], first[0], *first[1:]]) == [one]
    assert received([*first[:2], *fragments(two, 3)]) == [two]


@pytest.mark.parametrize("size", [FRAGMENT_BYTES, 2 * FRAGMENT_BYTES, 3 * FRAGMENT_BYTES, 4 * FRAGMENT_BYTES])
def test_a_whole_number_of_fragments_ends_with_an_empty_one(size: int) -> None:
    block = bytes(range(180)) * (size // 180)
    assert received(fragments(block, 1)) == [block]


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=180)), max_size=60))
def test_no_sequence_of_messages_harms(parts: list[tuple[int, int, bytes]]) -> None:
    blocks: list[bytes] = []
    service = CorrectionsIn(blocks.append)
    for flags, length, data in parts:
        service.handle(mavlink.MAVLink_gps_rtcm_data_message(flags, length, list(data.ljust(180, b"\0"))))
    assert all(len(block) <= 4 * FRAGMENT_BYTES for block in blocks)
