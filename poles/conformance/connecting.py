"""Trials of the connection: hello, intervals, silence, bye, refusals, and messages that a client cannot know."""

from __future__ import annotations

import asyncio
import itertools

import msgspec

from airspace.reasons import Words
from poles.conformance.scene import Over, Scene, trial
from poles.protocol import Ack, Bye, Heartbeat, Hello, OfEntries, Refusal, Report, TimeRequest, encode, numbers_of
from poles.protocol.vectors import vectors

CALM_S = 5.0
HELLO_AGAIN_S = 2.0
FIRST_WAIT_MOST_S = 1.0
LONGEST_WAIT_S = 30.0


@trial("§1.1", "§2.4", "§2.5", "§4.1", "§4.3", "§5.1", "§5.4", "§5.5", "§5.6", "§5.10", "§8.1", "§13.3")
async def an_ordinary_conversation(scene: Scene) -> None:
    """Everything is answered; the watcher judges what is said, and here the intervals of the functions too."""
    hello = await scene.greeted()
    asked = scene.environment
    promised = float(asked.get("BEICHEN_HEARTBEAT_S", hello.heartbeat_s))
    scene.findings.judge(
        "§13.3",
        hello.heartbeat_s <= promised * 1.01,
        Words(f"promises {hello.heartbeat_s:g} s", f"所承诺的间隔为 {hello.heartbeat_s:g} 秒"),
    )
    since = scene.mark
    await scene.expect(TimeRequest, 3.0, "§8.1", Words("it did not ask for the time", "未请求授时"), since=0)
    await scene.pause(max(CALM_S, 3.0 * hello.heartbeat_s) * scene.patience)
    reports = [(said.at_s, said.message) for said in scene.stage.said[since:] if isinstance(said.message, Report)]
    for capability in hello.functions:
        times = [at_s for at_s, report in reports for r in report.readings if r.function == capability.function]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        gaps.append(scene.now_s - (times[-1] if times else scene.stage.said[since - 1].at_s))
        late = max(gaps) > capability.every_s + scene.late_s
        scene.findings.judge(
            "§4.3",
            not late,
            Words(
                f"{capability.function} came after {max(gaps):.1f} s, not {capability.every_s:g} s",
                f"{capability.function} 间隔 {max(gaps):.1f} 秒，而非 {capability.every_s:g} 秒",
            ),
        )


@trial("§4.2", "§4.1", "§4.4", heartbeat_s=4.0)
async def a_gateway_that_is_slow_to_welcome(scene: Scene) -> None:
    """The hello is not answered for a while; then it is, twice."""
    scene.stage.manners.welcomes = False
    await scene.greeted()
    times = [scene.now_s]
    for _ in range(3):
        said, _hello = await scene.expect(Hello, 3.0, "§4.2", Words("hello was not said again", "未重发 hello"))
        times.append(said.at_s)
    # what was said before the connection stood may arrive together (§2.6), so one of three may come too soon
    usual = sorted(after - before for before, after in itertools.pairwise(times))[1]
    scene.findings.judge(
        "§4.2",
        usual >= 1.0 - scene.late_s / 2,
        Words(f"hello was said again after {usual:.1f} s", f"{usual:.1f} 秒后重发 hello"),
    )
    scene.stage.manners.takes = False
    scene.stage.welcome()
    number = numbers_of((await scene.entries(1, 5.0))[0])[0]
    since = scene.mark
    scene.stage.welcome()
    await sent_again(scene, number, since, Words("a second welcome", "再次 welcome"))
    scene.stage.manners.takes = True


async def sent_again(scene: Scene, number: int, since: int, after: Words, paragraph: str = "§4.4") -> None:
    """Expect that an entry is sent again. Raises Over."""
    said = await scene.stage.next(
        lambda message: isinstance(message, OfEntries) and number in numbers_of(message),
        3.0 * scene.patience,
        since=since,
    )
    if not scene.findings.judge(
        paragraph,
        said is not None,
        Words(f"number {number} was not sent again after {after.en}", f"{after.zh}之后编号 {number} 未重发"),
    ):
        raise Over


@trial("§9.2", "§4.1", "§4.7")
async def a_version_that_is_not_spoken(scene: Scene) -> None:
    """The hello is refused, twice; then the pole is welcomed and must have lost nothing."""
    stage = scene.stage
    stage.manners.welcomes = False
    await scene.greeted()
    waits: list[float] = []
    for code in ("pole.version", "pole.identity"):
        since, refused_s = scene.mark, scene.now_s
        stage.say(Refusal(code=code, en="not here", zh="不支持", about="hello", versions=(99,)))
        said, _hello = await scene.expect(Hello, 32.0, "§9.2", Words("it gave up", "已放弃重试"), since=since)
        waits.append(said.at_s - refused_s)
    growing = waits[0] >= 2.5 and waits[1] >= 1.4 * waits[0]
    scene.findings.judge(
        "§9.2",
        growing,
        Words(
            f"after refusals it waited {waits[0]:.1f} s and {waits[1]:.1f} s",
            f"被拒后等待 {waits[0]:.1f} 秒和 {waits[1]:.1f} 秒",
        ),
    )
    stage.manners.welcomes = True
    stage.welcome()
    first = (await scene.entries(1, 5.0, "§9.2"))[0]
    kept = numbers_of(first)[0] == first.after + 1 and first.after <= stage.durable_seq(first.boot)
    scene.findings.judge("§9.2", kept, Words("entries from before were lost", "此前的条目丢失"))


@trial("§4.5", "§4.4")
async def a_gateway_that_forgot_the_connection(scene: Scene) -> None:
    """Entries are refused with pole.hello-first."""
    await scene.greeted()
    await scene.entries(2, 5.0)
    scene.stage.manners.takes = False
    number = numbers_of((await scene.entries(1, 5.0))[0])[0]
    scene.stage.manners.takes = True
    since = scene.mark
    scene.stage.say(Refusal(code="pole.hello-first", en="hello first", zh="请先发送 hello", about="report"))
    await scene.expect(Hello, 1.5, "§4.5", Words("no hello came after the refusal", "被拒后未发送 hello"), since=since)
    await sent_again(scene, number, since, Words("the welcome", " welcome"))


@trial("§4.5", "§4.4", "§4.7")
async def a_gateway_that_is_restarted(scene: Scene) -> None:
    """Nobody listens for two seconds; nothing may be lost."""
    hello = await scene.greeted()
    await scene.entries(3, 5.0)
    scene.provoked.connections = scene.provoked.losses = True
    since = scene.mark
    await scene.stage.close()
    await asyncio.sleep(2.0)
    await scene.stage.open()
    what = Words("no hello came after the restart", "网关重启后未发送 hello")
    await scene.expect(Hello, 3.0 * hello.heartbeat_s + 10.0, "§4.7", what, since=since)
    await scene.entries(3, 10.0, "§4.4")
    scene.findings.kept("§4.5")


@trial("§4.6", "§4.7", "§4.8")
async def a_gateway_that_falls_silent(scene: Scene) -> None:
    """Nothing is answered any more, on this connection and on the next ones."""
    hello = await scene.greeted()
    manners = scene.stage.manners
    manners.window, manners.takes = 1, False  # so that it cannot ask by new entries
    scene.stage.acknowledge(hello.boot)
    await scene.entries(1, 5.0)
    manners.answers = manners.acknowledges = manners.welcomes = False
    silent_s, since, route = scene.now_s, scene.mark, scene.stage.route
    scene.provoked.connections = True
    what = Words("it did not ask whether the gateway is there", "未询问网关是否在线")
    await scene.expect(Heartbeat, 2.0 * hello.heartbeat_s + 1.0, "§4.6", what, since=since)
    longest = 3.0 * hello.heartbeat_s + FIRST_WAIT_MOST_S + 1.0
    said, _hello = await scene.expect(
        Hello, longest, "§4.7", Words("it stayed with a gateway that said nothing", "未离开静默的网关"), since=since
    )
    left = said.route != route
    scene.findings.judge(
        "§4.7", left, Words("it said hello again on the connection that was silent", "在静默的连接上重发 hello")
    )
    patient = said.at_s - silent_s >= 1.5 * hello.heartbeat_s
    scene.findings.judge(
        "§4.7",
        patient,
        Words(f"it left after {said.at_s - silent_s:.1f} s of silence", f"静默 {said.at_s - silent_s:.1f} 秒后断开"),
    )
    manners.answers = manners.acknowledges = manners.welcomes = manners.takes = True
    longest = 3.0 * hello.heartbeat_s + 4.0 + FIRST_WAIT_MOST_S
    await scene.entries(1, longest, "§4.4")


@trial("§4.9", "§4.8")
async def a_gateway_that_says_bye(scene: Scene) -> None:
    """With a time to come back, several times, and without one; then it never welcomes."""
    await scene.greeted()
    scene.provoked.connections = True
    backs = [await _back(scene, 1.0) for _ in range(4)]
    right = all(1.0 - 0.05 <= back <= 1.5 + scene.late_s for back in backs)
    told = ", ".join(f"{back:.2f}" for back in backs)
    scene.findings.judge(
        "§4.9", right, Words(f"told to come in 1 s it came after {told} s", f"被告知 1 秒后重连，实际为 {told} 秒")
    )
    scene.findings.judge(
        "§4.8",
        max(backs) - min(backs) > 0.02,
        Words(f"it waits {told} s: nothing is left to chance", f"等待 {told} 秒：未随机分散"),
    )
    soon = await _back(scene, 0.0)
    right = 0.2 <= soon <= FIRST_WAIT_MOST_S + scene.late_s
    scene.findings.judge("§4.8", right, Words(f"the first wait was {soon:.2f} s", f"首次等待 {soon:.2f} 秒"))
    scene.stage.manners.welcomes = False
    waits = [await _back(scene, 0.0) for _ in range(5)]  # of right ones 1 in 2,500 has only short waits by chance
    told = ", ".join(f"{wait:.2f}" for wait in waits)
    longest = max(waits[1:])
    scene.findings.judge(
        "§4.8",
        longest > FIRST_WAIT_MOST_S,
        Words(
            f"without a welcome it waits {told} s: no longer each time", f"未收到 welcome 时等待 {told} 秒：未逐次增加"
        ),
    )
    scene.findings.judge(
        "§4.8",
        min(waits) >= 0.2,
        Words(f"without a welcome it waits {told} s: too short", f"未收到 welcome 时等待 {told} 秒：过短"),
    )
    scene.stage.manners.welcomes = True
    scene.stage.welcome()


async def _back(scene: Scene, back_s: float) -> float:
    """Say bye; how long it took until the client came again [s]."""
    await asyncio.sleep(0.1)
    since, bye_s = scene.mark, scene.now_s
    scene.stage.say(Bye(why="maintenance", back_s=back_s))
    scene.stage.watcher.end()
    said, _hello = await scene.expect(
        Hello, LONGEST_WAIT_S + 2.0, "§4.9", Words("it did not come again", "未重新连接"), since=since
    )
    return said.at_s - bye_s


@trial("§3.5", "§3.7", "§9.4")
async def words_that_a_client_cannot_know(scene: Scene) -> None:
    """Unknown fields, messages and refusals, and bodies that cannot be read: the conversation goes on."""
    stage = scene.stage
    stage.manners.welcomes = stage.manners.acknowledges = False
    hello = await scene.greeted()
    welcome = msgspec.to_builtins(stage.welcoming(), builtin_types=(bytes,))
    more = {"colour": {"deep": [1, {"er": b"\0"}]}, "later": None, "numbers": [2**63, -1.5]}
    stage.say_raw(msgspec.msgpack.encode(welcome | more))
    stage.watcher.told(scene.now_s, stage.route, stage.welcoming())
    boot, highest = hello.boot, numbers_of((await scene.entries(2, 5.0, "§3.5"))[-1])[-1]
    ack = Ack(boot=boot, durable_seq=highest, window=64)
    stage.say_raw(msgspec.msgpack.encode(msgspec.to_builtins(ack) | more))
    stage.watcher.told(scene.now_s, stage.route, ack)
    await asyncio.sleep(1.5)  # from here on the watcher knows that it was acknowledged
    stage.manners.acknowledges = True
    await scene.entries(2, 5.0, "§3.5")
    for unknown in (
        {"type": "poem", "lines": ["in the beginning"]},
        {"type": "refusal", "code": "pole.weather", "en": "it rains", "zh": "下雨", "about": "report", "versions": [1]},
    ):
        stage.say_raw(msgspec.msgpack.encode(unknown))
    since = scene.mark
    await scene.pause(1.0)
    await scene.entries(2, 5.0, "§9.4")
    for vector in vectors():
        if vector.then == "dropped":
            stage.say_raw(vector.body)
    ack_body = encode(Ack(boot=boot, durable_seq=1, window=64))
    for length in range(len(ack_body)):
        stage.say_raw(ack_body[:length])
    stage.say_raw(b"\x91" * 60_000 + b"\xc0")
    await scene.pause(1.0)
    await scene.entries(2, 5.0, "§3.7")
    again = any(isinstance(said.message, Hello) for said in stage.said[since:])
    scene.findings.judge(
        "§3.7", not again, Words("it began anew after bodies that cannot be read", "收到无法解析的内容后重新开始")
    )


@trial("§13.4", "§4.9", restarts=True)
async def a_client_that_is_told_to_end(scene: Scene) -> None:
    """SIGTERM: bye, and the end."""
    await scene.greeted()
    await scene.entries(2, 5.0)
    since = scene.mark
    ended = await scene.client.stop(2.0 * scene.patience + 0.5)
    scene.findings.judge(
        "§13.4",
        ended,
        Words(
            "it did not end by itself within 2 s, or with another exit code than 0",
            "未在 2 秒内自行退出，或退出码不为 0",
        ),
    )
    await asyncio.sleep(0.2)
    byes = [said.message for said in scene.stage.said[since:] if isinstance(said.message, Bye)]
    scene.findings.judge("§4.9", bool(byes), Words("it ended without bye", "退出前未发送 bye"))
    if byes:
        scene.findings.judge(
            "§13.4", byes[0].why == "shutdown", Words(f"it says {byes[0].why!r}", f"bye 的原因为 {byes[0].why!r}")
        )
        rest = scene.stage.said[since:]
        scene.findings.judge(
            "§4.9", isinstance(rest[-1].message, Bye), Words("it went on after bye", "发送 bye 后仍继续发送")
        )
