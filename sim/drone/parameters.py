"""The parameter store and its MAVLink protocol, one reply for each request.

Listing is paced so that a slow link is not flooded; a value is cut to its type as the autopilot does (7.6 becomes 7
in an INT8).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.airframe import Airframe
from sim.drone.parameter_table import INT8, INT16, INT32, REAL32, TABLE
from sim.drone.uplink import Uplink

UNSOLICITED_INDEX = 65535
MOST_FLOAT32 = 3.4028234663852886e38
LISTED_PER_S = 1940.0  # 1358 parameters in 0.70 s
_RANGES = {INT8: (-128, 127), INT16: (-32768, 32767), INT32: (-(2**31), 2**31 - 1)}
DEFAULTS = {name: float(value) for name, _, value in TABLE}
_TYPES = {name: kind for name, kind, _ in TABLE}
_INDEX = {name: i for i, name in enumerate(DEFAULTS)}


def float32(value: float) -> float:
    """The nearest finite single-precision number."""
    return float(struct.unpack("<f", struct.pack("<f", min(max(value, -MOST_FLOAT32), MOST_FLOAT32)))[0])


class Parameters(dict[str, float]):
    """Every parameter by name, as the wire would carry it; `put` sets one. A dict, for it is asked all the time."""

    names = tuple(DEFAULTS)

    def __init__(self, airframe: Airframe, system_id: int, capacity_ah: float) -> None:
        super().__init__(DEFAULTS)
        self.revision = 0  # grows with each change
        self.changed: Callable[[str], None] = lambda name: None
        self.put("MAV_SYSID", system_id)
        self.put("BATT_CAPACITY", round(capacity_ah * 1000.0))
        self.put("WPNAV_SPEED_UP", airframe.climb_mps * 100.0)
        self.put("WPNAV_SPEED_DN", airframe.descent_mps * 100.0)
        self.put("WPNAV_ACCEL", airframe.acceleration_mps2 * 100.0)
        self.put("MOT_THST_HOVER", airframe.hover_throttle)

    def kind(self, name: str) -> int:
        """The MAV_PARAM_TYPE of a parameter."""
        return _TYPES[name]

    def index(self, name: str) -> int:
        """The place of a parameter in the list."""
        return _INDEX[name]

    def put(self, name: str, value: float) -> None:
        """Set a value, cut to the parameter's type, and say so when it changed."""
        kind = _TYPES[name]
        if kind == REAL32:
            stored = float32(value)
        else:
            low, high = _RANGES[kind]
            stored = float(min(max(int(value), low), high))
        if stored != self[name]:
            self[name] = stored
            self.revision += 1
            self.changed(name)


class ParameterService:
    """Answers PARAM_REQUEST_LIST, PARAM_REQUEST_READ and PARAM_SET on every link."""

    def __init__(self, parameters: Parameters, greeting: Callable[[Uplink], None]) -> None:
        self._parameters = parameters
        self._greeting = greeting
        self._listing: dict[Uplink, float] = {}

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it is about parameters."""
        match message.get_type():
            case "PARAM_REQUEST_LIST":
                self._greeting(uplink)
                self._listing[uplink] = 0.0
            case "PARAM_REQUEST_READ":
                self._read(uplink, message)
            case "PARAM_SET":
                self._set(uplink, message)
            case _:
                return False
        return True

    def value(self, name: str, index: int = UNSOLICITED_INDEX) -> Any:
        """The PARAM_VALUE message of a parameter."""
        store = self._parameters
        return mavlink.MAVLink_param_value_message(
            name.encode(), store[name], store.kind(name), len(store.names), index
        )

    @property
    def busy(self) -> bool:
        """Whether a list is being sent."""
        return bool(self._listing)

    def step(self, dt_s: float) -> None:
        """Send the part of each running list that is due."""
        names = self._parameters.names
        for uplink, place in list(self._listing.items()):
            reached = min(place + dt_s * LISTED_PER_S, float(len(names)))
            for index in range(int(place), int(reached)):
                uplink.send(self.value(names[index], index))
            if reached >= len(names) or uplink.closed:
                del self._listing[uplink]
            else:
                self._listing[uplink] = reached

    def _read(self, uplink: Uplink, message: Any) -> None:
        names = self._parameters.names
        if message.param_index >= 0:
            if message.param_index < len(names):
                uplink.send(self.value(names[message.param_index], message.param_index))
            else:
                self._error(uplink, message, "", message.param_index, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)
        elif message.param_id in self._parameters:
            uplink.send(self.value(message.param_id))
        else:
            self._error(uplink, message, message.param_id, -1, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)

    def _set(self, uplink: Uplink, message: Any) -> None:
        name, value = message.param_id, float(message.param_value)
        if name not in self._parameters:
            self._error(uplink, message, name, -1, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)
        elif not math.isfinite(value):
            self._error(uplink, message, name, -1, mavlink.MAV_PARAM_ERROR_VALUE_OUT_OF_RANGE)
        else:
            before = self._parameters[name]
            self._parameters.put(name, value)
            if self._parameters[name] == before:  # a change has been told to every link already
                uplink.send(self.value(name))

    @staticmethod
    def _error(uplink: Uplink, message: Any, name: str, index: int, error: int) -> None:
        uplink.send(
            mavlink.MAVLink_param_error_message(
                message.get_srcSystem(), message.get_srcComponent(), name.encode(), index, error
            )
        )
