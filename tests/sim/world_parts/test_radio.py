"""How well places are reached: by distance, behind houses, without a cell; and a drone's own trouble on top."""

from __future__ import annotations

import asyncio
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.clock import Clock, run, virtual_tempo
from sim.links import Quality, memory_link
from sim.radio.coverage import FADING_DB, Cell, Radio, faded
from sim.radio.reception import NO_TROUBLE, Reception, Trouble

NEAR = Cell("near", (0.0, 0.0, 30.0), range_m=2000.0, delay_s=0.03)
FAR = Cell("far", (3000.0, 0.0, 30.0), range_m=2000.0, delay_s=0.08)


def test_without_cells_the_radio_reaches_everywhere() -> None:
    assert Radio().quality(1e5, 1e5, 0.0) == Quality()


def test_half_is_lost_at_the_range_of_a_cell_nothing_near_it_and_all_far_away() -> None:
    radio = Radio([NEAR])
    assert radio.quality(2000.0, 0.0, 30.0).loss == pytest.approx(0.5)
    assert radio.quality(300.0, 0.0, 60.0).loss == 0.0
    assert radio.quality(12_000.0, 0.0, 30.0).loss == 1.0


def test_the_loss_is_the_chance_that_fading_takes_the_margin() -> None:
    rng = random.Random(1)
    for margin_db in (-6.0, 0.0, 3.0, 8.0):
        counted = sum(rng.gauss(0.0, FADING_DB) > margin_db for _ in range(20_000)) / 20_000
        assert faded(margin_db) == pytest.approx(counted, abs=0.012)


@given(st.floats(10.0, 20_000.0), st.floats(10.0, 20_000.0))
def test_farther_is_never_better(one_m: float, other_m: float) -> None:
    radio = Radio([NEAR])
    near, far = sorted((one_m, other_m))
    assert radio.quality(near, 0.0, 30.0).loss <= radio.quality(far, 0.0, 30.0).loss


def test_the_best_cell_carries_and_brings_its_delay() -> None:
    radio = Radio([NEAR, FAR])
    assert radio.quality(100.0, 0.0, 50.0).delay_s == 0.03
    assert radio.quality(2900.0, 0.0, 50.0).delay_s == 0.08


def test_a_dead_cell_leaves_its_places_to_the_others_and_comes_back_when_all_causes_are_gone() -> None:
    radio = Radio([NEAR, FAR])
    radio.cell_off("near", "mains")
    radio.cell_off("near", "network")
    assert radio.quality(100.0, 0.0, 50.0).loss > 0.5
    radio.cell_on("near", "mains")
    assert radio.quality(100.0, 0.0, 50.0).loss > 0.5
    radio.cell_on("near", "network")
    assert radio.quality(100.0, 0.0, 50.0).loss == 0.0
    radio.cell_off("near")
    radio.cell_off("far")
    assert radio.quality(100.0, 0.0, 50.0).loss == 1.0


def test_a_cell_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Radio([NEAR]).cell_off("nowhere")


def test_behind_a_house_the_range_is_an_eighth() -> None:
    """20 dB at 22 dB a decade."""
    radio = Radio([NEAR], hidden=lambda a, b: True)
    assert radio.quality(2000.0 / 10.0 ** (20.0 / 22.0), 0.0, 30.0).loss == pytest.approx(0.5)


def test_a_drones_own_trouble_comes_on_top_of_the_coverage() -> None:
    async def main(clock: Clock) -> None:
        reception = Reception(Radio([NEAR]), lambda: (2000.0, 0.0, 30.0))
        assert reception.quality().loss == pytest.approx(0.5)
        reception.trouble = Trouble(loss=0.5, delay_s=0.2, jitter_s=0.3, doubled=0.1)
        now = reception.quality()
        assert [now.loss, now.delay_s, now.jitter_s, now.doubled] == pytest.approx([0.75, 0.23, 0.3, 0.1])
        through = reception.over(Quality(loss=0.2, delay_s=0.01))()
        assert [through.loss, through.delay_s] == pytest.approx([0.8, 0.24])
        reception.trouble = NO_TROUBLE
        assert reception.quality().loss == pytest.approx(0.5)

    run(main, virtual_tempo())


def test_the_place_is_asked_for_once_a_second_at_most() -> None:
    async def main(clock: Clock) -> None:
        asked = 0

        def place() -> tuple[float, float, float]:
            nonlocal asked
            asked += 1
            return 0.0, 0.0, 0.0

        reception = Reception(Radio([NEAR]), place)
        for _ in range(100):
            reception.quality()
            await asyncio.sleep(0.1)
        assert 9 <= asked <= 11

    run(main, virtual_tempo())


def test_a_link_carries_as_the_radio_does_where_the_drone_is() -> None:
    async def main(clock: Clock) -> None:
        place = [0.0]
        reception = Reception(Radio([NEAR]), lambda: (place[0], 0.0, 30.0))
        near, _ = memory_link(latency_s=0.01, rng=random.Random(1))
        near.carry(reception.over(near.own))
        shares = []
        for east_m in (100.0, 2000.0, 12_000.0):
            place[0] = east_m
            await asyncio.sleep(1.0)
            before = near.lost
            for _ in range(2000):
                near.send(b"x")
            shares.append((near.lost - before) / 2000)
        assert shares[0] == 0.0
        assert shares[1] == pytest.approx(0.5, abs=0.05)
        assert shares[2] == 1.0

    run(main, virtual_tempo())


def test_fading_is_certain_only_at_its_ends() -> None:
    assert faded(math.inf) == 0.0
    assert faded(-math.inf) == 1.0
    assert 0.0 < faded(3.0 * FADING_DB) < 0.01
