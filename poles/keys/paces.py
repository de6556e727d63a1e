"""How often somebody may try: token buckets for each of those who try, and one for all of them together."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

PEERS_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Pace:
    """How many attempts are taken: so many at once, and so many a second after that."""

    at_once: float
    per_s: float


NO_LIMIT = Pace(at_once=1e12, per_s=1e12)


class Paces:
    """Buckets for the latest who tried, and one for all of them; whoever is forgotten begins anew."""

    def __init__(self, each: Pace, together: Pace = NO_LIMIT, kept: int = PEERS_KEPT) -> None:
        self._each, self._together, self._kept = each, together, kept
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # who -> attempts left, at what second
        self._of_all = (together.at_once, 0.0)

    def takes(self, who: str, now_s: float) -> bool:
        """Whether one more attempt is taken now; `now_s` never falls [s]."""
        left, since_s = self._left.pop(who, (self._each.at_once, now_s))
        left = min(self._each.at_once, left + (now_s - since_s) * self._each.per_s)
        all_left, all_since_s = self._of_all
        all_left = min(self._together.at_once, all_left + (now_s - all_since_s) * self._together.per_s)
        takes = left >= 1.0 and all_left >= 1.0
        self._left[who] = left - takes, now_s
        self._of_all = all_left - takes, now_s
        if len(self._left) > self._kept:
            self._left.popitem(last=False)
        return takes
