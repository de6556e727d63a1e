"""What was looked at while planning, with the numbers that decided it, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from missions.contingency import Contingency
from missions.energy import usable_wh
from missions.fence import MOST_CORNERS, Fence
from missions.plan import Check, Leg, PlanVolume, Target
from missions.setting import Setting


@dataclass(frozen=True, slots=True)
class Findings:
    """What planning found out about a flight; energies [Wh]."""

    legs: tuple[Leg, ...]
    volumes: tuple[PlanVolume, ...]
    contingency: Contingency
    fence: Fence
    energy_wh: float
    worst_wh: float
    clearance_m: float | None
    targets: tuple[Target, ...]
    items: int


def checks_of(setting: Setting, findings: Findings) -> tuple[Check, ...]:
    """Every check of a plan that passed, in the order in which people ask."""
    return (
        _zones(setting, findings),
        _height(setting),
        _energy(setting, findings),
        _contingency(findings),
        _fence(setting, findings),
        _wind(setting),
        _targets(setting, findings),
        _items(findings),
    )


def _zones(setting: Setting, findings: Findings) -> Check:
    if findings.clearance_m is None:
        return Check("zones", True, "no zone at these heights and times", "该高度和时段内没有限制区域")
    least_m, margin_m = findings.clearance_m, setting.lateral_m
    count = len(findings.volumes)
    return Check(
        "zones",
        least_m > margin_m,
        f"{count} volumes free of zones; nearest zone {least_m:.1f} m from a leg, margin {margin_m:.1f} m",
        f"{count} 个空域体均未触及限制区域；航段距最近区域 {least_m:.1f} 米，余量 {margin_m:.1f} 米",
    )


def _height(setting: Setting) -> Check:
    height_m, limit_m = setting.request.height_agl_m, setting.site.limits.max_agl_m
    return Check(
        "height",
        height_m < limit_m,
        f"{height_m:g} m above ground, below {limit_m:g} m",
        f"离地 {height_m:g} 米，低于 {limit_m:g} 米",
    )


def _energy(setting: Setting, findings: Findings) -> Check:
    limit_wh = usable_wh(setting.drone, setting.reserve_fraction)
    needed_wh, worst_wh, reserve = findings.energy_wh, findings.worst_wh, setting.reserve_fraction
    return Check(
        "energy",
        max(needed_wh, worst_wh) <= limit_wh,
        f"{needed_wh:.1f} Wh with hold and longest branch, {worst_wh:.1f} Wh when broken off at the worst place, "
        f"of {limit_wh:.1f} Wh usable ({reserve:.0%} in reserve)",
        f"含等待及最远分支 {needed_wh:.1f} Wh，最不利处中止 {worst_wh:.1f} Wh，"
        f"可用 {limit_wh:.1f} Wh（保留 {reserve:.0%}）",
    )


def _contingency(findings: Findings) -> Check:
    refuges, farthest_m = findings.contingency.refuges, max(findings.contingency.farthest_m)
    names = ", ".join(refuge.name for refuge in refuges)
    return Check(
        "contingency",
        True,
        f"from every point a clear straight return of at most {farthest_m:.0f} m to: {names}",
        f"任意点均可直线返航，最远 {farthest_m:.0f} 米，可达：{names}",
    )


def _fence(setting: Setting, findings: Findings) -> Check:
    corners, margin_m, exclusions = findings.fence.corners, setting.lateral_m, len(findings.fence.exclusions)
    return Check(
        "fence",
        corners <= MOST_CORNERS,
        f"{corners} corners of at most {MOST_CORNERS}, {exclusions} exclusions; holds legs and returns with "
        f"{margin_m:.1f} m",
        f"{corners} 个角点（上限 {MOST_CORNERS}），禁入区 {exclusions} 个；"
        f"包含全部航段及返航航路，余量 {margin_m:.1f} 米",
    )


def _wind(setting: Setting) -> Check:
    asked_mps = setting.request.max_wind_mps
    limit_mps = min(setting.drone.max_wind_mps, setting.drone.max_wind_mps if asked_mps is None else asked_mps)
    return Check(
        "wind",
        setting.wind_mps <= limit_mps,
        f"planned for up to {setting.wind_mps:g} m/s from any side, limit {limit_mps:g} m/s",
        f"按任意方向最大风速 {setting.wind_mps:g} 米/秒规划，限值 {limit_mps:g} 米/秒",
    )


def _targets(setting: Setting, findings: Findings) -> Check:
    targets, reach_m = findings.targets, setting.request.camera.max_target_distance_m
    missed = [target.name for target in targets if not target.covered]
    seen = len(targets) - len(missed)
    en, zh = f"{seen} of {len(targets)} targets within {reach_m:g} m of the camera", ""
    zh = f"{len(targets)} 个目标中 {seen} 个在相机 {reach_m:g} 米范围内"
    if missed:
        en, zh = f"{en}; not seen: {', '.join(missed)}", f"{zh}；未覆盖：{'、'.join(missed)}"
    return Check("targets", not targets or seen > 0, en, zh)


def _items(findings: Findings) -> Check:
    items, legs = findings.items, len(findings.legs)
    return Check("items", True, f"{items} mission items, {legs} legs", f"{items} 个任务项，{legs} 个航段")
