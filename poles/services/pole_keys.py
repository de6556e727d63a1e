"""The pole's own keys: renewed when the controller asks, and which gateways the pole may talk to.

The new pair is made on the pole. Its public half is reported as a reading, over a connection that the old pair still
proves; once the gateway has let it in it says bye, and the pole comes again with the new one.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from poles.keys.key_ring import KeyRing
from poles.protocol.enrolment import KnownGateway, Z85Key
from poles.services.service import Function, FunctionSpec, Readings, Service, ServiceSpec, Settings
from poles.services.units import Count

NAME = "keys"
FUNCTION = "PoleKeys"


class KeyReadings(Readings, frozen=True, kw_only=True):
    """Which key the pole has."""

    public_key: Annotated[Z85Key, Meta(description="the newest public key, which is to be let in")] = field(
        name="publicKey"
    )
    renewal: Annotated[Count, Meta(description="the number of the renewal that it was made for, 0 for the first key")]


class KeySettings(Settings, frozen=True, kw_only=True):
    """What the pole shall do about its keys."""

    renewal: Annotated[Count, Meta(description="make a new key if the last was made for a lower number")] = 0
    gateways: Annotated[
        tuple[KnownGateway, ...],
        Meta(max_length=8, description="gateways to talk to, the best first; empty: those known already"),
    ] = ()


FUNCTION_SPEC = FunctionSpec(FUNCTION, KeyReadings, settings=KeySettings, slow=720.0)
SPEC = ServiceSpec((FUNCTION_SPEC,))


class PoleKeys(Service):
    """The service over the pole's key ring."""

    name = NAME

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        super().__init__(Function(FUNCTION, FUNCTION_SPEC, self._of_ring()))

    def _of_ring(self) -> KeyReadings:
        return KeyReadings(public_key=self._ring.newest.public.decode(), renewal=self._ring.renewal)

    def _check(self, function: str, settings: Settings) -> None:
        """Do it at once: settings that cannot be kept are refused."""
        assert isinstance(settings, KeySettings)
        self._ring.learn(settings.gateways)
        self._ring.renew(settings.renewal)

    def _settle(self, function: str) -> None:
        self._now[FUNCTION] = self._of_ring()
