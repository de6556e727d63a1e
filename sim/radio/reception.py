"""How one drone is reached where it is: the radio of the city, what is wrong with the drone's own, and its links."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from sim.links import Quality
from sim.radio.coverage import Place, Radio

ASKED_EVERY_S = 1.0  # at 20 m/s the place has changed by 20 m


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a drone's own radio, on top of the coverage: see `sim.links.Quality`."""

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    doubled: float = 0.0


NO_TROUBLE = Trouble()


class Reception:
    """The quality of all links of one drone; `place` gives where it is in the world's frame."""

    def __init__(self, radio: Radio, place: Callable[[], Place]) -> None:
        self._radio = radio
        self._place = place
        self._trouble = NO_TROUBLE
        self._now = Quality()
        self._until_s = -math.inf

    @property
    def trouble(self) -> Trouble:
        """What is wrong with the drone's own radio."""
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._until_s = -math.inf

    def quality(self) -> Quality:
        """How a link of the drone carries at present."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._until_s:
            self._now = _worse(self._radio.quality(*self._place()), self._trouble)
            self._until_s = now_s + ASKED_EVERY_S
        return self._now

    def over(self, own: Quality) -> Callable[[], Quality]:
        """The quality of a link that has one of its own besides, such as a modem's delay."""
        given = Trouble(own.loss, own.delay_s, own.jitter_s, own.doubled)
        asked, answer = Quality(), _worse(Quality(), given)

        def together() -> Quality:
            nonlocal asked, answer
            now = self.quality()
            if now is not asked:
                asked, answer = now, _worse(now, given)
            return answer

        return together


def _worse(quality: Quality, trouble: Trouble) -> Quality:
    return Quality(
        loss=1.0 - (1.0 - quality.loss) * (1.0 - trouble.loss),
        delay_s=quality.delay_s + trouble.delay_s,
        jitter_s=max(quality.jitter_s, trouble.jitter_s),
        doubled=1.0 - (1.0 - quality.doubled) * (1.0 - trouble.doubled),
    )
