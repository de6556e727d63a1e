"""What a service on a pole is: functions with typed readings, commands and settings, and refusals with reasons.

A *function* is what readings, commands and settings are addressed to on the wire: a type of TALQ 2.7.1 (without the
word Function), or one in the same shape where TALQ has none. A *service* is a module that offers one function or more.
A pole with several functions of one type names them by an instance after a dot, as in `GasSensor.co`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from airspace.reasons import AlarmSpec, Reason, Refused, Rule, Words
from poles.protocol import Heard, Quality
from poles.services.malformed import malformed

UNKNOWN_ACTION = Rule(
    "pole.action.unknown",
    Words("the function {function} cannot {action}", "功能 {function} 不支持动作 {action}"),
    Words("It can: {actions}.", "可用动作：{actions}。"),
)
BAD_PARAMETERS = Rule(
    "pole.action.parameters",
    Words("{function} {action}: {why}", "{function} {action}：{why}"),
    Words("Correct the parameters and send it again.", "请更正参数后重发。"),
)
NO_SETTINGS = Rule(
    "pole.settings.none",
    Words("the function {function} has no settings", "功能 {function} 没有可设置项"),
    Words("Leave them out.", "请将其删除。"),
)
BAD_SETTINGS = Rule(
    "pole.settings.malformed",
    Words("settings of {function}: {why}", "{function} 的设置：{why}"),
    Words("Correct the settings and send them again.", "请更正设置后重发。"),
)

S = TypeVar("S", bound=msgspec.Struct)


class Readings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The base of all readings: what a function measures or knows; absent on the wire is what has its default."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all settings: what a function can be told to keep to; each has a default."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of the parameters of all commands."""


class NoParameters(Parameters, frozen=True, kw_only=True):
    """The parameters of an action that needs none."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function type: its name on the wire, and the types of what is said about it.

    `alarms` are its failure modes by code; `slow` how many times the pole's usual interval may pass between two of its
    reports; `stale_after_s` how old a measurement may be before the pole calls it bad, so that a dead sensor does not
    hide behind a live pole; `talq` whether TALQ 2.7.1 has it, with these names and units.
    """

    name: str
    readings: type[Readings]
    commands: Mapping[str, type[Parameters]] = field(default_factory=dict)
    settings: type[Settings] | None = None
    alarms: Mapping[str, AlarmSpec] = field(default_factory=dict)
    slow: float = 1.0
    stale_after_s: float = math.inf
    talq: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One line of the registry: the functions that a service can offer."""

    functions: tuple[FunctionSpec, ...]


class Voice(Protocol):
    """Where a service says what cannot wait for its next report: the pole's agent."""

    def changed(self, function: str) -> None:
        """The function's readings changed so much that they should be reported at once."""
        ...

    def alarm(self, code: str, active: bool, function: str | None, facts: Mapping[str, Any]) -> None:
        """A failure mode began, or is over."""
        ...

    def progress(self, function: str, share: float, words: Words | None = None) -> None:
        """How far the function's running command is, 0 to 1, and what is being done."""
        ...

    def observed(self, heard: Sequence[Heard]) -> None:
        """A receiver heard other drones and aircraft."""
        ...

    def corrections(self, frames: Sequence[bytes]) -> None:
        """A base station has RTCM 3 frames, whole ones from D3 to CRC."""
        ...


class Silence:
    """The voice of a service that no agent drives."""

    def changed(self, function: str) -> None:
        """Nobody listens."""

    def alarm(self, code: str, active: bool, function: str | None, facts: Mapping[str, Any]) -> None:
        """Nobody listens."""

    def progress(self, function: str, share: float, words: Words | None = None) -> None:
        """Nobody listens."""

    def observed(self, heard: Sequence[Heard]) -> None:
        """Nobody listens."""

    def corrections(self, frames: Sequence[bytes]) -> None:
        """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a service on a pole: its address, its type, and its readings before anything was measured."""

    address: str
    spec: FunctionSpec
    readings: Readings


class Service:
    """One service as the pole's agent drives it; `functions` are the addresses that it answers to on this pole.

    A service measures through a driver, which calls its methods; it keeps running while the agent is started anew.
    """

    name = ""

    def __init__(self, *functions: Function) -> None:
        self._specs = {function.address: function.spec for function in functions}
        self._now = {function.address: function.readings for function in functions}
        self._settings = {
            function.address: function.spec.settings() for function in functions if function.spec.settings is not None
        }
        self._voice: Voice = Silence()
        self._active: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._failed: dict[str, bool] = {}
        self._measured_s: dict[str, float] = {}  # the loop's second of the last measurement

    @property
    def functions(self) -> tuple[str, ...]:
        """The addresses of its functions."""
        return tuple(self._specs)

    def spec(self, function: str) -> FunctionSpec:
        """The type of one of its functions. Raises KeyError."""
        return self._specs[function]

    def speak_to(self, voice: Voice) -> None:
        """Say everything to this voice from now on; what is wrong already is said at once."""
        self._voice = voice
        for (function, code), facts in self._active.items():
            voice.alarm(code, True, function, facts)

    def readings(self, function: str) -> Readings:
        """What is measured or known now."""
        return self._now[function]

    def quality(self, function: str) -> Quality:
        """What the service itself thinks of these readings: bad when the sensor failed, or has not measured lately."""
        stale_after_s = self._specs[function].stale_after_s
        if self._failed.get(function) or (
            stale_after_s < math.inf
            and asyncio.get_running_loop().time() > self._measured_s.get(function, -math.inf) + stale_after_s
        ):
            return Quality.BAD
        return Quality.GOOD

    def fail(self, function: str, failed: bool = True) -> None:
        """The driver found the sensor or device dead, or alive again: its readings are bad, or good again."""
        if failed != self._failed.get(function, False):
            self._failed[function] = failed
            self._changed(function)

    def report_every_s(self, function: str, usual_s: float) -> float:
        """How often the readings are worth a report now [s]; at the most `slow` times what is usual on this pole."""
        return usual_s * self._specs[function].slow

    def begin(self, function: str, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin an action; the result, when there is one, is awaited for its end. Both raise Refused."""
        raise Refused([_unknown_action(function, self._specs[function], action)])

    def settings(self, function: str) -> Settings | None:
        """The settings in force, None for a function that has none."""
        return self._settings.get(function)

    def apply(self, function: str, settings: Settings) -> None:
        """Keep to these settings from now on. Raises Refused when they cannot be kept to."""
        if function not in self._settings:
            raise Refused([Reason(NO_SETTINGS, "", {"function": function})])
        self._check(function, settings)
        self._settings[function] = settings
        self._settle(function)
        self._changed(function)

    def _check(self, function: str, settings: Settings) -> None:
        """Refuse settings that contradict each other. Raises Refused."""

    def _settle(self, function: str) -> None:
        """Act on new settings or new readings: judge limits, drive the hardware."""

    def _take(self, function: str, readings: Readings) -> None:
        """Keep what the driver measured; `_settle` may turn it into alarms."""
        self._now[function] = readings
        self._measured_s[function] = asyncio.get_running_loop().time()
        self._settle(function)

    def _note(self, function: str, **changes: object) -> None:
        """Some of the readings are known to be others now; that is said at once."""
        self._take(function, msgspec.structs.replace(self._now[function], **changes))
        self._changed(function)

    def _changed(self, function: str) -> None:
        self._voice.changed(function)

    def _alarm(self, function: str, code: str, active: bool, **facts: Any) -> None:
        """Say that a failure mode began or is over, once each, and report what goes with it at once."""
        key = function, code
        if active == (key in self._active):
            return
        if active:
            self._active[key] = facts
        else:
            del self._active[key]
        self._voice.alarm(code, active, function, facts)
        self._changed(function)


def values_to_wire(values: Readings | Settings) -> dict[str, Any]:
    """Readings or settings as they travel, by their names on the wire."""
    raw: dict[str, Any] = msgspec.to_builtins(values)
    return raw


def parameters_from_wire(function: str, spec: FunctionSpec, action: str, raw: Mapping[str, Any]) -> Parameters:
    """The typed parameters of an action; raises Refused."""
    kind = spec.commands.get(action)
    if kind is None:
        raise Refused([_unknown_action(function, spec, action)])
    parameters, why = _converted(kind, raw)
    if parameters is None:
        raise Refused([Reason(BAD_PARAMETERS, "", {"function": function, "action": action, "why": why})])
    return parameters


def settings_from_wire(function: str, spec: FunctionSpec, raw: Mapping[str, Any]) -> Settings:
    """The typed settings of a function, what is not given at its default; raises Refused."""
    if spec.settings is None:
        raise Refused([Reason(NO_SETTINGS, "", {"function": function})])
    settings, why = _converted(spec.settings, raw)
    if settings is None:
        raise Refused([Reason(BAD_SETTINGS, "", {"function": function, "why": why})])
    return settings


def _unknown_action(function: str, spec: FunctionSpec, action: str) -> Reason:
    facts = {"function": function, "action": action, "actions": ", ".join(sorted(spec.commands)) or "-"}
    return Reason(UNKNOWN_ACTION, "", facts)


def _converted(kind: type[S], raw: Mapping[str, Any]) -> tuple[S | None, Words]:
    why = malformed(raw, kind)
    return (None, why) if why else (msgspec.convert(raw, kind), Words("", ""))
