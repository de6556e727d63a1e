"""What happened in a scenario against what was expected: one check for each expectation, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airspace.reasons import Lang, Words
from controller.alarms import ALARMS
from controller.cli.words import OUTCOMES
from controller.events import AlarmRaised, FlightEnded, Phase, PhaseChanged, PlanMade, RunFinished
from sim.timeline import Happening
from sim.world.scenarios.expectation import FactCheck, matching
from sim.world.scenarios.file import MissionExpectation
from sim.world.scenarios.play import Played
from sim.world.scenarios.scenario import Scenario

NOTHING = Words("nothing", "无")
DOWN = Words("every drone is down, its motors off", "所有无人机均已落地停转")
UNJUDGED = Words("not looked at here: {what}", "此处未核对：{what}")
INVARIANTS = Words("what must always hold holds", "不变量全部成立")


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, whether it held, and what was found in its place."""

    expected: Words
    found: Words
    held: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A scenario that was played, with every expectation."""

    scenario: Scenario
    played: Played
    checks: tuple[Check, ...]

    @property
    def as_expected(self) -> bool:
        """Whether all of it came as it should."""
        return all(check.held for check in self.checks)

    @property
    def unjudged(self) -> tuple[Words, ...]:
        """What is expected and could not be looked at where it was played."""
        expected, played = self.scenario.expected, self.played
        truth = [_same(check.text) for check in expected.truth] if played.figures is None else []
        down = [DOWN] if expected.down and played.truth is None else []
        invariants = [INVARIANTS] if expected.invariants and played.broken is None else []
        return (*truth, *down, *invariants)

    def story(self, lang: Lang) -> list[str]:
        """What happened, a line each: faults, alarms and what became of the missions, with seconds after the start."""
        lines = [(one.at_s, _fault_line(one).text(lang)) for one in self.played.happened]
        for record in self.played.records:
            after_s, event = record.utc_s - self.played.start_utc_s, record.event
            if isinstance(event, AlarmRaised):
                lines.append((after_s, f"! {event.zh if lang == 'zh' else event.en}"))
            elif isinstance(event, PhaseChanged) and event.phase is Phase.FLYING:
                lines.append((after_s, _TAKES_OFF.text(lang, {"flight": event.flight})))
            elif isinstance(event, FlightEnded):
                facts = {"flight": event.flight, "place": event.landed_on or "-"}
                lines.append((after_s, _ENDS.text(lang, facts)))
        return [f"{after_s:7.1f} s  {line}" for after_s, line in sorted(lines, key=lambda row: row[0])]


_TAKES_OFF = Words("{flight} takes off", "{flight} 起飞")
_ENDS = Words("{flight} has ended, landed on {place}", "{flight} 结束，降落于 {place}")
_BEGINS, _OVER = Words("* {fault}", "* {fault}"), Words("* over: {fault}", "* 结束：{fault}")


def _fault_line(one: Happening) -> Words:
    words, facts = _BEGINS if one.began else _OVER, {"fault": one.fault.what}
    return Words(words.text("en", facts), words.text("zh", facts))


@dataclass(frozen=True, slots=True)
class MissionEnd:
    """What became of a mission by the log; `landed_on` is empty when it did not land at a planned place."""

    outcome: str
    landed_on: str
    drone: str
    reasons: tuple[str, ...]


def judge(scenario: Scenario, played: Played) -> Judged:
    """Every expectation of a scenario, in the order of its file, against what happened."""
    return Judged(scenario, played, tuple(_checks(scenario, played)))


def _checks(scenario: Scenario, played: Played) -> list[Check]:
    expected = scenario.expected
    checks = [
        check
        for name, (wanted, facts) in expected.missions.items()
        for check in _mission_checks(name, wanted, facts, played)
    ]
    raised = [record.event.code for record in played.records if isinstance(record.event, AlarmRaised)]
    checks += [
        Check(Words(f"alarm {code}", f"告警 {code}（{_alarm_zh(code)}）"), _list(_once(raised)), code in raised)
        for code in expected.alarms
    ]
    missions = played.mission_of
    for patterns, wanted_so in ((expected.eventually, True), (expected.never, False)):
        for pattern in patterns:
            count = len(matching(pattern, played.records, missions))
            words = _both("{p}", "{p}", p=pattern.text) if wanted_so else _both("never {p}", "从不 {p}", p=pattern.text)
            checks.append(Check(words, _both("{n} times", "{n} 次", n=count), (count > 0) is wanted_so))
    return [*checks, *_truth_checks(scenario, played)]


def _mission_checks(
    name: str, wanted: MissionExpectation, facts: Iterable[FactCheck], played: Played
) -> Iterator[Check]:
    end = mission_end(name, played)
    outcomes = (wanted.outcome,) if isinstance(wanted.outcome, str) else wanted.outcome
    why = f" ({', '.join(end.reasons)})" if end.reasons else ""
    expected = Words(f"{name}: {' | '.join(outcomes)}", f"{name}：{' | '.join(_outcome_zh(one) for one in outcomes)}")
    yield Check(expected, Words(end.outcome + why, _outcome_zh(end.outcome) + why), end.outcome in outcomes)
    if wanted.lands_on is not None:
        places = (wanted.lands_on,) if isinstance(wanted.lands_on, str) else wanted.lands_on
        shown = " | ".join(place or "-" for place in places)
        words = _both("{name} lands on {place}", "{name} 降落于 {place}", name=name, place=shown)
        yield Check(words, _same(end.landed_on or "-"), end.landed_on in places)
    for code in wanted.reasons:
        words = _both("{name} because {code}", "{name} 原因 {code}", name=name, code=code)
        yield Check(words, _list(end.reasons), code in end.reasons)
    if wanted.drone:
        words = _both("{name} is flown by {drone}", "{name} 由 {drone} 执行", name=name, drone=wanted.drone)
        yield Check(words, _same(end.drone or "-"), end.drone == wanted.drone)
    if wanted.within_s is not None:
        asked_s, ended_s = played.asked.get(name), played.ended.get(name)
        took_s = None if asked_s is None or ended_s is None else ended_s - asked_s
        words = _both("{name} within {s:g} s", "{name} 在 {s:g} 秒内", name=name, s=wanted.within_s)
        found = NOTHING if took_s is None else _both("{s:.0f} s", "{s:.0f} 秒", s=took_s)
        yield Check(words, found, took_s is not None and took_s <= wanted.within_s)
    for fact in facts:
        value = fact.found(played.summaries.get(name))
        yield Check(_of(name, fact.text), NOTHING if value is None else _same(f"{value:g}"), fact.holds(value))


def _outcome_zh(outcome: str) -> str:
    return OUTCOMES[outcome].zh if outcome in OUTCOMES else outcome


def _alarm_zh(code: str) -> str:
    """What an alarm says in Chinese, without its figures."""
    return re.sub(r"\{[^}]*\}", "…", ALARMS[code].words.zh)


def mission_end(name: str, played: Played) -> MissionEnd:
    """What the log says of a mission's end; the outcome is `unfinished` when it says of none."""
    missions = played.mission_of
    outcome, landed_on, drone = "unfinished", "", ""
    reasons: tuple[dict[str, Any], ...] = ()
    for record in played.records:
        match record.event:
            case PlanMade() as plan if missions.get(plan.flight) == name:
                drone = plan.drone
            case FlightEnded() as ended if missions.get(ended.flight) == name:
                outcome = "completed" if ended.completed else "failed"
                landed_on, reasons = ended.landed_on, ended.reasons
            case RunFinished() as finished if missions.get(finished.run) == name:
                outcome, reasons = finished.outcome, finished.reasons
            case _:
                pass
    return MissionEnd(outcome, landed_on, drone, tuple(_once(str(reason["code"]) for reason in reasons)))


def _truth_checks(scenario: Scenario, played: Played) -> Iterator[Check]:
    words = _both("the missions end in time", "任务按时结束")
    late = [name for name in played.asked if name not in played.ended]
    yield Check(words, _list(late) if late else _both("{s:.0f} s", "{s:.0f} 秒", s=played.lasted_s), not played.gave_up)
    for check in scenario.expected.truth if played.figures is not None else ():
        value = float(getattr(played.figures, check.name))
        yield Check(_same(check.text), _same(f"{value:g}"), check.holds(value))
    if scenario.expected.down and played.truth is not None:
        up = [name for name, truth in played.truth.items() if truth.armed or not truth.landed]
        yield Check(DOWN, _list(up), not up)
    if scenario.expected.invariants and played.broken is not None:
        yield Check(INVARIANTS, _list(played.broken), not played.broken)


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _both(en: str, zh: str, **facts: object) -> Words:
    return Words(en.format(**facts), zh.format(**facts))


def _same(text: str) -> Words:
    return Words(text, text)


def _of(name: str, text: str) -> Words:
    return Words(f"{name}: {text}", f"{name}：{text}")


def _list(texts: Iterable[str]) -> Words:
    shown = ", ".join(texts)
    return _same(shown) if shown else NOTHING
