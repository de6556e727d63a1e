"""The pole's services: asked for their readings at their intervals or when they changed, and told what is ordered."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from airspace.reasons import Reason, Refused, Rule, Words
from poles.agent.bell import Bell
from poles.protocol import Command, Quality
from poles.services import Service
from poles.services.service import Voice, parameters_from_wire, settings_from_wire, values_to_wire

NO_SUCH_FUNCTION = Rule(
    "pole.function.absent",
    Words("this pole has no function {function}", "该灯杆没有功能 {function}"),
    Words("It has: {functions}.", "该灯杆的功能：{functions}。"),
)

Measured = list[tuple[str, dict[str, Any], Quality]]
"""Functions with their values as on the wire, and what the service thinks of them."""


class Measuring:
    """`report_every_s` is the usual interval [s]; a service may ask for a shorter one and report changes at once.

    `take` gets what was measured in one moment.
    """

    def __init__(self, services: Iterable[Service], report_every_s: float, take: Callable[[Measured], None]) -> None:
        self._services = {function: service for service in services for function in service.functions}
        self._report_every_s = report_every_s
        self._take = take
        self._changed: dict[str, None] = {}
        self._report_due_s: dict[str, float] = {}  # of each function
        self._now = Bell(self._due_s)

    def listen(self, voice: Voice) -> None:
        """Let all services speak to this voice from now on; what is wrong already is said at once."""
        for service in dict.fromkeys(self._services.values()):
            service.speak_to(voice)

    @property
    def functions(self) -> tuple[str, ...]:
        """What readings, commands and settings of this pole are addressed to."""
        return tuple(self._services)

    def every_s(self, function: str) -> float:
        """How often a function is reported at the latest [s]."""
        return self._report_every_s * self._services[function].spec(function).slow

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = self._report_due_s = dict.fromkeys(self._services, loop.time())
        while True:
            now_s = loop.time()
            for name, service in self._services.items():
                # a service may want to be heard sooner than it did when it was last reported
                due_s[name] = min(due_s[name], now_s + service.report_every_s(name, self._report_every_s))
            names = [name for name in self._services if due_s[name] <= now_s or name in self._changed]
            if names:
                self._changed.clear()
                self._take([self._measured(name) for name in names])
                for name in names:
                    due_s[name] = now_s + self._services[name].report_every_s(name, self._report_every_s)
            await self._now.wait()

    def begin(self, command: Command) -> Awaitable[None] | None:
        """Begin what a command asks; the result, when there is one, is awaited for its end. Both raise Refused."""
        service = self._services.get(command.function)
        if service is None:
            facts = {"function": command.function, "functions": ", ".join(self._services)}
            raise Refused([Reason(NO_SUCH_FUNCTION, "", facts)])
        function, action = command.function, command.action
        parameters = parameters_from_wire(function, service.spec(function), action, command.parameters)
        return service.begin(function, action, parameters)

    def settings(self, function: str) -> dict[str, Any] | None:
        """A function's settings in force, None when it has none."""
        service = self._services.get(function)
        settings = None if service is None else service.settings(function)
        return None if settings is None else values_to_wire(settings)

    def apply(self, function: str, settings: dict[str, Any]) -> None:
        """Set a function, which has settings. Raises Refused."""
        service = self._services[function]
        service.apply(function, settings_from_wire(function, service.spec(function), settings))

    def changed(self, function: str) -> None:
        """Let a function be reported at once."""
        self._changed[function] = None
        self._now.ring()

    def _due_s(self) -> float:
        return min(self._report_due_s.values(), default=math.inf)

    def _measured(self, function: str) -> tuple[str, dict[str, Any], Quality]:
        service = self._services[function]
        return function, values_to_wire(service.readings(function)), service.quality(function)
