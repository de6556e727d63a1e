"""PX4 as MAVLink shows it, around the same simulated vehicle.

The manners are those of PX4 1.13's modules `commander`, `navigator` and `mavlink`, read in their source
(https://github.com/PX4/PX4-Autopilot) and its guide (https://docs.px4.io/v1.13/en/); no recording of a real PX4 was at
hand. What differs, and why, is in docs/simulator-fidelity.md, section "PX4".
"""

from sim.px4.services import Px4Services

__all__ = ["Px4Services"]
