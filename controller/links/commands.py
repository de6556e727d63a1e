"""The MAVLink command protocol: COMMAND_LONG and COMMAND_INT, sent until the drone answers.

A command is over when the acknowledgement of this command comes from this drone for us. Others' answers do not count,
and no answer is no success: the outcome is then `unknown`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.codec import GCS_COMPONENT, GCS_SYSTEM
from controller.links.outcomes import CommandOutcome, Outcome, enum_name, in_one_line
from controller.links.statustexts import StatusText
from controller.links.subscriptions import Inbox
from controller.links.waiting import TransportClosed

if TYPE_CHECKING:
    from controller.links.drone import DroneLink

ANSWER_WITHIN_S = 1.0
RETRIES = 5  # one in fifty commands stays unanswered when each way loses 30 %
IN_PROGRESS_EXTENDS_S = 5.0
WORDS_WITHIN_S = 0.5  # a refusal's STATUSTEXT may come just after its acknowledgement
# Telemetry shows what these did, so a wrong answer to one does no harm, and a change of mode must not wait.
SEEN_OTHERWISE = frozenset(
    {mavlink.MAV_CMD_DO_SET_MODE, mavlink.MAV_CMD_DO_SET_MISSION_CURRENT, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL}
)
WORTH_TELLING = 5  # MAV_SEVERITY_NOTICE; what is less urgent than that does not explain a refusal


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """One command; for `as_int` params 5 and 6 are degrees (sent as 1e-7 deg) and param 7 is metres over `frame`."""

    command: int
    params: tuple[float, float, float, float, float, float, float]
    as_int: bool = False
    frame: int = mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT
    retries: int = RETRIES
    within_s: float = ANSWER_WITHIN_S

    @property
    def name(self) -> str:
        """The command's name in MAV_CMD."""
        return enum_name("MAV_CMD", self.command)

    def message(self, system: int, component: int, confirmation: int) -> mavlink.MAVLink_message:
        """The message for one try."""
        p = self.params
        if self.as_int:
            return mavlink.MAVLink_command_int_message(
                system, component, self.frame, self.command, 0, 0, *p[:4], round(p[4] * 1e7), round(p[5] * 1e7), p[6]
            )
        return mavlink.MAVLink_command_long_message(system, component, self.command, min(confirmation, 255), *p)


class Commands:
    """Sends the commands of one link; two of the same number wait for each other, since their answers look alike."""

    def __init__(self, link: DroneLink) -> None:
        self._link = link
        self._turns: dict[int, asyncio.Lock] = {}
        self._quiet_at_s: dict[int, float] = {}

    async def run(self, request: CommandRequest) -> CommandOutcome:
        """Send until answered and say what became of it."""
        loop = asyncio.get_running_loop()
        async with self._turns.setdefault(request.command, asyncio.Lock()):
            await asyncio.sleep(self._quiet_at_s.get(request.command, 0.0) - loop.time())
            with self._link.listen("COMMAND_ACK") as answers:
                try:
                    outcome = await self._until_answered(request, answers)
                except TransportClosed:
                    return CommandOutcome("unknown", f"{request.name}: the link closed")
            if (
                outcome.tries > 1 and request.command not in SEEN_OTHERWISE
            ):  # late answers to the other tries must not be taken for the next command's
                self._quiet_at_s[request.command] = loop.time() + request.within_s
            return outcome

    async def _until_answered(self, request: CommandRequest, answers: Inbox) -> CommandOutcome:
        link = self._link
        began_s = asyncio.get_running_loop().time()
        tries = 0
        for attempt in range(request.retries + 1):
            tries = attempt + 1
            system, component = link.target
            link.send(request.message(system, component, attempt))
            answer = await _answer(answers, request.command, request.within_s)
            if answer is not None and answer.result == mavlink.MAV_RESULT_IN_PROGRESS:
                answer = await _final_answer(answers, request.command)
                if answer is None:
                    return CommandOutcome("unknown", f"{request.name}: IN_PROGRESS, then silence", None, tries)
            if answer is not None:
                return await self._outcome(request, answer.result, tries, began_s)
        return CommandOutcome("unknown", f"{request.name}: no answer to {tries} tries", None, tries)

    async def _outcome(self, request: CommandRequest, result: int, tries: int, began_s: float) -> CommandOutcome:
        name = enum_name("MAV_RESULT", result)
        if result == mavlink.MAV_RESULT_ACCEPTED:
            return CommandOutcome("accepted", name, result, tries)
        with self._link.listen_texts() as words, contextlib.suppress(TimeoutError, TransportClosed):
            async with asyncio.timeout(WORDS_WITHIN_S):
                while not self._said_since(began_s):
                    await words.get()
        texts = self._said_since(began_s)
        said = f": {in_one_line(texts)}" if texts else ""
        # an earlier try may have been carried out and its answer lost: "already flying" refuses no take-off
        doubt = tries > 1 and result == mavlink.MAV_RESULT_FAILED
        outcome: Outcome = "unknown" if doubt else "rejected"
        note = f" (answer to try {tries}; an earlier one may have been carried out)" if doubt else ""
        return CommandOutcome(outcome, f"{name}{said}{note}", result, tries)

    def _said_since(self, began_s: float) -> tuple[StatusText, ...]:
        return tuple(t for t in self._link.state.texts if t.at_s >= began_s and t.severity <= WORTH_TELLING)


def for_us(message: Any) -> bool:
    """Whether a message's target is this ground station or everyone (0, and all that MAVLink 1 can say)."""
    return message.target_system in (0, GCS_SYSTEM) and message.target_component in (0, GCS_COMPONENT)


async def _answer(answers: Inbox, command: int, within_s: float) -> mavlink.MAVLink_command_ack_message | None:
    try:
        async with asyncio.timeout(within_s):
            while True:
                message: mavlink.MAVLink_command_ack_message = await answers.get()
                if message.command == command and for_us(message):
                    return message
    except TimeoutError:
        return None


async def _final_answer(answers: Inbox, command: int) -> mavlink.MAVLink_command_ack_message | None:
    while True:
        answer = await _answer(answers, command, IN_PROGRESS_EXTENDS_S)
        if answer is None or answer.result != mavlink.MAV_RESULT_IN_PROGRESS:
            return answer
