"""The city code 城市码: the name of a pole, which it keeps for life and which its key is bound to.

No public coding rule for Henan exists, so the scheme is a choice of the site; the default one is described at
`DistrictScheme`. Inside the program a code is its canonical text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from airspace.reasons import Reason, Refused, Rule, Words

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

# The first two digits of GB/T 2260: provinces, autonomous regions, municipalities, special regions.
PROVINCES = frozenset(
    [*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82]
)


@dataclass(frozen=True, slots=True, order=True)
class CityCode:
    """A code taken apart: six-digit district of GB/T 2260, two-letter object class, serial number in the district."""

    district: str
    object_class: str
    serial: int

    def __str__(self) -> str:
        return f"{self.district}-{self.object_class}-{self.serial:06d}"


class Scheme(Protocol):
    """One way to write city codes; a site chooses one."""

    def parse(self, text: str, where: str = "") -> CityCode:
        """The code taken apart; `where` names the place in a file. Raises Refused."""
        ...


class DistrictScheme:
    """`410105-LP-000001`: GB/T 2260 district, object class (LP is a lamp pole), serial from 000001.

    There is exactly one way to write a code: ASCII digits, capital letters, no spaces.
    """

    EXAMPLE = "410105-LP-000001"
    _FORM = re.compile(r"([0-9]{6})-([A-Z]{2})-([0-9]{6})")

    def parse(self, text: str, where: str = "") -> CityCode:
        """The code taken apart; `where` names the place in a file. Raises Refused."""
        match = self._FORM.fullmatch(text)
        if match is None or int(match[3]) == 0:
            raise Refused([Reason(MALFORMED, where, {"code": text[:40], "example": self.EXAMPLE})])
        if int(match[1][:2]) not in PROVINCES:
            raise Refused([Reason(UNKNOWN_DISTRICT, where, {"code": text, "district": match[1][:2]})])
        return CityCode(match[1], match[2], int(match[3]))


DEFAULT_SCHEME: Scheme = DistrictScheme()
