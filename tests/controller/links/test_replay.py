"""Recorded flights of real autopilots through codec and telemetry; skipped where the recordings are not."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.links.codec import Codec, frame_length
from controller.links.telemetry import Home, MissionState, Telemetry
from controller.streams import Stream

DATA = Path(__file__).parents[3].parent / "shared" / "data"


@dataclass
class Replay:
    codec: Codec
    telemetry: Telemetry
    modes: list[str]
    armings: list[bool]
    highest_m: float
    items: list[int]
    messages: int


def replay(name: str, system_id: int) -> Replay:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not here")
    data = path.read_bytes()
    now_s = 0.0
    telemetry = Telemetry(lambda: now_s)
    state = telemetry.state
    run = Replay(Codec(system_id), telemetry, [], [], 0.0, [], 0)
    at = 0
    while at + 8 < len(data):
        now_s = struct.unpack_from(">Q", data, at)[0] / 1e6
        length = frame_length(data, at + 8)
        assert length is not None
        for message in run.codec.feed(data[at + 8 : at + 8 + length]):
            run.messages += 1
            telemetry.fold(message)
            if state.mode and run.modes[-1:] != [state.mode]:
                run.modes.append(state.mode)
            if state.armed is not None and run.armings[-1:] != [state.armed]:
                run.armings.append(state.armed)
            if state.mission_seq is not None and run.items[-1:] != [state.mission_seq]:
                run.items.append(state.mission_seq)
            run.highest_m = max(run.highest_m, state.relative_m or 0.0)
        at += 8 + length
    return run


@pytest.mark.parametrize("name", ["square-calm", "square-wind8-gusts"])
def test_a_recorded_mission_is_followed_from_arming_to_landing(name: str) -> None:
    run = replay(f"ardupilot/{name}.tlog", 1)
    state = run.telemetry.state
    assert run.modes[-2:] == ["GUIDED", "AUTO"]
    assert run.armings == [False, True, False]
    assert state.home == Home(34.7466, 113.6253, 100.09)
    assert 59.0 < run.highest_m < 61.5
    assert [seq for seq in run.items if seq][-6:] == [1, 2, 3, 4, 5, 6]
    assert (state.mission_total, state.mission_state) == (6, MissionState.COMPLETE)
    assert state.battery_v == 12.6
    assert state.consumed_wh is not None
    assert state.consumed_wh > 17.0
    assert state.fix_type == 6
    assert state.prearm_ok is True
    assert state.texts[-1].text == "Disarming motors"
    statistics = run.codec.statistics
    assert (statistics.bad_crc, statistics.junk_bytes, statistics.lost, statistics.unknown) == (0, 0, 0, 0)
    assert run.telemetry.freshness.fresh(Stream.POSITION)


def test_a_recorded_landing_without_a_mission_is_followed() -> None:
    run = replay("ardupilot/guided-land.tlog", 1)
    assert run.modes[-2:] == ["GUIDED", "LAND"]
    assert run.armings == [False, True, False]


def test_an_old_mavlink_1_flight_with_damage_and_a_radio_in_the_link_is_read() -> None:
    run = replay("mavlink/dronekit_flight.tlog", 1)
    state = run.telemetry.state
    assert run.messages > 60_000
    assert run.codec.statistics.by_type["GLOBAL_POSITION_INT"] == 2833
    assert run.codec.statistics.foreign > 4_000, "the radio (51) and the ground station (255)"
    assert state.boots == 1, "the autopilot was restarted during the recording"
    assert (state.home, state.relative_m) == (None, None), "old autopilots do not send HOME_POSITION"
    assert state.lat_deg == pytest.approx(-35.36, abs=0.01)
    assert state.consumed_wh is None
    assert state.texts[-1].text == "Low Battery!"
