"""`beichen poles enrol` and `list`: who may come in."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators
from rich.table import Table
from rich.text import Text

from airspace.reasons import Lang, Reason, Refused, Rule, Words
from controller.cli.console import TextView, view_of
from controller.cli.options import Exit, Output
from controller.cli.plan import SiteOption, site_for
from controller.cli.poles import words
from controller.clock import Clock, run
from controller.config import GatewayConfig, LoadedSite
from controller.pole_gate import scheme_of, site_poles
from poles.keys import load_key_pair
from poles.keys.register import HeldKey, KeyState, Register
from poles.keys.tokens import OpenToken

NO_GATEWAY = Rule(
    "poles.no-gateway",
    Words("this site has no gateway for poles", "该站点没有灯杆网关"),
    Words(
        "Add a [gateway] table to the site file; see docs/site-file.md.",
        "请在站点文件中添加 [gateway]，参见 docs/site-file.md。",
    ),
)
NO_DESK = Rule(
    "poles.no-desk",
    Words("this site has no enrolment desk", "该站点没有登记处"),
    Words(
        'Write enrol_listen = "tcp://0.0.0.0:7610" under [gateway] and run `beichen poles keys make`.',
        '请在 [gateway] 下写入 enrol_listen = "tcp://0.0.0.0:7610"，并运行 `beichen poles keys make`。',
    ),
)
UNKNOWN_POLE = Rule(
    "poles.unknown",
    Words("the site has no pole {code}", "站点没有灯杆 {code}"),
    Words("Add it under [[poles]], or correct the code.", "请在 [[poles]] 中添加，或更正编码。"),
)

Code = Annotated[str, Parameter(help="The pole's city code. 城市码。")]
Who = Annotated[str, Parameter(help="Who answers for it; your login when not given. 操作人。")]


def gateway_of(place: LoadedSite) -> GatewayConfig:
    """The site's gateway; raises Refused when it has none."""
    if place.file.gateway is None:
        raise Refused([Reason(NO_GATEWAY, str(place.folder))])
    return place.file.gateway


def known_pole(place: LoadedSite, code: str) -> None:
    """Raises Refused for a code that is mistyped, or of no pole of the site."""
    scheme_of(place).parse(code, "CODE")
    if code not in {pole.code for pole in place.file.poles}:
        raise Refused([Reason(UNKNOWN_POLE, "CODE", {"code": code})])


def holders(place: LoadedSite, register: Register, codes: Iterable[str]) -> None:
    """Raises Refused with every code that is mistyped, or neither of the site nor in its register."""
    known = {pole.code for pole in place.file.poles} | {held.code for held in register.held()}
    known |= {token.code for token in register.tokens.outstanding()}
    problems: list[Reason] = []
    for code in codes:
        if code in known:
            continue
        try:
            scheme_of(place).parse(code, "CODE")
            problems.append(Reason(UNKNOWN_POLE, "CODE", {"code": code}))
        except Refused as refused:
            problems += refused.reasons
    if problems:
        raise Refused(problems)


@contextmanager
def register_of(clock: Clock, site: SiteOption) -> Iterator[tuple[LoadedSite, GatewayConfig, Register]]:
    """The site that is meant, its gateway, and the register of its poles. Raises Refused."""
    place = site_for_poles(site)
    given = gateway_of(place)
    with site_poles(place, given, clock.utc_s) as register:
        yield place, given, register


def site_for_poles(site: SiteOption) -> LoadedSite:
    """The site file that was named, or `site.toml` in this folder. Raises Refused."""
    return site_for(Path("site"), site)


def who_or_login(who: str) -> str:
    """Who answers for a change."""
    return who or getpass.getuser()


def moment(utc_s: float | None) -> str:
    """A time for people and machines, RFC 3339; empty for none."""
    return "" if utc_s is None else datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tell(output: Output, rows: list[dict[str, Any]], heads: dict[str, Words]) -> None:
    """Rows as a table for people, or as one JSON object a line."""
    view = view_of(output.lang, output.json)
    if not isinstance(view, TextView):
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))  # noqa: T201 - the verb's own output
        return
    table = Table(box=None, padding=(0, 1))
    for head in heads.values():
        table.add_column(head.text(output.lang), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name], output.lang) for name in heads))
    view.console.print(table)


def _cell(value: object, lang: Lang) -> Text:
    return Text(value.text(lang) if isinstance(value, Words) else str(value))  # keys are full of brackets


def enrol(
    code: Code,
    /,
    *,
    hours: Annotated[
        float, Parameter(help="How long the token holds. 令牌有效小时数。", validator=validators.Number(gt=0, lte=720))
    ] = 24.0,
    who: Who = "",
    site: SiteOption = None,
    output: Output = Output(),
) -> int:
    """Let a pole enrol."""
    return run(lambda clock: _enrol(clock, code, hours, who, site, output))


async def _enrol(clock: Clock, code: str, hours: float, who: str, site: SiteOption, output: Output) -> int:
    with register_of(clock, site) as (place, given, register):
        known_pole(place, code)
        if not given.enrol_listen:
            raise Refused([Reason(NO_DESK, str(place.folder))])
        desk = load_key_pair(place.path(given.enrol_key))
        until_s = clock.utc_s() + hours * 3600.0
        token = register.tokens.issue(code, who=who_or_login(who), valid_s=hours * 3600.0)
    address = given.enrol_address or given.enrol_listen
    view = view_of(output.lang, output.json)
    if isinstance(view, TextView):
        table = Table(box=None, padding=(0, 1), show_header=False)
        table.add_row(words.TOKEN.text(output.lang, {"code": code}), token, style="bold")
        table.add_row(words.VALID_UNTIL.text(output.lang), moment(until_s))
        table.add_row(words.DESK.text(output.lang), address)
        table.add_row(words.DESK_KEY.text(output.lang), Text(desk.public.decode()))
        view.console.print(table)
        view.say(words.ONCE, code=code)
    else:
        row = {"code": code, "token": token, "until": moment(until_s)}
        row |= {"desk": address, "desk_key": desk.public.decode()}
        print(json.dumps(row, ensure_ascii=False))  # noqa: T201 - the verb's own output
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pole stands: its keys that may come in, or the last that could, and its token."""

    code: str
    keys: tuple[HeldKey, ...]
    token: OpenToken | None


def standings(place: LoadedSite, register: Register) -> list[Standing]:
    """Every pole of the site, and every other one that the register knows, in the order of codes."""
    tokens = {token.code: token for token in register.tokens.outstanding()}
    keys: dict[str, list[HeldKey]] = {}
    for held in register.held():
        keys.setdefault(held.code, []).append(held)
    found = []
    for code in sorted({pole.code for pole in place.file.poles} | keys.keys() | tokens.keys()):
        of_pole = keys.get(code, [])
        live = [held for held in of_pole if held.state is not KeyState.REVOKED]
        found.append(Standing(code, tuple(live or of_pole[-1:]), tokens.get(code)))
    return found


def list_(*, site: SiteOption = None, output: Output = Output()) -> int:
    """List the poles and how their keys stand."""
    return run(lambda clock: _list(clock, site, output))


async def _list(clock: Clock, site: SiteOption, output: Output) -> int:
    with register_of(clock, site) as (place, _, register):
        found = standings(place, register)
    now_s = clock.utc_s()
    rows = [row for standing in found for row in _rows(standing, now_s, for_people=not output.json)]
    heads = {"code": words.CODE, "state": words.STATE, "source": words.FROM, "since": words.SINCE, "until": words.UNTIL}
    tell(output, rows, heads)
    return Exit.DONE


def _rows(standing: Standing, now_s: float, *, for_people: bool) -> Iterator[dict[str, Any]]:
    for held in standing.keys:
        yield {
            "code": held.code,
            "state": words.STATES[held.state] if for_people else held.state.value,
            "source": words.SOURCES[held.source] if for_people else held.source.value,
            "since": moment(held.since_s),
            "until": moment(held.until_s),
        }
    token = standing.token
    locked = token is not None and token.state == "locked"
    if token is not None and (locked or token.expires_s > now_s):
        state = words.LOCKED_TOKEN if locked else words.MAY_ENROL
        yield {
            "code": standing.code,
            "state": state if for_people else ("token-locked" if locked else "may-enrol"),
            "source": "",
            "since": moment(token.made_s),
            "until": moment(token.expires_s),
        }
    elif not standing.keys:
        yield {
            "code": standing.code,
            "state": words.NO_KEY if for_people else "none",
            "source": "",
            "since": "",
            "until": "",
        }
