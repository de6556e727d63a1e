"""For every paragraph a client that breaks it: the kit finds it there. What is not tampered with is the agent."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.agent import agent, conversation, outbox
from poles.agent.clock import PoleClock
from poles.agent.conversation import Conversation
from poles.agent.measuring import Measuring
from poles.agent.outbox import Outbox, Stream
from poles.conformance import PARAGRAPHS, Findings, Verdict
from tests.poles.conformance.crooked import Fields, Filter, named, played, straight

OF_ENTRIES = ("report", "alarm", "observation", "reported", "log")
Memory = dict[str, Any]


class Unchancy(random.Random):
    """Chance that is none where it should spread."""

    def uniform(self, a: float, b: float) -> float:
        return a

    def getrandbits(self, k: int) -> int:
        return 1


@dataclass(frozen=True)
class Fault:
    """How a client is crooked: on its line, or inside (`patches`); `trial` is where it must be found."""

    paragraph: str
    trial: str
    says: Filter = straight
    hears: Filter = straight
    patches: tuple[tuple[object, str, Any], ...] = ()
    with_ring: bool = False
    ends: bool = True
    rng: Callable[[], random.Random] = field(default=lambda: random.Random(7))

    def __str__(self) -> str:
        return f"{self.paragraph}-{self.trial}"


def change(type_: str, **fields: Any) -> Filter:
    """Say (or hear) other values in every message of a type; a function makes a value from the old one."""

    def changed(message: Fields, memory: Memory) -> list[Fields]:
        if message.get("type") != type_:
            return [message]
        return [message | {name: new(message.get(name)) if callable(new) else new for name, new in fields.items()}]

    return changed


def drop(*types: str, **where: Any) -> Filter:
    """Lose every message of some types (with these values)."""

    def dropped(message: Fields, memory: Memory) -> list[Fields]:
        hit = message.get("type") in types and all(message.get(name) == value for name, value in where.items())
        return [] if hit else [message]

    return dropped


def entries(tamper: Callable[[Fields, Memory], list[Fields]]) -> Filter:
    """Tamper with messages of entries."""
    return lambda message, memory: tamper(message, memory) if message["type"] in OF_ENTRIES else [message]


def readings(tamper: Callable[[Fields, Memory], Fields]) -> Filter:
    """Tamper with each reading of a report."""

    def tampered(message: Fields, memory: Memory) -> list[Fields]:
        if message["type"] != "report":
            return [message]
        return [message | {"readings": [tamper(reading, memory) for reading in message["readings"]]}]

    return tampered


def before_hello(message: Fields, memory: Memory) -> list[Fields]:
    return [{"type": "heartbeat"}, message] if message["type"] == "hello" else [message]


def only_first_hello(message: Fields, memory: Memory) -> list[Fields]:
    if message["type"] == "hello" and memory.setdefault("hello", 0):
        return []
    memory["hello"] = 1
    return [message]


def every_fifth_lost(message: Fields, memory: Memory) -> list[Fields]:
    memory["n"] = memory.get("n", 0) + 1
    return [] if memory["n"] % 5 == 0 else [message]


def pairs_turned(message: Fields, memory: Memory) -> list[Fields]:
    if "held" in memory:
        return [message, memory.pop("held")]
    memory["held"] = message
    return []


def first_again(message: Fields, memory: Memory) -> list[Fields]:
    return [message, memory.setdefault("first", message)]


def other_values(reading: Fields, memory: Memory) -> Fields:
    memory["n"] = memory.get("n", 0) + 1
    return reading | {"values": {"windSpeed": memory["n"] % 80 / 2}}


def new_ids(message: Fields, memory: Memory) -> list[Fields]:
    if message.get("type") != "command":
        return [message]
    memory["n"] = memory.get("n", 0) + 1
    return [message | {"id": f"{message['id']}~{memory['n']}"}]


def old_ids(message: Fields, memory: Memory) -> list[Fields]:
    return [message | {"id": message["id"].partition("~")[0]}] if "id" in message else [message]


def accepted_after(message: Fields, memory: Memory) -> list[Fields]:
    return [message, {"type": "accepted", "id": message["id"]}] if message["type"] == "result" else [message]


def first_reported_without_settings(message: Fields, memory: Memory) -> list[Fields]:
    return [message | {"settings": {}}] if message["type"] == "reported" else [message]


def dies_of(*types: str, fields: tuple[str, ...] = ()) -> tuple[Filter, Filter]:
    """Says nothing any more once it heard such a message, or one with such a field."""

    def hears(message: Fields, memory: Memory) -> list[Fields]:
        if message.get("type") in types or any(name in message for name in fields):
            memory["dead"] = True
        return [message]

    def says(message: Fields, memory: Memory) -> list[Fields]:
        return [] if memory.get("dead") else [message]

    return says, hears


def dies_of_rubbish() -> tuple[Filter, Filter]:
    def hears(message: Fields, memory: Memory) -> list[Fields]:
        if isinstance(message.get("type"), bytes) or "type" not in message:
            memory["dead"] = True
        return [message]

    return dies_of()[0], hears


def forgets_everything(self: Outbox, boot: str, durable_seq: int) -> bool:
    for stream in self.streams:
        if stream.boot == boot and stream.last_seq:
            self._forget(stream, min(durable_seq, stream.last_seq))
    return True


def forgets_no_acknowledgement(self: Outbox, boot: str, durable_seq: int) -> None:
    outbox_welcomed(self, boot, max(durable_seq, self.durable_seq))


def is_deaf_to_less(self: Outbox, boot: str, durable_seq: int) -> bool:
    known = {stream.boot: stream.durable_seq for stream in self.streams}
    return durable_seq >= known.get(boot, 0) and outbox_acknowledged(self, boot, durable_seq)


def impatient(self: Conversation) -> float:
    return self._heard_s + 3.0


def told_no_gap(message: Fields, memory: Memory) -> list[Fields]:
    first = message["readings"][0]["seq"] if message["type"] == "report" else message["seq"]
    return [message | {"after": first - 1}]


def in_other_order(ring: Any) -> list[Stream]:
    return outbox_left(ring)[::-1]


def nothing(*arguments: Any) -> None:
    """What does nothing."""


outbox_welcomed, outbox_acknowledged = Outbox.welcomed, Outbox.acknowledged
outbox_left = outbox._left_by_earlier_boots
EMPTY = "a-store-that-never-had-what-was-acknowledged"
CALM = "an-ordinary-conversation"
REFUSED = "a-version-that-is-not-spoken"
LOST = "acknowledgements-that-do-not-come"
MISLED = "acknowledgements-that-mislead"
SILENT = "a-gateway-that-falls-silent"
BYE = "a-gateway-that-says-bye"
STRANGE = "words-that-a-client-cannot-know"
FORGOT = "a-gateway-that-forgot-the-connection"
SLOW = "a-gateway-that-is-slow-to-welcome"
WRONG = "commands-that-cannot-be-carried-out"
OFF = "a-clock-that-is-hours-off"
TOLD = "a-client-that-is-told-to-end"
UNFIELD, UNMESSAGE, RUBBISH = dies_of(fields=("colour",)), dies_of("poem"), dies_of_rubbish()

FAULTS = [
    Fault("§1.1", CALM, change("hello", code="410105-LP-000009")),
    Fault("§3.3", CALM, readings(lambda reading, _: reading | {"values": {"windSpeed": math.nan}})),
    Fault("§3.5", STRANGE, UNFIELD[0], UNFIELD[1]),
    Fault("§3.7", CALM, change("hello", lat_deg=95.0)),
    Fault("§3.7", CALM, change("time-request", type="what-time")),
    Fault("§3.7", STRANGE, RUBBISH[0], RUBBISH[1]),
    Fault("§4.1", CALM, before_hello),
    Fault("§4.2", SLOW, only_first_hello),
    Fault("§4.3", LOST, drop("heartbeat")),
    Fault("§4.3", CALM, change("hello", functions=[{"function": "TunnelSmoke", "every_s": 1.0}])),
    Fault("§4.4", FORGOT, patches=((Outbox, "send_again", nothing),)),
    Fault("§4.4", "a-store-that-lost-its-end", patches=((Outbox, "welcomed", forgets_no_acknowledgement),)),
    Fault("§4.5", FORGOT, hears=drop("refusal")),
    Fault("§4.6", SILENT, drop("heartbeat")),
    Fault("§4.7", SILENT, patches=((conversation, "BEATS_UNANSWERED", 1000),)),
    Fault("§4.7", CALM, hears=drop("ack", "heartbeat", "time")),
    Fault("§4.7", REFUSED, patches=((Conversation, "_silent_s", impatient),)),
    Fault("§4.8", BYE, rng=lambda: Unchancy(7)),
    Fault("§4.8", BYE, patches=((agent, "RETRY_MAX_S", 0.3),)),
    Fault("§4.9", BYE, hears=drop("bye")),
    Fault("§4.9", BYE, hears=change("bye", back_s=0.3)),
    Fault("§4.9", TOLD, drop("bye")),
    Fault("§5.1", LOST, readings(other_values)),
    Fault("§5.2", "a-power-cut", rng=lambda: Unchancy(7)),
    Fault("§5.3", CALM, entries(first_again)),
    Fault("§5.4", CALM, entries(every_fifth_lost)),
    Fault("§5.5", CALM, entries(lambda message, _: [message | {"after": 0}])),
    Fault("§5.6", CALM, entries(pairs_turned)),
    Fault("§5.7", LOST, hears=lambda m, _: [m | {"window": 4096} if "window" in m else m]),
    Fault("§5.8", MISLED, patches=((Outbox, "acknowledged", forgets_everything),)),
    Fault("§5.9", LOST, patches=((conversation, "SEND_AGAIN_S", 1e6),)),
    Fault("§5.9", LOST, patches=((conversation, "SEND_AGAIN_S", 1.0),)),
    Fault("§5.9", LOST, patches=((conversation, "SEND_SELDOM_S", 5.0),)),
    Fault("§5.10", LOST, readings(lambda reading, _: reading | {"held_s": 0.0})),
    Fault("§5.11", "a-power-cut", patches=((outbox, "_left_by_earlier_boots", in_other_order),), with_ring=True),
    Fault("§5.11", EMPTY, patches=((Outbox, "acknowledged", is_deaf_to_less),), with_ring=True),
    Fault("§5.12", "more-than-it-can-hold", entries(told_no_gap)),
    Fault("§5.13", FORGOT, change("hello", unsent=0)),
    Fault("§5.17", "commands", patches=((Measuring, "changed", nothing),)),
    Fault("§6.1", WRONG, hears=change("command", expires_s=lambda expires_s: expires_s + 1e6)),
    Fault("§6.2", "commands", old_ids, new_ids),
    Fault("§6.3", "commands", accepted_after),
    Fault("§6.3", "commands", drop("result")),
    Fault("§6.4", WRONG, change("result", code="no")),
    Fault("§6.4", WRONG, change("result", zh="")),
    Fault("§6.6", "commands", hears=change("command", parameters=lambda given: given or {"level": 10})),
    Fault("§7.1", "settings", first_reported_without_settings),
    Fault("§7.2", "settings", hears=change("desired", settings={})),
    Fault("§7.3", "settings", change("reported", code="")),
    Fault("§7.4", "settings", hears=change("desired", version=lambda version: 50 if version == 5 else version)),
    Fault("§8.1", CALM, drop("time-request")),
    Fault("§8.2", OFF, patches=((PoleClock, "take", nothing),)),
    Fault("§9.2", REFUSED, patches=((conversation, "HELLO_SELDOM_S", 2.0),)),
    Fault("§9.3", "a-message-that-the-gateway-does-not-know", patches=((Outbox, "not_understood", nothing),)),
    Fault("§9.4", STRANGE, UNMESSAGE[0], UNMESSAGE[1]),
    Fault("§13.3", CALM, change("hello", heartbeat_s=30.0)),
    Fault("§13.4", TOLD, ends=False),
    Fault("§13.4", TOLD, change("bye", why="bored")),
]
OVER_REAL_SOCKETS = {"§2.4", "§2.5", "§12.1", "§12.3", "§12.4"}  # see test_over_curve


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_client_that_breaks_a_paragraph_fails_there(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, value in fault.patches:
        monkeypatch.setattr(owner, name, value)

    async def main(clock: Clock) -> Findings:
        return await played(
            clock,
            named(fault.trial),
            says=fault.says,
            hears=fault.hears,
            with_ring=fault.with_ring,
            ends=fault.ends,
            rng=fault.rng(),
        )

    findings = run(main, virtual_tempo())
    assert findings.verdict(fault.paragraph) is Verdict.FAIL
    assert not findings.passes
    for words in findings.seen(fault.paragraph):
        assert re.search("[\u4e00-\u9fff]", words.zh)
        assert not re.search("[\u4e00-\u9fff]", words.en)


def test_every_paragraph_is_broken_by_some_client() -> None:
    assert {fault.paragraph for fault in FAULTS} | OVER_REAL_SOCKETS == set(PARAGRAPHS)
