"""One trial's surroundings: a stage, the client, and what every trial does with both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from airspace.reasons import Words
from poles.conformance.clients import Client
from poles.conformance.findings import Findings
from poles.conformance.stage import Said, Stage
from poles.conformance.watcher import Provoked
from poles.protocol import Bye, FromPole, Hello, OfEntries, Reading, Report

M = TypeVar("M", bound=FromPole)

APPEARS_WITHIN_S = 20.0
HEARTBEAT_S = 1.0
REPORT_S = 0.2


class Over(Exception):
    """The trial cannot go on; why is among the findings already."""


@dataclass(slots=True)
class Scene:
    """`environment` is what the client is told (§13.3), `patience` stretches what it is given time for.

    `admit` lets one more public key (Z85) in, where the line has keys.
    """

    stage: Stage
    client: Client
    findings: Findings
    environment: Mapping[str, str]
    folder: Path
    patience: float = 1.0
    admit: Callable[[str], None] | None = None

    @property
    def late_s(self) -> float:
        """How much later than promised something may be seen [s]."""
        return 0.5 * self.patience

    @property
    def provoked(self) -> Provoked:
        """What this trial provokes."""
        return self.stage.watcher.provoked

    @property
    def now_s(self) -> float:
        """The loop's second."""
        return asyncio.get_running_loop().time()

    @property
    def mark(self) -> int:
        """Where in what was said we are, for `since`."""
        return len(self.stage.said)

    @property
    def hello(self) -> Hello:
        """What the client said of itself last. Raises Over while it has not."""
        hello = self.stage.hello
        if hello is None:
            raise Over
        return hello

    async def greeted(self, **changes: str) -> Hello:
        """Start the client, with changes to its environment, and wait for its hello. Raises Over.

        A client that was started by hand is sent away and comes again.
        """
        since = self.mark
        if self.client.can_restart:
            self.stage.watcher.new_life()
            await self.client.start({**self.environment, **changes})
        else:
            self.provoked.connections = True
            self.stage.say(Bye(why="maintenance"))
            self.stage.watcher.end()
        return (
            await self.expect(Hello, APPEARS_WITHIN_S, "§4.1", Words("no hello came", "未收到 hello"), since=since)
        )[1]

    async def expect(
        self,
        kind: type[M],
        within_s: float,
        paragraph: str,
        what: Words,
        where: Callable[[M], bool] = lambda message: True,
        *,
        since: int | None = None,
    ) -> tuple[Said, M]:
        """Wait for a message that a paragraph asks for, from `since` on. Raises Over when it does not come."""
        heard = await self.stage.hear(kind, within_s * self.patience, where, since=since)
        if heard is None:
            within = within_s * self.patience
            self.findings.broken(paragraph, Words(f"{what.en} within {within:g} s", f"{within:g} 秒内{what.zh}"))
            raise Over
        self.findings.kept(paragraph)
        return heard

    async def entries(
        self, count: int, within_s: float, paragraph: str = "§4.3", *, since: int | None = None
    ) -> list[OfEntries]:
        """Wait until so many messages of entries came from `since` on, or from now on. Raises Over."""
        found: list[OfEntries] = []
        since = self.mark if since is None else since
        until_s = self.now_s + within_s * self.patience
        while len(found) < count:
            said = await self.stage.next(_is_of_entries, until_s - self.now_s, since=since)
            if said is None or not isinstance(said.message, OfEntries):
                self.findings.broken(
                    paragraph,
                    Words(
                        f"only {len(found)} messages of entries within {within_s:g} s",
                        f"{within_s:g} 秒内仅收到 {len(found)} 条含条目的消息",
                    ),
                )
                raise Over
            found.append(said.message)
            since = self.stage.said.index(said, since) + 1
        self.findings.kept(paragraph)
        return found

    async def reading(
        self, function: str, within_s: float, where: Callable[[Reading], bool], since: int | None = None
    ) -> Reading | None:
        """A reading of a function that fulfils a condition; None when none comes in time."""

        def found(report: Report) -> Reading | None:
            return next((r for r in report.readings if r.function == function and where(r)), None)

        heard = await self.stage.hear(
            Report, within_s * self.patience, lambda said: found(said) is not None, since=since
        )
        return None if heard is None else found(heard[1])

    async def pause(self, seconds: float) -> None:
        """Let time pass, and judge the client's silence in it."""
        await asyncio.sleep(seconds)
        self.stage.watcher.settle(self.now_s)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: its name, the paragraphs that it can find broken, and whether it must start the client itself.

    `heartbeat_s` is what the client is told to promise in it [s].
    """

    name: str
    run: Callable[[Scene], Awaitable[None]]
    paragraphs: tuple[str, ...]
    restarts: bool = False
    heartbeat_s: float = HEARTBEAT_S
    report_s: float = REPORT_S
    capacity: int = 10_000


def _is_of_entries(message: FromPole) -> bool:
    return isinstance(message, OfEntries)


TRIALS: list[Trial] = []


def trial(
    *paragraphs: str,
    restarts: bool = False,
    heartbeat_s: float = HEARTBEAT_S,
    report_s: float = REPORT_S,
    capacity: int = 10_000,
) -> Callable[[Callable[[Scene], Awaitable[None]]], Callable[[Scene], Awaitable[None]]]:
    """Enter a function among the trials."""

    def entered(run: Callable[[Scene], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
        name = run.__name__.replace("_", "-")
        TRIALS.append(Trial(name, run, paragraphs, restarts, heartbeat_s, report_s, capacity))
        return run

    return entered
