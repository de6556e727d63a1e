"""The judge of everything that a client says, whatever the trial is about.

It knows what the stage told the client and when, and holds each message against the paragraphs that always apply.
A trial says beforehand what it provokes: new connections, losses, drops.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from airspace.reasons import Words
from poles.conformance.findings import Findings
from poles.protocol import (
    VERSION,
    Accepted,
    Ack,
    AnyMessage,
    Bye,
    Command,
    FromPole,
    Hello,
    OfEntries,
    Progress,
    Refusal,
    Report,
    Result,
    Time,
    ToPole,
    Welcome,
    about,
    decode,
    numbers_of,
)
from poles.protocol.codec import TYPES
from poles.protocol.messages import Entry, Reading

OLD_ACK_S = 1.0  # after which an acknowledgement must have arrived
DATE_WITHIN_S = 2.0


@dataclass(slots=True)
class Provoked:
    """What a trial provokes, and what must therefore not be held against the client."""

    connections: bool = False  # it makes new ones
    losses: bool = False  # messages get lost on the way
    drops: bool = False  # entries have to go
    clock: bool = False  # its clock was shown to be wrong


@dataclass(slots=True)
class Connection:
    """One connection of the client."""

    opened_s: float
    hello: Hello | None = None
    welcomed_s: float | None = None
    last_s: float = 0.0
    excused_until_s: float = -math.inf  # what was under way when it was refused may still come
    under_way: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True)
class Boot:
    """What was heard of one boot, and what the client was told is durable of it."""

    seen: dict[int, Reading | Entry] = field(default_factory=dict)
    highest: int = 0
    told: list[tuple[float, int]] = field(default_factory=list)

    def durable(self, by_s: float = math.inf) -> int:
        """The highest number that was told until then."""
        return max((seq for at_s, seq in self.told if at_s <= by_s), default=0)

    def unacknowledged(self) -> list[int]:
        """What was heard above everything that was told."""
        durable = self.durable()
        return [seq for seq in self.seen if seq > durable]


class Watcher:
    """`heard` judges what the client says, `told` notes what it is told; `gateway_utc_s` is the stage's clock.

    `late_s` is how much later than promised a message may be seen [s].
    """

    def __init__(self, findings: Findings, code: str, gateway_utc_s: Callable[[], float], late_s: float) -> None:
        self.findings = findings
        self.provoked = Provoked()
        self.connections: dict[bytes, Connection] = {}
        self.boots: dict[str, Boot] = {}
        self.live: Connection | None = None
        self._code = code
        self._gateway_utc_s = gateway_utc_s
        self._late_s = late_s
        self._windows: list[tuple[float, int]] = []
        self._boot_of_life = ""
        self._dated_from_s = math.inf  # since when the client knows the gateway's time
        self._commands: set[str] = set()
        self._results: dict[str, Result] = {}
        self._progress_s: dict[str, float] = {}

    def new_life(self) -> None:
        """The client was started (again)."""
        self._boot_of_life = ""
        self._dated_from_s = math.inf

    def heard(self, now_s: float, route: bytes, body: bytes | None) -> FromPole | None:
        """Judge one message; None when it cannot be taken."""
        connection = self.connections.get(route)
        is_first = connection is None
        if connection is None:
            connection = self._connected(now_s, route)
        message = self._readable(body)
        if message is None:
            return None
        if isinstance(message, Hello):
            self._hello(connection, message)
        elif connection.hello is None or connection.welcomed_s is None:
            excused = self.provoked.losses if is_first or connection.hello is None else False
            excused = excused or now_s <= connection.excused_until_s or isinstance(message, Bye)
            self.findings.judge(
                "§4.1",
                excused,
                Words(f"{_tag(message)} was said before the welcome", f"在 welcome 之前发送了 {_tag(message)}"),
            )
        elif self.live is connection:
            self._in_time(connection, now_s)
        connection.last_s = now_s
        if isinstance(message, OfEntries):
            self._entries(connection, message, now_s)
        elif isinstance(message, Accepted | Progress | Result):
            self._answer(message, now_s)
        return message

    def told(self, now_s: float, route: bytes, message: ToPole) -> None:
        """Note what the client is told."""
        connection = self.connections.get(route)
        match message:
            case Welcome() if connection is not None:
                connection.welcomed_s = connection.last_s = now_s
                connection.under_way.clear()
                self._windows.append((now_s, message.window))
                self._durable(message.boot, message.durable_seq, now_s)
                self.live = connection
            case Ack():
                self._windows.append((now_s, message.window))
                self._durable(message.boot, message.durable_seq, now_s)
            case Refusal(code="pole.hello-first") if connection is not None:
                connection.hello = connection.welcomed_s = None
                connection.excused_until_s = now_s + 2 * self._late_s
            case Time() if not math.isfinite(self._dated_from_s):
                self._dated_from_s = now_s + OLD_ACK_S
            case Command():
                self._commands.add(message.id)
            case _:
                pass

    def settle(self, now_s: float) -> None:
        """Judge what can only be seen by nothing happening."""
        if self.live is not None and self.live.welcomed_s is not None:
            self._in_time(self.live, now_s)

    def end(self) -> None:
        """The live connection was ended from this side."""
        self.live = None

    def _connected(self, now_s: float, route: bytes) -> Connection:
        if self.connections:
            if not self.provoked.connections:
                self.settle(now_s)
            self.findings.judge(
                "§4.7",
                self.provoked.connections,
                Words("it left a connection that was answered in time", "断开了应答正常的连接"),
            )
        self.findings.judge(
            "§2.4", route[:1] == b"\0", Words(f"its routing id is {route.hex()}", f"routing id 为 {route.hex()}")
        )
        connection = self.connections[route] = Connection(now_s, last_s=now_s)
        return connection

    def _readable(self, body: bytes | None) -> FromPole | None:
        if (
            not self.findings.judge("§2.5", body is not None, Words("a message of several frames", "一条消息有多帧"))
            or body is None
        ):
            return None
        message = decode(body)
        if message is None:
            named = about(body)
            if named and named not in TYPES:
                self.findings.broken(
                    "§3.7", Words(f"no message of the protocol has the type {named}", f"协议中没有 {named} 类型的消息")
                )
            elif _not_finite(body):
                self.findings.broken("§3.3", Words(f"a number of {named} is not finite", f"{named} 含非有限数值"))
            else:
                self.findings.broken(
                    "§3.7",
                    Words(
                        f"{named or 'a body'} breaks a type, range or limit: {body[:200].hex()}",
                        f"{named or '消息体'} 不符合类型、范围或限制：{body[:200].hex()}",
                    ),
                )
            return None
        if not isinstance(message, FromPole):
            self.findings.broken(
                "§3.7", Words(f"{_tag(message)} is not for a pole to say", f"{_tag(message)} 不应由灯杆发送")
            )
            return None
        self.findings.kept("§3.3", "§3.7")
        return message

    def _in_time(self, connection: Connection, now_s: float) -> None:
        assert connection.hello is not None
        quiet_s, promised_s = now_s - connection.last_s, connection.hello.heartbeat_s
        self.findings.judge(
            "§4.3",
            quiet_s <= promised_s + self._late_s,
            Words(
                f"quiet for {quiet_s:.2f} s after a promise of {promised_s:g} s",
                f"承诺 {promised_s:g} 秒，静默 {quiet_s:.2f} 秒",
            ),
        )

    def _hello(self, connection: Connection, hello: Hello) -> None:
        judge = self.findings.judge
        connection.hello, connection.welcomed_s = hello, None
        judge("§4.1", hello.version == VERSION, Words(f"the version is {hello.version}", f"版本为 {hello.version}"))
        judge(
            "§1.1",
            hello.code == self._code,
            Words(
                f"the city code is {hello.code!r} instead of {self._code!r}",
                f"城市码为 {hello.code!r}，而非 {self._code!r}",
            ),
        )
        addresses = [capability.function for capability in hello.functions]
        judge("§4.3", len(set(addresses)) == len(addresses), Words("a function is listed twice", "有功能重复列出"))
        if self._boot_of_life:
            judge(
                "§5.2", hello.boot == self._boot_of_life, Words("a new boot without a start", "未重启却使用新的 boot")
            )
        else:
            judge(
                "§5.2",
                hello.boot not in self.boots,
                Words(f"the boot {hello.boot} was used in an earlier life", f"boot {hello.boot} 此前已使用"),
            )
        self._boot_of_life = hello.boot
        boot = self.boots.setdefault(hello.boot, Boot())
        if not self.provoked.drops:
            held = boot.unacknowledged()
            right = hello.unsent >= len(held) and (not held or hello.after < min(held))
            judge(
                "§5.13",
                right,
                Words(
                    f"after {hello.after} and unsent {hello.unsent}, but {len(held)} are not acknowledged",
                    f"after {hello.after}、unsent {hello.unsent}，但有 {len(held)} 条未确认",
                ),
            )

    def _entries(self, connection: Connection, message: OfEntries, now_s: float) -> None:
        boot = self.boots.get(message.boot)
        if boot is None:
            self.findings.broken(
                "§5.2",
                Words(
                    f"entries of the boot {message.boot}, which no hello named",
                    f"boot {message.boot} 的条目，但 hello 未给出该 boot",
                ),
            )
            return
        self._in_sequence(boot, message)
        for entry in message.readings if isinstance(message, Report) else (message,):
            self._entry(boot, entry, now_s)
        current = message.boot == self._boot_of_life
        # what libzmq held back while nobody listened comes late, and is not taken
        if current and connection.welcomed_s is not None and now_s >= self._dated_from_s:
            self._dated(message)
        numbers = numbers_of(message)
        fresh = {(message.boot, seq) for seq in numbers if seq > boot.durable()} - connection.under_way
        connection.under_way |= fresh
        if fresh and connection.welcomed_s is not None and not self.provoked.drops:
            self._in_window(connection, now_s)

    def _in_sequence(self, boot: Boot, message: OfEntries) -> None:
        judge, provoked = self.findings.judge, self.provoked
        numbers, after = numbers_of(message), message.after
        known = after == 0 or after in boot.seen or after <= boot.durable()
        judge(
            "§5.4",
            known or provoked.losses,
            Words(f"after {after} names an entry that was not sent before", f"after {after} 指向此前未发送的条目"),
        )
        steps = list(itertools.pairwise((after, *numbers)))
        gaps = [(before, number) for before, number in steps if number - before > 1]
        judge(
            "§5.5",
            not gaps or provoked.drops,
            Words(
                f"entries between {gaps[0] if gaps else ''} are left out", f"缺少 {gaps[0] if gaps else ''} 之间的条目"
            ),
        )
        skipped = [n for n in numbers if n < boot.highest and n not in boot.seen]
        judge(
            "§5.6",
            not skipped or provoked.losses,
            Words(f"number {skipped[:1]} comes after {boot.highest}", f"编号 {skipped[:1]} 晚于 {boot.highest}"),
        )

    def _entry(self, boot: Boot, entry: Reading | Entry, now_s: float) -> None:
        before = boot.seen.get(entry.seq)
        late = entry.seq <= boot.durable(now_s - OLD_ACK_S)
        self.findings.judge(
            "§5.3",
            not late,
            Words(
                f"{entry.seq} was sent again a second after it was acknowledged", f"编号 {entry.seq} 确认一秒后仍被重发"
            ),
        )
        boot.seen[entry.seq] = entry
        boot.highest = max(boot.highest, entry.seq)
        if before is None:
            self.findings.kept("§5.1")
            return
        same = _content(before) == _content(entry)
        self.findings.judge(
            "§5.1",
            same,
            Words(
                f"number {entry.seq} was given twice: {before} and {entry}",
                f"编号 {entry.seq} 重复使用：{before} 与 {entry}",
            ),
        )
        if not self.provoked.clock:
            same_date = abs(before.at_s - entry.at_s) < DATE_WITHIN_S
            self.findings.judge(
                "§5.10",
                same_date,
                Words(
                    f"number {entry.seq} was dated {before.at_s} and {entry.at_s}",
                    f"编号 {entry.seq} 的时间为 {before.at_s} 和 {entry.at_s}",
                ),
            )
            longer = entry.held_s >= before.held_s - 0.05
            self.findings.judge(
                "§5.10",
                longer,
                Words(
                    f"number {entry.seq} was held {before.held_s} s, then {entry.held_s} s",
                    f"编号 {entry.seq} 的保留时长先为 {before.held_s} 秒，后为 {entry.held_s} 秒",
                ),
            )

    def _dated(self, message: OfEntries) -> None:
        for entry in message.readings if isinstance(message, Report) else (message,):
            off_s = entry.at_s + entry.held_s - self._gateway_utc_s()
            paragraph = "§8.2" if self.provoked.clock else "§5.10"
            what = Words(
                f"at_s + held_s of number {entry.seq} is {off_s:+.1f} s off the gateway's time",
                f"编号 {entry.seq} 的 at_s + held_s 与网关时间相差 {off_s:+.1f} 秒",
            )
            self.findings.judge(paragraph, abs(off_s) <= DATE_WITHIN_S, what)

    def _in_window(self, connection: Connection, now_s: float) -> None:
        durable = {name: boot.durable() for name, boot in self.boots.items()}
        connection.under_way = {(name, seq) for name, seq in connection.under_way if seq > durable[name]}
        in_force = [window for at_s, window in self._windows if at_s > now_s - self._late_s]
        allowed = max(in_force + [window for _, window in self._windows_before(now_s - self._late_s)])
        under_way = len(connection.under_way)
        self.findings.judge(
            "§5.7",
            under_way <= allowed,
            Words(f"{under_way} under way in a window of {allowed}", f"窗口为 {allowed}，在途 {under_way} 条"),
        )

    def _windows_before(self, at_s: float) -> list[tuple[float, int]]:
        """The last window that was told until then."""
        return [told for told in self._windows if told[0] <= at_s][-1:]

    def _durable(self, name: str, seq: int, now_s: float) -> None:
        boot = self.boots.get(name)
        if boot is not None and seq <= boot.highest:
            boot.told.append((now_s, seq))

    def _answer(self, answer: Accepted | Progress | Result, now_s: float) -> None:
        judge = self.findings.judge
        if not judge(
            "§6.2",
            answer.id in self._commands,
            Words(f"it answers the command {answer.id!r}, which nobody gave", f"应答了未下达的指令 {answer.id!r}"),
        ):
            return
        over = self._results.get(answer.id)
        if over is not None:
            judge(
                "§6.3",
                answer == over,
                Words(
                    f"after its result {answer.id} was answered by {_tag(answer)} {answer}",
                    f"给出结果后，{answer.id} 又应答 {_tag(answer)} {answer}",
                ),
            )
        elif isinstance(answer, Result):
            self._results[answer.id] = answer
        elif isinstance(answer, Progress):
            pause_s = now_s - self._progress_s.get(answer.id, -math.inf)
            judge(
                "§6.3",
                pause_s >= 1.0 - self._late_s,
                Words(f"progress was told after {pause_s:.2f} s", f"间隔 {pause_s:.2f} 秒上报进度"),
            )
            self._progress_s[answer.id] = now_s


def _content(entry: Reading | Entry) -> Reading | Entry:
    """What an entry says, without what may differ from one sending to the next."""
    changes: dict[str, float | int] = {"at_s": 0.0, "held_s": 0.0}
    if isinstance(entry, Entry):
        changes["after"] = 0
    return msgspec.structs.replace(entry, **changes)


def _not_finite(body: bytes) -> bool:
    try:
        return _has_not_finite(msgspec.msgpack.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


def _has_not_finite(value: object) -> bool:
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(map(_has_not_finite, value.values()))
        case list():
            return any(map(_has_not_finite, value))
        case _:
            return False


def _tag(message: AnyMessage) -> str:
    return str(message.__struct_config__.tag)
