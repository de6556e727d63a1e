"""Commands to poles: accepted, rejected with a reason, or unknown; never 'sent, so fine'."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Literal

import msgspec

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from poles.protocol import Accepted, Command, Progress, Result
from poles.protocol.messages import Address, Id
from poles.services import FUNCTIONS, function_spec
from poles.services.service import FunctionSpec, parameters_from_wire

Until = Literal["accepted", "done"]
OnAccepted = Callable[[], None]
OnProgress = Callable[[Progress], None]
_Order = tuple[str, str, dict[str, Any]]  # function, action, parameters

GIVEN_KEPT = 10_000  # orders with a key; a pole itself remembers far fewer

SILENT = Rule(
    "pole.command.silent",
    Words("the pole did not answer within {deadline_s:g} s", "灯杆在 {deadline_s:g} 秒内未应答"),
    Words("Look at its readings to see whether it acted.", "请查看其数据以确认是否已执行。"),
)
UNFINISHED = Rule(
    "pole.command.unfinished",
    Words(
        "the pole began and did not finish within {deadline_s:g} s", "灯杆已开始执行，但在 {deadline_s:g} 秒内未完成"
    ),
    Words("Look at its readings to see how far it came.", "请查看其数据以确认进度。"),
)
UNREACHABLE = Rule(
    "pole.command.unreachable",
    Words("the pole cannot be reached; nothing was sent", "灯杆无法连接，指令未发出"),
    Words("Check its power and network, then send it again.", "请检查其供电和网络后重发。"),
)
UNKNOWN_FUNCTION = Rule(
    "pole.function.unknown",
    Words("there is no function {function}", "不存在功能 {function}"),
    Words("Known are: {functions}.", "可用功能：{functions}。"),
)
KEY_TAKEN = Rule(
    "pole.command.key-taken",
    Words("another order was given under the key {key}; nothing was sent", "键 {key} 已用于另一条指令，本指令未发出"),
    Words("Give this order a key of its own.", "请为该指令使用单独的键。"),
)
KEY_LONG = Rule(
    "pole.command.key-long",
    Words("a key of {length} characters is too long; nothing was sent", "键长 {length} 个字符，过长，指令未发出"),
    Words("Give this order a key of 64 characters at most.", "请为该指令使用不超过 64 个字符的键。"),
)
INTERRUPTED = "pole.command.interrupted"  # says a pole that restarted over what it had accepted
DONE = Words("done", "已执行")
BEGUN = Words("begun", "已开始")


class Outcome(StrEnum):
    """What became of a command."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # certainly not carried out
    UNKNOWN = "unknown"  # carried out, or not, or in part: the pole did not say, or it broke off what it had begun


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """The answer to a command; `code` is the broken rule's when there is one, `words` say it in both languages."""

    id: str
    outcome: Outcome
    words: Words
    code: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the pole does what it was told."""
        return self.outcome is Outcome.ACCEPTED

    def text(self, lang: Lang = "en") -> str:
        """One line for people."""
        return f"{self.outcome}: {self.words.text(lang)}"


@dataclass(slots=True)
class _Pending:
    code: str
    order: _Order
    accepted: asyncio.Future[None]
    result: asyncio.Future[Result]
    sent: bool = False
    waiting: int = 0
    listeners: list[OnProgress] = field(default_factory=list)
    on_accepted: list[OnAccepted] = field(default_factory=list)


class Commands:
    """The commands that wait for answers; sends each again until the pole answers, under one id, so it acts once.

    `send(code, command)` tells whether the message left; `utc_s` dates deadlines; `rng` makes ids.
    """

    def __init__(
        self,
        send: Callable[[str, Command], bool],
        *,
        utc_s: Callable[[], float],
        rng: random.Random,
        retry_s: float = 1.0,
    ) -> None:
        self._send = send
        self._utc_s = utc_s
        self._rng = rng
        self._retry_s = retry_s
        self._pending: dict[tuple[str, str], _Pending] = {}  # by city code and id
        self._given: OrderedDict[tuple[str, str], _Order] = OrderedDict()  # the latest that were sent under a key

    def __len__(self) -> int:
        return len(self._pending)

    def answered(self, code: str, answer: Accepted | Progress | Result) -> bool:
        """Take a pole's answer; False when nobody waits for it from this pole."""
        pending = self._pending.get((code, answer.id))
        if pending is None:
            return False
        if not pending.accepted.done() and (not isinstance(answer, Result) or answer.ok):
            pending.accepted.set_result(None)
            for began in pending.on_accepted:
                began()
        if isinstance(answer, Result) and not pending.result.done():
            pending.result.set_result(answer)
        if isinstance(answer, Progress):
            for listener in pending.listeners:
                listener(answer)
        return True

    async def run(
        self,
        code: str,
        function: str,
        action: str,
        parameters: dict[str, Any],
        deadline_s: float,
        until: Until,
        key: str = "",
        on_accepted: OnAccepted | None = None,
        on_progress: OnProgress | None = None,
    ) -> CommandOutcome:
        """Send and wait for the answer, at most `deadline_s`; see `Gateway.command`."""
        id_ = key or f"{self._rng.getrandbits(64):016x}"
        if not _is(id_, Id):
            return _rejected(id_, Reason(KEY_LONG, "", {"length": len(id_)}))
        try:
            parameters_from_wire(function, known_function(function), action, parameters)
        except Refused as refused:
            return _rejected(id_, refused.reasons[0])
        order = (function, action, parameters)
        if self._given.get((code, id_), order) != order:
            return _rejected(id_, Reason(KEY_TAKEN, "", {"key": id_}))
        pending = self._awaited(id_, code, order)
        if pending.order != order:
            return _rejected(id_, Reason(KEY_TAKEN, "", {"key": id_}))
        pending.waiting += 1
        if on_accepted is not None and pending.accepted.done():
            on_accepted()
        elif on_accepted is not None:
            pending.on_accepted.append(on_accepted)
        if on_progress is not None:
            pending.listeners.append(on_progress)
        command = Command(
            id=id_, function=function, action=action, parameters=parameters, expires_s=self._utc_s() + deadline_s
        )
        try:
            async with asyncio.timeout(deadline_s):
                await self._until_answered(command, pending, until)
        except TimeoutError:
            return _without_answer(id_, pending, deadline_s)
        finally:
            pending.waiting -= 1
            if not pending.waiting:
                del self._pending[code, id_]
            if key and pending.sent:
                self._remember(code, key, order)
        return _from_answer(id_, pending)

    def _remember(self, code: str, key: str, order: _Order) -> None:
        """A pole that knows a key answers what it answered before, so another order under it would seem done."""
        self._given[code, key] = order
        self._given.move_to_end((code, key))
        if len(self._given) > GIVEN_KEPT:
            self._given.popitem(last=False)

    def _awaited(self, id_: str, code: str, order: _Order) -> _Pending:
        """What waits under an id; who orders again under one key waits with who ordered first."""
        pending = self._pending.get((code, id_))
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[code, id_] = _Pending(code, order, loop.create_future(), loop.create_future())
        return pending

    async def _until_answered(self, command: Command, pending: _Pending, until: Until) -> None:
        wanted: list[asyncio.Future[Any]] = [pending.result]
        if until == "accepted":
            wanted.append(pending.accepted)
        while True:
            # the same id: a pole that has it answers again what it answered before
            pending.sent = self._send(pending.code, command) or pending.sent
            if not pending.sent:
                return
            done, _ = await asyncio.wait(wanted, timeout=self._retry_s, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return


def known_function(function: str) -> FunctionSpec:
    """What the registry says of a function's address; raises Refused, also for what no pole could read."""
    spec = function_spec(function) if _is(function, Address) else None
    if spec is None:
        raise Refused(
            [Reason(UNKNOWN_FUNCTION, "", {"function": function, "functions": ", ".join(_nearest(function))})]
        )
    return spec


def _nearest(function: str) -> list[str]:
    """All functions, the likest names first."""
    given = function[:64].lower()
    likeness = {name: SequenceMatcher(a=given, b=name.lower()).ratio() for name in FUNCTIONS}
    return sorted(FUNCTIONS, key=lambda name: (-likeness[name], name))


def _is(word: str, kind: Any) -> bool:
    """Whether a word fits a field of the protocol, of which the annotated type says how long it may be."""
    try:
        msgspec.convert(word, kind)
    except msgspec.ValidationError:
        return False
    return True


def _from_answer(id_: str, pending: _Pending) -> CommandOutcome:
    if not pending.sent:
        return _rejected(id_, Reason(UNREACHABLE))
    if not pending.result.done():
        return CommandOutcome(id_, Outcome.ACCEPTED, BEGUN)
    result = pending.result.result()
    if result.ok:
        return CommandOutcome(id_, Outcome.ACCEPTED, DONE)
    began = pending.accepted.done() or result.code == INTERRUPTED
    outcome = Outcome.UNKNOWN if began else Outcome.REJECTED
    return CommandOutcome(id_, outcome, Words(result.en, result.zh), result.code)


def _without_answer(id_: str, pending: _Pending, deadline_s: float) -> CommandOutcome:
    rule = UNFINISHED if pending.accepted.done() else SILENT
    reason = Reason(rule, "", {"deadline_s": deadline_s})
    return CommandOutcome(id_, Outcome.UNKNOWN, Words(reason.text("en"), reason.text("zh")), rule.code)


def _rejected(id_: str, reason: Reason) -> CommandOutcome:
    return CommandOutcome(id_, Outcome.REJECTED, Words(reason.text("en"), reason.text("zh")), reason.rule.code)
