"""The rules of the house that no linter knows: imports, time and chance, words, sizes, names, dependencies."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import importlib
import importlib.util
import os
import pkgutil
import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from airspace.reasons import Rule, Words
from controller.alarms import ALARMS
from controller.streams import STREAMS, Stream

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("airspace", "missions", "poles", "controller", "sim")
LARGEST_FILE_LINES = 600
NAMES_THAT_SAY_NOTHING = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "stuff",
    "base",
}
# A room's row of the house's table: what it may never import.
NEVER = {
    "airspace": {"missions", "poles", "controller", "sim"},
    "missions": {"poles", "controller", "sim"},
    "poles": {"missions", "controller", "sim"},
    "controller": {"sim"},
    "sim": {"controller", "missions"},
}


def load(path: Path) -> ModuleType:
    """A script of `.ci` as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in python_files(*ROOMS):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def has_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


# -- time and chance ---------------------------------------------------------------------------------------------------

clock_check = load(ROOT / ".ci" / "clock_check.py")


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time\nstamp = time.monotonic",
        "import time as t\nt.perf_counter_ns()",
        "from time import monotonic as now\nnow()",
        "from time import *",
        "def late():\n    return time.time()\nimport time",
        "def f():\n    import time\n    time.sleep(1)",
        "import time\ntime.strftime('%Y')",
        "from datetime import datetime\ndatetime.now(UTC)",
        "import datetime as d\nd.datetime.utcnow()",
        "import datetime\ndatetime.date.today()",
        "import random\nrandom.random()",
        "import random\nrandom.Random()",
        "import random\nrandom.Random(None)",
        "import random\nfield(default_factory=random.Random)",
        "import random\nplan(rng=random)",
        "from random import choice",
        "from random import SystemRandom as R",
        "import secrets\nsecrets.token_hex(4)",
        "import uuid\nuuid.uuid4()",
        "import os\nos.urandom(8)",
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.seed(3)",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng as rng\nrng()",
        "from numpy import random as nr\nnr.normal()",
        "import numpy.random as nr\nf(nr)",
        "import threading\nthreading.Timer(1, f)",
        "import asyncio\nasyncio.run(main())",
        "__import__('time').time()",
        "import importlib\nimportlib.import_module('random')",
    ],
)
def test_time_sleep_and_unseeded_chance_are_found(source: str) -> None:
    found = clock_check.findings(source, "missions/planning.py")
    assert found
    assert re.match(r"missions/planning\.py:\d+: .+; .+", str(found[0]))


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasyncio.get_running_loop().time()",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import random\ndef f(rng: random.Random) -> float:\n    return rng.random()",
        "import random\nrng = random.Random(7)",
        "from random import Random\nrng = Random('city/7')",
        "import random\nisinstance(x, random.Random)",
        "import numpy as np\nnp.random.default_rng(seed)",
        "import numpy as np\ndef f(rng: np.random.Generator): return rng.normal()",
        "from numpy.random import Generator, PCG64\nGenerator(PCG64(3))",
        "from datetime import UTC, datetime\ndatetime.fromtimestamp(utc_s, UTC)",
        "from datetime import timedelta\ntimedelta(seconds=1)",
        "def f(clock, time):\n    return clock.time() + time.time()",
        "import uuid\nuuid.uuid5(uuid.NAMESPACE_URL, name)",
        "import time\ntime.strptime(text, '%Y')",
    ],
)
def test_time_from_the_loop_and_seeded_chance_pass(source: str) -> None:
    assert clock_check.findings(source, "missions/planning.py") == []


def test_only_files_with_a_reason_are_let_off_the_clock_check() -> None:
    assert clock_check.findings("import time\ntime.time()", "controller/clock.py") == []
    for path, names in clock_check.EXCEPTIONS.items():
        assert (ROOT / path).exists()
        assert names
        assert all(reason for reason in names.values())


def test_no_room_takes_time_or_chance_from_anywhere_but_the_clock() -> None:
    assert [str(finding) for finding in clock_check.check(ROOT)] == []


# -- imports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_the_import_contract_of_each_room_is_checked(room: str) -> None:
    contract = setup_cfg()[f"importlinter:contract:{room}"]
    assert contract["type"] == "forbidden"
    assert listed(contract["source_modules"]) == [room]
    assert set(listed(contract["forbidden_modules"])) >= NEVER[room]


def test_import_contracts_have_only_the_exceptions_that_the_house_names() -> None:
    ignored = [
        line
        for name, section in setup_cfg().items()
        if name.startswith("importlinter:contract:")
        for line in listed(section.get("ignore_imports", ""))
    ]
    sides = {tuple(side.strip() for side in line.split("->")) for line in ignored}
    allowed = {("controller.cli.sim", "sim"), ("controller.cli.demo", "sim"), ("controller.cli.poles.simulate", "sim")}
    allowed |= {("sim.world", "controller"), ("sim.world", "missions"), ("sim.world", "poles")}
    assert {(importer.removesuffix(".**"), imported.partition(".")[0]) for importer, imported in sides} <= allowed


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, modules and what is taken out of them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


@pytest.mark.parametrize("room", ["airspace", "missions"])
def test_rooms_that_only_think_touch_no_socket_clock_or_database(room: str) -> None:
    world = {"asyncio", "http", "selectors", "socket", "sqlite3", "subprocess", "threading", "time", "urllib", "zmq"}
    touching = [f"{path}: {name}" for path in python_files(room) for name in imported(path) if within(name, world)]
    assert touching == []


def test_poles_use_only_positions_and_reasons_of_the_airspace() -> None:
    allowed = {"airspace.frames", "airspace.reasons"}
    used = {name for path in python_files("poles") for name in imported(path) if within(name, {"airspace"})}
    assert [name for name in sorted(used) if not within(name, allowed)] == []


def test_the_simulator_uses_only_the_pole_side_of_poles() -> None:
    files = [path for path in python_files("sim") if ROOT / "sim" / "world" not in path.parents]
    assert [
        str(path)
        for path in files
        if any(within(name, {"poles.gateway", "poles.conformance"}) for name in imported(path))
    ] == []


# -- words -------------------------------------------------------------------------------------------------------------


def judge_words(words: Words, what: str) -> None:
    assert words.en.strip(), f"{what} has no English words"
    assert words.zh.strip(), f"{what} has no Chinese words"
    if re.search(r"[A-Za-z]", re.sub(r"{[^}]*}", "", words.en)):  # facts alone need no translation
        assert has_chinese(words.zh), f"{what} has no Chinese in its Chinese words"
    assert not has_chinese(words.en), f"{what} has Chinese in its English words"
    assert fields(words.en) == fields(words.zh), f"{what} gives other facts in English than in Chinese"


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_has_words_and_an_action_in_both_languages(alarm: str) -> None:
    judge_words(ALARMS[alarm].words, f"alarm {alarm}")
    judge_words(ALARMS[alarm].action, f"the action of alarm {alarm}")


@pytest.mark.parametrize("stream", Stream)
def test_every_stream_has_a_rate_an_age_limit_and_words_in_both_languages(stream: Stream) -> None:
    row = STREAMS[stream]
    judge_words(row.words, f"stream {stream}")
    assert row.rate_hz > 0
    assert row.stale_after_s > 1 / row.rate_hz


def values(container: object, depth: int = 2) -> Iterator[object]:
    """What a module's attribute holds, into tables and records but not without end."""
    yield container
    if depth == 0:
        return
    inside: list[object] = []
    if isinstance(container, Mapping):
        inside = [*container.keys(), *container.values()]
    elif isinstance(container, list | tuple | set | frozenset):
        inside = list(container)
    elif dataclasses.is_dataclass(container) and not isinstance(container, Rule):
        inside = [getattr(container, field.name, None) for field in dataclasses.fields(container)]
    elif isinstance(container, type) and container.__module__.partition(".")[0] in ROOMS:
        inside = [value for name, value in vars(container).items() if not name.startswith("__")]
    for value in inside:
        yield from values(value, depth - 1)


def rules() -> dict[int, tuple[str, Rule]]:
    """Every rule that some module of some room holds, by identity, with the first module that does."""
    found: dict[int, tuple[str, Rule]] = {}
    for room in ROOMS:
        package = importlib.import_module(room)
        names = [room, *(module.name for module in pkgutil.walk_packages(package.__path__, f"{room}."))]
        for name in names:
            if name.endswith("__main__"):
                continue
            for attribute in vars(importlib.import_module(name)).values():
                for value in values(attribute):
                    if isinstance(value, Rule):
                        found.setdefault(id(value), (name, value))
    return found


def test_every_rule_says_what_was_broken_and_what_to_do_in_both_languages() -> None:
    for module, rule in rules().values():
        assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", rule.code), f"{module}: {rule.code!r} is no code"
        judge_words(rule.says, f"{module}: rule {rule.code}")
        judge_words(rule.remedy, f"{module}: the remedy of rule {rule.code}")


def test_no_two_rules_share_a_code() -> None:
    by_code: dict[str, list[tuple[str, Rule]]] = {}
    for module, rule in rules().values():
        by_code.setdefault(rule.code, []).append((module, rule))
    shared = {code: [module for module, _ in found] for code, found in by_code.items() if len(found) > 1}
    assert shared == {}


def test_all_words_written_in_code_give_the_same_facts_in_both_languages() -> None:
    for path, tree in sources():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Words"):
                continue
            texts = [*node.args, *(keyword.value for keyword in node.keywords)]
            written = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            if len(written) == 2:
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                assert bool(written[0]) == bool(written[1]), f"{where}: words are missing in one language"
                assert fields(written[0]) == fields(written[1]), f"{where}: other facts in one language"


# -- sizes and names ---------------------------------------------------------------------------------------------------


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    sizes = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in python_files(*ROOMS, "tests", "benchmarks")}
    assert {str(p.relative_to(ROOT)): n for p, n in sizes.items() if n > LARGEST_FILE_LINES} == {}


def test_every_file_is_named_after_its_subject() -> None:
    files = python_files(*ROOMS, "tests", "benchmarks")
    assert [str(p) for p in files if p.stem.lower().removeprefix("test_") in NAMES_THAT_SAY_NOTHING] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in python_files(*ROOMS, "tests")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
    assert [room for room in ROOMS if not (ROOT / room / "py.typed").exists()] == []


def test_a_broad_except_says_why_it_is_broad() -> None:
    silent: list[str] = []
    for path, tree in sources():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            broad = any(
                k is None or (isinstance(k, ast.Name) and k.id in ("Exception", "BaseException")) for k in kinds
            )
            if broad and "#" not in lines[node.lineno - 1]:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert silent == []


def test_no_file_knows_the_machine_on_which_it_was_written() -> None:
    own = [f"{place}/" for place in (str(ROOT), str(Path.home())) if len(place) > 1]
    files = [*python_files(*ROOMS, "tests", "benchmarks", ".ci"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    files += [path for path in (ROOT / "examples").rglob("*") if path.is_file()]
    knowing = [str(p) for p in files if any(place in p.read_text(encoding="utf-8") for place in own)]
    assert knowing == []


# -- dependencies ------------------------------------------------------------------------------------------------------


def requirements() -> dict[str, set[str]]:
    """The names of all requirements in `setup.cfg`, by the set that asks for them."""
    config = setup_cfg()
    sets = {"": config["options"]["install_requires"], **dict(config["options.extras_require"])}
    return {
        extra: {re.split(r"[\s<>=!~;\[]", line)[0].lower() for line in listed(text)} for extra, text in sets.items()
    }


@pytest.mark.parametrize("extra", sorted(requirements()))
def test_every_dependency_has_a_reason_and_a_tested_version(extra: str) -> None:
    pinned = {line.partition("==")[0].lower() for line in listed((ROOT / "constraints.txt").read_text("utf-8"))}
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    for name in sorted(requirements()[extra]):
        assert name in pinned, f"{name} has no version in constraints.txt"
        assert re.search(rf"^\| `{re.escape(name)}` \|", table, re.MULTILINE), f"{name} has no row in dependencies.md"


def test_constraints_pin_one_version_each_and_name_no_place() -> None:
    lines = listed((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line) for line in lines)
    assert len({line.partition("==")[0].lower() for line in lines}) == len(lines)


# -- the frame ---------------------------------------------------------------------------------------------------------


def test_the_makefile_has_every_target_that_the_documents_promise() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert targets >= {"demo", "test", "lint", "bench", "docs", "soak", "clean"}


@pytest.mark.parametrize("script", [".ci/run", ".ci/venv"])
def test_a_script_of_the_frame_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_the_architecture_can_be_read_at_once() -> None:
    assert len((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()) < 150


def test_both_readmes_begin_with_the_two_commands_and_show_the_same_ones() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    for text in texts:
        assert listed(text)[:2] == ["make demo", "make test"]
    shown = [re.findall(r"`(beichen[^`]*)`|^    (make [^#\n]*?) *(?:#|$)", text, re.MULTILINE) for text in texts]
    assert shown[0] == shown[1]
    assert [text.count("\n## ") for text in texts] == [texts[0].count("\n## ")] * 2


def test_a_long_test_is_left_out_unless_asked_for() -> None:
    pytest_settings = setup_cfg()["tool:pytest"]
    assert '-m "not soak"' in pytest_settings["addopts"]
    assert any(line.startswith("soak:") for line in listed(pytest_settings["markers"]))
