"""What a run and a judgement are made from, as one hash: where it is known, nothing is made again.

A recipe names more than can matter (all code of the course and of assay), so that it never says
"the same" wrongly; where it has changed, the run's own key decides whether it is made again.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

from assay import numerics, syntax
from assay.assignment import Assignment, Part
from assay.parts import Section
from assay.records import Receipt, Result, Run
from assay.secret import PUBLIC, Secret
from assay.submission import Submission
from assay.version import __version__

OURS = Path(__file__).parent


def of_run(section: Section, run: Run, code: str, secret: Secret = PUBLIC) -> str:
    """Everything that can change what goes into a run, and so what comes out of it."""
    assignment = section.assignment
    course: dict[str, object] = {
        "title": assignment.title,
        "limits": assignment.limits.model_dump(),
    }
    plan = {"part": section.part.model_dump(mode="json"), "run": run.model_dump(mode="json")}
    drawn = {"submission": section.submission.digest, "secret": secret.digest}
    return _hash(course | plan | drawn, code)


def of_judgement(section: Section, bench: Mapping[str, object]) -> str:
    """Everything that can change what a judge says of this evidence."""
    part = section.part
    facts = {"part": part.model_dump(mode="json"), "bench": bench}
    return _hash(facts, code(section.assignment, part))


def of_report(result: Result) -> str:
    """Everything that can change a report."""
    return hashlib.sha256((ours() + result.model_dump_json()).encode()).hexdigest()


def of_rubric(assignment: Assignment, part: Part) -> str:
    """The rubric's files by their names in the course, wherever the course lies."""
    digest = hashlib.sha256()
    files = _files(assignment.root, PurePosixPath(part.rubric).parts[0], set())
    for path in sorted(set(files)):
        stat = path.stat()
        name = path.relative_to(assignment.root).as_posix()
        digest.update(f"{name}\n{_digest(path, stat.st_mtime_ns, stat.st_size)}\n".encode())
    return digest.hexdigest()


def receipt(assignment: Assignment, submission: Submission, secret: Secret = PUBLIC) -> Receipt:
    """What a result rests on, before there is one."""
    return Receipt(
        assay=__version__,
        code=ours(),
        course=course(assignment),
        submission=submission.hashes,
        secret=secret.digest,
        looks={part.name: part.looks for part in assignment.part},
        pieces={},
    )


def course(assignment: Assignment) -> dict[str, str]:
    """The SHA-256 of each file of the course that a result rests on, by relative name."""
    root = assignment.root
    paths = {
        root / assignment.file,
        *([root / assignment.calibration] if assignment.calibration else []),
    }
    for part in assignment.part:
        paths |= set(_files(root, PurePosixPath(part.rubric).parts[0], set()))
    return {p.relative_to(root).as_posix(): _digest_of(p) for p in sorted(paths) if p.is_file()}


def our_files() -> list[Path]:
    """assay as it is installed here: its code, and the templates that its pages are made of."""
    paths = sorted(OURS.rglob("*"))
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


@cache
def ours() -> str:
    """A hash of assay's own files, wherever they are installed."""
    names = {path.relative_to(OURS).as_posix(): _digest_of(path) for path in our_files()}
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()


def files(assignment: Assignment, part: Part) -> set[Path]:
    """The files of the course that a rubric rests on."""
    return set(_files(assignment.root, PurePosixPath(part.rubric).parts[0], set()))


def of_course(assignment: Assignment, reference: str = "") -> str:
    """Everything that can change what is wrong with a course; `reference` is a digest of its own
    answer, if that was asked."""
    text = (assignment.root / assignment.file).read_text(encoding="utf-8")
    rubrics = "".join(code(assignment, part) for part in assignment.part)
    return _hash({"assignment": text, "reference": reference}, rubrics)


def code(assignment: Assignment, part: Part) -> str:
    """A hash of assay's own files and of those of the course that a rubric rests on."""
    course = files(assignment, part)
    return _hashed(OURS.rglob("*.py")) + _hashed(course)


def _hashed(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        digest.update(f"{path}\n{_digest_of(path)}\n".encode())
    return digest.hexdigest()


def _hash(facts: Mapping[str, object], code: str) -> str:
    known = {**facts} | {"code": code, "numerics": numerics.profile()}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _files(root: Path, package: str, seen: set[str]) -> Iterator[Path]:
    """The files of a package of the course, and of those beside it that it imports."""
    seen.add(package)
    inside = (root / package).rglob("*")
    for path in [*inside, root / f"{package}.py"]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
            stat = path.stat()
            for name in _imports(path, stat.st_mtime_ns, stat.st_size) - seen:
                yield from _files(root, name, seen)


def _digest_of(path: Path) -> str:
    stat = path.stat()
    return _digest(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=10_000)
def _digest(path: Path, modified: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=10_000)
def _imports(path: Path, modified: int, size: int) -> frozenset[str]:
    """The packages that a file names in its imports."""
    if path.suffix != ".py":
        return frozenset()
    try:
        tree = syntax.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return frozenset()
    nodes = list(ast.walk(tree))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return frozenset(module.partition(".")[0] for module in modules)
