"""Which submissions of a class are alike, in things that few others have: for a person to look at.

Inputs are drawn afresh for each submission, so equal answers say nothing, and what was measured on
them is equal by chance alone. What can be compared is what the student wrote, and which mistakes
came of it: whole files, functions, sentences, findings and errors. What many have was handed out,
or lies near; only what is rare counts.
"""

import ast
import hashlib
import io
import itertools
import math
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from assay.records import Criterion, Result, Written
from assay.source import cells, decoding
from assay.submission.submission import Submission

NODES = 80
"""Of a function's syntax tree: smaller ones are written alike by people who never met."""
WORDS = 9
READ = 2_000_000
"""Characters of code of one submission that are looked at, and of one file a tenth."""
COMPARED, SHOWN = 200_000, 20_000
"""Nodes of the functions of one file, each in all that it stands in; characters that are shown."""
WORD = re.compile(r"\w+")
SENTENCE = re.compile(r"[.!?:;]\s|\n")


@dataclass(frozen=True)
class Kind:
    """What can be alike. It is rare where at most 1 / `share` of the class has it, or two do."""

    words: str
    weight: int
    share: int


KINDS = {
    "files": Kind("the same files, byte for byte", 9, 1),
    "code": Kind("the same code, but for names, comments and layout", 2, 4),
    "words": Kind("the same sentence", 2, 4),
    "finding": Kind("the same findings", 1, 20),
    "error": Kind("the same error", 1, 20),
}
ENOUGH = 2
"""Of weights: one function or one sentence, or two findings."""


@dataclass(frozen=True)
class Feature:
    """Something a submission has: `key` is compared, `shown` is for a person."""

    kind: str
    key: str
    shown: str = field(compare=False)


@dataclass(frozen=True)
class Pair:
    """Two submissions, and what both have and few others do."""

    first: str
    second: str
    shared: list[Feature]
    rarity: float


def features(result: Result, submission: Submission) -> list[Feature]:
    """All that can be compared of one submission, each once."""
    found = [Feature("files", submission.digest, "")]
    found += [feature for text in _sources(submission) for feature in functions(text)]
    found += [feature for answer in result.written for feature in sentences(answer)]
    findings = [feature for c in result.criteria for feature in _finding(c)]
    errors = {cell.error: None for run in result.runs for cell in run.cells if cell.error}
    told = "\n".join(feature.key for feature in findings)
    found += findings
    found += [Feature("error", error, error) for error in errors if error not in told]
    return list(dict.fromkeys(found))


def pairs(of: Mapping[str, Iterable[Feature]]) -> list[Pair]:
    """Pairs that share enough of what is rare in this class, the rarest first."""
    holders: dict[Feature, list[str]] = defaultdict(list)
    for name, found in of.items():
        for feature in found:
            holders[feature].append(name)
    shared: dict[tuple[str, str], list[Feature]] = defaultdict(list)
    for feature, names in holders.items():
        if 2 <= len(names) <= max(2, len(of) // KINDS[feature.kind].share):
            for both in itertools.combinations(names, 2):
                shared[both].append(feature)
    found_pairs = [
        Pair(
            *both, found, sum(_rarity(feature, len(holders[feature]), len(of)) for feature in found)
        )
        for both, found in shared.items()
        if sum(KINDS[feature.kind].weight for feature in found) >= ENOUGH
    ]
    return sorted(found_pairs, key=lambda pair: (-pair.rarity, pair.first, pair.second))


def _rarity(feature: Feature, holders: int, of: int) -> float:
    """The fewer have it the higher, and the higher what is unlikely to be met twice by chance."""
    return KINDS[feature.kind].weight * (1 + math.log2(of / holders))


def _sources(submission: Submission) -> Iterator[str]:
    """The Python of a submission, as far as it is looked at: modules, and cells of notebooks."""
    texts = [decoding.text_of(submission.files[name]) for name in submission.modules]
    for name in submission.notebooks:
        texts += [cell.source for cell in submission.cells_in(name) if cell.kind == "code"]
    sizes = itertools.accumulate(map(len, texts))
    return (t for t, read in zip(texts, sizes, strict=True) if read <= READ and len(t) <= READ / 10)


@lru_cache(maxsize=4096)
def functions(text: str) -> tuple[Feature, ...]:
    """The longer functions of a module or a cell; what is handed out is read once for a class."""
    tree, lines = cells.parsed(text), list(io.StringIO(text, None))  # lines as Python counts
    found, compared = [], 0
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and compared < COMPARED:
            digest, nodes = normalised(node)
            compared += nodes
            code = "".join(lines[node.lineno - 1 : node.end_lineno])[:SHOWN]
            found += [Feature("code", digest, code)] if nodes >= NODES else []
    return tuple(found)


def normalised(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, int]:
    """A digest of the code without the names it gives itself, and how many nodes it has.

    Level by level and without recursion: a student may hand in any tree.
    """
    own = {function.name} | {name for node in ast.walk(function) for name in _bound(node)}
    called: dict[str, str] = {}
    digest, nodes, queue = hashlib.sha256(), 0, deque[ast.AST]([function])
    while queue:
        node = queue.popleft()
        below = list(_below(node))
        values = [
            called.setdefault(value, f"v{len(called)}") if value in own else value
            for value in _values(node)
        ]
        digest.update(f"{type(node).__name__}{values!r}{len(below)}".encode("utf-8", "replace"))
        nodes += 1
        queue.extend(below)
    return digest.hexdigest(), nodes


def _bound(node: ast.AST) -> Iterator[str]:
    """The name that a node binds: a parameter, or what is assigned to."""
    if isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without docstrings and annotations."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for item in value if isinstance(value, list) else [value]:
            said = isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
            if isinstance(item, ast.AST) and not said:
                yield item


def _values(node: ast.AST) -> list[str]:
    """Return what a node holds besides other nodes: names as they are, constants in quotes."""
    if isinstance(node, ast.Constant):
        value = node.value  # a long whole number has no decimal form
        return [hex(value) if isinstance(value, int) else repr(value)]
    values = [value for _, value in ast.iter_fields(node)]
    return [str(value) for value in values if not isinstance(value, ast.AST | list | None)]


def sentences(answer: Written) -> Iterator[Feature]:
    """The longer sentences of a written answer, without capitals, marks and layout."""
    for sentence in SENTENCE.split(answer.text):
        words = WORD.findall(sentence.casefold())
        if len(words) >= WORDS:
            yield Feature("words", " ".join(words), sentence.strip())


def _finding(criterion: Criterion) -> Iterator[Feature]:
    """All that was found against one criterion, as one: what follows from a slip counts once."""
    missed = [p for p in criterion.properties if p.verdict.is_lost and p.name != "notebook"]
    if missed:
        reasons = dict.fromkeys(p.reason or p.title for p in missed)
        key = "\n".join(
            [criterion.part, criterion.name, *(f"{p.name}: {p.reason}" for p in missed)]
        )
        yield Feature("finding", key, f"{criterion.title}: {'; '.join(reasons)}")
