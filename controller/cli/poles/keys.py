"""`beichen poles keys`: making, showing, renewing and revoking keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

from airspace.reasons import Reason, Refused, Rule, Words
from controller.cli.console import TextView, view_of
from controller.cli.options import BadOption, Exit, Output, write_file
from controller.cli.plan import SiteOption
from controller.cli.poles import words
from controller.cli.poles.enrol import (
    Code,
    Who,
    gateway_of,
    holders,
    known_pole,
    moment,
    register_of,
    site_for_poles,
    tell,
    who_or_login,
)
from controller.clock import Clock, run
from controller.config import NO_ADDRESS, is_place
from poles.keys import load_key_pair, new_key_pair, save_key_pair
from poles.keys.pairs import key_of

BAD_LISTEN = Rule(
    "poles.listen-address",
    Words("{address} is no address of its own to listen on", "{address} 不是可用的独立监听地址"),
    Words(
        "Give a port that no other key has, as tcp://0.0.0.0:7601.",
        "请给出未被其他密钥使用的端口，如 tcp://0.0.0.0:7601。",
    ),
)
NO_KEY = Rule(
    "poles.no-key",
    Words("'{key}' is no public key", "“{key}” 不是公钥"),
    Words(
        "Give its 40 characters, as `beichen poles keys export` writes them, or leave --key out for all of the pole.",
        "请按 `beichen poles keys export` 的输出给出 40 个字符；省略 --key 则吊销该灯杆的全部密钥。",
    ),
)
TermDays = Annotated[
    float,
    Parameter(help="How long the old key is answered. 旧密钥保留天数。", validator=validators.Number(gt=0, lte=365)),
]


def make(*, site: SiteOption = None, output: Output = Output()) -> int:
    """Make the gateway's and the enrolment desk's key files where they are missing."""
    place = site_for_poles(site)
    given = gateway_of(place)
    rows: list[dict[str, Any]] = []
    for name in (given.key, given.enrol_key):
        path = place.path(name)
        made = not path.exists()
        if made:
            save_key_pair(path, new_key_pair())
        rows.append({"file": str(path), "made": made, "public": load_key_pair(path).public.decode()})
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        for row in rows:
            if row["made"]:
                view.say(words.MADE, file=row["file"])
    tell(output, rows, {"file": words.FILE, "public": words.KEY})
    return Exit.DONE


def history(
    code: Annotated[str, Parameter(help="A pole's city code; all of them when not given. 城市码。")] = "",
    /,
    *,
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Tell what happened to the keys of one pole or of all, and who tried to enrol."""
    return run(lambda clock: _history(clock, code, site, output))


async def _history(clock: Clock, code: str, site: SiteOption, output: Output) -> int:
    with register_of(clock, site) as (place, _, register):
        if code:
            known_pole(place, code)
        rows: list[dict[str, Any]] = [
            {
                "when": moment(change.utc_s),
                "code": change.code,
                "what": change.what if output.json else words.CHANGES[change.what],
                "who": change.who if output.json else words.DETAILS.get(change.who, change.who),
                "detail": change.detail if output.json else words.DETAILS.get(change.detail, change.detail),
                "key": change.key,
            }
            for change in register.history(code or None)
        ]
        rows += [
            {
                "when": moment(attempt.utc_s),
                "code": attempt.code,
                "what": "attempt" if output.json else words.ATTEMPT,
                "who": attempt.peer,
                "detail": attempt.outcome if output.json else words.DETAILS.get(attempt.outcome, attempt.outcome),
                "key": "",
            }
            for attempt in register.tokens.attempts(code or None)
        ]
    heads = {"when": words.WHEN, "code": words.CODE, "what": words.WHAT, "who": words.WHO, "detail": words.DETAIL}
    tell(output, sorted(rows, key=lambda row: str(row["when"])), heads)
    return Exit.DONE


def revoke(
    code: Code,
    /,
    *,
    key: Annotated[str, Parameter(help="Only this public key of the pole. 仅吊销该公钥。")] = "",
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Lock a pole out for good."""
    return run(lambda clock: _revoke(clock, code, key, who, site, output))


async def _revoke(clock: Clock, code: str, key: str, who: str, site: SiteOption, output: Output) -> int:
    if key and key_of(key) is None:
        raise BadOption([Reason(NO_KEY, "--key", {"key": key})])
    with register_of(clock, site) as (place, _, register):
        holders(place, register, [code])
        revoked = register.revoke(code, who=who_or_login(who), key=key)
    view_of(output.lang, output.json).say(words.REVOKED, count=len(revoked), code=code)
    return Exit.DONE


def renew(
    codes: Annotated[tuple[str, ...], Parameter(help="City codes. 城市码。", negative="")],
    /,
    *,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Ask poles to make a new key."""
    return run(lambda clock: _renew(clock, codes, who, site, output))


async def _renew(clock: Clock, codes: tuple[str, ...], who: str, site: SiteOption, output: Output) -> int:
    with register_of(clock, site) as (place, _, register):
        holders(place, register, codes)
        register.ask_renewal(codes, who=who_or_login(who))
    view_of(output.lang, output.json).say(words.ASKED, count=len(codes))
    return Exit.DONE


def renew_server(
    *,
    listen: Annotated[str, Parameter(help="Where the new key is answered, as tcp://0.0.0.0:7601. 新密钥的监听地址。")],
    address: Annotated[str, Parameter(help="What poles are told, where that is another. 告知灯杆的地址。")] = "",
    days: TermDays = 30.0,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Make a new key for the gateway."""
    return run(lambda clock: _renew_server(clock, listen, address, days, who, site, output))


async def _renew_server(
    clock: Clock, listen: str, address: str, days: float, who: str, site: SiteOption, output: Output
) -> int:
    with register_of(clock, site) as (place, given, register):
        server = load_key_pair(place.path(given.key))
        known = register.doors.found(server.public.decode(), given.key, given.listen, given.address)
        if not listen.startswith("tcp://") or listen in {door.listen for door in known}:
            raise Refused([Reason(BAD_LISTEN, "--listen", {"address": listen})])
        if not is_place(address or listen):
            raise Refused([Reason(NO_ADDRESS, "--address", {"value": address or listen})])
        number = len(register.doors.all()) + 1
        file = str(Path(given.key).with_name(f"{Path(given.key).stem}-{number}{Path(given.key).suffix}"))
        pair = new_key_pair()
        save_key_pair(place.path(file), pair)
        register.doors.renew(pair.public.decode(), file, listen, address, term_s=days * 86400.0, who=who_or_login(who))
    until = moment(clock.utc_s() + days * 86400.0)
    view = view_of(output.lang, output.json)
    view.say(words.RENEWED, file=place.path(file), address=address or listen, until=until)
    return Exit.DONE


def doors(*, site: SiteOption = None, output: Output = Output()) -> int:
    """Show the gateway's keys and where they are answered."""
    return run(lambda clock: _doors(clock, site, output))


async def _doors(clock: Clock, site: SiteOption, output: Output) -> int:
    with register_of(clock, site) as (_, _, register):
        rows: list[dict[str, Any]] = [
            {
                "public": door.public,
                "state": door.state.value if output.json else words.DOORS[door.state],
                "listen": door.listen,
                "address": door.address,
                "file": door.file,
                "until": moment(door.until_s),
            }
            for door in register.doors.all()
        ]
    heads = {"state": words.STATE, "listen": words.LISTEN, "address": words.ADDRESS, "file": words.FILE}
    tell(output, rows, heads | {"until": words.UNTIL, "public": words.KEY})
    return Exit.DONE


def export(
    *,
    out: Annotated[Path, Parameter(help="The file to write. 输出文件。")],
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Write the public keys of the poles as JSON."""
    rows = run(lambda clock: _public_keys(clock, site))
    write_file(out, (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode())
    view_of(output.lang, output.json).say(words.WRITTEN, count=len(rows), path=out)
    return Exit.DONE


async def _public_keys(clock: Clock, site: SiteOption) -> list[dict[str, str]]:
    with register_of(clock, site) as (_, _, register):
        return [
            {
                "code": held.code,
                "public_key": held.key,
                "state": held.state.value,
                "source": held.source.value,
                "since": moment(held.since_s),
            }
            for held in register.held()
        ]
