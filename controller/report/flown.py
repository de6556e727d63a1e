"""What the drone itself said while it flew: arrays over time out of a telemetry log.

Times are UTC seconds. Positions are those of GLOBAL_POSITION_INT in CGCS2000 degrees; `relative_m` counts from home.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.report.tlog import TlogCounts, TlogReader

Floats = npt.NDArray[np.float64]

HECTOJOULE_WH = 100 / 3600
_UNKNOWN_CELL = 65535
_WANTED = frozenset(
    {
        mavlink.MAVLINK_MSG_ID_GLOBAL_POSITION_INT,
        mavlink.MAVLINK_MSG_ID_BATTERY_STATUS,
        mavlink.MAVLINK_MSG_ID_WIND,
        mavlink.MAVLINK_MSG_ID_GPS_RAW_INT,
        mavlink.MAVLINK_MSG_ID_MISSION_CURRENT,
        mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE,
    }
)
# Columns of each table; the first is always UTC [s].
_POSITION, _BATTERY, _WIND, _FIX, _CURRENT, _LANDED = 7, 5, 3, 3, 2, 2


@dataclass(frozen=True, slots=True)
class Flown:
    """One drone's telemetry over a span of time; every table is sorted by its first column, UTC seconds."""

    position: Floats  # utc_s, lon_deg, lat_deg, relative_m, amsl_m, ground speed m/s, climb m/s
    battery: Floats  # utc_s, remaining % (nan unknown), volts, amperes (nan unknown), consumed Wh (nan unknown)
    wind: Floats  # utc_s, m/s, from degrees
    fix: Floats  # utc_s, GPS_FIX_TYPE, satellites
    current: Floats  # utc_s, mission item that became the current one
    landed: Floats  # utc_s, MAV_LANDED_STATE, at its changes
    counts: TlogCounts = field(default_factory=TlogCounts)

    def between(self, start_s: float, end_s: float) -> Flown:
        """The part from `start_s` to `end_s`; the item and the landed state that held at the start go with it."""
        return Flown(
            position=_cut(self.position, start_s, end_s),
            battery=_cut(self.battery, start_s, end_s),
            wind=_cut(self.wind, start_s, end_s),
            fix=_cut(self.fix, start_s, end_s),
            current=_cut_states(self.current, start_s, end_s),
            landed=_cut_states(self.landed, start_s, end_s),
            counts=self.counts,
        )

    def airborne(self) -> tuple[float, float] | None:
        """First and last UTC second in the air: by the landed state, else by a height above 0.5 m; None: never."""
        if not len(self.position):
            return None
        in_air = (mavlink.MAV_LANDED_STATE_IN_AIR, mavlink.MAV_LANDED_STATE_TAKEOFF, mavlink.MAV_LANDED_STATE_LANDING)
        times: list[float] = []
        changes = [*self.landed.tolist(), [float(self.position[-1, 0]), -1.0]]
        for (utc_s, state), (until_s, _) in pairwise(changes):
            if state in in_air:
                times += [utc_s, until_s]
        if not times:
            times = self.position[self.position[:, 3] > 0.5, 0].tolist()
        return (min(times), max(times)) if times and min(times) < max(times) else None


def read_flown(path: Path) -> Flown:
    """All telemetry of a `.tlog`; empty tables when there is no such file or no autopilot in it."""
    tables: dict[str, list[tuple[float, ...]]] = {name: [] for name in ("position", "battery", "wind", "fix")}
    current: list[tuple[float, ...]] = []
    landed: list[tuple[float, ...]] = []
    counts = TlogCounts()
    if path.exists():
        reader = TlogReader(path, wanted=_WANTED)
        for utc_s, message in reader:
            match message.get_type():
                case "GLOBAL_POSITION_INT" if message.lat or message.lon:
                    tables["position"].append(_position_row(utc_s, message))
                case "BATTERY_STATUS" if message.id == 0:
                    tables["battery"].append(_battery_row(utc_s, message))
                case "WIND":
                    tables["wind"].append((utc_s, message.speed, message.direction % 360.0))
                case "GPS_RAW_INT":
                    seen = message.satellites_visible
                    tables["fix"].append((utc_s, message.fix_type, math.nan if seen == 255 else seen))
                case "MISSION_CURRENT" if not current or current[-1][1] != message.seq:
                    current.append((utc_s, message.seq))
                case "EXTENDED_SYS_STATE" if not landed or landed[-1][1] != message.landed_state:
                    landed.append((utc_s, message.landed_state))
        counts = reader.counts
    return Flown(
        position=_table(tables["position"], _POSITION),
        battery=_table(tables["battery"], _BATTERY),
        wind=_table(tables["wind"], _WIND),
        fix=_table(tables["fix"], _FIX),
        current=_table(current, _CURRENT),
        landed=_table(landed, _LANDED),
        counts=counts,
    )


def _position_row(utc_s: float, message: Any) -> tuple[float, ...]:
    speed_mps = math.hypot(message.vx, message.vy) / 100
    heights = (message.relative_alt / 1000, message.alt / 1000)
    return (utc_s, message.lon / 1e7, message.lat / 1e7, *heights, speed_mps, -message.vz / 100)


def _battery_row(utc_s: float, message: Any) -> tuple[float, ...]:
    cells = [mv for mv in [*message.voltages, *message.voltages_ext] if mv not in (0, _UNKNOWN_CELL)]
    return (
        utc_s,
        message.battery_remaining if message.battery_remaining >= 0 else math.nan,
        math.fsum(cells) / 1000 if cells else math.nan,
        message.current_battery / 100 if message.current_battery >= 0 else math.nan,
        message.energy_consumed * HECTOJOULE_WH if message.energy_consumed >= 0 else math.nan,
    )


def _table(rows: list[tuple[float, ...]], columns: int) -> Floats:
    table = np.array(rows, dtype=np.float64).reshape(-1, columns)
    return table[np.argsort(table[:, 0], kind="stable")]


def _cut(table: Floats, start_s: float, end_s: float) -> Floats:
    return table[(table[:, 0] >= start_s) & (table[:, 0] <= end_s)]


def _cut_states(table: Floats, start_s: float, end_s: float) -> Floats:
    inside = _cut(table, start_s, end_s)
    before = table[table[:, 0] < start_s]
    if not len(before):
        return inside
    held = before[-1:].copy()
    held[0, 0] = start_s
    return np.concatenate([held, inside])
