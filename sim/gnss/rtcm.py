"""RTCM 3 on the wire: frames with CRC-24Q, and the messages 1005, 1006, 1033 and 1042 that a BeiDou station sends.

RTCM 10403.3 (2016): frame 4.1.1; 1005 and 1006 table 3.5-5 and 3.5-6; 1033 table 3.5-79; 1042 table 3.5-104. Angles of
1042 are semicircles on the wire and radians here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from poles.protocol.rtcm import LONGEST, PREAMBLE, crc_24q
from sim.gnss.orbits import WEEK_S, Ephemeris, Orbit, Vector


def frame(payload: bytes) -> bytes:
    """A payload with preamble, length and checksum; ValueError above 1023 bytes."""
    if len(payload) > LONGEST:
        raise ValueError(f"an RTCM 3 message has at most {LONGEST} bytes, not {len(payload)}")
    body = bytes((PREAMBLE,)) + len(payload).to_bytes(2, "big") + payload
    return body + crc_24q(body).to_bytes(3, "big")


class Deframer:
    """Cuts payloads out of a stream that comes in pieces; what is no whole frame with a right checksum is skipped."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that these bytes complete."""
        kept, at = self._kept + data, 0
        while (at := kept.find(PREAMBLE, at)) >= 0:
            if len(kept) - at < 3:
                break
            length = int.from_bytes(kept[at + 1 : at + 3], "big")
            if length > LONGEST:  # the six bits before the length are zero
                at += 1
                continue
            end = at + 6 + length
            if len(kept) < end:
                break
            if crc_24q(kept[at : end - 3]) == int.from_bytes(kept[end - 3 : end], "big"):
                yield kept[at + 3 : end - 3]
                at = end
            else:
                at += 1
        self._kept = kept[at:] if at >= 0 else b""


class BitWriter:
    """Appends numbers of any width, most significant bit first."""

    def __init__(self) -> None:
        self._value = 0
        self._length = 0

    def unsigned(self, width: int, value: int) -> None:
        """A number from 0 to 2^width - 1; ValueError beyond."""
        if not 0 <= value < 1 << width:
            raise ValueError(f"{value} does not fit into {width} bits")
        self._value = self._value << width | value
        self._length += width

    def signed(self, width: int, value: int) -> None:
        """A two's complement number; ValueError beyond its range."""
        if not -(1 << width - 1) <= value < 1 << width - 1:
            raise ValueError(f"{value} does not fit into {width} signed bits")
        self.unsigned(width, value & (1 << width) - 1)

    def text(self, width: int, value: str) -> None:
        """A length of so many bits and as many ASCII characters."""
        data = value.encode("ascii")
        self.unsigned(width, len(data))
        for byte in data:
            self.unsigned(8, byte)

    def payload(self) -> bytes:
        """What was written, filled with zero bits to whole bytes."""
        fill = -self._length % 8
        return (self._value << fill).to_bytes((self._length + fill) // 8, "big")


class BitReader:
    """Takes numbers off a payload; IndexError beyond its end."""

    def __init__(self, payload: bytes) -> None:
        self._value = int.from_bytes(payload, "big")
        self._left = 8 * len(payload)

    def unsigned(self, width: int) -> int:
        """The next bits as a number."""
        if width > self._left:
            raise IndexError("the message ends too early")
        self._left -= width
        return self._value >> self._left & (1 << width) - 1

    def signed(self, width: int) -> int:
        """The next bits as a two's complement number."""
        value = self.unsigned(width)
        return value - (1 << width) if value >> width - 1 else value


@dataclass(frozen=True, slots=True)
class ReferencePoint:
    """1005, or 1006 when there is an antenna height [m]: the station's antenna reference point, earth-fixed [m]."""

    station: int
    position_m: Vector
    antenna_m: float | None = None

    def payload(self) -> bytes:
        """The message without its frame."""
        bits = BitWriter()
        bits.unsigned(12, 1005 if self.antenna_m is None else 1006)
        bits.unsigned(12, self.station)
        bits.unsigned(6, 0)  # ITRF realisation: reserved
        bits.unsigned(3, 0)  # GPS, GLONASS, Galileo: none of them served
        bits.unsigned(1, 0)  # a real, not a computed, station
        x, y, z = (round(value / 1e-4) for value in self.position_m)
        bits.signed(38, x)
        bits.unsigned(2, 0b10)  # one oscillator; reserved
        bits.signed(38, y)
        bits.unsigned(2, 0)  # no quarter-cycle indication
        bits.signed(38, z)
        if self.antenna_m is not None:
            bits.unsigned(16, round(self.antenna_m / 1e-4))
        return bits.payload()

    @classmethod
    def read(cls, payload: bytes) -> ReferencePoint:
        """The message of a payload of 1005 or 1006; IndexError when it is cut short."""
        bits = BitReader(payload)
        kind, station = bits.unsigned(12), bits.unsigned(12)
        bits.unsigned(10)
        x = bits.signed(38) * 1e-4
        bits.unsigned(2)
        y = bits.signed(38) * 1e-4
        bits.unsigned(2)
        z = bits.signed(38) * 1e-4
        return cls(station, (x, y, z), bits.unsigned(16) * 1e-4 if kind == 1006 else None)


def receiver_and_antenna(station: int, *, antenna: str, receiver: str, firmware: str, serial: str) -> bytes:
    """1033: what stands at the station, as a payload."""
    bits = BitWriter()
    bits.unsigned(12, 1033)
    bits.unsigned(12, station)
    bits.text(8, antenna)
    bits.unsigned(8, 0)  # antenna set-up
    for words in (serial, receiver, firmware, serial):
        bits.text(8, words)
    return bits.payload()


def ephemeris(of: Ephemeris) -> bytes:
    """1042: the broadcast ephemeris of one satellite, as a payload."""
    bits = BitWriter()
    semicircles = 1.0 / math.pi
    toe = round(of.toe_s % WEEK_S) // 8
    bits.unsigned(12, 1042)
    bits.unsigned(6, of.prn)
    bits.unsigned(13, int(of.toe_s // WEEK_S))
    bits.unsigned(4, 0)  # user range accuracy up to 2.4 m
    bits.signed(14, 0)  # rate of inclination
    bits.unsigned(5, 1)  # age of the ephemeris: up to an hour
    bits.unsigned(17, toe)
    bits.signed(11, 0)  # a2
    bits.signed(22, round(of.a1 * 2.0**50))
    bits.signed(24, round(of.a0_s * 2.0**33))
    bits.unsigned(5, 1)  # age of the clock
    bits.signed(18, 0)  # Crs
    bits.signed(16, round(of.mean_motion_difference_radps * semicircles * 2.0**43))
    bits.signed(32, _angle(of.mean_anomaly_rad))
    bits.signed(18, 0)  # Cuc
    bits.unsigned(32, round(of.eccentricity * 2.0**33))
    bits.signed(18, 0)  # Cus
    bits.unsigned(32, round(of.sqrt_a * 2.0**19))
    bits.unsigned(17, toe)
    bits.signed(18, 0)  # Cic
    bits.signed(32, _angle(of.node_rad))
    bits.signed(18, 0)  # Cis
    bits.signed(32, _angle(of.inclination_rad))
    bits.signed(18, 0)  # Crc
    bits.signed(32, _angle(of.perigee_rad))
    bits.signed(24, round(of.node_rate_radps * semicircles * 2.0**43))
    bits.signed(10, 0)  # TGD1
    bits.signed(10, 0)  # TGD2
    bits.unsigned(1, 0)  # healthy
    return bits.payload()


def read_ephemeris(payload: bytes) -> Ephemeris:
    """What 1042 says, for satellites that are perturbed by nothing else than it has here; IndexError when cut short."""
    bits = BitReader(payload)
    bits.unsigned(12)
    prn, week = bits.unsigned(6), bits.unsigned(13)
    bits.unsigned(4 + 14 + 5 + 17 + 11)
    a1, a0 = bits.signed(22) * 2.0**-50, bits.signed(24) * 2.0**-33
    bits.unsigned(5 + 18)
    difference = bits.signed(16) * 2.0**-43 * math.pi
    mean = bits.signed(32) * 2.0**-31 * math.pi
    bits.unsigned(18)
    eccentricity = bits.unsigned(32) * 2.0**-33
    bits.unsigned(18)
    sqrt_a, toe = bits.unsigned(32) * 2.0**-19, bits.unsigned(17) * 8
    bits.unsigned(18)
    node = bits.signed(32) * 2.0**-31 * math.pi
    bits.unsigned(18)
    inclination = bits.signed(32) * 2.0**-31 * math.pi
    bits.unsigned(18)
    perigee, node_rate = bits.signed(32) * 2.0**-31 * math.pi, bits.signed(24) * 2.0**-43 * math.pi
    return Ephemeris(
        prn=prn,
        orbit=_orbit(prn, sqrt_a),
        toe_s=week * WEEK_S + toe,
        sqrt_a=sqrt_a,
        eccentricity=eccentricity,
        inclination_rad=inclination,
        node_rad=node,
        node_rate_radps=node_rate,
        perigee_rad=perigee,
        mean_anomaly_rad=mean,
        mean_motion_difference_radps=difference,
        a0_s=a0,
        a1=a1,
    )


def _orbit(prn: int, sqrt_a: float) -> Orbit:
    """The kind of orbit: GEO are numbers 1 to 5 and 59 to 63, and a MEO's axis is 27,900 km."""
    if prn <= 5 or prn >= 59:
        return Orbit.GEO
    return Orbit.MEO if sqrt_a < 6000.0 else Orbit.IGSO


def _angle(radians: float) -> int:
    """Semicircles in 32 bits; pi itself is minus one."""
    return (round(radians / math.pi * 2.0**31) + 2**31) % 2**32 - 2**31
