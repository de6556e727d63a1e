"""Options that every verb shares, and the exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from airspace.reasons import Lang, Reason, Refused, Rule, Words

NOT_WRITTEN = Rule(
    "file.not-written",
    Words("this file cannot be written: {detail}", "无法写入该文件：{detail}"),
    Words("Name a file in a folder that exists and that you may write to.", "请指定已存在且可写的文件夹中的文件。"),
)


class Exit(IntEnum):
    """What the command line tells the shell."""

    DONE = 0
    REFUSED = 1  # refused or failed, with reasons, or stopped before it was done
    USAGE = 2


class BadOption(Refused):
    """An option's value cannot be; `reasons` name the option."""


def _is_speed(kind: object, value: float | None) -> None:
    if value is not None and not 0.01 <= value <= 1000.0:
        raise ValueError("a speed lies between 0.01 and 1000 速度须在 0.01 至 1000 之间")


Speed = Annotated[float, Parameter(help="Times as fast as real time. 相对实时的倍速。", validator=_is_speed)]


Seed = Annotated[
    int, Parameter(help="The seed of all chance. 随机种子。", validator=validators.Number(gte=0, lt=2**31))
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Output:
    """How a verb speaks."""

    lang: Annotated[Lang, Parameter(help="Language of everything that people read. 显示语言。")] = "en"
    json: Annotated[bool, Parameter(help="One JSON object a line, for machines. 逐行输出 JSON。", negative="")] = False


def write_file(path: Path, content: bytes) -> None:
    """Write a file that somebody named. Raises Refused."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Refused([Reason(NOT_WRITTEN, str(path), {"detail": error.strerror or str(error)})]) from None
