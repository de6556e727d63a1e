"""What is done with a flight's docks when it is over: the drone is shut in and charged, and all are given back.

What follows from what is the table of `landing`. Nothing is taken for granted after a restart: the drone that stands on
the dock is a touchdown, whatever was known of its landing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from airspace.reasons import Reason, Words
from controller.alarms import Alarm
from controller.district import District
from controller.events import DockServed
from controller.flight.landing import Act, Event, Stage, step
from controller.flight.orders import order_pole
from controller.pole_picture import DockReading, Poles
from poles.services.charger import Charger
from poles.services.dock_functions import CHARGER, DOCK
from poles.services.lamp import ACTUATOR

FIRST_WORD_S = 20.0  # within which poles find a controller that has just started
PAD_NOTICES_S = 5.0
COVER_CLOSES_S = 20.0
CHARGER_BEGINS_S = 10.0
WELL = (Charger.CHARGING, Charger.FULL)

NOT_FELT = Words("its pad does not feel the drone", "停机坪未感知到无人机")
NOT_ARRIVED = Words("its cover did not arrive", "舱盖未到位")
NOT_BEGUN = Words("its charger did not begin", "充电器未开始充电")


@dataclass(slots=True)
class DockService:
    """One dock of a flight that is over; `run` returns when it is given back."""

    district: District
    poles: Poles
    flight: str
    pole: str

    async def run(self, *, landed_here: bool) -> None:
        """Shut the drone in and charge it when it stands here, close the dock when not; then give it back."""
        dock = await self._first_word()
        stage, event = Stage.ASKED, Event.TOUCHDOWN if landed_here else Event.END
        while stage is not Stage.OVER:
            taken = step(stage, event, ())
            stage = taken.stage
            match taken.act:
                case Act.CLOSE:
                    event = await self._close(landed_here=True)
                case Act.CHARGE:
                    event = await self._charge()
                case Act.RELEASE:
                    if not landed_here:
                        await self._close(landed_here=False)
                    await self._release()
                case _:
                    raise AssertionError(taken)
        if landed_here:
            await self._report(dock)

    async def _first_word(self) -> DockReading | None:
        """After a restart the pole may not have reported yet, and what it never hears stays open and reserved."""
        await self.poles.until_dock(self.pole, lambda seen: True, FIRST_WORD_S)
        dock = self.poles.dock(self.pole)
        if dock is None or dock.stale:
            age_s = dock.age_s if dock else FIRST_WORD_S
            await self.district.alarm(Alarm.POLE_SILENT, self.pole, self.flight, age_s=age_s)
        return dock

    async def _close(self, *, landed_here: bool) -> Event:
        """Close the cover; over a drone only when the pad has felt it, for only then does the dock know of it."""
        why = None
        # the pad's switch may close a moment after the motors stop
        if landed_here and not await self.poles.until_dock(self.pole, lambda seen: seen.drone_present, PAD_NOTICES_S):
            why = NOT_FELT
        dock = self.poles.dock(self.pole)
        if why is None and (dock is None or dock.doubted or dock.cover != "closed"):
            why = await self._done(DOCK, "close", self._covered, NOT_ARRIVED)
        if why is None:
            return Event.CLOSED
        await self.district.alarm(Alarm.DOCK_NOT_CLOSED, self.pole, self.flight, why=why)
        return Event.TROUBLE

    async def _charge(self) -> Event:
        if not self.poles.has_charger(self.pole):
            return Event.END
        why = await self._done(CHARGER, "charge", self._charging, NOT_BEGUN)
        if why is None:
            return Event.CHARGING
        await self.district.alarm(Alarm.DOCK_NOT_CHARGING, self.pole, self.flight, why=why)
        return Event.TROUBLE

    def _covered(self) -> Awaitable[bool]:
        return self.poles.until_dock(self.pole, lambda seen: seen.cover == "closed", COVER_CLOSES_S)

    def _charging(self) -> Awaitable[bool]:
        return self.poles.until_charger(self.pole, lambda seen: seen.charger in WELL, CHARGER_BEGINS_S)

    async def _done(
        self, function: str, action: str, shown: Callable[[], Awaitable[bool]], otherwise: Words
    ) -> Words | None:
        """Give an order and see it carried out; why not, None when it was.

        An order that nobody answered may have been carried out: what the pole shows then decides.
        """
        reason = await order_pole(self.district, self.flight, self.pole, function, action)
        if reason is not None and reason.facts["outcome"] == "rejected":
            return _words(reason)
        if await shown():
            return None
        return otherwise if reason is None else _words(reason)

    async def _release(self) -> None:
        await order_pole(self.district, self.flight, self.pole, DOCK, "release")
        await order_pole(self.district, self.flight, self.pole, ACTUATOR, "override")

    async def _report(self, first: DockReading | None) -> None:
        dock, charger = self.poles.dock(self.pole) or first, self.poles.charger(self.pole)
        await self.district.record(
            DockServed(
                flight=self.flight,
                pole=self.pole,
                cover=None if dock is None else dock.cover,
                charger=None if charger is None else charger.charger.value,
                charge_pct=None if charger is None else charger.charge_pct,
            )
        )


def _words(reason: Reason) -> Words:
    return Words(reason.text("en"), reason.text("zh"))
