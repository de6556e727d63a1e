"""Who may come in: CURVE public keys, asked by libzmq through ZAP (ZeroMQ RFC 27).

libzmq completes a handshake only when the handler here answers 200 for the client's key, and stamps every message of
that connection with the answer's User-Id, which is the key itself. So whose message it is is proven and not claimed.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq
import zmq.asyncio
from zmq.auth.base import Authenticator
from zmq.utils import z85


class CurveAuthenticator(Authenticator):
    """The ZAP handler of one context; `admits` says whether a public key (Z85) may come in.

    pyzmq's own asyncio authenticator leaves its task without an owner; here `serve` is a coroutine for the owner's
    task group. Should it end, libzmq lets nobody in.
    """

    def __init__(self, context: zmq.asyncio.Context, domain: str, admits: Callable[[str], bool]) -> None:
        super().__init__(context)
        self._admits = admits
        self.refused_keys = 0
        self.configure_curve_callback(domain, self)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the key (Z85) may come in; called by the base class for each CURVE handshake."""
        admitted = self._admits(key.decode())
        if not admitted:
            self.refused_keys += 1
        return admitted

    def curve_user_id(self, client_public_key: bytes) -> str:
        """The name that libzmq writes on each message of a connection with this key (binary): the key in Z85."""
        return z85.encode(client_public_key).decode()

    async def serve(self) -> None:
        """Answer libzmq until cancelled; `start` comes first, before the listener is bound."""
        requests = zmq.asyncio.Socket.shadow(self.zap_socket.underlying)
        try:
            while True:
                await self.handle_zap_message(await requests.recv_multipart())
        finally:
            requests.close()
