"""BeiDou observations as multiple signal messages: MSM4 (1124) and MSM7 (1127) written, the head of any MSM read.

RTCM 10403.3 (2016), 3.5.16: header table 3.5-78, satellite and signal data of MSM4 tables 3.5-81 and 3.5-87, of MSM7
3.5-83 and 3.5-90, BeiDou's signals table 3.5-108 (2 = B1I, 8 = B3I), lock time 3.5-74 and 3.5-75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.gnss.orbits import LIGHT_MPS
from sim.gnss.rtcm import BitReader, BitWriter

MILLISECOND_M = LIGHT_MPS / 1000.0
FIRST, LAST = 1121, 1127  # BeiDou
CODE_KINDS = frozenset({1, 3, 4, 5, 6, 7})
PHASE_KINDS = frozenset({3, 4, 5, 6, 7})  # with code; MSM2 has phases alone
SATELLITES, SIGNALS = 64, 32
MOST_CELLS = 64

B1I, B3I = 2, 8
WAVELENGTHS_M = {B1I: LIGHT_MPS / 1_561.098e6, B3I: LIGHT_MPS / 1_268.520e6}


@dataclass(frozen=True, slots=True)
class Cell:
    """One signal of one satellite: pseudorange and phase range [m], range rate [m/s], C/N0, time since locked [s]."""

    signal: int
    pseudorange_m: float
    phase_range_m: float
    rate_mps: float
    cn0_dbhz: float
    lock_s: float


@dataclass(frozen=True, slots=True)
class Observed:
    """One satellite with its signals in the order of their numbers."""

    prn: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What the header of an MSM says: its kind (1 to 7), station, epoch [ms of the BeiDou week] and satellites."""

    kind: int
    station: int
    tow_ms: int
    more: bool
    satellites: tuple[int, ...]
    signals: tuple[int, ...]


def read_head(payload: bytes) -> Head:
    """The header of a BeiDou MSM; IndexError when it is cut short."""
    bits = BitReader(payload)
    kind, station, tow_ms = bits.unsigned(12) - FIRST + 1, bits.unsigned(12), bits.unsigned(30)
    more = bool(bits.unsigned(1))
    bits.unsigned(3 + 7 + 2 + 2 + 1 + 3)
    satellites, signals = bits.unsigned(SATELLITES), bits.unsigned(SIGNALS)
    return Head(
        kind,
        station,
        tow_ms,
        more,
        tuple(n for n in range(1, SATELLITES + 1) if satellites >> SATELLITES - n & 1),
        tuple(n for n in range(1, SIGNALS + 1) if signals >> SIGNALS - n & 1),
    )


def message(kind: int, station: int, tow_ms: int, observed: Sequence[Observed], *, more: bool = False) -> bytes:
    """An MSM4 or MSM7 as a payload; satellites in the order of their numbers.

    ValueError for another kind, for more than 64 cells, and for what does not fit into its field.
    """
    if kind not in (4, 7):
        raise ValueError(f"MSM{kind} is not written, only MSM4 and MSM7")
    signals = sorted({cell.signal for one in observed for cell in one.cells})
    if len(observed) * len(signals) > MOST_CELLS:
        raise ValueError(f"{len(observed)} satellites with {len(signals)} signals are more than {MOST_CELLS} cells")
    bits = BitWriter()
    bits.unsigned(12, FIRST - 1 + kind)
    bits.unsigned(12, station)
    bits.unsigned(30, tow_ms)
    bits.unsigned(1, int(more))
    bits.unsigned(3, 0)  # issue of data of the station: not used
    bits.unsigned(7, 0)
    bits.unsigned(2, 1)  # the clock is steered to BeiDou time
    bits.unsigned(2, 0)  # by the receiver's own oscillator
    bits.unsigned(4, 0)  # no smoothing
    mask = 0
    for one in observed:
        mask |= 1 << SATELLITES - one.prn
    bits.unsigned(SATELLITES, mask)
    mask = 0
    for signal in signals:
        mask |= 1 << SIGNALS - signal
    bits.unsigned(SIGNALS, mask)
    for one in observed:
        present = {cell.signal for cell in one.cells}
        for signal in signals:
            bits.unsigned(1, int(signal in present))
    rough = [_rough(one) for one in observed]
    _satellites(bits, kind, observed, rough)
    _cells(bits, kind, observed, rough)
    return bits.payload()


@dataclass(frozen=True, slots=True)
class _Rough:
    """What all signals of a satellite share: range in 1/1024 ms and range rate in m/s."""

    units: int
    rate_mps: int


def _rough(one: Observed) -> _Rough:
    first = one.cells[0]
    return _Rough(round(first.pseudorange_m / MILLISECOND_M * 1024.0), round(first.rate_mps))


def _satellites(bits: BitWriter, kind: int, observed: Sequence[Observed], rough: Sequence[_Rough]) -> None:
    for shared in rough:
        bits.unsigned(8, shared.units // 1024)
    if kind == 7:
        for _ in observed:
            bits.unsigned(4, 0)  # extended satellite information: none
    for shared in rough:
        bits.unsigned(10, shared.units % 1024)
    if kind == 7:
        for shared in rough:
            bits.signed(14, shared.rate_mps)


def _cells(bits: BitWriter, kind: int, observed: Sequence[Observed], rough: Sequence[_Rough]) -> None:
    cells = [(cell, shared) for one, shared in zip(observed, rough, strict=True) for cell in one.cells]
    code_width, code_unit, phase_width, phase_unit = (
        (20, 2.0**29, 24, 2.0**31) if kind == 7 else (15, 2.0**24, 22, 2.0**29)
    )
    for cell, shared in cells:
        bits.signed(code_width, _fine(cell.pseudorange_m, shared.units, code_unit))
    for cell, shared in cells:
        bits.signed(phase_width, _fine(cell.phase_range_m, shared.units, phase_unit))
    for cell, _ in cells:
        if kind == 7:
            bits.unsigned(10, lock_indicator_fine(cell.lock_s))
        else:
            bits.unsigned(4, lock_indicator(cell.lock_s))
    for _ in cells:
        bits.unsigned(1, 0)  # no half-cycle ambiguity
    for cell, _ in cells:
        if kind == 7:
            bits.unsigned(10, round(cell.cn0_dbhz * 16.0))
        else:
            bits.unsigned(6, round(cell.cn0_dbhz))
    if kind == 7:
        for cell, shared in cells:
            bits.signed(15, round((cell.rate_mps - shared.rate_mps) / 1e-4))


def _fine(range_m: float, units: int, per_ms: float) -> int:
    return round((range_m / MILLISECOND_M - units / 1024.0) * per_ms)


def lock_indicator(lock_s: float) -> int:
    """DF402: the smallest lock time, doubling from 32 ms, that has been reached."""
    indicator = 0
    while indicator < 15 and lock_s * 1000.0 >= 32 << indicator:
        indicator += 1
    return indicator


def lock_indicator_fine(lock_s: float) -> int:
    """DF407: the lock time in steps that double with every 32 of them, from 1 ms up to 67,108,864 ms."""
    lock_ms = int(min(lock_s * 1000.0, 67_108_864.0))
    if lock_ms < 64:
        return lock_ms
    doublings = lock_ms.bit_length() - 6
    return 704 if lock_ms >= 67_108_864 else (lock_ms >> doublings) + 32 * doublings
