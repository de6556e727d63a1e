"""What the console says, in both languages."""

from __future__ import annotations

from airspace.reasons import Words

HELP = Words(
    "Plan, clear, fly and report drone inspections over a city with smart poles.",
    "城市低空无人机巡检：规划、空域审查、飞行、报告，与智慧灯杆协同。",
)
HELP_DEMO = Words(
    "Simulate a city and fly one inspection in it, end to end.", "模拟一座城市，并从头到尾完成一次巡检飞行。"
)
HELP_PLAN = Words("Plan a request or a mission file without flying it.", "只规划请求或航线文件，不飞行。")
HELP_FLY = Words("Fly a request or a mission file with a configured drone.", "用已配置的无人机执行请求或航线文件。")
HELP_SIM = Words("Simulated drones and poles for others to connect to.", "供外部连接的模拟无人机和灯杆。")
HELP_CITY = Words("Run a simulated city and write the site file to reach it.", "运行模拟城市，并生成连接它的站点文件。")
HELP_CLOSE = Words("Close a flight whose drone will never be heard again.", "关闭一次再也联系不上的飞行。")
HELP_REPORT = Words("Write a run's report again from its folder.", "根据运行文件夹重新生成报告。")

PLAN_OF = Words("Plan of {name}", "{name} 的规划")
REFUSED = Words("refused", "已拒绝")
STOPPED = Words(
    "Stopped. A drone in the air flies its uploaded plan to the end; run `beichen fly` again to pick it up.",
    "已停止。空中的无人机会按已上传的计划完成飞行；再次运行 `beichen fly` 即可继续跟踪。",
)
STOPPED_ONLY = Words("Stopped.", "已停止。")
REPORT_AT = Words("report", "报告")
PICKED_UP = Words(
    "flight {flight} was left open; following it to its landing", "飞行 {flight} 尚未结束，继续跟踪至降落"
)
WAITING = Words(
    "waiting for {drone} at {address} (up to {s:g} s until it is ready)", "等待 {drone}（{address}），最多 {s:g} 秒就绪"
)
STOPPED_DEMO = Words(
    "Stopped; the simulated city ends with its demo. What happened until then is in the run folder under {runs}.",
    "已停止；模拟城市随演示一同结束。此前的记录在 {runs} 下的运行文件夹中。",
)
LANDS_AT = Words("landing at {place}", "降落于 {place}")
LANDED_ON = Words("landed on {place}", "已降落在 {place}")
NOT_LANDED = Words("ended without a landing at a planned place", "已结束，无计划地点的降落")
FIGURES = Words(
    "{minutes:.1f} min, {km:.2f} km, {wh:.1f} Wh, {photos} photos, {seen} of {targets} targets seen",
    "{minutes:.1f} 分钟，{km:.2f} 公里，{wh:.1f} Wh，照片 {photos} 张，目标 {seen}/{targets} 已拍到",
)
CITY_READY = Words("the simulated city is running; fly in it with", "模拟城市已运行，可用以下命令飞行")

LEG, ITEM, BRANCH, PURPOSE, LENGTH, TIME, ENERGY, HEIGHT = (
    Words("leg", "航段"),
    Words("item", "航点"),
    Words("branch", "分支"),
    Words("purpose", "用途"),
    Words("length", "长度"),
    Words("from–to", "起止"),
    Words("energy", "能量"),
    Words("height", "高度"),
)
TOTALS = Words(
    "{km:.2f} km, {minutes:.1f} min, {wh:.0f} of {limit_wh:.0f} Wh usable, {volumes} volumes, {photos} photos",
    "{km:.2f} 公里，{minutes:.1f} 分钟，能量 {wh:.0f}/{limit_wh:.0f} Wh，空域体 {volumes} 个，照片 {photos} 张",
)

PURPOSES = {
    "climb": Words("climb", "爬升"),
    "transit": Words("transit", "转场"),
    "survey": Words("survey", "巡检"),
    "approach": Words("approach", "进近"),
    "hold": Words("hold", "等待"),
    "landing": Words("landing", "降落"),
}

BAR_PLAN = Words("planning", "规划")
BAR_UPLOAD = Words("upload", "上传")
BAR_FLIGHT = Words("flight", "飞行")
BAR_BATTERY = Words("battery", "电量")
POLE = Words("pole", "灯杆")
WIND = Words("wind m/s", "风速 m/s")
DOCK = Words("dock", "机库")
AGE = Words("age s", "时延 s")
DRONE = Words("drone", "无人机")
ORDERS = {
    "arm": Words("arm", "解锁"),
    "disarm": Words("disarm", "上锁"),
    "land": Words("land", "降落"),
    "mission start": Words("mission start", "开始任务"),
    "mode AUTO": Words("mode AUTO", "切换到自动模式（AUTO）"),
    "mode GUIDED": Words("mode GUIDED", "切换到引导模式（GUIDED）"),
    "fence on": Words("fence on", "启用围栏"),
    "fence off": Words("fence off", "关闭围栏"),
    "DroneDock reserve": Words("reserve the dock", "预留机库"),
    "DroneDock open": Words("open the dock", "打开机库"),
    "DroneDock close": Words("close the dock", "关闭机库"),
    "DroneDock release": Words("release the dock", "释放机库"),
    "DroneCharger charge": Words("charge the drone", "为无人机充电"),
    "LampActuator override": Words("light for the landing, or its own program again", "点亮降落灯，或恢复路灯程序"),
}
LEAVE = Words("leave {place}", "离开 {place}")
LAND_AT = Words("land at {place}", "降落于 {place}")
GO_DOWN = Words("go down to {place}", "下降至 {place}")
ANSWERS = {
    "rejected": Words("rejected", "被拒绝"),
    "unknown": Words("not known, look: it may be done", "结果未知，可能已执行，请查看"),
}
OUTCOMES = {
    "completed": Words("completed", "已完成"),
    "refused": Words("refused", "已拒绝"),
    "failed": Words("failed", "未完成"),
    "interrupted": Words("interrupted", "已中断"),
    "unfinished": Words("unfinished: its log has no end", "未结束：日志没有结尾"),
}
