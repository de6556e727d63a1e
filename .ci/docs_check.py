"""Fail the build when a document points to something that is not there.

Checked in every Markdown file: relative links and their anchors, `make` targets, files under `examples/`, and each
`beichen VERB --option` that a code block or span names, against what `beichen VERB --help` offers. Checked in the code:
the files under `docs/` and `examples/` to which its words send the user. Prints `file:line: what` for each trouble and
ends 1 when there is any.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEICHEN = Path(sys.executable).parent / "beichen"

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`]+)`")
FENCE = re.compile(r"^\s*(```|~~~)")
OPTION = re.compile(r"--[a-z][a-z-]*")
ARGUMENTS = re.compile(r'ARGS="([^"]*)"')
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
EXAMPLE = re.compile(r"\bexamples/[\w/-]+(?:\.\w+)*")
PLACE = re.compile(r"(?<![\w/])(?:docs|examples)/[\w/-]+(?:\.\w+)*")
GROUPS = {"poles", "poles keys", "sim"}  # verbs that have verbs of their own
ROOMS = ("airspace", "missions", "poles", "controller", "sim")


def documents() -> list[Path]:
    """The Markdown files that readers have."""
    hidden = (".venv", "runs", "build", "dist", ".git", ".pytest_cache")
    found = (path for path in ROOT.rglob("*.md") if path.relative_to(ROOT).parts[0] not in hidden)
    return sorted(path for path in found if "site-packages" not in path.parts)


def slug(heading: str) -> str:
    """The anchor that code hosts give to a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """All anchors of one document."""
    lines = document.read_text(encoding="utf-8").splitlines()
    return {slug(line.lstrip("#")) for line in lines if line.startswith("#")}


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Line number and text of everything that is written as code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield number, line.partition("  #")[0].strip().removeprefix("$ ")
        else:
            yield from ((number, code) for code in SPAN.findall(line))


@cache
def targets() -> frozenset[str]:
    """The targets of the Makefile."""
    return frozenset(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@cache
def offered(verb: str) -> frozenset[str] | None:
    """The options that a verb's help names, None when there is no such verb."""
    words = [str(BEICHEN), *verb.split(), "--help"]
    wide = {**os.environ, "COLUMNS": "240", "NO_COLOR": "1", "TERM": "dumb"}
    answer = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, env=wide)
    return frozenset(OPTION.findall(answer.stdout)) if answer.returncode == 0 else None


def troubles_of_command(code: str) -> Iterator[str]:
    """What is wrong with one piece of code that may be a command."""
    words = code.split()
    if words[:1] == ["make"]:
        for word in words[1:]:
            if "=" in word:
                break
            if word not in targets():
                yield f"make has no target {word}"
        if words[1:2] == ["demo"] and (arguments := ARGUMENTS.search(code)):
            yield from troubles_of_command(f"beichen demo {arguments[1]}")
    elif words[:1] == ["beichen"] and len(words) > 1 and words[1].isalpha() and words[1].islower():
        verb = words[1]
        for word in words[2:4]:
            verb += f" {word}" if verb in GROUPS else ""
        options = offered(verb)
        if options is None:
            yield f"beichen has no verb {verb}"
        else:
            yield from (f"beichen {verb} has no {o}" for o in OPTION.findall(code) if o not in options)
    for example in EXAMPLE.findall(code):
        if not (ROOT / example).exists():
            yield f"there is no {example}"


def troubles_of_link(document: Path, link: str) -> Iterator[str]:
    """What is wrong with one link; addresses of other machines are not asked."""
    if re.match(r"[a-z]+:", link):
        return
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        yield f"the link {link} leads nowhere"
    elif anchor and target.suffix == ".md" and anchor not in anchors(target):
        yield f"the link {link} names no heading of {target.name}"


def check() -> Iterator[str]:
    """All troubles, as lines."""
    for document in documents():
        text = document.read_text(encoding="utf-8")
        name = document.relative_to(ROOT).as_posix()
        for number, code in commands(text):
            yield from (f"{name}:{number}: {trouble}" for trouble in troubles_of_command(code))
        for number, line in enumerate(text.splitlines(), 1):
            for link in LINK.findall(line):
                yield from (f"{name}:{number}: {trouble}" for trouble in troubles_of_link(document, link))


def check_words_of_code() -> Iterator[str]:
    """Places in `docs/` and `examples/` that the code names and that do not exist."""
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                for place in PLACE.findall(line):
                    if not (ROOT / place).exists():
                        yield f"{file.relative_to(ROOT).as_posix()}:{number}: there is no {place}"


def main() -> int:
    """Print the troubles; 1 when there are any."""
    lines = [*check(), *check_words_of_code()]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.write(f"docs check: {len(lines)} trouble(s)\n" if lines else "docs check: clean\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
