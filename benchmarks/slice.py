"""How fast the whole slice runs: `python -m benchmarks.slice [--json FILE]`."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pymavlink import mavutil

from benchmarks.rows import Row, json_file, tell
from controller.cli.city_process import city_process
from controller.cli.console import JsonView
from controller.cli.demo import example
from controller.cli.fly import drone_of, operate, tempo_of
from controller.cli.options import Output
from controller.clock import cpu_s, run, virtual_tempo, wall_s
from controller.config import load_site
from controller.flight.mission_source import load_mission
from controller.links.codec import Codec, frame_length
from controller.links.telemetry import Telemetry
from controller.run import RunResult
from sim.world import fly_once, setup

REPEATS = 3
SPEED = 10.0
STAMP_BYTES = 8
SITL_SIM_S_PER_WALL_S = 31.0  # ArduCopter 4.7-dev in AUTO on 2 cores, one vehicle alone on a core, without a controller


def fly_virtually(folder: Path) -> tuple[RunResult, float]:
    """One virtual flight of the example, and the wall seconds that it took with its report."""
    given = setup(example() / "city.yaml", folder)
    began_s = wall_s()
    result = run(lambda clock: fly_once(given, example() / "pipeline.yaml", clock), virtual_tempo())
    return result, wall_s() - began_s


def virtual_slice(folder: Path) -> Iterator[Row]:
    """Wall time and speed of the slice in virtual time."""
    results = [fly_virtually(folder / str(n)) for n in range(REPEATS)]
    taken_s = statistics.median(seconds for _, seconds in results)
    virtual_s = results[0][0].summary.virtual_s or 0.0
    yield Row(name="slice in virtual time, median of 3", value=taken_s, unit="s wall", goal=5.0)
    yield Row(
        name="simulated seconds per wall second",
        value=virtual_s / taken_s,
        unit="s/s",
        peer="ArduCopter SITL, stated figure, autopilot alone",
        peer_value=SITL_SIM_S_PER_WALL_S,
        ratio=virtual_s / taken_s / SITL_SIM_S_PER_WALL_S,
        better="higher",
    )
    yield from telemetry_of(results[0][0].folder / "flight.tlog")


def frames_of(tlog: bytes) -> Iterator[bytes]:
    """The frames of a tlog without their time stamps."""
    at = STAMP_BYTES
    while at < len(tlog):
        length = frame_length(tlog, at)
        if length is None:
            return
        yield tlog[at : at + length]
        at += length + STAMP_BYTES


def telemetry_of(tlog: Path) -> Iterator[Row]:
    """CPU to take in a recorded flight's frames, beside pymavlink's own log reader on the same file."""
    frames = list(frames_of(tlog.read_bytes()))
    began_s = cpu_s()
    codec, telemetry = Codec(1), Telemetry(lambda: 0.0)
    for frame in frames:
        for message in codec.feed(frame):
            telemetry.fold(message)
    ours_s = cpu_s() - began_s
    began_s = cpu_s()
    log = mavutil.mavlink_connection(str(tlog))
    count = 0
    while log.recv_match() is not None:
        count += 1
    peers_s = cpu_s() - began_s
    yield Row(
        name="frames taken in per CPU second",
        value=len(frames) / ours_s,
        unit="1/s",
        peer="pymavlink mavutil, same tlog",
        peer_value=count / peers_s,
        ratio=(len(frames) / ours_s) / (count / peers_s),
        better="higher",
    )


def controller_cpu(folder: Path) -> Iterator[Row]:
    """CPU of the controller process alone, over sockets, while one drone flies."""
    view = JsonView((folder / "lines.jsonl").open("w"))
    with city_process([str(example() / "city.yaml"), "--into", str(folder / "city"), "--speed", str(SPEED)]) as city:
        place = load_site(city.site)
        wish = load_mission(example() / "pipeline.yaml")
        began_s = cpu_s()
        (result,) = run(
            lambda clock: operate(clock, place, drone_of(place, ""), wish, folder / "runs", view, Output()),
            tempo_of(place),
        )
        used_s = cpu_s() - began_s
    flown_s = result.summary.virtual_s or 1.0
    yield Row(
        name="controller CPU per drone in flight, report included", value=100 * used_s / flown_s, unit="% of a core"
    )


def rows() -> Iterator[Row]:
    """All figures of the slice."""
    with tempfile.TemporaryDirectory() as folder:
        yield from virtual_slice(Path(folder))
        yield from controller_cpu(Path(folder))


if __name__ == "__main__":
    tell(rows(), json_file())
