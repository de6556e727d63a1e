"""Faults as text: `name[:target][=value][,detail=number...][@moment][~seconds]`, read and written.

A moment is seconds after the start (`@300`), or `takeoff` or `landing`, of any drone or of one (`@takeoff:drone-1`),
with seconds after it (`@takeoff+60`). What follows `~` is how many seconds the fault lasts.
"""

from __future__ import annotations

import re

from airspace.reasons import Reason, Refused, Rule, Words
from sim.faults import FAULTS, TARGET_WORDS, UNTARGETED, Fault, FaultSpec, Moment, Occasion, Span

UNKNOWN = Rule(
    "inject.unknown",
    Words("there is no fault '{text}'", "没有名为“{text}”的故障"),
    Words("Known faults: {known}.", "可用故障：{known}。"),
)
BAD_VALUE = Rule(
    "inject.value",
    Words("'{value}' is no value for {name}: {allowed}", "“{value}”不是 {name} 的有效值：{allowed}"),
    Words("Write it as in {example}.", "请按 {example} 的格式填写。"),
)
MISSING = Rule(
    "inject.missing",
    Words("{fields} missing: {name} needs them", "缺少 {fields}：{name} 必须填写"),
    Words("Write it as in {example}.", "请按 {example} 的格式填写。"),
)
TARGET_TOO_MUCH = Rule(
    "inject.target-too-much",
    Words("{name} takes no target: it happens to the {kind} as a whole", "{name} 不接受目标：它作用于整个{kind}"),
    Words("Leave ':{target}' out.", "请删除“:{target}”。"),
)
BAD_MOMENT = Rule(
    "inject.moment",
    Words("'{value}' is no moment", "“{value}”不是有效时刻"),
    Words(
        "Write seconds or an occasion: @300, @takeoff, @takeoff:drone-1+60, @landing+5; and ~30 for how long.",
        "请填写秒数或时机：@300、@takeoff、@takeoff:drone-1+60、@landing+5；~30 表示持续秒数。",
    ),
)
NEVER_UNDONE = Rule(
    "inject.never-undone",
    Words("{name} cannot be taken back, so it lasts for good", "{name} 无法撤销，只能一直持续"),
    Words("Leave ~{for_s:g} out.", "请删除 ~{for_s:g}。"),
)

LONGEST_S = 1e6
_NUMBER = r"\d+(?:\.\d*)?(?:e[-+]?\d+)?"
_OCCASION = rf"(?P<occasion>takeoff|landing)(?::(?P<drone>[^+]+))?(?:\+(?P<after>{_NUMBER}))?"
_MOMENT = re.compile(rf"{_OCCASION}|(?P<at>{_NUMBER})")


def parse_fault(text: str, where: str = "--inject") -> Fault:
    """A fault from its text; `where` begins the place of the reason. Raises `Refused` with what would be right."""
    place = f"{where} {text}"
    rest, lasting, for_text = text.partition("~")
    head, timed, when = rest.partition("@")
    first, *others = head.split(",")
    named, _, value = first.partition("=")
    name, _, target = named.partition(":")
    spec = FAULTS.get(name)
    if spec is None:
        known = ", ".join(row.example for row in FAULTS.values())
        raise Refused([Reason(UNKNOWN, where, {"text": text, "known": known})])
    if target and spec.target in UNTARGETED:
        facts = {"name": name, "kind": TARGET_WORDS[spec.target], "target": target}
        raise Refused([Reason(TARGET_TOO_MUCH, place, facts)])
    choice, number = _value(name, spec, value, place)
    fault = Fault(
        name,
        target,
        choice,
        number,
        _details(name, spec, others, place),
        _moment(when, place) if timed else Moment(),
        _seconds(for_text, place) if lasting else None,
    )
    if fault.for_s is not None and spec.undone is None:
        raise Refused([Reason(NEVER_UNDONE, place, {"name": name, "for_s": fault.for_s})])
    return fault


def _value(name: str, spec: FaultSpec, value: str, place: str) -> tuple[str, float]:
    if spec.choices:
        if value in spec.choices:
            return value, 0.0
        raise _bad_value(name, spec, value, " | ".join(spec.choices), place)
    return "", _number(name, spec, value, spec.span, place)


def _number(name: str, spec: FaultSpec, value: str, span: Span, place: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if span.low <= number <= span.high and not (span.whole and number % 1.0):
        return number
    raise _bad_value(name, spec, value, f"{span.low:g} … {span.high:g}", place)


def _details(name: str, spec: FaultSpec, others: list[str], place: str) -> tuple[tuple[str, float], ...]:
    given: dict[str, float] = {}
    for other in others:
        key, _, value = other.partition("=")
        if key not in spec.details or key in given:
            raise _bad_value(name, spec, other, " | ".join(f"{known}=…" for known in spec.details) or "-", place)
        given[key] = _number(key, spec, value, spec.details[key], place)
    if missing := [key for key, span in spec.details.items() if span.required and key not in given]:
        facts = {"name": name, "fields": ", ".join(missing), "example": spec.example}
        raise Refused([Reason(MISSING, place, facts)])
    return tuple((key, given[key]) for key in spec.details if key in given)


def _bad_value(name: str, spec: FaultSpec, value: str, allowed: str, place: str) -> Refused:
    facts = {"name": name, "value": value, "allowed": allowed, "example": spec.example}
    return Refused([Reason(BAD_VALUE, place, facts)])


def _moment(text: str, place: str) -> Moment:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise Refused([Reason(BAD_MOMENT, place, {"value": text})])
    if found["occasion"] is None:
        return Moment(_seconds(found["at"], place))
    return Moment(_seconds(found["after"] or "0", place), Occasion(found["occasion"]), found["drone"] or "")


def _seconds(text: str, place: str) -> float:
    seconds = float(text) if re.fullmatch(_NUMBER, text) else -1.0
    if not 0.0 <= seconds <= LONGEST_S:
        raise Refused([Reason(BAD_MOMENT, place, {"value": text})])
    return seconds


def fault_text(fault: Fault) -> str:
    """The text that `parse_fault` reads as this fault."""
    value = fault.choice or _figure(fault.number)
    text = f"{fault.name}{_after(':', fault.target)}={value}"
    text += "".join(f",{name}={_figure(number)}" for name, number in fault.details)
    moment = fault.moment
    if moment.occasion is not Occasion.START:
        text += f"@{moment.occasion}{_after(':', moment.drone)}"
        text += f"+{_figure(moment.after_s)}" if moment.after_s else ""
    elif moment.after_s:
        text += f"@{_figure(moment.after_s)}"
    return text if fault.for_s is None else f"{text}~{_figure(fault.for_s)}"


def _after(mark: str, name: str) -> str:
    return f"{mark}{name}" if name else ""


def _figure(number: float) -> str:
    """The shortest decimals that read back as this number."""
    return repr(number).removesuffix(".0")
