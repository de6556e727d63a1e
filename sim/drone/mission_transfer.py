"""The mission protocol of ArduPilot in both directions, for missions, fences and rally points.

As observed: requests are MISSION_REQUEST (never _INT), repeated every second, given up 8 s after the last item; a
mission is written item by item, so an upload that fails leaves a mixture; fences and rally points are taken over
whole or not at all; the fence's index needs a moment after its upload, and until then it reads as empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.fence import Fence, FenceError
from sim.drone.items import FENCE, MISSION, RALLY, StoredItem, from_message, keep
from sim.drone.uplink import Uplink

CAPACITY = {MISSION: 650, FENCE: 70, RALLY: 70}
REPEAT_S = 1.0
GIVE_UP_S = 8.0
INDEXING_S = 0.05


@dataclass(slots=True)
class Upload:
    """An upload under way: who sends, which list, what is wanted next."""

    uplink: Uplink
    sender: tuple[int, int]
    kind: int
    count: int
    wanted: int
    heard_s: float
    asked_s: float
    buffer: list[StoredItem]
    warned: bool = False


class Lists:
    """The three lists; the mission's item 0 is home once home is known."""

    def __init__(self) -> None:
        self.mission: list[StoredItem] = []
        self.rally: list[StoredItem] = []
        self.fence = Fence()

    def of(self, kind: int) -> list[StoredItem]:
        """The items of one list."""
        if kind == MISSION:
            return self.mission
        return self.fence.items if kind == FENCE else self.rally

    def set_home(self, home: StoredItem) -> None:
        """Put home into item 0."""
        if self.mission:
            self.mission[0] = home
        else:
            self.mission.append(home)


class MissionTransfer:
    """Answers the mission protocol; `say` sends a status text to all links, `changed` hears which list changed."""

    def __init__(
        self,
        lists: Lists,
        *,
        now_s: Callable[[], float],
        home: Callable[[], StoredItem | None],
        say: Callable[[int, str], None],
        changed: Callable[[int], None],
        select: Callable[[int], bool],
    ) -> None:
        self._lists = lists
        self._now_s = now_s
        self._home = home
        self._say = say
        self._changed = changed
        self._select = select
        self._upload: Upload | None = None
        self._fence_ready_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether an upload is under way."""
        return self._upload is not None

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it belongs to the mission protocol."""
        match message.get_type():
            case "MISSION_COUNT":
                self._begin(uplink, message)
            case "MISSION_ITEM_INT":
                self._item(uplink, message)
            case "MISSION_ITEM":
                if self._upload and not self._upload.warned:
                    self._upload.warned = True
                    self._say(mavlink.MAV_SEVERITY_WARNING, "got MISSION_ITEM; GCS should send MISSION_ITEM_INT")
                self._item(uplink, message)
            case "MISSION_REQUEST_LIST":
                self._list(uplink, message)
            case "MISSION_REQUEST_INT":
                self._read(uplink, message, whole=True)
            case "MISSION_REQUEST":
                self._say(mavlink.MAV_SEVERITY_WARNING, "got MISSION_REQUEST; use MISSION_REQUEST_INT!")
                self._read(uplink, message, whole=False)
            case "MISSION_CLEAR_ALL":
                self._clear(uplink, message)
            case "MISSION_SET_CURRENT":
                self._select(message.seq)
            case "MISSION_ACK":
                pass
            case _:
                return False
        return True

    def step(self) -> None:
        """Repeat a request that got no item, and give an upload up that stands still."""
        upload = self._upload
        if upload is None:
            return
        now = self._now_s()
        if now - upload.heard_s >= GIVE_UP_S:
            self._say(mavlink.MAV_SEVERITY_WARNING, "Mission upload timeout")
            self._end(mavlink.MAV_MISSION_OPERATION_CANCELLED)
        elif now - upload.asked_s >= REPEAT_S:
            self._ask()

    def _begin(self, uplink: Uplink, message: Any) -> None:
        kind, count = message.mission_type, message.count
        sender = (message.get_srcSystem(), message.get_srcComponent())
        if kind not in CAPACITY:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        if self._upload is not None and self._upload.sender != sender:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
            return
        if count > CAPACITY[kind]:
            self._say(mavlink.MAV_SEVERITY_WARNING, f"Only {CAPACITY[kind]} items are supported")
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_NO_SPACE)
            return
        if count == 0:
            self._upload = None
            self._wipe(kind)
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ACCEPTED)
            return
        now = self._now_s()
        if kind == MISSION:
            del self._lists.mission[count:]
            self._changed(MISSION)
        self._upload = Upload(uplink, sender, kind, count, 0, now, now, [])
        self._ask()

    def _ask(self) -> None:
        upload = self._upload
        if upload is not None:
            upload.asked_s = self._now_s()
            upload.uplink.send(mavlink.MAVLink_mission_request_message(*upload.sender, upload.wanted, upload.kind))

    def _item(self, uplink: Uplink, message: Any) -> None:
        upload = self._upload
        sender = (message.get_srcSystem(), message.get_srcComponent())
        if upload is None or upload.sender != sender or upload.kind != message.mission_type:
            self._ack(uplink, sender, message.mission_type, mavlink.MAV_MISSION_ERROR)
            return
        if message.seq != upload.wanted:
            self._ack(uplink, sender, upload.kind, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        kept = keep(from_message(message), upload.kind)
        if isinstance(kept, int):
            self._end(kept)
            return
        if upload.kind == MISSION:
            self._write(upload.wanted, kept)
        else:
            upload.buffer.append(kept)
        upload.heard_s = self._now_s()
        upload.wanted += 1
        if upload.wanted < upload.count:
            self._ask()
        else:
            self._complete(upload)

    def _write(self, seq: int, item: StoredItem) -> None:
        mission = self._lists.mission
        if seq == 0:
            item = self._home() or item
        if seq < len(mission):
            mission[seq] = item
        else:
            mission.append(item)
        self._changed(MISSION)

    def _complete(self, upload: Upload) -> None:
        if upload.kind == FENCE:
            try:
                self._lists.fence.load(upload.buffer)
            except FenceError as error:
                self._say(mavlink.MAV_SEVERITY_WARNING, str(error))
                self._say(mavlink.MAV_SEVERITY_WARNING, "Fence validation failed")
                self._end(mavlink.MAV_MISSION_ERROR)
                return
            self._fence_ready_s = self._now_s() + INDEXING_S
        elif upload.kind == RALLY:
            self._lists.rally[:] = upload.buffer
        self._changed(upload.kind)
        self._end(mavlink.MAV_MISSION_ACCEPTED)
        if upload.kind == MISSION:
            self._say(mavlink.MAV_SEVERITY_INFO, "Flight plan received")
        elif upload.kind == FENCE:
            self._say(mavlink.MAV_SEVERITY_DEBUG, "Fence Indexed OK")

    def _end(self, result: int) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            self._ack(upload.uplink, upload.sender, upload.kind, result)

    @staticmethod
    def _ack(uplink: Uplink, target: tuple[int, int], kind: int, result: int) -> None:
        uplink.send(mavlink.MAVLink_mission_ack_message(*target, result, kind))

    def _count(self, kind: int) -> int:
        if kind == FENCE and self._now_s() < self._fence_ready_s:
            return 0
        return len(self._lists.of(kind))

    def _list(self, uplink: Uplink, message: Any) -> None:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        kind = message.mission_type
        if kind not in CAPACITY:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_UNSUPPORTED)
        elif self._upload is not None:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
        else:
            uplink.send(mavlink.MAVLink_mission_count_message(*sender, self._count(kind), kind))

    def _read(self, uplink: Uplink, message: Any, *, whole: bool) -> None:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        kind, seq = message.mission_type, message.seq
        if kind not in CAPACITY:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        if seq >= self._count(kind):
            uplink.send(mavlink.MAVLink_mission_count_message(*sender, self._count(kind), kind))
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        item = self._lists.of(kind)[seq]
        params = (item.param1, item.param2, item.param3, item.param4)
        head = (*sender, seq, item.frame, item.command, 0, item.autocontinue, *params)
        if whole:
            uplink.send(mavlink.MAVLink_mission_item_int_message(*head, item.x, item.y, item.z, kind))
        else:
            uplink.send(mavlink.MAVLink_mission_item_message(*head, item.x / 1e7, item.y / 1e7, item.z, kind))

    def _clear(self, uplink: Uplink, message: Any) -> None:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        kind = message.mission_type
        if kind not in CAPACITY:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_UNSUPPORTED)
            return
        if self._upload is not None:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
            return
        self._wipe(kind)
        self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ACCEPTED)

    def _wipe(self, kind: int) -> None:
        if kind == FENCE:
            self._lists.fence.load([])
        else:
            self._lists.of(kind).clear()
        self._changed(kind)
