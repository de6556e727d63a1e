"""How KML 2.2 is written here, whatever it shows: elements in the order of the schema, texts that XML can carry."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

NAMESPACE = "http://www.opengis.net/kml/2.2"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def new_document(name: str) -> tuple[ET.Element, ET.Element]:
    """A `kml` element and the Document in it."""
    root = ET.Element("kml", xmlns=NAMESPACE)
    document = ET.SubElement(root, "Document")
    add_text(document, "name", name)
    return root, document


def add_text(parent: ET.Element, tag: str, text: str) -> None:
    """An element with a text, without the characters that no XML may hold."""
    ET.SubElement(parent, tag).text = NOT_IN_XML.sub("", text)


def add_style(document: ET.Element, name: str, colour: str, width: str, *, is_filled: bool) -> None:
    """A style by its name; `colour` is aabbggrr, as KML writes it, and `width` counts pixels."""
    style = ET.SubElement(document, "Style", id=name)
    line = ET.SubElement(style, "LineStyle")
    add_text(line, "color", colour)
    add_text(line, "width", width)
    polygon = ET.SubElement(style, "PolyStyle")
    add_text(polygon, "color", colour)
    add_text(polygon, "fill", "1" if is_filled else "0")


def add_placemark(
    parent: ET.Element, name: str, *, style: str = "", description: str = "", begin: str = "", end: str = ""
) -> ET.Element:
    """A placemark up to where its data and its geometry come; `begin` and `end` are RFC 3339, "" for no bound."""
    placemark = ET.SubElement(parent, "Placemark")
    add_text(placemark, "name", name)
    if description:
        add_text(placemark, "description", description)
    if begin or end:
        span = ET.SubElement(placemark, "TimeSpan")
        for tag, text in (("begin", begin), ("end", end)):
            if text:
                add_text(span, tag, text)
    if style:
        add_text(placemark, "styleUrl", f"#{style}")
    return placemark


def written(root: ET.Element) -> str:
    """The text of the file."""
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
