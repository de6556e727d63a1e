"""Spoiled charts are read or refused: never a crash, never a hang, never half a zone."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import pytest

from tests.airspace.formats.fuzzing import IMPORTERS, TABLE, Tally, fuzz
from tests.airspace.formats.mutations import mutant

SAMPLE = 300
CAMPAIGN = 100_000
WORKERS = 2


@pytest.mark.parametrize("name", IMPORTERS)
def test_the_seed_of_an_importer_is_read_whole(name: str) -> None:
    importer = IMPORTERS[name]
    reading = importer.read(importer.corpus.seeds[0], "seed")
    assert reading.reasons == ()
    assert reading.zones


@pytest.mark.parametrize("name", IMPORTERS)
def test_a_sample_of_mutants_is_read_or_refused(name: str) -> None:
    tally = fuzz(name, range(SAMPLE))
    assert tally.crashed == ()
    assert tally.tried == SAMPLE
    assert tally.whole < SAMPLE / 2, "mutants that change nothing prove nothing"


def test_a_number_always_gives_the_same_mutant() -> None:
    corpus = IMPORTERS["openair"].corpus
    assert [mutant(corpus, i) for i in range(20)] == [mutant(corpus, i) for i in range(20)]
    assert len({mutant(corpus, i) for i in range(20)}) == 20


@pytest.mark.soak
def test_a_hundred_thousand_mutants_of_each_importer_are_read_or_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tallies: dict[str, Tally] = {}
    shares = [range(start, CAMPAIGN, 20 * WORKERS) for start in range(20 * WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name in IMPORTERS:
            tallies[name] = sum(pool.map(fuzz, repeat(name), shares), start=Tally())
    rows = "\n".join(tally.row(name) for name, tally in tallies.items())
    with capsys.disabled():
        print(f"\n{TABLE}\n{rows}")  # noqa: T201 - the table is what the campaign is for
    assert {name: tally.crashed for name, tally in tallies.items() if tally.broken} == {}
