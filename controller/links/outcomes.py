"""What became of something that was asked of a drone: accepted, rejected, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.statustexts import StatusText

Outcome = Literal["accepted", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """The end of a command; `unknown` means that it may or may not have been carried out.

    `detail` has the MAV_RESULT and what the autopilot said with it, in words for people; `tries` how often it was sent.
    """

    outcome: Outcome
    detail: str = ""
    result: int | None = None  # MAV_RESULT of the final COMMAND_ACK
    tries: int = 1

    @property
    def accepted(self) -> bool:
        """Whether the drone said yes."""
        return self.outcome == "accepted"


class DeadlinePassed(TimeoutError):
    """Something awaited did not happen in time; `texts` are the autopilot's last words meanwhile."""

    def __init__(self, what: str, within_s: float, texts: tuple[StatusText, ...] = ()) -> None:
        self.what = what
        self.within_s = within_s
        self.texts = texts
        said = f"; the autopilot said: {in_one_line(texts)}" if texts else ""
        super().__init__(f"{what}: not within {within_s:g} s{said}")


def in_one_line(texts: tuple[StatusText, ...]) -> str:
    """The texts, each once, in order."""
    return " | ".join(dict.fromkeys(text.text for text in texts))


def enum_name(enum: str, value: int) -> str:
    """The name of a MAVLink enum's value, such as `FAILED` for MAV_RESULT 4; enum and number for one without a name."""
    entry = mavlink.enums[enum].get(value)
    return f"{enum} {value}" if entry is None else str(entry.name).removeprefix(f"{enum}_")
