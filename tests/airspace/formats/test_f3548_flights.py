"""The flights of InterUSS's conflict scenarios, told as F3548: those that must conflict do, those that must not do not.

What must conflict with what is said in InterUSS's own scenario, nominal_planning/conflict_higher_priority.md. The file
describes most flights by what differs from another one; `+name` replaces a member whole (their overrides.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airspace.foreign_intents import laid
from airspace.frames import LatLon, LocalFrame
from airspace.intents import OperationalIntent
from tests.airspace.formats.geozone_documents import f3548_intent, f3548_read, f3548_time

FILE = Path(__file__).parents[4] / "shared" / "data" / "f3548" / "conflicting_flights.yaml"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the shared data is not here")

FRAME = LocalFrame(LatLon(0.0, 0.0))
STATES = {
    ("Planned", "Nominal"): "Accepted",
    ("InUse", "Nominal"): "Activated",
    ("InUse", "OffNominal"): "Nonconforming",
}
# The time of evaluation in the file: from one second before it to 45 minutes after.
START, END = "2026-05-18T08:59:59Z", "2026-05-18T09:45:00Z"

CONFLICTS = [
    ("flight1_planned", "flight2_planned", True),
    ("flight1_planned", "flight2_activated", True),
    ("flight1_activated", "flight2_activated", True),
    ("flight1_activated", "flight2m_activated", False),
    ("flight1m_planned", "flight2_planned", True),
    ("flight1m_activated", "flight2_activated", True),
    ("flight1c_activated", "flight2m_activated", True),
    ("flight1c_activated", "flight2_activated", False),
    ("flight1c_planned", "flight2_planned", False),
    # The same place as flight1c_activated, in part, but 10 m above it: heights keep them apart.
    ("flight1c_activated", "equal_prio_flight2m_planned", False),
    ("flight1_activated", "equal_prio_flight2_activated", True),
    ("flight1_planned", "equal_prio_flight2m_planned", False),
    ("flight1_planned", "equal_prio_flight2_planned", True),
    ("flight1_activated", "equal_prio_flight2_nonconforming", True),
]


def overridden(base: Any, changes: Any) -> Any:
    """A description with changes put over it, as InterUSS does it."""
    if isinstance(changes, list) and isinstance(base, list):
        both = [overridden(a, b) for a, b in zip(base, changes, strict=False)]
        return [*both, *base[len(both) :], *changes[len(both) :]]
    if not (isinstance(changes, dict) and isinstance(base, dict)):
        return changes
    result = dict(base)
    for name, value in changes.items():
        plain = name.removeprefix("+")
        result[plain] = value if name != plain or plain not in base else overridden(base[plain], value)
    return result


def resolved(intents: dict[str, Any], name: str) -> dict[str, Any]:
    """The whole description of a flight."""
    given: dict[str, Any] = intents[name]
    if "full" in given:
        return given["full"]  # type: ignore[no-any-return]
    found = overridden(resolved(intents, given["delta"]["source"]), given["delta"]["mutation"])
    assert isinstance(found, dict)
    return found


def told(flight: dict[str, Any]) -> dict[str, Any]:
    """A flight as its USS would tell of it: off nominal, where it may be is where it was to be."""
    basic = flight["basic_information"]
    state = STATES[basic["usage_state"], basic["uas_state"]]
    volumes = [
        {
            "volume": {name: area[name] for name in ("outline_polygon", "altitude_lower", "altitude_upper")},
            "time_start": f3548_time(START),
            "time_end": f3548_time(END),
        }
        for area in basic["area"]
    ]
    intent = f3548_intent(state, time_start=f3548_time(START), time_end=f3548_time(END))
    off_nominal = volumes if state == "Nonconforming" else []
    intent["details"] = {"volumes": volumes, "off_nominal_volumes": off_nominal, "priority": priority(flight)}
    return intent


def priority(flight: dict[str, Any]) -> int:
    return int(flight["astm_f3548_21"]["priority"])


@pytest.fixture(scope="module")
def flights() -> dict[str, OperationalIntent]:
    """Every flight of the file, told as F3548, read and laid."""
    intents = yaml.safe_load(FILE.read_text(encoding="utf-8"))["intents"]
    read = {name: f3548_read(told(resolved(intents, name))) for name in intents}
    assert [name for name, reading in read.items() if reading.reasons] == []
    return {name: laid(reading.intents[0], FRAME) for name, reading in read.items()}


def conflict(one: OperationalIntent, other: OperationalIntent) -> bool:
    return any(own.overlaps(volume) for own in one.held for volume in other.held)


@pytest.mark.parametrize(("one", "other", "expected"), CONFLICTS)
def test_flights_conflict_where_the_scenario_says_so(
    flights: dict[str, OperationalIntent], one: str, other: str, expected: bool
) -> None:
    assert conflict(flights[one], flights[other]) is expected
    assert conflict(flights[other], flights[one]) is expected


def test_every_flight_of_the_file_is_compared(flights: dict[str, OperationalIntent]) -> None:
    assert {name for one, other, _ in CONFLICTS for name in (one, other)} == set(flights)


def test_priorities_and_states_are_those_of_the_file(flights: dict[str, OperationalIntent]) -> None:
    assert flights["flight1_planned"].priority == 0
    assert flights["flight2m_activated"].priority == 100
    assert flights["equal_prio_flight2_planned"].priority == 0
    assert flights["flight2m_activated"].state.value == "activated"
    assert flights["equal_prio_flight2_nonconforming"].state.value == "nonconforming"


def test_heights_below_the_ellipsoid_are_kept(flights: dict[str, OperationalIntent]) -> None:
    assert flights["flight1m_planned"].volumes[0].floor_ellipsoidal_m == -30.03
    assert flights["flight1c_planned"].volumes[0].floor_ellipsoidal_m == -5.04
