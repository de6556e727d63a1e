from pathlib import Path

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from zmq.utils import z85

from airspace.reasons import Refused, Rule
from poles.keys import KeyPair, load_key_pair, new_key_pair, save_key_pair
from poles.keys import pairs as keys
from poles.keys.weak import PUBLISHED, SMALL_ORDER, weakness


def the_rule(refused: pytest.ExceptionInfo[Refused]) -> Rule:
    return refused.value.reasons[0].rule


def test_a_key_pair_comes_back_from_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    pair, path = new_key_pair(), tmp_path / "keys" / "server.key"
    save_key_pair(path, pair)
    assert load_key_pair(path) == pair
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "server.key"
    first = new_key_pair()
    save_key_pair(path, first)
    with pytest.raises(Refused) as refused:
        save_key_pair(path, new_key_pair())
    assert the_rule(refused) is keys.EXISTS
    assert load_key_pair(path) == first


@pytest.mark.parametrize(("place", "mode"), [("file", 0o640), ("file", 0o604), ("directory", 0o750)])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, place: str, mode: int) -> None:
    path = tmp_path / "keys" / "server.key"
    save_key_pair(path, new_key_pair())
    (path if place == "file" else path.parent).chmod(mode)
    with pytest.raises(Refused) as refused:
        load_key_pair(path)
    assert the_rule(refused) is keys.READABLE
    assert f"{mode:04o}" in refused.value.reasons[0].text("en")


@pytest.mark.parametrize("text", ["", "not toml =", 'public = "a"\nsecret = "b"\n', "public = 1\nsecret = 2\n", "\xff"])
def test_a_malformed_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys" / "server.key"
    save_key_pair(path, new_key_pair())
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused) as refused:
        load_key_pair(path)
    assert the_rule(refused) is keys.MALFORMED


def test_halves_of_two_pairs_are_refused_without_showing_them(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "server.key"
    mixed = KeyPair(new_key_pair().public, new_key_pair().secret)
    save_key_pair(path, mixed)
    with pytest.raises(Refused) as refused:
        load_key_pair(path)
    assert the_rule(refused) is keys.MALFORMED
    for lang in ("en", "zh"):
        assert mixed.secret.decode() not in refused.value.reasons[0].text(lang)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        load_key_pair(tmp_path / "none.key")
    assert the_rule(refused) is keys.MISSING


def test_the_secret_half_is_not_in_the_repr() -> None:
    pair = new_key_pair()
    assert pair.secret.decode() not in repr(pair)


@pytest.mark.parametrize("secret", [z85.encode(bytes(32)), b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"])
def test_a_pair_whose_secret_everybody_knows_is_refused(tmp_path: Path, secret: bytes) -> None:
    path = tmp_path / "keys" / "server.key"
    save_key_pair(path, KeyPair(zmq.curve_public(secret), secret))
    with pytest.raises(Refused) as refused:
        load_key_pair(path)
    assert the_rule(refused) is keys.WEAK


def test_the_published_keys_are_those_of_the_published_secrets() -> None:
    of_the_manual = b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs", b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
    assert {zmq.curve_public(secret) for secret in (*of_the_manual, z85.encode(bytes(32)))} == PUBLISHED


P = 2**255 - 19


def x25519(scalar: int, u: int) -> int:
    """The x coordinate of a multiple of a point of Curve25519, by the ladder of RFC 7748, section 5."""
    x1, x2, z2, x3, z3 = u % P, 1, 0, u % P, 1
    for t in reversed(range(255)):
        bit = scalar >> t & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a, c * b
        x3, z3 = pow(da + cb, 2, P), x1 * pow(da - cb, 2, P) % P
        x2, z2 = a * a * b * b % P, (a * a - b * b) * (a * a + 121665 * (a * a - b * b)) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return x2 * pow(z2, P - 2, P) % P


def clamped(raw: bytes) -> int:
    return int.from_bytes(raw, "little") & ~7 & (2**255 - 1) | 2**254


def test_the_ladder_of_this_test_is_that_of_libzmq() -> None:
    pair = new_key_pair()
    public = x25519(clamped(z85.decode(pair.secret)), 9)
    assert z85.encode(public.to_bytes(32, "little")) == pair.public


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_every_secret_shared_with_a_point_of_small_order_is_zero(secret: bytes) -> None:
    assert [x25519(clamped(secret), int.from_bytes(point, "little")) for point in SMALL_ORDER] == [0] * 7


def test_points_of_small_order_are_weak_with_either_top_bit_and_fresh_keys_are_not() -> None:
    for point in SMALL_ORDER:
        for top in (0, 0x80):
            assert weakness(z85.encode(point[:31] + bytes([point[31] | top]))) is not None
    for _ in range(20):
        assert weakness(new_key_pair().public) is None
