"""A run folder in, three files out: `report.html`, `tracks.geojson` and `summary.json`."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from airspace.reasons import Lang
from controller.report.analysis import analyse
from controller.report.geojson import tracks_geojson
from controller.report.page import render
from controller.report.summarising import summarise
from controller.report.summary import Summary


def write_report(run_folder: Path, *, lang_default: Lang = "en", wall_s: float | None = None) -> Summary:
    """Write the report of a run into its folder and return the summary.

    Needs nothing but the folder: `events.jsonl` and, once something flew, `flight.tlog`. The same folder gives the same
    files, but for `wall_s`, which is what the run took on the wall [s] and goes to `summary.json` alone. Raises
    `OSError` when the folder cannot be read or written.
    """
    run = analyse(run_folder)
    summary = summarise(run, wall_s=wall_s)
    _replace(run_folder / "tracks.geojson", json.dumps(tracks_geojson(run), ensure_ascii=False).encode())
    _replace(run_folder / "report.html", render(run, summary, lang_default=lang_default).encode())
    _replace(run_folder / "summary.json", msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
    return summary


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that a reader never sees half a report."""
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(content)
    draft.replace(path)
