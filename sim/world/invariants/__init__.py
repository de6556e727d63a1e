"""What must hold whatever happens, one small object each."""

from sim.world.invariants.docks import CoverOpenUnderDrones, NeverOpensInRain
from sim.world.invariants.durability import AcknowledgedIsStored, NothingForgotten
from sim.world.invariants.endings import ChargeAtLanding, EveryFlightEnds, MissionsAreFlown
from sim.world.invariants.in_the_air import InItsAirspace, KeptApart, NeverStrikes, OutOfBlocks
from sim.world.invariants.invariant import Breach, Broken, Invariant
from sim.world.invariants.launches import FitAtTakeOff, GatesPassed, HoldsItsPlan, OneHandOnADrone
from sim.world.invariants.reservations import DocksHeldOnce, ReservationsApart, RoomAround

INVARIANTS: tuple[type[Invariant], ...] = (
    OutOfBlocks,
    KeptApart,
    InItsAirspace,
    NeverStrikes,
    CoverOpenUnderDrones,
    NeverOpensInRain,
    AcknowledgedIsStored,
    NothingForgotten,
    FitAtTakeOff,
    GatesPassed,
    HoldsItsPlan,
    OneHandOnADrone,
    ReservationsApart,
    RoomAround,
    DocksHeldOnce,
    EveryFlightEnds,
    ChargeAtLanding,
    MissionsAreFlown,
)

__all__ = ["INVARIANTS", "Breach", "Broken", "Invariant"]
