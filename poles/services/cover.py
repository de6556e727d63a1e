"""The dock's cover as a table: for every state and every event, what it becomes, what the motor does, or why not.

Two interlocks guard the table. The motor closes only while the path of the cover is clear, whatever asked for it;
and it opens on an order only while the rain is within its limit. Something in the path of a closing cover reverses it,
in any rain: a drone counts more than a wet pad.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airspace.reasons import Rule, Words


class Cover(StrEnum):
    """Where the cover is."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STUCK = "stuck"  # it did not arrive in time, or its switches contradict; nothing moves until a reset


class CoverEvent(StrEnum):
    """What can happen to it."""

    OPEN = "open"  # ordered
    CLOSE = "close"  # ordered
    RESET = "reset"  # ordered after someone looked at a stuck cover
    AT_OPEN = "at-open"  # the switch at the open end closed
    AT_CLOSED = "at-closed"  # the switch at the closed end closed
    OVERRUN = "overrun"  # the motor has run longer than any healthy travel takes
    BLOCKED = "blocked"  # something came into the cover's path
    RAIN = "rain"  # the rain went over its limit


class Motor(StrEnum):
    """What the motor is told."""

    OPEN = "open"
    CLOSE = "close"
    STOP = "stop"


STUCK = Rule(
    "dock.cover.stuck",
    Words("the dock's cover is stuck", "机库舱盖卡滞"),
    Words("Have someone look at it, then send reset.", "请派人检查后发送 reset。"),
)
NO_FAULT = Rule(
    "dock.cover.no-fault",
    Words("the dock's cover has no fault to clear", "机库舱盖没有需要清除的故障"),
    Words("Send open or close.", "请发送 open 或 close。"),
)
PATH_BLOCKED = Rule(
    "dock.cover.blocked",
    Words("something is in the path of the dock's cover", "机库舱盖行程内有物体"),
    Words("Centre the drone on the pad or take it away, then send close again.", "请将无人机居中或移走后重发 close。"),
)
RAIN_OVER_LIMIT = Rule(
    "dock.rain.over-limit",
    Words(
        "{rain_mmph:.1f} mm/h of rain is over the dock's limit of {limit_mmph:.1f} mm/h",
        "雨强 {rain_mmph:.1f} mm/h，超过机库限值 {limit_mmph:.1f} mm/h",
    ),
    Words("Use another dock or wait for the rain to ease.", "请使用其他机库，或等待雨势减弱。"),
)
RAIN_UNKNOWN = Rule(
    "dock.rain.unknown",
    Words("the dock does not know how much it rains", "机库无雨强数据"),
    Words("Repair the pole's rain gauge, or use another dock.", "请修复雨量计，或使用其他机库。"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the table: the next state, what the motor is told (None: nothing new), or the rule that refuses."""

    cover: Cover
    motor: Motor | None = None
    refused: Rule | None = None


def _row(state: Cover, **changes: Step) -> dict[tuple[Cover, CoverEvent], Step]:
    stays = {CoverEvent[name.upper()]: Step(state) for name in ("at_open", "at_closed", "overrun", "blocked", "rain")}
    stays |= {CoverEvent.OPEN: Step(state), CoverEvent.CLOSE: Step(state)}
    stays[CoverEvent.RESET] = Step(state, refused=NO_FAULT)
    stays |= {CoverEvent[name.upper()]: step for name, step in changes.items()}
    return {(state, event): step for event, step in stays.items()}


_OPENS = Step(Cover.OPENING, Motor.OPEN)
_CLOSES = Step(Cover.CLOSING, Motor.CLOSE)
_STICKS = Step(Cover.STUCK, Motor.STOP)

TABLE: dict[tuple[Cover, CoverEvent], Step] = {
    # the far switch without a travel: the cover was forced, or a switch is broken
    **_row(Cover.CLOSED, open=_OPENS, at_open=_STICKS),
    # the near switch is still closed when a travel begins
    **_row(Cover.OPENING, close=_CLOSES, at_open=Step(Cover.OPEN, Motor.STOP), overrun=_STICKS, rain=_CLOSES),
    **_row(Cover.OPEN, close=_CLOSES, at_closed=_STICKS),
    **_row(Cover.CLOSING, open=_OPENS, at_closed=Step(Cover.CLOSED, Motor.STOP), overrun=_STICKS, blocked=_OPENS),
    **_row(Cover.STUCK, open=Step(Cover.STUCK, refused=STUCK), close=Step(Cover.STUCK, refused=STUCK), reset=_CLOSES),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the interlocks look at: the light curtain over the cover's path, and the rain [mm/h] (None: unknown)."""

    path_clear: bool
    rain_mmph: float | None
    rain_limit_mmph: float


def step(state: Cover, event: CoverEvent, around: Surroundings) -> Step:
    """The cell of the table with both interlocks applied; a guarded step keeps the state and names the rule."""
    cell = TABLE[state, event]
    if cell.motor is Motor.CLOSE and not around.path_clear:
        return Step(state, refused=PATH_BLOCKED)
    if cell.motor is Motor.OPEN and event is CoverEvent.OPEN:
        if around.rain_mmph is None:
            return Step(state, refused=RAIN_UNKNOWN)
        if around.rain_mmph > around.rain_limit_mmph:
            return Step(state, refused=RAIN_OVER_LIMIT)
    return cell
