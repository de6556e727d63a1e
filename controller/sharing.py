"""A district's door to the shared register: what others hold and publish comes in, its own flights go out.

The district's event log says what its own flights hold; the register says it to others. A flight takes airspace in the
register first and in the log second, and what a killed controller left different is put right when it is opened again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, ParamSpec, TypeVar

from airspace.charted import ChartedZone
from airspace.frames import LocalFrame
from airspace.intents import CARRIES, IntentEvent, IntentState, OperationalIntent
from airspace.laying import charted_outline, laid_shape
from airspace.model import Airspace
from airspace.reasons import Reason, Refused, Rule, Words
from airspace.reservation import unread
from airspace.volumes import Volume4D
from controller.register.changes import IntentsChanged, LoggedChange, ZoneRemoved, ZonesImported, intent_of
from controller.register.charted_zones import zone_of
from controller.register.laying import put_registered
from controller.register.register import NO_SUCH, Register

P = ParamSpec("P")
T = TypeVar("T")

Key = tuple[Literal["zone", "intent"], str]
"""What a version is of: a zone or an intent, by its id."""

STALE = Rule(
    "register.stale",
    Words(
        "the register changed near flight {flight} faster than it could be read",
        "登记库中飞行 {flight} 附近的内容变化过快，未能及时读取",
    ),
    Words("Wait: it is tried again at the next look.", "请等待：下次读取时将重试。"),
)
LOOKS = 3  # at what changes all the time, before somebody is told

# The states of a drone that does not keep to its volumes: the register says where it may be instead.
ASTRAY = (IntentState.NONCONFORMING, IntentState.CONTINGENT)

# The events that lead from one state to another. What is not here needs none, or cannot be: then the register goes on
# holding the graver state, which asks more of others.
STEPS: dict[tuple[IntentState, IntentState], IntentEvent] = {
    (IntentState.ACCEPTED, IntentState.ACTIVATED): IntentEvent.ACTIVATE,
    (IntentState.ACCEPTED, IntentState.NONCONFORMING): IntentEvent.LEAVE,
    (IntentState.ACCEPTED, IntentState.CONTINGENT): IntentEvent.GIVE_UP,
    (IntentState.ACTIVATED, IntentState.NONCONFORMING): IntentEvent.LEAVE,
    (IntentState.ACTIVATED, IntentState.CONTINGENT): IntentEvent.GIVE_UP,
    (IntentState.NONCONFORMING, IntentState.ACTIVATED): IntentEvent.RETURN,
    (IntentState.NONCONFORMING, IntentState.CONTINGENT): IntentEvent.GIVE_UP,
}


class StaleKnowledgeError(Exception):
    """Something near has changed in the register since the district last looked: look again and decide again."""


class Sharing:
    """The register as one district (`holder`) uses it, kept in step with the district's airspace model.

    Calls take turns. The register is asked in a thread, the model is changed on the loop that everybody reads it on.
    """

    def __init__(self, register: Register, holder: str, airspace: Airspace) -> None:
        self._register = register
        self.holder = holder
        self._airspace = airspace
        self.news = 0  # how often something that others may meet has changed
        self.unread: tuple[Reason, ...] = ()  # why the last look at the register failed
        self._turn = asyncio.Lock()
        self._charted = frozenset(zone.charted_id for zone in airspace.zones)  # by the site itself
        self._seen = 0
        self._ovns: dict[Key, str] = {}  # the version of each thing that the model holds
        self._unplaced: dict[Key, tuple[Reason, ...]] = {}  # what the model cannot hold, and why
        self._unlaid: dict[str, ChartedZone] = {}  # the zones among them: what goes may make room for one
        self._untold: tuple[Reason, ...] = ()  # those of them that nobody has heard of

    async def follow(self) -> None:
        """Take in what changed in the register; `news` counts up when any of it changes what may be flown through.

        Raises `Refused` as the register does, and once for what cannot be placed here; all else is taken in.
        """
        async with self._turn:
            await self._catch_up()
            untold, self._untold = self._untold, ()
        if untold:
            raise Refused(untold)

    async def take(self, flight: str, priority: int, volumes: Sequence[Volume4D]) -> None:
        """Reserve airspace for a flight, or move what it has.

        Raises `StaleKnowledgeError` when the register knows more than `follow` has seen, and `Refused` when others
        hold some of it, or when something near could not be placed here.
        """
        async with self._turn:
            await self._take(flight, priority, volumes)

    async def settle(
        self,
        flight: str,
        state: IntentState | None,
        priority: int,
        volumes: Sequence[Volume4D],
        off_nominal: Sequence[Volume4D] = (),
    ) -> None:
        """Make the register say of a flight what the log says; None is a flight that holds nothing.

        `off_nominal` is where a drone that does not keep to its volumes may be. Raises `StaleKnowledgeError` and
        `Refused` as `take` does, and `Refused` when the register cannot be reached.
        """
        async with self._turn:
            standing = await self._aside(self._standing, flight)
            if state is None or state is IntentState.ENDED:
                if standing is not None:
                    await self._aside(self._register.end, standing.id, standing.version, self.holder)
                return
            for _ in range(LOOKS):
                try:
                    await self._tell(flight, state, priority, volumes, off_nominal)
                except StaleKnowledgeError:
                    await self._catch_up()
                else:
                    return
            raise StaleKnowledgeError

    async def unplaced(self, volumes: Sequence[Volume4D]) -> tuple[Reason, ...]:
        """Why the model does not hold all that the register has near some volumes; empty when it does."""
        async with self._turn:
            near = await self._aside(self._near, self._there(volumes))
            return tuple(reason for key in near for reason in self._unplaced.get(key, ()))

    async def own(self) -> tuple[str, ...]:
        """The flights that hold airspace in the register in this district's name."""
        held = await self._aside(self._register.held_by, self.holder)
        return tuple(intent_id.removeprefix(self._id("")) for intent_id in held)

    async def _aside(self, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
        """A register waits for other processes, and the loop must not wait with it.

        Whoever is cancelled meanwhile goes on when the work is over, so that nothing of it happens behind the next.
        """
        working = asyncio.get_running_loop().run_in_executor(None, partial(work, *given, **more))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            if not working.cancelled():
                working.exception()
            raise

    def _id(self, flight: str) -> str:
        return f"{self.holder}/{flight}"

    # -- what comes in -----------------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        try:
            news = await self._aside(self._read, self._seen)
        except Refused as refused:
            self.unread = refused.reasons
            raise
        self.unread = ()
        zones = {**self._unlaid, **news.zones} if news.zones else {}
        faults: dict[Key, tuple[Reason, ...]] = {
            ("zone", zone_id): reasons
            for zone_id, reasons in put_registered(self._airspace, zones, self._charted).items()
        }
        told = self._unplaced.keys() - {("zone", zone_id) for zone_id in news.zones}
        if news.zones:
            self._unlaid = {id_: zone for id_, zone in zones.items() if zone is not None and ("zone", id_) in faults}
        for intent in news.intents.values():
            try:
                self._airspace.put_intent(moved_intent(intent, self._register.frame, self._airspace.frame))
            except Refused as refused:
                faults["intent", intent.id] = refused.reasons
        changed = {*(("zone", id_) for id_ in zones), *(("intent", id_) for id_ in news.intents)}
        kept = {key: reasons for key, reasons in self._unplaced.items() if key not in changed}
        self._unplaced, self._ovns, self._seen = kept | faults, news.ovns(self._ovns), news.seen
        self.news += bool(changed)
        self._untold += tuple(
            reason for key, reasons in faults.items() if key[0] == "intent" or key not in told for reason in reasons
        )

    def _read(self, seen: int) -> _News:
        """Everything that changed after a change, as it stands after the last of these."""
        news = _News(seen)
        while True:
            while changes := self._register.changes_after(news.seen):
                for change in changes:
                    news.note(change, self.holder)
            if not news.zones:
                return news
            news.zone_ovns = {held.zone.id: held.ovn for held in self._register.zones()}
            if not self._register.changes_after(news.seen, 1):  # else these may be of zones that were not read yet
                return news

    # -- what goes out -----------------------------------------------------------------------------------------------

    async def _tell(
        self,
        flight: str,
        state: IntentState,
        priority: int,
        volumes: Sequence[Volume4D],
        off_nominal: Sequence[Volume4D],
    ) -> None:
        """Bring a flight that holds something into the register, and there to its state."""
        standing = await self._aside(self._standing, flight)
        if standing is None:
            await self._catch_up()
            await self._take(flight, priority, volumes)
            standing = await self._aside(self._standing, flight)
        if standing is not None:
            astray = self._there(off_nominal) if state in ASTRAY else ()
            await self._asked(self._step, standing, state, self._there(volumes), astray)

    async def _take(self, flight: str, priority: int, volumes: Sequence[Volume4D]) -> None:
        theirs, own_id = self._there(volumes), self._id(flight)
        near = await self._aside(self._near, theirs)
        if unplaced := [reason for key in near for reason in self._unplaced.get(key, ())]:
            raise Refused(unplaced)
        if any(self._ovns.get(key) != ovn for key, ovn in near.items()):
            raise StaleKnowledgeError
        standing = await self._aside(self._standing, flight)
        if standing is None:
            intent = OperationalIntent(own_id, priority, IntentState.ACCEPTED, theirs)
            key = await self._aside(self._known, theirs)
            await self._asked(self._register.reserve, [intent], key, self.holder)
            return
        change, version, key = IntentEvent.CHANGE, standing.version, await self._aside(self._known, theirs)
        await self._asked(self._register.change_state, own_id, change, version, self.holder, key=key, volumes=theirs)

    async def _asked(self, work: Callable[P, T], *given: P.args, **more: P.kwargs) -> T:
        """What the register decides; raises `StaleKnowledgeError` where it knows more than the key says."""
        try:
            return await self._aside(work, *given, **more)
        except Refused as refused:
            if unread(refused):
                raise StaleKnowledgeError from None
            raise

    def _near(self, volumes: Sequence[Volume4D]) -> dict[Key, str]:
        """The versions of all that others have near; what the district holds itself it knows from its own log."""
        intents, zones = self._register.near(volumes)
        near: dict[Key, str] = {
            ("intent", intent.id): intent.ovn
            for intent in intents
            if not intent.id.startswith(self._id("")) or self._register.holder(intent.id) != self.holder
        }
        return near | {("zone", zone.id): zone.ovn for zone in zones}

    def _step(
        self,
        standing: OperationalIntent,
        state: IntentState,
        planned: tuple[Volume4D, ...],
        astray: tuple[Volume4D, ...],
    ) -> None:
        """One event of an intent that stands, if any is owed: to another state or place, or with the drone astray."""
        event = IntentEvent.CHANGE if state is standing.state else STEPS.get((standing.state, state))
        carries_planned, carries_astray = CARRIES[state]
        same = planned == standing.volumes or not carries_planned
        if event is None or (
            event is IntentEvent.CHANGE and same and (astray == standing.off_nominal_volumes or not carries_astray)
        ):
            return
        self._register.change_state(
            standing.id,
            event,
            standing.version,
            self.holder,
            key=self._known(planned),
            volumes=None if same else planned,
            off_nominal_volumes=astray if carries_astray else None,
        )

    def _known(self, volumes: Sequence[Volume4D]) -> frozenset[str]:
        """A key of all that was read and of the district's own flights near some volumes."""
        own = (intent for intent in self._register.near(volumes)[0] if self._register.holder(intent.id) == self.holder)
        return frozenset(self._ovns.values()) | {intent.ovn for intent in own}

    def _standing(self, flight: str) -> OperationalIntent | None:
        """What the register holds for a flight; None for nothing or no more."""
        try:
            intent = self._register.intent(self._id(flight))
        except Refused as refused:
            if any(reason.rule is not NO_SUCH for reason in refused.reasons):
                raise
            return None
        return intent if intent.holds_airspace else None

    def _there(self, volumes: Sequence[Volume4D]) -> tuple[Volume4D, ...]:
        return moved_volumes(volumes, self._airspace.frame, self._register.frame)


@dataclass(slots=True)
class _News:
    """What changed in the register up to change `seen`: zones as charted (None: gone) and the intents of others."""

    seen: int
    zones: dict[str, ChartedZone | None] = field(default_factory=dict)
    intents: dict[str, OperationalIntent] = field(default_factory=dict)
    zone_ovns: dict[str, str] = field(default_factory=dict)

    def note(self, change: LoggedChange, holder: str) -> None:
        """Take one more change into account; of the intents of `holder` itself its log says more."""
        match change.body:
            case ZonesImported(features=features):
                for feature in features:
                    charted = zone_of(bytes(feature), f"change {change.seq}")
                    self.zones[charted.id] = charted
            case ZoneRemoved(id=zone_id):
                self.zones[zone_id] = None
            case IntentsChanged(holder=other, intents=intents) if other != holder:
                self.intents |= {stored.id: intent_of(stored) for stored in intents}
            case _:
                pass
        self.seen = change.seq

    def ovns(self, before: Mapping[Key, str]) -> dict[Key, str]:
        """The versions of all that stands, given those of before."""
        stands = dict(before)
        if self.zones:
            stands = {key: ovn for key, ovn in stands.items() if key[0] != "zone"}
            stands |= {("zone", id_): ovn for id_, ovn in self.zone_ovns.items()}
        for intent in self.intents.values():
            stands.pop(("intent", intent.id), None)
            if intent.holds_airspace:
                stands["intent", intent.id] = intent.ovn
        return stands


def moved_intent(intent: OperationalIntent, start: LocalFrame, end: LocalFrame) -> OperationalIntent:
    """An intent of one local frame in another."""
    return replace(
        intent,
        volumes=moved_volumes(intent.volumes, start, end),
        off_nominal_volumes=moved_volumes(intent.off_nominal_volumes, start, end),
    )


def moved_volumes(volumes: Sequence[Volume4D], start: LocalFrame, end: LocalFrame) -> tuple[Volume4D, ...]:
    """Volumes of one local frame in another; the register of a city may have its origin elsewhere."""
    if start.origin == end.origin:
        return tuple(volumes)
    return tuple(replace(v, outline=laid_shape(end, charted_outline(start, v.outline))) for v in volumes)
