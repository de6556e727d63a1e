"""Who may come in at a site's gateway: what its file says by hand, and what the register says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from controller.config import LoadedSite, load_site
from controller.pole_gate import Gate, enrolment, forget_locked_out, open_gate, site_poles
from poles.gateway import Gateway
from poles.gateway.memory import Remembered
from poles.keys import new_key_pair, save_key_pair
from poles.keys.register import KeyState, Register, Source
from poles.keys.weak import PUBLISHED
from poles.wire.doorway import Doorway
from poles.wire.lines import Exchange
from tests.poles.raw_pole import Store, gateway_needs, hello

CODES = ("410105-LP-000001", "410105-LP-000002", "410105-LP-000003")
NOON_S = 1779066000.0
SITE = """
name = "West"
airspace = []
airspace_is_empty = true
origin = {lat_deg = 34.75, lon_deg = 113.62}
ground = {amsl_m = 100.0, geoid_m = -15.0}

[gateway]
"""


def key() -> str:
    return new_key_pair().public.decode()


def site_with(folder: Path, **keys: str) -> LoadedSite:
    """A site whose poles 1 to 3 have these keys by hand (`p1=`, `p2=`, `p3=`)."""
    text = SITE
    for number, code in enumerate(CODES, 1):
        text += f'\n[[poles]]\ncode = "{code}"\nlat_deg = 34.75\nlon_deg = 113.62\nservices = ["lamp"]\n'
        if by_hand := keys.get(f"p{number}"):
            text += f"public_key = '{by_hand}'\n"
    (folder / "site.toml").write_text(text)
    return load_site(folder / "site.toml")


@contextmanager
def register_of(place: LoadedSite) -> Iterator[Register]:
    assert place.file.gateway is not None
    with site_poles(place, place.file.gateway, lambda: NOON_S) as register:
        yield register


def test_keys_of_the_site_file_are_let_in_and_one_that_changes_replaces_the_one_before(tmp_path: Path) -> None:
    first, second, other = key(), key(), key()
    with register_of(site_with(tmp_path, p1=first, p2=other)) as register:
        assert register.live() == {first: CODES[0], other: CODES[1]}
    with register_of(site_with(tmp_path, p1=second, p2=other)) as register:
        assert register.live() == {second: CODES[0], other: CODES[1]}
        changes = [(change.what, change.code) for change in register.history()]
    assert changes == [("admitted", CODES[0]), ("admitted", CODES[1]), ("revoked", CODES[0]), ("admitted", CODES[0])]


def test_a_start_with_the_same_file_changes_nothing(tmp_path: Path) -> None:
    place = site_with(tmp_path, p1=key(), p2=key())
    with register_of(place) as register:
        before = register.last_change()
    with register_of(place) as register:
        assert register.last_change() == before


def test_what_was_revoked_stays_so_whatever_the_file_still_says_and_the_others_come_in(tmp_path: Path) -> None:
    stolen, other = key(), key()
    with register_of(site_with(tmp_path, p1=stolen)) as register:
        register.revoke(CODES[0], who="Wang")
    with register_of(site_with(tmp_path, p1=stolen, p2=other)) as register:
        assert register.live() == {other: CODES[1]}


def test_a_key_by_hand_is_only_offered_to_a_pole_that_is_enrolled(tmp_path: Path) -> None:
    by_hand, enrolled = key(), key()
    with register_of(site_with(tmp_path)) as register:
        register.admit([(CODES[0], enrolled)], who="Li", source=Source.TOKEN)
    with register_of(site_with(tmp_path, p1=by_hand)) as register:
        states = {held.key: held.state for held in register.held(CODES[0])}
    assert states == {enrolled: KeyState.VALID, by_hand: KeyState.NEW}


def test_all_keys_that_cannot_be_are_named_at_once_and_none_is_let_in(tmp_path: Path) -> None:
    theirs = key()
    with register_of(site_with(tmp_path)) as register:
        register.admit([("410105-LP-000009", theirs)], who="Li", source=Source.TOKEN)
    weak = min(PUBLISHED).decode()
    with pytest.raises(Refused) as refused, register_of(site_with(tmp_path, p1=weak, p2=key(), p3=theirs)):
        pytest.fail("opened")
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [
        ("pole.key.weak", CODES[0]),
        ("pole.key.twice", CODES[2]),
    ]
    with register_of(site_with(tmp_path)) as register:
        assert list(register.live()) == [theirs]


def test_a_gate_needs_the_gateways_key_and_tells_where_it_is(tmp_path: Path) -> None:
    place = site_with(tmp_path)
    given = place.file.gateway
    assert given is not None
    with pytest.raises(Refused), open_gate(place, given, lambda: NOON_S):
        pytest.fail("opened without a key")
    pair = new_key_pair()
    save_key_pair(place.path(given.key), pair)
    with open_gate(place, given, lambda: NOON_S) as gate:
        (door,) = gate.register.doors.answered()
    assert (door.public, door.file, door.listen) == (pair.public.decode(), given.key, given.listen)


def test_a_pole_that_was_locked_out_while_nobody_looked_is_not_missed(tmp_path: Path) -> None:
    place = site_with(tmp_path, p1=key(), p2=key())

    async def main(clock: Clock) -> list[str]:
        with register_of(place) as register:
            register.revoke(CODES[1], who="Wang")
            history = [Remembered(NOON_S, code, hello(code)) for code in CODES[:2]]
            needs = gateway_needs(clock, Store(), history=history)
            async with Gateway.memory(Exchange(), **needs) as gateway:
                assert sorted(gateway.supervision.liveness.watches) == list(CODES[:2])
                forget_locked_out(gateway, Gate(register, Doorway(register, tmp_path)))
                return sorted(gateway.supervision.liveness.watches)

    assert run(main, virtual_tempo()) == [CODES[0]]


def test_a_site_without_an_enrolment_address_has_no_desk(tmp_path: Path) -> None:
    place = site_with(tmp_path)
    given = place.file.gateway
    assert given is not None

    async def main(clock: Clock) -> None:
        with register_of(place) as register:
            gate = Gate(register, Doorway(register, tmp_path))
            async with enrolment(place, given, gate, clock.utc_s) as desk:
                assert desk is None

    run(main, virtual_tempo())
