"""Where the gateway listens while one server key gives way to the next: at several doors at once.

Which doors there are stands in the register, where another process may open one more; a door that is left closes when
all poles have come through the open one, or when its term is over.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

from airspace.reasons import Refused
from poles.keys.admission import RegisterAdmission
from poles.keys.doors import Door, DoorState
from poles.keys.pairs import load_key_pair
from poles.keys.register import Register
from poles.protocol.enrolment import KnownGateway
from poles.wire.lines import Take
from poles.wire.listener import CurveListener, Gone

LOOK_S = 0.5


class _Met(RegisterAdmission):
    """Who may come in, and who has come through one door."""

    def __init__(self, register: Register) -> None:
        super().__init__(register)
        self._met: set[str] = set()

    def used(self, key: str) -> None:
        super().used(key)
        self._met.add(self.codes.get(key, ""))

    def has_met(self, code: str) -> bool:
        """Whether this pole has come."""
        return code in self._met

    def has_met_all(self) -> bool:
        """Whether every pole that may come in has come."""
        return self._met.issuperset(self.codes.values())


class Doorway:
    """A listener made of one for each door of a register; `folder` is what the names of key files are beside."""

    def __init__(self, register: Register, folder: Path) -> None:
        self._register = register
        self._folder = folder
        self._marks = itertools.cycle(range(256))
        self._doors: dict[str, tuple[CurveListener, _Met]] = {}  # by public key
        self._by_mark: dict[int, CurveListener] = {}
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._newest = ""  # the open door
        self._failures = 0
        self._past: dict[str, int] = {}  # counts of doors that are closed
        self._take: Take
        self._gone: Gone

    @property
    def address(self) -> str:
        """Where the open door is, with its real port."""
        return self._doors[self._newest][0].address

    def gateways(self) -> tuple[KnownGateway, ...]:
        """What poles are told to connect to: the open door first, then the one that is left."""
        doors = [door for door in self._register.doors.answered() if door.public in self._doors]
        return tuple(
            KnownGateway(address=door.address or self._doors[door.public][0].address, public_key=door.public)
            for door in doors
        )

    @property
    def is_leaving(self) -> bool:
        """Whether poles are to go from one door to another."""
        return len(self._doors) > 1

    @property
    def looks_failed(self) -> int:
        """How often in a row the register could not be followed."""
        return max((met.failures for _, met in self._doors.values()), default=0)

    def has_come(self, code: str) -> bool:
        """Whether a pole has come through the open door."""
        opened = self._doors.get(self._newest)
        return opened is not None and opened[1].has_met(code)

    def open(self, take: Take, gone: Gone) -> None:
        """Listen at every door. Raises Refused."""
        self._take, self._gone = take, gone
        try:
            for door in self._register.doors.answered():
                self._open(door)
                self._newest = self._newest or door.public  # the open one comes first
        except Refused:
            self.close()
            raise

    def _open(self, door: Door) -> None:
        pair, met = load_key_pair(self._folder / door.file), _Met(self._register)
        mark = next(mark for mark in self._marks if mark not in self._by_mark)
        listener = CurveListener(door.listen, pair, met, bytes([mark]))
        listener.open(self._take, self._gone)
        self._doors[door.public] = listener, met
        self._by_mark[mark] = listener

    async def serve(self) -> None:
        """Serve all doors, open new ones and close those that were left, until cancelled."""
        seen = -1
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    latest = self._register.last_change()
                    if seen != latest or len(self._doors) > 1 or len(self._serving) < len(self._doors):
                        await self._settle(tasks)
                        seen = latest
                except Refused:
                    self._failures += 1  # a key file is not there or open to others: try again
                await asyncio.sleep(LOOK_S)

    async def _settle(self, tasks: asyncio.TaskGroup) -> None:
        doors = {door.public: door for door in self._register.doors.answered()}
        self._newest = next(iter(doors))  # the open one comes first
        for public, door in doors.items():
            if public not in self._doors:
                self._open(door)
            if public not in self._serving:
                self._serving[public] = tasks.create_task(self._doors[public][0].serve(), name="poles-door")
            if door.state is DoorState.LEAVING:
                await asyncio.to_thread(self._leave, door.public, self._doors[self._newest][1].has_met_all())
        for public in [public for public in self._doors if public not in doors]:
            self._shut(public)

    def _leave(self, public: str, all_have_come: bool) -> None:
        """Close a door that nobody needs any more; in a thread, as another process may hold the register."""
        with self._register.again() as register:
            if all_have_come:
                register.doors.close(public, "all poles have come through the new door")
            else:
                register.doors.close_late(public)

    def _shut(self, public: str) -> None:
        listener, _ = self._doors.pop(public)
        self._by_mark = {mark: other for mark, other in self._by_mark.items() if other is not listener}
        for name, count in listener.statistics().items():
            self._past[name] = self._past.get(name, 0) + count
        serving = self._serving.pop(public, None)
        if serving is None:
            listener.close()
        else:
            serving.cancel()
            serving.add_done_callback(lambda _: listener.close())

    def send(self, route: bytes, body: bytes) -> bool:
        """Send without waiting; False when nobody is there or it does not read."""
        listener = self._by_mark.get(route[0])
        return listener is not None and listener.send(route, body)

    def drop(self, route: bytes) -> None:
        """End one connection; its pole may come again."""
        listener = self._by_mark.get(route[0])
        if listener is not None:
            listener.drop(route)

    def lets_in(self, code: str) -> bool:
        """Whether a pole has a key with which it may come."""
        return self._doors[self._newest][1].has_key(code)

    def statistics(self) -> dict[str, int]:
        """Counts of who was turned away at any door."""
        counts = dict(self._past)
        for listener, _ in self._doors.values():
            for name, count in listener.statistics().items():
                counts[name] = counts.get(name, 0) + count
        return counts | {"doors": len(self._doors), "doors_failed": self._failures}

    def close(self) -> None:
        """Close every door."""
        for public in list(self._doors):
            listener, _ = self._doors.pop(public)
            listener.close()
        self._by_mark.clear()
