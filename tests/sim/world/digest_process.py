"""Live the days of some seeds in a process of its own and print a digest of each: `digest_process.py SEED...`.

The days are small ones, so that several fit into a test; the digest is of every durable event and every tlog.
"""

from __future__ import annotations

import sys

from sim.world.days.exploring import DayKind, live_in_memory

SMALL = DayKind(drones=2, poles=12, minutes=5.0)

if __name__ == "__main__":
    for seed in sys.argv[1:]:
        verdict = live_in_memory(SMALL.day(int(seed)))
        sys.stdout.write(f"{seed} {verdict.digest} {verdict.lasted_s}\n")
