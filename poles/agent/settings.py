"""The settings that the controller desires: brought about, kept over restarts, and reported as they are in force."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words
from poles.protocol import Desired

NOT_SETTABLE = Rule(
    "pole.settings.absent",
    Words("{function} has no settings on this pole", "该灯杆的 {function} 没有可设置项"),
    Words("Ask for the pole's functions with settings.", "请查询该灯杆可设置的功能。"),
)
NOT_KEPT = Rule(
    "pole.settings.kept",
    Words("the settings cannot be kept: {why}", "设置无法保存：{why}"),
    Words("Look at the pole's storage, then send them again.", "请检查灯杆存储后重发。"),
)


class KeptSettings(msgspec.Struct, frozen=True):
    """What the controller last brought about for one function."""

    version: int
    settings: dict[str, Any]


class SettingsStore:
    """Settings by function in one file, replaced in one step; without a path they live as long as the object."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: dict[str, KeptSettings] = {}
        self.is_unreadable = False
        if path is not None and path.exists():
            try:
                self._kept = msgspec.msgpack.decode(path.read_bytes(), type=dict[str, KeptSettings])
            except (OSError, msgspec.DecodeError):
                self.is_unreadable = True  # the controller sends them again when it hears what is in force

    @property
    def kept(self) -> Mapping[str, KeptSettings]:
        """What is kept, by function."""
        return self._kept

    def keep(self, function: str, version: int, settings: dict[str, Any]) -> None:
        """Keep these settings of a function from now on. Raises OSError."""
        self._write(self._kept | {function: KeptSettings(version, settings)})

    def forget(self, function: str) -> None:
        """Keep nothing of a function any more. Raises OSError."""
        if function in self._kept:
            self._write({name: kept for name, kept in self._kept.items() if name != function})

    def _write(self, kept: dict[str, KeptSettings]) -> None:
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            with fresh.open("wb") as file:
                file.write(msgspec.msgpack.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        self._kept = kept


class Report(Protocol):
    """How the settings in force are reported."""

    def __call__(self, function: str, version: int, settings: dict[str, Any], refused: Reason | None, /) -> int:
        """Say it as an entry; returns the entry's number."""
        ...


class Reconciler:
    """Brings desired settings about, and reports what is in force.

    `in_force(function)` tells the settings now, None for a function without any; `apply(function, settings)` sets them
    and raises Refused; `durable_seq` is the number up to which the store has what was reported.
    """

    def __init__(
        self,
        store: SettingsStore,
        *,
        in_force: Callable[[str], dict[str, Any] | None],
        apply: Callable[[str, dict[str, Any]], None],
        report: Report,
        durable_seq: Callable[[], int],
    ) -> None:
        self._store = store
        self._in_force = in_force
        self._apply = apply
        self._report = report
        self._durable_seq = durable_seq
        self._answered: dict[str, tuple[int, Reason | None, int]] = {}  # version, why not, the entry's number

    def start(self, functions: Iterable[str]) -> None:
        """A new boot: apply what is kept, and report what is in force of every function with settings."""
        for function in functions:
            if self._in_force(function) is None:
                continue
            kept = self._store.kept.get(function)
            refused = self._bring_about(function, kept.settings) if kept is not None else None
            self._tell(function, kept.version if kept is not None else 0, refused)

    def take(self, desired: Desired) -> None:
        """Bring it about, unless this version or a later one is; what is reported already is not reported twice."""
        function = desired.function
        version, refused, seq = self._answered.get(function, (0, None, 0))
        if desired.version > version:
            refused = self._bring_about(function, desired.settings) or self._keep(desired)
            self._tell(function, desired.version, refused)
        elif seq <= self._durable_seq():  # it is in the store, and yet the controller asks
            self._tell(function, version, refused)

    def _bring_about(self, function: str, settings: dict[str, Any]) -> Reason | None:
        if self._in_force(function) is None:
            return Reason(NOT_SETTABLE, "", {"function": function})
        try:
            self._apply(function, settings)
        except Refused as refused:
            return refused.reasons[0]
        return None

    def _keep(self, desired: Desired) -> Reason | None:
        try:
            self._store.keep(desired.function, desired.version, desired.settings)
        except OSError as error:
            return Reason(NOT_KEPT, "", {"why": error.strerror or str(error)})
        return None

    def _tell(self, function: str, version: int, refused: Reason | None) -> None:
        seq = self._report(function, version, self._in_force(function) or {}, refused)
        self._answered[function] = version, refused, seq
