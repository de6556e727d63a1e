"""The pole's side of enrolment: it brings the key that it made itself, and learns where its gateways are."""

from __future__ import annotations

import asyncio
from pathlib import Path

import zmq
import zmq.asyncio

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.key_ring import KeyRing, load_key_ring, new_key_ring
from poles.keys.pairs import KeyPair, load_key_pair, new_key_pair, save_key_pair
from poles.protocol.codec import encode
from poles.protocol.enrolment import Enrol, Enrolled, KnownGateway, decode_answer
from poles.protocol.messages import VERSION
from poles.wire.connection import CurveConnection

TOLD_NO = Rule(
    "pole.enrol.told-no",
    Words("the enrolment desk at {desk} says: {answer}", "登记处 {desk} 答复：{answer}"),
    Words("Do as it says.", "请按答复处理。"),
)
SILENT = Rule(
    "pole.enrol.silent",
    Words(
        "the enrolment desk at {desk} did not answer within {seconds:g} s", "登记处 {desk} 在 {seconds:g} 秒内未答复"
    ),
    Words(
        "See whether a token is open for this pole, whether the desk's key is right and its port can be reached.",
        "请检查该灯杆是否有有效令牌、登记处公钥是否正确、端口是否可达。",
    ),
)

ASK_AGAIN_S = 2.0


async def enrol(
    context: zmq.asyncio.Context,
    desk: KnownGateway,
    code: str,
    token: str,
    pair: KeyPair,
    *,
    within_s: float = 30.0,
) -> Enrolled:
    """Bring a pole's public key to the desk, with the token; `desk` is its address and public key.

    Asks again until it is answered; the same answer comes however often it asks. Raises Refused with the desk's words,
    or when it says nothing within `within_s` [s].
    """
    line = CurveConnection(context, desk.address, pair, desk.public_key.encode()).open(code)
    request = encode(Enrol(version=VERSION, code=code, token=token, public_key=pair.public.decode()))
    try:
        async with asyncio.timeout(within_s):
            while True:
                line.send(request)
                try:
                    async with asyncio.timeout(ASK_AGAIN_S):
                        answer = decode_answer(await line.receive())
                except TimeoutError:
                    continue
                if isinstance(answer, Enrolled) and answer.code == code:
                    return answer
                if answer is not None and not isinstance(answer, Enrolled):
                    facts = {"desk": desk.address, "answer": Words(answer.en, answer.zh)}
                    raise Refused([Reason(TOLD_NO, code, facts)])
    except TimeoutError:
        raise Refused([Reason(SILENT, code, {"desk": desk.address, "seconds": within_s})]) from None
    finally:
        line.close()


async def enrolled(
    context: zmq.asyncio.Context,
    ring: Path,
    desk: KnownGateway,
    code: str,
    token: str,
    *,
    within_s: float = 30.0,
) -> KeyRing:
    """The key ring of a pole, which enrols when it has none yet.

    The pair is kept before the desk hears of it, so a pole that loses power before the answer asks again with the same
    one and is told again. Raises Refused.
    """
    held = _held(ring)
    if isinstance(held, KeyRing):
        return held
    told = await enrol(context, desk, code, token, held, within_s=within_s)
    made = new_key_ring(ring, held, told.gateways)
    _pair_path(ring).unlink()
    return made


def _held(ring: Path) -> KeyRing | KeyPair:
    """The ring of a pole that has enrolled, or else the pair that it enrols with, which is made once."""
    if ring.exists():
        return load_key_ring(ring)
    kept = _pair_path(ring)
    if not kept.exists():
        save_key_pair(kept, new_key_pair())
    return load_key_pair(kept)


def _pair_path(ring: Path) -> Path:
    return ring.with_name(f"{ring.name}.enrolling")
