"""What a pole made, what it was told is durable, and what a store has: the three that every fault test compares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from poles.agent.entries import of_alarm, of_log, of_observation, of_reading, of_reported
from poles.agent.outbox import Outbox, Stream
from poles.agent.ring import Kind
from poles.protocol import Alarm, Log, Observation, OfEntries, Report, Reported

Entry = tuple[str, int]  # boot and number


@dataclass
class Journal:
    """What one pole did over all its boots; bodies are those that it numbered."""

    made: dict[Entry, bytes] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)  # boot -> up to here, it was told, all is durable
    dropped: set[Entry] = field(default_factory=set)

    def watch(self, outbox: Outbox) -> None:
        """Write down what this outbox does from now on."""
        put, forget, drop = outbox.put, outbox._forget, outbox._dropped

        def watched_put(kind: Kind, at_s: float, taken_s: float, body: bytes) -> int:
            seq = put(kind, at_s, taken_s, body)
            self.made[outbox.boot, seq] = body
            return seq

        def watched_forget(stream: Stream, durable_seq: int) -> None:
            self.told[stream.boot] = max(self.told.get(stream.boot, 0), durable_seq)
            forget(stream, durable_seq)

        def watched_drop(stream: Stream, index: int) -> None:
            self.dropped.add((stream.boot, stream.held[index].seq))
            drop(stream, index)

        setattr(outbox, "put", watched_put)  # noqa: B010 - methods, replaced on purpose
        setattr(outbox, "_forget", watched_forget)  # noqa: B010 - the same
        setattr(outbox, "_dropped", watched_drop)  # noqa: B010 - the same


@dataclass(frozen=True)
class Verdict:
    """What the comparison found; all but the counts must be empty."""

    stored: int
    twice: list[Entry]
    invented: list[Entry]
    changed: list[Entry]
    acknowledged_lost: list[Entry]
    lost: list[Entry]

    @property
    def is_clean(self) -> bool:
        """Whether nothing broke."""
        return not (self.twice or self.invented or self.changed or self.acknowledged_lost or self.lost)


def judge(journal: Journal, stored: Iterable[OfEntries], still_held: Iterable[Entry], unsynced: set[Entry]) -> Verdict:
    """Compare; `unsynced` are entries that a power cut took before the pole was told that they are durable.

    The pole's ring may hold later ones of that boot: an acknowledgement of those covers the gap, which was told.
    """
    bodies: dict[Entry, bytes] = {}
    twice: list[Entry] = []
    for message in stored:
        for entry, body in bodies_of(message):
            if entry in bodies:
                twice.append(entry)
            bodies[entry] = body
    held = set(still_held)
    gone = journal.dropped | unsynced
    made = journal.made
    durable = [entry for entry in made if entry[1] <= journal.told.get(entry[0], 0)]
    return Verdict(
        stored=len(bodies),
        twice=twice,
        invented=[entry for entry in bodies if entry not in made],
        changed=[entry for entry, body in bodies.items() if made.get(entry, body) != body],
        acknowledged_lost=[entry for entry in durable if entry not in bodies and entry not in gone],
        lost=[entry for entry in made if entry not in bodies and entry not in gone | held],
    )


def bodies_of(message: OfEntries) -> list[tuple[Entry, bytes]]:
    """The entries of a stored message, each with the body that the pole must have numbered."""
    match message:
        case Report():
            return [
                ((message.boot, reading.seq), of_reading(reading.function, reading.values, reading.quality))
                for reading in message.readings
            ]
        case Alarm():
            body = of_alarm(message.code, message.active, message.function, message.facts)
        case Observation():
            body = of_observation(message.heard)
        case Log():
            body = of_log(message.level, message.text)
        case Reported():
            body = of_reported(message.function, message.version, message.settings, None)
    return [((message.boot, message.seq), body)]
