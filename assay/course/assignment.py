"""Read assignment.toml: the parts, their matrix of runs, limits, criteria and points."""

import os
import shlex
import tomllib
from collections import Counter
from math import isfinite, prod
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from assay.course import asked
from assay.errors import UsageError
from assay.records import Figure, Record, Scalar

UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""Ends of lines, control characters, and those that turn the direction of a text."""
EXPECTED = {
    r"^[a-z][a-z0-9_-]*$": "small letters, digits, `-` and `_`, a letter first",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "a name of Python's: letters, digits and `_`",
    r"^[\w-][\w./-]*$": "a path below the assignment's folder: letters, digits, `_-./`",
    r"^[\w-][\w ./-]*$": "a path below the assignment's folder: letters, digits, spaces, `_-./`",
    rf"^[^\s{UNSEEN}](?:[^{UNSEEN}]*[^\s{UNSEEN}])?$": "some text in one line",
}
"""What each pattern of a text lets in, in words.

A notebook's path may have spaces: it is only read, and a rubric is imported.
"""
A_NAME, A_PARAMETER, A_PATH, A_NOTEBOOK, A_TITLE = EXPECTED
Name = Annotated[str, Field(pattern=A_NAME)]
ParameterName = Annotated[str, Field(pattern=A_PARAMETER)]
RelativePath = Annotated[str, Field(pattern=A_PATH)]
NotebookPath = Annotated[str, Field(pattern=A_NOTEBOOK)]
Title = Annotated[str, Field(pattern=A_TITLE)]
LARGEST_SEED = 2**32 - 1
"""NumPy takes no larger one, and its error would be in the student's cell."""
MOST_RUNS = 10_000
"""Of a part, for one submission."""


class Limits(Record):
    """How long a cell, a question, and a whole run may compute; the memory of a process.

    Seconds of processor time, of all processes of a run; docs/assignment.md says how long what
    does not compute may last.
    """

    cell_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    question_seconds: Annotated[float, Field(gt=0, le=3600)] = 20.0
    """For a question of which the rubric does not say it; never more than for a cell."""
    run_seconds: Annotated[float, Field(gt=0, le=86400)] = 300.0
    memory_mb: Annotated[float, Field(ge=256, le=1_000_000)] = 2048.0


class CriterionSpec(Record):
    """One line of the mark sheet; its tests carry `pytest.mark.criterion(name)`."""

    name: Name
    title: Title
    points: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(Record):
    """One notebook, run for every seed and every combination of the matrix."""

    name: Name
    title: Title
    notebook: NotebookPath
    rubric: RelativePath
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=LARGEST_SEED)]], Field(min_length=1)]
    max_seeds: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """If a verdict is undecided, more seeds are run, up to this many in all."""
    matrix: dict[ParameterName, Annotated[list[Scalar], Field(min_length=1)]] = {}
    criterion: Annotated[list[CriterionSpec], Field(min_length=1)]
    figure: list[Figure] = []

    @model_validator(mode="after")
    def names_are_unique(self) -> "Part":
        _refuse_repeats(f"criteria of part `{self.name}`", [c.name for c in self.criterion])
        _refuse_repeats(f"figures of part `{self.name}`", [figure.name for figure in self.figure])
        if self.max_seeds is not None and self.max_seeds < len(self.seeds):
            raise ValueError(
                f"`max_seeds` is {self.max_seeds}, below the {len(self.seeds)} `seeds`"
            )
        _refuse_repeats(f"seeds of part `{self.name}`", [str(seed) for seed in self.seeds])
        for name, values in self.matrix.items():
            _refuse_repeats(f"values of `{name}`", [repr(value) for value in values])
            if not all(map(isfinite, (v for v in values if isinstance(v, float)))):
                raise ValueError(f"`{name}` in `matrix` holds {values}; expected finite numbers")
        if "seed" in self.matrix:
            raise ValueError("`seed` is varied by `seeds`; it cannot stand in `matrix` too")
        n_runs = len(self.seeds) * prod(map(len, self.matrix.values()))
        if n_runs > MOST_RUNS:
            raise ValueError(
                f"part `{self.name}` would take {n_runs:,} runs a submission; at most {MOST_RUNS:,}"
            )
        return self

    @property
    def varied(self) -> list[str]:
        """The names of the parameters that runs differ in."""
        return ["seed", *self.matrix]

    @property
    def batch(self) -> int:
        """How many seeds are run at once: first, and again each time more are needed."""
        return len(self.seeds)

    @property
    def looks(self) -> int:
        """How often a verdict can be looked at: after the first seeds, and after each batch."""
        return max(1, -(-(self.max_seeds or 1) // self.batch))


class Assignment(Record):
    """The whole of assignment.toml, and the folder it stands in."""

    title: Title
    root: Path
    file: str = "assignment.toml"
    limits: Limits = Limits()
    calibration: RelativePath | None = None
    """Where `assay calibrate` leaves its numbers, and reports find them."""
    part: Annotated[list[Part], Field(min_length=1)]

    @model_validator(mode="after")
    def names_are_unique(self) -> "Assignment":
        _refuse_repeats("parts", [part.name for part in self.part])
        return self

    @property
    def asked(self) -> dict[str, frozenset[str]]:
        """The names that each part's exam asks for; those of parameters are everybody's."""
        return {p.name: asked.names(self.root / p.rubric) - set(p.varied) for p in self.part}

    def with_seeds(self, seeds: list[int]) -> "Assignment":
        """Return the same assignment over these seeds and no others."""
        parts = [p.model_copy(update={"seeds": seeds, "max_seeds": None}) for p in self.part]
        return self.model_copy(update={"part": parts})


UTF8 = "utf-8-sig"
"""With or without a byte order mark: editors on Windows write one."""


def read(path: Path) -> Assignment:
    """Read and validate an assignment.

    Raises
    ------
    UsageError
        If the file is missing, is not TOML or says something it may not: with its line.
    """
    try:
        text = path.read_text(encoding=UTF8)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(
            f"`{path}` is not UTF-8",
            found=f"line {line}: byte {error.object[error.start]:#x}",
            hint="save it as UTF-8 in your editor",
        ) from None
    except OSError as error:
        raise UsageError(
            f"no assignment at `{path}` that can be read",
            found=error.strerror or str(error),
            hint=_where_to_look(path),
        ) from None
    # What runs and judges works in other folders than the one that the path was typed in.
    return parse(text, path).model_copy(update={"root": path.parent.resolve()})


def _where_to_look(path: Path) -> str:
    """Return the nearest assignment in a folder above, if the one that was named is not there."""
    above = path.absolute().parents[1:]
    near = next((at for folder in above if (at := folder / path.name).is_file()), None)
    if path.exists() or near is None:
        return "run assay where assignment.toml stands, or name it with `--assignment`"
    return f"there is one above: `--assignment {shlex.quote(os.path.relpath(near))}`"


def parse(text: str, path: Path) -> Assignment:
    """Validate the text of an assignment that stands at `path`."""
    try:
        data = tomllib.loads(text)
        stands = {"root": path.parent, "file": path.name}
        return Assignment.model_validate(_whole_numbers_as_floats(data) | stands)
    except tomllib.TOMLDecodeError as error:
        hint = "https://toml.io shows how it is written: texts stand in straight quotes"
        raise UsageError(f"`{path}` is not TOML", found=str(error), hint=hint) from None
    except ValidationError as error:
        raise UsageError(
            f"`{path}` does not describe an assignment",
            found="\n".join(dict.fromkeys(_in_words(p, text) for p in error.errors())),
            hint="docs/assignment.md lists every key and what it may hold",
        ) from None


def line_of(assignment: Assignment, part: str, *keys: str | int) -> int:
    """Return the line of assignment.toml that a key of a part stands in."""
    index = next(i for i, p in enumerate(assignment.part) if p.name == part)
    text = (assignment.root / assignment.file).read_text(encoding=UTF8)
    return _line_of(("part", index, *keys), text)


def _whole_numbers_as_floats(data: dict[str, object]) -> dict[str, object]:
    """TOML tells 60 from 60.0 and so do strict records; here a person may write either."""
    limits = data.get("limits")
    if isinstance(limits, dict):
        data["limits"] = {key: _as_float(value) for key, value in limits.items()}
    for part in _tables(data.get("part")):
        for criterion in _tables(part.get("criterion")):
            if "points" in criterion:
                criterion["points"] = _as_float(criterion["points"])
    return data


def _tables(value: object) -> list[dict[str, object]]:
    """The tables of an array of tables; whatever else stands there is refused later, in words."""
    return [table for table in value if isinstance(table, dict)] if isinstance(value, list) else []


def _as_float(value: object) -> object:
    return float(value) if type(value) is int else value


def _in_words(problem: Any, text: str) -> str:
    """`line 12: part.criterion.points is "two"; expected: a valid number`."""
    keys = tuple(key for key in problem["loc"] if key not in ("bool", "int", "float", "str"))
    if keys != problem["loc"]:
        problem = problem | {"msg": "a bool, an int, a float or a str"}
    line = _line_of(keys, text)
    words = [key for key in keys if isinstance(key, str) and key != "[key]"]
    name = ".".join(words) or "the file"
    if problem["type"] == "extra_forbidden":
        allowed = ", ".join(f"`{key}`" for key in _allowed_beside(keys))
        return f"line {line}: `{name}` is not a key that assay knows; expected one of {allowed}"
    if problem["type"] == "missing":
        return f"line {line}: `{name}` is missing"
    if problem["type"] == "value_error":
        return f"line {line}: {problem['msg'].removeprefix('Value error, ')}"
    expected = problem["msg"].removeprefix("Input should be ")
    if problem["type"] == "too_short":
        expected = "one or more"
    elif problem["type"] == "string_pattern_mismatch":
        expected = EXPECTED[problem["ctx"]["pattern"]]
    return f"line {line}: `{name}` is {problem['input']!r:.60}; expected: {expected}"


def _allowed_beside(keys: tuple[str | int, ...]) -> list[str]:
    """The keys that the table of a wrong key may have."""
    table = next((key for key in reversed(keys[:-1]) if isinstance(key, str)), "")
    tables: dict[str, type[Record]] = {
        "limits": Limits,
        "part": Part,
        "criterion": CriterionSpec,
        "figure": Figure,
    }
    model: type[Record] = tables.get(table, Assignment)
    return [name for name in model.model_fields if name not in ("root", "file")]


def _line_of(keys: tuple[str | int, ...], text: str) -> int:
    """The line of the deepest of these keys that the text spells out (tomllib keeps no lines)."""
    best, table = (0, 1), ()  # type: tuple[int, int], tuple[str | int, ...]
    seen: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.split("#")[0].strip()
        if stripped.startswith("["):
            table = _table(stripped, seen)
            here = table
        elif "=" in stripped:
            here = (*table, *stripped.split("=")[0].strip().strip('"').split("."))
        else:
            continue
        if here == keys[: len(here)] and len(here) > best[0]:
            best = (len(here), number)
    return best[1]


def _table(header: str, seen: Counter[str]) -> tuple[str | int, ...]:
    """`[[part.criterion]]` as the path it opens, array indices counted as it goes."""
    name = header.strip("[] ")
    if header.startswith("[["):
        seen[name] += 1
        for inner in [other for other in seen if other.startswith(f"{name}.")]:
            del seen[inner]
    path: list[str | int] = []
    words = name.split(".")
    for depth, word in enumerate(words, 1):
        path.append(word)
        if (outer := ".".join(words[:depth])) in seen:
            path.append(seen[outer] - 1)
    return tuple(path)


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise ValueError(f"the {what} repeat a name: {', '.join(repeated)}")
