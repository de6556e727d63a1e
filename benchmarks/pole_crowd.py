"""Very many poles at once, and a gateway that is restarted among them: processes of their own beside what is measured.

`python -m benchmarks.pole_crowd crowd` reads a `Crowd` and then one `Step` a line, and answers each with a `Done`;
`... gateway` reads a `Host` and serves until it is killed, with a real store. The poles are bare sockets with a key
each: they say hello, report, and send again what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import zmq

from benchmarks.pole_load import LoadPole, dialled, hello, report
from controller.clock import Clock, real_tempo, run, wall_s
from controller.store import open_store
from poles.gateway import Gateway
from poles.keys import KeyPair
from poles.protocol import Ack, Refusal, Welcome, decode
from poles.wire.files import allow_files

CROWD, GATEWAY = "crowd", "gateway"  # the arguments of the processes
BOOT = "b1"
SWEEP_S = 0.02
EVERY_S = 10.0
UNHEARD_S = 30.0  # then a pole makes a new connection
FILES_EACH = 3  # a connection, a mailbox, and one to spare while a socket is made anew


class Crowd(msgspec.Struct):
    """The poles of one process."""

    address: str
    server_public: str
    poles: list[LoadPole]


class Step(msgspec.Struct):
    """Have the poles up to number `upto` call within `over_s` from `since_s` of the machine's clock, then live.

    It is done when each has a report acknowledged that it sent in this call, and `lasts_s` more have passed; not later
    than `patience_s` after `since_s`. With `anew` those that have called before call anew.
    """

    upto: int
    over_s: float
    since_s: float
    lasts_s: float = 0.0
    anew: bool = False
    patience_s: float = 120.0


class Done(msgspec.Struct):
    """When the first report of each pole's call was durable; and what is durable.

    `first_s` counts from the step's `since_s`, `waits_s` from the pole's own call; both rise.
    """

    first_s: list[float]
    waits_s: list[float]
    missing: int
    again: int  # connections that poles made anew by themselves
    sent: int
    durable: dict[str, int]


class Host(msgspec.Struct):
    """What a gateway needs; `allowed` is public key -> city code."""

    address: str
    store: str
    public: str
    secret: str
    allowed: dict[str, str]


class Caller:
    """One pole."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], pole: LoadPole, crowd: Crowd) -> None:
        self.pole = pole
        self._context, self._crowd = context, crowd
        self._socket: zmq.Socket[bytes] | None = None
        self._ahead_s = 0.0  # of UTC before this process's seconds
        self.welcome = False
        self.last = self.durable = 0
        self.due_s = 0.0
        self.called_s = self._heard_s = 0.0
        self.again = 0
        self._wanted = 0  # the first report of this call
        self.first_s: float | None = None  # when it was durable

    @property
    def called(self) -> bool:
        """Whether it has a connection, or is on its way to one."""
        return self._socket is not None

    def call(self, now_s: float) -> None:
        """Make a fresh connection."""
        self.hang_up()
        self.called_s = now_s
        self._wanted, self.first_s = self.last + 1, None
        self._dial(now_s)

    def _dial(self, now_s: float) -> None:
        self._socket = dialled(self._context, self.pole, self._crowd.address, self._crowd.server_public)
        self._greet(now_s)

    def _greet(self, now_s: float) -> None:
        assert self._socket is not None
        self._socket.send(hello(self.pole.code, BOOT), zmq.NOBLOCK)
        self.welcome, self._heard_s = False, now_s

    def hang_up(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def turn(self, now_s: float) -> None:
        """Take what has come, and report when it is time."""
        while self._socket is not None:
            try:
                message = decode(self._socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                break
            self._heard_s = now_s
            if isinstance(message, Welcome):
                self._ahead_s = message.utc_s - now_s
                self.durable = max(self.durable, message.durable_seq)
                self.welcome = True
                for number in range(self.durable + 1, self.last + 1):
                    self._send(number, now_s)
                self.due_s = now_s
            elif isinstance(message, Ack):
                self.durable = max(self.durable, message.durable_seq)
            elif isinstance(message, Refusal):
                self.again += 1  # libzmq connected anew by itself
                self._greet(now_s)
        if self._socket is not None and now_s >= self._heard_s + UNHEARD_S:
            self.again += 1
            self.hang_up()
            self._dial(now_s)
        if self.first_s is None and self._wanted and self.durable >= self._wanted:
            self.first_s = now_s
        if self.welcome and now_s >= self.due_s:
            self.last += 1
            self._send(self.last, now_s)
            self.due_s = max(self.due_s + EVERY_S, now_s)

    def _send(self, number: int, now_s: float) -> None:
        assert self._socket is not None
        self._socket.send(report(BOOT, number, now_s + self._ahead_s), zmq.NOBLOCK)


def carry_out(step: Step, callers: list[Caller]) -> Done:
    """Play one step."""
    ours = callers[: step.upto]
    calling = [caller for caller in ours if step.anew or not caller.called]
    pending: Iterator[tuple[float, Caller]] = iter(
        [(step.since_s + step.over_s * (n + 1) / len(calling), caller) for n, caller in enumerate(calling)]
    )
    due = next(pending, None)
    all_s: float | None = None
    while True:
        now_s = wall_s()
        while due is not None and due[0] <= now_s:
            due[1].call(now_s)
            due = next(pending, None)
        for caller in ours:
            caller.turn(now_s)
        if due is None and all_s is None and all(caller.first_s is not None for caller in calling):
            all_s = now_s
        if (all_s is not None and now_s >= all_s + step.lasts_s) or now_s >= step.since_s + step.patience_s:
            break
        zmq.select([], [], [], SWEEP_S)
    first_s = sorted(caller.first_s - step.since_s for caller in calling if caller.first_s is not None)
    waits_s = sorted(caller.first_s - caller.called_s for caller in calling if caller.first_s is not None)
    durable = {caller.pole.code: caller.durable for caller in ours}
    return Done(
        first_s,
        waits_s,
        len(calling) - len(first_s),
        sum(caller.again for caller in ours),
        sum(caller.last for caller in ours),
        durable,
    )


def play() -> None:
    """Be a crowd until standard input ends."""
    crowd = msgspec.json.decode(sys.stdin.buffer.readline(), type=Crowd)
    allow_files(len(crowd.poles), at_each=FILES_EACH)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 2 * len(crowd.poles) + 16)
    callers = [Caller(context, pole, crowd) for pole in crowd.poles]
    while line := sys.stdin.buffer.readline():
        done = carry_out(msgspec.json.decode(line, type=Step), callers)
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
        sys.stdout.buffer.flush()
    for caller in callers:
        caller.hang_up()
    context.term()


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
