"""Read review.toml: of each question what was asked, a model answer, rubric items and facts.

    [[question]]
    criterion = "part1/self-learning"
    prompt = "Explain to your boss what `self-learning` means."
    model = "A program that …"
    facts = [{ measured = "network accuracy", claimed = "network accuracy, as claimed" }]

      [[question.item]]
      text = "says what is learned: the weights"
      points = 2

Without the file, or without a table for a criterion, there are three levels: all, half, nothing.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from assay.errors import UsageError, quoted
from assay.records import Fault, Record

FILE = "review.toml"


class ItemSpec(Record):
    """One line of a question's rubric. Of `level` items an answer has one at most."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    points: Annotated[float, Field(ge=-1000, le=1000)]
    level: bool = False


class Fact(Record):
    """A measurement that is shown beside the answer, with what the notebook claims of it."""

    measured: str
    claimed: str = ""


class QuestionSpec(Record):
    """What the course says of one written answer."""

    criterion: Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")]
    prompt: str = ""
    """What was asked, in Markdown: its sentences are not taken for the student's."""
    model: str = ""
    """A model answer, in Markdown."""
    facts: list[Fact] = []
    """Measurements to show [default: each number of the part]."""
    item: list[ItemSpec] = []


def levels(points: float) -> list[ItemSpec]:
    """Return the items of a question for which the course names none."""
    names = {"complete and right": 1.0, "right in part": 0.5, "wrong, or no answer": 0.0}
    return [ItemSpec(text=text, points=points * of, level=True) for text, of in names.items()]


def read(path: Path) -> Mapping[str, QuestionSpec]:
    """Return the questions of a review.toml by criterion; none if there is no such file.

    Raises
    ------
    UsageError
        If it cannot be read, or is not as it has to be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # an editor may begin it with a mark
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{quoted(path)} cannot be read", found=str(error), hint="save it as UTF-8"
        ) from None
    try:
        tables = tomllib.loads(text)
        unknown = sorted(set(tables) - {"question"})
        if unknown:
            raise ValueError(f"`{unknown[0]}` is not a key of it")
        found: list[QuestionSpec] = []
        for one in tables.get("question", []):
            found.append(QuestionSpec.model_validate(_floats(one)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "question"
        line = _line_of(text, len(found), first["loc"])
        raise _wrong(path, f"`{where}`: {first['msg']} (at line {line})") from None
    except (ValueError, TypeError, AttributeError) as error:  # TOML's own error is a ValueError
        raise _wrong(path, str(error)) from None
    names = [one.criterion for one in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong(path, f"`{repeated[0]}` has more than one table")
    return dict(zip(names, found, strict=True))


def slips(path: Path, criteria: Collection[str]) -> list[Fault]:
    """Return what is wrong with a review.toml whose course has these criteria, as `part/name`.

    A question of a criterion that no result has would be shown beside no answer.
    """
    try:
        names = read(path)
    except UsageError as error:
        line = re.search(r"line (\d+)", error.found)
        return [Fault(where=f"{path.name}:{line[1] if line else 1}", said=error.found)]
    lines = path.read_text(encoding="utf-8-sig").splitlines() if names else []
    return [
        Fault(
            where=f"{path.name}:{_line(lines, name)}",
            said=f"`{name}` is no criterion of assignment.toml; it has {_near(name, criteria)}",
        )
        for name in names
        if name not in criteria
    ]


def _line_of(text: str, number: int, keys: Sequence[str | int]) -> int:
    """The line of a key in the question of this number, or that in which its table begins."""
    heads = {"question": -1, "item": -1}
    items = [key for key in keys if isinstance(key, int)]
    wanted = {"question": number, "item": items[0] if items else -1}
    begin = 1
    for n, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s{0,40}\[\[(?:question\.)?(question|item)\]\]", line):
            heads["item"] = heads["item"] + 1 if table[1] == "item" else -1
            heads["question"] += table[1] == "question"
            begin = n if heads == wanted else begin
        elif heads == wanted and line.partition("=")[0].strip() == str(keys[-1]):
            return n
    return begin


def _line(lines: list[str], name: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if name in line), 1)


def _near(name: str, criteria: Collection[str]) -> str:
    near = difflib.get_close_matches(name, criteria, 3) or sorted(criteria)[:3]
    return ", ".join(f"`{one}`" for one in near)


def _wrong(path: Path, found: str) -> UsageError:
    return UsageError(
        f"{quoted(path)} is not written as it has to be",
        found=found,
        hint="docs/review.md lists every key",
    )


def _floats(table: dict[str, object]) -> dict[str, object]:
    """TOML tells 2 from 2.0 and so do strict records; here a person may write either."""
    items = table.get("item")
    if not isinstance(items, list):
        return table
    return table | {
        "item": [
            one | {"points": float(one["points"])}
            if isinstance(one, dict) and type(one.get("points")) is int
            else one
            for one in items
        ]
    }
