"""Trials of commands, settings and the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from airspace.reasons import Words
from poles.conformance.scene import Over, Scene, trial
from poles.protocol import Bye, Command, Desired, Reported, Result, Time

LAMP = "LampActuator"
ABSENT = "NoSuchSensor"
AT_ONCE_S = 2.0
HOURS_S = 3 * 3600.0


async def _with_lamp(scene: Scene, *paragraphs: str) -> None:
    """Start the client and wait until it is welcomed. Raises Over for one without a lamp."""
    hello = await scene.greeted()
    await scene.entries(1, 5.0)
    if LAMP not in [capability.function for capability in hello.functions]:
        for paragraph in paragraphs:
            scene.findings.absent(paragraph, Words(f"it has no {LAMP}", f"没有 {LAMP}"))
        raise Over


async def _order(scene: Scene, id_: str, parameters: Mapping[str, Any], **changes: Any) -> Result:
    """Give a command and wait for its result. Raises Over."""
    fields: dict[str, Any] = {"function": LAMP, "action": "override", "expires_s": scene.stage.utc_s() + 30.0}
    since = scene.mark
    scene.stage.say(Command(**(fields | changes), id=id_, parameters=dict(parameters)))
    what = Words(f"no result of the command {id_} came", f"未收到指令 {id_} 的结果")
    return (await scene.expect(Result, 5.0, "§6.3", what, lambda result: result.id == id_, since=since))[1]


async def _shines(scene: Scene, level: float, paragraph: str, what: Words, since: int) -> None:
    reading = await scene.reading(
        LAMP, AT_ONCE_S, lambda reading: reading.values.get("actualLightState") == level, since
    )
    scene.findings.judge(paragraph, reading is not None, what)


@trial("§6.2", "§6.3", "§6.6", "§5.17", report_s=5.0)
async def commands(scene: Scene) -> None:
    """Light, other light, the first command once more, and back to the program."""
    await _with_lamp(scene, "§6.2", "§6.3", "§6.6", "§5.17")
    judge = scene.findings.judge
    since = scene.mark
    first = await _order(scene, "kit-1", {"level": 40})
    judge(
        "§6.3",
        first.ok,
        Words(
            f"the lamp cannot be set to 40 %: {first.code} {first.en}", f"灯具无法设为 40 %：{first.code} {first.zh}"
        ),
    )
    await _shines(
        scene, 40.0, "§5.17", Words("no reading told at once that the light is 40 %", "未即时上报亮度 40 %"), since
    )
    since = scene.mark
    await _order(scene, "kit-2", {"level": 70.0})
    await _shines(
        scene, 70.0, "§5.17", Words("no reading told at once that the light is 70 %", "未即时上报亮度 70 %"), since
    )
    since = scene.mark
    again = await _order(scene, "kit-1", {"level": 40})
    judge(
        "§6.2",
        again == first,
        Words(f"asked again it answers {again} instead of {first}", f"再次询问时应答 {again}，而非 {first}"),
    )
    changed = await scene.reading(LAMP, 1.5, lambda reading: reading.values.get("actualLightState") == 40.0, since)
    judge("§6.2", changed is None, Words("a command that came again was carried out again", "重复的指令被再次执行"))
    scene.provoked.connections = True
    scene.stage.say(Bye(why="maintenance"))
    scene.stage.watcher.end()
    since = scene.mark
    await scene.entries(1, 10.0)
    again = await _order(scene, "kit-1", {"level": 40})
    judge(
        "§6.2",
        again == first,
        Words(f"over a new connection it answers {again} instead of {first}", f"在新连接上应答 {again}，而非 {first}"),
    )
    since = scene.mark
    await _order(scene, "kit-3", {})
    back = await scene.reading(LAMP, AT_ONCE_S, lambda reading: reading.values.get("overridden") is False, since)
    judge(
        "§6.6", back is not None, Words("an empty override did not return to the program", "空的 override 未返回程序")
    )


@trial("§6.1", "§6.4")
async def commands_that_cannot_be_carried_out(scene: Scene) -> None:
    """Too late, and everything that can be wrong with a command."""
    await scene.greeted()
    await scene.entries(1, 5.0)
    await asyncio.sleep(1.0)  # it has asked for the time
    judge = scene.findings.judge
    late = scene.stage.utc_s() - 30.0
    expired = await _order(scene, "kit-late", {"level": 40}, expires_s=late)
    judge("§6.1", not expired.ok, Words("it carried out a command that came 30 s too late", "执行了过期 30 秒的指令"))
    judge(
        "§6.1",
        expired.code == "pole.command.expired",
        Words(f"an expired command is refused by {expired.code!r}", f"拒绝过期指令时使用 {expired.code!r}"),
    )
    wrong: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("kit-absent", "pole.function.absent", {}, {"function": ABSENT}),
    ]
    if LAMP in [capability.function for capability in scene.hello.functions]:
        wrong += [
            ("kit-action", "pole.action.unknown", {}, {"action": "dance"}),
            ("kit-range", "pole.action.parameters", {"level": 500}, {}),
            ("kit-kind", "pole.action.parameters", {"level": "bright"}, {}),
            ("kit-unknown", "pole.action.parameters", {"level": 40, "colour": "red"}, {}),
        ]
    for id_, code, parameters, changes in wrong:
        result = await _order(scene, id_, parameters, **changes)
        judge(
            "§6.4",
            not result.ok and result.code == code,
            Words(
                f"{id_} is answered ok={result.ok} by {result.code!r}",
                f"{id_} 的应答为 ok={result.ok}、{result.code!r}",
            ),
        )
        judge(
            "§6.4",
            bool(result.en and result.zh),
            Words(f"{id_} is answered without words in both languages", f"{id_} 的应答缺少双语说明"),
        )


@trial("§7.1", "§7.2", "§7.3", "§7.4")
async def settings(scene: Scene) -> None:
    """Wishes that can be met, that are old, that cannot be met, and one for a function that is not there."""
    await _with_lamp(scene, "§7.1", "§7.2", "§7.3", "§7.4")
    judge, name = scene.findings.judge, "defaultLightState"
    what = Words(f"the settings of {LAMP} were not reported at the start", f"启动时未上报 {LAMP} 的设置")
    _, started = await scene.expect(Reported, 3.0, "§7.1", what, lambda said: said.function == LAMP, since=0)
    judge(
        "§7.1",
        name in started.settings,
        Words(f"{started.settings} leaves {name} out", f"{started.settings} 缺少 {name}"),
    )
    met = await _wish(scene, "§7.2", 7, {name: 30.0})
    judge(
        "§7.2",
        not met.code and met.settings.get(name) == 30.0,
        Words(f"asked for 30 it reports {met.settings} {met.code}", f"期望 30，上报 {met.settings} {met.code}"),
    )
    since = scene.mark
    scene.stage.say(Desired(function=LAMP, version=5, settings={name: 80.0}))
    heard = await scene.stage.hear(Reported, 1.5 * scene.patience, lambda said: said.function == LAMP, since=since)
    old = heard is None or (heard[1].version >= 7 and heard[1].settings.get(name) == 30.0)
    judge(
        "§7.4",
        old,
        Words(
            f"version 5 after 7 is answered by {heard[1] if heard else None}",
            f"版本 7 之后对版本 5 的应答为 {heard[1] if heard else None}",
        ),
    )
    for version, wrong in ((8, {name: 500.0}), (9, {name: 20.0, "colour": "red"})):
        refused = await _wish(scene, "§7.3", version, wrong)
        kept = refused.code and refused.settings.get(name) == 30.0
        judge(
            "§7.3",
            bool(kept),
            Words(
                f"{wrong} is answered by {refused.settings} {refused.code!r}",
                f"对 {wrong} 的应答为 {refused.settings} {refused.code!r}",
            ),
        )
        judge(
            "§7.3",
            bool(refused.en and refused.zh),
            Words("the reason has no words in both languages", "原因缺少双语说明"),
        )
    standard = await _wish(scene, "§7.2", 10, {})
    judge(
        "§7.2",
        standard.settings.get(name) == 0.0,
        Words(
            f"what is not named shall have its default: {standard.settings}",
            f"未给出的设置应为默认值：{standard.settings}",
        ),
    )
    await asyncio.sleep(1.0)
    await _wish(scene, "§7.4", 10, {})
    absent = await _wish(scene, "§7.3", 1, {name: 30.0}, function=ABSENT)
    judge(
        "§7.3",
        absent.code == "pole.settings.absent",
        Words(f"settings of {ABSENT} are refused by {absent.code!r}", f"拒绝 {ABSENT} 的设置时使用 {absent.code!r}"),
    )


async def _wish(
    scene: Scene, paragraph: str, version: int, settings: Mapping[str, Any], function: str = LAMP
) -> Reported:
    since = scene.mark
    scene.stage.say(Desired(function=function, version=version, settings=dict(settings)))
    what = Words(
        f"version {version} of {function}'s settings was not answered", f"{function} 设置的版本 {version} 未得到应答"
    )
    _, reported = await scene.expect(
        Reported, 4.0, paragraph, what, lambda said: said.function == function and said.version == version, since=since
    )
    return reported


@trial("§8.1", "§8.2", "§6.1")
async def a_clock_that_is_hours_off(scene: Scene) -> None:
    """The gateway's time is three hours ahead of the client's; one answer to a question that was not asked is wrong."""
    scene.stage.manners.ahead_s = HOURS_S
    scene.provoked.clock = True
    await scene.greeted()
    await scene.entries(2, 5.0)
    await asyncio.sleep(1.5)
    await scene.entries(3, 5.0, "§8.2")
    wrong_s = scene.stage.utc_s() + 10 * HOURS_S
    scene.stage.say(Time(pole_s=-4711.0, received_s=wrong_s, sent_s=wrong_s))
    await scene.entries(3, 5.0, "§8.1")
    in_time = await _order(scene, "kit-in-time", {}, function=ABSENT)
    judge = scene.findings.judge
    judge(
        "§8.2",
        in_time.code != "pole.command.expired",
        Words("it judges a command's time by its own wrong clock", "以自身的错误时钟判断指令时效"),
    )
    late = scene.stage.utc_s() - 60.0
    expired = await _order(scene, "kit-too-late", {}, function=ABSENT, expires_s=late)
    right = expired.code in ("pole.command.expired", "pole.function.absent")
    judge(
        "§6.1",
        right and not expired.ok,
        Words(f"a late command is answered by {expired.code!r}", f"对过期指令的应答为 {expired.code!r}"),
    )
