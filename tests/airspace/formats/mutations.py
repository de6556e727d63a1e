"""Spoiled files: a seeded mutator of bytes that knows what charts are made of.

A mutant is made of one to six changes to a seed: bits, bytes, lines and fields lost, doubled and swapped, two seeds
spliced, numbers made absurd, tokens of the format put where they do not belong, texts nested in each other, encodings
exchanged. The same name and number give the same mutant, so that a finding can be made again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LARGEST_BYTES = 256 * 1024
EXCERPT_BYTES = 3 * 1024

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_FIELD = re.compile(rb'[^,:<>{}\[\]"\s]+')

ABSURD_NUMBERS = [
    b"0",
    b"-0",
    b"-1",
    b"00",
    b"1e308",
    b"-1e309",
    b"1e-320",
    b"NaN",
    b"Infinity",
    b"0x10",
    b"1_000",
    b"9" * 30,
    b"9" * 5000,
    b"0." + b"3" * 400,
    b"4294967296",
    b"90",
    b"-90",
    b"180",
    b"-180",
    b"180.0000001",
    b"360",
    b"59.999999999",
    b"60",
    b"9999-12-31T23:59:60Z",
    b"0000-00-00T00:00:00Z",
    "٣".encode(),
    "１２".encode(),
]
ODD_TEXTS = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    "北辰".encode(),
    "\u2028".encode(),
    "\u202e".encode(),
    b"\x85",
    b" " * 300,
]


@dataclass(frozen=True)
class Corpus:
    """What the mutants of one format are made from; `nests` are pairs that open and close one level."""

    name: str
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    nests: Sequence[tuple[bytes, bytes]]


def mutant(corpus: Corpus, number: int) -> bytes:
    """The mutant of a number: always the same."""
    chance = random.Random(f"{corpus.name} {number}")
    data = _excerpt(chance, chance.choice(corpus.seeds))
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        data = chance.choice(_CHANGES)(chance, data, corpus)[:LARGEST_BYTES]
    return data


def _excerpt(chance: random.Random, seed: bytes) -> bytes:
    """Some lines of a large seed; now and then all of it."""
    if len(seed) <= 2 * EXCERPT_BYTES or chance.random() < 0.001:
        return seed
    start = seed.find(b"\n", chance.randrange(len(seed) - EXCERPT_BYTES)) + 1
    return seed[start : start + EXCERPT_BYTES]


def _spot(chance: random.Random, data: bytes) -> tuple[int, int]:
    """A short stretch of the data."""
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice([1, 1, 2, 4, 16, 64, 256]))


def _flip(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    spoiled = bytearray(data or b"\0")
    for _ in range(chance.choice([1, 1, 2, 8])):
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def _overwrite(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + chance.randbytes(end - start) + data[end:]


def _truncate(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    return data[: chance.randint(0, len(data))]


def _behead(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    return data[chance.randint(0, len(data)) :]


def _cut(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + data[end:]


def _double(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    start, end = _spot(chance, data)
    return data[:end] + data[start:end] * chance.choice([1, 1, 2, 100]) + data[end:]


def _splice(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    other = _excerpt(chance, chance.choice(corpus.seeds))
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


def _lines(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    """A line lost, doubled, moved, or all of them with another end."""
    lines = data.split(b"\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines[to:to] = [lines[at]] * chance.choice([1, 2, 50])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            return chance.choice([b"\r\n", b"\r", b" ", b"\n\n"]).join(lines)
    return b"\n".join(lines)


def _fields(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    """A field lost, doubled or put in place of another."""
    found = list(_FIELD.finditer(data))
    if not found:
        return data
    one, other = chance.choice(found), chance.choice(found)
    text = chance.choice([b"", one.group() * 2, other.group(), chance.choice(ODD_TEXTS)])
    return data[: one.start()] + text + data[one.end() :]


def _numbers(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    """A number made absurd, or moved a little."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = chance.choice(found)
    near = repr(float(one.group()[:15]) + chance.choice([-1, 1, 0.5, 1e-9])).encode()
    text = chance.choice([*ABSURD_NUMBERS, near, near, near, b"-" + one.group(), one.group() + b"0"])
    return data[: one.start()] + text + data[one.end() :]


def _token(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    start, end = _spot(chance, data)
    return data[:start] + chance.choice([*corpus.tokens, *ODD_TEXTS]) + data[chance.choice([start, end]) :]


def _nest(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    opening, closing = chance.choice(corpus.nests)
    depth = chance.choice([1, 2, 70, 1000, 20_000])
    start, end = _spot(chance, data)
    return data[:start] + opening * depth + data[start:end] + closing * depth + data[end:]


def _encode(chance: random.Random, data: bytes, corpus: Corpus) -> bytes:
    text = data.decode("utf-8", errors="replace")
    encoding = chance.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "gb18030", "utf-8-sig", "cp037"])
    return text.encode(encoding, errors="replace")


_CHANGES: list[Callable[[random.Random, bytes, Corpus], bytes]] = [
    _flip,
    _overwrite,
    _truncate,
    _behead,
    _cut,
    _double,
    _splice,
    _lines,
    _lines,
    _fields,
    _fields,
    _fields,
    _numbers,
    _numbers,
    _numbers,
    _token,
    _token,
    _nest,
    _encode,
]
