"""Orders to the drone and to poles during a flight: each one's answer is recorded, and a 'no' is a reason."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from airspace.reasons import Reason, Refused, Rule, Words
from controller.district import District
from controller.events import CommandAnswered
from controller.links.drone import CommandOutcome
from poles.services.dock_functions import CHARGER, DOCK

POLE_ANSWERS_S = 8.0

REJECTED = Rule(
    "drone.rejected",
    Words("the drone rejected {order}: {detail}", "无人机拒绝执行 {order}：{detail}"),
    Words("Clear what it names, then launch again.", "请排除其所述原因后重新放飞。"),
)
UNANSWERED = Rule(
    "drone.unanswered",
    Words("the drone never answered {order}", "无人机未答复 {order}"),
    Words("Check the link; the drone may or may not have done it.", "请检查链路；该指令可能已执行，也可能未执行。"),
)
POLE_REFUSED = Rule(
    "pole.refused",
    Words("pole {pole} did not {order}: {outcome} {detail}", "灯杆 {pole} 未执行 {order}：{outcome} {detail}"),
    Words("Look at the pole, or choose another dock.", "请检查该灯杆，或选择其他机库。"),
)
NO_GATEWAY = Rule(
    "pole.no-gateway",
    Words(
        "pole {pole} cannot be told to {order}: the site has no gateway",
        "无法令灯杆 {pole} 执行 {order}：站点未配置网关",
    ),
    Words("Write [gateway] and the pole's public key in the site file.", "请在站点文件中填写 [gateway] 及灯杆公钥。"),
)


async def order_drone(
    district: District, flight: str, drone: str, order: str, answer: Awaitable[CommandOutcome]
) -> CommandOutcome:
    """Await the drone's answer to an order and record it."""
    outcome = await answer
    await district.record(
        CommandAnswered(flight=flight, target=drone, command=order, outcome=outcome.outcome, detail=outcome.detail)
    )
    return outcome


async def must(district: District, flight: str, drone: str, order: str, answer: Awaitable[CommandOutcome]) -> None:
    """Await an order that has to be accepted; raises `Refused` with the drone's own words when it is not."""
    outcome = await order_drone(district, flight, drone, order, answer)
    if outcome.outcome == "rejected":
        raise Refused([Reason(REJECTED, drone, {"order": order, "detail": outcome.detail})])
    if outcome.outcome != "accepted":
        raise Refused([Reason(UNANSWERED, drone, {"order": order})])


async def order_pole(
    district: District, flight: str, pole: str, function: str, action: str, **parameters: Any
) -> Reason | None:
    """Order a pole to act for a flight and record its answer; the reason when it did not, None when it did."""
    if district.poles is None:
        return Reason(NO_GATEWAY, pole, {"pole": pole, "order": f"{function} {action}", "outcome": "rejected"})
    if function in (DOCK, CHARGER):
        parameters["flight"] = flight
    outcome, words = await district.poles.ask(pole, function, action, POLE_ANSWERS_S, parameters)
    order = f"{function} {action}"
    detail = "" if outcome == "accepted" else words.en
    await district.record(CommandAnswered(flight=flight, target=pole, command=order, outcome=outcome, detail=detail))
    if outcome == "accepted":
        return None
    return Reason(POLE_REFUSED, pole, {"pole": pole, "order": order, "outcome": outcome, "detail": words})
