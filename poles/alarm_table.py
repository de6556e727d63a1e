"""The poles' part of the alarm table: what the gateway finds out itself, and the failures that services tell of."""

from __future__ import annotations

from airspace.reasons import AlarmSpec, Severity, Words
from poles.services import ALARM_CODES

POLE_SILENT = "pole.silent"
SENSOR_SILENT = "pole.sensor-silent"
SUPPLY_DOWN = "pole.supply-down"
ALL_SILENT = "pole.all-silent"
FLOODING = "pole.flooding"
CLOCK_WRONG = "pole.clock-wrong"
IMPLAUSIBLE = "pole.implausible"
SENSOR_FAULTY = "pole.sensor-faulty"
DESIRED_UNMET = "pole.desired-unmet"
UNKNOWN = "pole.unknown-alarm"

GATEWAY_ALARMS: dict[str, AlarmSpec] = {
    POLE_SILENT: AlarmSpec(
        Severity.CAUTION,
        Words("pole {subject} has been silent for {age_s:.0f} s", "灯杆 {subject} 已 {age_s:.0f} 秒无消息"),
        Words("Check its power and network.", "请检查其供电和网络。"),
    ),
    SENSOR_SILENT: AlarmSpec(
        Severity.CAUTION,
        Words(
            "pole {subject} speaks, but its {function} has not reported for {age_s:.0f} s",
            "灯杆 {subject} 在线，但其 {function} 已 {age_s:.0f} 秒未上报",
        ),
        Words(
            "Have the sensor and its wiring looked at; nothing rests on its last value.",
            "请检查该传感器及其接线；其最后数值不再作为依据。",
        ),
    ),
    SUPPLY_DOWN: AlarmSpec(
        Severity.WARNING,
        Words(
            "{subject} is down: {count} of its {of} poles are silent so far",
            "{subject} 中断：其 {of} 根灯杆中已有 {count} 根失联",
        ),
        Words(
            "Call whoever runs it; its poles need no visit before it is back.",
            "请联系其运营方；恢复之前无需逐杆检修。",
        ),
    ),
    ALL_SILENT: AlarmSpec(
        Severity.WARNING,
        Words("no pole is heard: {count} fell silent together", "收不到任何灯杆的消息：{count} 根灯杆同时失联"),
        Words(
            "Check the controller's own network first; the poles keep what they measure.",
            "请先检查本控制器的网络；灯杆会保存其测量数据。",
        ),
    ),
    FLOODING: AlarmSpec(
        Severity.CAUTION,
        Words(
            "pole {subject} sends more than it may ({held} messages wait); it is served slowly",
            "灯杆 {subject} 发送超限（积压 {held} 条），已被限速",
        ),
        Words("Update or restart its firmware.", "请升级或重启其固件。"),
    ),
    CLOCK_WRONG: AlarmSpec(
        Severity.NOTICE,
        Words("the clock of pole {subject} is {error_s:+.1f} s off", "灯杆 {subject} 的时钟偏差 {error_s:+.1f} 秒"),
        Words(
            "Its readings are dated by their arrival meanwhile; check its time source.",
            "其数据暂按到达时间计时；请检查其授时。",
        ),
    ),
    IMPLAUSIBLE: AlarmSpec(
        Severity.CAUTION,
        Words(
            "pole {subject}: {function} {field} is not plausible ({flags}), last {value}",
            "灯杆 {subject}：{function} 的 {field} 不可信（{flags}），最新值 {value}",
        ),
        Words(
            "The value is left out of all decisions; have the sensor looked at.",
            "该值不再参与任何判断；请检查该传感器。",
        ),
    ),
    SENSOR_FAULTY: AlarmSpec(
        Severity.CAUTION,
        Words("pole {subject} says that its {function} does not work", "灯杆 {subject} 报告其 {function} 故障"),
        Words("Have the sensor repaired; its values are not used.", "请维修该传感器；其数值不再使用。"),
    ),
    DESIRED_UNMET: AlarmSpec(
        Severity.NOTICE,
        Words(
            "pole {subject}: {function} has not taken its settings: {why}",
            "灯杆 {subject}：{function} 未按设定生效：{why}",
        ),
        Words("Look at the difference; correct the settings or the pole.", "请查看差异，并更正设定或检修灯杆。"),
    ),
    UNKNOWN: AlarmSpec(
        Severity.CAUTION,
        Words("pole {subject} raises {code}, which is not in the table", "灯杆 {subject} 上报了表中没有的告警 {code}"),
        Words("Update the controller, or correct the pole's firmware.", "请升级控制器，或更正灯杆固件。"),
    ),
}

POLE_ALARMS: dict[str, AlarmSpec] = {**GATEWAY_ALARMS, **ALARM_CODES}
