"""The ring: what was synced is found again after any power cut, and nothing that was never written is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poles.agent.ring import (
    HEADER_BYTES,
    MAGIC,
    MAX_BODY_BYTES,
    PAGE_BYTES,
    Kind,
    Record,
    Ring,
    record_bytes,
    records_in,
)
from sim.flash import SECTOR_BYTES, SimFlash

BOOT = 0x0123456789ABCDEF
BODY = bytes.fromhex("82a866756e6374696f6eaa57696e6453656e736f72a676616c75657381a977696e645370656564cb400c000000000000")


def append(ring: Ring, seq: int, body: bytes = BODY, kind: Kind = Kind.READING, boot: int = BOOT) -> int:
    """An entry as a pole would keep it."""
    return ring.append(kind, boot, seq, 1_795_375_320.25, 12.5, body)


def seqs(ring: Ring) -> list[int]:
    """The numbers that a ring found, in order."""
    return [record.seq for record in ring.found]


class TestFormat:
    """The bytes are a contract with firmware in C; these are the document's vectors."""

    def test_a_reading(self) -> None:
        record = Record(0, Kind.READING, BOOT, 1, 1_795_375_320.25, 12.5, BODY)
        assert record.encoded(64).hex() == (
            "424352310000004000000000000000000123456789abcdef000000000000000141dac0d0361000004029000000000000003001009068afdd"
            "82a866756e6374696f6eaa57696e6453656e736f72a676616c75657381a977696e645370656564cb400c000000000000"
        )

    def test_a_mark_behind_it(self) -> None:
        record = Record(104, Kind.MARK, BOOT, 1, 0.0, 0.0, b"")
        assert record.encoded(64).hex() == (
            "424352310000004000000000000000680123456789abcdef0000000000000001"
            "0000000000000000000000000000000000004000cf10f212"
        )

    def test_an_alarm_of_a_later_lap_with_the_highest_number(self) -> None:
        body = bytes.fromhex("82a4636f6465a9706f6c652e74696c74a6616374697665c3")
        record = Record(794_432, Kind.ALARM, BOOT, 2**63 - 1, 1_795_375_320.25, 1e6, body)
        assert record.position % (64 * PAGE_BYTES) == 8000
        assert record.encoded(64).hex() == (
            "424352310000004000000000000c1f400123456789abcdef7fffffffffffffff41dac0d036100000412e8480000000000018020034e5265d"
            "82a4636f6465a9706f6c652e74696c74a6616374697665c3"
        )

    @given(st.binary(max_size=300), st.integers(0, 2**63 - 1), st.integers(1, 2**64 - 1), st.sampled_from(list(Kind)))
    def test_what_is_encoded_is_read_back(self, body: bytes, seq: int, boot: int, kind: Kind) -> None:
        record = Record(16, kind, boot, seq, 1.5, 2.5, body)
        assert list(records_in(bytes(16) + record.encoded(1))) == [(record, 1)]

    @given(st.binary(max_size=200), st.integers(0, 10**6))
    def test_no_single_flipped_bit_goes_unseen(self, body: bytes, bit: int) -> None:
        record = Record(0, Kind.READING, BOOT, 7, 1.5, 2.5, body)
        image = bytearray(record.encoded(1))
        whole = HEADER_BYTES + len(body)  # what is behind it is padding
        image[bit // 8 % whole] ^= 1 << bit % 8
        assert not list(records_in(image))

    @given(st.binary(max_size=2000))
    def test_any_bytes_can_be_read(self, image: bytes) -> None:
        assert not list(records_in(image))

    @given(st.lists(st.sampled_from([MAGIC, bytes(8), b"\0\0\0\x01", b"\xff" * 8, BODY]), max_size=60))
    def test_nor_bytes_that_look_like_records(self, parts: list[bytes]) -> None:
        assert not list(records_in(b"".join(parts)))


class TestRoundAndRound:
    """A ring that is written for many laps."""

    def test_a_new_flash_is_an_empty_ring(self) -> None:
        ring = Ring.open(SimFlash(PAGE_BYTES))
        assert ring.found == ()
        assert (ring.head, ring.floor) == (0, 0)

    def test_what_was_appended_is_found_in_order(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        positions = [append(ring, seq) for seq in range(1, 6)]
        ring.close()
        again = Ring.open(flash)
        assert [record.position for record in again.found] == positions
        assert seqs(again) == [1, 2, 3, 4, 5]
        assert {record.body for record in again.found} == {BODY}
        assert again.head == ring.head

    @given(st.lists(st.integers(0, 900), min_size=1, max_size=120))
    def test_the_newest_stay_and_the_oldest_go(self, lengths: list[int]) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        kept = [(append(ring, seq, bytes([seq]) * length), seq) for seq, length in enumerate(lengths, start=1)]
        expected = [seq for position, seq in kept if position >= ring.floor]
        again = Ring.open(flash)
        assert seqs(again) == expected
        assert expected[-1] == len(lengths)
        assert (again.head, again.floor) == (ring.head, ring.floor)
        for position, seq in kept:
            record = ring.read(position)
            assert (record is not None) == (seq in expected)
            assert record is None or record.body == bytes([seq]) * lengths[seq - 1]

    def test_no_place_is_written_more_often_than_another(self) -> None:
        flash = SimFlash(2 * PAGE_BYTES)
        wear = [0] * (flash.size // SECTOR_BYTES)
        plain_write = flash.write

        def write(offset: int, data: bytes) -> None:
            for sector in range(offset // SECTOR_BYTES, (offset + len(data) - 1) // SECTOR_BYTES + 1):
                wear[sector] += 1
            plain_write(offset, data)

        flash.write = write  # type: ignore[method-assign]
        ring = Ring.open(flash)
        for seq in range(1, 2001):
            append(ring, seq)
        assert max(wear) <= 1.25 * min(wear)

    def test_a_body_that_is_too_long_is_refused_and_nothing_changes(self) -> None:
        ring = Ring.open(SimFlash(32 * PAGE_BYTES))
        append(ring, 1, bytes(MAX_BODY_BYTES))
        with pytest.raises(ValueError, match="too long"):
            append(ring, 2, bytes(MAX_BODY_BYTES + 1))
        small = Ring.open(SimFlash(PAGE_BYTES))
        with pytest.raises(ValueError, match="too long"):
            append(small, 1, bytes(PAGE_BYTES - HEADER_BYTES + 1))
        assert (ring.head, small.head) == (record_bytes(MAX_BODY_BYTES), 0)

    def test_what_was_read_is_checked_again(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        first, second = append(ring, 1), append(ring, 2)
        flash.flip(8 * (first + HEADER_BYTES + 3))
        assert ring.read(first) is None
        assert (record := ring.read(second)) is not None
        assert record.seq == 2
        flash.is_broken = True
        assert ring.read(second) is None

    def test_a_position_that_nobody_wrote_to_is_nothing(self) -> None:
        ring = Ring.open(SimFlash(PAGE_BYTES))
        append(ring, 1)
        assert ring.read(8) is None
        assert ring.read(ring.head) is None


class TestPowerCut:
    """Cut at any byte, in any order of what was not synced."""

    def test_at_every_byte_of_the_last_record(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        for seq in (1, 2, 3):
            append(ring, seq)
        ring.sync()
        before, start = flash.kept, ring.head
        append(ring, 4)
        ring.sync()
        after = flash.kept
        whole = HEADER_BYTES + len(BODY.rstrip(b"\0"))  # zeros are there already
        for cut in range(ring.head - start + 1):
            torn = SimFlash(PAGE_BYTES)
            torn.write(0, before[:start] + after[start : start + cut] + before[start + cut :])
            assert seqs(Ring.open(torn)) == ([1, 2, 3, 4] if cut >= whole else [1, 2, 3])

    def test_at_every_byte_of_a_record_over_old_ones(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        seq = 0
        while ring.head < 2 * PAGE_BYTES + 600:
            append(ring, seq := seq + 1)
        ring.sync()
        before, held, start = flash.kept, seqs(Ring.open(flash)), ring.head % PAGE_BYTES
        append(ring, seq + 1, BODY * 3)
        after, left = bytes(flash.read(0, PAGE_BYTES)), seqs(Ring.open(flash))[:-1]
        gone = len(held) - len(left)
        assert gone >= 1
        for cut in range(record_bytes(3 * len(BODY)) + 1):
            torn = SimFlash(PAGE_BYTES)
            torn.write(0, before[:start] + after[start : start + cut] + before[start + cut :])
            found = seqs(Ring.open(torn))
            # what was to be overwritten may be gone; all else that was synced is there
            assert found[-1] in (seq, seq + 1)
            assert [n for n in found if n <= seq] == held[len(held) - len([n for n in found if n <= seq]) :]
            assert len([n for n in found if n <= seq]) >= len(left)

    @settings(max_examples=200)
    @given(st.integers(0, 2**32), st.lists(st.integers(1, 40), min_size=2, max_size=5))
    def test_no_synced_entry_is_lost_and_none_is_invented(self, seed: int, lives: list[int]) -> None:
        """Several lives on one flash, each ended by a power cut."""
        rng = random.Random(seed)
        flash = SimFlash(PAGE_BYTES)
        said: dict[tuple[int, int], bytes] = {}
        safe: dict[tuple[int, int], int] = {}  # positions of what was synced and not overwritten
        for boot, entries in enumerate(lives, start=1):
            ring = Ring.open(flash)
            found = [(record.boot, record.seq) for record in ring.found]
            assert found == sorted(set(found))
            assert all(record.body == said[record.boot, record.seq] for record in ring.found)
            assert set(safe) <= set(found)
            safe = {(record.boot, record.seq): record.position for record in ring.found}
            unsynced: dict[tuple[int, int], int] = {}
            for seq in range(1, entries + 1):
                said[boot, seq] = rng.randbytes(rng.randrange(400))
                unsynced[boot, seq] = append(ring, seq, said[boot, seq], boot=boot)
                if rng.random() < 0.4:
                    ring.sync()
                    safe |= unsynced
                    unsynced.clear()
                safe = {key: position for key, position in safe.items() if position >= ring.floor}
            flash.lose_power(rng)

    @settings(max_examples=200)
    @given(st.integers(0, 2**32), st.integers(1, 6))
    def test_flipped_bits_cost_the_entries_that_they_hit_and_no_other(self, seed: int, flips: int) -> None:
        rng = random.Random(seed)
        flash = SimFlash(2 * PAGE_BYTES)
        ring = Ring.open(flash)
        positions = {seq: append(ring, seq, rng.randbytes(rng.randrange(200))) for seq in range(1, 101)}
        ring.sync()
        whole = {record.seq: record for record in Ring.open(flash).found}
        bits = [rng.randrange(8 * flash.size) for _ in range(flips)]
        for bit in bits:
            flash.flip(bit)
        hit = {
            seq
            for seq, record in whole.items()
            if any(0 <= bit // 8 - positions[seq] % flash.size < record.end - record.position for bit in bits)
        }
        found = {record.seq: record for record in Ring.open(flash).found}
        # losing the newest gives its room back to the oldest lap, so what it had pushed out may be seen again
        assert all(found[seq] == record for seq, record in whole.items() if seq not in hit)
        assert all(position in positions.values() for position in (record.position for record in found.values()))

    def test_a_ring_goes_on_behind_what_was_torn(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        append(ring, 1)
        ring.sync()
        start = ring.head
        append(ring, 2)
        flash.write(start + 70, bytes(20))  # the second sector of it never came
        flash.sync()
        again = Ring.open(flash)
        assert (seqs(again), again.head) == ([1], start)
        append(again, 1, boot=2)
        assert [(record.boot, record.seq) for record in Ring.open(flash).found] == [(BOOT, 1), (2, 1)]

    def test_an_unreadable_page_costs_its_entries_only(self) -> None:
        flash = SimFlash(3 * PAGE_BYTES)
        ring = Ring.open(flash)
        positions = [append(ring, seq) for seq in range(1, 100)]
        plain_read = flash.read

        def read(offset: int, length: int) -> bytes:
            if offset == PAGE_BYTES:
                raise OSError(5, "Input/output error")
            return plain_read(offset, length)

        flash.read = read  # type: ignore[method-assign]
        size = record_bytes(len(BODY))
        expected = [
            seq
            for seq, position in enumerate(positions, start=1)
            if position + size <= PAGE_BYTES or position >= 2 * PAGE_BYTES
        ]
        assert seqs(Ring.open(flash)) == expected


class TestSyncing:
    """What is safe is known."""

    def test_only_sync_makes_safe(self) -> None:
        ring = Ring.open(SimFlash(PAGE_BYTES))
        assert not ring.unsynced
        append(ring, 1)
        assert ring.unsynced
        ring.sync()
        assert not ring.unsynced

    def test_an_error_is_the_owners_to_handle_and_leaves_the_ring_as_it_was(self) -> None:
        flash = SimFlash(PAGE_BYTES)
        ring = Ring.open(flash)
        append(ring, 1)
        flash.is_full = True
        with pytest.raises(OSError, match="No space"):
            append(ring, 2)
        flash.is_full = False
        append(ring, 2)
        assert seqs(Ring.open(flash)) == [1, 2]
        flash.is_broken = True
        with pytest.raises(OSError, match="Input"):
            ring.sync()
        assert ring.unsynced
