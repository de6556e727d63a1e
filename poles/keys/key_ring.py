"""What a pole keeps of keys: its own pairs and the gateways it may talk to, in one file of mode 0600.

It has one pair, and while that is being renewed a newer one before it: the newer one is tried first, and once a
gateway has answered to it the older one is forgotten. The gateways stand in the order in which they are to be tried.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import tomli_w
import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.pairs import KeyPair, check_private, new_key_pair, pair_of, sync_folder, write_private
from poles.protocol.enrolment import KnownGateway
from poles.wire.connection import CurveConnection
from poles.wire.lines import Line

NOT_A_RING = Rule(
    "pole.ring.malformed",
    Words("it is not a pole's key ring: {why}", "不是有效的灯杆密钥文件：{why}"),
    Words("Enrol the pole anew.", "请重新登记该灯杆。"),
)
NOT_KEPT = Rule(
    "pole.ring.kept",
    Words("the pole's keys cannot be kept: {why}", "灯杆密钥无法保存：{why}"),
    Words("Look at the pole's storage.", "请检查灯杆存储。"),
)


class _Pair(msgspec.Struct, frozen=True):
    public: str
    secret: str


class _Ring(msgspec.Struct, frozen=True):
    renewal: int
    pairs: tuple[_Pair, ...]
    gateways: tuple[KnownGateway, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a gateway: as whom, and to which."""

    pair: KeyPair
    gateway: KnownGateway


class KeyRing:
    """Made by `new_key_ring` or `load_key_ring`; every change is in the file before it is of use.

    `renewal` is the number of the last renewal that was asked for and done.
    """

    def __init__(self, path: Path, pairs: Sequence[KeyPair], gateways: Sequence[KnownGateway], renewal: int) -> None:
        self._path = path
        self.pairs = tuple(pairs)
        self.gateways = tuple(gateways)
        self.renewal = renewal

    @property
    def newest(self) -> KeyPair:
        """The pair that is tried first."""
        return self.pairs[0]

    def ways(self) -> list[Way]:
        """Every way to a gateway, the best first."""
        return [Way(pair, gateway) for pair in self.pairs for gateway in self.gateways]

    def renew(self, number: int) -> None:
        """Make a new pair, unless this renewal was done before. Raises Refused when it cannot be kept."""
        if number > self.renewal:
            # of two pairs the older one is what the gateway knows
            self._keep((new_key_pair(), self.pairs[-1]), self.gateways, number)

    def learn(self, gateways: Sequence[KnownGateway]) -> None:
        """Talk to these gateways from now on. Raises Refused when that cannot be kept."""
        if gateways and tuple(gateways) != self.gateways:
            self._keep(self.pairs, tuple(gateways), self.renewal)

    def answered(self, pair: KeyPair) -> None:
        """A gateway answered to this pair; when it is the newest the older one is forgotten."""
        if pair == self.newest and len(self.pairs) > 1:
            self._keep((pair,), self.gateways, self.renewal)

    def _keep(self, pairs: tuple[KeyPair, ...], gateways: tuple[KnownGateway, ...], renewal: int) -> None:
        _write(self._path, pairs, gateways, renewal)
        self.pairs, self.gateways, self.renewal = pairs, gateways, renewal


def new_key_ring(path: Path, pair: KeyPair, gateways: Sequence[KnownGateway]) -> KeyRing:
    """The ring of a pole that was enrolled with this pair; replaces what was there. Raises Refused."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, (pair,), tuple(gateways), 0)
    return load_key_ring(path)


def load_key_ring(path: Path) -> KeyRing:
    """Read a ring; raises Refused for one that others can read or that is not what it should be."""
    check_private(path)
    try:
        held = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Ring)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        # the decoder's own words may quote a part of a key
        why = Words("a field is missing or wrong", "缺少字段或字段有误")
        raise Refused([Reason(NOT_A_RING, str(path), {"why": why})]) from None
    if not held.pairs or not held.gateways:
        why = Words("it has no key or no gateway", "没有密钥或网关")
        raise Refused([Reason(NOT_A_RING, str(path), {"why": why})])
    pairs = [pair_of(path, pair.public, pair.secret) for pair in held.pairs]
    return KeyRing(path, pairs, held.gateways, held.renewal)


def _write(path: Path, pairs: Sequence[KeyPair], gateways: Sequence[KnownGateway], renewal: int) -> None:
    text = tomli_w.dumps(
        {
            "renewal": renewal,
            "pairs": [{"public": pair.public.decode(), "secret": pair.secret.decode()} for pair in pairs],
            "gateways": [msgspec.to_builtins(gateway) for gateway in gateways],
        }
    )
    fresh = path.with_name(f"{path.name}.new")
    try:
        write_private(fresh, text)
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        why = Words(error.strerror or str(error), error.strerror or str(error))
        raise Refused([Reason(NOT_KEPT, str(path), {"why": why})]) from None


class _Heard:
    """A line that tells when the gateway has said its first word, which proves that it took the pole's key."""

    def __init__(self, line: Line, connection: RingConnection, way: Way) -> None:
        self._line, self._connection, self._way = line, connection, way

    def send(self, body: bytes) -> bool:
        return self._line.send(body)

    async def receive(self) -> bytes:
        body = await self._line.receive()
        self._connection.worked(self._way)
        return body

    def close(self) -> None:
        self._line.close()


class RingConnection:
    """How a pole with a key ring reaches its gateways: on the best way, and when that led nowhere on the next."""

    def __init__(self, context: zmq.asyncio.Context, ring: KeyRing) -> None:
        self._context = context
        self._ring = ring
        self._ways: Iterator[Way] = iter(())
        self._worked: Way | None = None

    def open(self, code: str) -> Line:
        """A fresh line. After one that worked the best way is tried again, else the next one."""
        way = None if self._worked else next(self._ways, None)
        if way is None:
            self._ways = iter(self._ring.ways())
            way = next(self._ways)
        self._worked = None
        line = CurveConnection(self._context, way.gateway.address, way.pair, way.gateway.public_key.encode()).open(code)
        return _Heard(line, self, way)

    def worked(self, way: Way) -> None:
        """A gateway spoke on this way."""
        if self._worked is not way:
            self._worked = way
            self._ring.answered(way.pair)
