"""The real OpenAir files: each zone is taken or refused for a reason, and what is taken is what another reader reads.

The other reader is openair-rs (Rust, by its Python wheel). It differs in three ways that are known and allowed for: it
rounds metres to whole feet, it does not take more than one AA record a zone, and it keeps no word of what it mends.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import Polygon

from airspace.charted import UNLIMITED, ChartedZone, Circle
from airspace.formats.openair import read_openair
from airspace.formats.reading import Reading
from airspace.frames import Datum, Height, LatLon
from airspace.schedules import ALWAYS

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "openair"
FOOT_M = 0.3048

# file: zones taken, problems by code. Outlines refused for crossing come from corners rounded to the second along
# borders and rivers; those that are short are cables, drawn as a line there and back.
REAL: dict[str, tuple[int, dict[str, int]]] = {
    "Switzerland.txt": (308, {"outline.crossing": 7, "outline.short": 19, "zone.flat": 1}),
    "mosel25.txt": (794, {"outline.crossing": 5}),
    "openair.txt": (26, {}),
    "si_asp_230525.openair": (49, {"outline.crossing": 9}),
    "switzerland-wildlife-meters.txt": (47, {"outline.crossing": 3}),
}
# Descriptions of the format in prose, of which the first holds a sample that is a chart.
PROSE = {
    "openair-FORMAT.txt": (
        20,
        {
            "openair.centre": 4,
            "openair.variable": 1,
            "outline.crossing": 1,
            "openair.record": 1,
            "openair.height": 1,
        },
    ),
}


def real(name: str) -> bytes:
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the shared data is not here")
    return path.read_bytes()


def read(name: str) -> Reading:
    return read_openair(real(name), name)


@pytest.mark.parametrize("name", [*REAL, *PROSE])
def test_each_zone_of_a_real_file_is_taken_or_refused_for_a_reason(name: str) -> None:
    reading = read(name)
    zones, problems = (REAL | PROSE)[name]
    assert (len(reading.zones), Counter(reason.rule.code for reason in reading.reasons)) == (zones, Counter(problems))
    assert len({zone.id for zone in reading.zones}) == zones


@pytest.mark.parametrize("name", REAL)
def test_no_zone_of_a_real_file_is_lost_without_a_word(name: str) -> None:
    reading = read(name)
    begun = {f"line {number}" for number, line in enumerate(lines_of(name), start=1) if line.startswith("AC")}
    taken = {zone.source.feature for zone in reading.zones if zone.source is not None}
    refused = begun - taken
    assert len(taken) == len(reading.zones)
    told = {reason.where.removeprefix(f"{name} ") for reason in reading.reasons}
    # a reason stands at the AC record, or at a record after it
    numbers = sorted(int(place.split()[1]) for place in begun)
    blocks = {max(number for number in numbers if number <= int(place.split()[1])) for place in told}
    assert {int(place.split()[1]) for place in refused} == blocks


def lines_of(name: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", real(name).decode("utf-8-sig"))


def told_by_another_reader(name: str) -> list[dict[str, Any]]:
    openair = pytest.importorskip("openair")
    text = "\n".join(line for line in lines_of(name) if not line.startswith("AA "))
    told: list[dict[str, Any]] = openair.parse_string(text)
    return told


def pairs(name: str) -> list[tuple[ChartedZone, dict[str, Any]]]:
    """Each zone taken with the same one as the other reader tells it, by the order of AC records."""
    told = told_by_another_reader(name)
    begun = [f"line {number}" for number, line in enumerate(lines_of(name), start=1) if line.startswith("AC")]
    assert len(told) == len(begun)
    by_line = dict(zip(begun, told, strict=True))
    return [(zone, by_line[zone.source.feature]) for zone in read(name).zones if zone.source is not None]


def height_of(told: dict[str, Any]) -> Height:
    match told["type"]:
        case "Gnd":
            return Height(0.0, Datum.AGL)
        case "Unlimited":
            return UNLIMITED
        case "FlightLevel":
            return Height(told["val"] * 100 * FOOT_M, Datum.PRESSURE)
        case "FeetAgl":
            return Height(told["val"] * FOOT_M, Datum.AGL)
        case "Other":
            assert told["val"] == "5000 STD"  # a word that the other reader does not know
            return Height(5000 * FOOT_M, Datum.PRESSURE)
        case _:
            assert told["type"] == "FeetAmsl"
            return Height(told["val"] * FOOT_M, Datum.AMSL)


@pytest.mark.parametrize("name", REAL)
def test_another_reader_tells_the_same_names_classes_and_heights(name: str) -> None:
    for zone, told in pairs(name):
        assert zone.extra["openair"]["AC"] == told["class"]
        assert zone.name.en == " ".join(told["name"].split())
        for ours, theirs in (
            (zone.layers[0].floor, height_of(told["lowerBound"])),
            (zone.layers[0].ceiling, height_of(told["upperBound"])),
        ):
            assert ours.datum is theirs.datum
            assert ours.value_m == pytest.approx(theirs.value_m, abs=FOOT_M / 2 + 1e-6)


@pytest.mark.parametrize("name", REAL)
def test_another_reader_tells_the_same_circles_corners_and_ends_of_arcs(name: str) -> None:
    compared = Counter[str]()
    for zone, told in pairs(name):
        shape, geometry = zone.layers[0].shape, told["geom"]
        compared[geometry["type"]] += 1
        if geometry["type"] == "Circle":
            assert isinstance(shape, Circle)
            assert shape.centre.distance_m(position(geometry["centerpoint"])) < 0.001
            assert shape.radius_m == pytest.approx(geometry["radius"] * 1852.0, rel=1e-6)
            continue
        corners = shapely.get_coordinates(shape)
        expected = [
            (at["lng"], at["lat"])
            for segment in geometry["segments"]
            if segment["type"] != "ArcSegment"
            for at in ([segment] if segment["type"] == "Point" else [segment["start"], segment["end"]])
        ]
        compared["Arc"] += sum(segment["type"] == "Arc" for segment in geometry["segments"])
        assert all(abs(corners - corner).max(axis=1).min() < 1e-9 for corner in expected)
        if all(segment["type"] == "Point" for segment in geometry["segments"]):
            assert len({tuple(corner) for corner in corners.round(9)}) == len(
                {(round(x, 9), round(y, 9)) for x, y in expected}
            )
    if name == "mosel25.txt":
        assert compared["Circle"] > 100
        assert compared["Arc"] > 300


@pytest.mark.parametrize("name", REAL)
def test_an_outline_refused_is_wrong_by_the_other_reader_as_well(name: str) -> None:
    lines = lines_of(name)
    begun = [number for number, line in enumerate(lines, start=1) if line.startswith("AC")]
    by_line = dict(zip(begun, told_by_another_reader(name), strict=True))
    for reason in read(name).reasons:
        number = int(reason.where.removeprefix(f"{name} line ").split()[0])
        geometry = by_line[max(line for line in begun if line <= number)]["geom"]
        corners = [(at["lng"], at["lat"]) for at in geometry["segments"] if at["type"] == "Point"]
        if reason.rule.code == "outline.crossing" and len(corners) == len(geometry["segments"]):
            assert not Polygon(corners).is_valid
        if reason.rule.code == "outline.short":
            assert len(set(corners)) < 3


def position(told: dict[str, float]) -> LatLon:
    return LatLon(told["lat"], told["lng"])


def test_the_zones_of_a_country_are_of_the_kinds_that_it_charts() -> None:
    zones = read("si_asp_230525.openair").zones
    kinds = Counter(zone.kind for zone in zones)
    assert kinds["control-area"] > 10
    assert kinds["control-zone"] == 4
    assert all(zone.extra["openair"]["AF"] for zone in zones if zone.kind == "control-zone")


def test_rounded_arcs_of_a_real_file_are_mended_within_the_rule() -> None:
    repairs = [repair for zone in read("mosel25.txt").zones for repair in zone.extra["openair"].get("repairs", [])]
    assert len(repairs) > 200
    assert max(repair["deviation_m"] for repair in repairs) == pytest.approx(178.9, abs=0.1)


def test_activation_times_of_a_real_file_become_windows() -> None:
    zones = read("si_asp_230525.openair").zones
    timed = {zone.id: zone.schedule.windows for zone in zones if zone.schedule != ALWAYS}
    assert sorted(len(windows) for windows in timed.values()) == [1, 2, 2, 5]
    silent = [zone for zone in zones if zone.extra["openair"].get("AA") == ["NONE"]]
    assert all(zone.schedule == ALWAYS for zone in silent)
