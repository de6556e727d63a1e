"""Poles that report as fast as they may, or at a rate: a process of its own beside what is measured.

Reads a `Load` as JSON from its input and writes what became of it, a `Told`, to its output. Every pole is a DEALER with
a CURVE key of its own. Towards a gateway it says Hello, keeps to the window, and times each report until the Ack that
covers it; towards a bare ROUTER (`bare`) it only sends.
"""

from __future__ import annotations

import sys
from collections import deque

import msgspec
import zmq

from controller.clock import wall_s
from poles.keys import KeyPair
from poles.protocol import VERSION, Ack, Capability, Hello, Reading, Report, Welcome, decode, encode

VALUES = {"windSpeed": 3.25, "windDirection": 270.0}
FUNCTION = "WindSensor"
SENT_AT_ONCE = 16


class LoadPole(msgspec.Struct):
    """One pole and its key."""

    code: str
    public: str
    secret: str


class Load(msgspec.Struct):
    """What to do: all poles together send `rate` reports/s (0: as many as they can) for `lasts_s` seconds."""

    address: str
    server_public: str
    poles: list[LoadPole]
    lasts_s: float
    rate: float = 0.0
    bare: bool = False


class Told(msgspec.Struct):
    """What became of it; times from sending to acknowledgement [s], rising."""

    sent: int
    acknowledged: int
    lasted_s: float
    delays_s: list[float]


def report(boot: str, number: int, at_s: float) -> bytes:
    """One report of one reading of the wind, about 120 bytes."""
    reading = Reading(seq=number, at_s=at_s, held_s=0.0, function=FUNCTION, values=VALUES)
    return encode(Report(boot=boot, after=number - 1, readings=(reading,)))


class Sender:
    """One pole: what it has under way, and what was acknowledged."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], pole: LoadPole, load: Load) -> None:
        self.code = pole.code
        self.boot = "b1"
        self.window = 1 << 20 if load.bare else 0
        self.last = 0
        self.durable = 0
        self.under_way: deque[tuple[int, float]] = deque()
        self.delays_s: list[float] = []
        self.socket = context.socket(zmq.DEALER)
        self.socket.set(zmq.LINGER, 0)
        keys = KeyPair(pole.public.encode(), pole.secret.encode())
        self.socket.curve_publickey, self.socket.curve_secretkey = keys.public, keys.secret
        self.socket.curve_serverkey = load.server_public.encode()
        self.socket.connect(load.address)

    def greet(self) -> None:
        """Say hello and wait for the welcome."""
        capability = Capability(function=FUNCTION, every_s=60.0)
        hello = Hello(
            version=VERSION,
            code=self.code,
            boot=self.boot,
            firmware="load/1",
            functions=(capability,),
            lat_deg=34.75,
            lon_deg=113.62,
        )
        self.socket.send(encode(hello))
        welcome = decode(self.socket.recv())
        assert isinstance(welcome, Welcome), welcome
        self.window = welcome.window

    def hear(self, now_s: float) -> None:
        """Take the acknowledgements that lie ready."""
        while True:
            try:
                message = decode(self.socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                return
            if isinstance(message, Ack):
                self.durable, self.window = max(self.durable, message.durable_seq), message.window
                while self.under_way and self.under_way[0][0] <= self.durable:
                    self.delays_s.append(now_s - self.under_way.popleft()[1])

    def send(self, now_s: float, most: int) -> int:
        """Send up to so many reports, as the window allows; how many were sent."""
        sent = 0
        while sent < most and len(self.under_way) < self.window:
            try:
                self.socket.send(report(self.boot, self.last + 1, 1779066000.0), zmq.NOBLOCK)
            except zmq.Again:
                break
            self.last += 1
            sent += 1
            if self.window < 1 << 20:
                self.under_way.append((self.last, now_s))
        return sent


def carry_out(load: Load) -> Told:
    """Send for the given time, then wait for what is still owed, 5 s at most."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 65_536)
    senders = [Sender(context, pole, load) for pole in load.poles]
    if not load.bare:
        for sender in senders:
            sender.greet()
    start_s = wall_s()
    end_s = start_s + load.lasts_s
    sent, turn = 0, 0
    while (now_s := wall_s()) < end_s:
        due = (now_s - start_s) * load.rate - sent if load.rate else float("inf")
        if due < 1.0:
            zmq.select([], [], [], 0.001)
        sender = senders[turn % len(senders)]
        turn += 1
        if not load.bare:
            sender.hear(now_s)
        if due >= 1.0:
            sent += sender.send(now_s, 1 if load.rate else SENT_AT_ONCE)
    while any(sender.under_way for sender in senders) and (now_s := wall_s()) < end_s + 5.0:
        for sender in senders:
            sender.hear(now_s)
    lasted_s = wall_s() - start_s
    for sender in senders:
        sender.socket.close()
    context.term()
    delays_s = sorted(delay_s for sender in senders for delay_s in sender.delays_s)
    return Told(sent, sum(sender.durable for sender in senders), lasted_s, delays_s)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(msgspec.json.decode(sys.stdin.buffer.read(), type=Load))))
