"""The pole's time: its own clock as long as that is right, else its monotonic clock set by the gateway's.

The gateway's time is measured as NTP does, with four stamps (RFC 5905, section 8): what the pole sends and hears is
stamped by its monotonic clock, so a clock that is set by hours in between does no harm. Of the last eight samples the
one with the least uncertainty counts: half its round trip, and the drift since.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

SAMPLES = 8
DRIFT_SPS = 50e-6  # how fast a pole's quartz runs away from the right time, at worst
WRONG_S = 1.0  # beyond what the measurement leaves open
ASK_FIRST_S = 64.0
ASK_SELDOM_S = 1024.0


@dataclass(frozen=True, slots=True)
class Sample:
    """UTC minus the monotonic clock [s], known within `error_s` at the monotonic second `at_s`."""

    offset_s: float
    error_s: float
    at_s: float

    def uncertainty_s(self, now_s: float) -> float:
        """How wrong the offset can be by now."""
        return self.error_s + DRIFT_SPS * max(now_s - self.at_s, 0.0)


def sample(asked_s: float, received_utc_s: float, sent_utc_s: float, heard_s: float) -> Sample | None:
    """The four stamps: asked and heard by the monotonic clock, received and sent by the gateway's.

    None when they cannot be true: an answer before its question, or a stay there that is longer than the whole way.
    """
    delay_s = (heard_s - asked_s) - (sent_utc_s - received_utc_s)
    if not math.isfinite(delay_s) or heard_s < asked_s or sent_utc_s < received_utc_s or delay_s < 0.0:
        return None
    return Sample(((received_utc_s - asked_s) + (sent_utc_s - heard_s)) / 2.0, delay_s / 2.0, heard_s)


class PoleClock:
    """UTC on a pole: `utc_s` is the system's clock and may be wrong or jump, `monotonic_s` never does.

    `on_change` is told when the system's clock is found wrong (by how many seconds: what it says minus what is right),
    found right again (None), or jumped while there was nobody to ask.
    """

    def __init__(
        self,
        utc_s: Callable[[], float],
        monotonic_s: Callable[[], float],
        on_change: Callable[[float | None], None] = lambda wrong_by_s: None,
    ) -> None:
        self._system_utc_s = utc_s
        self._monotonic_s = monotonic_s
        self._on_change = on_change
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._best: Sample | None = None
        self._said: Sample | None = None  # what the system's clock said last
        self._is_wrong = False
        self.ask_every_s = ASK_FIRST_S

    @property
    def is_set(self) -> bool:
        """Whether a gateway told the time."""
        return self._best is not None

    @property
    def is_wrong(self) -> bool:
        """Whether the system's clock is not to be trusted now."""
        return self._is_wrong

    def take(self, heard: Sample) -> None:
        """One more measurement of the gateway's time."""
        best = self._best
        if best is not None:
            self.ask_every_s = min(2 * self.ask_every_s, ASK_SELDOM_S)
            if abs(best.offset_s - heard.offset_s) > best.uncertainty_s(heard.at_s) + heard.error_s + WRONG_S:
                self._samples.clear()  # the gateway's own clock was set
        self._samples.append(heard)
        # all grow uncertain at the same rate, so the best one stays the best until the next is taken
        self._best = min(self._samples, key=lambda held: held.uncertainty_s(heard.at_s))
        self.utc_s()

    def utc_s(self) -> float:
        """UTC now."""
        now_s, system_s = self._monotonic_s(), self._system_utc_s()
        right = self._best or self._said or Sample(system_s - now_s, 0.0, now_s)
        wrong_by_s = system_s - now_s - right.offset_s
        is_wrong = abs(wrong_by_s) > WRONG_S + right.uncertainty_s(now_s)
        if is_wrong != self._is_wrong:
            self._is_wrong = is_wrong
            self._on_change(wrong_by_s if is_wrong else None)
        if is_wrong:
            return now_s + right.offset_s
        if self._best is None:
            self._said = Sample(system_s - now_s, 0.0, now_s)
        return system_s

    def dated(self, at_s: float, monotonic_s: float) -> float:
        """The UTC of a monotonic second of this boot: what it was dated, unless that is found to be wrong."""
        right_s = self.utc_s() - (self._monotonic_s() - monotonic_s)
        return right_s if self.is_set and abs(right_s - at_s) > WRONG_S else at_s
