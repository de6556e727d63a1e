"""An ArduCopter as MAVLink shows it."""

from sim.drone.airframe import Airframe
from sim.drone.drone import SimDrone, Truth

__all__ = ["Airframe", "SimDrone", "Truth"]
