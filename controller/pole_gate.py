"""Who may come in at a site's gateway: the register, the doors and the enrolment desk that its file names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.alarms import Alarm
from controller.config import GatewayConfig, LoadedSite
from controller.district import District
from poles.beside import beside
from poles.gateway import Gateway
from poles.gateway.key_renewal import KeyRenewal
from poles.keys import load_key_pair
from poles.keys.city_code import Scheme
from poles.keys.desk import EnrolmentDesk, open_desk
from poles.keys.register import KeyState, Register, Source, open_register
from poles.wire.doorway import Doorway

BY_HAND = "site file"
WATCH_S = 1.0
LOOKS_FAILED = 5  # in a row, at five a second


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gateway listens with, and the register behind it."""

    register: Register
    doorway: Doorway


def scheme_of(place: LoadedSite) -> Scheme:
    """How the site writes city codes."""
    return Scheme(place.file.city_codes.form, place.file.city_codes.check)


@contextmanager
def site_poles(place: LoadedSite, given: GatewayConfig, utc_s: Callable[[], float]) -> Iterator[Register]:
    """The register of a site's poles, with the keys that its file has by hand. Raises Refused."""
    with open_register(place.path(given.register), utc_s) as register:
        # what was revoked stays so, whatever the site file still says
        revoked = {(held.code, held.key) for held in register.held() if held.state is KeyState.REVOKED}
        by_hand = [(pole.code, pole.public_key) for pole in place.file.poles if pole.public_key]
        register.admit([each for each in by_hand if each not in revoked], who=BY_HAND, source=Source.FILE)
        yield register


@contextmanager
def open_gate(place: LoadedSite, given: GatewayConfig, utc_s: Callable[[], float]) -> Iterator[Gate]:
    """The doors of a site's gateway, for a gateway to open. Raises Refused."""
    server = load_key_pair(place.path(given.key))
    with site_poles(place, given, utc_s) as register:
        register.doors.found(server.public.decode(), given.key, given.listen, given.address)
        yield Gate(register, Doorway(register, place.folder))


async def watch_register(district: District, gate: Gate, path: Path) -> None:
    """Raise an alarm while the register cannot be followed, until cancelled."""
    while True:
        if gate.doorway.looks_failed >= LOOKS_FAILED:
            await district.alarm(Alarm.POLE_KEYS_UNREAD, str(path))
        await asyncio.sleep(WATCH_S)


def forget_locked_out(gateway: Gateway, gate: Gate) -> None:
    """Miss no pole that was here before and may not come in any more."""
    expected = set(gate.register.live().values())
    for code in list(gateway.supervision.liveness.watches):
        if code not in expected:
            gateway.supervision.forget(code)


@asynccontextmanager
async def renewal(gateway: Gateway, gate: Gate) -> AsyncIterator[KeyRenewal]:
    """What asks an open gateway's poles for new keys and leads them to new doors, as the register says."""
    renewing = KeyRenewal(gateway, gate.register, gate.doorway)
    async with beside(renewing.run()):
        yield renewing


@asynccontextmanager
async def enrolment(
    place: LoadedSite, given: GatewayConfig, gate: Gate, utc_s: Callable[[], float]
) -> AsyncIterator[EnrolmentDesk | None]:
    """The enrolment desk of a site, while its gateway is open; None where the site has none. Raises Refused."""
    if not given.enrol_listen:
        yield None
        return
    pair = load_key_pair(place.path(given.enrol_key))
    register: Path = place.path(given.register)
    async with open_desk(given.enrol_listen, pair, register, gate.doorway.gateways, utc_s=utc_s) as desk:
        yield desk
