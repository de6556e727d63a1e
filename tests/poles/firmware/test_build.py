"""What the firmware promises of itself before it runs: its size, its memory, its warnings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.poles.firmware.firmware import SOURCE, WARNINGS, compiler

MOST_LINES = 1500  # of code, in the header and the source together
ALLOCATES = {
    "malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign", "strdup", "strndup", "getline", "alloca",
    "asprintf", "vasprintf", "open_memstream", "fopen", "fdopen", "opendir", "mmap", "sbrk",
}  # fmt: skip


def object_of(folder: Path, *flags: str) -> Path:
    made = folder / "beichen_pole.o"
    command = [compiler(), *WARNINGS, *flags, "-c", str(SOURCE / "beichen_pole.c"), "-o", str(made)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    return made


@pytest.mark.parametrize("flags", [("-O0",), ("-O2",), ("-Os", "-DBEICHEN_HELD=64", "-DBEICHEN_BODY=512")])
def test_it_compiles_without_a_warning(tmp_path: Path, flags: tuple[str, ...]) -> None:
    object_of(tmp_path, *flags)


def test_nothing_in_it_can_allocate_memory(tmp_path: Path) -> None:
    names = subprocess.run(["nm", "-u", object_of(tmp_path)], capture_output=True, text=True, check=True).stdout
    wanted = {name.split("@")[0] for name in names.split() if name != "U"}
    assert {"zmq_send", "fdatasync"} <= wanted
    assert not wanted & ALLOCATES


def test_it_is_small_enough_to_be_read() -> None:
    lines = 0
    for name in ("beichen_pole.h", "beichen_pole.c"):
        text = (SOURCE / name).read_text(encoding="utf-8")
        assert max(map(len, text.splitlines())) <= 120
        without_comments = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        lines += sum(1 for line in without_comments.splitlines() if line.strip())
    assert lines < MOST_LINES


def test_its_makefile_builds_the_example(tmp_path: Path) -> None:
    compiler()
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make here")
    command = [make, "-C", str(SOURCE), f"OUT={tmp_path}"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot find -lzmq" in made.stderr:
        pytest.skip("no libzmq to link with outside of Python here")
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "beichen_pole").exists()
