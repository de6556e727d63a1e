"""The peer of the ingest: mosquitto with TLS, QoS 1 and persistence, and a subscriber that writes the same rows.

MQTT 3.1.1 (OASIS), as little of it as both ends need, so that the peer is not held up by a client library: packets are
read and written many at a time. The broker acknowledges to publishers by itself; the subscriber acknowledges to the
broker when the rows are in SQLite with an fsync, as the gateway does to its poles. Each end is a process of its own.

What a publisher is told with PUBACK is not what a pole is told with Ack: mosquitto acknowledges what it has in memory.
That it writes to disk, with an fsync, every half hour, or whenever something changed if it is told so
(`autosave_on_changes`). Only the second comes near an Ack, which promises that a power cut loses nothing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.pole_load import report
from controller.clock import wall_s
from poles.protocol import decode

MOSQUITTO = "/usr/sbin/mosquitto"
TOPIC = b"poles/report"
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
QOS_1 = 0x02
UNDER_WAY = 64  # packets of one publisher that are not acknowledged
KEEP_ALIVE_S = 600
TIMEOUT_S = 20.0
READS_AT_ONCE = 1024  # of a record of TLS each


class MqttLoad(msgspec.Struct):
    """What the publishers do: so many connections publish for so long, as fast as they may."""

    port: int
    certificate: str
    connections: int
    lasts_s: float
    readings: int


def missing() -> str:
    """What is not here of what the peer needs; empty when all is."""
    if not Path(MOSQUITTO).exists():
        return "mosquitto is not installed"
    if shutil.which("openssl") is None:
        return "openssl is not installed, which makes the broker's certificate"
    return "" if importlib.util.find_spec("ssl") else "this Python has no TLS"


class Connection:
    """One TLS connection to the broker."""

    def __init__(self, port: int, certificate: str, name: str) -> None:
        context = ssl.create_default_context(cafile=certificate)
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")
        self._buffer = b""
        client = name.encode()
        body = b"\x00\x04MQTT\x04\x00" + KEEP_ALIVE_S.to_bytes(2, "big") + len(client).to_bytes(2, "big") + client
        self.send(packet(CONNECT, body))
        assert next(self.receive())[0] == CONNACK

    def send(self, data: bytes) -> None:
        """Send packets."""
        self._socket.sendall(data)

    def receive(self) -> Iterator[tuple[int, bytes]]:
        """The packets that lie ready, at least one: first byte, rest."""
        found = False
        while not found:
            self._read()
            at, end = 0, len(self._buffer)
            while (size := size_of(self._buffer, at)) is not None and size[1] + size[0] <= end:
                found = True
                yield self._buffer[at], self._buffer[size[1] : size[1] + size[0]]
                at = size[1] + size[0]
            self._buffer = self._buffer[at:]

    def _read(self) -> None:
        """What lies ready, within limits; a record of TLS holds one packet only."""
        chunks = [self._buffer, self._socket.recv(1 << 16)]
        if not chunks[1]:
            raise EOFError("the broker is gone")
        self._socket.settimeout(0.0)
        with contextlib.suppress(ssl.SSLWantReadError):
            while chunks[-1] and len(chunks) < READS_AT_ONCE:
                chunks.append(self._socket.recv(1 << 16))
        self._socket.settimeout(TIMEOUT_S)
        self._buffer = b"".join(chunks)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def packet(kind: int, body: bytes) -> bytes:
    """A control packet with its remaining length."""
    length, head = len(body), bytearray([kind])
    while True:
        digit, length = length & 0x7F, length >> 7
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def publish(identifier: int, payload: bytes) -> bytes:
    """A PUBLISH of QoS 1."""
    return packet(PUBLISH | QOS_1, len(TOPIC).to_bytes(2, "big") + TOPIC + identifier.to_bytes(2, "big") + payload)


def size_of(data: bytes, at: int) -> tuple[int, int] | None:
    """The remaining length of the packet at a place, and where its body begins; None while that is not all there."""
    value = shift = 0
    for place in range(at + 1, min(at + 5, len(data))):
        value |= (data[place] & 0x7F) << shift
        shift += 7
        if not data[place] & 0x80:
            return value, place + 1
    return None


@contextmanager
def broker(folder: Path, saves: bool) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    """A running mosquitto: its process, its port and its certificate; it may save whenever something changed."""
    certificate, key = folder / "broker.crt", folder / "broker.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    lines = [
        f"listener {port} 127.0.0.1",
        f"certfile {certificate}",
        f"keyfile {key}",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
        *(["autosave_on_changes true", "autosave_interval 1"] if saves else []),
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "set_tcp_nodelay true",
        "user root",
        "log_type none",
    ]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process, port, str(certificate)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    until_s = wall_s() + 10.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except ConnectionRefusedError:
            if wall_s() > until_s:
                raise


def subscribe(port: int, certificate: str, store: Path) -> None:
    """Write every report's row, acknowledge it then; ends with the broker and says how many there were."""
    database = sqlite3.connect(store, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE said (seq INTEGER PRIMARY KEY, utc_s REAL, pole TEXT, body BLOB) STRICT")
    connection = Connection(port, certificate, "subscriber")
    connection.send(packet(SUBSCRIBE, b"\x00\x01" + len(TOPIC).to_bytes(2, "big") + TOPIC + b"\x01"))
    count, began = 0, len(TOPIC) + 2
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    try:
        while True:
            rows, acknowledgements = [], []
            for kind, body in connection.receive():
                if kind & 0xF0 != PUBLISH:
                    continue
                payload = body[began + 2 :]
                if decode(payload) is not None:
                    rows.append((wall_s(), "410105-LP-000001", payload))
                acknowledgements.append(b"\x40\x02" + body[began : began + 2])
            database.execute("BEGIN")
            database.executemany("INSERT INTO said (utc_s, pole, body) VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")
            connection.send(b"".join(acknowledgements))
            count += len(rows)
    except (EOFError, OSError):
        print(count, flush=True)  # noqa: T201 - for the parent


def publish_all(load: MqttLoad) -> int:
    """Publish as fast as the broker acknowledges; how many were acknowledged."""
    connections = [Connection(load.port, load.certificate, f"pole-{n}") for n in range(load.connections)]
    end_s, number, acknowledged = wall_s() + load.lasts_s, 0, 0
    while wall_s() < end_s:
        for connection in connections:
            bodies = [report("b1", number + n + 1, 1779066000.0, load.readings) for n in range(UNDER_WAY)]
            packets = [publish(n + 1, body) for n, body in enumerate(bodies)]
            connection.send(b"".join(packets))
        number += UNDER_WAY
        for connection in connections:
            owed = UNDER_WAY
            while owed:
                owed -= sum(1 for kind, _ in connection.receive() if kind == PUBACK)
            acknowledged += UNDER_WAY
    for connection in connections:
        connection.close()
    return acknowledged


def reports_per_cpu_s(
    folder: Path, connections: int, lasts_s: float, readings: int, saves: bool
) -> tuple[float, float]:
    """Rows that were stored per CPU second of broker and subscriber together, and per second of the clock."""
    with broker(folder, saves) as (process, port, certificate):
        here = [sys.executable, "-m", "benchmarks.mqtt_peer"]
        subscriber = subprocess.Popen(
            [*here, "subscribe", str(port), certificate, str(folder / "rows.db")], stdout=subprocess.PIPE, text=True
        )
        assert subscriber.stdout is not None
        assert subscriber.stdout.readline() == "ready\n"
        start_s = wall_s()
        load = msgspec.json.encode(MqttLoad(port, certificate, connections, lasts_s, readings))
        subprocess.run([*here, "publish"], input=load, check=True, stdout=subprocess.DEVNULL)
        lasted_s = wall_s() - start_s
        process.send_signal(signal.SIGTERM)
        of_broker = os.wait4(process.pid, 0)[2]
        process.returncode = 0
        stored = int(subscriber.stdout.readline())
        of_subscriber = os.wait4(subscriber.pid, 0)[2]
        subscriber.returncode = 0
        subscriber.stdout.close()
    spent_s = of_broker.ru_utime + of_broker.ru_stime + of_subscriber.ru_utime + of_subscriber.ru_stime
    return stored / spent_s, stored / lasted_s


if __name__ == "__main__" and sys.argv[1:2] == ["subscribe"]:
    subscribe(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
if __name__ == "__main__" and sys.argv[1:] == ["publish"]:
    sys.stdout.write(str(publish_all(msgspec.json.decode(sys.stdin.buffer.read(), type=MqttLoad))))
