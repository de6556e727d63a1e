"""Who may come in: CURVE public keys bound to city codes, asked by libzmq through ZAP (ZeroMQ RFC 27).

libzmq completes a handshake only when the handler here answers 200 for the client's key, and stamps every message of
that connection with the answer's User-Id. So the city code of a message is proven by its key and cannot be claimed.
"""

from __future__ import annotations

from collections.abc import Mapping

import zmq
import zmq.asyncio
from zmq.auth.base import Authenticator
from zmq.utils import z85

DOMAIN = "poles"


class PoleAuthenticator(Authenticator):
    """The ZAP handler of one context: each allowed public key (Z85) with the city code that it stands for.

    pyzmq's own asyncio authenticator leaves its task without an owner; here `serve` is a coroutine for the gateway's
    task group. Should it end, libzmq lets nobody in.
    """

    def __init__(self, context: zmq.asyncio.Context, allowed: Mapping[bytes, str]) -> None:
        super().__init__(context)
        self._allowed_keys = dict(allowed)
        self.refused_keys = 0
        self.configure_curve_callback(DOMAIN, self)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the key (Z85) belongs to a pole; called by the base class for each CURVE handshake."""
        known = key in self._allowed_keys
        if not known:
            self.refused_keys += 1
        return known

    def curve_user_id(self, client_public_key: bytes) -> str:
        """The city code that libzmq writes on each message of a connection with this key (binary)."""
        return self._allowed_keys[z85.encode(client_public_key)]

    async def serve(self) -> None:
        """Answer libzmq until cancelled; `start` comes first, before the listener is bound."""
        requests = zmq.asyncio.Socket.shadow(self.zap_socket.underlying)
        try:
            while True:
                await self.handle_zap_message(await requests.recv_multipart())
        finally:
            requests.close()
