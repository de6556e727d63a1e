"""What was acknowledged stays: to poles, and to whoever was told of a flight."""

from __future__ import annotations

from collections.abc import Iterator

from airspace.reasons import Words
from controller.events import AnyEvent, Record, decode_event, encode
from sim.world.invariants.invariant import Broken, Invariant
from sim.world.scene import Scene

EVERY_LOOKS = 2


class AcknowledgedIsStored(Invariant):
    """What a pole was told is durable is in the store at that moment, and after every restart."""

    code = "acknowledged-is-stored"
    words = Words("what a pole was told is durable is in the store", "已向灯杆确认持久化的数据必在库中")

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], int] = {}
        self._looks = 0

    def look(self, scene: Scene) -> Iterator[Broken]:
        """Every pole's own idea of what the controller holds."""
        self._looks += 1
        if self._looks % EVERY_LOOKS:
            return
        for code, pole in scene.world.city.poles.items():
            key, seq = (code, pole.agent.boot), pole.agent.acknowledged
            if seq > self._told.get(key, 0):
                self._told[key] = seq
                held = scene.state.pole_seq.get(key, 0)
                if held < seq:
                    yield Broken(code, f"told that {seq} is durable, the store holds {held}")

    def restarted(self, scene: Scene, records: list[Record]) -> Iterator[Broken]:
        """Everything that any pole was ever told."""
        stored = scene.state.fold(records).pole_seq
        for (code, boot), seq in self._told.items():
            held = stored.get((code, boot), 0)
            if held < seq:
                yield Broken(code, f"told that {seq} is durable, after the restart the store holds {held}")


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
        self._seen[record.seq] = _written(record.event)

    def restarted(self, scene: Scene, records: list[Record]) -> Iterator[Broken]:
        """The whole log against what was seen."""
        held = {record.seq: record.event for record in records}
        for seq, body in self._seen.items():
            if seq not in held or _written(held[seq]) != body:
                yield Broken(str(seq), f"{body.decode()[:80]} is {'changed' if seq in held else 'gone'}")
                return


def _written(event: AnyEvent) -> bytes:
    """An event as it is written once it was read: 1 and 1.0 are one number in a field of floats."""
    return encode(decode_event(encode(event)))
