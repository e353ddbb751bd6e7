"""Every regular expression of ours is linear: whatever a student writes, it ends soon."""

import ast
import functools
import re
import re._constants as kinds
import re._parser as parser
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.sandbox.inside import switches
from assay.source import cells, nondeterminism

ROOT = Path(__file__).parents[2]
FUNCTIONS = {
    "compile",
    "match",
    "search",
    "fullmatch",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}
LONG, SHORT = 48_000, 12_000
"""Characters. A quadratic pattern takes sixteen times as long over the first, a linear one four."""
GROWTH = 8
SECONDS = 0.25
"""Of processor time over the long text: what takes less is let be, however it grows."""
TABLES = {
    "assay/source/nondeterminism.py": [pattern for pattern, _ in nondeterminism.CAUSES],
    "assay/grading/leftover.py": list(switches.LIKELY.values()),
    "assay/source/cells.py": list(cells.WIDGETS),
}
"""Where patterns stand in a table."""
HANDED_ON = {
    *TABLES,
    *("rubric_tests/written.py", "assay/course_check/files.py", "assay/course_check/tests.py"),
}
"""Where a pattern is an argument: those of the tables and of `collect` are tried too.

The last two make patterns of what a course wrote, for the names of its own questions.
"""
ENDS = ("", "\x00", "!\n")


TREES = {
    path: ast.parse(path.read_text())
    for path in sorted([*ROOT.glob("assay/**/*.py"), *ROOT.glob("rubric_tests/**/*.py")])
}
ANCHORED = {"match", "fullmatch"}
"""They look from the first character on and nowhere else."""


def patterns() -> Iterator[tuple[str, str, int, bool]]:
    """Where each pattern stands, the pattern itself, its flags, and whether it is searched for."""
    for path, tree in TREES.items():
        assigned = [node for node in tree.body if is_assigned(node)]
        names = {id(n): ast.unparse(a.targets[0]) for a in assigned for n in ast.walk(a.value)}
        for node in ast.walk(tree):
            if is_of_re(node):
                pattern = text_of(node.args[0], tree)
                where = path.relative_to(ROOT).as_posix()
                assert pattern is not None or where in HANDED_ON, f"{path}:{node.lineno}: which?"
                if pattern is not None:
                    name = names.get(id(node), "")
                    ways = uses(name, path) if name else {node.func.attr} - {"compile"}
                    searched = not ways or not ways <= ANCHORED
                    yield f"{where}:{node.lineno}", pattern, flags_of(node), searched
            elif is_of_collect(node):
                yield (
                    f"{path.relative_to(ROOT)}:{node.lineno}",
                    node.args[2].value,
                    re.IGNORECASE,
                    True,
                )
    for where, table in TABLES.items():
        for number, pattern in enumerate(table):
            yield f"{where}, row {number}", pattern, re.MULTILINE, True


def is_assigned(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and len(node.targets) == 1


@functools.cache
def uses(name: str, path: Path) -> set[str]:
    """The methods by which a pattern of this name is used: in its own file, else in any other."""
    own = used_in(TREES[path], {name, *loops(TREES[path], name)})
    return own or set().union(*(used_in(tree, {name}) for tree in TREES.values()))


def loops(tree: ast.AST, name: str) -> Iterator[str]:
    """What a table of patterns is called where a loop takes them one by one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and ast.unparse(node.iter) == f"{name}.items()":
            yield ast.unparse(node.target.elts[1])


def used_in(tree: ast.AST, names: set[str]) -> set[str]:
    found = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in FUNCTIONS)
    return {n.attr for n in found if ast.unparse(n.value).split(".")[-1] in names}


def is_of_re(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    )


def is_of_collect(node: ast.AST) -> bool:
    """A call of `written.collect`, whose last argument is a pattern."""
    named = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "collect"
    return named and len(node.args) == 3 and isinstance(node.args[2], ast.Constant)


def text_of(node: ast.expr, tree: ast.Module) -> str | None:
    """A pattern that is written down, put together of pieces that are, or assigned to a name."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(content)):
            return content.decode("latin-1")
        case ast.JoinedStr(values=values):
            return "".join(text_of(value, tree) or "" for value in values)
        case ast.FormattedValue(value=value):
            return text_of(value, tree) or "name"
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return (text_of(left, tree) or "name") + (text_of(right, tree) or "name")
        case ast.Name(id=name):
            for each in ast.walk(tree):
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name:
                    return text_of(each.value, tree)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp(elt=elt)]):
            return text_of(elt, tree)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.Name(id=name)]):
            for each in ast.walk(tree):
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name:
                    return "|".join(
                        text_of(e, tree) or "name" for e in getattr(each.value, "elts", ())
                    )
        case ast.Call(func=ast.Attribute(attr="escape")):
            return "name"
        case ast.Call():
            return "name"
        case ast.Attribute():
            return "name"
    return None


def flags_of(call: ast.Call) -> int:
    names = [n.attr for n in ast.walk(call) if isinstance(n, ast.Attribute) and n.attr.isupper()]
    return sum(int(getattr(re, name)) for name in set(names) if hasattr(re, name))


def attacks(pattern: str, flags: int) -> Iterator[tuple[str, str]]:
    """Texts that go round and round in each repetition of a pattern, and end as it does not.

    Each in two lengths.
    """
    parsed = parser.parse(pattern, flags)
    samples = {sample(items) for items in pieces(parsed)} - {""}
    if flags & re.MULTILINE:  # a gap that is a line end too begins anew at each of them
        samples |= {text.replace(" ", "\n") for text in samples}
    whole = sample(parsed)
    for piece in sorted(samples):
        for before in {"", sample(parsed[:1]), whole.partition(piece)[0]}:
            for end in ENDS:
                short, long = (before + piece * (n // len(piece)) + end for n in (SHORT, LONG))
                yield short, long


def pieces(parsed: Any) -> Iterator[Any]:
    """What is repeated, what begins, and what stands before what is repeated."""
    items = list(parsed)
    yield items
    for index, (kind, argument) in enumerate(items):
        for inner in inside(kind, argument):
            if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
                yield inner
                yield items[: index + 1]
                yield items[max(0, index - 1) : index + 1]
            yield from pieces(inner)


def inside(kind: Any, argument: Any) -> Iterator[Any]:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        yield argument[2]
    elif kind is kinds.SUBPATTERN:
        yield argument[3]
    elif kind is kinds.BRANCH:
        yield from argument[1]
    elif kind in (kinds.ASSERT, kinds.ASSERT_NOT):
        yield argument[1]
    elif kind is kinds.ATOMIC_GROUP:
        yield argument


def sample(items: Any) -> str:
    """A short text that the pieces of a pattern match."""
    return "".join(one(kind, argument) for kind, argument in items)


def one(kind: Any, argument: Any) -> str:
    if kind is kinds.LITERAL:
        return chr(argument)
    if kind is kinds.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if kind is kinds.ANY:
        return "a"
    if kind is kinds.IN:
        return within(argument)
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        least, most, inner = argument
        return sample(inner) * max(1, min(least, 3)) if most else ""
    if kind is kinds.SUBPATTERN:
        return sample(argument[3])
    if kind is kinds.BRANCH:
        return sample(argument[1][0])
    if kind is kinds.ATOMIC_GROUP:
        return sample(argument)
    return ""


def within(choices: Any) -> str:
    """A character of a set, by trying; a space where it may be one: gaps are shared out."""
    candidates = " a0\t\n_-.#[]()<>=`*:;,!?/\\\"'%$@A~|{}\x1b\u200b\ud800é"
    text = "".join(candidates)
    negated = choices and choices[0][0] is kinds.NEGATE
    found = [c for c in text if any(holds(choice, c) for choice in choices) != bool(negated)]
    return found[0] if found else first(choices)


def first(choices: Any) -> str:
    for kind, argument in choices:
        if kind is kinds.LITERAL:
            return chr(argument)
        if kind is kinds.RANGE:
            return chr(argument[0])
    return "a"


def holds(choice: Any, character: str) -> bool:
    kind, argument = choice
    if kind is kinds.LITERAL:
        return ord(character) == argument
    if kind is kinds.RANGE:
        return argument[0] <= ord(character) <= argument[1]
    if kind is kinds.CATEGORY:
        name = str(argument).removeprefix("CATEGORY_").lower()
        letter = {"space": r"\s", "word": r"\w", "digit": r"\d"}[name.removeprefix("not_")]
        return bool(re.match(letter, character)) != name.startswith("not_")
    return False


FOUND = list(patterns())


@pytest.mark.parametrize(
    ("where", "pattern", "flags", "searched"), FOUND, ids=[found[0] for found in FOUND]
)
def test_a_pattern_is_linear(where: str, pattern: str, flags: int, searched: bool):
    """Each repetition in it is fed 48,000 of what it takes, then what it does not."""
    compiled = re.compile(pattern, flags)
    texts = sorted(set(attacks(pattern, flags)))
    slow = next((long for short, long in texts if is_slow(compiled, short, long, searched)), None)

    assert slow is None, f"{where}: {pattern!r} is slow on {slow[:40]!r}...{slow[-5:]!r}"


@pytest.mark.parametrize("pattern", [r"\s*\s*x", r"<[^>]*>", r"(a|aa)+b", r"a+$", r"\[[^\]]*\]\("])
def test_the_attack_finds_what_is_quadratic(pattern: str):
    """Two gaps that share one out, a search that begins anywhere, a choice within a choice."""
    assert any(is_slow(re.compile(pattern), *texts, True) for texts in set(attacks(pattern, 0)))


class TooSlow(Exception):
    """A pattern has used up its time."""


def is_slow(pattern: re.Pattern[str], short: str, long: str, searched: bool) -> bool:
    """Whether a look at the long text takes longer than that at the short one explains."""
    first = seconds(pattern, short, searched, limit=SECONDS)
    limit = max(SECONDS, GROWTH * first)
    return seconds(pattern, long, searched, limit) >= limit


def seconds(pattern: re.Pattern[str], text: str, searched: bool, limit: float) -> float:
    """Of processor time that a look at a text takes, or the limit where it is stopped there."""

    def stop(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        for _ in pattern.finditer(text) if searched else ():
            pass
        pattern.match(text)
        pattern.fullmatch(text)
    except TooSlow:
        return limit
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - begun
