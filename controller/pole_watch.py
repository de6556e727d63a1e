"""What a district gives its poles' gateway, so that what it finds out is kept, told and remembered."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Sequence

import msgspec

from airspace.frames import LatLon
from controller.alarms import Alarm
from controller.clock import Clock
from controller.config import SUPPLY_KINDS, PoleConfig, SiteFile, SupplyConfig
from controller.corrections import Corrections
from controller.district import District
from controller.events import AlarmRaised, PoleNoted, PolesForgotten
from controller.streams import Stream
from controller.traffic_picture import Linked, TrafficPicture
from poles.gateway import GatewayNeeds
from poles.gateway.alarms import News, Told
from poles.gateway.flow import Said
from poles.gateway.notes import AnyNote
from poles.gateway.supervision import Supplies
from poles.services import base_station

DAY_S = 86_400.0
FORGET_EVERY_S = 3600.0
TOLD = (News.RAISED, News.FLAPPING, News.EXPLAINED)  # other news show in the list of alarms only


def gateway_needs(district: District, clock: Clock, rng: random.Random) -> GatewayNeeds:
    """The needs of a gateway whose poles belong to this district; the store must have been opened."""
    traffic = district.traffic = traffic_picture(district, clock)

    async def keep(batch: Sequence[Said]) -> None:
        await district.store.keep(batch)
        for impostor in traffic.take(batch):
            await district.alarm(Alarm.IMPOSTOR, impostor.drone, distance_m=impostor.distance_m)

    async def keep_notes(notes: Sequence[AnyNote]) -> None:
        await district.store.append(*[PoleNoted(note=note) for note in notes])

    async def tell_alarms(told: Sequence[Told]) -> None:
        events = [_raised(news) for news in told if news.news in TOLD]
        if events:
            await district.store.append(*events)
        for listener in district.alarm_listeners:
            listener(told)

    return GatewayNeeds(
        keep=keep,
        utc_s=clock.utc_s,
        rng=rng,
        stored=district.store.poles_stored(),
        keep_notes=keep_notes,
        tell_alarms=tell_alarms,
        history=district.store.pole_history(),
        supplies=supplies_of(district.site.file),
        lag_s=clock.lag_s,
        corrected=corrections(district, clock).take,
    )


async def forget_in_time(district: District, clock: Clock) -> None:
    """Delete what poles said when the site keeps it no longer, until cancelled; the log says so first."""
    days = district.site.file.keep_poles_days
    while days > 0.0:
        before_s = clock.utc_s() - days * DAY_S
        oldest_s = district.store.poles_since_s()
        if oldest_s is not None and oldest_s < before_s:
            await district.record(PolesForgotten(before_s=before_s))
            try:
                await district.store.forget_poles(before_s)
            except (sqlite3.Error, msgspec.MsgspecError) as error:  # a damaged row ends no flight
                await district.alarm(Alarm.NOT_FORGOTTEN, district.site.file.name, why=str(error))
        await asyncio.sleep(FORGET_EVERY_S)


def corrections(district: District, clock: Clock) -> Corrections:
    """What sends a district's corrections on to its drones and to its poles that broadcast them."""
    file = district.site.file
    relays = {pole.code: LatLon(pole.lat_deg, pole.lon_deg) for pole in file.poles if pole.broadcasts_corrections}
    return Corrections(stations_of(file), lambda: district.links, clock, relays)


def stations_of(file: SiteFile) -> dict[str, LatLon]:
    """The poles that are base stations, with the places that the site gives them."""
    return {pole.code: LatLon(pole.lat_deg, pole.lon_deg) for pole in file.poles if base_station.NAME in pole.services}


def traffic_picture(district: District, clock: Clock) -> TrafficPicture:
    """An empty picture of who else flies in a district."""
    site = district.site

    def linked(drone: str) -> Linked | None:
        link = district.links.get(drone)
        if link is None:
            return None
        state = link.state
        if state.lat_deg is None or state.lon_deg is None or not link.freshness.fresh(Stream.POSITION):
            return Linked(None)
        return Linked(site.frame.xy(LatLon(state.lat_deg, state.lon_deg)))

    return TrafficPicture(
        site.frame,
        {identity: drone.id for drone in site.file.drones for identity in drone.remote_ids},
        linked,
        {pole.code: LatLon(pole.lat_deg, pole.lon_deg) for pole in site.file.poles},
        utc_s=clock.utc_s,
        loop_s=clock.monotonic_s,
        ground_ellipsoidal_m=site.ground.amsl_m + site.ground.geoid_m,
    )


def supplies_of(file: SiteFile) -> Supplies:
    """What the poles of a site hang on, and what that hangs on."""
    return Supplies(
        of={pole.code: _above(pole) for pole in file.poles},
        feeds={f"{supply.kind}:{supply.name}": _above(supply) for supply in file.supplies},
    )


def _above(part: PoleConfig | SupplyConfig) -> tuple[str, ...]:
    return tuple([f"{kind}:{name}" for kind in SUPPLY_KINDS if (name := getattr(part, kind))])


def _raised(told: Told) -> AlarmRaised:
    alarm = told.alarm
    return AlarmRaised(
        code=alarm.code,
        subject=alarm.subject,
        severity=int(alarm.spec.severity),
        en=alarm.text("en"),
        zh=alarm.text("zh"),
    )
