"""What pole and gateway say on one connection: hello, entries until they are acknowledged, heartbeats, the time.

After a silence of the gateway, or its bye, the connection is over and the agent makes a new one.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from poles.agent.bell import Bell
from poles.agent.clock import PoleClock, sample
from poles.agent.outbox import Outbox
from poles.protocol import (
    Ack,
    Bye,
    Command,
    Correction,
    Desired,
    FromPole,
    Heartbeat,
    Hello,
    Refusal,
    Time,
    TimeRequest,
    Welcome,
    decode,
    encode,
)
from poles.wire.lines import Line

Order = Command | Desired | Correction
"""What a gateway wants of a pole."""

HELLO_AGAIN_S = 2.0
HELLO_SELDOM_S = 60.0  # to a gateway that refuses
HEARTBEAT_S = 5.0
SEND_AGAIN_S = 5.0  # without an acknowledgement; then twice as long, up to
SEND_SELDOM_S = 40.0
PROMISED = 1.25  # what is promised every so many seconds comes a little more often
BEATS_UNANSWERED = 3  # of those promised: then a new connection
BEATS_ASKED = 2  # so many of them it asked in vain, at least
SILENCE_S = BEATS_UNANSWERED * PROMISED * HEARTBEAT_S
FIRST_WORD_S = 15.0  # at least so long may the handshake and the first answer take, over however bad a line
BYE_TAKES_S = 0.2  # for the last word to leave: a line does not tell when it has
HELLO_FIRST = "pole.hello-first"
UNKNOWN_MESSAGE = "pole.unknown-message"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection ended: welcomed or not, and in how many seconds the gateway wants to be called again."""

    was_welcome: bool
    back_s: float = 0.0


class Conversation:
    """The state of talking, over all connections of one boot; `run` lives as long as one of them.

    `introduce` makes the hello, `hear` takes what is not of the conversation itself (commands, desired settings,
    corrections), `heartbeat_every_s` is how long the pole is quiet at most [s].
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: PoleClock,
        *,
        introduce: Callable[[], Hello],
        hear: Callable[[Order], None],
        heartbeat_every_s: float = HEARTBEAT_S,
    ) -> None:
        self.refusal: Refusal | None = None
        self.is_welcome = False
        self._outbox = outbox
        self._clock = clock
        self._introduce = introduce
        self._hear = hear
        self._heartbeat_every_s = heartbeat_every_s
        self._promised_s = PROMISED * heartbeat_every_s
        self._line: Line | None = None
        self._patience_s = FIRST_WORD_S  # of this connection
        self._boot = ""  # that the gateway was greeted with
        self._look = Bell(self._due_s)
        self._bye: Bye | None = None  # the gateway's, or ours
        self._was_welcome = False
        self._heard_s = self._asked_s = self._said_s = 0.0
        self._asking_since_s = math.inf  # the first question that nothing was heard after
        self._progress_s, self._again_s = 0.0, SEND_AGAIN_S
        self._hello_due_s, self._hello_every_s = 0.0, HELLO_AGAIN_S
        self._greeted_s: float | None = None  # the first hello that was not answered
        self._time_due_s = 0.0
        self._time_asked_s: float | None = None
        self._not_understood: dict[str, None] = {}  # types of messages that this gateway does not know

    async def run(self, line: Line, name: str) -> Ended:
        """Talk until the gateway falls silent or says bye, or `leave` was called."""
        now_s = asyncio.get_running_loop().time()
        self._line, self._bye, self._was_welcome = line, None, False
        self._heard_s = self._said_s = self._hello_due_s = now_s
        self._asking_since_s = math.inf
        self._patience_s = max(BEATS_UNANSWERED * self._promised_s, FIRST_WORD_S)
        self._hello_every_s, self._greeted_s, self._time_asked_s = HELLO_AGAIN_S, None, None
        self._not_understood.clear()
        self._outbox.new_listener()
        try:
            async with asyncio.TaskGroup() as talk:
                hearing = talk.create_task(self._receive(line), name=f"{name}-receive")
                await self._transmit()
                hearing.cancel()
        finally:
            self.is_welcome = False
            self._line = None
        bye: Bye | None = self._bye
        return Ended(self._was_welcome, bye.back_s if bye is not None else 0.0)

    def say(self, message: FromPole) -> bool:
        """Say something of the moment; False when nobody listens now, or nobody would understand."""
        if not self.is_welcome or message.__struct_config__.tag in self._not_understood:
            return False
        return self._send(encode(message))

    def entries_wait(self) -> None:
        """There is something new to send."""
        if self._boot != self._outbox.boot:
            self._look.ring()
        elif self.is_welcome:
            self._send_what_is_due(asyncio.get_running_loop().time())
            self._look.no_later(self._due_s())

    async def leave(self, bye: Bye) -> None:
        """Say bye and let the connection end."""
        if self.say(bye):
            self._line = None  # nothing may follow it
            await asyncio.sleep(BYE_TAKES_S)
        self._bye = bye
        self._look.ring()

    async def _transmit(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        while self._bye is None and now_s < self._silent_s():
            if self._boot != self._outbox.boot:
                self.is_welcome = False  # the numbers of a boot were used up: the gateway must know the next
            if self.is_welcome:
                self._send_what_is_due(now_s)
            elif now_s >= self._hello_due_s:
                self._say_hello(now_s)
            await self._look.wait()
            now_s = loop.time()

    def _due_s(self) -> float:
        """When there is something to say next, as far as is known, or the gateway has been silent for too long."""
        if not self.is_welcome:
            return min(self._hello_due_s, self._silent_s())
        due_s = min(self._heartbeat_due_s(), self._time_due_s, self._silent_s())
        return min(due_s, self._progress_s + self._again_s) if self._outbox.under_way else due_s

    def _silent_s(self) -> float:
        """When the connection is to be taken for dead: only one over which something was asked can be."""
        return max(self._heard_s + self._patience_s, self._asking_since_s + BEATS_ASKED * self._promised_s)

    def _ask(self, now_s: float) -> None:
        """Note that something was said that a gateway answers."""
        self._asked_s = now_s
        self._asking_since_s = min(self._asking_since_s, now_s)

    def _say_hello(self, now_s: float) -> None:
        hello = self._introduce()
        self._boot = hello.boot
        self._send(encode(hello))
        self._ask(now_s)
        self._greeted_s = now_s if self._greeted_s is None else self._greeted_s
        self._hello_due_s = now_s + self._hello_every_s

    def _send_what_is_due(self, now_s: float) -> None:
        """Send entries, a heartbeat, a question for the time."""
        again = False
        if not self._outbox.under_way:
            self._progress_s, self._again_s = now_s, SEND_AGAIN_S
        elif again := now_s >= self._progress_s + self._again_s:
            self._outbox.send_again()
            self._progress_s, self._again_s = now_s, min(2.0 * self._again_s, SEND_SELDOM_S)
        for body in self._outbox.due(now_s, self._clock.utc_s(), self._clock.dated):
            if not self._send(body):
                break
            if not again:  # entries ask for an answer as a heartbeat does, if the store keeps up
                self._ask(now_s)
        if now_s >= self._time_due_s:
            self._time_asked_s = now_s if self.say(TimeRequest(pole_s=now_s)) else None
            self._time_due_s = now_s + self._clock.ask_every_s
        if now_s >= self._heartbeat_due_s():
            self._send(encode(Heartbeat()))
            self._ask(now_s)
            self._said_s = now_s

    def _heartbeat_due_s(self) -> float:
        """When to ask whether the gateway is there, or to let it know that the pole is."""
        quiet_s = self._said_s + (1.0 + PROMISED) / 2.0 * self._heartbeat_every_s
        return min(max(self._heard_s, self._asked_s) + self._heartbeat_every_s, quiet_s)

    def _send(self, body: bytes) -> bool:
        if self._line is None or not self._line.send(body):
            return False
        self._said_s = asyncio.get_running_loop().time()
        return True

    async def _receive(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = decode(await line.receive())
            if message is None:
                continue
            self._heard_s, self._asking_since_s = loop.time(), math.inf
            self._patience_s = BEATS_UNANSWERED * self._promised_s
            match message:
                case Welcome() if message.boot == self._outbox.boot:
                    self._take_welcome(message)
                case Ack():
                    self._take_ack(message)
                case Refusal():
                    self._take_refusal(message)
                case Time():
                    self._take_time(message)
                case Bye():
                    self._bye = message
                    self._look.ring()
                case Command() | Desired() | Correction():
                    self._hear(message)
                case _:
                    pass

    def _take_welcome(self, welcome: Welcome) -> None:
        self._outbox.window = welcome.window
        self._outbox.welcomed(welcome.boot, welcome.durable_seq)
        if self._greeted_s is not None:
            self._take_sample(self._greeted_s, welcome.utc_s, welcome.utc_s)
            self._greeted_s = None
            self._time_due_s = min(self._time_due_s, self._heard_s)
        self.is_welcome = self._was_welcome = True
        self.refusal = None
        self._look.ring()

    def _take_ack(self, ack: Ack) -> None:
        self._outbox.window = ack.window
        if self._outbox.acknowledged(ack.boot, ack.durable_seq):
            self._progress_s, self._again_s = self._heard_s, SEND_AGAIN_S
            if self._outbox.more:
                self._look.ring()

    def _take_refusal(self, refusal: Refusal) -> None:
        self.refusal = refusal
        if refusal.code == UNKNOWN_MESSAGE:
            self._not_understood[refusal.about] = None
            self._outbox.not_understood(refusal.about)
            self._look.ring()
        elif self.is_welcome and refusal.code == HELLO_FIRST:
            # a gateway that knows nothing of this connection was just started
            self.is_welcome = False
            self._hello_due_s = self._heard_s
            self._look.ring()
        elif not self.is_welcome and refusal.code != HELLO_FIRST:
            self._hello_every_s = min(2.0 * self._hello_every_s, HELLO_SELDOM_S)
            self._hello_due_s = self._heard_s + self._hello_every_s

    def _take_time(self, time: Time) -> None:
        if self._time_asked_s is not None and time.pole_s == self._time_asked_s:
            self._take_sample(self._time_asked_s, time.received_s, time.sent_s)
            self._time_asked_s = None

    def _take_sample(self, asked_s: float, received_utc_s: float, sent_utc_s: float) -> None:
        heard = sample(asked_s, received_utc_s, sent_utc_s, self._heard_s)
        if heard is not None:
            self._clock.take(heard)
