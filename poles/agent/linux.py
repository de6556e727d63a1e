"""A whole pole on Linux: its file, its ring and its drivers around the agent."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import zmq.asyncio

from poles.agent.agent import PoleAgent
from poles.agent.drivers import LedLamp, WeatherFiles
from poles.agent.flash import FileFlash
from poles.agent.pole_file import LoadedPole
from poles.agent.ring import Ring
from poles.agent.settings import SettingsStore
from poles.wire.connection import CurveConnection


async def run_pole(
    pole: LoadedPole, *, utc_s: Callable[[], float], rng: random.Random, stop: asyncio.Event, reason: str = "shutdown"
) -> None:
    """Be this pole until `stop` is set: then say bye, note in the ring what is acknowledged, and return.

    `rng` names the boot, so it must never be seeded alike twice for one pole. Raises Refused for a ring that cannot be
    used.
    """
    file, folder = pole.file, pole.folder
    ring = Ring.open(FileFlash.open(folder / file.ring, file.ring_bytes)) if file.ring is not None else None
    context = zmq.asyncio.Context()
    drivers: list[WeatherFiles | LedLamp] = []
    if file.weather is not None:
        drivers.append(WeatherFiles(file.weather, folder))
    if file.lamp is not None:
        drivers.append(LedLamp(file.lamp, folder))
    agent = PoleAgent(
        file.code,
        [driver.service for driver in drivers],
        CurveConnection(context, file.gateway.address, pole.key, pole.gateway_key),
        position=pole.position,
        utc_s=utc_s,
        rng=rng,
        report_every_s=file.report_every_s,
        heartbeat_every_s=file.heartbeat_every_s,
        firmware=file.firmware,
        ring=ring,
        settings=SettingsStore(folder / file.settings if file.settings is not None else None),
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(driver.run(), name=type(driver).__name__) for driver in drivers]
            running = tasks.create_task(agent.run(), name=file.code)
            await stop.wait()
            await agent.leave(reason)
            await running
            for task in working:
                task.cancel()
    finally:
        if ring is not None:
            with contextlib.suppress(OSError):  # a flash that fails was told long ago, in the log
                ring.close()
        context.destroy(linger=0)
