"""What hangs on simulated poles beside docks, lamps and weather stations: sensors and devices, by service."""

from __future__ import annotations

from sim.fittings.fitting import Fitting, Outside
from sim.fittings.makers import FITTINGS, SIMULATED

__all__ = ["FITTINGS", "SIMULATED", "Fitting", "Outside"]
