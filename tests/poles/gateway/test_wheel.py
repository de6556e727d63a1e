"""The time wheel against a list of all that waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from poles.gateway.wheel import Wheel


def turned(wheel: Wheel[str], tick: int) -> list[tuple[int, str]]:
    return [(slot, item) for slot, items in wheel.turn(tick) for item in items]


def test_what_waits_is_handed_out_at_its_tick_and_once() -> None:
    wheel: Wheel[str] = Wheel(100)
    assert wheel.put("a", 105) == 105
    wheel.put("b", 103)
    assert turned(wheel, 102) == []
    assert wheel.next_tick() == 103
    assert turned(wheel, 110) == [(103, "b"), (105, "a")]
    assert turned(wheel, 500) == []
    assert wheel.next_tick() is None


def test_a_tick_that_has_passed_is_the_next_one() -> None:
    wheel: Wheel[str] = Wheel(100)
    assert wheel.put("late", 7) == 101
    assert turned(wheel, 101) == [(101, "late")]


def test_what_lies_beyond_the_wheel_waits_in_its_farthest_slot() -> None:
    wheel: Wheel[str] = Wheel(0, slots=16)
    assert wheel.put("far", 1000) == 15
    assert turned(wheel, 14) == []
    assert turned(wheel, 40) == [(15, "far")]


def test_what_is_put_in_while_it_turns_is_handed_out_by_the_same_turn() -> None:
    wheel: Wheel[str] = Wheel(0, slots=8)
    wheel.put("first", 3)
    seen = []
    for slot, items in wheel.turn(50):
        seen += [(slot, item) for item in items]
        if slot < 20:
            wheel.put("again", slot + 5)
    assert seen == [(3, "first"), (8, "again"), (13, "again"), (18, "again"), (23, "again")]
    assert len(wheel) == 0
    assert wheel.tick == 50


@given(
    slots=st.integers(2, 40),
    acts=st.lists(st.tuples(st.integers(-5, 200), st.integers(0, 60)), max_size=60),
)
def test_nothing_is_lost_early_or_handed_out_twice(slots: int, acts: list[tuple[int, int]]) -> None:
    wheel: Wheel[int] = Wheel(0, slots)
    waiting: dict[int, int] = {}
    now = 0
    for number, (ahead, turn) in enumerate(acts):
        waiting[number] = wheel.put(number, now + ahead)
        assert now < waiting[number] <= max(now + ahead, now + 1)
        now += turn
        out = [(slot, item) for slot, items in wheel.turn(now) for item in items]
        assert all(waiting.pop(item) == slot for slot, item in out)
        assert all(slot > now for slot in waiting.values())
        assert wheel.next_tick() == min(waiting.values(), default=None)
        assert len(wheel) == len(waiting)
