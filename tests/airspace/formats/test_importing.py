"""The import: a file is what its content says; everything comes in or nothing, and every problem is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airspace.charted import ChartedZone
from airspace.formats import chart
from airspace.formats.importing import FileCount, format_of, import_charts, read_chart_file
from airspace.frames import Datum, Height
from airspace.reasons import Refused
from tests.airspace.charts import block
from tests.airspace.charts import chart as collection
from tests.airspace.formats.geozone_documents import (
    INTENT_ID,
    ed269_document,
    ed269_zone,
    ed318_document,
    f3548_constraint,
    f3548_intent,
)

REAL = Path(__file__).parents[4] / "shared" / "data"
SEEDS = Path(__file__).parent / "seeds"
KML = b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'
OPENAIR = b"AC R\nAN Range\nAL GND\nAH 500 ft AGL\nV X=34:44:00 N 113:36:00 E\nDC 1\n"


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(name: str, content: bytes | dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else as_json(content))
        return path

    return written


def refusal(paths: list[Path], **given: Any) -> list[tuple[str, str]]:
    """Code and file of each reason for which an import is refused."""
    with pytest.raises(Refused) as refused:
        import_charts(paths, **given)
    for reason in refused.value.reasons:
        assert reason.text("en")
        assert reason.text("zh")
    return [(reason.rule.code, Path(reason.where.split(" ")[0]).name) for reason in refused.value.reasons]


@pytest.mark.parametrize("suffix", [".json", ".txt", ".kml", ""])
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (as_json(collection()), "GeoJSON"),
        (as_json({"type": "FeatureCollection", "features": []}), None),
        (as_json(ed269_document()), "ED-269"),
        (as_json({"UASZoneList": []}), "ED-269"),
        (as_json({"features": [{"identifier": "A"}]}), "ED-269"),
        (b"\xef\xbb\xbf \n" + as_json(ed269_document()), "ED-269"),
        (as_json(ed318_document()), "ED-318"),
        (as_json({"type": "FeatureCollection", "features": [{"geometry": {"layer": {}}}]}), "ED-318"),
        (as_json(f3548_intent()), "F3548"),
        (as_json([f3548_constraint()]), "F3548"),
        (as_json({"constraint_id": "x"}), "F3548"),
        (as_json({"operational_intent": {}}), "F3548"),
        (b"\n<?xml version='1.0'?>\n<KML>", "KML"),
        (KML, "KML"),
        (b"PK\x03\x04 and so on", "KML"),
        (b"* a comment\r\n\r\nAC R\r\nAN x\r\n", "OpenAir"),
        (b"$content_schema: a/FlightIntentCollection.json\n", "F3548"),
    ],
)
def test_content_says_what_a_file_is_whatever_its_suffix(content: bytes, name: str | None, suffix: str) -> None:
    if name is None:  # an empty collection says nothing: the suffix does
        name = {".json": "GeoJSON", "": "GeoJSON", ".txt": "OpenAir", ".kml": "KML"}[suffix]
    assert format_of(content, suffix) == name


@pytest.mark.parametrize(
    ("content", "suffix", "name"),
    [
        (b"{broken", ".json", "GeoJSON"),
        (b"{broken", "", "GeoJSON"),
        (b"[", ".JSON", "GeoJSON"),
        (b"hello", ".openair", "OpenAir"),
        (b"hello", ".dat", None),
        (b"<html>", ".html", None),
        (b"<html>", ".KML", "KML"),
        (b"\x89PNG", ".png", None),
    ],
)
def test_the_suffix_decides_where_content_says_nothing(content: bytes, suffix: str, name: str | None) -> None:
    assert format_of(content, suffix) == name


@pytest.mark.parametrize("seed", sorted(SEEDS.iterdir()), ids=lambda path: path.name)
def test_every_format_is_read_through_one_door(seed: Path) -> None:
    reading = read_chart_file(seed)
    assert reading.reasons == ()
    assert reading.zones
    assert all(zone.source is not None and zone.source.file == str(seed) for zone in reading.zones)


def test_all_files_come_in_together_in_their_order(write: Any) -> None:
    paths = [
        write("a.geojson", collection(block())),
        write("b.json", ed269_document()),
        write("c.json", as_json([f3548_intent(), f3548_constraint()])),
        write("d.txt", OPENAIR),
    ]
    result = import_charts(paths)
    assert [zone.id for zone in result.zones] == ["B", "CHN-HEN0001", f3548_constraint()["reference"]["id"], "Range"]
    assert [intent.id for intent in result.intents] == [INTENT_ID]
    assert result.reasons == ()
    assert [(Path(count.file).name, count.format, count.zones, count.intents) for count in result.files] == [
        ("a.geojson", "GeoJSON", 1, 0),
        ("b.json", "ED-269", 1, 0),
        ("c.json", "F3548", 1, 1),
        ("d.txt", "OpenAir", 1, 0),
    ]


def test_one_problem_in_one_file_refuses_all_with_every_problem_of_every_file(write: Any) -> None:
    paths = [
        write("a.json", ed269_document(ed269_zone(), ed269_zone(identifier="X", type="?", country="?"))),
        write("b.geojson", collection(block())),
        write("c.kml", KML),
        write("d.json", b"{"),
    ]
    assert refusal(paths) == [
        ("chart.shape", "a.json"),
        ("chart.value", "a.json"),
        ("kml.empty", "c.kml"),
        ("chart.json", "d.json:1:2"),
    ]


def test_a_partial_import_takes_the_good_ones_and_tells_what_is_left_out(write: Any) -> None:
    paths = [
        write("a.json", ed269_document(ed269_zone(), ed269_zone(identifier="X", type="?"))),
        write("b.geojson", collection(block())),
        write("c.json", b""),
    ]
    result = import_charts(paths, partial=True)
    assert [zone.id for zone in result.zones] == ["CHN-HEN0001", "B"]
    assert [reason.rule.code for reason in result.reasons] == ["chart.value", "import.empty"]
    assert result.files == (
        FileCount(str(paths[0]), "ED-269", 1, 0, 1),
        FileCount(str(paths[1]), "GeoJSON", 1, 0, 0),
        FileCount(str(paths[2]), "", 0, 0, 1),
    )


def test_an_id_comes_once_in_all_files_and_in_what_was_imported_before(write: Any) -> None:
    first, second = write("a.geojson", collection(block())), write("b.geojson", collection(block()))
    assert refusal([first, second]) == [("zone.id", "b.geojson")]
    assert refusal([first], existing_ids={"B"}) == [("zone.id", "a.geojson")]
    result = import_charts([first, second], partial=True)
    assert [zone.id for zone in result.zones] == ["B"]
    (reason,) = result.reasons
    assert reason.where == f"{second} features[0]"
    assert f"{first} features[0]" in reason.text("en")
    (reason,) = import_charts([first], partial=True, existing_ids=["B"]).reasons
    assert "imported before" in reason.text("en")
    assert "已导入" in reason.text("zh")


def test_the_same_file_twice_is_refused(write: Any) -> None:
    path = write("c.json", as_json([f3548_intent()]))
    assert refusal([path, path]) == [("zone.id", "c.json")]


def test_no_zone_has_the_name_of_another_ones_layer(write: Any) -> None:
    stepped = ed269_document(ed269_zone(identifier="S"))
    named_so = collection(block(id="CHN-S#2"))
    assert refusal([write("a.json", stepped), write("b.geojson", named_so)]) == [("zone.id", "b.geojson")]
    assert refusal([write("b.geojson", named_so), write("a.json", stepped)]) == [("zone.id", "a.json")]


def test_what_cannot_be_read_is_named(write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.json").mkdir()
    paths = [
        tmp_path / "gone.json",
        tmp_path / "folder.json",
        write("blank.json", b"\xef\xbb\xbf \r\n"),
        write("picture.png", b"\x89PNG\r\n"),
        write("empty.geojson", {"type": "FeatureCollection", "features": []}),
    ]
    assert refusal(paths) == [
        ("chart.unreadable", "gone.json"),
        ("chart.unreadable", "folder.json"),
        ("import.empty", "blank.json"),
        ("import.format", "picture.png"),
        ("import.nothing", "empty.geojson"),
    ]
    large = write("large.json", ed269_document())
    monkeypatch.setattr(chart, "MOST_BYTES", large.stat().st_size - 1)
    assert refusal([large]) == [("chart.unreadable", "large.json")]


def test_an_unknown_format_is_answered_with_the_known_ones(write: Any) -> None:
    (reason,) = read_chart_file(write("picture.png", b"\x89PNG\r\n")).reasons
    assert "GeoJSON, ED-269, ED-318, F3548, KML, OpenAir" in reason.text("en")


def test_a_ceiling_stands_for_the_heights_that_a_foreign_kml_does_not_give(write: Any) -> None:
    ring = "113.6,34.7 113.61,34.7 113.61,34.71 113.6,34.7"
    polygon = f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    placemark = f"<Placemark><name>x</name>{polygon}</Polygon></Placemark>"
    path = write("x.kml", KML.replace(b"<Document/>", placemark.encode()))
    assert read_chart_file(path).zones == ()
    (zone,) = read_chart_file(path, ceiling=Height(120.0, Datum.AGL)).zones
    assert zone.layers[0].ceiling == Height(120.0, Datum.AGL)
    assert import_charts([path], ceiling=Height(120.0, Datum.AGL)).zones == (zone,)


def test_nothing_to_import_is_nothing() -> None:
    assert import_charts([]).zones == ()


# What the real files come to: format, zones, problems.
FILES: dict[str, tuple[str, int, int]] = {
    "ed269/geo-awareness-che-1.json": ("ED-269", 6, 0),
    "ed269/test_eurocae_ed269.json": ("ED-269", 6, 0),
    "ed318/Example_Collection.json": ("ED-318", 2, 0),
    "ed318/Example_GeoZone_Circle.json": ("ED-318", 1, 0),
    "ed318/Example_GeoZone_with_extension.json": ("ED-318", 1, 0),
    "ed318/InvalidExample_GeoZone_2_Layers.json": ("ED-318", 0, 3),
    "f3548/conflicting_flights.yaml": ("F3548", 0, 1),
}


@pytest.mark.skipif(not REAL.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", FILES)
def test_the_real_files_come_in_or_are_refused(name: str) -> None:
    result = import_charts([REAL / name], partial=True)
    (count,) = result.files
    assert (count.format, count.zones, count.problems) == FILES[name]
    assert all(isinstance(zone, ChartedZone) for zone in result.zones)
