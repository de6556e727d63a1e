"""The phases of a flight as one table: what each means, and where it may go from there."""

from __future__ import annotations

from airspace.reasons import Words
from controller.events import Phase

NEXT: dict[Phase, tuple[Phase, ...]] = {
    Phase.PLANNED: (Phase.GATES, Phase.ENDED),
    Phase.GATES: (Phase.UPLOADING, Phase.ENDED),
    Phase.UPLOADING: (Phase.ARMING, Phase.ENDED),
    Phase.ARMING: (Phase.FLYING, Phase.ENDED),
    Phase.FLYING: (Phase.HOLDING, Phase.LANDING, Phase.ENDED),
    Phase.HOLDING: (Phase.LANDING, Phase.ENDED),
    Phase.LANDING: (Phase.HOLDING, Phase.ENDED),  # back to the hold when the dock below is no longer ready
    Phase.ENDED: (),
}

# Before these the drone stands untouched, so a flight can be given up without a word to it.
ON_GROUND = (Phase.PLANNED, Phase.GATES, Phase.UPLOADING)

PHASE_WORDS: dict[Phase, Words] = {
    Phase.PLANNED: Words("airspace reserved", "空域已预留"),
    Phase.GATES: Words("checking the launch gates", "检查放飞条件"),
    Phase.UPLOADING: Words("uploading and reading back", "上传并回读核对"),
    Phase.ARMING: Words("arming and starting", "解锁并启动任务"),
    Phase.FLYING: Words("flying", "飞行中"),
    Phase.HOLDING: Words("holding for the dock", "等待机库就绪"),
    Phase.LANDING: Words("landing", "降落中"),
    Phase.ENDED: Words("ended", "已结束"),
}


def allowed(now: Phase, then: Phase) -> bool:
    """Whether a flight may go from one phase to another."""
    return then in NEXT[now]
