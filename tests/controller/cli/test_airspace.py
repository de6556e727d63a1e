from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from airspace.charted import ChartedZone, Circle, Layer
from airspace.formats.geojson import geojson
from airspace.frames import Datum, Ground, Height, LatLon
from airspace.geodesy.geoid import Geoid
from airspace.ground.terrain_surface import TerrainSurface
from airspace.reasons import Words
from airspace.schedules import Schedule
from controller.cli.airspace.routes import datum_m, not_before_s
from controller.cli.app import run
from controller.cli.options import Exit
from controller.clock import Clock, real_tempo
from controller.clock import run as run_with_clock
from missions.route_file import parse_route

EXAMPLE = Path(__file__).parents[3] / "examples" / "zhengzhou"
PAD = ("34.7490", "113.6260")

Capture = pytest.CaptureFixture[str]

PARK = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [113.605, 34.7466]},
            "properties": {
                "id": "PARK-1",
                "name": "Example park",
                "kind": "restricted",
                "restriction": "authorisation",
                "floor": {"value_m": 0, "datum": "agl"},
                "ceiling": {"value_m": 120, "datum": "agl"},
                "radius_m": 100,
            },
        }
    ],
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the example's files, in which commands are typed."""
    for file in EXAMPLE.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(capsys: Capture, *arguments: str) -> tuple[int, str]:
    code = run(["airspace", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


def told(capsys: Capture, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the objects of a verb for machines."""
    code, out = typed(capsys, *arguments, "--json")
    return code, [json.loads(line) for line in out.splitlines()]


def chart(folder: Path, document: object = PARK, name: str = "park.geojson") -> str:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_an_imported_zone_is_listed_shown_and_stands_in_the_way(site: Path, capsys: Capture) -> None:
    assert told(capsys, "check", "clear-route.yaml")[0] == Exit.DONE
    code, (row,) = told(capsys, "import", chart(site))
    assert (code, row) == (Exit.DONE, {"imported": ["PARK-1"], "left_out": []})
    assert "PARK-1" in [zone["id"] for zone in told(capsys, "list")[1]]
    assert told(capsys, "show", "PARK-1")[1][0]["properties"]["restriction"] == "authorisation"
    code, (answer,) = told(capsys, "check", "clear-route.yaml")
    assert code == Exit.REFUSED
    assert [conflict["id"] for conflict in answer["conflicts"]] == ["PARK-1"]


def test_leave_to_enter_a_zone_opens_it(site: Path, capsys: Capture) -> None:
    typed(capsys, "import", chart(site))
    assert told(capsys, "check", "clear-route.yaml", "--permit", "PARK-1")[0] == Exit.DONE


def test_a_chart_with_one_bad_zone_changes_nothing_unless_the_rest_is_wanted_knowingly(
    site: Path, capsys: Capture
) -> None:
    bad = json.loads(json.dumps(PARK["features"][0]))
    bad["properties"] |= {"id": "PARK-2", "radius_m": -5}
    half = chart(site, {"type": "FeatureCollection", "features": [PARK["features"][0], bad]})
    code, (row,) = told(capsys, "import", half)
    assert code == Exit.REFUSED
    assert "features[1].properties.radius_m" in row["reasons"][0]["where"]
    assert "PARK-1" not in [zone["id"] for zone in told(capsys, "list")[1]]
    code, (row,) = told(capsys, "import", half, "--partial")
    assert code == Exit.DONE
    assert row["imported"] == ["PARK-1"]
    assert len(row["left_out"]) == 1


def test_a_zone_is_not_imported_twice_but_replaced_on_purpose(site: Path, capsys: Capture) -> None:
    path = chart(site)
    typed(capsys, "import", path)
    assert told(capsys, "import", path)[0] == Exit.REFUSED
    assert told(capsys, "import", path, "--replace")[0] == Exit.DONE


def feature(zone_id: str, **properties: object) -> dict[str, Any]:
    one: dict[str, Any] = json.loads(json.dumps(PARK["features"][0]))
    one["properties"] |= {"id": zone_id, **properties}
    return one


def test_everything_that_keeps_zones_out_of_a_site_is_told_before_anything_is_written(
    site: Path, capsys: Capture
) -> None:
    words = Words("tower", "高塔")
    sides = [Height(side_m, Datum.AGL) for side_m in (0.0, 100.0, 200.0)]
    layers = tuple(Layer(Circle(LatLon(34.7466, 113.605), 100.0), *pair) for pair in pairwise(sides))
    tall = geojson([ChartedZone("TALL", words, "restricted", words, layers)])
    assert typed(capsys, "import", chart(site, tall))[0] == Exit.DONE
    over = {"floor": {"value_m": 150, "datum": "agl"}, "ceiling": {"value_m": 151, "datum": "amsl"}}
    features = [feature("PARK-1"), feature("ZZ-PAD-1"), feature("TALL#2"), feature("UPSIDE", **over)]
    mixed = chart(site, {"type": "FeatureCollection", "features": features})
    code, (row,) = told(capsys, "import", mixed)
    assert code == Exit.REFUSED
    assert {reason["code"] for reason in row["reasons"]} == {"zone.id", "site.zone-charted", "zone.heights"}
    assert "PARK-1" not in [zone["id"] for zone in told(capsys, "list")[1]]
    code, (row,) = told(capsys, "import", mixed, "--partial")
    assert (code, row["imported"], len(row["left_out"])) == (Exit.DONE, ["PARK-1"], 3)
    assert typed(capsys, "at", *PAD, "60agl")[0] in (Exit.DONE, Exit.REFUSED)
    charted_too = chart(site, {"type": "FeatureCollection", "features": [feature("ZZ-PAD-1")]})
    assert told(capsys, "import", charted_too, "--replace")[0] == Exit.REFUSED


def test_intents_in_a_chart_are_refused_by_name_or_left_out_knowingly(site: Path, capsys: Capture) -> None:
    moment = {"time_start": {"value": "2026-05-28T20:26:40Z", "format": "RFC3339"}}
    moment |= {"time_end": {"value": "2026-05-28T20:36:40Z", "format": "RFC3339"}}
    circle = {"center": {"lat": 34.75, "lng": 113.62}, "radius": {"value": 50.0, "units": "M"}}
    low, high = ({"value": value_m, "reference": "W84", "units": "M"} for value_m in (100.0, 150.0))
    volume = {"volume": {"outline_circle": circle, "altitude_lower": low, "altitude_upper": high}, **moment}
    reference = {
        "id": "11111111-1111-4111-8111-111111111111",
        "manager": "uss",
        "uss_availability": "Normal",
        "version": 1,
        "state": "Accepted",
        "ovn": "x" * 32,
        "uss_base_url": "https://a.example",
        "subscription_id": "22222222-2222-4222-8222-222222222222",
        **moment,
    }
    details = {"volumes": [volume], "off_nominal_volumes": [], "priority": 0}
    path = chart(site, {"operational_intent": {"reference": reference, "details": details}}, "intent.json")
    code, (row,) = told(capsys, "import", path)
    assert code == Exit.REFUSED
    assert [reason["code"] for reason in row["reasons"]] == ["airspace.intent-in-chart"]
    assert "11111111-1111" in row["reasons"][0]["en"]
    code, (row,) = told(capsys, "import", path, chart(site), "--partial")
    assert (code, row["imported"], len(row["left_out"])) == (Exit.DONE, ["PARK-1"], 1)


def test_a_removed_zone_is_gone_and_a_wrong_id_removes_nothing(site: Path, capsys: Capture) -> None:
    typed(capsys, "import", chart(site))
    assert typed(capsys, "remove", "PARK-1", "PARK-9")[0] == Exit.REFUSED
    assert "PARK-1" in typed(capsys, "list")[1]
    assert typed(capsys, "remove", "PARK-1")[0] == Exit.DONE
    assert "PARK-1" not in typed(capsys, "list")[1]


def test_an_import_is_flown_around_by_the_next_plan(site: Path, capsys: Capture) -> None:
    """A zone on the longest transit leg of a plan: the next plan is another."""

    def planned() -> list[dict[str, Any]]:
        assert run(["plan", "pipeline.yaml", "--json"]) == Exit.DONE
        legs: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["legs"]
        return [{end: leg[end] for end in ("start", "end")} for leg in legs if leg["purpose"] == "transit"]

    before = planned()
    leg = max(before, key=lambda leg: abs(leg["end"]["lon_deg"] - leg["start"]["lon_deg"]))
    middle = [(leg["start"][name] + leg["end"][name]) / 2 for name in ("lon_deg", "lat_deg")]
    wall = json.loads(json.dumps(PARK))
    wall["features"][0]["geometry"]["coordinates"] = middle
    wall["features"][0]["properties"] |= {"radius_m": 15, "restriction": "prohibited"}
    typed(capsys, "import", chart(site, wall))
    assert planned() != before


@pytest.mark.parametrize(
    ("height", "free"), [("60agl", False), ("119.9agl", False), ("200 m amsl", False), ("130agl", True)]
)
def test_a_place_is_closed_at_the_heights_of_its_zones(site: Path, capsys: Capture, height: str, free: bool) -> None:
    code, (row,) = told(capsys, "at", *PAD, height, "--time", "2026-05-18T09:00:00+08:00")
    assert row["free"] is free
    assert code == (Exit.DONE if free else Exit.REFUSED)
    assert any(zone["id"] == "ZZ-PAD-1" for zone in row["zones"])


def test_a_place_is_told_in_all_heights_and_by_its_grid_code(site: Path, capsys: Capture) -> None:
    _, (row,) = told(capsys, "at", "34.7466", "113.6254", "139.4ellipsoidal", "--time", "2026-05-18T09:00:00+08:00")
    assert (row["ellipsoidal_m"], row["amsl_m"], row["agl_m"]) == (139.4, 158.8, 50.8)
    assert row["beidou"].startswith("N049I00B50207")


def test_hours_decide_whether_a_zone_holds_a_place(site: Path, capsys: Capture) -> None:
    def free(time: str) -> bool:
        return bool(told(capsys, "at", "34.7515", "113.6211", "60agl", "--time", time)[1][0]["free"])

    assert free("2026-05-18T17:59:59+08:00")
    assert not free("2026-05-18T18:00:00+08:00")
    assert not free("2026-05-18T21:59:59+08:00")
    assert free("2026-05-18T22:00:00+08:00")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("34.7", "113.6", "60"), "asked.height"),
        (("34.7", "113.6", "60fl"), "asked.height"),
        (("113.6", "34.7", "60agl"), "asked.place"),
        (("34.7", "113.6", "60agl", "--time", "2026-05-18T09:00:00"), "asked.time"),
    ],
)
def test_a_question_that_could_be_misread_is_refused(
    site: Path, capsys: Capture, arguments: tuple[str, ...], code: str
) -> None:
    exit_code, (row,) = told(capsys, "at", *arguments)
    assert exit_code == Exit.REFUSED
    assert row["reasons"][0]["code"] == code


def test_explain_names_what_is_met_and_changes_that_clear_it_and_draws_it(site: Path, capsys: Capture) -> None:
    code, (answer,) = told(capsys, "explain", "blocked-route.yaml", "--out", "blocked.svg")
    assert code == Exit.REFUSED
    assert {conflict["id"] for conflict in answer["conflicts"]} == {"ZZ-EVENT-1", "ZZ-PAD-1"}
    for conflict in answer["conflicts"]:
        assert conflict["reason"]["code"] == "airspace.zone"
        assert conflict["from"] < conflict["to"]
        assert conflict["beidou"].startswith("N49I")
    assert answer["remedies"]
    assert "<svg" in (site / "blocked.svg").read_text(encoding="utf-8")


def test_the_law_is_told_after_the_answer_and_forbids_only_what_it_forbids(site: Path, capsys: Capture) -> None:
    code, (answer,) = told(capsys, "check", "clear-route.yaml", "--drone", "drone-1")
    law = answer["law"]
    assert (code, law["jurisdiction"], law["allowed"], law["needs_application"]) == (Exit.DONE, "china", False, True)
    statuses = {f"{one['code']} {one['about']}".strip(): one["status"] for one in law["findings"]}
    assert [statuses[of] for of in ("height", "class", "special.relay relay")] == ["satisfied", "unknown", "needed"]
    assert {one["code"]: one["local"] for one in law["deadlines"]} == {
        "apply": "2026-05-17 12:00",
        "decision": "2026-05-17 21:00",
        "confirm-takeoff": "2026-05-18 08:30",
    }
    high = (site / "clear-route.yaml").read_text(encoding="utf-8").replace("value_m: 60", "value_m: 121")
    (site / "high.yaml").write_text(high, encoding="utf-8")
    _, (answer,) = told(capsys, "check", "high.yaml")
    assert next(one for one in answer["law"]["findings"] if one["code"] == "height")["status"] == "needed"
    code, (answer,) = told(capsys, "explain", "blocked-route.yaml", "--out", "b.svg")
    forbidden = [one["about"] for one in answer["law"]["findings"] if one["status"] == "forbidden"]
    assert (code, sorted(forbidden)) == (Exit.REFUSED, ["ZZ-EVENT-1", "ZZ-PAD-1"])


def test_a_departure_that_comes_too_soon_for_its_application_is_forbidden(site: Path, capsys: Capture) -> None:
    async def now(clock: Clock) -> datetime:
        return clock.utc()

    at = run_with_clock(now, real_tempo())
    soon, later = (("--departs", (at + timedelta(minutes=wait)).isoformat()) for wait in (10, 4 * 1440))
    granted = ("--granted", "application=ZZ-1", "--granted", "takeoff-confirmation=ZZ-2")
    codes = [told(capsys, "check", "clear-route.yaml", *more)[0] for more in (soon, later, (*soon, *granted))]
    assert codes == [Exit.REFUSED, Exit.DONE, Exit.DONE]
    assert "apply by" in typed(capsys, "check", "clear-route.yaml", *soon)[1].partition("Forbidden")[2]


def test_a_case_that_somebody_cleared_and_an_application_are_no_longer_needed(site: Path, capsys: Capture) -> None:
    def needed(*more: str) -> set[str]:
        _, (answer,) = told(capsys, "check", "clear-route.yaml", *more)
        return {one["about"] or one["code"] for one in answer["law"]["findings"] if one["status"] == "needed"}

    assert "relay" in needed()
    assert needed("--clear", "relay=Li Wei: direct radio only") == needed() - {"relay"}
    assert needed("--granted", "application=ZZ-1", "--granted", "takeoff-confirmation=ZZ-2") == set()
    for bad in (("--clear", "relay"), ("--granted", "leave=ZZ-1"), ("--drone", "drone-9")):
        assert typed(capsys, "check", "clear-route.yaml", *bad)[0] == Exit.REFUSED


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_site_under_another_law_reads_no_word_of_the_first(site: Path, capsys: Capture, lang: str) -> None:
    chinese = re.compile(r"Interim|暂行|《|UOM|GB 4\d+|Shanghai|China|中国")
    verbs = (("check", "blocked-route.yaml"), ("at", *PAD, "60agl"), ("show", "ZZ-PAD-1"))
    here = "".join(typed(capsys, *verb, "--lang", lang)[1] for verb in verbs)
    file = (site / "site.toml").read_text(encoding="utf-8")
    (site / "site.toml").write_text(f'jurisdiction = "ed269"\n{file}', encoding="utf-8")
    there = "".join(typed(capsys, *verb, "--lang", lang)[1] for verb in verbs)
    assert chinese.search(here)
    assert [line for line in there.splitlines() if chinese.search(line)] == []
    assert "ED-269" in there
    assert "2019/947" in there


def test_the_law_is_told_in_few_lines_by_gravity_with_local_deadlines(site: Path, capsys: Capture) -> None:
    _, out = typed(capsys, "check", "clear-route.yaml", "--clear", "relay=Li Wei: direct radio only")
    law = out[out.index("Law of China") :].splitlines()
    assert law[0] == "Law of China: not yet to be flown"
    assert [line.strip() for line in law if not line.startswith("  - ")][1:4] == [
        "Still needed",
        "Not known, and so not satisfied",
        "Deadlines (Asia/Shanghai)",
    ]
    assert len(law) < 20
    assert "(goods)" in out
    assert "(relay)" not in out
    assert "apply by 2026-05-17 12:00" in out


def test_a_remedy_that_is_written_into_the_route_clears_it(site: Path, capsys: Capture) -> None:
    _, (answer,) = told(capsys, "explain", "blocked-route.yaml", "--out", "blocked.svg")
    text = (site / "blocked-route.yaml").read_text(encoding="utf-8")
    head = text[: text.index("waypoints:")]
    for remedy in answer["remedies"]:
        departs = remedy["departs"].replace("Z", "+00:00")
        lines = [f"departs: {departs}" if line.startswith("departs:") else line for line in head.splitlines()]
        lines.append(f"waypoints: {json.dumps(remedy['waypoints'])}")
        (site / "mended.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        code, (mended,) = told(capsys, "check", "mended.yaml")
        assert (code, mended["conflicts"]) == (Exit.DONE, [])


def test_a_request_is_checked_with_each_of_its_landings(site: Path, capsys: Capture) -> None:
    code, answers = told(capsys, "check", "pipeline.yaml")
    assert code == Exit.DONE
    assert len(answers) > 1
    assert all(answer["free"] for answer in answers)


@pytest.mark.parametrize(("form", "word"), [("geojson", "FeatureCollection"), ("ed269", "features"), ("kml", "<kml")])
def test_zones_are_written_for_other_systems(site: Path, capsys: Capture, form: str, word: str) -> None:
    extra = ("--country", "CHN") if form == "ed269" else ()
    assert typed(capsys, "export", "--format", form, "--out", "out.txt", *extra)[0] == Exit.DONE
    assert word in (site / "out.txt").read_text(encoding="utf-8")


def test_what_is_exported_as_geojson_is_the_same_when_it_is_imported_elsewhere(
    site: Path, tmp_path: Path, capsys: Capture
) -> None:
    typed(capsys, "export", "--out", "all.geojson")
    first = told(capsys, "list")[1]
    empty = (site / "site.toml").read_text(encoding="utf-8")
    empty = empty.replace('airspace = ["airspace.geojson"]', "airspace = []\nairspace_is_empty = true")
    (site / "site.toml").write_text(empty, encoding="utf-8")
    assert typed(capsys, "import", "all.geojson")[0] == Exit.DONE

    def bare(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(({k: v for k, v in row.items() if k != "source"} for row in rows), key=lambda row: str(row["id"]))

    assert bare(told(capsys, "list")[1]) == bare(first)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_questions_are_answered_in_both_languages(site: Path, capsys: Capture, lang: str) -> None:
    for arguments in (("list",), ("show", "ZZ-SCHOOL-1"), ("at", *PAD, "60agl"), ("check", "clear-route.yaml")):
        _, out = typed(capsys, *arguments, "--lang", lang)
        assert any("一" <= letter <= "鿿" for letter in out) is (lang == "zh")


def test_where_and_when_nothing_is_charted_is_not_called_free(site: Path, capsys: Capture) -> None:
    for arguments, code in (
        (("31", "121", "60agl"), "asked.far"),
        ((*PAD, "60agl", "--time", "2200-01-01T00:00:00Z"), "asked.beyond-charts"),
        ((*PAD, "-5agl"), "asked.in-the-ground"),
    ):
        exit_code, (row,) = told(capsys, "at", *arguments)
        assert exit_code == Exit.REFUSED
        assert row["reasons"][0]["code"] == code


def test_check_says_nothing_of_remedies_that_it_never_looked_for(site: Path, capsys: Capture) -> None:
    assert "remedies" not in told(capsys, "check", "blocked-route.yaml")[1][0]
    _, out = typed(capsys, "check", "blocked-route.yaml")
    assert "No change" not in out
    assert "beichen airspace explain" in out


def test_several_permits_are_given_at_once_and_an_unknown_one_is_refused(site: Path, capsys: Capture) -> None:
    typed(capsys, "import", chart(site))
    assert told(capsys, "check", "clear-route.yaml", "--permit", "PARK-1", "ZZ-SCHOOL-1")[0] == Exit.DONE
    code, (row,) = told(capsys, "check", "clear-route.yaml", "--permit", "PARK-9")
    assert (code, row["reasons"][0]["code"]) == (Exit.REFUSED, "airspace.no-zone")


def test_a_mission_is_checked_in_the_wind_that_it_is_planned_for(site: Path, capsys: Capture) -> None:
    _, answers = told(capsys, "check", "pipeline.yaml")
    assert "gust 1.40" in answers[0]["margins"][0]


def test_constraints_that_were_exported_can_be_imported(site: Path, capsys: Capture) -> None:
    window = ("--between", "2026-05-18T18:00:00+08:00", "2026-05-18T22:00:00+08:00")
    where = ("--uss-base-url", "https://uss.example.com/beichen")
    assert typed(capsys, "export", "ZZ-EVENT-1", "--format", "f3548", *window, *where, "--out", "e.json")[0] == 0
    code, (row,) = told(capsys, "import", "e.json")
    assert (code, len(row["imported"])) == (Exit.DONE, 1)


def test_a_file_named_kml_holds_kml(site: Path, capsys: Capture) -> None:
    typed(capsys, "export", "--out", "all.kml")
    assert "<kml" in (site / "all.kml").read_text(encoding="utf-8")


def test_a_route_of_which_the_site_knows_nothing_is_not_called_clear(site: Path, capsys: Capture) -> None:
    text = (site / "clear-route.yaml").read_text(encoding="utf-8")
    head = text[: text.index("waypoints:")]
    places = [{"lat_deg": 31.0, "lon_deg": lon, "height": {"value_m": 60, "datum": "agl"}} for lon in (121.0, 121.01)]
    (site / "far.yaml").write_text(f"{head}waypoints: {json.dumps(places)}\n", encoding="utf-8")
    code, (row,) = told(capsys, "check", "far.yaml")
    assert (code, row["reasons"][0]["code"]) == (Exit.REFUSED, "asked.far")
    code, (row,) = told(capsys, "check", "clear-route.yaml", "--departs", "2099-12-31T23:59:59Z")
    assert (code, row["reasons"][0]["code"]) == (Exit.REFUSED, "asked.beyond-charts")


def test_no_departure_in_the_past_is_offered_but_for_a_route_of_another_day() -> None:
    now_s = 1.79e9
    for departs_s in (now_s + 60.0, now_s - 3600.0, now_s + 1e6):
        assert not_before_s(departs_s, now_s) == now_s
    assert not_before_s(now_s - 2 * 86400.0, now_s) == -math.inf


def test_what_explain_offers_lies_ahead(site: Path, capsys: Capture) -> None:
    now = datetime.now(UTC)
    words, window = Words("works", "施工"), (now.timestamp() - 600.0, now.timestamp() + 3600.0)
    layer = Layer(Circle(LatLon(34.7466, 113.605), 100.0), Height(0.0, Datum.AGL), Height(119.0, Datum.AGL))
    works = ChartedZone("WORKS", words, "restricted", words, (layer,), schedule=Schedule(windows=(window,)))
    assert typed(capsys, "import", chart(site, geojson([works])))[0] == Exit.DONE
    ahead = (now + timedelta(seconds=120)).isoformat()
    _, (answer,) = told(capsys, "explain", "clear-route.yaml", "--departs", ahead)
    assert "WORKS" in {conflict["id"] for conflict in answer["conflicts"]}
    shifts_s = [remedy["shift_s"] for remedy in answer["remedies"]]
    assert max(shifts_s) > 3000.0
    assert min(shifts_s) >= -120.0


def test_only_heights_over_ground_or_sea_hang_on_how_well_these_are_known(site: Path) -> None:
    route = parse_route((site / "clear-route.yaml").read_text(encoding="utf-8"), "clear")
    fixed = replace(
        route, waypoints=tuple(replace(w, height=Height(200.0, Datum.ELLIPSOIDAL)) for w in route.waypoints)
    )
    rolling = TerrainSurface(cast("Any", None), Geoid.built_in(), 4.0)
    assert datum_m(route, rolling) == 5.0
    assert datum_m(fixed, rolling) == 0.0
    assert datum_m(route, Ground(108.0, -19.4)) == 0.0
