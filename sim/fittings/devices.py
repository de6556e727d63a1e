"""Simulated devices that people meet at a pole: each does what it is told, in its time, and can be looked at."""

from __future__ import annotations

import asyncio
import random

from poles.services.camera import Camera
from poles.services.charging_point import ChargingPoint, Vehicle
from poles.services.display import Display, PositionedText
from poles.services.loudspeaker import Loudspeaker
from poles.services.receiver import TOGETHER_S, Receiver
from poles.services.sos import Sos
from sim.fittings.fitting import Outside

PRESETS = ("pad", "road", "sky")
TURNING_S = 3.0
LETTERS_PER_S = 4.0
CLIP_S = 5.0
FULL_AFTER_KWH = 30.0
VOLTS = 220.0


class CameraFitting:
    """A camera that turns, and whose pictures are numbered."""

    every_s = 60.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.looks_at = ""
        self.pictures = 0
        self.service = Camera(self, PRESETS)

    async def look(self, preset: str) -> None:
        """Turn to a preset."""
        await asyncio.sleep(TURNING_S)
        self.looks_at = preset

    async def snapshot(self) -> str:
        """Take a picture."""
        self.pictures += 1
        return f"https://camera.invalid/{self.pictures}.jpg"

    def cover(self, *, blind: bool) -> None:
        """Something hangs before the lens, or no longer."""
        self.service.see(blind=blind)

    def sample(self, now_s: float) -> None:
        """There is nothing to measure."""


class LoudspeakerFitting:
    """A loudspeaker that takes its time to speak, and remembers what was heard."""

    every_s = 60.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.heard: list[str] = []
        self.service = Loudspeaker(self)

    async def say(self, text: str, language: str, volume_pct: float) -> None:
        """Speak a text."""
        await asyncio.sleep(len(text) / LETTERS_PER_S)
        self.heard.append(text)

    async def play(self, clip: str, volume_pct: float) -> None:
        """Play a clip."""
        await asyncio.sleep(CLIP_S)
        self.heard.append(clip)

    def sample(self, now_s: float) -> None:
        """There is nothing to measure."""


class DisplayFitting:
    """A display that can be read."""

    every_s = 60.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.shown = PositionedText()
        self.service = Display(self)

    def show(self, state: PositionedText, level_pct: float) -> None:
        """Show this from now on."""
        self.shown = state

    def sample(self, now_s: float) -> None:
        """There is nothing to measure."""


class SosFitting:
    """An SOS button that somebody may press."""

    every_s = 60.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.lit = (False, False)
        self.service = Sos(self)

    def show(self, *, calling: bool, answered: bool) -> None:
        """Light the button."""
        self.lit = calling, answered

    def press(self) -> None:
        """Somebody presses the button and lets it go."""
        self.service.press()
        self.service.release()

    def sample(self, now_s: float) -> None:
        """There is nothing to measure."""


class ChargingPointFitting:
    """A charging point that vehicles come to."""

    every_s = 10.0

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.offered_a = 0.0
        self._outside = outside
        self._plugged = False
        self._session_kwh = self._total_kwh = 0.0
        self.service = ChargingPoint(self)

    @property
    def power_kw(self) -> float:
        """What the vehicle takes now."""
        wants = self._plugged and self._session_kwh < FULL_AFTER_KWH and self._outside.has_mains()
        return self.offered_a * VOLTS / 1000.0 if wants else 0.0

    def offer(self, current_a: float) -> None:
        """Let vehicles take so much."""
        self.offered_a = current_a

    def plug_in(self) -> None:
        """A vehicle with an empty battery comes."""
        self._plugged, self._session_kwh = True, 0.0
        self._tell()

    def leave(self) -> None:
        """The vehicle goes."""
        self._plugged = False
        self._tell()

    def leak(self) -> None:
        """The vehicle leaks current to earth."""
        self._tell(residual=True)

    def sample(self, now_s: float) -> None:
        """Let current flow and tell how much."""
        energy_kwh = self.power_kw * self.every_s / 3600.0
        self._session_kwh += energy_kwh
        self._total_kwh += energy_kwh
        self._tell()

    def _tell(self, *, residual: bool = False) -> None:
        state = Vehicle.ABSENT
        if self._plugged:
            state = Vehicle.CHARGING if self.power_kw > 0.0 else Vehicle.CONNECTED
        self.service.observe(
            state,
            power_kw=round(self.power_kw, 3),
            session_kwh=round(self._session_kwh, 3),
            total_kwh=round(self._total_kwh, 3),
            residual=residual,
        )


class ReceiverFitting:
    """A receiver; the city lets it hear what is in the air around it."""

    every_s = TOGETHER_S

    def __init__(self, outside: Outside, rng: random.Random) -> None:
        self.service = Receiver()

    def sample(self, now_s: float) -> None:
        """Tell what was heard in the last second."""
        self.service.tell()
