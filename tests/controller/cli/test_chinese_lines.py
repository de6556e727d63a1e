"""What people read in Chinese: orders, answers and the kinds of bad luck have words, machines keep the codes."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from airspace.reasons import Lang
from controller.cli import words
from controller.cli.console import TextView
from controller.cli.sim.explore import OTHER_KINDS, kind_words
from controller.events import CommandAnswered, Record
from controller.flight.gates import FIX_WORDS
from sim.faults import FAULTS
from sim.world.days.day import Day, DayLink, Death
from sim.world.days.exploring import kinds_of
from sim.world.days.random_day import random_day

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def line(command: str, outcome: str, lang: Lang) -> str:
    out = io.StringIO()
    event = CommandAnswered(flight="f", target="drone-1", command=command, outcome=outcome, detail="why")
    TextView(lang, Console(file=out, highlight=False)).record(Record(seq=1, utc_s=0.0, event=event))
    return out.getvalue().partition("→ ")[2].strip()


@pytest.mark.parametrize("order", words.ORDERS)
def test_an_order_is_told_in_the_language_of_the_reader(order: str) -> None:
    assert line(order, "accepted", "en") == f"drone-1: {words.ORDERS[order].en}"
    assert line(order, "accepted", "zh") == f"drone-1: {words.ORDERS[order].zh}"
    assert CHINESE.search(words.ORDERS[order].zh)


def test_an_answer_that_is_none_is_told_in_the_language_of_the_reader() -> None:
    assert line("arm", "rejected", "en") == "drone-1: arm (rejected why)"
    assert line("arm", "rejected", "zh") == "drone-1: 解锁 (被拒绝 why)"
    assert line("arm", "unknown", "zh") == "drone-1: 解锁 (结果未知，可能已执行，请查看 why)"
    assert line("land at 410105-LP-000003", "accepted", "zh") == "drone-1: 降落于 410105-LP-000003"
    assert line("land at 410105-LP-000003", "accepted", "en") == "drone-1: land at 410105-LP-000003"
    assert line("go down to 410105-LP-000003", "accepted", "zh") == "drone-1: 下降至 410105-LP-000003"
    assert line("leave 410105-LP-000003", "accepted", "zh") == "drone-1: 离开 410105-LP-000003"
    assert line("wave", "accepted", "zh") == "drone-1: wave"


def test_every_fix_has_chinese_words() -> None:
    assert all(CHINESE.search(said.zh) for said in FIX_WORDS.values())


def unlucky() -> Day:
    day = random_day(1)
    return Day(
        seed=1,
        minutes=1.0,
        city=day.city,
        deaths=(Death(word=1, kept=True),),
        link=DayLink(loss=0.1, jitter_s=0.1),
        disk_s=1.0,
        faults=("dock=taken", "wind=9"),
    )


def test_every_kind_of_bad_luck_has_chinese_words() -> None:
    kinds = [*FAULTS, *OTHER_KINDS, *kinds_of(unlucky())]
    assert {"dock=taken", "slow store", "loss", "killed at an event"} <= set(kinds)
    for kind in kinds:
        assert kind_words(kind).en == kind
        assert CHINESE.search(kind_words(kind).zh), kind
    assert kind_words("dock=taken").zh == "机库：被未申报的无人机占用"
