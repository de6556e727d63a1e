"""Fail the build when product code takes time or chance from anywhere but `controller/clock.py`.

One stray call breaks the promise that the same seed gives the same run to the byte. Names are followed through
imports and aliases, so `from time import monotonic as now` is found as surely as `time.monotonic()`. Usage:
`clock_check.py [ROOT]`; prints `file:line: rule; remedy` for each finding and ends 1 when there is any.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOMS = ("airspace", "missions", "poles", "controller", "sim", "benchmarks")

# Every file that is let off, for which names, and why. "*" stands for all names.
EXCEPTIONS: dict[str, dict[str, str]] = {
    "controller/clock.py": {"*": "it is the one clock and the one source of chance"},
    "controller/virtual_loop.py": {"asyncio.SelectorEventLoop": "it is the loop that the clock runs in virtual tempo"},
    "poles/wire/arrivals.py": {"secrets.randbits": "a name that a seed repeats could be guessed"},
    "poles/keys/tokens.py": {"secrets.token_bytes": "a token that a seed repeats could be guessed"},
}

TIME = "ask the running loop (loop.time(), asyncio.timeout) or an injected utc_s"
SLEEP = "use asyncio.sleep, which every tempo understands"
CHANCE = "take an injected random.Random or numpy Generator"
SEED = "give it a seed that is recorded with the run"
LOOP = "run through controller.clock.run, which chooses the tempo"


@dataclass(frozen=True)
class Ban:
    """A name that may not be used, in words, and what to use instead."""

    what: str
    remedy: str


def _bans() -> dict[str, Ban]:
    bans: dict[str, Ban] = {}

    def ban(what: str, remedy: str, *names: str) -> None:
        bans.update(dict.fromkeys(names, Ban(what, remedy)))

    clocks = ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
    ban("wall-clock time", TIME, *(f"time.{name}{ns}" for name in clocks for ns in ("", "_ns")))
    ban("wall-clock time", TIME, *(f"time.{name}" for name in ("gmtime", "localtime", "ctime", "asctime", "strftime")))
    ban("wall-clock time", TIME, *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")))
    ban("wall-clock time", TIME, "datetime.date.today", "os.times")
    ban("a sleep that stops the loop", SLEEP, "time.sleep", "signal.pause", "signal.sigtimedwait")
    ban("a timer outside the loop", SLEEP, "threading.Timer", "signal.alarm", "signal.setitimer", "sched.scheduler")
    ban("chance that no seed repeats", CHANCE, "random.SystemRandom", "secrets.*", "os.urandom", "os.getrandom")
    ban("chance that no seed repeats", CHANCE, "uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7")
    ban("the shared generator of a module", CHANCE, "random.*", "numpy.random.*")
    ban(
        "a loop of its own",
        LOOP,
        "asyncio.run",
        "asyncio.Runner",
        "asyncio.new_event_loop",
        "asyncio.SelectorEventLoop",
    )
    return bans


BANS = _bans()

# Generators that are fine with a seed and unrepeatable without one.
SEEDED = {"random.Random"} | {
    f"numpy.random.{name}"
    for name in ("default_rng", "SeedSequence", "PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937")
}
PLAIN = {"numpy.random.Generator", "numpy.random.BitGenerator"}

# Modules that may be named only to reach into them.
MODULES = {"time", "random", "secrets", "numpy.random"}

# Modules of which a star import would hide what is used.
WATCHED = {"time", "datetime", "random", "secrets", "uuid", "os", "asyncio", "numpy.random"}


@dataclass(frozen=True, order=True)
class Finding:
    """One use of a banned name."""

    path: str
    line: int
    name: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name} is {self.what}; {self.remedy}"


def findings(source: str, path: str) -> list[Finding]:
    """All findings in one file's text; `path` is relative to the root and chooses the exceptions."""
    allowed = EXCEPTIONS.get(path, {})
    if "*" in allowed:
        return []
    tree = ast.parse(source, path)
    checker = _Checker(path)
    checker.read_imports(tree)
    checker.visit(tree)
    return sorted(finding for finding in checker.found if finding.name not in allowed)


class _Checker(ast.NodeVisitor):
    """Walks one module; `names` maps each local name to the dotted name that it was imported as."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.names: dict[str, str] = {}
        self.found: set[Finding] = set()

    def read_imports(self, tree: ast.AST) -> None:
        """Learn every local name first: a function may use what is imported below it."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    self.names[local] = alias.name if alias.asname else local
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*" and node.module in WATCHED:
                self._report(node, f"from {node.module} import *", Ban("hiding what it uses", "import names"))
            elif f"{node.module}.{alias.name}" not in MODULES:
                self._judge(node, f"{node.module}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = self._dotted(node)
        if dotted is None:
            self.generic_visit(node)
        else:
            self._judge(node, dotted)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in self.names:
            self._judge(node, self.names[node.id])

    def visit_Call(self, node: ast.Call) -> None:
        dotted = self._dotted(node.func)
        if dotted in SEEDED and not _has_seed(node):
            self._report(node, f"{dotted}()", Ban("chance that no seed repeats", SEED))
        if dotted in ("__import__", "importlib.import_module"):
            self._judge_import(node)
        for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
            passed = self._dotted(value)
            if passed in SEEDED and dotted not in ("isinstance", "issubclass"):
                self._report(value, passed, Ban("passed on to be called without a seed", SEED))
        self.generic_visit(node)

    def _judge_import(self, node: ast.Call) -> None:
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and first.value in WATCHED:
            self._report(node, f"import of {first.value!r} by a call", Ban("hiding what it uses", "import it plainly"))

    def _judge(self, node: ast.AST, dotted: str) -> None:
        if dotted in MODULES:
            self._report(node, dotted, Ban("a whole module handed on, with what it hides", CHANCE))
        parts = dotted.split(".")
        for end in range(2, len(parts) + 1):
            name, module = ".".join(parts[:end]), ".".join(parts[: end - 1])
            if name in SEEDED or name in PLAIN:
                return
            ban = BANS.get(name) or BANS.get(f"{module}.*")
            if ban is not None and name not in MODULES:
                self._report(node, name, ban)
                return

    def _report(self, node: ast.AST, name: str, ban: Ban) -> None:
        self.found.add(Finding(self.path, getattr(node, "lineno", 0), name, ban.what, ban.remedy))

    def _dotted(self, node: ast.AST) -> str | None:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        if node.id not in self.names:
            return node.id if node.id == "__import__" or node.id in ("isinstance", "issubclass") else None
        return ".".join([self.names[node.id], *reversed(parts)])


def _has_seed(call: ast.Call) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in values)


def check(root: Path) -> Iterator[Finding]:
    """All findings in the rooms under `root`, in order of file and line."""
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            yield from findings(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix())


def main(arguments: list[str]) -> int:
    """Print the findings; 1 when there are any."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[1]
    found = list(check(root))
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    sys.stdout.write(f"clock check: {len(found)} finding(s)\n" if found else "clock check: clean\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
