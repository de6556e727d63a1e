"""Playing a scenario: controllers come and go, missions are asked for in their time, and all of it is written down.

Where it is played is a `Stage`: a world in this process and in virtual time, or a city behind real sockets.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from airspace.charted import ChartedZone
from airspace.formats.geojson import read_geojson
from airspace.reasons import Lang, Refused
from controller.clock import Clock
from controller.config import DroneConfig, LoadedSite
from controller.district import District
from controller.events import Record, RunStarted
from controller.register.changes import Batch
from controller.report import Summary
from controller.run import RunResult, fly_mission, resume_run
from controller.site_airspace import site_register
from controller.state import FlightState
from missions.request import Request
from sim.faults import Fault, zone_over
from sim.timeline import Act, Happening, Timeline
from sim.world.scenarios.figures import Figures
from sim.world.scenarios.scenario import Scenario, Wish
from sim.world.succession import Controllers, Operators, Succession
from sim.world.truth import DroneTruth

DOWN_WITHIN_S = 900.0  # an abandoned drone is down by then, by its battery if by nothing else


class Stage(Controllers, Protocol):
    """Where a scenario is played; `timeline` makes the faults happen that whoever runs the controller sees to."""

    clock: Clock
    site: LoadedSite
    runs: Path
    timeline: Timeline

    def published(self, zones: Sequence[ChartedZone]) -> None:
        """Zones were published in the shared register."""


@dataclass(slots=True)
class Played:
    """What happened: all records, when each mission was asked for and ended [s UTC], the last summary of each.

    `truth`, `figures` and `broken` (the invariants that did not hold, in words) are None where they cannot be known.
    `autopilot` is what real one flew, "" for simulated drones.
    """

    start_utc_s: float
    asked: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    truth: dict[str, DroneTruth] | None = None
    figures: Figures | None = None
    broken: tuple[str, ...] | None = None
    autopilot: str = ""
    gave_up: bool = False  # its missions had not ended when its time was over
    lasted_s: float = 0.0

    @property
    def mission_of(self) -> dict[str, str]:
        """Which mission each run and each flight belongs to."""
        runs = {r.event.run: r.event.name for r in self.records if isinstance(r.event, RunStarted)}
        flights = {
            flight: runs.get(getattr(record.event, "run", ""), "")
            for record in self.records
            if (flight := getattr(record.event, "flight", "")) and getattr(record.event, "run", "")
        }
        return {**runs, **flights}


class Play(Operators):
    """One playing of a scenario; `acts` are the faults that it makes happen itself, and must be in the timeline."""

    def __init__(self, scenario: Scenario, lang: Lang = "en") -> None:
        super().__init__(wish.name for wish in scenario.wishes)
        self.scenario = scenario
        self.acts: Mapping[str, Act] = {
            "controller": Act(lambda target, fault: self._kill(fault)),
            "zone": Act(lambda target, fault: self._publish_zone(fault)),
        }
        self._lang = lang
        self._stage: Stage
        self._played: Played
        self._succession = Succession()
        self._wishes = {wish.name: wish for wish in scenario.wishes}
        self._busy: list[str] = []  # drones that a mission of ours works with

    async def perform(self, stage: Stage) -> Played:
        """Play it to the end, or until its time is over; raises `Refused` for a fault that the stage cannot do."""
        self._stage, now_s = stage, stage.clock.utc_s
        self._played = Played(now_s())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.scenario.file.world.lasts_s):
                await self._succession.run(stage, self._work)
        played = self._played
        played.gave_up = not all(over.is_set() for over in self.over.values())
        played.happened = list(stage.timeline.happened)
        played.lasted_s = now_s() - played.start_utc_s
        return played

    async def _work(self, district: District) -> None:
        """Work with one controller, and keep its log, however that ends."""
        try:
            await self.work(district)
        finally:
            self._busy.clear()
            self._played.records = list(district.store.read())

    async def ask(self, district: District, name: str) -> None:
        """Ask for a mission in its time."""
        wish = self._wishes[name]
        if wish.after:
            await self.over[wish.after].wait()
        now_s = self._stage.clock.utc_s()
        await asyncio.sleep(max(self._played.start_utc_s + wish.at_s - now_s, 0.0))
        drone = self._drone_for(district, wish)
        self._busy.append(drone.id)
        self._played.asked.setdefault(name, self._stage.clock.utc_s())
        seed = self.scenario.file.world.seed
        result = await fly_mission(district, wish.mission, drone, self._stage.runs, lang=self._lang, seed=seed)
        self._busy.remove(drone.id)
        self._end(name, result)

    def _drone_for(self, district: District, wish: Wish) -> DroneConfig:
        """The drone that is asked for, or the first that nobody uses, or the first of all."""
        drones = district.site.file.drones
        used = [*self._busy, *district.claimed, *(flight.drone for flight in district.state.unfinished())]
        named = [drone for drone in drones if drone.id == wish.drone]
        return next(iter([*named, *(drone for drone in drones if drone.id not in used), *drones]))

    async def pick_up(self, district: District, name: str, flight: FlightState) -> None:
        """Finish a flight, or hear that its drone is not heard."""
        drone = next(drone for drone in district.site.file.drones if drone.id == flight.drone)
        self._end(name, await resume_run(district, flight, drone, self._stage.runs, lang=self._lang))

    def _end(self, name: str, result: RunResult) -> None:
        self._played.ended[name] = self._stage.clock.utc_s()
        self._played.summaries[name] = result.summary
        self.over[name].set()

    def _kill(self, fault: Fault) -> None:
        self._succession.kill(math.inf if fault.for_s is None else fault.for_s)

    def _publish_zone(self, fault: Fault) -> None:
        """Publish a block over a mission's route in the shared register, as an authority would."""
        wishes = [wish for wish in self.scenario.wishes if fault.target in ("", wish.name)]
        lines = [wish.mission.wish.line for wish in wishes if isinstance(wish.mission.wish, Request)]
        chart = json.dumps(zone_over(lines[0])).encode()
        reading = read_geojson(chart, "zone-over-route.geojson")
        if reading.reasons:
            raise Refused(reading.reasons)
        batch = Batch("zone-over-route.geojson", sha256(chart).hexdigest(), "duty officer")
        with site_register(self._stage.site, self._stage.clock.utc_s) as register:
            register.import_zones(reading.zones, batch)
        self._stage.published(reading.zones)
