"""Addresses of links: `udp:HOST:PORT`, `udpout:HOST:PORT`, `tcp:HOST:PORT` and `serial:DEVICE:BAUD`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from airspace.reasons import Reason, Refused, Rule, Words

Scheme = Literal["udp", "udpout", "tcp", "serial"]

BAD_ADDRESS = Rule(
    "link.address",
    Words("{address!r} is not the address of a link: {why}", "{address!r} 不是有效的链路地址：{why}"),
    Words(
        "Write udp:HOST:PORT to listen, udpout:HOST:PORT or tcp:HOST:PORT to call, or serial:DEVICE:BAUD.",
        "监听请写 udp:主机:端口，主动连接请写 udpout:主机:端口 或 tcp:主机:端口，串口请写 serial:设备:波特率。",
    ),
)
CANNOT_OPEN = Rule(
    "link.open",
    Words("{address!r} cannot be opened: {why}", "无法打开 {address!r}：{why}"),
    Words(
        "Check that the host or device exists and that no other program holds it.",
        "请确认主机或设备存在，且未被其他程序占用。",
    ),
)

_NO_SCHEME = Words("it does not begin with udp, udpout, tcp or serial", "未以 udp、udpout、tcp 或 serial 开头")
_NO_PARTS = Words("two parts must follow the scheme", "协议名之后须有两个部分")
_BAD_PORT = Words("the port is not a number from 0 to 65535", "端口不是 0 至 65535 的整数")
_ZERO_PORT = Words("port 0 can be listened on but not called", "端口 0 只能监听，不能连接")
_BAD_BAUD = Words("the baud rate is not a positive number", "波特率不是正整数")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address; `place` is a host or a device, `number` a port or a baud rate."""

    scheme: Scheme
    place: str
    number: int

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}:{self.number}"


def parse_address(text: str) -> Address:
    """The address that the text says; raises `Refused` with the remedy when it says none.

    An IPv6 host may stand in brackets: `tcp:[::1]:5760`.
    """
    scheme, _, rest = text.partition(":")
    place, _, number_text = rest.rpartition(":")
    place = place.removeprefix("[").removesuffix("]")
    if scheme not in ("udp", "udpout", "tcp", "serial"):
        raise _refused(text, _NO_SCHEME)
    if not place or not number_text:
        raise _refused(text, _NO_PARTS)
    number = int(number_text) if number_text.isascii() and number_text.isdigit() else -1
    if scheme == "serial":
        if number <= 0:
            raise _refused(text, _BAD_BAUD)
    elif not 0 <= number <= 65535:
        raise _refused(text, _BAD_PORT)
    elif number == 0 and scheme != "udp":
        raise _refused(text, _ZERO_PORT)
    return Address(cast("Scheme", scheme), place, number)


def _refused(text: str, why: Words) -> Refused:
    return Refused([Reason(BAD_ADDRESS, facts={"address": text, "why": why})])


def cannot_open(address: Address, why: object) -> Refused:
    """The refusal for an address that is well written but does not open."""
    return Refused([Reason(CANNOT_OPEN, facts={"address": str(address), "why": str(why)})])
