"""What was answered to commands: each is carried out once, however often it comes, also across a restart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from airspace.reasons import Reason, Rule, Words
from poles.agent.ring import Kind, Record, Ring
from poles.protocol import MAX_TEXT, Accepted, Progress, Result, decode, encode

INTERRUPTED = Rule(
    "pole.command.interrupted",
    Words("the pole restarted while it carried this out", "灯杆在执行该指令时重新启动"),
    Words("Look at its readings to see how far it came.", "请查看其数据以确认进度。"),
)
REMEMBERED = 1024

Answer = Accepted | Progress | Result


class Answers:
    """The last answer to each of the last `REMEMBERED` commands, by its id; with a ring they outlive the boot."""

    def __init__(
        self, boot: str, ring: Ring | None = None, on_fault: Callable[[OSError], None] = lambda _: None
    ) -> None:
        self._boot = int(boot, 16) if ring is not None else 0
        self._ring = ring
        self._on_fault = on_fault
        self._last: OrderedDict[str, Answer] = OrderedDict()
        for record in ring.found if ring is not None else ():
            self._recall(record)
        for id_, answer in self._last.items():
            if not isinstance(answer, Result):
                self._last[id_] = failed(id_, Reason(INTERRUPTED))

    def __len__(self) -> int:
        return len(self._last)

    def get(self, id_: str) -> Answer | None:
        """What was answered last, None to a command that is new."""
        return self._last.get(id_)

    def beginning(self, id_: str, expires_s: float) -> bool:
        """A command is about to begin that is void after `expires_s` (UTC); True when a ring has to sync this first."""
        return self._keep(Accepted(id=id_), expires_s)

    def remember(self, answer: Answer, expires_s: float) -> None:
        """Note what was answered."""
        self._note(answer)
        if isinstance(answer, Result):
            self._keep(answer, expires_s)

    def _keep(self, answer: Accepted | Result, expires_s: float) -> bool:
        if self._ring is None:
            return False
        try:
            self._ring.append(Kind.ANSWER, self._boot, 0, expires_s, 0.0, encode(answer))
        except OSError as error:
            self._on_fault(error)
            return False
        return True

    def _note(self, answer: Answer) -> None:
        self._last[answer.id] = answer
        self._last.move_to_end(answer.id)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    def _recall(self, record: Record) -> None:
        answer = decode(record.body) if record.kind == Kind.ANSWER else None
        if isinstance(answer, Accepted | Result):
            self._note(answer)


def failed(id_: str, reason: Reason) -> Result:
    """The result of a command that was not carried out to its end."""
    return Result(
        id=id_, ok=False, code=reason.rule.code, en=reason.text("en")[:MAX_TEXT], zh=reason.text("zh")[:MAX_TEXT]
    )
