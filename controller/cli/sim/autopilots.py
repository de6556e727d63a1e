"""The options that put real ArduPilots in the place of simulated drones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from airspace.reasons import Reason, Rule, Words
from controller.cli.options import BadOption
from sim.serve.sitl_process import found

FOR_ARDUPILOT = Rule(
    "autopilot.not-asked",
    Words("there are no real autopilots here", "此处没有使用真实自驾仪"),
    Words("Add --ardupilot, or leave {option} out.", "请添加 --ardupilot，或去掉 {option}。"),
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class RealAutopilots:
    """Whether real ArduPilots fly, which program, and SITL's number of the first one."""

    ardupilot: Annotated[
        bool, Parameter(help="Real ArduPilots (SITL) instead of our drones. 改用真实 ArduPilot。", negative="")
    ] = False
    binary: Annotated[Path | None, Parameter(help="Their program; arducopter on PATH. 程序路径。")] = None
    first: Annotated[int | None, Parameter(help="SITL's number of the first, 0. 首个实例号。")] = None

    def program(self) -> Path | None:
        """The program that flies, None for simulated drones.

        Raises `Refused` when there is none to start, `BadOption` for what is said of programs that are not asked for.
        """
        if self.ardupilot:
            return found(self.binary)
        given = {"--binary": self.binary, "--first": self.first}
        vain = [name for name, value in given.items() if value is not None]
        if vain:
            raise BadOption([Reason(FOR_ARDUPILOT, name, {"option": name}) for name in vain])
        return None

    def arguments(self) -> list[str]:
        """The same for another process."""
        if not self.ardupilot:
            return []
        first = [] if self.first is None else ["--first", str(self.first)]
        return ["--ardupilot", "--binary", str(self.program()), *first]
