"""A process that imports and rebuilds without end, for tests that kill it: `python -m ... PATH ACKS`.

Each import replaces the same zones by those of the next batch; the number of a batch is written to ACKS when the
register has confirmed it, and so is `rebuilt` after each rebuild.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from airspace.charted import ChartedZone, Circle, Layer
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from controller.register.changes import Batch
from controller.register.register import open_register
from tests.controller.register.writing_process import FOUNDING, NOW_S

ZONES = 12


def zones(number: int) -> list[ChartedZone]:
    """The zones of one batch: all circles have its number as their radius."""
    heights = Height(0.0, Datum.AGL), Height(120.0, Datum.AGL)
    words = Words("site", "场所")
    return [
        ChartedZone(f"Z{i}", words, "military", words, (Layer(Circle(LatLon(34.7, 113.5 + i / 50), number), *heights),))
        for i in range(ZONES)
    ]


def main(path: Path, acknowledged: Path) -> None:
    """Import and rebuild until killed."""
    with open_register(path, lambda: NOW_S, founding=FOUNDING) as register, acknowledged.open("a") as acks:
        for number in itertools.count(10):
            register.import_zones(zones(number), Batch(f"{number}.geojson", "00", "the office"), replace=True)
            acks.write(f"{number}\n")
            acks.flush()
            register.rebuild()
            acks.write("rebuilt\n")
            acks.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
