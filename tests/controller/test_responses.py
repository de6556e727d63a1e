from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

import controller.responses
from airspace.reasons import Refused
from controller.alarms import ALARMS
from controller.clock import Clock, run, virtual_tempo
from controller.config import DroneConfig, ResponseConfig
from controller.district import District
from controller.events import AlarmRaised, FlightEnded, ResponseDecided, ResponseProposed, RunFinished
from controller.flight.mission_source import Mission
from controller.pole_picture import Poles
from controller.responses import Responses, responding, rules_of
from controller.run import Run
from poles.gateway.alarms import AlarmBook, News, OpenAlarm, Told
from poles.gateway.notes import Condition
from tests.controller.flight.scene import SITE_FILE, listened, opened_district, site

REQUEST = str(SITE_FILE.parent / "pipeline.yaml")
POLE, OTHER = "410105-LP-000001", "410105-LP-000002"
CALLED = "sos.called"


def rule(**given: Any) -> ResponseConfig:
    return ResponseConfig(**{"alarm": CALLED, "request": REQUEST, **given})


def alarm(subject: str = POLE, code: str = CALLED, raised_s: float = 0.0) -> OpenAlarm:
    return OpenAlarm(1, code, subject, "", ALARMS[code], raised_s, raised_s, {})


def raised(of: OpenAlarm) -> list[Told]:
    return [Told(News.RAISED, of, of.raised_s)]


def over(of: OpenAlarm, news: News = News.CLEARED) -> list[Told]:
    of.active = False
    return [Told(news, of, of.raised_s)]


Body = Callable[[District, Responses], Awaitable[None]]


def with_rules(folder: Path, body: Body, *rules: ResponseConfig) -> list[Any]:
    """Run a test body beside responses of the example's site; what became durable."""

    async def main(clock: Clock) -> list[Any]:
        place = site()
        at = replace(place, file=msgspec.structs.replace(place.file, responses=rules))
        async with opened_district(clock, folder, at) as district:
            events = listened(district)
            async with responding(district, folder / "runs") as responses:
                await body(district, responses)
            return events

    return run(main, virtual_tempo())


def proposals(events: list[Any]) -> list[ResponseProposed]:
    return [event for event in events if isinstance(event, ResponseProposed)]


def test_an_alarm_that_lasts_proposes_its_mission_to_people_and_flies_nothing(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(4.9)
        assert [*responses.open] == []
        await asyncio.sleep(0.2)
        (proposed,) = responses.open
        assert (proposed.subject, proposed.mission, proposed.drone) == (POLE, "gas-main-west", "drone-1")

    events = with_rules(tmp_path, body, rule())
    assert len(proposals(events)) == 1
    (told,) = [event for event in events if isinstance(event, AlarmRaised)]
    assert told.code == "response.proposed"
    assert "gas-main-west" in told.en
    assert ALARMS[CALLED].words.text("zh", {"subject": POLE, "function": ""}) in told.zh
    assert not [event for event in events if isinstance(event, ResponseDecided | RunFinished)]


@pytest.mark.parametrize("news", [News.CLEARED, News.FLAPPING])
def test_an_alarm_that_is_over_at_once_or_flaps_asks_for_nothing(tmp_path: Path, news: News) -> None:
    async def body(district: District, responses: Responses) -> None:
        called = alarm(raised_s=district.clock.utc_s())
        responses.told(raised(called))
        await asyncio.sleep(2.0)
        responses.told(over(called, news))
        await asyncio.sleep(60.0)

    assert proposals(with_rules(tmp_path, body, rule())) == []


def test_an_alarm_asks_once_and_another_of_its_kind_only_after_a_while(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        first = alarm(raised_s=district.clock.utc_s())
        responses.told(raised(first))
        await asyncio.sleep(10.0)
        responses.told(raised(first))
        responses.told(over(first))
        await asyncio.sleep(80.0)
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))  # within again_after_s
        await asyncio.sleep(30.0)
        assert len(responses.open) == 1
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        responses.told(raised(alarm(OTHER, raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)

    events = with_rules(tmp_path, body, rule(again_after_s=100.0))
    assert [event.subject for event in proposals(events)] == [POLE, POLE, OTHER]
    assert len({event.response for event in proposals(events)}) == 3


def test_who_calls_twice_before_a_response_is_due_gets_one_and_who_calls_again_later_another(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        book = AlarmBook(ALARMS)

        def press(down: bool) -> None:
            responses.told(book.apply(Condition(code=CALLED, subject=POLE, active=down), district.clock.utc_s()))

        for down in (True, False, True):  # nobody acknowledges, so it is one alarm
            press(down)
            await asyncio.sleep(1.5)
        await asyncio.sleep(10.0)
        assert len(responses.open) == 1
        press(False)
        await asyncio.sleep(600.0)
        press(True)
        await asyncio.sleep(10.0)

    assert len(proposals(with_rules(tmp_path, body, rule(again_after_s=0.0)))) == 2


def test_what_is_flown_is_the_drone_that_was_proposed_for_this_pole(tmp_path: Path) -> None:
    async def main(clock: Clock) -> list[str]:
        place = site()
        drones = (*place.file.drones, msgspec.structs.replace(place.file.drones[0], id="drone-2"))
        rules = (rule(drone=drones[0].id, poles=(OTHER,)), rule(drone="drone-2", poles=(POLE,)))
        at = replace(place, file=msgspec.structs.replace(place.file, responses=rules, drones=drones))
        async with opened_district(clock, tmp_path, at) as district:
            events = listened(district)
            district.claimed.add("drone-2")  # so that its flight is refused, and by its name
            async with responding(district, tmp_path / "runs") as responses:
                responses.told(raised(alarm(raised_s=clock.utc_s())))
                await asyncio.sleep(10.0)
                (proposed,) = responses.open
                await responses.decide(proposed.response, "Li Na", fly=True)
            (finished,) = [event for event in events if isinstance(event, RunFinished)]
            return [proposed.drone, *(str(reason["code"]) for reason in finished.reasons)]

    assert run(main, virtual_tempo()) == ["drone-2", "drone.held"]


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        ({}, True),
        ({"poles": (OTHER,)}, False),
        ({"poles": (POLE, OTHER)}, True),
        ({"alarm": "sos.stuck"}, False),
        ({"severity": 4}, ALARMS[CALLED].severity >= 4),
        ({"alarm": "sos.stuck", "severity": 4}, False),
    ],
)
def test_a_rule_is_for_its_alarm_its_poles_and_its_severity(tmp_path: Path, given: dict[str, Any], asks: bool) -> None:
    async def body(district: District, responses: Responses) -> None:
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)

    assert bool(proposals(with_rules(tmp_path, body, rule(**given)))) is asks


def test_a_person_leaves_a_proposal_by_name_and_nobody_decides_twice(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)
        (proposed,) = responses.open
        await responses.decide(proposed.response, "Li Na", fly=False)
        assert responses.open == ()
        with pytest.raises(Refused, match=r"response\.unknown"):
            await responses.decide(proposed.response, "Wang Wei", fly=True)

    events = with_rules(tmp_path, body, rule())
    (decided,) = [event for event in events if isinstance(event, ResponseDecided)]
    assert (decided.by, decided.flown, decided.run) == ("Li Na", False, "")


def test_what_was_proposed_before_a_restart_is_open_still_and_not_proposed_again(tmp_path: Path) -> None:
    called = alarm()

    async def before(district: District, responses: Responses) -> None:
        called.raised_s = district.clock.utc_s()
        responses.told(raised(called))
        await asyncio.sleep(10.0)

    async def after(district: District, responses: Responses) -> None:
        assert [each.subject for each in responses.open] == [POLE]
        responses.open_alarms([called])
        await asyncio.sleep(10.0)

    assert len(proposals(with_rules(tmp_path, before, rule(again_after_s=0.0)))) == 1
    assert proposals(with_rules(tmp_path, after, rule(again_after_s=0.0))) == []


def test_an_alarm_that_was_open_when_the_controller_started_asks_if_it_had_not_been_heard(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        quiet = alarm(OTHER, raised_s=1.0)
        quiet.active = False
        responses.open_alarms([alarm(raised_s=1.0), quiet])
        await asyncio.sleep(10.0)

    assert [event.subject for event in proposals(with_rules(tmp_path, body, rule()))] == [POLE]


def test_an_automatic_response_is_a_run_like_any_other_and_the_rule_is_on_record_for_it(tmp_path: Path) -> None:
    """The scene has no drone to connect to, so the run begins, and ends refused; it is not lost and nothing breaks."""

    async def body(district: District, responses: Responses) -> None:
        district.claimed.add("drone-1")
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)

    events = with_rules(tmp_path, body, rule(automatic=True))
    (decided,) = [event for event in events if isinstance(event, ResponseDecided)]
    (finished,) = [event for event in events if isinstance(event, RunFinished)]
    assert (decided.by, decided.flown, decided.run) == ("rule", True, finished.run)
    assert finished.outcome == "refused"
    assert [reason["code"] for reason in finished.reasons] == ["drone.held"]
    assert (tmp_path / "runs" / decided.run / "report.html").exists()
    assert not [event for event in events if isinstance(event, FlightEnded)]


def failed(events: list[Any]) -> list[AlarmRaised]:
    return [event for event in events if isinstance(event, AlarmRaised) and event.code == "response.failed"]


def test_a_flight_that_breaks_ends_no_other_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def conducted(district: District, run: Run, mission: Mission, drone: DroneConfig) -> None:
        await asyncio.sleep(1.0)
        if drone.id == "drone-2":
            raise OSError("no room in the log")
        await asyncio.sleep(60.0)
        ended.append(drone.id)

    async def main(clock: Clock) -> list[Any]:
        place = site()
        drones = (*place.file.drones, msgspec.structs.replace(place.file.drones[0], id="drone-2"))
        rules = (rule(drone=drones[0].id, poles=(OTHER,)), rule(drone="drone-2", poles=(POLE,)))
        at = replace(place, file=msgspec.structs.replace(place.file, responses=rules, drones=drones))
        async with opened_district(clock, tmp_path, at) as district:
            events = listened(district)
            async with responding(district, tmp_path / "runs") as responses:
                for subject in (OTHER, POLE):
                    responses.told(raised(alarm(subject, raised_s=clock.utc_s())))
                await asyncio.sleep(10.0)
                for proposed in responses.open:
                    await responses.decide(proposed.response, "Li Na", fly=True)
                await asyncio.sleep(30.0)
                assert responses.flying
            return events

    monkeypatch.setattr(controller.responses, "conduct_run", conducted)
    (told,) = failed(run(main, virtual_tempo()))
    assert told.subject == POLE
    assert "no room in the log" in told.en
    assert ended == ["drone-1"]


@pytest.mark.parametrize("automatic", [True, False])
def test_what_cannot_begin_stays_open_and_is_told_and_flies_when_it_can(tmp_path: Path, automatic: bool) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")

    async def body(district: District, responses: Responses) -> None:
        district.claimed.add("drone-1")  # so that the flight ends at once
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)
        (proposed,) = responses.open
        if not automatic:
            with pytest.raises(Refused, match=r"folder\.unwritable"):
                await responses.decide(proposed.response, "Li Na", fly=True)
        assert [*responses.open] == [proposed]
        (tmp_path / "runs").unlink()
        assert await responses.decide(proposed.response, "Li Na", fly=True)
        assert responses.open == ()

    events = with_rules(tmp_path, body, rule(automatic=automatic))
    assert len(failed(events)) == automatic
    assert [event.by for event in events if isinstance(event, ResponseDecided)] == ["Li Na"]


def test_two_people_who_decide_at_once_send_one_drone(tmp_path: Path) -> None:
    async def body(district: District, responses: Responses) -> None:
        district.claimed.add("drone-1")
        responses.told(raised(alarm(raised_s=district.clock.utc_s())))
        await asyncio.sleep(10.0)
        (proposed,) = responses.open
        both = [responses.decide(proposed.response, who, fly=True) for who in ("Li Na", "Wang Wei")]
        first, second = await asyncio.gather(*both, return_exceptions=True)
        assert (isinstance(first, str), isinstance(second, Refused)) == (True, True)

    events = with_rules(tmp_path, body, rule())
    assert len([event for event in events if isinstance(event, ResponseDecided)]) == 1


@pytest.mark.parametrize(
    ("away_s", "still", "flies"), [(30.0, True, True), (7200.0, True, False), (30.0, False, False)]
)
def test_an_automatic_response_that_a_killed_controller_proposed_is_flown_or_told(
    tmp_path: Path, away_s: float, still: bool, flies: bool
) -> None:
    async def main(clock: Clock) -> list[Any]:
        place = site()
        at = replace(place, file=msgspec.structs.replace(place.file, responses=(rule(automatic=True),)))
        async with opened_district(clock, tmp_path, at) as district:
            proposed = ResponseProposed(
                response="r", alarm=CALLED, subject=POLE, mission="gas-main-west", drone="drone-1", automatic=True
            )
            await district.record(proposed)
        await asyncio.sleep(away_s)
        async with opened_district(clock, tmp_path, at) as district:
            events = listened(district)
            district.claimed.add("drone-1")
            district.poles = cast("Poles", Alarming([alarm()] if still else []))
            async with responding(district, tmp_path / "runs") as responses:
                await asyncio.sleep(10.0)
                assert [each.response for each in responses.open] == ([] if flies else ["r"])
            return events

    events = run(main, virtual_tempo())
    assert len([event for event in events if isinstance(event, ResponseDecided)]) == flies
    assert [told.subject for told in failed(events)] == ([] if flies else [POLE])


@dataclass
class Alarming:
    """Poles of which only the alarms are asked."""

    open: list[OpenAlarm]

    def alarms(self) -> list[OpenAlarm]:
        return self.open


def test_a_run_that_a_killed_controller_began_and_never_planned_is_told_once(tmp_path: Path) -> None:
    async def before(district: District, responses: Responses) -> None:
        proposed = ResponseProposed(
            response="r", alarm=CALLED, subject=POLE, mission="gas-main-west", drone="drone-1", automatic=True
        )
        decided = ResponseDecided(response="r", by="rule", flown=True, run="r-1")
        await district.record(proposed, decided)

    async def after(district: District, responses: Responses) -> None:
        await asyncio.sleep(1.0)
        assert responses.open == ()

    with_rules(tmp_path, before, rule())
    first, second = [with_rules(tmp_path, after, rule()) for _ in range(2)]
    assert [(event.run, event.outcome) for event in first if isinstance(event, RunFinished)] == [("r-1", "interrupted")]
    assert [told.subject for told in failed(first)] == [POLE]
    assert failed(second) == []


def test_rules_whose_mission_or_drone_is_wrong_are_refused_all_at_once(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        place = site()
        wrong = (rule(request="nowhere.yaml"), rule(drone="drone-9"), rule())
        at = replace(place, file=msgspec.structs.replace(place.file, responses=wrong))
        async with opened_district(clock, tmp_path, at) as district:
            with pytest.raises(Refused) as refused:
                rules_of(district)
            assert [reason.rule.code for reason in refused.value.reasons] == ["mission.unreadable", "response.no-drone"]

    run(main, virtual_tempo())
