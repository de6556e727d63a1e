"""Drivers of a Linux pole over files: numbers as sysfs gives them, and lamps of the kernel's LED class.

They are small and whole: a firmware team begins with them and writes its own where a pole's hardware speaks otherwise.
"""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Protocol

from poles.agent.pole_file import LampTable, Number, WeatherTable
from poles.services import Service
from poles.services.lamp import Lamp, LampMonitorReadings, Pattern
from poles.services.weather import Weather

SAMPLE_EVERY_S = 1.0  # WMO-No. 8 wants the wind several times in 3 s or at least each second
FLASH_S = 0.25  # on, and off: two flashes a second lead a drone to the pad


class Driver(Protocol):
    """What feeds a service, or does what it says."""

    @property
    def service(self) -> Service:
        """The service that the agent drives."""
        ...

    async def run(self) -> None:
        """Work until cancelled."""
        ...


def read_number(folder: Path, number: Number | None) -> float | None:
    """What the file says now, scaled; None when there is no file, or nothing in it that is a finite number."""
    if number is None:
        return None
    try:
        value = float((folder / number.file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    value = value * number.scale + number.offset
    return value if math.isfinite(value) else None


class WeatherFiles:
    """Feeds the weather service from files, once a second."""

    def __init__(self, table: WeatherTable, folder: Path) -> None:
        self.service = Weather(head_agl_m=table.head_agl_m)
        self._table = table
        self._folder = folder

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_EVERY_S)

    def sample(self) -> None:
        """Read all files once; a sensor that gives nothing leaves its quantity out."""
        table, folder = self._table, self._folder
        speed_mps, from_deg = read_number(folder, table.wind_mps), read_number(folder, table.wind_from_deg)
        if speed_mps is not None and from_deg is not None:
            toward = math.radians(from_deg + 180.0)
            self.service.sample_wind(speed_mps * math.sin(toward), speed_mps * math.cos(toward))
        self.service.observe(
            rain_mmph=read_number(folder, table.rain_mmph),
            visibility_m=read_number(folder, table.visibility_m),
            pressure_hpa=read_number(folder, table.pressure_hpa),
            temperature_c=read_number(folder, table.temperature_c),
        )


class LedLamp:
    """A lamp behind /sys/class/leds: `brightness` from 0 to what `max_brightness` says."""

    def __init__(self, table: LampTable, folder: Path) -> None:
        self._folder = folder / table.led
        self._level_pct = table.program_pct
        self._pattern = Pattern.STEADY
        self._shown: int | None = None
        self._changed = asyncio.Event()
        self.service = Lamp(self, program_pct=table.program_pct)

    def light(self, pattern: Pattern, level_pct: float) -> None:
        """Give this light from now on."""
        self._pattern, self._level_pct = pattern, level_pct
        self._changed.set()

    async def run(self) -> None:
        """Give the light that is wanted, until cancelled; tell the service whether the dimmer obeys."""
        while True:
            self._changed.clear()
            obeys = self._show(self._level_pct)
            self.service.observe(LampMonitorReadings(failed=not obeys, leaks=False))
            if self._pattern is Pattern.LANDING:
                await asyncio.sleep(FLASH_S)
                self._show(0.0)
                await asyncio.sleep(FLASH_S)
            else:
                await self._changed.wait()

    def _show(self, level_pct: float) -> bool:
        try:
            highest = int((self._folder / "max_brightness").read_text(encoding="ascii"))
            wanted = round(highest * level_pct / 100.0)
            if wanted != self._shown:
                (self._folder / "brightness").write_text(f"{wanted}\n", encoding="ascii")
                self._shown = wanted
        except (OSError, ValueError):
            self._shown = None
            return False
        return True
