"""The mission protocol as PX4 speaks it, for missions, fences and rally points (mavlink_mission.cpp of PX4 1.13).

Each link has a manager of its own. Requests are MISSION_REQUEST_INT until a partner speaks the old form; one is
repeated every 250 ms and the transfer is given up after 5 s without a word, with a status text and no acknowledgement.
A new list takes the place of the old one only when it is whole. A wrong seq is passed over in silence. Items of a
download must be asked for in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.items import FENCE, MISSION, RALLY, StoredItem
from sim.drone.uplink import Uplink
from sim.px4.items import CAPACITY, NO_PLACE, parsed, wire_frame

RETRY_S = 0.25
GIVE_UP_S = 5.0
MESSAGES = frozenset({
    "MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_ITEM", "MISSION_REQUEST_LIST", "MISSION_REQUEST_INT",
    "MISSION_REQUEST", "MISSION_ACK", "MISSION_CLEAR_ALL", "MISSION_SET_CURRENT",
})  # fmt: skip
# whom a message may be for: all, the autopilot, the mission planner
COMPONENTS = frozenset({0, mavlink.MAV_COMP_ID_AUTOPILOT1, mavlink.MAV_COMP_ID_MISSIONPLANNER})
ALL_LISTS = mavlink.MAV_MISSION_TYPE_ALL
ACCEPTED, ERROR = int(mavlink.MAV_MISSION_ACCEPTED), int(mavlink.MAV_MISSION_ERROR)


class State(Enum):
    """What a manager is at."""

    IDLE = auto()
    SENDING = auto()
    RECEIVING = auto()


@dataclass(slots=True)
class Manager:
    """The transfer of one link."""

    uplink: Uplink
    state: State = State.IDLE
    kind: int = MISSION
    partner: tuple[int, int] = (0, 0)
    count: int = 0
    seq: int = 0  # wanted next, or asked for next
    current: int = -1  # the item that was marked as the current one
    whole: bool = True  # _INT forms
    sent_s: float = 0.0
    heard_s: float = 0.0
    items: list[StoredItem] = field(default_factory=list)


class Px4Transfer:
    """Answers the mission protocol.

    `take` is given a kind, the whole new list and the seq that is to be the current one (-1 for none named), and says
    whether the list is usable; `select` makes an item the current one; `say` sends a status text.
    """

    def __init__(
        self,
        *,
        now_s: Callable[[], float],
        say: Callable[[int, str], None],
        take: Callable[[int, list[StoredItem], int], bool],
        select: Callable[[int], bool],
    ) -> None:
        self._now_s = now_s
        self._say = say
        self._take = take
        self._select = select
        self._managers: dict[Uplink, Manager] = {}
        self._uploading: Manager | None = None  # one upload at a time over all links
        self.lists: dict[int, list[StoredItem]] = {MISSION: [], FENCE: [], RALLY: []}

    @property
    def busy(self) -> bool:
        """Whether a transfer is under way."""
        return any(manager.state is not State.IDLE for manager in self._managers.values())

    def handle(self, uplink: Uplink, message: Any) -> bool:
        """Deal with one message if it belongs to the mission protocol."""
        kind = message.get_type()
        if kind not in MESSAGES:
            return False
        if message.target_system == 0 or message.target_component not in COMPONENTS:
            return True
        manager = self._managers.get(uplink)
        if manager is None:
            manager = self._managers[uplink] = Manager(uplink)
        sender = (message.get_srcSystem(), message.get_srcComponent())
        match kind:
            case "MISSION_COUNT":
                self._begin(manager, sender, message)
            case "MISSION_ITEM_INT" | "MISSION_ITEM" as form:
                manager.whole = form == "MISSION_ITEM_INT"
                self._item(manager, message)
            case "MISSION_REQUEST_LIST":
                self._list(manager, sender, message)
            case "MISSION_REQUEST_INT" | "MISSION_REQUEST" as form:
                manager.whole = form == "MISSION_REQUEST_INT"
                self._send(manager, sender, message)
            case "MISSION_ACK":
                self._acknowledged(manager, sender, message)
            case "MISSION_CLEAR_ALL":
                self._clear(manager, sender, message)
            case "MISSION_SET_CURRENT":
                if manager.state is not State.IDLE:
                    self._complain("WPM: IGN WP CURR CMD: Busy")
                elif not self._select(message.seq):
                    self._complain("WPM: WP CURR CMD: Not in list")
        return True

    def step(self) -> None:
        """Repeat requests that got no item, and give up what stands still."""
        now = self._now_s()
        for uplink, manager in list(self._managers.items()):
            if uplink.closed:
                self._rest(manager)
                del self._managers[uplink]
            elif manager.state is not State.IDLE and now - manager.heard_s > GIVE_UP_S:
                self._complain("Operation timeout")
                self._rest(manager)
            elif manager.state is State.RECEIVING and now - manager.sent_s > RETRY_S:
                self._ask(manager)

    def _complain(self, text: str) -> None:
        self._say(mavlink.MAV_SEVERITY_CRITICAL, text)

    def _rest(self, manager: Manager) -> None:
        manager.state = State.IDLE
        if self._uploading is manager:
            self._uploading = None

    def _ack(self, manager: Manager, result: int, partner: tuple[int, int] | None = None) -> None:
        target = partner or manager.partner
        manager.uplink.send(mavlink.MAVLink_mission_ack_message(*target, result, manager.kind))

    # From the ground station to the drone

    def _begin(self, manager: Manager, sender: tuple[int, int], message: Any) -> None:
        manager.heard_s = self._now_s()
        if manager.state is State.RECEIVING:
            if manager.seq != 0:
                self._complain("WPM: REJ. CMD: Busy")
                self._ack(manager, ERROR)
                return
        elif manager.state is State.SENDING:
            self._complain("WPM: IGN MISSION_COUNT: Busy")
            self._ack(manager, ERROR)
            return
        elif self._uploading is not None:
            self._ack(manager, ERROR, sender)
            return
        else:
            manager.kind = message.mission_type
            if message.count > CAPACITY.get(manager.kind, 0):
                self._ack(manager, int(mavlink.MAV_MISSION_NO_SPACE), sender)
                return
            if message.count == 0:
                if manager.kind in self.lists:
                    self._replace(manager.kind, [], -1)
                self._ack(manager, ACCEPTED, sender)
                return
            manager.state, manager.partner, manager.count = State.RECEIVING, sender, message.count
            manager.seq, manager.current, manager.items = 0, -1, []
            self._uploading = manager
        self._ask(manager)

    def _ask(self, manager: Manager) -> None:
        manager.sent_s = self._now_s()
        form = mavlink.MAVLink_mission_request_int_message if manager.whole else mavlink.MAVLink_mission_request_message
        manager.uplink.send(form(*manager.partner, manager.seq, manager.kind))

    def _item(self, manager: Manager, message: Any) -> None:
        if message.mission_type != manager.kind:
            self._ack(manager, ERROR)
            return
        if manager.state is not State.RECEIVING:
            again = manager.state is State.IDLE and manager.seq == message.seq + 1
            if not again:
                self._complain(
                    "IGN MISSION_ITEM: No transfer" if manager.state is State.IDLE else "IGN MISSION_ITEM: Busy"
                )
            # one who sends the last item once more has not heard that all is well
            self._ack(manager, ACCEPTED if again else ERROR)
            return
        manager.heard_s = self._now_s()
        if message.seq != manager.seq:
            return
        item = parsed(message, manager.kind)
        if isinstance(item, int):
            if item != ERROR:
                self._complain("IGN MISSION_ITEM: Invalid item")
            elif manager.kind == FENCE:
                self._replace(FENCE, [], -1)
            self._ack(manager, item)
            self._rest(manager)
            return
        manager.items.append(item)
        if message.current:
            manager.current = message.seq
        manager.seq += 1
        if manager.seq < manager.count:
            self._ask(manager)
            return
        self._rest(manager)
        taken = self._replace(manager.kind, manager.items, manager.current)
        self._ack(manager, ACCEPTED if taken else ERROR)

    def _replace(self, kind: int, items: list[StoredItem], current: int) -> bool:
        if not self._take(kind, items, current):
            return False
        self.lists[kind] = items
        return True

    def _clear(self, manager: Manager, sender: tuple[int, int], message: Any) -> None:
        if manager.state is not State.IDLE:
            self._complain("WPM: IGN CLEAR CMD: Busy")
            return
        manager.kind = message.mission_type
        for kind in self.lists if manager.kind == ALL_LISTS else (manager.kind,):
            if kind in self.lists:
                self._replace(kind, [], -1)
        self._ack(manager, ACCEPTED, sender)

    # From the drone to the ground station

    def _list(self, manager: Manager, sender: tuple[int, int], message: Any) -> None:
        if manager.state is State.SENDING and manager.seq == manager.count:
            self._rest(manager)  # all was sent, only the acknowledgement was lost
        same = manager.state is State.SENDING and manager.kind == message.mission_type
        if manager.state is not State.IDLE and not same:
            self._say(mavlink.MAV_SEVERITY_INFO, "Mission download request ignored, already active")
            return
        manager.state, manager.kind, manager.partner = State.SENDING, message.mission_type, sender
        manager.heard_s = self._now_s()
        manager.items = self.lists.get(manager.kind, [])
        manager.seq, manager.count = 0, len(manager.items)
        manager.uplink.send(mavlink.MAVLink_mission_count_message(*sender, manager.count, manager.kind))

    def _send(self, manager: Manager, sender: tuple[int, int], message: Any) -> None:
        if manager.state is State.IDLE:
            return  # some displays ask out of turn
        if sender != manager.partner:
            self._complain("WPM: REJ. CMD: partner id mismatch")
            return
        if manager.state is State.RECEIVING:
            self._complain("WPM: REJ. CMD: Busy")
            return
        if message.mission_type != manager.kind:
            return
        manager.heard_s = self._now_s()
        if message.seq == manager.seq < manager.count:
            manager.seq += 1
        elif message.seq != manager.seq - 1:
            self._rest(manager)
            self._ack(manager, ERROR)
            self._complain("WPM: REJ. CMD: Req. WP was unexpected")
            return
        self._send_item(manager, message.seq)

    @staticmethod
    def _send_item(manager: Manager, seq: int) -> None:
        item, whole = manager.items[seq], manager.whole
        params = (item.param1, item.param2, item.param3, item.param4)
        head = (*manager.partner, seq, wire_frame(item, whole=whole), item.command, 0, item.autocontinue, *params)
        if whole:
            answer: Any = mavlink.MAVLink_mission_item_int_message(*head, item.x, item.y, item.z, manager.kind)
        else:
            scale = 1.0 if item.frame == NO_PLACE else 1e7
            answer = mavlink.MAVLink_mission_item_message(*head, item.x / scale, item.y / scale, item.z, manager.kind)
        manager.uplink.send(answer)

    def _acknowledged(self, manager: Manager, sender: tuple[int, int], message: Any) -> None:
        if manager.state is State.IDLE:
            return
        if sender != manager.partner:
            self._complain("REJ. WP CMD: partner id mismatch")
        elif manager.state is State.SENDING and message.mission_type == manager.kind:
            self._rest(manager)
        elif manager.state is State.RECEIVING and message.type == mavlink.MAV_MISSION_UNSUPPORTED:
            manager.whole = not manager.whole  # the partner does not know this form: try the other
            self._ask(manager)
        elif manager.state is State.RECEIVING and message.type == mavlink.MAV_MISSION_OPERATION_CANCELLED:
            self._rest(manager)
