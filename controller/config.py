"""The site file (TOML): the place, its limits, its drones, its poles and where things are kept."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import msgspec

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.reasons import Reason, Refused, Rule, Severity, Words
from airspace.rules import JURISDICTIONS, by_name
from controller.links.addresses import parse_address
from missions.site import Dock, DroneType, Limits, OpenGround, Site
from poles.alarm_table import POLE_ALARMS
from poles.keys.city_code import DEFAULT_SCHEME, Scheme
from poles.keys.pairs import key_of
from poles.services import SERVICES

UNREADABLE = Rule(
    "site.unreadable",
    Words("cannot be read: {detail}", "无法读取：{detail}"),
    Words(
        "Give the path of a site file in TOML; examples/zhengzhou has one.",
        "请给出 TOML 站点文件的路径，示例见 examples/zhengzhou。",
    ),
)
MALFORMED = Rule(
    "site.malformed",
    Words("{detail}", "{detail}"),
    Words(
        "Correct the field; docs/site-file.md lists every field with its unit.",
        "请更正该字段；docs/site-file.md 列出全部字段及单位。",
    ),
)
OUT_OF_RANGE = Rule(
    "site.out-of-range",
    Words("{value} is not within {low} to {high}", "{value} 不在 {low} 至 {high} 之间"),
    Words("Write a value within the range.", "请填写范围内的值。"),
)
REPEATED = Rule(
    "site.repeated",
    Words("{value} stands here twice", "{value} 重复出现"),
    Words(
        "Give each drone, pole and place its own name, and each pole its own key.",
        "请为每架无人机、每根灯杆和每处场地使用唯一标识，每根灯杆使用各自的密钥。",
    ),
)
UNKNOWN_TYPE = Rule(
    "site.unknown-type",
    Words("there is no drone type {value}; known: {known}", "没有无人机型号 {value}；已知型号：{known}"),
    Words("Use a known type or describe it under [drone_types].", "请使用已知型号，或在 [drone_types] 中描述它。"),
)
BAD_NAME = Rule(
    "site.bad-name",
    Words("{value!r} is not usable as a name", "{value!r} 不能用作标识"),
    Words(
        "Write 1 to 40 letters, digits, dots, dashes and underscores.",
        "请使用 1 至 40 个字母、数字、点、连字符或下划线。",
    ),
)
UNKNOWN_JURISDICTION = Rule(
    "site.unknown-jurisdiction",
    Words("there is no jurisdiction {value}; known: {known}", "没有法域 {value}；已知法域：{known}"),
    Words("Write one of these.", "请填写其中之一。"),
)
UNKNOWN_SERVICE = Rule(
    "site.unknown-service",
    Words("no pole offers a service {value}; known: {known}", "灯杆没有服务 {value}；已知服务：{known}"),
    Words("Correct the name or leave it out.", "请更正名称，或将其删除。"),
)
UNKNOWN_ALARM = Rule(
    "site.unknown-alarm",
    Words("poles raise no alarm {value}", "灯杆没有告警 {value}"),
    Words(
        "Write a code of the alarm tables in docs/poles-protocol.md.", "请填写 docs/poles-protocol.md 告警表中的代码。"
    ),
)
CIRCLE = Rule(
    "site.supplies-circle",
    Words("{value} hangs on itself", "{value} 的上级回到了自身"),
    Words("Correct what it, or what it hangs on, hangs on.", "请更正其上级，或其上级的上级。"),
)
NO_ADDRESS = Rule(
    "site.gateway-address",
    Words("{value} is no address that a pole could be told", "{value} 不是可以告知灯杆的地址"),
    Words(
        "Write the address that poles reach it at, as tcp://gw.example:7600.",
        "请填写灯杆可达的地址，如 tcp://gw.example:7600。",
    ),
)
BAD_KEY = Rule(
    "site.bad-key",
    Words("this is no public key in Z85", "这不是 Z85 格式的公钥"),
    Words("Copy all 40 characters of the pole's public key.", "请完整复制灯杆公钥的 40 个字符。"),
)
NO_AIRSPACE = Rule(
    "site.no-airspace",
    Words("no airspace file is given", "未给出空域文件"),
    Words(
        "Name at least one GeoJSON file, or write airspace = [] and airspace_is_empty = true if there really is none.",
        "请至少指定一个 GeoJSON 文件；若确无空域限制，请写 airspace = [] 和 airspace_is_empty = true。",
    ),
)


NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


SupplyKind = Literal["mains", "cell", "backhaul"]
SUPPLY_KINDS: tuple[SupplyKind, ...] = get_args(SupplyKind)


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all tables of the file: unknown fields are errors."""


class Origin(_Part, frozen=True, kw_only=True):
    """The middle of the site: where the local metric frame has its origin."""

    lat_deg: float
    lon_deg: float


class GroundLevel(_Part, frozen=True, kw_only=True):
    """The level ground of the site [m]."""

    amsl_m: float
    geoid_m: float


class TerrainConfig(_Part, frozen=True, kw_only=True):
    """A terrain model: a GeoTIFF, a .hgt or .zip, or a folder of tiles.

    `heights` says what its heights are counted from: "geoid" (as SRTM's) or "ellipsoid".
    """

    path: str
    heights: Literal["geoid", "ellipsoid"] = "geoid"


class SiteLimits(_Part, frozen=True, kw_only=True):
    """What no flight of this site may exceed."""

    max_agl_m: float | None = None  # what the jurisdiction lets fly unasked
    reserve_fraction: float = 0.3
    max_wind_mps: float = 10.0


class StatedWind(_Part, frozen=True, kw_only=True):
    """A wind that a person answers for, used only when the site has no weather pole."""

    wind_mps: float
    stated_by: str


class Gates(_Part, frozen=True, kw_only=True):
    """What the launch gates ask for; `min_fix` is a MAVLink GPS_FIX_TYPE (3 = 3D, 5 = RTK float, 6 = RTK fixed)."""

    min_fix: int = 5
    min_satellites: int = 8
    min_battery_pct: float = 60.0
    max_home_distance_m: float = 15.0
    max_home_height_error_m: float = 10.0
    ready_within_s: float = 120.0
    stated_weather: StatedWind | None = None
    stated_open_dock: str = ""  # who answers for the open cover of the take-off dock where no gateway can tell


class DroneConfig(_Part, frozen=True, kw_only=True):
    """One drone: how it is reached and what it is; `remote_ids` are the identities that it broadcasts."""

    id: str
    address: str
    type: str = "quad-4kg"
    system_id: int | None = None
    home: Origin | None = None  # where it stands, for planning before it is connected
    remote_ids: tuple[str, ...] = ()


class PoleConfig(_Part, frozen=True, kw_only=True):
    """One smart pole: its city code, where it stands, and its public key (z85) unless it is to enrol.

    One that `broadcasts_corrections` is sent those of the nearest base station, for the receivers around it.
    """

    code: str
    public_key: str = ""
    lat_deg: float
    lon_deg: float
    services: tuple[str, ...]
    broadcasts_corrections: bool = False
    mains: str = ""
    cell: str = ""
    backhaul: str = ""


class SupplyConfig(_Part, frozen=True, kw_only=True):
    """Something that poles hang on, when it hangs on others itself: a backhaul gateway on its mains district, say."""

    kind: SupplyKind
    name: str
    mains: str = ""
    cell: str = ""
    backhaul: str = ""


class ResponseConfig(_Part, frozen=True, kw_only=True):
    """A mission that an alarm of a pole asks for, by its request or mission file.

    It is proposed to people, or with `automatic` flown at once when every gate passes. Only alarms of at least this
    `severity` (1 notice to 4 emergency) count, of these `poles` when any are named. The alarm must last for `after_s`;
    within `again_after_s` another of the same pole asks for nothing.
    """

    alarm: str
    request: str
    severity: int = 1
    poles: tuple[str, ...] = ()
    automatic: bool = False
    drone: str = ""
    after_s: float = 5.0
    again_after_s: float = 600.0


class OpenGroundConfig(_Part, frozen=True, kw_only=True):
    """A place where a drone may land by itself."""

    name: str
    lat_deg: float
    lon_deg: float


class GatewayConfig(_Part, frozen=True, kw_only=True):
    """Where poles connect to, and the file with the controller's secret key.

    `address` is what poles are told, where that is not what is listened on. New poles enrol at `enrol_listen`, under
    a key of its own; nobody can while it is empty. `register` says who may come in.
    """

    listen: str = "tcp://127.0.0.1:0"
    address: str = ""
    key: str = "keys/controller.key_secret"
    register: str = "keys/poles.db"
    enrol_listen: str = ""
    enrol_address: str = ""
    enrol_key: str = "keys/enrolment.key_secret"


class CityCodesConfig(_Part, frozen=True, kw_only=True):
    """How this city writes the codes of its poles; see `poles.keys.city_code.Scheme`."""

    form: str = DEFAULT_SCHEME.form
    check: str = ""


class TempoConfig(_Part, frozen=True, kw_only=True):
    """Set by a simulator that runs faster than real time, so that the controller keeps step with it."""

    speed: float
    utc_s: float
    monotonic_s: float


class DroneTypeConfig(_Part, frozen=True, kw_only=True):
    """An airframe, field by field as in `missions.site.DroneType`."""

    mass_kg: float
    disk_area_m2: float
    figure_of_merit: float
    drag_area_m2: float
    avionics_w: float
    battery_wh: float
    max_speed_mps: float
    climb_mps: float
    descent_mps: float
    acceleration_mps2: float
    max_wind_mps: float


class SiteFile(_Part, frozen=True, kw_only=True):
    """The whole file."""

    name: str
    origin: Origin
    ground: GroundLevel
    airspace: tuple[str, ...]
    airspace_is_empty: bool = False
    store: str = "beichen.db"
    keep_poles_days: float = 0.0  # 0: for ever
    register: str = "airspace.db"
    runs: str = "runs"
    jurisdiction: str = "china"
    terrain: TerrainConfig | None = None
    geoid: str = ""  # a grid for the terrain's heights; the built-in one when empty
    obstacles: tuple[str, ...] = ()
    limits: SiteLimits = SiteLimits()
    gates: Gates = Gates()
    drones: tuple[DroneConfig, ...] = ()
    drone_types: dict[str, DroneTypeConfig] = {}
    gateway: GatewayConfig | None = None
    city_codes: CityCodesConfig = CityCodesConfig()
    poles: tuple[PoleConfig, ...] = ()
    supplies: tuple[SupplyConfig, ...] = ()
    open_ground: tuple[OpenGroundConfig, ...] = ()
    responses: tuple[ResponseConfig, ...] = ()
    tempo: TempoConfig | None = None


# Figures of a 4 kg inspection quadcopter with a 6S 12 Ah pack; a real fleet writes its own under [drone_types].
KNOWN_TYPES = {
    "quad-4kg": DroneType(
        name="quad-4kg",
        mass_kg=4.2,
        disk_area_m2=0.60,
        figure_of_merit=0.62,
        drag_area_m2=0.035,
        avionics_w=18.0,
        battery_wh=266.0,
        max_speed_mps=15.0,
        climb_mps=2.5,
        descent_mps=1.5,
        acceleration_mps2=2.5,
        max_wind_mps=12.0,
    )
}


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A valid site file with what follows from it; relative paths are beside the file."""

    file: SiteFile
    source: Path
    frame: LocalFrame
    site: Site

    @property
    def folder(self) -> Path:
        """Where the site file lies."""
        return self.source.parent

    @property
    def ground(self) -> Ground:
        """The level ground of the site."""
        return self.site.ground

    @property
    def measures_wind(self) -> bool:
        """Whether the site has weather stations: then what they say counts, and nothing that is stated."""
        return any("weather" in pole.services for pole in self.file.poles)

    def gust_limit_mps(self, drone: str) -> float:
        """The strongest gust [m/s] in which a drone may land on a dock: of the site, and of its airframe if known."""
        kinds = [self.drone_type(each) for each in self.file.drones if each.id == drone]
        return min([self.file.limits.max_wind_mps, *(kind.max_wind_mps for kind in kinds)])

    def path(self, name: str) -> Path:
        """A path of the file, beside it when it is relative."""
        return self.folder / name

    def drone_type(self, drone: DroneConfig) -> DroneType:
        """The airframe of one drone."""
        described = self.file.drone_types.get(drone.type)
        if described is None:
            return KNOWN_TYPES[drone.type]
        return DroneType(name=drone.type, **msgspec.structs.asdict(described))


def load_site(path: Path) -> LoadedSite:
    """Read and check a site file; raises `Refused` with one line per problem."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused([Reason(UNREADABLE, str(path), {"detail": error})]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refused([Reason(MALFORMED, str(path), {"detail": error})]) from None
    try:
        file = msgspec.convert(tree, SiteFile)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        place = f"{path}: {where.strip('`.')}" if where else str(path)
        raise Refused([Reason(MALFORMED, place, {"detail": what})]) from None
    if reasons := list(_problems(file, str(path))):
        raise Refused(reasons)
    return loaded(file, path)


def loaded(file: SiteFile, source: Path) -> LoadedSite:
    """A site from the checked contents of the file at `source`."""
    highest_agl_m = file.limits.max_agl_m
    if highest_agl_m is None:
        highest_agl_m = by_name(file.jurisdiction).height_most_agl_m
    site = Site(
        name=file.name,
        ground=Ground(file.ground.amsl_m, file.ground.geoid_m),
        docks=tuple(
            Dock(pole.code, LatLon(pole.lat_deg, pole.lon_deg)) for pole in file.poles if "dock" in pole.services
        ),
        open_ground=tuple(OpenGround(place.name, LatLon(place.lat_deg, place.lon_deg)) for place in file.open_ground),
        limits=Limits(max_agl_m=highest_agl_m, reserve_fraction=file.limits.reserve_fraction),
    )
    return LoadedSite(file, source, LocalFrame(LatLon(file.origin.lat_deg, file.origin.lon_deg)), site)


def _problems(file: SiteFile, where: str) -> Iterator[Reason]:
    for field, value, low, high in _ranges(file):
        if not (math.isfinite(value) and low <= value <= high):
            yield Reason(OUT_OF_RANGE, f"{where}: {field}", {"value": value, "low": low, "high": high})
    if not file.airspace and not file.airspace_is_empty:
        yield Reason(NO_AIRSPACE, f"{where}: airspace")
    if file.jurisdiction not in JURISDICTIONS:
        facts = {"value": file.jurisdiction, "known": ", ".join(JURISDICTIONS)}
        yield Reason(UNKNOWN_JURISDICTION, f"{where}: jurisdiction", facts)
    names = {
        "drones": [drone.id for drone in file.drones],
        "poles": [pole.code for pole in file.poles],
        "poles.public_key": [pole.public_key for pole in file.poles if pole.public_key],
        "open_ground": [place.name for place in file.open_ground],
        "supplies": [f"{supply.kind} {supply.name}" for supply in file.supplies],
    }
    for field, given in names.items():
        for twice in sorted({name for name in given if given.count(name) > 1}):
            yield Reason(REPEATED, f"{where}: {field}", {"value": twice})
    for n, drone in enumerate(file.drones):
        yield from _drone_problems(drone, {**KNOWN_TYPES, **file.drone_types}, f"{where}: drones[{n}]")
    yield from _gateway_problems(file.gateway, where)
    try:
        scheme = Scheme(file.city_codes.form, file.city_codes.check)
    except Refused as refused:
        yield from (replace(reason, where=f"{where}: city_codes") for reason in refused.reasons)
        return
    for n, pole in enumerate(file.poles):
        yield from _pole_problems(pole, scheme, f"{where}: poles[{n}]")
    yield from _supply_problems(file, where)
    for n, rule in enumerate(file.responses):
        if rule.alarm not in POLE_ALARMS:
            yield Reason(UNKNOWN_ALARM, f"{where}: responses[{n}].alarm", {"value": rule.alarm})


def _gateway_problems(gateway: GatewayConfig | None, where: str) -> Iterator[Reason]:
    """Addresses that say where to listen and not where to connect to, where new poles are told them."""
    if gateway is None or not gateway.enrol_listen:
        return
    for field, listen, told in (
        ("address", gateway.listen, gateway.address),
        ("enrol_address", gateway.enrol_listen, gateway.enrol_address),
    ):
        if not is_place(told or listen):
            yield Reason(NO_ADDRESS, f"{where}: gateway.{field}", {"value": told or listen})


def is_place(address: str) -> bool:
    """Whether one can connect to an address: tcp, a host that is one, and a port or 0 for one still to be chosen."""
    found = re.fullmatch(r"tcp://(.+):([0-9]{1,5})", address)
    return found is not None and found[1] not in ("*", "0.0.0.0", "[::]") and int(found[2]) <= 65_535


def _drone_problems(drone: DroneConfig, known: Mapping[str, object], where: str) -> Iterator[Reason]:
    if drone.type not in known:
        yield Reason(UNKNOWN_TYPE, f"{where}.type", {"value": drone.type, "known": ", ".join(sorted(known))})
    if not NAME.fullmatch(drone.id):
        yield Reason(BAD_NAME, f"{where}.id", {"value": drone.id})
    try:
        parse_address(drone.address)
    except Refused as refused:
        yield from (replace(reason, where=f"{where}.address") for reason in refused.reasons)


def _pole_problems(pole: PoleConfig, scheme: Scheme, where: str) -> Iterator[Reason]:
    try:
        scheme.parse(pole.code, f"{where}.code")
    except Refused as refused:
        yield from refused.reasons
    if pole.public_key and key_of(pole.public_key) is None:
        yield Reason(BAD_KEY, f"{where}.public_key")
    for service in pole.services:
        if service not in SERVICES:
            facts = {"value": service, "known": ", ".join(sorted(SERVICES))}
            yield Reason(UNKNOWN_SERVICE, f"{where}.services", facts)


def _supply_problems(file: SiteFile, where: str) -> Iterator[Reason]:
    """Names that cannot be used, and supplies that hang on themselves, if only by way of others."""
    for field, part in [*_numbered("poles", file.poles), *_numbered("supplies", file.supplies)]:
        for kind in SUPPLY_KINDS:
            if (name := getattr(part, kind)) and not NAME.fullmatch(name):
                yield Reason(BAD_NAME, f"{where}: {field}.{kind}", {"value": name})
    above = {(each.kind, each.name): [(kind, getattr(each, kind)) for kind in SUPPLY_KINDS] for each in file.supplies}
    for n, supply in enumerate(file.supplies):
        if not NAME.fullmatch(supply.name):
            yield Reason(BAD_NAME, f"{where}: supplies[{n}].name", {"value": supply.name})
        reached: dict[tuple[SupplyKind, str], None] = {}
        waiting = list(above[supply.kind, supply.name])
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached[each] = None
                waiting += above.get(each, [])
        if (supply.kind, supply.name) in reached:
            yield Reason(CIRCLE, f"{where}: supplies[{n}]", {"value": f"{supply.kind} {supply.name}"})


def _numbered(field: str, parts: tuple[PoleConfig, ...] | tuple[SupplyConfig, ...]) -> list[tuple[str, _Part]]:
    return [(f"{field}[{n}]", part) for n, part in enumerate(parts)]


def _ranges(file: SiteFile) -> Iterator[tuple[str, float, float, float]]:
    """(field, value, least, most) of every number that has bounds."""
    yield "origin.lat_deg", file.origin.lat_deg, -85, 85
    yield "origin.lon_deg", file.origin.lon_deg, -180, 180
    yield "ground.amsl_m", file.ground.amsl_m, -500, 6000
    yield "ground.geoid_m", file.ground.geoid_m, -110, 90
    if file.limits.max_agl_m is not None:
        yield "limits.max_agl_m", file.limits.max_agl_m, 1, 1000
    yield "limits.reserve_fraction", file.limits.reserve_fraction, 0.05, 0.9
    yield "limits.max_wind_mps", file.limits.max_wind_mps, 0, 40
    yield "gates.min_fix", file.gates.min_fix, 3, 6
    yield "gates.min_satellites", file.gates.min_satellites, 4, 60
    yield "gates.min_battery_pct", file.gates.min_battery_pct, 1, 100
    yield "gates.max_home_distance_m", file.gates.max_home_distance_m, 1, 1000
    yield "gates.max_home_height_error_m", file.gates.max_home_height_error_m, 0.5, 200
    yield "gates.ready_within_s", file.gates.ready_within_s, 5, 3600
    if file.gates.stated_weather is not None:
        yield "gates.stated_weather.wind_mps", file.gates.stated_weather.wind_mps, 0, 60
    for n, drone in enumerate(file.drones):
        if drone.system_id is not None:
            yield f"drones[{n}].system_id", drone.system_id, 1, 255
    homes = [(f"drones[{n}].home", drone.home) for n, drone in enumerate(file.drones) if drone.home is not None]
    places = [(field, home.lat_deg, home.lon_deg) for field, home in homes]
    places += [(f"poles[{n}]", pole.lat_deg, pole.lon_deg) for n, pole in enumerate(file.poles)]
    places += [(f"open_ground[{n}]", spot.lat_deg, spot.lon_deg) for n, spot in enumerate(file.open_ground)]
    for field, lat_deg, lon_deg in places:
        yield f"{field}.lat_deg", lat_deg, -85, 85
        yield f"{field}.lon_deg", lon_deg, -180, 180
    for name, kind in file.drone_types.items():
        for figure, number in msgspec.structs.asdict(kind).items():
            yield f"drone_types.{name}.{figure}", number, 1e-3, 1e4
    yield "keep_poles_days", file.keep_poles_days, 0, 36_500
    for n, rule in enumerate(file.responses):
        yield f"responses[{n}].severity", rule.severity, int(min(Severity)), int(max(Severity))
        yield f"responses[{n}].after_s", rule.after_s, 0, 3600
        yield f"responses[{n}].again_after_s", rule.again_after_s, 0, 30 * 86400
    if file.tempo is not None:
        yield "tempo.speed", file.tempo.speed, 0.01, 1000
        yield "tempo.utc_s", file.tempo.utc_s, 0, 1e11
        yield "tempo.monotonic_s", file.tempo.monotonic_s, 0, 1e11
