"""What was wished of poles' keys is wished once, however often the gateway starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from controller.clock import Clock, run, virtual_tempo
from controller.events import PoleNoted, decode_event, encode
from poles.gateway import Gateway
from poles.gateway.key_renewal import KeyRenewal
from poles.gateway.memory import Remembered
from poles.gateway.notes import AnyNote
from poles.keys import new_key_pair
from poles.keys.register import Source, open_register
from poles.protocol import Desired, Welcome
from poles.protocol.enrolment import KnownGateway
from poles.wire.connection import MemoryConnection
from poles.wire.doorway import Doorway
from poles.wire.lines import Exchange
from tests.poles.raw_pole import CODE, Store, gateway_needs, hello, raw_pole


class OneDoor:
    """A doorway whose poles know it."""

    is_leaving = False

    def gateways(self) -> tuple[KnownGateway, ...]:
        return (KnownGateway(address="tcp://127.0.0.1:7600", public_key="G" * 40),)


def test_a_gateway_that_starts_again_does_not_wish_anew_what_its_store_has(tmp_path: Path) -> None:
    history: list[Remembered] = []

    async def keep_notes(notes: Sequence[AnyNote]) -> None:
        for note in notes:
            kept = decode_event(encode(PoleNoted(note=note)))
            assert isinstance(kept, PoleNoted)
            history.append(Remembered(0.0, "", kept.note))

    async def main(clock: Clock) -> None:
        exchange, doorway = Exchange(), cast("Doorway", OneDoor())
        with open_register(tmp_path / "poles.db", clock.utc_s) as register:
            register.admit([(CODE, new_key_pair().public.decode())], who="Li", source=Source.TOKEN)
            register.ask_renewal([CODE], who="Li")
            for start in range(3):
                needs = gateway_needs(clock, Store(), keep_notes=keep_notes, history=list(history))
                async with Gateway.memory(exchange, **needs) as gateway, raw_pole(MemoryConnection(exchange)) as pole:
                    await pole.say(hello())
                    await pole.expect(Welcome)
                    renewal = KeyRenewal(gateway, register, doorway)
                    await renewal.look()
                    assert (await pole.expect(Desired)).version == 1
                    assert renewal.counts["asked"] == (1 if start == 0 else 0)

    run(main, virtual_tempo())
