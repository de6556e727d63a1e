"""A drone's link: one reader, one heartbeat, and the services that use them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.clock import Clock
from controller.links import parameters
from controller.links.codec import Codec, LinkStatistics, Message
from controller.links.commands import ANSWER_WITHIN_S, RETRIES, CommandRequest, Commands
from controller.links.modes import mode_number
from controller.links.outcomes import CommandOutcome, DeadlinePassed
from controller.links.stream_requests import StreamRequests
from controller.links.subscriptions import WHOLE_TEXTS, Inbox, Subscriptions
from controller.links.telemetry import AUTOPILOT_COMPONENT, DroneState, Telemetry, is_autopilot_heartbeat
from controller.links.tlog import TlogWriter
from controller.links.transport import Transport, TransportClosed
from controller.streams import Freshness

__all__ = ["CommandOutcome", "DeadlinePassed", "DroneLink"]

HEARTBEAT_S = 1.0
BEAT_WITHIN_S = 5.0
MODE_SHOWN_WITHIN_S = 2.5  # two heartbeats and some
MODE_ROUNDS = 3


@dataclass(eq=False, slots=True)
class _Waiter:
    condition: Callable[[DroneState], bool]
    future: asyncio.Future[DroneState]


class DroneLink:
    """The way to one drone; enter it to run it, leave it to close its transport.

    With `system_id` None it takes the first autopilot that it hears. It sends the ground station's heartbeat only while
    `beat` is called: a program that is stuck goes silent within 5 s, so that a failsafe which is set on the drone acts.
    """

    def __init__(
        self,
        drone: str,
        transport: Transport,
        clock: Clock,
        *,
        system_id: int | None = None,
        tlog: TlogWriter | None = None,
    ) -> None:
        self.drone = drone
        self.commands = Commands(self)
        self.streams = StreamRequests(self)
        self.heartbeats_sent = 0
        self._transport = transport
        self._clock = clock
        self._tlog = tlog
        self._codec = Codec(system_id)
        self._telemetry = Telemetry(clock.monotonic_s, clock.lag_s)
        self._subscriptions = Subscriptions()
        self._waiters: list[_Waiter] = []
        self._tasks = asyncio.TaskGroup()
        self._own: list[asyncio.Task[None]] = []
        self._beat_s = 0.0
        self.closed = False

    @property
    def state(self) -> DroneState:
        """The drone as last heard; it changes as messages come."""
        return self._telemetry.state

    @property
    def freshness(self) -> Freshness:
        """How old each stream of the drone is."""
        return self._telemetry.freshness

    @property
    def statistics(self) -> LinkStatistics:
        """What came and went over the link."""
        return self._codec.statistics

    @property
    def system_id(self) -> int | None:
        """The drone's MAVLink system id, None until it is known."""
        return self._codec.system_id

    @property
    def target(self) -> tuple[int, int]:
        """The system and component that messages to the drone's autopilot name."""
        return self._codec.system_id or 0, AUTOPILOT_COMPONENT

    @property
    def recording_failure(self) -> str | None:
        """Why the link is no longer recorded, None while it is."""
        return None if self._tlog is None else self._tlog.failure

    def age_s(self) -> float | None:
        """Loop seconds since the autopilot was last heard, None when it never was."""
        heard_s = self.state.heard_s
        return None if heard_s is None else self._clock.monotonic_s() - heard_s

    async def __aenter__(self) -> Self:
        self.beat()
        await self._tasks.__aenter__()
        self._own = [
            self._tasks.create_task(self._read(), name=f"read {self.drone}"),
            self._tasks.create_task(self._send_heartbeats(), name=f"heartbeat {self.drone}"),
            self._tasks.create_task(self._tend_streams(), name=f"streams {self.drone}"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._own:
            task.cancel()
        # an error of the body goes on as it is; only a cancellation may come from the group, which then tells why
        cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        try:
            await self._tasks.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))
        finally:
            self._end()
            self._transport.close()

    def beat(self) -> None:
        """Say that the caller is alive; without it the heartbeat to the drone stops after 5 s."""
        self._beat_s = self._clock.monotonic_s()

    def send(self, message: Message) -> None:
        """Send one message now."""
        frame = self._codec.encode(message)
        if self._tlog is not None:
            self._tlog.write(frame)
        self._transport.send(frame)

    def listen(self, *message_types: str) -> AbstractContextManager[Inbox]:
        """An inbox for the autopilot's messages of these types (all when none is named) from now on."""
        return self._subscriptions.listen(*message_types)

    def listen_texts(self) -> AbstractContextManager[Inbox]:
        """An inbox of `StatusText`: what the autopilot says from now on, long texts put together from their chunks."""
        return self._subscriptions.listen(WHOLE_TEXTS)

    async def wait_for(self, what: str, condition: Callable[[DroneState], bool], within_s: float) -> DroneState:
        """A snapshot of the state as soon as the condition holds; it is looked at now and after each message.

        Raises `DeadlinePassed` after `within_s` loop seconds, `TransportClosed` when the link ends before.
        """
        if condition(self.state):
            return self.state.snapshot()
        if self.closed:
            raise TransportClosed(f"{self.drone}: the link is closed; awaited was {what}")
        began_s = self._clock.monotonic_s()
        waiter = _Waiter(condition, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(within_s):
                return await waiter.future
        except TimeoutError:
            texts = tuple(text for text in self.state.texts if text.at_s >= began_s)
            raise DeadlinePassed(what, within_s, texts) from None
        finally:
            self._waiters.remove(waiter)

    async def command(
        self,
        command: int,
        p1: float = 0.0,
        p2: float = 0.0,
        p3: float = 0.0,
        p4: float = 0.0,
        p5: float = 0.0,
        p6: float = 0.0,
        p7: float = 0.0,
        *,
        as_int: bool = False,
        frame: int = mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT,
        retries: int = RETRIES,
        within_s: float = ANSWER_WITHIN_S,
    ) -> CommandOutcome:
        """Send a command until it is answered, at most 1 + `retries` times with `within_s` seconds each.

        `as_int` sends COMMAND_INT: p5 and p6 are latitude and longitude [deg], p7 the height [m] over `frame`.
        """
        params = (p1, p2, p3, p4, p5, p6, p7)
        return await self.commands.run(CommandRequest(command, params, as_int, frame, retries, within_s))

    async def start_streams(self) -> None:
        """Ask for every stream of the table; from then on a stream that goes stale is asked for again."""
        await self.streams.start()

    async def set_mode(self, name: str) -> CommandOutcome:
        """Change the flight mode: accepted when a later heartbeat shows it. Raises `KeyError` for an unknown name.

        An acknowledgement alone is not believed, as it may be the late one of an earlier change of mode: it is asked
        for up to three times until the heartbeat shows it.
        """
        number = mode_number(name)
        before = self.state.heartbeats

        def shown(state: DroneState) -> bool:
            return state.mode_number == number and state.heartbeats > before

        outcome = CommandOutcome("unknown")
        flag = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
        for _ in range(MODE_ROUNDS):
            outcome = await self.command(mavlink.MAV_CMD_DO_SET_MODE, flag, float(number), retries=2)
            if outcome.outcome == "rejected":
                return outcome
            try:
                await self.wait_for(f"mode {name}", shown, MODE_SHOWN_WITHIN_S)
            except DeadlinePassed:
                continue
            except TransportClosed:
                break
            return CommandOutcome("accepted", outcome.detail, outcome.result, outcome.tries)
        detail = f"{outcome.detail}; the heartbeat shows {self.state.mode or 'no mode'}, not {name}"
        return CommandOutcome("unknown", detail, outcome.result, outcome.tries)

    async def get_parameter(self, name: str) -> float:
        """The parameter's value; raises `Refused` when there is none or no answer."""
        return await parameters.get_parameter(self, name)

    async def set_parameter(self, name: str, value: float) -> float:
        """Set a parameter and return the value that the drone then holds; raises `Refused` unless it is `value`."""
        return await parameters.set_parameter(self, name, value)

    async def _read(self) -> None:
        try:
            while True:
                for message in self._codec.feed(await self._transport.receive()):
                    self._take(message)
        except EOFError:  # the transport is closed for good
            self._end()

    def _take(self, message: Message) -> None:
        if self._codec.system_id is None:
            if not is_autopilot_heartbeat(message):
                return
            self._codec.system_id = message.get_srcSystem()
        elif message.get_srcSystem() != self._codec.system_id:
            return  # decoded in the same chunk in which the drone was found
        if self._tlog is not None:
            self._tlog.write(message.get_msgbuf())
        if not self._telemetry.fold(message):
            return
        self._subscriptions.deliver(message.get_type(), message)
        for text in self._telemetry.new_texts:
            self._subscriptions.deliver(WHOLE_TEXTS, text)
        self._telemetry.new_texts.clear()
        for waiter in self._waiters:
            _look(waiter, self.state)

    async def _send_heartbeats(self) -> None:
        while True:
            if self._clock.monotonic_s() - self._beat_s <= BEAT_WITHIN_S:
                self.heartbeats_sent += 1
                self.send(
                    mavlink.MAVLink_heartbeat_message(
                        mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID, 0, 0, mavlink.MAV_STATE_ACTIVE, 3
                    )
                )
            await asyncio.sleep(HEARTBEAT_S)

    async def _tend_streams(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self.streams.tend()

    def _end(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._subscriptions.close()
        for waiter in self._waiters:
            if not waiter.future.done():
                waiter.future.set_exception(TransportClosed(f"{self.drone}: the link is closed"))


def _look(waiter: _Waiter, state: DroneState) -> None:
    if waiter.future.done():
        return
    try:
        holds = waiter.condition(state)
    except Exception as error:  # the condition's author awaits the future; the reader must go on for the others
        waiter.future.set_exception(error)
        return
    if holds:
        waiter.future.set_result(state.snapshot())
