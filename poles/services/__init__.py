"""The registry of services: one file and one line each."""

from __future__ import annotations

from poles.services import base_station, dock, lamp, weather
from poles.services.service import Service, ServiceSpec

SERVICES: dict[str, ServiceSpec] = {
    weather.NAME: weather.SPEC,
    lamp.NAME: lamp.SPEC,
    dock.NAME: dock.SPEC,
    base_station.NAME: base_station.SPEC,
}

__all__ = ["SERVICES", "Service", "ServiceSpec"]
