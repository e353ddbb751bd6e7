"""Pictures are drawn anew: pixels and shapes come through, bytes do not."""

import base64
import contextlib
import io
import struct
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from assay.report import pictures
from assay.report.pictures import NotShown, Room, rebuilt, redrawn

PIXELS = np.random.default_rng(0).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


def encoded(kind: str = "PNG", **options: object) -> str:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def pixels(picture: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))


def huge() -> str:
    """A PNG of 100,000 x 100,000 pixels in 70 bytes."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk).decode()


def test_the_pixels_of_a_png_survive():
    """To the last bit."""
    assert np.array_equal(pixels(redrawn(encoded(), Room())), PIXELS)


def test_a_jpeg_becomes_a_png():
    """Of the same size."""
    assert pixels(redrawn(encoded("JPEG"), Room())).shape == PIXELS.shape


def test_nothing_but_pixels_survives():
    """Neither a comment in the file nor another file behind it."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>")
    content = base64.b64decode(encoded(pnginfo=notes)) + b"<script>behind</script>"
    drawn = base64.b64decode(redrawn(base64.b64encode(content).decode(), Room()))

    assert b"script" in content
    assert b"script" not in drawn


@pytest.mark.parametrize(
    "picture",
    ["", "!!", "aGVsbG8=", encoded("GIF"), encoded()[:40], huge(), "A" * 10_000_001],
    ids=["nothing", "not base64", "not a picture", "gif", "cut", "huge", "long"],
)
def test_what_cannot_be_drawn_is_not_shown(picture: str):
    """With the reason; no memory is asked for what a header claims."""
    with pytest.raises(NotShown, match=r"\w"):
        redrawn(picture, Room())


@given(content=st.binary(max_size=200), after=st.booleans())
@settings(deadline=None, max_examples=100)
def test_arbitrary_bytes_are_drawn_or_not_shown(content: bytes, after: bool):
    """Nothing else is raised."""
    whole = base64.b64decode(encoded())[:60] + content if after else content
    with contextlib.suppress(NotShown):
        redrawn(base64.b64encode(whole).decode(), Room())


def test_the_shapes_of_an_svg_survive():
    """Geometry, text and looks, and a marker inside the picture."""
    inside = (
        '<defs><marker id="tip"><path d="M0 0 L8 4z"/></marker></defs>'
        '<g transform="rotate(9)"><path d="M1 1 L2 2" marker-end="url(#tip)" fill="#fff"/></g>'
        "<text x='1'>a &lt; b</text>"
    )
    back = rebuilt(SVG.format(inside), Room())

    for part in (
        'd="M0 0 L8 4z"',
        'marker-end="url(#tip)"',
        'fill="#fff"',
        "a &lt; b",
        "rotate(9)",
    ):
        assert part in back


def test_a_style_sheet_becomes_attributes():
    """Only looks, only where they belong: a sheet would reach the page around the picture."""
    sheet = "<style>.a { fill: red; behavior: url(x) } text { font-size: 9px } body { opacity: 0 }"
    back = rebuilt(SVG.format(f"{sheet}</style><text class='a'>x</text><text>y</text>"), Room())
    first, second = ET.fromstring(back)

    assert (first.get("fill"), first.get("font-size"), second.get("fill")) == ("red", "9px", None)
    assert "style" not in back
    assert "behavior" not in back


ACTING = {
    "a script": "<script>alert(1)</script>",
    "a handler": "<rect onload='alert(1)' onclick='alert(1)'/>",
    "a link": "<a href='javascript:alert(1)'><text>x</text></a>",
    "html inside": "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><b/></body></foreignObject>",
    "an animation": "<rect><animate attributeName='href' values='javascript:alert(1)'/></rect>",
    "a use": "<use href='https://evil.example/x.svg#a'/>",
    "an image": "<image href='https://evil.example/p.png'/>",
    "an address in a look": "<rect fill='url(https://evil.example/)'/>",
    "a style attribute": "<rect style='fill:url(https://evil.example/)'/>",
    "an import": "<style>@import 'https://evil.example/x.css';</style>",
    "another namespace": "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
}


@pytest.mark.parametrize("inside", ACTING.values(), ids=ACTING)
def test_nothing_in_an_svg_acts(inside: str):
    """What is no shape, text or look is gone."""
    back = rebuilt(SVG.format(f"{inside}<circle r='1'/>"), Room())
    words = ("script", "alert", "href", "evil", "html", "style", "onload", "animate")

    assert "circle" in back
    assert not any(word in back for word in words)


@pytest.mark.parametrize(
    "svg",
    [
        "",
        "<svg>",
        "<html xmlns='http://www.w3.org/1999/xhtml'/>",
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("&a;"),
        SVG.format("x" * 500_000),
        SVG.format("<g/>" * 5_001),
        SVG.format("<g>" * 2_000 + "</g>" * 2_000),
    ],
    ids=["nothing", "cut", "html", "entities", "long", "many", "deep"],
)
def test_an_svg_that_is_none_is_not_shown(svg: str):
    """With the reason."""
    with pytest.raises(NotShown, match=r"\w"):
        rebuilt(svg, Room())


def test_the_limit_is_on_pixels(monkeypatch: pytest.MonkeyPatch):
    """35 of them pass a limit of 35, and not one of 34."""
    monkeypatch.setattr(pictures, "MAX_PIXELS", 35)
    redrawn(encoded(), Room())
    monkeypatch.setattr(pictures, "MAX_PIXELS", 34)
    with pytest.raises(NotShown, match="7 x 5 pixels"):
        redrawn(encoded(), Room())
