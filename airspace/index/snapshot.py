"""Snapshots: named arrays in one file that is either whole or known not to be.

A file is a magic word, the format's version, the length of a MessagePack header (what it holds, of which state of the
store, shapes and types of the arrays), the header, the arrays one after the other, and a BLAKE2b digest of all before.
It appears under its name in one step, after it has reached the disk. Numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from airspace.reasons import Reason, Rule, Words

MAGIC = b"BEICHEN\x1a"
VERSION = 1
PREFIX = struct.Struct("<8sIQ")  # magic, version, length of the header
DIGEST_BYTES = 32

SNAPSHOT = Rule(
    "airspace.snapshot",
    Words("the snapshot {problem}", "快照{problem}"),
    Words("Nothing to do: the index was built from the store instead.", "无需处理：已改由存储重建索引。"),
)
ABSENT = Words("is not there", "不存在")
UNREADABLE = Words("cannot be read", "无法读取")
FOREIGN = Words("is some other kind of file", "是其他类型的文件")
OTHER_VERSION = Words("has another format version", "格式版本不同")
DAMAGED = Words("is damaged or incomplete", "已损坏或不完整")
STALE = Words("shows another state of the store", "与存储的当前状态不一致")

Arrays = Mapping[str, npt.NDArray[Any]]
Keys = Sequence[int] | Sequence[str] | Sequence[tuple[str, int]]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """What a snapshot held, or what was built instead, and then the reason why."""

    held: T
    reason: Reason | None


class _Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    dtype: str
    shape: tuple[int, ...]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    stamp: str
    columns: tuple[_Column, ...]


def write_snapshot(path: Path, kind: str, stamp: str, arrays: Arrays) -> None:
    """Write arrays under a kind of content and a stamp of the store's state, all or nothing. Raises OSError."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    columns = tuple(_Column(name, array.dtype.str, array.shape) for name, array in plain.items())
    header = msgspec.msgpack.encode(_Header(kind, stamp, columns))
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            blocks = [cast("bytes", array.reshape(-1).view(np.uint8).data) for array in plain.values()]
            for data in (PREFIX.pack(MAGIC, VERSION, len(header)), header, *blocks):
                digest.update(data)
                file.write(data)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)  # it is there only when something stopped us, an interrupt included
    _sync_folder(path.parent)


def read_snapshot(path: Path, kind: str, stamp: str) -> Arrays | Reason:
    """The arrays of a whole snapshot of that kind and stamp, or why there are none. Never raises for what a file is."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _unusable(path, ABSENT)
    except OSError:
        return _unusable(path, UNREADABLE)
    if data[: len(MAGIC)] != MAGIC:
        return _unusable(path, FOREIGN if data else DAMAGED)
    if len(data) < PREFIX.size + DIGEST_BYTES:
        return _unusable(path, DAMAGED)
    _, version, header_bytes = PREFIX.unpack_from(data)
    if version != VERSION:
        return _unusable(path, OTHER_VERSION)
    body = memoryview(data)[:-DIGEST_BYTES]
    if hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() != data[-DIGEST_BYTES:]:
        return _unusable(path, DAMAGED)
    # What follows is as it was written; it may still have been written about something else.
    header = msgspec.msgpack.decode(body[PREFIX.size : PREFIX.size + header_bytes], type=_Header)
    if header.kind != kind:
        return _unusable(path, FOREIGN)
    if header.stamp != stamp:
        return _unusable(path, STALE)
    return _arrays(body, PREFIX.size + header_bytes, header)


def encode_keys(keys: Keys) -> npt.NDArray[np.uint8]:
    """Keys as bytes. Raises OverflowError for an integer of more than 64 bits."""
    return np.frombuffer(msgspec.msgpack.encode(keys), dtype=np.uint8)


def decode_keys(data: npt.NDArray[np.uint8]) -> list[Any]:
    """The keys that `encode_keys` was given."""
    keys: list[Any] = msgspec.msgpack.decode(data.tobytes(), type=list[int | str | tuple[str, int]])
    return keys


def _arrays(body: memoryview, at: int, header: _Header) -> Arrays:
    arrays: dict[str, npt.NDArray[Any]] = {}
    for column in header.columns:
        count = math.prod(column.shape)
        array = np.frombuffer(body, dtype=np.dtype(column.dtype), count=count, offset=at)
        arrays[column.name] = array.reshape(column.shape)
        at += array.nbytes
    return arrays


def _unusable(path: Path, problem: Words) -> Reason:
    return Reason(SNAPSHOT, path.name, {"problem": problem})


def _sync_folder(folder: Path) -> None:
    """Let the new name reach the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
