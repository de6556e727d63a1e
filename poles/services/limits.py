"""Judging a measured value against a limit, and its mean over a time."""

from __future__ import annotations

from collections import deque


class Limit:
    """Whether a value is beyond a limit; it must come back by `release` of the limit before it counts as within again.

    Without that gap a value that trembles about its limit would raise and clear an alarm with every sample.
    """

    def __init__(self, *, upper: bool = True, release: float = 0.05) -> None:
        self.broken = False
        self._sign = 1.0 if upper else -1.0
        self._release = release

    def judge(self, value: float | None, limit: float | None) -> bool:
        """Whether it is broken with this value; without a limit nothing is, without a value it stays as it was."""
        if limit is None:
            self.broken = False
        elif value is not None:
            over = (value - limit) * self._sign
            self.broken = over > (-self._release * abs(limit) if self.broken else 0.0)
        return self.broken


class RunningMean:
    """The mean over the last `window_s` of a value that holds from each sample to the next.

    None until samples span three quarters of the window, the share of valid data that air quality rules ask of an
    average (GB 3095-2012, table 4: 45 minutes of an hour, 6 hours of 8).
    """

    NEEDED = 0.75

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque()
        self._area = 0.0  # under the samples but the last, which has no end yet

    def add(self, at_s: float, value: float) -> None:
        """Take a sample at a monotonic second; samples come in order."""
        if self._samples:
            last_s, last = self._samples[-1]
            self._area += (at_s - last_s) * last
        self._samples.append((at_s, value))
        while len(self._samples) > 1 and self._samples[1][0] <= at_s - self._window_s:
            from_s, gone = self._samples.popleft()
            self._area -= (self._samples[0][0] - from_s) * gone

    def mean(self) -> float | None:
        """The mean now, at the last sample."""
        if len(self._samples) < 2:
            return None
        (first_s, first), (last_s, _) = self._samples[0], self._samples[-1]
        outside_s = max(last_s - self._window_s - first_s, 0.0)
        spanned_s = last_s - first_s - outside_s
        if spanned_s < self.NEEDED * self._window_s:
            return None
        return (self._area - outside_s * first) / spanned_s
