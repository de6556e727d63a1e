"""Carries out wishes: sends them, repeats them, and says when one stands unmet for too long or is refused."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from poles.alarm_table import DESIRED_UNMET
from poles.gateway.desired import DesiredBook, Repeats, Status
from poles.gateway.notes import Condition, Wished
from poles.protocol.messages import Desired, Reported

UNMET_S = 300.0  # a wish that stands longer is told

WHY_EN = {Status.WAITING: "no answer yet", Status.DIFFERS: "it is set otherwise"}
WHY_ZH = {Status.WAITING: "尚无应答", Status.DIFFERS: "实际设置不同"}


class Wishes:
    """The book of desired settings and the hands that act on it.

    `send` gives a wish to a connected pole, `tell` gets conditions; `utc_s` is asked for the ages in them, all other
    times are the loop's seconds.
    """

    def __init__(
        self, send: Callable[[str, Desired], bool], tell: Callable[[Condition], None], utc_s: Callable[[], float]
    ) -> None:
        self.book = DesiredBook()
        self._send = send
        self._tell = tell
        self._utc_s = utc_s
        self._repeats = Repeats()
        self._overdue: list[tuple[float, str, str]] = []  # when to look again, pole, function
        self._looks: dict[tuple[str, str], None] = {}  # pole and function of each of these
        self._told: dict[tuple[str, str], Status] = {}
        self._forgotten: dict[str, None] = {}  # poles whose wishes nobody misses

    @property
    def wake_s(self) -> float:
        """The loop's second at which `advance` has something to do, infinite when nothing is open."""
        return min(self._repeats.wake_s, self._overdue[0][0] if self._overdue else math.inf)

    def restore(self, now_s: float, told: Iterable[tuple[str, str]]) -> None:
        """Take up what the book holds after it has been read back; `told` are the unmet wishes with open alarms."""
        self._told = dict.fromkeys(told, Status.WAITING)
        for pole, function in self.book.unmet():
            self._look_again(now_s + UNMET_S, pole, function)

    def forget(self, pole: str) -> None:
        """Tell nothing of a pole until it is welcomed again; what was told of it is over."""
        self._forgotten[pole] = None
        for function in self.book.functions(pole):
            self._told.pop((pole, function), None)

    def welcomed(self, pole: str, now_s: float) -> None:
        """The pole is here: send it all that it has not answered."""
        if pole in self._forgotten:
            del self._forgotten[pole]
            for function in self.book.functions(pole):
                self._look_again(now_s + UNMET_S, pole, function)
        self._send_to(pole, now_s)

    def next(self, pole: str, function: str, settings: Mapping[str, Any], by: str) -> Wished:
        """The note of a new wish."""
        version = self.book.next_version(pole, function)
        return Wished(pole=pole, function=function, version=version, settings=dict(settings), by=by)

    def wished(self, wish: Wished, at_s: float, now_s: float) -> None:
        """A wish is in the store, as of UTC second `at_s`: send it."""
        self.book.wished(wish.pole, wish.function, wish.version, wish.settings, wish.by, at_s)
        self._look_again(now_s + UNMET_S, wish.pole, wish.function)
        self._settle(wish.pole, wish.function)
        self._send_to(wish.pole, now_s)

    def reported(self, pole: str, answer: Reported, at_s: float, now_s: float) -> None:
        """What a pole reported is in the store."""
        self.book.reported(pole, answer, at_s)
        status = self.book.status(pole, answer.function)
        if status is Status.REFUSED:
            self._tell_unmet(pole, answer.function, status)
        elif status is Status.DIFFERS:
            self._look_again(now_s + UNMET_S, pole, answer.function)
        self._settle(pole, answer.function)

    def advance(self, now_s: float) -> None:
        """Repeat what was not answered, and tell what has been unmet for too long."""
        for pole, wish, pause_s in self._repeats.due(self.book, now_s):
            if self._send(pole, wish):
                self._repeats.sent(pole, wish, now_s, pause_s)
        while self._overdue and self._overdue[0][0] <= now_s:
            _, pole, function = heapq.heappop(self._overdue)
            del self._looks[pole, function]
            since_s = self.book.since_s(pole, function)
            if since_s is None or pole in self._forgotten:
                continue
            left_s = min(UNMET_S - (self._utc_s() - since_s), UNMET_S)
            if left_s > 1.0:
                self._look_again(now_s + left_s, pole, function)
            else:
                self._tell_unmet(pole, function, self.book.status(pole, function))

    def _send_to(self, pole: str, now_s: float) -> None:
        for wish in self.book.unanswered(pole):
            if self._send(pole, wish):
                self._repeats.sent(pole, wish, now_s)

    def _look_again(self, at_s: float, pole: str, function: str) -> None:
        """See at this second whether the wish still stands; once for each function, however often it is asked for.

        An earlier look finds how long the wish has stood, and is followed by the one that is due.
        """
        if (pole, function) not in self._looks:
            self._looks[pole, function] = None
            heapq.heappush(self._overdue, (at_s, pole, function))

    def _tell_unmet(self, pole: str, function: str, status: Status) -> None:
        if self._told.get((pole, function)) is status:
            return
        self._told[pole, function] = status
        since_s, in_force = self.book.since_s(pole, function), self.book.in_force(pole, function)
        why = in_force.why if status is Status.REFUSED and in_force is not None else None
        facts = {
            "age_s": round(self._utc_s() - since_s, 1) if since_s is not None else 0.0,
            "why": why.en if why else WHY_EN.get(status, ""),
            "why_zh": why.zh if why else WHY_ZH.get(status, ""),
        }
        self._tell(Condition(code=DESIRED_UNMET, subject=pole, function=function, active=True, facts=facts))

    def _settle(self, pole: str, function: str) -> None:
        """Say that it is over when the function is as desired."""
        if self.book.since_s(pole, function) is None and self._told.pop((pole, function), None) is not None:
            self._tell(Condition(code=DESIRED_UNMET, subject=pole, function=function, active=False))
