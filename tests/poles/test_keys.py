from pathlib import Path

import pytest

from airspace.reasons import Refused, Rule
from poles import keys
from poles.keys import KeyPair, load_key_pair, load_register, new_key_pair, save_key_pair, save_register


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


def test_the_register_comes_back(tmp_path: Path) -> None:
    register = {new_key_pair().public: f"410105-LP-{n:06d}" for n in range(1, 30)}
    path = tmp_path / "poles" / "register.toml"
    save_register(path, register)
    save_register(path, register)
    assert load_register(path) == register


def test_every_wrong_line_of_a_register_is_named(tmp_path: Path) -> None:
    key = new_key_pair().public.decode()
    path = tmp_path / "register.toml"
    path.write_text(
        f'"410105-LP-000001" = "{key}"\n"410105-LP-000002" = "{key}"\n"nonsense" = "{key}"\n'
        f'"410105-LP-000003" = "short"\n"410105-LP-000004" = "{"#" * 40}"\n'
    )
    with pytest.raises(Refused) as refused:
        load_register(path)
    codes = [reason.rule.code for reason in refused.value.reasons]
    assert codes == ["key.twice", "pole.code.malformed", "key.malformed", "key.malformed"]


def test_a_missing_register_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        load_register(tmp_path / "none.toml")
    assert the_rule(refused) is keys.MISSING
