"""Fail the build when the wheel does not stand alone.

Builds the source archive and from it the wheel (so that nothing left over in `build/` slips in), installs the wheel
without tests or linters in an empty environment, runs `beichen --help` there, imports every module, and compares the
wheel's content with the rooms in the repository: code, templates and type markers must all be inside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("airspace", "missions", "poles", "controller", "sim")

IMPORT_ALL = """
import importlib, pkgutil, sys
count = 0
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    assert "site-packages" in package.__file__, package.__file__
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        if not module.name.endswith(("__main__", "sim.plugin")):  # pytest, which brings itself, loads the plugin
            importlib.import_module(module.name)
            count += 1
print(f"imported {count} modules of {len(sys.argv) - 1} packages")
"""


def run(*words: str | Path, cwd: Path) -> None:
    """Run a command with nothing of this environment's Python in it; a failure ends the check."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    subprocess.run([str(word) for word in words], check=True, cwd=cwd, env=environment, stdin=subprocess.DEVNULL)


def missing(wheel: Path) -> list[str]:
    """Files of the rooms that the wheel should hold and does not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*")) if path.is_file())
    names = (path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts)
    return [name for name in names if name not in inside]


def main() -> int:
    """Build, install alone, run, import, compare; 1 when files are missing."""
    with tempfile.TemporaryDirectory(prefix="beichen-wheel-") as folder:
        work = Path(folder)
        run(sys.executable, "-m", "build", "--quiet", "--outdir", work / "dist", ROOT, cwd=work)
        (wheel,) = (work / "dist").glob("*.whl")
        venv.create(work / "empty", with_pip=True)
        python = work / "empty" / "bin" / "python"
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=work)
        run(work / "empty" / "bin" / "beichen", "--help", cwd=work)
        run(python, "-I", "-c", IMPORT_ALL, *ROOMS, cwd=work)
        absent = missing(wheel)
    sys.stdout.writelines(f"not in the wheel: {name}; name it in setup.cfg's package_data\n" for name in absent)
    sys.stdout.write("wheel check: failed\n" if absent else f"wheel check: {wheel.name} stands alone\n")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
