"""What a service on a pole is: typed readings, typed actions, and refusals with reasons."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words

UNKNOWN_ACTION = Rule(
    "pole.action.unknown",
    Words("the service {service} cannot {action}", "服务 {service} 不支持动作 {action}"),
    Words("It can: {actions}.", "可用动作：{actions}。"),
)
BAD_PARAMETERS = Rule(
    "pole.action.parameters",
    Words("{service} {action}: {why}", "{service} {action}：{why}"),
    Words("Correct the parameters and send it again.", "请更正参数后重发。"),
)

R = TypeVar("R", bound=msgspec.Struct)


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parameters of an action that needs none."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One line of the registry: the type of a service's readings and of each action's parameters."""

    readings: type[msgspec.Struct]
    actions: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict)


class Service(Protocol):
    """One service as the pole's agent drives it."""

    name: str
    on_change: Callable[[], None]
    """Called by the service when its readings changed so much that they should be reported at once."""

    def readings(self) -> msgspec.Struct:
        """What is measured or known now."""
        ...

    def report_every_s(self, usual_s: float) -> float:
        """How often the readings are worth a report now [s], given what is usual on this pole."""
        ...

    def begin(self, action: str, parameters: msgspec.Struct) -> Awaitable[None] | None:
        """Begin an action; the result, when there is one, is awaited for its end. Both raise Refused."""
        ...


def readings_from_wire(kind: type[R], raw: Mapping[str, Any]) -> R | None:
    """Typed readings, or None when a value has the wrong type, is out of range or is not a finite number."""
    try:
        readings = msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        return None
    return readings if _all_finite(readings) else None


def parameters_from_wire(service: str, spec: ServiceSpec, action: str, raw: Mapping[str, Any]) -> msgspec.Struct:
    """The typed parameters of an action; raises Refused."""
    kind = spec.actions.get(action)
    if kind is None:
        facts = {"service": service, "action": action, "actions": ", ".join(sorted(spec.actions)) or "-"}
        raise Refused([Reason(UNKNOWN_ACTION, "", facts)])
    why = "a value is not finite"
    try:
        parameters = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        why = str(error)
    else:
        if _all_finite(parameters):
            return parameters
    raise Refused([Reason(BAD_PARAMETERS, "", {"service": service, "action": action, "why": why})])


def _all_finite(values: msgspec.Struct) -> bool:
    return all(math.isfinite(v) for v in msgspec.structs.astuple(values) if isinstance(v, float))
