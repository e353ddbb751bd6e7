"""Keep what runs left, each in an archive named by its key, which appears whole or not at all.

A run that an older assay kept, or that lies in a crate, is a folder of the same files; it is read
as well.
"""

import json
import logging
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4

from assay import portable
from assay.course.assignment import Assignment
from assay.errors import OurFault, UsageError, quoted
from assay.evidence import packing, planes, questions
from assay.evidence.packing import DRAFT, MANIFEST, manifest, write_whole
from assay.records import CourseReport, Judgement, Judgements, PartRead, RunRecord, Verdict

COSTS = "costs.json"
RECORD = "run.json"
ENDING = ".zip"
IN_USE = "in-use"
"""Is held by every command that runs or reads what is kept, and alone by one that forgets."""
NOTES = RECIPES, JUDGEMENTS, COURSES = "recipes", "judgements", "courses"

Read = TypeVar("Read")
Note = TypeVar("Note", Judgements, CourseReport, PartRead)
Found = TypeVar("Found", CourseReport, PartRead)
Judge = Callable[[list[str]], dict[str, Judgement]]
"""Judges by the test files of these names, and returns what each of them found."""
logger = logging.getLogger(__name__)


class Keyed(Protocol):
    """A job as the store knows it: all that it is made from, and the key of what it leaves."""

    @property
    def recipe(self) -> str: ...

    @property
    def key(self) -> str: ...


class StoreEntry(NamedTuple):
    """A run that is kept: when it was last used, its key, its size in bytes and its files."""

    used: float
    key: str
    size: int
    files: int = 1


class Cost(NamedTuple):
    """What a run took: seconds, and bytes at its peak."""

    seconds: float
    memory: int


@dataclass(frozen=True)
class Store:
    """Archives `root/ab/abcdef….zip` that a person can open and judge again."""

    root: Path

    def folder(self, key: str) -> Path:
        """Where an older assay kept a run, file by file."""
        return self.root / key[:2] / key

    def place(self, key: str) -> Path:
        """Where a run is kept, or will be."""
        folder = self.folder(key)
        return folder if (folder / RECORD).is_file() else self._archive(key)

    def _archive(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}{ENDING}"

    def key(self, job: Keyed) -> str:
        """Return the job's key; a job that was put together before need not be for it."""
        return self._noted(job) or self.learn_key(job)

    def learn_key(self, job: Keyed) -> str:
        """Note the key that the job has now, and return it."""
        write_whole(self._note(RECIPES, job.recipe), job.key.encode())
        return job.key

    def knows(self, job: Keyed) -> bool:
        """Return whether the job's run is kept, without putting the job together."""
        key = self._noted(job)
        return bool(key) and self.has(key)

    def _noted(self, job: Keyed) -> str:
        note = self._note(RECIPES, job.recipe)
        key = note.read_text(errors="replace") if note.exists() else ""
        return key if re.fullmatch("[0-9a-f]{64}", key) else ""  # a power cut may leave it empty

    def judgements(
        self, recipe: str, tests: Mapping[str, str], make: Judge
    ) -> dict[str, Judgement]:
        """What each of these test files found by this recipe, by name; `tests` has their hashes.

        Those judge now that did not, or said something else then. What could not be judged is not
        kept: a disk that was away may be back.
        """
        note = self._note(JUDGEMENTS, recipe)
        noted = _noted_in(note, Judgements)
        known = noted.of if noted else {}
        found = {name: known[text] for name, text in tests.items() if text in known}
        if missing := [name for name in tests if name not in found]:
            found |= make(missing)
            kept = {tests[name]: of for name, of in found.items() if _is_judged(of)}
            _write_note(note, Judgements(of=kept))
        return found

    def checked(self, kind: type[Found], recipe: str, check: Callable[[], Found]) -> Found:
        """What the course was found to be by this recipe. Only what is good is kept: a package that
        was missing may be installed by now."""
        note = self._note(COURSES, recipe)
        if noted := _noted_in(note, kind):
            return noted
        found = check()
        if found.is_good:
            _write_note(note, found)
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
        place = self.place(key)
        return place.exists()

    def record(self, key: str) -> RunRecord:
        """The record of a run that was kept."""
        os.utime(self.place(key))  # when it was last used
        held = self.files(key, RECORD)
        if RECORD not in held:
            raise _damaged(self.place(key), f"it holds no {RECORD}")
        record = RunRecord.model_validate_json(held[RECORD])
        if record.key != key:
            raise _damaged(self.place(key), f"it holds the run {record.key[:12]}…")
        return record

    def held(self) -> list[StoreEntry]:
        """Every run that is kept, the one that was used longest ago first."""
        archives = list(self.root.glob(f"??/[!.]*{ENDING}"))
        folders = [path.parent for path in self.root.glob(f"??/*/{RECORD}")]
        found = [(path, path.name.removesuffix(ENDING)) for path in [*archives, *folders]]
        return sorted(StoreEntry(_used(path), key, *_size(path)) for path, key in found)

    def notes(self) -> list[Path]:
        """What is known of runs: which recipe makes which, what was judged, what is a course."""
        return [path for kind in NOTES for path in (self.root / kind).glob("*/*")]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Nothing that is kept is forgotten meanwhile."""
        with portable.locked(self.root / IN_USE, alone=False):
            yield

    @contextmanager
    def to_forget(self) -> Iterator[None]:
        """Keep all others from using the store meanwhile.

        Raises
        ------
        UsageError
            If another command does, or if that cannot be known.
        """
        with ExitStack() as held:
            try:
                is_alone = held.enter_context(portable.locked(self.root / IN_USE, alone=True))
            except portable.NoLocks as error:
                raise UsageError(
                    "nothing was forgotten: whether another command uses what is kept cannot be "
                    "known, as the file system has no locks",
                    found=f"{self.root}: {error}",
                    hint="where no command runs, the whole store may be removed: runs are then "
                    "made again; or have it on a file system with locks",
                ) from None
            if not is_alone:
                raise UsageError(
                    "nothing was forgotten: another command uses what is kept",
                    found=str(self.root),
                    hint="wait until it has ended; if it is stopped, what has been run is kept",
                )
            yield

    def prune(self, before: float) -> list[StoreEntry]:
        """Forget what was not used since then (seconds since 1970), and drafts of the killed.

        Raises
        ------
        UsageError
            If another command uses what is kept.
        """
        with self.to_forget():
            old = [held for held in self.held() if held.used < before]
            for held in old:
                self.drop(held.key)
            drafts = [*self.root.glob(f"*/{DRAFT}*"), *self.root.glob(f"{DRAFT}*")]
            for path in [*self.notes(), *drafts]:
                if _used(path) < before:
                    if path in drafts:
                        logger.info("%s is removed: its writer was killed", path)
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        return old

    def shrink(self, most: int) -> list[StoreEntry]:
        """Forget what was used longest ago, until at most `most` bytes are kept.

        Raises
        ------
        UsageError
            If another command uses what is kept.
        """
        with self.to_forget():
            entries: list[tuple[float, int, StoreEntry | Path]] = [
                *((held.used, held.size, held) for held in self.held()),
                *((_used(path), path.stat().st_size, path) for path in self.notes()),
            ]
            left = sum(size for _, size, _ in entries)
            forgotten: list[StoreEntry] = []
            for _, size, entry in sorted(entries, key=lambda entry: entry[0]):
                if left <= most:
                    break
                left -= size
                if isinstance(entry, StoreEntry):
                    self.drop(entry.key)
                    forgotten.append(entry)
                else:
                    entry.unlink()
        return forgotten

    def files(self, key: str, *begin: str) -> dict[str, bytes]:
        """What is kept of a run, by relative name: all of it, or what begins with one of these."""
        return read_kept(self.place(key), *begin)

    def whole(self, record: RunRecord, course: Assignment) -> dict[str, bytes]:
        """All that a run was made of and left: its questions are drawn again where none are kept.

        Raises
        ------
        OurFault
            If it is damaged, or if other questions are drawn than were asked.
        """
        return questions.whole(self.files(record.key), record.run, course)

    def listing(self, key: str) -> list[tuple[str, int, int]]:
        """Name, size and checksum of every file that was kept of a run; in a folder, its time."""
        place = self.place(key)
        if not place.exists():
            return []
        if place.is_dir():
            stats = {path: path.stat() for path in sorted(place.rglob("*")) if path.is_file()}
            return [(path.name, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()]
        return _read(
            place, lambda archive: [(m.filename, m.file_size, m.CRC) for m in archive.infolist()]
        )

    def put(
        self,
        record: RunRecord,
        files: Mapping[str, bytes],
        seed: int | None = None,
        *,
        instead: bool = False,
    ) -> None:
        """Keep a run. Where two write one key, the first wins; `instead` takes its place.

        With the seed that its questions are drawn from, these are not kept. The manifest names all.
        """
        held = planes.folded(questions.without(files, seed)) | {
            MANIFEST: manifest(files).encode(),
            RECORD: record.model_dump_json(indent=1).encode(),
        }
        if self.has(record.key) and not instead:
            return
        final = self._archive(record.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        draft = final.with_name(f"{DRAFT}{uuid4().hex}")
        try:
            with draft.open("xb") as file:
                file.write(packing.compressed(held, planes.PIECES))
                file.flush()
                os.fsync(file.fileno())  # or a machine that stops may leave the name and no content
            if instead:
                draft.replace(final)
            else:
                _name(draft, final)
        finally:
            draft.unlink(missing_ok=True)
        if instead:
            shutil.rmtree(self.folder(record.key), ignore_errors=True)

    def drop(self, key: str) -> None:
        """Forget a run."""
        shutil.rmtree(self.folder(key), ignore_errors=True)
        self._archive(key).unlink(missing_ok=True)


def read_kept(place: Path, *begin: str) -> dict[str, bytes]:
    """Return the files of a run that was kept there: all, or those whose names begin so.

    Raises
    ------
    OurFault
        If it is damaged.
    """
    if not place.exists():
        return {}
    if place.is_dir():
        paths = [path for path in sorted(place.rglob("*")) if path.is_file()]
        named = {path.relative_to(place).as_posix(): path for path in paths}
        return {n: path.read_bytes() for n, path in named.items() if n.startswith(begin or "")}
    wanted = (*begin, *planes.PIECES) if begin and planes.may_hold(begin) else begin

    def chosen(archive: zipfile.ZipFile) -> dict[str, bytes]:
        read = {n: archive.read(n) for n in archive.namelist() if n.startswith(wanted or "")}
        return {n: held for n, held in planes.unfolded(read).items() if n.startswith(begin or "")}

    return _read(place, chosen)


def _read(place: Path, read: Callable[[zipfile.ZipFile], Read]) -> Read:
    try:
        with zipfile.ZipFile(place) as archive:
            return read(archive)
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # damaged bytes provoke anything
        raise _damaged(place, str(error)) from None


def _damaged(place: Path, found: str) -> OurFault:
    return OurFault(
        f"the run that is kept in {quoted(place)} is damaged",
        found=found,
        hint="remove it: the run is made again",
    )


def _write_note(path: Path, found: Judgements | CourseReport | PartRead) -> None:
    """Keep what was found, compressed: of forty runs a megabyte is a twentieth of that."""
    write_whole(path, zlib.compress(found.model_dump_json().encode()))


def _noted_in(path: Path, kind: type[Note]) -> Note | None:
    """Return what a note holds; None without one, or with half of one."""
    try:
        return kind.model_validate_json(zlib.decompress(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, zlib.error):  # a power cut may leave half of it
        logger.info("%s cannot be read: what it held is found again", path)
        return None


def _is_judged(found: Judgement) -> bool:
    return all(check.verdict is not Verdict.NOT_JUDGED for check in found.checks)


def _name(draft: Path, final: Path) -> None:
    """Give what was written its name, unless something has that already."""
    try:
        os.link(draft, final)
    except FileExistsError:
        pass
    except OSError:  # a file system without links; both writers have the same run
        draft.replace(final)


class Fresh(Store):
    """The same runs, and no judgement of them that somebody else has kept."""

    def judgements(
        self, recipe: str, tests: Mapping[str, str], make: Judge
    ) -> dict[str, Judgement]:
        """What is judged now."""
        return make([*tests])


def _used(path: Path) -> float:
    return path.stat().st_mtime


def _size(place: Path) -> tuple[int, int]:
    """Bytes, and files."""
    paths = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in paths), len(paths)
