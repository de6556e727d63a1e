"""A district with a shared register: what it holds there is what its log says, however a reservation ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Height, LatLon
from airspace.intents import IntentState
from airspace.reasons import Reason, Refused, Words
from controller.alarms import Alarm
from controller.clock import Clock, run, virtual_tempo
from controller.district import District, open_district
from controller.events import AlarmRaised, IntentChanged
from controller.flight.gates import Launch, Verdict, judge_all, looked
from controller.flight.reservation import reserve
from controller.holder import holder_of
from controller.register.changes import Batch
from controller.register.register import Founding, Register, open_register
from controller.sharing import Sharing
from poles.register_file import BUSY
from tests.controller.flight.scene import HOME, Scene, _no_connection, in_scene, plan, site
from tests.controller.flight.test_reservation import T0, Wish, planned

FOUNDING = Founding(LatLon(34.75, 113.62), b"sixteen bytes it")
BATCH = Batch("call.txt", "0" * 64, "duty officer")
HERE = Wish(((0, 0, 50, 0, 0, 60),), ("P1",), 0).plan()
MOVED = Wish(((600, 0, 50, 0, 0, 60),), ("P1",), 0).plan()
ELSEWHERE = Wish(((3000, 3000, 50, 0, 0, 60),), ("P1",), 0).plan()

Body = Callable[[District, Register], Coroutine[Any, Any, None]]


def sharing(folder: Path, *bodies: Body, stores: tuple[str, ...] = ("store.db",)) -> None:
    """Run each body in a district of its own, one after the other, all with one register."""

    async def main(clock: Clock) -> None:
        for number, body in enumerate(bodies):
            store = folder / stores[number % len(stores)]
            with open_register(folder / "air.db", lambda: T0 - 1000.0, founding=FOUNDING) as register:
                async with open_district(
                    site(),
                    clock,
                    zones=(),
                    connect=_no_connection,
                    durable="process",
                    store_path=store,
                    register=register,
                ) as district:
                    await body(district, register)

    run(main, virtual_tempo())


def held(register: Register) -> list[str]:
    return [intent.id.rpartition("/")[2] for intent in register.intents()]


def in_step(district: District, register: Register, flight: str) -> bool:
    """Whether the register holds of a flight just what the log does."""
    assert district.sharing is not None
    own = {intent.id: intent for intent in register.intents()}.get(f"{district.sharing.holder}/{flight}")
    state = district.state.flights[flight]
    if own is None or not state.volumes:
        return own is None and not state.volumes
    theirs = district.sharing._there(district.volumes_of(state))
    return (own.state, own.volumes) == (state.intent, theirs)


def zone_over_all(zone_id: str = "EMERGENCY") -> ChartedZone:
    words = Words("fire", "火情")
    layer = Layer(Circle(HOME, 5000.0), Height(0.0, Datum.AGL), Height(500.0, Datum.AGL))
    return ChartedZone(zone_id, words, "temporary", words, (layer,))


def alarms(district: District, code: Alarm) -> list[AlarmRaised]:
    events = (record.event for record in district.store.read())
    return [event for event in events if isinstance(event, AlarmRaised) and event.code == code.value]


def overtaken(district: District, monkeypatch: pytest.MonkeyPatch, flight: str, by: Callable[[], Any]) -> None:
    """Let something happen just after a flight's airspace is taken in the register, before it is in the log."""
    assert district.sharing is not None
    take = district.sharing.take

    async def taken(asked: str, *given: Any) -> None:
        await take(asked, *given)
        if asked == flight:
            monkeypatch.undo()
            await by()

    monkeypatch.setattr(district.sharing, "take", taken)


@pytest.mark.parametrize("before", [None, HERE], ids=["new", "moved"])
def test_a_reservation_that_is_refused_after_the_register_gave_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Any
) -> None:
    async def body(district: District, register: Register) -> None:
        await planned(district, "f", HERE)
        await planned(district, "g", ELSEWHERE)
        if before is not None:
            await reserve(district, "f", replace(before, landings=()), T0)
        overtaken(district, monkeypatch, "f", lambda: reserve(district, "g", ELSEWHERE, T0))
        with pytest.raises(Refused, match=r"dock\.held"):
            await reserve(district, "f", HERE if before is None else MOVED, T0)
        assert held(register) == (["g"] if before is None else ["f", "g"])
        assert all(in_step(district, register, flight) for flight in ("f", "g"))
        assert not district.untold

    sharing(tmp_path, body)


def test_a_reservation_that_is_cancelled_after_the_register_gave_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(district: District, register: Register) -> None:
        await planned(district, "f", HERE)
        forever = asyncio.Event()
        overtaken(district, monkeypatch, "f", forever.wait)
        reserving = asyncio.create_task(reserve(district, "f", HERE, T0))
        await asyncio.sleep(1.0)
        assert held(register) == ["f"]
        reserving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reserving
        assert held(register) == []

    sharing(tmp_path, body)


def test_what_the_register_would_not_hear_is_told_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(district: District, register: Register) -> None:
        await planned(district, "f", HERE)
        await reserve(district, "f", HERE, T0)

        def busy(*given: Any, **more: Any) -> Any:
            raise Refused([Reason(BUSY, "air.db", {"seconds": 30.0})])

        monkeypatch.setattr(register, "change_state", busy)
        await district.record(IntentChanged(flight="f", state="activated"))
        await district.follow_register()
        assert (list(district.untold), len(alarms(district, Alarm.REGISTER_BEHIND))) == (["f"], 1)
        assert [reason.rule.code for reason in await district.unseen("f")] == ["register.untold"]
        monkeypatch.undo()
        await district.follow_register()
        assert in_step(district, register, "f")
        assert register.intents()[0].state is IntentState.ACTIVATED
        assert not await district.unseen("f")

    sharing(tmp_path, body)


def test_two_controllers_of_sites_with_one_name_leave_each_other_alone(tmp_path: Path) -> None:
    async def first(district: District, register: Register) -> None:
        await planned(district, "f", HERE)
        await reserve(district, "f", HERE, T0)

    async def second(district: District, register: Register) -> None:
        assert district.sharing is not None
        assert held(register) == ["f"]
        assert await district.sharing.own() == ()
        await planned(district, "f", HERE)
        with pytest.raises(Refused, match="zhengzhou#"):
            await reserve(district, "f", replace(HERE, landings=()), T0)

    async def first_again(district: District, register: Register) -> None:
        assert held(register) == ["f"]
        assert in_step(district, register, "f")

    sharing(tmp_path, first, second, first_again, stores=("one.db", "two.db", "one.db"))


def test_a_holder_is_made_once_for_a_store_and_outlives_a_new_name(tmp_path: Path) -> None:
    one, other = holder_of(tmp_path / "a.db", "city"), holder_of(tmp_path / "b.db", "city")
    assert one != other
    assert one.startswith("city#")
    assert holder_of(tmp_path / "a.db", "renamed") == one
    with pytest.raises(Refused):
        holder_of(tmp_path / "nowhere" / "a.db", "city")


def test_the_airspace_gate_looks_at_the_register_before_it_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(scene: Scene) -> None:
        district = scene.district
        with open_register(tmp_path / "air.db", lambda: T0 - 1000.0, founding=FOUNDING) as register:
            district.sharing = Sharing(register, "here", district.airspace)
            await scene.plan_made()
            await reserve(district, "f1", plan(), T0)
            drone_type = district.site.drone_type(district.site.file.drones[0])
            launch = Launch(district, scene.link, plan(), "f1", drone_type, 10.0, 10.0, 0, "", "")

            async def gate() -> tuple[Verdict, str]:
                judged = judge_all(await looked(launch))["airspace"]
                assert judged.words.en != judged.words.zh
                return judged.verdict, judged.words.en

            assert (await gate())[0] is Verdict.PASS
            register.import_zones([zone_over_all()], BATCH)
            verdict, words = await gate()
            assert (verdict, "fire" in words) == (Verdict.FAIL, True)
            register.remove_zones(["EMERGENCY"], "duty officer")
            assert (await gate())[0] is Verdict.PASS

            def busy(*given: Any) -> Any:
                raise Refused([Reason(BUSY, "air.db", {"seconds": 30.0})])

            monkeypatch.setattr(register, "changes_after", busy)
            verdict, words = await gate()
            assert (verdict, "busy" in words) == (Verdict.FAIL, True)
            monkeypatch.undo()
            charted = zone_over_all()
            upside = replace(charted.layers[0], floor=Height(300.0, Datum.AGL), ceiling=Height(310.0, Datum.AMSL))
            register.import_zones([replace(charted, layers=(upside,))], BATCH)
            for _ in range(2):  # it is told once, and keeps the gate closed for as long as it is so
                assert (await gate())[0] is Verdict.FAIL

    in_scene(tmp_path, body)
