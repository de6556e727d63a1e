from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.config import KNOWN_TYPES, SiteFile

PAGE = Path(__file__).parents[2] / "docs" / "site-file.md"


def fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """Every field of a struct that holds a value, with the way to it: `gates.stated_weather.wind_mps`."""
    for info in msgspec.structs.fields(kind):
        inner = struct_in(info.type)
        if inner is None:
            yield f"{prefix}{info.encode_name}", info
        else:
            yield from fields(inner, f"{prefix}{info.encode_name}.")


def struct_in(kind: Any) -> Any:
    """The struct that a type is or holds, as in `tuple[S, ...]`, `dict[str, S]` and `S | None`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    inner = [struct_in(argument) for argument in typing.get_args(kind)]
    return next((found for found in inner if found is not None), None)


def sections() -> dict[str, str]:
    """The page by heading, the part before the first one under the empty heading."""
    first, *rest = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": first} | {heading: text for heading, _, text in (part.partition("\n") for part in rest)}


def section_of(field: str) -> str:
    """The part of the page that has to name a field."""
    table = field.partition(".")[0]
    found = [text for heading, text in sections().items() if re.search(rf"\[{table}[.\]]", heading)]
    return found[0] if found else sections()[""]


ALL = dict(fields(SiteFile))


def test_the_walk_finds_fields_at_every_depth() -> None:
    assert {"name", "origin.lat_deg", "gates.stated_weather.stated_by", "drones.home.lon_deg"} <= ALL.keys()
    assert {"drone_types.battery_wh", "poles.services", "tempo.speed"} <= ALL.keys()


@pytest.mark.parametrize("field", ALL)
def test_the_page_names_every_field_of_the_site_file(field: str) -> None:
    parts = field.split(".")
    names = {".".join(parts[n:]) for n in range(len(parts))}
    named = set(re.findall(r"`([a-z0-9_.]+)`", section_of(field)))
    assert names & named, f"docs/site-file.md does not name {field}"


def test_the_page_names_no_field_that_does_not_exist() -> None:
    known = {".".join(way.split(".")[n:]) for way in ALL for n in range(len(way.split(".")))}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            assert set(re.findall(r"`([a-z0-9_.]+)`", line.split("|")[1])) <= known, line


@pytest.mark.parametrize("field", [name for name, info in ALL.items() if isinstance(info.default, int | float)])
def test_the_page_gives_the_default_of_every_number(field: str) -> None:
    default, last = ALL[field].default, field.rpartition(".")[2]
    shown = str(default).lower() if isinstance(default, bool) else f"{default:g}"
    named = re.compile(rf"\|.*[`.]{last}`")
    rows = [line.split("|") for line in section_of(field).splitlines() if named.match(line)]
    assert [shown] == [row[3].strip() for row in rows], f"docs/site-file.md: default of {field}"


def test_the_page_gives_the_figures_of_the_built_in_airframe() -> None:
    airframe = KNOWN_TYPES["quad-4kg"]
    text = section_of("drone_types.mass_kg")
    for figure in (airframe.mass_kg, airframe.battery_wh, airframe.climb_mps, airframe.max_wind_mps):
        assert f"{figure:g} " in text
