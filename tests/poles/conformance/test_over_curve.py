"""The kit over real sockets: what memory cannot show, whole programs, and a client that somebody starts by hand."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from airspace.reasons import Words
from controller.clock import Clock, run
from poles.conformance import (
    CODE,
    PARAGRAPHS,
    TRIALS,
    Findings,
    ProcessClient,
    Trial,
    Verdict,
    conform,
)
from poles.keys import KeyPair, load_key_pair, new_key_pair
from poles.protocol import VERSION, Hello, encode
from poles.protocol.enrolment import Enrol
from poles.wire.sockets import dealer
from tests.poles.conformance.crooked import named

AGENT = [sys.executable, "-m", "tests.poles.conformance.under_test"]


def failed(findings: Findings) -> dict[str, tuple[Words, ...]]:
    return {number: findings.seen(number) for number in PARAGRAPHS if findings.verdict(number) is Verdict.FAIL}


class Careless:
    """A client in the test's process that does all about sockets, frames and keys wrongly."""

    can_restart = True

    def __init__(self, folder: Path) -> None:
        self._context = zmq.asyncio.Context()
        self._sockets: list[zmq.asyncio.Socket] = []
        self._doing: asyncio.Task[None] | None = None

    async def start(self, environment: Mapping[str, str]) -> None:
        enrols = "BEICHEN_DESK" in environment
        self._doing = asyncio.create_task(self._enrol(environment) if enrols else self._talk(environment))

    async def kill(self) -> None:
        if self._doing is not None:
            self._doing.cancel()
            await asyncio.wait([self._doing])
        self._context.destroy(linger=0)

    async def stop(self, within_s: float) -> bool:
        return False

    def _socket(self, pair: KeyPair, server: str, address: str, name: bytes) -> zmq.asyncio.Socket:
        socket = dealer(self._context)
        socket.curve_publickey, socket.curve_secretkey = pair.public, pair.secret
        socket.curve_serverkey = server.encode()
        socket.set(zmq.ROUTING_ID, name)
        socket.connect(address)
        self._sockets.append(socket)
        return socket

    async def _talk(self, environment: Mapping[str, str]) -> None:
        pair = load_key_pair(Path(environment["BEICHEN_KEY_FILE"]))
        socket = self._socket(pair, environment["BEICHEN_SERVER_KEY"], environment["BEICHEN_ENDPOINT"], b"pole")
        hello = Hello(version=VERSION, code=CODE, boot="b", firmware="careless", functions=(), lat_deg=0.0, lon_deg=0.0)
        await socket.send_multipart([b"", encode(hello)])
        await socket.send(encode(hello))
        await socket.recv()
        await asyncio.Event().wait()

    async def _enrol(self, environment: Mapping[str, str]) -> None:
        named_pair = new_key_pair()
        text = f'public = "{named_pair.public.decode()}"\nsecret = "x"\n'
        Path(environment["BEICHEN_KEY_FILE"]).write_text(text, encoding="ascii")  # noqa: ASYNC240 - two lines
        for number in itertools.count():
            socket = self._socket(
                new_key_pair(), environment["BEICHEN_DESK_KEY"], environment["BEICHEN_DESK"], f"pole{number}".encode()
            )
            request = Enrol(version=VERSION, code=CODE, token="GUESS", public_key=named_pair.public.decode())
            await socket.send(encode(request))
            await asyncio.sleep(0.1)


def kit(tmp_path: Path, client: list[str] | None, trials: list[Trial], patience: float = 2.0) -> Findings:
    async def main(clock: Clock) -> Findings:
        def made(folder: Path) -> ProcessClient | Careless:
            return Careless(folder) if client is None else ProcessClient(client, folder / "log")

        return await conform(made, tmp_path, clock.utc_s, trials=trials, patience=patience, at_once=12)

    return run(main)


def test_frames_routing_ids_and_keys_that_are_not_as_they_must_be_are_found(tmp_path: Path) -> None:
    findings = kit(tmp_path, None, [named("an-ordinary-conversation"), named("enrolment")], patience=0.1)
    assert set(failed(findings)) >= {"§2.4", "§2.5", "§12.1", "§12.3", "§12.4"}


def test_the_agent_obeys_and_ends_as_a_program(tmp_path: Path) -> None:
    findings = kit(tmp_path, AGENT, [named("commands"), named("a-client-that-is-told-to-end")])
    assert failed(findings) == {}
    kept = ("§2.4", "§2.5", "§6.2", "§13.4")
    assert all(findings.verdict(number) is Verdict.PASS for number in kept)


@pytest.mark.soak
def test_the_agent_passes_every_paragraph_as_a_program(tmp_path: Path) -> None:
    findings = kit(tmp_path, AGENT, TRIALS)
    assert failed(findings) == {}
    assert all(findings.verdict(number) is Verdict.PASS for number in PARAGRAPHS)
