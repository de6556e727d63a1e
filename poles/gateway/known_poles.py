"""What is known of the poles since the gateway's start: who said hello, what each said last, and who waits for more."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from poles.gateway.ingest import Taken
from poles.gateway.state import Known, PoleState, introduced_by
from poles.gateway.supervision import Supervision
from poles.protocol import Hello


class KnownPoles:
    """All that said hello, as `states` by city code; `counts` gets the readings of functions that nobody declared."""

    def __init__(self, supervision: Supervision, counts: Counter[str]) -> None:
        self.states: dict[str, PoleState] = {}
        self._supervision = supervision
        self._counts = counts
        self._hellos: dict[str, Hello] = {}  # the last that is durable of each pole
        self._latest: dict[str, dict[str, Known]] = {}  # function -> city code -> what was said last
        self._watchers: dict[str, set[asyncio.Event]] = {}

    def remember(self, hellos: Iterable[Hello]) -> None:
        """Take up what the store holds from before the start, in its order."""
        self._hellos = {hello.code: hello for hello in hellos}

    def is_news(self, hello: Hello) -> bool:
        """Whether a hello says what the last one did not."""
        known = self._hellos.get(hello.code)
        return known is None or _introduction(known) != _introduction(hello)

    def greeted(self, hello: Hello, heard_s: float) -> None:
        """A pole's hello is durable."""
        code = hello.code
        self._hellos[code] = hello
        known = self.states.get(code)
        if known is None:
            self.states[code] = introduced_by(hello, heard_s)
        else:
            known.introduced(hello)
            self._forget_undeclared(known)

    def latest(self, function: str) -> Mapping[str, Known]:
        """The last readings of a function from every pole that ever reported it, by city code."""
        return MappingProxyType(self._latest.get(function, {}))

    def learn(self, state: PoleState, taken: Sequence[Taken]) -> None:
        """Take in what is understood of functions that the pole declared."""
        code, known = state.code, state.readings
        declared, judged = self._supervision.declared(code), self._supervision.judged
        for each in taken:
            heard_s = each.heard_s
            for reading, values in each.typed:
                function = reading.function
                if function not in declared:
                    self._counts["readings_undeclared"] += 1
                    continue
                taken_s, quality = heard_s - reading.held_s, reading.quality
                last = known.get(function)
                if last is not None and last.taken_s > taken_s:
                    continue
                flags = judged(code, state.position, function, values, taken_s, quality)
                news = known[function] = Known(values, reading.at_s, taken_s, quality, flags)
                if last is None:
                    self._latest.setdefault(function, {})[code] = news
                else:
                    self._latest[function][code] = news

    async def until(self, code: str, condition: Callable[[PoleState], bool], deadline_s: float) -> bool:
        """Wait until what the pole says fulfils a condition; False when it did not within `deadline_s` [s]."""
        changed = asyncio.Event()
        watchers = self._watchers.setdefault(code, set())
        watchers.add(changed)
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    state = self.states.get(code)
                    if state is not None and condition(state):
                        return True
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            watchers.discard(changed)
            if not watchers and self._watchers.get(code) is watchers:
                del self._watchers[code]

    def changed(self, code: str) -> None:
        """Wake who waits for this pole."""
        for changed in self._watchers.get(code, ()):
            changed.set()

    def _forget_undeclared(self, state: PoleState) -> None:
        """What a pole does not have any more is not known of it: so one pole fills no memory with names."""
        declared = {capability.function for capability in state.functions}
        for function in [function for function in state.readings if function not in declared]:
            del state.readings[function]
            of_all = self._latest[function]
            of_all.pop(state.code, None)
            if not of_all:
                del self._latest[function]


def _introduction(hello: Hello) -> tuple[object, ...]:
    """What a hello says of the pole; one that repeats it is no news."""
    return hello.boot, hello.firmware, hello.functions, hello.lat_deg, hello.lon_deg, hello.heartbeat_s
