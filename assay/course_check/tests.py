"""What the tests of a part are marked with: criteria, claims that seeds can decide, figures."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import ceil, log
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from assay.course import files
from assay.course.assignment import Assignment, Part, line_of
from assay.course_check.faults import crashed_at
from assay.execution.forkserver import ForkServers
from assay.judge import judge, statistics
from assay.judge.evidence_view import Listed, Marker
from assay.records import Claim, Fault, Figure
from assay.source import syntax
from assay.words import counted

TRACE = re.compile(r"^(?:E\s+)?(?:File \")?([^\s\"]+\.py)\"?[:,] ?(?:line )?(\d+)", re.MULTILINE)


def check(
    assignment: Assignment, part: Part, servers: ForkServers
) -> tuple[list[Fault], list[Listed]]:
    """Return what is wrong with the tests of one part, and the tests."""
    found, said = judge.collect(assignment, part, servers)
    if found is None:
        return [_unlisted(assignment, part, said)], []
    tests = found["tests"]
    faults = [Fault.model_validate(fault) for fault in found["faults"]]
    if faults:  # tests are missing then, and every criterion of theirs would be named too
        return faults, tests
    for test in tests:
        faults += [Fault(where=test["where"], said=said) for said in _of_test(part, test)]
    faults += [
        Fault(
            where=f"{assignment.file}:{line_of(assignment, part.name, 'criterion', n, 'name')}",
            said=f"no test judges `{spec.name}`",
        )
        for n, spec in enumerate(part.criterion)
        if spec.name not in [_first(test, "criterion") for test in tests]
    ]
    return faults, tests


def _unlisted(assignment: Assignment, part: Part, said: str) -> Fault:
    """pytest ended before it had listed anything: the last place that it named, and its words."""
    root = f"{assignment.root}/"
    places = [(f.removeprefix(root), n) for f, n in TRACE.findall(said) if "site-packages" not in f]
    errors = re.findall(r"^E\s+(\S.*)$|^(\w*(?:Error|Exception)\b.*)$", said, re.MULTILINE)
    words = next((a or b for a, b in reversed(errors)), said.strip().rpartition("\n")[2])
    file, line = places[-1] if places else (f"{part.rubric}", "1")
    where = f"{file}:{line}"
    if died := re.search(r"^Fatal Python error: .*$", said, re.MULTILINE):
        where, words = crashed_at(said, assignment.root) or where, died[0]
    return Fault(where=where, said=f"the tests cannot be collected: {words}"[:500])


def _of_test(part: Part, test: Listed) -> Iterator[str]:
    name, markers = f"`{test['name']}`", test["markers"]
    for unknown in test.get("unknown", []):
        yield f"{name} asks for `{unknown}`, and there is no such fixture"
    for marker in test["left_out"]:
        yield f"{name} is marked `{marker}`: no submission would get its points"
    for marker in test.get("repeated", []):
        yield f"{name} is marked `{marker}` more than once, and only one would count"
    if "claim" in markers and test.get("once"):
        yield f"the claim of {name} is about single runs, and it reads no `run`: it is judged once"
    if not test.get("reads", True):
        yield f"{name} reads nothing of a submission, so it says the same of all of them"
    if test.get("collects") and "review" not in markers:
        yield f"{name} keeps a written answer and is not marked `review`: who hands one in passes"
    for marker in ("criterion", "hint"):
        if marker in markers and (said := _not_one_text(markers[marker])):
            yield f"the marker `{marker}` of {name} {said}"
    if "review" in markers and any(markers["review"].values()):
        yield f"the marker `review` of {name} holds something; expected nothing"
    known = [spec.name for spec in part.criterion]
    criterion = _first(test, "criterion")
    if "criterion" not in markers:
        yield f"{name} has no criterion: it needs `pytest.mark.criterion(...)`"
    elif isinstance(criterion, str) and criterion not in known:
        listed = ", ".join(f"`{spec}`" for spec in known)
        yield f"{name} judges the criterion `{criterion}`; assignment.toml has {listed}"
    if "claim" in markers:
        yield from (f"the claim of {name} {said}" for said in _of_claim(part, markers["claim"]))


def _first(test: Listed, marker: str) -> Any:
    found = test["markers"].get(marker)
    return found["args"][0] if found and found["args"] else None


def _not_one_text(marker: Marker) -> str:
    args, kwargs = marker["args"], marker["kwargs"]
    if len(args) == 1 and isinstance(args[0], str) and args[0] and not kwargs:
        return ""
    shown = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
    return f"holds ({shown}); expected one text"


def _of_claim(part: Part, marker: Marker) -> Iterator[str]:
    """Yield what is wrong with a claim, and whether the part's seeds can ever decide it."""
    args, kwargs = marker["args"], marker["kwargs"]
    if len(args) != 1 or not isinstance(args[0], str):
        yield f"names {args!r}; expected the measure's name first, and all else by keyword"
        return
    numbers = {k: float(v) if isinstance(v, int) else v for k, v in kwargs.items()}
    try:
        claim = Claim(measure=args[0], **numbers)
    except (ValidationError, TypeError) as error:
        yield f"cannot be read: {_in_words(error)}"
        return
    if (claim.at_least is None) == (claim.at_most is None):
        yield "needs one of `at_least` and `at_most`"
        return
    if not 0 < claim.against < claim.share < 1:
        shares = f"share={claim.share:g} and against={claim.against:g}"
        yield f"has {shares}; expected 0 < against < share < 1"
        return
    if not 0.5 < claim.confidence < 1:
        yield f"has confidence={claim.confidence:g}; expected between 0.5 and 1"
        return
    seeds = max(len(part.seeds), part.max_seeds or 0)
    needed = runs_needed(claim)
    if needed > seeds:
        yield (
            f"({claim.share:g} against {claim.against:g} at {claim.confidence:g}) can never be "
            f"decided with {counted(seeds, 'seed')}: it takes {needed} where all "
            "hold; add `seeds`, or `max_seeds`"
        )


def runs_needed(claim: Claim) -> int:
    """Return how many runs a claim takes at least to be accepted: all of them hold."""
    enough = log(claim.confidence / (1 - claim.confidence))
    per_run = statistics.log_ratio(1, 1, claim)
    return ceil(enough / per_run - 1e-9)


def _in_words(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return str(error)
    first = error.errors()[0]
    return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"


SHAPES = ("a number", "a series", "a matrix")
DRAWN = {"curves": (1,), "pairs": (0,), "map": (2, 1)}
"""What a figure of each kind draws, by the number of its dimensions."""


def figures(assignment: Assignment, part: Part, measured: Mapping[str, int] | None) -> list[Fault]:
    """Return the figures that would not be drawn.

    `measured` has what the reference's runs were measured for, with its number of dimensions. If
    they were not judged, a name that a test spells may be measured.
    """
    spelt = _spelt(assignment, part) if measured is None else set()
    faults = []
    for n, figure in enumerate(part.figure):
        for key in ("measurement", "against"):
            name = getattr(figure, key)
            line = line_of(assignment, part.name, "figure", n, key)
            if name and (said := _undrawn(figure, name, measured, spelt)):
                faults.append(Fault(where=f"{assignment.file}:{line}", said=said))
    return faults


def _undrawn(
    figure: Figure, name: str, measured: Mapping[str, int] | None, spelt: Collection[str]
) -> str:
    """Why a figure cannot draw this measurement, '' if it can."""
    if measured is None and any(re.fullmatch(pattern, name) for pattern in spelt):
        return ""
    if measured is None or name not in measured:
        known = ", ".join(f"`{name}`" for name in sorted(measured or ())[:8])
        said = f"no test measures `{name}`, which the figure `{figure.name}` draws"
        return f"{said}; measured are {known}" if known else said
    if measured[name] in DRAWN[figure.kind]:
        return ""
    found, drawn = SHAPES[measured[name]], SHAPES[DRAWN[figure.kind][0]]
    return f"`{name}` is {found}, and the figure `{figure.name}` draws {drawn} (`{figure.kind}`)"


def _spelt(assignment: Assignment, part: Part) -> set[str]:
    """Return every text in the rubric's code, as a pattern."""
    found: set[str] = set()
    package = assignment.root / PurePosixPath(part.rubric).parts[0]
    for path in files.of_part(assignment, part):
        if path.suffix == ".py" and path.is_relative_to(package):
            found |= set(_texts(syntax.parse(files.text_of(path))))
    return found


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield a pattern for each text that may be the name of a measurement."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces = [v.value if isinstance(v, ast.Constant) else None for v in node.values]
            if any(pieces):
                yield "".join(".*" if p is None else re.escape(str(p)) for p in pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)


def claims_unmeasured(tests: Sequence[Listed], measured: set[str]) -> list[Fault]:
    """Return the claims about something that was not measured when the reference was judged."""
    claims = [(test, _first(test, "claim")) for test in tests if "claim" in test["markers"]]
    return [
        Fault(
            where=test["where"],
            said=f"the claim of `{test['name']}` is about `{name}`, which is not measured",
        )
        for test, name in claims
        if isinstance(name, str) and name not in measured
    ]
