"""Put a crate together, and open one: everything that a result rests on, in one folder.

results.json  ro-crate-metadata.json  manifest-sha256.txt
course/       assignment.toml, the rubric, and what it imports
submission/   as it was handed in
runs/         a folder a run: what the store keeps of it, and its questions
"""

import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assay.course import assignment as assignments
from assay.course.assignment import Assignment
from assay.errors import CannotGrade, UsageError, quoted
from assay.evidence import keys, packing
from assay.evidence.packing import MANIFEST
from assay.evidence.store import Store
from assay.export import crate
from assay.records import Result
from assay.submission.submission import Submission

RESULTS = "results.json"


def gathered(
    result: Result, course: Assignment, submission: Submission, store: Store, published: str
) -> dict[str, bytes]:
    """Return the files of a crate, `published` on a date.

    Raises
    ------
    CannotGrade
        If a run is not kept any more, or the result rests on other files than these.
    """
    missing = [record.run.id for record in result.runs if not store.has(record.key)]
    if missing or not result.runs:
        raise CannotGrade(
            f"{quoted(result.submission)} cannot be packed: not all of its runs are kept",
            found=", ".join(missing[:5]) or "it has none",
            hint="`assay grade` makes them again",
        )
    now, then = keys.receipt(course, submission), result.receipt
    if then is None or (then.course, then.submission) != (now.course, now.submission):
        raise CannotGrade(
            f"{quoted(result.submission)} was judged by other files than there are now",
            hint="`assay verify` says which, `assay grade` judges again",
        )
    files = {RESULTS: result.model_dump_json(indent=1).encode()}
    files |= {f"course/{name}": (course.root / name).read_bytes() for name in now.course}
    files |= {f"submission/{name}": content for name, content in submission.files.items()}
    for record in result.runs:
        kept = store.whole(record, course)
        files |= {f"{crate.folder_of(record)}/{name}": held for name, held in kept.items()}
    sizes = {name: len(content) for name, content in sorted(files.items())}
    files[crate.METADATA] = crate.metadata(result, sizes, published).encode()
    return files | {MANIFEST: packing.manifest(files).encode()}


def is_one(folder: Path) -> bool:
    return (folder / crate.METADATA).exists()


@dataclass(frozen=True)
class Opened:
    """What a crate holds, laid out where assay finds it; `changed` says what is not as listed."""

    result: Result
    course: Assignment
    submission: Submission
    store: Store
    files: int
    changed: list[str]

    def store_beside(self, name: str) -> Store:
        """Another store that is gone with the copy."""
        return Store(self.store.root.with_name(name))


@contextmanager
def opened(folder: Path) -> Iterator[Opened]:
    """A crate as a copy of what its result names: nothing in it is written to.

    Raises
    ------
    UsageError
        If it is no crate, or holds no result, or no course.
    """
    if not is_one(folder):
        raise _no_crate(folder)
    files, links = _read(folder)
    result = _result(files, folder)
    named = result.receipt.course if result.receipt else {}
    course = {name: held for name, held in _below(files, "course/").items() if name in named}
    with tempfile.TemporaryDirectory(prefix="assay-crate-") as place:
        store, root = Store(Path(place) / "store"), Path(place) / "course"
        packing.write(course, root)
        for record in result.runs:
            packing.write(_below(files, f"{crate.folder_of(record)}/"), store.folder(record.key))
        yield Opened(
            result=result,
            course=assignments.read(next(root.glob("*.toml"), root / "assignment.toml")),
            submission=Submission(result.submission, _below(files, "submission/")),
            store=store,
            files=len(files),
            changed=[*links, *_changed(files)],
        )


def _no_crate(path: Path) -> UsageError:
    report = path.name == RESULTS or (path / RESULTS).exists()
    return UsageError(
        f"{quoted(path)} is no crate",
        found="it is a report, which holds no runs" if report else f"it holds no {crate.METADATA}",
        hint="`assay export ro-crate REPORT --submission SUBMISSION --out CRATE` makes one",
    )


def _result(files: dict[str, bytes], folder: Path) -> Result:
    try:
        result = Result.model_validate_json(files.get(RESULTS, b""))
    except ValueError as error:
        raise UsageError(
            f"{quoted(folder)} holds no result", found=str(error)[:300], hint="is it a crate?"
        ) from None
    if strange := [r.key for r in result.runs if not re.fullmatch("[0-9a-f]{64}", r.key)]:
        raise UsageError(f"{quoted(folder)} names a run by no key", found=quoted(strange[0]))
    return result


def _read(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return all regular files of a folder by name; sentences on what else is there."""
    files, strange = {}, []
    for path in sorted(folder.rglob("*")):
        name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
        if stat.S_ISREG(mode):
            files[name] = path.read_bytes()
        elif not stat.S_ISDIR(mode):
            strange.append(f"{quoted(name)} is no file")
    return files, strange


def _below(files: dict[str, bytes], folder: str) -> dict[str, bytes]:
    return {n.removeprefix(folder): held for n, held in files.items() if n.startswith(folder)}


def _changed(files: dict[str, bytes]) -> list[str]:
    """Return what the manifest says of these files."""
    listed = packing.listed(files.get(MANIFEST, b"").decode("utf-8", "replace"))
    held = {name: content for name, content in files.items() if name != MANIFEST}
    return packing.differences(listed, held)
