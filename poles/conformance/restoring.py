"""Trials of a store that has less than it had acknowledged: it came back from a backup, or is another district's."""

from __future__ import annotations

from airspace.reasons import Words
from poles.conformance.scene import Over, Scene, trial
from poles.protocol import Hello, OfEntries, Refusal, numbers_of

LEFT = 1  # entries of each boot that the backup has


@trial("§4.4", "§4.5")
async def a_store_that_lost_its_end(scene: Scene) -> None:
    """The welcome names a number below what was acknowledged: what is new comes behind that."""
    stage = scene.stage
    await scene.greeted()
    await _stored(scene, 4)
    stage.lose(LEFT)
    scene.provoked.drops = True  # what was acknowledged is nowhere any more
    since = scene.mark
    stage.say(Refusal(code="pole.hello-first", en="hello first", zh="请先发送 hello", about="report"))
    await scene.expect(Hello, 3.0, "§4.5", Words("no hello came after the refusal", "被拒后未发送 hello"), since=since)
    boot = scene.hello.boot
    on = await stage.next(lambda _: stage.durable_seq(boot) > LEFT, 5.0 * scene.patience)
    what = Words(
        f"after a welcome with {LEFT} nothing came that could be taken: after {_last_after(scene, boot)}",
        f"welcome 给出 {LEFT} 后没有可接收的条目：after 为 {_last_after(scene, boot)}",
    )
    scene.findings.judge("§4.4", on is not None, what)


@trial("§5.11", "§5.4", restarts=True)
async def a_store_that_never_had_what_was_acknowledged(scene: Scene) -> None:
    """A life ends in order with some entries acknowledged and others not; the next one finds an empty store."""
    stage = scene.stage
    earlier = (await scene.greeted()).boot
    await _stored(scene, 4)
    stage.manners.takes = False
    await scene.entries(3, 8.0)
    await scene.client.stop(2.0 * scene.patience + 0.5)
    stage.watcher.end()
    stage.lose(0)
    stage.manners.takes = True
    scene.provoked.connections = scene.provoked.drops = True
    since, boot = scene.mark, (await scene.greeted()).boot
    on = await stage.next(lambda _: stage.durable_seq(boot) > 0, 8.0 * scene.patience, since=since)
    heard = [m for _, _, m in stage.said[since:] if isinstance(m, OfEntries) and m.boot == earlier]
    if not heard and on is not None:
        scene.findings.absent(
            "§5.11", Words("it brings nothing of an earlier life: it has no ring", "未带来先前的条目：没有环形存储")
        )
        return
    what = Words(
        f"nothing of an earlier boot came that could be taken: after {_last_after(scene, earlier)}",
        f"先前 boot 没有可接收的条目：after 为 {_last_after(scene, earlier)}",
    )
    scene.findings.judge("§5.11", stage.durable_seq(earlier) > 0, what)
    scene.findings.judge("§5.11", on is not None, Words("the current boot never came", "当前 boot 的条目未到达"))
    numbers = [number for message in heard if message.after == 0 for number in numbers_of(message)]
    scene.findings.judge(
        "§5.4",
        bool(numbers),
        Words("the first entry of the earlier boot never came behind 0", "先前 boot 的首个条目未从 0 之后开始"),
    )


async def _stored(scene: Scene, count: int) -> None:
    """Wait until so many entries of the client are stored. Raises Over."""
    boot = scene.hello.boot
    if await scene.stage.next(lambda _: scene.stage.durable_seq(boot) >= count, 8.0 * scene.patience) is None:
        scene.findings.broken(
            "§4.3",
            Words(
                f"only {scene.stage.durable_seq(boot)} entries came", f"仅收到 {scene.stage.durable_seq(boot)} 个条目"
            ),
        )
        raise Over


def _last_after(scene: Scene, boot: str) -> int | None:
    """What the last message of entries of a boot named as the number before it."""
    heard = [m.after for _, _, m in scene.stage.said if isinstance(m, OfEntries) and m.boot == boot]
    return heard[-1] if heard else None
