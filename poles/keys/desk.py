"""The enrolment desk: a socket of its own where a new pole brings its first key, with a one-time token.

The desk has its own CURVE key, whose public half the firmware carries, so a pole gives its token to nobody else. It
lets any key knock, but only while a token is open; what comes in is one small message that is answered with the
gateways to connect to, or with a refusal that does not tell whether the code or the token was wrong. Attempts are slow
by design: a token bucket for each address and one for all, and a token is closed after some wrong ones. A connection
is ended after half a minute, and the oldest one when there are too many.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from airspace.reasons import Reason, Refused, Rule, Words
from poles.beside import beside
from poles.keys.authenticator import CurveAuthenticator
from poles.keys.paces import NO_LIMIT, Pace, Paces
from poles.keys.pairs import KeyPair
from poles.keys.register import Register, open_register
from poles.keys.tokens import Answer
from poles.protocol.codec import encode
from poles.protocol.enrolment import Enrol, Enrolled, KnownGateway, decode_request
from poles.protocol.messages import VERSION, Refusal
from poles.wire.cutting import Link, cut, link_at
from poles.wire.sockets import bind, curve_router, send_now

DECLINED = Rule(
    "pole.enrol.declined",
    Words("this token does not let {code} in", "该令牌不能登记 {code}"),
    Words(
        "Ask the operator for a new token: `beichen poles enrol {code}`.",
        "请向运行人员申请新令牌：`beichen poles enrol {code}`。",
    ),
)
NOT_ITS_KEY = Rule(
    "pole.enrol.key",
    Words("the key that was named is not the key of this connection", "所报公钥不是本连接的公钥"),
    Words("Connect with the key pair that is to be enrolled.", "请使用待登记的密钥对连接。"),
)
BAD_KEY = Rule(
    "pole.enrol.refused-key",
    Words("this key is weak, was revoked or belongs to another pole", "该密钥强度不足、已吊销或属于其他灯杆"),
    Words("Make a new key pair and ask again.", "请生成新的密钥对后重试。"),
)
BAD_REQUEST = Rule(
    "pole.enrol.malformed",
    Words("this is no request to enrol", "这不是登记请求"),
    Words("See the enrolment section of docs/poles-protocol.md.", "请参阅 docs/poles-protocol.md 的登记一节。"),
)
WRONG_VERSION = Rule(
    "pole.enrol.version",
    Words("protocol version {version} is not spoken here", "不支持协议版本 {version}"),
    Words("Use one of the versions named.", "请使用所列版本。"),
)
SLOWER = Rule(
    "pole.enrol.slower",
    Words("there were too many attempts", "尝试次数过多"),
    Words("Try again in a minute.", "请一分钟后重试。"),
)

DOMAIN = "enrolment"
MAX_REQUEST_BYTES = 1024
HANDSHAKE_MS = 5_000
PEER_PACE = Pace(at_once=10.0, per_s=0.5)  # a gateway's NAT may hide a street of poles
DESK_PACE = Pace(at_once=100.0, per_s=20.0)
CONNECTIONS_MOST = 64
CONNECTION_S = 30.0
_REFUSALS = {
    Answer.WRONG: DECLINED,
    Answer.USED: DECLINED,
    Answer.NONE: DECLINED,
    Answer.EXPIRED: DECLINED,
    Answer.LOCKED: DECLINED,
    Answer.NOT_ITS_KEY: NOT_ITS_KEY,
    Answer.REFUSED_KEY: BAD_KEY,
    Answer.MALFORMED: BAD_REQUEST,
    Answer.VERSION: WRONG_VERSION,
}


class EnrolmentDesk:
    """Made by `open_desk`. `gateways` are told to who is let in, the best one first."""

    def __init__(
        self,
        register: Register,
        gateways: Callable[[], tuple[KnownGateway, ...]],
        utc_s: Callable[[], float],
        paces: Paces,
    ) -> None:
        self.address = ""
        self._register = register
        self._gateways = gateways
        self._utc_s = utc_s
        self._paces = paces
        self._counts: Counter[str] = Counter()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="enrolment")

    def statistics(self) -> dict[str, int]:
        """What became of the attempts since the start, by outcome."""
        return dict(sorted(self._counts.items()))

    async def serve(self, socket: zmq.asyncio.Socket) -> None:
        """Answer one after the other until cancelled; while the register fails nobody is answered."""
        loop = asyncio.get_running_loop()
        while True:
            frames = await socket.recv_multipart(copy=False)
            key, peer = _text(frames[-1], "User-Id"), _text(frames[-1], "Peer-Address")
            if self._paces.takes(peer, loop.time()):
                body = frames[-1].bytes if len(frames) == 2 else b""
                # the register waits for the disk; the loop must not
                try:
                    answer = await loop.run_in_executor(self._writer, self._answer, key, peer, body)
                except Refused:
                    self._counts["register-failed"] += 1
                    continue
            else:
                self._counts["too-many"] += 1
                answer = _refusal(SLOWER)
            send_now(socket, [frames[0].bytes, encode(answer)])

    def _answer(self, key: str, peer: str, body: bytes) -> Enrolled | Refusal:
        request = decode_request(body)
        if not isinstance(request, Enrol):
            outcome = Answer.MALFORMED if request is None or request == VERSION else Answer.VERSION
            return self._refused(outcome, "", peer, request or 0)
        if request.version != VERSION:
            return self._refused(Answer.VERSION, request.code, peer, request.version)
        if request.public_key != key:
            return self._refused(Answer.NOT_ITS_KEY, request.code, peer)
        outcome = self._register.enrol(request.code, request.token, key, peer)
        if outcome in _REFUSALS:
            self._counts[outcome.value] += 1
            return _refusal(_REFUSALS[outcome], code=request.code)
        self._counts[outcome.value] += 1
        return Enrolled(version=VERSION, code=request.code, gateways=self._gateways(), utc_s=self._utc_s())

    def _refused(self, outcome: Answer, code: str, peer: str, version: int = VERSION) -> Refusal:
        self._counts[outcome.value] += 1
        self._register.record_attempt(code, peer, outcome)
        return _refusal(_REFUSALS[outcome], code=code, version=version)

    def close(self) -> None:
        """Let the writer end."""
        self._writer.shutdown()


@asynccontextmanager
async def open_desk(
    address: str,
    server_key: KeyPair,
    register: Path,
    gateways: Callable[[], tuple[KnownGateway, ...]],
    *,
    utc_s: Callable[[], float],
    paces: Paces | None = None,
    connection_s: float = CONNECTION_S,
) -> AsyncIterator[EnrolmentDesk]:
    """Listen at `tcp://host:port` (port 0: any free one) for new poles until the end. Raises Refused.

    The desk keeps two connections to the register: one to ask whether anybody is expected, and one to write with.
    """
    with open_register(register, utc_s) as asked, open_register(register, utc_s) as written:
        desk = EnrolmentDesk(written, gateways, utc_s, paces or Paces(PEER_PACE, DESK_PACE))
        context = zmq.asyncio.Context()
        handshakes = Paces(NO_LIMIT, DESK_PACE)
        loop = asyncio.get_running_loop()
        authenticator = CurveAuthenticator(
            context, DOMAIN, lambda key: _expects(asked) and handshakes.takes("", loop.time())
        )
        authenticator.start()
        try:
            socket = curve_router(context, server_key, DOMAIN)
            socket.set(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
            socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
            monitor = socket.get_monitor_socket(zmq.EVENT_ACCEPTED)
            desk.address = bind(socket, address)
            async with beside(authenticator.serve(), desk.serve(socket), _end_late(monitor, connection_s)):
                yield desk
        finally:
            authenticator.stop()
            context.destroy(linger=0)
            desk.close()


async def _end_late(monitor: zmq.asyncio.Socket, connection_s: float) -> None:
    """End every connection when it has lasted so long [s], and the oldest one when there are too many."""
    loop = asyncio.get_running_loop()
    begun: deque[tuple[float, Link]] = deque()
    while True:
        try:
            async with asyncio.timeout_at(begun[0][0] if begun else None):
                event = await recv_monitor_message(monitor)
        except TimeoutError:
            cut(begun.popleft()[1])
            continue
        link = link_at(int(event["value"]))
        if link is not None:
            begun.append((loop.time() + connection_s, link))
        if len(begun) > CONNECTIONS_MOST:
            cut(begun.popleft()[1])


def _expects(register: Register) -> bool:
    try:
        return register.tokens.any_open()
    except Refused:
        return False


def _refusal(rule: Rule, **facts: object) -> Refusal:
    reason = Reason(rule, "", facts)
    return Refusal(code=rule.code, en=reason.text("en"), zh=reason.text("zh"), about="enrol")


def _text(frame: zmq.Frame, name: str) -> str:
    try:
        return str(frame.get(name))
    except zmq.ZMQError:
        return ""
