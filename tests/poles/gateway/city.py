"""A city of poles that beat, die and come back, before a liveness and its outages; seconds of the test's own time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Mapping, Sequence

from poles.gateway.liveness import Back, Liveness, Silence
from poles.gateway.outages import Alone, Began, Change, Changed, NotAlone, Outages, Over
from poles.protocol import Reading
from tests.poles.gateway.watching import readings_of


class City:
    """Poles report all their functions every `interval_s` (a little more often than promised); seeded phases."""

    def __init__(self, seed: int = 1, feeds: Mapping[str, Sequence[str]] | None = None) -> None:
        self.rng = random.Random(seed)
        self.now_s = 1000.0
        self.liveness = Liveness(self.now_s)
        self.outages = Outages(self.liveness.watches, feeds)
        self.told: list[tuple[float, Silence]] = []
        self.changes: list[tuple[float, Change]] = []
        self.last_s: dict[str, float] = {}
        self.dead: dict[str, None] = {}
        self._feeds = feeds
        self._supplies: dict[str, tuple[str, ...]] = {}
        self._interval_s: dict[str, float] = {}
        self._readings: dict[str, tuple[Reading, ...]] = {}
        self._beats: list[tuple[float, str]] = []
        self._acts: list[tuple[float, int, str, tuple[str, ...]]] = []

    def add(
        self, code: str, supplies: Iterable[str] = (), interval_s: float = 5.0, functions: Iterable[str] = ()
    ) -> None:
        self._interval_s[code] = interval_s
        self._supplies[code] = tuple(supplies)
        self._readings[code] = readings_of(*functions)
        self.outages.place(code, self._supplies[code])
        self._hello(code)
        first_s = self.now_s + self.rng.random() * interval_s * 0.99
        heapq.heappush(self._beats, (first_s, code))

    def add_many(self, count: int, name: str, supplies: Iterable[str] = (), interval_s: float = 5.0) -> list[str]:
        codes = [f"{name}-{number}" for number in range(count)]
        for code in codes:
            self.add(code, supplies, interval_s)
        return codes

    def kill(self, codes: Iterable[str], at_s: float) -> None:
        heapq.heappush(self._acts, (at_s, len(self._acts), "kill", tuple(codes)))

    def revive(self, codes: Iterable[str], at_s: float) -> None:
        heapq.heappush(self._acts, (at_s, len(self._acts), "revive", tuple(codes)))

    def take_away(self, codes: Iterable[str]) -> None:
        """From now on these poles are none of this district's, whatever they still say."""
        for code in codes:
            self.liveness.forget(code)
            self._note(self.outages.remove(code))

    def restart(self) -> None:
        """A new process takes up what was told; what it does not know of the poles it hears anew."""
        before, feeds = self.outages, self._feeds
        self.outages = Outages(self.liveness.watches, feeds)
        for code in self.liveness.watches:
            self.outages.place(code, self._supplies[code])
        down = {supply: tuple(outage.members) for supply, outage in before.open.items()}
        self.outages.restore(before.alone, down, self.liveness.tick(self.now_s))

    def until(self, now_s: float) -> None:
        while True:
            beat_s = self._beats[0][0] if self._beats else now_s + 1
            act_s = self._acts[0][0] if self._acts else now_s + 1
            wake_tick = self.outages.wake_tick
            wake_s = min(self.liveness.wake_s, wake_tick / 8 if wake_tick is not None else now_s + 1)
            self.now_s = max(self.now_s, min(beat_s, act_s, wake_s, now_s))
            if min(beat_s, act_s, wake_s) > now_s:
                return
            if act_s <= self.now_s:
                self._act(*heapq.heappop(self._acts)[2:])
            elif wake_s <= self.now_s:
                self._advance()
            else:
                self._beat(heapq.heappop(self._beats)[1])

    def _advance(self) -> None:
        silences = self.liveness.advance(self.now_s)
        self.told += [(self.now_s, silence) for silence in silences]
        tick = self.liveness.tick(self.now_s)
        codes = [silence.code for silence in silences if silence.function is None]
        self._note(self.outages.silent(codes, tick))
        self._note(self.outages.advance(tick))

    def _beat(self, code: str) -> None:
        heapq.heappush(self._beats, (self.now_s + self._interval_s[code] * self.rng.uniform(0.97, 1.0), code))
        if code in self.dead:
            return
        tick = self.liveness.tick(self.now_s)
        self.last_s[code] = self.now_s
        self._returned(self.liveness.heard(code, tick))
        if self._readings[code]:
            self.liveness.reported(code, self._readings[code], tick)

    def _act(self, what: str, codes: tuple[str, ...]) -> None:
        for code in codes:
            if what == "kill":
                self.dead[code] = None
            else:
                del self.dead[code]
                self._hello(code)

    def _hello(self, code: str) -> None:
        interval_s = self._interval_s[code]
        self.last_s[code] = self.now_s
        functions = dict.fromkeys([reading.function for reading in self._readings[code]], interval_s)
        for back in self.liveness.introduce(code, interval_s, functions, self.now_s):
            self._returned(back)

    def _returned(self, back: Back | None) -> None:
        if back is not None and back.function is None:
            self._note(self.outages.back([back.code], self.liveness.tick(self.now_s)))

    def _note(self, changes: Iterable[Change]) -> None:
        self.changes += [(self.now_s, change) for change in changes]

    # -- what was told ----------------------------------------------------------------------------------------------

    def began(self) -> list[Began]:
        return [change for _, change in self.changes if isinstance(change, Began)]

    def alone(self) -> list[str]:
        return [change.code for _, change in self.changes if isinstance(change, Alone)]

    def not_alone(self) -> list[str]:
        return [change.code for _, change in self.changes if isinstance(change, NotAlone)]

    def over(self) -> list[Over]:
        return [change for _, change in self.changes if isinstance(change, Over)]

    def joined(self, supply: str) -> list[str]:
        members: list[str] = []
        for _, change in self.changes:
            if isinstance(change, Began) and change.supply == supply:
                members += change.members
            elif isinstance(change, Changed) and change.supply == supply:
                members += change.joined
        return members
