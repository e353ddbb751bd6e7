"""What goes back to a platform: its own bytes, but for the marks."""

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest

from assay.classroom import downloads, feedback, gradefiles
from assay.errors import UsageError
from tests.classroom import downloads as made

CLASS = made.roster(4)
MARKS = {"101000000": 7.5, "101000001": 4.0, "101000002": 9.0, "elsewhere": 1.0}
HEADER = (
    b"OrgDefinedId,Username,A3 Points Grade <Numeric MaxPoints:10 Weight:16.67>,"
    b"End-of-Line Indicator\r\n"
)
BRIGHTSPACE = HEADER + (
    b"#101000000,#g0,,#\r\n#101000001,#g1,6,#\r\n#101000002,#g2,3,#\r\n#101000003,#g3,5,#\r\n"
)


@pytest.mark.parametrize(("lower", "of_g1"), [(False, "6"), (True, "4.00")])
def test_brightspace_gets_its_own_header_and_nothing_is_lowered(lower: bool, of_g1: str):
    """One row a member; who is not marked keeps what is there; what changes is said."""
    filled = gradefiles.brightspace(BRIGHTSPACE, "A3", MARKS, CLASS, lower=lower)

    assert filled.content.startswith(HEADER)
    rows = list(csv.reader(io.StringIO(filled.content.decode())))[1:]
    assert [row[2] for row in rows] == ["7.50", of_g1, "9.00", "5"]
    assert all(row[3] == "#" for row in rows)
    assert [(one.kind, one.who) for one in filled.changes] == [
        ("new", "101000000"),
        ("lowered", "101000001"),
        ("raised", "101000002"),
        ("missing", "elsewhere"),
    ]


def test_other_items_are_left_out_and_an_unknown_one_is_refused():
    """Brightspace offers a new item for a name that it does not know."""
    more = BRIGHTSPACE.replace(b"Username,A3", b"Username,A2 Points Grade,A3").replace(
        b"#g0,", b"#g0,1,"
    )
    filled = gradefiles.brightspace(more, "A3", {}, CLASS)

    assert b"A2" not in filled.content
    assert filled.content.startswith(HEADER)
    with pytest.raises(UsageError, match="no column"):
        gradefiles.brightspace(BRIGHTSPACE, "A4", {}, CLASS)


@pytest.mark.parametrize("there", ["nan", '"1,234"', "A-", "1e3", "inf"])
def test_what_is_not_understood_is_left(there: str):
    """A cell that is no plain number may be higher than ours: it is said, and not written over."""
    export = HEADER + f"#101000000,#g0,{there},#\r\n".encode()
    filled = gradefiles.brightspace(export, "A3", {"101000000": 1.0}, CLASS, lower=True)

    assert filled.content == export
    assert [one.kind for one in filled.changes] == ["unclear"]


def test_a_mark_that_is_no_number_is_not_written():
    """Neither is anything else then."""
    with pytest.raises(UsageError, match="no number"):
        gradefiles.brightspace(BRIGHTSPACE, "A3", {"101000000": float("nan")}, CLASS)


def test_canvas_gets_the_student_columns_and_one_more():
    """`EX` stays; the row of possible points stays; other assignments go."""
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Old (1),HW (12),Current Score\n"
        "    Points Possible,,,,,5,10,(read only)\n"
        '"Family0, Given0",5000,101000000,g0,S,1,,9\n"Family2, Given2",5002,,g2,S,1,EX,9\n'
    )
    filled = gradefiles.canvas(text.encode(), "HW", MARKS, CLASS)

    assert filled.content.decode().splitlines() == [
        "Student,ID,SIS User ID,SIS Login ID,Section,HW (12)",
        "    Points Possible,,,,,10",
        '"Family0, Given0",5000,101000000,g0,S,7.50',
        '"Family2, Given2",5002,,g2,S,EX',
    ]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_moodle_gets_its_worksheet_with_two_columns_changed(mark: bytes):
    """Byte for byte: quotes that no program would write, CRLF, a line in a cell, a locked grade."""
    text = (
        'Identifier,"Full name",Status,Grade,"Maximum Grade","Grade can be changed",'
        '"Last modified (grade)","Feedback comments"\r\n'
        '"Participant 1",Given0 Family0,"a ""b""\r\nc",,"10,00",Yes,-,\r\n'
        'Participant 3,  Given2 Family2,x,-,10.00,No,-,"keep"\r\n'
    )
    told = {"101000000": '=1+1 "x", y', "101000002": "no"}
    filled = gradefiles.moodle(mark + text.encode(), MARKS, CLASS, comments=told)

    wanted = text.replace('c",,', 'c",__,').replace("Yes,-,", "Yes,-,@")
    shown = filled.content.removeprefix(mark).decode()
    assert shown == wanted.replace("__", '"7,50"').replace("@", '"\'=1+1 ""x"", y"')
    assert filled.content.startswith(mark)


def test_feedback_has_the_downloaded_names_and_the_index(tmp_path: Path):
    """Brightspace: the folders' names and `index.html` byte for byte, flat form or not."""
    files = made.brightspace(9)
    flat = {name.replace("/", " - "): content for name, content in files.items()}
    places = {name.partition("/")[0] for name in files if "/" in name}
    for form, given in (("a", files), ("b", flat)):
        found = downloads.read(made.written(tmp_path / f"{form}.zip", given), lambda name: False)
        pages = {one.place: one.name.encode() for one in found.attempts}
        with zipfile.ZipFile(io.BytesIO(feedback.zipped(found, pages))) as archive:
            names = archive.namelist()
            assert archive.read("index.html") == made.INDEX
        assert {name.partition("/")[0] for name in names} == {"index.html", *places}
        assert all(name.endswith("/feedback.html") for name in names if "/" in name)


def test_canvas_and_moodle_find_each_page_by_their_own_rule(tmp_path: Path):
    """Canvas looks for `_<user>_<attachment>_`, Moodle for its participant and the plug-in."""
    name = "family0given0_LATE_5000_901_hw-1.ipynb"
    canvas = downloads.read(made.written(tmp_path / "c.zip", {name: b"x"}), lambda n: False)
    whole = "Given0 Family0_1_assignsubmission_file"
    moodle = [
        downloads.read(made.written(tmp_path / "m.zip", {f"{whole}{end}": b"x"}), lambda n: False)
        for end in ("/hw.ipynb", "_hw.ipynb")
    ]

    def names(download: downloads.Download) -> list[str]:
        pages = {one.place: b"page" for one in download.attempts}
        return zipfile.ZipFile(io.BytesIO(feedback.zipped(download, pages))).namelist()

    assert re.fullmatch(r"family0given0_LATE_5000_901_hw-1\.html", *names(canvas))
    assert [names(one) for one in moodle] == [
        [f"{whole}/feedback.html"],
        [f"{whole}_feedback.html"],
    ]
