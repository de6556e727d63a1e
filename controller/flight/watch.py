"""What is watched while a drone flies: items, photos, link, battery, fix, mode, wind, and the airspace it keeps to."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

from airspace.frames import LatLon
from controller.alarms import Alarm
from controller.district import District
from controller.events import ItemStarted, PhotoTaken, TrafficNear
from controller.flight.gates import fix_words
from controller.flight.keeping import Keeping
from controller.links.drone import DroneLink
from controller.state import FlightState
from controller.streams import STREAMS, Stream
from controller.traffic_picture import Approach
from controller.weather_picture import places_of

TICK_S = 1.0
TRAFFIC_AGAIN_S = 30.0
WORTH_AN_ALARM = 4  # MAV_SEVERITY_WARNING
WATCHED = (Stream.POSITION, Stream.GNSS, Stream.BATTERY, Stream.MISSION)


async def note_items(district: District, link: DroneLink, flight: FlightState) -> None:
    """Record each change of the drone's current mission item."""
    with link.listen("MISSION_CURRENT") as inbox:
        async for message in inbox:
            if message.seq != flight.item and message.seq > 0:
                await district.record(ItemStarted(flight=flight.id, seq=message.seq))


async def note_photos(district: District, link: DroneLink, flight: FlightState) -> None:
    """Record each picture that the autopilot says it took; repeated messages count once."""
    seen = flight.photos
    with link.listen("CAMERA_FEEDBACK") as inbox:
        async for message in inbox:
            if message.img_idx < seen or not math.isfinite(message.alt_rel):
                continue
            seen = message.img_idx + 1
            photo = PhotoTaken(
                flight=flight.id,
                index=message.img_idx,
                lat_deg=message.lat / 1e7,
                lon_deg=message.lng / 1e7,
                relative_m=round(message.alt_rel, 2),
            )
            await district.record(photo)


async def note_texts(district: District, link: DroneLink, flight: FlightState) -> None:
    """Raise an alarm for each thing that the autopilot itself calls a warning or worse."""
    with link.listen_texts() as texts:
        async for text in texts:
            if text.severity <= WORTH_AN_ALARM:
                await district.alarm(Alarm.AUTOPILOT_SAYS, link.drone, flight.id, again_after_s=0.0, text=text.text)


@dataclass(slots=True)
class SafetyWatch:
    """Looks once a second at everything that an operator must hear of; `run` never ends by itself."""

    district: District
    link: DroneLink
    flight: FlightState
    keeping: Keeping
    silent_since_s: float | None = None
    news: int = 0
    stale: set[Stream] = field(default_factory=set)
    told_s: dict[str, float] = field(default_factory=dict)  # when others that are near were told of last, by track

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            if (why := self.link.recording_failure) is not None:
                await self._alarm(Alarm.RECORDING_STOPPED, again_after_s=1e9, why=why)
            await self._airspace()
            if await self._link_is_silent():
                await self.keeping.unseen(self.district.clock.utc_s())
                continue
            await self._streams()
            await self._battery()
            await self._fix()
            await self._mode()
            await self._wind()
            await self._traffic()
            await self._place()

    async def _alarm(self, code: Alarm, subject: str = "", **facts: Any) -> None:
        await self.district.alarm(code, subject or self.link.drone, self.flight.id, **facts)

    async def _airspace(self) -> None:
        """Hear of what others published or reserved on the rest of the way."""
        district, flight = self.district, self.flight
        news = await district.follow_register()
        if news == self.news:
            return
        self.news = news
        ahead = [volume for volume in district.volumes_of(flight) if volume.end_s > district.clock.utc_s()]
        found = district.airspace.conflicts(
            ahead, own_id=flight.id, permitted=flight.plan.permitted, priority=flight.priority
        )
        for other in {conflict.other_id: conflict.name for conflict in found}.items():
            await self._alarm(Alarm.AIRSPACE_CHANGED, about=other[0], again_after_s=1e9, other=other[1])

    async def _link_is_silent(self) -> bool:
        age_s = self.link.freshness.age_s(Stream.HEARTBEAT)
        if age_s is None or age_s > STREAMS[Stream.HEARTBEAT].stale_after_s:
            if self.silent_since_s is None:
                self.silent_since_s = self.district.clock.monotonic_s() - (age_s or 0.0)
                await self._alarm(Alarm.LINK_LOST, again_after_s=0.0, age_s=age_s or 0.0)
            return True
        if self.silent_since_s is not None:
            gap_s = self.district.clock.monotonic_s() - self.silent_since_s
            self.silent_since_s = None
            await self._alarm(Alarm.LINK_BACK, again_after_s=0.0, age_s=gap_s)
        return False

    async def _streams(self) -> None:
        for stream in WATCHED:
            age_s = self.link.freshness.age_s(stream)
            if age_s is not None and not self.link.freshness.fresh(stream) and stream not in self.stale:
                self.stale.add(stream)
                await self._alarm(Alarm.STREAM_STALE, again_after_s=0.0, stream=STREAMS[stream].words, age_s=age_s)
            elif self.link.freshness.fresh(stream):
                self.stale.discard(stream)

    async def _battery(self) -> None:
        remaining_pct = self.link.state.battery_remaining_pct
        reserve_pct = 100 * self.district.site.file.limits.reserve_fraction
        if remaining_pct is not None and remaining_pct < reserve_pct:
            await self._alarm(
                Alarm.BATTERY_LOW, again_after_s=1e9, remaining_pct=remaining_pct, reserve_pct=reserve_pct
            )

    async def _fix(self) -> None:
        fix = self.link.state.fix_type
        if fix is not None and fix < self.district.site.file.gates.min_fix:
            await self._alarm(Alarm.FIX_DEGRADED, fix=fix_words(fix))

    async def _mode(self) -> None:
        state = self.link.state
        if state.armed and state.mode not in ("AUTO", ""):
            await self._alarm(Alarm.MODE_CHANGED, again_after_s=1e9, about=state.mode, mode=state.mode)
        if state.fence_breached:
            await self._alarm(Alarm.FENCE_BREACHED, again_after_s=1e9)

    async def _wind(self) -> None:
        """Tell of gusts beyond the limit at the stations near the drone."""
        poles, state = self.district.poles, self.link.state
        limit_mps = self.district.site.file.limits.max_wind_mps
        if poles is None:
            return
        known = state.lat_deg is not None and state.lon_deg is not None
        places = [LatLon(state.lat_deg or 0.0, state.lon_deg or 0.0)] if known else places_of(self.flight.plan)
        near = poles.gusts(places)
        for station in near.stations if near is not None else ():
            if near is not None and station.gust_mps > limit_mps:
                facts = {"wind_mps": station.gust_mps, "age_s": station.age_s, "spread_mps": near.spread_mps}
                await self._alarm(Alarm.WIND_HIGH, station.pole, limit_mps=limit_mps, **facts)

    async def _traffic(self) -> None:
        """Tell of others that come near the drone; what is done about it is for people to say."""
        state, plan, traffic = self.link.state, self.flight.plan, self.district.traffic
        if traffic is None or state.lat_deg is None or state.lon_deg is None or state.relative_m is None:
            return
        if Stream.POSITION in self.stale or not state.armed:
            return
        x_m, y_m = self.district.site.frame.xy(LatLon(state.lat_deg, state.lon_deg))
        north, east, down = state.velocity_ned_mps or (0.0, 0.0, 0.0)
        here = (x_m, y_m, plan.home_amsl_m + plan.geoid_m + state.relative_m)
        for approach in traffic.approaches(here, (east, north, -down)):
            if approach.near:
                await self._tell_of(approach)

    async def _tell_of(self, approach: Approach) -> None:
        track, now_s = approach.track, self.district.clock.monotonic_s()
        if now_s - self.told_s.get(track.name, -math.inf) < TRAFFIC_AGAIN_S:
            return
        self.told_s[track.name] = now_s
        at = self.district.site.frame.latlon(*track.at_m[:2])
        near = TrafficNear(
            flight=self.flight.id,
            track=track.name,
            source=track.drone.source.value,
            lat_deg=round(at.lat_deg, 7),
            lon_deg=round(at.lon_deg, 7),
            ellipsoidal_m=None if track.at_m[2] is None else round(track.at_m[2], 1),
            age_s=round(track.age_s, 2),
            error_m=round(track.error_m, 1),
            in_s=round(approach.in_s, 1),
            distance_m=round(approach.distance_m, 1),
            vertical_m=None if approach.vertical_m is None else round(approach.vertical_m, 1),
        )
        await self.district.record(near)
        await self._alarm(
            Alarm.TRAFFIC_NEAR,
            again_after_s=0.0,
            about=track.name,
            other=track.name,
            source=near.source,
            distance_m=near.distance_m,
            in_s=near.in_s,
            error_m=near.error_m,
        )

    async def _place(self) -> None:
        """Compare the live position with the flight's volumes, and with every zone."""
        state, plan = self.link.state, self.flight.plan
        if state.lat_deg is None or state.lon_deg is None or state.relative_m is None or not state.armed:
            return
        if not self.flight.volumes:
            return
        if Stream.POSITION in self.stale:
            await self.keeping.unseen(self.district.clock.utc_s())
            return
        x_m, y_m = self.district.site.frame.xy(LatLon(state.lat_deg, state.lon_deg))
        height_m = plan.home_amsl_m + plan.geoid_m + state.relative_m
        now_s = self.district.clock.utc_s()
        for zone in self.district.airspace.zones_at(x_m, y_m, height_m, now_s):
            if zone.closed_to(plan.permitted):
                await self._alarm(Alarm.ZONE_ENTERED, about=zone.id, zone=zone.name)
        await self.keeping.seen(x_m, y_m, height_m, now_s)
