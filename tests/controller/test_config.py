from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from airspace.reasons import Reason, Refused
from airspace.rules import JURISDICTIONS, by_name
from airspace.zones import Zone
from controller.config import KNOWN_TYPES, LoadedSite, load_site
from controller.site_airspace import load_site_zones, surface_of
from missions.site import DroneType

EXAMPLE = Path(__file__).parents[2] / "examples" / "zhengzhou" / "site.toml"
NAN, INF = float("nan"), float("inf")
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

AIRFRAME = {
    "mass_kg": 9.0,
    "disk_area_m2": 1.2,
    "figure_of_merit": 0.6,
    "drag_area_m2": 0.05,
    "avionics_w": 30.0,
    "battery_wh": 700.0,
    "max_speed_mps": 18.0,
    "climb_mps": 3.0,
    "descent_mps": 2.0,
    "acceleration_mps2": 3.0,
    "max_wind_mps": 14.0,
}
PLACE = {"lat_deg": 34.75, "lon_deg": 113.62}
SITE: dict[str, Any] = {
    "name": "test",
    "airspace": ["airspace.geojson"],
    "origin": {**PLACE},
    "ground": {"amsl_m": 108.0, "geoid_m": -19.4},
    "limits": {"max_agl_m": 100.0},
    "gates": {"stated_weather": {"wind_mps": 3.0, "stated_by": "Li Wei"}},
    "drones": [
        {"id": "d1", "address": "udp:127.0.0.1:14550", "home": {**PLACE}},
        {"id": "d2", "address": "tcp:127.0.0.1:5760", "type": "heavy", "system_id": 2},
    ],
    "drone_types": {"heavy": AIRFRAME},
    "gateway": {"listen": "tcp://127.0.0.1:0"},
    "poles": [
        {"code": "410105-LP-000001", "public_key": KEY, "services": ["dock", "weather"], **PLACE},
        {"code": "410105-LP-000002", "public_key": "", "services": ["lamp"], **PLACE},
    ],
    "open_ground": [{"name": "meadow", **PLACE}],
    "tempo": {"speed": 10.0, "utc_s": 1.7e9, "monotonic_s": 1000.0},
}
ABSENT = object()


def zones_of(site: LoadedSite) -> tuple[Zone, ...]:
    return load_site_zones(site, surface_of(site))


def written(folder: Path, field: str = "", value: Any = ABSENT) -> Path:
    """The site with one field changed, added or left out; a field is written as `drones.0.id`."""
    tree = copy.deepcopy(SITE)
    if field:
        *way, last = [int(part) if part.isdigit() else part for part in field.split(".")]
        table: Any = tree
        for part in way:
            table = table[part]
        if value is ABSENT:
            del table[last]
        else:
            table[last] = value
    path = folder / "site.toml"
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    return path


def refused(path: Path) -> tuple[Reason, ...]:
    with pytest.raises(Refused) as caught:
        load_site(path)
    return caught.value.reasons


def test_the_whole_file_loads(tmp_path: Path) -> None:
    loaded = load_site(written(tmp_path))
    assert [dock.code for dock in loaded.site.docks] == ["410105-LP-000001"]
    assert [place.name for place in loaded.site.open_ground] == ["meadow"]
    assert loaded.drone_type(loaded.file.drones[0]) == KNOWN_TYPES["quad-4kg"]
    assert loaded.drone_type(loaded.file.drones[1]) == DroneType(name="heavy", **AIRFRAME)
    assert loaded.site.limits.max_agl_m == 100.0
    assert loaded.path("airspace.geojson") == tmp_path / "airspace.geojson"
    assert loaded.path("/elsewhere/a.geojson") == Path("/elsewhere/a.geojson")


def test_a_site_that_limits_no_height_goes_by_its_jurisdiction(tmp_path: Path) -> None:
    for name in JURISDICTIONS:
        path = written(tmp_path, "limits.max_agl_m")
        path.write_text(f'jurisdiction = "{name}"\n{path.read_text(encoding="utf-8")}', encoding="utf-8")
        assert load_site(path).site.limits.max_agl_m == by_name(name).height_most_agl_m


def test_the_example_loads_with_its_airspace() -> None:
    loaded = load_site(EXAMPLE)
    assert loaded.file.drones[0].id == "drone-1"
    assert len(loaded.site.docks) == 3
    assert load_site_zones(loaded, surface_of(loaded))


BAD: list[tuple[str, Any, str, str]] = [
    # field, value, where the reason says it is, the rule's code
    ("colour", "red", "", "site.malformed"),
    ("name", 3, "name", "site.malformed"),
    ("name", ABSENT, "", "site.malformed"),
    ("airspace", ABSENT, "", "site.malformed"),
    ("airspace", [], "airspace", "site.no-airspace"),
    ("airspace", "airspace.geojson", "airspace", "site.malformed"),
    ("origin", ABSENT, "", "site.malformed"),
    ("origin.lat_deg", "34.75", "origin.lat_deg", "site.malformed"),
    ("origin.lat_deg", 91.0, "origin.lat_deg", "site.out-of-range"),
    ("origin.lat_deg", NAN, "origin.lat_deg", "site.out-of-range"),
    ("origin.lon_deg", -180.5, "origin.lon_deg", "site.out-of-range"),
    ("origin.height_m", 3.0, "origin", "site.malformed"),
    ("ground.amsl_m", INF, "ground.amsl_m", "site.out-of-range"),
    ("ground.geoid_m", 91.0, "ground.geoid_m", "site.out-of-range"),
    ("ground.geoid_m", ABSENT, "ground", "site.malformed"),
    ("limits.max_agl_m", 0.0, "limits.max_agl_m", "site.out-of-range"),
    ("limits.reserve_fraction", 30, "limits.reserve_fraction", "site.out-of-range"),
    ("limits.max_wind_mps", -1.0, "limits.max_wind_mps", "site.out-of-range"),
    ("limits.max_speed_mps", 9.0, "limits", "site.malformed"),
    ("gates.min_fix", 2, "gates.min_fix", "site.out-of-range"),
    ("gates.min_fix", 5.5, "gates.min_fix", "site.malformed"),
    ("gates.min_fix", True, "gates.min_fix", "site.malformed"),
    ("gates.min_satellites", 3, "gates.min_satellites", "site.out-of-range"),
    ("gates.min_battery_pct", 101.0, "gates.min_battery_pct", "site.out-of-range"),
    ("gates.max_home_distance_m", 0.5, "gates.max_home_distance_m", "site.out-of-range"),
    ("gates.ready_within_s", 4.0, "gates.ready_within_s", "site.out-of-range"),
    ("gates.stated_weather.wind_mps", NAN, "gates.stated_weather.wind_mps", "site.out-of-range"),
    ("gates.stated_weather.stated_by", ABSENT, "gates.stated_weather", "site.malformed"),
    ("drones.0.id", "d 1", "drones[0].id", "site.bad-name"),
    ("drones.0.id", "../d1", "drones[0].id", "site.bad-name"),
    ("drones.0.id", "", "drones[0].id", "site.bad-name"),
    ("drones.0.id", "无人机", "drones[0].id", "site.bad-name"),
    ("drones.0.id", "d" * 41, "drones[0].id", "site.bad-name"),
    ("drones.0.id", "d2", "drones", "site.repeated"),
    ("drones.1.type", "heavier", "drones[1].type", "site.unknown-type"),
    ("drones.1.address", "127.0.0.1:5760", "drones[1].address", "link.address"),
    ("drones.1.address", "tcp:127.0.0.1:port", "drones[1].address", "link.address"),
    ("drones.1.system_id", 256, "drones[1].system_id", "site.out-of-range"),
    ("drones.0.home.lat_deg", 95.0, "drones[0].home.lat_deg", "site.out-of-range"),
    ("drones.0.home.lon_deg", NAN, "drones[0].home.lon_deg", "site.out-of-range"),
    ("drones.0.speed", 3, "drones[0]", "site.malformed"),
    ("drone_types.heavy.mass_kg", 0.0, "drone_types.heavy.mass_kg", "site.out-of-range"),
    ("drone_types.heavy.battery_wh", INF, "drone_types.heavy.battery_wh", "site.out-of-range"),
    ("gateway.port", 5000, "gateway", "site.malformed"),
    ("gateway.enrol_listen", "tcp://0.0.0.0:7610", "gateway.enrol_address", "site.gateway-address"),
    ("gateway.enrol_listen", "ipc:///desk", "gateway.enrol_address", "site.gateway-address"),
    ("city_codes", {"form": "dd-nn"}, "city_codes", "pole.code.form"),
    ("city_codes", {"check": "MOD 37,36"}, "city_codes", "pole.code.form"),
    ("city_codes", {"form": "dddddd-cc-nnnnnn", "length": 3}, "city_codes", "site.malformed"),
    ("poles.0.code", "", "poles[0].code", "pole.code.malformed"),
    ("poles.0.code", "990105-LP-000001", "poles[0].code", "pole.code.district"),
    ("poles.0.code", "410105-LP-000002", "poles", "site.repeated"),
    ("poles.1.public_key", KEY, "poles.public_key", "site.repeated"),
    ("poles.1.public_key", KEY[:-1], "poles[1].public_key", "site.bad-key"),
    ("poles.1.services", ["lamp", "dcok"], "poles[1].services", "site.unknown-service"),
    ("poles.1.lat_deg", -86.0, "poles[1].lat_deg", "site.out-of-range"),
    ("poles.0.mains", "M 3", "poles[0].mains", "site.bad-name"),
    ("poles.0.mains", 3, "poles[0].mains", "site.malformed"),
    ("supplies", [{"kind": "gas", "name": "G"}], "supplies[0].kind", "site.malformed"),
    ("supplies", [{"kind": "cell", "name": "C 1"}], "supplies[0].name", "site.bad-name"),
    ("supplies", [{"kind": "cell", "name": "C", "mains": "/"}], "supplies[0].mains", "site.bad-name"),
    ("supplies", [{"kind": "cell", "name": "C"}] * 2, "supplies", "site.repeated"),
    ("supplies", [{"kind": "cell", "name": "C", "cell": "C"}], "supplies[0]", "site.supplies-circle"),
    ("open_ground.0.lon_deg", 181.0, "open_ground[0].lon_deg", "site.out-of-range"),
    ("open_ground", [{"name": "a", **PLACE}, {"name": "a", **PLACE}], "open_ground", "site.repeated"),
    ("tempo.speed", 0.0, "tempo.speed", "site.out-of-range"),
    ("tempo.utc_s", NAN, "tempo.utc_s", "site.out-of-range"),
]


@pytest.mark.parametrize(("field", "value", "where", "code"), BAD, ids=[f"{row[0]}-{n}" for n, row in enumerate(BAD)])
def test_a_bad_field_gives_one_line_with_its_place_rule_and_remedy(
    tmp_path: Path, field: str, value: Any, where: str, code: str
) -> None:
    path = written(tmp_path, field, value)
    (reason,) = refused(path)
    assert (reason.where, reason.rule.code) == (f"{path}: {where}" if where else str(path), code)
    en, zh = reason.text("en"), reason.text("zh")
    assert "\n" not in en + zh
    assert en.startswith(str(path))
    assert zh.startswith(str(path))
    assert f"[{code}]" in en
    remedies = reason.rule.remedy
    assert en.endswith(remedies.text("en", reason.facts))
    assert zh.endswith(remedies.text("zh", reason.facts))
    assert remedies.en != remedies.zh


def test_supplies_that_hang_on_each_other_in_a_circle_are_all_named(tmp_path: Path) -> None:
    circle = [
        {"kind": "backhaul", "name": "B", "mains": "M"},
        {"kind": "mains", "name": "M", "cell": "C"},
        {"kind": "cell", "name": "C", "backhaul": "B"},
        {"kind": "cell", "name": "beside", "mains": "M"},
    ]
    path = written(tmp_path, "supplies", circle)
    assert [reason.where for reason in refused(path)] == [f"{path}: supplies[{n}]" for n in range(3)]


def test_an_unknown_field_is_named(tmp_path: Path) -> None:
    (reason,) = refused(written(tmp_path, "limits.max_hieght_m", 3))
    assert "max_hieght_m" in reason.text()


def test_every_value_out_of_range_has_a_line_of_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, "limits", {"max_agl_m": -1.0, "reserve_fraction": 2.0})
    assert [reason.where for reason in refused(path)] == [
        f"{path}: limits.max_agl_m",
        f"{path}: limits.reserve_fraction",
    ]


def test_an_empty_airspace_that_is_meant_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "airspace", [])
    path.write_text("airspace_is_empty = true\n" + path.read_text())
    assert zones_of(load_site(path)) == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "site.unreadable"),
        (b"\xff\xfe\x00", "site.unreadable"),
        (b"name = ", "site.malformed"),
        (b"{}", "site.malformed"),
        (b"", "site.malformed"),
        (b'name = "a"\nname = "b"\n', "site.malformed"),
    ],
)
def test_what_is_no_site_file_is_refused_by_name(tmp_path: Path, data: bytes | None, code: str) -> None:
    path = tmp_path / "site.toml"
    if data is not None:
        path.write_bytes(data)
    (reason,) = refused(path)
    assert (reason.where, reason.rule.code) == (str(path), code)
    assert "\n" not in reason.text()


def test_a_folder_is_no_site_file(tmp_path: Path) -> None:
    (reason,) = refused(tmp_path)
    assert reason.rule.code == "site.unreadable"


def test_an_airspace_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        zones_of(load_site(written(tmp_path)))
    assert str(tmp_path / "airspace.geojson") in str(caught.value)
