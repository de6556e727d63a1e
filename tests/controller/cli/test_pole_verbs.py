"""`beichen poles serve`, `simulate` and the verbs that ask a running gateway, as processes over real sockets."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from airspace.reasons import Reason
from controller.cli.app import run as beichen
from controller.cli.poles import simulate
from controller.cli.poles.simulate import make_street
from controller.cli.poles.watch import changes
from controller.config import GatewayConfig, load_site
from controller.pole_control import Control
from controller.pole_control.messages import Acknowledged, Answer, Refusal, Request, Seen
from controller.pole_control.server import BAD_REQUEST
from tests.controller.cli.test_pole_tables import alarm, difference
from tests.controller.cli.test_pole_tables import surveyed as surveyed_poles

BEICHEN = (sys.executable, "-m", "controller.cli", "poles")
DOCK, OTHER = "410105-LP-000001", "410105-LP-000002"
PATIENCE_S = 45.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A verb that serves until it is stopped; it ends with this test."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*BEICHEN, *arguments, "--with-parent"], stdin=pipe, stdout=pipe, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def asked(site: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """A verb's exit code and what it printed; the gateway is another process."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = beichen(["poles", *arguments, "--site", str(site), "--json"])
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def surveyed(site: Path) -> dict[str, Any]:
    return asked(site, "watch", "--once")[1][0]


def until(site: Path, **counts: int) -> dict[str, Any]:
    """The survey in which the gateway's counts are these, at last."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        told = surveyed(site)
        if all(told.get("statistics", {}).get(name) == count for name, count in counts.items()):
            return told
        assert time.monotonic() < end_s, told
        time.sleep(0.2)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A street of three poles and its gateway, both running."""
    folder = tmp_path_factory.mktemp("street")
    listen = f"tcp://127.0.0.1:{free_port()}"
    made = ("--into", str(folder), "--count", "3", "--listen", listen, "--report-every", "1", "--json")
    with running("simulate", *made, "--processes", "2") as poles:
        assert poles.stdout is not None
        assert json.loads(poles.stdout.readline())["poles"] == 3
        with running("serve", "--site", str(folder / "site.toml")) as gateway:
            assert gateway.stdout is not None
            assert listen.encode() in gateway.stdout.readline()
            until(folder / "site.toml", poles=3)
            yield folder / "site.toml"


def test_the_survey_has_every_pole_of_the_site(street: Path) -> None:
    told = surveyed(street)
    assert [(pole["code"][-1], pole["state"]) for pole in told["poles"]] == [
        ("1", "heard"),
        ("2", "heard"),
        ("3", "heard"),
    ]


def test_the_control_socket_is_for_its_owner_alone(street: Path) -> None:
    assert street.with_name("beichen.db.control").stat().st_mode & 0o777 == 0o600


def test_one_pole_is_shown_with_readings_and_units(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert beichen(["poles", "show", DOCK, "--site", str(street)]) == 0
    text = capsys.readouterr().out
    assert "WindSensor" in text
    assert "m/s" in text
    assert "DroneDock" in text
    assert "MetersPerSecond" not in text
    assert "[" not in text
    assert not {"True", "False", "None"} & set(text.split())


def test_a_command_is_accepted_then_done(street: Path) -> None:
    code, lines = asked(street, "command", OTHER, "LampActuator", "override", "level=60", "pattern=landing")
    assert code == 0
    assert [line["type"] for line in lines][-1] == "outcome"
    assert {line["type"] for line in lines} <= {"accepted", "progress", "outcome"}
    assert lines[-1]["outcome"] == "accepted"
    # the reading follows the command
    values = {each["function"]: each["values"] for each in asked(street, "show", OTHER)[1][0]["functions"]}
    assert values["LampActuator"]["actualLightState"] == 60.0


def test_a_command_that_cannot_be_is_rejected_with_the_rule(street: Path) -> None:
    code, lines = asked(street, "command", OTHER, "LampActuator", "override", "level=600")
    assert code == 1
    assert (lines[-1]["outcome"], lines[-1]["code"]) == ("rejected", "pole.action.parameters")
    assert "level must be a number from 0 to 100 %, not 600" in lines[-1]["en"]
    assert "level 须为 0 至 100 % 的数，而非 600" in lines[-1]["zh"]


def test_a_function_that_there_is_not_is_answered_with_the_likest(street: Path) -> None:
    for given in (("command", OTHER, "LampActuater", "override"), ("desired", OTHER, "lampactuator", "level=5")):
        _, lines = asked(street, *given)
        told = lines[-1]["reasons"][0] if "reasons" in lines[-1] else lines[-1]
        assert told["code"] == "pole.function.unknown"
        assert "Known are: LampActuator, " in told["en"]


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Have every gateway answer this."""

    async def ask(self: Control, request: Request) -> AsyncIterator[Answer]:
        yield answer

    monkeypatch.setattr(Control, "ask", ask)


def test_differences_are_those_of_the_function_that_is_meant(street: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = ("LampActuator", "Loudspeaker")
    seen = Seen(
        utc_s=0.0,
        line=surveyed_poles().poles[0],
        differences=tuple([difference(function=function) for function in functions]),
    )
    with monkeypatch.context() as patch:
        answering(patch, seen)
        for given, found in ((functions[:1], functions[:1]), ((), functions)):
            code, (told,) = asked(street, "desired", OTHER, *given)
            assert (code, told["pole"]) == (0, OTHER)
            assert tuple([each["function"] for each in told["differences"]]) == found
    code, (told,) = asked(street, "desired", OTHER, "LampActuater")
    assert (code, told["reasons"][0]["code"]) == (1, "pole.function.unknown")


def test_a_setting_is_brought_about(street: Path) -> None:
    code, (told,) = asked(street, "desired", OTHER, "LampActuator", "defaultLightState=30")
    assert code == 0
    assert told["status"] == "met"
    assert asked(street, "desired", OTHER) == (0, [{"pole": OTHER, "differences": []}])


def test_settings_that_no_pole_could_take_are_refused(street: Path) -> None:
    code, (told,) = asked(street, "desired", OTHER, "LampActuator", "colour=red")
    assert code == 1
    assert told["reasons"][0]["code"] == "pole.settings.malformed"


def test_who_acknowledges_an_alarm_that_is_not_open_is_told(street: Path) -> None:
    code, (told,) = asked(street, "acknowledge", "4711")
    assert code == 1
    assert told["reasons"][0]["code"] == "poles.no-alarm"


@pytest.mark.parametrize(("first", "said"), [("Wang", "Wang acknowledged it before"), ("Li", "acknowledged: ")])
def test_who_acknowledges_second_is_told_who_did_first(
    street: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: str, said: str
) -> None:
    answering(monkeypatch, Acknowledged(alarm=alarm(7, acknowledged_by=first)))
    assert beichen(["poles", "acknowledge", "7", "--who", "Li", "--site", str(street)]) == 0
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("verb", [("show", "410105-LP-000099"), ("command", "410105-LP-000099", "LampActuator", "x")])
def test_a_pole_that_the_site_does_not_have_is_refused(street: Path, verb: tuple[str, ...]) -> None:
    code, (told,) = asked(street, *verb)
    assert code == 1
    assert told["reasons"][0]["code"] == "poles.unknown"


@pytest.mark.parametrize("pair", ["level", "=5", "level=1 level=2"])
def test_a_value_without_a_name_is_bad_usage(street: Path, pair: str) -> None:
    arguments = ["command", OTHER, "LampActuator", "override", *pair.split(" ")]
    code, (told,) = asked(street, *arguments)
    assert code == 2
    assert told["reasons"][0]["code"] == "poles.value"


def test_the_live_table_ends_with_q(street: Path) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    command = [*BEICHEN, "watch", "--site", str(street)]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        seen = b""
        while OTHER.encode() not in seen:
            seen += os.read(master, 65536)
        os.write(master, b"q")
        try:
            while os.read(master, 65536):
                pass
        except OSError:  # the other end is closed
            pass
        assert process.wait(PATIENCE_S) == 0
    os.close(master)


def test_without_a_terminal_each_change_is_a_line(street: Path) -> None:
    command = [*BEICHEN, "watch", "--site", str(street), "--lang", "zh"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode() == f"{DOCK}  在线\n"
        process.terminate()


def test_only_what_differs_between_two_looks_is_told() -> None:
    before, now = {"a": "heard", "b": "heard", "c": "x"}, {"a": "heard", "b": "silent", "d": "new"}
    assert list(changes(before, now, "en")) == [("b", "silent"), ("d", "new"), ("c", "over")]


def test_without_a_gateway_the_verbs_say_how_to_start_one(street: Path, tmp_path: Path) -> None:
    alone = tmp_path / "site.toml"
    alone.write_text(street.read_text())
    code, (told,) = asked(alone, "watch", "--once")
    assert code == 1
    assert told["reasons"][0]["code"] == "poles.not-running"
    assert f"beichen poles serve --site {alone}`" in told["reasons"][0]["en"]


def test_a_gateway_at_any_free_port_says_which_and_answers_alarms_with_missions(tmp_path: Path) -> None:
    make_street(tmp_path, 1, "tcp://127.0.0.1:0")
    site = tmp_path / "site.toml"
    with running("serve", "--site", str(site)) as gateway:
        assert gateway.stdout is not None
        (port,) = re.findall(rb"tcp://127\.0\.0\.1:(\d+)", gateway.stdout.readline())
        assert int(port) > 0
        with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE_S):
            pass
        assert asked(site, "respond") == (0, [{"type": "proposed", "proposals": []}])
        code, (told,) = asked(site, "respond", "nothing", "--leave")
        assert (code, told["reasons"][0]["code"]) == (1, "response.unknown")


@pytest.mark.parametrize("given", [("r",), ("r", "--fly", "--leave"), ("--fly",)])
def test_who_decides_says_of_what_and_how(street: Path, given: tuple[str, ...]) -> None:
    code, (told,) = asked(street, "respond", *given)
    assert (code, told["reasons"][0]["code"]) == (2, "response.undecided")


def test_a_killed_gateway_leaves_nothing_that_stops_the_next_one(tmp_path: Path) -> None:
    listen = f"tcp://127.0.0.1:{free_port()}"
    made = ("--into", str(tmp_path), "--count", "1", "--listen", listen, "--report-every", "1", "--json")
    site = tmp_path / "site.toml"
    with running("simulate", *made) as poles:
        assert poles.stdout is not None
        assert poles.stdout.readline()
        with running("serve", "--site", str(site)) as gateway:
            assert gateway.stdout is not None
            assert gateway.stdout.readline()
            until(site, poles=1)
            gateway.send_signal(signal.SIGKILL)
        assert asked(site, "watch", "--once")[1][0]["reasons"][0]["code"] == "poles.not-running"
        with running("serve", "--site", str(site)) as gateway:
            assert gateway.stdout is not None
            assert gateway.stdout.readline()
            until(site, poles=1)


def test_a_street_keeps_its_keys_and_its_site_is_whole(street: Path) -> None:
    place = load_site(street)
    assert len({pole.public_key for pole in place.file.poles}) == 3
    assert (street.parent / "keys").stat().st_mode & 0o777 == 0o700
    assert (street.parent / "keys" / "simulated.toml").stat().st_mode & 0o777 == 0o600


def test_a_folder_without_whole_keys_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_street(tmp_path, 1, "tcp://127.0.0.1:7600")
    (tmp_path / "keys" / "simulated.toml").write_text("x = 5")
    assert beichen(["poles", "simulate", "--into", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reasons"][0]["code"] == "simulate.keys"


def test_a_share_that_there_is_not_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert beichen(["poles", "simulate", "--into", str(tmp_path), "--share", "2", "2", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reasons"][0]["code"] == "simulate.share"


@pytest.mark.parametrize("share", [("0", "2"), ("1", "2")])
def test_processes_divide_the_share_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: tuple[str, str]
) -> None:
    make_street(tmp_path, 24, "tcp://127.0.0.1:7600")
    begun: list[tuple[int, int]] = []

    @contextmanager
    def helpers(shares: list[list[str]]) -> Iterator[None]:
        begun.extend((int(each[3]), int(each[4])) for each in shares)
        yield

    def lived(main: object) -> None:
        """The poles of this process are those of the command itself."""

    monkeypatch.setattr(simulate, "helpers", helpers)
    monkeypatch.setattr(simulate, "run", lived)
    assert beichen(["poles", "simulate", "--into", str(tmp_path), "--share", *share, "--processes", "2", "--json"]) == 0
    assert begun == [(2 * int(share[0]) + 1, 4)]


@pytest.mark.parametrize(
    ("gateway", "at"),
    [
        ({"listen": "tcp://*:7600"}, "tcp://127.0.0.1:7600"),
        ({"listen": "tcp://0.0.0.0:7600"}, "tcp://127.0.0.1:7600"),
        ({"listen": "tcp://10.0.0.7:7600"}, "tcp://10.0.0.7:7600"),
        ({"listen": "tcp://*:7600", "address": "tcp://poles.example:7600"}, "tcp://poles.example:7600"),
    ],
)
def test_simulated_poles_connect_where_poles_are_told_to(gateway: dict[str, str], at: str) -> None:
    assert simulate.dialled(GatewayConfig(**gateway)) == at


def test_what_the_gateway_refuses_to_tell_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], street: Path
) -> None:
    answering(monkeypatch, Refusal(reasons=[Reason(BAD_REQUEST, "", {"why": "?"}).as_dict()]))
    assert beichen(["poles", "watch", "--once", "--site", str(street), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reasons"][0]["code"] == "poles.bad-request"
