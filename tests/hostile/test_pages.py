"""What makes a page expensive to write: it is left out and said so, and the rest is there."""

import base64
import io
import json
from collections.abc import Callable

import pytest
from PIL import Image

from assay.judge import similarity
from assay.report import pictures
from assay.report.executed import readable
from assay.report.pictures import NotShown, Room, rebuilt, redrawn

SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'


def picture(side: int, kind: str = "PNG", **options: object) -> bytes:
    """A blank one: few bytes for many pixels."""
    buffer = io.BytesIO()
    Image.new("L", (side, side)).save(buffer, kind, **options)
    return buffer.getvalue()


def shown(*outputs: dict[str, str]) -> list[dict[str, str]]:
    """What is left of the outputs of a cell."""
    made = [{"output_type": "display_data", "data": data, "metadata": {}} for data in outputs]
    cell = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": made}
    (read,) = json.loads(readable(json.dumps({"cells": [cell]}).encode()))["cells"]
    return [output["data"] for output in read["outputs"]]


def test_many_large_pictures_have_one_room(within: Callable[[float], None]):
    """Each of them is allowed; together they would take minutes."""
    large = {"image/png": base64.b64encode(picture(4_400)).decode()}

    within(30.0)
    *many, last = shown(*[large] * 150, {"text/plain": "the end"})

    drawn = [data for data in many if "image/png" in data]
    told = [data["text/plain"] for data in many if "image/png" not in data]
    assert len(drawn) == 3
    assert all("too much to be drawn together" in text for text in told)
    assert last == {"text/plain": "the end"}


def test_many_shapes_and_many_rules(within: Callable[[float], None]):
    """Not one after another for each shape: the last rule for a look holds, as in a browser."""
    rules = ".a{fill:red}" * 15_000 + ".a{fill:blue}" + ".b{fill:green}" * 10_000
    shapes = "<g class='a'/>" * 4_900

    within(5.0)
    back = rebuilt(SVG.format(f"<style>{rules}</style>{shapes}"), Room())

    assert back.count('fill="blue"') == 4_900


def test_which_rule_holds_is_a_matter_of_place():
    """Of an element and of its class: the later one, in either order."""
    sheet = "<style>{}</style><text class='a'>x</text>"
    first, then = "text{fill:red}", ".a{fill:blue}"

    assert 'fill="blue"' in rebuilt(SVG.format(sheet.format(first + then)), Room())
    assert 'fill="red"' in rebuilt(SVG.format(sheet.format(then + first)), Room())


def test_drawings_share_a_room():
    """As many characters as there is room for, and no more."""
    one = SVG.format("<g/>" * 100)
    room = Room(characters=2 * len(one))
    rebuilt(one, room)
    rebuilt(one, room)

    with pytest.raises(NotShown, match="too much"):
        rebuilt(one, room)


def test_a_picture_of_thousands_of_scans(within: Callable[[float], None]):
    """A JPEG is decoded once for each of its scans; an honest progressive one is shown."""
    honest = picture(3_000, "JPEG", progressive=True)
    scan = honest[honest.rindex(b"\xff\xda") : -2]
    hostile = honest[:-2] + scan * 2_000 + honest[-2:]

    within(20.0)
    redrawn(base64.b64encode(honest).decode(), Room())
    with pytest.raises(NotShown, match="scans"):
        redrawn(base64.b64encode(hostile[: pictures.MAX_BYTES // 2]).decode(), Room())


def test_functions_within_functions(within: Callable[[float], None]):
    """Each stands in all around it: what is compared of a file has an end."""
    depth = 80
    heads = "".join(f"{' ' * level}def f{level}():\n" for level in range(depth))
    text = heads + f"{' ' * depth}x = 1 + 2\n" * ((200_000 - len(heads)) // (depth + 10))
    wide = heads + f"{' ' * depth}return [{'1,' * 95_000}]\n"

    within(30.0)
    found = [*similarity.functions(text), *similarity.functions(wide)]

    assert found
    assert sum(len(feature.shown) for feature in found) < 10_000_000
