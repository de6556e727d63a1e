"""The gateway's side of key renewal: asks poles for new keys, lets those in, and leads poles to a new door.

Everything that it does follows from the register, from what poles reported and from what they are desired to do, so it
can be ended at any moment and goes on where it was. It takes its time: so many poles a second and no more.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator

import msgspec

from airspace.reasons import Refused
from poles.gateway.desired import Status
from poles.gateway.gateway import Gateway
from poles.keys.pairs import key_of
from poles.keys.register import Register, Source
from poles.protocol.enrolment import KnownGateway
from poles.services.pole_keys import FUNCTION, KeyReadings, KeySettings
from poles.wire.doorway import Doorway

LOOK_S = 1.0
POLES_A_LOOK = 2_000
STEPS_A_LOOK = 200  # 100,000 poles are led to a new door in half an hour, and the store has other work
BYE_AGAIN_S = 60.0
BACK_S = 1.0
BY = "key renewal"


class KeyRenewal:
    """Looks after the keys of a gateway's poles; `run` lives until cancelled."""

    def __init__(self, gateway: Gateway, register: Register, doorway: Doorway) -> None:
        self._gateway = gateway
        self._register = register
        self._doorway = doorway
        self._seen = -1
        self._asked: dict[str, int] = {}
        self._done: dict[str, int] = {}  # city code -> the renewal whose key the register has
        self._next: deque[str] = deque()
        self._dismissed: dict[str, float] = {}  # city code -> when it was told to come again [s of the loop]
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Look at the register and at some poles every second."""
        while True:
            try:
                await self.look()
            except Refused:
                self.counts["register_failures"] += 1
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Do what there is to do now. Raises Refused when the register cannot be used."""
        latest = self._register.last_change()
        if latest != self._seen:
            self._asked, self._seen = self._register.renewals(), latest
        if not self._next:
            self._next.extend(self._concerned())
        gateways = self._doorway.gateways()
        steps = 0
        for _ in range(min(len(self._next), POLES_A_LOOK)):
            steps += await self._look_at(self._next.popleft(), gateways)
            if steps >= STEPS_A_LOOK:
                return

    def _concerned(self) -> Iterator[str]:
        """The poles that are asked for a key or have a new door to learn of, as far as they ever came."""
        if self._doorway.is_leaving:
            yield from self._gateway.poles
        else:
            for code, number in self._asked.items():
                if self._done.get(code) != number and code in self._gateway.poles:
                    yield code

    async def _look_at(self, code: str, gateways: tuple[KnownGateway, ...]) -> bool:
        """Take the next step with one pole; whether there was one."""
        settings = KeySettings(renewal=self._asked.get(code, 0), gateways=gateways)
        wanted = msgspec.json.decode(msgspec.json.encode(settings))  # as the store gives it back: with lists
        book = self._gateway.supervision.desired
        wish = book.wish(code, FUNCTION)
        if wish is None or dict(wish.settings) != wanted:
            await self._gateway.supervision.wish(code, FUNCTION, wanted, BY)
            self.counts["asked"] += 1
            return True
        if book.status(code, FUNCTION) is not Status.MET:
            return False
        return await self._let_in(code) or self._lead(code)

    async def _let_in(self, code: str) -> bool:
        """Let in the key that a pole made when it was asked to, and have it come with that."""
        reading = self._gateway.latest(FUNCTION).get(code)
        if reading is None or not isinstance(reading.values, KeyReadings):
            return False
        made, key = reading.values.renewal, key_of(reading.values.public_key)
        if not made or made != self._asked.get(code) or key is None:
            return False
        if key.decode() in {held.key for held in self._register.held(code)}:
            self._done[code] = made
            return False
        try:
            await asyncio.to_thread(self._admit, code, key.decode())
        except Refused as refused:
            self.counts["refused"] += 1
            self.counts.update(reason.rule.code for reason in refused.reasons)
            return False
        self.counts["let_in"] += 1
        return self._dismiss(code)

    def _admit(self, code: str, key: str) -> None:
        """In a thread: another process that holds the register must not hold up the poles."""
        with self._register.again() as register:
            register.admit([(code, key)], who=BY, source=Source.ROTATION)

    def _lead(self, code: str) -> bool:
        """Have a pole that knows of the new door come through it."""
        return self._doorway.is_leaving and not self._doorway.has_come(code) and self._dismiss(code)

    def _dismiss(self, code: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._dismissed.get(code, -BYE_AGAIN_S) + BYE_AGAIN_S:
            return False
        self._dismissed[code] = now_s
        return self._gateway.dismiss(code, "maintenance", BACK_S)
