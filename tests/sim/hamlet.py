"""A small city with short ways, whose radio and controller a test can stop at any moment: flights of three minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from airspace.frames import LatLon
from controller.cli.demo import example
from controller.clock import Clock, run, virtual_tempo
from controller.config import Gates
from controller.district import District, open_district
from controller.events import AlarmRaised, CommandAnswered, Phase
from controller.flight.mission_source import Mission, parse_mission
from controller.links.transport import Transport
from controller.run import RunResult, resume_run
from controller.state import FlightState
from controller.tasks import attended
from sim.city_file import CityFile, load_city
from sim.drone import SimDrone
from sim.links import Quality
from sim.world import World, WorldSetup, running

START, DOCK, ALTERNATE = "410105-LP-000001", "410105-LP-000003", "410105-LP-000004"
ASIDE = (34.7460, 113.6042)  # where the second drone stands, on open ground
MEADOW = "meadow"


def hamlet() -> CityFile:
    """The scenarios' hamlet with three docks and one meadow alone; the second drone stands beside the first dock."""
    whole = load_city(example("scenarios") / "hamlet.yaml")
    first, second = whole.drones
    return msgspec.structs.replace(
        whole,
        drones=(first, msgspec.structs.replace(second, lat_deg=ASIDE[0], lon_deg=ASIDE[1])),
        poles=tuple(pole for pole in whole.poles if pole.code in (START, DOCK, ALTERNATE)),
        open_ground=tuple(place for place in whole.open_ground if place.name == MEADOW),
    )


PLACES = {pole.code: (pole.lat_deg, pole.lon_deg) for pole in hamlet().poles}
LINE = ((34.7464, 113.6045), (34.7470, 113.6055))
ANSWER_S = 0.04  # there and back over the radio
COMMAND_LONG, COMMAND_ACK, MISSION_CURRENT = 76, 77, 42  # message numbers


def _pairs(place: tuple[float, float]) -> dict[str, float]:
    return {"lat_deg": place[0], "lon_deg": place[1]}


def request(name: str = "there", *, backwards: bool = False, docks: tuple[str, ...] = (DOCK, ALTERNATE)) -> Mission:
    """A look along one line, which ends on the first of the docks."""
    line = LINE[::-1] if backwards else LINE
    tree = {
        "beichen": 1,
        "name": name,
        "title": {"zh": "小村巡检", "en": "A look at the hamlet"},
        "requested_by": "tests",
        "kind": "corridor",
        "frame": "CGCS2000",
        "line": [_pairs(place) for place in line],
        "height_agl_m": 40,
        "speed_mps": 8,
        "camera": {"spacing_m": 12, "max_target_distance_m": 20},
        "land": {"dock": docks[0], "alternates": list(docks[1:])},
    }
    return parse_mission(yaml.safe_dump(tree).encode(), f"{name}.yaml")


class Radio:
    """The controller's end of a link: `hears` and `says` decide for each frame whether it comes through."""

    def __init__(self, link: Transport) -> None:
        self._link = link
        self.hears: Callable[[int, bytes], bool] = lambda number, frame: True
        self.says: Callable[[int, bytes], bool] = lambda number, frame: True
        self.on_command: Callable[[int], None] = lambda command: None

    def cut(self, for_s: float) -> None:
        """Lose everything in both directions for so long [s], what is under way included."""
        self.hears = self.says = lambda number, frame: False
        asyncio.get_running_loop().call_later(for_s, self.mend)

    def mend(self) -> None:
        """Let everything through."""
        self.hears = self.says = lambda number, frame: True

    def send(self, data: bytes) -> None:
        if self.says(message_number(data), data):
            self._link.send(data)
        if message_number(data) == COMMAND_LONG:
            self.on_command(command_of(data))

    async def receive(self) -> bytes:
        while True:
            data = await self._link.receive()
            if self.hears(message_number(data), data):
                return data

    def close(self) -> None:
        self._link.close()


def message_number(frame: bytes) -> int:
    """The message number of a MAVLink 2 frame."""
    return int.from_bytes(frame[7:10], "little")


def command_of(frame: bytes) -> int:
    """The command that a frame of COMMAND_LONG or COMMAND_ACK is about."""
    start = 10 + (28 if message_number(frame) == COMMAND_LONG else 0)
    return int.from_bytes(frame[start : start + 2], "little")


class Hamlet(World):
    """The small city's world; `radios` are the links that its controllers opened, in order."""

    def __init__(self, given: WorldSetup, clock: Clock, mission: Mission) -> None:
        super().__init__(given, clock, mission)
        self.radios: list[Radio] = []
        self.on_radio: Callable[[Radio], None] = lambda radio: None

    async def connect(self, address: str) -> Transport:
        """A fresh link to the drone, through a radio of the test's."""
        radio = Radio(await super().connect(address))
        self.radios.append(radio)
        self.on_radio(radio)
        return radio

    @asynccontextmanager
    async def without_gateway(self) -> AsyncIterator[District]:
        """A controller that no pole can reach."""
        async with open_district(
            self.site, self.clock, zones=self.zones(), connect=self.connect, durable="process"
        ) as district:
            yield district

    def forget(self) -> None:
        """Throw the controller's log away, between two controllers."""
        for path in self.given.runs.glob("beichen.db*"):
            path.unlink()

    @property
    def drone(self) -> SimDrone:
        """The drone of the first dock."""
        return self.city.drones["drone-1"]

    def off_m(self, place: tuple[float, float]) -> float:
        """How far the drone really is from a place [m]."""
        truth = self.drone.truth
        return LatLon(*place).distance_m(LatLon(truth.lat_deg, truth.lon_deg))

    def on_command(self, command: int, act: Callable[[Radio], None]) -> None:
        """Act once, when a controller first sends this command."""

        def listen(radio: Radio) -> None:
            def sent(number: int) -> None:
                if number == command and not done:
                    done.append(number)
                    act(radio)

            radio.on_command = sent

        done: list[int] = []
        self.on_radio = listen


def live(
    folder: Path, main: Callable[[Hamlet], Coroutine[Any, Any, None]], *, gates: Gates | None = None, loss: float = 0.0
) -> None:
    """Run `main` beside the running city, in virtual time."""
    given = WorldSetup(
        hamlet(), folder, folder / "runs", seed=3, link=Quality(loss, delay_s=0.02), gates=gates or Gates()
    )

    async def beside(clock: Clock) -> None:
        world = Hamlet(given, clock, request())
        async with running(world):
            await attended(main(world), world.city.run())

    run(beside, virtual_tempo())


async def finished(world: World, district: District) -> list[RunResult]:
    """Finish every flight that an earlier controller left open, all at a time; results in the order of the log."""
    async with asyncio.TaskGroup() as group:
        works = [
            group.create_task(resume_run(district, flight, world.configured(flight.drone), world.given.runs))
            for flight in district.state.unfinished()
        ]
    return [work.result() for work in works]


def only_flight(district: District) -> FlightState:
    """The one flight that the log knows."""
    (flight,) = district.state.flights.values()
    return flight


async def until(holds: Callable[[], bool]) -> None:
    """Wait until the simulated truth, which tells nobody when it changes, is so."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def until_phase(district: District, phase: Phase, flight: int = 0) -> FlightState:
    """Wait until a flight, counted in the order of the log, is in a phase."""
    flights = district.state.flights
    await until(lambda: len(flights) > flight and list(flights.values())[flight].phase is phase)
    return list(flights.values())[flight]


def alarms(district: District) -> list[str]:
    """The codes of all alarms, in order."""
    return [r.event.code for r in district.store.read() if isinstance(r.event, AlarmRaised)]


def answers(district: District, command: str) -> list[str]:
    """How each order of that name was answered."""
    events = [r.event for r in district.store.read() if isinstance(r.event, CommandAnswered)]
    return [event.outcome for event in events if event.command == command]


def intents(district: District) -> set[str]:
    """The flights that hold airspace now."""
    return {intent.id for intent in district.airspace.intents}
