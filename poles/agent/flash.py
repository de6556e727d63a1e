"""The ring's file on a Linux pole: allocated in full before its first use, so that later writing needs no room."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

from airspace.reasons import Reason, Refused, Rule, Words
from poles.agent.ring import PAGE_BYTES, SMALLEST_BYTES, image_of, records_in

UNUSABLE = Rule(
    "pole.ring.unusable",
    Words("the ring file cannot be used: {why}", "无法使用环形文件：{why}"),
    Words("Free some space or choose another place for it.", "请释放空间或更换存放位置。"),
)
IN_USE = Rule(
    "pole.ring.in-use",
    Words("another process has this ring file", "环形文件正被另一进程使用"),
    Words("End the other one first: a pole runs once.", "请先结束另一进程：每根灯杆只运行一个代理。"),
)
TOO_SMALL = Rule(
    "pole.ring.small",
    Words("a ring of {size_bytes} bytes is too small", "{size_bytes} 字节的环形文件过小"),
    Words("Give it {smallest_bytes} bytes or more.", "请至少分配 {smallest_bytes} 字节。"),
)


class FileFlash:
    """A file of fixed size, opened by `FileFlash.open`; it owns the descriptor."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, size_bytes: int) -> FileFlash:
        """Open the ring file, or make one of `size_bytes` (rounded up to whole pages) for the owner alone.

        A file that holds records keeps the size that they were written for, also when it was cut. Raises Refused.
        """
        if size_bytes < SMALLEST_BYTES:
            facts = {"size_bytes": size_bytes, "smallest_bytes": SMALLEST_BYTES}
            raise Refused([Reason(TOO_SMALL, str(path), facts)])
        try:
            with ExitStack() as when_stopped:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                when_stopped.callback(os.close, descriptor)
                _lock(descriptor, path)
                size = _size_of_records(descriptor) or -(-size_bytes // PAGE_BYTES) * PAGE_BYTES
                if os.fstat(descriptor).st_size != size:
                    _allocate(descriptor, size, path.parent)
                when_stopped.pop_all()
        except OSError as error:
            raise Refused([Reason(UNUSABLE, str(path), {"why": error.strerror or str(error)})]) from error
        return cls(descriptor, size)

    def read(self, offset: int, length: int) -> bytes:
        """The bytes there. Raises OSError."""
        return os.pread(self._descriptor, length, offset)

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes there. Raises OSError."""
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            offset, data = offset + written, data[written:]

    def sync(self) -> None:
        """Return when all that was written survives a power cut. Raises OSError."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused([Reason(IN_USE, str(path))]) from None


def _size_of_records(descriptor: int) -> int:
    """The size that the newest record was written for, 0 when there is none."""
    image = image_of(FileFlash(descriptor, os.fstat(descriptor).st_size))
    newest = max(records_in(image), key=lambda found: found[0].position, default=None)
    return newest[1] * PAGE_BYTES if newest else 0


def _allocate(descriptor: int, size: int, directory: Path) -> None:
    os.ftruncate(descriptor, size)
    os.posix_fallocate(descriptor, 0, size)
    os.fsync(descriptor)
    above = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(above)
    finally:
        os.close(above)
