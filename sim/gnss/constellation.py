"""The 30 satellites of BDS-3 as an almanac: 24 in medium orbits, 3 inclined geosynchronous, 3 geostationary.

The elements are those of the public two-line elements of 15 and 16 July 2024 (NORAD numbers 43001 to 45807, as
CelesTrak gives them), moved to 00:00 UTC of 16 July and, for the node, into the earth-fixed frame. Planes, slots and
the longitudes of the geosynchronous satellites are therefore the real ones (GEO at 140, 80 and 110.4 E, IGSO crossing
at 118 E), and as they move at the mean rates of those orbits, a UTC of these years has a sky like the real one of that
moment: receivers' logs of 2020 to 2026 show the satellites within 6 degrees, most within 2, of where this model has
them.
"""

from __future__ import annotations

from sim.gnss.orbits import Orbit, Satellite, bdt_s

REFERENCE_BDT_S = bdt_s(1_721_088_000.0)  # 2024-07-16 00:00:00 UTC

BDS_3: tuple[Satellite, ...] = (
    # prn, orbit, eccentricity, inclination, node, argument of perigee, mean anomaly [deg]
    Satellite(19, Orbit.MEO, 0.0009558, 56.0838, 151.9753, 310.8769, 135.5662),
    Satellite(20, Orbit.MEO, 0.0008043, 56.0832, 152.0105, 338.1277, 150.3857),
    Satellite(21, Orbit.MEO, 0.0007676, 56.0413, 152.0672, 326.3579, 29.7946),
    Satellite(22, Orbit.MEO, 0.0006384, 56.0423, 152.0631, 7.9076, 32.9683),
    Satellite(23, Orbit.MEO, 0.0005633, 54.1314, 271.8274, 277.7789, 187.6464),
    Satellite(24, Orbit.MEO, 0.0004499, 54.1310, 271.8166, 354.3887, 201.1234),
    Satellite(25, Orbit.MEO, 0.0003794, 54.2191, 270.4656, 358.0884, 152.4953),
    Satellite(26, Orbit.MEO, 0.0006753, 54.2219, 270.5005, 16.9199, 223.5108),
    Satellite(27, Orbit.MEO, 0.0004208, 54.9146, 32.3097, 83.1831, 213.8114),
    Satellite(28, Orbit.MEO, 0.0003211, 54.9077, 32.2951, 247.0541, 89.6342),
    Satellite(29, Orbit.MEO, 0.0000885, 54.7991, 30.0169, 178.9639, 29.0692),
    Satellite(30, Orbit.MEO, 0.0003044, 54.7959, 30.0443, 19.2553, 235.9735),
    Satellite(32, Orbit.MEO, 0.0006156, 56.0135, 151.5932, 312.7224, 223.7347),
    Satellite(33, Orbit.MEO, 0.0004816, 56.0163, 151.5865, 347.0098, 279.7060),
    Satellite(34, Orbit.MEO, 0.0003492, 54.6893, 30.1140, 40.8565, 30.3107),
    Satellite(35, Orbit.MEO, 0.0006478, 54.6940, 30.1118, 23.2233, 134.5328),
    Satellite(36, Orbit.MEO, 0.0010423, 54.2144, 271.7679, 280.9646, 49.0787),
    Satellite(37, Orbit.MEO, 0.0008385, 54.2151, 271.7597, 305.3764, 115.1384),
    Satellite(38, Orbit.IGSO, 0.0022783, 57.6846, 110.5960, 205.3897, 162.0431),
    Satellite(39, Orbit.IGSO, 0.0035232, 55.1836, 230.6918, 204.9953, 42.3100),
    Satellite(40, Orbit.IGSO, 0.0040188, 56.0110, 354.0984, 187.5529, 295.8570),
    Satellite(41, Orbit.MEO, 0.0016881, 55.9490, 151.7638, 284.8026, 298.3447),
    Satellite(42, Orbit.MEO, 0.0014879, 55.9496, 151.7965, 299.2622, 13.5883),
    Satellite(43, Orbit.MEO, 0.0003287, 54.5153, 30.0156, 30.7797, 359.6286),
    Satellite(44, Orbit.MEO, 0.0005428, 54.5414, 30.0398, 32.9877, 84.4118),
    Satellite(45, Orbit.MEO, 0.0005665, 54.4403, 272.0286, 320.9462, 325.4019),
    Satellite(46, Orbit.MEO, 0.0008050, 54.4421, 272.0596, 341.6218, 32.3127),
    Satellite(59, Orbit.GEO, 0.0004145, 2.2615, 174.1708, 353.2812, 332.5359),
    Satellite(60, Orbit.GEO, 0.0002066, 2.3507, 96.4149, 128.4694, 215.1712),
    Satellite(61, Orbit.GEO, 0.0004561, 0.8243, 111.3790, 18.8551, 340.1312),
)
