"""A written answer as HTML: Markdown, tables, formulas as MathML, code with line numbers, pictures.

What students write is cleaned by nh3, which knows no element that acts or loads. Their own tags
are written anew before, without the attributes that they gave. Formulas and pictures are built by
us and put in after the cleaning, each once: in their place the text holds a mark with a number
drawn for this one text. No student can write it, and no tag of theirs can hold it.
"""

import base64
import re
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from html import escape, unescape
from typing import Any

import nh3
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from assay.report import safe

MOST = 60_000
"""Characters of an answer that are rendered; of what is longer the beginning is shown."""
LONGEST_FORMULA, MOST_FORMULAS, MOST_PICTURES = 2_000, 400, 60
MOST_HTML, MOST_OF_NOTEBOOK = 8_000_000, 40_000_000
"""Characters of HTML that a text becomes, and a notebook, with the pictures in them."""
TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td", "caption", "pre", "code", "kbd", "span", "div"),
    *("b", "strong", "i", "em", "u", "s", "del", "sub", "sup", "small", "mark", "center"),
    *("details", "summary", "dl", "dt", "dd"),
}
ATTRIBUTES = {"ol": {"start"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
MATHS = {
    *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"),
    *("mstyle", "mpadded", "mphantom", "menclose", "mfenced", "semantics", "mmultiscripts"),
    *("mprescripts", "none"),
}
OF_MATHS = {
    *("display", "mathvariant", "stretchy", "fence", "form", "separator", "accent", "accentunder"),
    *("displaystyle", "scriptlevel", "linethickness", "columnalign", "rowspacing", "width"),
    *("columnspacing", "columnlines", "rowlines", "lspace", "rspace", "minsize", "maxsize"),
    *("symmetric", "largeop", "movablelimits", "notation", "open", "close", "separators"),
}
COMMENT = r"<!--(?:(?!<!--|-->).)*+-->"
TAG = re.compile(rf"{COMMENT}|<(/?)([A-Za-z][\w:-]*+)([^<>]*+)>", re.DOTALL)
SOURCE = re.compile(r"""\bsrc\s*+=\s*+["']?([^"'\s<>]++)""", re.IGNORECASE)
WORDS = re.compile(r"""\balt\s*+=\s*+["']([^"'<>]*)""", re.IGNORECASE)
NUMBER = re.compile(r"""\b(start|colspan|rowspan)\s*+=\s*+["']?([0-9]{1,4})\b""", re.IGNORECASE)
VALUE = re.compile(r"[\w\s.,%+()\[\]{}|/-]{0,60}")
DRAWINGS = {
    "mermaid": "Mermaid", "plantuml": "PlantUML", "puml": "PlantUML",
    "dot": "Graphviz", "graphviz": "Graphviz", "tikz": "TikZ",
}  # fmt: skip
"""Of a fence, what its text is drawn by elsewhere: to draw it here would take a script."""
MATHML = "http://www.w3.org/1998/Math/MathML"
Pictures = Mapping[str, bytes]
"""PNG that we drew anew, by the name that a text calls it by."""


class _Kept:
    """What is put in after the cleaning, and how much of it there may be."""

    def __init__(self, pictures: Pictures) -> None:
        self.pictures = pictures
        self.pieces: dict[str, str] = {}
        self.drawn = secrets.token_hex(8)
        self.left = MOST_HTML
        self.formulas = self.shown = 0
        self.address = ""
        """Of the link that is open: there is none in another."""

    def keep(self, html: str, instead: str = "") -> str:
        """Return the mark of a piece; of `instead`, if the text becomes too long by the piece."""
        kept = html if len(html) <= self.left else instead
        self.left -= len(kept)
        mark = f"[{self.drawn}-{len(self.pieces)}]"
        self.pieces[mark] = kept
        return mark

    def put_in(self, clean: str) -> str:
        """Return the text with each piece in the place of its mark."""
        marks = re.compile(rf"\[{self.drawn}-\d+\]")
        return marks.sub(lambda found: self.pieces.pop(found[0], ""), clean)

    def formula(self, latex: str, *, block: bool) -> str:
        self.formulas += 1
        source = f"$${latex}$$" if block else f"${latex}$"
        shown = f"<code>{escape(source)}</code>"
        if self.formulas > MOST_FORMULAS:
            return self.keep(shown)
        return self.keep(formula(latex, block=block), instead=shown)

    def picture(self, address: str, words: str) -> str:
        self.shown += 1
        name = address.removeprefix("attachment:")
        content = self.pictures.get(name) if address.startswith("attachment:") else None
        said = escape(words) or "picture"
        if content is None:
            where = escape(safe.plain(address, 80))
            return self.keep(f'<span class="missing">[{said}: {where} is not shown]</span>')
        if self.shown > MOST_PICTURES:
            return self.keep(f'<span class="missing">[{said}: one picture too many]</span>')
        data = base64.b64encode(content).decode()
        missing = f'<span class="missing">[{said}: too large, with all that is shown before]</span>'
        return self.keep(f'<img alt="{said}" src="data:image/png;base64,{data}">', instead=missing)


def answer(text: str, pictures: Pictures | None = None) -> str:
    """Return the HTML of a text in Markdown; nothing in it acts, loads or leads anywhere."""
    cut = len(text) > MOST
    shown = safe.lines(text, MOST)
    kept = _Kept(pictures or {})
    try:
        clean = _clean(_markdown(kept).render(shown))
    except (RecursionError, ValueError, IndexError):  # markdown-it's own limits
        clean = numbered(shown)
    if len(clean) > MOST_HTML:
        clean = numbered(shown)
    note = f"<p class='missing'>[cut: {len(text):,} characters, {MOST:,} are shown]</p>"
    return kept.put_in(clean) + (note if cut else "")


def _clean(html: str) -> str:
    cleaned: str = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes={"span": {"line", "address"}, "pre": {"code"}, "p": {"missing"}},
        url_schemes=set(),
    )
    return cleaned


def numbered(source: str) -> str:
    """Return code with its lines numbered, by the style sheet."""
    lines = source.removesuffix("\n").split("\n")[:5_000]
    shown = "\n".join(f'<span class="line">{escape(line)}</span>' for line in lines)
    return f'<pre class="code"><code>{shown}</code></pre>\n'


def formula(latex: str, *, block: bool = False) -> str:
    """Return a formula as MathML; as its source if it is too long or is not understood."""
    source = f"<code>{escape(f'$${latex}$$' if block else f'${latex}$')}</code>"
    if len(latex) > LONGEST_FORMULA or safe.MATH.search(latex):
        return source
    try:
        tree = ET.fromstring(convert(latex, display="block" if block else "inline"))
        return _mathml(tree)
    except (Exception, RecursionError):  # a converter of what anybody may write
        return source


def _mathml(tree: ET.Element) -> str:
    """Write MathML anew from elements and attributes that only show something."""
    name = tree.tag.removeprefix(f"{{{MATHML}}}")
    inside = escape(tree.text or "") + "".join(
        _mathml(child) + escape(child.tail or "") for child in tree
    )
    if name not in MATHS:
        return f"<mrow>{inside}</mrow>"
    held = "".join(
        f' {key}="{escape(value)}"'
        for key, value in tree.attrib.items()
        if key in OF_MATHS and VALUE.fullmatch(value)
    )
    return f"<{name}{held}>{inside}</{name}>"


def _markdown(kept: _Kept) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False, "maxNesting": 40})
    parser.enable(["table", "strikethrough"])
    dollarmath_plugin(parser, allow_space=True, double_inline=True)
    rules: dict[str, Callable[..., str]] = {
        "math_inline": lambda token: kept.formula(token.content, block=False),
        "math_inline_double": lambda token: kept.formula(token.content, block=True),
        "math_block": lambda token: f"<p>{kept.formula(token.content, block=True)}</p>\n",
        "math_block_label": lambda token: f"<p>{kept.formula(token.content, block=True)}</p>\n",
        "image": lambda token: kept.picture(str(token.attrGet("src") or ""), token.content),
        "html_inline": lambda token: _html(token.content, kept),
        "html_block": lambda token: _html(token.content, kept),
        "fence": _fence,
        "code_block": lambda token: numbered(token.content),
        "link_open": lambda token: _link_open(token, kept),
        "link_close": lambda token: _link_close(kept.address),
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, _rule(rule))
    return parser


def _rule(rule: Callable[[Token], str]) -> Callable[..., str]:
    def render(
        self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
    ) -> str:
        return rule(tokens[index])

    return render


def _html(source: str, kept: _Kept) -> str:
    """Return HTML in which an element that is not shown is read as text: `<eos>` is a word.

    What is shown is written anew. An attribute that is not shown can hold what is put in later; and
    where many elements are open, each paragraph opens all those again that differ in one.
    """
    done, at = [], 0
    for found in TAG.finditer(source):
        done += [source[at : found.start()].replace("<", "&lt;"), _tag(found, kept)]
        at = found.end()
    return "".join(done) + source[at:].replace("<", "&lt;")


def _tag(found: re.Match[str], kept: _Kept) -> str:
    if found[2] is None:  # a comment
        return ""
    name, held = found[2].lower(), found[3]
    address = SOURCE.search(held)
    if name == "img" and address and not found[1]:
        words = WORDS.search(held)
        return kept.picture(unescape(address[1]), unescape(words[1]) if words else "")
    if name not in TAGS:
        return escape(found[0], quote=False)
    known = {key.lower(): number for key, number in NUMBER.findall(held)}
    numbers = [f' {key}="{known[key]}"' for key in ATTRIBUTES.get(name, set()) & known.keys()]
    return f"<{found[1]}{name}{''.join(sorted(numbers))}>"


def _fence(token: Token) -> str:
    kind = next(iter(token.info.split()), "")
    drawn = DRAWINGS.get(kind.lower().strip("{}."))
    if drawn:
        sign = f'<p class="missing">[a drawing, shown as its source in {drawn}]</p>'
        return sign + numbered(token.content)
    named = f"<small>{escape(kind[:30])}</small>" if kind else ""
    return named + numbered(token.content)


def _link_open(token: Token, kept: _Kept) -> str:
    kept.address = unescape(str(token.attrGet("href") or ""))
    return "<u>"


def _link_close(address: str) -> str:
    """A link leads nowhere: its address stands behind it."""
    return f'</u> <span class="address">({escape(safe.plain(address, 200))})</span>'


def notebook(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return an executed notebook, as `assay.report.executed` leaves it, one section a cell."""
    shown: list[str] = []
    left = MOST_OF_NOTEBOOK
    for number, cell in enumerate(cells[:2_000]):
        one = _cell(number, cell)
        left -= len(one)
        if left < 0:
            shown.append(f'<p class="missing">[cut: {len(cells) - number} cells are not shown]</p>')
            break
        shown.append(one)
    return "\n".join(shown)


def _cell(number: int, cell: Mapping[str, Any]) -> str:
    source = _joined(cell.get("source", ""))
    if cell.get("cell_type") == "markdown":
        inside = answer(source, attached(cell))
    else:
        outputs = [_output(one) for one in cell.get("outputs", [])]
        inside = numbered(source) + "".join(outputs)
    return f'<section id="cell-{number}">{inside}</section>'


def _output(output: Mapping[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return f"<pre>{escape(safe.lines(_joined(output.get('text', ''))))}</pre>"
    if kind == "error":
        said = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        return f'<pre class="missing">{escape(safe.lines(said))}</pre>'
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="output" src="data:image/png;base64,{_base64(data["image/png"])}">'
    if "image/svg+xml" in data:
        drawn = _joined(data["image/svg+xml"]).encode()
        address = f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"
        return f'<img alt="output" src="{address}">'
    if "text/markdown" in data:
        return answer(_joined(data["text/markdown"]))
    return f"<pre>{escape(safe.lines(_joined(data.get('text/plain', ''))))}</pre>"


def attached(cell: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the pictures that are attached to a cell."""
    found: dict[str, bytes] = {}
    for name, kinds in (cell.get("attachments") or {}).items():
        if "image/png" in kinds:
            found[str(name)] = base64.b64decode(_joined(kinds["image/png"]))
    return found


def _base64(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9+/=]", "", _joined(value))


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
