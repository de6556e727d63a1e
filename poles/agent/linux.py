"""A whole pole on Linux: its keys, its ring and its drivers around the agent."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.agent.agent import PoleAgent
from poles.agent.drivers import Driver, LedLamp, WeatherFiles
from poles.agent.flash import FileFlash
from poles.agent.pole_file import LoadedPole
from poles.agent.ring import Ring
from poles.agent.settings import SettingsStore
from poles.keys.enrolling import enrolled
from poles.keys.key_ring import RingConnection
from poles.services.pole_keys import FUNCTION as KEYS
from poles.services.pole_keys import PoleKeys

NOT_ENROLLED = Rule(
    "pole-file.not-enrolled",
    Words("this pole has no key ring yet", "该灯杆尚无密钥文件"),
    Words(
        "Run `beichen poles enrol {code}` at the controller, and give the token here with --token.",
        "请在控制端运行 `beichen poles enrol {code}`，并在此用 --token 输入令牌。",
    ),
)


async def run_pole(
    pole: LoadedPole,
    *,
    token: str = "",
    utc_s: Callable[[], float],
    rng: random.Random,
    stop: asyncio.Event,
    why: str = "shutdown",
) -> None:
    """Be this pole until `stop` is set: then say bye, note in the ring what is acknowledged, and return.

    A pole without a key ring enrols first, with the one-time `token`. `rng` names the boot, so it must never be seeded
    alike twice for one pole. Raises Refused when it cannot enrol or keep what it must.
    """
    file, folder = pole.file, pole.folder
    if not token and not pole.keys.exists():
        raise Refused([Reason(NOT_ENROLLED, str(pole.keys), {"code": file.code})])
    context = zmq.asyncio.Context()
    try:
        settings = SettingsStore(folder / file.settings if file.settings is not None else None)
        if not pole.keys.exists():
            settings.forget(KEYS)  # what another gateway desired of other keys
        keys = await enrolled(context, pole.keys, pole.desk, file.code, token)
        ring = Ring.open(FileFlash.open(folder / file.ring, file.ring_bytes)) if file.ring is not None else None
        try:
            drivers = _drivers(pole)
            agent = PoleAgent(
                file.code,
                [PoleKeys(keys), *(driver.service for driver in drivers)],
                RingConnection(context, keys),
                position=pole.position,
                utc_s=utc_s,
                rng=rng,
                report_every_s=file.report_every_s,
                heartbeat_every_s=file.heartbeat_every_s,
                firmware=file.firmware,
                ring=ring,
                settings=settings,
            )
            await _work(agent, drivers, stop, why)
        finally:
            if ring is not None:
                with contextlib.suppress(OSError):  # a flash that fails was told long ago, in the log
                    ring.close()
    finally:
        context.destroy(linger=0)


def _drivers(pole: LoadedPole) -> list[Driver]:
    drivers: list[Driver] = []
    if pole.file.weather is not None:
        drivers.append(WeatherFiles(pole.file.weather, pole.folder))
    if pole.file.lamp is not None:
        drivers.append(LedLamp(pole.file.lamp, pole.folder))
    return drivers


async def _work(agent: PoleAgent, drivers: list[Driver], stop: asyncio.Event, why: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        working = [tasks.create_task(driver.run(), name=type(driver).__name__) for driver in drivers]
        running = tasks.create_task(agent.run(), name=agent.code)
        await stop.wait()
        await agent.leave(why)
        await running
        for task in working:
            task.cancel()
