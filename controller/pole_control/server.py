"""The gateway's end of the control socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import msgspec

from airspace.reasons import Reason, Refused, Rule, Words
from controller.clock import Clock
from controller.config import LoadedSite
from controller.district import Deciding
from controller.events import ResponseProposed
from controller.pole_control import views
from controller.pole_control.messages import (
    Acknowledge,
    Acknowledged,
    Answer,
    Begun,
    Decide,
    Decided,
    Look,
    Order,
    Outcome,
    Part,
    Proposals,
    ProposalTold,
    Proposed,
    Refusal,
    Request,
    Survey,
    Underway,
    Wish,
    Wished,
)
from controller.pole_control.place import control_path, reachable
from poles.beside import beside
from poles.gateway import Gateway
from poles.gateway.commands import known_function
from poles.gateway.desired import Status
from poles.protocol import Progress

LONGEST_REQUEST = 1 << 16
ANSWERED_EVERY_S = 0.05
NO_ALARM = Rule(
    "poles.no-alarm",
    Words("there is no open alarm {alarm}", "没有编号为 {alarm} 的未结告警"),
    Words("`beichen poles watch` shows the numbers of the open ones.", "`beichen poles watch` 会显示未结告警的编号。"),
)
NO_RESPONSES = Rule(
    "response.not-at-work",
    Words("this controller answers no alarms with missions", "该控制器不以任务响应告警"),
    Words("It is starting or stopping: ask again in a moment.", "它正在启动或停止，请稍后重试。"),
)
BAD_REQUEST = Rule(
    "poles.bad-request",
    Words("the gateway does not understand this: {why}", "网关无法理解该请求：{why}"),
    Words("Use the same version of Beichen for both.", "请使用相同版本的北辰。"),
)

NO_SUCH_FUNCTION = Rule(
    "poles.function-absent",
    Words("{pole} has no function {function}", "{pole} 没有功能 {function}"),
    Words("It has {functions}.", "可用功能：{functions}。"),
)
FAILED = Rule(
    "poles.request-failed",
    Words("the gateway could not do this: {why}", "网关未能执行该请求：{why}"),
    Words("Look at its console and its disk, then try again.", "请检查其控制台与磁盘后重试。"),
)


@asynccontextmanager
async def controlled(
    gateway: Gateway, place: LoadedSite, clock: Clock, responses: Callable[[], Deciding | None] = lambda: None
) -> AsyncIterator[Path]:
    """An open gateway that answers at the site's control socket until the body ends; the socket is its owner's alone.

    `responses` gives where people decide on proposed missions, None while that is nowhere. The site's event store must
    be open, so that no other controller has this socket.
    """
    path = control_path(place)
    server = _Server(gateway, [pole.code for pole in place.file.poles], clock, responses)
    with _listening(path) as listening:
        async with beside(server.serve(listening)):
            yield path


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """A socket at which one can knock at once, and its file, which goes with it."""
    path.unlink(missing_ok=True)  # of a controller that was killed
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        before = os.umask(0o177)
        try:
            with reachable(path) as name:
                listening.bind(name)
        finally:
            os.umask(before)
        listening.listen()
        listening.setblocking(False)
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)


class _Server:
    def __init__(
        self, gateway: Gateway, codes: Iterable[str], clock: Clock, responses: Callable[[], Deciding | None]
    ) -> None:
        self._gateway = gateway
        self._responses = responses
        self._codes = tuple(codes)
        self._clock = clock

    async def serve(self, listening: socket.socket) -> None:
        """Talk with everybody who knocks, until cancelled."""
        async with asyncio.TaskGroup() as talks:

            def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                talks.create_task(self.talk(reader, writer), name="poles-control")

            serving = await asyncio.start_unix_server(met, sock=listening, limit=LONGEST_REQUEST)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                serving.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the other end has no more."""
        try:
            while line := await _line_of(reader):
                async with aclosing(self._answers(line)) as answers:
                    async for answer in answers:
                        writer.write(msgspec.json.encode(answer) + b"\n")
                        await writer.drain()
        except ConnectionError:
            pass  # it left
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answers(self, line: bytes) -> AsyncGenerator[Part, None]:
        try:
            request: Request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as error:
            yield Refusal(reasons=[Reason(BAD_REQUEST, "", {"why": str(error)}).as_dict()])
            return
        try:
            match request:
                case Order():
                    async with aclosing(self._carry_out(request)) as answers:
                        async for told in answers:
                            yield told
                case Survey(most=most):
                    yield views.survey(self._gateway, self._codes, most=most, **self._now())
                case Look(pole=pole):
                    yield views.seen(self._gateway, pole, **self._now())
                case Wish():
                    yield await self._wish(request)
                case Acknowledge():
                    yield await self._acknowledge(request)
                case Proposals():
                    yield Proposed(proposals=tuple([_proposal_told(each) for each in self._deciding().open]))
                case Decide(response=response, by=by, fly=fly):
                    run = await self._deciding().decide(response, by, fly=fly)
                    yield Decided(response=response, run=run)
        except Refused as refused:
            yield Refusal(reasons=[reason.as_dict() for reason in refused.reasons])
        except Exception as error:  # what one request meets must not end the controller
            yield Refusal(reasons=[Reason(FAILED, "", {"why": repr(error)}).as_dict()])

    async def _carry_out(self, order: Order) -> AsyncGenerator[Answer, None]:
        told: asyncio.Queue[Answer | None] = asyncio.Queue()

        def on_progress(progress: Progress) -> None:
            told.put_nowait(Underway(share=progress.share, en=progress.en, zh=progress.zh))

        async def carry_out() -> None:
            try:
                outcome = await self._gateway.command(
                    order.pole,
                    order.function,
                    order.action,
                    order.parameters,
                    deadline_s=order.deadline_s,
                    until="done",
                    key=order.key,
                    on_accepted=lambda: told.put_nowait(Begun(id=order.key)),
                    on_progress=on_progress,
                )
                said, words = outcome.outcome.value, outcome.words
                told.put_nowait(Outcome(id=outcome.id, outcome=said, code=outcome.code, en=words.en, zh=words.zh))
            finally:
                told.put_nowait(None)

        carrying = asyncio.create_task(carry_out())
        try:
            while (answer := await told.get()) is not None:
                yield answer
            await carrying
        finally:
            carrying.cancel()
            await asyncio.wait([carrying])

    async def _wish(self, wish: Wish) -> Wished:
        known_function(wish.function)
        desired, state = self._gateway.supervision.desired, self._gateway.poles.get(wish.pole)
        declared = [] if state is None else [capability.function for capability in state.functions]
        if state is not None and wish.function not in declared:
            facts = {"pole": wish.pole, "function": wish.function, "functions": ", ".join(sorted(declared)) or "-"}
            raise Refused([Reason(NO_SUCH_FUNCTION, "", facts)])
        version = await self._gateway.supervision.wish(wish.pole, wish.function, wish.settings, wish.by)
        # an answer wakes nobody: it is looked for while somebody waits at the console
        with suppress(TimeoutError):
            async with asyncio.timeout(wish.deadline_s):
                while desired.status(wish.pole, wish.function) is Status.WAITING:  # noqa: ASYNC110
                    await asyncio.sleep(ANSWERED_EVERY_S)
        now_s = self._clock.utc_s()
        differences = [each for each in desired.differences(wish.pole) if each.function == wish.function]
        return Wished(
            version=version,
            status=desired.status(wish.pole, wish.function).value,
            differences=tuple([views.difference_told(each, now_s) for each in differences]),
        )

    async def _acknowledge(self, request: Acknowledge) -> Acknowledged:
        alarm = await self._gateway.supervision.acknowledge(request.alarm, request.who)
        if alarm is None:
            raise Refused([Reason(NO_ALARM, "", {"alarm": request.alarm})])
        return Acknowledged(alarm=views.alarm_told(alarm, self._clock.utc_s()))

    def _deciding(self) -> Deciding:
        responses = self._responses()
        if responses is None:
            raise Refused([Reason(NO_RESPONSES)])
        return responses

    def _now(self) -> dict[str, float]:
        return {"utc_s": self._clock.utc_s(), "now_s": self._clock.monotonic_s()}


async def _line_of(reader: asyncio.StreamReader) -> bytes:
    """The next line; empty when there is none, or it has no end."""
    try:
        return await reader.readline()
    except ValueError:
        return b""


def _proposal_told(proposed: ResponseProposed) -> ProposalTold:
    return ProposalTold(
        response=proposed.response,
        alarm=proposed.alarm,
        subject=proposed.subject,
        mission=proposed.mission,
        drone=proposed.drone,
        automatic=proposed.automatic,
    )
