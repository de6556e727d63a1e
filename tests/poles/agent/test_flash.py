"""The ring's file: allocated in full, the owner's alone, and back at its size after it was cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from airspace.reasons import Refused
from poles.agent.flash import IN_USE, TOO_SMALL, UNUSABLE, FileFlash
from poles.agent.ring import PAGE_BYTES, SMALLEST_BYTES, Kind, Ring


def filled(path: Path, entries: int, size_bytes: int = SMALLEST_BYTES) -> None:
    """A ring file with so many entries."""
    ring = Ring.open(FileFlash.open(path, size_bytes))
    for seq in range(1, entries + 1):
        ring.append(Kind.READING, 1, seq, 0.0, 0.0, b"\x80")
    ring.close()


def found(path: Path, size_bytes: int = SMALLEST_BYTES) -> list[int]:
    """The numbers that are in the file."""
    ring = Ring.open(FileFlash.open(path, size_bytes))
    ring.close()
    return [record.seq for record in ring.found]


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_new_file_has_all_its_blocks_and_is_the_owners_alone(tmp_path: Path) -> None:
    FileFlash.open(tmp_path / "ring", SMALLEST_BYTES + 1).close()
    status = (tmp_path / "ring").stat()
    assert status.st_size == SMALLEST_BYTES + PAGE_BYTES
    assert status.st_blocks * 512 >= status.st_size
    assert status.st_mode & 0o777 == 0o600


def test_what_was_kept_is_found_by_the_next_process(tmp_path: Path) -> None:
    filled(tmp_path / "ring", 5)
    assert found(tmp_path / "ring") == [1, 2, 3, 4, 5]


def test_a_file_that_was_cut_gets_its_size_back(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    filled(path, 5)
    os.truncate(path, 200)
    assert found(path) == [1, 2, 3]
    assert path.stat().st_size == SMALLEST_BYTES


def test_entries_are_worth_more_than_a_new_size(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    filled(path, 5, 2 * SMALLEST_BYTES)
    assert found(path, SMALLEST_BYTES) == [1, 2, 3, 4, 5]
    assert path.stat().st_size == 2 * SMALLEST_BYTES


def test_an_empty_file_takes_the_size_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    filled(path, 0)
    assert found(path, 2 * SMALLEST_BYTES) == []
    assert path.stat().st_size == 2 * SMALLEST_BYTES


def test_a_full_disk_is_told_before_the_first_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(descriptor: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    before = open_files()
    with pytest.raises(Refused) as refused:
        FileFlash.open(tmp_path / "ring", SMALLEST_BYTES)
    assert [reason.rule for reason in refused.value.reasons] == [UNUSABLE]
    assert "No space left" in refused.value.reasons[0].text("en")
    assert open_files() == before


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        FileFlash.open(tmp_path / "absent" / "ring", SMALLEST_BYTES)
    assert [reason.rule for reason in refused.value.reasons] == [UNUSABLE]
    assert str(tmp_path / "absent" / "ring") in str(refused.value)


def test_a_ring_too_small_for_the_largest_entry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        FileFlash.open(tmp_path / "ring", SMALLEST_BYTES - 1)
    assert [reason.rule for reason in refused.value.reasons] == [TOO_SMALL]


def test_two_processes_cannot_have_one_ring(tmp_path: Path) -> None:
    first = FileFlash.open(tmp_path / "ring", SMALLEST_BYTES)
    with pytest.raises(Refused) as refused:
        FileFlash.open(tmp_path / "ring", SMALLEST_BYTES)
    assert [reason.rule for reason in refused.value.reasons] == [IN_USE]
    first.close()
    FileFlash.open(tmp_path / "ring", SMALLEST_BYTES).close()
