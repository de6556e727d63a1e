"""The pole's side: measures, notices, reports until acknowledged, and carries out commands once each.

Runs on a Linux pole as it is, and in the simulator. Nothing is lost while the gateway is away, up to the outbox's
capacity, and with a ring not by a power cut either; after a silence of the gateway the agent makes a new connection, a
little later each time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airspace.frames import LatLon
from airspace.reasons import Reason, Words
from poles.agent import entries
from poles.agent.answers import Answers
from poles.agent.bell import Bell
from poles.agent.clock import PoleClock
from poles.agent.conversation import HEARTBEAT_S, PROMISED, Conversation, Ended, Order
from poles.agent.keeping import Keeper
from poles.agent.measuring import Measured, Measuring
from poles.agent.orders import Orders
from poles.agent.outbox import CAPACITY, Outbox
from poles.agent.ring import Kind, Ring
from poles.agent.settings import Reconciler, SettingsStore
from poles.protocol import (
    BACK_MAX_S,
    VERSION,
    Bye,
    Capability,
    Command,
    Correction,
    Desired,
    Heard,
    Hello,
    Level,
    Refusal,
)
from poles.services import Service
from poles.services.service import Silence
from poles.wire.connection import Connection

RETRY_FIRST_S = 0.5
RETRY_MAX_S = 30.0
BACK_SPREAD = 0.5  # of the time after which a gateway wants to be called again
FRAMES_TOGETHER = 16


class PoleAgent:
    """One pole: `code` is its city code, `rng` names its boot and spreads its reconnects, `utc_s` its clock.

    `report_every_s` is the usual interval of reports [s]; a service may ask for a shorter one and report changes at
    once. After `heartbeat_every_s` [s] without a word from the gateway the pole asks whether it is there, and after
    three times as long it makes a new connection. With a `ring`, which stays the caller's to close, entries and answers
    survive a power cut; without one `outbox_capacity` entries are held in memory. `settings` keeps what the controller
    desires. `run` lives until cancelled, which is as a power cut, or until `leave`.
    """

    def __init__(
        self,
        code: str,
        services: Iterable[Service],
        connection: Connection,
        *,
        position: LatLon,
        utc_s: Callable[[], float],
        rng: random.Random,
        report_every_s: float = 5.0,
        heartbeat_every_s: float = HEARTBEAT_S,
        firmware: str = "beichen-agent/1",
        outbox_capacity: int = CAPACITY,
        ring: Ring | None = None,
        settings: SettingsStore | None = None,
    ) -> None:
        self.code = code
        self.position = position
        self.corrections_in: Callable[[Correction], None] = lambda correction: None
        self.refused_entries = 0  # that no gateway would take, and that were therefore not kept
        self._connection = connection
        self._rng = rng
        self._heartbeat_every_s = heartbeat_every_s
        self._firmware = firmware
        self._ring = ring
        self._keeper = None if ring is None else Keeper(ring, self._tell_of_flash)
        self._clock = PoleClock(utc_s, lambda: asyncio.get_running_loop().time(), self._tell_of_clock)
        self._outbox = Outbox(
            lambda: f"{rng.getrandbits(64):016x}", capacity=outbox_capacity, ring=ring, on_fault=self._flash_failed
        )
        self._measuring = Measuring(services, report_every_s, self._take_measured)
        self._conversation = Conversation(
            self._outbox,
            self._clock,
            introduce=self._introduce,
            hear=self._hear,
            heartbeat_every_s=heartbeat_every_s,
        )
        self._orders = Orders(
            code,
            self._measuring.begin,
            Answers(self.boot, ring, self._flash_failed),
            utc_s=self._clock.utc_s,
            say=self._conversation.say,
            keep=self._keep_now,
        )
        self._reconciler = Reconciler(
            settings or SettingsStore(),
            in_force=self._measuring.settings,
            apply=self._measuring.apply,
            report=self._tell_settings,
            durable_seq=lambda: self._outbox.durable_seq,
        )
        self._failures = 0
        self._corrections_said = 0
        self._leaving = False
        self._retry_s = 0.0  # when to make the next connection
        self._leave_now = Bell(lambda: self._retry_s)

    @property
    def boot(self) -> str:
        """The name of this life of the entry stream."""
        return self._outbox.boot

    @property
    def connected(self) -> bool:
        """Whether a gateway welcomed this pole on the present connection."""
        return self._conversation.is_welcome

    @property
    def refusal(self) -> Refusal | None:
        """What a gateway last refused, None since it welcomed this pole."""
        return self._conversation.refusal

    @property
    def acknowledged(self) -> int:
        """The number of this boot's last entry that a gateway said is durable; 0 before the first."""
        return self._outbox.durable_seq

    @property
    def dropped(self) -> int:
        """Entries of this boot that went for want of room before they were known to be durable."""
        return self._outbox.dropped

    @property
    def unsent(self) -> int:
        """Entries that no gateway acknowledged yet, those of earlier boots among them."""
        return len(self._outbox)

    async def run(self) -> None:
        """Measure, report and obey until cancelled, or until `leave` is through."""
        self._reconciler.start(self._measuring.functions)
        self._measuring.listen(self)
        try:
            await self._work()
        finally:
            self._measuring.listen(Silence())
        await self._end_orderly()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(self._measuring.run(), name=f"{self.code}-measure"),
                tasks.create_task(self._orders.run(), name=f"{self.code}-orders"),
            ]
            if self._keeper is not None:
                working.append(tasks.create_task(self._keeper.run(), name=f"{self.code}-flash"))
            while not self._leaving:
                line = self._connection.open(self.code)
                try:
                    ended = await self._conversation.run(line, self.code)
                finally:
                    line.close()
                if not self._leaving:
                    self._retry_s = asyncio.get_running_loop().time() + self._wait_s(ended)
                    await self._leave_now.wait()
            for task in working:
                task.cancel()

    async def leave(self, why: str, back_s: float = 0.0) -> None:
        """Say bye, with the seconds until the pole will be back if it knows, and let `run` end."""
        self._leaving = True
        self._leave_now.ring()
        await self._conversation.leave(Bye(why=why, back_s=back_s))

    def changed(self, function: str) -> None:
        """A function's readings are worth a report at once."""
        self._measuring.changed(function)

    def alarm(self, code: str, active: bool, function: str | None, facts: Mapping[str, Any]) -> None:
        """Tell that something begins, or is over; `code` is of the alarm table."""
        self._put(Kind.ALARM, entries.of_alarm(code, active, function, facts), urgent=True)

    def observed(self, heard: Sequence[Heard]) -> None:
        """Tell of other aircraft that the receiver heard."""
        self._put(Kind.OBSERVATION, entries.of_observation(heard))

    def log(self, level: Level, text: str) -> None:
        """A line of the pole's log."""
        self._put(Kind.LOG, entries.of_log(level, text))

    def corrections(self, frames: Sequence[bytes]) -> None:
        """Send on RTCM 3 frames of this pole's base station; they are of the moment: without a connection they go."""
        for first in range(0, len(frames), FRAMES_TOGETHER):
            self._corrections_said += 1
            self._conversation.say(
                Correction(
                    stream=self.code,
                    number=self._corrections_said,
                    at_s=self._clock.utc_s(),
                    frames=tuple(frames[first : first + FRAMES_TOGETHER]),
                )
            )

    def progress(self, function: str, share: float, words: Words | None = None) -> None:
        """Tell how far, 0 to 1, a function is with what it was ordered to do."""
        self._orders.progress(function, share, words)

    def _take_measured(self, measured: Measured) -> None:
        for function, values, quality in measured:
            self._put(Kind.READING, entries.of_reading(function, values, quality), tell=False)
        self._conversation.entries_wait()

    def _put(self, kind: Kind, body: bytes, *, urgent: bool = False, tell: bool = True) -> int:
        """Hold an entry until it is acknowledged; returns its number, 0 when no gateway would take it."""
        if not entries.acceptable(kind, body):
            self.refused_entries += 1
            return 0
        seq = self._outbox.put(kind, self._clock.utc_s(), asyncio.get_running_loop().time(), body)
        if self._keeper is not None:
            self._keeper.written(urgent=urgent)
        if tell:
            self._conversation.entries_wait()
        return seq

    def _introduce(self) -> Hello:
        return Hello(
            version=VERSION,
            code=self.code,
            boot=self.boot,
            firmware=self._firmware,
            functions=tuple(
                Capability(function=function, every_s=PROMISED * self._measuring.every_s(function))
                for function in self._measuring.functions
            ),
            lat_deg=self.position.lat_deg,
            lon_deg=self.position.lon_deg,
            heartbeat_s=PROMISED * self._heartbeat_every_s,
            after=self._outbox.after,
            unsent=len(self._outbox),
            dropped=self._outbox.dropped,
        )

    def _hear(self, message: Order) -> None:
        match message:
            case Command():
                self._orders.take(message)
            case Desired():
                self._reconciler.take(message)
            case Correction():
                self.corrections_in(message)

    def _wait_s(self, ended: Ended) -> float:
        """How long to wait before the next connection: spread by chance, and longer after each failure."""
        self._failures = 1 if ended.was_welcome else self._failures + 1
        if ended.back_s > 0.0:
            return min(ended.back_s, BACK_MAX_S) * self._rng.uniform(1.0, 1.0 + BACK_SPREAD)
        return self._rng.uniform(RETRY_FIRST_S / 2, min(RETRY_FIRST_S * 2**self._failures, RETRY_MAX_S))

    def _tell_settings(self, function: str, version: int, settings: dict[str, Any], refused: Reason | None) -> int:
        return self._put(Kind.REPORTED, entries.of_reported(function, version, settings, refused))

    def _tell_of_clock(self, wrong_by_s: float | None) -> None:
        if wrong_by_s is None:
            self._log_soon(Level.INFO, "the clock is right again")
        else:
            self._log_soon(Level.WARNING, f"the clock is wrong by {wrong_by_s:+.1f} s: dated by the monotonic clock")

    def _tell_of_flash(self, error: OSError | None) -> None:
        if error is None:
            self._log_soon(Level.INFO, "the ring's flash works again")
        else:
            self._log_soon(Level.ERROR, f"the ring's flash fails, entries are held in memory: {error.strerror}")

    def _log_soon(self, level: Level, text: str) -> None:
        # what tells may be in the middle of numbering, or of sending, another entry
        asyncio.get_running_loop().call_soon(self.log, level, text)

    def _flash_failed(self, error: OSError) -> None:
        if self._keeper is not None:
            self._keeper.failed(error)

    async def _keep_now(self) -> None:
        if self._keeper is not None:
            await self._keeper.now()

    async def _end_orderly(self) -> None:
        if self._keeper is not None:
            try:
                self._outbox.close()
            except OSError as error:
                self._flash_failed(error)
            await self._keeper.now()
