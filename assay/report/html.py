"""The HTML of every page: one file that opens offline, asks for nothing and needs no script.

Templates escape by themselves, and whatever they show has lost its control and direction
characters before: a template cannot forget it.
"""

import base64
import hashlib
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from assay.report import safe, summary


def template(name: str) -> Template:
    """A template that may extend `base.html.j2`."""
    return _environment().get_template(name)


@lru_cache
def _environment() -> Environment:
    style = Markup((resources.files("assay.report") / "templates/style.css").read_text("utf-8"))
    environment = Environment(
        loader=PackageLoader("assay.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_shown,
    )
    environment.globals |= {"style": style, "policy": policy(style)}
    environment.filters |= {
        "line": safe.plain,
        "ticked": ticked,
        "picture": picture,
        "points": summary.points,
        "mark": summary.mark,
        "reason": summary.reason,
        "reasons": summary.reasons,
        "sign": summary.sign,
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
    shown = [str(Markup.escape(piece)) for piece in pieces]
    shown[1::2] = [f"<code>{piece}</code>" for piece in shown[1::2]]
    return Markup("".join(shown))


def picture(content: bytes, kind: str = "svg+xml") -> str:
    """The address of a picture that stands in the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _shown(value: object) -> object:
    """What a template shows: our own markup as it is, any other text without what controls it."""
    if value is None:
        return ""
    return safe.lines(str(value), 200_000) if not isinstance(value, Markup) else value
