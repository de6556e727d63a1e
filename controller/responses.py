"""Missions that alarms of poles ask for: by a rule of the site, proposed to people or flown at once, and written down.

An alarm asks once: while it stays active, and for `again_after_s` after a response to the same rule and subject, no
other is proposed. An alarm that ends within `after_s` asks for nothing, and neither does one that flaps. What is flown
goes the way of every mission: it is planned, cleared and reserved, and every gate must pass.

A flight that breaks ends for itself: the others and the proposing go on, and people are told. What a controller that
was killed left half done is taken up, or told, at the next start.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from controller.alarms import Alarm
from controller.config import DroneConfig, ResponseConfig
from controller.district import District
from controller.events import PlanMade, ResponseDecided, ResponseProposed, RunFinished
from controller.flight.mission_source import Mission, load_mission
from controller.run import Run, begin, conduct_run, write_folder
from poles.gateway.alarms import News, OpenAlarm, Told

BY_RULE = "rule"
SAME_ALARM_S = 1.0  # by which the log dates an alarm otherwise than it was dated when it was told
TAKEN_UP_S = 600.0  # a rule still flies what an earlier controller proposed; afterwards people decide

NO_PROPOSAL = Rule(
    "response.unknown",
    Words("there is no open proposal {id}", "没有待定的响应建议 {id}"),
    Words("Look at the list of proposals; it may have been decided already.", "请查看建议列表；它可能已被处理。"),
)
NO_DRONE = Rule(
    "response.no-drone",
    Words("there is no drone {drone} for the response to {alarm}", "告警 {alarm} 的响应没有可用无人机 {drone}"),
    Words("Name a drone of the site file in the rule.", "请在规则中指定站点文件中的无人机。"),
)
KILLED_WORDS = Words("the controller ended before its flight was planned", "控制器在规划飞行前已停止")
LEFT_OPEN_WORDS = Words(
    "an earlier controller proposed it and did not come to fly it", "先前的控制器提出了建议但未及执行"
)


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """One rule with the mission that it asks for."""

    given: ResponseConfig
    mission: Mission
    drone: DroneConfig

    def asks(self, alarm: OpenAlarm) -> bool:
        """Whether an alarm is one that the rule is for."""
        rule = self.given
        return (
            alarm.code == rule.alarm
            and int(alarm.spec.severity) >= rule.severity
            and (not rule.poles or alarm.subject in rule.poles)
        )


@dataclass(frozen=True, slots=True)
class _Due:
    at_s: float  # the loop's second
    id: str
    rule: ResponseRule
    alarm: OpenAlarm


class Responses:
    """The rules of a site at work; `told` hears of alarms, `run` proposes and flies until cancelled.

    Made by `responding`, with the log of what was proposed before.
    """

    def __init__(self, district: District, rules: Sequence[ResponseRule], runs: Path, lang: Lang = "en") -> None:
        self._district = district
        self._rules = rules
        self._runs = runs
        self._lang: Lang = lang
        self._due: dict[tuple[str, str, str], _Due] = {}  # alarm, subject, mission
        self._work = asyncio.Event()
        self._open: dict[str, ResponseProposed] = {}
        self._deciding: set[str] = set()
        self._proposed_s: dict[tuple[str, str, str], float] = {}  # alarm, subject, mission -> UTC second
        self._flying = asyncio.TaskGroup()
        self._flights: list[asyncio.Task[None]] = []
        self._unflown: dict[str, ResponseProposed] = {}  # by run, begun by an earlier controller
        for record in district.store.events():
            match record.event:
                case ResponseProposed() as proposed:
                    self._remember(proposed, record.utc_s)
                case ResponseDecided(response=response, run=run):
                    decided = self._open.pop(response, None)
                    if decided is not None and run:
                        self._unflown[run] = decided
                case PlanMade(run=run) | RunFinished(run=run):
                    self._unflown.pop(run, None)
                case _:
                    pass
        self._left_open = tuple(self._open.values())

    @property
    def open(self) -> tuple[ResponseProposed, ...]:
        """What nobody has decided yet, oldest first."""
        return tuple(self._open.values())

    @property
    def flying(self) -> bool:
        """Whether a flight that was begun goes on."""
        return any(not task.done() for task in self._flights)

    def open_alarms(self, alarms: Iterable[OpenAlarm]) -> None:
        """Take in what was active before this controller started: it may have been killed before it could propose."""
        for alarm in alarms:
            for rule in self._rules:
                if alarm.active and not alarm.flapping and rule.asks(alarm):
                    self._expect(rule, alarm)

    def told(self, news: Sequence[Told]) -> None:
        """Take in what is new of alarms."""
        for told in news:
            if told.news in (News.RAISED, News.EXPLAINED):
                for rule in self._rules:
                    if rule.asks(told.alarm):
                        self._expect(rule, told.alarm)
            elif told.news in (News.CLEARED, News.FLAPPING):
                for key in [key for key, due in self._due.items() if due.alarm.key == told.alarm.key]:
                    del self._due[key]

    async def run(self) -> None:
        """Propose what is due, and fly what rules decide; flights that were begun are seen to their end."""
        loop = asyncio.get_running_loop()
        async with self._flying:
            await self._take_up()
            while True:
                wake_s = min((due.at_s for due in self._due.values()), default=math.inf)
                try:
                    async with asyncio.timeout_at(wake_s if math.isfinite(wake_s) else None):
                        await self._work.wait()
                except TimeoutError:
                    pass
                self._work.clear()
                for key, due in [(key, due) for key, due in self._due.items() if due.at_s <= loop.time()]:
                    del self._due[key]
                    if due.alarm.active:
                        await self._propose(due)

    async def decide(self, response: str, by: str, *, fly: bool) -> str:
        """Fly an open proposal, or leave it, by the word of somebody; the run that began, empty when none did.

        Raises `Refused` when the proposal is not open, or when its run cannot begin: then it stays open.
        """
        proposed = self._open.get(response)
        rule = None if proposed is None else self._rule_of(proposed)
        if proposed is None or response in self._deciding or (rule is None and fly):
            raise Refused([Reason(NO_PROPOSAL, response, {"id": response})])
        self._deciding.add(response)
        try:
            run = await begin(self._district, rule.mission.name, self._runs, seed=None) if fly and rule else None
            id_ = "" if run is None else run.id
            await self._district.record(ResponseDecided(response=response, by=by, flown=fly, run=id_))
            del self._open[response]
        finally:
            self._deciding.discard(response)
        if run is not None and rule is not None:
            self._flights = [task for task in self._flights if not task.done()]
            flown = self._flown(proposed, rule, run)
            self._flights.append(self._flying.create_task(flown, name=f"response {response}"))
        return id_

    async def _flown(self, proposed: ResponseProposed, rule: ResponseRule, run: Run) -> None:
        """One flight to its end, with its folder; what breaks it is told, and breaks nothing else."""
        try:
            try:
                await conduct_run(self._district, run, rule.mission, rule.drone)
            finally:
                write_folder(self._district, run, lang=self._lang)
        except Exception as error:  # whatever it was, other flights must be seen to their end
            why = Words(str(error) or type(error).__name__, str(error) or type(error).__name__)
            await self._trouble(proposed, why)

    async def _take_up(self) -> None:
        """Deal with what an earlier controller proposed or decided and did not bring about."""
        for run, proposed in self._unflown.items():
            await self._district.record(RunFinished(run=run, outcome="interrupted"))
            await self._trouble(proposed, KILLED_WORDS)
        now_s = self._district.clock.utc_s()
        for proposed in self._left_open:
            if proposed.response not in self._open or not proposed.automatic:
                continue
            last_s = self._proposed_s[proposed.alarm, proposed.subject, proposed.mission]
            if now_s - last_s <= TAKEN_UP_S and self._rule_of(proposed) is not None and self._still_active(proposed):
                await self._by_rule(proposed)
            else:
                await self._trouble(proposed, LEFT_OPEN_WORDS)

    def _still_active(self, proposed: ResponseProposed) -> bool:
        poles = self._district.poles
        alarms = () if poles is None else poles.alarms()
        return any(a.active and (a.code, a.subject) == (proposed.alarm, proposed.subject) for a in alarms)

    def _rule_of(self, proposed: ResponseProposed) -> ResponseRule | None:
        return next((rule for rule in self._rules if _is_of(rule, proposed)), None)

    async def _by_rule(self, proposed: ResponseProposed) -> None:
        """Let the rule decide; when its run cannot begin, people are told and may decide."""
        try:
            await self.decide(proposed.response, BY_RULE, fly=True)
        except Refused as refused:
            reason = refused.reasons[0]
            await self._trouble(proposed, Words(reason.text("en"), reason.text("zh")))

    async def _trouble(self, proposed: ResponseProposed, why: Words) -> None:
        await self._district.alarm(
            Alarm.RESPONSE_FAILED,
            proposed.subject,
            again_after_s=0.0,
            about=proposed.response,
            mission=proposed.mission,
            why=why,
        )

    async def finished(self) -> None:
        """Wait until no flight that was begun goes on."""
        while waiting := [task for task in self._flights if not task.done()]:
            await asyncio.wait(waiting)

    def _expect(self, rule: ResponseRule, alarm: OpenAlarm) -> None:
        """Let a response be due, unless this alarm or, a little while ago, another of its kind has had one."""
        key = alarm.code, alarm.subject, rule.mission.name
        last_s, now_s = self._proposed_s.get(key, -math.inf), self._district.clock.utc_s()
        # one that nobody acknowledged stays the same alarm when somebody calls again
        began_s = alarm.raised_s if alarm.count == 1 else alarm.changed_s
        if last_s >= began_s - SAME_ALARM_S or now_s - last_s < rule.given.again_after_s:
            return
        id_ = f"{rule.mission.name}/{alarm.code}/{alarm.subject}/{now_s:.0f}"
        at_s = asyncio.get_running_loop().time() + rule.given.after_s
        self._due.setdefault(key, _Due(at_s, id_, rule, alarm))
        self._work.set()

    async def _propose(self, due: _Due) -> None:
        alarm, rule = due.alarm, due.rule
        proposed = ResponseProposed(
            response=due.id,
            alarm=alarm.code,
            subject=alarm.subject,
            mission=rule.mission.name,
            drone=rule.drone.id,
            automatic=rule.given.automatic,
        )
        await self._district.record(proposed)
        self._remember(proposed, self._district.clock.utc_s())
        await self._district.alarm(
            Alarm.RESPONSE_PROPOSED,
            alarm.subject,
            again_after_s=0.0,
            about=due.id,
            alarm=Words(alarm.text("en"), alarm.text("zh")),
            mission=rule.mission.name,
        )
        if rule.given.automatic:
            await self._by_rule(proposed)

    def _remember(self, proposed: ResponseProposed, utc_s: float) -> None:
        self._open[proposed.response] = proposed
        self._proposed_s[proposed.alarm, proposed.subject, proposed.mission] = utc_s


def _is_of(rule: ResponseRule, proposed: ResponseProposed) -> bool:
    asked = rule.given.alarm, rule.mission.name, rule.drone.id
    here = not rule.given.poles or proposed.subject in rule.given.poles
    return here and asked == (proposed.alarm, proposed.mission, proposed.drone)


def rules_of(district: District) -> tuple[ResponseRule, ...]:
    """The rules of a site with their missions; raises `Refused` with all that is wrong in any of them."""
    site = district.site
    drones = {drone.id: drone for drone in site.file.drones}
    rules, problems = [], []
    for given in site.file.responses:
        drone = drones.get(given.drone) if given.drone else next(iter(drones.values()), None)
        if drone is None:
            problems.append(Reason(NO_DRONE, site.file.name, {"drone": given.drone or "-", "alarm": given.alarm}))
            continue
        try:
            rules.append(ResponseRule(given, load_mission(site.path(given.request)), drone))
        except Refused as refused:
            problems += refused.reasons
    if problems:
        raise Refused(problems)
    return tuple(rules)


@asynccontextmanager
async def responding(district: District, runs: Path, *, lang: Lang = "en") -> AsyncIterator[Responses]:
    """Responses at work as long as the context lasts.

    At the end flights that were begun are waited for; when the context is cancelled they are left open, as all are.
    """
    responses = Responses(district, rules_of(district), runs, lang)
    district.alarm_listeners.append(responses.told)
    district.responses = responses
    if district.poles is not None:
        responses.open_alarms(district.poles.alarms())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(responses.run(), name="responses")
        try:
            yield responses
            await responses.finished()
        finally:
            district.responses = None
            district.alarm_listeners.remove(responses.told)
            running.cancel()
