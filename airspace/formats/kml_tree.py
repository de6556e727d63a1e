"""KML and KMZ bytes as a tree of elements that know their lines, within limits: no entities, no bombs, no depths.

KML is OGC 07-147r2 (2.2) and Google's 2.0 and 2.1 of the same shape; KMZ is a zip archive with one KML in it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from airspace.formats import chart_rules
from airspace.formats import kml_rules as rules
from airspace.formats.chart import MOST_BYTES, Chart
from airspace.reasons import Words

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
MOST_KML_BYTES = 16 * 1024 * 1024  # unpacked: a chart of a country has a tenth of it
MOST_RATIO = 200  # of unpacked to packed bytes: KML comes to 5 to 30
LEAST_BOMB_BYTES = 1024 * 1024
MOST_ELEMENTS = 100_000
MOST_MEMBERS = 1000
DEEPEST = 64

NAMESPACES = (
    "http://www.opengis.net/kml/2.2",
    "http://earth.google.com/kml/2.0",
    "http://earth.google.com/kml/2.1",
    "http://earth.google.com/kml/2.2",
    "",
)

OUTLINES = ("MultiGeometry", "Polygon", "outerBoundaryIs", "innerBoundaryIs")
DISPLAY = ("drawOrder",)


@dataclass(slots=True)
class Element:
    """One element of KML's own namespaces; `tag` is its bare name, `text` what stands before its first child."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Element]:
        """The children of these names, in order."""
        return (child for child in self.children if child.tag in tags)

    def first(self, *tags: str) -> Element | None:
        """The first child of one of these names."""
        return next(self.all(*tags), None)

    def text_of(self, tag: str) -> str | None:
        """The text of the first child of a name, without white space around it; None when there is no such child."""
        child = self.first(tag)
        return None if child is None else child.text.strip()


def read_tree(chart: Chart, data: bytes) -> Element | None:
    """The root of a KML document, or of the one in a KMZ archive; None with a reason.

    Elements of other namespaces are left out with all that is in them, but for two: `gx:altitudeMode` changes what a
    height means and is kept under that name, and what stands within an outline is kept, empty, to be told of.
    """
    if data.startswith(ZIP_MAGIC):
        unpacked = _unpacked(chart, data)
        if unpacked is None:
            return None
        data = unpacked
    if len(data) > MOST_KML_BYTES:
        chart.add(rules.TOO_LARGE, "", most=MOST_KML_BYTES // 1024**2, what=Words("MB", "MB 数"))
        return None
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    builder.expat = parser.parser
    try:
        parser.feed(data)
        parser.close()
    except DefusedXmlException:
        chart.add(rules.UNSAFE, f"line {parser.parser.CurrentLineNumber}")
    except _TooLarge as large:
        chart.add(rules.TOO_LARGE, f"line {parser.parser.CurrentLineNumber}", most=large.most, what=large.what)
    except (ParseError, ValueError, LookupError) as error:  # the latter two for encodings that nobody knows
        chart.add(rules.NOT_XML, f"line {parser.parser.CurrentLineNumber}", error=str(error))
    else:
        if builder.root is None or builder.root.tag != "kml":
            chart.add(rules.NOT_KML, "", found=builder.root.tag if builder.root else "?")
            return None
        return builder.root
    return None


class _TooLarge(Exception):
    def __init__(self, most: int, what: Words) -> None:
        super().__init__(what.en)
        self.most = most
        self.what = what


class _Builder:
    """What the parser calls: builds elements, and stops at the limits while the document is still being read."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self.expat: object = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._foreign = 0
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise _TooLarge(MOST_ELEMENTS, Words("elements", "元素数"))
        if len(self._open) + self._foreign >= DEEPEST:
            raise _TooLarge(DEEPEST, Words("levels of elements in each other", "元素嵌套层数"))
        namespace, _, tag = name.rpartition("}")
        is_foreign = namespace.removeprefix("{") not in NAMESPACES
        line = getattr(self.expat, "CurrentLineNumber", 0)
        if self._foreign or (is_foreign and tag != "altitudeMode"):
            self._foreign += 1
            if self._foreign == 1 and self._open and self._open[-1].tag in OUTLINES and tag not in DISPLAY:
                self._open[-1].children.append(Element(name, line, {}))
            return
        element = Element("gx:altitudeMode" if is_foreign else tag, line, dict(attributes))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, name: str) -> None:
        if self._foreign:
            self._foreign -= 1
            return
        self._open.pop().text = "".join(self._texts.pop())

    def data(self, text: str) -> None:
        if self._open and not self._foreign:
            self._texts[-1].append(text)

    def close(self) -> None:
        """Nothing is left to do at the end of the document."""


def _unpacked(chart: Chart, data: bytes) -> bytes | None:
    """The KML in a KMZ; None with a reason. Sizes are counted while unpacking: an archive may lie about them."""
    if len(data) > MOST_BYTES:
        chart.add(chart_rules.UNREADABLE, "", error=f"{len(data)} bytes", most_mb=MOST_BYTES // 1024**2)
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                chart.add(rules.TOO_LARGE, "", most=MOST_MEMBERS, what=Words("files", "文件数"))
                return None
            charts = [member for member in members if member.filename.lower().endswith(".kml")]
            if len(charts) != 1:
                chart.add(rules.NO_KML, "", count=len(charts))
                return None
            if charts[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                chart.add(rules.BAD_ZIP, "", error=f"compression {charts[0].compress_type}")
                return None
            with archive.open(charts[0]) as file:
                unpacked = file.read(MOST_KML_BYTES + 1)
            if len(unpacked) > max(LEAST_BOMB_BYTES, MOST_RATIO * len(data)):
                chart.add(rules.BAD_ZIP, "", error=f"{len(unpacked)} bytes out of {len(data)}")
                return None
            return unpacked
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, NotImplementedError) as error:
        # RuntimeError is what zipfile says of a file with a password
        chart.add(rules.BAD_ZIP, "", error=str(error))
        return None
