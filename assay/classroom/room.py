"""A class in its folder: settings, roster, gradebook, and the attempts as they are graded.

class.toml, roster.csv, groups.csv      what a person wrote or exported
downloads/                              as they came
attempts/p-…/….zip                      one attempt each, under its author's pseudonym
gradebook.sqlite                        who is who, results, marks, releases
reports/, .assay/                       pages and runs, under pseudonyms
out/                                    what goes back to the platform
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from assay.classroom import roster, settings
from assay.classroom.downloads import MAX_FILE
from assay.classroom.gradebook import Gradebook
from assay.classroom.gradebook.models import Attempt, Author
from assay.classroom.roster import Member, Roster
from assay.classroom.settings import ClassSettings
from assay.errors import CannotGrade, UsageError, quoted
from assay.submission import archives, reader, submission
from assay.submission.archives import Damaged
from assay.submission.submission import Submission
from assay.words import naturally

BOOK = "gradebook.sqlite"
EARLIEST = (1980, 1, 1, 0, 0, 0)
LINK = 0o120777 << 16
PIPE = 0o010644 << 16
"""How a zip says that a member is a link, or no file at all."""


@dataclass(frozen=True)
class Room:
    """The folder of a class, opened."""

    root: Path
    settings: ClassSettings
    roster: Roster
    book: Gradebook
    later: tuple[Path, ...] = ()
    """The classes of the term from which this one was opened."""

    @cached_property
    def previous(self) -> "Room | None":
        """The class before this one in the term, where free days are used up first.

        Raises
        ------
        UsageError
            If it is no class, or is one that comes after this one.
        """
        if not self.settings.late.previous:
            return None
        folder = self.root / self.settings.late.previous
        later = (*self.later, self.root.resolve())
        if folder.resolve() in later:
            raise UsageError(
                f"{quoted(folder)} comes before itself in the term",
                found=" after ".join(quoted(one.name) for one in (*later, folder.resolve())),
                hint="correct `previous` in class.toml: each class names the one before it",
            )
        return open_room(folder, later)

    @cached_property
    def spent(self) -> dict[str, int]:
        """Free days of each person before this class, as they were worked out."""
        return {}

    def reread(self) -> "Room":
        """Return the class as class.toml and the roster say it now, over the same gradebook."""
        read = settings.read(self.root).model_copy(update={"item": self.item})
        groups = self.root / read.groups if read.groups else None
        return Room(self.root, read, roster.read(self.root / read.roster, groups), self.book)

    def close(self) -> None:
        """Close the gradebook, and that of the class before if it was asked."""
        self.book.close()
        if "previous" in self.__dict__ and self.previous:
            self.previous.close()

    @property
    def item(self) -> str:
        return self.settings.item

    @property
    def downloads(self) -> Path:
        return self.root / "downloads"

    @property
    def attempts(self) -> Path:
        return self.root / "attempts"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def assignment(self) -> Path:
        return self.root / self.settings.assignment

    @property
    def store(self) -> Path:
        """The course's own: what ran before counts, and the course is checked once."""
        return self.assignment.parent / ".assay" / "store"

    @cached_property
    def authors(self) -> dict[int, Author]:
        """Everybody who can hand in, people and groups, by the gradebook's number."""
        groups = sorted(self.book.groups(), key=lambda one: naturally(one.key))
        return {one.id: one for one in [*self.book.people(), *groups]}

    def known(self, text: str) -> bool:
        """Return whether a name is somebody's in the class."""
        settled = {roster.plain(said) for said in self.settings.settled}
        found = self.roster.match(text, (text,))
        return bool(found.members or found.candidates) or roster.plain(text) in settled

    def member(self, who: str) -> Member:
        """Return the person whom an id, a user name or a pseudonym means.

        Raises
        ------
        UsageError
            If no one in the roster has it.
        """
        if found := self.roster.by_ident(who):
            return found
        keys = {one.pseudonym: one.key for one in self.book.people()}
        if found := self.roster.by_ident(keys.get(who, "")):
            return found
        raise UsageError(
            f"{quoted(who)} is not in the class",
            hint="give an id or a user name of the roster, or a pseudonym of `assay class status`",
        )

    def time_of(self, attempt: Attempt, key: str) -> datetime | None:
        """Return when an attempt was handed in; None if that is not known."""
        for said, when in self.settings.submitted.items():
            if roster.plain(said) == roster.plain(key):
                return self.settings.moment(when)
        return attempt.submitted_at if attempt.origin.get("timed") else None

    def extended(self, member: Member) -> datetime | None:
        """Return a person's own due time from class.toml."""
        times = [
            when
            for said, when in self.settings.extension.items()
            if roster.plain(said) in member.idents
        ]
        return max(map(self.settings.moment, times), default=None)

    def file(self, attempt: Attempt) -> Path:
        """Return where an attempt is kept."""
        author = self.authors[attempt.author_id]
        return self.attempts / author.pseudonym / f"{attempt.digest[:32]}.zip"

    def result(self, attempt: Attempt) -> Path:
        """Return where the newest result of an attempt is kept, whole."""
        return self.file(attempt).with_suffix(".json")

    def members(self, attempt: Attempt) -> list[archives.Member]:
        """Return the files of an attempt as they are kept.

        Raises
        ------
        UsageError
            If they cannot be read.
        """
        try:
            return list(archives.zipped(self.file(attempt).read_bytes(), MAX_FILE))
        except (OSError, Damaged) as error:
            raise UsageError(
                f"the attempt {quoted(self.file(attempt))} cannot be read",
                found=str(error),
                hint="`assay class take` of the download writes it again",
            ) from None

    def submission(self, attempt: Attempt) -> Submission:
        """Read an attempt through the intake; it is called by its author's pseudonym.

        Raises
        ------
        CannotGrade
            The first of its problems; it holds the `others`.
        """
        name = self.authors[attempt.author_id].pseudonym
        where = Path(name)
        if damage := attempt.origin.get("damaged"):
            raise CannotGrade(
                f"a file of {quoted(name)} is damaged", found=damage, hint="ask for it once more"
            )
        members = self.members(attempt)
        try:
            found = reader.read_members(members, where)
            if len(members) == 1:  # an archive of a folder is that folder
                found = reader.outer_folder_taken_off(found)
        except CannotGrade as error:
            found = reader.Found(problems=[error])
        read, problems = submission.of_found(found, where)
        if problems:
            problems[0].others = tuple(problems[1:])
            raise problems[0]
        return Submission(name, read.files, notes=read.notes)


def open_room(folder: Path, later: tuple[Path, ...] = ()) -> Room:
    """Open the folder of a class; the roster's people are in the gradebook from here on.

    Raises
    ------
    UsageError
        If class.toml, the roster or the gradebook cannot be read.
    """
    read = settings.read(folder)
    groups = folder / read.groups if read.groups else None
    people = roster.read(folder / read.roster, groups)
    book = Gradebook(read.gradebook or folder / BOOK, read.term or read.title)
    room = Room(folder, read, people, book, later)
    book.at_once(lambda: _enrol(room))
    return room


def _enrol(room: Room) -> None:
    """Bring the gradebook's people and groups up to the roster."""
    room.book.add_assignment(room.item)
    there = {one.key: one for one in room.book.people()}
    for one in room.roster.members:
        facts = {
            "id": one.id,
            "username": one.username,
            "email": one.email,
            "canvas": one.canvas,
            "participant": one.participant,
            "github": one.github,
        }
        facts = {name: value for name, value in facts.items() if value}
        old = there.get(one.key)
        if old is None or (old.name, old.facts) != (one.full_name, facts):
            room.book.add_person(one.key, one.full_name, facts)
    _rename(room)
    for name, members in room.roster.groups.items():
        room.book.set_group(room.item, name, name, [one.key for one in members])


def _rename(room: Room) -> None:
    """A group that has another name and the same members is the same group, with all it has."""
    known = {one.key for one in room.book.groups()}
    of = {
        frozenset(one.key for one in room.book.members(room.item, key)): key
        for key in known - room.roster.groups.keys()
    }
    for name, members in room.roster.groups.items():
        before = of.pop(frozenset(one.key for one in members), None)
        if before is not None and name not in known:
            room.book.rename_group(before, name)


def digest_of(files: Sequence[archives.Member]) -> tuple[str, str]:
    """Return the SHA-256 over names and contents, and what is damaged in them."""
    digest, damaged = hashlib.sha256(), ""
    for one in sorted(files, key=lambda one: one.name):
        name = one.name.encode("utf-8", "surrogatepass")
        try:
            content = one.read(MAX_FILE) if one.kind == "file" else one.kind.encode()
        except Damaged as error:
            content, damaged = b"", f"{quoted(one.name)}: {error}"
        digest.update(f"{len(name)}:".encode() + name + f"{len(content)}:".encode() + content)
    return digest.hexdigest(), damaged


def packed(files: Sequence[archives.Member]) -> bytes:
    """Return a zip of an attempt, with the student's own names; the same files, the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(files, key=lambda one: one.name):
            info = zipfile.ZipInfo(one.name, EARLIEST)
            content = one.read(MAX_FILE) if one.kind == "file" else b""
            if one.kind != "file":
                info.external_attr = LINK if one.kind == "link" else PIPE
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Write the whole file, or leave the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)


def now() -> datetime:
    return datetime.now(UTC)
