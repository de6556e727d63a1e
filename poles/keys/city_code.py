"""The city code 城市码: the name of a pole, which it keeps for life and which its key is bound to.

No public coding rule for Henan exists, so the scheme is a choice of the site: a form, and a check character of a
published system when the form has one. Inside the program a code is its canonical text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from airspace.reasons import Reason, Refused, Rule, Words
from poles.keys.check_characters import ALPHANUMERIC, SYSTEMS

MALFORMED = Rule(
    "pole.code.malformed",
    Words("{code!r} is not a city code", "“{code}”不是有效的城市码"),
    Words("Write it like {example}.", "请按 {example} 的形式填写。"),
)
UNKNOWN_DISTRICT = Rule(
    "pole.code.district",
    Words("{code} begins with {district}, which no province has", "{code} 以 {district} 开头，不属于任何省级行政区"),
    Words("Begin with the district's six digits of GB/T 2260.", "请以 GB/T 2260 的六位区划代码开头。"),
)
MISTYPED = Rule(
    "pole.code.check",
    Words(
        "a character of {code} is wrong: its check character ({system}) does not fit",
        "{code} 中有字符有误：校验符（{system}）不符",
    ),
    Words("Read the code from the pole's plate again.", "请重新核对灯杆铭牌上的编码。"),
)
BAD_FORM = Rule(
    "pole.code.form",
    Words("{form!r} is not a form of city codes: {why}", "“{form}”不是有效的城市码格式：{why}"),
    Words(
        "Write dddddd for the district, c for letters of the class, n for digits of the number and k for the check "
        "character, as in dddddd-cc-nnnnnn-k; capitals, digits, dots, dashes and underscores stand for themselves.",
        "dddddd 表示区划代码，c 表示类别字母，n 表示序号数字，k 表示校验符，如 dddddd-cc-nnnnnn-k；"
        "大写字母、数字、点、连字符和下划线表示其自身。",
    ),
)

# The first two digits of GB/T 2260: provinces, autonomous regions, municipalities, special regions.
PROVINCES = frozenset(
    [*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82]
)
LONGEST = 40  # characters of a code
_PLACES = {"d": "[0-9]", "c": "[A-Z]", "n": "[0-9]", "k": "[0-9A-Z]"}


@dataclass(frozen=True, slots=True, order=True)
class CityCode:
    """A code taken apart: six-digit district of GB/T 2260, object class, serial number in the district."""

    district: str
    object_class: str
    serial: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to write city codes; a site chooses one. Raises Refused for a form that is none.

    In `form`, `dddddd` stands for the district of GB/T 2260, `c` for a capital of the object class (LP is a lamp pole;
    it may be left out), `n` for a digit of the serial number, which counts from 1, and `k`, at the end, for the check
    character of `check`, a system of ISO/IEC 7064 (GB/T 17710-2008) over all letters and digits before it. There is
    exactly one way to write a code: ASCII digits, capital letters, no spaces.
    """

    form: str = "dddddd-cc-nnnnnn"
    check: str = ""
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if why := self._why_not():
            raise Refused([Reason(BAD_FORM, "city_codes", {"form": self.form, "why": why})])
        pattern = ""
        for run in re.findall(r"d+|c+|n+|k|[^dcnk]+", self.form):
            place = _PLACES.get(run[0])
            pattern += f"(?P<{run[0]}>{place}{{{len(run)}}})" if place else re.escape(run)
        object.__setattr__(self, "_pattern", re.compile(pattern))

    def _why_not(self) -> Words | None:
        runs = re.findall(r"d+|c+|n+|k+", self.form)
        if not re.fullmatch(r"[dcnkA-Z0-9._-]+", self.form) or len(self.form) > LONGEST:
            return Words("other characters, or too many", "含有其他字符或过长")
        if sorted(run[0] for run in runs if run[0] != "c") not in (["d", "n"], ["d", "k", "n"]) or len(runs) > 4:
            return Words("each part stands there once", "每一部分须出现一次")
        if "d" * 6 not in runs:
            return Words("the district has six digits", "区划代码为六位")
        if ("k" in self.form) != bool(self.check) or self.form.rstrip("k").count("k") or "kk" in self.form:
            return Words("k stands at the end, when there is a check", "有校验时 k 位于末尾")
        if self.check and (self.check not in SYSTEMS or SYSTEMS[self.check](self._checked(self._sample())) is None):
            return Words(
                "letters are checked by MOD 37,36, digits by it, MOD 11,10 or MOD 11-2",
                "含字母时校验系统为 MOD 37,36；全为数字时还可用 MOD 11,10 或 MOD 11-2",
            )
        return None

    def _sample(self) -> str:
        return self.form.translate({ord("d"): "1", ord("n"): "1", ord("c"): "L"})

    @property
    def example(self) -> str:
        """A code of this scheme."""
        return self.write(CityCode("410105", ("LP" * LONGEST)[: self.form.count("c")], 1))

    def write(self, code: CityCode) -> str:
        """The one text of a code, with its check character."""
        text = re.sub(r"d+", code.district, self.form.rstrip("k"))
        text = re.sub(r"c+", code.object_class, text)
        text = re.sub(r"n+", lambda digits: f"{code.serial:0{len(digits[0])}d}", text)
        return text + (SYSTEMS[self.check](self._checked(text)) or "" if self.check else "")

    def parse(self, text: str, where: str = "") -> CityCode:
        """The code taken apart; `where` names the place in a file. Raises Refused."""
        match = self._pattern.fullmatch(text)
        if match is None or int(match["n"]) == 0:
            raise Refused([Reason(MALFORMED, where, {"code": text[:LONGEST], "example": self.example})])
        code = CityCode(match["d"], match["c"] if "c" in self.form else "", int(match["n"]))
        if self.check and self.write(code) != text:
            raise Refused([Reason(MISTYPED, where, {"code": text, "system": self.check})])
        if int(code.district[:2]) not in PROVINCES:
            raise Refused([Reason(UNKNOWN_DISTRICT, where, {"code": text, "district": code.district})])
        return code

    @staticmethod
    def _checked(text: str) -> str:
        """What a check character is over: letters and digits."""
        return "".join(character for character in text.rstrip("k") if character in ALPHANUMERIC)


DEFAULT_SCHEME = Scheme()
