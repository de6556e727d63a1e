"""A simulated lamp: its command, its setting, and the memory of what was answered (§6, §7, §10)."""

from tests.stranger.wire import RULES, Body, holds

WORDS = {
    "pole.command.expired": ("the command came too late", "命令已过期"),
    "pole.function.absent": ("the pole has no such function", "灯杆没有该功能"),
    "pole.action.unknown": ("the function has no such action", "该功能没有此操作"),
    "pole.action.parameters": ("the parameters are not those of the action", "操作参数有误"),
    "pole.settings.absent": ("the pole has no such settings", "灯杆没有该设置"),
    "pole.settings.malformed": ("a setting is wrong or not known", "设置有误或未知"),
}


def why(code: str) -> Body:
    """A code with its words; nothing where there is none."""
    return {"code": code, "en": WORDS[code][0], "zh": WORDS[code][1]} if code else {}


class Lamp:
    """The lamp and what it was told."""

    def __init__(self) -> None:
        """Begin with defaults and nothing ordered."""
        self.order: tuple[float, str] | None = None
        self.default_level = 0.0
        self.judged: dict[str, int] = {}
        self.answers: dict[str, tuple[Body, float]] = {}

    def reading(self) -> Body:
        """The light as it is commanded."""
        level, pattern = self.order or (self.default_level, "steady")
        return {"actualLightState": level, "pattern": pattern, "overridden": self.order is not None}

    def reported(self, function: str, code: str = "") -> Body:
        """The settings in force, with the version that was judged last."""
        settings = {"defaultLightState": self.default_level} if function == "LampActuator" else {}
        return {"function": function, "version": self.judged.get(function, 0), "settings": settings, **why(code)}

    def command(self, command: Body, functions: list[str], utc_s: float) -> Body:
        """The Result of a command, which is carried out once (§6.2)."""
        name, expires_s = command["id"], command["expires_s"]
        if name not in self.answers:
            code = "pole.command.expired" if utc_s > expires_s else self._obey(command, functions)
            self.answers[name] = ({"type": "result", "id": name, "ok": not code, **why(code)}, expires_s)
            for old in [old for old, (_, until_s) in list(self.answers.items())[:-64] if until_s < utc_s]:
                del self.answers[old]
        return self.answers[name][0]

    def _obey(self, command: Body, functions: list[str]) -> str:
        if command["function"] not in functions:
            return "pole.function.absent"
        if (command["function"], command["action"]) != ("LampActuator", "override"):
            return "pole.action.unknown"
        if not holds(command["parameters"], RULES["Override"]):
            return "pole.action.parameters"
        level, pattern = (command["parameters"].get(name) for name in ("level", "pattern"))
        ordered = (100.0 if level is None else float(level), pattern or "steady")
        self.order = None if level is None and pattern is None else ordered
        return ""

    def desire(self, desired: Body) -> Body:
        """The Reported that answers a wish that was not judged before (§7.2, §7.3)."""
        function, settings = desired["function"], desired["settings"]
        self.judged[function] = desired["version"]
        if function != "LampActuator":
            return self.reported(function, "pole.settings.absent")
        if not holds(settings, RULES["LampSettings"]):
            return self.reported(function, "pole.settings.malformed")
        self.default_level = float(settings.get("defaultLightState", 0.0))
        return self.reported(function)
