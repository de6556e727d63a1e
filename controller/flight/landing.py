"""The landing on one dock as a table: for every state and every event, what it becomes, what is to be done, or why not.

Two guards stand over the table. The drone is sent only to a dock of which everything holds; and it is told to go on
through the gate, where it hovers `GATE_M` above the pad, only on a word of the dock that is of now. Without that word
it goes back to the hold by itself. What must hold (`missing`) is the same at both: the lamp shows the landing pattern,
the dock is kept for this flight, its cover is open, pad and path are clear, the wind at the pad is within its limit.

Silence and a plain no are told apart. Down to the gate a dock that has not been heard for a moment is waited for; one
that says no is left at once. Below the gate both are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from airspace.reasons import Rule, Words
from poles.services.charger import NOT_COVERED
from poles.services.cover import Cover

# From here the drone is in the cover's light curtain sooner than any cover closes, and the pad stays open under it; it
# also keeps the dock from being ready itself, so that nothing more can be asked of it.
COMMITTED_M = 5.0


class Stage(StrEnum):
    """Where the landing on one dock stands."""

    IDLE = "idle"  # nothing was asked of the dock
    ASKED = "asked"  # told to keep itself, light its lamp and open; something is still missing
    CLEAR = "clear"  # everything holds: the drone may be sent
    DESCENDING = "descending"  # the drone is on this dock's branch, in the gate or above it
    GATED = "gated"  # below the gate: whatever is missing, for however short, it turns back
    COMMITTED = "committed"  # too low to turn back
    LEAVING = "leaving"  # told to turn back, still on the branch
    LANDED = "landed"  # stands on the pad; the cover is to close over it
    COVERED = "covered"  # shut in; it is to be charged
    OVER = "over"  # the dock has been given back


class Event(StrEnum):
    """What can happen to it."""

    ASK = "ask"  # it is this dock's turn
    HOLDS = "holds"  # everything that must hold does
    UNHEARD = "unheard"  # the dock's word is too old, or it never spoke
    FAILS = "fails"  # something does not hold, by a fresh word
    SEND = "send"  # the drone waits at the hold
    ON_BRANCH = "on-branch"  # the drone flies this dock's branch, whoever sent it
    OFF_BRANCH = "off-branch"  # the drone flies something else
    GATE = "gate"  # the drone hovers in the gate and waits for its word
    BELOW = "below"  # the drone flies the landing itself, whoever told it to
    LOW = "low"  # the drone comes to where it cannot turn back
    TOUCHDOWN = "touchdown"  # the drone stands here with its motors off
    CLOSED = "closed"  # the cover has closed
    CHARGING = "charging"  # the charger has begun, or the battery is full
    TROUBLE = "trouble"  # cover or charger did not do it in time
    END = "end"  # the flight is over, elsewhere


class Act(StrEnum):
    """What is to be done about it."""

    ASK = "ask"  # keep the dock, light its lamp, open it
    SEND = "send"  # the jump to the branch
    PASS = "pass"  # the jump to the landing itself
    TURN_BACK = "turn-back"  # the jump to the way back to the hold
    CLOSE = "close"
    CHARGE = "charge"
    RELEASE = "release"  # give the dock back and put its lamp out


NOT_ASKED = Rule(
    "landing.not-asked",
    Words("the dock has not been asked to get ready", "尚未要求机库做好准备"),
    Words("Ask it first.", "请先要求其准备。"),
)
NOT_CLEAR = Rule(
    "landing.not-clear",
    Words("the dock is not clear: {why}", "机库未就绪：{why}"),
    Words("Wait at the hold or in the gate, or take the next dock.", "请在等待点或决断点等候，或改用下一个机库。"),
)
UNDER_WAY = Rule(
    "landing.under-way",
    Words("the drone is on its way down to this dock", "无人机正在向该机库下降"),
    Words("Let it land, or turn it back to the hold first.", "请等待其降落，或先令其返回等待点。"),
)
NOT_THERE = Rule(
    "landing.not-there",
    Words("the drone does not fly this dock's branch", "无人机不在该机库的进近航段上"),
    Words("Look at the drone's current item.", "请查看无人机的当前航点。"),
)
ON_PAD = Rule(
    "landing.on-pad",
    Words("the drone stands on this dock", "无人机已停在该机库"),
    Words("Close the cover over it.", "请关闭舱盖。"),
)
NOT_LANDED = Rule(
    "landing.not-landed",
    Words("the drone does not stand on this dock", "无人机并未停在该机库"),
    Words("Charge and close after it has landed.", "请在其降落后再关舱和充电。"),
)
IS_OVER = Rule(
    "landing.over",
    Words("the landing is over and the dock given back", "降落已结束，机库已释放"),
    Words("Begin with another flight.", "请另行开始新的飞行。"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the table: the next state, what is to be done (None: nothing new), or the rule that refuses."""

    stage: Stage
    act: Act | None = None
    refused: Rule | None = None


def _row(state: Stage, refusals: dict[Event, Rule], **changes: Step) -> dict[tuple[Stage, Event], Step]:
    row = {event: Step(state) for event in Event}
    row |= {event: Step(state, refused=rule) for event, rule in refusals.items()}
    row |= {Event[name.upper()]: step for name, step in changes.items()}
    return {(state, event): step for event, step in row.items()}


_NOT_ON_IT = {Event.CHARGING: NOT_LANDED}
_ABOVE = {Event.GATE: NOT_THERE, Event.BELOW: NOT_THERE, Event.LOW: NOT_THERE, **_NOT_ON_IT}
_ON_THE_WAY = {Event.ASK: UNDER_WAY, Event.SEND: UNDER_WAY, Event.END: UNDER_WAY, **_NOT_ON_IT}
_STANDS = dict.fromkeys((Event.ASK, Event.SEND, Event.GATE, Event.BELOW, Event.LOW), ON_PAD)

_TAKEN_UP = Step(Stage.DESCENDING)  # a jump whose answer was lost, or of an earlier controller
_TURNS = Step(Stage.LEAVING, Act.TURN_BACK)
_DOWN = Step(Stage.LANDED, Act.CLOSE)
_FREED = Step(Stage.OVER, Act.RELEASE)
_BACK = Step(Stage.ASKED)

TABLE: dict[tuple[Stage, Event], Step] = {
    **_row(
        Stage.IDLE,
        {**_ABOVE, Event.SEND: NOT_ASKED},
        ask=Step(Stage.ASKED, Act.ASK),
        on_branch=_TAKEN_UP,
        touchdown=_DOWN,
        end=_FREED,
    ),
    **_row(
        Stage.ASKED,
        {**_ABOVE, Event.SEND: NOT_CLEAR},
        holds=Step(Stage.CLEAR),
        on_branch=_TAKEN_UP,
        touchdown=_DOWN,
        end=_FREED,
    ),
    **_row(
        Stage.CLEAR,
        _ABOVE,
        unheard=_BACK,
        fails=_BACK,
        send=Step(Stage.CLEAR, Act.SEND),  # until the drone is seen on the branch, it is sent again
        on_branch=_TAKEN_UP,
        touchdown=_DOWN,
        end=_FREED,
    ),
    **_row(
        Stage.DESCENDING,
        _ON_THE_WAY,
        fails=_TURNS,
        off_branch=_BACK,
        gate=Step(Stage.DESCENDING, Act.PASS),  # until the drone is seen below, it is told again
        below=Step(Stage.GATED),
        low=Step(Stage.COMMITTED),  # first seen so low, after a restart
        touchdown=_DOWN,
    ),
    **_row(
        Stage.GATED,
        _ON_THE_WAY,
        fails=_TURNS,
        unheard=_TURNS,
        off_branch=_BACK,
        low=Step(Stage.COMMITTED),
        touchdown=_DOWN,
    ),
    **_row(Stage.COMMITTED, _ON_THE_WAY, off_branch=_BACK, touchdown=_DOWN),
    **_row(
        Stage.LEAVING,
        _ON_THE_WAY,
        on_branch=_TURNS,  # the order was not followed
        off_branch=_BACK,
        low=Step(Stage.COMMITTED),
        touchdown=_DOWN,
    ),
    **_row(
        Stage.LANDED,
        {**_STANDS, Event.CHARGING: NOT_COVERED},
        closed=Step(Stage.COVERED, Act.CHARGE),
        trouble=_FREED,
        end=_FREED,
    ),
    **_row(Stage.COVERED, _STANDS, charging=_FREED, trouble=_FREED, end=_FREED),
    **_row(Stage.OVER, dict.fromkeys((e for e in Event if e is not Event.END), IS_OVER)),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that must hold for a landing and does not; `known` is False when only the word for it is too old."""

    code: str
    words: Words
    known: bool = True


@dataclass(frozen=True, slots=True)
class PadSight:
    """What is known of a dock and of the air over it; None is what is not known.

    `age_s` is that of the dock's word [s], None when it never spoke or its pole doubts what it says (`doubted`);
    `gust_mps` is the strongest gust near the pad.
    """

    age_s: float | None
    doubted: bool = False
    cover: Cover = Cover.STUCK
    drone_present: bool = False
    ready: bool = False
    why_not: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    reserved_for: str = ""
    has_lamp: bool = False
    lamp_leads: bool | None = None  # it shows the landing pattern
    lamp_failed: bool = False
    measures_wind: bool = False  # there are stations whose word counts here
    gust_mps: float | None = None
    wind_age_s: float | None = None


def missing(sight: PadSight, flight: str, gust_limit_mps: float, within_s: float) -> tuple[Missing, ...]:
    """What a flight lacks for a landing on a dock, gravest first; empty when everything holds.

    `within_s` is how old the dock's word may be [s].
    """
    return tuple(_missing(sight, flight, gust_limit_mps, within_s))


def _missing(sight: PadSight, flight: str, gust_limit_mps: float, within_s: float) -> Iterator[Missing]:
    if sight.doubted:
        words = Words("its pole does not trust the dock's sensors", "灯杆不信任机库的传感器")
        yield Missing("doubted", words, known=False)
        return
    if sight.age_s is None:
        yield Missing("unheard", Words("it has not reported", "尚无报告"), known=False)
        return
    if sight.faults:
        faults = ", ".join(sight.faults)
        yield Missing("fault", Words(f"fault {faults}", f"故障 {faults}"))
    if sight.drone_present:
        yield Missing("pad", Words("another drone is on the pad", "停机坪上已有无人机"))
    if sight.reserved_for != flight:
        holder = sight.reserved_for or "-"
        yield Missing("reserved", Words(f"the pole keeps it for {holder}", f"灯杆将其保留给 {holder}"))
    if sight.cover is not Cover.OPEN or not sight.ready:
        why_not = ", ".join(sight.why_not) or f"cover {sight.cover.value}"
        yield Missing("ready", Words(f"not ready: {why_not}", f"未就绪：{why_not}"))
    yield from _lamp_missing(sight)
    yield from _wind_missing(sight, gust_limit_mps)
    if sight.age_s > within_s:
        age = f"{sight.age_s:.1f}"
        yield Missing("age", Words(f"its word is {age} s old", f"其就绪信息已过 {age} 秒"), known=False)


def _lamp_missing(sight: PadSight) -> Iterator[Missing]:
    if sight.has_lamp and sight.lamp_failed:
        yield Missing("lamp", Words("its lamp gives no light", "灯具不亮"))
    elif sight.has_lamp and sight.lamp_leads is None:
        yield Missing("lamp", Words("its lamp has not reported", "灯具尚无报告"), known=False)
    elif sight.has_lamp and not sight.lamp_leads:
        yield Missing("lamp", Words("its lamp does not show the landing pattern", "灯具未显示降落灯型"))


def _wind_missing(sight: PadSight, gust_limit_mps: float) -> Iterator[Missing]:
    if not sight.measures_wind:
        return
    if sight.gust_mps is None:
        yield Missing("wind", Words("no station tells the wind at the pad", "没有气象站提供停机坪处的风"), known=False)
    elif sight.gust_mps > gust_limit_mps:
        gust, limit = f"{sight.gust_mps:.1f}", f"{gust_limit_mps:g}"
        yield Missing("wind", Words(f"gusts of {gust} m/s, limit {limit} m/s", f"阵风 {gust} m/s，限值 {limit} m/s"))


def judged(lacking: tuple[Missing, ...]) -> Event:
    """The event that a look at a dock is."""
    if not lacking:
        return Event.HOLDS
    return Event.FAILS if any(each.known for each in lacking) else Event.UNHEARD


def step(state: Stage, event: Event, lacking: tuple[Missing, ...]) -> Step:
    """The cell of the table with both guards applied; a guarded step keeps the state and names the rule."""
    cell = TABLE[state, event]
    if lacking and cell.act in (Act.SEND, Act.PASS):
        return Step(state, refused=NOT_CLEAR)
    if lacking and cell.stage is Stage.GATED and state is not Stage.GATED:
        return _TURNS
    return cell
