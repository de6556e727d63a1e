from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.index import Box4, Index4D, Loaded
from airspace.index.snapshot import PREFIX, VERSION, read_snapshot, write_snapshot
from tests.airspace.index.boxes4 import EVERYTHING, boxes

STORE: dict[str, Box4] = {
    "a": (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0),
    "b": (5.0, 5.0, 5.0, 1779066000.25, 6.0, 6.0, 6.0, 1779066001.0),
}


def content(index: Index4D[str]) -> dict[str, Box4]:
    return {key: index.box(key) for key in index}


def load(path: Path, stamp: str = "event 7") -> Loaded[Index4D[str]]:
    return Index4D.load(path, lambda: STORE.items(), stamp)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "zones.snapshot"
    Index4D(STORE.items()).save(path, "event 7")
    return path.read_bytes()


@pytest.fixture
def unequal() -> Iterator[None]:
    """What is built from the store differs from what the snapshots of this file hold."""
    STORE["c"] = STORE["a"]
    yield
    del STORE["c"]


def problem(path: Path, stamp: str = "event 7") -> str:
    """What is said about a snapshot that was not used, after a look that the store was."""
    loaded = load(path, stamp)
    assert loaded.reason is not None
    assert content(loaded.held) == STORE
    assert loaded.reason.where == path.name
    assert "[airspace.snapshot]" in loaded.reason.text("zh")
    return loaded.reason.text("en")


@settings(max_examples=30)
@given(st.dictionaries(st.tuples(st.text(max_size=5), st.integers(0, 9)), boxes, max_size=20), st.text(max_size=9))
def test_what_was_saved_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, held: dict[tuple[str, int], Box4], stamp: str
) -> None:
    path = tmp_path_factory.mktemp("saved") / "index"
    index = Index4D(held.items())
    for key in list(held)[::3]:
        index.remove(key)
        del held[key]
    index.save(path, stamp)
    loaded: Loaded[Index4D[tuple[str, int]]] = Index4D.load(path, list, stamp)
    assert loaded.reason is None
    assert {key: loaded.held.box(key) for key in loaded.held} == held
    assert loaded.held.query(EVERYTHING) == sorted(held)


@pytest.mark.usefixtures("unequal")
def test_no_flipped_bit_goes_unseen(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "zones.snapshot"
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << (place % 8)
        path.write_bytes(broken)
        assert problem(path)


@pytest.mark.usefixtures("unequal")
def test_no_missing_end_goes_unseen_and_no_added_one(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "zones.snapshot"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert problem(path)
    path.write_bytes(whole + b"\0")
    assert "damaged" in problem(path)


@pytest.mark.usefixtures("unequal")
def test_each_thing_that_can_be_wrong_has_its_words(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "zones.snapshot"
    assert "is not there" in problem(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert "some other kind of file" in problem(path)
    path.write_bytes(b"")
    assert "damaged" in problem(path)
    magic, _, length = PREFIX.unpack_from(whole)
    path.write_bytes(PREFIX.pack(magic, VERSION + 1, length) + whole[PREFIX.size :])
    assert "another format version" in problem(path)
    path.write_bytes(whole)
    assert "another state of the store" in problem(path, "event 8")
    write_snapshot(path, "volumes", "event 7", {})
    assert "some other kind of file" in problem(path)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in problem(path)


def test_a_snapshot_that_could_not_be_written_leaves_the_last_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "zones.snapshot"
    Index4D(STORE.items()).save(path, "event 7")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Index4D([("z", STORE["a"])]).save(path, "event 8")
    monkeypatch.undo()
    assert load(path).reason is None
    assert [file.name for file in tmp_path.iterdir()] == ["zones.snapshot"]


def test_a_snapshot_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "zones.snapshot"
    for count in (1, 2, 0):
        Index4D(list(STORE.items())[:count]).save(path, str(count))
        assert len(load(path, str(count)).held) == count
    arrays = read_snapshot(path, "index", "0")
    assert isinstance(arrays, dict)
    assert arrays["boxes"].shape == (0, 8)
