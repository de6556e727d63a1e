"""The Python agent keeps every paragraph, and the kit says so."""

import pytest

from controller.clock import Clock, run, virtual_tempo
from poles.conformance import PARAGRAPHS, TRIALS, Findings, Verdict
from tests.poles.conformance.crooked import played


@pytest.mark.parametrize("with_ring", [False, True], ids=["in-memory", "with-a-ring"])
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_the_agent_passes(trial: object, with_ring: bool) -> None:
    async def main(clock: Clock) -> Findings:
        return await played(clock, trial, with_ring=with_ring)  # type: ignore[arg-type]

    findings = run(main, virtual_tempo())
    broken = {number: findings.seen(number) for number in PARAGRAPHS if findings.verdict(number) is Verdict.FAIL}
    assert broken == {}
