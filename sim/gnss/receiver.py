"""The drone's BeiDou receiver: what it tracks, what kind of fix that gives, and how wrong the position is.

Once a second it looks at the sky: satellites above the mask, the buildings and the noise; phases that were lost and are
locked anew; the age of the corrections. From these follows the fix, with the limits of real receivers: RTK fixed as
long as the corrections are at most 30 s old (RTKLIB's `maxage`), float up to 60 s (NovAtel RTKTIMEOUT, u-blox DGNSS
time-out), DGPS up to 300 s (NovAtel PSRDIFFTIMEOUT). The errors follow `laws`; the position that the autopilot believes
is theirs smoothed over 3 s by the filter that fuses it with the inertial sensors.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

from sim.gnss.corrections import Corrections
from sim.gnss.geometry import Geometry, Line, geometry_of
from sim.gnss.interference import CODE_DBHZ, Spoof
from sim.gnss.laws import DGPS, FIX_3D, NO_FIX, QUICK_S, RTK_FIXED, RTK_FLOAT, SLOW_S, Law, law_of
from sim.gnss.orbits import bdt_s
from sim.gnss.phases import LONG_AGO_S, PhaseLocks
from sim.gnss.places import Axes, earth_fixed_m
from sim.gnss.sky import Sky, View
from sim.gnss.solution import Fix, Rtk, fix_of

UPDATE_S = 0.2
LOOK_S = 1.0
FILTER_S = 3.0
MOVED_M = 5.0  # buildings hide other satellites after this way
RING = 16  # azimuths at which the share of the sky behind buildings is measured

WORST_PDOP = 25.0
REACQUIRE_S = 2.0
LEAST_CODE = 4
LEAST_PHASE = 5
FIXED_AGE_S, FLOAT_AGE_S, DGPS_AGE_S = 30.0, 60.0, 300.0
LONGEST_BASELINE_M = 30_000.0
FLOAT_AFTER_S = 2.0
FIX_DELAY_S, FIX_MEAN_S, FIX_PER_KM_S = 4.0, 3.0, 0.3
NETWORK_AGE_S, NETWORK_BASELINE_M = 1.0, 1_000.0  # a virtual reference station nearby

INERTIAL_MPS2 = 0.05  # what the acceleration is wrong by when only the inertial sensors are left
BAROMETER_M, BAROMETER_S = 0.15, 120.0  # one sigma and correlation of the height by air pressure


@lru_cache(64)
def _pace(dt: float) -> tuple[float, float, float, float, float]:
    """What a step of `dt` keeps and adds: of quick errors, the filter's share, and of the barometer's error [m]."""
    keep, steady = math.exp(-dt / QUICK_S), math.exp(-dt / BAROMETER_S)
    fresh, wander_m = math.sqrt(1.0 - keep * keep), BAROMETER_M * math.sqrt(1.0 - steady * steady)
    return keep, fresh, 1.0 - math.exp(-dt / FILTER_S), steady, wander_m


USUAL = _pace(UPDATE_S)


@lru_cache(64)
def _slow_pace(passed_s: float) -> tuple[float, float]:
    """What a look after `passed_s` keeps and adds of slow errors."""
    keep = math.exp(-passed_s / SLOW_S)
    return keep, math.sqrt(1.0 - keep * keep)


class Receiver:
    """A receiver in a sky; `e`, `n`, `u` are the error [m] of the position that the autopilot believes.

    `raw_m` is the error of the receiver's own position. The autopilot's height is the barometer's, as ArduCopter's
    estimator has it (EK3_SRC1_POSZ), so satellites only move it sideways.

    `name` is what a spoofer calls it by. With `network_corrections` it has a fixed solution of a correction service
    from the start, over a network of its own, as a receiver that was on for long; without, what `corrections` takes
    decides.
    """

    def __init__(self, rng: random.Random, sky: Sky, *, name: str = "", network_corrections: bool = True) -> None:
        self.sky = sky
        self.name = name
        self.network_corrections = network_corrections
        self.fix_type = NO_FIX
        self.fix = Fix(0, 65535, 65535, 0, 0)
        self.e = self.n = self.u = 0.0
        self.raw_m = (0.0, 0.0, 0.0)
        self.geometry: Geometry | None = None
        self.lines: tuple[Line, ...] = ()
        self.noise_rise_db = 0.0
        self.received = Corrections()
        self.sigma_m = (0.0, 0.0, 0.0)
        self._rng = rng
        self._cap = RTK_FIXED
        self._own = NO_FIX
        gauss = rng.gauss
        self._quick = [gauss(0.0, 1.0), gauss(0.0, 1.0), gauss(0.0, 1.0)]
        self._slow = [gauss(0.0, 1.0), gauss(0.0, 1.0), gauss(0.0, 1.0), gauss(0.0, 1.0)]
        self._gains = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        self._bias = (0.0, 0.0, 0.0)
        self._drift = [0.0, 0.0]
        self._spoof: Spoof | None = None
        self._walk = [0.0, 0.0, 0.0]
        self._view: View | None = None
        self._place = (math.inf, math.inf, math.inf)
        self._surveyed_at = self._place
        self._blocked = 0.0
        self._baseline_m = math.inf
        self._phases = PhaseLocks()
        self._of: tuple[object, ...] = ()  # what the law, the sizes and the fix were found for
        self._law = Law(0.0, 0.0, 0.0)
        self._clear_times()

    def _clear_times(self) -> None:
        self._stepped_s = self._looked_s = LONG_AGO_S
        self._tracking_since_s: float | None = LONG_AGO_S
        self._floating_since_s: float | None = None
        self._fix_due_s: float | None = LONG_AGO_S if self.network_corrections else None
        self._phases.restart()

    def set_fix(self, fix_type: int) -> None:
        """The best kind of fix that is possible from now on: GPS_FIX_TYPE 0 to 6. ValueError for others."""
        if not 0 <= fix_type <= RTK_FIXED:
            raise ValueError(f"{fix_type} is no GPS_FIX_TYPE of this receiver (0 to 6)")
        self._cap = fix_type
        self._tell()

    def restart(self) -> None:
        """Begin to count time anew, as when power comes."""
        self._clear_times()

    def corrections(self, data: bytes) -> None:
        """Take bytes of an RTCM 3 stream, whole messages or pieces of them, which count from the next look on."""
        before = self.received.observation
        self.received.feed(data)
        now = self.received.observation
        changed = before is not None and now is not None and before.station != now.station
        if changed and not self.network_corrections:
            self._floating_since_s = self._fix_due_s = None  # ambiguities towards another station are others

    # Time

    def step(self, t_s: float, e: float, n: float, u: float) -> None:
        """Move on to a time [s since power-on]; the place is the true one in the world's frame [m]."""
        dt = t_s - self._stepped_s
        if dt < UPDATE_S - 1e-6:
            return
        first = self._stepped_s == LONG_AGO_S
        self._stepped_s = t_s
        if t_s - self._looked_s >= LOOK_S - 1e-6:
            self._place = (e, n, u)
            self._look(t_s)
        if first:
            dt = UPDATE_S
        if dt < UPDATE_S + 1e-6:
            keep, fresh, share, steady, wander_m = USUAL
        else:
            keep, fresh, share, steady, wander_m = _pace(dt)
        quick, gauss = self._quick, self._rng.gauss
        self.u = steady * self.u + wander_m * gauss(0.0, 1.0)
        if self.fix_type <= NO_FIX:
            self._coast(dt)
            return
        a = quick[0] = keep * quick[0] + fresh * gauss(0.0, 1.0)
        b = quick[1] = keep * quick[1] + fresh * gauss(0.0, 1.0)
        c = quick[2] = keep * quick[2] + fresh * gauss(0.0, 1.0)
        ee, ne, nn, ue, un, uu = self._gains
        bias_e, bias_n, bias_u = self._bias
        if self._spoof is not None:
            bias_e, bias_n, bias_u = self._walk_off(dt)
        raw_e, raw_n = ee * a + bias_e, ne * a + nn * b + bias_n
        self.raw_m = (raw_e, raw_n, ue * a + un * b + uu * c + bias_u)
        self.e += (raw_e - self.e) * share
        self.n += (raw_n - self.n) * share

    def _coast(self, dt: float) -> None:
        """Nothing but inertial sensors: the velocity's error wanders, and the place follows it."""
        drift, gauss = self._drift, self._rng.gauss
        wander = INERTIAL_MPS2 * math.sqrt(dt)
        for axis in range(2):
            drift[axis] += wander * gauss(0.0, 1.0)
        self.e += drift[0] * dt
        self.n += drift[1] * dt

    def _walk_off(self, dt: float) -> tuple[float, float, float]:
        spoof, walk = self._spoof, self._walk
        if spoof is not None:
            walk[0] += spoof.east_mps * dt
            walk[1] += spoof.north_mps * dt
            walk[2] += spoof.up_mps * dt
        return self._bias[0] + walk[0], self._bias[1] + walk[1], self._bias[2] + walk[2]

    # The sky

    def _look(self, t_s: float) -> None:
        sky = self.sky
        e, n, u = self._place
        passed_s = t_s - self._looked_s
        first = self._looked_s == LONG_AGO_S
        self._looked_s = t_s
        if not first:
            self._age_slow(passed_s)
        spoof = sky.spoofing(self.name, e, n) if sky.spoofs else None
        if spoof is not self._spoof:
            self._follow(spoof, t_s)
        rise_db = sky.noise_rise_db(e, n, u) if sky.jammers and spoof is None else 0.0
        view = sky.view()
        moved = sky.skyline is not None and math.dist(self._place, self._surveyed_at) > MOVED_M
        if view is not self._view or rise_db != self.noise_rise_db or moved:
            self.noise_rise_db = rise_db
            self._view = view
            self._survey(view, t_s, first)
        if self._own >= RTK_FLOAT and self._rng.random() < self._phases.slips_per_s * passed_s:
            self._phases.slip(self._rng, self.lines, t_s)
        self._decide(t_s)
        self._tell()

    def _age_slow(self, passed_s: float) -> None:
        keep, fresh = _slow_pace(passed_s)
        gauss = self._rng.gauss
        self._slow = [keep * slow + fresh * gauss(0.0, 1.0) for slow in self._slow]

    def _follow(self, spoof: Spoof | None, t_s: float) -> None:
        """Go over to false signals or back to the true ones."""
        if self._spoof is None or spoof is None or not spoof.coherent:
            self._walk = [0.0, 0.0, 0.0]
        if spoof is None or not spoof.coherent:
            self._phases.lose(t_s)
            self._fix_due_s = None
            self._tracking_since_s = t_s
        self._spoof = spoof
        self._view = None

    def _survey(self, view: View, t_s: float, first: bool) -> None:
        """Find out which satellites are received, what they give, and whose phases were locked since when."""
        skyline = self.sky.skyline
        e, n, u = self._place
        lines, geometry, self._blocked = view.lines, view.geometry, 0.0
        if skyline is not None and self._spoof is None:
            self._surveyed_at = self._place
            lines = tuple(one for one in lines if one.elevation_deg > skyline.elevation_deg(e, n, u, one.azimuth_deg))
            hidden = 0.0
            for step in range(RING):
                horizon_deg = skyline.elevation_deg(e, n, u, step * 360.0 / RING)
                hidden += math.sin(math.radians(min(max(horizon_deg, 0.0), 90.0)))
            self._blocked = hidden / RING
        if self.noise_rise_db > 0.0:
            lines = tuple(one for one in lines if one.cn0_dbhz - self.noise_rise_db >= CODE_DBHZ)
        if len(lines) != len(view.lines):
            geometry = geometry_of(lines)
        self.lines, self.geometry = lines, geometry
        self._phases.track(
            lines,
            noise_rise_db=self.noise_rise_db,
            blocked=self._blocked,
            t_s=t_s,
            since_s=LONG_AGO_S if first else None,
        )

    # The fix

    def _decide(self, t_s: float) -> None:
        geometry = self.geometry
        if geometry is None or geometry.pdop > WORST_PDOP:
            self._own, self._tracking_since_s = NO_FIX, None
            self._floating_since_s = self._fix_due_s = None
            return
        if self._tracking_since_s is None:
            self._tracking_since_s = t_s
        if t_s - self._tracking_since_s < REACQUIRE_S:
            self._own = NO_FIX
            return
        self._own = self._corrected(t_s)

    def age_s(self) -> float:
        """Age of the corrections [s]; infinite when there are none to use."""
        if self.network_corrections:
            return NETWORK_AGE_S
        observation = self.received.observation
        age = math.inf if observation is None else observation.age_s(bdt_s(self.sky.utc_s()))
        return age if age >= -1.0 else math.inf

    def _corrected(self, t_s: float) -> int:
        """The best fix that the corrections allow, and the clocks of float and fixed solutions moved on."""
        age_s = self.age_s()
        baseline_m = self._baseline_m = self._way_to_station_m()
        no_place = math.isinf(baseline_m)  # observations correct nothing while it is not known where they were made
        if no_place or age_s > DGPS_AGE_S or self._common(self.lines) < LEAST_CODE or self._contradicted:
            self._floating_since_s = self._fix_due_s = None
            return FIX_3D
        phases = self.network_corrections or (
            self.received.observation is not None and self.received.observation.phases
        )
        held = self._phases.held(self.lines)
        if age_s > FLOAT_AGE_S or not phases or self._common(held) < LEAST_PHASE or baseline_m > LONGEST_BASELINE_M:
            self._floating_since_s = self._fix_due_s = None
            return DGPS
        if self._floating_since_s is None:  # but a receiver that was on for long has its integers
            self._floating_since_s = t_s if self._fix_due_s is None else LONG_AGO_S
        if t_s - self._floating_since_s < FLOAT_AFTER_S:
            return DGPS
        if age_s > FIXED_AGE_S or self._common(self._phases.joined(held, t_s)) < LEAST_PHASE:
            self._fix_due_s = None
            return RTK_FLOAT
        if self._fix_due_s is None:
            mean_s = FIX_MEAN_S + FIX_PER_KM_S * baseline_m / 1000.0
            self._fix_due_s = t_s + FIX_DELAY_S + self._rng.expovariate(1.0 / mean_s)
        return RTK_FIXED if t_s >= self._fix_due_s else RTK_FLOAT

    @property
    def _contradicted(self) -> bool:
        """Whether false signals do not fit the corrections."""
        return self._spoof is not None and not self._spoof.coherent

    def _common(self, lines: tuple[Line, ...] | list[Line]) -> int:
        """How many of these satellites the station sees too."""
        if self.network_corrections:
            return len(lines)
        observation = self.received.observation
        return 0 if observation is None else sum(1 for one in lines if one.prn in observation.satellites)

    # What it says

    def _tell(self) -> None:
        """Report the fix that follows from the own one and the cap, and set the sizes of the errors."""
        kind = min(self._own, self._cap)
        geometry = self.geometry
        if kind > NO_FIX and self.fix_type <= NO_FIX:
            self._drift = [0.0, 0.0]
        self.fix_type = kind
        if kind <= NO_FIX or geometry is None:
            self.fix, self._of = Fix(min(len(self.lines), 3 * kind), 65535, 65535, 0, 0), ()
            return
        age_s, baseline_m = (self.age_s(), self._baseline_m) if kind >= DGPS else (0.0, 0.0)
        of = kind, self._view, geometry, self._blocked, self.noise_rise_db, age_s, baseline_m
        if of != self._of:
            self._of = of
            self._law = law_of(
                kind,
                zenith_ionosphere_m=self._view.zenith_ionosphere_m if self._view else 0.0,
                blocked=self._blocked,
                noise_rise_db=self.noise_rise_db,
                age_s=age_s,
                baseline_m=baseline_m,
            )
            self.sigma_m = self._law.sigma_m(geometry)
            self.fix = fix_of(geometry, self.sigma_m)
        self._size(self._law, geometry)

    def _size(self, law: Law, geometry: Geometry) -> None:
        ee, ne, nn, ue, un, uu = geometry.spread
        quick = law.quick_m
        self._gains = (quick * ee, quick * ne, quick * nn, quick * ue, quick * un, quick * uu)
        a, b, c, z = self._slow
        slow, z = law.slow_m, law.zenith_m * z
        be, bn, bu = geometry.zenith
        self._bias = (
            slow * ee * a + z * be,
            slow * (ne * a + nn * b) + z * bn,
            slow * (ue * a + un * b + uu * c) + z * bu,
        )

    def _way_to_station_m(self) -> float:
        """Way to the station that corrects [m]; infinite when its place is not known."""
        if self.network_corrections:
            return NETWORK_BASELINE_M
        reference = self.received.reference_m
        if reference is None:
            return math.inf
        return math.dist(reference, self._earth_fixed())

    def _earth_fixed(self) -> tuple[float, float, float]:
        e, n, u = self._place
        return earth_fixed_m(self.sky.frame.latlon(e, n), self.sky.datum_ellipsoidal_m + u)

    def rtk(self) -> Rtk | None:
        """The RTK solution; None without one or when a network's station has no place."""
        observation, reference = self.received.observation, self.received.reference_m
        if self.network_corrections or self.fix_type < RTK_FLOAT or observation is None or reference is None:
            return None
        here = self._earth_fixed()
        axes = Axes.at(self.sky.frame.latlon(self._place[0], self._place[1]))
        east, north, up = axes.local(here[0] - reference[0], here[1] - reference[1], here[2] - reference[2])
        return Rtk(
            station=observation.station,
            tow_s=observation.tow_s,
            satellites=self._common(self.lines),
            east_m=east + self.raw_m[0],
            north_m=north + self.raw_m[1],
            up_m=up + self.raw_m[2],
            accuracy_m=math.hypot(*self.sigma_m),
            age_s=self.age_s(),
            hypotheses=1 if self.fix_type == RTK_FIXED else 2 + len(self.lines),
        )
