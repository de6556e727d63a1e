from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from airspace.frames import LatLon, LocalFrame
from controller.config import LoadedSite, StatedWind
from controller.events import IntentAccepted, IntentChanged
from controller.flight.gates import GATES, Judged, Launch, Verdict, judge_all
from controller.flight.reservation import volumes_at
from poles.gateway.quality import Flag
from poles.protocol import Quality
from poles.services.cover import Cover
from tests.controller.flight import scene as s
from tests.controller.flight.scene import ALTERNATE, HOME, PRIMARY, START, Scene, Spoken, dock, in_scene, plan, wind

PASS, WAIT, FAIL = Verdict.PASS, Verdict.WAIT, Verdict.FAIL
FLIGHT = "f1"
LIMIT_MPS = 10.0
AROUND_HOME = LocalFrame(HOME)

Test = Callable[[Scene, Launch], Awaitable[None]]


def off_m(distance_m: float) -> LatLon:
    """A place so far east of home [m]."""
    return AROUND_HOME.latlon(distance_m, 0.0)


def ready_poles() -> dict[str, Spoken]:
    """The drone's own dock is open with it inside; the landing dock is closed and empty; calm air."""
    calm = wind(3.0, 4.0)
    return {
        START: Spoken(dock(drone_present=True, ready=False), weather=calm),
        PRIMARY: Spoken(dock(Cover.CLOSED), weather=calm),
        ALTERNATE: Spoken(dock(Cover.CLOSED)),
    }


async def healthy(scene: Scene) -> None:
    """Let the drone say that everything is well."""
    await scene.heard(s.home(), s.position(), s.fix(), s.battery(), s.system(), s.ekf(), s.landed())


def launching(
    folder: Path, test: Test, at: LoadedSite | None = None, *, with_poles: bool = True, **changes: Any
) -> None:
    """Run a test body with a reserved flight of a healthy drone among calm poles, where every gate passes."""

    async def body(scene: Scene) -> None:
        district = scene.district
        scene.poles.says = ready_poles()
        await healthy(scene)
        await scene.plan_made(FLIGHT)
        now_s = district.clock.utc_s()
        await district.record(IntentAccepted(flight=FLIGHT, priority=0, volumes=volumes_at(plan(), now_s)))
        launch = Launch(
            district=district,
            link=scene.link,
            plan=plan(),
            flight=FLIGHT,
            drone_type=district.site.drone_type(district.site.file.drones[0]),
            wind_limit_mps=LIMIT_MPS,
            wind_planned_mps=LIMIT_MPS,
            boots=0,
            start_dock=START,
            landing_dock=PRIMARY,
        )
        await test(scene, replace(launch, **changes))

    in_scene(folder, body, at, with_poles=with_poles)


def judged(launch: Launch, gate: str) -> Judged:
    """One gate's verdict, after looking at what every gate owes to people and to the log."""
    verdicts = judge_all(launch)
    assert list(verdicts) == [row.code for row in GATES]
    for code, verdict in verdicts.items():
        assert verdict.words.en != verdict.words.zh, code
        assert verdict.words.en, code
        assert verdict.evidence, code
        msgspec.json.encode(verdict.evidence)
    return verdicts[gate]


def test_every_gate_passes_for_a_healthy_drone_among_ready_poles(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        assert {code: judged(launch, code).verdict for code in judge_all(launch)} == dict.fromkeys(
            [gate.code for gate in GATES], PASS
        )

    launching(tmp_path, body)


STREAM_OF = {"link": 3.5, "home": 2.0, "fix": 3.0, "battery": 5.0, "autopilot": 4.0}


@pytest.mark.parametrize(("gate", "stale_after_s"), STREAM_OF.items())
def test_a_drone_stream_that_went_stale_makes_its_gate_wait(tmp_path: Path, gate: str, stale_after_s: float) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.autopilot.heartbeat()
        await healthy(scene)
        scene.autopilot.silent = True
        await asyncio.sleep(stale_after_s - 0.2)
        assert judged(launch, gate).verdict is PASS
        await asyncio.sleep(0.4)
        verdict = judged(launch, gate)
        assert verdict.verdict is WAIT
        assert verdict.evidence["age_s"] > stale_after_s
        assert "s old" in verdict.words.en

    launching(tmp_path, body)


def test_a_drone_that_has_said_nothing_yet_makes_its_gates_wait(tmp_path: Path) -> None:
    async def body(scene: Scene) -> None:
        await scene.plan_made(FLIGHT)
        drone_type = scene.district.site.drone_type(scene.district.site.file.drones[0])
        launch = Launch(scene.district, scene.link, plan(), FLIGHT, drone_type, LIMIT_MPS, LIMIT_MPS, 0, "", "")
        for gate in ("home", "fix", "battery", "autopilot"):
            assert judged(launch, gate).verdict is WAIT
            assert "never came" in judged(launch, gate).words.en
        await scene.heard(s.position())
        assert judged(launch, "home").verdict is WAIT
        assert "home" in judged(launch, "home").words.en

    in_scene(tmp_path, body)


@pytest.mark.parametrize(
    ("home_m", "here_m", "verdict"),
    [
        (0.0, 0.0, PASS),
        (0.0, 14.9, PASS),
        (0.0, 15.2, FAIL),
        (900.0, 0.0, PASS),  # a home of before; arming sets it anew
        (900.0, 900.0, FAIL),
    ],
)
def test_the_drone_must_stand_where_the_plan_starts(
    tmp_path: Path, home_m: float, here_m: float, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        await scene.heard(s.home(off_m(home_m)), s.position(off_m(here_m)))
        said = judged(launch, "home")
        assert said.verdict is verdict
        assert said.evidence["off_m"] == pytest.approx(here_m, abs=0.05)

    launching(tmp_path, body)


@pytest.mark.parametrize(
    ("high_m", "verdict"), [(0.0, PASS), (9.9, PASS), (-9.9, PASS), (10.1, FAIL), (-10.1, FAIL), (-100.0, FAIL)]
)
def test_the_drone_must_find_itself_at_the_height_of_the_ground(
    tmp_path: Path, high_m: float, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        await scene.heard(s.position(home_amsl_m=108.0 + high_m))
        said = judged(launch, "home")
        assert said.verdict is verdict
        assert said.evidence["above_ground_m"] == pytest.approx(high_m)

    launching(tmp_path, body)


@pytest.mark.parametrize(
    ("fix_type", "satellites", "verdict"), [(5, 8, PASS), (6, 8, PASS), (4, 20, WAIT), (6, 7, WAIT), (6, 255, WAIT)]
)
def test_a_fix_that_may_still_converge_is_waited_for(
    tmp_path: Path, fix_type: int, satellites: int, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        await scene.heard(s.fix(fix_type, satellites))
        said = judged(launch, "fix")
        assert (said.verdict, said.evidence["fix_type"]) == (verdict, fix_type)

    launching(tmp_path, body)


@pytest.mark.parametrize(
    ("remaining_pct", "planned_wh", "verdict"),
    [
        (60, 0.0, PASS),  # exactly what is asked for
        (59, 0.0, FAIL),
        (80, 0.5 * 266.0, PASS),  # exactly the reserve is left
        (80, 0.5 * 266.0 + 0.1, FAIL),
        (-1, 0.0, FAIL),  # it does not say
    ],
)
def test_the_battery_must_be_full_enough_now_and_after_the_flight(
    tmp_path: Path, remaining_pct: int, planned_wh: float, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        await scene.heard(s.battery(remaining_pct))
        assert judged(launch, "battery").verdict is verdict

    launching(tmp_path, body, plan=replace(plan(), energy_wh=planned_wh))


@pytest.mark.parametrize(("gust_mps", "verdict"), [(LIMIT_MPS, PASS), (LIMIT_MPS + 0.01, FAIL)])
def test_the_wind_gate_decides_by_the_worst_gust_and_names_its_pole(
    tmp_path: Path, gust_mps: float, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[PRIMARY].weather = wind(4.0, gust_mps)
        said = judged(launch, "wind")
        assert said.verdict is verdict
        assert PRIMARY in said.words.en
        assert PRIMARY in said.words.zh
        assert (said.evidence["pole"], said.evidence["poles"]) == (PRIMARY, [START, PRIMARY])

    launching(tmp_path, body)


def test_gusts_that_cannot_be_believed_hold_a_launch_which_calm_stations_would_clear(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[PRIMARY].weather = wind(4.0, LIMIT_MPS + 5.0)
        scene.poles.says[PRIMARY].weather_flags = {"wind_gust_mps": Flag.DISAGREES}
        assert judged(launch, "wind").verdict is FAIL
        scene.poles.says[START].weather = None
        assert judged(launch, "wind").verdict is WAIT

    launching(tmp_path, body)


def test_a_dock_whose_own_pole_doubts_it_lets_no_drone_out_or_in(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        for pole in (START, PRIMARY):
            scene.poles.says[pole].dock_quality = Quality.BAD
        for gate, verdict in (("start-dock", WAIT), ("landing-dock", FAIL)):
            assert judged(launch, gate).verdict is verdict
            assert "does not trust" in judged(launch, gate).words.en

    launching(tmp_path, body)


def test_a_pole_without_a_gust_counts_with_its_mean_wind(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[START].weather = wind(11.0, None)
        assert (judged(launch, "wind").verdict, judged(launch, "wind").evidence["gust_mps"]) == (FAIL, 11.0)

    launching(tmp_path, body)


def test_weather_that_went_stale_decides_nothing(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[PRIMARY] = Spoken(dock(Cover.CLOSED), weather=wind(20.0, 25.0), weather_age_s=20.1)
        assert judged(launch, "wind").evidence["poles"] == [START]
        scene.poles.says[START].weather_age_s = 21.0
        assert judged(launch, "wind").verdict is WAIT
        assert judged(launch, "wind").evidence["poles"] == []

    launching(tmp_path, body)


@pytest.mark.parametrize(("wind_mps", "verdict"), [(LIMIT_MPS, PASS), (10.1, FAIL), (None, FAIL)])
def test_without_poles_somebody_must_answer_for_the_wind(
    tmp_path: Path, wind_mps: float | None, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        said = judged(launch, "wind")
        assert said.verdict is verdict
        assert said.evidence.get("stated_by") == (None if wind_mps is None else "Li Wei")
        assert ("gates.stated_weather" in said.words.en) is (wind_mps is None)

    stated = None if wind_mps is None else StatedWind(wind_mps=wind_mps, stated_by="Li Wei")
    launching(tmp_path, body, s.site(stated_weather=stated), with_poles=False)


def test_a_stated_wind_is_no_excuse_for_poles_that_are_silent(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says = {}
        assert judged(launch, "wind").verdict is WAIT

    launching(tmp_path, body, s.site(stated_weather=StatedWind(wind_mps=1.0, stated_by="Li Wei")))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Spoken(dock(Cover.OPEN, drone_present=True)), PASS),
        (Spoken(dock(Cover.OPENING, drone_present=True)), WAIT),
        (Spoken(dock(Cover.CLOSED, drone_present=True)), WAIT),
        (Spoken(dock(Cover.STUCK, drone_present=True)), WAIT),
        (Spoken(dock(Cover.OPEN, drone_present=True), dock_age_s=20.1), WAIT),
        (Spoken(dock(Cover.OPEN)), WAIT),  # open, but the drone seems to be in another one
        (Spoken(), WAIT),
    ],
)
def test_the_dock_that_the_drone_stands_in_must_be_open(tmp_path: Path, said: Spoken, verdict: Verdict) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[START] = said
        assert judged(launch, "start-dock").verdict is verdict

    launching(tmp_path, body)


@pytest.mark.parametrize(
    ("planned_m", "here_m", "present", "verdict"),
    [
        (4.4, 4.4, True, WAIT),  # led astray from before planning until now
        (4.4, 0.0, True, WAIT),  # led astray while it was planned
        (40.0, 0.0, True, WAIT),
        (29.0, 29.0, True, WAIT),
        (31.0, 31.0, True, PASS),
        (4.4, 4.4, False, PASS),
    ],
)
def test_who_believes_to_stand_beside_a_dock_that_holds_a_drone_may_be_in_it(
    tmp_path: Path, planned_m: float, here_m: float, present: bool, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[START] = Spoken(dock(Cover.CLOSED, drone_present=present))
        await scene.heard(s.position(off_m(here_m)))
        home = off_m(planned_m)
        moved = replace(launch.plan, home=replace(launch.plan.home, lat_deg=home.lat_deg, lon_deg=home.lon_deg))
        said = judged(replace(launch, plan=moved, start_dock=""), "start-dock")
        assert said.verdict is verdict
        assert (START in said.words.en) is (verdict is WAIT)
        known = replace(launch, plan=moved, start_dock="", docks_of_others=frozenset({START}))
        assert judged(known, "start-dock").verdict is PASS

    launching(tmp_path, body)


@pytest.mark.parametrize(
    ("said", "verdict", "word"),
    [
        (Spoken(dock(Cover.CLOSED)), PASS, "free"),
        (Spoken(dock(Cover.CLOSED), dock_age_s=19.9), PASS, "free"),
        (Spoken(dock(Cover.CLOSED, drone_present=True)), FAIL, "another drone"),
        (Spoken(dock(Cover.STUCK, faults=("dock.cover.stuck",))), FAIL, "dock.cover.stuck"),
        (Spoken(dock(Cover.CLOSED), dock_age_s=20.1), WAIT, "not reported"),
        (Spoken(), WAIT, "not reported"),
    ],
)
def test_the_dock_to_land_on_must_be_free_and_whole(tmp_path: Path, said: Spoken, verdict: Verdict, word: str) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.poles.says[PRIMARY] = said
        assert judged(launch, "landing-dock").verdict is verdict
        assert word in judged(launch, "landing-dock").words.en

    launching(tmp_path, body)


def test_a_drone_may_return_to_its_own_dock_and_open_ground_needs_none(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        assert judged(replace(launch, landing_dock=START), "landing-dock").verdict is PASS
        assert judged(replace(launch, landing_dock=""), "landing-dock").verdict is PASS

    launching(tmp_path, body)


def test_a_landing_dock_without_poles_is_waited_for(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        assert judged(launch, "landing-dock").verdict is WAIT

    launching(tmp_path, body, with_poles=False)


@pytest.mark.parametrize(("person", "verdict"), [("Li Wei", PASS), ("", FAIL)])
def test_without_poles_somebody_must_answer_for_the_open_cover_over_the_drone(
    tmp_path: Path, person: str, verdict: Verdict
) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        said = judged(launch, "start-dock")
        assert said.verdict is verdict
        assert (person or "gates.stated_open_dock") in said.words.en
        assert judged(replace(launch, start_dock=""), "start-dock").verdict is PASS

    launching(tmp_path, body, s.site(stated_open_dock=person), with_poles=False)


def test_more_mean_wind_than_was_planned_for_is_refused_although_it_may_be_flown_in(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        planned = replace(launch, wind_planned_mps=3.5)
        assert judged(planned, "wind").verdict is PASS
        scene.poles.says[START].weather = wind(3.6, 4.0)
        assert judged(planned, "wind").verdict is FAIL
        assert "planned for 3.5 m/s" in judged(planned, "wind").words.en

    launching(tmp_path, body)


def test_airspace_must_be_reserved_and_free_of_others(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        district = scene.district
        assert judged(launch, "airspace").evidence == {"volumes": len(plan().volumes), "zones": 0, "conflicts": 0}
        await scene.plan_made("other")
        volumes = volumes_at(plan(), district.state.flights[FLIGHT].takeoff_s + 30)[:1]
        await district.record(IntentAccepted(flight="other", priority=0, volumes=volumes))
        said = judged(launch, "airspace")
        assert said.verdict is FAIL
        assert "other" in said.words.en
        await district.record(IntentChanged(flight="other", state="ended"))
        assert judged(launch, "airspace").verdict is PASS
        await district.record(IntentChanged(flight=FLIGHT, state="ended"))
        assert judged(launch, "airspace").verdict is FAIL
        assert judged(launch, "airspace").words.en == "no airspace is reserved"

    launching(tmp_path, body)


def test_only_a_disarmed_drone_on_the_ground_may_be_launched(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        for state in (0, 2, 3, 4):
            await scene.heard(s.landed(state))
            assert judged(launch, "autopilot").verdict is FAIL
        await scene.heard(s.landed(1))
        assert judged(launch, "autopilot").verdict is PASS
        scene.autopilot.armed = True
        scene.autopilot.heartbeat()
        await scene.heard()
        assert judged(launch, "autopilot").verdict is FAIL

    launching(tmp_path, body)


def test_an_autopilot_that_restarted_since_the_plan_was_made_may_not_be_launched(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        assert judged(replace(launch, boots=1), "autopilot").verdict is FAIL
        assert "restarted" in judged(replace(launch, boots=1), "autopilot").words.en

    launching(tmp_path, body)


def test_a_drone_that_does_not_know_its_place_yet_is_waited_for_whatever_its_last_status_said(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        await scene.heard(s.ekf(0xA7))
        assert judged(launch, "autopilot").verdict is WAIT

    launching(tmp_path, body)


def test_a_drone_that_cannot_arm_yet_is_waited_for_with_its_own_words(tmp_path: Path) -> None:
    async def body(scene: Scene, launch: Launch) -> None:
        scene.autopilot.statustext("PreArm: Compass not healthy")
        await scene.heard(s.system(prearm_ok=False))
        said = judged(launch, "autopilot")
        assert said.verdict is WAIT
        assert "PreArm: Compass not healthy" in said.words.en
        await scene.heard(s.system())
        scene.autopilot.mode = 0
        scene.autopilot.heartbeat()
        await scene.heard()
        assert (judged(launch, "autopilot").verdict, judged(launch, "autopilot").evidence["mode"]) == (
            WAIT,
            "STABILIZE",
        )

    launching(tmp_path, body)
