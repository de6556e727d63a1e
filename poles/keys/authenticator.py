"""Who may come in: CURVE public keys, asked by libzmq through ZAP (ZeroMQ RFC 27).

libzmq completes a handshake only when the handler here answers 200 for the client's key, and stamps every message of
that connection with the answer's User-Id, which is the key itself. So whose message it is is proven and not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import zmq
import zmq.asyncio
from zmq.utils import z85

from poles.wire.hearing import hear, plain_socket

_ADDRESS = "inproc://zeromq.zap.01"
_VERSION = b"1.0"


class CurveAuthenticator:
    """The ZAP handler of one context; `admits` says whether a public key (Z85) may come in.

    pyzmq's own is made of tasks and futures and takes several times as long for each handshake, which counts when
    10,000 poles come back at once. Should `serve` end, libzmq lets nobody in.
    """

    def __init__(self, context: zmq.asyncio.Context, domain: str, admits: Callable[[str], bool]) -> None:
        self._context = context
        self._domain = domain.encode()
        self._admits = admits
        self._socket: zmq.Socket[bytes]
        self.refused_keys = 0

    def start(self) -> None:
        """Be asked from now on: before the listener is bound."""
        self._socket = plain_socket(self._context, zmq.REP)
        self._socket.bind(_ADDRESS)

    def stop(self) -> None:
        """Be asked no more."""
        self._socket.close()

    async def serve(self) -> None:
        """Answer libzmq until cancelled; `start` comes first."""
        await hear(self._socket, self._answer)

    def _answer(self, request: Sequence[bytes]) -> None:
        """Asked in the frames of RFC 27: version, number, domain, address, routing id, mechanism, credentials."""
        _, number, domain, _, _, mechanism, *credentials = request
        name = ""
        if mechanism == b"CURVE" and domain == self._domain:
            name = z85.encode(credentials[0]).decode()
            if not self._admits(name):
                self.refused_keys += 1
                name = ""
        status, why = (b"200", b"OK") if name else (b"400", b"not admitted")
        self._socket.send_multipart([_VERSION, number, status, why, name.encode(), b""])
