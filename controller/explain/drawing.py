"""Drawings of answers: one sheet with the route from above, the route from the side, and what is said about it.

matplotlib draws it, which an installation for flying alone need not have; it is loaded when the first sheet is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airspace.clearing import Answer
from airspace.reasons import Lang, Reason, Refused, Rule, Words
from airspace.remedies import Remedy

SUFFIXES = (".png", ".svg")

NO_MATPLOTLIB = Rule(
    "explain.no-matplotlib",
    Words("drawings need matplotlib, which is not installed", "绘图需要 matplotlib，但尚未安装"),
    Words("Install it: pip install 'beichen[report]'.", "请安装：pip install 'beichen[report]'。"),
)
BAD_SUFFIX = Rule(
    "explain.format",
    Words("a drawing cannot be written as '{suffix}'", "不能将图写成 “{suffix}” 格式"),
    Words("Name a file that ends in {known}.", "请使用以 {known} 结尾的文件名。"),
)
NOT_WRITTEN = Rule(
    "explain.not-written",
    Words("the drawing cannot be written here: {detail}", "无法在此处写入图：{detail}"),
    Words("Name a file in a folder that exists and that you may write to.", "请指定已存在且可写的文件夹中的文件。"),
)


def draw(answer: Answer, remedies: Sequence[Remedy], path: Path, lang: Lang = "en") -> None:
    """Write the sheet of an answer as PNG or SVG, by the file's suffix; the same answer gives the same file.

    Chinese labels need a Chinese font; without one the sheet is in English and says so. Raises `Refused` for another
    suffix, for a file that cannot be written, and where matplotlib is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise Refused([Reason(BAD_SUFFIX, str(path), {"suffix": path.suffix, "known": ", ".join(SUFFIXES)})])
    try:
        from controller.explain.sheet import sheet_bytes  # noqa: PLC0415 - not needed to fly, and slow to load
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise Refused([Reason(NO_MATPLOTLIB, str(path))]) from error
    data = sheet_bytes(answer, remedies, path.suffix.lower().removeprefix("."), lang)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Refused([Reason(NOT_WRITTEN, str(path), {"detail": error.strerror})]) from None
