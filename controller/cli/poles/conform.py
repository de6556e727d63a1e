"""`beichen poles conform`: play the controller, and say which rules of the poles' protocol a client breaks."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from airspace.reasons import Reason, Rule, Words
from controller.cli.options import BadOption, Exit, Output, write_file
from controller.clock import Clock, run
from poles.conformance import TRIALS, ByHand, Findings, ProcessClient, conform_by_hand
from poles.conformance import conform as conform_all
from poles.conformance.results import junit_xml, lines, rows
from poles.keys import new_key_pair, save_key_pair

ONE_WAY = Rule(
    "conform.one-way",
    Words("the kit needs a client to start, or an address to wait at", "须给出待启动的客户端，或等待连接的地址"),
    Words("Give --client or --endpoint, not both.", "请给出 --client 或 --endpoint 之一。"),
)
NO_PROGRAM = Rule(
    "conform.no-program",
    Words("there is no program {program}", "没有程序 {program}"),
    Words("Give the command that starts the client.", "请给出启动客户端的命令。"),
)
NO_TRIAL = Rule(
    "conform.no-trial",
    Words("there is no trial {trial}", "没有试验 {trial}"),
    Words("There are: {trials}.", "可用试验：{trials}。"),
)
TELL_IT = Words(
    "Start the client with these settings; the kit waits for it.", "请以下列设置启动客户端；套件等待其连接。"
)
OVER = Words("{done} of {count}: {trial}", "{done}/{count}：{trial}")
KEPT = Words("what the clients wrote is in {folder}", "客户端输出保存在 {folder}")

HELP = Words(
    "Lead a client through every rule of docs/poles-protocol.md and say which ones it breaks.",
    "按 docs/poles-protocol.md 逐条检验客户端，并指出所违反的条款。",
)


def conform(
    *,
    client: Annotated[
        str | None, Parameter(help="Command that starts the client under test. 启动被测客户端的命令。")
    ] = None,
    endpoint: Annotated[
        str | None,
        Parameter(
            help="Wait at this address, as tcp://0.0.0.0:7100, for a client that you start. 等待手动启动的客户端。"
        ),
    ] = None,
    trial: Annotated[
        tuple[str, ...], Parameter(help="Play only these trials. 仅运行这些试验。", negative_iterable="")
    ] = (),
    junit: Annotated[Path | None, Parameter(help="Write a JUnit XML file. 写出 JUnit XML。")] = None,
    folder: Annotated[Path | None, Parameter(help="Keep keys and logs here. 密钥与日志文件夹。")] = None,
    patience: Annotated[
        float,
        Parameter(
            help="Times as much time for a slow client. 时间宽限倍数。", validator=validators.Number(gt=0, lte=100)
        ),
    ] = 1.0,
    at_once: Annotated[
        int, Parameter(help="Trials that are played at once. 并行试验数。", validator=validators.Number(gte=1, lte=64))
    ] = 6,
    output: Output = Output(),
) -> int:
    """Play the controller; 0 when no rule was broken. Raises Refused."""
    if (client is None) == (endpoint is None):
        raise BadOption([Reason(ONE_WAY, "--client")])
    known = {each.name: each for each in TRIALS}
    for name in trial:
        if name not in known:
            raise BadOption([Reason(NO_TRIAL, "--trial", {"trial": name, "trials": ", ".join(known)})])
    if junit is not None:
        write_file(junit, b"")
    place = folder or Path(tempfile.mkdtemp(prefix="conform-"))
    if endpoint is not None:
        findings = run(lambda clock: _by_hand(clock, endpoint, place, patience, output))
    else:
        command = shlex.split(client or "")
        if not command or shutil.which(command[0]) is None:
            raise BadOption([Reason(NO_PROGRAM, "--client", {"program": command[0] if command else ""})])

        async def main(clock: Clock) -> Findings:
            return await conform_all(
                lambda own: ProcessClient(command, own / "client.log"),
                place,
                clock.utc_s,
                trials=[known[name] for name in trial],
                patience=patience,
                at_once=at_once,
                tell=_teller(output, len(trial) or len(TRIALS)),
            )

        findings = run(main)
    if junit is not None:
        write_file(junit, junit_xml(findings))
    _show(findings, place, output, [paragraph for name in trial for paragraph in known[name].paragraphs])
    return Exit.DONE if findings.passes else Exit.REFUSED


async def _by_hand(clock: Clock, endpoint: str, folder: Path, patience: float, output: Output) -> Findings:
    server, own = new_key_pair(), new_key_pair()
    file = folder / "keys" / "pole.key"
    save_key_pair(file, own)

    def ready(environment: dict[str, str]) -> None:
        told = environment | {"BEICHEN_KEY_FILE": str(file)}
        if output.json:
            _line(json.dumps({"environment": told}))
        else:
            _line(TELL_IT.text(output.lang))
            for name, value in told.items():
                _line(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()  # whoever starts the client waits for it

    played = sum(not trial.restarts for trial in TRIALS)
    by_hand = ByHand(endpoint, server, own.public.decode())
    return await conform_by_hand(
        by_hand, folder, clock.utc_s, patience=patience, ready=ready, tell=_teller(output, played)
    )


def _teller(output: Output, count: int) -> Callable[[str], None]:
    over: list[str] = []

    def tell(name: str) -> None:
        over.append(name)
        if not output.json:
            facts = {"done": len(over), "count": count, "trial": name}
            sys.stderr.write(f"{OVER.text(output.lang, facts)}\n")
            sys.stderr.flush()

    return tell


def _show(findings: Findings, folder: Path, output: Output, of: Sequence[str]) -> None:
    if output.json:
        for number, verdict, asks, seen in rows(findings, of):
            told = [what.text(output.lang) for what in seen]
            row = {"paragraph": number, "verdict": verdict.value, "asks": asks.text(output.lang), "seen": told}
            _line(json.dumps(row, ensure_ascii=False))
        return
    for line in lines(findings, output.lang, of):
        _line(line)
    _line(KEPT.text(output.lang, {"folder": str(folder)}))


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
