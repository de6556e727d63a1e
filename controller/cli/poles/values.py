"""How readings and settings look to people: in their language, with short units."""

from __future__ import annotations

from typing import Any

import msgspec

from airspace.reasons import Lang
from controller.cli.poles import words
from poles.protocol.tables import units_of
from poles.services import function_spec
from poles.services.units import SYMBOLS


def value_text(value: Any, lang: Lang) -> str:
    """One value: yes and no, numbers of six digits, lists joined, `-` for nothing."""
    match value:
        case None | "" | [] | ():
            return "-"
        case bool():
            return (words.YES if value else words.NO).text(lang)
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(value_text(each, lang) for each in value)
        case dict():
            return " ".join(f"{name}={value_text(each, lang)}" for name, each in value.items()) or "-"
        case _:
            return str(value)


def reading_text(function: str, name: str, value: Any, lang: Lang) -> str:
    """One reading of a function, with its unit."""
    spec = function_spec(function)
    return _with_unit(None if spec is None else spec.readings, name, value, lang)


def setting_text(function: str, name: str, value: Any, lang: Lang) -> str:
    """One setting of a function, with its unit."""
    spec = function_spec(function)
    return _with_unit(None if spec is None else spec.settings, name, value, lang)


def _with_unit(kind: type[msgspec.Struct] | None, name: str, value: Any, lang: Lang) -> str:
    text = value_text(value, lang)
    unit = "" if kind is None else units_of(kind).get(name, "")
    if not unit or not isinstance(value, int | float) or isinstance(value, bool):
        return text
    return f"{text} {SYMBOLS.get(unit, unit)}"
