"""Further inputs near those that people reported: each is graded, or named with a reason."""

import io
import json
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade, UsageError
from assay.submission import plan, platforms, preflight, reader, sections
from assay.submission.discovery import Discovered, HandIn
from assay.submission.submission import Submission
from tests.submission.test_discovery import BOOK, RAR, at, folder, names, zipped
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

DRAFT = notebook(PARAMETERS, SUBTRACT)


def outcome(one: HandIn, course: Assignment) -> str:
    """The notebook that would be run, or the reason why none is."""
    try:
        read = one.read()
        plan.make(course, read)
    except CannotGrade as error:
        return str(error)
    return ", ".join(read.notebooks)


def outcomes(found: Discovered, course: Assignment) -> dict[str, str]:
    return {one.name: outcome(one, course) for one in found.found}


def passed_over(found: Discovered) -> dict[str, str]:
    return {path.name: reason for path, reason in found.passed_over}


@pytest.mark.parametrize(
    "files",
    [
        ["ann_2026_11_hw.ipynb", "bob_2026_11_hw.ipynb"],
        ["ann_27_11_hw.ipynb", "bob_27_11_hw.ipynb", "cy_27_11_hw.ipynb"],
        ["hw_1_2_ann.ipynb", "hw_1_3_bob.ipynb"],
        ["ann_2026_11_27_hw.ipynb", "bob.ipynb"],
    ],
)
def test_a_date_in_a_name_is_nobodys_number(toy: Assignment, tmp_path: Path, files: list[str]):
    """One row a file, called as the file, and no number that a gradebook would believe."""
    found = at(folder(tmp_path, dict.fromkeys(files, BOOK)), toy)

    assert names(found) == sorted(name.removesuffix(".ipynb") for name in files)
    assert not any(one.people for one in found.found)


def test_canvas_still_knows_its_own(toy: Assignment, tmp_path: Path):
    """Also an answer to one question of a quiz, and a file that is late."""
    files = [
        "annb_11_2026_hw.ipynb",
        "bobc_LATE_12_2027_hw.ipynb",
        "cy_13_question_4_2028_hw.ipynb",
        "cy_13_question_5_2028_b.ipynb",
    ]
    found = at(folder(tmp_path, dict.fromkeys(files, BOOK)), toy)

    assert [one.people[0].id for one in found.found] == ["11", "12", "13"]


FORMS = ["eva.docx", "fay.pages", "gil.pptx", "hal.jpg", "ida.R", "jan.url", "kim.tex", "lea.xlsx"]


def test_whatever_else_is_handed_in_has_a_row(toy: Assignment, tmp_path: Path):
    """And one that stands beside a notebook of the same name is no second person."""
    files = {"ann.ipynb": BOOK, "ann.pdf": b"%PDF", "ann.html": b"<p>", "ben.ipynb": BOOK}
    found = at(folder(tmp_path, files | dict.fromkeys(FORMS, b"x")), toy)
    said = outcomes(found, toy)

    assert {n for n, text in said.items() if text.endswith(".ipynb")} == {"ann", "ben"}
    assert set(said) == {"ann", "ben", *(name.partition(".")[0] for name in FORMS)}
    assert all(name in said[name.partition(".")[0]] for name in FORMS)
    assert set(passed_over(found)) == {"ann.pdf", "ann.html"}


def test_what_was_submitted_to_nbgrader_is_a_class(toy: Assignment, tmp_path: Path):
    """By the course's folder and by `submitted`; sources and what was graded are nobody's."""
    files = {f"submitted/{name}/ps1/hw.ipynb": BOOK for name in ("ann", "bob")}
    files |= {f"{top}/ann/ps1/hw.ipynb": BOOK for top in ("autograded", "feedback")}
    files |= {"source/ps1/hw.ipynb": BOOK, "submitted/ann/ps1/timestamp.txt": b"2026"}
    path = folder(tmp_path, {**files, "nbgrader_config.py": b"", "gradebook.db": b""})

    for place in (path, path / "submitted"):
        assert outcomes(at(place, toy), toy) == {"ann": "ps1/hw.ipynb", "bob": "ps1/hw.ipynb"}
    assert "source" in passed_over(at(path, toy))


def test_of_two_assignments_of_one_student_neither_is_guessed(toy: Assignment, tmp_path: Path):
    """`submitted/ann` holds both: the names decide, or nothing does."""
    path = folder(tmp_path, {"submitted/ann/ps1/a.ipynb": BOOK, "submitted/ann/ps2/b.ipynb": DRAFT})

    assert "may answer" in outcomes(at(path, toy), toy)["ann"]


@pytest.mark.parametrize("round_it", ["sums", "Sums", "class"])
def test_a_folder_called_like_the_assignment_is_the_class(
    toy: Assignment, tmp_path: Path, round_it: str
):
    """Unpacked from the zip of a class: nobody in it is lost."""
    found = at(folder(tmp_path, {f"{round_it}/{n}.ipynb": BOOK for n in ("ann", "bob")}), toy)

    assert names(found) == ["ann", "bob"]


def test_a_folder_round_the_students_folders_is_the_class(toy: Assignment, tmp_path: Path):
    """By its name, or where it is named; of any other it is asked."""
    path = folder(tmp_path, {f"class/all/{n}/hw.ipynb": BOOK for n in ("ann", "bob")})

    assert names(at(path / "class" / "all", toy)) == ["ann", "bob"]
    with pytest.raises(UsageError, match="may be one submission or a class"):
        at(path, toy)
    (path / "class" / "all").rename(path / "class" / "Toy")
    assert names(at(path, toy)) == ["ann", "bob"]


@pytest.mark.parametrize("inside", ["hw.ipynb", "notebooks/sums.ipynb", "a/b/hw.ipynb"])
def test_a_class_of_one(toy: Assignment, tmp_path: Path, inside: str):
    """It is called as the student, not as the folder of the class."""
    found = at(folder(tmp_path, {f"ann/{inside}": BOOK, "ann/net.py": b"x = 1"}), toy)

    assert names(found) == ["ann"]
    assert outcome(found.found[0], toy).endswith(inside.rpartition("/")[2])


def test_a_lone_student_with_two_notebooks_is_one(toy: Assignment, tmp_path: Path):
    """What is in them decides."""
    (ann,) = at(folder(tmp_path, {"ann/a.ipynb": BOOK, "ann/b.ipynb": notebook("1")}), toy).found

    assert (ann.name, outcome(ann, toy)) == ("ann", "a.ipynb, b.ipynb")


@pytest.mark.parametrize(
    "copies",
    [("hw.ipynb", "hw (1).ipynb"), ("hw.ipynb", "hw-Copy1.ipynb"), ("hw.ipynb", "Copy of hw.ipynb"),
     ("Untitled.ipynb", "Untitled1.ipynb"), ("hw.ipynb", "hw - Copy.ipynb")],
)  # fmt: skip
def test_copies_of_one_notebook_are_one_persons(
    toy: Assignment, tmp_path: Path, copies: tuple[str, str]
):
    """Clear where only one answers; else both are named, and nothing is marked."""
    clear = {copies[0]: notebook("1"), copies[1]: BOOK}
    (one,) = at(folder(tmp_path, clear), toy).found
    assert outcome(one, toy) == ", ".join(sorted(copies))

    (tmp_path / "two").mkdir()
    (two,) = at(folder(tmp_path / "two", {copies[0]: BOOK, copies[1]: DRAFT}), toy).found
    assert all(f"`{name}`" in outcome(two, toy) for name in copies)


@pytest.mark.parametrize("empty", [b"", zipped({})])
def test_an_empty_zip_hides_no_other(toy: Assignment, tmp_path: Path, empty: bytes):
    """Of two attempts, and of two files; it is said, and both orders are alike."""
    full = zipped({"hw.ipynb": BOOK})
    files = {
        "ann_101_9001_hw.zip": full, "ann_101_9009_hw-1.zip": empty,
        "bob_102_9002_a.zip": empty, "bob_102_9003_b.zip": full,
    }  # fmt: skip
    moodle = {
        "Cy_55_assignsubmission_file/a.zip": empty,
        "Cy_55_assignsubmission_file/b.zip": full,
        "Dee_56_assignsubmission_file/a.zip": full,
    }
    ann, bob = at(folder(tmp_path, files), toy).found
    (tmp_path / "two").mkdir()
    cy, _ = at(folder(tmp_path / "two", moodle), toy).found

    assert [outcome(one, toy) for one in (ann, bob, cy)] == ["hw.ipynb"] * 3
    assert all(one.read().notes for one in (ann, bob, cy))


def test_an_empty_notebook_hides_no_other(toy: Assignment, tmp_path: Path):
    """0 bytes beside a whole one; alone it is refused."""
    files = {"ann/Untitled.ipynb": b"", "ann/hw.ipynb": BOOK, "bob/hw.ipynb": b""}
    ann, bob = at(folder(tmp_path, files), toy).found

    assert outcome(ann, toy) == "hw.ipynb"
    assert "`Untitled.ipynb` is empty" in ann.read().notes[0]
    assert "empty" in outcome(bob, toy)


def test_a_late_copy_that_is_worse_counts_and_is_told(toy: Assignment, tmp_path: Path):
    """The platform's rule, not ours: the last one."""
    files = {"ann_101_9001_hw.ipynb": BOOK, "ann_101_9009_hw-1.ipynb": DRAFT}
    (ann,) = at(folder(tmp_path, {**files, "bob_102_9002_hw.pdf": b"%PDF"}), toy).found[:1]

    assert ann.read().files == {"hw.ipynb": DRAFT}
    assert "`ann_101_9001_hw.ipynb` was not read" in ann.read().notes[0]


def test_one_person_under_two_spellings_is_one(toy: Assignment, tmp_path: Path):
    """Of an accent as one character or two."""
    path = folder(tmp_path, {"x.txt": b"x"})
    for form, number in (("NFC", 1), ("NFD", 2)):
        name = unicodedata.normalize(form, f"özé_101_900{number}_{number}.ipynb")
        (path / name).write_bytes(BOOK if number == 1 else notebook("1"))
    (one,) = at(path, toy).found

    assert one.people[0].name == unicodedata.normalize("NFC", "özé")
    assert sorted(one.read().notebooks) == ["1.ipynb", "2.ipynb"]


NAMES = ["O'Brien, Ann", "李小龍", "Ana María-José", "=1+1", "d’Arc; x", "a&b <c>", "Ann  B."]


def test_odd_names_are_names(toy: Assignment, tmp_path: Path):
    """As folders and as Moodle's: one row each, with its number."""
    files = {f"{name}_{i}_assignsubmission_file/hw.ipynb": BOOK for i, name in enumerate(NAMES, 10)}
    found = at(folder(tmp_path, files), toy)

    assert {one.people[0].name for one in found.found} == set(NAMES)
    assert set(outcomes(found, toy).values()) == {"hw.ipynb"}


def tarred(files: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def encrypted() -> bytes:
    """A zip that says of its member that it has a password."""
    made = bytearray(zipped({"hw.ipynb": BOOK}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + place] |= 1
    return bytes(made)


REFUSED = {
    "rar.zip": (RAR, "not a zip"),
    "secret.zip": (encrypted(), "without a password"),
    "above.tar.gz": (tarred([("/etc/hw.ipynb", BOOK)]), "absolute"),
    "old.ipynb": (json.dumps({"nbformat": 2, "worksheets": []}).encode(), "format"),
    "adapter/adapter.py": (b"add = plus", "no notebook"),
    "modules/net.py": (b"def add(x, y): return x + y", "no notebook"),
    "kept/.ipynb_checkpoints/hw.ipynb": (BOOK, "no notebook"),
}


def test_what_cannot_be_read_costs_its_own_row(toy: Assignment, tmp_path: Path):
    """Each with what it is and what to do; the one beside it is graded."""
    files = {name: content for name, (content, _) in REFUSED.items()}
    said = outcomes(at(folder(tmp_path, {**files, "zoe.ipynb": BOOK}), toy), toy)

    assert said.pop("zoe") == "zoe.ipynb"
    for name, (_, words) in REFUSED.items():
        stem = name.partition("/")[0].partition(".")[0]
        assert words in said[stem], name
        assert "hint:" in said[stem]


GOOD = {
    "bom.ipynb": b"\xef\xbb\xbf" + BOOK,
    "colab.ipynb": json.dumps(
        {**json.loads(BOOK), "metadata": {"colab": {"provenance": []}, "accelerator": "GPU"}}
    ).encode(),
    "three.ipynb": json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [
            {"cell_type": "code", "input": ADD, "language": "python", "outputs": []}
        ]}]}
    ).encode(),
    "deep.zip": zipped({"a/b/inner.zip": zipped({"x/hw.ipynb": BOOK})}),
    "packed/in.tgz": tarred([("ann/hw.ipynb", BOOK)]),
}  # fmt: skip


def test_what_is_unusual_is_read(toy: Assignment, tmp_path: Path):
    """A byte order mark, Colab's copy, format 3, archives in folders in archives."""
    said = outcomes(at(folder(tmp_path, GOOD), toy), toy)

    assert set(said) == {name.partition("/")[0].partition(".")[0] for name in GOOD}
    assert all(text.endswith(".ipynb") for text in said.values())


def test_links_in_a_class_are_named_and_not_followed(toy: Assignment, tmp_path: Path):
    """A link to a file or a folder outside brings nothing in, and has a row."""
    path = folder(tmp_path, {"ann/hw.ipynb": BOOK, "bob.ipynb": BOOK})
    (tmp_path / "secret.ipynb").write_bytes(BOOK)
    (path / "cy.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (path / "dee").mkdir()
    (path / "dee" / "hw.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (path / "eve.ipynb").symlink_to(tmp_path / "nowhere.ipynb")
    (path / "fay.ipynb").symlink_to(path / "bob.ipynb")
    said = outcomes(at(path, toy), toy)

    assert {name for name, text in said.items() if text.endswith(".ipynb")} == {"ann", "bob"}
    assert set(said) == {"ann", "bob", "cy", "dee", "eve", "fay"}


@pytest.mark.parametrize(
    ("entry", "people"),
    [
        (":submitters:\n  - :name: Ann\n    :sid: 0017\n", [("0017", "Ann")]),
        ("submitters:\n  - name: Ann\n    sid: null\n    email: a@x", [("", "Ann")]),
        (":submitters: []\n", []),
        (":submitters:\n", []),
        (":created_at: 1\n", []),
        (":submitters:\n  - :name: 'O''B, Ann'\n    :sid: 'a,1'\n", [("a,1", "O'B, Ann")]),
    ],
)
def test_odd_forms_of_gradescopes_list(
    toy: Assignment, tmp_path: Path, entry: str, people: list[tuple[str, str]]
):
    """Numbers keep their zeros; whoever is not named is graded all the same."""
    listing = f"submission_1:\n  {entry}".encode()
    files = {"submission_1/a.ipynb": BOOK, "submission_2/a.ipynb": BOOK}
    found = at(folder(tmp_path, {**files, platforms.GRADESCOPE: listing}), toy)

    assert [(one.id, one.name) for one in found.found[0].people] == people
    assert set(outcomes(found, toy).values()) == {"a.ipynb"}


def test_a_submission_that_only_gradescopes_list_has_is_named(toy: Assignment, tmp_path: Path):
    """Nobody vanishes because a folder does."""
    listing = b"submission_1: {}\nsubmission_9:\n  :submitters:\n  - :name: Ann Alpha\n"
    files = {"submission_1/a.ipynb": BOOK, platforms.GRADESCOPE: listing}
    found = at(folder(tmp_path, files), toy)

    assert "Ann Alpha" in passed_over(found)["submission_9"]


def with_unicode_path(name: str, wrong: bytes, crc: int | None = None) -> bytes:
    """A zip by Info-ZIP: the name in an older encoding, and beside it as UTF-8."""
    raw = name.encode()
    field = b"\1" + (zlib.crc32(wrong) if crc is None else crc).to_bytes(4, "little") + raw
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hw.ipynb", BOOK)
        info = zipfile.ZipInfo("_" * len(wrong))
        info.extra = b"up" + len(field).to_bytes(2, "little") + field
        archive.writestr(info, b"1")
    return buffer.getvalue().replace(b"_" * len(wrong), wrong)


@pytest.mark.parametrize(("crc", "expected"), [(None, "daten/größe.csv"), (7, "daten/gr__e.csv")])
def test_info_zips_own_names_are_read(
    toy: Assignment, tmp_path: Path, crc: int | None, expected: str
):
    """Where the field belongs to the name; else the name itself holds."""
    (tmp_path / "ann.zip").write_bytes(
        with_unicode_path("daten/größe.csv", b"daten/gr__e.csv", crc)
    )
    (ann,) = at(tmp_path / "ann.zip", toy).found

    assert expected in ann.read().files


def test_the_zip_of_a_class_is_never_whole_in_memory(
    toy: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """200 MB of it: what is found takes a hundredth of that."""
    import tracemalloc

    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("ann", "bob"):
            archive.writestr(f"{name}/hw.ipynb", BOOK)
            archive.writestr(f"{name}/film.mp4", bytes(40 * reader.MB))
    tracemalloc.start()
    try:
        found = at(path, toy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert names(found) == ["ann", "bob"]
    assert peak < 10 * reader.MB


def test_a_zip_that_is_swapped_while_it_is_read_costs_rows_alone(toy: Assignment, tmp_path: Path):
    """Nothing of it is taken for something else."""
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({"ann/hw.ipynb": BOOK, "bob/hw.ipynb": BOOK}))
    found = at(path, toy)
    path.write_bytes(b"no zip")

    assert all("cannot be read" in text for text in outcomes(found, toy).values())


def test_check_looks_where_grading_does(toy: Assignment):
    """In modules at the top, beside the notebook, in packages there; not in deeper ones."""
    bare = notebook(PARAMETERS)
    part = toy.part[0]

    def missing(*files: str) -> bool:
        texts = dict.fromkeys(files, b"def add(x, y): return x + y")
        handed_in = Submission("ada", {"nb/hw.ipynb": bare, **texts})
        names_ = preflight._names(sections.sections(toy, handed_in)[part.name])
        return "add" not in names_

    assert not missing("net.py")
    assert not missing("nb/net.py")
    assert not missing("lib/net.py")
    assert not missing("solution/a/net.py")
    assert missing("a/b/net.py")
    assert missing("adapter.txt")
    assert missing("setup.py")


def test_a_name_of_65_000_characters_costs_no_time(toy: Assignment, tmp_path: Path):
    """An archive may hold one: it is refused in its row, and read by no pattern before."""
    import time

    long = "a_1_" * 16_000 + ".ipynb"
    odd = "x\n\x01.ipynb"
    (tmp_path / "class.zip").write_bytes(
        zipped({"ann/hw.ipynb": BOOK, "bob/h.ipynb": BOOK, long: BOOK, odd: BOOK})
    )
    began = time.process_time()
    found = at(tmp_path / "class.zip", toy)
    said = outcomes(found, toy)

    assert time.process_time() - began < 5
    assert sorted(text for text in said.values() if text.endswith("ipynb")) == [
        "h.ipynb",
        "hw.ipynb",
    ]
    refused = [text for text in said.values() if "hint:" in text]
    assert len(said) == 4
    assert {"is too long", "control characters"} == {
        words for words in ("is too long", "control characters") for t in refused if words in t
    }
