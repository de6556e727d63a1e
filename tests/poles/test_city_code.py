import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from poles.city_code import MALFORMED, UNKNOWN_DISTRICT, CityCode, DistrictScheme

SCHEME = DistrictScheme()


def test_a_code_is_taken_apart_and_put_together() -> None:
    code = SCHEME.parse("410105-LP-000001")
    assert code == CityCode("410105", "LP", 1)
    assert str(code) == "410105-LP-000001"


@settings(deadline=None)
@given(st.sampled_from(["110101", "410105", "820000"]), st.from_regex(r"\A[A-Z]{2}\Z"), st.integers(1, 999_999))
def test_every_well_formed_code_survives_the_round_trip(district: str, kind: str, serial: int) -> None:
    code = CityCode(district, kind, serial)
    assert SCHEME.parse(str(code)) == code


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
        SCHEME.parse(text, "poles.toml:3")
    (reason,) = refused.value.reasons
    assert reason.rule is MALFORMED
    assert reason.where == "poles.toml:3"
    assert "410105-LP-000001" in reason.text("zh")


def test_a_district_that_no_province_has_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        SCHEME.parse("990105-LP-000001")
    assert refused.value.reasons[0].rule is UNKNOWN_DISTRICT
