"""What `beichen poles` says, in both languages."""

from __future__ import annotations

from airspace.reasons import Words
from controller.pole_gate import BY_HAND
from poles.keys.doors import DoorState
from poles.keys.register import KeyState, Source
from poles.keys.tokens import WRONG_MOST, Answer

HELP = Words("The poles of a site, and their keys.", "站点灯杆及其密钥。")
HELP_ENROL = Words(
    "Let a pole enrol: makes a one-time token, which is shown this once.", "允许灯杆登记：生成一次性令牌，仅显示一次。"
)
HELP_LIST = Words("List the poles and how their keys stand.", "列出灯杆及其密钥状态。")
HELP_AGENT = Words(
    "Be a pole: run its agent over the drivers that its file names, until it is stopped.",
    "运行灯杆代理：按配置文件连接驱动，直到停止。",
)
HELP_SERVE = Words(
    "Run the gateway of a site, for poles, for the other verbs and for the missions that alarms ask for, until it is "
    "stopped; `beichen fly` runs one itself.",
    "运行站点网关，供灯杆接入、其他命令使用，并响应告警执行任务，直到停止；`beichen fly` 自带网关。",
)
HELP_SHOW = Words("Tell all that a running gateway knows of one pole.", "显示运行中的网关所知的一根灯杆的全部信息。")
HELP_WATCH = Words(
    "Watch the poles of a running gateway: a live table, or one line per change where there is no terminal.",
    "观察运行中网关的灯杆：终端中为实时表格，否则每次变化输出一行。",
)
HELP_COMMAND = Words(
    "Order a pole to act, and wait until it has; what is not known is said.",
    "向灯杆下达指令并等待完成；结果未知时会明确说明。",
)
HELP_DESIRED = Words(
    "Have a function of a pole set from now on; without values, tell what is not as desired.",
    "设定灯杆功能的期望配置；不给取值时显示与期望不符之处。",
)
HELP_ACKNOWLEDGE = Words("Say that somebody has seen an alarm.", "确认告警。")
HELP_RESPOND = Words(
    "Fly or leave a mission that an alarm asks for; without one, list what is to be decided.",
    "执行或放弃告警请求的任务；不给出时列出待定建议。",
)
HELP_SIMULATE = Words(
    "Run simulated poles over CURVE against a gateway, with the site and the keys made for them.",
    "运行经 CURVE 接入网关的模拟灯杆，并为其生成站点与密钥。",
)
HELP_KEYS = Words("Keys of the poles and of the gateway.", "灯杆与网关的密钥。")
HELP_MAKE = Words(
    "Make the gateway's and the enrolment desk's key files where they are missing, and show the public halves.",
    "生成缺少的网关与登记处密钥文件，并显示公钥。",
)
HELP_HISTORY = Words(
    "Tell what happened to the keys of one pole or of all, and who tried to enrol.",
    "显示一根或全部灯杆的密钥历史，以及登记尝试。",
)
HELP_REVOKE = Words(
    "Lock a pole out for good; a running gateway cuts it off within a second.",
    "永久吊销灯杆密钥；运行中的网关会在一秒内断开。",
)
HELP_RENEW = Words(
    "Ask poles to make a new key; the old one holds until the new one is used.",
    "要求灯杆更换密钥；新密钥启用前旧密钥有效。",
)
HELP_RENEW_SERVER = Words(
    "Make a new key for the gateway, at a port of its own; poles are told, and the old port is closed when all have "
    "come or after --days.",
    "为网关更换密钥并使用新端口；网关会通知灯杆，全部迁移或超过 --days 后关闭旧端口。",
)
HELP_DOORS = Words("Show the gateway's keys and where they are answered.", "显示网关密钥及其监听地址。")
HELP_EXPORT = Words("Write the public keys of the poles as JSON.", "将灯杆公钥导出为 JSON。")

TOKEN = Words("token of {code}", "{code} 的令牌")
VALID_UNTIL = Words("valid until", "有效期至")
DESK = Words("enrolment desk", "登记处")
DESK_KEY = Words("its public key", "登记处公钥")
ONCE = Words(
    "It works once and cannot be shown again. Type it into the pole, or `beichen poles enrol {code}` for a new one.",
    "令牌仅可使用一次，且不会再次显示。请输入灯杆；需要时可用 `beichen poles enrol {code}` 重新生成。",
)
CODE, STATE, SINCE, FROM, UNTIL, KEY = (
    Words("code", "城市码"),
    Words("key", "密钥"),
    Words("since", "起始"),
    Words("from", "来源"),
    Words("until", "截止"),
    Words("public key", "公钥"),
)
WHEN, WHAT, WHO, DETAIL = Words("when", "时间"), Words("what", "事件"), Words("who", "操作人"), Words("detail", "详情")
LISTEN, ADDRESS, FILE = Words("listens at", "监听"), Words("told to poles", "告知灯杆"), Words("file", "文件")
NO_KEY = Words("none", "无")
MAY_ENROL = Words("may enrol", "可登记")
LOCKED_TOKEN = Words("token locked", "令牌已锁定")
STATES = {
    KeyState.VALID: Words("valid", "有效"),
    KeyState.NEW: Words("new, not used yet", "新密钥，尚未使用"),
    KeyState.REVOKED: Words("revoked", "已吊销"),
}
SOURCES = {
    Source.TOKEN: Words("token", "令牌"),
    Source.ROTATION: Words("renewal", "更换"),
    Source.FILE: Words("site file", "站点文件"),
}
DOORS = {
    DoorState.OPEN: Words("open", "开放"),
    DoorState.LEAVING: Words("being left", "迁移中"),
    DoorState.CLOSED: Words("closed", "已关闭"),
}
CHANGES = {
    "admitted": Words("let in", "准入"),
    "offered": Words("new key let in beside the old one", "新密钥准入，与旧密钥并存"),
    "proven": Words("new key used", "新密钥已启用"),
    "revoked": Words("revoked", "吊销"),
    "lapsed": Words("new key never used, lapsed", "新密钥未启用，已失效"),
    "asked": Words("asked for a new key", "要求更换密钥"),
    "token": Words("token made", "生成令牌"),
    "locked": Words("token locked", "令牌锁定"),
    "door": Words("server key opened", "启用服务器密钥"),
    "closed": Words("server key closed", "停用服务器密钥"),
}
DETAILS = {
    **{source.value: said for source, said in SOURCES.items()},
    BY_HAND: SOURCES[Source.FILE],
    "first": Words("first", "首个"),
    "renewed": Words("renewed", "更换"),
    "replaced": Words("replaced", "已被新密钥取代"),
    "its term is over": Words("its term is over", "期限已到"),
    "all poles have come through the new door": Words(
        "all poles have come through the new door", "全部灯杆已改用新密钥"
    ),
    f"{WRONG_MOST} wrong tokens": Words(f"{WRONG_MOST} wrong tokens", f"{WRONG_MOST} 次令牌错误"),
    Answer.ADMITTED: Words("let in", "准入"),
    Answer.AGAIN: Words("let in, told again", "准入，重复答复"),
    Answer.WRONG: Words("wrong token", "令牌错误"),
    Answer.USED: Words("token used before", "令牌已使用"),
    Answer.NONE: Words("no token open", "没有有效令牌"),
    Answer.EXPIRED: Words("token expired", "令牌已过期"),
    Answer.LOCKED: Words("token locked", "令牌已锁定"),
    Answer.NOT_ITS_KEY: Words("not the key of its connection", "不是其连接的密钥"),
    Answer.REFUSED_KEY: Words("weak, revoked or another's key", "密钥过弱、已吊销或属于其他灯杆"),
    Answer.MALFORMED: Words("cannot be read", "无法解析"),
    Answer.VERSION: Words("another version of the protocol", "协议版本不同"),
}  # what the register writes of a change, in words
ATTEMPT = Words("tried to enrol", "尝试登记")
REVOKED = Words("keys of {code} revoked: {count}", "已吊销 {code} 的 {count} 个密钥")
ASKED = Words("poles asked for a new key: {count}", "已要求 {count} 根灯杆更换密钥")
RENEWED = Words(
    "the new key is in {file}; poles are told of {address} until {until}, then only it is answered. Open its port in "
    "the firewall now.",
    "新密钥保存在 {file}；{until} 前通知灯杆改用 {address}，之后只应答新密钥。请立即在防火墙放行该端口。",
)
MADE = Words("made {file}", "已生成 {file}")
WRITTEN = Words("public keys in {path}: {count}", "已将 {count} 个公钥写入 {path}")

ASKS_DESK = Words("{code} asks the desk at {address} to be let in", "{code} 正在向登记处 {address} 申请登记")
LISTENING = Words(
    "poles may connect to {address}; the other verbs find this gateway by its site file. Ctrl-C ends it.",
    "灯杆可连接至 {address}；其他命令通过站点文件找到本网关。按 Ctrl-C 结束。",
)
FUNCTION, AGE, READINGS = Words("function", "功能"), Words("age", "距今"), Words("readings", "读数")
DOUBTS, SETTINGS, SETTING = Words("doubts", "疑点"), Words("settings", "设置"), Words("setting", "设置项")
DESIRED, REPORTED, WHY = Words("desired", "期望"), Words("reported", "实际"), Words("why", "原因")
POLE, ALARM, FUNCTIONS = Words("pole", "灯杆"), Words("alarm", "告警"), Words("functions", "功能数")
SILENT_FUNCTIONS, ALARMS = Words("silent functions", "静默功能"), Words("alarms", "告警数")
STATUS = Words("state", "状态")
SILENT_HEAD, DIFFER = Words("silent", "静默功能"), Words("differ", "不符")
YES, NO = Words("yes", "是"), Words("no", "否")
RESPONSE, MISSION, DRONE = Words("proposal", "建议"), Words("mission", "任务"), Words("drone", "无人机")
POLE_STATES = {
    "heard": Words("heard", "在线"),
    "silent": Words("silent", "静默"),
    "awaited": Words("not heard yet", "尚未接入"),
    "away": Words("away, as it said", "已告知离线"),
    "locked-out": Words("no valid key", "无有效密钥"),
}
STATUSES = {
    "met": Words("as desired", "符合期望"),
    "waiting": Words("no answer yet", "等待应答"),
    "refused": Words("refused by the pole", "灯杆拒绝"),
    "differs": Words("set otherwise", "实际不同"),
}
INTRODUCED = Words(
    "at {lat:.6f}, {lon:.6f}; last word {age} ago; {firmware}, boot {boot}",
    "位于 {lat:.6f}, {lon:.6f}；{age} 前有消息；{firmware}，启动号 {boot}",
)
IN_OUTAGE = Words("silent because {supply} is down", "因 {supply} 故障而静默")
ACCEPTED = Words("accepted: the pole has begun", "已接受：灯杆开始执行")
PROGRESS = Words("{percent:.0f} % {words}", "{percent:.0f} % {words}")
OUTCOMES = {
    "accepted": Words("{words}", "{words}"),
    "rejected": Words("rejected: {words}", "已拒绝：{words}"),
    "unknown": Words("unknown: {words}", "结果未知：{words}"),
}
WISHED = Words("version {version}: {status}", "版本 {version}：{status}")
ALL_AS_DESIRED = Words("all is as desired", "全部符合期望")
ACKNOWLEDGED = Words("acknowledged: {alarm}", "已确认：{alarm}")
ACKNOWLEDGED_BEFORE = Words("{who} acknowledged it before: {alarm}", "此前已由 {who} 确认：{alarm}")
NOTHING_PROPOSED = Words("nothing is to be decided", "没有待定的建议")
FLIES = Words("{response} is flown as run {run}", "{response} 已开始执行，运行号 {run}")
LEFT = Words("{response} is left", "已放弃 {response}")
FLIGHTS_GO_ON = Words(
    "Waiting for flights that answer alarms; Ctrl-C leaves them to their uploaded plans.",
    "正在等待响应告警的飞行结束；按 Ctrl-C 则由其按已上传的计划完成。",
)
TOTALS = Words(
    "{heard} of {known} poles heard, {silent} silent; {alarms} alarms, {down} supplies down",
    "{known} 根灯杆中 {heard} 根在线，{silent} 根静默；告警 {alarms} 条，供给故障 {down} 处",
)
MORE = Words("and {poles} more poles, {alarms} more alarms", "另有 {poles} 根灯杆、{alarms} 条告警")
DOWN = Words("{supply} is down: {members} poles silent", "{supply} 故障：{members} 根灯杆静默")
NOBODY = Words("no pole is heard: {members} are silent", "无任何灯杆在线：{members} 根静默")
OVER = Words("over", "已结束")
WAS_ACKNOWLEDGED = Words("acknowledged by {who}", "由 {who} 确认")
SIMULATED = Words(
    "{count} poles of {site} connect to {address}; run `beichen poles serve --site {site}` beside this. "
    "Ctrl-C ends it.",
    "{site} 的 {count} 根灯杆正在连接 {address}；请另行运行 `beichen poles serve --site {site}`。按 Ctrl-C 结束。",
)
