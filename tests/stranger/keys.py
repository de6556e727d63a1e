"""The pole's key file, its gateways, its sockets, and enrolment (§2, §12)."""

import json
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import zmq

from tests.stranger import wire

AGAIN_S, SILENT_S, SLOWER_S = 2.0, 15.0, 60.0
OPTIONS = {
    zmq.LINGER: 0, zmq.SNDHWM: 256, zmq.MAXMSGSIZE: wire.MOST_BYTES, zmq.HEARTBEAT_IVL: 5000, zmq.IMMEDIATE: 1,
    zmq.HEARTBEAT_TIMEOUT: 15000, zmq.RECONNECT_IVL: random.randint(200, 600), zmq.RECONNECT_IVL_MAX: 5000,
}  # fmt: skip
Socket = zmq.Socket[bytes]


class Gateway(NamedTuple):
    """Where to connect to, and the key that it proves."""

    address: str
    public_key: str


def read(path: Path) -> tuple[bytes, bytes]:
    """The pair in a key file that nobody else can read (§12.1): public, secret."""
    if not path.exists() or path.stat().st_mode & 0o077:
        sys.exit(f"{path.name}: absent, or others can read it")
    found = dict(re.findall(r'^(public|secret) = "([^"]{40})"\s*$', path.read_text("ascii"), re.MULTILINE))
    return found["public"].encode(), found["secret"].encode()


def write(path: Path, content: str) -> None:
    """Write a file that only its user can read, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(file, content.encode("ascii"))
    os.fsync(file)
    os.close(file)
    new.replace(path)


def make(path: Path) -> None:
    """Make a new pair, kept before it is used."""
    public, secret = (half.decode("ascii") for half in zmq.curve_keypair())
    write(path, f'public = "{public}"\nsecret = "{secret}"\n')


def connect(gateway: Gateway, pair: tuple[bytes, bytes]) -> Socket:
    """A socket on its way to a gateway or desk."""
    socket: Socket = zmq.Context.instance().socket(zmq.DEALER)
    for option, value in OPTIONS.items():
        socket.setsockopt(option, value)
    socket.curve_serverkey = gateway.public_key.encode("ascii")
    socket.curve_publickey, socket.curve_secretkey = pair
    socket.connect(gateway.address)
    return socket


def say(socket: Socket, message: wire.Body) -> bool:
    """Say a message without waiting: whether it went out (§2.6)."""
    try:
        socket.send(wire.encode(message), zmq.DONTWAIT)
    except zmq.Again:
        return False
    return True


def hear(socket: Socket, timeout_s: float) -> wire.Body | None:
    """The next message, if one comes; of what cannot be read nothing is left but that it came (§2.5, §3.7)."""
    if not socket.poll(round(timeout_s * 1000)):
        return None
    frames = socket.recv_multipart()
    try:
        return wire.decode(frames[0]) if len(frames) == 1 else {"type": ""}
    except (wire.Malformed, wire.UnknownType):
        return {"type": ""}


def enrol(desk: Gateway, token: str, code: str, path: Path) -> list[Gateway]:
    """Bring the pole's key to the desk until it is let in; the gateways are kept beside the key."""
    kept = path.with_name(f"{path.name}.gateways")
    while not (path.exists() and kept.exists()):
        if not path.exists():
            make(path)
        public = read(path)[0].decode("ascii")
        socket = connect(desk, read(path))
        answer = _ask(socket, {"type": "enrol", "version": 1, "code": code, "token": token, "public_key": public})
        socket.close()
        if answer.get("gateways"):
            write(kept, json.dumps([(gateway["address"], gateway["public_key"]) for gateway in answer["gateways"]]))
        elif answer.get("code") == "pole.enrol.refused-key":
            make(path)
        elif answer:
            sys.stderr.write(f"not enrolled: {answer.get('code')}\n")
            time.sleep(SLOWER_S)
    return [Gateway(*gateway) for gateway in json.loads(kept.read_text("ascii"))]


def _ask(socket: Socket, question: wire.Body) -> wire.Body:
    """Enrolled or a refusal of the desk; empty when it is silent."""
    end_s, next_s = time.monotonic() + SILENT_S, 0.0
    while time.monotonic() < end_s:
        if time.monotonic() >= next_s and say(socket, question):
            next_s = time.monotonic() + AGAIN_S
        heard = hear(socket, 0.02) or {"type": ""}
        if heard["type"] == "enrolled" and (heard["version"], heard["code"]) == (1, question["code"]):
            return heard
        if heard["type"] == "refusal" and heard["code"].startswith("pole.enrol."):
            return heard
    return {}
