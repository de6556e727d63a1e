"""The simulated hardware of each service: one line each."""

from __future__ import annotations

import random
from collections.abc import Callable

from sim.fittings.devices import (
    CameraFitting,
    ChargingPointFitting,
    DisplayFitting,
    LoudspeakerFitting,
    ReceiverFitting,
    SosFitting,
)
from sim.fittings.fitting import Fitting, Outside
from sim.fittings.sensors import (
    BridgeFitting,
    CellFitting,
    GasFitting,
    ManholeFitting,
    MeterFitting,
    TunnelFitting,
    WaterLevelFitting,
)

OF_THE_POLE = ("weather", "lamp", "dock", "base_station")  # which `sim.pole` makes itself
FITTINGS: dict[str, Callable[[Outside, random.Random], Fitting]] = {
    "receiver": ReceiverFitting,
    "camera": CameraFitting,
    "loudspeaker": LoudspeakerFitting,
    "display": DisplayFitting,
    "sos": SosFitting,
    "charging_point": ChargingPointFitting,
    "cell": CellFitting,
    "meter": MeterFitting,
    "gas": GasFitting,
    "water_level": WaterLevelFitting,
    "manhole": ManholeFitting,
    "bridge": BridgeFitting,
    "tunnel": TunnelFitting,
}
SIMULATED = (*OF_THE_POLE, *FITTINGS)
"""The services that a simulated pole can have."""
