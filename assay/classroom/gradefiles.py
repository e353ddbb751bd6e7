"""Fill marks into the table that the platform itself exported: its bytes stay but for those cells.

What would change is said before anything is written, and a mark that is there is not lowered
unless that is asked for.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.classroom.roster import Member, Roster, separator
from assay.errors import UsageError, quoted
from assay.report import safe


@dataclass(frozen=True)
class Change:
    """What becomes of a person's mark: new, raised, lowered, same, unclear, missing or absent."""

    kind: str
    who: str
    before: float | None
    after: float | None
    note: str = ""


@dataclass
class Filled:
    """The file for the platform, and what it changes there."""

    content: bytes
    changes: list[Change] = field(default_factory=list)


class Table:
    """A CSV file as its text and the place of each cell, so that the rest can stay as it is."""

    def __init__(self, content: bytes) -> None:
        self.encoding, self.mark = _encoding(content)
        self.text = content[len(self.mark) :].decode(self.encoding)
        self.separator = separator(self.text)
        self.ending = "\r\n" if "\r\n" in self.text else "\n"
        self.rows = _places(self.text, self.separator)

    def raw(self, row: int, column: int) -> str:
        """Return a cell as it stands, its quotes with it; '' if the row is too short."""
        places = self.rows[row]
        return self.text[slice(*places[column])] if column < len(places) else ""

    def cell(self, row: int, column: int) -> str:
        """Return what a cell says."""
        raw = self.raw(row, column).strip()
        return raw.removeprefix('"').removesuffix('"').replace('""', '"')

    def header(self) -> list[str]:
        """Return the names of the columns."""
        return [self.cell(0, at).strip() for at in range(len(self.rows[0]))] if self.rows else []

    def replaced(self, cells: Mapping[tuple[int, int], str]) -> bytes:
        """Return the same bytes with other contents in these cells."""
        pieces, at = [], 0
        for (row, column), value in sorted(cells.items()):
            start, end = self.rows[row][column]
            pieces += [self.text[at:start], self._cell(value)]
            at = end
        return self._bytes("".join([*pieces, self.text[at:]]))

    def chosen(self, columns: Sequence[int], cells: Mapping[tuple[int, int], str]) -> bytes:
        """Return these columns alone, each cell as it stands but for those that are replaced."""
        lines = [
            self.separator.join(
                self._cell(cells[row, at]) if (row, at) in cells else self.raw(row, at)
                for at in columns
            )
            for row in range(len(self.rows))
        ]
        return self._bytes("".join(line + self.ending for line in lines))

    def _cell(self, value: str) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.separator, lineterminator="").writerow([value])
        return buffer.getvalue()

    def _bytes(self, text: str) -> bytes:
        return self.mark + text.encode(self.encoding, "replace")


def _encoding(content: bytes) -> tuple[str, bytes]:
    marks = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
    for mark, encoding in marks.items():
        if content.startswith(mark):
            return encoding, mark
    try:
        content.decode()
    except UnicodeDecodeError:
        return "latin-1", b""  # it gives every byte back
    return "utf-8", b""


def _places(text: str, mark: str) -> list[list[tuple[int, int]]]:
    """Return where each cell of each row begins and ends; what is in quotes may hold any sign."""
    rows: list[list[tuple[int, int]]] = []
    row: list[tuple[int, int]] = []
    start, quoted_ = 0, False
    for at, sign in enumerate(text):
        if sign == '"':
            quoted_ = not quoted_
        elif not quoted_ and sign in (mark, "\n"):
            end = at - 1 if sign == "\n" and at > start and text[at - 1] == "\r" else at
            row.append((start, end))
            start = at + 1
            if sign == "\n":
                rows.append(row)
                row = []
    if row or start < len(text):
        rows.append([*row, (start, len(text))])
    return [row for row in rows if any(text[a:b].strip() for a, b in row)]


def brightspace(
    export: bytes, item: str, marks: Mapping[str, float], roster: Roster, *, lower: bool = False
) -> Filled:
    """Fill in Brightspace's grades export: who it is, the item's column, the end of the line.

    The header of each column has the bytes of the export. One row a member.
    """
    table = Table(export)
    header = table.header()
    column = _item(header, item, f"{item} Points Grade", "Brightspace")
    who = [at for at, name in enumerate(header) if name in ("OrgDefinedId", "Username")]
    last = [at for at, name in enumerate(header) if name == "End-of-Line Indicator"]
    if not who or not last:
        raise UsageError(
            "this is not Brightspace's export of grades",
            found=", ".join(map(quoted, header[:8])),
            hint="export with `OrgDefinedId` or `Username`, and the item as `Points Grade`",
        )
    cells, changes = _fill(table, 1, who, column, marks, roster, lower)
    return Filled(table.chosen([*who, column, last[0]], cells), changes)


def canvas(
    export: bytes, item: str, marks: Mapping[str, float], roster: Roster, *, lower: bool = False
) -> Filled:
    """Fill in Canvas's export of the gradebook: the student's columns and the assignment's."""
    table = Table(export)
    header = table.header()
    column = _item(header, item, f"{item} (", "Canvas")
    if "Student" not in header or "Section" not in header or "ID" not in header:
        raise UsageError(
            "this is not Canvas's export of the gradebook",
            found=", ".join(map(quoted, header[:8])),
            hint="export the entire gradebook",
        )
    who = [header.index(name) for name in ("SIS User ID", "SIS Login ID") if name in header]
    cells, changes = _fill(table, 1, who, column, marks, roster, lower, header.index("ID"))
    return Filled(table.chosen([*range(header.index("Section") + 1), column], cells), changes)


def moodle(
    worksheet: bytes,
    marks: Mapping[str, float],
    roster: Roster,
    *,
    comments: Mapping[str, str] | None = None,
    lower: bool = False,
) -> Filled:
    """Fill in Moodle's grading worksheet in place: only `Grade` and `Feedback comments`."""
    table = Table(worksheet)
    header = table.header()
    if not {"Identifier", "Grade", "Last modified (grade)"} <= set(header):
        raise UsageError(
            "this is not Moodle's grading worksheet",
            found=", ".join(map(quoted, header[:8])),
            hint="download it from the assignment, `Download grading worksheet`",
        )
    who = [
        header.index(one) for one in ("Identifier", "ID number", "Email address") if one in header
    ]
    column = header.index("Grade")
    cells, changes = _fill(table, 1, who, column, marks, roster, lower)
    if "Feedback comments" in header:
        at = header.index("Feedback comments")
        for row in range(1, len(table.rows)):
            member = _member(table, row, who, roster)
            said = (comments or {}).get(member.key) if member else None
            if said is not None and at < len(table.rows[row]) and (row, column) in cells:
                cells[row, at] = safe.csv(said, 2_000)
    return Filled(table.replaced(cells), changes)


def _item(header: Sequence[str], item: str, begins: str, platform: str) -> int:
    found = [at for at, name in enumerate(header) if name == item or name.startswith(begins)]
    if len(found) != 1:
        columns = [quoted(name) for name in header]
        raise UsageError(
            f"{'more than one' if found else 'no'} column of the export is {quoted(item)}",
            found=", ".join(columns[:12]),
            hint=f"{platform} would offer a new item: write the export's own name as `item`",
        )
    return found[0]


def _member(
    table: Table, row: int, who: Sequence[int], roster: Roster, numbered: int | None = None
) -> Member | None:
    idents = [table.cell(row, at) for at in who]
    if numbered is not None:
        idents.insert(0, f"canvas:{table.cell(row, numbered)}")
    found = {one.key: one for ident in idents if (one := roster.by_ident(ident))}
    return next(iter(found.values())) if len(found) == 1 else None


def _fill(
    table: Table,
    first: int,
    who: Sequence[int],
    column: int,
    marks: Mapping[str, float],
    roster: Roster,
    lower: bool,
    numbered: int | None = None,
) -> tuple[dict[tuple[int, int], str], list[Change]]:
    if odd := [key for key, mark in marks.items() if not math.isfinite(mark)]:
        raise UsageError(f"the mark of {quoted(odd[0])} is no number", hint="grade it once more")
    cells: dict[tuple[int, int], str] = {}
    changes: list[Change] = []
    header = table.header()
    locked = header.index("Grade can be changed") if "Grade can be changed" in header else None
    numbers = [at for at, name in enumerate(header) if name == "Maximum Grade" or at == column]
    written = [table.cell(row, at) for row in range(first, len(table.rows)) for at in numbers]
    comma = any("," in text and _number(text) is not None for text in written)
    seen: set[str] = set()
    for row in range(first, len(table.rows)):
        member = _member(table, row, who, roster, numbered)
        if member is None or member.key not in marks or column >= len(table.rows[row]):
            continue
        if member.key in seen:
            raise UsageError(
                f"two rows of the export are {quoted(member.key)}", hint="export it once more"
            )
        seen.add(member.key)
        before, after = _number(table.cell(row, column)), round(marks[member.key], 2)
        kind = "new" if before is None else "same"
        if before is not None and abs(before - after) > 0.005:
            kind = "raised" if after > before else "lowered"
        note, there = "", table.cell(row, column).strip()
        if before is None and there not in ("", "-") and there.upper() != "EX":
            kind, note = "unclear", f"{quoted(there)} is there, and left so"
        elif locked is not None and table.cell(row, locked).strip() == "No":
            note = "the platform does not let it be changed"
        elif there.upper() == "EX":
            note = "is excused there, and left so"
        elif kind == "lowered" and not lower:
            note = "left as it is: `--lower` lowers it"
        elif kind != "same":
            text = f"{after:.2f}"
            cells[row, column] = text.replace(".", ",") if comma else text
        changes.append(Change(kind, member.key, before, after, note))
    for key in sorted(set(marks) - seen):
        note = "the platform's export has no row for this person"
        changes.append(Change("missing", key, None, marks[key], note))
    return cells, changes


def _number(text: str) -> float | None:
    """Return the number of a cell; None for `1,234`, which is one thing or another by country."""
    found = re.fullmatch(r"-?\d+(?:\.\d+|,\d{1,2}|,\d{4,})?", text.strip(), re.ASCII)
    return float(found[0].replace(",", ".")) if found else None
