"""What is asked of a running gateway and what it answers: one JSON object a line, a request first.

Ages are seconds, `_s` of the epoch are UTC; readings and settings have their names on the wire.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The base of all that goes over the socket."""


class Survey(Part, frozen=True, kw_only=True, tag="survey"):
    """Tell how all poles are; of poles and of alarms at most `most`, the gravest first."""

    most: int = 1000


class Look(Part, frozen=True, kw_only=True, tag="look"):
    """Tell all that is known of one pole."""

    pole: str


class Order(Part, frozen=True, kw_only=True, tag="order"):
    """Order a pole to act, and tell what becomes of it until it is done; see `Gateway.command`.

    `key` must be new for each order on this pole; the same one again asks what became of it.
    """

    pole: str
    function: str
    action: str
    parameters: dict[str, Any] = {}
    deadline_s: float = 10.0
    key: str


class Wish(Part, frozen=True, kw_only=True, tag="wish"):
    """Have a function set, and tell how that stands when the pole has answered or `deadline_s` has passed."""

    pole: str
    function: str
    settings: dict[str, Any]
    by: str
    deadline_s: float = 10.0


class Acknowledge(Part, frozen=True, kw_only=True, tag="acknowledge"):
    """Note that somebody has seen an alarm."""

    alarm: int
    who: str


class Proposals(Part, frozen=True, kw_only=True, tag="proposals"):
    """Tell which missions alarms ask for that nobody has decided on."""


class Decide(Part, frozen=True, kw_only=True, tag="decide"):
    """Fly a proposed mission, or leave it."""

    response: str
    by: str
    fly: bool


Request = Survey | Look | Order | Wish | Acknowledge | Proposals | Decide


class AlarmTold(msgspec.Struct, frozen=True, kw_only=True):
    """One open alarm."""

    id: int
    code: str
    subject: str
    function: str
    severity: int
    en: str
    zh: str
    action_en: str
    action_zh: str
    age_s: float
    active: bool
    flapping: bool
    members: int
    acknowledged_by: str


class OutageTold(msgspec.Struct, frozen=True, kw_only=True):
    """A dead supply, and how many poles are silent for it."""

    supply: str
    members: int


class DifferenceTold(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that is not as desired."""

    pole: str
    function: str
    setting: str
    desired: Any
    reported: Any
    status: str
    age_s: float
    en: str = ""
    zh: str = ""


PoleIs = Literal["silent", "awaited", "away", "locked-out", "heard"]
"""How a pole is, the gravest first."""


class PoleLine(msgspec.Struct, frozen=True, kw_only=True):
    """One pole in the survey; `age_s` since its last word, None when it has not come since the start.

    `away`: it said Bye for more than an hour, and its silence is nobody's alarm until then. `locked-out`: its keys were
    revoked, or it never had one.
    """

    code: str
    state: PoleIs
    age_s: float | None
    functions: int
    silent_functions: tuple[str, ...]
    doubtful: int
    alarms: int
    differences: int


class Surveyed(Part, frozen=True, kw_only=True, tag="surveyed"):
    """How all poles are; `heard` came since the start and are not silent, `statistics` are the gateway's own counts."""

    utc_s: float
    heard: int
    poles: tuple[PoleLine, ...]
    more_poles: int
    alarms: tuple[AlarmTold, ...]
    more_alarms: int
    outages: tuple[OutageTold, ...]
    differences: tuple[DifferenceTold, ...]
    statistics: dict[str, int]


class FunctionTold(msgspec.Struct, frozen=True, kw_only=True):
    """One function of a pole: what it said last, what speaks against it, and what it is set to."""

    function: str
    every_s: float
    silent: bool
    age_s: float | None = None
    quality: str = ""
    values: dict[str, Any] = {}
    flags: dict[str, tuple[str, ...]] = {}
    settings: dict[str, Any] = {}


class Seen(Part, frozen=True, kw_only=True, tag="seen"):
    """All that is known of one pole."""

    utc_s: float
    line: PoleLine
    boot: str = ""
    firmware: str = ""
    lat_deg: float | None = None
    lon_deg: float | None = None
    functions: tuple[FunctionTold, ...] = ()
    alarms: tuple[AlarmTold, ...] = ()
    differences: tuple[DifferenceTold, ...] = ()
    outage: str = ""


class Begun(Part, frozen=True, kw_only=True, tag="accepted"):
    """The pole has begun with a command."""

    id: str


class Underway(Part, frozen=True, kw_only=True, tag="progress"):
    """How far a command is, 0 to 1."""

    share: float
    en: str
    zh: str


class Outcome(Part, frozen=True, kw_only=True, tag="outcome"):
    """What became of a command; `code` is that of the broken rule, when there is one."""

    id: str
    outcome: str
    code: str
    en: str
    zh: str


class Wished(Part, frozen=True, kw_only=True, tag="wished"):
    """How a wish stands."""

    version: int
    status: str
    differences: tuple[DifferenceTold, ...]


class Acknowledged(Part, frozen=True, kw_only=True, tag="acknowledged"):
    """The alarm that was acknowledged."""

    alarm: AlarmTold


class ProposalTold(msgspec.Struct, frozen=True, kw_only=True):
    """A mission that an alarm asks for; `automatic` when its rule was to fly it."""

    response: str
    alarm: str
    subject: str
    mission: str
    drone: str
    automatic: bool


class Proposed(Part, frozen=True, kw_only=True, tag="proposed"):
    """What is to be decided, oldest first."""

    proposals: tuple[ProposalTold, ...]


class Decided(Part, frozen=True, kw_only=True, tag="decided"):
    """What was decided; `run` is that of the flight, empty when the mission is left."""

    response: str
    run: str


class Refusal(Part, frozen=True, kw_only=True, tag="refused"):
    """Why a request was refused, each reason as `Reason.as_dict` has it."""

    reasons: list[dict[str, Any]]


Answer = Surveyed | Seen | Begun | Underway | Outcome | Wished | Acknowledged | Proposed | Decided | Refusal
