from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v10 import ardupilotmega as mavlink1
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.report.tlog import TlogReader
from tests.controller.report.example_run import TlogMaker

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def heartbeat() -> mavlink.MAVLink_message:
    return mavlink.MAVLink_heartbeat_message(2, 3, 81, 3, 4, 3)


def wind(speed_mps: float) -> mavlink.MAVLink_message:
    return mavlink.MAVLink_wind_message(90.0, speed_mps, 0.0)


def ten_records() -> list[bytes]:
    made = TlogMaker()
    made.add(1000000000.25, heartbeat())
    for number in range(9):
        made.add(1000000001.0 + number, wind(number))
    return made.records


def read(path: Path, content: bytes) -> tuple[list[float], TlogReader]:
    path.write_bytes(content)
    reader = TlogReader(path, wanted={mavlink.MAVLINK_MSG_ID_WIND})
    return [message.speed for _, message in reader], reader


def test_every_record_is_read_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.tlog"
    path.write_bytes(b"".join(ten_records()))
    reader = TlogReader(path)
    times = [utc_s for utc_s, _ in reader]
    assert times[:2] == [1000000000.25, 1000000001.0]
    assert (reader.counts.records, reader.counts.decoded, reader.counts.torn_bytes) == (10, 10, 0)


@pytest.mark.parametrize("left", [1, 7, 8, 9, 14, 20])
def test_a_torn_last_record_is_counted_and_left_out(tmp_path: Path, left: int) -> None:
    records = ten_records()
    speeds, reader = read(tmp_path / "a.tlog", b"".join(records[:-1]) + records[-1][:left])
    assert speeds == list(range(8))
    assert reader.counts.torn_bytes + reader.counts.garbage_bytes == left


def test_rubbish_between_records_is_stepped_over(tmp_path: Path) -> None:
    records = ten_records()
    speeds, reader = read(tmp_path / "a.tlog", b"".join([*records[:5], b"\x00\xfd\xfe rubbish" * 3, *records[5:]]))
    assert speeds == list(range(9))
    assert reader.counts.garbage_bytes > 0


def test_a_damaged_length_does_not_swallow_the_records_behind_it(tmp_path: Path) -> None:
    records = ten_records()
    damaged = bytearray(records[4])
    damaged[9] = 200
    speeds, _ = read(tmp_path / "a.tlog", b"".join([*records[:4], bytes(damaged), *records[5:]]))
    assert speeds == [0, 1, 2, 4, 5, 6, 7, 8]


def test_a_record_with_a_wrong_checksum_is_counted_as_broken(tmp_path: Path) -> None:
    records = ten_records()
    damaged = bytearray(records[4])
    damaged[-1] ^= 0xFF
    speeds, reader = read(tmp_path / "a.tlog", b"".join([*records[:4], bytes(damaged), *records[5:]]))
    assert speeds == [0, 1, 2, 4, 5, 6, 7, 8]
    assert reader.counts.broken == 1


def test_only_the_autopilot_component_of_the_drone_is_read(tmp_path: Path) -> None:
    made = TlogMaker()
    made.add(1000000000.0, mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3), (255, 190))
    made.add(1000000000.0, wind(99.0), (255, 190))
    made.add(1000000000.0, mavlink.MAVLink_heartbeat_message(30, 8, 0, 0, 4, 3), (1, 100))
    made.add(1000000000.0, wind(98.0), (1, 100))
    made.add(1000000001.0, heartbeat())
    made.add(1000000002.0, wind(3.0))
    speeds, reader = read(tmp_path / "a.tlog", b"".join(made.records))
    assert speeds == [3.0]
    assert reader.system_id == 1


def test_a_log_without_an_autopilot_yields_nothing(tmp_path: Path) -> None:
    made = TlogMaker()
    made.add(1000000000.0, mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3), (255, 190))
    speeds, reader = read(tmp_path / "a.tlog", b"".join(made.records))
    assert speeds == []
    assert reader.system_id is None


def test_the_older_mavlink_is_read_too(tmp_path: Path) -> None:
    old = mavlink1.MAVLink(None, 1, 1)
    stamp = struct.pack(">Q", 1000000000 * 1000000)
    content = stamp + mavlink1.MAVLink_heartbeat_message(2, 3, 81, 3, 4, 3).pack(old)
    content += stamp + mavlink1.MAVLink_wind_message(90.0, 4.0, 0.0).pack(old)
    speeds, _ = read(tmp_path / "a.tlog", content)
    assert speeds == [4.0]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_makes_the_reader_raise(data: st.DataObject) -> None:
    content = bytearray(b"".join(ten_records()))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.tlog"
        path.write_bytes(bytes(content[:cut]))
        reader = TlogReader(path)
        assert len(list(reader)) == reader.counts.decoded <= 10


@pytest.mark.parametrize("name", ["ardupilot/square-calm.tlog", "mavlink/dronekit_flight.tlog"])
def test_real_recordings_are_read_without_rubbish(name: str) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("the shared recordings are not here")
    reader = TlogReader(path, wanted={mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT})
    positions = [message for _, message in reader]
    assert len(positions) > 50
    assert reader.counts.garbage_bytes == 0
    assert reader.counts.broken == 0
