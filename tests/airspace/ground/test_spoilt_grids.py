"""Elevation models and geoid grids that were spoilt on the way: a height, or a refusal by name, and no other error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from airspace.frames import LatLon
from airspace.geodesy.geoid import Geoid
from airspace.ground.terrain import Terrain
from airspace.reasons import Refused
from tests.airspace.formats.mutations import Corpus, mutant
from tests.airspace.ground.grounds import rough, write_dem

LONGEST_S = 2.0
KINDS = ("plain.tif", "packed.tif", "plain.npz", "packed.npz", "grid.gtx")


def seeds(folder: Path) -> dict[str, Corpus]:
    """A small whole file of each kind."""
    write_dem(folder / "plain.tif", rough(41))
    write_dem(folder / "packed.tif", rough(41), compress="deflate")
    lat, lon, n = np.arange(30.0, 36.1, 0.5), np.arange(110.0, 116.1, 0.5), np.full((13, 13), -19.4)
    np.savez(folder / "plain.npz", lat=lat, lon=lon, N=n)
    np.savez_compressed(folder / "packed.npz", lat=lat, lon=lon, N=n)
    head = np.array([30.0, 110.0, 0.5, 0.5], dtype=">f8").tobytes() + np.array([13, 13], dtype=">i4").tobytes()
    (folder / "grid.gtx").write_bytes(head + n.astype(">f4").tobytes())
    return {
        kind: Corpus(kind, [(folder / kind).read_bytes()], [b"\0\0\0\0", b"\xff" * 8], [(b"\0", b"\0")])
        for kind in KINDS
    }


def asked(path: Path) -> str:
    """What comes of one question to a file: "height", or the code of the refusal."""
    try:
        if path.suffix == ".tif":
            Terrain.load(path, None).ellipsoidal_m(LatLon(34.79, 113.61))
        else:
            Geoid.load(path).undulation_m(34.79, 113.61)
    except Refused as refused:
        return refused.reasons[0].rule.code if all(reason.text("zh") for reason in refused.reasons) else "no words"
    return "height"


def spoil(folder: Path, numbers: Iterable[int]) -> Counter[str]:
    """Ask the mutants of these numbers of every kind; fails for any error but a refusal, and for what takes long."""
    outcomes: Counter[str] = Counter()
    corpora = seeds(folder)
    for number in numbers:
        for kind, corpus in corpora.items():
            path = folder / f"spoilt-{kind}"
            path.write_bytes(mutant(corpus, number))
            began_s = time.process_time()
            outcomes[asked(path)] += 1
            assert time.process_time() - began_s < LONGEST_S, (kind, number)
    return outcomes


def test_the_whole_files_give_heights(tmp_path: Path) -> None:
    seeds(tmp_path)
    assert [asked(tmp_path / kind) for kind in KINDS] == ["height"] * 5


def test_spoilt_files_give_heights_or_refusals(tmp_path: Path) -> None:
    outcomes = spoil(tmp_path, range(60))
    assert outcomes["ground.terrain.file"] > 50
    assert outcomes["geodesy.geoid.file"] > 50
    assert outcomes["height"] > 10
    assert outcomes["no words"] == 0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_spoilt_files_of_each_kind_give_heights_or_refusals(tmp_path: Path) -> None:
    outcomes = spoil(tmp_path, range(10_000))
    rows = "\n".join(f"| {outcome} | {count} |" for outcome, count in outcomes.most_common())
    print(f"\n| outcome | files |\n|---|---|\n{rows}")  # noqa: T201 - the table is what the campaign is for
    assert outcomes.total() == 50_000
