"""The harness as a Python object: the firmware's inside under the sanitizers, one line in, some lines out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.poles.firmware.firmware import built, wheres

SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass(frozen=True)
class HeldHere:
    """One entry that the firmware holds."""

    boot: str
    seq: int
    kind: int
    at_s: float
    taken_s: float
    body: bytes


class Inside:
    """One harness process; every answer comes back as its lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, command: str, rest: str = "") -> list[str]:
        self._send(command, rest)
        return self._answer()

    def ask_each(self, command: str, rests: Sequence[bytes]) -> list[list[str]]:
        """The answers to one command with each of these bytes; some at a time, so that no pipe is full."""
        answers: list[list[str]] = []
        for first in range(0, len(rests), 100):
            some = rests[first : first + 100]
            for rest in some:
                self._send(command, rest.hex())
            answers += [self._answer() for _ in some]
        return answers

    def _send(self, command: str, rest: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command} {rest}\n")

    def _answer(self) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.flush()
        lines: list[str] = []
        while (line := self._process.stdout.readline()) != ".\n":
            assert line, "the harness died"
            lines.append(line.rstrip("\n"))
        return lines

    def open(self, path: Path | None = None, pages: int = 64) -> str:
        """Start the pole; returns the name of its boot."""
        ((status, boot),) = (line.split() for line in self.ask("open", f"{path or '-'} {pages}"))
        assert status == "0"
        return boot

    def hear(self, body: bytes) -> tuple[bool, list[str]]:
        """Whether a message was understood, and what it called back."""
        *calls, understood = self.ask("hear", body.hex())
        return understood == "1", calls

    def held(self) -> list[HeldHere]:
        """What waits, oldest first."""
        return [self._held(line.split()) for line in self.ask("dump") if line.startswith("held ")]

    def answers(self) -> dict[str, tuple[int, str]]:
        """What was answered, by the command's id."""
        told = [line.split(" ") for line in self.ask("dump") if line.startswith("answer ")]
        return {id_: (int(state), code) for _, id_, state, code in told}

    @staticmethod
    def _held(words: list[str]) -> HeldHere:
        _, boot, seq, kind, *rest = words
        at_s, taken_s, body = rest if len(rest) == 3 else [*rest, ""]
        return HeldHere(
            boot, int(seq), int(kind), float.fromhex(at_s), float.fromhex(taken_s), bytes.fromhex(body)
        )  # fmt: skip


@contextmanager
def inside() -> Iterator[Inside]:
    """A harness under the address and undefined-behaviour sanitizers; what they find fails the test."""
    program = built("harness", *SANITIZED)
    with subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=wheres(program)
    ) as process:
        try:
            yield Inside(process)
        finally:
            _, complaints = process.communicate(timeout=20.0)
    assert (process.returncode, complaints) == (0, "")
