"""What leaves a class: grade files, pages, requests; read back by each platform's own rule."""

import csv
import io
import json
import zipfile
from pathlib import Path

import nbformat
import pandas
import pytest

from assay.classroom.roster import Roster
from assay.errors import UsageError
from docs.sums import make_class
from tests.classroom import downloads as made
from tests.classroom.rooms import assay, rows


def changes(folder: Path, form: str, *more: object) -> dict[str, str]:
    """What an export says of each person."""
    shown = json.loads(assay("class", "export", folder, form, "--json", *more).stdout)
    return {one["who"]: one["kind"] for one in shown["changes"]}


def brightspace_import(export: bytes, file: bytes) -> dict[str, str]:
    """Who gets which points, as Brightspace does it: by id or user name, the item by its header."""
    known = list(csv.DictReader(io.StringIO(export.decode("utf-8-sig"))))
    people = {row[key]: row["Username"] for row in known for key in ("OrgDefinedId", "Username")}
    reader = csv.reader(io.StringIO(file.decode("utf-8-sig")))
    header = next(reader)
    assert header[-1] == "End-of-Line Indicator"
    (item,) = set(header) - {"OrgDefinedId", "Username", "End-of-Line Indicator"}
    assert item in known[0], "Brightspace would offer a new item"
    found = {}
    for row in reader:
        assert row[-1] == "#"
        found[people[row[0]]] = row[header.index(item)]
    return found


def test_brightspace_finds_every_row(copy: Path):
    """The header has the bytes of the export; what waits, or is not there, is empty."""
    export = (copy / "grades.csv").read_bytes()
    said = changes(copy, "brightspace")
    file = (copy / "out" / "brightspace.csv").read_bytes()
    found = brightspace_import(export, file)

    assert make_class.ITEM.encode() in file
    assert found["#emmy"] == "1.60"
    assert (found["#karen"], found["#dorothy"]) == ("", "")
    assert {found[f"#{name}"] for name in ("ada", "julia", "olga", "ghopper")} <= {"2.00", "2"}
    assert set(said.values()) == {"new", "raised", "same", "waits", "absent"}
    assert said["101000012"] == "absent"
    assert len(pandas.read_csv(io.BytesIO(file))) == 12


def test_a_dry_run_writes_nothing(copy: Path):
    before = {path: path.read_bytes() for path in copy.rglob("*.csv")}
    ended = assay("class", "export", copy, "brightspace", "--dry-run")

    assert "nothing is written" in ended.stdout
    assert {path: path.read_bytes() for path in copy.rglob("*.csv")} == before


def test_canvas_and_moodle_are_filled_in(copy: Path):
    """Canvas by its ID, Moodle by `Participant`: from exports that name the class in other ways."""
    canvas = "Student,ID,SIS User ID,SIS Login ID,Section,Sums (77)\n    Points Possible,,,,,2\n"
    canvas += "".join(f'"{f}, {g}",{n}9,{n},{u},S,\n' for n, u, g, f in make_class.PEOPLE)
    moodle = "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,"
    moodle += "Grade can be changed,Last modified (grade),Feedback comments\r\n"
    moodle += "".join(
        f"Participant {n}7,{g} {f},{n},{u}@example.org,x,,2.00,Yes,-,\r\n"
        for n, u, g, f in make_class.PEOPLE
    )
    for form, text in (("canvas", canvas), ("moodle", moodle)):
        export = copy.parent / f"{form}.csv"
        export.write_bytes(text.encode())
        assert set(changes(copy, form, "--from", export).values()) == {"new", "waits", "absent"}
    filled = pandas.read_csv(copy / "out" / "canvas.csv", dtype=str).fillna("")
    sheet = pandas.read_csv(copy / "out" / "moodle.csv", dtype=str).fillna("")
    original = pandas.read_csv(io.StringIO(moodle), dtype=str).fillna("")

    assert list(filled.columns) == list(pandas.read_csv(io.StringIO(canvas)).columns)
    assert dict(zip(filled["SIS Login ID"], filled["Sums (77)"], strict=True))["emmy"] == "1.60"
    assert (
        dict(zip(sheet["Email address"], sheet["Grade"], strict=True))["emmy@example.org"] == "1.60"
    )
    changed = [name for name in sheet.columns if list(sheet[name]) != list(original[name])]
    assert changed == ["Grade", "Feedback comments"]


@pytest.mark.parametrize("form", ["csv", "gradescope", "nbgrader"])
def test_tables_of_our_own_have_one_row_a_mark(copy: Path, form: str):
    """No cell of text begins a formula, and each points column is a number."""
    said = changes(copy, form)
    table = pandas.read_csv(copy / "out" / f"{form}.csv")
    points = {"csv": "points", "gradescope": "Total Score", "nbgrader": "score"}[form]

    assert len(table) == 10
    assert len(said) == 12
    assert table[points].sum() == pytest.approx(17.6)


def test_nothing_that_is_released_is_lowered(copy: Path):
    """Neither in a grade file nor by a second release, but with `--lower`."""
    line = ("class", "mark", copy, "ada", "sums/sum", "1", "--by", "tom", "--reason", "copied")
    assay("class", "release", copy, "--by", "tom")
    assay(*line)

    assert changes(copy, "csv")["101000001"] == "lowered"
    assert "101000001" not in pandas.read_csv(copy / "out" / "csv.csv", dtype=str)["id"].tolist()
    assert "lowered" in assay("class", "release", copy, "--by", "tom").stdout
    assert rows(copy)["ada"].released == 2.0
    assay("class", "release", copy, "--by", "tom", "--lower")
    assert rows(copy)["ada"].released == 1.0
    assert changes(copy, "csv", "--lower")["101000001"] == "same"


def test_pages_go_back_under_the_downloaded_names(copy: Path):
    """Released first; a page for each folder that counts, `index.html` as it was."""
    with pytest.raises(UsageError, match="no page is released"):
        assay("class", "feedback", copy)
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    download = zipfile.ZipFile(next((copy / "downloads").iterdir()))
    with download, zipfile.ZipFile(copy / "out" / "feedback.zip") as archive:
        there = {name.partition("/")[0] for name in download.namelist()}
        files = archive.namelist()
        pages = {name: archive.read(name).decode() for name in files if name.endswith(".html")}

        assert archive.read("index.html") == download.read("index.html")
    assert {name.partition("/")[0] for name in pages} <= there
    assert len(pages) == 10
    group = next(page for name, page in pages.items() if "Group 1" in name)
    emmy = next(page for name, page in pages.items() if "Emmy" in name)
    assert "Julia Robinson" in group
    assert "Olga Taussky-Todd" in group
    assert "1 d 18 h 32 min late: 2 × 10 % of 2 = 0.40" in emmy
    assert not any("://" in page or "<script" in page for page in pages.values())


def test_a_mark_by_hand_is_on_the_page_with_its_comment(copy: Path):
    """What the student reads is the comment; a page that was released before stays."""
    assay("class", "release", copy, "--by", "tom")
    words = ("--by", "tom", "--reason", "idea", "--comment", "<b>the idea</b> is right\x1b[31m")
    assay("class", "mark", copy, "sofya", "sums/sum", "1.5", *words)
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    with zipfile.ZipFile(copy / "out" / "feedback.zip") as archive:
        name = next(name for name in archive.namelist() if "Sofya" in name)
        page = archive.read(name).decode()

    assert "&lt;b&gt;the idea&lt;/b&gt; is right" in page
    assert "\x1b" not in page
    assert "1.5 of 2, by hand" in page
    assert "look at the sign" in page


def test_a_question_is_answered_and_stays(copy: Path):
    """With the mark and its reason as they were when it was asked."""
    asked = ("class", "ask", copy, "sofya", "sums/sum", "Why 0?")
    assay(*asked)
    assay("class", "mark", copy, "sofya", "sums/sum", "1", "--by", "tom", "--reason", "half of it")
    shown = assay("class", "requests", copy).stdout
    assert "0.00/2 by assay" in shown
    assert "Why 0?" in shown
    assay("class", "answer", copy, "1", "Minus is not plus.", "--by", "tom")

    assert "0 requests" in assay("class", "requests", copy).stdout
    assert "Minus is not plus." in assay("class", "requests", copy, "--all").stdout
    with pytest.raises(UsageError, match="no line"):
        assay("class", "ask", copy, "sofya", "sums/none", "Why?")


def test_names_of_the_class_hold_no_formula_and_move_no_cursor(tmp_path: Path, copy: Path):
    """In every file and on every page that goes out."""
    hostile = ["=1+1", "\u202etxt", "../../x", "a" * 300, "@cmd|'/c calc'!A0", "\x1b[2Jx"]
    assert isinstance(made.roster(1), Roster)
    lines = ["id,username,name,email"]
    rows_of = list(make_class.PEOPLE)
    for number, (id, user, given, family) in enumerate(rows_of):
        name = hostile[number] if number < len(hostile) else f"{given} {family}"
        lines.append(f'{id},{user},"{name}",{user}@example.org')
    (copy / "roster.csv").write_text("\n".join(lines))
    text = (copy / "class.toml").read_text()
    (copy / "class.toml").write_text(text.replace('"grades.csv"', '"roster.csv"'))
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    said = [assay("class", *words).stdout for words in (("marks", copy), ("status", copy))]
    for form in ("csv", "gradescope", "nbgrader"):
        changes(copy, form)
        with (copy / "out" / f"{form}.csv").open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r")]
        said.append("".join(cells))
    with zipfile.ZipFile(copy / "out" / "feedback.zip") as archive:
        assert not any(".." in name for name in archive.namelist())
        said += [archive.read(name).decode() for name in archive.namelist()]
    assert not any(sign in text for text in said for sign in ("\x1b", "\u202e"))


def test_each_gets_their_own_notebook_with_comments_at_the_cells(copy: Path):
    """Below the cell that defines what is marked; it is kept as released, and is valid."""
    words = (
        "--by",
        "tom",
        "--reason",
        "idea",
        "--comment",
        "[x](javascript:y) <b>right</b>\x1b[31m",
    )
    assay("class", "mark", copy, "sofya", "sums/sum", "1.5", *words)
    assay("class", "release", copy, "--by", "tom")
    (attempt,) = (copy / "attempts" / rows(copy)["sofya"].pseudonym).glob("*.zip")
    assay("class", "feedback", copy)
    first = (copy / "out" / "feedback.zip").read_bytes()
    with zipfile.ZipFile(copy / "out" / "feedback.zip") as archive:
        (name,) = [n for n in archive.namelist() if "Sofya" in n and n.endswith(".ipynb")]
        notebooks = [n for n in archive.namelist() if n.endswith(".ipynb")]
        given = nbformat.reads(archive.read(name).decode(), as_version=4)
    nbformat.validate(given)
    own = nbformat.reads(make_class.notebook("-"), as_version=4)
    sources = [cell.source for cell in given.cells]

    assert len(notebooks) == 9
    assert [s for s in sources if s in [cell.source for cell in own.cells]] == [
        cell.source for cell in own.cells
    ]
    (at,) = [number for number, cell in enumerate(given.cells) if "def add" in cell.source]
    assert "1\\.5 of 2" in sources[at + 1] or "1.5 of 2" in sources[at + 1]
    assert "it subtracts" in sources[at + 1]
    assert "\x1b" not in sources[at + 1]
    assert "<b>" not in sources[at + 1].replace("\\<b", "")
    assert "](javascript" not in sources[at + 1].replace("\\](", "").replace("]\\(", "")
    attempt.unlink()
    assay("class", "feedback", copy)
    assert (copy / "out" / "feedback.zip").read_bytes() == first


def test_a_hostile_notebook_comes_back_inert(copy: Path):
    """HTML, scripts, a picture from the net, a forged copy in the text: shown, and never obeyed."""
    forged = 'href="data:application/x-ipynb+json;base64,AAAA"'
    hostile = json.loads(make_class.notebook("-"))
    hostile["cells"] += [
        {
            "cell_type": "markdown", "id": "h", "metadata": {},
            "source": f"<script>x</script> [a](http://e.org) ![b](http://e.org/p.png) {forged}",
        },
        {
            "cell_type": "code", "id": "i", "metadata": {}, "execution_count": 1,
            "source": "'''" + forged + "'''",
            "outputs": [
                {
                    "output_type": "display_data", "metadata": {},
                    "data": {"text/html": "<script>x</script>", "text/plain": "x"},
                }
            ],
        },
    ]  # fmt: skip
    name = "39786-640693 - Sofya Kovalevskaya - Oct 10, 2025 1130 AM/s.ipynb"
    files = {name: json.dumps(hostile).encode(), "index.html": b""}
    assay("class", "take", copy, made.written(copy.parent / "more.zip", files))
    assay("class", "grade", copy, "--require-isolation", 0, code=3)
    assay("class", "release", copy, "--by", "tom")
    assay("class", "feedback", copy)
    with zipfile.ZipFile(copy / "out" / "feedback.zip") as archive:
        copies = [n for n in archive.namelist() if "Sofya" in n and n.endswith(".ipynb")]
        text = archive.read(copies[0]).decode()

    assert len(copies) == 1
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert "<script" not in text
    assert "text/html" not in text
    assert "](http" not in text


def test_nobody_is_said_to_have_handed_in_nothing_while_a_hand_in_is_in_doubt(copy: Path):
    """It may be theirs: who has none waits, in the grade file and in the status."""
    before = assay("class", "export", copy, "csv").stdout
    name = "39999-640693 - D. Vaughan - Oct 10, 2025 1130 AM/sums.ipynb"
    made.written(copy.parent / "more.zip", {"index.html": b"", name: made.NOTEBOOK})
    assay("class", "take", copy, copy.parent / "more.zip", code=3)
    (line,) = [
        one
        for one in assay("class", "export", copy, "csv").stdout.splitlines()
        if "Dorothy Vaughan" in one
    ]

    assert "absent" in before
    assert line.startswith("waits")
    assert "nothing handed in is known to be theirs; 1 hand-in may be" in line
    status = assay("class", "status", copy).stdout
    assert "nothing handed in that is known to be theirs (1 in doubt): Dorothy Vaughan" in status
