"""Reserving a flight's airspace and docks together or not at all, and giving them back."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

from airspace.reasons import Reason, Refused, Rule, Words
from controller.district import District
from controller.events import AnyEvent, DockReleased, DockReserved, IntentAccepted, IntentChanged
from controller.sharing import StaleKnowledgeError
from controller.state import FlightState
from controller.store import ClaimsChangedError
from missions.plan import Plan, PlanVolume
from missions.volumes import absolute, plan_conflicts

DOCK_HELD = Rule(
    "dock.held",
    Words("the dock of pole {pole} is reserved for flight {holder}", "灯杆 {pole} 的机库已为飞行 {holder} 预留"),
    Words("Choose another dock or wait until that flight has ended.", "请选择其他机库，或等待该飞行结束。"),
)


def volumes_at(plan: Plan, takeoff_s: float) -> tuple[PlanVolume, ...]:
    """The plan's volumes for a take-off at a UTC second; their times become UTC seconds."""
    return tuple(replace(v, start_s=v.start_s + takeoff_s, end_s=v.end_s + takeoff_s) for v in plan.volumes)


async def reserve(district: District, flight: str, plan: Plan, takeoff_s: float) -> None:
    """Give the flight all its volumes and landing slots from `takeoff_s` [UTC s] on, or raise `Refused` and give none.

    Reserving again moves the flight's own earlier reservation in one step. However it ends, cancelled too, the shared
    register is left as the log has it, or told so as soon as it can be.
    """
    async with AsyncExitStack() as when_stopped:
        when_stopped.push_async_callback(district.settle, flight)  # gives back what is not in the log
        await _reserve(district, flight, plan, takeoff_s)
        when_stopped.pop_all()


async def _reserve(district: District, flight: str, plan: Plan, takeoff_s: float) -> None:
    while True:
        await district.follow_register()
        claims_seen = district.state.last_claim
        conflicts = plan_conflicts(plan, district.airspace, takeoff_s, own_id=flight)
        reasons = [conflict.reason(plan.name) for conflict in conflicts]
        slots = _landing_slots(plan, flight, takeoff_s)
        reasons += [
            Reason(DOCK_HELD, plan.name, {"pole": slot.pole, "holder": holder.id})
            for slot in slots
            for holder in district.state.dock_holders(slot.pole)
            if holder.id != flight
        ]
        if reasons:
            raise Refused(reasons)
        intent = IntentAccepted(flight=flight, priority=plan.priority, volumes=volumes_at(plan, takeoff_s))
        try:
            await _take_shared(district, intent)
            await district.record(intent, *slots, claims_seen=claims_seen)
        except (ClaimsChangedError, StaleKnowledgeError):
            continue
        return


async def _take_shared(district: District, intent: IntentAccepted) -> None:
    """Take the airspace in the register too, where there is one."""
    if district.sharing is None:
        return
    volumes = [absolute(volume, district.site.frame, 0.0) for volume in intent.volumes]
    await district.sharing.take(intent.flight, intent.priority, volumes)


def _landing_slots(plan: Plan, flight: str, takeoff_s: float) -> list[DockReserved]:
    """A slot for each dock of the plan, from take-off until the last volume of the plan is over."""
    end_s = takeoff_s + max((volume.end_s for volume in plan.volumes), default=plan.duration_s)
    docks = sorted({landing.dock for landing in plan.landings if landing.dock})
    return [DockReserved(flight=flight, pole=dock, start_s=takeoff_s, end_s=end_s) for dock in docks]


def releases(flight: FlightState) -> list[AnyEvent]:
    """The events that give back whatever the flight still holds."""
    events: list[AnyEvent] = [DockReleased(flight=flight.id, pole=pole) for pole in sorted(flight.docks)]
    if flight.volumes:
        events.append(IntentChanged(flight=flight.id, state="ended"))
    return events
