"""What a student may name, nest or encode changes nobody else's mark, and is never our fault."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade, UsageError
from assay.execution import runner
from assay.export import gradebooks
from assay.records import Person, Result
from assay.sandbox import workdirs
from assay.submission import discovery, folders, notebook, platforms, reader, submission
from tests.toys.made import made as whole
from tests.toys.toy import ADD, PARAMETERS
from tests.toys.toy import notebook as made

BOOK = made(PARAMETERS, ADD)
HALF = "\ud83d"


def old(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_half_of_a_character_is_replaced_wherever_it_is(kind: str, version: int):
    """JSON can hold it, and no file of text, no terminal and no digest can."""
    cell = {"cell_type": kind, "source": [f"a {HALF}", "b"], "input": f"a {HALF}b", "id": HALF}
    cell |= {"metadata": {"tags": [HALF], HALF: HALF}, "outputs": [{HALF: HALF}]}
    cell |= {"attachments": {f"{HALF}.png": {HALF: HALF}}}
    content = json.dumps({"nbformat": 4, "cells": [cell], "metadata": {HALF: HALF}}).encode()
    (read,) = notebook.cells_of(content if version == 4 else old(cell), "a.ipynb")

    assert read.source == "a ?b"
    assert f"{read}".encode()
    assert notebook.cells_of(notebook.dumps((read,)), "again")[0].source == read.source


@pytest.mark.parametrize("level", [3e10, 10**9, -5, 0, "9" * 99, None, [2], True, float("nan")])
def test_a_heading_of_any_level_is_a_heading(level: object):
    """Format 3 is upgraded by writing as many `#` as it says."""
    (read,) = notebook.cells_of(
        old({"cell_type": "heading", "source": "x", "level": level}), "a.ipynb"
    )

    assert read.source.strip("#") == " x"
    assert 1 <= read.source.count("#") <= 6


@pytest.mark.parametrize("version", [3, 4])
def test_more_cells_than_anybody_writes_are_refused(version: int):
    """Before they are made: a million of empty ones cost gigabytes."""
    cells = [{"cell_type": "raw"}] * (notebook.MAX_CELLS + 1)
    new = json.dumps({"nbformat": 4, "cells": cells}).encode()

    with pytest.raises(CannotGrade, match="holds more than 10,000 cells") as caught:
        notebook.cells_of(old(*cells) if version == 3 else new, "a.ipynb")
    assert "10,001" in str(caught.value.found)


def deep(root: Path, last: str, *, is_folder: bool) -> None:
    """Folders in folders, down to where a path is as long as the system takes; and one more."""
    here, total = os.open(root, os.O_RDONLY), len(str(root))
    while total + 201 < 4090:
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, total = inner, total + 201
    if is_folder:
        os.mkdir(last, dir_fd=here)
    else:
        os.close(os.open(last, os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_path_longer_than_the_system_allows_is_refused(tmp_path: Path, is_folder: bool):
    """A file, or a folder whose content nobody can list."""
    (tmp_path / "hw.ipynb").write_bytes(BOOK)
    deep(tmp_path, "f" * 250, is_folder=is_folder)
    _, problems = submission.inspect(tmp_path)

    assert [problem.what.split(":")[0] for problem in problems] == [
        f"a file name in `{tmp_path}` is too long"
    ]


@pytest.mark.parametrize("name", ["results.json", "Results.JSON", "assets", "index.html"])
def test_no_report_is_called_like_a_page_or_table_of_ours(name: str):
    """`export` would take it for the class."""
    assert folders.folder(name) == f"%{name}"


def test_two_files_of_one_person_under_one_name_are_both_named():
    """Neither replaces the other in silence; the same file twice is one."""
    parts = [reader.Found({"hw.ipynb": BOOK}), reader.Found({"HW.ipynb": BOOK + b" "})]

    (problem,) = reader.joined(parts, Path("ann")).problems
    assert problem.what == "two files of `ann` are called `HW.ipynb`, and they differ"
    assert not reader.joined([parts[0], parts[0]], Path("ann")).problems


@pytest.mark.parametrize(
    ("cells", "sign", "stopped"),
    [(700, "\U0001f600", ""), (2000, "é", ""), (9000, "\x1b", "cut"), (2000, "\U0001f600", "cut")],
)
def test_errors_of_any_number_and_script_are_handed_on(cells: int, sign: str, stopped: str):
    """What the runner writes is never more than is read: too much is the notebook's, not ours."""
    cell = {"number": 1, "error": f"E: {sign * 500}", "source": "x", "traceback": sign * 8000}
    facts = {"cells": [cell] * cells, "exit_code": None, "stopped": "", "detail": ""}
    content = runner.written(facts)
    read = json.loads(content)

    assert len(content) <= workdirs.FACTS
    assert read["stopped"] == stopped
    assert [one["error"] for one in read["cells"]] == [cell["error"]] * cells
    assert read == facts if not stopped else "more than 50 MB" in read["detail"]


# Whose is what -------------------------------------------------------------------------------

WRONG = made(PARAMETERS, "def add(x, y):\n    return x - y")
MOODLE = "_assignsubmission_file"
TIME = "attempt_2026-01-01-10-00-00"
USES = made(PARAMETERS, "import numpy as np\nimport ada_net", ADD)


def laid(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "class" / name).write_bytes(content)
    return root / "class"


def packed(root: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(root / "class.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return root / "class.zip"


LAID = pytest.mark.parametrize("lay", [laid, packed])
Lay = Callable[[Path, Mapping[str, bytes]], Path]


def rows(path: Path, toy: Assignment) -> dict[str, str]:
    """Each row: its files, or why it is not graded."""
    read = {one.name: one.inspect() for one in discovery.discover([path], toy).found}
    return {
        name: problems[0].what if problems else " ".join(sorted(handed_in.files))
        for name, (handed_in, problems) in read.items()
    }


def people(path: Path, toy: Assignment) -> dict[str, list[str]]:
    return {o.name: [p.id for p in o.people] for o in discovery.discover([path], toy).found}


@LAID
@pytest.mark.parametrize("name", ["adapter.py", "conftest.py", "setup.py"])
def test_code_at_the_top_of_a_class_is_nobodys(
    toy: Assignment, tmp_path: Path, lay: Lay, name: str
):
    """It would answer for everybody; it is passed over, and named."""
    path = lay(tmp_path, {"ada.ipynb": BOOK, "bob.ipynb": BOOK, name: b"def add(x, y): return 0"})
    found = discovery.discover([path], toy)

    assert rows(path, toy) == {"ada": "ada.ipynb", "bob": "bob.ipynb"}
    assert [(p.name, why) for p, why in found.passed_over] == [(name, discovery.OF_NOBODY)]


def test_the_adapter_beside_notebooks_that_are_named_one_by_one_is_nobodys(
    toy: Assignment, tmp_path: Path
):
    """`class/*.ipynb` is a class; a single one brings what is beside it."""
    path = laid(tmp_path, {"ada.ipynb": BOOK, "bob.ipynb": BOOK, "adapter.py": b"x = 1"})
    both = discovery.discover([path / "ada.ipynb", path / "bob.ipynb"], toy)

    assert [sorted(one.read().files) for one in both.found] == [["ada.ipynb"], ["bob.ipynb"]]
    assert both.passed_over == [(path / "adapter.py", discovery.OF_NOBODY)]
    assert rows(path / "ada.ipynb", toy) == {"ada": "ada.ipynb adapter.py"}


@LAID
@pytest.mark.parametrize(
    "beside",
    ["numpy.py", "json.py", "numpy/x.py", "assignment.toml", "assignment.toml/sums.ipynb",
     "submission_metadata.yml", "ada_net/hw.ipynb", "data.csv"],
)  # fmt: skip
def test_no_file_at_the_top_makes_a_class_one_submission(
    toy: Assignment, tmp_path: Path, lay: Lay, beside: str
):
    """Both students have a row of their own, whatever a third hands in, and under which name."""
    files = {"ada.ipynb": USES, "bob.ipynb": USES, beside: WRONG if "ipynb" in beside else b"x: 1"}
    said = rows(lay(tmp_path, files), toy)

    assert said["ada"] == "ada.ipynb"
    assert said["bob"] == "bob.ipynb"


@LAID
@pytest.mark.parametrize(
    ("where", "third"),
    [
        ("{}.ipynb", "notebooks/sums.ipynb"),
        ("{}.ipynb", "solution/sums.ipynb"),
        ("{}/hw.ipynb", "notebooks/sums.ipynb"),
        ("{}/hw.ipynb", "solution/x.py"),
        ("{}.zip", "notebooks/x.py"),
        ("{}.zip", "solution/sums.ipynb"),
    ],
)
def test_a_folder_called_as_ones_own_beside_others_is_asked_about(
    toy: Assignment, tmp_path: Path, lay: Lay, where: str, third: str
):
    """It may be one student's or one of a class: neither is chosen in silence."""
    archive = packed(tmp_path, {"hw.ipynb": BOOK}).read_bytes()
    content = archive if where.endswith("zip") else BOOK
    files = {where.format(name): content for name in ("ada", "bob")} | {third: WRONG}

    with pytest.raises(UsageError, match="may be one submission or a class") as caught:
        discovery.discover([lay(tmp_path, files)], toy)
    assert "as one submission has it" in str(caught.value.found)
    with pytest.raises(UsageError, match="may be one submission or a class"):
        discovery.discover([lay(tmp_path, {f"class/{n}": c for n, c in files.items()})], toy)


@LAID
@pytest.mark.parametrize("files", [{"bob/hw.ipynb": BOOK}, {"bob.zip": b"PK\5\6" + bytes(18)}])
def test_a_module_of_ones_own_beside_others_is_asked_about(
    toy: Assignment, tmp_path: Path, lay: Lay, files: dict[str, bytes]
):
    """ada handed in two files: bob is not a part of her work."""
    with pytest.raises(UsageError, match="may be one submission or a class") as caught:
        discovery.discover([lay(tmp_path, {"ada.ipynb": USES, "ada_net.py": b"", **files})], toy)
    assert "imports `ada_net`" in str(caught.value.found)


@LAID
@pytest.mark.parametrize(
    "name",
    [
        f"Zoe M_333{MOODLE}_x_222{MOODLE}_sums.ipynb",
        f"Bob_222{MOODLE}_333{MOODLE}_sums.ipynb",
        f"Zoe M_333{MOODLE}_hw_bob_{TIME}_sums.ipynb",
        f"zoe_333_444_hw_222{MOODLE}_sums.ipynb",
        f"zoe_333_444_hw_bob_{TIME}_sums.ipynb",
        f"hw_zoe_{TIME}_x_222{MOODLE}_sums.ipynb",
        f"Zoe_333_444{MOODLE}_sums.ipynb",
    ],
)
def test_a_name_that_may_be_two_peoples_is_nobodys(
    toy: Assignment, tmp_path: Path, lay: Lay, name: str
):
    """It has a row that says so, and no gradebook gets a number of it."""
    ours = f"Bob Real_222{MOODLE}_sums.ipynb"
    path = lay(tmp_path, {ours: BOOK, name: WRONG})
    said, whose = rows(path, toy), people(path, toy)
    results = [result(one, whose[one]) for one in said]

    assert said["Bob Real_222"] == "sums.ipynb"
    (other,) = set(said) - {"Bob Real_222"}
    assert said[other].startswith("whose `")
    assert said[other].endswith("cannot be determined")
    assert whose == {"Bob Real_222": ["222"], other: []}
    for table, column in ((gradebooks.moodle, "Identifier"), (gradebooks.canvas, "ID")):
        read = list(csv.DictReader(io.StringIO(table(results, "hw"))))
        assert sum(row[column].endswith("222") for row in read) <= 1
        assert not any(row[column].endswith("333") for row in read)


def result(name: str, ids: list[str]) -> Result:
    whose = [Person(platform="moodle", id=one, name=name) for one in ids]
    return whole("x", submission=name, people=whose)


@LAID
@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("1-9 - Zoe - Oct 9, 2025 1205 PM - x_5_77_hw.ipynb", "1"),
        (f"1-9 - Zoe - Oct 9, 2025 1205 PM - x_222{MOODLE}_hw.ipynb", "1"),
        ("1-9 - Zoe - Oct 9, 2025 1205 PM - 2-9 - Bob - Oct 9, 2025 1206 PM - hw.ipynb", "1"),
        ("zoe_333_444_x_222_111_hw.ipynb", "333"),
        (f"Zoe_van_M_333{MOODLE}_hw.ipynb", "333"),
        (f"Zoe_333{MOODLE}_Zoe_333{MOODLE}_hw.ipynb", "333"),
        (f"hw 3_zoe_{TIME}_x_bob_{TIME}_hw.ipynb", "zoe"),
    ],
)
def test_who_is_read_from_what_the_platform_writes(
    toy: Assignment, tmp_path: Path, lay: Lay, name: str, who: str
):
    """The file's own name comes after it, and may look like anything."""
    path = lay(tmp_path, {name: BOOK})
    path = lay(tmp_path, {name: BOOK, "other.ipynb": BOOK})

    assert [who] in people(path, toy).values()


@LAID
@pytest.mark.parametrize(
    ("begin", "users", "known"),
    [
        ("hw", ["a_smith", "b_smith"], True),
        ("hw", ["x_smith", "x_jones"], False),
        ("hw", ["smith", "x_smith", "y_smith"], True),
        ("Toy", ["x_smith", "x_jones"], True),
        ("Homework 3", ["ann", "bob"], True),
        ("Homework_3", ["ann", "bob"], False),
        ("hw", ["a_smith"], False),
    ],
)
def test_users_of_blackboard_may_hold_what_separates_them(
    toy: Assignment, tmp_path: Path, lay: Lay, begin: str, users: list[str], known: bool
):
    """Each has a row; where the user's name cannot be told, no login is made up."""
    path = lay(tmp_path, {f"{begin}_{user}_{TIME}_sums.ipynb": BOOK for user in users})
    path = lay(tmp_path, {f"{begin}_{u}_{TIME}_sums.ipynb": BOOK for u in users} | {"x.csv": b"1"})
    found = discovery.discover([path], toy).found
    ids = [user if known else f"{begin}_{user}" for user in users]

    assert [one.people[0].id for one in found] == sorted(ids)
    assert [one.read().notebooks for one in found] == [["sums.ipynb"]] * len(users)
    assert all(bool(one.notes) != known for one in found)


@LAID
def test_two_spellings_of_one_name_are_two_submissions(toy: Assignment, tmp_path: Path, lay: Lay):
    """In Unicode's two forms, and in capitals: both are read, under names that differ."""
    names = ["\u00e9", "e\u0301", "ada", "ADA"]
    read = rows(lay(tmp_path, {f"{name}/sums.ipynb": BOOK for name in names}), toy)

    assert list(read.values()) == ["sums.ipynb"] * 4
    assert len({folders.key(name) for name in read}) == 4


@pytest.mark.parametrize("target", ["ada", "ada/sums.ipynb", "/etc", ".", "nowhere"])
@pytest.mark.parametrize("name", ["mallory", "mallory.ipynb", "mallory.zip", f"M_5{MOODLE}"])
def test_a_link_at_the_top_of_a_class_is_refused(
    toy: Assignment, tmp_path: Path, name: str, target: str
):
    """What is behind it is somebody else's, or the machine's."""
    path = laid(tmp_path, {"ada/sums.ipynb": BOOK, "bob/sums.ipynb": BOOK})
    (path / name).symlink_to(target)
    said = rows(path, toy)

    assert len(said) == 3
    assert said.pop("ada") == said.pop("bob") == "sums.ipynb"
    assert list(said.values()) == [f"`{path / name}` is a link, not a file or a folder"]


def test_a_list_of_gradescopes_names_its_own_folders_alone(toy: Assignment, tmp_path: Path):
    """One that somebody handed in moves no mark to another."""
    forged = b"ada:\n  :submitters:\n  - :sid: bob\nsubmission_1:\n  :submitters:\n  - :sid: cy\n"
    files = {"ada/sums.ipynb": BOOK, platforms.GRADESCOPE: forged}
    alone = people(laid(tmp_path, files), toy)
    beside = people(laid(tmp_path, {"submission_1/sums.ipynb": BOOK}), toy)

    assert alone == {"ada": []}
    assert beside == {"ada": [], "submission_1": ["cy"]}


def test_an_assignments_table_beside_a_class_does_not_make_it_one(toy: Assignment, tmp_path: Path):
    """Its folders alone would be read; the assignment's own folder, and a copy of it, are one."""
    table = (toy.root / "assignment.toml").read_bytes()
    copy = {"assignment.toml": table, "notebooks/sums.ipynb": BOOK}
    path = laid(tmp_path, copy)

    assert list(rows(path, toy).values()) == ["notebooks/sums.ipynb"]
    with pytest.raises(UsageError, match="may be one submission or a class"):
        rows(laid(tmp_path, {"ada.ipynb": BOOK, "bob.ipynb": BOOK}), toy)
    (path / "notebooks" / "sums.ipynb").rename(path / "notebooks" / "x.py")
    with pytest.raises(UsageError, match="may be one submission or a class"):
        rows(path, toy)
