"""How much a gateway takes from its poles, durably: `python -m benchmarks.poles`.

The ingest beside a bare ROUTER that only receives the same reports over CURVE, and beside an MQTT broker with a
subscriber that stores the same rows; with one reading in each report, and with ten. All in one run, on an otherwise
quiet machine; the load is made by processes of their own. CPU is that of whole processes, libzmq's threads and the
store's included, from the last Welcome on.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import zmq

from benchmarks import mqtt_peer
from benchmarks.pole_liveness import liveness_rows
from benchmarks.pole_load import ROLE, Load, LoadPole, Told
from benchmarks.pole_storm import storm_rows
from benchmarks.rows import Row, json_file, tell
from controller.clock import Clock, cpu_s, real_tempo, run, wall_s
from controller.store import open_store
from poles.gateway import Gateway
from poles.keys import KeyPair, new_key_pair

POLES = 400
LASTS_S = 8.0
WARM_UP_S = 1.0
OF_BARE = 0.4  # goal
OF_MQTT = 2.0  # goal
READINGS = (1, 10)  # in a report
LOAD = (sys.executable, "-m", "benchmarks.pole_load", ROLE)


class Street:
    """The poles of a run: their codes and keys, and the gateway's key."""

    def __init__(self, count: int) -> None:
        self.server = new_key_pair()
        self.keys = {f"410105-LP-{number:06d}": new_key_pair() for number in range(1, count + 1)}

    @property
    def allowed(self) -> dict[bytes, str]:
        """Who may come in: public key -> city code."""
        return {pair.public: code for code, pair in self.keys.items()}

    def load(
        self, address: str, *, lasts_s: float = LASTS_S, rate: float = 0.0, bare: bool = False, readings: int = 1
    ) -> bytes:
        """What the load's process is to do."""
        poles = [LoadPole(code, pair.public.decode(), pair.secret.decode()) for code, pair in self.keys.items()]
        return msgspec.json.encode(Load(address, self.server.public.decode(), poles, lasts_s, rate, bare, readings))


@contextmanager
def bare_router(key: KeyPair) -> Iterator[tuple[zmq.Socket[bytes], str]]:
    """A ROUTER with CURVE that lets everybody in."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.curve_server = True
    socket.curve_secretkey, socket.curve_publickey = key.secret, key.public
    socket.bind("tcp://127.0.0.1:*")
    try:
        yield socket, socket.get_string(zmq.LAST_ENDPOINT)
    finally:
        context.destroy(linger=0)


def bare_rate(street: Street, readings: int) -> tuple[float, float]:
    """Reports/s that a loop receives which does nothing else, and its CPU seconds for each."""
    with (
        bare_router(street.server) as (socket, address),
        subprocess.Popen(LOAD, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(street.load(address, bare=True, readings=readings))
        process.stdin.close()
        socket.recv_multipart()
        _receive(socket, WARM_UP_S)
        received = _receive(socket, LASTS_S - 2 * WARM_UP_S)
        process.kill()
    return received


def _receive(socket: zmq.Socket[bytes], lasts_s: float) -> tuple[float, float]:
    count, start_s, spent_s = 0, wall_s(), cpu_s()
    while (now_s := wall_s()) < start_s + lasts_s:
        for _ in range(100):
            socket.recv_multipart()
        count += 100
    return count / (now_s - start_s), (cpu_s() - spent_s) / count


async def ingest(clock: Clock, street: Street, readings: int, rate: float = 0.0) -> tuple[Told, float]:
    """What became of a load at `rate` reports/s (0: all that goes), and the gateway's CPU seconds for each report."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_store(Path(folder) / "store.db", clock.utc_s) as store,
            Gateway.tcp(
                "tcp://127.0.0.1:0",
                street.server,
                street.allowed,
                keep=store.keep,
                utc_s=clock.utc_s,
                rng=random.Random(1),
                stored=store.poles_stored(),
            ) as gateway,
        ):
            process = await asyncio.create_subprocess_exec(
                *LOAD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(street.load(gateway.address, rate=rate, readings=readings))
            process.stdin.close()
            while len(gateway.poles) < POLES:  # noqa: ASYNC110 - nothing tells when the last one has said hello
                await asyncio.sleep(0.01)
            spent_s = cpu_s()
            output = await process.stdout.read()
            spent_s = cpu_s() - spent_s
            await process.wait()
            told = msgspec.json.decode(output, type=Told)
            assert store.poles_stored() == {code: {"b1": seq} for code, seq in told.durable.items()}
            return told, spent_s * readings / sum(told.durable.values())


def rows() -> Iterator[Row]:
    """All figures."""
    street = Street(POLES)
    for readings in READINGS:
        yield from of_ingest(street, readings)
    yield from liveness_rows()
    yield from storm_rows()


def of_ingest(street: Street, readings: int) -> Iterator[Row]:
    """How fast, how soon and how dear, with so many readings in each report."""
    each = f"reports of {readings} reading{'s' if readings > 1 else ''}"
    bare, bare_spent_s = bare_rate(street, readings)
    told, spent_s = run(lambda clock: ingest(clock, street, readings), real_tempo())
    rate = told.acknowledged / told.lasted_s
    yield Row(
        name=f"durable ingest, {each}, {POLES} poles over CURVE",
        value=rate,
        unit="reports/s",
        peer="bare pyzmq CURVE receive loop",
        peer_value=bare,
        ratio=rate / bare,
        goal=OF_BARE,
        better="higher",
    )
    yield Row(
        name=f"CPU for each, {each}",
        value=spent_s * 1e6,
        unit="us",
        peer="bare pyzmq CURVE receive loop",
        peer_value=bare_spent_s * 1e6,
        ratio=spent_s / bare_spent_s,
    )
    half, _ = run(lambda clock: ingest(clock, street, readings, rate / 2), real_tempo())
    for share in (50, 99):
        yield Row(
            name=f"from sending to Ack, {each}, at {half.acknowledged / half.lasted_s:.0f}/s, p{share}",
            value=half.delays_s[len(half.delays_s) * share // 100] * 1e3,
            unit="ms",
        )
    yield from beside_mqtt(each, readings, 1.0 / spent_s)


def beside_mqtt(each: str, readings: int, per_cpu_s: float) -> Iterator[Row]:
    """Reports per CPU second, beside a broker and a subscriber; the goal is for one that is as durable as can be."""
    name = f"stored per CPU second, {each}"
    why_not = mqtt_peer.missing()
    if why_not:
        yield Row(name=f"{name}; no peer: {why_not}", value=per_cpu_s, unit="reports")
        return
    for saves, how in ((True, "saves what changed, with fsync"), (False, "PUBACK from memory, saves every 30 min")):
        with tempfile.TemporaryDirectory() as folder:
            theirs, _ = mqtt_peer.reports_per_cpu_s(Path(folder), POLES // 8, LASTS_S, readings, saves)
        yield Row(
            name=name,
            value=per_cpu_s,
            unit="reports",
            peer=f"mosquitto (TLS, QoS 1, {how}) and subscriber",
            peer_value=theirs,
            ratio=per_cpu_s / theirs,
            goal=OF_MQTT if saves else None,
            better="higher",
        )


if __name__ == "__main__":
    tell(rows(), json_file())
