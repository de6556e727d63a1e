"""pymavlink's own `mavutil` and its mission tools `mavwp` at the simulated drone, ArduCopter and PX4."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil, mavwp
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from tests.sim.clients.serving import HOME_AMSL_M, HOME_LAT_DEG, HOME_LON_DEG, PATIENCE_S, eventually, serving

pytestmark = pytest.mark.filterwarnings("ignore")


def connected(address: str) -> Any:
    connection = mavutil.mavlink_connection(f"tcp:{address}", source_system=255, dialect="ardupilotmega")
    assert connection.wait_heartbeat(timeout=PATIENCE_S) is not None
    connection.mav.heartbeat_send(6, 8, 0, 0, 4)
    return connection


def heard(connection: Any, kinds: str | list[str], wanted: str | None = None) -> Any:
    """The next message of some kinds, with what `recv_match` calls a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        connection.mav.heartbeat_send(6, 8, 0, 0, 4)
        message = connection.recv_match(type=kinds, condition=wanted, blocking=True, timeout=1.0)
        if message is not None:
            return message
    raise AssertionError(f"no {kinds} with {wanted}")


def sent(connection: Any, loader: Any) -> int:
    """Send a list item by item as it is asked for; the result it is acknowledged with."""
    connection.waypoint_count_send(loader.count())
    while True:
        message = heard(connection, ["MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ACK"])
        if message.get_type() == "MISSION_ACK":
            return int(message.type)
        item = loader.wp(message.seq)
        item.target_system, item.target_component = connection.target_system, connection.target_component
        connection.mav.send(mavlink.MAVLink_mission_item_int_message(*wire(item)))


def wire(item: Any) -> tuple[Any, ...]:
    x, y = (round(v * 1e7) if item.frame != 2 else round(v) for v in (item.x, item.y))
    params = (item.param1, item.param2, item.param3, item.param4)
    head = (item.target_system, item.target_component, item.seq, item.frame, item.command, item.current, 1)
    return (*head, *params, x, y, item.z)


def read_back(connection: Any) -> list[Any]:
    connection.waypoint_request_list_send()
    count = heard(connection, "MISSION_COUNT").count
    items = []
    for seq in range(count):
        connection.mav.mission_request_int_send(connection.target_system, connection.target_component, seq)
        items.append(heard(connection, "MISSION_ITEM_INT", f"MISSION_ITEM_INT.seq=={seq}"))
    connection.mav.mission_ack_send(connection.target_system, connection.target_component, 0)
    return items


def mission(path: Path, *, home: bool) -> Any:
    """A loader with a mission that went through a file."""
    made = mavwp.MAVWPLoader()
    if home:
        made.add_latlonalt(HOME_LAT_DEG, HOME_LON_DEG, HOME_AMSL_M)
        made.wp(0).frame = 0
    places = [(22, 0.0, 10.0), (16, 0.0002, 10.0), (16, 0.0002, 14.0)]
    for seq, (command, north_deg, up_m) in enumerate(places, made.count()):
        lat, lon = (HOME_LAT_DEG + north_deg, HOME_LON_DEG) if north_deg else (0.0, 0.0)
        item = mavlink.MAVLink_mission_item_message(1, 1, seq, 3, command, 0, 1, 0, 0, 0, 0, lat, lon, up_m)
        made.add(item)
    made.save(str(path))
    loader = mavwp.MAVWPLoader()
    assert loader.load(str(path)) == made.count()
    return loader


def test_mavwp_and_mavutil_fly_an_arducopter(tmp_path: Path) -> None:
    with serving(speed=8.0) as drones:
        connection = connected(drones[0].address)
        connection.mav.request_data_stream_send(1, 1, 0, 4, 1)
        connection.param_fetch_one("FENCE_RADIUS")
        assert heard(connection, "PARAM_VALUE", "PARAM_VALUE.param_id=='FENCE_RADIUS'").param_value == 150.0
        loader = mission(tmp_path / "mission.txt", home=True)
        assert sent(connection, loader) == 0
        back = read_back(connection)
        assert [(m.command, m.frame, m.z) for m in back[1:]] == [
            (loader.wp(n).command, 3, loader.wp(n).z) for n in range(1, loader.count())
        ]
        connection.set_mode("GUIDED")
        heard(connection, "HEARTBEAT", "HEARTBEAT.custom_mode==4")
        connection.arducopter_arm()
        heard(connection, "HEARTBEAT", "HEARTBEAT.base_mode&128")
        connection.set_mode("AUTO")
        connection.mav.command_long_send(1, 1, 300, 0, 0, 0, 0, 0, 0, 0, 0)
        heard(connection, "STATUSTEXT", "STATUSTEXT.text=='Reached command #3'")
        connection.set_mode("LAND")
        heard(connection, "HEARTBEAT", "not HEARTBEAT.base_mode&128")
        connection.close()


def test_mavwp_and_mavutil_fly_a_px4(tmp_path: Path) -> None:
    with serving("--autopilot", "px4", speed=8.0) as drones:
        connection = connected(drones[0].address)
        heard(connection, "GLOBAL_POSITION_INT")  # it streams before it is asked to
        loader = mission(tmp_path / "mission.txt", home=False)
        assert sent(connection, loader) == 0
        back = read_back(connection)
        assert [(m.command, m.frame, m.z) for m in back] == [
            (loader.wp(n).command, 6, loader.wp(n).z) for n in range(loader.count())
        ]
        connection.arducopter_arm()
        heard(connection, "HEARTBEAT", "HEARTBEAT.base_mode&128")
        connection.set_mode("MISSION")
        heard(connection, "MISSION_ITEM_REACHED", "MISSION_ITEM_REACHED.seq==2")
        eventually(lambda: heard(connection, "HEARTBEAT") and connection.flightmode == "LOITER")
        connection.set_mode("LAND")
        heard(connection, "HEARTBEAT", "not HEARTBEAT.base_mode&128")
        connection.close()
