"""Files made to be slow: three megabytes that stand for as much work as a line of text can."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from airspace.formats import kml_tree, openair
from airspace.formats.chart import MOST_REASONS
from airspace.formats.kml import read_kml
from airspace.formats.openair import read_openair
from airspace.formats.reading import Reading
from tests.airspace.formats.fuzzing import LONGEST_S, archive

BYTES = 3_000_000
HEAD = b"AC R\nAL GND\nAH FL9\n"
CENTRE = b"V X=1:1:1N 1:1:1E\n"
HOLE = b"<innerBoundaryIs><LinearRing><coordinates>1,1 2,1 2,2</coordinates></LinearRing></innerBoundaryIs>"
MARK = (
    b"<Placemark><name>a</name><Polygon><extrude>1</extrude><altitudeMode>absolute</altitudeMode><outerBoundaryIs>"
    b"<LinearRing><coordinates>0,0,9 9,0,9 9,9,9</coordinates></LinearRing></outerBoundaryIs>%s</Polygon></Placemark>"
)


def corners(count: int, seed: int = 1) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    return [(chance.random() / 100, chance.random() / 100) for _ in range(count)]


def tangle() -> bytes:
    """Ten outlines of as many corners as are allowed, each edge of which crosses most others."""
    drawn = b"".join(b"DP %.6fN %.6fE\n" % corner for corner in corners(9999))
    return (HEAD + drawn) * 10


def comb() -> bytes:
    """Ten outlines that are sound, but in which each edge runs beside all the others."""
    teeth = b"".join(b"DP %.6fN %.6fE\n" % (10 + i % 2 / 100, 10 + i / 1e6) for i in range(9990))
    return (HEAD + teeth + b"DP 9.9N 10.01E\nDP 9.9N 10E\n") * 10


def filled(pattern: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + pattern * (BYTES // len(pattern)) + after


def kml_ring() -> bytes:
    return b" ".join(b"%.6f,%.6f,9" % corner for corner in corners(9900))


SLOW: dict[str, tuple[Callable[[bytes, str], Reading], Callable[[], bytes]]] = {
    "circles": (read_openair, lambda: filled(HEAD + CENTRE + b"DC 1\n")),
    "triangles": (read_openair, lambda: filled(HEAD + b"DP 1:1:1N 1:1:1E\nDP 1:1:1N 1:2:1E\nDP 1:3:1N 1:1:1E\n")),
    "tangle": (read_openair, tangle),
    "comb": (read_openair, comb),
    "arcs of many zones": (read_openair, lambda: filled(HEAD + CENTRE + b"DA 5,0,359\n" * 70)),
    "arcs of one zone": (read_openair, lambda: filled(b"DA 5,0,359\n", HEAD + CENTRE)),
    "short arcs": (read_openair, lambda: filled(HEAD + CENTRE + b"DA 5,0,1\n" * 9000)),
    "names": (read_openair, lambda: filled(b"AN A\n", b"AC R\n")),
    "names that come again": (read_openair, lambda: filled(b"AC R\nAN A\n")),
    "comments": (read_openair, lambda: filled(b"*\n")),
    "one line": (read_openair, lambda: filled(b"A")),
    "folders": (read_kml, lambda: filled(b"<Folder/>", b"<kml>", b"</kml>")),
    "depth": (read_kml, lambda: filled(b"<Folder>", b"<kml>")),
    "attributes": (read_kml, lambda: b"<kml " + b" ".join(b"a%d='1'" % i for i in range(BYTES // 10)) + b"/>"),
    "holes": (read_kml, lambda: b"<kml>%s</kml>" % (MARK % filled(HOLE))),
    "tangled rings": (read_kml, lambda: b"<kml>" + (MARK % b"").replace(b"0,0,9", kml_ring()) * 14 + b"</kml>"),
    "positions": (read_kml, lambda: b"<kml>" + (MARK % b"").replace(b"0,0,9", filled(b"1,1 ")) + b"</kml>"),
    "bomb of blanks": (read_kml, lambda: archive(b"<kml>" + b" " * (kml_tree.MOST_KML_BYTES - 20) + b"</kml>")),
    "bomb of elements": (read_kml, lambda: archive(filled(b"<a/>", b"<kml>", b"</kml>") * 5)),
    "bomb of positions": (
        read_kml,
        lambda: archive(b"<kml>" + (MARK % b"").replace(b"0,0,9", filled(b"1,1 ") * 5) + b"</kml>"),
    ),
    "data": (
        read_kml,
        lambda: (
            b"<kml><Placemark><ExtendedData><Data name='extra'><value>{\"a\": ["
            + filled(b"[],")
            + b"[]]}</value></Data></ExtendedData></Placemark></kml>"
        ),
    ),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", SLOW)
def test_a_file_made_to_be_slow_is_read_or_refused_in_time(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    read, make = SLOW[name]
    data = make()
    began_s = time.process_time()
    reading = read(data, name)
    took_s = time.process_time() - began_s
    with capsys.disabled():
        row = (name, len(data), len(reading.zones), len(reading.reasons), f"{took_s * 1000:.0f} ms")
        print(f"\n| {' | '.join(map(str, row))} |", end="")  # noqa: T201 - the table is what this is for
    assert reading.zones or reading.reasons
    assert len(reading.reasons) <= MOST_REASONS + openair.MOST_RECORDS
    assert took_s < LONGEST_S
