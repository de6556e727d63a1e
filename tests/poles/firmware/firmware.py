"""The reference firmware as tests use it: compiled once a session, and run as a process of its own."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import zmq

from poles.keys import KeyPair
from poles.keys.pairs import save_key_pair
from tests.poles.town import Town

SOURCE = Path(__file__).resolve().parents[3] / "poles" / "firmware"
HERE = Path(__file__).resolve().parent
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wshadow", "-Werror")
VALGRIND_ERROR = 99


def compiler() -> str:
    """The C compiler; skips where there is none, or libzmq's header is not there."""
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        pytest.skip("no C compiler here")
    asked = subprocess.run([found, "-E", "-"], input=b"#include <zmq.h>\n", capture_output=True, check=False)
    if asked.returncode != 0:
        pytest.skip("no zmq.h here (Debian: libzmq3-dev)")
    return found


@functools.cache
def built(name: str, *flags: str) -> Path:
    """A program over beichen_pole.c: `main` of the firmware, or a harness of this folder; built once a process."""
    cc = compiler()
    source = SOURCE / "main.c" if name == "main" else HERE / f"{name}.c"
    # a harness includes beichen_pole.c itself, to reach what is static there
    sources = [source, SOURCE / "beichen_pole.c"] if name == "main" else [source]
    folder = Path(tempfile.mkdtemp(prefix="beichen-firmware-"))
    into = [f"-I{SOURCE}", "-o", str(folder / name), *map(str, sources)]
    command = [cc, *WARNINGS, "-g", "-O1", *flags, *into, *libzmq(cc), "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / name


@functools.cache
def libzmq(cc: str) -> tuple[str, ...]:
    """How to link libzmq: the system's, else the one that pyzmq brings."""
    asked = subprocess.run(
        [cc, "-x", "c", "-", "-o", "/dev/null", "-lzmq"], input=b"int main(void){return 0;}", capture_output=True,
        check=False,
    )  # fmt: skip
    if asked.returncode == 0:
        return ("-lzmq",)
    for library in sorted(Path(zmq.__file__).parents[1].glob("pyzmq.libs/libzmq*.so*")):
        return (str(library), f"-Wl,-rpath,{library.parent}")
    pytest.skip("no libzmq to link with")


def wheres(program: Path) -> dict[str, str]:
    """The environment of a run: the least that it needs."""
    return {"PATH": os.environ["PATH"], "HOME": str(program.parent)}


class Pole:
    """One process of the example firmware, and what it said on its output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def kill(self) -> None:
        """As a power cut, but for the disk's cache."""
        self.process.kill()

    async def ended(self, within_s: float = 10.0) -> tuple[int, list[str], str]:
        """Its exit code, the lines that it printed, and what it complained of."""
        async with asyncio.timeout(within_s):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode().splitlines(), err.decode()

    async def stopped(self, within_s: float = 10.0) -> tuple[int, list[str], str]:
        """The same after SIGTERM."""
        if self.process.returncode is None:
            self.process.terminate()
        return await self.ended(within_s)


@asynccontextmanager
async def running(variables: Mapping[str, str], *, under: tuple[str, ...] = ()) -> AsyncIterator[Pole]:
    """The example firmware with these variables, killed at the end if it lives."""
    program = built("main")
    process = await asyncio.create_subprocess_exec(
        *under, str(program), env=wheres(program) | dict(variables),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Pole(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def key_file(folder: Path, pair: KeyPair) -> Path:
    path = folder / "pole.key"
    if not path.exists():
        save_key_pair(path, pair)
    return path


def variables(town: Town, folder: Path, code: str, **more: object) -> dict[str, str]:
    """What §13.3 tells a client, for a pole of this town."""
    return {
        "BEICHEN_ENDPOINT": town.gateway.address,
        "BEICHEN_SERVER_KEY": town.server.public.decode(),
        "BEICHEN_KEY_FILE": str(key_file(folder, town.keys[code])),
        "BEICHEN_CODE": code,
        "BEICHEN_HEARTBEAT_S": "1",
        "BEICHEN_REPORT_S": "0.05",
        **{f"BEICHEN_{name.upper()}": str(value) for name, value in more.items()},
    }
