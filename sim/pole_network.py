"""The network between a pole and the gateway, which can fail while both ends stay up."""

from __future__ import annotations

from poles.connection import Connection
from poles.lines import Line


class PoleNetwork:
    """A pole's way to the gateway: the lines of the given connection, mute in both directions while the network fails.

    Neither end is told: both find out as real ones do, by the silence.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.is_down = False

    def open(self, code: str) -> Line:
        """A fresh line for the pole with this city code."""
        return _Way(self._connection.open(code), self)

    def fail(self) -> None:
        """Let nothing through from now on."""
        self.is_down = True

    def restore(self) -> None:
        """Let everything through again."""
        self.is_down = False


class _Way:
    """A line through the network."""

    def __init__(self, line: Line, network: PoleNetwork) -> None:
        self._line = line
        self._network = network

    def send(self, body: bytes) -> bool:
        """Send without waiting; what the network swallows looks sent."""
        return True if self._network.is_down else self._line.send(body)

    async def receive(self) -> bytes:
        """The gateway's next word that gets through."""
        while True:
            body = await self._line.receive()
            if not self._network.is_down:
                return body

    def close(self) -> None:
        """End the line."""
        self._line.close()
