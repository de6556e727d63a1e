from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mavlink
from shapely.geometry import Point, box

from airspace.charted import Restriction
from airspace.frames import LatLon, LocalFrame
from airspace.reasons import Words
from airspace.schedules import Day, Edge, Period, Schedule
from airspace.volumes import FOREVER_S, Volume4D
from airspace.zones import Zone
from controller.config import KNOWN_TYPES
from controller.events import (
    AlarmRaised,
    IntentAccepted,
    IntentChanged,
    ItemStarted,
    OffNominal,
    PhotoTaken,
    TrafficNear,
)
from controller.flight.keeping import AHEAD_S, REDRAWN_S, Keeping
from controller.flight.reservation import volumes_at
from controller.flight.watch import SafetyWatch, note_items, note_photos, note_texts
from controller.pole_watch import traffic_picture
from controller.state import FlightState
from poles.gateway.flow import Said
from poles.gateway.quality import Flag
from poles.heard.gb46750 import Identification
from poles.heard.gb46750 import encode as encode_identification
from poles.protocol import Heard, Observation, Source
from tests.controller.flight import scene as s
from tests.controller.flight.scene import HOME, PRIMARY, Scene, Spoken, in_scene, plan, wind

FLIGHT = "f1"
AROUND_HOME = LocalFrame(HOME)
ARMED_AUTO = 3  # the mode number of AUTO


@dataclass
class Flying:
    """A drone in the climb of the plan that says twice a second what the test has set."""

    scene: Scene
    place: LatLon = HOME
    relative_m: float = 20.0
    fix_type: int = 6
    battery_pct: int = 90
    silent_streams: frozenset[str] = frozenset()

    async def run(self) -> None:
        await self.scene.heard(s.home())
        while True:
            said = {
                "position": s.position(self.place, self.relative_m),
                "gnss": s.fix(self.fix_type),
                "battery": s.battery(self.battery_pct),
                "mission": s.current_item(1),
            }
            for name, message in said.items():
                if name not in self.silent_streams:
                    self.scene.autopilot.say(message)
            await asyncio.sleep(0.5)

    @property
    def flight(self) -> FlightState:
        return self.scene.district.state.flights[FLIGHT]


Test = Callable[[Scene, Flying], Awaitable[None]]
Beside = Callable[[Scene, FlightState], Coroutine[Any, Any, None]]


def watching(scene: Scene, flight: FlightState) -> Coroutine[Any, Any, None]:
    return SafetyWatch(scene.district, scene.link, flight, Keeping(scene.district, flight)).run()


def watched(folder: Path, test: Test, beside: Beside = watching) -> None:
    """Run a test body while a flying drone is watched."""

    async def body(scene: Scene) -> None:
        await scene.plan_made(FLIGHT)
        now_s = scene.district.clock.utc_s()
        await scene.district.record(
            IntentAccepted(flight=FLIGHT, priority=0, volumes=volumes_at(plan(), now_s)),
            IntentChanged(flight=FLIGHT, state="activated"),
        )
        await scene.flying(FLIGHT)
        scene.autopilot.mode, scene.autopilot.armed = ARMED_AUTO, True
        flying = Flying(scene)
        async with asyncio.TaskGroup() as group:
            saying = group.create_task(flying.run())
            await asyncio.sleep(1.5)
            watch = group.create_task(beside(scene, flying.flight))
            await asyncio.sleep(3.0)
            await test(scene, flying)
            saying.cancel()
            watch.cancel()

    in_scene(folder, body)


def codes(scene: Scene) -> list[str]:
    return [event.code for event in scene.happened(AlarmRaised)]


def states(scene: Scene) -> list[str]:
    return [event.state for event in scene.happened(IntentChanged)]


def test_a_flight_as_planned_raises_no_alarm(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        await asyncio.sleep(10.0)
        assert (codes(scene), states(scene)) == ([], ["activated"])

    watched(tmp_path, body)


def test_every_loss_of_the_link_is_told_and_every_return(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        for _ in range(2):
            scene.autopilot.silent = True
            await asyncio.sleep(8.0)
            scene.autopilot.silent = False
            await asyncio.sleep(3.0)
        assert [code for code in codes(scene) if code.startswith("link.")] == ["link.lost", "link.back"] * 2

    watched(tmp_path, body)


def test_each_stream_that_goes_stale_is_told_by_its_name(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.silent_streams = frozenset({"gnss", "battery"})
        await asyncio.sleep(8.0)
        told = [event.en for event in scene.happened(AlarmRaised)]
        assert codes(scene) == ["stream.stale", "stream.stale"]
        assert "satellite fix" in told[0]
        assert "battery" in told[1]
        flying.silent_streams = frozenset()
        await asyncio.sleep(2.0)
        flying.silent_streams = frozenset({"gnss"})
        await asyncio.sleep(8.0)
        assert codes(scene) == ["stream.stale"] * 3

    watched(tmp_path, body)


def test_a_closed_zone_that_is_entered_is_told_and_an_open_one_is_not(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        x_m, y_m = scene.district.site.frame.xy(HOME)
        around = Volume4D(box(x_m - 50, y_m - 50, x_m + 50, y_m + 50), 0.0, 500.0, 0.0, FOREVER_S)
        closed = Zone("closed", Words("closed", "关闭"), "no-fly", Words("x", "x"), around)
        saturdays = Schedule(periods=(Period(Edge(0.0), Edge(86_400.0), frozenset({Day.SAT})),), zone="Asia/Shanghai")
        scene.district.airspace.put_zones(
            [
                replace(closed, id="open", restriction=Restriction.NONE),
                replace(closed, id="by leave", restriction=Restriction.AUTHORISATION),
                replace(closed, id="on Saturdays", schedule=saturdays, place=HOME),
            ]
        )
        flying.flight.plan.details["permitted"] = ["by leave"]
        await asyncio.sleep(5.0)
        assert codes(scene) == []
        scene.district.airspace.put_zones([closed])
        await asyncio.sleep(5.0)
        assert [(event.code, event.en) for event in scene.happened(AlarmRaised)] == [
            ("zone.entered", "D1 is inside zone closed")
        ]
        flying.flight.plan.details["permitted"] = []
        await asyncio.sleep(5.0)
        assert codes(scene) == ["zone.entered"] * 2

    watched(tmp_path, body)


def test_a_battery_under_its_reserve_is_told_once(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.battery_pct = 30
        await asyncio.sleep(3.0)
        assert codes(scene) == []
        flying.battery_pct = 29
        await asyncio.sleep(3.0)
        flying.battery_pct = 25
        await asyncio.sleep(3.0)
        assert codes(scene) == ["battery.low"]

    watched(tmp_path, body)


def test_a_fix_below_what_the_gates_ask_is_told(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.fix_type = 4
        await asyncio.sleep(3.0)
        (alarm,) = scene.happened(AlarmRaised)
        assert (alarm.code, "DGPS" in alarm.en, "差分定位" in alarm.zh) == ("gnss.degraded", True, True)

    watched(tmp_path, body)


def test_each_mode_that_the_drone_takes_by_itself_is_told(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        for mode in (6, 9):  # RTL, then LAND
            scene.autopilot.mode = mode
            await asyncio.sleep(3.0)
        told = [event.en for event in scene.happened(AlarmRaised)]
        assert codes(scene) == ["flight.mode-changed"] * 2
        assert "RTL" in told[0]
        assert "LAND" in told[1]

    watched(tmp_path, body)


def test_wind_over_the_sites_limit_is_told_with_its_pole(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        scene.poles.says[PRIMARY] = Spoken(weather=wind(8.0, 10.0))
        await asyncio.sleep(2.0)
        assert codes(scene) == []
        scene.poles.says[PRIMARY] = Spoken(weather=wind(8.0, 10.1))
        await asyncio.sleep(2.0)
        (alarm,) = scene.happened(AlarmRaised)
        assert (alarm.code, alarm.subject) == ("wind.high", PRIMARY)

    watched(tmp_path, body)


def test_gusts_that_cannot_be_believed_are_told_too(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flags = {"wind_gust_mps": Flag.JUMPING}
        scene.poles.says[PRIMARY] = Spoken(weather=wind(8.0, 10.1), weather_flags=flags)
        await asyncio.sleep(2.0)
        (alarm,) = scene.happened(AlarmRaised)
        assert (alarm.code, alarm.subject) == ("wind.high", PRIMARY)

    watched(tmp_path, body)


def test_a_drone_that_leaves_its_airspace_is_told_every_time_and_taken_back(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        for _ in range(2):
            flying.place = AROUND_HOME.latlon(0.0, 200.0)
            await asyncio.sleep(3.0)
            flying.place = HOME
            await asyncio.sleep(3.0)
        assert states(scene) == ["activated", *["nonconforming", "activated"] * 2]
        assert codes(scene) == ["route.left"] * 2

    watched(tmp_path, body)


def test_a_drone_that_does_not_come_back_in_a_minute_is_contingent_for_good(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.place = AROUND_HOME.latlon(0.0, 200.0)
        await asyncio.sleep(59.0)
        assert states(scene)[-1] == "nonconforming"
        await asyncio.sleep(6.0)
        assert states(scene)[-1] == "contingent"
        flying.place = HOME
        await asyncio.sleep(3.0)
        assert states(scene) == ["activated", "nonconforming", "contingent"]

    watched(tmp_path, body)


def test_others_are_told_where_a_drone_may_be_while_it_is_astray_and_no_longer(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        district = scene.district
        drone = KNOWN_TYPES["quad-4kg"]
        most_m = (drone.max_speed_mps + drone.max_wind_mps) * AHEAD_S
        flying.place = AROUND_HOME.latlon(0.0, 200.0)
        await asyncio.sleep(REDRAWN_S + 3.0)
        first, last = (district._absolute(event.volumes) for event in scene.happened(OffNominal))
        assert flying.flight.off_nominal == scene.happened(OffNominal)[-1].volumes
        x_m, y_m = district.site.frame.xy(flying.place)
        for (volume,) in (first, last):
            reach_m = volume.outline.exterior.distance(Point(x_m, y_m))
            assert most_m - 0.05 <= reach_m <= most_m * 1.01 + 2.0 * (drone.max_speed_mps + drone.max_wind_mps)
            assert volume.end_s - volume.start_s >= AHEAD_S
        assert last[0].end_s - first[0].end_s >= REDRAWN_S
        (held,) = district.airspace.intents
        assert held.off_nominal_volumes == last
        flying.place = HOME
        await asyncio.sleep(3.0)
        assert (flying.flight.off_nominal, district.airspace.intents[0].off_nominal_volumes) == ((), ())

    watched(tmp_path, body)


def test_where_a_silent_drone_may_be_grows_until_it_is_heard_and_it_is_not_waited_for(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.place = AROUND_HOME.latlon(0.0, 200.0)
        await asyncio.sleep(3.0)
        scene.autopilot.silent = True
        await asyncio.sleep(70.0)
        widths = [
            volume.outline.bounds[2] - volume.outline.bounds[0]
            for event in scene.happened(OffNominal)
            for volume in scene.district._absolute(event.volumes)
        ]
        assert len(widths) >= 6
        assert widths == sorted(widths)
        assert widths[-1] > 1.8 * widths[0]
        assert states(scene) == ["activated", "nonconforming", "contingent"]

    watched(tmp_path, body)


def test_how_a_flight_kept_to_its_airspace_is_counted(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        district = scene.district
        keeping = Keeping(district, flying.flight)
        assert keeping.kept() is None
        (x_m, y_m), volume = district.site.frame.xy(HOME), district.volumes_of(flying.flight)[0]
        middle_m, begins_s = (volume.floor_ellipsoidal_m + volume.ceiling_ellipsoidal_m) / 2, volume.start_s
        for after_s in range(1, 11):
            off_m = 500.0 if after_s in (4, 5) else 0.0
            await keeping.seen(x_m + off_m, y_m, middle_m, begins_s + after_s)
        kept = keeping.kept()
        assert kept is not None
        # outside counts from the last second inside until it is seen inside again
        assert (kept.excursions, kept.outside_s, kept.longest_s, kept.inside_share) == (1, 3.0, 3.0, round(6 / 9, 4))
        assert 400.0 < kept.farthest_m < 500.0

    watched(tmp_path, body)


def test_a_position_that_is_stale_says_nothing_about_conformance(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.silent_streams = frozenset({"position"})
        await asyncio.sleep(150.0)  # the climb's window is long over
        assert states(scene) == ["activated"]
        assert codes(scene) == ["stream.stale"]

    watched(tmp_path, body)


def photo(index: int, relative_m: float = 45.0) -> Any:
    lat, lon = round(HOME.lat_deg * 1e7), round(HOME.lon_deg * 1e7)
    return mavlink.MAVLink_camera_feedback_message(0, 1, 0, index, lat, lon, 153.0, relative_m, 0, 0, 0, 0, 0)


def noting_photos(scene: Scene, flight: FlightState) -> Coroutine[Any, Any, None]:
    return note_photos(scene.district, scene.link, flight)


def test_each_photo_counts_once_and_one_without_a_height_does_not_stop_the_flight(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        await scene.heard(*(photo(index) for index in (0, 0, 1, 0, 1, 2)), photo(3, float("nan")), photo(4))
        assert [event.index for event in scene.happened(PhotoTaken)] == [0, 1, 2, 4]
        assert scene.happened(PhotoTaken)[0].lat_deg == pytest.approx(HOME.lat_deg)
        assert flying.flight.photos == 4

    watched(tmp_path, body, noting_photos)


def test_after_a_restart_photos_go_on_counting_where_the_log_ended(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        await scene.heard(photo(0), photo(1))
        again = asyncio.create_task(noting_photos(scene, flying.flight))
        await asyncio.sleep(0.1)
        before = flying.flight.photos
        await scene.heard(photo(1))
        assert flying.flight.photos == before == 2
        again.cancel()

    watched(tmp_path, body, noting_photos)


def test_each_change_of_the_current_item_is_recorded(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        flying.silent_streams = frozenset({"mission"})
        await scene.heard(*(s.current_item(seq) for seq in (0, 1, 1, 2, 2, 5, 0, 5)))
        assert [event.seq for event in scene.happened(ItemStarted)] == [1, 2, 5]

    watched(tmp_path, body, lambda scene, flight: note_items(scene.district, scene.link, flight))


def test_what_the_autopilot_itself_calls_a_warning_is_an_alarm(tmp_path: Path) -> None:
    async def body(scene: Scene, flying: Flying) -> None:
        for severity, text in ((6, "Mission: 3 WP"), (4, "GPS glitch"), (2, "EKF variance"), (4, "GPS glitch")):
            scene.autopilot.statustext(text, severity)
        await scene.heard()
        assert codes(scene) == ["autopilot.says"] * 3
        assert [event.en.rpartition(": ")[2] for event in scene.happened(AlarmRaised)] == [
            "GPS glitch",
            "EKF variance",
            "GPS glitch",
        ]

    watched(tmp_path, body, lambda scene, flight: note_texts(scene.district, scene.link, flight))


def heard_at(east_m: float, transmitter: str, id_: str) -> Observation:
    """What a pole tells of a drone that hovers so far east of home, at our height."""
    spot = AROUND_HOME.latlon(east_m, 0.0)
    where = Identification(product_code=id_, position=spot, speed_mps=0.0, track_deg=0.0, horizontal_accuracy_m=3.0)
    frame = Heard(source=Source.GB46750, frame=encode_identification(where), age_s=0.0, transmitter=transmitter)
    return Observation(boot="b", after=0, seq=1, at_s=0.0, held_s=0.0, heard=(frame,))


def test_another_that_comes_near_is_told_with_its_place_and_its_error_once_in_a_while(tmp_path: Path) -> None:
    async def test(scene: Scene, flying: Flying) -> None:
        district = scene.district
        traffic = district.traffic = traffic_picture(district, district.clock)
        scene.autopilot.mode, scene.autopilot.armed = ARMED_AUTO, True

        def hear(observation: Observation) -> None:
            now_s = district.clock.monotonic_s()
            traffic.take([Said(PRIMARY, observation, b"", now_s)])

        for _ in range(20):
            hear(heard_at(100.0, "aa01", "UAS-NEAR"))
            hear(heard_at(900.0, "aa02", "UAS-FAR"))
            await asyncio.sleep(1.0)
        (near,) = scene.happened(TrafficNear)
        assert (near.track, near.source, near.flight) == ("UAS-NEAR", "gb46750", FLIGHT)
        assert near.distance_m == pytest.approx(97.0, abs=8.0)
        (alarm,) = [event for event in scene.happened(AlarmRaised) if event.code == "traffic.near"]
        assert "UAS-NEAR" in alarm.en
        for _ in range(15):
            hear(heard_at(100.0, "aa01", "UAS-NEAR"))
            await asyncio.sleep(1.0)
        assert len(scene.happened(TrafficNear)) == 2

    watched(tmp_path, test)
