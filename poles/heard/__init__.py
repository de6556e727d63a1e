"""Heard drones: what broadcast identification and ADS-B say, decoded, and put together by transmitter."""

from __future__ import annotations

from poles.heard.drone import HeardDrone
from poles.heard.ears import Ears

__all__ = ["Ears", "HeardDrone"]
