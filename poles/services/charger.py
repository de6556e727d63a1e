"""The dock's charger as a table: for every state and every event, what it becomes and what the contacts do.

Two interlocks guard it. The contacts carry current only while a drone stands on the pad under a closed cover; and when
either ends, or the charger finds something wrong, they let go, whatever was ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airspace.reasons import Rule, Words


class Charger(StrEnum):
    """What the charger does."""

    OFF = "off"
    CHARGING = "charging"
    FULL = "full"
    FAULT = "fault"  # it found something wrong; nothing flows until a reset


class ChargerEvent(StrEnum):
    """What can happen to it."""

    CHARGE = "charge"  # ordered
    STOP = "stop"  # ordered
    RESET = "reset"  # ordered after someone looked at a fault
    FILLED = "filled"  # the battery takes no more
    TROUBLE = "trouble"  # no contact, too hot, a cell out of its range
    LEFT = "left"  # the drone left the pad
    UNCOVERED = "uncovered"  # the cover is no longer closed


class Contacts(StrEnum):
    """What the contacts are told."""

    ON = "on"
    OFF = "off"


FAULT = Rule(
    "dock.charger.fault",
    Words("the dock's charger found something wrong", "机库充电器故障"),
    Words("Have someone look at it, then send reset to the charger.", "请派人检查后向充电器发送 reset。"),
)
NO_FAULT = Rule(
    "dock.charger.no-fault",
    Words("the dock's charger has no fault to clear", "机库充电器没有需要清除的故障"),
    Words("Send charge or stop.", "请发送 charge 或 stop。"),
)
NO_DRONE = Rule(
    "dock.charger.no-drone",
    Words("no drone stands on the pad", "停机坪上没有无人机"),
    Words("Charge when one has landed.", "请在无人机降落后充电。"),
)
NOT_COVERED = Rule(
    "dock.charger.not-covered",
    Words("the dock's cover is not closed", "机库舱盖未关闭"),
    Words("Close the cover first.", "请先关闭舱盖。"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the table: the next state, what the contacts are told (None: nothing new), or why not."""

    charger: Charger
    contacts: Contacts | None = None
    refused: Rule | None = None


_ON = Step(Charger.CHARGING, Contacts.ON)
_LETS_GO = Step(Charger.OFF, Contacts.OFF)
_FAILS = Step(Charger.FAULT, Contacts.OFF)


def _row(state: Charger, **changes: Step) -> dict[tuple[Charger, ChargerEvent], Step]:
    row = {event: Step(state) for event in ChargerEvent}
    row |= {ChargerEvent.RESET: Step(state, refused=NO_FAULT), ChargerEvent.TROUBLE: _FAILS}
    row |= {ChargerEvent[name.upper()]: step for name, step in changes.items()}
    return {(state, event): step for event, step in row.items()}


_REFUSES = Step(Charger.FAULT, refused=FAULT)

TABLE: dict[tuple[Charger, ChargerEvent], Step] = {
    **_row(Charger.OFF, charge=_ON),
    **_row(Charger.CHARGING, stop=_LETS_GO, filled=Step(Charger.FULL, Contacts.OFF), left=_LETS_GO, uncovered=_LETS_GO),
    # a battery that stood for long is topped up on an order
    **_row(Charger.FULL, charge=_ON, stop=Step(Charger.OFF), left=Step(Charger.OFF)),
    **_row(Charger.FAULT, charge=_REFUSES, reset=Step(Charger.OFF), trouble=Step(Charger.FAULT)),
}


def step(state: Charger, event: ChargerEvent, *, drone_present: bool, covered: bool) -> Step:
    """The cell of the table with the interlocks applied; a guarded step keeps the state and names the rule."""
    cell = TABLE[state, event]
    if cell.contacts is Contacts.ON and not drone_present:
        return Step(state, refused=NO_DRONE)
    if cell.contacts is Contacts.ON and not covered:
        return Step(state, refused=NOT_COVERED)
    return cell
