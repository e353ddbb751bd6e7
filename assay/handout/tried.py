"""What a try of the public half found, and where in a handout that half lies."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay import records
from assay.errors import UsageError, quoted
from assay.records import Result
from assay.submission import own_checks

FOLDER, LATER = own_checks.FOLDER, own_checks.LATER


@dataclass(frozen=True)
class Later:
    """A criterion of which nothing is public: it is marked when the work was handed in."""

    title: str
    points: float


@dataclass(frozen=True)
class Tried:
    """What a student is shown: the result of the public half, what comes later, what differs."""

    result: Result
    later: dict[str, list[Later]]
    notes: list[str]


def plain(tried: Tried) -> dict[str, object]:
    """Return what was found as plain data."""
    later = {part: [asdict(each) for each in of] for part, of in tried.later.items()}
    return {"result": records.plain(tried.result), "later": later, "notes": tried.notes}


def told(found: Mapping[str, Any]) -> Tried:
    """Return what was found of its plain data."""
    later = {part: [Later(**each) for each in of] for part, of in found["later"].items()}
    return Tried(Result.model_validate_json(json.dumps(found["result"])), later, found["notes"])


def folder_of(path: Path, check: Path | None = None) -> Path:
    """Return the folder of the public half: beside what is tried, or in a folder above it.

    Raises
    ------
    UsageError
        If there is none.
    """
    whole = path.absolute()
    places = [check] if check else [above / FOLDER for above in (whole, *whole.parents)]
    for place in places:
        if (place / "assignment.toml").is_file():
            return place
    raise UsageError(
        f"there are no public questions for {quoted(path)}",
        found=f"looked for `{FOLDER}/assignment.toml` in it and in the folders above",
        hint="run it in the folder that you were given; `--check` names another one",
    )


def in_place_of(assignment: Path) -> Path | None:
    """Return the public half's assignment if there is no other here, as in a handout."""
    half = assignment.parent / FOLDER / assignment.name
    return half if not assignment.exists() and (half.parent / LATER).is_file() else None
