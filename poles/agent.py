"""The pole's side: measures, reports until acknowledged, and carries out commands once each.

Runs on a Linux pole as it is, and in the simulator. Nothing is lost while the gateway is away, up to the outbox's
capacity; after a silence of the gateway the agent makes a new connection, a little later each time.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from poles.connection import Connection
from poles.lines import Line
from poles.outbox import Outbox
from poles.protocol import (
    MAX_TEXT,
    VERSION,
    Accepted,
    Ack,
    Command,
    Heartbeat,
    Hello,
    Refusal,
    Result,
    Welcome,
    decode,
    encode,
)
from poles.services import SERVICES, Service
from poles.services.service import parameters_from_wire

NO_SUCH_SERVICE = Rule(
    "pole.service.absent",
    Words("this pole has no service {service}", "该灯杆没有服务 {service}"),
    Words("It has: {services}.", "该灯杆的服务：{services}。"),
)
EXPIRED = Rule(
    "pole.command.expired",
    Words(
        "the command came {late_s:.1f} s after its deadline by this pole's clock",
        "按灯杆时钟，指令到达时已超过时限 {late_s:.1f} 秒",
    ),
    Words("Send it again; if this repeats, check the pole's clock.", "请重发；若反复出现，请检查灯杆时钟。"),
)

HELLO_AGAIN_S = 2.0
HEARTBEAT_S = 5.0
SEND_AGAIN_S = 5.0  # without an acknowledgement
BEATS_UNANSWERED = 3  # then a new connection
SILENCE_S = BEATS_UNANSWERED * HEARTBEAT_S
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 30.0
COMMANDS_REMEMBERED = 1024


class Bell:
    """What one task waits for until somebody rings, or a moment comes; a ring that nobody waits for is remembered.

    `due_s` tells that moment, a second of the loop. It may move later while one waits: that is found out when it was
    to come, and costs no turn of the task. Who moves it earlier says so with `no_later`.
    """

    def __init__(self, due_s: Callable[[], float]) -> None:
        self._due_s = due_s
        self._rung = False
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        self._rung = True
        self._wake()

    def no_later(self, at_s: float) -> None:
        """Let who waits wake at this second of the loop, if it was to be later."""
        if self._timer is not None and self._timer.when() > at_s:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(at_s, self._look)

    def _look(self) -> None:
        loop, due_s = asyncio.get_running_loop(), self._due_s()
        if due_s > loop.time():
            self._timer = loop.call_at(due_s, self._look)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self) -> None:
        """Return when it rings, at once when it has rung since the last wait, or when what is waited for is due."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            self._timer = loop.call_at(self._due_s(), self._look)
            try:
                await self._waiting
            finally:
                self._timer.cancel()
                self._timer = self._waiting = None
        self._rung = False


class PoleAgent:
    """One pole: `code` is its city code, `rng` names its boot and spreads its reconnects, `utc_s` its clock.

    `report_every_s` is the usual interval of reports [s]; a service may ask for a shorter one and report changes at
    once. After `heartbeat_every_s` [s] without a word from the gateway the pole asks whether it is there, and after
    three times as long it makes a new connection. `run` lives until cancelled.
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
        outbox_capacity: int = 10_000,
    ) -> None:
        self.code = code
        self.boot = f"{rng.getrandbits(64):016x}"
        self.position = position
        self.refusal: Refusal | None = None
        self._services = {service.name: service for service in services}
        self._connection = connection
        self._utc_s = utc_s
        self._rng = rng
        self._report_every_s = report_every_s
        self._heartbeat_every_s = heartbeat_every_s
        self._silence_s = BEATS_UNANSWERED * heartbeat_every_s
        self._firmware = firmware
        self._outbox = Outbox(self.boot, capacity=outbox_capacity)
        self._answers: OrderedDict[str, Accepted | Result] = OrderedDict()
        self._changed: dict[str, None] = {}
        self._measure_now = Bell(self._measure_due_s)
        self._send_now = Bell(self._send_due_s)
        self._line: Line | None = None
        self._welcome = False
        self._failures = 0
        self._heard_s = self._asked_s = self._progress_s = self._hello_due_s = 0.0
        self._report_due_s: dict[str, float] = {}  # of each service
        for service in self._services.values():
            service.on_change = functools.partial(self._note_change, service.name)

    @property
    def connected(self) -> bool:
        """Whether a gateway welcomed this pole on the present connection."""
        return self._welcome

    @property
    def acknowledged(self) -> int:
        """The number of this boot's last report that a gateway said is durable; 0 before the first."""
        return self._outbox.durable_seq

    @property
    def dropped(self) -> int:
        """Reports of this boot that went for want of room before they were known to be durable."""
        return self._outbox.dropped

    @property
    def unsent(self) -> int:
        """Reports that no gateway acknowledged yet."""
        return len(self._outbox)

    async def run(self) -> None:
        """Measure, report and obey until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure(), name=f"{self.code}-measure")
            while True:
                await self._one_connection(tasks)
                longest_s = min(RETRY_FIRST_S * 2**self._failures, RETRY_MAX_S)
                await asyncio.sleep(self._rng.uniform(RETRY_FIRST_S / 2, longest_s))

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = self._report_due_s = dict.fromkeys(self._services, loop.time())
        while True:
            now_s = loop.time()
            for name, service in self._services.items():
                # a service may want to be heard sooner than it did when it was last reported
                due_s[name] = min(due_s[name], now_s + service.report_every_s(self._report_every_s))
            names = [name for name in self._services if due_s[name] <= now_s or name in self._changed]
            if names:
                self._changed.clear()
                readings = {name: msgspec.to_builtins(self._services[name].readings()) for name in names}
                self._outbox.put(self._utc_s(), now_s, readings)
                if self._welcome and self._line is not None:
                    self._send_what_is_due(self._line, now_s)
                    self._send_now.no_later(self._send_due_s())
                for name in names:
                    due_s[name] = now_s + self._services[name].report_every_s(self._report_every_s)
            await self._measure_now.wait()

    def _measure_due_s(self) -> float:
        if not self._report_due_s:
            return asyncio.get_running_loop().time() + self._report_every_s
        return min(self._report_due_s.values())

    def _note_change(self, name: str) -> None:
        self._changed[name] = None
        self._measure_now.ring()

    async def _one_connection(self, tasks: asyncio.TaskGroup) -> None:
        """One line, from opening to the gateway's silence."""
        line = self._line = self._connection.open(self.code)
        self._heard_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as talk:
                hearing = talk.create_task(self._receive(line, tasks), name=f"{self.code}-receive")
                await self._transmit(line)
                hearing.cancel()
            self._failures += 1
        finally:
            self._welcome = False
            self._line = None
            line.close()

    async def _transmit(self, line: Line) -> None:
        """Say what is due until the gateway is silent for too long."""
        loop = asyncio.get_running_loop()
        self._hello_due_s = now_s = loop.time()
        while now_s < self._heard_s + self._silence_s:
            if self._welcome:
                self._send_what_is_due(line, now_s)
            elif now_s >= self._hello_due_s:
                self._say_hello(line)
                self._hello_due_s = now_s + HELLO_AGAIN_S
            await self._send_now.wait()
            now_s = loop.time()

    def _send_due_s(self) -> float:
        """When there is something to say next, as far as is known, or the gateway has been silent for too long."""
        if not self._welcome:
            return min(self._hello_due_s, self._heard_s + self._silence_s)
        due_s = max(self._heard_s, self._asked_s) + self._heartbeat_every_s
        if self._outbox.under_way:
            due_s = min(due_s, self._progress_s + SEND_AGAIN_S)
        return min(due_s, self._heard_s + self._silence_s)

    def _send_what_is_due(self, line: Line, now_s: float) -> None:
        """Send reports or a heartbeat."""
        again = False
        if not self._outbox.under_way:
            self._progress_s = now_s
        elif again := now_s >= self._progress_s + SEND_AGAIN_S:
            self._outbox.send_again()
            self._progress_s = now_s
        for report in self._outbox.due(now_s):
            line.send(encode(report))
            if not again:  # a report asks for an answer as a heartbeat does, if the store keeps up
                self._asked_s = now_s
        if now_s >= max(self._heard_s, self._asked_s) + self._heartbeat_every_s:
            line.send(encode(Heartbeat()))
            self._asked_s = now_s

    def _say_hello(self, line: Line) -> None:
        hello = Hello(
            version=VERSION,
            code=self.code,
            boot=self.boot,
            firmware=self._firmware,
            services=tuple(self._services),
            lat_deg=self.position.lat_deg,
            lon_deg=self.position.lon_deg,
            unsent=len(self._outbox),
        )
        line.send(encode(hello))

    async def _receive(self, line: Line, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = decode(await line.receive())
            if message is None:
                continue
            self._heard_s = loop.time()
            match message:
                case Welcome() if message.boot == self.boot:
                    self._outbox.welcomed(message.durable_seq)
                    self._welcome, self._failures, self.refusal = True, 0, None
                    self._send_now.ring()
                case Ack() if message.boot == self.boot:
                    if self._outbox.acknowledged(message.durable_seq):
                        self._progress_s = self._heard_s
                        if self._outbox.more:
                            self._send_now.ring()
                case Refusal():
                    self._take_refusal(message)
                case Command():
                    self._take_command(message, tasks)
                case _:
                    pass

    def _take_refusal(self, refusal: Refusal) -> None:
        self.refusal = refusal
        if self._welcome:
            # a gateway that knows nothing of this connection was just started
            self._welcome = False
            self._hello_due_s = self._heard_s
            self._send_now.ring()

    def _take_command(self, command: Command, tasks: asyncio.TaskGroup) -> None:
        if command.id in self._answers:
            self._say(self._answers[command.id])
            return
        try:
            finish = self._begin(command)
        except Refused as refused:
            self._answer(_failed(command.id, refused))
            return
        if finish is None:
            self._answer(Result(id=command.id, ok=True))
            return
        self._answer(Accepted(id=command.id))
        tasks.create_task(self._finish(command.id, finish), name=f"{self.code}-command-{command.id}")

    def _begin(self, command: Command) -> Awaitable[None] | None:
        late_s = self._utc_s() - command.expires_s
        if late_s > 0:
            raise Refused([Reason(EXPIRED, self.code, {"late_s": late_s})])
        service = self._services.get(command.service)
        if service is None:
            facts = {"service": command.service, "services": ", ".join(self._services)}
            raise Refused([Reason(NO_SUCH_SERVICE, self.code, facts)])
        spec = SERVICES[command.service]
        return service.begin(
            command.action, parameters_from_wire(command.service, spec, command.action, command.parameters)
        )

    async def _finish(self, id_: str, finish: Awaitable[None]) -> None:
        try:
            await finish
        except Refused as refused:
            self._answer(_failed(id_, refused))
        else:
            self._answer(Result(id=id_, ok=True))

    def _answer(self, answer: Accepted | Result) -> None:
        """Say it, and remember it for when the gateway asks again."""
        self._answers[answer.id] = answer
        while len(self._answers) > COMMANDS_REMEMBERED:
            self._answers.popitem(last=False)
        self._say(answer)

    def _say(self, answer: Accepted | Result) -> None:
        if self._line is not None:
            self._line.send(encode(answer))


def _failed(id_: str, refused: Refused) -> Result:
    reason = refused.reasons[0]
    return Result(
        id=id_, ok=False, code=reason.rule.code, en=reason.text("en")[:MAX_TEXT], zh=reason.text("zh")[:MAX_TEXT]
    )
