"""How many sockets a process may have open."""

from __future__ import annotations

import resource

from airspace.reasons import Reason, Refused, Rule, Words

SPARE = 256  # for all that is no pole

TOO_FEW = Rule(
    "poles.files",
    Words(
        "{poles} poles need {need} open files, and this process may have {most}",
        "{poles} 根灯杆需要 {need} 个打开文件，本进程最多 {most} 个",
    ),
    Words(
        "Raise the limit: ulimit -n {need}, or LimitNOFILE in its unit.",
        "请提高上限：ulimit -n {need}，或单元文件中的 LimitNOFILE。",
    ),
)


def allow_files(poles: int, *, at_each: int) -> None:
    """Have room for so many poles with so many files each, as far as the system lets us. Raises Refused."""
    need = SPARE + poles * at_each
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < need:
        if hard != resource.RLIM_INFINITY and hard < need:
            raise Refused([Reason(TOO_FEW, "", {"poles": poles, "need": need, "most": hard})])
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
