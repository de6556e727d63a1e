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
from controller.cli.city_process import CityProcess, city_process
from controller.cli.fly import controller, tempo_of
from controller.cli.sim.autopilots import RealAutopilots
from controller.clock import Clock, run
from controller.config import LoadedSite, load_site
from controller.district import District
from controller.events import AnyEvent, FlightEnded, Phase, PhaseChanged, Record
from controller.tasks import attended
from sim.city_file import save_city
from sim.fault_text import fault_text, parse_fault
from sim.faults import OF_THE_CONTROLLER, Target
from sim.timeline import Happening, Timeline
from sim.world.scenarios.play import DOWN_WITHIN_S, Play, Played
from sim.world.scenarios.scenario import Scenario
from sim.world.truth import DroneTruth, until_down

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
        """The controller of the site over UDP and CURVE; take-offs and landings are those of its log."""
        async with controller(self.clock, self.site) as district:
            self._follow(district)
            yield district

    def _follow(self, district: District) -> None:
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

        setattr(district.store, "append", never)  # noqa: B010 - a method, replaced on purpose
        while not work.done():
            work.cancel()
            await asyncio.wait([work], timeout=UNWINDING_S)


def play_live(
    scenario: Scenario, folder: Path, *, speed: float, lang: Lang, pilots: RealAutopilots = RealAutopilots()
) -> Played:
    """Play a scenario over sockets at a speed; its city, site file, store and run folders go to `folder`.

    With real autopilots each drone of the city is one. How the drones are at the end is what the city tells of them:
    of simulated ones the truth, of real autopilots their own telemetry. Raises `Refused` for a fault that names what
    this city does not have, and when the city ends by itself, as it does with an autopilot.
    """
    with city_process([*_arguments(scenario, folder, speed), *pilots.arguments()]) as city:
        site = load_site(city.site)

        def truth() -> dict[str, DroneTruth]:
            return {name: DroneTruth(**how) for name, how in city.drones.items()}

        async def main(clock: Clock) -> Played:
            play = Play(scenario, lang)
            stage = LiveStage(clock, site, folder / "runs", play)
            for fault in scenario.faults:
                if fault.name in OF_THE_CONTROLLER:
                    stage.timeline.inject(fault)

            async def performed() -> Played:
                played = await play.perform(stage)
                played.truth = await until_down(truth, DOWN_WITHIN_S)
                played.autopilot = _autopilot(city)
                for text, utc_s, began in city.faults:
                    after_s = max(utc_s - played.start_utc_s, 0.0)  # the city began a moment before its controller
                    played.happened.append(Happening(after_s, parse_fault(text), began))
                return played

            return await attended(performed(), city.follow())

        return run(main, tempo_of(site))


def _arguments(scenario: Scenario, folder: Path, speed: float) -> list[str]:
    """What `beichen sim city` is told of a scenario."""
    arguments = [str(_city_in(scenario, folder)), "--into", str(folder), "--speed", str(speed)]
    arguments += ["--seed", str(scenario.file.world.seed), "--dock", scenario.wished_dock]
    arguments += ["--starts", datetime.fromtimestamp(scenario.starts_s, UTC).isoformat()]
    for fault in scenario.faults:
        arguments += ["--inject", fault_text(fault)] if fault.name not in OF_THE_CONTROLLER else []
    return arguments


def _autopilot(city: CityProcess) -> str:
    """What real autopilot flew, with its version; "" for none."""
    versions = list(dict.fromkeys(city.autopilots.values()))
    return f"ArduPilot {', '.join(versions)}" if versions else ""


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
