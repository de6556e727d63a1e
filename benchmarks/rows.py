"""The shape in which every benchmark tells its figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure beside a named peer of the same run; `goal` is the promised number, reached or not."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    goal: float | None = None
    better: Literal["higher", "lower"] = "lower"


def json_file(arguments: Sequence[str] | None = None) -> Path | None:
    """The file that `--json` names."""
    parser = argparse.ArgumentParser(description="Run one room's benchmarks.")
    parser.add_argument("--json", type=Path, default=None)
    chosen: Path | None = parser.parse_args(arguments).json
    return chosen


def tell(rows: Iterable[Row], file: Path | None) -> None:
    """Print the rows as a table, and write them when a file is named."""
    rows = list(rows)
    table = Table(box=None, padding=(0, 2))
    for head in ("figure", "value", "unit", "goal", "peer", "peer value", "ratio"):
        table.add_column(head, justify="left" if head in ("figure", "unit", "peer") else "right")
    for row in rows:
        numbers = [f"{x:.4g}" if x is not None else "" for x in (row.value, row.goal, row.peer_value, row.ratio)]
        sign = "≥ " if row.better == "higher" else "≤ "
        goal = sign + numbers[1] if numbers[1] else ""
        table.add_row(row.name, numbers[0], row.unit, goal, row.peer, numbers[2], numbers[3])
    Console(file=sys.stdout, width=160).print(table)
    if file is not None:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
