"""What people met with graders, by what they handed in: each is found, once, as whose it is."""

import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade, UsageError
from assay.submission import discovery, platforms, reader
from assay.submission.discovery import Discovered, HandIn
from tests.toys.toy import ADD, PARAMETERS, notebook

BOOK = notebook(PARAMETERS, ADD)
RAR = b"Rar!\x1a\x07\x01\x00" + bytes(60)
Files = Mapping[str, bytes]
Lay = Callable[[Path, Files], Path]


def folder(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / "class"


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_zip(root: Path, files: Files) -> Path:
    """The one zip that a platform gives, with what Finder adds when it is packed again."""
    (root / "class.zip").write_bytes(
        zipped({**files, "__MACOSX/._x.ipynb": b"\0\5", ".DS_Store": b""})
    )
    return root / "class.zip"


def wrapped(root: Path, files: Files) -> Path:
    """The same in a folder of the assignment's name."""
    return as_zip(root, {f"Homework 3/{name}": content for name, content in files.items()})


LAID = pytest.mark.parametrize("lay", [folder, as_zip, wrapped])


def at(path: Path, toy: Assignment) -> Discovered:
    return discovery.discover([path], toy)


def names(found: Discovered) -> list[str]:
    return [one.name for one in found.found]


def books(one: HandIn) -> list[str]:
    """The names of its notebooks."""
    return one.read().notebooks


CANVAS = {
    "alphaann_101_9001_sums.ipynb": BOOK,
    "alphaann_101_9002_products.ipynb": BOOK,
    "alphaann_101_9003_network.py": b"x = 1",
    "betabob_102_9003_sums.ipynb": BOOK,
    "gammacy_LATE_103_9005_sums-1.ipynb": BOOK,
    "gammacy_LATE_103_9006_products-2.ipynb": BOOK,
}


@LAID
def test_several_files_of_one_person_are_one_submission(toy: Assignment, tmp_path: Path, lay: Lay):
    """As many submissions as people, each file under the name that its student gave it."""
    found = at(lay(tmp_path, CANVAS), toy)

    assert names(found) == ["alphaann_101", "betabob_102", "gammacy_103"]
    assert [one.people[0].id for one in found.found] == ["101", "102", "103"]
    assert set(found.found[0].read().files) == {"sums.ipynb", "products.ipynb", "network.py"}
    assert books(found.found[2]) == ["sums.ipynb", "products.ipynb"]


def test_files_that_are_named_one_by_one_are_grouped_as_well(toy: Assignment, tmp_path: Path):
    """`assay grade class/*` is the same class."""
    paths = sorted(folder(tmp_path, CANVAS).iterdir())

    assert len(discovery.discover(paths, toy).found) == 3


@LAID
def test_the_later_of_two_files_counts_and_the_earlier_is_named(
    toy: Assignment, tmp_path: Path, lay: Lay
):
    """Canvas numbers what is handed in again."""
    later = notebook(PARAMETERS, ADD, "later = True")
    files = {
        "alphaann_101_9001_sums.ipynb": BOOK,
        "alphaann_101_9007_sums-1.ipynb": later,
        "betabob_102_9002_sums.ipynb": BOOK,
    }
    ann, _ = at(lay(tmp_path, files), toy).found

    assert ann.read().files == {"sums.ipynb": later}
    (note,) = ann.read().notes
    assert "`alphaann_101_9007_sums-1.ipynb` counts" in note
    assert "`alphaann_101_9001_sums.ipynb` was not read" in note


MOODLE = {
    "Ann Alpha_5501_assignsubmission_file/hw.ipynb": BOOK,
    "Bob Beta_5502_assignsubmission_file_/hw.zip": zipped({"hw/hw.ipynb": BOOK}),
    "Çiğdem Öz_5503_assignsubmission_file/hw.ipynb": BOOK,
    "Çiğdem Öz_5503_assignsubmission_onlinetext/onlinetext.html": b"<p>hello",
    "Dee Delta_5504_assignsubmission_onlinetext/onlinetext.html": b"<p>it is done",
    "Ann Alpha_5505_assignsubmission_file/hw.ipynb": BOOK,
}


@LAID
def test_moodles_folders_are_people(toy: Assignment, tmp_path: Path, lay: Lay):
    """Two of one name are two; a text beside a file is nobody else; a text alone has a row."""
    found = at(lay(tmp_path, MOODLE), toy)

    assert sorted(one.people[0].id for one in found.found) == [
        "5501",
        "5502",
        "5503",
        "5504",
        "5505",
    ]
    assert len({one.name for one in found.found}) == 5
    (dee,) = [one for one in found.found if one.people[0].id == "5504"]
    with pytest.raises(CannotGrade, match="no notebook in"):
        dee.read()
    assert all(len(books(one)) == 1 for one in found.found if one is not dee)


def test_moodles_flat_names_are_people(toy: Assignment, tmp_path: Path):
    """The same download without folders."""
    files = {f"{n}_{i}_assignsubmission_file_hw_{i}.ipynb": BOOK for n, i in [("A B", 1), ("C", 2)]}
    found = at(folder(tmp_path, files), toy)

    assert names(found) == ["A B_1", "C_2"]
    assert books(found.found[0]) == ["hw_1.ipynb"]


BRIGHTSPACE = {
    "index.html": b"<html>",
    "11-9 - Ann Alpha - Oct 9, 2025 1205 PM/a.ipynb": BOOK,
    "11-9 - Ann Alpha - Oct 10, 2025 803 AM/b.ipynb": BOOK,
    "12-9 - Bob Beta-Gamma - Oct 9, 2025 6:31 PM/hw - final.ipynb": BOOK,
    "13-9 - Ann Alpha - Oct 9, 2025 11_55 AM/a.ipynb": BOOK,
    "14-9 - Cy - Oct 9, 2025 0803 PM - Homework 6 - x.zip": zipped({"hw.ipynb": BOOK}),
}


@LAID
def test_brightspaces_attempts_are_people(toy: Assignment, tmp_path: Path, lay: Lay):
    """The latest of two attempts, by the clock and not by the alphabet; two of one name are two."""
    found = at(lay(tmp_path, BRIGHTSPACE), toy)

    assert sorted(one.people[0].id for one in found.found) == ["11", "12", "13", "14"]
    of = {one.people[0].id: one for one in found.found}
    assert books(of["11"]) == ["b.ipynb"]
    assert "`11-9 - Ann Alpha - Oct 9, 2025 1205 PM` was not read" in of["11"].notes[0]
    assert books(of["14"]) == ["hw.ipynb"]
    assert [reason for _, reason in found.passed_over] == ["is no submission"]  # index.html


def test_blackboards_attempts_are_people(toy: Assignment, tmp_path: Path):
    """The text beside an attempt is no hand-in; a later attempt without a notebook hides none."""
    base = "Homework 3_ann_attempt_2025-10-"
    files = {
        f"{base}09-10-11-12.txt": b"Name: Ann",
        f"{base}09-10-11-12_hw.ipynb": BOOK,
        f"{base}10-10-11-12.txt": b"Name: Ann",
        f"{base}10-10-11-12_photo.jpg": b"JFIF",
    }
    (ann,) = at(folder(tmp_path, files), toy).found

    assert (ann.name, books(ann)) == ("ann", ["hw.ipynb"])
    assert "photo.jpg" in " ".join(ann.notes)


GRADESCOPE = b"""\
submission_11:
  :submitters:
  - :name: Ann Alpha
    :sid: '7001'
    :email: ann@school.example
  - :name: Cy Gamma
    :sid: '7003'
    :email: cy@school.example
  :created_at: 2020-01-02 03:04:05.000000000 Z
  :results: !ruby/hash:ActiveSupport::HashWithIndifferentAccess
    score: 0.0
submission_12:
  :submitters:
  - :name: Bob Beta
    :sid: '7002'
    :email: bob@school.example
"""


@LAID
def test_gradescopes_export_knows_its_people(toy: Assignment, tmp_path: Path, lay: Lay):
    """A group of two is one submission of two people."""
    files = {f"submission_{n}/sums.ipynb": BOOK for n in (11, 12)}
    found = at(lay(tmp_path, {**files, platforms.GRADESCOPE: GRADESCOPE}), toy)

    ids = [[person.id for person in one.people] for one in found.found]
    assert ids == [["7001", "7003"], ["7002"]]
    assert found.passed_over == []


@pytest.mark.parametrize("content", [b"[", b"- a", b"a: [b", b"\xff", b"a: 3"])
def test_a_broken_list_of_gradescopes_stops(toy: Assignment, tmp_path: Path, content: bytes):
    """Without it nobody knows whose is what; nothing in it is ever executed."""
    files = {"submission_1/a.ipynb": BOOK, "submission_2/a.ipynb": BOOK}
    path = folder(tmp_path, {**files, platforms.GRADESCOPE: content})

    with pytest.raises(UsageError, match=platforms.GRADESCOPE):
        at(path, toy)


@LAID
def test_the_notebook_that_was_handed_out_is_nobodys(toy: Assignment, tmp_path: Path, lay: Lay):
    """Beside the students' folders it is passed over, and named."""
    files = {"ann/hw.ipynb": BOOK, "bob/hw.ipynb": BOOK, "sums.ipynb": BOOK}
    found = at(lay(tmp_path, files), toy)

    assert names(found) == ["ann", "bob"]
    ((path, reason),) = found.passed_over
    assert (path.name, reason) == (
        "sums.ipynb",
        "it has the name of the notebook that was handed out",
    )


@pytest.mark.parametrize(
    "beside",
    [
        {"ann/hw.ipynb": BOOK},
        {"ann.ipynb": BOOK, "bob.ipynb": BOOK},
        {"ann.zip": zipped({"a.ipynb": BOOK})},
    ],
)
def test_what_may_be_one_or_a_class_is_asked_about(toy: Assignment, tmp_path: Path, beside: Files):
    """Where one of the two readings would lose somebody's work, nothing is graded."""
    path = folder(tmp_path, {"sums.ipynb": BOOK, **beside})

    with pytest.raises(UsageError, match="may be one submission or a class") as caught:
        at(path, toy)
    assert caught.value.hint


LATE = {
    "deltadee_104_9006_hw.pdf": b"%PDF-1.4",
    "epsiloneve_105_9007_hw.rar": RAR,
    "gammacy_103_9005_hw.ipynb": BOOK,
}


@LAID
def test_a_late_batch_is_a_class_whatever_is_in_it(toy: Assignment, tmp_path: Path, lay: Lay):
    """One notebook of three; the other two have a row that says why not."""
    dee, eve, cy = at(lay(tmp_path, LATE), toy).found

    assert [one.people[0].id for one in (dee, eve, cy)] == ["104", "105", "103"]
    assert books(cy) == ["hw.ipynb"]
    for one, file in ((dee, "hw.pdf"), (eve, "hw.rar")):
        with pytest.raises(CannotGrade) as caught:
            one.read()
        assert file in f"{caught.value}"


FORMS = {
    "ann.ipynb": BOOK, "cy.ipynb.json": BOOK, "dee.ipynb.txt": BOOK, "eve.IPYNB": BOOK,
    "fay/hw.ipynb.txt": BOOK, "gus.ipynb (1)": BOOK, "guy.json": BOOK, "hub.tgz.txt": b"x",
    "gil.rar": RAR, "hal.pdf": b"%PDF", "ida.py": b"def add(x, y):\n    return x + y",
    "jan.ipynb.html": b"<html>", "kim.7z": b"7z", "lea/hw.rar": RAR, "max/": b"",
    "roster.csv": b"id", "README.md": b"", "Thumbs.db": b"", "desktop.ini": b"", "~$x.ipynb": b"",
    "._ann.ipynb": b"\0\5", ".ipynb_checkpoints/ann.ipynb": BOOK, "__MACOSX/ann.ipynb": b"\0",
}  # fmt: skip


@LAID
def test_what_is_called_otherwise_is_graded_or_has_a_row(toy: Assignment, tmp_path: Path, lay: Lay):
    """Nothing vanishes: graded, refused by name, or named as no submission."""
    files = {name: content for name, content in FORMS.items() if not name.endswith("/")}
    found = at(lay(tmp_path, files), toy)
    read = {one.name: one.inspect() for one in found.found}

    good = {name for name, (_, problems) in read.items() if not problems}
    assert good == {"ann", "cy", "dee", "eve", "fay", "gus (1)", "guy"}
    assert set(read) - good == {"gil", "hal", "ida", "jan", "kim", "lea"}
    assert {path.name for path, _ in found.passed_over} == {
        "roster.csv",
        "README.md",
        "hub.tgz.txt",
    }
    assert read["fay"][0].notebooks == ["hw.ipynb"]
    assert "was read as the notebook" in read["fay"][0].notes[0]


def test_reports_of_an_earlier_run_are_no_students(toy: Assignment, tmp_path: Path):
    """Called `reports` or not: by what is in them, and where this run's own go."""
    report = {"index.html": b"", "results.json": b"{}", "sums-executed.ipynb": BOOK}
    files: dict[str, bytes] = {"ann/hw.ipynb": BOOK, "ben/hw.ipynb": BOOK}
    for place in ("reports/ann", "marks/ann"):
        files |= {f"{place}/{name}": content for name, content in report.items()}
    path = folder(tmp_path, {**files, "now/x/index.md": b""})

    found = discovery.discover([path], toy, path / "now")

    assert names(found) == ["ann", "ben"]
    assert {place.name for place, _ in found.passed_over} == {"reports", "marks", "now"}


def test_a_students_own_reports_are_kept(toy: Assignment, tmp_path: Path):
    """A folder of that name is the student's, unless assay wrote it."""
    files = {"hw.ipynb": BOOK, "reports/data.csv": b"1", "reports/helper.py": b"x = 1"}
    one, two = {**files}, {**files, "reports/ada/index.md": b""}
    (tmp_path / "two").mkdir()

    assert "reports/data.csv" in at(folder(tmp_path, one), toy).found[0].read().files
    assert set(at(folder(tmp_path / "two", two), toy).found[0].read().files) == {"hw.ipynb"}


@pytest.mark.parametrize(
    ("files", "one"),
    [
        ({"backprop.ipynb": "import network", "more.ipynb": "", "network.py": ""}, True),
        ({"a.ipynb": "from nets.deep import Net", "b.ipynb": "", "nets/deep.py": ""}, True),
        ({"hw.ipynb": "", "old/hw.ipynb": "", "backup/x.ipynb": ""}, True),
        ({"hw.ipynb": "", "report.pdf": "", "data/x.csv": ""}, True),
        ({"ann.ipynb": "import numpy", "bob.ipynb": "", "ida.py": ""}, False),
        ({"ann/hw.ipynb": "import net", "ann/net.py": "", "bob/hw.ipynb": ""}, False),
    ],
)  # fmt: skip
def test_a_students_repository_is_one_submission(
    toy: Assignment, tmp_path: Path, files: dict[str, str], one: bool
):
    """Modules at the top that its notebooks import; an older copy in a folder of its own."""
    made = {n: notebook(PARAMETERS, c) if n.endswith("b") else c.encode() for n, c in files.items()}

    assert (len(at(folder(tmp_path, made), toy).found) == 1) == one


def without_flag(files: Mapping[bytes, bytes]) -> bytes:
    """A zip whose names are these bytes, not marked as UTF-8: as Finder and Windows write them."""
    made = zipped({f"{n:04}{'_' * (len(raw) - 4)}": c for n, (raw, c) in enumerate(files.items())})
    for number, raw in enumerate(files):
        made = made.replace(f"{number:04}{'_' * (len(raw) - 4)}".encode(), raw)
    return made


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp1252", "nfd"])
def test_names_in_a_zip_are_what_they_were(toy: Assignment, tmp_path: Path, encoding: str):
    """UTF-8 without its flag, and the two tables of Windows: `daten/größe.csv` is there."""
    import unicodedata

    form, code = ("NFD", "utf-8") if encoding == "nfd" else ("NFC", encoding)
    raw = unicodedata.normalize(form, "abgabe/daten/übergröße.csv").encode(code)
    files = {b"abgabe\\aufgabe.ipynb": BOOK, raw: b"1", b"__MACOSX/abgabe/._aufgabe.ipynb": b"\0"}
    (tmp_path / "ann.zip").write_bytes(without_flag(files))

    (ann,) = at(tmp_path / "ann.zip", toy).found

    assert set(ann.read().files) == {"aufgabe.ipynb", "daten/übergröße.csv"}


def test_archives_in_archives_are_opened_and_bounded(toy: Assignment, tmp_path: Path):
    """A zip in a zip in the zip of a class; a bomb in it costs its own student alone."""
    inner = zipped({"hw.ipynb": BOOK})
    bomb = zipped({"hw.ipynb": BOOK, "zeros": bytes(60 * reader.MB)})
    files = {
        "alphaann_101_1_hw.zip": zipped({"hw.zip": inner}),
        "betabob_102_2_hw.zip": zipped({"bomb.zip": bomb}),
        "gammacy_103_3_hw.zip": b"PK no",
    }
    ann, bob, cy = at(as_zip(tmp_path, files), toy).found

    assert books(ann) == ["hw.ipynb"]
    for one in (bob, cy):
        with pytest.raises(CannotGrade):
            one.read()


def test_in_the_zip_of_a_class_nothing_leads_out(toy: Assignment, tmp_path: Path):
    """A name with `..` or a link costs its own row."""
    path = as_zip(tmp_path, {"ann/hw.ipynb": BOOK, "bob/hw.ipynb": BOOK, "bob/../../x": b"1"})
    ann, bob = at(path, toy).found

    assert books(ann) == ["hw.ipynb"]
    with pytest.raises(CannotGrade, match="leads out"):
        bob.read()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\n<!DOCTYPE html><html>", "web page"),
        (BOOK.decode().encode("utf-16"), "UTF-16"),
        (json.dumps({"a": "größe"}, ensure_ascii=False).encode("cp1252"), "not UTF-8"),
        (b"%PDF-1.7", "PDF"),
        (zipped({"a.ipynb": BOOK}), "zip"),
        (BOOK[:-20], "not JSON"),
        (b"", "empty"),
    ],
)
def test_what_is_no_notebook_is_named_for_what_it_is(
    toy: Assignment, tmp_path: Path, content: bytes, found: str
):
    """And the hint is something that helps: Jupyter opens none of these."""
    path = tmp_path / "ada.ipynb"
    path.write_bytes(content)

    with pytest.raises(CannotGrade) as caught:
        at(path, toy).found[0].read()

    assert found in caught.value.found
    assert caught.value.hint
    assert "Jupyter and" not in caught.value.hint
    assert sys.getsizeof(caught.value.hint) > 20
