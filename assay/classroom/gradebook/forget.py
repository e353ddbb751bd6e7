"""Delete what there is of people, overwrite what held it, and search for what is left."""

import base64
import json
import re
import sqlite3
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Delete, Engine, MetaData, delete, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from assay.classroom.gradebook.database import again_if_busy, not_done
from assay.classroom.gradebook.models import (
    Assignment,
    Attempt,
    Author,
    Decision,
    GradingResult,
    Mark,
    Membership,
    Purge,
    RegradeAnswer,
    RegradeRequest,
    Release,
    ReviewComment,
    ReviewItem,
    ReviewReveal,
    ReviewSave,
)
from assay.errors import OurFault

ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
ENCODED = re.compile(rb"base64,([A-Za-z0-9+/]{8,}={0,2})")
"""A file inside a page, such as the copy of a notebook that goes with it."""
RUN = re.compile(r"[^\x00-\x1f\x7f\ufffd]{6,}")
OURSELVES = "assay"
"""Who writes what no person decides."""
ABOUT = {("author", "key"), ("author", "name"), ("author", "facts"), ("attempt", "origin")}
SHORT = 8
"""Shorter words are looked for as whole words: `Li` and `mary` stand inside other words."""


@dataclass(frozen=True)
class Found:
    """A word that is still there: the table's column and row, or the file."""

    word: str
    where: str


@dataclass(frozen=True)
class Forgotten:
    """Who was forgotten, and the proof: all that was searched for, and where it still stands."""

    people: list[tuple[str, str]]
    """Key and pseudonym of each."""
    searched: list[str]
    shared: list[str] = field(default_factory=list)
    """Words that name somebody else of the gradebook too, and so cannot be searched for."""
    left: list[Found] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        """Whether nothing was found."""
        return not self.left


def identifiers(session: Session, people: Sequence[Author]) -> tuple[list[str], list[str]]:
    """Return the words that identify these people, and those that they share with others."""
    mine = {word for one in people for word in _words(one)}
    ids = {one.id for one in people}
    others = {
        w for one in session.scalars(select(Author)) if one.id not in ids for w in _words(one)
    }
    return sorted(mine - others), sorted(mine & others)


def delete_people(session: Session, people: Sequence[Author], words: Sequence[str]) -> None:
    """Delete these people with all their rows, and the groups left without members.

    A group with other members keeps its attempts; what names the forgotten there is taken out.
    """
    ids = [one.id for one in people]
    groups = list(session.scalars(select(Membership.group_id).where(Membership.person_id.in_(ids))))
    session.execute(delete(Membership).where(Membership.person_id.in_(ids)))
    staying = set(session.scalars(select(Membership.group_id)))
    ids += [group for group in set(groups) if group not in staying]
    attempts = select(Attempt.id).where(Attempt.author_id.in_(ids))
    asked = select(RegradeRequest.id).where(RegradeRequest.author_id.in_(ids))
    session.execute(delete(GradingResult).where(GradingResult.attempt_id.in_(attempts)))
    session.execute(delete(RegradeAnswer).where(RegradeAnswer.request_id.in_(asked)))
    for table in (ReviewSave, ReviewReveal, RegradeRequest, Release, Decision, Mark, Attempt):
        session.execute(delete(table).where(table.author_id.in_(ids)))
    session.execute(delete(Author).where(Author.id.in_(ids)))
    for group in session.scalars(select(Author).where(Author.id.in_(set(groups) & staying))):
        group.name, group.facts = _without(group.name, words), _without(group.facts, words)
    for attempt in session.scalars(select(Attempt).where(Attempt.author_id.in_(staying))):
        attempt.origin = _without(attempt.origin, words)


def delete_term(session: Session, term: str) -> None:
    """Delete what a term has besides its people: its groups without members, its assignments."""
    empty = list(session.scalars(select(Author).filter_by(term=term)))
    delete_people(session, empty, [])
    items = select(Assignment.id).filter_by(term=term)
    for table in (ReviewItem, ReviewComment):
        session.execute(delete(table).where(table.assignment_id.in_(items)))
    session.execute(delete(Assignment).filter_by(term=term))


def last_seen(session: Session, person: Author) -> datetime:
    """Return when something of a person, or of their groups, was last written or submitted."""
    groups = select(Membership.group_id).filter_by(person_id=person.id)
    times = [person.created_at]
    for column in (Attempt.submitted_at, Mark.at, Decision.at, Release.at, RegradeRequest.at):
        author = column.class_.author_id
        mine = (author == person.id) | author.in_(groups)
        times += [time for time in session.scalars(select(func.max(column)).where(mine)) if time]
    return max(times)


def purge(engine: Engine) -> None:
    """Overwrite the pages that held deleted rows, then take back the note that it is to be done.

    Raises
    ------
    OurFault
        Another program is at work in the gradebook. The rows are deleted, the pages are not
        overwritten yet: that is done when it is next opened.
    """
    with engine.begin() as connection:
        noted = list(connection.scalars(select(Purge.at)))
    done = delete(Purge).where(Purge.at.in_(noted))  # who forgets meanwhile has a note of their own
    engine.dispose()
    if engine.dialect.name == "sqlite":
        _purge_sqlite(engine, done)
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in Author.metadata.sorted_tables:
            connection.execute(text(f'vacuum full "{table.name}"'))
        connection.execute(done)


def _purge_sqlite(engine: Engine, done: Delete) -> None:
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("pragma temp_store = memory")
        cursor.execute("pragma busy_timeout = 2000")
        try:
            cursor.execute("vacuum")
            _checkpoint(cursor)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise _still_open() from None
            raise OurFault(
                "the rows are deleted, but their pages could not be overwritten",
                found=str(error),
                hint="make room, and open the gradebook again",
            ) from None
    try:
        again_if_busy(lambda: _run(engine, done))
    except DBAPIError as error:
        raise not_done(error) from None


def _run(engine: Engine, statement: Delete) -> None:
    with engine.begin() as connection:
        connection.execute(statement)


def _checkpoint(cursor: Any) -> None:
    """Write the log into the file, and empty it."""
    if cursor.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        raise _still_open()


def _still_open() -> OurFault:
    return OurFault(
        "the rows are deleted, but their pages could not be overwritten",
        found="another program is at work in the gradebook",
        hint="close it, and open the gradebook again: what is left is overwritten then",
    )


def search(
    engine: Engine, words: Sequence[str], folders: Sequence[Path], whole: Sequence[str] = ()
) -> list[Found]:
    """Look for each word in every table, in the bytes of SQLite's files, and in folders.

    The words of `whole` are ordinary ones: only a field about people that is one of them counts.
    """
    wanted = {word: _folded(word) for word in words if word.strip()}
    alone = {_folded(word): word for word in whole}
    found = list(_holding(_rows(engine), wanted))
    found += [Found(alone[value], where) for where, value in _fields(engine) if value in alone]
    engine.dispose()  # who closes SQLite's file, to read it, loses his locks: others end the log
    for folder in folders:
        found += _holding(_files(folder), wanted)
    for path in _own_files(engine):
        content = _folded(path.read_bytes().decode("utf-8", "replace"))
        found += [
            Found(word, str(path))
            for word, folded in wanted.items()
            if len(folded) >= SHORT and folded in content
        ]
    return found


def _holding(places: Iterable[tuple[str, str]], wanted: Mapping[str, str]) -> Iterator[Found]:
    for where, content in places:
        yield from (Found(word, where) for word, text in wanted.items() if _holds(content, text))


def _words(author: Author) -> set[str]:
    """Return all that names an author: keys, names, and every text of the roster's facts."""
    texts = {author.key, author.name, author.pseudonym, *_texts(author.facts)}
    return {text for text in texts if len(text.strip()) > 1}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for entry in value.values():
                yield from _texts(entry)
        case list():
            for entry in value:
                yield from _texts(entry)


def _without(value: Any, words: Sequence[str]) -> Any:
    """Return a text, or what holds texts, with `forgotten` for each that names one of these."""
    match value:
        case str():
            folded = _folded(value)
            return "forgotten" if any(_holds(folded, _folded(w)) for w in words) else value
        case dict():
            return {_without(key, words): _without(entry, words) for key, entry in value.items()}
        case list():
            return [_without(entry, words) for entry in value]
        case _:
            return value


def _holds(content: str, word: str) -> bool:
    """Return whether a text holds a word; a short one has to stand by itself."""
    start = content.find(word)
    while start >= 0:
        around = content[max(start - 1, 0) : start] + content[start + len(word) :][:1]
        if len(word) >= SHORT or not any(letter.isalnum() for letter in around):
            return True
        start = content.find(word, start + 1)
    return False


def holds(content: bytes, words: Sequence[str]) -> bool:
    """Whether a content holds one of these words, in any way that `search` reads it."""
    readings = list(_readings(content))
    return any(_holds(text, _folded(word)) for text in readings for word in words)


def _folded(content: str) -> str:
    return unicodedata.normalize("NFC", content).casefold()


def _rows(engine: Engine) -> Iterator[tuple[str, str]]:
    """Every value of every table that the database has, those of other programs too."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            for number, row in enumerate(connection.execute(select(table)), 1):
                for name, value in row._mapping.items():
                    place = f"table {table.name}, row {number}, {name}"
                    if isinstance(value, bytes):
                        yield from ((place, content) for content in _readings(value))
                    else:
                        yield place, _folded(_shown(value))


def _fields(engine: Engine) -> Iterator[tuple[str, str]]:
    """Every text of the fields that say who somebody is, or who wrote."""
    with engine.begin() as connection:
        for table in Author.metadata.sorted_tables:
            for number, row in enumerate(connection.execute(select(table)), 1):
                for name, value in row._mapping.items():
                    if (table.name, name) not in ABOUT and name != "by":
                        continue
                    if isinstance(value, dict):
                        value = {key: one for key, one in value.items() if key != "platform"}
                    for text in _texts(value):
                        if (name, text) != ("by", OURSELVES):
                            place = f"table {table.name}, row {number}, {name}"
                            yield place, _folded(text.strip())


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _own_files(engine: Engine) -> Iterator[Path]:
    """SQLite's file and what it keeps beside it."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        path = Path(engine.url.database)
        yield from (p for p in path.parent.glob(path.name + "*") if p.is_file())


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Every name and every content below a folder; zips and tars are looked into."""
    for path in sorted(folder.rglob("*")):
        yield f"the name of {path}", _folded(path.name)
        if path.is_file() and not path.is_symlink():
            yield from ((str(path), content) for content in _readings(path.read_bytes()))
            yield from _archived(path)


def _archived(path: Path) -> Iterator[tuple[str, str]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = [(m.filename, archive.read(m)) for m in archive.infolist() if not m.is_dir()]
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            files = ((m.name, tar.extractfile(m)) for m in tar.getmembers() if m.isfile())
            members = [(name, file.read()) for name, file in files if file]
    else:
        return
    for name, data in members:
        yield f"the name of `{name}` in {path}", _folded(name)
        yield from ((f"`{name}` in {path}", content) for content in _readings(data))


def _readings(data: bytes) -> Iterable[str]:
    """A content as it may be written: UTF-8, UTF-16, JSON's escapes undone, files inside a page."""
    for found in ENCODED.finditer(data):
        text = found[1].rstrip(b"=")
        text = text[: -1 if len(text) % 4 == 1 else None]
        yield from _readings(base64.b64decode(text + b"=" * (-len(text) % 4)))
    plain = data.decode("utf-8", "replace")
    if b"\0" not in data:
        yield _folded(plain)
    else:  # among random bytes any short word stands somewhere: what is printed comes in runs
        yield _folded("\n".join(RUN.findall(plain)))
        yield _folded(data.decode("utf-16-le", "replace"))
    if "\\u" in plain:
        pairs = ESCAPED.sub(lambda found: chr(int(found[1], 16)), plain)
        yield _folded(pairs.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
