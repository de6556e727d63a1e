"""How fast and how large the 4D index and the volume set are: `python -m benchmarks.airspace [--json FILE]`.

Each figure stands beside a peer that answered the same questions in the same run, in turns; figures are medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from rtree.index import Index, Property

from airspace.index import Box4, Index4D
from airspace.index.boxes import box_of
from airspace.volume_set import VolumeSet
from benchmarks import city_day
from benchmarks.city_day import Boxes
from benchmarks.cube_store import cube_store, installed
from benchmarks.rows import Row, json_file, tell
from controller.clock import wall_s

REPEATS = 5  # of everything that is over quickly
QUERIES = 20_000
SINGLE_QUERIES = 2_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGE = 100_000  # volumes from which batches and changes are looked at too
CHANGES = 20_000
ROUTES, LEGS = 100, 200
BEST_LEAF = 10

Places = npt.NDArray[np.int64]
RTREE = f"rtree {version('rtree')}, leaf capacity {BEST_LEAF}"
STRTREE = f"shapely {version('shapely')} STRtree in plan + numpy"


def in_turns(repeats: int, *jobs: Callable[[], object]) -> list[float]:
    """The median seconds of each job; they take turns, so that what disturbs the machine disturbs them all."""
    taken: list[list[float]] = [[] for _ in jobs]
    for _ in range(repeats):
        for times, job in zip(taken, jobs, strict=True):
            began_s = wall_s()
            job()
            times.append(wall_s() - began_s)
    return [statistics.median(times) for times in taken]


def rtree_of(boxes: Boxes, leaf_capacity: int = BEST_LEAF) -> Index:
    """The peer's own index, loaded in bulk."""
    properties = Property(dimension=4, leaf_capacity=leaf_capacity, index_capacity=leaf_capacity)
    lows, highs = np.ascontiguousarray(boxes[:, :4]), np.ascontiguousarray(boxes[:, 4:])
    return Index((np.arange(len(boxes)), lows, highs), interleaved=True, properties=properties)


def plan_of(boxes: Boxes) -> shapely.STRtree:
    """The other peer's tree, in plan."""
    return shapely.STRtree(shapely.box(boxes[:, 0], boxes[:, 1], boxes[:, 4], boxes[:, 5]))


def plan_query(tree: shapely.STRtree, boxes: Boxes, asked: Boxes) -> tuple[Places, Places]:
    """The other peer's answer: the tree in plan for the whole batch, then height and time."""
    query, found = tree.query(shapely.box(asked[:, 0], asked[:, 1], asked[:, 4], asked[:, 5]))
    touch = (boxes[found, 2] <= asked[query, 6]) & (asked[query, 2] <= boxes[found, 6])
    touch &= (boxes[found, 3] <= asked[query, 7]) & (asked[query, 3] <= boxes[found, 7])
    return query[touch], found[touch]


def as_tuples(boxes: Boxes) -> list[Box4]:
    """Boxes as plain tuples of floats."""
    return [box_of(row) for row in boxes.tolist()]


def index_of(boxes: Boxes) -> Index4D[int]:
    """Ours, loaded in bulk."""
    index: Index4D[int] = Index4D()
    index.insert_many(range(len(boxes)), boxes)
    return index


def queries(count: int, repeats: int = REPEATS) -> Iterator[Row]:
    """One query and a batch, freshly loaded and after many boxes came and went."""
    boxes, asked = city_day.boxes(count, 1), city_day.boxes(QUERIES, 2)
    index, peer = index_of(boxes), rtree_of(boxes)
    yield single(index, peer, f"one query, {count:,} volumes", as_tuples(asked[:SINGLE_QUERIES]), repeats)
    if count < LARGE:
        return
    plan = plan_of(boxes)
    yield from batch(index, peer, lambda: plan_query(plan, boxes, asked), f"{count:,} volumes", asked, repeats)
    for number, box in enumerate(as_tuples(city_day.boxes(count // 50, 3)), count):
        index.insert(number, box)
        index.remove(number - count)
    name = f"one query, {count:,} volumes, 2 % of them just replaced"
    yield single(index, peer, name, as_tuples(asked[:SINGLE_QUERIES]), repeats)
    # The tree in plan cannot change at all: it answers about the boxes as they were.
    name = f"{count:,} volumes, 2 % of them just replaced"
    yield from batch(index, peer, lambda: plan_query(plan, boxes, asked), name, asked, repeats)


def single(index: Index4D[int], peer: Index, name: str, asked: Sequence[Box4], repeats: int) -> Row:
    """Microseconds of a query, asked one by one."""
    ours_s, peers_s = in_turns(
        repeats,
        lambda: [index.query(box) for box in asked],
        lambda: [sorted(peer.intersection(box)) for box in asked],
    )
    return beside(name, 1e6 * ours_s / len(asked), "us", RTREE, 1e6 * peers_s / len(asked), 4.0)


def batch(
    index: Index4D[int], peer: Index, plan: Callable[[], object], name: str, asked: Boxes, repeats: int
) -> Iterator[Row]:
    """Queries per second of a batch, beside both peers."""
    lows, highs = np.ascontiguousarray(asked[:, :4]), np.ascontiguousarray(asked[:, 4:])
    ours_s, peers_s, plan_s = in_turns(
        repeats, lambda: index.query_many(asked), lambda: peer.intersection_v(lows, highs), plan
    )
    for peer_name, other_s, times in ((f"{RTREE}, intersection_v", peers_s, 10.0), (STRTREE, plan_s, 1.0)):
        rate, others = len(asked) / ours_s, len(asked) / other_s
        yield Row(
            name=f"batch of {len(asked):,} queries, {name}",
            value=rate,
            unit="1/s",
            peer=peer_name,
            peer_value=others,
            ratio=rate / others,
            goal=times * others,
            better="higher",
        )


def changes(count: int, inserts: int = CHANGES) -> Iterator[Row]:
    """Insertion and removal one by one, repacking included, and the longest pause it makes."""
    boxes, new = city_day.boxes(count, 1), as_tuples(city_day.boxes(inserts, 4))
    index, peer = index_of(boxes), rtree_of(boxes)
    ours, peers = [], []
    for number, box in enumerate(new, count):
        began_s = wall_s()
        index.insert(number, box)
        between_s = wall_s()
        peer.insert(number, box)
        ours.append(between_s - began_s)
        peers.append(wall_s() - between_s)
    yield versus_rtree(f"insert, {count:,} volumes, mean", ours, peers)
    yield Row(name=f"longest pause of {inserts:,} inserts, {count:,} volumes", value=1e3 * max(ours), unit="ms")
    ours, peers = [], []
    for number, box in enumerate(as_tuples(boxes[:: max(1, count // inserts)])):
        key = number * max(1, count // inserts)
        began_s = wall_s()
        index.remove(key)
        between_s = wall_s()
        peer.delete(key, box)
        ours.append(between_s - began_s)
        peers.append(wall_s() - between_s)
    yield versus_rtree(f"remove, {count:,} volumes, mean", ours, peers)
    began_s = wall_s()
    index.pack()
    yield Row(name=f"everything packed anew, {count:,} volumes", value=1e3 * (wall_s() - began_s), unit="ms", goal=1e3)


def beside(name: str, value: float, unit: str, peer: str, peer_value: float, times: float | None) -> Row:
    """A time beside a peer's, of which it promises to be so many times less."""
    goal = peer_value / times if times else None
    return Row(name=name, value=value, unit=unit, peer=peer, peer_value=peer_value, ratio=peer_value / value, goal=goal)


def versus_rtree(name: str, ours_s: Sequence[float], peers_s: Sequence[float]) -> Row:
    """A mean in microseconds beside rtree's."""
    return beside(name, 1e6 * statistics.fmean(ours_s), "us", RTREE, 1e6 * statistics.fmean(peers_s), 1.0)


def clearing(count: int, routes: int = ROUTES, legs: int = LEGS) -> Iterator[Row]:
    """One route cleared exactly against many volumes, beside PostgreSQL; both must give the same answers."""
    volumes: VolumeSet[int] = VolumeSet(city_day.volumes(count, 1))
    asked = [city_day.route(legs, 1000 + number) for number in range(routes)]
    answers = [volumes.overlapping(route) for route in asked]
    ours_s = [in_turns(REPEATS, partial(volumes.overlapping, route))[0] for route in asked]
    figures = (("median", statistics.median, None), ("p99", p99, 50.0))
    name = f"{legs}-leg route cleared against {count:,} volumes"
    if not installed():
        lacking = "no PostgreSQL beside it, which the extra `bench` installs"
        for share, of, _ in figures:
            yield Row(name=f"{name}, {share}; {lacking}", value=1e3 * of(ours_s), unit="ms")
        return
    peers_s = []
    with cube_store(city_day.volumes(count, 1)) as store:
        peer = f"PostgreSQL {store.version} cube GiST + shapely"
        for route, answer in zip(asked, answers, strict=True):
            began_s = wall_s()
            theirs = store.overlapping(route)
            peers_s.append(wall_s() - began_s)
            if theirs != answer:
                raise SystemExit(f"two answers about one route: {set(theirs) ^ set(answer)}")
    for share, of, times in figures:
        yield beside(f"{name}, {share}", 1e3 * of(ours_s), "ms", peer, 1e3 * of(peers_s), times)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return float(np.quantile(values, 0.99))


def memory(count: int) -> Iterator[Row]:
    """Memory of a fresh process that holds so many volumes, outlines included, and nothing else."""
    script = f"from benchmarks.airspace import hold; hold({count})"
    root = Path(__file__).resolve().parents[1]
    told = subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True).stdout
    held_mb, peak_mb = (float(number) for number in told.split())
    yield Row(name=f"process that holds {count:,} volumes of 35 corners", value=held_mb, unit="MB", goal=1000.0)
    yield Row(name="its peak while they came in", value=peak_mb, unit="MB")


def hold(count: int) -> None:
    """Build a set and print this process's resident megabytes: now and at their peak (Linux)."""
    volumes: VolumeSet[int] = VolumeSet(city_day.volumes(count, 1))
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    print(kib["VmRSS:"] * 1.024e-3, kib["VmHWM:"] * 1.024e-3)  # noqa: T201 - the parent reads it
    assert len(volumes) == count


def rows() -> Iterator[Row]:
    """All figures."""
    for count in SIZES:
        yield from queries(count)
    for count in (100_000, 1_000_000):
        yield from changes(count)
    yield from clearing(100_000)
    yield from memory(1_000_000)


if __name__ == "__main__":
    tell(rows(), json_file())
