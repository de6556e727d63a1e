"""Outbox and ledger together are the promise: at least once on the wire, once in the store."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from poles.agent.entries import of_log, of_reading
from poles.agent.outbox import Outbox
from poles.agent.ring import PAGE_BYTES, Kind, Ring
from poles.gateway.ledger import BOOTS_REMEMBERED, Ledger, Verdict
from poles.protocol import MAX_SEQ, Level, OfEntries, Report, decode, numbers_of
from sim.flash import SimFlash
from tests.poles.raw_pole import CODE, reading, report


def take(ledger: Ledger, message: OfEntries) -> OfEntries | Verdict:
    return ledger.boot(CODE, message.boot).take(message)


def taken(ledger: Ledger, report: Report) -> list[int]:
    """The numbers of a report that the ledger takes."""
    new = take(ledger, report)
    assert not isinstance(new, Verdict)
    return list(numbers_of(new))


def settle(ledger: Ledger, message: OfEntries) -> int:
    """The store has what was taken of a message; how many entries the pole had to drop before it."""
    numbers = numbers_of(message)
    return ledger.boot(CODE, message.boot).stored(numbers[-1], len(numbers))


def store(ledger: Ledger, report: Report) -> list[int]:
    numbers = taken(ledger, report)
    settle(ledger, report)
    return numbers


def test_a_report_is_new_once() -> None:
    ledger = Ledger({})
    assert store(ledger, report(1)) == [1]
    assert take(ledger, report(1)) is Verdict.DUPLICATE
    assert take(ledger, report(3)) is Verdict.EARLY
    assert taken(ledger, report(1, boot="b2"))


def test_what_is_on_its_way_to_the_store_is_not_taken_twice_and_not_yet_durable() -> None:
    ledger = Ledger({})
    assert taken(ledger, report(1)) == [1]
    assert take(ledger, report(1)) is Verdict.DUPLICATE
    assert taken(ledger, report(2)) == [2]
    assert ledger.durable_seq(CODE, "b1") == 0
    settle(ledger, report(1))
    assert ledger.durable_seq(CODE, "b1") == 1


def test_of_a_report_that_is_known_in_part_the_rest_is_taken() -> None:
    ledger = Ledger({CODE: {"b1": 7}})
    mixed = Report(boot="b1", after=5, readings=(reading(6), reading(7), reading(8), reading(9)))
    assert taken(ledger, mixed) == [8, 9]
    assert take(ledger, mixed) is Verdict.DUPLICATE


def test_what_the_store_held_before_is_known() -> None:
    ledger = Ledger({CODE: {"b1": 7}})
    assert take(ledger, report(7)) is Verdict.DUPLICATE
    assert taken(ledger, report(8))


def test_numbers_go_up_to_the_last_one_that_the_wire_can_carry() -> None:
    ledger = Ledger({CODE: {"b1": MAX_SEQ - 2}})
    assert store(ledger, report(MAX_SEQ - 1)) == [MAX_SEQ - 1]
    assert store(ledger, report(MAX_SEQ)) == [MAX_SEQ]
    assert ledger.durable_seq(CODE, "b1") == MAX_SEQ


def test_a_pole_that_boots_without_end_does_not_fill_the_memory() -> None:
    ledger = Ledger({})
    for n in range(3 * BOOTS_REMEMBERED):
        store(ledger, report(1, boot=f"b{n}"))
    assert ledger.durable_seq(CODE, f"b{3 * BOOTS_REMEMBERED - 1}") == 1
    assert ledger.durable_seq(CODE, "b0") == 0


def test_the_boot_that_is_in_use_is_not_forgotten_for_old_ones_that_a_ring_still_brings() -> None:
    ledger = Ledger({})
    for n in range(1, 3 * BOOTS_REMEMBERED):
        assert store(ledger, report(n, boot="now")) == [n]
        store(ledger, report(1, boot=f"b{n}"))
    assert ledger.durable_seq(CODE, "b1") == 0


def test_boots_whose_entries_are_on_their_way_are_not_forgotten() -> None:
    ledger, many = Ledger({}), [report(1, boot=f"b{n}") for n in range(3 * BOOTS_REMEMBERED)]
    for one in many:
        assert taken(ledger, one) == [1]
    for one in many:
        assert settle(ledger, one) == 0


class Wire:
    """An outbox and a ledger, a line between them that loses, doubles and disorders, and what each side holds true."""

    def __init__(self, rng: random.Random, capacity: int, window: int, flash: SimFlash | None = None) -> None:
        self.rng = rng
        self.capacity = capacity
        self.window = window
        self.flash = flash
        self.ledger = Ledger({})
        self.made: dict[tuple[str, int], bytes] = {}  # every entry that ever was
        self.safe: set[tuple[str, int]] = set()  # synced, and not dropped for want of room
        self.stored: dict[str, list[int]] = {}
        self.told: dict[str, int] = {}  # what each boot was told is durable
        self.dropped = 0  # as the gateway counts
        self.outbox = self.boot()

    def boot(self) -> Outbox:
        """The pole is up (again); with a flash it finds what it left there."""
        self.ring = Ring.open(self.flash) if self.flash is not None else None
        self.outbox = Outbox(lambda: f"{len(self.told) + 1:016x}", capacity=self.capacity, ring=self.ring)
        self.outbox.window = self.window
        self.told[self.outbox.boot] = 0
        return self.outbox

    def put(self) -> None:
        body = of_log(Level.INFO, str(self.rng.random())) if self.rng.random() < 0.2 else None
        kind = Kind.READING if body is None else Kind.LOG
        body = body or of_reading("weather", {"n": self.rng.random()})
        seq = self.outbox.put(kind, 0.0, 0.0, body)
        self.made[self.outbox.boot, seq] = body

    def sync(self) -> None:
        """What is held is safe now."""
        if self.ring is not None:
            self.ring.sync()
            self.safe = {(stream.boot, held.seq) for stream in self.outbox.streams for held in stream.held}

    def lose_power(self) -> None:
        assert self.flash is not None
        self.safe = {(boot, seq) for boot, seq in self.safe if seq > self.told.get(boot, 0)}
        held = {(stream.boot, held.seq) for stream in self.outbox.streams for held in stream.held}
        self.safe &= held  # of what was dropped since the last sync nothing is promised
        self.flash.lose_power(self.rng)
        self.boot()

    def restart_gateway(self) -> None:
        self.ledger = Ledger({CODE: {boot: seqs[-1] for boot, seqs in self.stored.items()}})
        self.outbox.welcomed(self.outbox.boot, self.ledger.durable_seq(CODE, self.outbox.boot))

    def carry(self, trouble: float) -> None:
        """Send what is due over the line, and the acknowledgements back."""
        bad = self.rng.random() < trouble
        wire = [body for body in self.outbox.due(0.0, 0.0) if not (bad and self.rng.random() < 0.5)]
        wire += [body for body in wire if bad and self.rng.random() < 0.5]
        if bad:
            self.rng.shuffle(wire)
        heard: dict[str, None] = {}
        for arrived in wire:
            message = decode(arrived)
            assert isinstance(message, OfEntries)
            heard[message.boot] = None
            new = take(self.ledger, message)
            if not isinstance(new, Verdict):
                self.dropped += settle(self.ledger, new)
                self.stored.setdefault(new.boot, []).extend(numbers_of(new))
        for boot in heard:
            if bad and self.rng.random() < 0.5:
                continue
            durable = self.ledger.durable_seq(CODE, boot)
            self.outbox.acknowledged(boot, durable)
            self.told[boot] = max(self.told[boot], durable)

    def settle(self) -> None:
        """The line is good from now on."""
        for _ in range(len(self.outbox) + 1):
            self.outbox.send_again()
            self.carry(0.0)
        assert len(self.outbox) == 0

    def check(self) -> None:
        """Nothing acknowledged is lost, nothing is counted twice, nothing is invented."""
        for boot, seqs in self.stored.items():
            assert seqs == sorted(set(seqs))
            assert all((boot, seq) in self.made for seq in seqs)
        for boot, durable in self.told.items():
            assert durable <= (self.stored[boot][-1] if durable else 0)
        assert self.safe <= {(boot, seq) for boot, seqs in self.stored.items() for seq in seqs}
        total = sum(len(seqs) for seqs in self.stored.values()) + self.dropped
        assert total == sum(seqs[-1] for seqs in self.stored.values())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.6), st.integers(1, 9), st.integers(1, 40))
def test_over_any_bad_line_everything_held_arrives_once_and_in_order(
    seed: int, trouble: float, window: int, capacity: int
) -> None:
    wire = Wire(random.Random(seed), capacity, window)
    for _ in range(60):
        for _ in range(wire.rng.randrange(3)):
            wire.put()
        if wire.rng.random() < trouble * 0.3:
            wire.restart_gateway()
        if wire.rng.random() < 0.3:
            wire.outbox.send_again()
        wire.carry(trouble)
    wire.settle()
    wire.check()
    assert wire.dropped <= wire.outbox.dropped


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.0, 0.6), st.integers(1, 9), st.integers(1, 4))
def test_over_any_power_cut_what_the_ring_kept_arrives_once_under_its_own_boot(
    seed: int, trouble: float, window: int, pages: int
) -> None:
    wire = Wire(random.Random(seed), 40, window, SimFlash(pages * PAGE_BYTES))
    for _ in range(60):
        for _ in range(wire.rng.randrange(4)):
            wire.put()
        if wire.rng.random() < 0.3:
            wire.sync()
        if wire.rng.random() < 0.1:
            wire.lose_power()
        if wire.rng.random() < trouble * 0.3:
            wire.restart_gateway()
        if wire.rng.random() < 0.3:
            wire.outbox.send_again()
        if wire.rng.random() < 0.7:  # else there is no network
            wire.carry(trouble)
    wire.safe &= {(stream.boot, held.seq) for stream in wire.outbox.streams for held in stream.held}
    wire.settle()
    wire.check()
