"""Wrong submissions, each one small diff against the reference, and the right variants of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Edits = Mapping[str, Mapping[str, str]]
PACKAGES = {"part1": ["backprop"], "part2": ["transformer", "reversal"]}


@dataclass(frozen=True)
class Case:
    """A diff: in each file every `old` becomes its `new`; `loses` is the one criterion it costs."""

    name: str
    loses: str | None
    edits: Edits
    seeds: tuple[int, ...] | None = (0,)
    """Most mistakes show in every run; some only beside another seed.

    Where a claim decides that one run cannot, None: as many seeds as the assignment plans.
    """

    def apply(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The submission with this diff; a diff that no longer fits the reference is an error."""
        changed = dict(files)
        for name, replace in self.edits.items():
            patch = _in_notebook if name.endswith(".ipynb") else _in_text
            changed[name] = patch(files[name], replace)
        return changed


def parameters(cases: Sequence[Case], elsewhere: Collection[str | None] = ()) -> list[Any]:
    """For `parametrize`: each criterion's first case runs always, the others are `thorough`.

    So are all cases of a criterion that has its first one elsewhere; `nox -s rubric` runs them all.
    """
    seen = set(elsewhere)
    chosen = []
    for case in cases:
        marks = [pytest.mark.thorough] if case.loses in seen else []
        seen.add(case.loses)
        chosen.append(pytest.param(case, id=case.name.replace(" ", "-"), marks=marks))
    return chosen


def short_submission(root: Path, part: str) -> dict[str, bytes]:
    """The reference's part of `solution`, with what tests/mistakes/short has for this part."""
    paths = [root / "solution" / "__init__.py"]
    for package in PACKAGES[part]:
        paths += (root / "solution" / package).glob("*.py")
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    short = Path(__file__).parent / "short" / part
    ours = [path for path in short.rglob("*") if path.suffix in (".py", ".ipynb")]
    return files | {path.relative_to(short).as_posix(): path.read_bytes() for path in ours}


def _in_text(content: bytes, replace: Mapping[str, str]) -> bytes:
    text = content.decode()
    for old, new in replace.items():
        assert old in text, f"the reference no longer has {old!r}"
        text = text.replace(old, new)
    return text.encode()


def _in_notebook(content: bytes, replace: Mapping[str, str]) -> bytes:
    notebook = json.loads(content)
    for old, new in replace.items():
        sources = ["".join(cell["source"]) for cell in notebook["cells"]]
        assert any(old in source for source in sources), f"no cell has {old!r} any more"
        for cell, source in zip(notebook["cells"], sources, strict=True):
            cell["source"] = source.replace(old, new)
    return json.dumps(notebook).encode()
