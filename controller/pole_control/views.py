"""What a running gateway tells of its poles, in the shape in which it goes over the socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from typing import cast, get_args

from controller.pole_control.messages import (
    AlarmTold,
    DifferenceTold,
    FunctionTold,
    OutageTold,
    PoleIs,
    PoleLine,
    Seen,
    Surveyed,
)
from poles.gateway import Gateway
from poles.gateway.alarms import OpenAlarm
from poles.gateway.desired import Difference
from poles.gateway.liveness import Watch
from poles.gateway.state import Known, PoleState
from poles.services.service import Readings, values_to_wire

STATES: tuple[PoleIs, ...] = get_args(PoleIs)


def alarm_told(alarm: OpenAlarm, utc_s: float) -> AlarmTold:
    """One open alarm, with its words."""
    return AlarmTold(
        id=alarm.id,
        code=alarm.code,
        subject=alarm.subject,
        function=alarm.function,
        severity=int(alarm.spec.severity),
        en=alarm.text("en"),
        zh=alarm.text("zh"),
        action_en=alarm.spec.action.en,
        action_zh=alarm.spec.action.zh,
        age_s=max(utc_s - alarm.raised_s, 0.0),
        active=alarm.active,
        flapping=alarm.flapping,
        members=len(alarm.members),
        acknowledged_by=alarm.acknowledged_by,
    )


def difference_told(difference: Difference, utc_s: float) -> DifferenceTold:
    """One difference, with its age."""
    return DifferenceTold(
        pole=difference.pole,
        function=difference.function,
        setting=difference.setting,
        desired=difference.desired,
        reported=difference.reported,
        status=difference.status.value,
        age_s=max(utc_s - difference.since_s, 0.0),
        en=difference.why.en if difference.why else "",
        zh=difference.why.zh if difference.why else "",
    )


def survey(gateway: Gateway, codes: Iterable[str], *, most: int, utc_s: float, now_s: float) -> Surveyed:
    """How the poles are: those of `codes` and all that are watched, the gravest first; `now_s` is the loop's second."""
    book = gateway.supervision.alarms
    alarms = list(book)
    differences = list(gateway.supervision.desired.differences())
    by_alarms = Counter(alarm.subject for alarm in alarms)
    by_differences = Counter(difference.pole for difference in differences)
    watches = gateway.supervision.liveness.watches
    known = dict.fromkeys([*codes, *watches, *gateway.poles])
    locked_out = {code for code in known if not gateway.lets_in(code)}
    # of 100,000 poles only those are looked at closely that are shown
    silent = [code for code, watch in watches.items() if watch.silent]
    awaited = [code for code in known if code not in gateway.poles and code not in locked_out]
    away = [code for code, watch in watches.items() if watch.away]
    noted = [code for code in [*by_alarms, *by_differences] if code in known]
    shown = islice(dict.fromkeys(chain(silent, awaited, away, noted, known)), most)
    first = [_line(gateway, code, by_alarms[code], by_differences[code], now_s) for code in shown]
    first.sort(key=lambda line: (STATES.index(line.state), not line.alarms, not line.differences, line.code))
    outages = gateway.supervision.outages.open
    return Surveyed(
        utc_s=utc_s,
        heard=sum(code not in locked_out for code in gateway.poles) - sum(code in gateway.poles for code in silent),
        poles=tuple(first),
        more_poles=len(known) - len(first),
        alarms=tuple([alarm_told(alarm, utc_s) for alarm in alarms[:most]]),
        more_alarms=max(len(alarms) - most, 0),
        outages=tuple([OutageTold(supply=name, members=len(outage.members)) for name, outage in outages.items()]),
        differences=tuple([difference_told(difference, utc_s) for difference in differences[:most]]),
        statistics=gateway.statistics(),
    )


def seen(gateway: Gateway, code: str, *, utc_s: float, now_s: float) -> Seen:
    """All that is known of one pole."""
    supervision = gateway.supervision
    state = gateway.poles.get(code)
    alarms = supervision.alarms.of(code)
    differences = list(supervision.desired.differences(code))
    line = _line(gateway, code, len(alarms), len(differences), now_s)
    return Seen(
        utc_s=utc_s,
        line=line,
        boot=state.boot if state else "",
        firmware=state.firmware if state else "",
        lat_deg=state.position.lat_deg if state else None,
        lon_deg=state.position.lon_deg if state else None,
        functions=tuple(_functions(gateway, state, line.silent_functions, now_s)) if state else (),
        alarms=tuple([alarm_told(alarm, utc_s) for alarm in alarms]),
        differences=tuple([difference_told(difference, utc_s) for difference in differences]),
        outage=supervision.outages.supply_of(code) or "",
    )


def _line(gateway: Gateway, code: str, alarms: int, differences: int, now_s: float) -> PoleLine:
    state, watch = gateway.poles.get(code), gateway.supervision.liveness.watches.get(code)
    silent = [name for name, watched in watch.functions.items() if watched.silent] if watch else []
    readings = state.readings.values() if state else ()
    return PoleLine(
        code=code,
        state=_state(state, watch) if gateway.lets_in(code) else "locked-out",
        age_s=None if state is None else max(state.silent_s(now_s), 0.0),
        functions=len(state.functions) if state else 0,
        silent_functions=tuple(silent),
        doubtful=sum(1 for reading in readings if reading.flags or reading.quality != "good"),
        alarms=alarms,
        differences=differences,
    )


def _state(state: PoleState | None, watch: Watch | None) -> PoleIs:
    if watch and watch.silent:
        return "silent"
    if state is None:
        return "awaited"
    return "away" if watch and watch.away else "heard"


def _functions(gateway: Gateway, state: PoleState, silent: tuple[str, ...], now_s: float) -> Iterable[FunctionTold]:
    desired = gateway.supervision.desired
    for capability in state.functions:
        reading = state.readings.get(capability.function)
        in_force = desired.in_force(state.code, capability.function)
        settings = dict(in_force.settings) if in_force else {}
        told = FunctionTold(
            function=capability.function,
            every_s=capability.every_s,
            silent=capability.function in silent,
            settings=settings,
        )
        yield told if reading is None else _with_reading(told, reading, now_s)


def _with_reading(told: FunctionTold, reading: Known, now_s: float) -> FunctionTold:
    return FunctionTold(
        function=told.function,
        every_s=told.every_s,
        silent=told.silent,
        settings=told.settings,
        age_s=max(now_s - reading.taken_s, 0.0),
        quality=reading.quality.value,
        values=values_to_wire(cast("Readings", reading.values)),
        flags={field: flag.names for field, flag in reading.flags.items()},
    )
