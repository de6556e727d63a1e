"""The dock's cover: the whole table, written out a second time by hand, and its two interlocks."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Rule
from poles.services import cover
from poles.services.cover import TABLE, Cover, CoverEvent, Motor, Surroundings, step

CLEAR = Surroundings(path_clear=True, rain_mmph=0.0, rain_limit_mmph=2.5)
BLOCKED = Surroundings(path_clear=False, rain_mmph=0.0, rain_limit_mmph=2.5)
RAINING = Surroundings(path_clear=True, rain_mmph=2.6, rain_limit_mmph=2.5)
UNKNOWN_RAIN = Surroundings(path_clear=True, rain_mmph=None, rain_limit_mmph=2.5)

# One line a state, one word an event: order open, order close, order reset, switch open, switch closed, overrun,
# path blocked, rain over the limit. +/- run the motor to open/closed, = stops it, ! refuses.
EXPECTED = """
          open      close     reset     at-open   at-closed overrun   blocked   rain
closed    opening+  closed    closed!   stuck=    closed    closed    closed    closed
opening   opening   closing-  opening!  open=     opening   stuck=    opening   closing-
open      open      closing-  open!     open      stuck=    open      open      open
closing   opening+  closing   closing!  closing   closed=   stuck=    opening+  closing
stuck     stuck!    stuck!    closing-  stuck     stuck     stuck     stuck     stuck
"""


def expected() -> dict[tuple[Cover, CoverEvent], str]:
    head, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    return {(Cover(row[0]), CoverEvent(event)): cell for row in rows for event, cell in zip(head, row[1:], strict=True)}


def in_words(state: Cover, event: CoverEvent, around: Surroundings) -> str:
    cell = step(state, event, around)
    sign = {None: "", Motor.OPEN: "+", Motor.CLOSE: "-", Motor.STOP: "="}[cell.motor]
    return f"{cell.cover}{sign}{'!' if cell.refused else ''}"


def test_the_table_has_every_pair() -> None:
    assert set(TABLE) == set(itertools.product(Cover, CoverEvent)) == set(expected())


@pytest.mark.parametrize(("state", "event"), list(itertools.product(Cover, CoverEvent)))
def test_every_pair_does_what_the_table_in_this_test_says(state: Cover, event: CoverEvent) -> None:
    assert in_words(state, event, CLEAR) == expected()[state, event]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(Cover, CoverEvent)))
def test_with_something_in_the_path_no_pair_closes_the_cover(state: Cover, event: CoverEvent) -> None:
    cell = step(state, event, BLOCKED)
    assert cell.motor is not Motor.CLOSE
    if expected()[state, event].endswith("-"):
        assert cell == cover.Step(state, refused=cover.PATH_BLOCKED)
    else:
        assert in_words(state, event, BLOCKED) == expected()[state, event]


@pytest.mark.parametrize(
    ("around", "rule"), [(RAINING, cover.RAIN_OVER_LIMIT), (UNKNOWN_RAIN, cover.RAIN_UNKNOWN)], ids=["wet", "unknown"]
)
@pytest.mark.parametrize(("state", "event"), list(itertools.product(Cover, CoverEvent)))
def test_in_rain_only_an_obstacle_opens_the_cover(
    state: Cover, event: CoverEvent, around: Surroundings, rule: Rule
) -> None:
    cell = step(state, event, around)
    if cell.motor is Motor.OPEN:
        assert (state, event) == (Cover.CLOSING, CoverEvent.BLOCKED)
    if expected()[state, event].endswith("+") and event is CoverEvent.OPEN:
        assert cell == cover.Step(state, refused=rule)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CoverEvent), st.booleans(), st.none() | st.floats(0, 10))))
def test_after_any_history_the_motor_never_runs_into_an_obstacle(
    history: list[tuple[CoverEvent, bool, float | None]],
) -> None:
    state, motor, clear = Cover.CLOSED, Motor.STOP, True
    for event, clear_next, rain in history:
        if clear and not clear_next:
            event = CoverEvent.BLOCKED  # the light curtain tells at once
        clear = clear_next
        cell = step(state, event, Surroundings(clear, rain, 2.5))
        state, motor = cell.cover, cell.motor or motor
        assert clear or motor is not Motor.CLOSE
        assert (motor is Motor.STOP) == (state not in (Cover.OPENING, Cover.CLOSING))
