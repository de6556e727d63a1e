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
import zmq.asyncio

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from poles.connection import Connection
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
from poles.sockets import send_now

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
SILENCE_S = 15.0  # then a new connection: three heartbeats unanswered
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 30.0
COMMANDS_REMEMBERED = 1024


class PoleAgent:
    """One pole: `code` is its city code, `rng` names its boot and spreads its reconnects, `utc_s` its clock.

    `report_every_s` is the usual interval of reports [s]; a service may ask for a shorter one and report changes at
    once. `run` lives until cancelled.
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
        self._firmware = firmware
        self._outbox = Outbox(self.boot, capacity=outbox_capacity)
        self._answers: OrderedDict[str, Accepted | Result] = OrderedDict()
        self._changed: dict[str, None] = {}
        self._measure_now = asyncio.Event()
        self._send_now = asyncio.Event()
        self._socket: zmq.asyncio.Socket | None = None
        self._welcome = False
        self._failures = 0
        self._heard_s = self._heartbeat_s = self._progress_s = self._hello_due_s = 0.0
        for service in self._services.values():
            service.on_change = functools.partial(self._note_change, service.name)

    @property
    def connected(self) -> bool:
        """Whether a gateway welcomed this pole on the present connection."""
        return self._welcome

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
        due_s = dict.fromkeys(self._services, loop.time())
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
                self._send_now.set()
                for name in names:
                    due_s[name] = now_s + self._services[name].report_every_s(self._report_every_s)
            self._measure_now.clear()
            try:
                async with asyncio.timeout_at(min(due_s.values(), default=now_s + self._report_every_s)):
                    await self._measure_now.wait()
            except TimeoutError:
                continue

    def _note_change(self, name: str) -> None:
        self._changed[name] = None
        self._measure_now.set()

    async def _one_connection(self, tasks: asyncio.TaskGroup) -> None:
        """One socket, from opening to the gateway's silence."""
        self._socket = self._connection.open(self.code)
        self._heard_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self._heard_s + SILENCE_S) as silence, asyncio.TaskGroup() as talk:
                talk.create_task(self._receive(self._socket, silence, tasks), name=f"{self.code}-receive")
                talk.create_task(self._transmit(self._socket), name=f"{self.code}-transmit")
        except TimeoutError:
            self._failures += 1
        finally:
            self._welcome = False
            socket, self._socket = self._socket, None
            await self._connection.close(socket)

    async def _transmit(self, socket: zmq.asyncio.Socket) -> None:
        loop = asyncio.get_running_loop()
        self._hello_due_s = loop.time()
        while True:
            now_s = loop.time()
            if self._welcome:
                wake_s = self._send_what_is_due(socket, now_s)
            else:
                if now_s >= self._hello_due_s:
                    self._say_hello(socket)
                    self._hello_due_s = now_s + HELLO_AGAIN_S
                wake_s = self._hello_due_s
            self._send_now.clear()
            try:
                async with asyncio.timeout_at(wake_s):
                    await self._send_now.wait()
            except TimeoutError:
                continue

    def _send_what_is_due(self, socket: zmq.asyncio.Socket, now_s: float) -> float:
        """Send reports or a heartbeat; returns the loop's second at which to look again."""
        if not self._outbox.under_way:
            self._progress_s = now_s
        elif now_s >= self._progress_s + SEND_AGAIN_S:
            self._outbox.send_again()
            self._progress_s = now_s
        for report in self._outbox.due(now_s):
            send_now(socket, [encode(report)])
        if now_s >= max(self._heard_s, self._heartbeat_s) + HEARTBEAT_S:
            send_now(socket, [encode(Heartbeat())])
            self._heartbeat_s = now_s
        heartbeat_due_s = max(self._heard_s, self._heartbeat_s) + HEARTBEAT_S
        return min(heartbeat_due_s, self._progress_s + SEND_AGAIN_S) if self._outbox.under_way else heartbeat_due_s

    def _say_hello(self, socket: zmq.asyncio.Socket) -> None:
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
        send_now(socket, [encode(hello)])

    async def _receive(self, socket: zmq.asyncio.Socket, silence: asyncio.Timeout, tasks: asyncio.TaskGroup) -> None:
        while True:
            frames = await socket.recv_multipart()
            message = decode(frames[-1])
            if message is None:
                continue
            self._heard_s = asyncio.get_running_loop().time()
            silence.reschedule(self._heard_s + SILENCE_S)
            match message:
                case Welcome() if message.boot == self.boot:
                    self._outbox.welcomed(message.durable_seq)
                    self._welcome, self._failures, self.refusal = True, 0, None
                    self._send_now.set()
                case Ack() if message.boot == self.boot:
                    if self._outbox.acknowledged(message.durable_seq):
                        self._progress_s = self._heard_s
                        self._send_now.set()
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
            self._send_now.set()

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
        if self._socket is not None:
            send_now(self._socket, [encode(answer)])


def _failed(id_: str, refused: Refused) -> Result:
    reason = refused.reasons[0]
    return Result(
        id=id_, ok=False, code=reason.rule.code, en=reason.text("en")[:MAX_TEXT], zh=reason.text("zh")[:MAX_TEXT]
    )
