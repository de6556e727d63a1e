"""Whatever a file of obstacles holds, it gives obstacles that can be trusted, reasons, or both; it never raises."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from airspace.frames import Ground
from airspace.ground.clearance import LaidObstacles, StraightLeg
from airspace.ground.obstacles import ObstacleFields, ObstacleReading, read_obstacles
from airspace.reasons import Refused
from tests.airspace.formats.mutations import Corpus, mutant
from tests.airspace.ground.grounds import FRAME

GROUND = Ground(amsl_m=108.0, geoid_m=-19.4)
FIELDS = ObstacleFields(levels="levels")
OVER = StraightLeg((-600.0, 20.0), (900.0, 20.0), 150.0, 150.0)
LONGEST_S = 2.0
BATCHES = 25

RING = [[113.61, 34.79], [113.611, 34.79], [113.611, 34.791], [113.61, 34.791], [113.61, 34.79]]
HOLE = [[113.6102, 34.7902], [113.6104, 34.7902], [113.6104, 34.7904], [113.6102, 34.7902]]
LINE = [[113.61, 34.79], [113.612, 34.79, 108.0], [113.614, 34.791]]
SEED = {
    "type": "FeatureCollection",
    "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    "features": [
        {"type": "Feature", "geometry": geometry, "properties": properties, "id": i}
        for i, (geometry, properties) in enumerate(
            [
                ({"type": "Polygon", "coordinates": [RING, HOLE]}, {"id": "a", "name": "塔", "height": "63.5"}),
                ({"type": "MultiPolygon", "coordinates": [[RING]]}, {"id": "b", "levels": 7}),
                ({"type": "Point", "coordinates": [113.62, 34.8]}, {"id": "c", "height": 45, "radius": 2.5}),
                ({"type": "LineString", "coordinates": LINE}, {"id": "d", "height": [30, 40, 35], "half_width": 12}),
            ]
        )
    ],
}
CORPUS = Corpus(
    "obstacles",
    [json.dumps(SEED, ensure_ascii=False).encode()],
    [b"null", b"true", b"{}", b"[]", b'""', b'"coordinates": [[', b",", b"1e400", b"-", b"\\ud800", b"NaN"],
    [(b"[", b"]"), (b'{"a":', b"}")],
)


def broken_promise(reading: ObstacleReading) -> str:
    """What does not hold of a reading; nothing when all does."""
    for reason in reading.reasons:
        if not (reason.text("en") and reason.text("zh") and reason.where):
            return f"a reason without words or place: {reason}"
    if len({obstacle.id for obstacle in reading.obstacles}) < len(reading.obstacles):
        return "an id came twice"
    for obstacle in reading.obstacles:
        if not all(math.isfinite(height_m) for height_m in (*obstacle.tops_ellipsoidal_m, obstacle.tall_m)):
            return f"{obstacle.id} has no height"
        if obstacle.tall_m <= 0.0:
            return f"{obstacle.id} stands under the ground"
        with contextlib.suppress(Refused):  # for what a mutant moved beyond the reach of the frame
            for clearance in LaidObstacles(FRAME, [obstacle]).near(OVER, 40.0):
                if not (math.isfinite(clearance.vertical_m) and 0.0 <= clearance.horizontal_m <= 40.0 + 1e-3):
                    return f"{obstacle.id} is passed at {clearance}"
    return ""


def fuzz(folder: Path, numbers: Iterable[int]) -> dict[str, int]:
    """Read the mutants of these numbers; counts what came of them. Fails on the first broken promise."""
    path = folder / "mutant.geojson"
    tally = {"tried": 0, "whole": 0, "in part": 0, "refused": 0}
    for number in numbers:
        path.write_bytes(mutant(CORPUS, number))
        began_s = time.process_time()
        reading = read_obstacles(path, GROUND, FIELDS)
        assert time.process_time() - began_s < LONGEST_S, number
        assert broken_promise(reading) == "", number
        outcome = "whole" if not reading.reasons else "in part" if reading.obstacles else "refused"
        tally["tried"] += 1
        tally[outcome] += 1
    return tally


def test_the_seed_itself_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "seed.geojson"
    path.write_bytes(CORPUS.seeds[0])
    reading = read_obstacles(path, GROUND, FIELDS)
    assert (len(reading.obstacles), reading.reasons) == (4, ())
    met = LaidObstacles(FRAME, reading.obstacles).near(OVER, 40.0)
    assert {clearance.over for clearance in met} == {"a", "b", "d"}


def test_mutants_give_obstacles_or_reasons_and_never_an_error(tmp_path: Path) -> None:
    tally = fuzz(tmp_path, range(500))
    assert min(tally["whole"], tally["in part"], tally["refused"]) > 10, tally
    assert tally["whole"] < 250, "mutants that change nothing prove nothing"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_hundred_thousand_mutants_give_obstacles_or_reasons(tmp_path: Path, batch: int) -> None:
    tally = fuzz(tmp_path, range(batch * 4000, (batch + 1) * 4000))
    print(f"| obstacles {batch} | " + " | ".join(str(count) for count in tally.values()) + " |")  # noqa: T201
    assert tally["tried"] == 4000
