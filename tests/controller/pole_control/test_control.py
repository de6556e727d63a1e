"""The control socket of a running gateway: who may use it, what it answers, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from airspace.reasons import Refused
from controller.clock import Clock, real_tempo, run, virtual_tempo
from controller.config import LoadedSite, load_site
from controller.district import Deciding
from controller.events import ResponseProposed
from controller.pole_control import Control, control_of, controlled, views
from controller.pole_control.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    Begun,
    Decide,
    Decided,
    Look,
    Order,
    Outcome,
    Part,
    Proposals,
    Proposed,
    Refusal,
    Request,
    Seen,
    Survey,
    Surveyed,
    Underway,
    Wish,
    Wished,
)
from controller.pole_control.place import control_path, reachable
from poles.gateway import Gateway
from poles.gateway.memory import Remembered
from poles.keys import new_key_pair
from poles.protocol import Accepted, Alarm, Bye, Capability, Command, Desired, Heartbeat, Progress, Reported, Result
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from tests.poles.raw_pole import CODE, OTHER_CODE, RawPole, Store, gateway_needs, hello, raw_pole, report

DECLARED = ("PrecipitationSensor", "LampActuator")
SITE = f"""
name = "West"
airspace = []
airspace_is_empty = true
origin = {{lat_deg = 34.75, lon_deg = 113.62}}
ground = {{amsl_m = 100.0, geoid_m = -15.0}}

[gateway]

[[poles]]
code = "{CODE}"
lat_deg = 34.75
lon_deg = 113.62
services = ["weather", "lamp"]

[[poles]]
code = "410105-LP-009999"
lat_deg = 34.75
lon_deg = 113.62
services = ["lamp"]
"""


class _Tomorrow(Part, frozen=True, tag="of-tomorrow"):
    """An answer that nobody knows today."""


@dataclass
class Desk:
    """A controlled gateway, one raw pole that was welcomed, and somebody at the console."""

    place: LoadedSite
    gateway: Gateway
    pole: RawPole
    control: Control
    responses: list[Deciding]  # at work: the last one

    async def ask(self, request: Request) -> list[Answer]:
        return [answer async for answer in self.control.ask(request)]

    async def last(self, request: Request) -> Answer:
        return (await self.ask(request))[-1]


def site_in(folder: Path) -> LoadedSite:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(SITE)
    return load_site(folder / "site.toml")


@asynccontextmanager
async def desk(folder: Path, clock: Clock) -> AsyncIterator[Desk]:
    place, exchange, store = site_in(folder), Exchange(), Store()
    responses: list[Deciding] = []
    async with (
        Gateway.memory(exchange, **gateway_needs(clock, store)) as gateway,
        controlled(gateway, place, clock, lambda: responses[-1] if responses else None),
        raw_pole(MemoryConnection(exchange)) as pole,
        control_of(place) as control,
    ):
        await pole.say(hello(functions=tuple([Capability(function=name, every_s=60.0) for name in DECLARED])))
        await pole.hear()
        yield Desk(place, gateway, pole, control, responses)


def at_the_desk(tmp_path: Path, test: Callable[[Desk], Coroutine[None, None, None]]) -> None:
    async def main(clock: Clock) -> None:
        async with desk(tmp_path, clock) as open_desk:
            await test(open_desk)

    run(main, real_tempo())


def order(**changes: object) -> Order:
    return msgspec.structs.replace(
        Order(pole=CODE, function="LampActuator", action="override", parameters={"level": 60}, key="k1"), **changes
    )


def test_the_socket_is_its_owners_alone_and_goes_with_the_gateway(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        assert stat.S_IMODE(control_path(desk.place).stat().st_mode) == 0o600

    at_the_desk(tmp_path, test)
    assert not (tmp_path / "beichen.db.control").exists()


def test_a_path_of_any_length_can_be_reached(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        assert len(str(control_path(desk.place))) > 200
        assert isinstance(await desk.last(Survey()), Surveyed)

    at_the_desk(tmp_path / ("long-" * 20) / ("longer-" * 16), test)


def test_what_a_killed_controller_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "beichen.db.control").write_text("left")

    async def test(desk: Desk) -> None:
        assert isinstance(await desk.last(Survey()), Surveyed)

    at_the_desk(tmp_path, test)


def test_the_survey_tells_poles_that_never_came_first(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        told = await desk.last(Survey())
        assert isinstance(told, Surveyed)
        assert [(pole.code, pole.state) for pole in told.poles] == [("410105-LP-009999", "awaited"), (CODE, "heard")]
        few = await desk.last(Survey(most=1))
        assert isinstance(few, Surveyed)
        assert (len(few.poles), few.more_poles) == (1, 1)

    at_the_desk(tmp_path, test)


@pytest.mark.parametrize(("back_s", "state"), [(1800.0, "heard"), (7200.0, "away")])
def test_a_pole_that_said_bye_for_long_is_told_away_until_it_speaks(tmp_path: Path, back_s: float, state: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.pole.say(Bye(why="maintenance", back_s=back_s))
        await asyncio.sleep(0.3)
        told = await desk.last(Look(pole=CODE))
        assert isinstance(told, Seen)
        assert told.line.state == state
        await desk.pole.say(hello())
        await asyncio.sleep(0.3)
        told = await desk.last(Look(pole=CODE))
        assert isinstance(told, Seen)
        assert told.line.state == "heard"

    at_the_desk(tmp_path, test)


def test_one_pole_is_told_with_its_readings_and_alarms(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pole.say(report(1), Alarm(boot="b1", after=1, seq=2, at_s=0.0, held_s=0.0, code="x.y", active=True))
        await asyncio.sleep(0.3)
        told = await desk.last(Look(pole=CODE))
        assert isinstance(told, Seen)
        assert told.boot == "b1"
        (rain,) = [each for each in told.functions if each.values]
        assert (rain.function, "precipitationRate" in rain.values) == ("PrecipitationSensor", True)
        (alarm,) = [each for each in told.alarms if each.code == "pole.unknown-alarm"]
        assert "x.y" in alarm.en
        seen = await desk.last(Acknowledge(alarm=alarm.id, who="Wang"))
        assert isinstance(seen, Acknowledged)
        assert seen.alarm.acknowledged_by == "Wang"

    at_the_desk(tmp_path, test)


def test_an_order_is_told_from_accepted_by_progress_to_its_end(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        asking = asyncio.create_task(desk.ask(order()))
        command = await desk.pole.expect(Command)
        assert (command.id, command.parameters) == ("k1", {"level": 60})
        await desk.pole.say(Accepted(id="k1"))
        await asyncio.sleep(0.1)
        await desk.pole.say(Progress(id="k1", share=0.5, en="half", zh="一半"), Result(id="k1", ok=True))
        told = await asking
        assert [type(answer) for answer in told] == [Begun, Underway, Outcome]
        assert isinstance(told[-1], Outcome)
        assert told[-1].outcome == "accepted"

    at_the_desk(tmp_path, test)


def test_an_order_that_the_pole_does_not_answer_ends_unknown(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        (told,) = await desk.ask(order(deadline_s=0.3))
        assert isinstance(told, Outcome)
        assert (told.outcome, told.code) == ("unknown", "pole.command.silent")

    at_the_desk(tmp_path, test)


def test_a_wish_says_how_it_stands(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        wish = Wish(pole=CODE, function="LampActuator", settings={"defaultLightState": 30.0}, by="Li", deadline_s=0.2)
        told = await desk.last(wish)
        assert isinstance(told, Wished)
        assert told.status == "waiting"
        assert [difference.setting for difference in told.differences] == ["defaultLightState"]
        asking = asyncio.create_task(desk.last(msgspec.structs.replace(wish, deadline_s=5.0)))
        while (desired := await desk.pole.expect(Desired)).version < 2:
            pass
        settings = {"defaultLightState": 30.0}
        answer = Reported(
            boot="b1", after=0, seq=1, at_s=0.0, held_s=0.0, function="LampActuator", version=2, settings=settings
        )
        await desk.pole.say(answer)
        told = await asking
        assert desired.settings == settings
        assert isinstance(told, Wished)
        assert told.status == "met"

    at_the_desk(tmp_path, test)


@pytest.mark.parametrize("line", [b"{}\n", b"rubbish\n", b'{"type": "survey", "most": "all"}\n', b"\xff\n"])
def test_what_it_does_not_understand_is_refused_and_the_next_is_answered(tmp_path: Path, line: bytes) -> None:
    async def test(desk: Desk) -> None:
        with reachable(control_path(desk.place)) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        writer.write(line)
        assert b"poles.bad-request" in await reader.readline()
        writer.write(msgspec.json.encode(Survey()) + b"\n")
        assert b"surveyed" in await reader.readline()
        writer.close()
        await writer.wait_closed()

    at_the_desk(tmp_path, test)


@pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError("even"), sqlite3.OperationalError("full")])
def test_what_one_request_meets_is_told_to_who_asked_and_ends_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*arguments: object, **named: object) -> None:
        raise error

    async def test(desk: Desk) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(views, "survey", fails)
            refused = await desk.last(Survey())
            assert isinstance(refused, Refusal)
            assert refused.reasons[0]["code"] == "poles.request-failed"
            assert str(error) in str(refused.reasons[0])
        assert isinstance(await desk.last(Survey()), Surveyed)

    at_the_desk(tmp_path, test)


def test_an_answer_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(desk: Desk) -> None:
        monkeypatch.setattr(views, "survey", lambda *arguments, **named: _Tomorrow())
        with pytest.raises(Refused, match="not understood here"):
            await desk.last(Survey())

    at_the_desk(tmp_path, test)


def test_poles_that_do_not_come_back_after_a_restart_are_not_counted_off_those_that_did() -> None:
    others = [f"410105-LP-00000{number}" for number in range(2, 6)]

    async def main(clock: Clock) -> None:
        exchange = Exchange()
        history = [Remembered(clock.utc_s(), code, hello(code, heartbeat_s=5.0)) for code in [CODE, *others]]
        needs = gateway_needs(clock, Store(), history=history)
        async with Gateway.memory(exchange, **needs) as gateway, raw_pole(MemoryConnection(exchange)) as pole:
            await pole.say(hello(heartbeat_s=5.0))
            for _ in range(100):
                await pole.say(Heartbeat())
                await asyncio.sleep(4.0)
            now_s = asyncio.get_running_loop().time()
            told = views.survey(gateway, [CODE, *others], most=10, utc_s=clock.utc_s(), now_s=now_s)
            assert told.statistics["poles_silent"] == 4
            assert told.heard == 1

    run(main, virtual_tempo())


def test_a_pole_without_a_valid_key_is_told_apart_from_one_that_is_waited_for() -> None:
    async def main(clock: Clock) -> None:
        allowed = {new_key_pair().public: CODE}
        needs = gateway_needs(clock, Store())
        async with Gateway.tcp("tcp://127.0.0.1:0", new_key_pair(), allowed, **needs) as gateway:
            told = views.survey(gateway, [CODE, OTHER_CODE], most=10, utc_s=clock.utc_s(), now_s=0.0)
            assert [(line.code, line.state) for line in told.poles] == [(CODE, "awaited"), (OTHER_CODE, "locked-out")]
            assert views.seen(gateway, OTHER_CODE, utc_s=clock.utc_s(), now_s=0.0).line.state == "locked-out"

    run(main, real_tempo())


def test_a_line_without_end_ends_the_connection_only(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        with reachable(control_path(desk.place)) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        writer.write(b"x" * 200_000)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert isinstance(await desk.last(Survey()), Surveyed)

    at_the_desk(tmp_path, test)


def test_whoever_leaves_in_the_middle_of_an_order_stops_nobody(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        async with control_of(desk.place) as other:
            leaving = aiter(other.ask(order(deadline_s=5.0)))
            waiting = asyncio.ensure_future(anext(leaving))
            await desk.pole.expect(Command)
            waiting.cancel()
            await asyncio.wait([waiting])
        await desk.pole.say(Accepted(id="k1"), Result(id="k1", ok=True))
        assert isinstance(await desk.last(Survey()), Surveyed)

    at_the_desk(tmp_path, test)


def test_an_order_goes_to_the_pole_once_and_again_only_when_nothing_came(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        asking = asyncio.create_task(desk.ask(order(deadline_s=1.6)))  # sent again after 1 s
        await asking
        sent = 0
        while True:
            try:
                async with asyncio.timeout(0.3):
                    await desk.pole.expect(Command)
                    sent += 1
            except TimeoutError:
                break
        assert sent == 2

    at_the_desk(tmp_path, test)


def test_a_listener_that_leaves_while_the_pole_works_leaves_no_task_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    troubles: list[object] = []

    async def test(desk: Desk) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        with reachable(control_path(desk.place)) as name:
            _, writer = await asyncio.open_unix_connection(name)
        writer.write(msgspec.json.encode(order(deadline_s=30.0)) + b"\n")
        await desk.pole.expect(Command)
        writer.transport.abort()
        for number in range(5):  # each is written to who has left
            await desk.pole.say(Progress(id="k1", share=number / 5.0))
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert desk.gateway.statistics()["commands_waiting"] == 0
        gc.collect()
        await asyncio.sleep(0.05)

    at_the_desk(tmp_path, test)
    gc.collect()
    assert troubles == []
    assert not caplog.records


@dataclass
class Deciders:
    """Where people decide: one proposal, and what was said of it."""

    open: tuple[ResponseProposed, ...]
    said: list[tuple[str, str, bool]] = field(default_factory=list)

    async def decide(self, response: str, by: str, *, fly: bool) -> str:
        self.said.append((response, by, fly))
        return "run-1" if fly else ""


def test_people_list_proposals_and_decide_where_responses_are_at_work(tmp_path: Path) -> None:
    proposed = ResponseProposed(
        response="r", alarm="sos.called", subject=CODE, mission="look", drone="d1", automatic=False
    )
    deciders = Deciders((proposed,))

    async def test(desk: Desk) -> None:
        told = await desk.last(Proposals())
        assert isinstance(told, Refusal)
        assert told.reasons[0]["code"] == "response.not-at-work"
        desk.responses.append(deciders)
        told = await desk.last(Proposals())
        assert isinstance(told, Proposed)
        assert [(each.response, each.mission) for each in told.proposals] == [("r", "look")]
        assert await desk.last(Decide(response="r", by="Li", fly=True)) == Decided(response="r", run="run-1")
        assert await desk.last(Decide(response="r", by="Li", fly=False)) == Decided(response="r", run="")

    at_the_desk(tmp_path, test)
    assert deciders.said == [("r", "Li", True), ("r", "Li", False)]


def test_a_gateway_that_ends_tells_who_waits(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        async with desk(tmp_path, clock) as open_desk:
            waiting = asyncio.create_task(open_desk.ask(order(deadline_s=60.0)))
            await open_desk.pole.expect(Command)
            place = open_desk.place
        with pytest.raises(Refused) as refused:
            await waiting
        assert refused.value.reasons[0].rule.code == "poles.gateway-ended"
        with pytest.raises(Refused) as refused:
            async with control_of(place):
                pass
        assert refused.value.reasons[0].rule.code == "poles.not-running"
        assert f"--site {place.source}`" in refused.value.reasons[0].text("en")

    run(main, real_tempo())


def test_what_cannot_be_is_refused_with_its_rule(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        told = await desk.last(Wish(pole=CODE, function="Nothing", settings={}, by="Li"))
        assert isinstance(told, Refusal)
        assert told.reasons[0]["code"] == "pole.function.unknown"
        told = await desk.last(Wish(pole=CODE, function="DroneDock", settings={}, by="Li"))
        assert isinstance(told, Refusal)
        assert told.reasons[0]["code"] == "poles.function-absent"
        assert "LampActuator, PrecipitationSensor" in told.reasons[0]["en"]

    at_the_desk(tmp_path, test)
