"""Drawings of a model, in whatever form: where a notebook may have them, and what they say."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import called_name, parsed

PICTURE = re.compile(r"!\[[^\]\[]{0,300}\]\(|<img\b|attachment:", re.IGNORECASE)
LANGUAGE = re.compile(
    r"<svg|\bflowchart [LRTB]|\bgraph [LRTB][LRDB]\b|\bdigraph\b|@startuml|\\begin\{tikz"
    r"|block-beta|<mxGraph",
    re.IGNORECASE,
)
ARROW = re.compile(r"[─-╿▲-◿←-⇿⟵-⟿]|<?[-=]{1,2}>|\+-{2,100}|\|_{2,100}")
"""Lines, boxes and arrows as they are made of letters."""
UPRIGHT = {"|", "v", "V", "^", "||", "\\/"}
"""Lines of a drawing that hold nothing but a stroke."""
DRAWS = {
    "Digraph", "Graph", "Source", "graph_from_dot_data", "make_dot", "draw_graph", "build_graph",
    "plot_model", "draw_networkx", "add_patch", "Rectangle", "FancyBboxPatch", "FancyArrowPatch",
    "annotate", "arrow", "schemdraw", "Image", "SVG", "imread", "mermaid",
}  # fmt: skip
TELLS = {"summary", "torchinfo", "get_model_summary", "named_modules"}
"""Calls that list a model's layers with their shapes: a person says whether that is a drawing."""
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".drawio", ".dot", ".mmd")
COMPONENTS = re.compile(
    r"embed|einbett|attention|feed.?forward|encoder|decoder|position|linear|softmax|norm|\bffn\b"
    r"|logits|token|\bmlp\b|\bwte\b|\bwpe\b|lm_head"
    r"|aufmerksamkeit|atenci|attenzion|enkoder|dekoder|positi[oó]n|kodierung",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"\b(?:d_?(?:model|ff|k|v|hidden|head|embed)|d_?in|hidden_?(?:dim|size)|embed(?:ding)?_?(?:dim|size)"
    r"|n_?heads?|num_?heads|vocab(?:_?size)?|batch(?:_?size)?|seq(?:_?len(?:gth)?)?|max_?len(?:gth)?"
    r"|dim|B|T|L|N|D|C|H|V)\b"
)
"""Dimensions that are given by a name."""


class Found(NamedTuple):
    """Something that shows the model, or may; `text` is what can be read of it."""

    form: str
    text: str
    is_sure: bool = True


def found(submission) -> list[Found]:
    """All that the notebook shows, what is surely a drawing first."""
    each = [one for cell in submission.cells for one in _of_cell(cell)]
    each += [
        Found(f"the file `{name}`", "", False)
        for name in submission.files
        if name.lower().endswith(PICTURES)
    ]
    return sorted(each, key=lambda one: not one.is_sure)


def named_dimensions(text: str) -> list[str]:
    return list(dict.fromkeys(NAMED.findall(text)))


def _of_cell(cell) -> Iterator[Found]:
    if cell.kind != "code":
        if PICTURE.search(cell.source):
            yield Found("a picture", "")
        yield from _in_text(cell.source)
        return
    tree = parsed(cell.source)
    calls = {called_name(node) for node in nodes_of(tree) if isinstance(node, ast.Call)}
    texts = [
        node.value
        for node in nodes_of(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    said = "\n".join(texts)
    for text in [*texts, "\n".join(_printed(tree)), *_comments(cell.source)]:
        yield from _in_text(text)
    if drawn := sorted(calls & DRAWS):
        yield Found(f"what `{drawn[0]}` draws", said, len(COMPONENTS.findall(said)) > 1)
    if told := sorted(calls & TELLS):
        yield Found(f"what `{told[0]}` prints", said, False)


def _printed(tree: ast.Module) -> Iterator[str]:
    """The texts that are printed one after the other, a line each."""
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and called_name(node) == "print":
            inner = (
                n.value for arg in node.args for n in ast.walk(arg) if isinstance(n, ast.Constant)
            )
            yield "".join(str(value) for value in inner)


def _comments(source: str) -> Iterator[str]:
    lines: list[str] = []
    for line in [*source.splitlines(), ""]:
        if line.lstrip().startswith("#"):
            lines.append(line.strip().lstrip("#"))
        elif lines:
            yield "\n".join(lines)
            lines = []


def is_drawing(text: str) -> bool:
    """Whether a text is a drawing: in a language for them, or made of strokes and arrows."""
    return any(one.is_sure for one in _in_text(text)) or PICTURE.search(text) is not None


def _in_text(text: str) -> Iterator[Found]:
    if LANGUAGE.search(text):
        yield Found("a drawing in a language for them", text)
    elif _is_drawn(text):
        yield Found("a drawing made of text", text)
    elif len(components(text)) > 1 and (re.search(r"\d", text) or NAMED.search(text)):
        yield Found("a text on components and dimensions", text, False)


def _is_drawn(text: str) -> bool:
    """Whether several of its lines are joined by strokes or arrows, and name components."""
    lines = [line.strip() for line in text.splitlines()]
    strokes = sum(line in UPRIGHT or ARROW.search(line) is not None for line in lines)
    arrows = len(ARROW.findall(text))
    return len(components(text)) > 1 and (strokes > 1 or arrows > 2)


def components(text: str) -> set[str]:
    """The names of parts of a transformer that are in a text."""
    return {word.lower() for word in COMPONENTS.findall(text)}
