"""The controller's side: one ROUTER for all poles of a district.

A message is taken only from the pole that it names: over CURVE the key proves the city code. What must be stored goes
through `ingest`, and only when the caller has it in its store is the pole told Welcome or Ack. Nothing that comes over
the wire raises; what is not taken is counted in `statistics`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType, TracebackType
from typing import Any, NotRequired, TypedDict, Unpack, get_args

from airspace.reasons import Reason
from poles.beside import beside
from poles.gateway.commands import CommandOutcome, Commands, OnAccepted, OnProgress, Until
from poles.gateway.flow import MESSAGE_COSTS_BYTES, SEVERAL_FRAMES_COST_BYTES, Flow, Peer, Unread
from poles.gateway.ingest import Ingest, Keep, Taken
from poles.gateway.known_poles import KnownPoles
from poles.gateway.ledger import Ledger
from poles.gateway.memory import Remembered
from poles.gateway.notes import AnyNote
from poles.gateway.refusals import ANOTHERS_CODE, HELLO_FIRST, UNKNOWN_MESSAGE, WRONG_VERSION, refusal
from poles.gateway.state import Known, PoleState
from poles.gateway.supervision import KeepNotes, Supervision, Supplies, TellAlarms
from poles.keys import KeyPair
from poles.keys.admission import FixedAdmission
from poles.protocol import (
    TYPES,
    VERSION,
    VERSIONS,
    Accepted,
    Ack,
    AnyMessage,
    Bye,
    Correction,
    FromPole,
    Heartbeat,
    Hello,
    OfEntries,
    Progress,
    Reading,
    Report,
    Result,
    Time,
    TimeRequest,
    ToPole,
    Welcome,
    about,
    decode,
    encode,
)
from poles.protocol.entries import last_of
from poles.wire.lines import Body, Exchange
from poles.wire.listener import CurveListener, Listener, MemoryListener

Corrected = Callable[[str, Correction], Mapping[str, Correction]]
"""What is done with the corrections of a pole, by its city code; returns which go on to which poles."""

ENTRIES = frozenset(str(kind.__struct_config__.tag) for kind in get_args(OfEntries))
"""The types of message that are stored."""

NOTED_EVERY_S = 0.1  # so often a pole that speaks without end counts as heard anew


class GatewayNeeds(TypedDict):
    """What every gateway is given; see `Gateway`."""

    keep: Keep
    utc_s: Callable[[], float]
    rng: random.Random
    stored: NotRequired[Mapping[str, Mapping[str, int]]]
    retry_s: NotRequired[float]
    keep_notes: NotRequired[KeepNotes]
    tell_alarms: NotRequired[TellAlarms]
    history: NotRequired[Iterable[Remembered]]
    supplies: NotRequired[Supplies]
    lag_s: NotRequired[float]
    corrected: NotRequired[Corrected]


class Gateway:
    """An async context manager; made by `Gateway.tcp` or `Gateway.memory`.

    What `keep(batch)` returns must be done only when the whole batch is durable; what it raises ends the gateway. A
    Hello that says nothing new is not kept, and a message of entries is kept without those that were kept before.
    `stored` says what the store holds already: code -> boot -> highest number. `utc_s` dates the deadlines of commands
    and tells poles the time, `rng` makes ids, and `retry_s` is the time after which a command that was not answered is
    sent again [s]. `keep_notes` stores what the supervision finds out and `tell_alarms` tells it, `history` is what
    the store holds of it and `supplies` what poles hang on; `lag_s` is by how much the loop's clock may run ahead of
    its sockets [s]. `corrected` is handed the corrections of base stations, which nobody keeps, and says which poles
    are sent them.
    """

    def __init__(
        self,
        listener: Listener,
        *,
        keep: Keep,
        utc_s: Callable[[], float],
        rng: random.Random,
        stored: Mapping[str, Mapping[str, int]] | None = None,
        retry_s: float = 1.0,
        keep_notes: KeepNotes | None = None,
        tell_alarms: TellAlarms | None = None,
        history: Iterable[Remembered] = (),
        supplies: Supplies | None = None,
        lag_s: float = 0.0,
        corrected: Corrected = lambda code, correction: {},
    ) -> None:
        self._listener = listener
        self._utc_s = utc_s
        self._ledger = Ledger(stored or {})
        self._flow = Flow(self._floods)
        self._counts: Counter[str] = Counter()
        self._ingest = Ingest(keep, self._ledger, self._flow, self, self._counts)
        self._commands = Commands(self._send_to, utc_s=utc_s, rng=rng, retry_s=retry_s)
        self._supervision = Supervision(
            keep_notes or _kept_nowhere, self._send_to, utc_s, tell=tell_alarms, supplies=supplies, lag_s=lag_s
        )
        self._history = history
        self._corrected = corrected
        self._known = KnownPoles(self._supervision, self._counts)
        self._peers: dict[str, Peer] = {}  # by city code
        self._locked_out: dict[str, None] = {}  # what was on its way from them may still be stored
        self._loop: asyncio.AbstractEventLoop  # that it runs in
        self._running = AsyncExitStack()

    @classmethod
    def tcp(
        cls, address: str, server_key: KeyPair, allowed: Mapping[bytes, str], **needs: Unpack[GatewayNeeds]
    ) -> Gateway:
        """Listen at `tcp://host:port` with CURVE; `allowed` is public key (Z85) -> city code. Port 0: any free one."""
        return cls(CurveListener(address, server_key, FixedAdmission(allowed)), **needs)

    @classmethod
    def memory(cls, exchange: Exchange, **needs: Unpack[GatewayNeeds]) -> Gateway:
        """Listen inside the process, without keys: for virtual time, where the poles share the exchange."""
        return cls(MemoryListener(exchange), **needs)

    async def __aenter__(self) -> Gateway:
        history, self._history = list(self._history), ()
        self._known.remember([each.what for each in history if isinstance(each.what, Hello)])
        self._supervision.open(history)
        self._loop = asyncio.get_running_loop()
        self._listener.open(self._take, self._lost)
        self._running.callback(self._listener.close)
        supervising = self._supervision.run(self._ingest.held_up_since)
        await self._running.enter_async_context(beside(self._listener.serve(), self._ingest.run(), supervising))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._running.__aexit__(kind, error, traceback)

    @property
    def address(self) -> str:
        """Where poles connect to, with the real port."""
        return self._listener.address

    @property
    def poles(self) -> Mapping[str, PoleState]:
        """Every pole that said hello, by city code."""
        return MappingProxyType(self._known.states)

    @property
    def supervision(self) -> Supervision:
        """Who is silent, what is alarming, what is not as desired."""
        return self._supervision

    def latest(self, function: str) -> Mapping[str, Known]:
        """The last readings of a function from every pole that ever reported it, by city code."""
        return self._known.latest(function)

    @property
    def flooding(self) -> tuple[str, ...]:
        """The poles that bring more than they may and are slowed, by city code."""
        return self._flow.flooding

    def lets_in(self, code: str) -> bool:
        """Whether a pole has a key with which it may come; one whose keys were revoked is locked out."""
        return self._listener.lets_in(code)

    def statistics(self) -> dict[str, int]:
        """Counts since the start: what was taken, and what was not and why."""
        return {
            "poles": len(self._known.states),
            "commands_waiting": len(self._commands),
            "flooding": len(self._flow.flooding),
            **self._listener.statistics(),
            **self._supervision.statistics(),
            **dict(sorted(self._counts.items())),
        }

    async def command(
        self,
        code: str,
        function: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        deadline_s: float = 10.0,
        until: Until = "accepted",
        key: str = "",
        on_accepted: OnAccepted | None = None,
        on_progress: OnProgress | None = None,
    ) -> CommandOutcome:
        """Order a pole to act and tell what became of it within `deadline_s` [s].

        With `until="accepted"` the outcome is accepted as soon as the pole has begun, with "done" when it has
        finished. Rejected means certainly not carried out, not even in part; unknown, that the pole did not say, or
        broke off what it had begun. An order that is given again under the same `key`, unique on its pole, is carried
        out once. `on_accepted` is called when the pole has begun, `on_progress` with what it tells meanwhile.
        """
        return await self._commands.run(
            code, function, action, dict(parameters or {}), deadline_s, until, key, on_accepted, on_progress
        )

    async def until(self, code: str, condition: Callable[[PoleState], bool], *, deadline_s: float) -> bool:
        """Wait until what the pole says fulfils a condition; False when it did not within `deadline_s` [s]."""
        return await self._known.until(code, condition, deadline_s)

    def _take(self, code: str, route: bytes, body: Body | None) -> None:
        peer = self._peers.get(code)
        now_s = self._loop.time()
        if peer is None:
            peer = self._peers[code] = Peer(code, now_s)
        costs = SEVERAL_FRAMES_COST_BYTES if body is None else MESSAGE_COSTS_BYTES + len(body)
        if not self._flow.charge(peer, costs, now_s):
            self._flooded(peer, route)
            return
        named = "" if body is None else about(body)
        if body is not None and named in ENTRIES and peer.route == route:
            self._heard(code, now_s)
            self._ingest.offer(peer, Unread(code, bytes(body), now_s))
        else:
            self._take_now(peer, route, named, body, now_s)

    def _take_now(self, peer: Peer, route: bytes, named: str, body: Body | None, now_s: float) -> None:
        """Look at once into what is not to be stored, or is not to be taken at all."""
        message = None if body is None else decode(body)
        if body is None or message is None:
            self._not_understood(route, named)
        elif isinstance(message, Hello):
            self._take_hello(peer, route, message, bytes(body), now_s)
        elif not isinstance(message, FromPole):
            self._counts["malformed"] += 1
        elif peer.route != route:
            self._counts["before_hello"] += 1
            self._refuse(route, Reason(HELLO_FIRST), message)
        elif not isinstance(message, OfEntries):
            self._heard(peer.code, now_s)
            self._take_of_the_moment(peer.code, route, message)
        else:  # it bears two names
            self._counts["malformed"] += 1

    def _flooded(self, peer: Peer, route: bytes) -> None:
        """Nothing more is taken of a pole that goes on and on; each connection is ended once for it."""
        self._counts["flooded"] += 1
        if peer.dropped != route:
            peer.dropped = route
            self._listener.drop(route)

    def _floods(self, code: str, begins: bool) -> None:
        self._counts["floods"] += begins
        self._supervision.flooding(code, len(self._peers[code].queue) if begins else None)

    def dismiss(self, code: str, why: str, back_s: float) -> bool:
        """Tell a pole to connect anew in `back_s` [s]; False when it is not connected."""
        if not self._send_to(code, Bye(why=why, back_s=back_s)):
            return False
        self._supervision.said_bye(code, back_s, self._loop.time())
        return True

    def _lost(self, code: str, routes: Sequence[bytes], locked_out: bool) -> None:
        """A key of the pole was revoked: nothing is sent to its connections, and who is locked out is not missed."""
        peer = self._peers.get(code)
        if peer is not None and (locked_out or peer.route in routes):
            peer.route = b""
        if locked_out:
            self._locked_out[code] = None
            self._supervision.forget(code)

    def _not_understood(self, route: bytes, named: str) -> None:
        self._counts["malformed"] += 1
        if named and named not in TYPES:
            self._counts["unknown_messages"] += 1
            reason = Reason(UNKNOWN_MESSAGE, "", {"about": named})
            self._send(route, refusal(reason, named))

    def _take_of_the_moment(self, code: str, route: bytes, message: FromPole) -> None:
        match message:
            case Heartbeat():
                self._send(route, message)
            case Accepted() | Progress() | Result():
                if not self._commands.answered(code, message):
                    self._counts["answers_late"] += 1
            case TimeRequest(pole_s=pole_s):
                now_s = self._utc_s()
                self._send(route, Time(pole_s=pole_s, received_s=now_s, sent_s=now_s))
            case Correction():
                self._counts["corrections"] += 1
                for pole, correction in self._corrected(code, message).items():
                    self._counts["corrections_relayed"] += self._send_to(pole, correction)
            case Bye(back_s=back_s):
                self._counts["byes"] += 1
                self._supervision.said_bye(code, back_s, self._loop.time())
            case _:
                raise AssertionError(message)

    def _take_hello(self, peer: Peer, route: bytes, hello: Hello, body: bytes, now_s: float) -> None:
        if hello.version not in VERSIONS:
            self._counts["wrong_version"] += 1
            self._refuse(route, Reason(WRONG_VERSION, "", {"version": hello.version}), hello)
        elif hello.code != peer.code:
            self._counts["anothers_code"] += 1
            self._refuse(route, Reason(ANOTHERS_CODE, "", {"code": hello.code}), hello)
        elif self._ingest.offer(peer, Unread(peer.code, body, now_s)):
            self._locked_out.pop(peer.code, None)
            self._heard(peer.code, now_s)
            peer.route = route

    def is_news(self, hello: Hello) -> bool:
        """Whether a hello says what the last one did not."""
        return self._known.is_news(hello)

    def greeted(self, hello: Hello, heard_s: float) -> None:
        """A pole's hello is durable: welcome it."""
        self._counts["hellos"] += 1
        code = hello.code
        self._known.greeted(hello, heard_s)
        welcome = Welcome(
            version=VERSION,
            boot=hello.boot,
            durable_seq=self._ledger.durable_seq(code, hello.boot),
            window=self._flow.window(self._peers[code]),
            utc_s=self._utc_s(),
        )
        self._send_to(code, welcome)
        if code not in self._locked_out:
            self._supervision.greeted(hello, self._loop.time())
        self._known.changed(code)

    def stored(self, code: str, taken: Sequence[Taken]) -> None:
        """Entries are durable: fold them into what is known of the pole."""
        state, now_s = self._known.states[code], self._loop.time()
        locked_out = code in self._locked_out
        newest: dict[str, Reading] = {}
        last: tuple[Reading, float] | None = None  # and when its message was heard
        for each in taken:
            message = each.message
            if message.boot == state.boot:
                if not state.last_seq and not locked_out:
                    self._supervision.spoke_of_boot(code, message.boot)
                state.last_seq = last_of(message)
            if isinstance(message, Report):
                last = message.readings[-1], each.heard_s
                for reading in message.readings:
                    newest[reading.function] = reading
            elif not locked_out:
                self._supervision.stored(code, message, now_s)
        if locked_out:
            return
        if last is not None:
            self._supervision.reported(code, tuple(newest.values()), *last, now_s)
            self._known.learn(state, taken)
        self._known.changed(code)

    def acknowledge(self, code: str, boot: str, durable_seq: int) -> None:
        """Tell a pole what is durable of a boot."""
        peer = self._peers[code]
        if peer.route:
            self._send(peer.route, Ack(boot=boot, durable_seq=durable_seq, window=self._flow.window(peer)))

    def _heard(self, code: str, now_s: float) -> None:
        state = self._known.states.get(code)
        if state is not None:
            state.heard_s = now_s
            if now_s - state.noted_s >= NOTED_EVERY_S:
                state.noted_s = now_s
                self._supervision.heard(code, now_s)

    def _refuse(self, route: bytes, reason: Reason, message: AnyMessage) -> None:
        self._send(route, refusal(reason, str(message.__struct_config__.tag)))

    def _send_to(self, code: str, message: ToPole) -> bool:
        peer = self._peers.get(code)
        return peer is not None and bool(peer.route) and self._send(peer.route, message)

    def _send(self, route: bytes, message: ToPole) -> bool:
        if self._listener.send(route, encode(message)):
            return True
        self._counts["not_sent"] += 1  # the connection is gone, or its pole does not read
        return False


async def _kept_nowhere(notes: Sequence[AnyNote]) -> None:
    """For a gateway without a store of notes: what it found out is gone with it."""
