"""The firmware's ring file and the Python agent's are one format: each finds in a file what the other finds."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from poles.agent.answers import Answers
from poles.agent.flash import FileFlash
from poles.agent.outbox import Outbox
from poles.agent.ring import HEADER_BYTES, PAGE_BYTES, Kind, Ring, record_bytes
from poles.protocol import Accepted, Ack, Command, Result, encode
from tests.poles.firmware.inside import HeldHere, Inside, inside

PAGES = 64
SIZE = PAGES * PAGE_BYTES
BOOT = 0x0123456789ABCDEF


@pytest.fixture
def pole() -> Iterator[Inside]:
    with inside() as harness:
        yield harness


def held_by_agent(path: Path) -> list[HeldHere]:
    """What the Python agent finds in a copy of the file that earlier boots left."""
    copy = path.with_suffix(".agent")
    shutil.copyfile(path, copy)
    ring = Ring.open(FileFlash.open(copy, SIZE))
    try:
        held = []
        for stream in Outbox(lambda: "f" * 16, ring=ring).streams:
            for entry in stream.held:
                record = ring.read(entry.place)
                body = b"" if record is None else record.body
                held.append(HeldHere(stream.boot, entry.seq, entry.kind, entry.at_s, entry.taken_s, body))
        return held
    finally:
        ring.close()


def held_by_firmware(pole: Inside, path: Path) -> list[HeldHere]:
    """What the firmware finds in another copy."""
    copy = path.with_suffix(".firmware")
    shutil.copyfile(path, copy)
    pole.ask("silent")
    pole.open(copy, PAGES)
    return pole.held()


def agree(pole: Inside, path: Path) -> list[HeldHere]:
    here = held_by_firmware(pole, path)
    assert here == held_by_agent(path)
    return here


def written_by_agent(path: Path, rng: random.Random, entries: int, longest: int = 900) -> None:
    """A ring that several boots wrote into, with acknowledgements now and then."""
    ring = Ring.open(FileFlash.open(path, SIZE))
    boot, seq = rng.getrandbits(63) + 1, 0
    for _ in range(entries):
        if rng.random() < 0.01:
            boot, seq = rng.getrandbits(63) + 1, 0
        if rng.random() < 0.02 and seq:
            ring.append(Kind.MARK, boot, rng.randint(1, seq), 0.0, 0.0)
            continue
        seq += rng.choice((1, 1, 1, 3))
        body = msgspec.msgpack.encode({"level": 6, "text": "x" * rng.randrange(longest)})
        ring.append(rng.choice((Kind.LOG, Kind.READING, Kind.ALARM)), boot, seq, rng.uniform(0, 2e9), 1.0, body)
    ring.close()


@pytest.mark.parametrize("entries", [0, 1, 40, 400, 3000])
def test_the_firmware_finds_what_the_agent_wrote_on_any_lap(pole: Inside, tmp_path: Path, entries: int) -> None:
    path = tmp_path / "ring"
    written_by_agent(path, random.Random(entries), entries)
    assert len(agree(pole, path)) >= min(entries, 30) // 2


def test_a_write_that_a_power_cut_tore_at_any_byte_costs_that_record_only(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    # the second lap has begun: old records lie behind the head
    written_by_agent(path, random.Random(1), 120, longest=5_000)
    before, whole = path.read_bytes(), agree(pole, path)
    ring = Ring.open(FileFlash.open(path, SIZE))
    body = msgspec.msgpack.encode({"level": 6, "text": "torn"})
    place = ring.append(Kind.LOG, int(whole[-1].boot, 16), whole[-1].seq + 1, 5.0, 6.0, body)
    ring.close()
    after, offset, length = path.read_bytes(), place % SIZE, record_bytes(len(body))
    for written in range(length + 1):
        path.write_bytes(before[:offset] + after[offset : offset + written] + before[offset + written :])
        here = agree(pole, path)
        has_it = bool(here) and here[-1].seq == whole[-1].seq + 1
        assert has_it == (written >= HEADER_BYTES + len(body))
        assert len(here) >= len(whole) - 2


def test_a_file_that_was_cut_or_grown_has_its_size_again_and_what_was_left(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    written_by_agent(path, random.Random(2), 700)
    image, rng = path.read_bytes(), random.Random(3)
    for length in [0, 1, 55, 56, 4095, 4096, *(rng.randrange(SIZE) for _ in range(25)), SIZE + 1, SIZE + 5000]:
        path.write_bytes(image[:length].ljust(length, b"\0"))
        agree(pole, path)
        if agree(pole, path):
            assert path.with_suffix(".firmware").stat().st_size == SIZE


def test_flipped_bits_and_lost_pages_cost_only_the_records_there(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    written_by_agent(path, random.Random(4), 700)
    image, rng = path.read_bytes(), random.Random(5)
    whole, losses = set(agree(pole, path)), []
    for _ in range(60):
        worn = bytearray(image)
        for _ in range(rng.randrange(1, 30)):
            worn[rng.randrange(SIZE)] ^= 1 << rng.randrange(8)
        page = rng.randrange(PAGES) * PAGE_BYTES
        worn[page : page + PAGE_BYTES] = bytes(PAGE_BYTES)
        path.write_bytes(worn)
        losses.append(len(whole - set(agree(pole, path))))  # a mark that is lost brings others back
    assert 10 < max(losses) < 0.5 * len(whole)


def test_the_agent_finds_what_the_firmware_wrote_lap_after_lap(pole: Inside, tmp_path: Path) -> None:
    path, rng = tmp_path / "ring", random.Random(9)
    boot = pole.open(path, PAGES)
    for lap in range(6):
        for _ in range(150):
            pole.ask("log", (b"x" * rng.randrange(1, 1000)).hex())
        held = pole.held()
        assert pole.hear(encode(Ack(boot=boot, durable_seq=held[len(held) // 3].seq, window=64)))[0]
        mine = pole.held()
        assert mine[0].seq == held[len(held) // 3].seq + 1
        theirs = held_by_agent(path)
        assert [entry for entry in theirs if entry.seq >= mine[0].seq] == mine, lap  # marks are written lazily
    assert mine[0].seq > 300
    pole.ask("stop")
    theirs = held_by_agent(path)
    assert [(entry.boot, entry.seq) for entry in theirs] == [(entry.boot, entry.seq) for entry in mine]


def test_the_numbers_of_a_boot_rise_over_an_earlier_boots_entries(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    boots = [pole.open(path, PAGES)]
    for _ in range(3):
        pole.ask("log", b"before".hex())
        boots.append(pole.open(path, PAGES))  # the harness cuts the power first
    held = pole.held()
    assert [(entry.boot, entry.seq) for entry in held] == [
        (boots[0], 1), (boots[0], 2), (boots[1], 1), (boots[1], 2), (boots[2], 1), (boots[2], 2), (boots[3], 1),
    ]  # fmt: skip
    # of an earlier boot the store may have more than the ring
    pole.hear(encode(Ack(boot=boots[0], durable_seq=99, window=64)))
    assert [entry.boot for entry in pole.held()] == [boots[1], boots[1], boots[2], boots[2], boots[3]]
    # of this boot it cannot
    pole.hear(encode(Ack(boot=boots[3], durable_seq=99, window=64)))
    assert len(pole.held()) == 5


def test_a_ring_that_is_full_drops_the_oldest(pole: Inside, tmp_path: Path) -> None:
    pole.open(tmp_path / "ring", PAGES)
    for number in range(2_500):
        pole.ask("log", f"{number:0200}".encode().hex())
    held = pole.held()
    assert held[-1].seq == 2_501
    assert 900 < len(held) < SIZE // 256
    assert [entry.seq for entry in held] == list(range(held[0].seq, 2_502))


def test_without_a_ring_memory_holds_the_latest(pole: Inside) -> None:
    pole.open()
    for number in range(1_000):
        pole.ask("log", f"{number:0200}".encode().hex())
    held = pole.held()
    assert held[-1].seq == 1_001
    assert 150 < len(held) < 16 * PAGE_BYTES // 256


def test_no_more_is_held_than_the_capacity_says(pole: Inside) -> None:
    pole.ask("capacity", "10")
    pole.open()
    for _ in range(30):
        pole.ask("log", b"x".hex())
    assert [entry.seq for entry in pole.held()] == list(range(22, 32))


def test_after_the_last_number_a_new_boot_begins(pole: Inside, tmp_path: Path) -> None:
    first = pole.open(tmp_path / "ring", PAGES)
    pole.ask("last", str(2**63 - 2))
    pole.ask("log", b"the last".hex())
    pole.ask("log", b"the next".hex())
    last, following = pole.held()[-2:]
    assert (last.boot, last.seq, following.seq) == (first, 2**63 - 1, 1)
    assert following.boot != first
    assert pole.held() == held_by_agent(tmp_path / "ring")


def test_a_command_that_began_before_the_power_cut_is_not_begun_again(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    pole.open(path, PAGES)
    done = Command(id="done", function="LampActuator", action="override", parameters={"level": 1}, expires_s=4e9)
    begun = Command(id="begun", function="LampActuator", action="begin", parameters={}, expires_s=4e9)
    for command in (done, begun):
        assert len(pole.hear(encode(command))[1]) == 1
        assert pole.hear(encode(command))[1] == []
    assert pole.answers() == {"done": (4, ""), "begun": (2, "")}
    shutil.copyfile(path, tmp_path / "agents")
    ring = Ring.open(FileFlash.open(tmp_path / "agents", SIZE))
    answers = Answers("f" * 16, ring)
    assert answers.get("done") == Result(id="done", ok=True)
    assert isinstance(interrupted := answers.get("begun"), Result)
    assert interrupted.code == "pole.command.interrupted"
    ring.close()
    pole.open(path, PAGES)
    assert pole.answers() == {"done": (4, ""), "begun": (4, "pole.command.interrupted")}
    for command in (done, begun):
        assert pole.hear(encode(command))[1] == []


def test_what_the_agent_answered_the_firmware_knows(pole: Inside, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    ring = Ring.open(FileFlash.open(path, SIZE))
    for answer in (Accepted(id="指令"), Result(id="b", ok=False, code="x.y", en="long " * 200, zh="长" * 1000)):
        ring.append(Kind.ANSWER, BOOT, 0, 4e9, 0.0, encode(answer))
    ring.close()
    pole.open(path, PAGES)
    assert pole.answers() == {"指令": (4, "pole.command.interrupted"), "b": (4, "x.y")}


def test_a_late_command_is_not_begun(pole: Inside) -> None:
    pole.open()
    late = Command(id="late", function="LampActuator", action="override", parameters={"level": 1}, expires_s=1e9)
    absent = Command(id="absent", function="DroneDock", action="open", parameters={}, expires_s=4e9)
    assert pole.hear(encode(late)) == (True, [])
    assert pole.hear(encode(absent)) == (True, [])
    assert pole.answers() == {"late": (4, "pole.command.expired"), "absent": (4, "pole.function.absent")}


def test_more_commands_than_can_be_remembered_are_not_begun(pole: Inside) -> None:
    pole.open()
    for number in range(200):
        command = Command(id=f"c{number}", function="LampActuator", action="begin", parameters={}, expires_s=4e9)
        assert bool(pole.hear(encode(command))[1]) == (number < 128)


def test_a_clock_that_is_wrong_by_hours_dates_nothing(pole: Inside) -> None:
    pole.open()
    pole.ask("time")
    pole.ask("clock", "7200")
    ((best, right),) = (line.split() for line in pole.ask("time"))
    assert abs(float(best) - float(right)) < 0.1
    assert b"the clock is wrong by +7200.0 s" in pole.held()[-1].body
    pole.ask("log", b"now".hex())
    assert abs(pole.held()[-1].at_s - float(right)) < 10.0
    pole.ask("clock", "0")
    pole.ask("time")
    assert b"the clock is right again" in pole.held()[-1].body


def test_a_flash_that_fails_is_told_once_and_costs_nothing_while_the_pole_lives(pole: Inside, tmp_path: Path) -> None:
    pole.open(tmp_path / "ring", PAGES)
    pole.ask("log", b"before".hex())
    pole.ask("wear", "1")
    for _ in range(5):
        pole.ask("log", b"worn".hex())
        pole.ask("work")
    pole.ask("wear", "0")
    pole.ask("log", b"after".hex())
    pole.ask("work")
    pole.ask("work")
    bodies = [entry.body for entry in pole.held()]
    assert [number for number, entry in enumerate(pole.held(), 1) if entry.seq != number] == []
    assert sum(b"flash fails" in body for body in bodies) == 1
    assert sum(b"flash works again" in body for body in bodies) == 1
    assert sum(b"worn" in body for body in bodies) == 5
    kept = [entry.body for entry in held_by_agent(tmp_path / "ring")]
    assert any(b"after" in body for body in kept)
    assert not any(b"worn" in body for body in kept)
