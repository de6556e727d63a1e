"""What is watched while a drone flies: items, photos, link, battery, fix, mode, wind, and the airspace it keeps to."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any

from airspace.frames import LatLon
from airspace.intents import IntentEvent, IntentState, conformance, transition
from controller.alarms import Alarm
from controller.district import District
from controller.events import IntentChanged, ItemStarted, PhotoTaken
from controller.flight.gates import FIX_NAMES
from controller.links.drone import DroneLink
from controller.state import FlightState
from controller.streams import STREAMS, Stream

TICK_S = 1.0
GIVE_UP_S = 60.0  # F3548-21: nonconforming for longer than this is contingent
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
    left_at_s: float | None = None
    silent_since_s: float | None = None
    stale: set[Stream] = field(default_factory=set)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            if (why := self.link.recording_failure) is not None:
                await self._alarm(Alarm.RECORDING_STOPPED, again_after_s=1e9, why=why)
            if await self._link_is_silent():
                continue
            await self._streams()
            await self._battery()
            await self._fix()
            await self._mode()
            await self._wind()
            await self._place()

    async def _alarm(self, code: Alarm, subject: str = "", **facts: Any) -> None:
        await self.district.alarm(code, subject or self.link.drone, self.flight.id, **facts)

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
            await self._alarm(Alarm.FIX_DEGRADED, fix=FIX_NAMES.get(fix, str(fix)))

    async def _mode(self) -> None:
        state = self.link.state
        if state.armed and state.mode not in ("AUTO", ""):
            await self._alarm(Alarm.MODE_CHANGED, again_after_s=1e9, about=state.mode, mode=state.mode)
        if state.fence_breached:
            await self._alarm(Alarm.FENCE_BREACHED, again_after_s=1e9)

    async def _wind(self) -> None:
        limit_mps = self.district.site.file.limits.max_wind_mps
        for reading in self.district.poles.weather() if self.district.poles else []:
            if reading.gust_mps > limit_mps:
                await self._alarm(Alarm.WIND_HIGH, reading.pole, wind_mps=reading.gust_mps, limit_mps=limit_mps)

    async def _place(self) -> None:
        """Compare the live position with the flight's volumes, and with every zone."""
        state, plan = self.link.state, self.flight.plan
        if state.lat_deg is None or state.lon_deg is None or state.relative_m is None or not state.armed:
            return
        if Stream.POSITION in self.stale or not self.flight.volumes:
            return
        x_m, y_m = self.district.site.frame.xy(LatLon(state.lat_deg, state.lon_deg))
        height_m = plan.home_amsl_m + plan.geoid_m + state.relative_m
        now_s = self.district.clock.utc_s()
        for zone in self.district.airspace.zones:
            if zone.volume.contains(x_m, y_m, height_m, now_s):
                await self._alarm(Alarm.ZONE_ENTERED, about=zone.id, zone=zone.name)
        found = conformance(self.district.volumes_of(self.flight), x_m, y_m, height_m, now_s)
        if found.inside:
            self.left_at_s = None
            if self.flight.intent is IntentState.NONCONFORMING:
                await self._intent(IntentEvent.RETURN)
            return
        self.left_at_s = self.left_at_s or now_s
        if self.flight.intent in (IntentState.ACCEPTED, IntentState.ACTIVATED):
            await self._intent(IntentEvent.LEAVE)
            distance_m = found.distance_m if found.distance_m is not None else 0.0
            await self._alarm(Alarm.OFF_ROUTE, again_after_s=0.0, distance_m=distance_m)
        elif self.flight.intent is IntentState.NONCONFORMING and now_s - self.left_at_s > GIVE_UP_S:
            await self._intent(IntentEvent.GIVE_UP)

    async def _intent(self, event: IntentEvent) -> None:
        if self.flight.intent is not None:
            state = transition(self.flight.intent, event, self.flight.id)
            await self.district.record(IntentChanged(flight=self.flight.id, state=state.value))
