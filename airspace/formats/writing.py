"""What every writer of a foreign chart gives back: the document, and what it cannot say of the zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airspace.reasons import Reason


@dataclass(frozen=True, slots=True)
class Export:
    """A document as plain JSON, and one reason for each thing that it leaves out, widens or rounds.

    `where` of each reason is the id of the zone. A zone is never made smaller or shorter than it is.
    """

    document: dict[str, Any]
    losses: tuple[Reason, ...] = ()
