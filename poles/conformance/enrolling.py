"""The trial of enrolment: a client without a key, a desk that loses requests, and a gateway that is not there."""

from __future__ import annotations

import asyncio
import itertools
import stat
import tomllib
from pathlib import Path

import zmq
from zmq.utils import z85

from airspace.reasons import Words
from poles.conformance.scene import APPEARS_WITHIN_S, Over, Scene, trial
from poles.conformance.stage import nobody_is_sent_away
from poles.keys.admission import FixedAdmission
from poles.keys.pairs import KeyPair, new_key_pair
from poles.protocol import VERSION, Hello, encode
from poles.protocol.enrolment import Enrol, Enrolled, KnownGateway, decode_request
from poles.wire.lines import Body
from poles.wire.listener import CurveListener

TOKEN = "KIT7-ENRO-LMNT-4CON-FORM-ANCE"
NOBODY = "tcp://127.0.0.1:1"


class _AnyKey(dict[str, str]):
    """The codes of everybody: each key stands for itself."""

    def get(self, key: str, default: object = None) -> str:
        return key


class _Everybody(FixedAdmission):
    """An admission that lets any key in, as a desk does."""

    def __init__(self) -> None:
        super().__init__({})
        self.codes = _AnyKey()

    def admits(self, key: str) -> bool:
        """Everybody."""
        return True


class Desk:
    """The enrolment desk that the kit plays: it answers the third request, and remembers all."""

    def __init__(self, pair: KeyPair, code: str, gateways: tuple[KnownGateway, ...], scene: Scene) -> None:
        self.listener = CurveListener("tcp://127.0.0.1:0", pair, _Everybody())
        self.requests: list[tuple[float, str, Enrol | int | None]] = []
        self.answered = asyncio.Event()
        self._code = code
        self._gateways = gateways
        self._scene = scene

    def take(self, key: str | None, route: bytes, body: Body | None) -> None:
        """Hear a request; the first two are lost."""
        request = None if body is None else decode_request(body)
        self.requests.append((self._scene.now_s, key or "", request))
        if len(self.requests) < 3 or not isinstance(request, Enrol):
            return
        enrolled = Enrolled(version=VERSION, code=self._code, gateways=self._gateways, utc_s=self._scene.stage.utc_s())
        self.listener.send(route, encode(enrolled))
        self.answered.set()


@trial("§12.1", "§12.3", "§12.4", restarts=True)
async def enrolment(scene: Scene) -> None:
    """The client makes its pair, brings it to the desk, and comes to the second gateway that it is told of."""
    if scene.admit is None:
        for paragraph in ("§12.1", "§12.3", "§12.4"):
            scene.findings.absent(paragraph, Words("there are no keys on this line", "该线路不使用密钥"))
        return
    environment = dict(scene.environment)
    code, file = environment["BEICHEN_CODE"], scene.folder / "own" / "pole.key"
    file.parent.mkdir(mode=0o700)
    own = KnownGateway(address=environment["BEICHEN_ENDPOINT"], public_key=environment["BEICHEN_SERVER_KEY"])
    nobody = KnownGateway(address=NOBODY, public_key=new_key_pair().public.decode())
    pair = new_key_pair()
    desk = Desk(pair, code, (nobody, own), scene)
    desk.listener.open(desk.take, nobody_is_sent_away)
    serving = asyncio.ensure_future(desk.listener.serve())
    try:
        for name in ("BEICHEN_ENDPOINT", "BEICHEN_SERVER_KEY"):
            del environment[name]
        more = {"BEICHEN_DESK": desk.listener.address, "BEICHEN_DESK_KEY": pair.public.decode(), "BEICHEN_TOKEN": TOKEN}
        scene.stage.watcher.new_life()
        since = scene.mark
        await scene.client.start(environment | more | {"BEICHEN_KEY_FILE": str(file)})
        await _enrols(scene, desk, code)
        _keeps_its_key(scene, file, desk)
        what = Words("no hello came to the second gateway that it was told of", "未向所告知的第二个网关发送 hello")
        await scene.expect(Hello, 3.0 * APPEARS_WITHIN_S, "§12.4", what, since=since)
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        desk.listener.close()


async def _enrols(scene: Scene, desk: Desk, code: str) -> None:
    judge = scene.findings.judge
    try:
        async with asyncio.timeout(APPEARS_WITHIN_S * scene.patience):
            while not desk.requests:  # noqa: ASYNC110 - asked ten times a second, for some seconds
                await asyncio.sleep(0.1)
    except TimeoutError:
        for paragraph in ("§12.1", "§12.3", "§12.4"):
            scene.findings.absent(
                paragraph, Words("it did not come to the desk: it takes no token", "未连接登记处：不接受令牌")
            )
        raise Over from None
    try:
        async with asyncio.timeout(10.0 * scene.patience):
            await desk.answered.wait()
    except TimeoutError:
        scene.findings.broken(
            "§12.3",
            Words(
                f"it asked {len(desk.requests)} times and then no more, without an answer",
                f"询问 {len(desk.requests)} 次后停止，尚未得到答复",
            ),
        )
        raise Over from None
    for _, key, request in desk.requests:
        if not isinstance(request, Enrol):
            scene.findings.broken("§12.3", Words("a request that cannot be read", "登记请求无法解析"))
            raise Over
        judge(
            "§12.3",
            request.public_key == key,
            Words("it names another key than that of its connection", "所报密钥与其连接的密钥不同"),
        )
        judge(
            "§12.3",
            request.code == code,
            Words(f"it names the code {request.code!r}", f"所报城市码为 {request.code!r}"),
        )
        judge(
            "§12.3",
            request.token == TOKEN,
            Words("it brings another token than the one that it was given", "所带令牌与给定的不同"),
        )
        assert scene.admit is not None
        scene.admit(key)
    keys = {key for _, key, _ in desk.requests}
    judge("§12.3", len(keys) == 1, Words(f"it asked with {len(keys)} keys", f"登记时使用了 {len(keys)} 个密钥"))
    times = [at_s for at_s, _, _ in desk.requests]
    shortest = min(after - before for before, after in itertools.pairwise(times))
    judge(
        "§12.3",
        shortest >= 1.0 - scene.late_s / 2,
        Words(f"it asked again after {shortest:.1f} s", f"{shortest:.1f} 秒后再次询问"),
    )


def _keeps_its_key(scene: Scene, file: Path, desk: Desk) -> None:
    judge = scene.findings.judge
    if not judge("§12.1", file.exists(), Words("it came to the desk without a key file", "连接登记处时没有密钥文件")):
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    judge("§12.1", mode & 0o077 == 0, Words(f"its key file has mode {mode:04o}", f"密钥文件权限为 {mode:04o}"))
    try:
        table = tomllib.loads(file.read_text(encoding="ascii"))
        public, secret = table["public"].encode(), table["secret"].encode()
        pair = zmq.curve_public(secret) == public and len(z85.decode(public)) == 32
    except (ValueError, KeyError, AttributeError, zmq.ZMQError):
        scene.findings.broken(
            "§12.1", Words("its key file has not the two lines of a key file", "密钥文件不含规定的两行")
        )
        return
    judge(
        "§12.1",
        pair and public.decode() == desk.requests[0][1],
        Words("its key file has another key than it brought", "密钥文件中的密钥与所报的不同"),
    )
