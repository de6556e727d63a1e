from airspace.reasons import Reason, Refused, Rule, Words

RULE = Rule("test.rule", Words("{what} is wrong", "{what}有误"), Words("Use {other}.", "请使用 {other}。"))
FACTS = {"what": Words("the height", "高度"), "other": 12}


def test_a_reason_is_one_line_with_place_rule_and_remedy_in_both_languages() -> None:
    reason = Reason(RULE, "a.yaml:3 height_m", FACTS)
    assert reason.text("en") == "a.yaml:3 height_m: the height is wrong [test.rule] Use 12."
    assert reason.text("zh") == "a.yaml:3 height_m: 高度有误 [test.rule] 请使用 12。"


def test_a_reason_for_machines_has_its_code_and_only_the_places_it_knows() -> None:
    row = Reason(RULE, facts=FACTS, start_s=5.0).as_dict()
    assert row == {
        "code": "test.rule",
        "where": "",
        "en": "the height is wrong [test.rule] Use 12.",
        "zh": "高度有误 [test.rule] 请使用 12。",
        "start_s": 5.0,
    }


def test_a_fact_with_braces_is_shown_as_it_is() -> None:
    assert "{boo} is wrong" in Reason(RULE, facts={"what": "{boo}", "other": 1}).text()


def test_a_refusal_says_all_its_reasons() -> None:
    refused = Refused(Reason(RULE, facts={"what": what, "other": 1}) for what in "ab")
    assert len(refused.reasons) == 2
    assert str(refused).splitlines() == ["a is wrong [test.rule] Use 1.", "b is wrong [test.rule] Use 1."]
