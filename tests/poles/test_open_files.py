"""Many poles need many open files: the limit is raised as far as it may be, and what is missing is told."""

from __future__ import annotations

import resource

import pytest

from airspace.reasons import Refused
from poles.wire.files import SPARE, allow_files


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits of a process with 1,024 soft and 20,000 hard, the last one counting."""
    given = [(1024, 20_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda what: given[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: given.append(limits))
    return given


def test_what_fits_is_left_alone(limits: list[tuple[int, int]]) -> None:
    allow_files(100, at_each=4)
    assert limits == [(1024, 20_000)]


def test_the_soft_limit_is_raised_to_what_is_needed(limits: list[tuple[int, int]]) -> None:
    allow_files(4000, at_each=4)
    assert limits[-1] == (SPARE + 16_000, 20_000)


def test_beyond_the_hard_limit_it_is_refused_with_what_is_needed(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(Refused) as refused:
        allow_files(10_000, at_each=4)
    reason = refused.value.reasons[0]
    assert reason.rule.code == "poles.files"
    assert str(SPARE + 40_000) in reason.text("en")
    assert "20000" in reason.text("zh")
    assert len(limits) == 1


def test_no_limit_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    allow_files(10**9, at_each=4)
