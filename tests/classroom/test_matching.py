"""Each platform's own rule of whose a row or a file is, written anew: it finds everybody.

What a converter has to show, and where it is: sixty folders become sixty rows (test_downloads,
test_room); the header has the export's own bytes (here, test_leaving); names of folders and
`index.html` (test_out); Moodle's worksheet changes in two columns only (here); Canvas keeps
`_<user>_<attachment>_` (here); a member of two groups is an error (test_downloads); a name
without a row is listed (test_room).
"""

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pandas
import pytest

from assay.classroom import downloads, feedback, gradefiles, marks, out
from assay.classroom.room import open_room
from assay.classroom.roster import Member
from assay.export.gradebooks import NBGRADER
from docs.sums import make_class
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, rows

COUNT = 60
PEOPLE = made.people(COUNT)
CLASS = made.roster(COUNT)
MARKS = {one.key: float(number % 11) for number, one in enumerate(PEOPLE)}
MOODLE = (
    "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\r\n"
)


def wanted(people: list[Member] = PEOPLE) -> dict[str, float]:
    return {one.key: MARKS[one.key] for one in people}


def canvas_import(file: bytes) -> dict[str, float]:
    """As GradebookImporter does it: by ID, else by SIS User ID, else by SIS Login ID.

    The assignment is the number in brackets at the end of the title; an unknown title is new.
    """
    by_id = {one.canvas: one.key for one in PEOPLE}
    by_sis = {one.id: one.key for one in PEOPLE}
    by_login = {one.username: one.key for one in PEOPLE}
    rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    header = rows[0]
    last = header.index("Section")  # what stands behind it is an assignment
    (at,) = range(last + 1, len(header))
    found = re.fullmatch(r".* \((\d+)\)", header[at])
    assert found, "Canvas would make a new assignment"
    assert found[1] == "77"
    assert rows[1][0].strip() == "Points Possible"
    points = {}
    for row in rows[2:]:
        cells = dict(zip(header, row, strict=True))
        who = (
            by_id.get(cells.get("ID", ""))
            or by_sis.get(cells.get("SIS User ID", ""))
            or by_login.get(cells.get("SIS Login ID", ""))
        )
        assert who, row
        if row[at]:
            points[who] = float(row[at])
    return points


@pytest.mark.parametrize("by", ["ID", "SIS User ID", "SIS Login ID"])
def test_canvas_finds_everybody(by: str):
    """By each of its three columns alone; `ID` is always there, and empty where it is not asked."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Old (3)", "HW (77)"]
    lines = [header, ["    Points Possible", "", "", "", "", "5", "10"]]
    for one in PEOPLE:
        ids = {"ID": one.canvas, "SIS User ID": one.id, "SIS Login ID": one.username}
        own = [ids[name] if name == by else "" for name in ids]
        lines.append([f"{one.family}, {one.given}", *own, "S", "4", ""])
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    filled = gradefiles.canvas(text.getvalue().encode(), "HW", MARKS, CLASS)

    assert canvas_import(filled.content) == wanted()
    assert [one.kind for one in filled.changes] == ["new"] * COUNT
    assert len(pandas.read_csv(io.BytesIO(filled.content))) == COUNT + 1


def moodle_import(file: bytes) -> dict[str, float]:
    """As assignfeedback_offline does it: `Identifier` is `Participant` and a number, or no row."""
    by_number = {one.participant: one.key for one in PEOPLE}
    points = {}
    for row in csv.DictReader(io.StringIO(file.decode("utf-8-sig"))):
        found = re.fullmatch(r"Participant (\d+)", row["Identifier"])
        assert found, row
        assert "Last modified (grade)" in row
        if row["Grade"] not in ("", "-"):
            points[by_number[found[1]]] = float(row["Grade"])
    return points


def test_moodle_finds_everybody_and_two_columns_change():
    """`Grade` and `Feedback comments`; every other cell of every row has the bytes it had."""
    lines = [
        f"Participant {one.participant},{one.full_name},{one.id},{one.username}@example.org,"
        f'"Submitted, not graded",-,10.00,Yes,"Friday, 10 October 2025",-,\r\n'
        for one in PEOPLE
    ]
    sheet = MOODLE + "".join(lines)
    said = {one.key: f'"{one.given}", =1+1' for one in PEOPLE}
    filled = gradefiles.moodle(sheet.encode(), MARKS, CLASS, comments=said)
    before = list(csv.reader(io.StringIO(sheet)))
    after = list(csv.reader(io.StringIO(filled.content.decode())))

    assert moodle_import(filled.content) == wanted()
    changed = {
        before[0][at]
        for old, new in zip(before, after, strict=True)
        for at in range(len(before[0]))
        if old[at] != new[at]
    }
    assert changed == {"Grade", "Feedback comments"}
    assert filled.content.count(b'"Submitted, not graded",') == COUNT
    assert len(pandas.read_csv(io.BytesIO(filled.content))) == COUNT


def pages_of(path: Path, files: dict[str, bytes]) -> list[str]:
    found = downloads.read(made.written(path, files), lambda name: False)
    page = b'<a href="data:application/x-ipynb+json;base64,e30=">copy</a>'
    given = dict.fromkeys((one.place for one in found.attempts), page)
    with zipfile.ZipFile(io.BytesIO(feedback.zipped(found, given))) as archive:
        return archive.namelist()


def test_canvas_takes_every_page_and_every_notebook_back(tmp_path: Path):
    """As submissions_controller does it: the user's and the attachment's number, in this order."""
    files = {
        f"family{n}given{n}_{'LATE_' * (n % 2)}{one.canvas}_{900 + n}_my_hw-{n}.ipynb": b"x"
        for n, one in enumerate(PEOPLE)
    }
    names = pages_of(tmp_path / "c.zip", files)
    rule = re.compile(r"\A.*?_(?:LATE_)?(\d+)_(\d+)_.*\Z")
    found = [rule.fullmatch(name) for name in names]

    assert all(found)
    pairs = {(one[1], one[2]) for one in found if one}
    assert pairs == {(one.canvas, str(900 + n)) for n, one in enumerate(PEOPLE)}
    assert sorted(name.rpartition(".")[2] for name in names) == ["html"] * COUNT + ["ipynb"] * COUNT


@pytest.mark.parametrize("between", ["/", "_"])
def test_moodle_takes_every_page_and_every_notebook_back(tmp_path: Path, between: str):
    """As assignfeedback_file does it: name, participant and plug-in between underscores."""
    files = {
        f"{one.full_name}_{one.participant}_assignsubmission_file{between}hw.ipynb": b"x"
        for one in PEOPLE
    }
    names = pages_of(tmp_path / "m.zip", files)
    numbers = []
    for name in names:
        pieces = name.replace("/", "_", 1).split("_", 4)
        assert (len(pieces), pieces[2:4]) == (5, ["assignsubmission", "file"])
        assert not pieces[4].startswith((".", "~"))
        numbers.append(pieces[1])

    assert sorted(numbers) == sorted(2 * [one.participant for one in PEOPLE])


def test_brightspace_finds_everybody_by_either_column():
    """`OrgDefinedId` or `Username`, with `#` or without; `#` ends every row."""
    for who in ("OrgDefinedId", "Username"):
        lines = [f"{who},HW Points Grade <Numeric MaxPoints:10>,End-of-Line Indicator\r\n"]
        for number, one in enumerate(PEOPLE):
            ident = one.id if who == "OrgDefinedId" else one.username
            lines.append(f"{'#' * (number % 2)}{ident},,#\r\n")
        filled = gradefiles.brightspace("".join(lines).encode(), "HW", MARKS, CLASS)
        rows = list(csv.reader(io.StringIO(filled.content.decode())))
        by = {(one.id if who == "OrgDefinedId" else one.username): one.key for one in PEOPLE}

        assert {by[row[0].removeprefix("#")]: float(row[1]) for row in rows[1:]} == wanted()
        assert filled.content.splitlines(True)[0] == lines[0].encode()
        assert {row[-1] for row in rows[1:]} == {"#"}
        assert len(pandas.read_csv(io.BytesIO(filled.content))) == COUNT


def nbgrader_find(rows: list[dict[str, str]], students: set[str]) -> dict[str, float]:
    """As nbgrader's gradebook finds a student: by the id alone, letter for letter."""
    assert list(rows[0]) == NBGRADER
    assert all(row["student_id"] in students for row in rows)
    return {row["student_id"]: float(row["score"]) for row in rows}


@pytest.mark.parametrize("called_by", ["username", "id"])
def test_nbgrader_finds_everybody(copy: Path, called_by: str):
    """By the name of its folder in `submitted/`, whichever of the roster's columns that is."""
    number = 0 if called_by == "id" else 1
    called = {one[number]: one[1] for one in make_class.PEOPLE[2:4]}
    files = {
        f"submitted/{who}/Sums/sums.ipynb": make_class.notebook("+", f"  # {who}").encode()
        for who in called
    }
    assay("class", "take", copy, made.written(copy.parent / "n.zip", files))
    room = open_room(copy)
    given = [one for one in marks.rows(room) if one.member.username in called.values()]
    table = out._table(room, "nbgrader", given)
    room.close()

    found = nbgrader_find(list(csv.DictReader(io.StringIO(table))), set(called))
    assert {called[who]: points for who, points in found.items()} == {
        one.member.username: one.points for one in given
    }


def gradescope_find(row: dict[str, str]) -> set[str]:
    """As Gradescope knows a member of a course: by the address or by the SID."""
    by_email = {f"{one[1]}@example.org": one[1] for one in make_class.PEOPLE}
    by_sid = {one[0]: one[1] for one in make_class.PEOPLE}
    return {by_email[row["Email"].casefold()], by_sid[row["SID"]]}


def test_gradescope_finds_everybody_by_either_column(copy: Path):
    """One row a member, a group's members each; address and SID mean the same person."""
    assay("class", "export", copy, "gradescope")
    with (copy / "out" / "gradescope.csv").open(newline="", encoding="utf-8") as file:
        found = [(gradescope_find(row), row) for row in csv.DictReader(file)]
    wanted = {one.username: one.final for one in rows(copy).values() if one.final is not None}

    assert all(len(who) == 1 for who, _ in found)
    given = {next(iter(who)): float(row["Total Score"]) for who, row in found}
    assert len(given) == len(found)
    assert given == wanted


def test_nbgrader_releases_a_page_of_each_notebook(tmp_path: Path):
    """As `release_feedback` does it: `feedback/<student>/<assignment>/<notebook>.html`.

    It reads the time and the secret of the submission beside it.
    """
    files = {
        f"course/submitted/{one.username}/hw/{name}": content
        for one in PEOPLE
        for name, content in {
            "part 1.ipynb": b"x",
            "part2.ipynb": b"x",
            "timestamp.txt": b"2025-10-10 10:22:33.000000 America/Toronto",
            "submission_secret.txt": one.username.encode(),
        }.items()
    }
    download = downloads.read(made.written(tmp_path / "n.zip", files), lambda name: False)
    pages = {one.place: b"page" for one in download.attempts}
    with zipfile.ZipFile(io.BytesIO(feedback.zipped(download, pages))) as archive:
        there = {name: archive.read(name) for name in archive.namelist()}
    rule = re.compile(r"feedback/(?P<student>[^/]+)/hw/(?P<notebook>[^/]+)\.html")
    released = [found for name in there if (found := rule.fullmatch(name))]

    assert {(one["student"], one["notebook"]) for one in released} == {
        (one.username, name) for one in PEOPLE for name in ("part 1", "part2")
    }
    for one in released:
        folder = f"feedback/{one['student']}/hw"
        assert there[f"{folder}/submission_secret.txt"] == one["student"].encode()
        assert there[f"{folder}/timestamp.txt"] == b"2025-10-10 14:22:33.000000 UTC"


def test_a_text_typed_online_costs_nobody_their_page(tmp_path: Path):
    """Moodle gives it a folder of its own, before that of the files or alone."""
    files = {
        "Given0 Family0_1_assignsubmission_onlinetext_/onlinetext.html": b"<p>x</p>",
        "Given0 Family0_1_assignsubmission_file_/hw.ipynb": b"x",
        "Given1 Family1_2_assignsubmission_onlinetext_/onlinetext.html": b"<p>x</p>",
        "Given2 Family2_3_assignsubmission_file_/hw.ipynb": b"x",
    }
    names = [name for name in pages_of(tmp_path / "m.zip", files) if name.endswith(".html")]

    assert sorted(names) == [
        "Given0 Family0_1_assignsubmission_file_/feedback.html",
        "Given1 Family1_2_assignsubmission_onlinetext_/feedback.html",
        "Given2 Family2_3_assignsubmission_file_/feedback.html",
    ]


def test_whom_gradescope_cannot_find_is_said(copy: Path):
    """The roster has neither a SID nor an address of theirs."""
    grades = copy / "grades.csv"
    grades.write_text(
        grades.read_text().replace(
            "#101000001,#ada,Lovelace,Ada,ada@example.org", ",#ada,Lovelace,Ada,"
        )
    )
    toml = copy / "class.toml"
    toml.write_text(toml.read_text().replace("[settled]", '[settled]\n"Ada Lovelace" = "ada"'))
    assay("class", "take", copy)
    with open_room(copy).book as book:
        (attempt,) = book.attempts("Sums", "ada")
        facts = {"name": "sums/sum", "title": "s", "points": 2.0, "earned": 2.0, "waits": False}
        book.add_result(attempt.id, digest="d", receipt={}, criteria=[{**facts, "answer": "a"}])
    said = json.loads(assay("class", "export", copy, "gradescope", "--json").stdout)["changes"]

    assert [one["kind"] for one in said if one["who"] == "ada"] == ["missing"]
