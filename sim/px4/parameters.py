"""PX4's parameters and their protocol: values bytewise, every answer with its place in the list, a hash of all.

An INT32 travels as its four bytes in the float field (MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE). A list begins
with `_HASH_CHECK`, by which a ground station finds that its copy is still good, and ends at once when the ground
station sets `_HASH_CHECK` (mavlink_parameters.cpp). PX4 1.13 answers a name that it does not have with a status text.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.parameters import float32
from sim.drone.uplink import Uplink
from sim.px4.parameter_table import DRIVES, INT32, TABLE

ASKING = frozenset({"PARAM_REQUEST_LIST", "PARAM_REQUEST_READ", "PARAM_SET"})
HASH = "_HASH_CHECK"
NO_INDEX = 65535
LISTED_PER_S = 500.0  # five at each turn of a 100 Hz loop, over UDP
INT_RANGE = (-(2**31), 2**31 - 1)


class Px4Parameters:
    """Every parameter by name, and what they do to the vehicle's own settings."""

    def __init__(self, autopilot: Autopilot, system_id: int) -> None:
        self._autopilot = autopilot
        self._types = {name: kind for name, kind, _ in TABLE}
        self._values = {name: float32(value) for name, _, value in TABLE}
        self._values["MAV_SYS_ID"] = float(system_id)
        self.names = tuple(sorted(self._values))
        self._index = {name: place for place, name in enumerate(self.names)}
        for name in DRIVES:
            self._drive(name)
        self._drive("RTL_CONE_ANG")

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def kind(self, name: str) -> int:
        """The MAV_PARAM_TYPE of a parameter."""
        return self._types[name]

    def index(self, name: str) -> int:
        """The place of a parameter in the list."""
        return self._index[name]

    def put(self, name: str, value: float) -> None:
        """Set a value, cut to the parameter's type; the vehicle flies by it at once."""
        whole = self._types[name] == INT32
        self._values[name] = float(min(max(int(value), INT_RANGE[0]), INT_RANGE[1])) if whole else float32(value)
        if name in DRIVES or name in ("RTL_CONE_ANG", "RTL_DESCEND_ALT"):
            self._drive(name)

    def raw(self, name: str) -> bytes:
        """The four bytes of a value."""
        if self._types[name] == INT32:
            return struct.pack("<i", int(self._values[name]))
        return struct.pack("<f", self._values[name])

    @property
    def hash(self) -> int:
        """A CRC-32 over names and values in order, as `param_hash_check` forms it: no inversion before or after."""
        value = 0xFFFFFFFF
        for name in self.names:
            value = zlib.crc32(self.raw(name), zlib.crc32(name.encode(), value))
        return value ^ 0xFFFFFFFF

    def _drive(self, name: str) -> None:
        settings = self._autopilot.parameters
        if name in DRIVES:
            setting, unit = DRIVES[name]
            settings.put(setting, max(self._values[name], 0.0) * unit)
        if name == "RTL_CONE_ANG":
            half = self._values[name]
            settings.put("RTL_CONE_SLOPE", 1.0 / math.tan(math.radians(half)) if 0.0 < half < 90.0 else 0.0)
        if name in ("RTL_LAND_DELAY", "RTL_DESCEND_ALT"):
            # a delay of -1 means: do not land, wait there
            waits = self._values["RTL_LAND_DELAY"] < 0.0
            settings.put("RTL_ALT_FINAL", self._values["RTL_DESCEND_ALT"] * 100.0 if waits else 0.0)
        self._autopilot.settings_changed(DRIVES[name][0] if name in DRIVES else name)


class Px4ParameterService:
    """Answers PARAM_REQUEST_LIST, PARAM_REQUEST_READ and PARAM_SET on every link."""

    def __init__(self, parameters: Px4Parameters, say: Callable[[int, str], None]) -> None:
        self._parameters = parameters
        self._say = say
        self._listing: dict[Uplink, float] = {}

    @property
    def busy(self) -> bool:
        """Whether a list is being sent."""
        return bool(self._listing)

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it is about parameters; what is for system 0 or another component is not heard."""
        if not message.get_type().startswith("PARAM_"):
            return False
        if message.get_type() in ASKING and (message.target_system == 0 or message.target_component not in (0, 1)):
            return True
        match message.get_type():
            case "PARAM_REQUEST_LIST":
                if uplink not in self._listing:  # one who asks again wants no second hash
                    uplink.send(self._hash())
                self._listing[uplink] = 0.0
            case "PARAM_REQUEST_READ":
                self._read(uplink, message)
            case "PARAM_SET":
                self._set(uplink, message)
            case _:
                return False
        return True

    def step(self, dt_s: float) -> None:
        """Send the part of each running list that is due."""
        names = self._parameters.names
        for uplink, place in list(self._listing.items()):
            reached = min(place + dt_s * LISTED_PER_S, float(len(names)))
            for name in names[int(place) : int(reached)]:
                uplink.send(self.value(name))
            if reached >= len(names) or uplink.closed:
                del self._listing[uplink]
            else:
                self._listing[uplink] = reached

    def value(self, name: str) -> Any:
        """The PARAM_VALUE message of a parameter."""
        store = self._parameters
        number = struct.unpack("<f", store.raw(name))[0]
        return mavlink.MAVLink_param_value_message(
            name.encode(), number, store.kind(name), len(store.names), store.index(name)
        )

    def _hash(self) -> Any:
        number = struct.unpack("<f", struct.pack("<I", self._parameters.hash))[0]
        kind, count = mavlink.MAV_PARAM_TYPE_UINT32, len(self._parameters.names)
        return mavlink.MAVLink_param_value_message(HASH.encode(), number, kind, count, NO_INDEX)

    def _read(self, uplink: Uplink, message: Any) -> None:
        names = self._parameters.names
        if message.param_index >= 0:
            if message.param_index < len(names):
                uplink.send(self.value(names[message.param_index]))
            else:
                self._say(mavlink.MAV_SEVERITY_INFO, f"[pm] unknown param ID: {message.param_index}")
        elif message.param_id == HASH:
            uplink.send(self._hash())
        elif message.param_id in self._parameters:
            uplink.send(self.value(message.param_id))

    def _set(self, uplink: Uplink, message: Any) -> None:
        name = message.param_id
        if name == HASH:
            self._listing.pop(uplink, None)
            return
        if name not in self._parameters:
            self._say(mavlink.MAV_SEVERITY_INFO, f"[pm] unknown param: {name}")
            return
        # PX4 takes the four bytes as its own type whatever type the message names
        value: float = message.param_value
        if self._parameters.kind(name) == INT32:
            value = float(struct.unpack("<i", struct.pack("<f", message.param_value))[0])
        elif not math.isfinite(value):
            uplink.send(self.value(name))
            return
        self._parameters.put(name, value)
        uplink.send(self.value(name))
