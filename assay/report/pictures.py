"""Pictures from students, drawn anew: pixels and plain shapes come through, never their bytes.

A picture can carry scripts (SVG), more pixels than there is memory, or another file behind its own.
So a PNG or JPEG is decoded and encoded again, and an SVG is rebuilt from shapes and text.
"""

import base64
import binascii
import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from assay.units import MB

MAX_BYTES, MAX_PIXELS = 10_000_000, 20_000_000
MAX_SVG, MAX_SHAPES = 500_000, 5_000
MAX_SCANS = 100
"""Of a JPEG: a progressive one is decoded as often as it has scans."""
NAMESPACE = "http://www.w3.org/2000/svg"
SHAPES = {
    *("svg", "g", "title", "desc", "defs", "marker", "path", "rect", "circle", "ellipse"),
    *("line", "polyline", "polygon", "text", "tspan"),
}
LOOKS = {
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap"),
    *("stroke-linejoin", "opacity", "font-size", "font-weight", "font-style", "font-family"),
    *("text-anchor", "dominant-baseline"),
}
PLACES = {
    *("x", "y", "dx", "dy", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points"),
    *("width", "height", "viewBox", "transform", "id", "orient", "refX", "refY"),
    *("markerWidth", "markerHeight", "marker-start", "marker-mid", "marker-end"),
}
PLAIN = re.compile(r"[\w\s.,#%()+'\"-]*")
INSIDE = re.compile(r"url\(#[\w-]+\)")
RULE = re.compile(r"(?<![\w.-])(\.?[\w-]{1,60})\s{0,20}\{([^{}]*)\}")


class NotShown(ValueError):
    """The picture is left out; the message says why."""


@dataclass
class Room:
    """How much of the pictures of one notebook is drawn anew; each takes its share."""

    pixels: int = 60_000_000
    characters: int = 5_000_000
    """Of SVG."""

    def take(self, pixels: int = 0, characters: int = 0) -> None:
        """Take what a picture needs; NotShown where there is not so much left."""
        if pixels > self.pixels or characters > self.characters:
            raise NotShown("the pictures of this notebook are too much to be drawn together")
        self.pixels -= pixels
        self.characters -= characters


def redrawn(encoded: str, room: Room) -> str:
    """A PNG or JPEG in base64, as a PNG in base64 that we encoded.

    Raises
    ------
    NotShown
        If it is too large, or no picture of those kinds.
    """
    if len(encoded) > MAX_BYTES:
        raise NotShown(f"it has more than {MAX_BYTES // MB} MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own word on bombs; ours is the limit below
            content = base64.b64decode(encoded)
            picture = Image.open(io.BytesIO(content), formats=["PNG", "JPEG"])
            if picture.width * picture.height > MAX_PIXELS:
                raise NotShown(f"it has {picture.width} x {picture.height} pixels")
            if picture.format == "JPEG" and content.count(b"\xff\xda") > MAX_SCANS:
                raise NotShown(f"it is made of more than {MAX_SCANS} scans")
            room.take(pixels=picture.width * picture.height)
            pixels = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except NotShown:
        raise
    except (binascii.Error, Exception) as error:  # decoders raise whatever they meet
        raise NotShown(f"it cannot be decoded: {type(error).__name__}") from None
    buffer = io.BytesIO()
    Image.frombytes(pixels.mode, pixels.size, pixels.tobytes()).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def rebuilt(svg: str, room: Room) -> str:
    """An SVG of the shapes, text and looks of another, and of nothing else that was in it.

    Style sheets become attributes: they would reach the page around the picture.

    Raises
    ------
    NotShown
        If it is too large, declares entities, or is no SVG.
    """
    if len(svg) > MAX_SVG or "<!" in svg.replace("<!--", ""):
        raise NotShown("it is too large, or declares what it is made of")
    room.take(characters=len(svg))
    try:
        root = ET.fromstring(svg)
        rules = _rules(root.iter(f"{{{NAMESPACE}}}style"))
        count = sum(1 for _ in root.iter())
        if root.tag != f"{{{NAMESPACE}}}svg" or count > MAX_SHAPES:
            raise NotShown("it is no picture, or one of too many shapes")
        ET.register_namespace("", NAMESPACE)
        return ET.tostring(_copied(root, rules), encoding="unicode")
    except (ET.ParseError, RecursionError, ValueError) as error:
        raise NotShown(f"it is not as SVG has to be: {str(error)[:100]}") from None


Rules = dict[str, dict[str, tuple[int, str]]]
"""For each element and class the looks that it has, and at which place in the sheet each stands."""


def _rules(styles: Iterator[ET.Element]) -> Rules:
    """The simple rules of style sheets: for one element or one class each, the last one holds."""
    rules: Rules = {}
    found = (rule for style in styles for rule in RULE.findall(style.text or ""))
    for place, (selector, body) in enumerate(found):
        for name, _, value in (line.partition(":") for line in body.split(";")):
            look, words = name.strip(), value.strip()
            if look in LOOKS and PLAIN.fullmatch(words):
                rules.setdefault(selector, {})[look] = (place, words)
    return rules


def _copied(old: ET.Element, rules: Rules) -> ET.Element:
    name = old.tag.removeprefix(f"{{{NAMESPACE}}}")
    attributes = {key: value for key, value in old.items() if _is_plain(key, value)}
    selectors = {name, *(f".{word}" for word in old.get("class", "").split())}
    looks = [each for selector in selectors for each in rules.get(selector, {}).items()]
    attributes |= {look: words for look, (_, words) in sorted(looks, key=lambda each: each[1][0])}
    new = ET.Element(f"{{{NAMESPACE}}}{name}", attributes)
    new.text, new.tail = old.text, old.tail
    for child in old:
        if isinstance(child.tag, str) and child.tag.removeprefix(f"{{{NAMESPACE}}}") in SHAPES:
            new.append(_copied(child, rules))
    return new


def _is_plain(name: str, value: str) -> bool:
    if name.startswith("marker-"):
        return INSIDE.fullmatch(value) is not None
    return name in LOOKS | PLACES and PLAIN.fullmatch(value) is not None
