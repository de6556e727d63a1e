"""CURVE key pairs in files that only their owner can read.

A key file is TOML with `public` and `secret` in Z85. Keys are not part of any repr, reason or log line.
"""

from __future__ import annotations

import os
import stat
import struct
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.weak import weakness

MISSING = Rule(
    "key.missing",
    Words("there is no key file", "密钥文件不存在"),
    Words(
        "Make one with `beichen poles keys make`, or correct the path.",
        "请用 `beichen poles keys make` 生成，或更正路径。",
    ),
)
READABLE = Rule(
    "key.readable",
    Words("others than the owner may use it (mode {mode})", "所有者以外的用户可以访问（权限 {mode}）"),
    Words(
        "Run chmod {wanted} on it, and make a new key if others use the machine.",
        "请执行 chmod {wanted}；若有他人使用本机，请更换密钥。",
    ),
)
FOREIGN = Rule(
    "key.foreign",
    Words("it belongs to user {uid}", "其所有者为用户 {uid}"),
    Words("Give it to the user who runs Beichen.", "请将其所有者改为运行北辰的用户。"),
)
MALFORMED = Rule(
    "key.malformed",
    Words("it is not a key file: {why}", "不是有效的密钥文件：{why}"),
    Words("Write it anew; never edit keys by hand.", "请重新生成；不要手工修改密钥。"),
)
EXISTS = Rule(
    "key.exists",
    Words("a key file is there already", "密钥文件已存在"),
    Words("Move it away first; a lost key locks its pole out.", "请先移走旧文件；丢失密钥会使灯杆无法接入。"),
)
WEAK = Rule(
    "key.weak",
    Words("this key protects nothing: {why}", "该密钥不能起保护作用：{why}"),
    Words("Make a new pair.", "请生成新的密钥对。"),
)

Z85_KEY_CHARS = 40


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE25519 key pair, both halves in Z85; the secret half is never shown."""

    public: bytes
    secret: bytes = field(repr=False)


def new_key_pair() -> KeyPair:
    """A fresh pair from the system's source of keys, the one chance that no seed may repeat."""
    return KeyPair(*zmq.curve_keypair())


def save_key_pair(path: Path, pair: KeyPair) -> None:
    """Write a key file of mode 0600, its directory of mode 0700 when it has to be made; never over another.

    After a power cut it is there as a whole or not at all. Raises Refused.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = f'public = "{pair.public.decode()}"\nsecret = "{pair.secret.decode()}"\n'
    fresh = path.with_name(f"{path.name}.new")
    try:
        write_private(fresh, text)
        os.link(fresh, path)
    except FileExistsError:
        raise Refused([Reason(EXISTS, str(path))]) from None
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 and have it on the disk; what a writer left that was killed is replaced."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_key_pair(path: Path) -> KeyPair:
    """Read a key file back; raises Refused for one that others can read or that is not what it should be."""
    check_private(path)
    table = _table(path)
    return pair_of(path, table.get("public"), table.get("secret"))


def pair_of(path: Path, public_text: object, secret_text: object) -> KeyPair:
    """A pair as a file has it; raises Refused for halves that are no keys, are weak or do not belong together."""
    public, secret = key_of(public_text), key_of(secret_text)
    if public is None or secret is None:
        raise _malformed(path, Words("public or secret is not a Z85 key", "public 或 secret 不是 Z85 密钥"))
    if why := weakness(public):
        raise Refused([Reason(WEAK, str(path), {"why": why})])
    if zmq.curve_public(secret) != public:
        raise _malformed(path, Words("public and secret are not one pair", "public 与 secret 不成对"))
    return KeyPair(public, secret)


def check_private(path: Path) -> None:
    """Whether a file and its directory belong to this user alone. Raises Refused with what is wrong of both."""
    reasons: list[Reason] = []
    for place, wanted in ((path, "600"), (path.parent, "700")):
        try:
            status = place.stat()
        except FileNotFoundError:
            raise Refused([Reason(MISSING, str(path))]) from None
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            reasons.append(Reason(READABLE, str(place), {"mode": f"{mode:04o}", "wanted": wanted}))
        if status.st_uid != os.geteuid():
            reasons.append(Reason(FOREIGN, str(place), {"uid": status.st_uid}))
    if reasons:
        raise Refused(reasons)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # the decoder's own words may quote a part of a key
        raise _malformed(path, Words("it is not TOML", "不是 TOML 格式")) from None


def key_of(value: object) -> bytes | None:
    """A key in Z85 from its text; None for what is not one."""
    if not isinstance(value, str) or len(value) != Z85_KEY_CHARS or not value.isascii():
        return None
    key = value.encode()
    try:
        return key if z85.encode(z85.decode(key)) == key else None
    except (KeyError, ValueError, struct.error):
        return None


def _malformed(path: Path, why: Words) -> Refused:
    return Refused([Reason(MALFORMED, str(path), {"why": why})])
