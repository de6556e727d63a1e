"""Poles that report as fast as they may, or at a rate: a process of its own beside what is measured.

`python -m benchmarks.pole_load load` reads a `Load` as JSON and writes what became of it, a `Told`. Every pole is a
DEALER with a CURVE key of its own. Towards a gateway it says Hello, keeps to the window, and times each report until
the Ack that covers it; towards a bare ROUTER (`bare`) it only sends.
"""

from __future__ import annotations

import itertools
import sys
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import zmq

from controller.clock import wall_s
from poles.keys import KeyPair
from poles.protocol import VERSION, Ack, Capability, Hello, Reading, Report, Welcome, decode, encode

FUNCTION = "WindSensor"
SENT_AT_ONCE = 16
UNDER_WAY = 64  # of a pole, at most; the peer's publishers have as many
PAUSE_S = 0.0005
SETTLE_S = 60.0  # for what is under way at the end
ROLE = "load"  # the argument of the process


class LoadPole(msgspec.Struct):
    """One pole and its key."""

    code: str
    public: str
    secret: str


class Load(msgspec.Struct):
    """What to do: all poles together send `rate` reports/s (0: as many as they can) for `lasts_s` seconds.

    Each report has so many `readings`.
    """

    address: str
    server_public: str
    poles: list[LoadPole]
    lasts_s: float
    rate: float = 0.0
    bare: bool = False
    readings: int = 1


class Told(msgspec.Struct):
    """What became of it: the last durable entry of each pole, and times from sending to acknowledgement [s], rising.

    `sent` and `acknowledged` count reports; `acknowledged` and `lasted_s` are of the time of sending only.
    """

    sent: int
    acknowledged: int
    lasted_s: float
    delays_s: list[float]
    durable: dict[str, int]


def report(boot: str, number: int, at_s: float, readings: int = 1) -> bytes:
    """The report of this number, from 1: readings of the wind, a second apart, which is never the same for long."""
    after = (number - 1) * readings
    batch = tuple([_wind(after + n, at_s, float(readings - n)) for n in range(1, readings + 1)])
    return encode(Report(boot=boot, after=after, readings=batch))


def _wind(seq: int, at_s: float, held_s: float) -> Reading:
    values = {"windSpeed": 3.0 + seq % 13 / 8.0, "windDirection": 270.0 + seq % 7}
    return Reading(seq=seq, at_s=at_s - held_s, held_s=held_s, function=FUNCTION, values=values)


def hello(code: str, boot: str, heartbeat_s: float = 5.0) -> bytes:
    """The first word of a pole, which stands where its number puts it."""
    number = int(code[-6:])
    return encode(
        Hello(
            version=VERSION,
            code=code,
            boot=boot,
            firmware="load/1",
            functions=(Capability(function=FUNCTION, every_s=60.0),),
            lat_deg=34.70 + number % 100 * 0.001,
            lon_deg=113.60 + number // 100 * 0.001,
            heartbeat_s=heartbeat_s,
        )
    )


def dialled(
    context: zmq.Context[zmq.Socket[bytes]],
    pole: LoadPole,
    address: str,
    server_public: str,
    options: Mapping[int, int] = MappingProxyType({}),
) -> zmq.Socket[bytes]:
    """A pole's socket, on its way to the gateway; `options` of the socket beside LINGER 0."""
    socket = context.socket(zmq.DEALER)
    for option, value in {zmq.LINGER: 0, **options}.items():
        socket.set(option, value)
    keys = KeyPair(pole.public.encode(), pole.secret.encode())
    socket.curve_publickey, socket.curve_secretkey = keys.public, keys.secret
    socket.curve_serverkey = server_public.encode()
    socket.connect(address)
    return socket


class Sender:
    """One pole: what it has under way, and what was acknowledged."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], pole: LoadPole, load: Load) -> None:
        self.code = pole.code
        self.number = int(pole.code[-6:])
        self.boot = "b1"
        self.ahead_s = 0.0  # of UTC before this process's seconds
        self.readings = load.readings
        self.window = 1 << 20 if load.bare else 0  # reports
        self.last = 0  # report
        self.durable = 0  # entry
        self.under_way: deque[tuple[int, float]] = deque()
        self.delays_s: list[float] = []
        self.socket = dialled(context, pole, load.address, load.server_public)

    def greet(self) -> None:
        """Say hello and wait for the welcome."""
        self.socket.send(hello(self.code, self.boot))
        welcome = decode(self.socket.recv())
        assert isinstance(welcome, Welcome), welcome
        self.window = self._reports(welcome.window)
        self.ahead_s = welcome.utc_s - wall_s()

    def hear(self, now_s: float) -> None:
        """Take the acknowledgements that lie ready."""
        while True:
            try:
                message = decode(self.socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                return
            if isinstance(message, Ack):
                self.durable = max(self.durable, message.durable_seq)
                self.window = self._reports(message.window)
                while self.under_way and self.under_way[0][0] * self.readings <= self.durable:
                    self.delays_s.append(now_s - self.under_way.popleft()[1])

    def send(self, now_s: float, most: int) -> int:
        """Send up to so many reports, as the window allows; how many were sent."""
        sent = 0
        while sent < most and len(self.under_way) < self.window:
            try:
                body = report(self.boot, self.last + 1, now_s + self.ahead_s, self.readings)
                self.socket.send(body, zmq.NOBLOCK)
            except zmq.Again:
                break
            self.last += 1
            sent += 1
            if self.window < 1 << 20:
                self.under_way.append((self.last, now_s))
        return sent

    def _reports(self, window: int) -> int:
        """How many reports a window of entries has room for."""
        return min(window // self.readings, UNDER_WAY)


def _send_all(senders: list[Sender], load: Load, start_s: float) -> int:
    """As much as the windows allow."""
    sent = 0
    for sender in itertools.cycle(senders):
        now_s = wall_s()
        if now_s >= start_s + load.lasts_s:
            return sent
        if not load.bare:
            sender.hear(now_s)
        sent += sender.send(now_s, SENT_AT_ONCE)
    return sent


def _keep_pace(senders: list[Sender], load: Load, start_s: float) -> int:
    """The given rate, evenly over the poles; each listens every `PAUSE_S` or a little later."""
    sent = 0
    turn = itertools.cycle(senders)
    while (now_s := wall_s()) < start_s + load.lasts_s:
        for _ in range(int((now_s - start_s) * load.rate) - sent):
            sent += next(turn).send(now_s, 1)
        zmq.select([], [], [], PAUSE_S)
        for sender in senders:
            if sender.under_way:
                sender.hear(wall_s())
    return sent


def carry_out(load: Load) -> Told:
    """Send for the given time, then wait for what is still owed."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 65_536)
    senders = [Sender(context, pole, load) for pole in load.poles]
    if not load.bare:
        for sender in senders:
            sender.greet()
    start_s = wall_s()
    end_s = start_s + load.lasts_s
    sent = _keep_pace(senders, load, start_s) if load.rate else _send_all(senders, load, start_s)
    lasted_s = wall_s() - start_s
    acknowledged = sum(sender.durable for sender in senders) // load.readings
    while any(sender.under_way for sender in senders) and (now_s := wall_s()) < end_s + SETTLE_S:
        for sender in senders:
            sender.hear(now_s)
    for sender in senders:
        sender.socket.close()
    context.term()
    delays_s = sorted(delay_s for sender in senders for delay_s in sender.delays_s)
    return Told(sent, acknowledged, lasted_s, delays_s, {sender.code: sender.durable for sender in senders})


if __name__ == "__main__" and sys.argv[1:] == [ROLE]:
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Load))))
