"""`beichen fly`: fly a mission with a configured drone, or pick up the flight that was left open."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from airspace.reasons import Reason, Refused, Rule, Words
from controller.alarms import Alarm
from controller.cli import words
from controller.cli.console import JsonView, TextView, report_record, view_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption, site_for
from controller.cli.showing import Showing
from controller.clock import Clock, Tempo, fresh_seed, real_tempo, run
from controller.config import DroneConfig, LoadedSite
from controller.district import District, open_district
from controller.flight.mission_source import Mission, load_mission
from controller.links.transport import open_transport
from controller.pole_control import controlled
from controller.pole_gate import enrolment, forget_locked_out, open_gate, renewal, watch_register
from controller.pole_picture import Poles
from controller.pole_watch import forget_in_time, gateway_needs
from controller.responses import responding
from controller.run import RunResult, fly_mission, resume_run
from controller.site_airspace import load_site_zones, site_register, surface_of
from controller.state import FlightState
from controller.tasks import attended
from poles.beside import beside
from poles.gateway import Gateway
from poles.wire.files import allow_files

NO_DRONE = Rule(
    "site.no-drone",
    Words("there is no drone {drone} in the site file; it has: {known}", "站点文件中没有无人机 {drone}；现有：{known}"),
    Words(
        "Add it under [[drones]] or name another with --drone.", "请在 [[drones]] 中添加，或用 --drone 指定其他无人机。"
    ),
)
NOTHING_TO_DO = Rule(
    "fly.nothing",
    Words("there is nothing to fly, and no flight was left open", "没有可执行的任务，也没有未结束的飞行"),
    Words("Give a request or a mission file.", "请给出请求或航线文件。"),
)
NOT_FLOWN = Rule(
    "fly.not-flown",
    Words("it was not flown, because {flights} had been left open", "未执行，因为 {flights} 尚未结束"),
    Words("Run the command again now.", "请现在重新运行该命令。"),
)
DRONE_GONE = Rule(
    "fly.drone-gone",
    Words(
        "flight {flight} is open and its drone {drone} is not in the site file",
        "飞行 {flight} 未结束，但站点文件中没有其无人机 {drone}",
    ),
    Words(
        "Write the drone into the site file again, or close the flight with `beichen close`.",
        "请将该无人机写回站点文件，或用 `beichen close` 关闭该飞行。",
    ),
)


def fly(
    mission: Annotated[
        Path | None, Parameter(help="A request (.yaml), .plan or .waypoints file. 请求或航线文件。")
    ] = None,
    *,
    site: SiteOption = None,
    drone: Annotated[str, Parameter(help="The drone's id; the first one when not given. 无人机标识。")] = "",
    runs: Annotated[Path | None, Parameter(help="Folder for run folders; the site's. 运行文件夹。")] = None,
    output: Output = Output(),
) -> int:
    """Fly a request or a mission file with a configured drone."""
    wish = load_mission(mission) if mission is not None else None
    place = site_for(mission if mission is not None else Path(), site)
    chosen = drone_of(place, drone)
    view = view_of(output.lang, output.json)
    folder = runs if runs is not None else place.path(place.file.runs)
    results = run(lambda clock: operate(clock, place, chosen, wish, folder, view, output), tempo_of(place))
    return exit_code(results)


def exit_code(results: list[RunResult]) -> int:
    """0 when all that was done is completed."""
    return Exit.DONE if results and all(result.outcome == "completed" for result in results) else Exit.REFUSED


def tempo_of(place: LoadedSite) -> Tempo:
    """Real time, unless the site belongs to a simulator that runs at a speed of its own."""
    given = place.file.tempo
    return real_tempo() if given is None else Tempo("scaled", given.speed, given.utc_s, given.monotonic_s)


def drone_of(place: LoadedSite, drone: str) -> DroneConfig:
    """The named drone, or the first; raises `Refused` when there is none."""
    for candidate in place.file.drones:
        if drone in ("", candidate.id):
            return candidate
    known = ", ".join(candidate.id for candidate in place.file.drones) or "-"
    raise Refused([Reason(NO_DRONE, "--drone", {"drone": drone or "-", "known": known})])


@asynccontextmanager
async def controller(clock: Clock, place: LoadedSite) -> AsyncIterator[District]:
    """The controller of a site over real sockets."""
    surface = surface_of(place)
    zones = load_site_zones(place, surface)
    with site_register(place, clock.utc_s) as register:
        async with (
            open_district(
                place, clock, zones=zones, connect=open_transport, register=register, surface=surface
            ) as district,
            poles_joined(clock, place, district),
        ):
            yield district


@asynccontextmanager
async def poles_joined(clock: Clock, place: LoadedSite, district: District) -> AsyncIterator[None]:
    """A district whose poles may connect, where its site has a gateway."""
    given = place.file.gateway
    if given is None:
        yield
        return
    allow_files(len(place.file.poles), at_each=1)
    with open_gate(place, given, clock.utc_s) as gate:
        gateway = Gateway(gate.doorway, **gateway_needs(district, clock, random.Random(fresh_seed())))
        watching = watch_register(district, gate, place.path(given.register))
        forgetting = forget_in_time(district, clock)
        async with (
            gateway,
            enrolment(place, given, gate, clock.utc_s),
            renewal(gateway, gate),
            beside(watching, forgetting),
        ):
            forget_locked_out(gateway, gate)
            district.poles = Poles(gateway, clock)
            async with controlled(gateway, place, clock, lambda: district.responses):
                yield


async def operate(
    clock: Clock,
    place: LoadedSite,
    drone: DroneConfig,
    wish: Mission | None,
    runs: Path,
    view: TextView | JsonView,
    output: Output,
    seed: int | None = None,
) -> list[RunResult]:
    """Pick up what was left open; only when there is nothing of that, fly the mission.

    `seed` is that of a simulated city, for the record. Raises `Refused` when there is nothing to do, or when the
    mission was not flown because of what was left open.
    """
    async with controller(clock, place) as district, responding(district, runs, lang=output.lang):

        async def console_failed(why: str) -> None:
            await district.alarm(Alarm.CONSOLE_LOST, "console", why=why)

        showing = Showing(console_failed)
        district.store.listen(lambda record: showing.show(lambda: report_record(record, view)))

        async def work() -> tuple[list[RunResult], list[Reason]]:
            try:
                return await _work(district, drone, wish, runs, showing, view, output, seed)
            finally:  # also after a Ctrl-C the last lines are shown
                await showing.drained(clock.tempo.speed)

        with view.live(district):
            results, reasons = await attended(work(), showing.run(), view.keep_drawing(district, showing))
    if showing.failure is None:
        for result in results:
            if result.outcome != "completed":
                view.refused(result.reasons)
            view.result(result.outcome, result.summary, str(result.folder))
    if reasons:
        raise Refused(reasons)
    return results


async def _work(
    district: District,
    drone: DroneConfig,
    wish: Mission | None,
    runs: Path,
    showing: Showing,
    view: TextView | JsonView,
    output: Output,
    seed: int | None,
) -> tuple[list[RunResult], list[Reason]]:
    left_open = district.state.unfinished()
    results, reasons = await _pick_up(district, left_open, runs, showing, view, output)
    if wish is None:
        if not left_open:
            reasons.append(Reason(NOTHING_TO_DO))
    elif not left_open:
        facts = {"drone": drone.id, "address": drone.address, "s": district.site.file.gates.ready_within_s}
        showing.show(lambda: view.say(words.WAITING, **facts))
        results.append(await fly_mission(district, wish, drone, runs, lang=output.lang, seed=seed))
    elif wish.name not in {flight.plan.name for flight in left_open}:
        reasons.append(Reason(NOT_FLOWN, wish.name, {"flights": ", ".join(flight.id for flight in left_open)}))
    return results, reasons


async def _pick_up(
    district: District,
    left_open: list[FlightState],
    runs: Path,
    showing: Showing,
    view: TextView | JsonView,
    output: Output,
) -> tuple[list[RunResult], list[Reason]]:
    drones = {candidate.id: candidate for candidate in district.site.file.drones}
    results, reasons = [], []
    for flight in left_open:
        if flight.drone not in drones:
            facts = {"flight": flight.id, "drone": flight.drone}
            reasons.append(Reason(DRONE_GONE, str(district.site.file.name), facts))
            continue
        showing.show(partial(view.say, words.PICKED_UP, flight=flight.id))
        results.append(await resume_run(district, flight, drones[flight.drone], runs, lang=output.lang))
    return results, reasons
