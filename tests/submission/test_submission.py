"""A submission is read once, named, hashed, and refused with words where it cannot be read."""

import json
import os
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import discovery, reader, submission
from assay.submission.submission import Submission
from tests.toys.toy import ADD, PARAMETERS, notebook

NOTEBOOK = notebook(PARAMETERS, ADD)


def write(root: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_a_bare_notebook_is_a_submission(tmp_path: Path):
    """One .ipynb file is named after itself and holds itself."""
    path = tmp_path / "ada.ipynb"
    path.write_bytes(NOTEBOOK)

    assert submission.read(path) == Submission("ada", {"ada.ipynb": NOTEBOOK})


def test_a_folder_is_read_with_everything_of_the_student(tmp_path: Path):
    """Names are relative; caches, reports and hidden files stay out."""
    folder = write(
        tmp_path / "ada",
        **{
            "notebooks__sums.ipynb": NOTEBOOK,
            "solution__net.py": b"x = 1",
            "adapter.py": b"",
            ".git__config": b"",
            "solution____pycache____net.pyc": b"",
            "notebooks__.ipynb_checkpoints__sums.ipynb": NOTEBOOK,
            "reports__ada__index.md": b"",
        },
    )
    (folder / "solution" / "__pycache__").mkdir()
    (folder / "solution" / "__pycache__" / "net.pyc").write_bytes(b"")

    names = set(submission.read(folder).files)

    assert names >= {"notebooks/sums.ipynb", "solution/net.py", "adapter.py"}
    assert not any(".git" in n or "__pycache__/" in n or "reports" in n for n in names)
    assert len([n for n in names if n.endswith(".ipynb")]) == 1


@pytest.mark.parametrize("target", ["secret.txt", "."])
def test_links_are_refused_and_not_followed(tmp_path: Path, target: str):
    """A link to a file or to a folder brings nothing in from outside, and is told."""
    (tmp_path / "secret.txt").write_text("the key")
    folder = write(tmp_path / "ada", **{"sums.ipynb": NOTEBOOK})
    (folder / "link").symlink_to(tmp_path / target)
    handed_in, problems = submission.inspect(folder)

    assert set(handed_in.files) == {"sums.ipynb"}
    assert [problem.what for problem in problems] == [f"`link` in `{folder}` is a link, not a file"]


def test_the_assignments_own_folder_is_the_reference(tmp_path: Path):
    """Where assignment.toml stands, only notebooks, solution and adapter are the submission."""
    folder = write(
        tmp_path / "course",
        **{
            "assignment.toml": b"",
            "notebooks__sums.ipynb": NOTEBOOK,
            "solution__net.py": b"",
            "rubric_tests__given.py": b"",
            "README.md": b"",
        },
    )

    read = submission.read(folder)

    assert read.is_reference
    assert set(read.files) == {"notebooks/sums.ipynb", "solution/net.py"}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.4", "is not a notebook"),
        (b"", "is not a notebook"),
        (b"[" * 100_000, "is not a notebook"),
        (b"\xff\xfe\xfd", "is not a notebook"),
        (b"[]", "not a notebook of format 4"),
        (b'{"cells": 3}', "not a notebook of format 4"),
        (b'{"cells": ["x"]}', "not a notebook of format 4"),
        (b'{"worksheets": [{"cells": []}], "nbformat": 2}', "not a notebook of format 4"),
        (b'{"worksheets": [{"cells": 5}], "nbformat": 3}', "not a notebook of format 4"),
        (b'{"cells": [], "nbformat": 5}', "not a notebook of format 4"),
    ],
)
def test_what_is_not_a_notebook_is_refused_by_name(tmp_path: Path, content: bytes, what: str):
    """The error names the file, and says what to do."""
    path = tmp_path / "ada.ipynb"
    path.write_bytes(content)

    with pytest.raises(CannotGrade) as caught:
        submission.read(path)

    assert what in caught.value.what
    assert "ada.ipynb" in caught.value.what
    assert caught.value.hint


def test_a_folder_without_a_notebook_is_refused(tmp_path: Path):
    """A PDF alone cannot be graded."""
    folder = write(tmp_path / "ada", **{"report.pdf": b"%PDF"})

    with pytest.raises(CannotGrade, match="no notebook in"):
        submission.read(folder)


def test_nothing_at_a_path_is_refused(tmp_path: Path):
    """A path that is not there is neither folder nor notebook."""
    with pytest.raises(CannotGrade, match="neither a folder nor a notebook"):
        submission.read(tmp_path / "nobody")


def test_a_submission_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reading stops at the limit."""
    folder = write(tmp_path / "ada", **{"sums.ipynb": NOTEBOOK, "data.bin": b"0" * 2000})
    monkeypatch.setattr(reader, "MAX_BYTES", 1500)

    with pytest.raises(CannotGrade, match="more than"):
        submission.read(folder)


def test_the_digest_depends_on_names_and_contents_only():
    """The same files under another submission name have the same digest."""
    one = Submission("ada", {"a": b"1", "b": b"2"})

    assert one.digest == Submission("bob", {"b": b"2", "a": b"1"}).digest
    assert one.digest != Submission("ada", {"a": b"1", "b": b"3"}).digest
    assert one.digest != Submission("ada", {"a": b"1", "c": b"2"}).digest


def test_the_digest_tells_where_one_file_ends():
    """Bytes moved from a name into its content, or into the next file, change the digest."""
    digests = {
        Submission("x", files).digest
        for files in ({"a": b"bc"}, {"ab": b"c"}, {"a": b"b", "c": b""}, {"a": b"", "bc": b""})
    }

    assert len(digests) == 4


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["notebooks/sums.ipynb", "other/sums.ipynb"], "notebooks/sums.ipynb"),
        (["deep/er/sums.ipynb", "x.ipynb"], "deep/er/sums.ipynb"),
        (["homework_final(2).ipynb"], "homework_final(2).ipynb"),
        (["a/sums.ipynb", "b/sums.ipynb"], None),
        (["x.ipynb", "y.ipynb"], None),
    ],
)
def test_the_notebook_of_a_part(toy: Assignment, names: list[str], expected: str | None):
    """Its own path, else the only one of its name, else the only notebook, else none."""
    handed_in = Submission("ada", dict.fromkeys(names, NOTEBOOK))

    assert handed_in.notebook_for(toy.part[0]) == expected


def test_cells_are_kind_source_and_tags():
    """Sources given as lines are joined; odd metadata reads as no tags."""
    cells = [
        {"cell_type": "code", "source": ["a = 1\n", "b"], "metadata": {"tags": ["parameters"]}},
        {"cell_type": "markdown", "source": "# Hi", "metadata": None},
        {"cell_type": "code", "metadata": {"tags": 5}},
    ]
    handed_in = Submission("ada", {"x.ipynb": json.dumps({"nbformat": 4, "cells": cells}).encode()})

    assert handed_in.cells("x.ipynb") == [
        {"kind": "code", "source": "a = 1\nb", "tags": ["parameters"]},
        {"kind": "markdown", "source": "# Hi", "tags": []},
        {"kind": "code", "source": "", "tags": []},
    ]


def test_a_folder_of_submissions_stands_for_its_entries(toy: Assignment, tmp_path: Path):
    """Folders and notebooks are entries; hidden files and other files are not."""
    root = write(
        tmp_path / "all",
        **{
            "ada.ipynb": NOTEBOOK,
            "bob.ipynb": NOTEBOOK,
            "eve__notebooks__sums.ipynb": NOTEBOOK,
            "notes.txt": b"",
            ".cache__x": b"",
        },
    )

    assert [path.name for path in discovery.find(root, toy)] == ["ada.ipynb", "bob.ipynb", "eve"]


@pytest.mark.parametrize(
    "files",
    [
        {"notebooks__sums.ipynb": NOTEBOOK, "data__x.csv": b""},
        {"solution__net.py": b"", "a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK},
        {"homework.ipynb": NOTEBOOK, "data.csv": b""},
        {"sums.ipynb": NOTEBOOK, "scratch.ipynb": NOTEBOOK},
    ],
)
def test_a_folder_laid_out_as_one_submission_is_one(
    toy: Assignment, tmp_path: Path, files: dict[str, bytes]
):
    """`notebooks/`, `solution/`, a notebook of the assignment's name, or a single notebook."""
    root = write(tmp_path / "ada", **files)

    assert discovery.find(root, toy) == [root]


def test_one_bare_notebook_among_folders_is_a_class(toy: Assignment, tmp_path: Path):
    """A class of one bare notebook and one folder is two submissions."""
    root = write(
        tmp_path / "all", **{"ada.ipynb": NOTEBOOK, "bob__notebooks__sums.ipynb": NOTEBOOK}
    )

    assert [path.name for path in discovery.find(root, toy)] == ["ada.ipynb", "bob"]


def test_a_file_name_in_another_encoding_is_refused_in_words(tmp_path: Path):
    """A zip made elsewhere leaves such names; what is no text cannot be named in a report."""
    folder = write(tmp_path / "ada", **{"sums.ipynb": NOTEBOOK})
    (folder / os.fsdecode(b"\xfcbung.csv")).write_bytes(b"1")

    with pytest.raises(CannotGrade, match=r"a file name in .* is not text"):
        submission.read(folder)
