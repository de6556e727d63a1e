from __future__ import annotations

import math
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.codec import Codec
from controller.links.telemetry import Home, Landed, MissionState, Telemetry
from controller.streams import Stream
from tests.controller.links.autopilot import heartbeat, home, position


class Heard:
    """A Telemetry with a clock in the test's hand, fed through real frames."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.telemetry = Telemetry(lambda: self.now_s)
        self.state = self.telemetry.state

    def hear(self, *messages: Any, system: int = 7, component: int = 1) -> bool:
        codec = Codec(source_system=system, source_component=component)
        folded = [self.telemetry.fold(m) for message in messages for m in Codec().feed(codec.encode(message))]
        return all(folded)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def sys_status(health: int, present: int = 0xFFFFFFFF, **fields: int) -> Any:
    values = {"voltage_battery": 65535, "current_battery": -1, "battery_remaining": -1, **fields}
    return mavlink.MAVLink_sys_status_message(
        present, 0, health, 0, **values, drop_rate_comm=0, errors_comm=0, errors_count1=0, errors_count2=0,
        errors_count3=0, errors_count4=0,
    )  # fmt: skip


def battery(number: int = 0, *, cells: tuple[int, ...] = (22200,), ext: tuple[int, ...] = (), **fields: int) -> Any:
    values = {"current_battery": 1850, "current_consumed": 500, "energy_consumed": 360, "battery_remaining": 81}
    voltages = [*cells, *[65535] * (10 - len(cells))]
    voltages_ext = [*ext, *[0] * (4 - len(ext))]
    return mavlink.MAVLink_battery_status_message(
        number, 0, 0, 32767, voltages, **{**values, **fields}, voltages_ext=voltages_ext
    )


def test_mode_and_arming_come_from_the_autopilots_heartbeat(heard: Heard) -> None:
    assert heard.hear(heartbeat(4, armed=True))
    assert (heard.state.mode, heard.state.mode_number, heard.state.armed) == ("GUIDED", 4, True)
    heard.hear(heartbeat(99))
    assert (heard.state.mode, heard.state.armed) == ("MODE 99", False)


@pytest.mark.parametrize(
    ("component", "kind", "autopilot"),
    [(100, 30, 8), (154, 26, 8), (191, 18, 8), (190, 6, 8), (1, 6, 3), (1, 2, 8), (100, 2, 3)],
)
def test_heartbeats_of_cameras_gimbals_companions_and_stations_change_nothing(
    heard: Heard, component: int, kind: int, autopilot: int
) -> None:
    heard.hear(heartbeat(3, armed=True))
    heard.now_s += 10.0
    assert not heard.hear(heartbeat(0, kind=kind, autopilot=autopilot), component=component)
    assert (heard.state.mode, heard.state.armed, heard.state.heartbeats) == ("AUTO", True, 1)
    assert heard.telemetry.freshness.age_s(Stream.HEARTBEAT) == 10.0


def test_heights_over_home_are_unknown_until_home_is(heard: Heard) -> None:
    heard.hear(position(30_000))
    assert (heard.state.amsl_m, heard.state.relative_m) == (130.0, None)
    heard.hear(home(), position(30_000))
    assert heard.state.home == Home(34.75, 113.65, 100.0)
    assert heard.state.relative_m == 30.0
    assert heard.state.velocity_ned_mps == (1.0, 0.0, -0.5)
    assert heard.state.ground_speed_mps == 1.0
    assert heard.state.heading_deg == 90.0


def test_a_reboot_forgets_home_and_all_that_rests_on_it(heard: Heard) -> None:
    heard.hear(heartbeat(), home(), position(30_000, boot_ms=600_000), sys_status(0xFFFFFFFF))
    assert heard.state.prearm_ok
    heard.hear(position(0, boot_ms=599_900))  # only overtaken
    assert (heard.state.boots, heard.state.relative_m) == (0, 0.0)
    heard.hear(position(0, boot_ms=1_000))
    assert heard.state.boots == 1
    after = heard.state.snapshot()
    assert (after.home, after.relative_m, after.prearm_ok) == (None, None, None)


def test_a_position_of_zero_zero_is_none(heard: Heard) -> None:
    heard.hear(mavlink.MAVLink_global_position_int_message(1000, 0, 0, 0, 0, 0, 0, 0, 65535))
    assert heard.state.lat_deg is None


def test_the_battery_is_summed_over_its_cells_and_unknown_values_are_none(heard: Heard) -> None:
    heard.hear(battery(cells=(4000,) * 10, ext=(4000, 4000)))
    assert heard.state.battery_v == pytest.approx(48.0)
    assert heard.state.battery_a == pytest.approx(18.5)
    assert heard.state.battery_remaining_pct == 81.0
    assert heard.state.consumed_wh == pytest.approx(10.0)  # 360 hJ are 36 kJ
    heard.hear(battery(cells=(), current_battery=-1, energy_consumed=-1, battery_remaining=-1))
    assert heard.state.battery_v is heard.state.battery_a is heard.state.consumed_wh is None
    assert heard.state.battery_remaining_pct is None


def test_a_second_battery_does_not_overwrite_the_first(heard: Heard) -> None:
    heard.hear(battery(cells=(22200,)), battery(1, cells=(5000,)))
    assert heard.state.battery_v == pytest.approx(22.2)


def test_sys_status_tells_the_battery_only_where_battery_status_is_missing(heard: Heard) -> None:
    heard.hear(sys_status(0, voltage_battery=12600, current_battery=100, battery_remaining=50))
    assert (heard.state.battery_v, heard.state.battery_a, heard.state.battery_remaining_pct) == (12.6, 1.0, 50.0)
    heard.hear(battery(), sys_status(0, voltage_battery=12600))
    assert heard.state.battery_v == pytest.approx(22.2)


def test_ready_to_arm_needs_the_check_present_and_healthy(heard: Heard) -> None:
    bit = 0x10000000
    for present, health, ready in ((bit, bit, True), (bit, 0, False), (0, bit, False)):
        heard.hear(sys_status(health, present))
        assert heard.state.prearm_ok is ready


def test_mission_landing_fence_and_wind_are_folded(heard: Heard) -> None:
    heard.hear(
        mavlink.MAVLink_mission_current_message(3, 12, 3, 1),
        mavlink.MAVLink_extended_sys_state_message(0, 2),
        mavlink.MAVLink_fence_status_message(1, 2, 3, 0),
        mavlink.MAVLink_wind_message(-90.0, 6.5, 0.0),
        mavlink.MAVLink_ekf_status_report_message(0x33F, 0, 0, 0, 0, 0),
        mavlink.MAVLink_gps_raw_int_message(0, 6, 1, 1, 1, 121, 200, 0, 0, 22, 0, 300, 0, 0, 0),
        mavlink.MAVLink_attitude_message(1000, math.pi / 6, -math.pi / 4, 0, 0, 0, 0),
    )
    state = heard.state
    assert (state.mission_seq, state.mission_total, state.mission_state) == (3, 12, MissionState.ACTIVE)
    assert state.landed_state is Landed.IN_AIR
    assert (state.fence_breached, state.fence_breach_type) == (True, 3)
    assert (state.wind_mps, state.wind_from_deg) == (6.5, 270.0)
    assert state.ekf_flags == 0x33F
    assert (state.fix_type, state.satellites, state.horizontal_accuracy_m) == (6, 22, 0.3)
    assert state.roll_deg == pytest.approx(30.0, abs=1e-4)
    assert state.pitch_deg == pytest.approx(-45.0, abs=1e-4)


def test_values_outside_the_tables_do_not_raise(heard: Heard) -> None:
    heard.hear(
        mavlink.MAVLink_mission_current_message(3, 65535, 77, 0),
        mavlink.MAVLink_extended_sys_state_message(0, 77),
        mavlink.MAVLink_wind_message(float("nan"), float("inf"), 0.0),
        mavlink.MAVLink_gps_raw_int_message(0, 77, 1, 1, 1, 0, 0, 0, 0, 255),
    )
    assert heard.state.mission_total is None
    assert heard.state.mission_state is MissionState.UNKNOWN
    assert heard.state.landed_state is Landed.UNDEFINED
    assert heard.state.wind_mps is None
    assert heard.state.satellites is None


def test_each_stream_of_the_table_is_refreshed_by_its_message(heard: Heard) -> None:
    freshness = heard.telemetry.freshness
    assert not freshness.fresh(Stream.BATTERY)
    heard.hear(battery())
    assert freshness.fresh(Stream.BATTERY)
    assert not freshness.fresh(Stream.POSITION)
    heard.now_s += 5.1
    assert not freshness.fresh(Stream.BATTERY)


def chunk(text: str, number: int, seq: int, severity: int = 4) -> Any:
    return mavlink.MAVLink_statustext_message(severity, text.encode(), number, seq)


LONG = "Requested rate for message ID 30 too fast. Increase SCHED_LOOP_RATE"


def test_long_texts_are_put_together_from_chunks_in_any_order(heard: Heard) -> None:
    for order in ((0, 1), (1, 0), (0, 0, 1, 1)):
        heard.state.texts.clear()
        for seq in order:
            heard.hear(chunk(LONG[seq * 50 : seq * 50 + 50], 1, seq))
        heard.now_s += 3.0
        heard.hear(heartbeat())
        assert [text.text for text in heard.state.texts] == [LONG]


def test_a_text_that_misses_a_chunk_is_given_all_the_same(heard: Heard) -> None:
    heard.hear(chunk(LONG[50:], 1, 1))
    assert not heard.state.texts
    heard.now_s += 3.0
    heard.hear(heartbeat())
    assert heard.state.texts[0].text == "..." + LONG[50:]


def test_a_text_that_is_no_ascii_does_not_raise(heard: Heard) -> None:
    heard.hear(mavlink.MAVLink_statustext_message(3, b"\xff\xfe broken \xe4"))
    assert "broken" in heard.state.texts[0].text


def test_a_snapshot_stays_as_it_was(heard: Heard) -> None:
    heard.hear(heartbeat(4), chunk("one", 0, 0))
    kept = heard.state.snapshot()
    heard.hear(heartbeat(9), chunk("two", 0, 0))
    assert kept.mode == "GUIDED"
    assert [text.text for text in kept.texts] == ["one"]
    assert heard.state.mode == "LAND"


def test_a_failsafe_shows_in_the_system_status(heard: Heard) -> None:
    heard.hear(mavlink.MAVLink_heartbeat_message(2, 3, 209, 6, 5, 3))
    assert heard.state.failsafe
    heard.hear(heartbeat())
    assert not heard.state.failsafe
