"""What was acknowledged stays: to poles, and to whoever was told of a flight."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.reasons import Words
from controller.events import AnyEvent, PoleSaid, Record, decode_event, encode
from poles.agent import PoleAgent
from poles.protocol import numbers_of
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

EVERY_LOOKS = 2


Boot = tuple[str, str]  # city code and boot of a pole


class AcknowledgedIsStored(Invariant):
    """Each entry that a pole was told is durable is in the store at that moment, and after every restart.

    Excepted: as many as the pole itself had to drop.
    """

    code = "acknowledged-is-stored"
    words = Words("what a pole was told is durable is in the store", "已向灯杆确认持久化的数据必在库中")

    def __init__(self) -> None:
        self._stored: dict[Boot, set[int]] = {}
        self._told: dict[Boot, tuple[int, int]] = {}  # what each boot was told, and how many it had dropped by then
        self._absent: dict[Boot, int] = {}  # of those that were told
        self._known: dict[str, tuple[PoleAgent, int]] = {}  # what each pole said at the last look
        self._looks = 0

    def reported(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Remember what was stored."""
        if isinstance(record.event, PoleSaid):
            message = record.event.message
            self._stored.setdefault((record.event.pole, message.boot), set()).update(numbers_of(message))
        yield from ()

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every pole's own idea of what the controller holds."""
        self._looks += 1
        if self._looks % EVERY_LOOKS:
            return
        for code, pole in scene.world.city.poles.items():
            agent = pole.agent
            said = agent, agent.acknowledged
            if self._known.get(code) == said:
                continue
            self._known[code] = said
            key, seq = (code, agent.boot), said[1]
            before = self._told.get(key, (0, 0))[0]
            if seq <= before:
                continue
            self._told[key] = seq, agent.dropped
            held = self._stored.get(key, set())
            absent = [number for number in range(before + 1, seq + 1) if number not in held]
            self._absent[key] = self._absent.get(key, 0) + len(absent)
            if absent and self._absent[key] > agent.dropped:
                yield Broken(code, f"told that {seq} is durable, the store has not {_few(absent)}")

    def restarted(self, scene: Scene, records: list[Record]) -> Iterator[Broken]:
        """Everything that any pole was ever told."""
        self._stored = {}
        for record in records:
            yield from self.reported(scene, record)
        for key, (seq, dropped) in self._told.items():
            held = self._stored.get(key, set())
            absent = [number for number in range(1, seq + 1) if number not in held]
            if len(absent) > dropped:
                yield Broken(key[0], f"told that {seq} is durable, after the restart the store has not {_few(absent)}")


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")


class NothingForgotten(Invariant):
    """Every record that was durable once stands in the store after a restart, unchanged and in its place."""

    code = "nothing-forgotten"
    words = Words("a durable event is never lost or changed", "已持久化的事件不得丢失或改变")

    def __init__(self) -> None:
        self._seen: dict[int, bytes] = {}

    def heard(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """Each record once; numbers only grow."""
        if record.seq in self._seen:
            yield Broken(str(record.seq), "number given twice")
        self._seen[record.seq] = encode(record.event)

    def reported(self, scene: Scene, record: Record) -> Iterator[Broken]:
        """The same for what poles said."""
        return self.heard(scene, record)

    def restarted(self, scene: Scene, records: list[Record]) -> Iterator[Broken]:
        """The whole log against what was seen."""
        held = {record.seq: record.event for record in records}
        for seq, body in self._seen.items():
            if seq not in held or _written(held[seq]) != _written(decode_event(body)):
                yield Broken(str(seq), f"{body.decode()[:80]} is {'changed' if seq in held else 'gone'}")
                return


def _written(event: AnyEvent) -> bytes:
    """An event as it is written once it was read: 1 and 1.0 are one number in a field of floats."""
    return encode(decode_event(encode(event)))
