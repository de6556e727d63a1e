from __future__ import annotations

import asyncio
import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.clock import Clock, run, virtual_tempo
from controller.links.codec import Codec
from controller.links.drone import DroneLink
from controller.links.tlog import TlogWriter
from tests.controller.links.autopilot import connected, heartbeat, position


def records(data: bytes) -> list[tuple[float, bytes]]:
    """The records of a whole tlog, cut independently of the writer."""
    found = []
    at = 0
    while at < len(data):
        (micros,) = struct.unpack(">Q", data[at : at + 8])
        assert data[at + 8] == 0xFD
        end = at + 8 + 12 + data[at + 9]
        found.append((micros / 1e6, data[at + 8 : end]))
        at = end
    assert at == len(data)
    return found


def written(path: Path, count: int, *, start_s: float = 1000.0) -> bytes:
    async def main(clock: Clock) -> None:
        tlog = TlogWriter(path, lambda: start_s + clock.monotonic_s())
        codec = Codec(source_system=7, source_component=1)
        for i in range(count):
            tlog.write(codec.encode(position(i)))
            await asyncio.sleep(0.25)
        tlog.close()

    run(main, virtual_tempo())
    return path.read_bytes()


def test_each_frame_is_stamped_with_microseconds_of_utc(tmp_path: Path) -> None:
    found = records(written(tmp_path / "a.tlog", 5))
    assert [at_s for at_s, _ in found] == [1000.0, 1000.25, 1000.5, 1000.75, 1001.0]
    assert all(len(Codec().feed(frame)) == 1 for _, frame in found)


def test_a_second_run_appends(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    written(path, 3)
    assert len(records(written(path, 4, start_s=2000.0))) == 7


def test_a_record_torn_at_any_byte_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    whole = written(path, 4)
    size = len(whole) // 4
    for cut in range(1, size):
        path.write_bytes(whole[:-cut])

        async def reopen(clock: Clock) -> int:
            tlog = TlogWriter(path, clock.utc_s)
            tlog.close()
            return tlog.torn_bytes

        assert run(reopen, virtual_tempo()) == size - cut
        assert path.read_bytes() == whole[: 3 * size]


def test_a_last_record_with_damage_inside_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    whole = bytearray(written(path, 3))
    whole[-5] ^= 0xFF  # blocks of a file need not reach the disk in order
    path.write_bytes(whole)
    assert len(records(written(path, 1))) == 3


def test_damage_in_the_middle_costs_no_later_record(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    whole = bytearray(written(path, 6))
    size = len(whole) // 6
    whole[size + 8] = 0x00
    path.write_bytes(whole)
    written(path, 1)
    assert path.read_bytes()[: len(whole)] == whole


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=400))
def test_any_file_can_be_opened_and_appended_to(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk.tlog"
    path.write_bytes(junk)
    after = written(path, 2)
    assert len(records(after[-2 * (len(after) // 2) :] if not junk else after[len(after) - 2 * 48 :])) == 2


def test_frames_reach_the_file_within_a_second_without_closing(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"

    async def main(clock: Clock) -> None:
        tlog = TlogWriter(path, clock.utc_s)
        tlog.write(Codec().encode(heartbeat()))
        assert path.stat().st_size == 0
        await asyncio.sleep(1.01)
        assert len(records(path.read_bytes())) == 1
        tlog.close()
        tlog.close()
        with pytest.raises(ValueError, match="closed"):
            tlog.write(b"")

    run(main, virtual_tempo())


def test_a_link_records_both_directions_and_the_drones_other_components(tmp_path: Path) -> None:
    path = tmp_path / "flight.tlog"

    async def main(clock: Clock) -> DroneLink:
        tlog = TlogWriter(path, clock.utc_s)
        async with connected(clock, tlog=tlog) as (link, autopilot):
            autopilot.say_as(7, 154, heartbeat(kind=26, autopilot=8))
            autopilot.say_as(200, 190, heartbeat(kind=6, autopilot=8))
            await asyncio.sleep(5.0)
        tlog.close()
        return link

    link = run(main, virtual_tempo())
    found = records(path.read_bytes())
    sources = {(frame[5], frame[6]) for _, frame in found}
    assert sources == {(255, 190), (7, 1), (7, 154)}
    assert sum(frame[5] == 255 for _, frame in found) == link.heartbeats_sent
    assert [at_s for at_s, _ in found] == sorted(at_s for at_s, _ in found)


class FullDisk(io.BytesIO):
    def write(self, data: Any, /) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_stops_the_recording_and_not_the_link(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        tlog = TlogWriter(tmp_path / "flight.tlog", clock.utc_s)
        async with connected(clock, tlog=tlog) as (link, _):
            await asyncio.sleep(3.0)
            assert tlog._file is not None
            tlog._file.close()
            tlog._file = FullDisk()
            beats = link.state.heartbeats
            await link.wait_for("life goes on", lambda s: s.heartbeats > beats + 3, 10.0)
            assert tlog.failure is not None
            assert "No space left" in tlog.failure
        tlog.close()

    run(main, virtual_tempo())
