"""The HTML of every page: one file that opens offline, asks for nothing and needs no script.

Templates escape by themselves, and whatever they show has lost its control and direction
characters before: a template cannot forget it.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from html import unescape

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from assay.records import Drawing, Result
from assay.report import cells, pictures, safe, strips, summary
from assay.report.view import View


def page(result: Result, plots: Mapping[str, bytes]) -> str:
    """The report of one submission; `plots` are the figures that were drawn, by file name."""
    view = View(result)
    return template("submission.html.j2").render(
        result=result,
        view=view,
        plots=plots,
        losses=view.losses(),
        key=_key(result),
        command=view.command(),
        measured=partial(strips.measured, view),
        compared=partial(strips.compared, view),
        drawings=partial(_drawings, result),
    )


def _key(result: Result) -> list[tuple[str, float, str]]:
    """Return what became of all points: a colour, how many, in words."""
    points = {
        ("earned", "earned"): result.earned,
        ("lost", "lost"): result.judged_points - result.earned,
        ("review", "for review"): result.review_points,
        ("aside", "set aside"): result.points_set_aside,
        ("silent", "not asked"): result.points_not_asked,
        ("none", "not judged (our fault)"): result.unjudged_points,
    }
    return [(kind, amount, words) for (kind, words), amount in points.items() if amount >= 0.005]


def _drawings(result: Result, part: str) -> list[dict[str, object]]:
    """Return the student's own pictures, rebuilt; as their source where that cannot be."""
    room = pictures.Room()
    return [_drawing(found, room) for found in result.drawings if found.part == part]


def _drawing(found: Drawing, room: pictures.Room) -> dict[str, object]:
    svg = _svg(found.source)
    try:
        rebuilt = pictures.rebuilt(svg, room) if svg else ""
        note = "Rebuilt from its shapes and words." if svg else "It is text: this is its source."
    except pictures.NotShown as error:
        rebuilt, note = "", f"It is not drawn here: {error}. This is its source."
    words = " ".join(re.sub(r"<[^<>]*>", " ", rebuilt).split())
    return {
        "title": found.title,
        "picture": rebuilt.encode(),
        "words": f"{found.title}. Words in it: {unescape(words)[:1500]}",
        "source": found.source[:20_000],
        "note": note,
    }


def _svg(source: str) -> str:
    """From the first tag of a picture to its last: nothing, if there is none."""
    start, end = source.find("<svg"), source.rfind("</svg>")
    return source[start : end + len("</svg>")] if 0 <= start < end else ""


def template(name: str) -> Template:
    """A template that may extend `base.html.j2`."""
    return _environment().get_template(name)


@lru_cache
def _environment() -> Environment:
    loader = PackageLoader("assay.report")
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_shown,
    )
    style = Markup(loader.get_source(environment, "style.css")[0])
    environment.globals |= {
        "style": style,
        "policy": policy(style),
        "marks": summary.MARKS,
        "failures": cells.failures,
        "costs_of": cells.costs,
        "questions_of": cells.questions,
    }
    environment.filters |= {
        "line": safe.plain,
        "label": label,
        "ticked": ticked,
        "picture": picture,
        "points": summary.points,
        "mark": summary.mark,
        "once": summary.once,
        "reason": summary.reason,
        "reasons": summary.reasons,
        "sign": summary.sign,
        "state": summary.state,
        "excuse": summary.excuse,
    }
    return environment


def policy(style: str) -> str:
    """Nothing is loaded, sent or run: this style sheet and pictures inside the page are all."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def ticked(text: str) -> Markup:
    """One line in which words between two plain backticks are shown as code."""
    pieces = safe.in_ticks(safe.plain(text))
    shown = [str(escape(piece)) for piece in pieces]
    shown[1::2] = [f"<code>{piece}</code>" for piece in shown[1::2]]
    return Markup("".join(shown))


def label(text: str) -> Markup:
    """A name that may be broken behind its underscores."""
    return Markup(str(escape(safe.plain(text, 100))).replace("_", "_<wbr>"))


def picture(content: bytes, kind: str = "svg+xml") -> str:
    """Return the address of a picture that stands in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _shown(value: object) -> object:
    """What a template shows: our own markup as it is, any other text without what controls it."""
    if value is None:
        return ""
    return safe.lines(str(value), 200_000) if not isinstance(value, Markup) else value
