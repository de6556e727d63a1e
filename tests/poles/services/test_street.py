"""What people meet at a pole: camera, loudspeaker, display, SOS button and charging point."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airspace.reasons import Refused
from poles.services.camera import Camera, CameraReadings, LookAt
from poles.services.charging_point import ChargingPoint, ChargingPointSettings, Vehicle
from poles.services.display import Display, DisplaySettings, PositionedText, Show
from poles.services.loudspeaker import Loudspeaker, LoudspeakerSettings, Play, Say
from poles.services.service import NoParameters
from poles.services.sos import Sos
from tests.poles.services.test_lifeline import codes, of
from tests.poles.test_services import Notes, timed

NOTHING = NoParameters()


async def done(ending: Any) -> None:
    if ending is not None:
        await ending


# -- camera


class Lens:
    def __init__(self) -> None:
        self.looked: list[str] = []

    async def look(self, preset: str) -> None:
        await asyncio.sleep(3.0)
        self.looked.append(preset)

    async def snapshot(self) -> str:
        return f"https://camera.invalid/{len(self.looked)}.jpg"


@timed
async def test_a_camera_looks_where_it_is_told_and_says_where_its_picture_is() -> None:
    lens = Lens()
    camera = Camera(lens, ("pad", "road"))
    notes = Notes(camera)
    turning = asyncio.ensure_future(done(camera.begin("Camera", "look", LookAt(preset="pad"))))
    await asyncio.sleep(1.0)
    assert of(camera, "Camera", "preset") == ""
    await turning
    await done(camera.begin("Camera", "snapshot", NOTHING))
    assert camera.readings("Camera") == CameraReadings(
        presets=("pad", "road"), preset="pad", snapshot_url="https://camera.invalid/1.jpg"
    )
    assert len(notes.changes) == 3
    with pytest.raises(Refused, match="It has: pad, road"):
        camera.begin("Camera", "look", LookAt(preset="sky"))


@timed
async def test_a_blind_camera_is_told() -> None:
    camera = Camera(Lens(), ())
    notes = Notes(camera)
    for blind in (True, True, False):
        camera.see(blind=blind)
    assert codes(notes) == ["+camera.blind", "-camera.blind"]


# -- loudspeaker


class Speaker:
    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    async def say(self, text: str, language: str, volume_pct: float) -> None:
        await asyncio.sleep(4.0)
        self.heard.append((f"{language}: {text}", volume_pct))

    async def play(self, clip: str, volume_pct: float) -> None:
        await asyncio.sleep(2.0)
        self.heard.append((clip, volume_pct))


@timed
async def test_an_announcement_is_repeated_and_ends_by_itself() -> None:
    speaker = Speaker()
    loud = Loudspeaker(speaker)
    notes = Notes(loud)
    loud.apply("Loudspeaker", LoudspeakerSettings(volume_pct=30.0))
    saying = asyncio.ensure_future(done(loud.begin("Loudspeaker", "say", Say(text="请让开", times=2))))
    await asyncio.sleep(1.0)
    assert of(loud, "Loudspeaker", "announcing")
    await saying
    assert speaker.heard == [("zh: 请让开", 30.0)] * 2
    assert notes.progressed == [0.0, 0.5]
    assert (of(loud, "Loudspeaker", "announcing"), of(loud, "Loudspeaker", "volume_pct")) == (False, 30.0)


@timed
async def test_the_next_announcement_cuts_the_one_before_short_and_stop_ends_it() -> None:
    speaker = Speaker()
    loud = Loudspeaker(speaker)
    first = asyncio.ensure_future(done(loud.begin("Loudspeaker", "say", Say(text="one"))))
    await asyncio.sleep(1.0)
    second = asyncio.ensure_future(done(loud.begin("Loudspeaker", "play", Play(clip="siren", times=20))))
    with pytest.raises(Refused, match=r"loudspeaker\.cut-short"):
        await first
    await asyncio.sleep(5.0)
    assert of(loud, "Loudspeaker", "announcing")
    assert loud.begin("Loudspeaker", "stop", NOTHING) is None
    with pytest.raises(Refused, match=r"loudspeaker\.cut-short"):
        await second
    assert not of(loud, "Loudspeaker", "announcing")
    assert speaker.heard == [("siren", 60.0)] * 2


@timed
async def test_an_announcement_whose_order_is_forgotten_falls_silent() -> None:
    speaker = Speaker()
    loud = Loudspeaker(speaker)
    order = asyncio.ensure_future(done(loud.begin("Loudspeaker", "play", Play(clip="siren", times=20))))
    await asyncio.sleep(5.0)
    order.cancel()
    await asyncio.wait([order])
    await asyncio.sleep(60.0)
    assert len(speaker.heard) == 2
    assert not of(loud, "Loudspeaker", "announcing")


@timed
async def test_a_broken_loudspeaker_is_told() -> None:
    loud = Loudspeaker(Speaker())
    notes = Notes(loud)
    loud.test(failed=True)
    assert of(loud, "Loudspeaker", "failed")
    loud.test(failed=False)
    assert codes(notes) == ["+loudspeaker.failed", "-loudspeaker.failed"]


# -- display


class Panel:
    def __init__(self) -> None:
        self.shown: list[tuple[str, float]] = []

    def show(self, state: PositionedText, level_pct: float) -> None:
        self.shown.append((state.text, level_pct))


def test_the_last_text_wins_and_an_empty_order_returns_to_the_program() -> None:
    panel = Panel()
    display = Display(panel)
    display.apply("TextDisplayActuator", DisplaySettings(state=PositionedText(text="郑州"), level_pct=50.0))
    for text in ("one", "two"):
        display.begin("TextDisplayActuator", "override", Show(state=PositionedText(text=text)))
    assert (of(display, "TextDisplayActuator", "overridden"), of(display, "TextDisplayActuator", "level_pct")) == (
        True,
        50.0,
    )
    display.begin("TextDisplayActuator", "override", Show())
    assert [text for text, _ in panel.shown] == ["", "郑州", "one", "two", "郑州"]
    assert not of(display, "TextDisplayActuator", "overridden")


def test_an_empty_text_is_a_dark_display_and_no_return_to_the_program() -> None:
    display = Display(Panel())
    display.apply("TextDisplayActuator", DisplaySettings(state=PositionedText(text="program")))
    display.begin("TextDisplayActuator", "override", Show(state=PositionedText()))
    assert of(display, "TextDisplayActuator", "state") == PositionedText()


def test_a_broken_display_is_told() -> None:
    display = Display(Panel())
    notes = Notes(display)
    display.check(failed=True)
    display.begin("TextDisplayActuator", "override", Show(state=PositionedText(text="x")))
    assert of(display, "TextDisplayActuator", "failed")
    assert codes(notes) == ["+display.failed"]


# -- SOS


class Button:
    def __init__(self) -> None:
        self.shown: list[tuple[bool, bool]] = []

    def show(self, *, calling: bool, answered: bool) -> None:
        self.shown.append((calling, answered))


@timed
async def test_a_call_lasts_until_an_operator_ends_it() -> None:
    button = Button()
    sos = Sos(button)
    notes = Notes(sos)
    for _ in range(3):
        sos.press()
        await asyncio.sleep(0.5)
        sos.release()
    assert codes(notes) == ["+sos.called"]
    assert of(sos, "EmergencyCall", "presses") == 3
    sos.begin("EmergencyCall", "answer", NOTHING)
    assert button.shown[-1] == (True, True)
    sos.begin("EmergencyCall", "end", NOTHING)
    assert button.shown[-1] == (False, False)
    assert codes(notes) == ["+sos.called", "-sos.called"]
    with pytest.raises(Refused, match=r"sos\.no-call"):
        sos.begin("EmergencyCall", "end", NOTHING)
    with pytest.raises(Refused, match=r"pole\.action\.unknown"):
        sos.begin("EmergencyCall", "shout", NOTHING)


@timed
async def test_a_button_that_stays_down_is_told() -> None:
    sos = Sos(Button())
    notes = Notes(sos)
    sos.press()
    await asyncio.sleep(119.0)
    assert codes(notes) == ["+sos.called"]
    await asyncio.sleep(2.0)
    sos.release()
    assert codes(notes) == ["+sos.called", "+sos.stuck", "-sos.stuck"]


# -- charging point


class Contactor:
    def __init__(self) -> None:
        self.offered: list[float] = []

    def offer(self, current_a: float) -> None:
        self.offered.append(current_a)


@timed
def test_a_charging_point_offers_what_it_may() -> None:
    contactor = Contactor()
    point = ChargingPoint(contactor)
    point.observe(Vehicle.CHARGING, power_kw=3.4)
    point.apply("ChargingPoint", ChargingPointSettings(most_a=10.0))
    point.begin("ChargingPoint", "disable", NOTHING)
    point.begin("ChargingPoint", "enable", NOTHING)
    assert [a for n, a in enumerate(contactor.offered) if n == 0 or a != contactor.offered[n - 1]] == [
        16.0,
        10.0,
        0.0,
        10.0,
    ]
    with pytest.raises(Refused, match=r"pole\.action\.unknown"):
        point.begin("ChargingPoint", "fly", NOTHING)


@timed
def test_residual_current_keeps_the_point_off_until_somebody_enables_it() -> None:
    contactor = Contactor()
    point = ChargingPoint(contactor)
    notes = Notes(point)
    point.observe(Vehicle.CHARGING, residual=True)
    assert contactor.offered[-1] == 0.0
    with pytest.raises(Refused, match=r"charging-point\.broken"):
        point.begin("ChargingPoint", "enable", NOTHING)
    point.observe(Vehicle.CONNECTED)
    assert contactor.offered[-1] == 0.0
    point.begin("ChargingPoint", "enable", NOTHING)
    assert contactor.offered[-1] == 16.0
    assert codes(notes) == ["+charging-point.residual-current", "-charging-point.residual-current"]


@pytest.mark.parametrize("state", Vehicle)
@timed
def test_states_e_and_f_are_faults(state: Vehicle) -> None:
    point = ChargingPoint(Contactor())
    notes = Notes(point)
    point.observe(state)
    assert codes(notes) == (["+charging-point.fault"] if state.value in "EF" else [])
