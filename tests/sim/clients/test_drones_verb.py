"""`beichen sim drones`: its addresses, its words, its refusals and its end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pymavlink import mavutil

from controller.cli.app import run
from tests.sim.clients.serving import PATIENCE_S, ROOT, serving

pytestmark = pytest.mark.filterwarnings("ignore")  # mavutil leaves sockets behind


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_drone_sends_to_the_ground_station_and_answers_on_its_own_ports() -> None:
    port = free_udp_port()
    ground = mavutil.mavlink_connection(f"udpin:127.0.0.1:{port}")
    with serving("--count", "3", gcs=f"127.0.0.1:{port}", speed=1.0) as drones:
        heard: set[int] = set()
        while len(heard) < 3:
            message = ground.recv_match(type="HEARTBEAT", blocking=True, timeout=PATIENCE_S)
            assert message is not None
            heard.add(message.get_srcSystem())
        assert heard == {1, 2, 3}
        for number, drone in enumerate(drones, 1):
            for address in (f"tcp:{drone.address}", f"udpout:127.0.0.1:{drone.udp}"):
                connection = mavutil.mavlink_connection(address)
                connection.mav.heartbeat_send(6, 8, 0, 0, 4)
                message = connection.recv_match(type="HEARTBEAT", blocking=True, timeout=PATIENCE_S)
                assert message is not None
                assert message.get_srcSystem() == number
                connection.close()
    ground.close()


def test_two_clients_at_once_share_a_drone() -> None:
    with serving(speed=2.0) as drones:
        one, other = (mavutil.mavlink_connection(f"tcp:{drones[0].address}", source_system=n) for n in (250, 251))
        for connection in (one, other):
            assert connection.wait_heartbeat(timeout=PATIENCE_S) is not None
        other.mav.param_set_send(1, 1, b"RTL_ALT", 2000.0, 9)
        one.mav.heartbeat_send(6, 8, 0, 0, 4)
        value = other.recv_match(type="PARAM_VALUE", blocking=True, timeout=PATIENCE_S)
        assert value is not None
        assert value.param_value == 2000.0
        one.close()
        other.close()


def test_a_lossy_link_loses_what_it_was_told_to_lose() -> None:
    with serving("--autopilot", "px4", "--link-loss", "0.5", speed=20.0) as drones:
        connection = mavutil.mavlink_connection(f"udpout:127.0.0.1:{drones[0].udp}")
        connection.mav.heartbeat_send(6, 8, 0, 0, 4)
        seen = 0
        while seen < 400:
            connection.mav.heartbeat_send(6, 8, 0, 0, 4)
            assert connection.recv_match(blocking=True, timeout=PATIENCE_S) is not None
            seen += 1
        assert connection.packet_loss() > 20.0
        connection.close()


def test_words_for_people_name_every_client(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "controller.cli", "sim", "drones", "--count", "2", "--tcp", "0", "--udp", "0"]
    for lang, word in (("en", "Ctrl-C ends it."), ("zh", "按 Ctrl-C 结束。")):
        with subprocess.Popen([*command, "--lang", lang], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines: list[str] = []
            while not lines or word not in lines[-1]:
                line = process.stdout.readline()
                assert line
                lines.append(line)
            text = "".join(lines)
            for client in ("QGroundControl", "mavproxy.py", "dronekit.connect", "add_any_connection", "mavutil"):
                assert client in text
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
            assert process.stdout.read()  # it says that it was stopped


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--at", "somewhere"], "serve.bad-place"),
        (["--at", "95,10"], "serve.bad-place"),
        (["--gcs", "nowhere"], "serve.bad-address"),
        (["--gcs", "host:99999"], "serve.bad-address"),
        (["--count", "0"], "serve.bad-count"),
        (["--count", "251"], "serve.bad-count"),
        (["--link-loss", "2"], "serve.bad-loss"),
        (["--link-delay", "-1"], "serve.bad-delay"),
        (["--link-delay", "nan"], "serve.bad-delay"),
        (["--tcp", "99999"], "serve.bad-port"),
        (["--udp", "-1"], "serve.bad-port"),
        (["--tcp", "65530", "--count", "3"], "serve.bad-port"),
        (["--udp", "65534", "--count", "3"], "serve.bad-port"),
        (["--amsl", "1e9"], "serve.bad-amsl"),
        (["--amsl", "-501"], "serve.bad-amsl"),
        (["--amsl", "nan"], "serve.bad-amsl"),
        (["--seed", "-1"], "usage"),
    ],
)
def test_what_cannot_be_is_bad_usage_that_names_the_option(
    options: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", "drones", "--json", *options]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [reason["code"] for reason in told["reasons"]] == [code]
    assert options[0] in told["reasons"][0]["en"]


def test_all_that_is_wrong_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [
        "--count",
        "0",
        "--udp",
        "-1",
        "--tcp",
        "99999",
        "--amsl",
        "7000",
        "--link-loss",
        "2",
        "--link-delay",
        "-1",
    ]
    assert run(["sim", "drones", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(":")[0] for line in err.splitlines()] == [f"✗ {option}" for option in wrong[::2]]


def test_a_real_autopilot_has_the_same_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sim", "ardupilot", "--json", "--tcp", "65530", "--count", "3", "--amsl", "1e9"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [reason["where"] for reason in told["reasons"]] == ["--tcp", "--amsl"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_is_its_good_end_and_it_says_so(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "controller.cli", "sim", "drones", "--gcs", "none", "--tcp", "0", "--udp", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("Simulated drones: 1 (ardupilot)")
        while "Ctrl-C" not in process.stdout.readline():
            pass
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_port_that_is_taken_is_named(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    family = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, family) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "tcp":
            taken.listen()
        port = str(taken.getsockname()[1])
        ports = ["--tcp", port, "--udp", "0"] if kind == "tcp" else ["--tcp", "0", "--udp", port]
        assert run(["sim", "drones", "--json", "--gcs", "none", *ports]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["reasons"][0]["code"] == "serve.port-taken"
    assert port in told["reasons"][0]["en"]
