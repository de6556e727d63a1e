from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from shapely.geometry import LineString

from controller import events
from controller.report import Summary, write_report
from controller.report import summary as summary_fields
from tests.controller.report.example_plan import ALTERNATE, DOCK, HOLD, HOVER_W, SURVEY, TAKEOFF_S, legs, zones
from tests.controller.report.example_run import (
    Flight,
    flown_events,
    flown_run,
    read_summary,
    refused_events,
    tlog,
    write_run,
)

FILES = ("report.html", "tracks.geojson", "summary.json")


def planned_s(landed_on: str) -> float:
    return max(leg.end_s for leg in legs() if leg.branch in ("", landed_on))


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = flown_run(tmp_path_factory.mktemp("flown"), Flight(offset_m=lambda along_m: 1.5))
    write_report(folder)
    return folder


def flight_of(folder: Path) -> dict[str, Any]:
    flight: dict[str, Any] = read_summary(folder)["flights"][0]
    return flight


def test_the_summary_of_a_known_flight_has_the_known_numbers(flown: Path) -> None:
    flight = flight_of(flown)
    lasts_s = planned_s(DOCK)
    assert flight["completed"] is True
    assert flight["landed_on"] == flight["landing_planned"] == DOCK
    assert flight["max_cross_track_m"] == pytest.approx(1.5, abs=0.02)
    assert flight["duration_s"] == pytest.approx(lasts_s, abs=0.5)
    assert flight["duration_planned_s"] == pytest.approx(lasts_s, abs=0.01)
    assert flight["energy_used_wh"] == pytest.approx(lasts_s * HOVER_W / 3600, abs=0.1)
    assert flight["energy_planned_wh"] == 67.1
    assert (flight["telemetry_gaps_s"], flight["outside_reserved_s"]) == ([], 0.0)
    assert (flight["targets_seen"], flight["targets_planned"]) == (11, 11)


def test_the_clearance_of_a_known_flight_is_the_distance_between_its_line_and_the_zone(flown: Path) -> None:

    block = next(z for z in zones() if z.id == "block").volume.outline
    line = LineString([(0, 0), *SURVEY, HOLD])
    flight = flight_of(flown)
    assert flight["min_clearance_zone"] == "block"
    assert flight["min_clearance_m"] == pytest.approx(line.distance(block) + 1.5, abs=0.03)


def test_the_summary_tells_the_run(flown: Path) -> None:
    summary = read_summary(flown)
    assert (summary["outcome"], summary["reasons"], summary["conflicts"]) == ("completed", [], [])
    assert (summary["seed"], summary["tempo"], summary["wall_s"]) == (42, "virtual", None)
    assert summary["virtual_s"] == pytest.approx(planned_s(DOCK) + 64, abs=0.1)
    assert {gate["gate"]: gate["passed"] for gate in summary["gates"]} == dict.fromkeys(
        ("fix", "battery", "wind", "dock"), True
    )
    assert [pole["code"] for pole in summary["poles"]] == sorted(pole["code"] for pole in summary["poles"])
    assert summary["missions"][0]["flights"] == ["F1"]
    assert msgspec.json.decode(json.dumps(summary), type=Summary).flights[0].drone == "drone-1"


def test_the_same_folder_gives_the_same_files(tmp_path: Path) -> None:
    flown_run(tmp_path)
    write_report(tmp_path)
    first = [(tmp_path / name).read_bytes() for name in FILES]
    write_report(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in FILES] == first


def test_wall_time_is_in_the_summary_and_nowhere_else(tmp_path: Path) -> None:
    flown_run(tmp_path)
    write_report(tmp_path)
    pages = [(tmp_path / name).read_bytes() for name in FILES[:2]]
    write_report(tmp_path, wall_s=3.21987)
    assert read_summary(tmp_path)["wall_s"] == 3.22
    assert [(tmp_path / name).read_bytes() for name in FILES[:2]] == pages


def test_a_diverted_flight_is_measured_against_the_branch_that_it_flew(tmp_path: Path) -> None:
    write_report(flown_run(tmp_path, Flight(landed_on=ALTERNATE, offset_m=lambda along_m: 0.0)))
    flight = flight_of(tmp_path)
    assert (flight["landed_on"], flight["landing_planned"]) == (ALTERNATE, DOCK)
    assert flight["max_cross_track_m"] < 0.02
    assert [leg["branch"] for leg in flight["legs"]][-2:] == [ALTERNATE, ALTERNATE]


def test_a_gap_in_the_telemetry_is_told_and_the_rest_is_measured(tmp_path: Path) -> None:
    write_report(flown_run(tmp_path, Flight(silent_s=(200.1, 230.1))))
    flight = flight_of(tmp_path)
    assert flight["telemetry_gaps_s"] == [pytest.approx(30.2, abs=0.3)]
    assert flight["duration_s"] == pytest.approx(planned_s(DOCK), abs=0.5)


def test_a_torn_telemetry_log_gives_a_report_of_what_it_holds(tmp_path: Path) -> None:
    flown_run(tmp_path)
    path = tmp_path / "flight.tlog"
    path.write_bytes(path.read_bytes()[:-7])
    summary = write_report(tmp_path)
    assert summary.outcome == "completed"
    assert summary.tlog.torn_bytes > 0
    assert summary.flights[0].max_cross_track_m is not None


def test_a_refused_run_has_reasons_and_no_measures(tmp_path: Path) -> None:
    summary = write_report(write_run(tmp_path, refused_events()))
    flight = summary.flights[0]
    assert (summary.outcome, [r["code"] for r in summary.reasons]) == ("refused", ["gate.wind"])
    assert (flight.completed, flight.landed_on, flight.max_cross_track_m, flight.duration_s) == (False, "", None, None)
    assert [gate.gate for gate in summary.gates if not gate.passed] == ["wind"]
    assert summary.tlog.present is False


def test_an_empty_folder_gives_an_unfinished_report(tmp_path: Path) -> None:
    summary = write_report(tmp_path)
    assert (summary.outcome, summary.events, summary.flights) == ("unfinished", 0, ())
    assert (tmp_path / "report.html").exists()
    assert list(tmp_path.glob("*.draft")) == []


def test_a_flight_into_a_zone_is_a_conflict_with_its_time(tmp_path: Path) -> None:
    into = Flight(offset_m=lambda along_m: -200.0 if 1500 < along_m < 2000 else 0.0)
    summary = write_report(flown_run(tmp_path, into))
    assert summary.flights[0].min_clearance_m == 0
    assert [(c.kind, c.other) for c in summary.conflicts] == [("zone", "block")]
    assert summary.conflicts[0].at_s is not None
    assert summary.conflicts[0].at_s > TAKEOFF_S


def test_two_accepted_intents_that_overlap_are_a_conflict(tmp_path: Path) -> None:
    rows = flown_events(Flight())
    accepted = next(event for _, event in rows if isinstance(event, events.IntentAccepted))
    rows.append((1.0, msgspec.structs.replace(accepted, flight="F2")))
    summary = write_report(write_run(tmp_path, rows, tlog(Flight())))
    assert [(c.kind, c.flight, c.other) for c in summary.conflicts] == [("flights", "F1", "F2")]


def test_tracks_are_valid_geojson(flown: Path) -> None:
    tracks = json.loads((flown / "tracks.geojson").read_text(encoding="utf-8"))
    kinds: dict[str, list[dict[str, Any]]] = {}
    assert tracks["type"] == "FeatureCollection"
    for feature in tracks["features"]:
        assert feature["type"] == "Feature"
        kinds.setdefault(feature["properties"]["what"], []).append(feature)
    assert {len(kinds[what]) for what in ("flown-track",)} == {1}
    assert len(kinds["planned-leg"]) == len(legs())
    assert len(kinds["photo"]) == flight_of(flown)["photos"]
    assert set(kinds) == {"flown-track", "planned-leg", "photo", "target", "landing"}


def test_the_flown_track_has_a_time_for_every_position_and_ellipsoidal_heights(flown: Path) -> None:
    tracks = json.loads((flown / "tracks.geojson").read_text(encoding="utf-8"))
    track = next(f for f in tracks["features"] if f["properties"]["what"] == "flown-track")
    line = track["geometry"]["coordinates"]
    times = track["properties"]["coordTimes"]
    assert track["geometry"]["type"] == "LineString"
    assert len(times) == len(line) > 1000
    assert times == sorted(times)
    assert times[0] == "2026-05-18T01:02:00.000Z"
    assert all(113.5 < lon < 113.7 and 34.7 < lat < 34.8 for lon, lat, _ in line)
    assert max(height for _, _, height in line) == pytest.approx(108.0 - 19.4 + 45.0, abs=0.01)


def test_a_run_of_a_killed_controller_is_unfinished_until_it_is_told_to_the_end(tmp_path: Path) -> None:
    rows = [row for row in flown_events(Flight()) if row[0] < 300]
    summary = write_report(write_run(tmp_path, rows, tlog(Flight())[:4000]))
    assert summary.outcome == "unfinished"
    assert summary.flights[0].completed is False
    again = [*flown_events(Flight()), (310.0, next(e for _, e in rows if isinstance(e, events.RunStarted)))]
    summary = write_report(write_run(tmp_path, again, tlog(Flight(silent_s=(300, 310)))))
    assert (summary.outcome, summary.controller_starts, len(summary.flights)) == ("completed", 2, 1)


def test_every_field_of_the_summary_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "run-folder.md").read_text(encoding="utf-8")
    kinds = [
        kind for kind in vars(summary_fields).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    ]
    fields = {field for kind in kinds for field in kind.__struct_fields__}
    assert {field for field in fields if not re.search(rf"`{field}(\[\])?`", text)} == set()
