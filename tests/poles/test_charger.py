"""The dock's charger: the whole table, written out a second time by hand, and its two interlocks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poles.services import charger
from poles.services.charger import TABLE, Charger, ChargerEvent, Contacts, step

# One line a state, one word an event: orders charge, stop and reset; battery filled, trouble, drone left, cover opened.
# + closes the contacts, = opens them, ! refuses.
EXPECTED = """
          charge     stop   reset     filled    trouble  left   uncovered
off       charging+  off    off!      off       fault=   off    off
charging  charging   off=   charging! full=     fault=   off=   off=
full      charging+  off    full!     full      fault=   off    full
fault     fault!     fault  off       fault     fault    fault  fault
"""


def expected() -> dict[tuple[Charger, ChargerEvent], str]:
    head, *rows = [line.split() for line in EXPECTED.strip().splitlines()]
    return {
        (Charger(row[0]), ChargerEvent(event)): cell for row in rows for event, cell in zip(head, row[1:], strict=True)
    }


def in_words(state: Charger, event: ChargerEvent, *, drone: bool = True, covered: bool = True) -> str:
    cell = step(state, event, drone_present=drone, covered=covered)
    sign = {None: "", Contacts.ON: "+", Contacts.OFF: "="}[cell.contacts]
    return f"{cell.charger}{sign}{'!' if cell.refused else ''}"


def test_the_table_has_every_pair() -> None:
    assert set(TABLE) == set(itertools.product(Charger, ChargerEvent)) == set(expected())


@pytest.mark.parametrize(("state", "event"), list(itertools.product(Charger, ChargerEvent)))
def test_every_pair_does_what_the_table_in_this_test_says(state: Charger, event: ChargerEvent) -> None:
    assert in_words(state, event) == expected()[state, event]


@pytest.mark.parametrize(
    ("drone", "covered", "rule"),
    [(False, True, charger.NO_DRONE), (True, False, charger.NOT_COVERED), (False, False, charger.NO_DRONE)],
)
@pytest.mark.parametrize(("state", "event"), list(itertools.product(Charger, ChargerEvent)))
def test_current_flows_only_into_a_drone_under_a_closed_cover(
    state: Charger, event: ChargerEvent, drone: bool, covered: bool, rule: object
) -> None:
    cell = step(state, event, drone_present=drone, covered=covered)
    assert cell.contacts is not Contacts.ON
    if expected()[state, event].endswith("+"):
        assert cell == charger.Step(state, refused=rule)  # type: ignore[arg-type]
    else:
        assert in_words(state, event, drone=drone, covered=covered) == expected()[state, event]


@given(st.lists(st.tuples(st.sampled_from(ChargerEvent), st.booleans(), st.booleans())))
def test_after_any_history_the_contacts_carry_current_only_while_charging(
    history: list[tuple[ChargerEvent, bool, bool]],
) -> None:
    state, contacts, drone, covered = Charger.OFF, Contacts.OFF, True, True
    for event, drone_next, covered_next in history:
        if drone and not drone_next:
            event = ChargerEvent.LEFT  # sensors tell at once
        elif covered and not covered_next:
            event = ChargerEvent.UNCOVERED
        drone, covered = drone_next, covered_next
        cell = step(state, event, drone_present=drone, covered=covered)
        state, contacts = cell.charger, cell.contacts or contacts
        assert (contacts is Contacts.ON) == (state is Charger.CHARGING)
        assert contacts is Contacts.OFF or drone
