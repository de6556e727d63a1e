import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from poles.keys.check_characters import SYSTEMS
from poles.keys.city_code import BAD_FORM, DEFAULT_SCHEME, MALFORMED, MISTYPED, UNKNOWN_DISTRICT, CityCode, Scheme

CHECKED = Scheme("dddddd-cc-nnnnnn-k", "MOD 37,36")
SCHEMES = [
    DEFAULT_SCHEME,
    CHECKED,
    Scheme("HN.ddddddcnnnn_k", "MOD 37,36"),
    Scheme("ddddddnnnnnnnnk", "MOD 11-2"),
    Scheme("ddddddnnnnnnnnk", "MOD 11,10"),
    Scheme("nnnnccdddddd"),
]


@pytest.mark.parametrize(
    ("system", "text", "check"),
    [
        ("MOD 11-2", "0794", "0"),  # ISO/IEC 7064:2003, example
        ("MOD 11-2", "079", "X"),
        ("MOD 11-2", "11010519491231002", "X"),  # GB 11643-1999, example
        ("MOD 11,10", "0794", "5"),  # ISO/IEC 7064:2003, example
        ("MOD 11,10", "79462", "3"),
        ("MOD 37,36", "A12425GABC1234002", "M"),  # the Global Release Identifier, example
    ],
)
def test_check_characters_are_those_that_were_published(system: str, text: str, check: str) -> None:
    assert SYSTEMS[system](text) == check


def test_a_code_is_taken_apart_and_put_together() -> None:
    code = DEFAULT_SCHEME.parse("410105-LP-000001")
    assert code == CityCode("410105", "LP", 1)
    assert DEFAULT_SCHEME.write(code) == DEFAULT_SCHEME.example == "410105-LP-000001"
    assert CHECKED.write(code) == "410105-LP-000001-Q"


@settings(deadline=None)
@given(st.sampled_from(SCHEMES), st.sampled_from(["110101", "410105", "820000"]), st.integers(1, 9999), st.data())
def test_every_code_survives_the_round_trip(scheme: Scheme, district: str, serial: int, data: st.DataObject) -> None:
    kind = data.draw(st.text("ABCXYZ", min_size=scheme.form.count("c"), max_size=scheme.form.count("c")))
    code = CityCode(district, kind, serial)
    assert scheme.parse(scheme.write(code)) == code


@settings(deadline=None)
@given(st.integers(1, 999_999), st.integers(0, 15), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_no_single_wrong_character_of_a_checked_code_is_taken(serial: int, place: int, wrong: str) -> None:
    right = CHECKED.write(CityCode("410105", "LP", serial))
    spoilt = right[:place] + wrong + right[place + 1 :]
    if spoilt != right:
        with pytest.raises(Refused) as refused:
            CHECKED.parse(spoilt)
        assert refused.value.reasons[0].rule in (MALFORMED, MISTYPED)


def test_two_swapped_digits_are_found() -> None:
    with pytest.raises(Refused) as refused:
        CHECKED.parse("410150-LP-000001-Q")
    assert refused.value.reasons[0].rule is MISTYPED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "410105-LP-1",
        "410105-lp-000001",
        " 410105-LP-000001",
        "410105-LP-000001\n",
        "410105-LP-000000",
        "４１０１０５-LP-000001",
        "410105LP000001",
        "410105-LP-0000010",
    ],
)
def test_there_is_one_way_to_write_a_code(text: str) -> None:
    with pytest.raises(Refused) as refused:
        DEFAULT_SCHEME.parse(text, "poles.toml:3")
    (reason,) = refused.value.reasons
    assert reason.rule is MALFORMED
    assert reason.where == "poles.toml:3"
    assert "410105-LP-000001" in reason.text("zh")


def test_a_district_that_no_province_has_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        DEFAULT_SCHEME.parse("990105-LP-000001")
    assert refused.value.reasons[0].rule is UNKNOWN_DISTRICT


@pytest.mark.parametrize(
    ("form", "check"),
    [
        ("", ""),
        ("dddd-cc-nnnn", ""),
        ("dddddd-cc", ""),
        ("dddddd-cc-nnnn-cc-nn", ""),
        ("dddddd-cc-nnnn-k", ""),
        ("dddddd-cc-nnnn", "MOD 37,36"),
        ("k-dddddd-cc-nnnn", "MOD 37,36"),
        ("dddddd-cc-nnnn-kk", "MOD 37,36"),
        ("dddddd-cc-nnnn-k", "MOD 11-2"),
        ("dddddd-nnnn-k", "MOD 5"),
        ("dddddd 市 nnnn", ""),
        ("dddddd-cc-" + "n" * 40, ""),
    ],
)
def test_a_form_that_is_none_is_refused(form: str, check: str) -> None:
    with pytest.raises(Refused) as refused:
        Scheme(form, check)
    assert refused.value.reasons[0].rule is BAD_FORM
