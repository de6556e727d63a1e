"""What the gateway itself has to keep: conditions, who acknowledged them, and what poles shall be set to.

Notes stand in the store in one order with what poles said; alarms and desired settings are folds over both.
"""

from __future__ import annotations

from typing import Any

import msgspec

Key = tuple[str, str, str]  # code, subject, function


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="note"):
    """The base of all notes."""


class Condition(Note, frozen=True, kw_only=True, tag="condition"):
    """Something that people must know began, changed or is over.

    `subject` is a city code, or a supply with its `members`; `boot` is given when the pole said it itself. `joined` and
    `left` change the members of what is active. `absorbs` names the alarms of which this is the cause. A fact that
    reads otherwise in Chinese stands twice, as `why` and `why_zh`.
    """

    code: str
    subject: str
    active: bool
    function: str = ""
    facts: dict[str, Any] = {}
    boot: str = ""
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    absorbs: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """What makes it one alarm."""
        return self.code, self.subject, self.function


class Acknowledged(Note, frozen=True, kw_only=True, tag="acknowledged"):
    """Somebody has seen the open alarm of this kind."""

    code: str
    subject: str
    function: str
    who: str


class Wished(Note, frozen=True, kw_only=True, tag="wished"):
    """The settings that one function of a pole shall have from now on, and who wishes so."""

    pole: str
    function: str
    version: int
    settings: dict[str, Any]
    by: str


AnyNote = Condition | Acknowledged | Wished
