"""Trials of the entry stream: windows, acknowledgements, sending again, dropping, and earlier boots."""

from __future__ import annotations

import asyncio
import itertools

from airspace.reasons import Words
from poles.conformance.connecting import sent_again
from poles.conformance.scene import Over, Scene, trial
from poles.protocol import Ack, Hello, OfEntries, Refusal, Report, numbers_of

FIRST_AGAIN_S = 5.0
WINDOW = 8
CAPACITY = 20


@trial("§5.7", "§5.9", "§5.3", "§4.3", "§5.10", "§5.6")
async def acknowledgements_that_do_not_come(scene: Scene) -> None:
    """Nothing is stored for a while in a small window; the client sends again after 5 s, and after 10 s more."""
    stage = scene.stage
    stage.manners.window, stage.manners.takes = WINDOW, False
    since = scene.mark
    await scene.greeted()
    first = numbers_of((await scene.entries(1, 5.0, since=since))[0])[0]
    waits = [await _waits(scene, since, first, 1, 4.0 * FIRST_AGAIN_S), 0.0]
    waits[1] = await _waits(scene, since, first, 2, 8.0 * FIRST_AGAIN_S)
    told = Words(
        f"sent again after {waits[0]:.1f} s and {waits[1]:.1f} s", f"分别在 {waits[0]:.1f} 秒和 {waits[1]:.1f} 秒后重发"
    )
    scene.findings.judge("§5.9", waits[0] >= 0.7 * FIRST_AGAIN_S, told)
    scene.findings.judge("§5.9", waits[1] >= 1.4 * FIRST_AGAIN_S, told)
    under_way = max(numbers_of(said.message)[-1] for said in stage.said if isinstance(said.message, OfEntries))
    full = under_way - first + 1 >= WINDOW // 2
    scene.findings.judge(
        "§5.7",
        full,
        Words(
            f"only {under_way - first + 1} under way in a window of {WINDOW}",
            f"窗口为 {WINDOW}，在途仅 {under_way - first + 1} 条",
        ),
    )
    stage.manners.takes = True
    stage.welcome()
    on = await stage.next(
        lambda message: isinstance(message, OfEntries) and numbers_of(message)[-1] > under_way, 15.0 * scene.patience
    )
    scene.findings.judge(
        "§5.9", on is not None, Words("it did not go on when it was acknowledged", "得到确认后未继续发送")
    )


async def _waits(scene: Scene, since: int, number: int, count: int, within_s: float) -> float:
    """How long the client waited before it sent an entry again for the `count`th time [s], by its own clock (§5.10).

    Only what it said from `since` on counts: one that was started by hand has said hello in every trial.

    A client that had to say hello several times is welcomed as often, and sends again at once after each. Raises Over.
    """
    stage, boot = scene.stage, scene.hello.boot
    until_s = scene.now_s + within_s * scene.patience
    while True:
        index = scene.mark
        held_s = [
            entry.held_s
            for _, _, message in stage.said[since:]
            if isinstance(message, OfEntries) and message.boot == boot
            for entry in (message.readings if isinstance(message, Report) else (message,))
            if entry.seq == number
        ]
        waits = [after - before for before, after in itertools.pairwise(held_s)]
        for _ in range(
            sum(isinstance(message, Hello) and message.boot == boot for _, _, message in stage.said[since:]) - 1
        ):
            if waits:
                waits.remove(min(waits))
        if len(waits) >= count:
            return waits[count - 1]
        if await stage.next(lambda _: True, until_s - scene.now_s, since=index) is None:
            scene.findings.broken(
                "§5.9",
                Words(
                    f"number {number} was not sent again within {within_s * scene.patience:g} s",
                    f"编号 {number} 未在 {within_s * scene.patience:g} 秒内重发",
                ),
            )
            raise Over


@trial("§5.8", "§5.7")
async def acknowledgements_that_mislead(scene: Scene) -> None:
    """Old, double, foreign ones, and one above everything that was sent; then the window shrinks."""
    stage = scene.stage
    await scene.greeted()
    await scene.entries(4, 8.0)
    boot, durable = scene.hello.boot, stage.durable_seq(scene.hello.boot)
    for seq in (durable, durable, 1, 0):
        stage.say(Ack(boot=boot, durable_seq=seq, window=64))
    stage.say(Ack(boot="no-such-boot", durable_seq=10**6, window=64))
    await scene.entries(2, 5.0, "§5.8")
    stage.manners.takes = False
    held = numbers_of((await scene.entries(2, 5.0, "§5.8"))[0])[0]
    stage.say(Ack(boot=boot, durable_seq=stage.durable_seq(boot) + 10**9, window=64))
    await scene.entries(1, 5.0, "§5.8")
    stage.manners.takes = True
    since = scene.mark
    stage.welcome()
    await sent_again(
        scene,
        held,
        since,
        Words("an Ack above everything that was sent, and a welcome", "高于全部已发编号的 Ack 与 welcome"),
        "§5.8",
    )
    stage.manners.window = 1
    stage.acknowledge(boot)
    await scene.pause(2.0)
    stage.manners.takes = False
    await scene.pause(2.0)
    stage.manners.takes, stage.manners.window = True, 64


@trial("§9.3")
async def a_message_that_the_gateway_does_not_know(scene: Scene) -> None:
    """The first kind of entries that comes is refused from now on, unless it is the only one."""
    stage = scene.stage
    stage.manners.unknown = {"reported", "log", "alarm"}
    scene.provoked.drops = True
    await scene.greeted()
    await scene.pause(2.0)
    kinds = {str(said.message.__struct_config__.tag) for said in stage.said}
    if not kinds & stage.manners.unknown:
        scene.findings.absent("§9.3", Words("it says no kind of entries but readings", "除读数外没有其他条目"))
        return
    before = scene.mark
    await scene.entries(3, 5.0, "§9.3")
    await scene.pause(1.0)
    again = [m for _, _, m in stage.said[before:] if str(m.__struct_config__.tag) in stage.manners.unknown]
    names = {str(message.__struct_config__.tag) for message in again}
    scene.findings.judge(
        "§9.3",
        len(again) <= 1,
        Words(f"{sorted(names)} came again after it was refused", f"{sorted(names)} 被拒后再次发送"),
    )
    scene.findings.judge(
        "§9.3", stage.durable_seq(scene.hello.boot) > 1, Words("the other entries wait behind it", "其他条目因此滞留")
    )


@trial("§5.12", "§5.5", "§5.13", restarts=True, report_s=0.05, capacity=CAPACITY)
async def more_than_it_can_hold(scene: Scene) -> None:
    """Nothing is stored until the client must have dropped something, if it can hold only so much."""
    stage = scene.stage
    stage.manners.takes = False
    await scene.greeted()
    scene.provoked.drops = True
    await scene.pause(5.0 * scene.patience)
    stage.manners.welcomes = False  # so that nothing is taken that was on its way before the hello
    since = scene.mark
    stage.say(Refusal(code="pole.hello-first", en="hello first", zh="请先发送 hello", about="report"))
    said, hello = await scene.expect(
        Hello, 3.0, "§4.5", Words("no hello came after the refusal", "被拒后未发送 hello"), since=since
    )
    stage.manners.welcomes = stage.manners.takes = True
    stage.welcome()
    if not hello.dropped:
        scene.findings.absent(
            "§5.12", Words("it dropped nothing in 5 s: it can hold more", "5 秒内未丢弃条目：容量更大")
        )
        await scene.entries(1, 5.0)
        return
    first = (await scene.entries(1, 5.0, "§5.12", since=stage.said.index(said)))[0]
    number = numbers_of(first)[0]
    gap = number - first.after - 1
    scene.findings.judge(
        "§5.12",
        gap > 0,
        Words(f"it dropped {hello.dropped}, and no gap tells it", f"丢弃 {hello.dropped} 条，但无缺口说明"),
    )
    told = Words(
        f"dropped {hello.dropped} and after {hello.after}, but the gap is {gap} before {number}",
        f"丢弃 {hello.dropped}、after {hello.after}，但编号 {number} 前的缺口为 {gap}",
    )
    scene.findings.judge("§5.12", 0 < hello.dropped <= gap and hello.after < number, told)
    scene.findings.judge(
        "§5.12",
        first.after <= stage.durable_seq(hello.boot),
        Words("after names what was dropped", "after 指向已丢弃的条目"),
    )
    await scene.entries(5, 5.0, "§5.12")
    scene.findings.kept("§5.5")


@trial("§5.2", "§5.11", restarts=True)
async def a_power_cut(scene: Scene) -> None:
    """Killed twice with entries that are not stored: three boots. Who has a ring brings the earlier ones."""
    stage = scene.stage
    stage.manners.takes = False
    scene.provoked.connections = True
    lives = [await _life(scene), await _life(scene)]
    since = scene.mark
    hello = await scene.greeted()
    scene.findings.judge(
        "§5.2", hello.boot not in lives, Words("it goes on in a boot of an earlier life", "沿用先前的 boot")
    )
    await scene.entries(2, 8.0)
    await scene.pause(1.0)
    heard = [message for _, _, message in stage.said[since:] if isinstance(message, OfEntries)]
    if all(message.boot == hello.boot for message in heard):
        first = next(message for message in heard)
        scene.findings.judge(
            "§5.2",
            numbers_of(first)[0] == 1,
            Words(f"the new boot begins with {numbers_of(first)[0]}", f"新 boot 从 {numbers_of(first)[0]} 开始"),
        )
        held = hello.unsent > sum(len(numbers_of(message)) for message in heard) + 10
        scene.findings.absent("§5.11", Words("it keeps nothing over a power cut", "断电后不保留条目"))
        if held:
            scene.findings.broken(
                "§5.11",
                Words(
                    f"it holds {hello.unsent} entries and sends the current boot first",
                    f"持有 {hello.unsent} 个条目，却先发当前 boot",
                ),
            )
        return
    boots = list(dict.fromkeys(message.boot for message in heard))
    scene.findings.judge(
        "§5.11",
        boots == [lives[0]],
        Words(f"sent {boots} before the boot {lives[0]} was acknowledged", f"boot {lives[0]} 确认前已发送 {boots}"),
    )
    stage.manners.takes = True
    since = scene.mark
    stage.welcome()
    await _arrives(scene, hello.boot)
    order = list(dict.fromkeys(m.boot for _, _, m in stage.said[since:] if isinstance(m, OfEntries)))
    right = order == [*lives, hello.boot]
    scene.findings.judge(
        "§5.11",
        right,
        Words(
            f"boots came in the order {order} instead of {[*lives, hello.boot]}",
            f"boot 的顺序为 {order}，而非 {[*lives, hello.boot]}",
        ),
    )


async def _life(scene: Scene) -> str:
    """A life of the client that ends by a power cut; its boot."""
    hello = await scene.greeted()
    await scene.entries(3, 8.0)
    await asyncio.sleep(2.5)  # what was sent is on the flash by now
    await scene.client.kill()
    scene.provoked.drops = True  # what was not on the flash yet
    scene.stage.watcher.end()
    return hello.boot


async def _arrives(scene: Scene, boot: str) -> None:
    said = await scene.stage.next(
        lambda message: isinstance(message, OfEntries) and message.boot == boot, 15.0 * scene.patience
    )
    if said is None:
        scene.findings.broken(
            "§5.11",
            Words(
                "the current boot never came, although the earlier ones were acknowledged",
                "先前的 boot 已确认，但当前 boot 未到达",
            ),
        )
        raise Over
