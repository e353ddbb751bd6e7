"""Keep what runs left, each in a folder named by its key; a folder appears whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from assay.evidence.packing import DRAFT, MANIFEST, manifest, write, write_whole
from assay.records import CourseReport, Judgement, RunRecord

COSTS = "costs.json"
NOTES = RECIPES, JUDGEMENTS, COURSES = "recipes", "judgements", "courses"


class Keyed(Protocol):
    """A job as the store knows it: all that it is made from, and the key of what it leaves."""

    @property
    def recipe(self) -> str: ...

    @property
    def key(self) -> str: ...


class Held(NamedTuple):
    """A run that is kept: when it was last used, its key, its size in bytes."""

    used: float
    key: str
    size: int


class Cost(NamedTuple):
    """What a run took: seconds, and bytes at its peak."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Store:
    """Folders `root/ab/abcdef.../` of plain files that a person can open and judge again."""

    root: Path

    def folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def key(self, job: Keyed) -> str:
        """Return the job's key; a job that was put together before need not be for it."""
        note = self._note(RECIPES, job.recipe)
        if not note.exists():
            write_whole(note, job.key.encode())
        return note.read_text()

    def knows(self, job: Keyed) -> bool:
        """Return whether the job's run is kept, without putting the job together."""
        note = self._note(RECIPES, job.recipe)
        return note.exists() and self.has(note.read_text())

    def judgement(self, recipe: str, make: Callable[[], Judgement]) -> Judgement:
        """What was judged by this recipe; it is judged now where it was not."""
        note = self._note(JUDGEMENTS, recipe)
        if not note.exists():
            write_whole(note, make().model_dump_json().encode())
        return Judgement.model_validate_json(note.read_bytes())

    def checked(self, recipe: str, check: Callable[[], CourseReport]) -> CourseReport:
        """What the course was found to be by this recipe. Only what is good is kept: a package that
        was missing may be installed by now."""
        note = self._note(COURSES, recipe)
        if note.exists():
            return CourseReport.model_validate_json(note.read_bytes())
        found = check()
        if found.is_good:
            write_whole(note, found.model_dump_json().encode())
        return found

    def costs(self) -> dict[str, Cost]:
        """Return what the last run of each place took."""
        try:
            known = json.loads((self.root / COSTS).read_text())
            return {place: Cost(float(s), int(m)) for place, (s, m) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # a guess: no reason to stop
            return {}

    def learn(self, costs: Mapping[str, Cost]) -> None:
        """Keep what runs took, for the order of the next ones."""
        write_whole(self.root / COSTS, json.dumps(costs).encode())

    def _note(self, kind: str, name: str) -> Path:
        note = self.root / kind / name[:2] / name
        if note.exists():
            os.utime(note)
        return note

    def has(self, key: str) -> bool:
        return (self.folder(key) / "run.json").exists()

    def record(self, key: str) -> RunRecord:
        """The record of a run that was kept."""
        os.utime(self.folder(key))  # when it was last used
        return RunRecord.model_validate_json((self.folder(key) / "run.json").read_bytes())

    def held(self) -> list[Held]:
        """Every run that is kept, the one that was used longest ago first."""
        folders = [path.parent for path in self.root.glob("??/*/run.json")]
        return sorted(Held(_used(f), f.name, _size(f)) for f in folders)

    def prune(self, before: float) -> list[Held]:
        """Forget what was not used since then (seconds since 1970), and drafts of the killed."""
        old = [held for held in self.held() if held.used < before]
        for held in old:
            self.drop(held.key)
        notes = [p for kind in NOTES for p in (self.root / kind).glob("*/*")]
        for note in [*notes, *self.root.glob(f"*/{DRAFT}*"), *self.root.glob(f"{DRAFT}*")]:
            if _used(note) < before:
                shutil.rmtree(note) if note.is_dir() else note.unlink()
        return old

    def files(self, key: str) -> dict[str, bytes]:
        """Everything that was kept of a run, by relative name."""
        folder = self.folder(key)
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    def listing(self, key: str) -> list[tuple[str, int, int]]:
        """Name, size and time of change of every file that was kept of a run."""
        folder = self.folder(key)
        stats = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
        return [(path.name, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()]

    def put(self, record: RunRecord, files: dict[str, bytes]) -> None:
        """Keep a run; where two write the same key, the first to finish wins."""
        final = self.folder(record.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=final.parent))
        listed = {MANIFEST: manifest(files).encode()}
        write(files | listed | {"run.json": record.model_dump_json(indent=1).encode()}, draft)
        try:
            draft.rename(final)
        except OSError:  # it is there already
            shutil.rmtree(draft)

    def drop(self, key: str) -> None:
        """Forget a run."""
        shutil.rmtree(self.folder(key), ignore_errors=True)


class Fresh(Store):
    """The same runs, and no judgement of them that somebody else has kept."""

    def judgement(self, recipe: str, make: Callable[[], Judgement]) -> Judgement:
        """What is judged now."""
        return make()


def _used(path: Path) -> float:
    return path.stat().st_mtime


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
