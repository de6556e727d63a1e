"""The file of a Linux pole (TOML): who it is, where it enrols, what it keeps on flash, and its drivers.

Which gateways it talks to is not here: it learns them when it enrols, and keeps them in its key ring.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words
from poles.agent.ring import SMALLEST_BYTES
from poles.keys.pairs import key_of
from poles.protocol.enrolment import KnownGateway

UNREADABLE = Rule(
    "pole-file.unreadable",
    Words("cannot be read: {why}", "无法读取：{why}"),
    Words("Give the path of a pole's file; examples/pole has one.", "请给出灯杆文件的路径，示例见 examples/pole。"),
)
MALFORMED = Rule(
    "pole-file.malformed",
    Words("{why}", "{why}"),
    Words(
        "Correct the field; examples/pole/pole.toml explains each.", "请更正该字段；说明见 examples/pole/pole.toml。"
    ),
)
BAD_KEY = Rule(
    "pole-file.key",
    Words("this is no public key in Z85", "这不是 Z85 格式的公钥"),
    Words("Copy all 40 characters of the desk's public key.", "请完整复制登记处公钥的 40 个字符。"),
)

Every = Annotated[float, Meta(gt=0.0, le=86400.0)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all tables of the file: unknown fields are errors."""


class Number(_Table, frozen=True, kw_only=True):
    """A number that a driver leaves as text in a file, as sysfs does; it means `scale` times it, plus `offset`."""

    file: str
    scale: float = 1.0
    offset: float = 0.0


class PositionTable(_Table, frozen=True, kw_only=True):
    """Where the pole stands, CGCS2000."""

    lat_deg: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lon_deg: Annotated[float, Meta(ge=-180.0, le=180.0)]


class DeskTable(_Table, frozen=True, kw_only=True):
    """Where the pole enrols, once, and the public key by which the desk is known."""

    address: Annotated[str, Meta(pattern=r"^tcp://.+:\d+$")]
    public_key: str


class WeatherTable(_Table, frozen=True, kw_only=True):
    """What the weather station's drivers leave where; what is not named is not measured."""

    head_agl_m: Annotated[float, Meta(ge=0.0, le=200.0)] = 10.0
    wind_mps: Number | None = None
    wind_from_deg: Number | None = None
    rain_mmph: Number | None = None
    visibility_m: Number | None = None
    pressure_hpa: Number | None = None
    temperature_c: Number | None = None


class LampTable(_Table, frozen=True, kw_only=True):
    """A lamp behind a dimmer of the kernel's LED class: its folder in /sys/class/leds."""

    led: str
    program_pct: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.0


class PoleFile(_Table, frozen=True, kw_only=True):
    """The whole file; paths are relative to its folder."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    keys: str
    desk: DeskTable
    position: PositionTable
    firmware: Annotated[str, Meta(min_length=1, max_length=64)] = "beichen-agent/1"
    report_every_s: Every = 10.0
    heartbeat_every_s: Annotated[float, Meta(gt=0.0, le=1200.0)] = 20.0
    ring: str | None = None
    ring_bytes: Annotated[int, Meta(ge=SMALLEST_BYTES)] = 16 * 1024 * 1024
    settings: str | None = None
    weather: WeatherTable | None = None
    lamp: LampTable | None = None


@dataclass(frozen=True, slots=True)
class LoadedPole:
    """A file that was read and checked; `folder` is where its paths begin."""

    file: PoleFile
    folder: Path

    @property
    def position(self) -> LatLon:
        """Where the pole stands."""
        return LatLon(self.file.position.lat_deg, self.file.position.lon_deg)

    @property
    def keys(self) -> Path:
        """Its key ring."""
        return self.folder / self.file.keys

    @property
    def desk(self) -> KnownGateway:
        """Where it enrols."""
        return KnownGateway(address=self.file.desk.address, public_key=self.file.desk.public_key)


def load_pole(path: Path) -> LoadedPole:
    """Read a pole's file; raises Refused."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Refused([Reason(UNREADABLE, str(path), {"why": why})]) from error
    try:
        file = msgspec.convert(table, PoleFile)
    except msgspec.ValidationError as error:
        raise Refused([Reason(MALFORMED, str(path), {"why": str(error)})]) from error
    if key_of(file.desk.public_key) is None:
        raise Refused([Reason(BAD_KEY, f"{path}: desk.public_key")])
    return LoadedPole(file, path.parent)
