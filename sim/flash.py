"""Flash memory that a power cut can catch in the middle of writing.

What was synced stays. Of what was not, each sector is as before or as after, in any order, and one of them may be torn
at any byte: so block devices behave whose cache is written out in an order of its own.
"""

from __future__ import annotations

import errno
import random

SECTOR_BYTES = 512


class SimFlash:
    """Storage of `size` bytes in memory, for a ring; `full` and `broken` make the next writes or syncs fail."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.is_full = False
        self.is_broken = False
        self._now = bytearray(size)
        self._kept = bytearray(size)
        self._touched: dict[int, None] = {}  # sectors that were written and not synced

    @property
    def kept(self) -> bytes:
        """What is there after a power cut that nothing survives but what was synced."""
        return bytes(self._kept)

    def read(self, offset: int, length: int) -> bytes:
        """The bytes there, written or not yet synced. Raises OSError."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        return bytes(self._now[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes there. Raises OSError."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._now[offset : offset + len(data)] = data
        for sector in range(offset // SECTOR_BYTES, (offset + len(data) - 1) // SECTOR_BYTES + 1):
            self._touched[sector] = None

    def sync(self) -> None:
        """All that was written survives from now on. Raises OSError."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        for sector in self._touched:
            self._keep(sector, SECTOR_BYTES)
        self._touched.clear()

    def close(self) -> None:
        """The file is closed; the flash stays."""

    def lose_power(self, rng: random.Random) -> None:
        """Of what was not synced, chance decides sector by sector; of one, where it was torn."""
        torn = rng.choice(list(self._touched)) if self._touched and rng.random() < 0.5 else None
        for sector in self._touched:
            if sector == torn:
                self._keep(sector, rng.randrange(SECTOR_BYTES))
            elif rng.random() < 0.5:
                self._keep(sector, SECTOR_BYTES)
        self._touched.clear()
        self._now[:] = self._kept

    def flip(self, bit: int) -> None:
        """A worn cell changes one bit, also of what was synced."""
        self._kept[bit // 8] ^= 1 << bit % 8
        self._now[bit // 8] ^= 1 << bit % 8

    def _keep(self, sector: int, length: int) -> None:
        start = sector * SECTOR_BYTES
        self._kept[start : start + length] = self._now[start : start + length]
