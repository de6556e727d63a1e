"""Very many poles at once, and a gateway that is restarted among them: processes of their own beside what is measured.

`python -m benchmarks.pole_crowd crowd` reads a `Crowd` and then one `Step` a line, and answers each with a `Done`;
`... gateway` reads a `Host` and serves until it is killed, with a real store. The poles are sockets with a key each
that keep to docs/poles-protocol.md: they say hello until they are welcomed, report, send again what was not
acknowledged, and make a new connection after a long silence. A lost connection is libzmq's to make anew (§2.7), so
after a restart all of them knock within the seconds that its waits take.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import select
import sys
from pathlib import Path

import msgspec
import zmq

from benchmarks.pole_load import LoadPole, dialled, hello, report
from controller.clock import Clock, cpu_s, real_tempo, run, wall_s
from controller.store import open_store
from poles.gateway import Gateway
from poles.keys import KeyPair
from poles.protocol import Ack, Heartbeat, Refusal, Welcome, decode, encode
from poles.wire.connection import POLES_A_CONTEXT, RECONNECT_MAX_MS, reconnect_ms
from poles.wire.files import allow_files
from poles.wire.sockets import HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS

CROWD, GATEWAY = "crowd", "gateway"  # the arguments of the processes
BOOT = "b1"
HEARTBEAT = encode(Heartbeat())
EVERY_S = 10.0
QUIET_S = 5.0  # then it says a heartbeat
PROMISED_S = 1.25 * QUIET_S
UNHEARD_S = 3.0 * PROMISED_S  # then a pole makes a new connection
HELLO_AGAIN_S = 2.0
WAIT_S, WAIT_MOST_S = 1.0, 30.0  # at most, before a new connection; twice as long after each without a welcome
AT_ONCE = 64  # reports that a pole has under way at most
LOOK_S = 0.05  # at least so often
FILES_EACH = 3  # a connection, a mailbox, and one to spare while a socket is made anew


class Crowd(msgspec.Struct):
    """The poles of one process."""

    address: str
    server_public: str
    poles: list[LoadPole]


class Step(msgspec.Struct):
    """Have the poles up to number `upto` call, those that have not yet, within `over_s` from `since_s`; then live.

    It is done when each of them has a report durable that it made after `since_s` of the machine's clock, has had
    `beats` more heartbeats answered, one after the other, and `lasts_s` more have passed; not later than `patience_s`
    after `since_s`.
    """

    upto: int
    since_s: float
    over_s: float = 0.0
    lasts_s: float = 0.0
    patience_s: float = 120.0
    beats: int = 0


class Done(msgspec.Struct):
    """When the first report of each pole was durable that it made in the step, rising from `since_s`; and what is.

    `spent_s` is the process's CPU until the last of them came.
    """

    first_s: list[float]
    missing: int
    again: int  # connections that poles made anew by themselves
    spent_s: float
    durable: dict[str, int]


class Host(msgspec.Struct):
    """What a gateway needs; `allowed` is public key -> city code."""

    address: str
    store: str
    public: str
    secret: str
    allowed: dict[str, str]


class Caller:
    """One pole. It wants to be looked at when its socket's descriptor says so, and at `due_s`."""

    def __init__(self, street: Street, number: int, pole: LoadPole) -> None:
        self.pole = pole
        self.number = number  # in its street
        self.again = 0
        self.called = False
        self.first_s: float | None = None  # when the wanted report was durable
        self.durable = 0
        self.due_s = 0.0
        self.planned_s = math.inf  # when it is looked at next, without news
        self._street = street
        self._socket: zmq.Socket[bytes] | None = None
        self._ahead_s = 0.0  # of UTC before this process's seconds
        self._welcome = False
        self._last = self._wanted = self._beats_left = 0
        self._heard_s = 0.0
        self._wait_s = WAIT_S
        self._report_s = 0.0  # when the next one is due

    def call(self, now_s: float) -> None:
        """Make a connection, for the first time or anew."""
        self.called = True
        self._socket = self._street.dial(self)
        self._heard_s = now_s
        self._greet(now_s)

    def want(self, beats: int) -> None:
        """From now on: the next report, and so many answered heartbeats."""
        self._wanted, self.first_s = self._last + 1, None
        self._beats_left = beats

    def hang_up(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._street.left(self._socket)
            self._socket = None

    def turn(self, now_s: float) -> None:
        """Take what has come, and say what is due."""
        if self._socket is None:
            if now_s >= self.due_s:
                self.call(now_s)
            return
        self._hear(now_s)
        if now_s >= self._heard_s + UNHEARD_S:
            self.again += 1
            self.hang_up()
            self._welcome = False
            self.due_s = now_s + self._street.rng.uniform(WAIT_S / 4, self._wait_s)
            self._wait_s = min(2.0 * self._wait_s, WAIT_MOST_S)
            return
        if self._welcome and now_s >= self._report_s:
            self._last += 1
            self._report_s = max(self._report_s + EVERY_S, now_s)
            self._report(now_s)
        elif self._welcome and now_s >= self.due_s:
            self._beat(now_s)
        elif now_s >= self.due_s:
            self._greet(now_s)

    def _hear(self, now_s: float) -> None:
        """All that lies ready; what was sent may have used up the descriptor's sign of it."""
        assert self._socket is not None
        while True:
            try:
                message = decode(self._socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                break
            self._heard_s = now_s
            if isinstance(message, Welcome):
                self._ahead_s = message.utc_s - now_s
                self.durable = max(self.durable, message.durable_seq)
                self._welcome, self._wait_s = True, WAIT_S
                self._report_s = now_s  # and what is not durable with it
                if self._beats_left:
                    self._beat(now_s)
            elif isinstance(message, Ack):
                self.durable = max(self.durable, message.durable_seq)
            elif isinstance(message, Heartbeat) and self._beats_left:
                self._beats_left -= 1
                self._beat(now_s)
            elif isinstance(message, Refusal) and self._welcome:
                self._greet(now_s)  # libzmq made the connection anew
        if self.first_s is None and self._wanted and self.durable >= self._wanted and not self._beats_left:
            self.first_s = now_s

    def _greet(self, now_s: float) -> None:
        assert self._socket is not None
        self._socket.send(hello(self.pole.code, BOOT, PROMISED_S), zmq.NOBLOCK)
        self._welcome = False
        self.due_s = now_s + HELLO_AGAIN_S

    def _report(self, now_s: float) -> None:
        """What is not durable, the newest with it."""
        assert self._socket is not None
        for number in range(self.durable + 1, min(self._last, self.durable + AT_ONCE) + 1):
            self._socket.send(report(BOOT, number, now_s + self._ahead_s), zmq.NOBLOCK)
        self.due_s = min(self._report_s, now_s + QUIET_S)

    def _beat(self, now_s: float) -> None:
        assert self._socket is not None
        self._socket.send(HEARTBEAT, zmq.NOBLOCK)
        self.due_s = min(self._report_s, now_s + QUIET_S)


class Street:
    """The poles of this process, and what wakes them: news on a socket, or a moment."""

    def __init__(self, crowd: Crowd) -> None:
        self.rng = random.Random(crowd.poles[0].code)
        self._crowd = crowd
        self._contexts: list[zmq.Context[zmq.Socket[bytes]]] = [
            zmq.Context() for _ in range(0, len(crowd.poles), POLES_A_CONTEXT)
        ]
        self._news = select.epoll()
        self._by_descriptor: dict[int, Caller] = {}
        self._moments: list[tuple[float, int]] = []
        self._callers = [Caller(self, number, pole) for number, pole in enumerate(crowd.poles)]

    def dial(self, caller: Caller) -> zmq.Socket[bytes]:
        """A socket for a pole, which is looked at when something comes."""
        options: dict[int, int] = {
            zmq.RECONNECT_IVL: reconnect_ms(caller.pole.public.encode()),
            zmq.RECONNECT_IVL_MAX: RECONNECT_MAX_MS,
            zmq.HEARTBEAT_IVL: HEARTBEAT_MS,
            zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
        }
        context = self._contexts[caller.number // POLES_A_CONTEXT]
        socket = dialled(context, caller.pole, self._crowd.address, self._crowd.server_public, options)
        descriptor = int(socket.getsockopt(zmq.FD))
        self._by_descriptor[descriptor] = caller
        self._news.register(descriptor, select.EPOLLIN)
        return socket

    def left(self, socket: zmq.Socket[bytes]) -> None:
        """A pole is done with its socket."""
        descriptor = int(socket.getsockopt(zmq.FD))
        self._news.unregister(descriptor)
        del self._by_descriptor[descriptor]
        socket.close()

    def carry_out(self, step: Step) -> Done:
        """Play one step."""
        ours = self._callers[: step.upto]
        fresh = [caller for caller in ours if not caller.called]
        for place, caller in enumerate(fresh, 1):
            caller.due_s = step.since_s + step.over_s * place / len(fresh)
            self.plan(caller)
        for caller in ours:
            caller.want(step.beats)
        begun_s = spent_s = cpu_s()
        all_s: float | None = None
        while (now_s := wall_s()) < step.since_s + step.patience_s:
            if all_s is None and all(caller.first_s is not None for caller in ours):
                all_s, spent_s = now_s, cpu_s()
            if all_s is not None and now_s >= all_s + step.lasts_s:
                break
            self._turn(now_s + LOOK_S)
        came = [caller for caller in ours if caller.first_s is not None]
        return Done(
            sorted(caller.first_s - step.since_s for caller in came if caller.first_s is not None),
            len(ours) - len(came),
            sum(caller.again for caller in ours),
            (spent_s if all_s is not None else cpu_s()) - begun_s,
            {caller.pole.code: caller.durable for caller in ours},
        )

    def _turn(self, until_s: float) -> None:
        """Whoever has news or is due, until then."""
        while (now_s := wall_s()) < until_s:
            next_s = min(until_s, self._moments[0][0]) if self._moments else until_s
            for descriptor, _ in self._news.poll(max(0.0, next_s - now_s)):
                if descriptor in self._by_descriptor:
                    self._look(self._by_descriptor[descriptor], wall_s())
            now_s = wall_s()
            while self._moments and self._moments[0][0] <= now_s:
                caller = self._callers[heapq.heappop(self._moments)[1]]
                caller.planned_s = math.inf
                self._look(caller, now_s)

    def _look(self, caller: Caller, now_s: float) -> None:
        caller.turn(now_s)
        self.plan(caller)

    def plan(self, caller: Caller) -> None:
        """Look at a pole when it is due, if not before."""
        if caller.due_s < caller.planned_s:
            caller.planned_s = caller.due_s
            heapq.heappush(self._moments, (caller.due_s, caller.number))

    def close(self) -> None:
        """End all connections."""
        for caller in self._callers:
            caller.hang_up()
        self._news.close()
        for context in self._contexts:
            context.term()


def play() -> None:
    """Be a crowd until standard input ends."""
    crowd = msgspec.json.decode(sys.stdin.buffer.readline(), type=Crowd)
    allow_files(len(crowd.poles), at_each=FILES_EACH)
    street = Street(crowd)
    while line := sys.stdin.buffer.readline():
        done = street.carry_out(msgspec.json.decode(line, type=Step))
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()
    street.close()


async def host(clock: Clock) -> None:
    """Be a gateway until killed."""
    given = msgspec.json.decode(sys.stdin.buffer.readline(), type=Host)
    allow_files(len(given.allowed), at_each=1)
    async with (
        open_store(Path(given.store), clock.utc_s) as store,
        Gateway.tcp(
            given.address,
            KeyPair(given.public.encode(), given.secret.encode()),
            {key.encode(): code for key, code in given.allowed.items()},
            keep=store.keep,
            utc_s=clock.utc_s,
            rng=random.Random(1),
            stored=store.poles_stored(),
            history=store.pole_history(),
        ) as gateway,
    ):
        sys.stdout.write(f"{gateway.address}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__" and sys.argv[1:] == [CROWD]:
    play()
if __name__ == "__main__" and sys.argv[1:] == [GATEWAY]:
    run(host, real_tempo())
