"""A scenario over real sockets: the city in a process of its own, the controller here as `beichen fly` runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from airspace.charted import ChartedZone
from airspace.reasons import Lang
from controller.cli.demo import simulated_city
from controller.cli.fly import controller, tempo_of
from controller.clock import Clock, run
from controller.config import LoadedSite, load_site
from controller.district import District
from controller.events import AnyEvent, FlightEnded, Phase, PhaseChanged, Record
from sim.city_file import save_city
from sim.fault_text import fault_text
from sim.faults import OF_THE_CONTROLLER, Target
from sim.timeline import Timeline
from sim.world.scenario import Scenario
from sim.world.scenario_play import Play, Played

UNWINDING_S = 0.05


class SeenFromHere:
    """The place of the controller's own faults: it knows of take-offs and landings what its log says."""

    def __init__(self) -> None:
        self.on_takeoff: list[Callable[[str], None]] = []
        self.on_touchdown: list[Callable[[str], None]] = []

    def targets(self, kind: Target) -> list[str] | None:
        """Names are not known here."""
        return None


class LiveStage:
    """A city behind sockets as a stage."""

    def __init__(self, clock: Clock, site: LoadedSite, runs: Path, play: Play) -> None:
        self.clock = clock
        self.site = site
        self.runs = runs
        self._seen = SeenFromHere()
        self.timeline = Timeline(self._seen, play.acts)

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[District]:
        """The controller of the site over UDP and CURVE."""
        async with controller(self.clock, self.site) as district:
            yield district

    def started(self, district: District) -> None:
        """Follow its log."""

        def heard(record: Record) -> None:
            match record.event:
                case PhaseChanged(flight=flight, phase=Phase.FLYING):
                    listeners = self._seen.on_takeoff
                case FlightEnded(flight=flight):
                    listeners = self._seen.on_touchdown
                case _:
                    return
            for tell in tuple(listeners):
                tell(district.state.flights[flight].drone)

        district.store.listen(heard)

    def published(self, zones: Sequence[ChartedZone]) -> None:
        """Nobody here looks at what is true."""

    async def kill(self, district: District, work: asyncio.Task[None]) -> None:
        """End a controller's work as SIGKILL would: nothing that it still wants to record is recorded."""

        async def never(*events: AnyEvent, claims_seen: int | None = None) -> tuple[Record, ...]:
            raise asyncio.CancelledError

        if not work.done():
            setattr(district.store, "append", never)  # noqa: B010 - a method, replaced on purpose
        while not work.done():
            work.cancel()
            await asyncio.wait([work], timeout=UNWINDING_S)


def play_live(scenario: Scenario, folder: Path, *, speed: float, lang: Lang) -> Played:
    """Play a scenario over sockets at a speed; its city, site file, store and run folders go to `folder`.

    Raises `Refused` for a fault that names what this city does not have.
    """
    arguments = [str(_city_in(scenario, folder)), "--into", str(folder), "--speed", str(speed)]
    arguments += ["--seed", str(scenario.file.world.seed), "--dock", scenario.wished_dock]
    arguments += ["--starts", datetime.fromtimestamp(scenario.starts_s, UTC).isoformat()]
    for fault in scenario.faults:
        arguments += ["--inject", fault_text(fault)] if fault.name not in OF_THE_CONTROLLER else []
    with simulated_city(arguments) as site_path:
        site = load_site(site_path)

        async def main(clock: Clock) -> Played:
            play = Play(scenario, lang)
            stage = LiveStage(clock, site, folder / "runs", play)
            for fault in scenario.faults:
                if fault.name in OF_THE_CONTROLLER:
                    stage.timeline.inject(fault)
            return await play.perform(stage)

        return run(main, tempo_of(site))


def _city_in(scenario: Scenario, folder: Path) -> Path:
    """The scenario's city as a file of its own, a generated one's chart beside it."""
    city = scenario.city
    if scenario.zones is not None:
        chart = folder / "zones.geojson"
        chart.write_text(json.dumps(scenario.zones, ensure_ascii=False), encoding="utf-8")
        city = msgspec.structs.replace(city, airspace=(*city.airspace, chart.name))
    path = folder / "city.yaml"
    save_city(city, path)
    return path
