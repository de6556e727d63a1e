"""Every real mission file of the shared data: what becomes of it, by reading the file; and some of them repaired."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airspace.frames import Ground, LatLon, LocalFrame
from airspace.model import Airspace
from airspace.reasons import Refused
from missions.foreign import plan_mission_file, read_mission_file
from missions.plan import Plan, Purpose
from missions.site import Limits, Site
from tests.missions.foreign_scenario import DRONE, HOME, TAKEOFF_S, read_well, real_files

FLOWN = "flown"
# file -> "flown", or the first reason's code and the item that it names (0 for the file)
EXPECTED: dict[str, str | tuple[str, int]] = {
    # ArduCopter
    "ArduCopter_Tests__AC_Avoidance_Fence__copter-avoidance-fence.txt": ("file.is-fence", 0),
    "ArduCopter_Tests__AUTO_LAND_TO_BRAKE__mission.txt": ("mission.drops", 8),
    "ArduCopter_Tests__BaroDrivers__copter_mission.txt": ("mission.height-zero", 2),
    "ArduCopter_Tests__FarOrigin__copter_mission.txt": ("mission.height-zero", 5),
    "ArduCopter_Tests__MAVLandedStateTakeoff__copter_mission.txt": ("mission.no-end", 1),
    "ArduCopter_Tests__Parachute__copter_parachute_mission.txt": ("mission.changes-safety", 2),
    "ArduCopter_Tests__TestGripperMission__copter-gripper-mission.txt": ("mission.drops", 2),
    "ArduCopter_Tests__Weathervane__weathervane_mission.txt": FLOWN,
    # ArduPlane
    "ArduPlane_Tests__AutoLandMode__autoland_mission.txt": ("mission.terrain-height", 2),
    "ArduPlane_Tests__BootInAUTO__mission.txt": ("mission.too-far", 2),
    "ArduPlane_Tests__DO_CHANGE_SPEED__mission.txt": ("mission.too-fast", 4),
    "ArduPlane_Tests__DeepStall__plane-deepstall-mission.txt": ("mission.other-airframe", 3),
    "ArduPlane_Tests__DeepStall__plane-deepstall-relative-mission.txt": ("mission.other-airframe", 3),
    "ArduPlane_Tests__FenceRTL__CMAC-fence.txt": ("file.is-fence", 0),
    "ArduPlane_Tests__GCSFailsafe__plane-parachute-mission.txt": ("mission.changes-safety", 3),
    "ArduPlane_Tests__GUIDEDToAUTO__mission.txt": ("mission.other-airframe", 1),
    "ArduPlane_Tests__GliderPullup__glider-pullup-mission.txt": ("mission.other-airframe", 1),
    "ArduPlane_Tests__GyroFFT__quadplane-gyro-mission.txt": ("mission.other-airframe", 1),
    "ArduPlane_Tests__ICEngineMission__mission.txt": ("mission.other-airframe", 1),
    "ArduPlane_Tests__MAV_CMD_DO_GO_AROUND__mission.txt": ("mission.other-airframe", 4),
    "ArduPlane_Tests__MAV_CMD_NAV_LOITER_TO_ALT__mission.txt": ("mission.other-airframe", 1),
    "ArduPlane_Tests__Mission__CMAC-soar.txt": ("mission.too-high", 2),
    "ArduPlane_Tests__Mission__Dalby-OBC2016-fence.txt": ("file.is-fence", 0),
    "ArduPlane_Tests__RangeFinder__plane-gripper-mission.txt": ("mission.drops", 3),
    "ArduPlane_Tests__VTOLLandSpiral__mission.txt": ("mission.other-airframe", 1),
    # ArduRover
    "ArduRover_Tests__AC_Avoidance__rover-fence-ac-avoid.txt": ("file.is-fence", 0),
    "ArduRover_Tests__CameraMission__rover-camera-mission.txt": ("mission.height-zero", 2),
    "ArduRover_Tests__EndMissionBehavior__end-mission.txt": ("mission.no-position", 1),
    "ArduRover_Tests__GCSMission__rover-gripper-mission.txt": ("mission.height-zero", 1),
    "ArduRover_Tests__GripperMission__rover-gripper-mission.txt": ("mission.height-zero", 1),
    "ArduRover_Tests__Offboard__rover-guided-mission.txt": ("mission.height-zero", 1),
    "ArduRover_Tests__PolyFenceObjectAvoidanceAuto__rover-path-planning-fence.txt": ("file.is-fence", 0),
    "ArduRover_Tests__PolyFenceObjectAvoidanceAuto__rover-path-planning-mission.txt": ("mission.no-takeoff", 1),
    "ArduRover_Tests__PolyFenceObjectAvoidanceBendyRulerEasierAuto__rover-path-bendyruler-mission-easier.txt": (
        "mission.no-takeoff",
        1,
    ),
    "ArduRover_Tests__PolyFenceObjectAvoidanceBendyRuler__rover-path-bendyruler-fence.txt": ("file.is-fence", 0),
    "ArduRover_Tests__Rally__rover-test-rally.txt": ("file.is-rally", 0),
    "ArduRover_Tests__Sprayer__sprayer-mission.txt": ("mission.drops", 2),
    # ArduSub
    "ArduSub_Tests__DiveMission__sub_mission.txt": ("mission.too-far", 1),
    "ArduSub_Tests__GripperMission__sub-gripper-mission.txt": ("wpl.row-order", 0),
    "ArduSub_Tests__SimTerrainMission__terrain_mission.txt": ("mission.terrain-height", 1),
    "ArduSub_Tests__TerrainMission__terrain_mission.txt": ("mission.below-ground", 1),
    # any vehicle
    "Generic_Missions__CMAC-VTOL-ccw.txt": ("mission.other-airframe", 1),
    "Generic_Missions__CMAC-bigloop.txt": ("mission.never-ends", 5),
    "Generic_Missions__CMAC-circuit.txt": ("mission.never-ends", 6),
    "Generic_Missions__CMAC-copter-circuit.txt": ("mission.never-ends", 6),
    "Generic_Missions__CMAC-loiter-to-alt.txt": ("mission.too-high", 2),
    "Generic_Missions__CMAC-toff-loop.txt": ("mission.never-ends", 6),
    "Generic_Missions__QuadPlaneDalbyRTL.txt": ("mission.other-airframe", 1),
    "Generic_Missions__Rabi-boat-circuit.txt": ("mission.terrain-height", 1),
    "Generic_Missions__Rabi-circuit.txt": ("mission.too-high", 1),
    "Generic_Missions__flaps.txt": ("mission.other-airframe", 7),
    "locations.txt": ("file.unknown-format", 0),
    # heights of 100 m above sea level where home lies at 584 m
    "mpmission.txt": ("mission.below-ground", 1),
    "fence.txt": ("file.is-fence", 0),
    "rally.txt": ("file.is-rally", 0),
    # QGroundControl
    "qgroundcontrol_sample.plan": FLOWN,
    "qgroundcontrol_sample_with_digicam_control.plan": ("mission.nothing-flown", 0),
    "qgroundcontrol_sample_with_structured_scan.plan": ("qgc-plan.complex-item", 0),
    "qgroundcontrol_sample_with_survey.plan": ("mission.no-takeoff", 2),
    "qgroundcontrol_sample_without_mission.plan": ("mission.empty", 0),
}


def plan_where_it_is(data: bytes, name: str) -> Plan:
    """The plan of a file on level ground at the height of its own home."""
    file = read_mission_file(data, name)
    home = LatLon(file.home.lat_deg, file.home.lon_deg) if file.home else HOME
    amsl_m = file.home.amsl_m if file.home and file.home.amsl_m is not None else 100.0
    ground = Ground(amsl_m, geoid_m=0.0)
    return plan_mission_file(
        file,
        site=Site("there", ground, docks=(), open_ground=(), limits=Limits(max_agl_m=120.0)),
        airspace=Airspace(LocalFrame(home), ground),
        drone=DRONE,
        home=home,
        home_amsl_m=amsl_m,
        takeoff_s=TAKEOFF_S,
    )


def real(name: str) -> str:
    path = next((p for p in real_files() if p.name == name), None)
    if path is None:
        pytest.skip("needs the shared data")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", real_files(), ids=lambda p: p.name)
def test_a_real_file_is_flown_or_refused_for_the_right_reason(path: Path) -> None:
    expected = EXPECTED[path.name]
    if expected == FLOWN:
        made = plan_where_it_is(path.read_bytes(), path.name)
        assert made.legs[-1].purpose is Purpose.LANDING
        return
    with pytest.raises(Refused) as caught:
        plan_where_it_is(path.read_bytes(), path.name)
    first = read_well(caught.value)[0]
    assert (first.rule.code, first.facts.get("seq", 0)) == expected
    assert path.name in first.where


def test_the_weathervane_mission_stays_20_s_at_its_waypoint() -> None:
    name = "ArduCopter_Tests__Weathervane__weathervane_mission.txt"
    made = plan_where_it_is(real(name).encode(), name)
    assert [(leg.seq, str(leg.purpose)) for leg in made.legs] == [
        (1, "climb"),
        (2, "transit"),
        (3, "hold"),
        (4, "approach"),
        (4, "hold"),
        (4, "landing"),
    ]
    assert made.legs[2].end_s - made.legs[2].start_s == pytest.approx(20.0, abs=0.002)


def test_the_copter_circuit_is_flown_once_its_jump_ends_and_it_returns() -> None:
    text = real("Generic_Missions__CMAC-copter-circuit.txt").replace("2.000000\t-1.000000", "2.000000\t2.000000")
    made = plan_where_it_is((text.rstrip() + "\n7 0 3 20 0 0 0 0 0 0 0 1\n").encode(), "circuit.txt")
    assert [leg.seq for leg in made.legs if leg.purpose is Purpose.TRANSIT] == [2, 3, 4, 5] * 3


def test_the_standard_copter_mission_is_flown_once_its_heights_are_written() -> None:
    text = real("ArduCopter_Tests__FarOrigin__copter_mission.txt")
    lines = [line for line in text.splitlines() if not line.startswith("11\t")]
    text = "\n".join(lines).replace("149.163501\t0.000000", "149.163501\t20.000000").replace("\n12\t", "\n11\t")
    made = plan_where_it_is(text.encode(), "standard.txt")
    assert made.max_relative_m == 40.0
    # the second time around, items 8 and 9 only
    assert [leg.seq for leg in made.legs if leg.purpose is Purpose.TRANSIT] == [2, 5, 6, 7, 8, 9, 8, 9]


def test_the_survey_is_flown_once_it_takes_off_and_returns() -> None:
    document = json.loads(real("qgroundcontrol_sample_with_survey.plan"))
    items = document["mission"]["items"]
    simple = {"type": "SimpleItem", "autoContinue": True, "params": [0, 0, 0, None, None, None, 50]}
    items.insert(0, simple | {"command": 22, "frame": 3})
    items.append(simple | {"command": 20, "frame": 2})
    made = plan_where_it_is(json.dumps(document).encode(), "survey.plan")
    surveyed = [leg for leg in made.legs if leg.purpose is Purpose.SURVEY]
    assert len(surveyed) == 7
    assert made.photos_planned >= 6
    assert made.cruise_mps == 5.0
