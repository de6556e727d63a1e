"""The pole: one conversation after another with its gateway (§4), led by the environment of §13.3."""

import os
import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import zmq

from tests.stranger import keys
from tests.stranger.entries import Clock, Entries, Entry
from tests.stranger.lamp import Lamp
from tests.stranger.wire import Body

TICK_S, HELLO_S, RESEND_S, TIME_S, TIME_AGAIN_S, LAMP_S = 0.02, 2.0, 5.0, 900.0, 10.0, 48.0
PROMISE = 1.25  # of what is kept (§4.3)


class Pole:
    """A pole with a wind sensor and a lamp."""

    socket: keys.Socket | None = None
    welcomed = greeted = stopping = False  # now; once on this connection; soon
    connect_s = opened_s = said_s = progress_s = hello_s = first_hello_s = time_s = 0.0  # monotonic clock
    heard_s: float | None = None
    asked_s: float | None = None  # first word since something was heard
    request_s: float | None = None
    failures, refusals, resend_s, window = 0, 0, RESEND_S, 1

    def __init__(self, env: Mapping[str, str], pair: tuple[bytes, bytes], gateways: list[keys.Gateway]) -> None:
        """Begin a boot; the first entries come about at once."""
        self.code, self.pair, self.gateways = env["BEICHEN_CODE"], pair, gateways
        self.heartbeat_s = float(env["BEICHEN_HEARTBEAT_S"])
        self.clock, self.lamp = Clock(), Lamp()
        self.entries = Entries(self.clock, int(env.get("BEICHEN_CAPACITY", "10000")), env.get("BEICHEN_RING"))
        self.every_s = {"WindSensor": float(env["BEICHEN_REPORT_S"]), "LampActuator": LAMP_S}
        self.due_s = dict.fromkeys(self.every_s, 0.0)
        self.reported: dict[str, Entry] = {}  # the latest of each function
        self.refused: set[str] = set()  # types, on this connection
        self.tell(self.lamp.reported("LampActuator"))
        self.entries.add("log", {"level": 6, "text": "started"})

    def tell(self, reported: Body) -> None:
        """Make a Reported an entry."""
        if "reported" not in self.refused:
            self.reported[reported["function"]] = self.entries.add("reported", reported)

    def measure(self, function: str) -> None:
        """Make a reading an entry."""
        wind = {"windSpeed": round(random.uniform(2, 5), 1), "windDirection": random.uniform(0, 360)}
        values = wind if function == "WindSensor" else self.lamp.reading()
        self.due_s[function] = max(self.due_s[function], time.monotonic() - 1) + self.every_s[function]
        if "report" not in self.refused:
            self.entries.add("report", {"function": function, "values": values})

    def say(self, message: Body) -> bool:
        """Say a message, if its type is known on this connection: whether it went out."""
        if not self.socket or message["type"] in self.refused - {"hello"}:
            return False
        self.asked_s = self.asked_s or time.monotonic()
        went = keys.say(self.socket, message)
        self.said_s = time.monotonic() if went else self.said_s
        return went

    def greet(self) -> None:
        """Begin to say Hello; what was under way counts as not sent (§4.5)."""
        self.welcomed, self.entries.sent, self.hello_s, self.first_hello_s = False, 0, 0.0, 0.0

    def hello(self) -> None:
        """Say Hello, and when to say it again (§4.2, §9.2)."""
        functions = [{"function": name, "every_s": PROMISE * every_s} for name, every_s in self.every_s.items()]
        entries = self.entries
        who: Body = {"type": "hello", "version": 1, "code": self.code, "boot": entries.boot, "firmware": "stranger/1"}
        what = {"functions": functions, "lat_deg": 34.75, "lon_deg": 113.62, "heartbeat_s": self.heartbeat_s}
        held = {"after": entries.before_oldest(), "unsent": len(entries.held), "dropped": entries.dropped}
        if self.say(who | what | held):
            self.hello_s = self.said_s + min(60.0, HELLO_S * 2.0**self.refusals)
            self.first_hello_s = self.first_hello_s or self.said_s

    def close(self, wait_s: float = 0.0) -> None:
        """Close the connection; the next one comes after a while drawn by chance (§4.8)."""
        if self.socket:
            self.socket.close(500 if self.stopping else 0)
        if not self.greeted:
            self.gateways = self.gateways[1:] + self.gateways[:1]
        self.connect_s = time.monotonic() + (wait_s or random.uniform(0.25, min(30.0, 2.0**self.failures)))
        self.failures = min(self.failures + 1, 5)
        self.socket, self.welcomed, self.entries.sent = None, False, 0

    def take(self, message: Body) -> None:
        """Do what a message of the gateway asks for."""
        kind, before = message["type"], self.lamp.reading()
        if kind == "welcome" and (message["boot"], message["version"]) == (self.entries.boot, 1):
            self.welcome(message)
        elif kind == "bye":
            self.close(min(86400.0, message.get("back_s", 0.0)) * random.uniform(1.0, 1.5))
        elif kind == "refusal":
            self.obey(message["code"], message.get("about", ""))
        elif kind == "ack":
            self.window = message["window"]
            if self.entries.acknowledge(message["boot"], message["durable_seq"]):
                self.progress_s, self.resend_s = time.monotonic(), RESEND_S
        elif kind == "time" and self.request_s is not None and message["pole_s"] == self.request_s:
            self.clock.heard(self.request_s, message["received_s"], message["sent_s"])
            self.request_s, self.time_s = None, time.monotonic() + TIME_S
        elif kind == "command" and self.welcomed:
            self.say(self.lamp.command(message, list(self.every_s), self.clock.utc_s()))
        elif kind == "desired" and self.welcomed:
            self.desired(message)
        if self.lamp.reading() != before:
            self.measure("LampActuator")

    def welcome(self, message: Body) -> None:
        """Begin to send (again); the Welcome tells the time too."""
        now_s = time.monotonic()
        if not self.welcomed:
            self.clock.heard(self.first_hello_s, message["utc_s"], message["utc_s"])
            self.request_s, self.time_s = None, now_s
        self.entries.welcome(message["durable_seq"])
        self.welcomed, self.greeted, self.failures, self.refusals = True, True, 0, 0
        self.progress_s, self.resend_s, self.window = now_s, RESEND_S, message["window"]

    def obey(self, code: str, about: str) -> None:
        """Obey a refusal (§9.1)."""
        if code == "pole.hello-first" and self.welcomed:
            self.greet()
        elif code == "pole.unknown-message" and self.welcomed:
            self.refused.add(about)
            self.entries.drop_kind(about)
        elif not self.welcomed and code not in ("pole.hello-first", "pole.unknown-message"):
            self.refusals += 1
            self.hello_s = time.monotonic() + min(60.0, HELLO_S * 2.0**self.refusals)

    def desired(self, message: Body) -> None:
        """Judge a wish, or say again what became of it (§7)."""
        last = self.reported.get(message["function"])
        if message["version"] > self.lamp.judged.get(message["function"], 0):
            self.tell(self.lamp.desire(message))
        elif last is None:
            self.tell(self.lamp.reported(message["function"], "pole.settings.absent"))
        elif last not in self.entries.held:
            self.tell(last.body)

    def send(self) -> None:
        """Say what is due while welcomed: entries (again), the question for the time, a heartbeat."""
        now_s = time.monotonic()
        if self.entries.sent == 0:
            self.progress_s = now_s
        elif now_s - self.progress_s >= self.resend_s:
            self.entries.sent = 0
            self.progress_s, self.resend_s = now_s, min(40.0, 2 * self.resend_s)
        for message in self.entries.messages(self.window):
            if not self.say(message):
                break
        if now_s >= self.time_s and self.say({"type": "time-request", "pole_s": now_s}):
            self.request_s, self.time_s = now_s, now_s + TIME_AGAIN_S
        if now_s - self.said_s >= self.heartbeat_s / PROMISE:
            self.say({"type": "heartbeat"})

    def dead(self) -> bool:
        """Whether nothing was heard for too long although it was asked for (§4.7)."""
        now_s, patience_s = time.monotonic(), 3 * self.heartbeat_s
        if self.heard_s is None:
            return now_s - self.opened_s > max(15.0, patience_s)
        return now_s - self.heard_s > patience_s and now_s - (self.asked_s or now_s) > 2 * self.heartbeat_s

    def step(self) -> None:
        """One turn of the pole's life."""
        for function in [function for function, due_s in self.due_s.items() if time.monotonic() >= due_s]:
            self.measure(function)
        self.entries.sync()
        if self.socket is None and time.monotonic() >= self.connect_s:
            self.socket, self.refused = keys.connect(self.gateways[0], self.pair), set()
            self.opened_s, self.heard_s, self.asked_s, self.greeted = time.monotonic(), None, None, False
            self.greet()
        elif self.socket is None:
            time.sleep(TICK_S)
        elif message := keys.hear(self.socket, TICK_S):
            self.heard_s, self.asked_s = time.monotonic(), None
            self.take(message)
        if self.socket and self.dead():
            self.close()
        elif self.welcomed:
            self.send()
        elif self.socket and time.monotonic() >= self.hello_s:
            self.hello()

    def stop(self, *_: object) -> None:
        """Stop after this turn."""
        self.stopping = True


def main() -> None:
    """Live as the pole that the environment describes until SIGTERM, then say Bye."""
    env, path = os.environ, Path(os.environ["BEICHEN_KEY_FILE"])
    gateways = [keys.Gateway(env.get("BEICHEN_ENDPOINT", ""), env.get("BEICHEN_SERVER_KEY", ""))]
    if "BEICHEN_DESK" in env:
        desk = keys.Gateway(env["BEICHEN_DESK"], env["BEICHEN_DESK_KEY"])
        gateways = keys.enrol(desk, env["BEICHEN_TOKEN"], env["BEICHEN_CODE"], path)
    pole = Pole(env, keys.read(path), gateways)
    signal.signal(signal.SIGTERM, pole.stop)
    while not pole.stopping:
        pole.step()
    if pole.welcomed:
        pole.say({"type": "bye", "why": "shutdown"})
    pole.close()
    zmq.Context.instance().term()


if __name__ == "__main__":
    main()
