"""Commands on the pole: judged, remembered before they begin, begun in the order they came, and answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from airspace.reasons import Reason, Refused, Rule, Words
from poles.agent.answers import Answer, Answers, failed
from poles.agent.bell import Bell
from poles.protocol import MAX_TEXT, Accepted, Command, Progress, Result

EXPIRED = Rule(
    "pole.command.expired",
    Words(
        "the command came {late_s:.1f} s after its deadline by this pole's clock",
        "按灯杆时钟，指令到达时已超过时限 {late_s:.1f} 秒",
    ),
    Words("Send it again; if this repeats, check the pole's clock.", "请重发；若反复出现，请检查灯杆时钟。"),
)
TOO_MANY = Rule(
    "pole.command.busy",
    Words("{waiting} commands wait already", "已有 {waiting} 条指令在等待"),
    Words("Send it again when some of them are done.", "请待部分指令完成后重发。"),
)
MOST_WAITING = 64
PROGRESS_EVERY_S = 1.0


class Begin(Protocol):
    """How a command is begun; see `Service.begin`."""

    def __call__(self, command: Command, /) -> Awaitable[None] | None:
        """Begin what it asks. The result, when there is one, is awaited for its end. Both raise Refused."""
        ...


class Orders:
    """`take` hears commands, `run` begins them; `say` sends an answer to whoever listens now.

    `keep` returns when what `answers` remembered is safe: so no command begins that a restart would begin again.
    """

    def __init__(
        self,
        code: str,
        begin: Begin,
        answers: Answers,
        *,
        utc_s: Callable[[], float],
        say: Callable[[Answer], object],
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        self._code = code
        self._begin = begin
        self._answers = answers
        self._utc_s = utc_s
        self._say = say
        self._keep = keep
        self._waiting: deque[Command] = deque()
        self._came = Bell()
        self._running: dict[str, Command] = {}
        self._told_s: dict[str, float] = {}  # when progress was told last

    def take(self, command: Command) -> None:
        """Hear a command: one that was answered is answered again, one that waits or runs is not begun twice."""
        known = self._answers.get(command.id)
        if known is not None:
            self._say(known)
        elif command.id in self._running or any(waiting.id == command.id for waiting in self._waiting):
            return
        elif len(self._waiting) >= MOST_WAITING:
            self._say(failed(command.id, Reason(TOO_MANY, self._code, {"waiting": len(self._waiting)})))
        else:
            self._waiting.append(command)
            self._came.ring()

    def progress(self, function: str, share: float, words: Words | None = None) -> None:
        """A service tells how far it is with what its function was ordered to do; told on once a second at most."""
        now_s = asyncio.get_running_loop().time()
        for id_, command in self._running.items():
            if command.function != function or now_s < self._told_s.get(id_, -PROGRESS_EVERY_S) + PROGRESS_EVERY_S:
                continue
            self._told_s[id_] = now_s
            said = words or Words("", "")
            self._answer(
                Progress(id=id_, share=min(max(share, 0.0), 1.0), en=said.en[:MAX_TEXT], zh=said.zh[:MAX_TEXT]),
                command,
            )

    async def run(self) -> None:
        """Begin commands as they come, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                while self._waiting:
                    await self._start(self._waiting.popleft(), tasks)
                await self._came.wait()

    async def _start(self, command: Command, tasks: asyncio.TaskGroup) -> None:
        self._running[command.id] = command
        try:
            self._judge(command)
            if self._answers.beginning(command.id, command.expires_s):
                await self._keep()
                self._judge(command)  # a slow flash may have cost the time that was left
            finish = self._begin(command)
        except Refused as refused:
            self._end(command, failed(command.id, refused.reasons[0]))
            return
        if finish is None:
            self._end(command, Result(id=command.id, ok=True))
            return
        self._answer(Accepted(id=command.id), command)
        tasks.create_task(self._finish(command, finish), name=f"{self._code}-command-{command.id}")

    def _judge(self, command: Command) -> None:
        late_s = self._utc_s() - command.expires_s
        if late_s > 0:
            raise Refused([Reason(EXPIRED, self._code, {"late_s": late_s})])

    async def _finish(self, command: Command, finish: Awaitable[None]) -> None:
        try:
            await finish
        except Refused as refused:
            self._end(command, failed(command.id, refused.reasons[0]))
        else:
            self._end(command, Result(id=command.id, ok=True))

    def _end(self, command: Command, result: Result) -> None:
        del self._running[command.id]
        self._told_s.pop(command.id, None)
        self._answer(result, command)

    def _answer(self, answer: Answer, command: Command) -> None:
        self._answers.remember(answer, command.expires_s)
        self._say(answer)
