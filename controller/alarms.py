"""The table of alarms: code, severity, words in both languages and the one recommended action.

An alarm that is not in the table cannot be raised. The poles' rows are their own (`poles.alarm_table`): they are raised
by the gateway, or by the poles themselves.
"""

from __future__ import annotations

from enum import StrEnum

from airspace.reasons import AlarmSpec, Severity, Words
from poles.alarm_table import POLE_ALARMS, POLE_SILENT


class Alarm(StrEnum):
    """The codes of the alarms that the controller raises."""

    LINK_LOST = "link.lost"
    LINK_BACK = "link.back"
    STREAM_STALE = "stream.stale"
    BATTERY_LOW = "battery.low"
    FIX_DEGRADED = "gnss.degraded"
    WIND_HIGH = "wind.high"
    OFF_ROUTE = "route.left"
    ZONE_ENTERED = "zone.entered"
    FENCE_BREACHED = "fence.breached"
    DOCK_NOT_READY = "dock.not-ready"
    DIVERTED = "flight.diverted"
    MODE_CHANGED = "flight.mode-changed"
    POLE_SILENT = POLE_SILENT
    CONTROLLER_RESTARTED = "controller.restarted"
    AUTOPILOT_SAYS = "autopilot.says"
    NO_PHOTOS = "camera.no-photos"
    RECORDING_STOPPED = "recording.stopped"
    DOCK_NOT_CLOSED = "dock.not-closed"
    DOCK_NOT_CHARGING = "dock.not-charging"
    TRAFFIC_NEAR = "traffic.near"
    RESPONSE_PROPOSED = "response.proposed"
    RESPONSE_FAILED = "response.failed"
    IMPOSTOR = "traffic.impostor"
    NOT_SEEN_TO_START = "flight.start-unseen"
    CONSOLE_LOST = "console.lost"
    AIRSPACE_CHANGED = "airspace.changed"
    REGISTER_BEHIND = "register.behind"
    POLE_KEYS_UNREAD = "pole-keys.unread"
    NOT_FORGOTTEN = "poles.not-forgotten"


ALARMS: dict[str, AlarmSpec] = {
    **POLE_ALARMS,
    Alarm.LINK_LOST: AlarmSpec(
        Severity.WARNING,
        Words("no word from {subject} for {age_s:.0f} s", "{subject} 已 {age_s:.0f} 秒无消息"),
        Words(
            "Watch its planned landing place; it flies its uploaded plan to the end by itself.",
            "留意其计划降落点；无人机会按已上传的计划自行完成飞行。",
        ),
    ),
    Alarm.LINK_BACK: AlarmSpec(
        Severity.NOTICE,
        Words("{subject} is heard again after {age_s:.0f} s", "{subject} 中断 {age_s:.0f} 秒后恢复联系"),
        Words("Check its position and battery.", "请核对其位置和电量。"),
    ),
    Alarm.STREAM_STALE: AlarmSpec(
        Severity.CAUTION,
        Words("{subject}: {stream} is {age_s:.0f} s old", "{subject}：{stream} 数据已过期 {age_s:.0f} 秒"),
        Words("Decide nothing on this value until it is fresh again.", "在数据恢复之前，请勿据此作出决定。"),
    ),
    Alarm.BATTERY_LOW: AlarmSpec(
        Severity.WARNING,
        Words(
            "{subject}: battery at {remaining_pct:.0f} %, reserve is {reserve_pct:.0f} %",
            "{subject}：剩余电量 {remaining_pct:.0f}%，储备线为 {reserve_pct:.0f}%",
        ),
        Words("End the flight at the nearest landing place.", "请在最近的降落点结束飞行。"),
    ),
    Alarm.FIX_DEGRADED: AlarmSpec(
        Severity.CAUTION,
        Words("{subject}: satellite fix fell to {fix}", "{subject}：卫星定位降级为 {fix}"),
        Words(
            "Expect a wider track; do not land on a dock until the fix is back.",
            "航迹误差会增大；定位恢复前不要在机库降落。",
        ),
    ),
    Alarm.WIND_HIGH: AlarmSpec(
        Severity.CAUTION,
        Words(
            "{subject} measures gusts of {wind_mps:.1f} m/s, limit {limit_mps:.1f} m/s ({age_s:.0f} s ago; stations "
            "around differ by {spread_mps:.1f} m/s)",
            "{subject} 测得阵风 {wind_mps:.1f} m/s，限值 {limit_mps:.1f} m/s（{age_s:.0f} 秒前；"
            "周围各站相差 {spread_mps:.1f} m/s）",
        ),
        Words(
            "Hold further launches; let the flying drone finish or call it down.",
            "暂停后续起飞；让在飞无人机完成任务或召回。",
        ),
    ),
    Alarm.OFF_ROUTE: AlarmSpec(
        Severity.WARNING,
        Words(
            "{subject} is {distance_m:.0f} m outside its reserved airspace",
            "{subject} 偏离预留空域 {distance_m:.0f} 米",
        ),
        Words("Warn others nearby; check wind and fix.", "通知附近飞行；检查风和定位。"),
    ),
    Alarm.ZONE_ENTERED: AlarmSpec(
        Severity.EMERGENCY,
        Words("{subject} is inside zone {zone}", "{subject} 已进入禁区 {zone}"),
        Words("Tell the zone's authority now; order the drone out.", "立即通知空域管理方，并令无人机离开。"),
    ),
    Alarm.FENCE_BREACHED: AlarmSpec(
        Severity.EMERGENCY,
        Words("{subject} reports that it left its geofence", "{subject} 报告越出电子围栏"),
        Words(
            "The drone ends its flight by itself; clear the ground below it.",
            "无人机将自行结束飞行；请清空其下方地面。",
        ),
    ),
    Alarm.DOCK_NOT_READY: AlarmSpec(
        Severity.WARNING,
        Words("dock {subject} is not ready: {why}", "机库 {subject} 未就绪：{why}"),
        Words("Another landing place is used; send someone to look at the dock.", "将改用其他降落点；请派人查看机库。"),
    ),
    Alarm.DIVERTED: AlarmSpec(
        Severity.WARNING,
        Words("{subject} lands at {landing} instead of {planned}", "{subject} 改降 {landing}（原定 {planned}）"),
        Words("Fetch the drone from there after landing.", "降落后请到该处取回无人机。"),
    ),
    Alarm.MODE_CHANGED: AlarmSpec(
        Severity.WARNING,
        Words("{subject} left AUTO for {mode}", "{subject} 由 AUTO 转为 {mode} 模式"),
        Words("Ask who or what changed it; it is not flown by Beichen now.", "请查明原因；此刻它不受北辰控制。"),
    ),
    Alarm.CONTROLLER_RESTARTED: AlarmSpec(
        Severity.CAUTION,
        Words("the controller restarted while {subject} was flying", "{subject} 飞行中控制器重新启动"),
        Words(
            "Check that the picture is complete; the flight is followed to its landing.",
            "请核对态势；飞行将被跟踪至降落。",
        ),
    ),
    Alarm.AUTOPILOT_SAYS: AlarmSpec(
        Severity.CAUTION,
        Words("{subject} says: {text}", "{subject} 报告：{text}"),
        Words(
            "Read the message; the flight goes on unless another alarm says otherwise.",
            "请阅读该消息；如无其他告警，飞行继续。",
        ),
    ),
    Alarm.NO_PHOTOS: AlarmSpec(
        Severity.NOTICE,
        Words("{subject} reported no photos, {planned} were planned", "{subject} 未回报照片，计划拍摄 {planned} 张"),
        Words("Check the camera before the next flight; look at its card.", "下次飞行前检查相机及存储卡。"),
    ),
    Alarm.RECORDING_STOPPED: AlarmSpec(
        Severity.CAUTION,
        Words("telemetry of {subject} is no longer recorded: {why}", "{subject} 的遥测已停止记录：{why}"),
        Words("Free disk space; the flight itself is not touched.", "请清理磁盘空间；飞行本身不受影响。"),
    ),
    Alarm.DOCK_NOT_CLOSED: AlarmSpec(
        Severity.WARNING,
        Words("dock {subject} did not close after the flight: {why}", "机库 {subject} 在飞行后未关闭：{why}"),
        Words("Send someone to close it; a drone may stand in it uncovered.", "请派人关闭；库内可能有未遮盖的无人机。"),
    ),
    Alarm.DOCK_NOT_CHARGING: AlarmSpec(
        Severity.CAUTION,
        Words("dock {subject} does not charge the drone: {why}", "机库 {subject} 未给无人机充电：{why}"),
        Words("Send someone to look at its charger before the next flight.", "下次飞行前请派人检查其充电器。"),
    ),
    Alarm.TRAFFIC_NEAR: AlarmSpec(
        Severity.WARNING,
        Words(
            "{other} ({source}) comes within {distance_m:.0f} m of {subject} in {in_s:.0f} s; it is known to "
            "{error_m:.0f} m",
            "{other}（{source}）将在 {in_s:.0f} 秒后距 {subject} 仅 {distance_m:.0f} 米；其位置误差 {error_m:.0f} 米",
        ),
        Words(
            "Look for it; order the drone to hold or land if it keeps coming.",
            "请目视搜索；若继续接近，请令无人机悬停或降落。",
        ),
    ),
    Alarm.RESPONSE_PROPOSED: AlarmSpec(
        Severity.CAUTION,
        Words(
            "alarm {alarm} on {subject}: mission {mission} is proposed",
            "{subject} 告警 {alarm}：建议执行任务 {mission}",
        ),
        Words("Look at the alarm, then fly the mission or leave it.", "请查看告警，然后执行或放弃该任务。"),
    ),
    Alarm.RESPONSE_FAILED: AlarmSpec(
        Severity.WARNING,
        Words(
            "{subject} asked for mission {mission}, which is not flown to its end: {why}",
            "{subject} 请求的任务 {mission} 未能完成：{why}",
        ),
        Words(
            "Look at the alarm and decide with `beichen poles respond`; a drone in the air ends its plan by itself.",
            "请查看告警，用 `beichen poles respond` 决定；空中的无人机会自行完成计划。",
        ),
    ),
    Alarm.IMPOSTOR: AlarmSpec(
        Severity.WARNING,
        Words(
            "somebody broadcasts the identity of {subject} {distance_m:.0f} m away from it",
            "距 {subject} {distance_m:.0f} 米处有人广播其身份",
        ),
        Words(
            "Treat it as a stranger: look for it, and tell the police if it stays.",
            "请视为不明飞行器：目视搜索；若持续存在请报警。",
        ),
    ),
    Alarm.NOT_SEEN_TO_START: AlarmSpec(
        Severity.WARNING,
        Words("{subject} was told to start and may be flying: {why}", "{subject} 已接到起飞指令，可能正在飞行：{why}"),
        Words(
            "Keep clear of it; it is followed until it is seen on the ground.",
            "请勿靠近；系统将持续跟踪，直至确认其落地。",
        ),
    ),
    Alarm.CONSOLE_LOST: AlarmSpec(
        Severity.NOTICE,
        Words("{subject} cannot be written to any more: {why}", "{subject} 无法继续输出：{why}"),
        Words("The flight goes on; read its report afterwards.", "飞行不受影响；请在结束后查看报告。"),
    ),
    Alarm.AIRSPACE_CHANGED: AlarmSpec(
        Severity.WARNING,
        Words(
            "{other} now stands in the airspace that {subject} still has to fly through",
            "{other} 现位于 {subject} 尚需飞经的空域",
        ),
        Words(
            "Order the drone home or down before it gets there, or clear it with whoever published it.",
            "请在无人机到达前令其返航或降落，或与发布方协调放行。",
        ),
    ),
    Alarm.REGISTER_BEHIND: AlarmSpec(
        Severity.CAUTION,
        Words("the shared register cannot be kept in step: {why}", "无法与共享登记库保持同步：{why}"),
        Words(
            "Others may not see this flight; tell them, and look at the register's file.",
            "其他运营方可能看不到本次飞行；请通知对方并检查登记库文件。",
        ),
    ),
    Alarm.POLE_KEYS_UNREAD: AlarmSpec(
        Severity.WARNING,
        Words(
            "the register of poles cannot be followed: {subject}; nobody can be let in or locked out",
            "无法读取灯杆登记库：{subject}；不能准入或吊销灯杆",
        ),
        Words(
            "Look at the file, its permissions and the disk; what was known last holds until then.",
            "请检查该文件、权限与磁盘；恢复前沿用最后已知状态。",
        ),
    ),
    Alarm.NOT_FORGOTTEN: AlarmSpec(
        Severity.CAUTION,
        Words(
            "what poles said before keep_poles_days could not be deleted from {subject}: {why}",
            "无法从 {subject} 删除超过 keep_poles_days 的灯杆数据：{why}",
        ),
        Words(
            "Look at the disk and the event store's file; it is tried again in an hour.",
            "请检查磁盘与事件库文件；一小时后重试。",
        ),
    ),
}
