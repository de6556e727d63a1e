"""Upload and download of missions, fences and rally points by the MAVLink mission protocol.

The autopilot leads an upload: it asks for one item after another, and we answer whatever it asks, as often as it asks.
Nobody may believe an upload before it was read back (`download`) and compared (`read_back.compare`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.reasons import Reason, Refused, Rule, Words
from controller.links.codec import Message
from controller.links.commands import WORTH_TELLING, for_us
from controller.links.mission_items import PlanKind, from_wire, to_wire, why_unsendable
from controller.links.outcomes import enum_name, in_one_line
from controller.links.statustexts import StatusText
from controller.links.subscriptions import Inbox
from missions.items import Command, Frame, MissionItem

if TYPE_CHECKING:
    from controller.links.drone import DroneLink

__all__ = ["PlanKind", "download", "upload"]

ASK_AGAIN_S = 1.0  # also the pace at which ArduPilot repeats its own requests
SILENCE_S = 10.0  # ArduPilot gives an upload up 8 s after the last item
STARTS = 3  # an upload or download that broke off begins anew this often
LONGEST_S = 60.0
LONGEST_ITEM_S = 1.0
FENCE_INDEX_S = 1.2  # a fence just uploaded can count 0 until the autopilot has indexed it
FENCE_INDEX_TRIES = 4

UPLOAD_REFUSED = Rule(
    "link.upload.refused",
    Words(
        "{drone} refuses the {kind} with {result} at item {seq}{said}",
        "{drone} 拒绝{kind}：第 {seq} 项返回 {result}{said}",
    ),
    Words("Change or remove that item and upload again.", "请修改或删除该项后重新上传。"),
)
TRANSFER_SILENT = Rule(
    "link.transfer.silent",
    Words("{drone} stopped answering while its {kind} was {doing}", "{doing}{kind}时 {drone} 停止应答"),
    Words("Check the link and try again; do not take off before it succeeds.", "请检查链路后重试；成功之前不要起飞。"),
)
TRANSFER_BUSY = Rule(
    "link.transfer.busy",
    Words("{drone} is busy with another transfer of its {kind}", "{drone} 正在进行另一项{kind}传输"),
    Words("Disconnect other ground stations or wait until they are done.", "请断开其他地面站，或等待其完成。"),
)
ITEM_UNSENDABLE = Rule(
    "link.item.unsendable",
    Words("item {seq} ({name}) of the {kind} cannot be sent: {why}", "{kind}第 {seq} 项（{name}）无法发送：{why}"),
    Words("Correct the item.", "请更正该项。"),
)
DOWNLOAD_REFUSED = Rule(
    "link.download.refused",
    Words("{drone} refuses to read out its {kind}: {result}", "{drone} 拒绝读出{kind}：{result}"),
    Words("Check that the autopilot's firmware supports this list.", "请确认飞控固件支持该列表。"),
)
_KINDS = {
    PlanKind.MISSION: Words("mission", "任务"),
    PlanKind.FENCE: Words("fence", "电子围栏"),
    PlanKind.RALLY: Words("rally points", "备降点"),
}
_UPLOADED = Words("uploaded", "上传")
_READ = Words("read", "读取")


class _Step(Enum):
    DONE = auto()
    AGAIN = auto()  # begin anew with MISSION_COUNT or MISSION_REQUEST_LIST


async def upload(link: DroneLink, items: Sequence[MissionItem], kind: PlanKind = PlanKind.MISSION) -> None:
    """Replace one of the drone's lists; returns when the drone says that it has all of it.

    For a mission a place for home goes up first as item 0, because ArduPilot puts home there whatever it gets, so that
    `items[0]` is item 1. Raises `Refused` with the MAV_MISSION_RESULT and the item when the drone does not take it, or
    when it stops answering; it then may hold a part of the list.
    """
    _check_sendable(items, kind)
    wire = [_home_placeholder(link), *items] if kind is PlanKind.MISSION and items else list(items)
    with link.listen("MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ACK", "MISSION_COUNT") as inbox:
        for _ in range(STARTS):
            attempt = _Upload(link, wire, kind)
            if await attempt.run(inbox) is _Step.DONE:
                return
    if attempt.error is not None:
        raise attempt.refused(attempt.error)
    rule = TRANSFER_BUSY if attempt.denied else TRANSFER_SILENT
    raise Refused([Reason(rule, facts={"drone": link.drone, "kind": _KINDS[kind], "doing": _UPLOADED})])


class _Upload:
    """One try to upload, from MISSION_COUNT to MISSION_ACK."""

    def __init__(self, link: DroneLink, wire: Sequence[MissionItem], kind: PlanKind) -> None:
        self._link = link
        self._wire = wire
        self._kind = kind
        self._asked: set[int] = set()
        self._last_asked = 0
        self._probes = 0
        self._began_s = asyncio.get_running_loop().time()
        self.denied = False
        self.error: int | None = None

    async def run(self, inbox: Inbox) -> _Step:
        """Serve the autopilot's requests until it says that it has everything, or until it is time to begin anew."""
        inbox.clear()
        loop = asyncio.get_running_loop()
        heard_s = self._began_s
        longest_s = LONGEST_S + LONGEST_ITEM_S * len(self._wire)
        self._announce()
        while loop.time() - self._began_s < longest_s:
            try:
                message = await inbox.get(ASK_AGAIN_S)
            except TimeoutError:
                if loop.time() - (self._began_s if self.denied else heard_s) > SILENCE_S:
                    return _Step.AGAIN
                self._nudge()
                continue
            if message.mission_type != self._kind or not for_us(message):
                continue
            heard_s = loop.time()
            step = self._on_message(message)
            if step is not None:
                return step
        return _Step.AGAIN

    @property
    def _all_asked(self) -> bool:
        return len(self._asked) == len(self._wire)

    def _announce(self) -> None:
        self._link.send(mavlink.MAVLink_mission_count_message(*self._link.target, len(self._wire), int(self._kind)))

    def _nudge(self) -> None:
        """Say again what may have been lost on its way; requests for items are repeated by the autopilot itself."""
        if not self._asked:
            self._announce()
        elif self._all_asked:
            # the final acknowledgement may be lost: an autopilot that is done counts, one that wants more denies this
            self._probes += 1
            self._link.send(mavlink.MAVLink_mission_request_list_message(*self._link.target, int(self._kind)))

    def _on_message(self, message: Any) -> _Step | None:
        match message.get_type():
            case "MISSION_ACK":
                return self._on_ack(message.type)
            case "MISSION_COUNT":
                return self._on_count(message.count)
        if message.seq < len(self._wire):
            self.denied = False
            self._asked.add(message.seq)
            self._last_asked = message.seq
            self._link.send(to_wire(self._wire[message.seq], message.seq, self._kind, self._link.target))
        return None

    def _on_count(self, count: int) -> _Step | None:
        if not (self._probes and self._all_asked):
            return None  # left over from a download
        if self.error is not None and self._validation_texts():
            raise self.refused(self.error)
        if count == len(self._wire):
            return _Step.DONE
        indexing = count == 0 and self._probes < FENCE_INDEX_TRIES
        return None if indexing else _Step.AGAIN

    def _on_ack(self, result: int) -> _Step | None:
        match result:
            case mavlink.MAV_MISSION_ACCEPTED:
                # an acknowledgement before all was asked for belongs to an earlier transfer
                return _Step.DONE if self._all_asked else None
            case mavlink.MAV_MISSION_INVALID_SEQUENCE:
                return None  # an item came twice; ArduPilot goes on and asks for the one that it wants
            case mavlink.MAV_MISSION_OPERATION_CANCELLED:
                return _Step.AGAIN
            case mavlink.MAV_MISSION_DENIED:
                self.denied = not self._asked
                return None
            case mavlink.MAV_MISSION_ERROR:
                # a fence that makes no sense, or just an item that came twice after the last: the words or a count tell
                self.error = result
                if self._all_asked and self._validation_texts():
                    raise self.refused(result)
                return None
        raise self.refused(result)

    def _validation_texts(self) -> tuple[StatusText, ...]:
        if self._kind is PlanKind.MISSION:
            return ()
        return tuple(text for text in self._texts() if not text.text.startswith("PreArm"))

    def _texts(self) -> tuple[StatusText, ...]:
        return tuple(t for t in self._link.state.texts if t.at_s >= self._began_s and t.severity <= WORTH_TELLING)

    def refused(self, result: int) -> Refused:
        """The refusal for a MAV_MISSION_RESULT, with the item that was asked for last and the autopilot's words."""
        texts = self._texts()
        facts = {
            "drone": self._link.drone,
            "kind": _KINDS[self._kind],
            "result": _result(result),
            "seq": self._last_asked,
            "said": f": {in_one_line(texts)}" if texts else "",
        }
        return Refused([Reason(UPLOAD_REFUSED, facts=facts)])


async def download(
    link: DroneLink, kind: PlanKind = PlanKind.MISSION, *, expected: int | None = None
) -> tuple[MissionItem, ...]:
    """Read one of the drone's lists; of a mission without its item 0, which is home.

    `expected` is how many items were just uploaded: the drone is then given time before a count of 0 is believed, which
    right after an upload means that it is still indexing. Raises `Refused` when it refuses or stops answering.
    """
    doubts = FENCE_INDEX_TRIES if expected else 1 if kind is PlanKind.FENCE and expected is None else 0
    failures = 0
    with link.listen("MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_ACK") as inbox:
        while failures < STARTS:
            items = await _download_once(link, kind, inbox)
            if items is None:
                failures += 1
                await asyncio.sleep(ASK_AGAIN_S)
            elif items or doubts == 0:
                return items
            else:
                doubts -= 1
                await asyncio.sleep(FENCE_INDEX_S)
    raise Refused([Reason(TRANSFER_SILENT, facts={"drone": link.drone, "kind": _KINDS[kind], "doing": _READ})])


async def _download_once(link: DroneLink, kind: PlanKind, inbox: Inbox) -> tuple[MissionItem, ...] | None:
    """The list, or None when the transfer must begin anew."""
    inbox.clear()
    count = await _ask_count(link, kind, inbox)
    if count is None:
        return None
    first = 1 if kind is PlanKind.MISSION else 0
    items: list[MissionItem] = []
    for seq in range(first, count):
        item = await _ask_item(link, kind, seq, inbox)
        if item is None:
            return None
        items.append(item)
    link.send(mavlink.MAVLink_mission_ack_message(*link.target, mavlink.MAV_MISSION_ACCEPTED, int(kind)))
    return tuple(items)


async def _ask_count(link: DroneLink, kind: PlanKind, inbox: Inbox) -> int | None:
    request = mavlink.MAVLink_mission_request_list_message(*link.target, int(kind))
    answer = await _ask(link, request, kind, inbox, None)
    return None if answer is None else int(answer.count)


async def _ask_item(link: DroneLink, kind: PlanKind, seq: int, inbox: Inbox) -> MissionItem | None:
    request = mavlink.MAVLink_mission_request_int_message(*link.target, seq, int(kind))
    answer = await _ask(link, request, kind, inbox, seq)
    return None if answer is None else from_wire(answer)


async def _ask(link: DroneLink, request: Message, kind: PlanKind, inbox: Inbox, seq: int | None) -> Any | None:
    """Ask for item `seq` (None for the count), again each second; None after 10 s or when the list became shorter."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + SILENCE_S
    unsupported = 0
    while loop.time() < end_s:
        link.send(request)
        ask_again_s = min(loop.time() + ASK_AGAIN_S, end_s)
        while loop.time() < ask_again_s:
            try:
                message = await inbox.get(ask_again_s - loop.time())
            except TimeoutError:
                break
            if message.mission_type != kind or not for_us(message):
                continue
            match message.get_type():
                case "MISSION_COUNT" if seq is None:
                    return message
                case "MISSION_COUNT" if message.count <= seq:  # what ArduPilot says to a request out of range
                    return None
                case "MISSION_ITEM_INT" if message.seq == seq:
                    return message
                case "MISSION_ACK" if seq is None and message.type == mavlink.MAV_MISSION_UNSUPPORTED:
                    # the first may be left over from an upload, as all other acknowledgements here are
                    unsupported += 1
                    if unsupported > 1:
                        facts = {"drone": link.drone, "kind": _KINDS[kind], "result": _result(message.type)}
                        raise Refused([Reason(DOWNLOAD_REFUSED, facts=facts)])
    return None


def _check_sendable(items: Sequence[MissionItem], kind: PlanKind) -> None:
    reasons = [
        Reason(ITEM_UNSENDABLE, facts={"seq": seq, "name": item.name, "kind": _KINDS[kind], "why": why})
        for seq, item in enumerate(items, 1 if kind is PlanKind.MISSION else 0)
        if (why := why_unsendable(item)) is not None
    ]
    if reasons:
        raise Refused(reasons)


def _home_placeholder(link: DroneLink) -> MissionItem:
    home = link.state.home
    if home is None:
        return MissionItem(Command.NAV_WAYPOINT, Frame.GLOBAL)
    return MissionItem(
        Command.NAV_WAYPOINT, Frame.GLOBAL, lat_deg=home.lat_deg, lon_deg=home.lon_deg, alt_m=home.amsl_m
    )


def _result(result: int) -> str:
    return enum_name("MAV_MISSION_RESULT", result).removeprefix("MAV_MISSION_")
