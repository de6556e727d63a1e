"""Controllers one after another, and the people who ask each of them for what has not been flown yet."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from controller.district import District
from controller.events import RunStarted
from controller.state import FlightState

Work = Callable[[District], Coroutine[Any, Any, None]]


class Controllers(Protocol):
    """Where controllers run."""

    def controller(self) -> AbstractAsyncContextManager[District]:
        """A fresh controller over the log of those before it, as long as the context lasts."""

    async def kill(self, district: District, work: asyncio.Task[None]) -> None:
        """End a controller's work as SIGKILL would."""


class Succession:
    """One controller after another, each until it is killed, the last until its work is done; `count` is how many."""

    def __init__(self) -> None:
        self.count = 0
        self._killed = asyncio.Event()
        self._down_until_s = -math.inf

    @property
    def killed(self) -> bool:
        """Whether the controller that ran last was killed, though it may not have felt it yet."""
        return self._killed.is_set()

    def kill(self, down_s: float) -> None:
        """Kill the controller; another starts after so many seconds, none when they are infinite."""
        self._down_until_s = max(self._down_until_s, asyncio.get_running_loop().time() + down_s)
        self._killed.set()

    async def run(self, controllers: Controllers, work: Work) -> None:
        """Let one controller after another do the work until one of them has done it; raises what the work raises."""
        while not await self._one(controllers, work):
            await self._down()

    async def _one(self, controllers: Controllers, work: Work) -> bool:
        """Whether this controller has lived to see the end of its work."""
        self._killed.clear()
        async with controllers.controller() as district:
            self.count += 1
            working = asyncio.create_task(work(district))
            killed = asyncio.create_task(self._killed.wait())
            try:
                await asyncio.wait([working, killed], return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    await working
                    return True
                return False
            finally:
                killed.cancel()
                if not working.done():
                    await controllers.kill(district, working)

    async def _down(self) -> None:
        """Until another may start; whoever kills what is dead makes it longer."""
        now_s = asyncio.get_running_loop().time
        while (left_s := self._down_until_s - now_s()) > 0.0:
            if math.isinf(left_s):
                await asyncio.get_running_loop().create_future()
            await asyncio.sleep(left_s)


class Operators(ABC):
    """The people who ask for missions: they outlive every controller, and know which missions are `over`."""

    def __init__(self, missions: Iterable[str]) -> None:
        self.over = {name: asyncio.Event() for name in missions}

    async def work(self, district: District) -> None:
        """With one controller: pick up what was left open, and ask for what has not begun."""
        runs = {r.event.run: r.event.name for r in district.store.read() if isinstance(r.event, RunStarted)}
        begun = {runs[flight.run]: flight for flight in district.state.flights.values()}
        async with asyncio.TaskGroup() as group:
            for flight in district.state.unfinished():
                name = runs[flight.run]
                group.create_task(self.pick_up(district, name, flight), name=f"pick up {flight.id}")
            for name, over in self.over.items():
                if name in begun and begun[name].ended:
                    over.set()  # a controller died before it could say so
                elif name not in begun and not over.is_set():
                    group.create_task(self.ask(district, name), name=f"mission {name}")

    @abstractmethod
    async def ask(self, district: District, name: str) -> None:
        """Ask for a mission in its time, and set that it is over when it is."""

    @abstractmethod
    async def pick_up(self, district: District, name: str, flight: FlightState) -> None:
        """Finish a mission's flight that an earlier controller left open, and set that it is over."""
