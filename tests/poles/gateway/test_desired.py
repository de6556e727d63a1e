"""Desired and reported settings: every difference is visible with its age, and none is forgotten."""

from __future__ import annotations

import math
from typing import Any

import pytest

from airspace.reasons import Words
from poles.gateway.desired import AGAIN_AT_MOST_S, AGAIN_S, DesiredBook, Repeats, Status
from poles.gateway.notes import Condition
from poles.gateway.wishes import UNMET_S, Wishes
from poles.protocol import Desired, Reported


def reported(version: int, settings: dict[str, Any], function: str = "Lamp", **more: Any) -> Reported:
    return Reported(
        boot="b1", after=0, seq=1, at_s=0.0, held_s=0.0, function=function, version=version, settings=settings, **more
    )


def wished(book: DesiredBook, settings: dict[str, Any], at_s: float = 100.0, function: str = "Lamp") -> int:
    version = book.next_version("P1", function)
    book.wished("P1", function, version, settings, "Li", at_s)
    return version


def test_a_wish_waits_until_it_is_answered_and_is_met_then() -> None:
    book = DesiredBook()
    assert wished(book, {"level": 50}) == 1
    assert book.status("P1", "Lamp") is Status.WAITING
    assert book.unanswered("P1") == [Desired(function="Lamp", version=1, settings={"level": 50})]
    book.reported("P1", reported(1, {"level": 50, "pattern": "steady"}), 110.0)
    assert book.status("P1", "Lamp") is Status.MET
    assert book.unanswered("P1") == []
    assert list(book.differences()) == []
    assert book.since_s("P1", "Lamp") is None


def test_each_setting_that_differs_is_listed_with_its_age() -> None:
    book = DesiredBook()
    book.reported("P1", reported(0, {"level": 80, "on": True}), 90.0)
    wished(book, {"level": 50, "on": True, "pattern": "landing"}, at_s=100.0)
    level, pattern = book.differences("P1")
    assert (level.setting, level.desired, level.reported, level.status) == ("level", 50, 80, Status.WAITING)
    assert (pattern.setting, pattern.reported) == ("pattern", None)
    assert {level.since_s, pattern.since_s} == {100.0}
    assert list(book.differences("P2")) == []


def test_a_newer_wish_has_a_higher_version_than_anything_that_was_spoken_of() -> None:
    book = DesiredBook()
    assert [wished(book, {"level": n}) for n in range(3)] == [1, 2, 3]
    book.reported("P1", reported(41, {"level": 9}), 110.0)  # the store was lost, the pole's memory was not
    assert wished(book, {"level": 5}) == 42


def test_an_answer_to_an_older_wish_does_not_meet_the_newer() -> None:
    book = DesiredBook()
    wished(book, {"level": 10})
    wished(book, {"level": 20})
    book.reported("P1", reported(1, {"level": 10}), 110.0)
    assert book.status("P1", "Lamp") is Status.WAITING
    assert [wish.version for wish in book.unanswered("P1")] == [2]


def test_a_refused_wish_stays_visible_with_the_poles_reason() -> None:
    book = DesiredBook()
    wished(book, {"level": 120})
    book.reported("P1", reported(1, {"level": 80}, code="lamp.level", en="too bright", zh="过亮"), 110.0)
    assert book.unanswered("P1") == []
    (difference,) = book.differences()
    assert difference.status is Status.REFUSED
    assert (difference.code, difference.why) == ("lamp.level", Words("too bright", "过亮"))
    assert difference.since_s == 100.0


def test_a_setting_that_is_changed_at_the_pole_differs_from_then_on() -> None:
    book = DesiredBook()
    wished(book, {"level": 50})
    book.reported("P1", reported(1, {"level": 50}), 110.0)
    book.reported("P1", reported(1, {"level": 0}), 500.0)
    (difference,) = book.differences()
    assert (difference.status, difference.since_s, difference.reported) == (Status.DIFFERS, 500.0, 0)
    book.reported("P1", reported(1, {"level": 50}), 600.0)
    assert list(book.differences()) == []


@pytest.mark.parametrize(
    ("desired", "said", "same"),
    [
        (0.1, 0.10000000149011612, True),  # a 32-bit float
        (50, 50.0, True),
        (0.1, 0.101, False),
        (True, 1, False),
        ("landing", "landing", True),
        ([1, 2.0], (1, 2), True),
        ([1, 2], [1], False),
        ({"a": 0.1}, {"a": 0.10000000149}, True),
        ({"a": 1}, {"b": 1}, False),
        (1, None, False),
    ],
)
def test_what_is_the_same_setting(desired: Any, said: Any, same: bool) -> None:
    book = DesiredBook()
    wished(book, {"x": desired})
    book.reported("P1", reported(1, {"x": said}), 110.0)
    assert (book.status("P1", "Lamp") is Status.MET) is same


def test_functions_and_poles_without_wishes_are_as_desired() -> None:
    book = DesiredBook()
    book.reported("P1", reported(0, {"level": 1}), 1.0)
    assert book.status("P1", "Lamp") is book.status("P1", "Dock") is book.status("P2", "Lamp") is Status.MET
    assert book.wish("P1", "Lamp") is None
    assert list(book.differences()) == []
    in_force = book.in_force("P1", "Lamp")
    assert in_force is not None
    assert in_force.settings == {"level": 1}


def test_repeats_come_ever_more_rarely_and_end_with_the_answer() -> None:
    book, repeats = DesiredBook(), Repeats()
    wished(book, {"level": 50})
    (wish,) = book.unanswered("P1")
    assert repeats.wake_s == math.inf
    repeats.sent("P1", wish, 0.0)
    times = []
    for _ in range(10):
        now_s = repeats.wake_s
        ((pole, again, pause_s),) = repeats.due(book, now_s)
        assert (pole, again) == ("P1", wish)
        times.append(now_s)
        repeats.sent(pole, again, now_s, pause_s)
    pauses = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    assert pauses[:3] == [AGAIN_S, 2 * AGAIN_S, 4 * AGAIN_S]
    assert pauses[-1] == AGAIN_AT_MOST_S
    book.reported("P1", reported(1, {"level": 50}), 110.0)
    assert repeats.due(book, 1e9) == []


def test_a_wish_that_is_sent_often_is_repeated_as_if_it_were_sent_once() -> None:
    book, repeats = DesiredBook(), Repeats()
    wished(book, {"level": 50})
    (wish,) = book.unanswered("P1")
    for hello in range(1000):
        repeats.sent("P1", wish, hello / 1000.0)
    assert len(repeats.due(book, AGAIN_S)) == 1
    assert repeats.due(book, 1e9) == []
    repeats.sent("P1", wish, 100.0, AGAIN_AT_MOST_S)
    repeats.sent("P1", wish, 110.0)  # it connected anew: no reason to wait that long
    assert repeats.wake_s == 110.0 + AGAIN_S
    assert len(repeats.due(book, 1e9)) == 1
    assert repeats.wake_s == math.inf


def test_a_newer_wish_takes_the_place_of_the_repeats_of_the_older() -> None:
    book, repeats = DesiredBook(), Repeats()
    for level in (50, 60):
        wished(book, {"level": level})
        (wish,) = book.unanswered("P1")
        repeats.sent("P1", wish, 0.0)
    ((_, again, _),) = repeats.due(book, AGAIN_S)
    assert again.settings == {"level": 60}


# -- carried out -------------------------------------------------------------------------------------------------------


class Scene:
    """Wishes with a pole that may be away; UTC runs with the loop from 1000 s on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.away = False
        self.sent: list[Desired] = []
        self.told: list[Condition] = []
        self.wishes = Wishes(self._send, self.told.append, lambda: 1000.0 + self.now_s)

    def _send(self, pole: str, wish: Desired) -> bool:
        if not self.away:
            self.sent.append(wish)
        return not self.away

    def wish(self, **settings: Any) -> None:
        self.wishes.wished(self.wishes.next("P1", "Lamp", settings, "Li"), 1000.0 + self.now_s, self.now_s)

    def answer(self, version: int, settings: dict[str, Any], **more: Any) -> None:
        self.wishes.reported("P1", reported(version, settings, **more), 1000.0 + self.now_s, self.now_s)

    def until(self, now_s: float) -> None:
        while (wake_s := self.wishes.wake_s) <= now_s:
            self.now_s = max(self.now_s, wake_s)
            self.wishes.advance(self.now_s)
        self.now_s = now_s


def test_a_wish_for_a_pole_that_is_away_is_sent_when_it_is_welcomed() -> None:
    scene = Scene()
    scene.away = True
    scene.wish(level=50)
    scene.until(100.0)
    assert scene.sent == []
    scene.away = False
    scene.wishes.welcomed("P1", scene.now_s)
    assert [wish.version for wish in scene.sent] == [1]
    scene.until(104.0)
    assert len(scene.sent) == 1
    scene.until(106.0)
    assert len(scene.sent) == 2
    scene.answer(1, {"level": 50})
    scene.until(1000.0)
    assert len(scene.sent) == 2
    assert scene.told == []


def test_a_wish_that_stays_unmet_is_told_once_and_taken_back_when_it_is_met() -> None:
    scene = Scene()
    scene.wish(level=50)
    scene.until(UNMET_S - 2.0)
    assert scene.told == []
    scene.until(3 * UNMET_S)
    (condition,) = scene.told
    assert (condition.code, condition.function, condition.facts["why"]) == (
        "pole.desired-unmet",
        "Lamp",
        "no answer yet",
    )
    assert condition.facts["age_s"] == pytest.approx(UNMET_S, abs=1.5)
    scene.answer(1, {"level": 50})
    assert [each.active for each in scene.told] == [True, False]


def test_a_wish_for_nothing_in_particular_that_stays_unanswered_is_told_also_after_a_restart() -> None:
    scene = Scene()
    scene.wish()
    restarted = Scene()
    restarted.wishes.book.restore(scene.wishes.book.kept())
    restarted.wishes.restore(0.0, [])
    restarted.until(2 * UNMET_S)
    assert [condition.active for condition in restarted.told] == [True]


def test_nobody_misses_what_was_wished_of_a_pole_that_is_forgotten_until_it_is_welcomed_again() -> None:
    scene = Scene()
    scene.wish(level=50)
    scene.until(2 * UNMET_S)
    assert [condition.active for condition in scene.told] == [True]
    scene.wishes.forget("P1")
    scene.wish(level=60)
    scene.until(5 * UNMET_S)
    assert len(scene.told) == 1
    scene.wishes.welcomed("P1", scene.now_s)
    scene.until(7 * UNMET_S)
    assert [condition.active for condition in scene.told] == [True, True]


def test_a_refusal_is_told_at_once_in_the_poles_words() -> None:
    scene = Scene()
    scene.wish(level=120)
    scene.answer(1, {"level": 80}, code="lamp.level", en="too bright", zh="过亮")
    (condition,) = scene.told
    assert (condition.facts["why"], condition.facts["why_zh"]) == ("too bright", "过亮")
    scene.until(2 * UNMET_S)
    assert len(scene.told) == 1
    scene.wish(level=80)
    scene.answer(2, {"level": 80})
    assert [each.active for each in scene.told] == [True, False]


def test_a_setting_changed_at_the_pole_is_told_after_a_while() -> None:
    scene = Scene()
    scene.wish(level=50)
    scene.answer(1, {"level": 50})
    scene.until(1000.0)
    scene.answer(1, {"level": 0})
    scene.until(1000.0 + UNMET_S - 2.0)
    assert scene.told == []
    scene.until(1000.0 + UNMET_S + 2.0)
    assert [condition.facts["why"] for condition in scene.told] == ["it is set otherwise"]


def test_a_newer_wish_has_its_own_patience() -> None:
    scene = Scene()
    scene.wish(level=50)
    scene.until(UNMET_S - 10.0)
    scene.wish(level=60)
    scene.until(UNMET_S + 10.0)
    assert scene.told == []
    scene.until(2 * UNMET_S + 10.0)
    assert len(scene.told) == 1


def test_a_setting_that_goes_to_and_fro_is_looked_at_as_if_it_had_gone_once() -> None:
    scene = Scene()
    scene.wish(level=50)
    for second in range(1, 200):
        scene.now_s = float(second)
        scene.answer(1, {"level": second % 2})
    looks = 0
    while (wake_s := scene.wishes.wake_s) < math.inf:
        scene.now_s = max(scene.now_s, wake_s)
        scene.wishes.advance(scene.now_s)
        looks += 1
    assert [condition.facts["why"] for condition in scene.told] == ["it is set otherwise"]
    assert looks <= 10
