"""The conformance kit: plays every trial against a client, and collects what was found of each paragraph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from airspace.reasons import Words
from poles.conformance import connecting, enrolling, ordering, restoring, storing
from poles.conformance.clients import Client, ClientByHand
from poles.conformance.findings import Findings
from poles.conformance.scene import HEARTBEAT_S, REPORT_S, TRIALS, Over, Scene, Trial
from poles.conformance.stage import Manners, Stage
from poles.conformance.watcher import Provoked, Watcher
from poles.keys.admission import FixedAdmission
from poles.keys.pairs import KeyPair, new_key_pair, save_key_pair
from poles.wire.listener import CurveListener, Listener

__all__ = ["CODE", "TRIALS", "ByHand", "conform", "conform_by_hand", "play", "prepared"]

CODE = "410105-LP-000001"
AT_ONCE = 6
_MODULES = (connecting, storing, restoring, ordering, enrolling)  # they enter their trials when they are imported


class Admitted(FixedAdmission):
    """The keys that the stage lets in, all of them one pole's."""

    def __init__(self, first: str) -> None:
        super().__init__({})
        self.add(first)

    def add(self, key: str) -> None:
        """Let one more key in."""
        self.codes = {**self.codes, key: CODE}


def prepared(trial: Trial, folder: Path) -> dict[str, str]:
    """What a trial tells the client of itself (§13.3), but for the connection."""
    return {
        "BEICHEN_CODE": CODE,
        "BEICHEN_HEARTBEAT_S": f"{trial.heartbeat_s:g}",
        "BEICHEN_REPORT_S": f"{trial.report_s:g}",
        "BEICHEN_CAPACITY": str(trial.capacity),
        "BEICHEN_RING": str(folder / "ring"),
    }


async def play(trial: Trial, scene: Scene) -> None:
    """One trial on a stage that is open; what it finds is in the scene's findings."""
    scene.stage.manners = Manners()
    provoked = scene.stage.watcher.provoked
    for name in Provoked.__dataclass_fields__:
        setattr(provoked, name, False)
    try:
        await trial.run(scene)
    except Over:
        for paragraph in trial.paragraphs:
            scene.findings.absent(paragraph, Words("the trial ended before it came to that", "试验在此之前已结束"))
    scene.stage.watcher.settle(scene.now_s)


async def conform(
    client: Callable[[Path], Client],
    folder: Path,
    utc_s: Callable[[], float],
    *,
    trials: Sequence[Trial] = (),
    patience: float = 1.0,
    at_once: int = AT_ONCE,
    tell: Callable[[str], None] = lambda name: None,
) -> Findings:
    """Start a client for each trial and play them, so many at once; `client(folder)` makes one.

    Each trial has its own keys, port and folder. `tell` hears of each that is over.
    """
    findings, turns = Findings(), asyncio.Semaphore(at_once)

    async def one(trial: Trial) -> Findings:
        async with turns:
            found = await _over_tcp(trial, client, folder / trial.name, utc_s, patience)
            tell(trial.name)
            return found

    chosen = trials or TRIALS
    async with asyncio.TaskGroup() as tasks:
        playing = [tasks.create_task(one(trial), name=trial.name) for trial in chosen]
    for trial, task in zip(chosen, playing, strict=True):
        findings.add(task.result(), trial.name)
    return findings


async def _over_tcp(
    trial: Trial, client: Callable[[Path], Client], folder: Path, utc_s: Callable[[], float], patience: float
) -> Findings:
    server, own, findings = new_key_pair(), new_key_pair(), Findings()
    save_key_pair(folder / "keys" / "pole.key", own)
    admitted = Admitted(own.public.decode())
    async with _stage(server, admitted, "tcp://127.0.0.1:0", utc_s, findings, patience) as stage:
        environment = prepared(trial, folder) | {
            "BEICHEN_ENDPOINT": stage.address,
            "BEICHEN_SERVER_KEY": server.public.decode(),
            "BEICHEN_KEY_FILE": str(folder / "keys" / "pole.key"),
        }
        under_test = client(folder)
        scene = Scene(stage, under_test, findings, environment, folder, patience, admitted.add)
        try:
            await play(trial, scene)
        finally:
            await under_test.kill()
    return findings


def _stage(
    server: KeyPair, admitted: Admitted, address: str, utc_s: Callable[[], float], findings: Findings, patience: float
) -> Stage:
    def listen(at: str) -> Listener:
        return CurveListener(at, server, admitted)

    return Stage(listen, address, utc_s, lambda gateway_utc_s: Watcher(findings, CODE, gateway_utc_s, 0.5 * patience))


@dataclass(frozen=True, slots=True)
class ByHand:
    """What somebody who starts the client must tell it."""

    address: str
    server: KeyPair
    client_public: str


async def conform_by_hand(
    by_hand: ByHand,
    folder: Path,
    utc_s: Callable[[], float],
    *,
    patience: float = 1.0,
    ready: Callable[[dict[str, str]], None],
    tell: Callable[[str], None] = lambda name: None,
) -> Findings:
    """Play the trials one after the other against one client that somebody starts; those that start it are left out.

    `ready` gets what the client must be told, as soon as the stage listens.
    """
    findings = Findings()
    admitted = Admitted(by_hand.client_public)
    async with _stage(by_hand.server, admitted, by_hand.address, utc_s, findings, patience) as stage:
        environment = {
            "BEICHEN_ENDPOINT": stage.address,
            "BEICHEN_SERVER_KEY": by_hand.server.public.decode(),
            "BEICHEN_CODE": CODE,
            "BEICHEN_HEARTBEAT_S": f"{HEARTBEAT_S:g}",
            "BEICHEN_REPORT_S": f"{REPORT_S:g}",
        }
        ready(environment)
        for trial in TRIALS:
            if trial.restarts:
                for paragraph in trial.paragraphs:
                    findings.absent(
                        paragraph,
                        Words(
                            "the kit did not start the client: give --client", "客户端并非由套件启动：请使用 --client"
                        ),
                    )
                continue
            await play(trial, Scene(stage, ClientByHand(), findings, environment, folder, patience))
            tell(trial.name)
    return findings
