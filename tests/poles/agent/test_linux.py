"""A whole pole on Linux: its file is checked, its drivers read files, and it talks to a real gateway over CURVE."""

import asyncio
import itertools
import random
import sys
from pathlib import Path

import pytest

from airspace.reasons import Refused
from controller.cli.app import main as beichen
from controller.clock import Clock, real_tempo, run, virtual_tempo
from poles.agent.drivers import LedLamp, WeatherFiles, read_number
from poles.agent.linux import run_pole
from poles.agent.pole_file import LampTable, Number, WeatherTable, load_pole
from poles.agent.ring import PAGE_BYTES
from poles.gateway import Gateway
from poles.keys import new_key_pair
from poles.keys.key_ring import new_key_ring
from poles.protocol.enrolment import KnownGateway
from poles.services.lamp import LampMonitorReadings, Pattern
from poles.services.weather import WindReadings
from tests.poles.raw_pole import CODE, Store, gateway_needs

EXAMPLE = Path(__file__).parents[3] / "examples" / "pole" / "pole.toml"
KEY = new_key_pair().public.decode()


def pole_file(folder: Path, **changes: str) -> Path:
    """A pole with all drivers over files in the folder; `changes` replace lines of top-level fields."""
    fields = {
        "code": f'"{CODE}"',
        "keys": '"keys/pole.keys"',
        "report_every_s": "0.2",
        "heartbeat_every_s": "1.0",
        "ring": '"ring"',
        "ring_bytes": str(64 * PAGE_BYTES),
        "settings": '"settings"',
        "desk": f'{{ address = "tcp://127.0.0.1:1", public_key = "{KEY}" }}',
        "position": "{ lat_deg = 34.75, lon_deg = 113.6 }",
        "weather": '{ wind_mps = { file = "speed" }, wind_from_deg = { file = "from" },'
        ' temperature_c = { file = "milli", scale = 0.001 } }',
        "lamp": '{ led = "led" }',
    } | changes
    path = folder / "pole.toml"
    path.write_text("".join(f"{name} = {value}\n" for name, value in fields.items()), encoding="utf-8")
    return path


def hardware(folder: Path) -> None:
    """What the drivers of a pole leave in files."""
    (folder / "led").mkdir()
    for name, text in (("speed", "4.0\n"), ("from", "270"), ("milli", "21500"), ("led/max_brightness", "255")):
        (folder / name).write_text(text, encoding="ascii")
    (folder / "led" / "brightness").write_text("7", encoding="ascii")


class TestPoleFile:
    def test_the_example_is_one(self) -> None:
        assert load_pole(EXAMPLE).file.code == CODE

    def test_every_field_has_its_place(self, tmp_path: Path) -> None:
        pole = load_pole(pole_file(tmp_path))
        assert (pole.file.code, pole.position.lat_deg, pole.folder) == (CODE, 34.75, tmp_path)
        assert pole.file.weather is not None
        assert pole.file.weather.temperature_c == Number(file="milli", scale=0.001)

    @pytest.mark.parametrize(
        ("changes", "code", "said"),
        [
            ({"report_every_s": "-1.0"}, "pole-file.malformed", "report_every_s"),
            ({"repot_every_s": "1.0"}, "pole-file.malformed", "repot_every_s"),
            ({"ring_bytes": "4096"}, "pole-file.malformed", "ring_bytes"),
            ({"weather": "{ wind_mps = 3.0 }"}, "pole-file.malformed", "wind_mps"),
            ({"desk": '{ address = "ipc://x", public_key = "x" }'}, "pole-file.malformed", "address"),
            ({"desk": '{ address = "tcp://a:1", public_key = "short" }'}, "pole-file.key", "public_key"),
            ({"code": "]"}, "pole-file.unreadable", "pole.toml"),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, changes: dict[str, str], code: str, said: str) -> None:
        with pytest.raises(Refused) as refused:
            load_pole(pole_file(tmp_path, **changes))
        assert [reason.rule.code for reason in refused.value.reasons] == [code]
        assert said in str(refused.value)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match=r"absent\.toml"):
            load_pole(tmp_path / "absent.toml")


class TestDrivers:
    @pytest.mark.parametrize(
        ("text", "value"), [("21500\n", 21.5), (" -400 ", -0.4), ("", None), ("nan", None), ("inf", None), ("x", None)]
    )
    def test_a_number_is_what_the_file_says_or_nothing(self, tmp_path: Path, text: str, value: float | None) -> None:
        (tmp_path / "n").write_text(text, encoding="ascii")
        assert read_number(tmp_path, Number(file="n", scale=0.001)) == value
        assert read_number(tmp_path, Number(file="absent")) is None
        assert read_number(tmp_path, None) is None

    def test_the_wind_comes_from_where_the_vane_points(self, tmp_path: Path) -> None:
        hardware(tmp_path)
        table = WeatherTable(wind_mps=Number(file="speed"), wind_from_deg=Number(file="from"))

        async def main(clock: Clock) -> None:
            weather = WeatherFiles(table, tmp_path)
            weather.sample()
            wind = weather.service.readings("WindSensor")
            assert isinstance(wind, WindReadings)
            assert wind.wind_mean_mps == pytest.approx(4.0, abs=0.01)
            assert wind.wind_from_deg == pytest.approx(270.0, abs=0.1)

        run(main, virtual_tempo())

    def test_the_lamp_gives_the_light_that_is_ordered_and_flashes_twice_a_second(self, tmp_path: Path) -> None:
        hardware(tmp_path)

        async def main(clock: Clock) -> None:
            lamp = LedLamp(LampTable(led="led", program_pct=50.0), tmp_path)
            driving = asyncio.create_task(lamp.run())
            await asyncio.sleep(1.0)
            assert self._brightness(tmp_path) == 128
            lamp.light(Pattern.LANDING, 100.0)
            seen = []
            for _ in range(40):
                await asyncio.sleep(0.05)
                seen.append(self._brightness(tmp_path))
            changes = sum(a != b for a, b in itertools.pairwise(seen))
            assert set(seen) == {0, 255}
            assert changes in (7, 8, 9)  # in 2 s
            driving.cancel()

        run(main, virtual_tempo())

    def test_a_dimmer_that_is_gone_is_a_failed_lamp(self, tmp_path: Path) -> None:
        async def main(clock: Clock) -> None:
            lamp = LedLamp(LampTable(led="led"), tmp_path)
            driving = asyncio.create_task(lamp.run())
            await asyncio.sleep(1.0)
            monitor = lamp.service.readings("LampMonitor")
            assert isinstance(monitor, LampMonitorReadings)
            assert monitor.failed
            driving.cancel()

        run(main, virtual_tempo())

    @staticmethod
    def _brightness(folder: Path) -> int:
        return int((folder / "led" / "brightness").read_text(encoding="ascii"))


def test_a_linux_pole_reports_obeys_and_says_bye_over_curve(tmp_path: Path) -> None:
    hardware(tmp_path)
    server, pair = new_key_pair(), new_key_pair()

    async def main(clock: Clock) -> None:
        store, stop = Store(), asyncio.Event()
        async with Gateway.tcp("tcp://127.0.0.1:0", server, {pair.public: CODE}, **gateway_needs(clock, store)) as gate:
            known = KnownGateway(address=gate.address, public_key=server.public.decode())
            new_key_ring(tmp_path / "keys" / "pole.keys", pair, [known])
            pole = load_pole(pole_file(tmp_path))
            async with asyncio.timeout(20.0), asyncio.TaskGroup() as tasks:
                tasks.create_task(run_pole(pole, utc_s=clock.utc_s, rng=random.Random(1), stop=stop))
                assert await gate.until(CODE, lambda state: "WindSensor" in state.readings, deadline_s=10.0)
                outcome = await gate.command(CODE, "LampActuator", "override", {"level": 100.0}, until="done")
                assert outcome.accepted, outcome
                await asyncio.sleep(0.1)
                assert int((tmp_path / "led" / "brightness").read_text(encoding="ascii")) == 255
                stop.set()
            assert gate.statistics()["byes"] == 1
        assert store.numbers() == list(range(1, len(store.numbers()) + 1))
        assert (tmp_path / "ring").stat().st_size == 64 * PAGE_BYTES

    run(main, real_tempo())


def test_the_verb_is_a_pole_until_it_is_told_to_end(tmp_path: Path) -> None:
    hardware(tmp_path)
    server, pair = new_key_pair(), new_key_pair()

    async def main(clock: Clock) -> None:
        store = Store()
        async with Gateway.tcp("tcp://127.0.0.1:0", server, {pair.public: CODE}, **gateway_needs(clock, store)) as gate:
            known = KnownGateway(address=gate.address, public_key=server.public.decode())
            new_key_ring(tmp_path / "keys" / "pole.keys", pair, [known])
            verb = ["-c", "from controller.cli import main; main()", "poles", "agent", str(pole_file(tmp_path))]
            process = await asyncio.create_subprocess_exec(sys.executable, *verb)
            assert await gate.until(CODE, lambda state: "WindSensor" in state.readings, deadline_s=60.0)
            process.terminate()
            async with asyncio.timeout(30.0):
                assert await process.wait() == 0
            assert gate.statistics()["byes"] == 1

    run(main, real_tempo())


def test_a_pole_that_has_not_enrolled_is_told_how(tmp_path: Path) -> None:
    async def main(clock: Clock) -> None:
        pole = load_pole(pole_file(tmp_path))
        with pytest.raises(Refused, match=f"beichen poles enrol {CODE}"):
            await run_pole(pole, utc_s=clock.utc_s, rng=random.Random(1), stop=asyncio.Event())
        assert not (tmp_path / "ring").exists()

    run(main, real_tempo())


def test_the_verb_names_what_is_wrong_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        beichen(["poles", "agent", str(pole_file(tmp_path, report_every_s="-1.0"))])
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "report_every_s" in said.out + said.err
