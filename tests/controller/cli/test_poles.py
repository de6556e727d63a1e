"""`beichen poles enrol`, `list` and `keys`, from the first key file to a pole that is locked out."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import stat
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from controller.alarms import Alarm
from controller.cli.app import run as beichen
from controller.cli.poles import agent, words
from controller.clock import Clock, real_tempo, run
from controller.config import load_site
from controller.district import District
from controller.pole_gate import enrolment, open_gate, renewal, watch_register
from poles.agent.linux import run_pole
from poles.agent.pole_file import load_pole
from poles.agent.settings import SettingsStore
from poles.beside import beside
from poles.gateway import Gateway
from poles.keys import KeyPair, load_key_pair, new_key_pair
from poles.keys.enrolling import enrol
from poles.keys.key_ring import load_key_ring
from poles.keys.tokens import Answer
from poles.protocol import Ack, Welcome, encode
from poles.protocol.enrolment import KnownGateway
from poles.services.pole_keys import KeySettings
from poles.wire.connection import CurveConnection
from tests.poles.raw_pole import Store, gateway_needs, hello, raw_pole, report, zmq_context

CODE, OTHER = "410105-LP-000001-Q", "410105-LP-000002-O"
SITE = """
name = "West"
airspace = []
airspace_is_empty = true
origin = {{lat_deg = 34.75, lon_deg = 113.62}}
ground = {{amsl_m = 100.0, geoid_m = -15.0}}
city_codes = {{form = "dddddd-cc-nnnnnn-k", check = "MOD 37,36"}}

[gateway]
listen = "tcp://127.0.0.1:{port}"
enrol_listen = "tcp://127.0.0.1:{desk}"

[[poles]]
code = "410105-LP-000001-Q"
lat_deg = 34.75
lon_deg = 113.62
services = ["weather"]

[[poles]]
code = "410105-LP-000002-O"
lat_deg = 34.75
lon_deg = 113.63
services = ["lamp"]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE.format(port=free_port(), desk=free_port()))
    return path


class Verbs:
    """The verbs on one site, with what they printed."""

    def __init__(self, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.site, self._capsys = site, capsys

    def __call__(self, *arguments: str) -> list[dict[str, Any]]:
        code = beichen(["poles", *arguments, "--site", str(self.site), "--json"])
        lines = self._capsys.readouterr().out.splitlines()
        assert code == 0, lines
        return [json.loads(line) for line in lines]

    def text(self, *arguments: str) -> str:
        beichen(["poles", *arguments, "--site", str(self.site)])
        return self._capsys.readouterr().out

    def refused(self, *arguments: str) -> list[str]:
        assert beichen(["poles", *arguments, "--site", str(self.site), "--json"]) == 1
        found = self._capsys.readouterr().out.splitlines()
        return [reason["code"] for line in found for reason in json.loads(line)["reasons"]]


@pytest.fixture
def verbs(site: Path, capsys: pytest.CaptureFixture[str]) -> Verbs:
    return Verbs(site, capsys)


def states(verbs: Verbs) -> dict[str, str]:
    return {row["code"]: row["state"] for row in verbs("list")}


def test_key_files_are_made_once_and_belong_to_their_owner_alone(verbs: Verbs, site: Path) -> None:
    first = verbs("keys", "make")
    assert [row["made"] for row in first] == [True, True]
    for row in first:
        assert stat.S_IMODE(Path(row["file"]).stat().st_mode) == 0o600
    second = verbs("keys", "make")
    assert [row["made"] for row in second] == [False, False]
    assert [row["public"] for row in first] == [row["public"] for row in second]
    for row in first:
        assert load_key_pair(Path(row["file"])).secret.decode() not in json.dumps(first)


def test_a_token_is_shown_once_and_the_list_says_who_may_enrol(verbs: Verbs) -> None:
    desk = verbs("keys", "make")[1]["public"]
    assert states(verbs) == {CODE: "none", OTHER: "none"}
    (made,) = verbs("enrol", CODE, "--hours", "2")
    assert made["code"] == CODE
    assert made["desk_key"] == desk
    assert states(verbs) == {CODE: "may-enrol", OTHER: "none"}
    assert made["token"] not in verbs.text("list") + verbs.text("keys", "history")


def test_people_are_told_in_their_language(verbs: Verbs) -> None:
    verbs("keys", "make")
    told = verbs.text("enrol", CODE, "--lang", "zh")
    assert "令牌" in told
    assert "登记处" in told
    assert "可登记" in verbs.text("list", "--lang", "zh")
    assert "may enrol" in verbs.text("list")


def test_the_history_is_told_in_chinese_too(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    key = new_key_pair().public.decode()
    site.write_text(site.read_text().replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    (admitted,) = verbs("keys", "history", CODE)
    assert (admitted["who"], admitted["detail"]) == ("site file", "file")  # for machines as it is kept
    (line,) = [line for line in verbs.text("keys", "history", CODE, "--lang", "zh").splitlines() if CODE in line]
    assert line.split()[2:] == ["准入", "站点文件", "站点文件"]


def test_every_end_of_an_attempt_to_enrol_has_words() -> None:
    assert set(words.DETAILS) >= set(Answer)


def test_a_mistyped_code_is_refused(verbs: Verbs) -> None:
    verbs("keys", "make")
    assert verbs.refused("enrol", "410105-LP-000010-Q") == ["pole.code.check"]
    assert verbs.refused("enrol", "410105-LP-1") == ["pole.code.malformed"]
    assert verbs.refused("keys", "revoke", CODE) == ["pole.key.none"]
    assert verbs.refused("keys", "renew", CODE, OTHER) == ["pole.key.none", "pole.key.none"]
    assert verbs.refused("keys", "renew", CODE, "bogus") == ["pole.code.malformed"]
    assert verbs.refused("keys", "revoke", "bogus") == ["pole.code.malformed"]


def test_what_is_no_key_is_not_looked_for(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    key = new_key_pair().public.decode()
    site.write_text(site.read_text().replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    assert beichen(["poles", "keys", "revoke", CODE, "--key", "abc", "--site", str(site)]) == 2
    assert states(verbs)[CODE] == "valid"
    verbs("keys", "revoke", CODE, "--key", key)
    assert states(verbs)[CODE] == "revoked"


def test_a_code_of_no_pole_of_the_site_is_refused(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    site.write_text(site.read_text().split("[[poles]]", 1)[0])
    assert verbs.refused("enrol", CODE) == ["poles.unknown"]
    assert verbs.refused("keys", "revoke", CODE) == ["poles.unknown"]
    assert verbs.refused("keys", "renew", CODE, OTHER) == ["poles.unknown", "poles.unknown"]


def test_a_pole_that_the_site_has_no_more_can_still_be_locked_out(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    key = new_key_pair().public.decode()
    whole = site.read_text()
    site.write_text(whole.replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    assert states(verbs)[CODE] == "valid"
    site.write_text(whole.split("[[poles]]", 1)[0])
    verbs("keys", "revoke", CODE)
    assert states(verbs)[CODE] == "revoked"


def test_a_site_without_gateway_desk_or_key_files_says_so(verbs: Verbs, site: Path) -> None:
    assert verbs.refused("enrol", CODE) == ["key.missing"]
    whole = site.read_text()
    site.write_text("\n".join(line for line in whole.splitlines() if "enrol_listen" not in line))
    assert verbs.refused("enrol", CODE) == ["poles.no-desk"]
    site.write_text("\n".join(line for line in whole.splitlines() if "listen" not in line and "[gateway]" not in line))
    assert verbs.refused("list") == ["poles.no-gateway"]


def test_a_key_file_that_others_can_read_stops_the_gateway(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    (site.parent / "keys" / "controller.key_secret").chmod(0o644)
    place = load_site(site)
    assert place.file.gateway is not None
    with pytest.raises(Exception, match=r"key\.readable"), open_gate(place, place.file.gateway, lambda: 0.0):
        pass


def test_a_key_of_the_site_file_is_taken_in_and_stays_out_once_it_is_revoked(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    key = new_key_pair().public.decode()
    site.write_text(site.read_text().replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    assert states(verbs) == {CODE: "valid", OTHER: "none"}
    verbs("keys", "revoke", CODE, "--who", "Wang")
    assert states(verbs) == {CODE: "revoked", OTHER: "none"}


def test_the_public_keys_can_be_exported(verbs: Verbs, site: Path, tmp_path: Path) -> None:
    verbs("keys", "make")
    key = new_key_pair().public.decode()
    site.write_text(site.read_text().replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    verbs("keys", "export", "--out", str(tmp_path / "keys.json"))
    (row,) = json.loads((tmp_path / "keys.json").read_text())
    assert (row["code"], row["public_key"], row["state"]) == (CODE, key, "valid")
    assert verbs.refused("keys", "export", "--out", str(tmp_path / "no" / "keys.json")) == ["file.not-written"]


def test_a_new_server_key_opens_a_door_of_its_own(verbs: Verbs) -> None:
    verbs("keys", "make")
    verbs("keys", "renew-server", "--listen", "tcp://127.0.0.1:7601", "--days", "3")
    first, second = verbs("keys", "doors")
    assert (first["state"], first["listen"], first["file"]) == (
        "open",
        "tcp://127.0.0.1:7601",
        "keys/controller-2.key_secret",
    )
    assert (second["state"], second["file"]) == ("leaving", "keys/controller.key_secret")
    assert verbs.refused("keys", "renew-server", "--listen", "tcp://0.0.0.0:7602") == ["site.gateway-address"]
    assert verbs.refused("keys", "renew-server", "--listen", "tcp://127.0.0.1:7602") == ["pole.door.there"]
    assert verbs.refused("keys", "renew-server", "--listen", "tcp://127.0.0.1:7601") == ["poles.listen-address"]


async def by_hand(site: Path, *arguments: str) -> None:
    """A verb while the gateway runs, with a connection to the register of its own."""
    assert await asyncio.to_thread(beichen, ["poles", *arguments, "--site", str(site), "--json"]) == 0


async def welcomed(context: Any, given: KnownGateway, pair: KeyPair) -> bool:
    """Whether a pole that comes with this key is welcomed, and what it says is kept."""
    async with raw_pole(CurveConnection(context, given.address, pair, given.public_key.encode())) as pole:
        pole.line.send(encode(hello(CODE)))
        if not isinstance(await pole.hear(within_s=1.0), Welcome):
            return False
        await pole.say(report(1))
        return isinstance(await pole.hear(), Ack)


def test_from_token_to_first_report_and_to_the_end_of_it(verbs: Verbs, site: Path) -> None:
    """The walk-through: keys, a token, the pole's own key, its reports, and a revocation beside the running gateway."""
    verbs("keys", "make")
    (made,) = verbs("enrol", CODE)
    place = load_site(site)
    pair, store = new_key_pair(), Store()

    async def main(clock: Clock) -> None:
        given = place.file.gateway
        assert given is not None
        with open_gate(place, given, clock.utc_s) as gate:
            needs = gateway_needs(clock, store, rng=random.Random(1))
            async with (
                zmq_context() as context,
                Gateway(gate.doorway, **needs),
                enrolment(place, given, gate, clock.utc_s),
            ):
                desk = KnownGateway(address=made["desk"], public_key=made["desk_key"])
                told = await enrol(context, desk, CODE, made["token"], pair)
                assert told.gateways == gate.doorway.gateways()
                assert await welcomed(context, told.gateways[0], pair)
                await by_hand(site, "keys", "revoke", CODE, "--who", "Wang")
                await asyncio.sleep(0.5)
                assert not await welcomed(context, told.gateways[0], pair)

    run(main, real_tempo())
    assert [reading.seq for reading in store.readings(CODE)] == [1]
    assert states(verbs) == {CODE: "revoked", OTHER: "none"}
    whats = [(row["what"], row["who"], row["detail"]) for row in verbs("keys", "history", CODE)]
    assert [what for what, _, _ in whats].count("admitted") == 1
    assert ("attempt", "127.0.0.1", "admitted") in whats
    assert ("revoked", "Wang", "") in whats


POLE = """
code = "{code}"
keys = "keys/pole.keys"
report_every_s = 0.2
heartbeat_every_s = 0.5
settings = "settings"
desk = {{ address = "{desk}", public_key = '{key}' }}
position = {{ lat_deg = 34.75, lon_deg = 113.62 }}
weather = {{ wind_mps = {{ file = "speed" }}, wind_from_deg = {{ file = "from" }} }}
"""


def test_a_pole_that_asks_to_be_let_in_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = "tcp://192.0.2.9:7610"
    (tmp_path / "pole.toml").write_text(POLE.format(code=CODE, desk=desk, key=new_key_pair().public.decode()))
    monkeypatch.setattr(agent, "run", lambda main: 0)
    said = []
    for given in (["--token", "short"], ["--token", "short", "--lang", "zh"], []):
        assert beichen(["poles", "agent", str(tmp_path / "pole.toml"), *given]) == 0
        said.append(capsys.readouterr().out)
    assert said == [f"{CODE} asks the desk at {desk} to be let in\n", f"{CODE} 正在向登记处 {desk} 申请登记\n", ""]


def test_a_linux_pole_enrols_reports_is_renewed_and_enrols_anew_elsewhere_in_its_life(
    verbs: Verbs, site: Path, tmp_path: Path
) -> None:
    """The pole's own program against the site's own gateway; settings of keys that it has no more do not count."""
    verbs("keys", "make")
    (made,) = verbs("enrol", CODE)
    place, store, home = load_site(site), Store(), tmp_path / "pole"
    home.mkdir()
    (home / "speed").write_text("4.0")
    (home / "from").write_text("270")
    (home / "pole.toml").write_text(POLE.format(code=CODE, desk=made["desk"], key=made["desk_key"]))
    stranger = KnownGateway(address="tcp://192.0.2.9:7600", public_key="G" * 40)
    wished = KeySettings(renewal=0, gateways=(stranger,))
    SettingsStore(home / "settings").keep("PoleKeys", 7, msgspec.to_builtins(wished))

    async def main(clock: Clock) -> None:
        given = place.file.gateway
        assert given is not None
        with open_gate(place, given, clock.utc_s) as gate:
            gateway = Gateway(gate.doorway, **gateway_needs(clock, store, rng=random.Random(1)))
            async with gateway, enrolment(place, given, gate, clock.utc_s), renewal(gateway, gate):
                stop = asyncio.Event()
                pole = load_pole(home / "pole.toml")
                running = run_pole(pole, token=made["token"], utc_s=clock.utc_s, rng=random.Random(2), stop=stop)
                async with beside(running):
                    assert await gateway.until(CODE, lambda state: state.last_seq > 3, deadline_s=10.0)
                    first = load_key_ring(pole.keys)
                    assert first.gateways == gate.doorway.gateways()
                    await by_hand(site, "keys", "renew", CODE)
                    async with asyncio.timeout(15.0):
                        while list(gate.register.live()) == [first.newest.public.decode()]:  # noqa: ASYNC110
                            await asyncio.sleep(0.1)
                        while list(gate.register.live()) != [load_key_ring(pole.keys).newest.public.decode()]:  # noqa: ASYNC110
                            await asyncio.sleep(0.1)
                    stop.set()

    run(main, real_tempo())
    (key,) = [held for held in verbs("list") if held["code"] == CODE]
    assert (key["state"], key["source"]) == ("valid", "rotation")


class Alarms:
    """Stands for the district: the alarms that were raised."""

    def __init__(self) -> None:
        self.raised: list[tuple[Alarm, str]] = []

    async def alarm(self, code: Alarm, subject: str) -> None:
        self.raised.append((code, subject))


def test_a_register_that_cannot_be_followed_raises_an_alarm_and_known_poles_stay(verbs: Verbs, site: Path) -> None:
    verbs("keys", "make")
    pair = new_key_pair()
    key = pair.public.decode()
    site.write_text(site.read_text().replace(f'code = "{CODE}"', f"code = \"{CODE}\"\npublic_key = '{key}'"))
    place, alarms = load_site(site), Alarms()

    async def main(clock: Clock) -> None:
        given = place.file.gateway
        assert given is not None
        with open_gate(place, given, clock.utc_s) as gate:
            path = place.path(given.register)
            watching = watch_register(cast("District", alarms), gate, path)
            async with (
                zmq_context() as context,
                Gateway(gate.doorway, **gateway_needs(clock, Store())) as gateway,
                beside(watching),
            ):
                (door,) = gate.doorway.gateways()
                assert door.address == gateway.address
                async with asyncio.timeout(10.0):
                    await asyncio.sleep(1.2)
                    assert alarms.raised == []
                    gate.register._db.close()  # as a disk that goes away
                    while not alarms.raised:  # noqa: ASYNC110 - it is raised by another task
                        await asyncio.sleep(0.05)
                assert await welcomed(context, door, pair)
        assert set(alarms.raised) == {(Alarm.POLE_KEYS_UNREAD, str(path))}

    run(main, real_tempo())
