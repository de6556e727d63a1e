"""Whatever happens to a receiver, what it says fits together and is finite."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from pynmeagps.nmeareader import NMEAReader

from sim.gnss import nmea
from sim.gnss.interference import Area, Jammer, Spoof
from sim.gnss.laws import NO_FIX, RTK_FLOAT
from tests.sim.gnss.henan import Flight, Time, Wall, sky_over


class Day:
    """A flight to which things happen at random."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.time = Time()
        walled = rng.random() < 0.5
        wall = Wall(0.0, rng.uniform(0.0, 350.0), rng.uniform(10.0, 89.0)) if walled else None
        self.flight = Flight(
            self.time, sky_over(self.time, wall), seed=seed, network=rng.random() < 0.5, name="drone-1"
        )
        self.cap = 6
        self.running: list[Jammer | Spoof] = []

    def jam(self) -> None:
        area = Area(self.rng.uniform(-3000.0, 3000.0), 0.0, self.rng.uniform(10.0, 5000.0))
        self.running.append(self.flight.sky.jam(area, self.rng.uniform(-20.0, 30.0)))

    def spoof(self) -> None:
        targets: list[Area | str] = ["drone-1", "drone-2", Area(0.0, 0.0, 500.0)]
        target = self.rng.choice(targets)
        drift_mps, coherent = self.rng.uniform(0.0, 10.0), self.rng.random() < 0.5
        spoof = self.flight.sky.spoof(target, drift_mps=drift_mps, bearing_deg=77.0, climb_mps=1.0, coherent=coherent)
        self.running.append(spoof)

    def clear(self) -> None:
        if self.running:
            self.flight.sky.clear(self.running.pop(self.rng.randrange(len(self.running))))

    def limit(self) -> None:
        self.cap = self.rng.randrange(7)
        self.flight.receiver.set_fix(self.cap)

    def station(self) -> None:
        if self.flight.station is None or self.rng.random() < 0.5:
            self.flight.corrected_from(self.rng.uniform(-40_000.0, 40_000.0), 0.0, station=self.rng.randrange(3))
        else:
            self.flight.station = None

    def garbage(self) -> None:
        self.flight.receiver.corrections(self.rng.randbytes(self.rng.randrange(300)))

    def network(self) -> None:
        receiver = self.flight.receiver
        receiver.network_corrections = not receiver.network_corrections

    def travel(self) -> None:
        self.flight.place = (self.rng.uniform(-9000.0, 9000.0), self.rng.uniform(-9000.0, 9000.0), 80.0)

    def check(self) -> None:
        receiver = self.flight.receiver
        fix, geometry = receiver.fix, receiver.geometry
        assert receiver.fix_type <= self.cap
        assert all(math.isfinite(value) for value in (receiver.e, receiver.n, receiver.u, *receiver.raw_m))
        if receiver.fix_type <= NO_FIX:
            assert (fix.eph, fix.epv, fix.h_acc_mm, fix.v_acc_mm) == (65535, 65535, 0, 0)
            assert fix.satellites <= 3
        else:
            assert geometry is not None
            assert fix.satellites == geometry.count == len(receiver.lines) >= 4
            assert 0 < fix.eph < 65535
            assert 0 < fix.h_acc_mm < 60_000
            assert min(receiver.sigma_m) > 0.0
        rtk = receiver.rtk()
        if rtk is not None:
            assert receiver.fix_type >= RTK_FLOAT
            assert math.hypot(rtk.east_m, rtk.north_m) < 31_000.0
        said = nmea.solution_of(receiver, self.flight.place, (1.0, -2.0), geoid_m=-20.0)
        for line in nmea.sentences(said).splitlines(keepends=True):
            assert NMEAReader.parse(line.encode("ascii"), validate=1) is not None


@pytest.mark.parametrize("seed", range(12))
def test_a_hostile_day_leaves_a_receiver_that_makes_sense(seed: int) -> None:
    day = Day(seed)
    acts: list[Callable[[], None]] = [
        day.jam, day.spoof, day.clear, day.clear, day.limit, day.station, day.garbage, day.network, day.travel,
    ]  # fmt: skip
    kinds = set()
    for _ in range(60):
        day.rng.choice(acts)()
        day.flight.go(day.rng.choice([0.2, 1.0, 7.0]))
        day.check()
        kinds.add(day.flight.receiver.fix_type)
    assert len(kinds) >= 3
    day.flight.receiver.restart()
    day.flight.go(1.0)
    day.check()
