"""Who is in the class, and in which group: from what the platform exports, or a plain CSV."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import UsageError, quoted

COLUMNS = {
    "id": ("orgdefinedid", "sis user id", "id number", "student id", "sid", "identifier", "id"),
    "username": ("username", "sis login id", "login", "user name", "student_id", "user"),
    "canvas": ("canvas id",),
    "participant": ("participant",),
    "name": ("student", "full name", "name", "display name"),
    "given": ("first name", "first_name", "given name", "given"),
    "family": ("last name", "last_name", "surname", "family name", "family"),
    "email": ("email address", "email"),
    "github": ("github_username", "github username", "github"),
    "group": ("groupname", "group name", "group"),
}
"""What the columns of a roster are called, in lower case; of several the first that is there."""

FORMS = str.maketrans(dict.fromkeys("’‘ʼ`´′", "'") | dict.fromkeys("‐‑–", "-"))
SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "md", "phd", "esq"}
"""Words behind a comma after a whole name that are no given name."""
BESIDE = "`roster` and `groups` in class.toml name files beside it"


@dataclass(frozen=True)
class Member:
    """One person of the class, '' if the roster does not say."""

    id: str = ""
    username: str = ""
    canvas: str = ""
    participant: str = ""
    name: str = ""
    given: str = ""
    family: str = ""
    email: str = ""
    github: str = ""

    @property
    def key(self) -> str:
        """What stands for this person in class.toml."""
        return self.id or self.username or self.canvas or self.participant or self.email

    @property
    def full_name(self) -> str:
        return self.name or f"{self.given} {self.family}".strip()

    @property
    def idents(self) -> set[str]:
        """Return all that means this person alone."""
        own = (self.id, self.username, self.canvas and f"canvas:{self.canvas}", self.email)
        numbered = f"participant {self.participant}" if self.participant else ""
        return {plain(one) for one in (*own, numbered, self.github) if one}


@dataclass(frozen=True)
class Match:
    """Whose something is: these members, of this group; or none, and who it may be."""

    members: tuple[Member, ...] = ()
    group: str = ""
    candidates: tuple[Member, ...] = ()
    reason: str = ""
    nobody: bool = False
    """Whether class.toml says that it belongs to no one in the class."""


@dataclass
class Roster:
    """The members, and the groups by their names."""

    members: list[Member]
    groups: dict[str, tuple[Member, ...]] = field(default_factory=dict)

    def by_ident(self, text: str) -> Member | None:
        """Return the one that an id or a user name means."""
        found = [one for one in self.members if plain(text) in one.idents]
        return found[0] if text.strip() and len(found) == 1 else None

    def group_of(self, member: Member) -> str:
        return next((name for name, inside in self.groups.items() if member in inside), "")

    def match(
        self, name: str, idents: Sequence[str] = (), settled: Mapping[str, str] | None = None
    ) -> Match:
        """Return whose `name` and `idents` are: a settled line, an id, then a name; never a guess.

        Raises
        ------
        UsageError
            If class.toml settles a name on somebody who is not in the roster.
        """
        for said, meant in (settled or {}).items():
            if plain(said) in {plain(name), *map(plain, idents)}:
                return self._settled(said, meant)
        found = {one.key: one for text in idents if (one := self.by_ident(text))}
        if len(found) > 1:
            return Match(candidates=tuple(found.values()), reason="its ids are two people's")
        if found:
            return self._of(next(iter(found.values())))
        named = [one for one in self.members if words(one.full_name) == words(name) != ()]
        called = [one for one in self.groups if plain(one) == plain(name)]
        if len(named) + len(called) > 1:
            members = (*named, *(m for one in called for m in self.groups[one]))
            return Match(candidates=members, reason="several have this name")
        if called:
            return Match(self.groups[called[0]], called[0])
        if named:
            return self._of(named[0])
        near = [m for m in self.members if set(words(m.full_name)) & set(words(name))]
        return Match(candidates=tuple(near), reason="no row of the roster has this name")

    def _of(self, member: Member) -> Match:
        group = self.group_of(member)
        return Match(self.groups[group], group) if group else Match((member,))

    def _settled(self, said: str, meant: str) -> Match:
        if not meant.strip():
            return Match(reason="not in the class, by class.toml", nobody=True)
        if member := self.by_ident(meant):
            return self._of(member)
        for name, members in self.groups.items():
            if plain(name) == plain(meant):
                return Match(members, name)
        raise UsageError(
            f"class.toml settles {quoted(said)} on {quoted(meant)}",
            found="no row of the roster and no group is called so",
            hint='write an id, a user name or a group of the roster, or `""` for no one',
        )


def plain(text: str) -> str:
    """Return a text as it is compared: NFC, without `#` at its start, case, and outer blanks."""
    return unicodedata.normalize("NFC", text).strip().lstrip("#").casefold()


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, sorted: given and family name stand in either order.

    Invisible signs, and the forms of an apostrophe and a hyphen, do not set two people apart.
    """
    name = unicodedata.normalize("NFC", name).translate(FORMS).casefold()
    seen = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    return tuple(sorted(re.findall(r"[^\s,_]+", seen)))


def decoded(content: bytes) -> str:
    """Return the text of a table: UTF-16 where a mark says so, UTF-8, else cp1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def separator(text: str) -> str:
    """Return what stands between the cells of the first row."""
    first = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    return max(",;\t", key=first.count)


def table(content: bytes) -> list[list[str]]:
    """Return the rows of a table, with its header first."""
    text = decoded(content)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator(text)))


def read(path: Path, groups: Path | None = None) -> Roster:
    """Read a roster, and the file of its groups if there is one.

    Raises
    ------
    UsageError
        If it has no column that says who, two rows are one person's, or one is in two groups.
    """
    rows = [row for row in table(read_bytes(path)) if any(cell.strip() for cell in row)]
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    places = _places(header)
    if not places.keys() & {"id", "username", "canvas", "participant", "name", "family", "email"}:
        raise UsageError(
            f"{quoted(path)} has no column that says who",
            found=f"its first row is {', '.join(map(quoted, header[:8])) or 'empty'}",
            hint="export the grades from the platform, or write `id,username,name,email`",
        )
    found: list[tuple[Member, str]] = []
    for row in rows[1:]:
        cells = {key: row[at].strip() for key, at in places.items() if at < len(row)}
        if cells.get("name", "").startswith("Points Possible") or cells.get("name") == (
            "Student, Test"
        ):
            continue
        found.append(_member(cells))
    members = [one for one, _ in found]
    _refuse_doubles(path, members)
    roster = Roster(members)
    pairs = [(group, member) for member, group in found if group and group != "-"]
    roster.groups = _grouped(path, pairs)
    if groups is not None:
        roster.groups = _grouped(groups, _of_file(groups, roster))
    return roster


def _places(header: Sequence[str]) -> dict[str, int]:
    canvas = "student" in header and "id" in header
    worksheet = "identifier" in header and "full name" in header
    known = dict(COLUMNS)
    if canvas:
        known |= {"canvas": ("id",), "id": ("sis user id",)}
    if worksheet:
        known |= {"participant": ("identifier",), "id": ("id number",)}
    found = {}
    for key, names in known.items():
        at = next((header.index(name) for name in names if name in header), None)
        if at is not None:
            found[key] = at
    return found


def _member(cells: Mapping[str, str]) -> tuple[Member, str]:
    values = {key: value for key, value in cells.items() if key != "group"}
    for key in ("id", "username"):
        values[key] = values.get(key, "").removeprefix("#")
    participant = re.fullmatch(r"Participant (\d+)", values.get("participant", ""))
    values["participant"] = participant[1] if participant else ""
    family, comma, given = values.get("name", "").rpartition(",")
    is_given = comma and plain(given).replace(".", "") not in SUFFIXES
    if is_given and not values.get("family"):
        values |= {"family": family.strip(), "given": given.strip()}
        values["name"] = f"{given.strip()} {family.strip()}"
    return Member(**values), cells.get("group", "")


def _refuse_doubles(path: Path, members: Iterable[Member]) -> None:
    seen: dict[str, Member] = {}
    for one in members:
        if not one.key and not one.full_name:
            raise UsageError(f"{quoted(path)} has a row without name or id", hint="take it out")
        for ident in one.idents:
            if ident in seen:
                raise UsageError(
                    f"two rows of {quoted(path)} have {quoted(ident)}",
                    found=f"{quoted(seen[ident].full_name)} and {quoted(one.full_name)}",
                    hint="leave one row a person",
                )
            seen[ident] = one


def _of_file(path: Path, roster: Roster) -> list[tuple[str, Member]]:
    rows = [row for row in table(read_bytes(path)) if any(cell.strip() for cell in row)]
    places = _places([cell.strip().casefold() for cell in rows[0]]) if rows else {}
    if "group" not in places or not places.keys() & {"username", "id", "email"}:
        raise UsageError(
            f"{quoted(path)} does not say who is in which group", hint="write `group,username`"
        )
    pairs = []
    for row in rows[1:]:
        cells = {key: row[at].strip() for key, at in places.items() if at < len(row)}
        who = cells.get("id") or cells.get("username") or cells.get("email", "")
        member = roster.by_ident(who)
        if cells.get("group") and member is None:
            raise UsageError(
                f"{quoted(path)} puts {quoted(who)} into {quoted(cells['group'])}",
                found="no row of the roster has this id or user name",
                hint="correct it, or add the person to the roster",
            )
        if member and cells.get("group"):
            pairs.append((cells["group"], member))
    return pairs


def _grouped(path: Path, pairs: Iterable[tuple[str, Member]]) -> dict[str, tuple[Member, ...]]:
    groups: dict[str, list[Member]] = {}
    of: dict[Member, str] = {}
    for group, member in pairs:
        if of.setdefault(member, group) != group:
            raise UsageError(
                f"{quoted(member.full_name or member.key)} is in two groups of {quoted(path)}",
                found=f"{quoted(of[member])} and {quoted(group)}",
                hint="leave the one that counts",
            )
        if member not in groups.setdefault(group, []):
            groups[group].append(member)
    return {name: tuple(members) for name, members in groups.items()}


def read_bytes(path: Path, hint: str = BESIDE) -> bytes:
    """Read a file that a person named.

    Raises
    ------
    UsageError
        If it cannot be read; `hint` says where its name comes from.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        found = str(error.strerror)
        raise UsageError(f"{quoted(path)} cannot be read", found=found, hint=hint) from None
