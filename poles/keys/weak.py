"""Public keys that nobody may come in with: published ones, and those that anybody can speak for.

With a point of small order as public key every secret shared with it is zero (RFC 7748, section 6.1), so whoever
claims it can talk as its owner. The points are those of section 2 of "Curve25519: new Diffie-Hellman speed records" as
listed at https://cr.yp.to/ecdh.html#validate.
"""

from __future__ import annotations

import zmq
from zmq.utils import z85

from airspace.reasons import Words

# The key pairs of the manual page zmq_curve(7) and of RFC 26; examples all over the net use them.
PUBLISHED = {
    b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    zmq.curve_public(z85.encode(bytes(32))),  # of the secret that is all zeros
}
_P = 2**255 - 19
SMALL_ORDER = {
    point.to_bytes(32, "little")
    for point in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _P - 1,
        _P,
        _P + 1,
    )
}


def weakness(public: bytes) -> Words | None:
    """Why a public key (Z85, well-formed) protects nobody; None when nothing is known against it."""
    if public in PUBLISHED:
        return Words("it was published with its secret half", "其私钥已公开")
    raw = z85.decode(public)
    if raw[:31] + bytes([raw[31] & 0x7F]) in SMALL_ORDER:  # the top bit says nothing
        return Words("everybody shares a secret with it", "任何人都可推出其共享密钥")
    return None
