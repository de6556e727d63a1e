"""Parameters of the autopilot: read by name, set and compared with what it then holds."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Reason, Refused, Rule, Words
from controller.links.commands import for_us
from controller.links.outcomes import enum_name
from controller.links.subscriptions import Inbox

if TYPE_CHECKING:
    from controller.links.drone import DroneLink

ANSWER_WITHIN_S = 1.0
TRIES = 4

PARAMETER_REFUSED = Rule(
    "link.parameter.refused",
    Words("{drone} refuses parameter {name}: {error}", "{drone} 拒绝参数 {name}：{error}"),
    Words(
        "Check the name and the value against this autopilot's parameter list.", "请对照该飞控的参数表检查名称和取值。"
    ),
)
PARAMETER_SILENT = Rule(
    "link.parameter.silent",
    Words(
        "{drone} did not answer for parameter {name} in {tries} tries",
        "{drone} 对参数 {name} 的 {tries} 次请求均无应答",
    ),
    Words("Check the link and try again.", "请检查链路后重试。"),
)
PARAMETER_DIFFERS = Rule(
    "link.parameter.differs",
    Words(
        "{drone} holds {name} = {held:g} after {wanted:g} was set",
        "{drone} 的参数 {name} 设为 {wanted:g} 后实际为 {held:g}",
    ),
    Words("Give a value that the parameter's type can hold.", "请给出该参数类型可以表示的值。"),
)


async def get_parameter(link: DroneLink, name: str) -> float:
    """The value that the autopilot holds; raises `Refused` when it has no such parameter or does not answer."""
    with link.listen("PARAM_VALUE", "PARAM_ERROR") as answers:
        for _ in range(TRIES):
            system, component = link.target
            link.send(mavlink.MAVLink_param_request_read_message(system, component, name.encode("ascii"), -1))
            value = await _value(link, answers, name, None)
            if value is not None:
                return value
    raise Refused([Reason(PARAMETER_SILENT, facts={"drone": link.drone, "name": name, "tries": TRIES})])


async def set_parameter(link: DroneLink, name: str, value: float) -> float:
    """Set a parameter and return what the autopilot then holds, equal to `value` as a 32-bit float.

    Raises `Refused` when the autopilot has no such parameter, refuses the value, holds another one (7.6 in an 8-bit
    integer becomes 7), or does not answer.
    """
    wanted = as_float32(value)
    held: float | None = None
    with link.listen("PARAM_VALUE", "PARAM_ERROR") as answers:
        for _ in range(TRIES):
            answers.clear()
            system, component = link.target
            # ArduPilot takes the value as a float and the type from its own table
            kind = mavlink.MAV_PARAM_TYPE_REAL32
            link.send(mavlink.MAVLink_param_set_message(system, component, name.encode("ascii"), wanted, kind))
            # another value may be an older one on its way: only when it comes twice is it what the autopilot holds
            seen = await _value(link, answers, name, wanted)
            if seen == wanted:
                return seen
            if seen is not None and seen == held:
                break
            held = seen if seen is not None else held
    if held is None:
        raise Refused([Reason(PARAMETER_SILENT, facts={"drone": link.drone, "name": name, "tries": TRIES})])
    facts = {"drone": link.drone, "name": name, "wanted": value, "held": held}
    raise Refused([Reason(PARAMETER_DIFFERS, facts=facts)])


async def _value(link: DroneLink, answers: Inbox, name: str, wanted: float | None) -> float | None:
    """The parameter's value: the wanted one as soon as it comes, else the last that came in time, None for silence."""
    seen: float | None = None
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while True:
                message = await answers.get()
                if message.param_id != name:
                    continue
                if message.get_type() == "PARAM_ERROR":
                    if for_us(message):
                        facts = {
                            "drone": link.drone,
                            "name": name,
                            "error": enum_name("MAV_PARAM_ERROR", message.error),
                        }
                        raise Refused([Reason(PARAMETER_REFUSED, facts=facts)])
                    continue
                seen = float(message.param_value)
                if wanted is None or seen == wanted:
                    return seen
    except TimeoutError:
        return seen


def as_float32(value: float) -> float:
    """The value as it arrives through a 32-bit float field."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])
