"""Why nothing of a message is taken, in words for the pole that sent it."""

from __future__ import annotations

from airspace.reasons import Reason, Rule, Words
from poles.protocol import MAX_TEXT, Refusal

WRONG_VERSION = Rule(
    "pole.version",
    Words("protocol version {version} is not spoken here", "不支持协议版本 {version}"),
    Words("Use one of the versions named.", "请使用所列版本。"),
)
ANOTHERS_CODE = Rule(
    "pole.identity",
    Words("this key does not belong to {code}", "该密钥不属于 {code}"),
    Words("Set the pole's own city code, or register its key anew.", "请设置灯杆自己的城市码，或重新登记密钥。"),
)
HELLO_FIRST = Rule(
    "pole.hello-first",
    Words("this connection has not said hello", "该连接尚未发送 hello"),
    Words("Say hello, then send again what was not acknowledged.", "请先发送 hello，再重发未确认的数据。"),
)

UNKNOWN_MESSAGE = Rule(
    "pole.unknown-message",
    Words("a message of type {about} is not known here", "不支持的消息类型 {about}"),
    Words("Send only messages of the protocol's version that was agreed on.", "请仅发送所协商协议版本中的消息。"),
)


def refusal(reason: Reason, named: str) -> Refusal:
    """The answer to a message of the type `named`."""
    en, zh = (reason.text(lang)[:MAX_TEXT] for lang in ("en", "zh"))
    return Refusal(code=reason.rule.code, en=en, zh=zh, about=named)
