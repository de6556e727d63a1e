from __future__ import annotations

from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Refused
from controller.links.drone import DroneLink
from controller.links.parameters import as_float32
from tests.controller.links.air import Faults
from tests.controller.links.autopilot import Autopilot, in_virtual_time


def _value(name: str, value: float) -> Any:
    return mavlink.MAVLink_param_value_message(name.encode(), value, mavlink.MAV_PARAM_TYPE_REAL32, 1358, 65535)


def _error(name: str, error: int, target: int = 255) -> Any:
    return mavlink.MAVLink_param_error_message(target, 190, name.encode(), -1, error)


def teach(autopilot: Autopilot, table: dict[str, float], integers: frozenset[str] = frozenset()) -> None:
    def answer(message: Any) -> None:
        name = message.param_id
        if name not in table:
            autopilot.say(_error(name, 1))
            return
        if message.get_type() == "PARAM_SET":
            table[name] = float(int(message.param_value)) if name in integers else message.param_value
        autopilot.say(_value(name, table[name]))

    autopilot.on("PARAM_SET", answer)
    autopilot.on("PARAM_REQUEST_READ", answer)


def test_a_parameter_is_read_by_name() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        teach(autopilot, {"RTL_ALT": 1500.0, "FENCE_ACTION": 1.0})
        assert await link.get_parameter("RTL_ALT") == 1500.0
        assert await link.get_parameter("FENCE_ACTION") == 1.0

    in_virtual_time(body)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 0.1, 1e-3, 16777217.0])
def test_a_set_parameter_is_compared_as_a_32_bit_float(value: float) -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        table = {"FENCE_ALT_MAX": 100.0}
        teach(autopilot, table)
        assert await link.set_parameter("FENCE_ALT_MAX", value) == as_float32(value) == table["FENCE_ALT_MAX"]

    in_virtual_time(body)


def test_an_unknown_parameter_is_refused_with_the_autopilots_error() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        teach(autopilot, {})
        with pytest.raises(Refused, match="D1 refuses parameter NO_SUCH: DOES_NOT_EXIST"):
            await link.set_parameter("NO_SUCH", 1.0)
        with pytest.raises(Refused, match="DOES_NOT_EXIST"):
            await link.get_parameter("NO_SUCH")

    in_virtual_time(body)


def test_a_value_that_the_type_cannot_hold_is_refused_with_what_the_drone_holds() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        teach(autopilot, {"FENCE_ACTION": 1.0}, frozenset({"FENCE_ACTION"}))
        with pytest.raises(Refused, match=r"D1 holds FENCE_ACTION = 7 after 7\.6 was set"):
            await link.set_parameter("FENCE_ACTION", 7.6)

    in_virtual_time(body)


def test_a_silent_drone_is_a_refusal() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        with pytest.raises(Refused, match="did not answer for parameter RTL_ALT in 4 tries"):
            await link.set_parameter("RTL_ALT", 1500.0)
        with pytest.raises(Refused, match="did not answer"):
            await link.get_parameter("RTL_ALT")

    in_virtual_time(body)


def test_unsolicited_values_and_others_errors_do_not_mix_in() -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        def answer(message: Any) -> None:
            autopilot.say(_value("STAT_RUNTIME", 5.0))
            autopilot.say(_error("RTL_ALT", 1, target=200))
            autopilot.say(_value("RTL_ALT", 1500.0))  # pushed before the new value
            autopilot.say(_value("RTL_ALT", message.param_value))

        autopilot.on("PARAM_SET", answer)
        assert await link.set_parameter("RTL_ALT", 3000.0) == 3000.0

    in_virtual_time(body)


@pytest.mark.parametrize("seed", range(8))
def test_parameters_get_through_duplicates_reordering_and_some_loss(seed: int) -> None:
    async def body(link: DroneLink, autopilot: Autopilot) -> None:
        teach(autopilot, {"RTL_ALT": 1500.0})
        assert await link.set_parameter("RTL_ALT", 2500.0) == 2500.0

    in_virtual_time(body, Faults(loss=0.1, duplicates=0.3, spread_s=0.2), seed)
