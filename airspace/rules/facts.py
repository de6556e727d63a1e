"""What is known of a flight when a jurisdiction is asked about it. None means 'nobody said', and is never a yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from airspace.charted import Restriction


class Purpose(StrEnum):
    """Why a flight is made, where rules tell flights apart by it.

    EMERGENCY is rescue, medical help or disaster relief; SPECIAL_EMERGENCY is that with no time to ask beforehand.
    """

    ORDINARY = "ordinary"
    AGRICULTURAL = "agricultural"
    EMERGENCY = "emergency"
    SPECIAL_EMERGENCY = "special-emergency"


@dataclass(frozen=True, slots=True)
class DroneFacts:
    """A drone as rules see it: masses [kg], what it can do [m/s, m above ground], its longest side [m], its abilities.

    `class_mark` is a class that its maker declared (C0 to C4 in Europe). `reports_id` sends its identification to the
    state's network, `broadcasts_id` to whoever is near.
    """

    empty_kg: float | None = None
    mtow_kg: float | None = None
    speed_most_mps: float | None = None
    height_most_agl_m: float | None = None
    size_m: float | None = None
    class_mark: str | None = None
    low_power_radio: bool | None = None
    manual_takeover: bool | None = None
    holds_airspace: bool | None = None
    surveillance: bool | None = None
    registered: bool | None = None
    reports_id: bool | None = None
    broadcasts_id: bool | None = None


@dataclass(frozen=True, slots=True)
class MetZone:
    """A zone that the flight would touch; `permitted_by` is the reference of a permission for it, empty without one.

    `lead_time_s` is how long before [s] its chart wants to be asked (ED-269 `intervalBefore`), None where it is silent.
    """

    id: str
    kind: str
    restriction: Restriction
    permitted_by: str = ""
    lead_time_s: float | None = None


@dataclass(frozen=True, slots=True)
class NearObstacle:
    """The facility that a flight works at: its height [m above ground], and how far beside and above it at most [m]."""

    height_agl_m: float
    beside_m: float
    above_m: float


@dataclass(frozen=True, slots=True)
class ClearedCase:
    """Somebody's word that a case which needs an application does not apply to a flight. Raises ValueError unnamed."""

    case: str
    cleared_by: str
    why: str

    def __post_init__(self) -> None:
        """A case is cleared by a person, or it is not."""
        if not self.cleared_by.strip() or not self.why.strip():
            raise ValueError(f"case {self.case} is cleared by somebody who is named, for a reason that is given")


@dataclass(frozen=True, slots=True)
class FlightFacts:
    """A flight as rules see it. Times are UTC [s], heights are above ground [m], distances [m].

    `asked_s` is when the question is put. `granted` gives the reference of each thing that was asked for and given
    (`application`, `takeoff-confirmation`). `scenario` is a standard scenario that it claims to be flown under.
    """

    drone: DroneFacts = field(default_factory=DroneFacts)
    purpose: Purpose = Purpose.ORDINARY
    scenario: str = ""
    asked_s: float | None = None
    takeoff_s: float | None = None
    highest_agl_m: float | None = None
    zones: tuple[MetZone, ...] | None = None
    cleared: tuple[ClearedCase, ...] = ()
    granted: Mapping[str, str] = field(default_factory=dict)
    # the operation
    beyond_sight: bool | None = None
    at_night: bool | None = None
    lights: bool | None = None
    geofence_current: bool | None = None
    visibility_m: float | None = None
    preplanned_route: bool | None = None
    drones_per_pilot: int | None = None
    hands_over_in_flight: bool | None = None
    from_moving_vehicle: bool | None = None
    dangerous_goods: bool | None = None
    drops: bool | None = None
    reach_m: float | None = None  # of an agricultural flight, from its take-off
    # the people and things below
    over_assembly: bool | None = None
    people_per_km2: float | None = None
    controlled_ground: bool | None = None
    from_people_m: float | None = None
    from_built_up_m: float | None = None
    ground_buffer_m: float | None = None
    obstacle: NearObstacle | None = None
    kinetic_energy_j: float | None = None
    # the operator
    commercial: bool | None = None
    certified: bool | None = None
    insured: bool | None = None
    licensed: bool | None = None
