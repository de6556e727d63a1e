"""The controller's side: one ROUTER for all poles of a district.

A message is taken only from the pole that it names: over CURVE the key proves the city code. Hello and Report are
handed to `on_report`, and only when that returns (the caller has them in its store) is the pole told Welcome or Ack.
Nothing that comes over the wire raises; what is not taken is counted in `statistics`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, NotRequired, TypedDict, Unpack

import msgspec

from airspace.frames import LatLon
from airspace.reasons import Reason, Rule, Words
from poles.commands import CommandOutcome, Commands, Until
from poles.keys import KeyPair
from poles.ledger import Ledger, Verdict
from poles.lines import Body, Exchange
from poles.listener import CurveListener, Listener, MemoryListener
from poles.protocol import (
    VERSION,
    Accepted,
    Ack,
    Command,
    Heartbeat,
    Hello,
    Refusal,
    Report,
    Result,
    Welcome,
    decode,
    encode,
)
from poles.services import SERVICES
from poles.services.service import readings_from_wire
from poles.state import PoleState, Reading

WRONG_VERSION = Rule(
    "pole.version",
    Words("protocol version {version} is not spoken here", "不支持协议版本 {version}"),
    Words("Use one of the versions named.", "请使用所列版本。"),
)
ANOTHERS_CODE = Rule(
    "pole.identity",
    Words("this key does not belong to {code}", "该密钥不属于 {code}"),
    Words("Set the pole's own city code, or register its key anew.", "请设置灯杆自己的城市码，或重新登记密钥。"),
)
HELLO_FIRST = Rule(
    "pole.hello-first",
    Words("this connection has not said hello", "该连接尚未发送 hello"),
    Words("Say hello, then send again what was not acknowledged.", "请先发送 hello，再重发未确认的数据。"),
)

OnReport = Callable[[str, Hello | Report], Awaitable[object]]
_Settling = tuple[asyncio.Future[object] | None, Callable[[], None]]  # what to wait for, and what to do then
WAITING_PER_POLE = 64  # what does not fit is not taken; the pole sends it again


class GatewayNeeds(TypedDict):
    """What every gateway is given; see `Gateway`."""

    on_report: OnReport
    utc_s: Callable[[], float]
    rng: random.Random
    stored: NotRequired[Mapping[str, Mapping[str, int]]]
    retry_s: NotRequired[float]


class Gateway:
    """An async context manager; made by `Gateway.tcp` or `Gateway.memory`.

    What `on_report(code, message)` returns must be done only when the message is durable; it is called for one message
    of each pole that waits before any is awaited, so that a store can commit them together. The readings in a Report
    that it gets are checked by the registry, and a Hello that says nothing new is not handed on. What it raises ends
    the gateway. `stored` says what the store holds already: code -> boot -> highest seq. `utc_s` dates the deadlines of
    commands, `rng` makes their ids, and `retry_s` is the time after which one that was not answered is sent again [s].
    """

    def __init__(
        self,
        listener: Listener,
        *,
        on_report: OnReport,
        utc_s: Callable[[], float],
        rng: random.Random,
        stored: Mapping[str, Mapping[str, int]] | None = None,
        retry_s: float = 1.0,
    ) -> None:
        self._listener = listener
        self._on_report = on_report
        self._ledger = Ledger(stored or {})
        self._commands = Commands(self._send_to, utc_s=utc_s, rng=rng, retry_s=retry_s)
        self._poles: dict[str, PoleState] = {}
        self._routes: dict[str, bytes] = {}  # city code -> routing id of its connection
        self._counts: Counter[str] = Counter()
        self._latest: dict[str, dict[str, Reading]] = {}  # service -> city code -> what was said last
        self._waiting: dict[str, list[Hello | Report]] = {}
        self._work = asyncio.Event()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._tasks = asyncio.TaskGroup()
        self._serving: list[asyncio.Task[None]] = []

    @classmethod
    def tcp(
        cls, address: str, server_key: KeyPair, allowed: Mapping[bytes, str], **needs: Unpack[GatewayNeeds]
    ) -> Gateway:
        """Listen at `tcp://host:port` with CURVE; `allowed` is public key (Z85) -> city code. Port 0: any free one."""
        return cls(CurveListener(address, server_key, allowed), **needs)

    @classmethod
    def memory(cls, exchange: Exchange, **needs: Unpack[GatewayNeeds]) -> Gateway:
        """Listen inside the process, without keys: for virtual time, where the poles share the exchange."""
        return cls(MemoryListener(exchange), **needs)

    async def __aenter__(self) -> Gateway:
        self._listener.open(self._take)
        await self._tasks.__aenter__()
        self._serving = [
            self._tasks.create_task(self._listener.serve(), name="poles-listener"),
            self._tasks.create_task(self._store(), name="poles-store"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._serving:
            task.cancel()
        try:
            await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            # the body's own error leaves as it came, not wrapped in the group
            if group.exceptions != (error,):
                raise
        finally:
            self._listener.close()

    @property
    def address(self) -> str:
        """Where poles connect to, with the real port."""
        return self._listener.address

    @property
    def poles(self) -> Mapping[str, PoleState]:
        """Every pole that said hello, by city code."""
        return MappingProxyType(self._poles)

    def latest(self, service: str) -> Mapping[str, Reading]:
        """The last readings of a service from every pole that ever reported it, by city code."""
        return MappingProxyType(self._latest.get(service, {}))

    def statistics(self) -> dict[str, int]:
        """Counts since the start: what was taken, and what was not and why."""
        return {
            "poles": len(self._poles),
            "commands_waiting": len(self._commands),
            "keys_refused": self._listener.refused_keys(),
            **dict(sorted(self._counts.items())),
        }

    async def command(
        self,
        code: str,
        service: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        deadline_s: float = 10.0,
        until: Until = "accepted",
    ) -> CommandOutcome:
        """Order a pole to act and tell what became of it within `deadline_s` [s].

        With `until="accepted"` the outcome is accepted as soon as the pole has begun, with "done" when it has
        finished. Rejected means certainly not carried out (to its end); unknown, that the pole did not say.
        """
        return await self._commands.run(code, service, action, dict(parameters or {}), deadline_s, until)

    async def until(self, code: str, condition: Callable[[PoleState], bool], *, deadline_s: float) -> bool:
        """Wait until what the pole says fulfils a condition; False when it did not within `deadline_s` [s]."""
        changed = asyncio.Event()
        watchers = self._watchers.setdefault(code, set())
        watchers.add(changed)
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    state = self._poles.get(code)
                    if state is not None and condition(state):
                        return True
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            watchers.discard(changed)

    def _take(self, code: str | None, route: bytes, body: Body | None) -> None:
        message = None if body is None else decode(body)
        if code is None or message is None:
            self._counts["malformed"] += 1
            return
        match message:
            case Hello():
                self._take_hello(code, route, message)
            case Report() | Heartbeat() | Accepted() | Result() if self._routes.get(code) != route:
                self._counts["before_hello"] += 1
                self._refuse(route, Reason(HELLO_FIRST))
            case Report():
                self._enqueue(code, message)
            case Heartbeat():
                self._heard(code)
                self._send(route, message)
            case Accepted() | Result():
                self._heard(code)
                if not self._commands.answered(code, message):
                    self._counts["answers_late"] += 1
            case _:
                self._counts["malformed"] += 1

    def _take_hello(self, code: str, route: bytes, hello: Hello) -> None:
        if hello.version != VERSION:
            self._counts["wrong_version"] += 1
            self._refuse(route, Reason(WRONG_VERSION, "", {"version": hello.version}))
        elif hello.code != code:
            self._counts["anothers_code"] += 1
            self._refuse(route, Reason(ANOTHERS_CODE, "", {"code": hello.code}))
        elif self._enqueue(code, hello):
            self._routes[code] = route

    def _enqueue(self, code: str, message: Hello | Report) -> bool:
        self._heard(code)
        waiting = self._waiting.setdefault(code, [])
        if len(waiting) >= WAITING_PER_POLE:
            self._counts["overrun"] += 1
            return False
        waiting.append(message)
        self._work.set()
        return True

    async def _store(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            batch, self._waiting = self._waiting, {}
            owed: dict[str, dict[str, None]] = {code: {} for code in batch}  # the boots to acknowledge
            while batch:
                # one message of every pole at once, so that a store can commit them together
                await self._store_together([(code, messages.pop(0)) for code, messages in batch.items()], owed)
                for code in [code for code, messages in batch.items() if not messages]:
                    del batch[code]
                    for boot in owed[code]:
                        self._send_to(code, Ack(boot=boot, durable_seq=self._ledger.durable_seq(code, boot)))

    async def _store_together(
        self, messages: list[tuple[str, Hello | Report]], owed: dict[str, dict[str, None]]
    ) -> None:
        """Make one message of each of some poles durable; the boots that are then owed an Ack go to `owed`."""
        settled = [
            self._settle_hello(code, message) if isinstance(message, Hello) else self._settle_report(code, message)
            for code, message in messages
        ]
        pending = [done for done, _ in settled if done is not None]
        try:
            for done in pending:
                await done
        finally:
            for done in pending:
                done.cancel()
        for (code, message), (_, finish) in zip(messages, settled, strict=True):
            finish()
            if isinstance(message, Report):
                owed[code][message.boot] = None

    def _settle_hello(self, code: str, hello: Hello) -> _Settling:
        known = self._poles.get(code)
        same_boot = known is not None and known.boot == hello.boot
        state = PoleState(
            code=code,
            boot=hello.boot,
            firmware=hello.firmware,
            services=hello.services,
            position=LatLon(hello.lat_deg, hello.lon_deg),
            heard_s=asyncio.get_running_loop().time(),
            last_seq=known.last_seq if known and same_boot else 0,
            readings=known.readings if known else {},
        )

        def finish() -> None:
            self._counts["hellos"] += 1
            self._poles[code] = state
            durable = self._ledger.durable_seq(code, hello.boot)
            self._send_to(code, Welcome(version=VERSION, boot=hello.boot, durable_seq=durable))
            self._tell_watchers(code)

        news = known is None or known.introduction != state.introduction
        return (asyncio.ensure_future(self._on_report(code, hello)) if news else None), finish

    def _settle_report(self, code: str, report: Report) -> _Settling:
        verdict = self._ledger.judge(code, report)
        if verdict is not Verdict.NEW:
            self._counts[verdict.name.lower()] += 1
            return None, _nothing
        heard_s = asyncio.get_running_loop().time()
        typed, report = self._checked(report)

        def finish() -> None:
            self._counts["reports"] += 1
            self._counts["dropped_by_poles"] += self._ledger.stored(code, report)
            state = self._poles[code]
            readings = dict(state.readings)
            taken_s = heard_s - report.held_s
            for service, values in typed.items():
                if service not in readings or readings[service].taken_s <= taken_s:
                    readings[service] = reading = Reading(values, report.at_s, taken_s)
                    self._latest.setdefault(service, {})[code] = reading
            self._poles[code] = msgspec.structs.replace(state, last_seq=report.seq, readings=readings)
            self._tell_watchers(code)

        return asyncio.ensure_future(self._on_report(code, report)), finish

    def _checked(self, report: Report) -> tuple[dict[str, msgspec.Struct], Report]:
        """The readings by type, and the report with exactly those: what nobody understands is counted and left out."""
        typed: dict[str, msgspec.Struct] = {}
        for service, raw in report.readings.items():
            spec = SERVICES.get(service)
            values = readings_from_wire(spec.readings, raw) if spec else None
            if values is None:
                self._counts["readings_malformed" if spec else "readings_unknown"] += 1
            else:
                typed[service] = values
        plain = {service: msgspec.to_builtins(values) for service, values in typed.items()}
        return typed, msgspec.structs.replace(report, readings=plain)

    def _heard(self, code: str) -> None:
        state = self._poles.get(code)
        if state is not None:
            self._poles[code] = msgspec.structs.replace(state, heard_s=asyncio.get_running_loop().time())

    def _tell_watchers(self, code: str) -> None:
        for changed in self._watchers.get(code, ()):
            changed.set()

    def _refuse(self, route: bytes, reason: Reason) -> None:
        self._send(route, Refusal(code=reason.rule.code, en=reason.text("en"), zh=reason.text("zh")))

    def _send_to(self, code: str, message: Welcome | Ack | Command) -> bool:
        route = self._routes.get(code)
        return route is not None and self._send(route, message)

    def _send(self, route: bytes, message: Welcome | Ack | Command | Heartbeat | Refusal) -> bool:
        if self._listener.send(route, encode(message)):
            return True
        self._counts["not_sent"] += 1  # the connection is gone, or its pole does not read
        return False


def _nothing() -> None:
    """What there is to do after a report that is not taken."""
