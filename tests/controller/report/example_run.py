"""Run folders made up for tests: the events and the telemetry of a flight with known numbers."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LatLon
from airspace.reasons import Words
from airspace.zones import zones_geojson
from controller import events
from controller.events import Event, Phase, Record
from missions.plan import Purpose
from poles.protocol import Reading, Report
from tests.controller.report.example_plan import DOCK, FRAME, GROUND, HOVER_W, POLES, TAKEOFF_S, legs, plan, zones

KEPT = events.FlightKept(flight="F1", inside_share=1.0, outside_s=0.0, longest_s=0.0, excursions=0, farthest_m=0.0)


@dataclass(frozen=True, slots=True)
class Flight:
    """How the made-up flight went; `offset_m` is the distance to the left of the plan at a metre of the way."""

    landed_on: str = DOCK
    offset_m: Callable[[float], float] = lambda along_m: 0.9 * math.sin(along_m / 70)
    silent_s: tuple[float, float] | None = None  # seconds after take-off without any telemetry
    energy_counter: bool = True
    wind_mps: float = 4.2


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the drone is at `after_s` seconds after take-off."""

    after_s: float
    x: float
    y: float
    relative_m: float
    speed_mps: float
    seq: int


def samples(flight: Flight, every_s: float = 0.25) -> list[Sample]:
    """The flight along the flown branch's legs at planned speed, `offset_m` to the left of them."""
    flown = [leg for leg in legs() if leg.branch in ("", flight.landed_on)]
    rows: list[Sample] = []
    along_m = 0.0
    for leg in flown:
        a, b = (FRAME.xy(LatLon(p.lat_deg, p.lon_deg)) for p in (leg.start, leg.end))
        length_m, lasts_s = math.dist(a, b), leg.end_s - leg.start_s
        left = (-(b[1] - a[1]) / length_m, (b[0] - a[0]) / length_m) if length_m else (0.0, 0.0)
        for step in range(int(lasts_s / every_s)):
            share = step * every_s / lasts_s
            off_m = flight.offset_m(along_m + share * length_m) if length_m else 0.0
            up_m = leg.start.relative_m + share * (leg.end.relative_m - leg.start.relative_m)
            x, y = a[0] + share * (b[0] - a[0]) + off_m * left[0], a[1] + share * (b[1] - a[1]) + off_m * left[1]
            rows.append(Sample(leg.start_s + step * every_s, x, y, up_m, length_m / lasts_s, leg.seq))
        along_m += length_m
    last = flown[-1]
    x, y = FRAME.xy(LatLon(last.end.lat_deg, last.end.lon_deg))
    rows.append(Sample(last.end_s, x, y, 0.0, 0.0, last.seq))
    return rows


class TlogMaker:
    """Packs messages of several components into `.tlog` records."""

    def __init__(self) -> None:
        self._senders = {who: mavlink.MAVLink(None, *who) for who in ((1, 1), (1, 100), (255, 190))}
        self.records: list[bytes] = []

    def add(self, utc_s: float, message: mavlink.MAVLink_message, sender: tuple[int, int] = (1, 1)) -> None:
        mav = self._senders[sender]
        self.records.append(struct.pack(">Q", round(utc_s * 1e6)) + message.pack(mav))
        mav.seq = (mav.seq + 1) % 256


def tlog(flight: Flight) -> list[bytes]:
    """The records of a made-up flight, from 45 s before take-off to 5 s after landing."""
    made, rng = TlogMaker(), random.Random(7)
    flown = samples(flight)
    ground = [replace(flown[0], after_s=t / 4 - 45, x=0.0, y=0.0, speed_mps=0.0, seq=1) for t in range(180)]
    after = [replace(flown[-1], after_s=flown[-1].after_s + t / 4, seq=0) for t in range(1, 20)]
    for number, at in enumerate([*ground, *flown, *after]):
        if flight.silent_s and flight.silent_s[0] < at.after_s < flight.silent_s[1]:
            continue
        utc_s = TAKEOFF_S + at.after_s
        spot = FRAME.latlon(at.x, at.y)
        lat, lon, up_mm = round(spot.lat_deg * 1e7), round(spot.lon_deg * 1e7), round(at.relative_m * 1000)
        amsl_mm, speed_cmps = up_mm + round(GROUND.amsl_m * 1000), round(at.speed_mps * 100)
        made.add(utc_s, mavlink.MAVLink_global_position_int_message(0, lat, lon, amsl_mm, up_mm, speed_cmps, 0, 0, 0))
        made.add(utc_s, mavlink.MAVLink_mission_current_message(at.seq))
        landed = 1 if at in ground or at in after else 2
        made.add(utc_s, mavlink.MAVLink_extended_sys_state_message(0, landed))
        if number % 4 == 0:
            _add_slow(made, utc_s, flight, at, rng)
    return made.records


def _add_slow(made: TlogMaker, utc_s: float, flight: Flight, at: Sample, rng: random.Random) -> None:
    heartbeat = mavlink.MAVLink_heartbeat_message(2, 3, 217, 3, 4, 3)
    made.add(utc_s, heartbeat)
    made.add(utc_s, mavlink.MAVLink_heartbeat_message(30, 8, 0, 0, 4, 3), (1, 100))
    made.add(utc_s, mavlink.MAVLink_heartbeat_message(6, 8, 0, 0, 4, 3), (255, 190))
    used_wh = max(0.0, at.after_s) * HOVER_W / 3600
    volts = 24.6 - used_wh * 0.02
    amps = (HOVER_W if at.after_s > 0 and at.relative_m > 0 else 18.0) / volts
    consumed_hj = round(used_wh * 36) if flight.energy_counter else -1
    cells = [round(volts * 1000), *[65535] * 9]
    remaining = round(100 - used_wh / 266 * 100)
    made.add(
        utc_s,
        mavlink.MAVLink_battery_status_message(0, 0, 0, 32767, cells, round(amps * 100), -1, consumed_hj, remaining),
    )
    wind_mps = max(0.0, flight.wind_mps + rng.gauss(0, 0.5))
    made.add(utc_s, mavlink.MAVLink_wind_message(245 + rng.gauss(0, 6), wind_mps, 0))
    fix, seen = (5, 12) if 170 < at.after_s < 184 else (6, 17 + rng.randrange(3))
    made.add(utc_s, mavlink.MAVLink_gps_raw_int_message(0, fix, 0, 0, 0, 0, 0, 0, 0, seen))


def refused_events() -> list[tuple[float, Event]]:
    """A run that a pole's wind kept on the ground."""
    reason = {
        "code": "gate.wind",
        "where": "410105-LP-000003",
        "en": "410105-LP-000003: measures 18.2 m/s mean wind, limit 10.0 m/s [gate.wind] Wait for less wind.",
        "zh": "410105-LP-000003：实测平均风速 18.2 m/s，限值 10.0 m/s [gate.wind] 等待风力减弱。",
        "start_s": TAKEOFF_S - 40,
        "lat_deg": 34.7558,
        "lon_deg": 113.6342,
    }
    rows = _opening("Gas main inspection, west section", wind_mps=18.2)
    rows += _gates(wind_mps=18.2)
    rows += [
        (-30.0, events.PhaseChanged(flight="F1", phase=Phase.ENDED, detail="refused")),
        (-30.0, events.IntentChanged(flight="F1", state="ended")),
        (-30.0, events.FlightEnded(flight="F1", completed=False, landed_on="", reasons=(reason,))),
        (-29.9, events.RunFinished(run="20260518-0900-pipeline", outcome="refused", reasons=(reason,))),
    ]
    return rows


def unplanned_events() -> list[tuple[float, Event]]:
    """A run whose request could not be planned at all: no plan, no poles, nothing flown."""
    reason = {
        "code": "request.frame",
        "where": "pipeline.yaml:7 frame",
        "en": "pipeline.yaml:7 frame: WGS84 is not accepted [request.frame] Give CGCS2000 coordinates.",
        "zh": "pipeline.yaml:7 frame：不接受 WGS84 [request.frame] 请使用 CGCS2000 坐标。",
    }
    return [
        (-60.0, _started()),
        (-59.0, events.RunFinished(run="20260518-0900-pipeline", outcome="refused", reasons=(reason,))),
    ]


def flown_events(flight: Flight, title: str = "Gas main inspection, west section") -> list[tuple[float, Event]]:
    """A run that flew; a landing that is not the reserved dock comes with the alarm and the reason."""
    flown = samples(flight)
    ends_s = flown[-1].after_s
    rows = _opening(title, flight.wind_mps) + _gates(flight.wind_mps) + _launch()
    last_seq = 0
    for at in flown:
        if at.seq != last_seq:
            rows.append((at.after_s, events.ItemStarted(flight="F1", seq=at.seq)))
            last_seq = at.seq
    rows += _photos(flown)
    hold = next(leg for leg in legs() if leg.purpose is Purpose.HOLD)
    rows.append((hold.start_s, events.PhaseChanged(flight="F1", phase=Phase.HOLDING)))
    why = "" if flight.landed_on == DOCK else "pad not clear"
    if why:
        rows.append(
            (
                hold.start_s + 9,
                _alarm(
                    "dock.not-ready",
                    DOCK,
                    3,
                    f"dock {DOCK} is not ready: pad not clear",
                    f"机库 {DOCK} 未就绪：停机坪被占用",
                ),
            )
        )
    rows.append((hold.start_s + 10, events.LandingChosen(flight="F1", landing=flight.landed_on, why=why)))
    rows.append((hold.end_s, events.PhaseChanged(flight="F1", phase=Phase.LANDING)))
    rows += [
        (hold.start_s + 5, NEAR),
        (hold.end_s + 20, DESCENT),
        (ends_s + 2, KEPT),
        (ends_s + 2, SERVED),
        (ends_s + 3, events.PhaseChanged(flight="F1", phase=Phase.ENDED)),
        (ends_s + 3, events.IntentChanged(flight="F1", state="ended")),
        (ends_s + 3, events.DockReleased(flight="F1", pole=DOCK)),
        (ends_s + 3, events.FlightEnded(flight="F1", completed=True, landed_on=flight.landed_on)),
        (ends_s + 4, events.RunFinished(run="20260518-0900-pipeline", outcome="completed")),
    ]
    rows += list(_pole_reports(ends_s, flight.wind_mps))
    fell = Words("drone-1: satellite fix fell to RTK float", "drone-1：卫星定位降级为 RTK 浮点解")
    rows.append((171.0, _alarm("gnss.degraded", "drone-1", 2, fell.en, fell.zh)))
    return rows


DESCENT = events.DescentJudged(
    flight="F1",
    dock=DOCK,
    passed=True,
    evidence={"height_m": 14.6, "age_s": 0.7, "cover": "open", "lamp_leads": True, "gust_mps": 4.2, "missing": []},
    en="everything holds",
    zh="一切就绪",
)
NEAR = events.TrafficNear(
    flight="F1",
    track="UAS-7",
    source="gb46750",
    lat_deg=34.7550,
    lon_deg=113.6330,
    ellipsoidal_m=None,
    age_s=1.2,
    error_m=36.0,
    in_s=14.0,
    distance_m=42.0,
    vertical_m=None,
)
SERVED = events.DockServed(flight="F1", pole=DOCK, cover="closed", charger="charging", charge_pct=61.0)


def _started() -> events.RunStarted:
    return events.RunStarted(
        run="20260518-0900-pipeline",
        name="pipeline",
        site="zhengzhou",
        seed=42,
        tempo="virtual",
        speed=0.0,
        zones=zones_geojson(zones(), FRAME),
    )


def _alarm(code: str, subject: str, severity: int, en: str, zh: str) -> events.AlarmRaised:
    return events.AlarmRaised(code=code, subject=subject, severity=severity, en=en, zh=zh, flight="F1")


def _opening(title: str, wind_mps: float) -> list[tuple[float, Event]]:
    made = plan(title)
    absolute = tuple(
        replace(volume, start_s=volume.start_s + TAKEOFF_S, end_s=volume.end_s + TAKEOFF_S) for volume in made.volumes
    )
    rows: list[tuple[float, Event]] = [
        (-60.0, _started()),
        (-59.9, events.RequestAccepted(run="20260518-0900-pipeline", name="pipeline", source="pipeline.yaml", text="")),
    ]
    for number, (code, xy) in enumerate(POLES.items()):
        at = FRAME.latlon(*xy)
        services = ("weather", "lamp", "dock") if number != 1 else ("weather", "lamp")
        rows.append(
            (
                -59.5 + number / 10,
                events.PoleSeen(
                    pole=code, boot=f"b{number}", functions=services, lat_deg=at.lat_deg, lon_deg=at.lon_deg
                ),
            )
        )
    rows += list(_pole_reports(-50.0, wind_mps, first_s=-58.0))
    rows += [
        (-55.0, events.PlanMade(run="20260518-0900-pipeline", flight="F1", drone="drone-1", plan=made)),
        (-55.0, events.IntentAccepted(flight="F1", priority=0, volumes=absolute)),
        (-55.0, events.DockReserved(flight="F1", pole=DOCK, start_s=TAKEOFF_S + 380, end_s=TAKEOFF_S + 700)),
        (-55.0, events.PhaseChanged(flight="F1", phase=Phase.PLANNED)),
        (-44.0, events.PhaseChanged(flight="F1", phase=Phase.GATES)),
    ]
    return rows


def _gates(wind_mps: float) -> list[tuple[float, Event]]:
    calm = wind_mps < 10

    def gate(name: str, passed: bool, evidence: dict[str, Any], en: str, zh: str) -> events.GateJudged:
        return events.GateJudged(flight="F1", gate=name, passed=passed, evidence=evidence, en=en, zh=zh)

    wind = {"pole": DOCK, "windSpeed": wind_mps, "limit_mps": 10.0, "age_s": 2.1}
    return [
        (-43.0, gate("fix", False, {"fix": "3D", "satellites": 9}, "fix is 3D, RTK needed", "定位为三维，需要 RTK")),
        (
            -32.0,
            gate(
                "fix",
                True,
                {"fix": "RTK fixed", "satellites": 18, "age_s": 0.4},
                "RTK fixed, 18 satellites",
                "RTK 固定解，18 颗卫星",
            ),
        ),
        (
            -32.0,
            gate(
                "battery",
                True,
                {"remaining_pct": 100, "needed_wh": 67.1},
                "100 %, 67.1 Wh needed",
                "100%，需要 67.1 Wh",
            ),
        ),
        (
            -32.0,
            gate(
                "wind",
                calm,
                wind,
                f"{wind_mps} m/s at {DOCK}, limit 10.0 m/s",
                f"{DOCK} 处 {wind_mps} m/s，限值 10.0 m/s",
            ),
        ),
        (
            -32.0,
            gate(
                "dock",
                True,
                {"pole": DOCK, "drone_present": False, "cover": "closed"},
                f"{DOCK} is free",
                f"{DOCK} 空闲",
            ),
        ),
    ]


def _launch() -> list[tuple[float, Event]]:
    def answered(target: str, command: str) -> events.CommandAnswered:
        return events.CommandAnswered(flight="F1", target=target, command=command, outcome="accepted")

    upload = events.UploadVerified(
        flight="F1", mission_items=17, fence_items=14, rally_items=3, parameters={"FENCE_TYPE": 5.0}
    )
    return [
        (-31.0, events.PhaseChanged(flight="F1", phase=Phase.UPLOADING)),
        (-24.0, upload),
        (-23.0, events.PhaseChanged(flight="F1", phase=Phase.ARMING)),
        (-22.0, answered("drone-1", "DO_SET_MODE GUIDED")),
        (-4.0, answered("drone-1", "COMPONENT_ARM_DISARM")),
        (-1.0, answered("drone-1", "MISSION_START")),
        (-0.5, events.IntentChanged(flight="F1", state="activated")),
        (0.0, events.PhaseChanged(flight="F1", phase=Phase.FLYING)),
        (330.0, answered(DOCK, "DroneDock open")),
    ]


def _photos(flown: list[Sample]) -> list[tuple[float, Event]]:
    survey = [at for at in flown if 5 <= at.seq <= 8]
    rows: list[tuple[float, Event]] = []
    for index, at in enumerate(survey[::10]):
        spot = FRAME.latlon(at.x, at.y)
        rows.append(
            (
                at.after_s,
                events.PhotoTaken(
                    flight="F1", index=index, lat_deg=spot.lat_deg, lon_deg=spot.lon_deg, relative_m=at.relative_m
                ),
            )
        )
    return rows


def _pole_reports(until_s: float, wind_mps: float, first_s: float = -48.0) -> Iterator[tuple[float, Event]]:
    rng = random.Random(11)
    at_s, seq = first_s, 0
    while at_s < until_s:
        for number, code in enumerate(POLES):
            weather = {
                "windSpeed": round(max(0.0, wind_mps - 0.8 + 0.3 * number + rng.gauss(0, 0.25)), 2),
                "windGust": round(wind_mps + 2.1, 1),
                "windDirection": 247.0,
            }
            dock = {"cover": "open" if at_s > 336 else "closed", "dronePresent": False, "reservedFor": "F1"}
            readings: dict[str, dict[str, Any]] = {"WindSensor": weather, "LampActuator": {"actualLightState": 0.0}}
            if number != 1:
                readings["DroneDock"] = dock
            yield (
                at_s,
                events.PoleSaid(pole=code, message=_report(f"b{number}", seq, TAKEOFF_S + at_s, readings)),
            )
        at_s, seq = at_s + 5.0, seq + 1


def _report(boot: str, number: int, at_s: float, values: dict[str, dict[str, Any]]) -> Report:
    first = 10 * number + 1
    readings = tuple(
        Reading(seq=seq, at_s=at_s, held_s=0.0, function=function, values=of_it)
        for seq, (function, of_it) in enumerate(values.items(), first)
    )
    return Report(boot=boot, after=first - 1, readings=readings)


def write_run(folder: Path, rows: list[tuple[float, Event]], records: list[bytes] | None = None) -> Path:
    """A run folder with these events (seconds after take-off) and telemetry records."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        events.encode(Record(seq, TAKEOFF_S + after_s, event))  # type: ignore[arg-type]
        for seq, (after_s, event) in enumerate(sorted(rows, key=lambda row: row[0]), 1)
    ]
    (folder / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    if records is not None:
        (folder / "flight.tlog").write_bytes(b"".join(records))
    return folder


def flown_run(folder: Path, flight: Flight | None = None) -> Path:
    """A whole run that flew."""
    flight = flight or Flight()
    return write_run(folder, flown_events(flight), tlog(flight))


def read_summary(folder: Path) -> dict[str, Any]:
    """`summary.json` as any other program would read it."""
    summary: dict[str, Any] = msgspec.json.decode((folder / "summary.json").read_bytes())
    return summary
