"""Reading and writing QGroundControl plans."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from missions.foreign import read_mission_file
from missions.items import Command, Frame, MissionItem
from missions.mission_file import FileHome, MissionFile
from missions.qgc_plan import read_qgc_plan
from missions.qgc_plan_writer import plan_text, qgc_plan_text
from tests.missions.any_items import ITEMS
from tests.missions.foreign_scenario import GROUND, HOME, RTL, TAKEOFF, mission, plan, read_well, real_files, waypoint


def simple(command: int, jump_id: int, frame: int = 3, params: list[Any] | None = None) -> dict[str, Any]:
    return {
        "type": "SimpleItem",
        "command": command,
        "frame": frame,
        "params": params or [0, 0, 0, None, 34.751, 113.621, 40],
        "autoContinue": True,
        "doJumpId": jump_id,
    }


def document(*items: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A plan with a take-off, the items and a return."""
    return {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "QGroundControl",
        "mission": {
            "version": 2,
            "firmwareType": 3,
            "vehicleType": 2,
            "hoverSpeed": 5,
            "cruiseSpeed": 15,
            "plannedHomePosition": [34.75, 113.62, 108],
            "items": [simple(22, 1), *items, simple(20, 90, 2, [0, 0, 0, 0, 0, 0, 0])],
        },
        "geoFence": {"version": 2, "polygons": [], "circles": []},
        "rallyPoints": {"version": 2, "points": []},
    } | parts


def changed(path: str, value: Any, *items: dict[str, Any]) -> dict[str, Any]:
    """A good plan with one value put at a dotted path; `...` takes the key away."""
    made = copy.deepcopy(document(*(items or (simple(16, 2),))))
    at: Any = made
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        at = at[key]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


def read(made: Any) -> MissionFile:
    return read_qgc_plan((made if isinstance(made, str) else json.dumps(made)).encode(), "m.plan")


def refused(made: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read(made)
    return [(reason.rule.code, reason.where) for reason in read_well(caught.value)]


SURVEY = {
    "type": "ComplexItem",
    "complexItemType": "survey",
    "polygon": [[34.75, 113.62]],
    "TransectStyleComplexItem": {"version": 1, "Items": [simple(16, 2), simple(206, 3, 2, [25, 0, 1, 0, 0, 0, 0])]},
}


def test_simple_items_home_and_speed_are_read() -> None:
    file = read(document(simple(16, 2)))
    assert [item.command for item in file.items] == [22, 16, 20]
    assert file.items[1] == MissionItem(16, 3, lat_deg=34.751, lon_deg=113.621, alt_m=40.0)
    assert file.home == FileHome(34.75, 113.62, 108.0)
    assert file.hover_mps == 5.0
    assert file.where[1] == "m.plan mission.items[1]"


def test_a_survey_is_read_as_the_items_that_it_stores() -> None:
    file = read(document(SURVEY))
    assert [item.command for item in file.items] == [22, 16, 206, 20]
    assert file.where[2] == "m.plan mission.items[1].TransectStyleComplexItem.Items[1]"
    assert "the survey area and its settings: only its flown items are kept" in [words.en for words in file.lost]


def test_null_parameters_become_0_and_that_is_named() -> None:
    assert "null" in read(document()).lost[0].en


def test_a_home_at_0_0_is_no_home_and_one_without_height_has_none() -> None:
    assert read(changed("mission.plannedHomePosition", [0, 0, 0])).home is None
    assert read(changed("mission.plannedHomePosition", ...)).home is None
    assert read(changed("mission.plannedHomePosition", [34.75, 113.62, None])).home == FileHome(34.75, 113.62, None)


def test_a_jump_names_its_target_by_jump_id_and_is_read_by_sequence() -> None:
    jump = simple(177, 4, 2, [7, 3, 0, 0, 0, 0, 0])
    file = read(document(simple(16, 7), simple(16, 5), jump))
    assert (file.items[3].command, file.items[3].param1, file.items[3].param2) == (177, 2.0, 3.0)


def test_fence_and_rally_points_become_what_the_drone_stores() -> None:
    made = document(
        geoFence={
            "version": 2,
            "polygons": [
                {"version": 1, "inclusion": True, "polygon": [[34, 113], [34, 114], [35, 114]]},
                {"version": 1, "inclusion": False, "polygon": [[34, 113], [34, 114], [35, 114], [34, 113]]},
            ],
            "circles": [{"version": 1, "inclusion": False, "circle": {"center": [34, 113], "radius": 50.5}}],
            "breachReturn": [34, 113, 50],
        },
        rallyPoints={"version": 2, "points": [[34.7, 113.6, 25]]},
    )
    file = read(made)
    assert [(item.command, item.param1) for item in file.fence] == [(5001, 3)] * 3 + [(5002, 3)] * 3 + [(5004, 50.5)]
    assert file.rally == (MissionItem(5100, 3, lat_deg=34.7, lon_deg=113.6, alt_m=25.0),)
    assert any("breach return" in words.en for words in file.lost)


def test_a_fence_of_the_first_version_is_one_inclusion() -> None:
    made = document(geoFence={"version": 1, "polygon": [[34, 113], [34, 114], [35, 114]]})
    assert [item.command for item in read(made).fence] == [5001] * 3


@pytest.mark.parametrize(
    ("made", "code", "where"),
    [
        ("", "qgc-plan.json", "m.plan:1"),
        ('{\n"fileType": "Plan",\n', "qgc-plan.json", "m.plan:3"),
        ("[" * 100_000, "qgc-plan.json", "m.plan"),
        ('{"a": ' + "9" * 5000 + "}", "qgc-plan.json", "m.plan"),
        ('{"fileType": "Plan", "fileType": "Plan"}', "qgc-plan.duplicate-key", "m.plan"),
        ([], "qgc-plan.file-type", "m.plan fileType"),
        (changed("fileType", "Mission"), "qgc-plan.file-type", "m.plan fileType"),
        (changed("version", 3), "qgc-plan.version", "m.plan version"),
        (changed("mission.version", 1), "qgc-plan.version", "m.plan mission.version"),
        (changed("geoFence.version", 7), "qgc-plan.version", "m.plan geoFence.version"),
        (changed("mission", ...), "mission.empty", "m.plan mission.items"),
        (changed("mission", []), "qgc-plan.value", "m.plan mission"),
        (changed("mission.items", {}), "qgc-plan.value", "m.plan mission.items"),
        (changed("mission.items", []), "mission.empty", "m.plan mission.items"),
        (changed("mission.items.1", 7), "qgc-plan.value", "m.plan mission.items[1]"),
        (changed("mission.items.1.type", "Hologram"), "qgc-plan.item-type", "m.plan mission.items[1].type"),
        (changed("mission.items.1.command", "16"), "qgc-plan.value", "m.plan mission.items[1].command"),
        (changed("mission.items.1.command", True), "qgc-plan.value", "m.plan mission.items[1].command"),
        (changed("mission.items.1.command", 70000), "qgc-plan.value", "m.plan mission.items[1].command"),
        (changed("mission.items.1.frame", ...), "qgc-plan.value", "m.plan mission.items[1].frame"),
        (changed("mission.items.1.params", [0] * 6), "qgc-plan.value", "m.plan mission.items[1].params"),
        (changed("mission.items.1.params.0", "x"), "qgc-plan.value", "m.plan mission.items[1].params[0]"),
        (changed("mission.items.1.params.6", float("nan")), "qgc-plan.value", "m.plan mission.items[1].params[6]"),
        (changed("mission.items.1.params.6", float("inf")), "qgc-plan.value", "m.plan mission.items[1].params[6]"),
        (changed("mission.items.1.params.6", 10**400), "qgc-plan.value", "m.plan mission.items[1].params[6]"),
        (changed("mission.items.1.params.4", None), "qgc-plan.null-position", "m.plan mission.items[1].params"),
        (changed("mission.items.1.autoContinue", 1), "qgc-plan.value", "m.plan mission.items[1].autoContinue"),
        (changed("mission.items.1.doJumpId", "a"), "qgc-plan.value", "m.plan mission.items[1].doJumpId"),
        (changed("mission.hoverSpeed", -1), "qgc-plan.value", "m.plan mission.hoverSpeed"),
        (changed("mission.plannedHomePosition", [99, 1, 2]), "qgc-plan.position", "m.plan mission.plannedHomePosition"),
        (changed("mission.plannedHomePosition", [1]), "qgc-plan.value", "m.plan mission.plannedHomePosition"),
        (
            changed("mission.items.1.TransectStyleComplexItem", ..., SURVEY),
            "qgc-plan.complex-item",
            "m.plan mission.items[1]",
        ),
        (
            changed("mission.items.1.TransectStyleComplexItem.Items.0", SURVEY, copy.deepcopy(SURVEY)),
            "qgc-plan.value",
            "m.plan mission.items[1].TransectStyleComplexItem.Items[0]",
        ),
        (
            document(simple(177, 4, 2, [66, 3, 0, 0, 0, 0, 0])),
            "qgc-plan.jump-target",
            "m.plan mission.items[1].params[0]",
        ),
        (changed("geoFence", 1), "qgc-plan.value", "m.plan geoFence"),
        (changed("geoFence.polygons", [3]), "qgc-plan.value", "m.plan geoFence.polygons[0]"),
        (
            changed("geoFence.polygons", [{"polygon": [[1, 2], [3, 4]], "inclusion": True}]),
            "qgc-plan.fence-corners",
            "m.plan geoFence.polygons[0].polygon",
        ),
        (
            changed("geoFence.polygons", [{"polygon": [[1, 2], [3, 4], [95, 4]], "inclusion": "yes"}]),
            "qgc-plan.position",
            "m.plan geoFence.polygons[0].polygon[2]",
        ),
        (
            changed("geoFence.circles", [{"circle": {"center": [1, 2], "radius": 0}}]),
            "qgc-plan.fence-radius",
            "m.plan geoFence.circles[0].circle.radius",
        ),
        (
            changed("geoFence.polygons", [{"polygon": [[i / 100, i * i / 1e5] for i in range(71)]}]),
            "qgc-plan.fence-too-big",
            "m.plan geoFence",
        ),
        (changed("rallyPoints.points", [[1, 2]]), "qgc-plan.value", "m.plan rallyPoints.points[0]"),
        (changed("rallyPoints.points", [[1, 2, 3]] * 71), "qgc-plan.fence-too-big", "m.plan rallyPoints.points"),
    ],
)
def test_a_malformed_plan_is_refused_with_its_place(made: Any, code: str, where: str) -> None:
    assert (code, where) in refused(made)


def test_everything_malformed_is_named_at_once() -> None:
    made = changed("mission.items.1.params.0", "x")
    made["rallyPoints"]["points"] = [[1]]
    made["mission"]["hoverSpeed"] = "fast"
    assert len(refused(made)) == 3


LATS, LONS = st.floats(-90, 90), st.floats(-180, 180)


def polygon(corners: list[tuple[float, float]], inclusion: bool) -> tuple[MissionItem, ...]:
    command = Command.FENCE_POLYGON_INCLUSION if inclusion else Command.FENCE_POLYGON_EXCLUSION
    return tuple(
        MissionItem(command, Frame.GLOBAL, float(len(corners)), lat_deg=a, lon_deg=b, autocontinue=False)
        for a, b in corners
    )


def circle(lat_deg: float, lon_deg: float, radius_m: float, inclusion: bool) -> tuple[MissionItem, ...]:
    command = Command.FENCE_CIRCLE_INCLUSION if inclusion else Command.FENCE_CIRCLE_EXCLUSION
    return (MissionItem(command, Frame.GLOBAL, radius_m, lat_deg=lat_deg, lon_deg=lon_deg, autocontinue=False),)


POLYGONS = st.builds(polygon, st.lists(st.tuples(LATS, LONS), min_size=3, max_size=6, unique=True), st.booleans())
CIRCLES = st.builds(circle, LATS, LONS, st.floats(0.1, 1e4), st.booleans())


@given(
    st.lists(ITEMS, min_size=1, max_size=5),
    st.none() | st.builds(FileHome, st.floats(0.001, 90), LONS, st.none() | st.floats(-400, 9000)),
    st.lists(POLYGONS, max_size=3),
    st.lists(CIRCLES, max_size=3),
    st.lists(st.builds(MissionItem, st.just(5100), lat_deg=LATS, lon_deg=LONS, alt_m=st.floats(0, 100)), max_size=3),
)
def test_what_is_written_is_read_back_as_it_was(
    items: list[MissionItem],
    home: FileHome | None,
    polygons: list[tuple[MissionItem, ...]],
    circles: list[tuple[MissionItem, ...]],
    rally: list[MissionItem],
) -> None:
    fence = tuple(item for shape in (*polygons, *circles) for item in shape)
    file = read(plan_text(items, home, fence=fence, rally=rally, hover_mps=7.5))
    assert (file.items, file.home, file.fence, file.rally) == (tuple(items), home, fence, tuple(rally))
    assert (file.hover_mps, file.lost) == (7.5, ())


def test_a_written_plan_has_the_shape_that_qgroundcontrol_opens() -> None:
    made = plan(mission(TAKEOFF, waypoint(100, 0), RTL))
    written = json.loads(qgc_plan_text(made))
    assert (written["fileType"], written["version"]) == ("Plan", 1)
    flown = written["mission"]
    assert set(flown) == {
        "cruiseSpeed",
        "firmwareType",
        "globalPlanAltitudeMode",
        "hoverSpeed",
        "items",
        "plannedHomePosition",
        "vehicleType",
        "version",
    }
    assert (flown["version"], flown["firmwareType"], flown["vehicleType"]) == (2, 3, 2)
    assert flown["plannedHomePosition"] == [HOME.lat_deg, HOME.lon_deg, GROUND.amsl_m]
    assert flown["globalPlanAltitudeMode"] == 1
    assert [row["doJumpId"] for row in flown["items"]] == [1, 2, 3]
    assert set(flown["items"][0]) == {
        "AMSLAltAboveTerrain",
        "Altitude",
        "AltitudeMode",
        "autoContinue",
        "command",
        "doJumpId",
        "frame",
        "params",
        "type",
    }
    assert all(len(row["params"]) == 7 for row in flown["items"])
    assert written["geoFence"]["version"] == written["rallyPoints"]["version"] == 2
    assert written["geoFence"]["polygons"][0]["inclusion"] is True


def test_a_plan_read_back_has_its_items_fence_and_rally_points() -> None:
    made = plan(mission(TAKEOFF, waypoint(100, 0), RTL))
    file = read(qgc_plan_text(made))
    assert (file.items, file.fence, file.rally) == (made.items, made.fence, made.rally)
    assert plan(file).legs == made.legs


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
GOOD = changed("geoFence.polygons", [{"polygon": [[1, 2], [3, 4], [4, 4]], "inclusion": True}], SURVEY)
GOOD["rallyPoints"]["points"] = [[1, 2, 3]]


@settings(max_examples=120)
@given(st.data())
def test_junk_anywhere_makes_a_mission_or_a_refusal_and_never_a_crash(data: st.DataObject) -> None:
    broken = copy.deepcopy(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        at: Any = broken
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and data.draw(st.integers(0, 9)) > 1:
                at = at[key]
                continue
            at[key] = data.draw(JUNK)
            break
    try:
        assert isinstance(read(broken), MissionFile)
    except Refused as refusal:
        read_well(refusal)


@settings(max_examples=120)
@given(st.data())
def test_broken_bytes_make_a_mission_or_a_refusal_and_never_a_crash(data: st.DataObject) -> None:
    broken = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(broken)))
        end = data.draw(st.integers(start, min(start + 8, len(broken))))
        broken[start:end] = data.draw(st.binary(max_size=8))
    try:
        assert isinstance(read_mission_file(bytes(broken), "m"), MissionFile)
    except Refused as refusal:
        read_well(refusal)


@pytest.mark.parametrize(
    ("name", "items", "lost"),
    [
        ("qgroundcontrol_sample.plan", 6, ["null"]),
        ("qgroundcontrol_sample_with_digicam_control.plan", 1, []),
        ("qgroundcontrol_sample_with_survey.plan", 13, ["null", "survey"]),
        ("qgroundcontrol_sample_with_structured_scan.plan", "qgc-plan.complex-item", []),
        ("qgroundcontrol_sample_without_mission.plan", "mission.empty", []),
    ],
)
def test_a_real_plan_comes_back_equal_and_names_what_is_lost(name: str, items: int | str, lost: list[str]) -> None:
    path = next((p for p in real_files() if p.name == name), None)
    if path is None:
        pytest.skip("needs the shared data")
    if isinstance(items, str):
        assert [code for code, _ in refused(Path(path).read_text())] == [items]
        return
    file = read_qgc_plan(path.read_bytes(), name)
    assert len(file.items) == items
    assert [word in words.en for word, words in zip(lost, file.lost, strict=True)] == [True] * len(lost)
    again = read(plan_text(file.items, file.home, hover_mps=file.hover_mps or 5.0))
    assert (again.items, again.home, again.lost) == (file.items, file.home, ())
