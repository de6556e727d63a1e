"""One landing with its fate, in virtual time: the real controller, a simulated drone, poles and gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Refused
from controller.clock import Clock, run, virtual_tempo
from controller.district import District
from controller.events import AnyEvent, CommandAnswered, DescentJudged, DockServed, Phase, PhaseChanged, Record
from controller.run import close_flight
from controller.tasks import attended
from poles.services.dock_functions import DOCK, ForFlight
from sim.city_file import CityDrone, CityFile, CityGround, CityOrigin, CityPlace, CityPole
from sim.pole import SimPole
from sim.pole_network import Trouble
from sim.world.assembly import World, WorldSetup, running
from sim.world.days.day import DayMission, mission_of
from sim.world.succession import Succession
from sim.world.truth import DroneTruth, until_down
from tests.sim.landings.eyes import Eyes
from tests.sim.landings.fates import OTHER, WISHED, Fate, Fault

DRONE, START, FIELD = "drone-1", "410105-LP-000001", "meadow"
MIDDLE = LocalFrame(LatLon(34.75, 113.62))
RAIN_MMPH, GUSTY_MPS = 9.0, 13.0
LOOK_AGAIN_S, SEARCHED_AFTER_S = 20.0, 900.0


def _at(east_m: float, north_m: float) -> tuple[float, float]:
    place = MIDDLE.latlon(east_m, north_m)
    return place.lat_deg, place.lon_deg


def _pole(code: str, east_m: float, north_m: float) -> CityPole:
    lat_deg, lon_deg = _at(east_m, north_m)
    return CityPole(code=code, lat_deg=lat_deg, lon_deg=lon_deg)


def _city() -> CityFile:
    start, meadow = _at(0.0, 0.0), _at(120.0, -60.0)
    return CityFile(
        name="landing",
        origin=CityOrigin(lat_deg=34.75, lon_deg=113.62),
        ground=CityGround(amsl_m=108.0, geoid_m=-19.4),
        drones=(CityDrone(id=DRONE, lat_deg=start[0], lon_deg=start[1]),),
        poles=(_pole(START, 0.0, 0.0), _pole(WISHED, 120.0, 0.0), _pole(OTHER, 120.0, 70.0)),
        open_ground=(CityPlace(name=FIELD, lat_deg=meadow[0], lon_deg=meadow[1]),),
    )


CITY = _city()
WISH = DayMission(
    name="short", drone=DRONE, at_s=0.0, line=(_at(20.0, 0.0), _at(90.0, 0.0)), height_agl_m=40.0, speed_mps=8.0,
    docks=(WISHED, OTHER),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Landed:
    """How a landing went; `where` is a city code, the open ground's name, or empty when it did not fly or was lost."""

    fate: Fate
    outcome: str
    where: str
    wrong: tuple[str, ...]
    excused: dict[str, int]
    through_gate: int
    turned_back: int
    served: tuple[DockServed, ...]
    controllers: int
    struck: int  # faults that had their moment


def land(fate: Fate, folder: Path) -> Landed:
    """Fly one short mission to the dock that is wished, and let what is fated happen."""

    async def main(clock: Clock) -> Landed:
        world = World(WorldSetup(CITY, folder, folder / "runs", seed=fate.seed), clock)
        stage = Stage(fate, world, Eyes(world, DRONE, world.site.gust_limit_mps(DRONE)))
        async with running(world):
            return await attended(stage.play(), world.city.run(), stage.eyes.run())

    return run(main, virtual_tempo())


@dataclass(slots=True)
class Stage:
    """The world of one landing while its fate takes its course."""

    fate: Fate
    world: World
    eyes: Eyes
    succession: Succession = field(default_factory=Succession)
    events: list[AnyEvent] = field(default_factory=list)
    struck: int = 0
    _outcome: str = ""
    _met: list[str] = field(default_factory=list)  # anchors that have come

    async def play(self) -> Landed:
        """Let one controller after another fly the mission to its end."""
        await self.succession.run(self.world, self._work)
        await until_down(self._truth, 600.0)
        ended = [event for event in self.events if getattr(event, "landed_on", None) is not None]
        descents = [event for event in self.events if isinstance(event, DescentJudged)]
        return Landed(
            fate=self.fate,
            outcome=self._outcome,
            where=str(getattr(ended[-1], "landed_on", "")) if ended else "",
            wrong=tuple(self.eyes.wrong),
            excused=dict(self.eyes.excused),
            through_gate=self.eyes.through_gate,
            turned_back=sum(1 for event in descents if not event.passed),
            served=tuple(event for event in self.events if isinstance(event, DockServed)),
            controllers=self.succession.count,
            struck=self.struck,
        )

    def _truth(self) -> dict[str, DroneTruth]:
        return {name: DroneTruth(one.truth.landed, one.truth.armed) for name, one in self.world.city.drones.items()}

    async def _work(self, district: District) -> None:
        district.store.listen(self._heard)
        self.eyes.controlled = DRONE not in self.world.city._unheard
        poles = district.poles
        self.eyes.word_age_s = lambda dock: None if poles is None else poles.pad(dock).age_s
        runs = district.state.flights
        if not runs:
            self._outcome, _ = await self.world.fly_unreported(district, mission_of(WISH), DRONE)
            return
        began_s = asyncio.get_running_loop().time()
        for flight in list(runs.values()):
            while not flight.ended:
                self._outcome, _ = await self.world.finish_unreported(district, flight)
                if not flight.ended and asyncio.get_running_loop().time() - began_s > SEARCHED_AFTER_S:
                    result = await close_flight(district, flight, "found by search", self.world.given.runs)
                    self._outcome = result.outcome
                elif not flight.ended:
                    await asyncio.sleep(LOOK_AGAIN_S)

    def _heard(self, record: Record) -> None:
        self.events.append(record.event)
        match record.event:
            case PhaseChanged(phase=Phase.FLYING):
                self._meet("flying")
            case PhaseChanged(phase=Phase.HOLDING):
                self._meet("holding")
            case PhaseChanged(phase=Phase.LANDING):
                self._meet("landing")
            case CommandAnswered(target=pole, command="DroneDock reserve") if pole == WISHED:
                if "flying" in self._met:
                    self._meet("asked")
            case DescentJudged():
                self._meet("gate")
            case CommandAnswered(command="fence off") if "flying" in self._met:
                self._meet("down")
            case _:
                pass

    def _meet(self, anchor: str) -> None:
        if anchor in self._met:
            return
        self._met.append(anchor)
        loop = asyncio.get_running_loop()
        for fault in self.fate.faults:
            if fault.anchor == anchor:
                loop.call_later(fault.after_s, self._strike, fault)

    def _strike(self, fault: Fault) -> None:
        self.struck += 1
        begin, end = self._acts(fault)
        begin()
        asyncio.get_running_loop().call_later(fault.for_s, end)

    def _acts(self, fault: Fault) -> tuple[Callable[[], None], Callable[[], None]]:
        city = self.world.city
        pole, network = city.poles[fault.dock], city.networks[fault.dock]

        def trouble(trouble: Trouble) -> None:
            network.trouble = trouble

        match fault.kind:
            case "pole-silent":
                return pole.fail_power, pole.restore_power
            case "reports-late":
                return lambda: trouble(Trouble(longest_s=6.0)), lambda: trouble(Trouble())
            case "cover-stuck":
                return pole.fail_cover, pole.repair_cover
            case "pad-taken":
                return lambda: self._take_pad(pole), lambda: self._free_pad(pole)
            case "rain":
                return lambda: city.set_rain(RAIN_MMPH, fault.dock), lambda: city.set_rain(None, fault.dock)
            case "gusts":
                weather = city.file.weather
                return (
                    lambda: city.wind.set_mean(GUSTY_MPS, weather.from_deg),
                    lambda: city.wind.set_mean(weather.wind_mps, weather.from_deg),
                )
            case "lamp-dead":
                return pole.fail_lamp, lambda: pole.fail_lamp(False)
            case "commands-lost":
                return lambda: trouble(Trouble(lost=0.8)), lambda: trouble(Trouble())
            case "gateway-restart":
                return self._each_network("fail"), self._each_network("restore")
            case "controller-killed":
                return lambda: self._kill(fault.for_s), lambda: None
            case "stray-close":
                return lambda: _close(pole), lambda: None
            case "link-lost":
                return lambda: self._cut(True), lambda: self._cut(False)
        raise AssertionError(fault)

    def _take_pad(self, pole: SimPole) -> None:
        """Somebody puts a drone on the pad, if that is still possible."""
        if not pole.hardware.drone_present and pole.hardware.opened > 0.0 and not self._is_over(pole):
            pole.fail_taken()

    def _free_pad(self, pole: SimPole) -> None:
        if not self.world.city.occupied(pole.code):
            pole.drone_left()

    def _is_over(self, pole: SimPole) -> bool:
        """Nobody puts anything under a drone that comes down."""
        e, n, u = self.world.city.place_of(DRONE)
        x_m, y_m = pole.site.xy_m
        return abs(e - x_m) < 3.0 and abs(n - y_m) < 3.0 and u < 12.0

    def _each_network(self, act: str) -> Callable[[], None]:
        def every() -> None:
            for network in self.world.city.networks.values():
                getattr(network, act)()

        return every

    def _kill(self, down_s: float) -> None:
        self.eyes.controlled = False
        self.succession.kill(min(down_s, 40.0))

    def _cut(self, cut: bool) -> None:
        self.world.city.cut_links(DRONE, cut)
        self.eyes.controlled = not cut


def _close(pole: SimPole) -> None:
    """Somebody at the pole orders its cover to close, in the name of whoever holds the dock."""
    holder = pole.dock.now().reserved_for or "somebody"
    with suppress(Refused):
        arrival = pole.dock.begin(DOCK, "close", ForFlight(flight=holder))
        if isinstance(arrival, asyncio.Future):
            arrival.add_done_callback(lambda done: done.exception())  # nobody waits for it
