"""The example firmware against the real gateway, over TCP with CURVE."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from unittest.mock import patch

import pytest

from poles.agent.flash import FileFlash
from poles.agent.outbox import Outbox
from poles.agent.ring import SMALLEST_BYTES, Ring
from poles.gateway import Gateway
from poles.gateway.commands import Outcome
from poles.gateway.desired import Status
from poles.keys.desk import open_desk
from poles.keys.paces import NO_LIMIT, Paces
from poles.keys.register import open_register
from poles.protocol import Hello, Log, Reported, numbers_of
from poles.protocol.enrolment import KnownGateway
from tests.poles.firmware.firmware import VALGRIND_ERROR, built, running, variables
from tests.poles.raw_pole import CODE, gateway_needs
from tests.poles.town import Town, in_town


def with_firmware(test: Callable[[Town, Path], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    """The test gets a town and a folder of its own; the firmware is compiled before."""

    def wrapped(tmp_path: Path) -> None:
        built("main")

        async def inner(town: Town) -> None:
            await test(town, tmp_path)

        in_town(inner)()

    wrapped.__name__ = test.__name__
    return wrapped


async def until(condition: Callable[[], object], within_s: float = 15.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - a store has no bell
            await asyncio.sleep(0.02)


def boots(town: Town) -> dict[str, list[int]]:
    """What the store has: all numbers of each boot, in the order in which they were stored."""
    stored: dict[str, list[int]] = {}
    for _, message in town.store.told:
        if not isinstance(message, Hello):
            stored.setdefault(message.boot, []).extend(numbers_of(message))
    return stored


def a_gateway(town: Town, address: str = "tcp://127.0.0.1:0") -> Gateway:
    needs = gateway_needs(town.clock, town.store, retry_s=0.05)
    return Gateway.tcp(address, town.server, {town.keys[CODE].public: CODE}, **needs)


def in_the_ring(path: Path) -> dict[str, set[int]]:
    """What a power cut would leave in this ring, by the Python agent's eyes."""
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    ring = Ring.open(FileFlash.open(copy, SMALLEST_BYTES))
    streams = Outbox(lambda: "f" * 16, ring=ring).streams
    held = {stream.boot: {entry.seq for entry in stream.held} for stream in streams if stream.held}
    ring.close()
    return held


@with_firmware
async def test_every_entry_is_stored_once_and_in_order(town: Town, folder: Path) -> None:
    async with running(variables(town, folder, CODE)) as pole:
        await until(lambda: len(town.store.numbers()) >= 40)
        assert await pole.stopped() == (0, [], "")
    numbers = town.store.numbers()
    assert numbers == list(range(1, len(numbers) + 1))
    (hello,) = [m for _, m in town.store.told if isinstance(m, Hello)]
    assert [capability.function for capability in hello.functions] == ["WindSensor", "LampActuator"]
    assert hello.heartbeat_s == 1.0
    assert {reading.function for reading in town.store.readings()} == {"WindSensor", "LampActuator"}
    assert [m.text for _, m in town.store.told if isinstance(m, Log)] == ["started"]
    assert town.gateway.statistics().get("malformed", 0) == 0


@with_firmware
async def test_a_pole_that_has_little_to_say_is_heard_as_often_as_it_promised(town: Town, folder: Path) -> None:
    async with running(variables(town, folder, CODE, report_s=60, heartbeat_s=0.5)) as pole:
        await until(lambda: CODE in town.gateway.poles)
        await asyncio.sleep(2.5)
        assert [alarm.code for alarm in town.gateway.supervision.alarms] == []
        assert pole.process.returncode is None


@with_firmware
async def test_a_command_is_carried_out_once_however_often_it_is_asked_for(town: Town, folder: Path) -> None:
    async with running(variables(town, folder, CODE)) as pole:
        await until(lambda: CODE in town.gateway.poles)
        for level in (40, 70):
            outcome = await town.gateway.command(CODE, "LampActuator", "override", {"level": level}, until="done")
            assert outcome.accepted
        landing = await town.gateway.command(CODE, "LampActuator", "override", {"pattern": "landing"})
        assert landing.accepted
        wrong = await town.gateway.command(CODE, "LampActuator", "override", {"level": 40, "colour": "red"})
        assert (wrong.outcome, wrong.code) == (Outcome.REJECTED, "pole.action.parameters")
        absent = await town.gateway.command(CODE, "DroneDock", "open", {"flight": "f"})
        assert (absent.outcome, absent.code) == (Outcome.REJECTED, "pole.function.absent")
        code, lines, _ = await pole.stopped()
    assert code == 0
    assert len(lines) == len(set(lines)) == 3
    lamps = [r.values for r in town.store.readings() if r.function == "LampActuator"]
    assert {"actualLightState": 100.0, "pattern": "landing", "overridden": True} in lamps


@with_firmware
async def test_a_command_that_takes_time_is_accepted_and_then_done(town: Town, folder: Path) -> None:
    async with running(variables(town, folder, CODE, fade_s=1.4)) as pole:
        await until(lambda: CODE in town.gateway.poles)
        begun = await town.gateway.command(CODE, "LampActuator", "override", {"level": 40})
        assert begun.outcome is Outcome.ACCEPTED
        busy = await town.gateway.command(CODE, "LampActuator", "override", {"level": 50})
        assert busy.code == "pole.command.busy"
        await until(lambda: any(r.values.get("actualLightState") == 40.0 for r in town.store.readings()))
        done = await town.gateway.command(CODE, "LampActuator", "override", {}, until="done")
        assert done.accepted
        assert len((await pole.stopped())[1]) == 2


@with_firmware
async def test_settings_are_brought_about_and_reported(town: Town, folder: Path) -> None:
    async with running(variables(town, folder, CODE)):
        await until(lambda: CODE in town.gateway.poles)
        supervision = town.gateway.supervision
        await supervision.wish(CODE, "LampActuator", {"defaultLightState": 35.0}, "Li")
        await until(lambda: supervision.desired.status(CODE, "LampActuator") is Status.MET)
        with patch("poles.gateway.supervision.settings_from_wire"):  # a controller that thinks more is possible
            await supervision.wish(CODE, "LampActuator", {"defaultLightState": 350.0}, "Li")
        await until(lambda: supervision.desired.status(CODE, "LampActuator") is Status.REFUSED)
        await until(lambda: any(r.values.get("actualLightState") == 35.0 for r in town.store.readings()))
    said = [m for _, m in town.store.told if isinstance(m, Reported)]
    assert [(m.version > 0, m.settings["defaultLightState"], m.code) for m in said] == [
        (False, 0.0, ""), (True, 35.0, ""), (True, 35.0, "pole.settings.malformed"),
    ]  # fmt: skip


@with_firmware
async def test_a_gateway_that_comes_back_gets_what_was_noticed_meanwhile(town: Town, folder: Path) -> None:
    first = a_gateway(town)
    async with first:
        pole_says = variables(town, folder, CODE) | {"BEICHEN_ENDPOINT": first.address}
        running_pole = running(pole_says)
        pole = await running_pole.__aenter__()
        await until(lambda: len(town.store.numbers()) >= 10)
    try:
        before = len(town.store.numbers())
        await asyncio.sleep(1.0)
        async with a_gateway(town, first.address) as second:
            await until(lambda: len(town.store.numbers()) >= before + 40)
            assert second.statistics().get("dropped_by_poles", 0) == 0
            assert (await pole.stopped())[0] == 0
    finally:
        await running_pole.__aexit__(None, None, None)
    numbers = town.store.numbers()
    assert numbers == list(range(1, len(numbers) + 1))


@with_firmware
async def test_a_pole_that_had_to_drop_entries_says_so(town: Town, folder: Path) -> None:
    gateway = a_gateway(town)
    async with gateway:
        address = gateway.address
    async with running(variables(town, folder, CODE, capacity=8) | {"BEICHEN_ENDPOINT": address}) as pole:
        await asyncio.sleep(1.0)
        async with a_gateway(town, address):
            await until(lambda: len(town.store.numbers()) >= 20)
            await pole.stopped()
    numbers = town.store.numbers()
    assert numbers[0] > 8
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


async def cut_again_and_again(town: Town, folder: Path, seed: int, lives: int) -> Counter[str]:
    """SIGKILL at random moments, every third life without a gateway; returns what the ring owed after each, by boot."""
    rng, ring, held = random.Random(seed), folder / "ring", Counter[str]()
    owed: dict[str, set[int]] = {}
    told = variables(town, folder, CODE, ring=ring, report_s=0.02)
    nobody = told | {"BEICHEN_ENDPOINT": "tcp://127.0.0.1:9"}
    for life in range(lives):
        async with running(nobody if life % 3 == 0 else told) as pole:
            await until(ring.exists)
            await asyncio.sleep(rng.uniform(0.0, 0.5))
            pole.kill()
            await pole.process.wait()
        for boot, waiting in in_the_ring(ring).items():
            owed.setdefault(boot, set()).update(waiting)
            held[boot] += len(waiting)
    # the last life says little, so that nothing goes for want of room while this test looks at the ring
    async with running(told | {"BEICHEN_REPORT_S": "5"}) as pole:
        await until(lambda: not owed.keys() & in_the_ring(ring).keys(), within_s=60.0)
        await pole.stopped()
    stored = boots(town)
    assert owed.keys() <= stored.keys()
    for boot, numbers in stored.items():
        assert numbers == list(range(1, len(numbers) + 1)), boot
        assert owed.get(boot, set()) <= set(numbers), boot
    return held


@with_firmware
async def test_a_power_cut_at_any_moment_loses_nothing_and_counts_nothing_twice(town: Town, folder: Path) -> None:
    held = await cut_again_and_again(town, folder, seed=62, lives=12)
    assert len(held) >= 6
    assert sum(held.values()) > 100


@pytest.mark.soak
@with_firmware
async def test_two_hundred_power_cuts_lose_nothing_and_count_nothing_twice(town: Town, folder: Path) -> None:
    held = await cut_again_and_again(town, folder, seed=200, lives=200)
    stored = sum(map(len, boots(town).values()))
    print(  # noqa: T201 - a table of a long test
        f"\n200 power cuts: {len(held)} boots owed entries, {sum(held.values())} looks at one, {stored} stored once"
    )
    assert len(held) > 120


@with_firmware
async def test_a_command_that_a_power_cut_interrupted_is_not_begun_again(town: Town, folder: Path) -> None:
    told = variables(town, folder, CODE, ring=folder / "ring", fade_s=30)
    async with running(told) as pole:
        await until(lambda: CODE in town.gateway.poles)
        asking = asyncio.create_task(
            town.gateway.command(CODE, "LampActuator", "override", {"level": 40}, deadline_s=20.0, until="done")
        )
        assert pole.process.stdout is not None
        assert (await pole.process.stdout.readline()).startswith(b"override ")
        pole.kill()
        await pole.process.wait()
    async with running(told) as pole:
        outcome = await asking
        assert (outcome.outcome, outcome.code) == (Outcome.UNKNOWN, "pole.command.interrupted")
        assert (await pole.stopped())[1] == []


def test_a_new_pole_makes_its_key_brings_it_to_the_desk_and_goes_to_its_gateway(tmp_path: Path) -> None:
    built("main")

    @in_town
    async def enrol(town: Town) -> None:
        address = town.gateway.address
        known = KnownGateway(address=address, public_key=town.server.public.decode())
        path = tmp_path / "keys" / "poles.db"
        with open_register(path, town.clock.utc_s) as register:
            token = register.tokens.issue(CODE, who="Li", valid_s=60.0)
            desk = open_desk(
                "tcp://127.0.0.1:0",
                town.server,
                path,
                lambda: (known,),
                utc_s=town.clock.utc_s,
                paces=Paces(NO_LIMIT, NO_LIMIT),
            )
            told = {"BEICHEN_CODE": CODE, "BEICHEN_KEY_FILE": str(tmp_path / "new.key"), "BEICHEN_TOKEN": token}
            async with desk as open_office:
                told |= {
                    "BEICHEN_DESK": open_office.address,
                    "BEICHEN_DESK_KEY": town.server.public.decode(),
                }
                async with running(told) as pole:
                    await until(register.live)
                    await until((tmp_path / "new.key.gateways").exists)
                    pole.kill()
                async with running(told | {"BEICHEN_KEY_FILE": str(tmp_path / "other.key")}) as stranger:
                    code, _, complaints = await stranger.ended()
            assert code == 1
            assert "pole.enrol.declined" in complaints
            ((public, named),) = register.live().items()
            assert named == CODE
        assert (tmp_path / "new.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "new.key.gateways").read_text() == f"{known.public_key} {address}\n"
        needs = gateway_needs(town.clock, town.store)
        moved = Gateway.tcp("tcp://127.0.0.1:0", town.server, {public.encode(): CODE}, **needs)
        async with moved:
            (tmp_path / "new.key.gateways").write_text(
                f"{known.public_key} nowhere://127.0.0.1:9\n{known.public_key} {moved.address}\n"
            )
            async with running(told | {"BEICHEN_HEARTBEAT_S": "0.3"}) as pole:  # the desk is not asked again
                await until(lambda: len(town.store.numbers()) >= 3, within_s=20.0)
                assert (await pole.stopped())[0] == 0

    enrol()


@with_firmware
async def test_a_key_file_that_others_can_read_is_refused(town: Town, folder: Path) -> None:
    told = variables(town, folder, CODE)
    (folder / "pole.key").chmod(0o640)
    async with running(told) as pole:
        code, _, complaints = await pole.ended()
    assert (code, "chmod 600" in complaints) == (1, True)
    (folder / "pole.key").chmod(0o600)
    (folder / "pole.key").write_text('public = "short"\nsecret = "short"\n')
    async with running(told) as pole:
        code, _, complaints = await pole.ended()
    assert (code, "not a key file" in complaints) == (1, True)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind here")
@with_firmware
async def test_valgrind_finds_no_error_and_no_leak(town: Town, folder: Path) -> None:
    under = (
        "valgrind", "--quiet", f"--error-exitcode={VALGRIND_ERROR}", "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=no",
    )  # fmt: skip
    told = variables(town, folder, CODE, ring=folder / "ring", report_s=0.2, heartbeat_s=5, fade_s=0.2)
    async with running(told, under=under) as pole:
        await until(lambda: len(town.store.numbers()) >= 10, within_s=60.0)
        outcome = await town.gateway.command(
            CODE, "LampActuator", "override", {"level": 40}, until="done", deadline_s=30.0
        )
        assert outcome.accepted
        code, _, complaints = await pole.stopped(within_s=60.0)
    assert (code, complaints) == (0, "")
