"""The importers under fuzz: what each is fed, and what must hold of whatever it gives back."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from airspace.charted import ChartedZone, Circle, Corridor
from airspace.formats.ed269 import read_ed269
from airspace.formats.ed318 import read_ed318
from airspace.formats.f3548 import read_f3548
from airspace.formats.geojson import geojson, read_geojson
from airspace.formats.kml import read_kml
from airspace.formats.openair import read_openair
from airspace.formats.reading import Reading
from airspace.zone_kinds import ZONE_KINDS
from tests.airspace.formats.mutations import Corpus, mutant

SEEDS = Path(__file__).parent / "seeds"
REAL = Path(__file__).parents[4] / "shared" / "data"
LONGEST_S = 2.0

JSON_TOKENS = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b'""',
    b'{"type": ',
    b'"coordinates": [[',
    b",",
    b"\\u0000",
    b"\\ud800",
    b"//",
]
JSON_NESTS = [(b"[", b"]"), (b'{"a":', b"}"), (b'{"type":"GeometryCollection","geometries":[', b"]}")]
OPENAIR_TOKENS = [
    b"\nAC R\n",
    b"\nAN ",
    b"\nAL ",
    b"\nAH ",
    b"FL",
    b"UNL",
    b"GND",
    b"NONE",
    b"V X=",
    b"V D=-\n",
    b"DC 5\n",
]
OPENAIR_TOKENS += [
    b"DA 5,0,360\n",
    b"DB ",
    b"DP ",
    b"DY ",
    b"V W=",
    b"AA ",
    b"*",
    b"TO x\n",
    b" N ",
    b" W ",
    b":",
    b"ft",
    b"((",
]
KML_TOKENS = [
    b"<Placemark>",
    b"</Placemark>",
    b"<Polygon>",
    b"<coordinates>",
    b"</coordinates>",
    b"<!--",
    b"-->",
    b"]]>",
]
KML_TOKENS += [
    b"<![CDATA[",
    b'<!DOCTYPE k [<!ENTITY a "aa">]>',
    b"&a;",
    b"&#0;",
    b"&#x110000;",
    b"&amp;",
    b"xmlns:x='y'",
]
KML_TOKENS += [
    b"<gx:Track/>",
    b"<TimeStamp/>",
    b"<NetworkLink/>",
    b"<extrude>1</extrude>",
    b'<?xml version="1.1" encoding="x"?>',
]
KML_TOKENS += [b'<Data name="drawing_of"/>', b'<Data name="layer"><value>1/2</value></Data>', b"</kml>"]
KML_NESTS = [
    (b"<Folder>", b"</Folder>"),
    (b"<MultiGeometry>", b"</MultiGeometry>"),
    (b"<Placemark>", b"</Placemark>"),
    (b"<x:y xmlns:x='z'>", b"</x:y>"),
]


@dataclass(frozen=True)
class Importer:
    """One reader with its corpus; `real` are the files of the shared data that it may be fed as well."""

    name: str
    read: Callable[[bytes, str], Reading]
    tokens: Sequence[bytes]
    nests: Sequence[tuple[bytes, bytes]]
    seed: str
    real: Sequence[str] = ()

    @property
    def corpus(self) -> Corpus:
        """The small seed by hand, thrice, and the real files where they are."""
        by_hand = (SEEDS / self.seed).read_bytes()
        seeds = [by_hand] * 3
        if self.name == "kml":
            seeds.append(archive(by_hand))
        seeds += [path.read_bytes() for pattern in self.real for path in sorted(REAL.glob(pattern))]
        return Corpus(self.name, seeds, self.tokens, self.nests)


@dataclass
class Tally:
    """What came of the mutants of one importer; `crashed` holds the first few that broke a promise, with it."""

    tried: int = 0
    whole: int = 0
    in_part: int = 0
    refused: int = 0
    broken: int = 0
    slowest_s: float = 0.0
    crashed: tuple[str, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.tried + other.tried,
            self.whole + other.whole,
            self.in_part + other.in_part,
            self.refused + other.refused,
            self.broken + other.broken,
            max(self.slowest_s, other.slowest_s),
            (self.crashed + other.crashed)[:10],
        )

    def row(self, name: str) -> str:
        """A row of the table."""
        counts = (self.tried, self.whole, self.in_part, self.refused, self.broken, round(self.slowest_s * 1000))
        return f"| {name} | {' | '.join(str(count) for count in counts)} |"


TABLE = "| importer | tried | read whole | in part | refused | broken | slowest ms |\n|---|---|---|---|---|---|---|"

IMPORTERS = {
    importer.name: importer
    for importer in (
        Importer(
            "openair", read_openair, OPENAIR_TOKENS, [(b"(", b")"), (b"AC R\n", b"\n")], "openair.txt", ("openair/*",)
        ),
        Importer("kml", read_kml, KML_TOKENS, KML_NESTS, "zones.kml", ("tracks/*.kml", "routes/*/*.kml")),
        Importer("geojson", read_geojson, JSON_TOKENS, JSON_NESTS, "zones.geojson", ("geojson/*",)),
        Importer("ed269", read_ed269, JSON_TOKENS, JSON_NESTS, "ed269.json", ("ed269/*",)),
        Importer("ed318", read_ed318, JSON_TOKENS, JSON_NESTS, "ed318.json", ("ed318/*.json",)),
        Importer("f3548", read_f3548, JSON_TOKENS, JSON_NESTS, "f3548.json", ("f3548/*",)),
    )
}


def archive(*documents: bytes) -> bytes:
    """A KMZ with one KML for each document."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as kmz:
        for i, document in enumerate(documents):
            kmz.writestr(zipfile.ZipInfo("doc.kml" if i == 0 else f"{i}.kml"), document, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def fuzz(name: str, numbers: Iterable[int]) -> Tally:
    """Feed the mutants of these numbers to an importer."""
    importer = IMPORTERS[name]
    corpus = importer.corpus
    tally = Tally()
    for number in numbers:
        data = mutant(corpus, number)
        began_s = time.process_time()
        one = Tally(1)
        try:
            reading = importer.read(data, "mutant")
            one.slowest_s = time.process_time() - began_s
            broken = _broken_promise(reading, number) or ("slow" if one.slowest_s > LONGEST_S else "")
            one.whole = int(not reading.reasons)
            one.in_part = int(bool(reading.zones and reading.reasons))
            one.refused = 1 - one.whole - one.in_part
        except Exception as error:  # any at all is a finding
            broken = f"{type(error).__name__}: {error}"
        one.broken = int(bool(broken))
        if broken:
            one.crashed = (f"{name} {number}: {broken[:300]}",)
        tally += one
    return tally


def _broken_promise(reading: Reading, number: int) -> str:
    """What does not hold of a reading; nothing when all does."""
    if not reading.zones and not reading.reasons and not getattr(reading, "intents", ()):
        return "neither a zone nor a reason"
    for reason in reading.reasons:
        if not (reason.text("en") and reason.text("zh") and reason.where):
            return f"a reason without words or place: {reason}"
    if len({zone.id for zone in reading.zones}) < len(reading.zones):
        return "an id came twice"
    for zone in reading.zones:
        broken = _half(zone)
        if broken:
            return f"{zone.id}: {broken}"
    if reading.zones and number % 10 == 0:
        again = read_geojson(json.dumps(geojson(reading.zones)).encode(), "again")
        if list(again.zones) != list(reading.zones):
            return f"our own chart does not carry it: {[reason.text() for reason in again.reasons][:2]}"
    return ""


def _half(zone: ChartedZone) -> str:
    """What is missing or wrong in a zone that was taken."""
    if not (zone.id and zone.name.en and zone.name.zh and zone.rule.en and zone.layers and zone.kind in ZONE_KINDS):
        return "something is missing"
    for layer in zone.layers:
        if layer.floor.datum is layer.ceiling.datum and not layer.floor < layer.ceiling:
            return "floor over ceiling"
        if isinstance(layer.shape, Circle | Corridor):
            continue
        if not layer.shape.is_valid or layer.shape.is_empty:
            return "an outline that is not sound"
    return ""
