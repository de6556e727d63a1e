"""The mission protocol of ArduPilot in both directions, for missions, fences and rally points.

As observed: requests are MISSION_REQUEST (never _INT), repeated every second, given up 8 s after the last item;
missions and rally points are written item by item, so an upload that fails leaves a mixture; a fence is taken over
whole or not at all, and its index needs a moment after its upload, until when it reads as empty. Each of the three
lists has an upload of its own. A part of a list is written in the same way (MISSION_WRITE_PARTIAL_LIST);
MISSION_REQUEST_PARTIAL_LIST is not answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.fence import Fence, FenceError
from sim.drone.items import FENCE, MISSION, RALLY, StoredItem, degrees, from_message, keep
from sim.drone.uplink import Uplink

CAPACITY = {MISSION: 650, FENCE: 70, RALLY: 70}
TO_GUIDED, TO_HEIGHT = 2, 3  # MISSION_ITEM.current of items that are not for the list
REPEAT_S = 1.0
GIVE_UP_S = 8.0
INDEXING_S = 0.05
RECEIVED = {MISSION: "Flight plan received", RALLY: "Rally points received"}
TIMED_OUT = {MISSION: "Mission upload timeout", FENCE: "Fence upload timeout", RALLY: "Rally upload timeout"}


@dataclass(slots=True)
class Upload:
    """An upload under way: who sends which items of which list, and what is wanted next."""

    uplink: Uplink
    sender: tuple[int, int]
    kind: int
    last: int
    wanted: int
    heard_s: float
    asked_s: float
    fence: list[StoredItem]  # the new fence, until it is whole
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


def _sender(message: Any) -> tuple[int, int]:
    return message.get_srcSystem(), message.get_srcComponent()


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
        guided: Callable[[StoredItem], bool],
    ) -> None:
        self._lists = lists
        self._now_s = now_s
        self._home = home
        self._say = say
        self._changed = changed
        self._select = select
        self._guided = guided
        self._uploads: dict[int, Upload] = {}
        self._fence_ready_s = 0.0
        self._told_of_floats = False
        self._handlers: dict[str, Callable[[Uplink, Any], None]] = {
            "MISSION_COUNT": self._begin,
            "MISSION_WRITE_PARTIAL_LIST": self._begin_part,
            "MISSION_ITEM_INT": self._item,
            "MISSION_ITEM": self._item,
            "MISSION_REQUEST_LIST": self._list,
            "MISSION_REQUEST_INT": self._read,
            "MISSION_REQUEST": self._read,
            "MISSION_CLEAR_ALL": self._clear,
        }

    @property
    def busy(self) -> bool:
        """Whether an upload is under way."""
        return bool(self._uploads)

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it belongs to the mission protocol."""
        name = message.get_type()
        handler = self._handlers.get(name)
        if handler is None:
            if name == "MISSION_SET_CURRENT":
                self._select(message.seq)
                return True
            return name in ("MISSION_ACK", "MISSION_REQUEST_PARTIAL_LIST")
        kind = message.mission_type
        if kind not in CAPACITY:
            self._ack(uplink, _sender(message), kind, mavlink.MAV_MISSION_UNSUPPORTED)
        elif kind != MISSION and uplink.framing.version == 1 and name not in ("MISSION_CLEAR_ALL", "MISSION_ITEM_INT"):
            self._say(mavlink.MAV_SEVERITY_WARNING, "Need mavlink2 for item transfer")
            self._ack(uplink, _sender(message), kind, mavlink.MAV_MISSION_UNSUPPORTED)
        else:
            handler(uplink, message)
        return True

    def step(self) -> None:
        """Repeat requests that got no item, and give uploads up that stand still."""
        now = self._now_s()
        for upload in list(self._uploads.values()):
            if now - upload.heard_s >= GIVE_UP_S:
                self._say(mavlink.MAV_SEVERITY_WARNING, TIMED_OUT[upload.kind])
                self._end(upload, mavlink.MAV_MISSION_OPERATION_CANCELLED)
            elif now - upload.asked_s >= REPEAT_S:
                self._ask(upload)

    def _taken(self, uplink: Uplink, message: Any) -> bool:
        """Whether another sender's upload of the list is under way; an own one is dropped."""
        upload = self._uploads.get(message.mission_type)
        if upload is not None and upload.sender != _sender(message):
            self._ack(uplink, _sender(message), message.mission_type, mavlink.MAV_MISSION_DENIED)
            return True
        self._uploads.pop(message.mission_type, None)
        return False

    def _begin(self, uplink: Uplink, message: Any) -> None:
        kind, count, sender = message.mission_type, message.count, _sender(message)
        if self._taken(uplink, message):
            return
        if count > CAPACITY[kind]:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_NO_SPACE)
            self._say(mavlink.MAV_SEVERITY_WARNING, f"Only {CAPACITY[kind]} items are supported")
            return
        if count == 0:
            self._wipe(kind)
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ACCEPTED)
            return
        if kind != FENCE:
            del self._lists.of(kind)[count:]
            self._changed(kind)
        self._start(uplink, sender, kind, 0, count - 1, [])

    def _begin_part(self, uplink: Uplink, message: Any) -> None:
        kind, sender, first, last = message.mission_type, _sender(message), message.start_index, message.end_index
        if kind in self._uploads:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
            return
        count = len(self._lists.of(kind))
        if not 0 <= first <= last <= count:
            self._say(mavlink.MAV_SEVERITY_WARNING, "Flight plan update rejected")
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ERROR)
            return
        self._start(uplink, sender, kind, first, last, list(self._lists.fence.items) if kind == FENCE else [])

    def _start(
        self, uplink: Uplink, sender: tuple[int, int], kind: int, first: int, last: int, fence: list[StoredItem]
    ) -> None:
        now = self._now_s()
        self._told_of_floats = False
        upload = self._uploads[kind] = Upload(uplink, sender, kind, last, first, now, now, fence)
        self._ask(upload)

    def _ask(self, upload: Upload) -> None:
        upload.asked_s = self._now_s()
        upload.uplink.send(mavlink.MAVLink_mission_request_message(*upload.sender, upload.wanted, upload.kind))

    def _act(self, uplink: Uplink, sender: tuple[int, int], message: Any) -> None:
        """An item that belongs to no list: a place to fly to in GUIDED, or a height, which ArduCopter passes over."""
        kept = keep(from_message(message), MISSION)
        if isinstance(kept, int):
            result = kept
        elif message.current == TO_HEIGHT or self._guided(kept):
            result = int(mavlink.MAV_MISSION_ACCEPTED)
        else:
            result = int(mavlink.MAV_MISSION_ERROR)
        self._ack(uplink, sender, MISSION, result)

    def _item(self, uplink: Uplink, message: Any) -> None:
        kind, sender = message.mission_type, _sender(message)
        if kind == MISSION and message.current in (TO_GUIDED, TO_HEIGHT):
            self._act(uplink, sender, message)
            return
        upload = self._uploads.get(kind)
        if upload is None:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ERROR)
            return
        if message.get_type() == "MISSION_ITEM" and not upload.warned:
            upload.warned = True
            self._say(mavlink.MAV_SEVERITY_WARNING, "got MISSION_ITEM; GCS should send MISSION_ITEM_INT")
        if message.seq != upload.wanted:
            self._ack(upload.uplink, sender, kind, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        if upload.sender != sender:
            self._ack(upload.uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
            return
        kept = keep(from_message(message), kind)
        result = kept if isinstance(kept, int) else self._write(upload, kept)
        if result != mavlink.MAV_MISSION_ACCEPTED:
            self._end(upload, result)
            return
        upload.heard_s = self._now_s()
        upload.wanted += 1
        if upload.wanted <= upload.last:
            self._ask(upload)
        else:
            self._complete(upload)

    def _write(self, upload: Upload, item: StoredItem) -> int:
        """Put an item where it belongs; the MAV_MISSION_RESULT."""
        items, seq = upload.fence if upload.kind == FENCE else self._lists.of(upload.kind), upload.wanted
        if item.command == mavlink.MAV_CMD_DO_JUMP and not _leads_somewhere(item, max(upload.last + 1, len(items))):
            return int(mavlink.MAV_MISSION_ERROR)
        if upload.kind == MISSION and seq == 0:
            item = self._home() or item
        if seq < len(items):
            items[seq] = item
        elif seq < CAPACITY[upload.kind]:
            items.append(item)
        else:
            return int(mavlink.MAV_MISSION_ERROR)
        if upload.kind != FENCE:
            self._changed(upload.kind)
        return int(mavlink.MAV_MISSION_ACCEPTED)

    def _complete(self, upload: Upload) -> None:
        if upload.kind != FENCE:
            self._end(upload, mavlink.MAV_MISSION_ACCEPTED)
            self._say(mavlink.MAV_SEVERITY_INFO, RECEIVED[upload.kind])
            return
        try:
            self._lists.fence.load(upload.fence)
        except FenceError as error:
            self._say(mavlink.MAV_SEVERITY_WARNING, str(error))
            self._say(mavlink.MAV_SEVERITY_WARNING, "Fence validation failed")
            self._end(upload, mavlink.MAV_MISSION_ERROR)
            return
        self._fence_ready_s = self._now_s() + INDEXING_S
        self._changed(FENCE)
        self._end(upload, mavlink.MAV_MISSION_ACCEPTED)
        self._say(mavlink.MAV_SEVERITY_DEBUG, "Fence Indexed OK")

    def _end(self, upload: Upload, result: int) -> None:
        del self._uploads[upload.kind]
        self._ack(upload.uplink, upload.sender, upload.kind, result)

    @staticmethod
    def _ack(uplink: Uplink, target: tuple[int, int], kind: int, result: int) -> None:
        uplink.send(mavlink.MAVLink_mission_ack_message(*target, result, kind))

    def _count(self, kind: int) -> int:
        if kind == FENCE and self._now_s() < self._fence_ready_s:
            return 0
        return len(self._lists.of(kind))

    def _list(self, uplink: Uplink, message: Any) -> None:
        kind, sender = message.mission_type, _sender(message)
        if kind in self._uploads:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
        else:
            uplink.send(mavlink.MAVLink_mission_count_message(*sender, self._count(kind), kind))

    def _read(self, uplink: Uplink, message: Any) -> None:
        sender = _sender(message)
        kind, seq = message.mission_type, message.seq
        whole = message.get_type() == "MISSION_REQUEST_INT"
        if kind in self._uploads:
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_DENIED)
            return
        if seq >= self._count(kind):
            if whole:
                uplink.send(mavlink.MAVLink_mission_count_message(*sender, self._count(kind), kind))
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_INVALID_SEQUENCE)
            return
        item = self._lists.of(kind)[seq]
        head = (
            *sender, seq, item.frame, item.command, 0, item.autocontinue,
            item.param1, item.param2, item.param3, item.param4,
        )  # fmt: skip
        if whole:
            uplink.send(mavlink.MAVLink_mission_item_int_message(*head, item.x, item.y, item.z, kind))
            return
        if not self._told_of_floats:
            self._told_of_floats = True
            self._say(mavlink.MAV_SEVERITY_WARNING, "got MISSION_REQUEST; use MISSION_REQUEST_INT!")
        uplink.send(mavlink.MAVLink_mission_item_message(*head, *degrees(item), item.z, kind))

    def _clear(self, uplink: Uplink, message: Any) -> None:
        kind, sender = message.mission_type, _sender(message)
        if self._taken(uplink, message):
            self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ERROR)
            return
        self._wipe(kind)
        self._ack(uplink, sender, kind, mavlink.MAV_MISSION_ACCEPTED)

    def _wipe(self, kind: int) -> None:
        if kind == FENCE:
            self._lists.fence.load([])
        else:
            self._lists.of(kind).clear()
        self._changed(kind)


def _leads_somewhere(jump: StoredItem, count: int) -> bool:
    return 0 < jump.param1 < count
