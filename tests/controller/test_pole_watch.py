"""What the poles' gateway finds out is kept by the district's store, told as alarms, and read back."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from airspace.frames import LatLon
from airspace.reasons import Refused
from controller.alarms import ALARMS
from controller.clock import Clock, run, virtual_tempo
from controller.config import PoleConfig, SupplyConfig
from controller.district import District
from controller.events import AlarmRaised, PoleNoted, PoleSaid, PolesForgotten
from controller.links.drone import DroneLink
from controller.links.telemetry import DroneState
from controller.pole_watch import forget_in_time, gateway_needs, supplies_of
from poles.beside import beside
from poles.gateway import Gateway
from poles.gateway.flow import Said
from poles.gateway.notes import Acknowledged, Condition, Wished
from poles.protocol import Ack, Alarm, Correction, Hello, Observation, Reported, Welcome, encode
from poles.wire.connection import MemoryConnection
from poles.wire.lines import Exchange
from sim.gnss.rtcm import frame
from tests.controller.flight.scene import listened, opened_district, site
from tests.controller.test_traffic_picture import drone as broadcast
from tests.poles.raw_pole import CODE, RawPole, hello, raw_pole, report

AT: dict[str, Any] = {"boot": "b1", "at_s": 1779066000.0, "held_s": 0.0}
Body = Callable[[District, Gateway, RawPole], Awaitable[None]]


def with_pole(folder: Path, body: Body) -> list[Any]:
    """A gateway on the district's store with one pole; returns the log's events."""

    async def main(clock: Clock) -> list[Any]:
        async with opened_district(clock, folder) as district:
            exchange = Exchange()
            needs = gateway_needs(district, clock, random.Random(1))
            async with Gateway.memory(exchange, **needs) as gateway, raw_pole(MemoryConnection(exchange)) as pole:
                await body(district, gateway, pole)
            return [record.event for record in district.store.read()]

    return run(main, virtual_tempo())


async def greet(pole: RawPole) -> None:
    await pole.say(hello(heartbeat_s=5.0, functions=()))
    await pole.expect(Welcome)


def test_corrections_of_a_base_station_go_on_to_the_pole_that_broadcasts_them(tmp_path: Path) -> None:
    broadcaster = "410105-LP-000002"

    async def main(clock: Clock) -> list[Correction]:
        place = site()
        poles = (
            PoleConfig(code=CODE, lat_deg=34.75, lon_deg=113.62, services=("base_station",)),
            PoleConfig(code=broadcaster, lat_deg=34.76, lon_deg=113.62, services=(), broadcasts_corrections=True),
        )
        at = replace(place, file=msgspec.structs.replace(place.file, poles=poles))
        async with opened_district(clock, tmp_path, at) as district:
            exchange = Exchange()
            needs = gateway_needs(district, clock, random.Random(1))
            async with (
                Gateway.memory(exchange, **needs) as gateway,
                raw_pole(MemoryConnection(exchange)) as pole,
                raw_pole(MemoryConnection(exchange), broadcaster) as other,
            ):
                await greet(pole)
                correction = Correction(stream=CODE, number=1, at_s=clock.utc_s(), frames=(frame(b"1005"),))
                await pole.say(correction)  # the other is not there yet
                await other.say(hello(broadcaster))
                await other.expect(Welcome)
                await pole.say(msgspec.structs.replace(correction, number=2))
                heard = [await other.expect(Correction)]
                assert gateway.statistics()["corrections_relayed"] == 1
                return heard

    (heard,) = run(main, virtual_tempo())
    assert (heard.stream, heard.number, heard.frames) == (CODE, 2, (frame(b"1005"),))


def test_somebody_under_the_number_of_a_drone_of_ours_is_an_alarm(tmp_path: Path) -> None:
    async def main(clock: Clock) -> list[str]:
        place = site()
        drones = tuple(msgspec.structs.replace(each, remote_ids=("UAS-7",)) for each in place.file.drones[:1])
        poles = (PoleConfig(code=CODE, lat_deg=34.75, lon_deg=113.62, services=("receiver",)),)
        at = replace(place, file=msgspec.structs.replace(place.file, drones=drones, poles=poles))
        async with opened_district(clock, tmp_path, at) as district:
            fresh = SimpleNamespace(fresh=lambda stream: True)
            link = SimpleNamespace(state=DroneState(lat_deg=34.75, lon_deg=113.62), freshness=fresh)
            district.links[drones[0].id] = cast("DroneLink", link)
            here = place.frame.xy(LatLon(34.75, 113.62))
            exchange = Exchange()
            needs = gateway_needs(district, clock, random.Random(1))
            async with Gateway.memory(exchange, **needs), raw_pole(MemoryConnection(exchange)) as pole:
                await greet(pole)
                for number, off_m in enumerate((5.0, 900.0), 1):
                    heard = tuple(broadcast("UAS-7", here[0] + off_m, here[1]))
                    await pole.say(Observation(**AT, after=number - 1, seq=number, heard=heard))
                    await pole.expect(Ack)
            raised = [r.event for r in district.store.events() if isinstance(r.event, AlarmRaised)]
            assert len(raised) == 1
            return [raised[0].code, raised[0].subject, raised[0].en]

    code, subject, words = run(main, virtual_tempo())
    assert (code, subject) == ("traffic.impostor", "drone-1")
    assert re.search(r"\b(899|900|901) m", words)


@pytest.mark.parametrize(("days", "kept"), [(0.0, 60), (2.0, 20)])
def test_what_the_site_keeps_no_longer_goes_and_the_log_says_so_first(tmp_path: Path, days: float, kept: int) -> None:
    async def main(clock: Clock) -> list[Any]:
        place = site()
        at = replace(place, file=msgspec.structs.replace(place.file, keep_poles_days=days))
        async with opened_district(clock, tmp_path, at) as district:
            events = listened(district)
            async with beside(forget_in_time(district, clock)):
                for day in range(6):
                    said = [report(number) for number in range(10 * day + 1, 10 * day + 11)]
                    await district.store.keep([Said(CODE, each, encode(each)) for each in said])
                    await asyncio.sleep(86_400.0)
            left = [record for record in district.store.read() if isinstance(record.event, PoleSaid)]
            assert len(left) == kept
            told = [event for event in events if isinstance(event, PolesForgotten)]
            assert len(told) == (0 if days == 0.0 else 4)
            assert all(record.utc_s >= event.before_s for event in told for record in left)
            assert district.store.poles_stored() == {CODE: {"b1": 60}}
            return told

    run(main, virtual_tempo())


def test_a_store_that_cannot_forget_is_told_and_tried_again_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(clock: Clock) -> None:
        place = site()
        at = replace(place, file=msgspec.structs.replace(place.file, keep_poles_days=1.0))
        async with opened_district(clock, tmp_path, at) as district:
            tried: list[float] = []

            async def damaged(before_s: float) -> int:
                tried.append(clock.utc_s())
                raise sqlite3.DatabaseError("malformed")

            monkeypatch.setattr(district.store, "forget_poles", damaged)
            events = listened(district)
            await district.store.keep([Said(CODE, report(1), encode(report(1)))])
            async with beside(forget_in_time(district, clock)):
                await asyncio.sleep(86_400.0 + 2 * 3600.0 + 60.0)
            assert len(tried) == 2
            told = [event for event in events if isinstance(event, AlarmRaised)]
            assert [event.code for event in told] == ["poles.not-forgotten"] * 2
            assert "malformed" in told[0].en

    run(main, virtual_tempo())


def test_a_silence_is_kept_and_told_in_words_and_not_again_after_a_restart(tmp_path: Path) -> None:
    async def falls_silent(district: District, gateway: Gateway, pole: RawPole) -> None:
        await greet(pole)
        await asyncio.sleep(30.0)

    async def stays_silent(district: District, gateway: Gateway, pole: RawPole) -> None:
        assert [alarm.subject for alarm in gateway.supervision.alarms] == [CODE]
        await asyncio.sleep(200.0)

    events = with_pole(tmp_path, falls_silent)
    (noted,) = [event for event in events if isinstance(event, PoleNoted)]
    (raised,) = [event for event in events if isinstance(event, AlarmRaised)]
    assert events.index(noted) < events.index(raised)
    assert isinstance(noted.note, Condition)
    assert (raised.code, raised.subject) == ("pole.silent", CODE)
    assert raised.severity == ALARMS["pole.silent"].severity
    assert raised.en == f"pole {CODE} has been silent for 6 s"
    assert raised.zh == f"灯杆 {CODE} 已 6 秒无消息"
    assert with_pole(tmp_path, stays_silent) == events


def test_the_store_remembers_what_a_gateway_must_know_in_one_order(tmp_path: Path) -> None:
    async def lives(district: District, gateway: Gateway, pole: RawPole) -> None:
        await greet(pole)
        await pole.say(report(1))
        await pole.say(Alarm(**AT, after=1, seq=2, code="lamp.failed", active=True))
        await pole.say(Reported(**AT, after=2, seq=3, function="LampActuator", version=0, settings={"level": 4}))
        await asyncio.sleep(1.0)
        await gateway.supervision.wish(CODE, "LampActuator", {"defaultLightState": 5}, "Li")
        (alarm,) = gateway.supervision.alarms
        await gateway.supervision.acknowledge(alarm.id, "Wang")
        history = district.store.pole_history()
        assert [type(each.what) for each in history] == [Hello, Alarm, Reported, Wished, Acknowledged]
        assert [each.pole for each in history] == [CODE] * 3 + [""] * 2
        assert [each.utc_s for each in history] == sorted(each.utc_s for each in history)

    with_pole(tmp_path, lives)


def test_a_damaged_row_of_the_history_is_refused(tmp_path: Path) -> None:
    async def lives(district: District, gateway: Gateway, pole: RawPole) -> None:
        await greet(pole)
        await asyncio.sleep(1.0)
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as connection:
            ((body,),) = connection.execute("SELECT body FROM said").fetchall()
            connection.execute("UPDATE said SET body = x'c1'")
            with pytest.raises(Refused) as refused:
                district.store.pole_history()
            connection.execute("UPDATE said SET body = ?", (body,))
        assert refused.value.reasons[0].rule.code == "store.damaged"

    with_pole(tmp_path, lives)


def test_a_gateway_that_starts_knows_the_poles_of_the_store(tmp_path: Path) -> None:
    async def lives(district: District, gateway: Gateway, pole: RawPole) -> None:
        await greet(pole)
        assert gateway.statistics()["poles_watched"] == 1

    async def starts(district: District, gateway: Gateway, pole: RawPole) -> None:
        assert gateway.statistics()["poles_watched"] == 1
        assert gateway.poles == {}

    with_pole(tmp_path, lives)
    with_pole(tmp_path, starts)


def test_what_poles_hang_on_comes_from_the_site() -> None:
    file = site().file
    one, other, *rest = file.poles
    changed = msgspec.structs.replace(
        file,
        poles=(
            msgspec.structs.replace(one, mains="M1", backhaul="G17"),
            msgspec.structs.replace(other, cell="C5"),
            *rest,
        ),
        supplies=(SupplyConfig(kind="backhaul", name="G17", mains="M1"),),
    )
    supplies = supplies_of(changed)
    assert supplies.of[one.code] == ("mains:M1", "backhaul:G17")
    assert supplies.of[other.code] == ("cell:C5",)
    assert supplies.feeds == {"backhaul:G17": ("mains:M1",)}
    assert all(supplies.of[pole.code] == () for pole in rest)
