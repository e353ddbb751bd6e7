"""Every name has a folder of its own, and every submission of a batch a name of its own."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.submission import folders, submission

NAMES = st.text(st.characters(), min_size=0, max_size=260)
ON_DISK = (
    (
        st.binary(min_size=1, max_size=255)
        | NAMES.map(lambda name: name.encode("utf-8", "surrogatepass")[:255])
    )
    .map(os.fsdecode)
    .filter(lambda n: n.strip(".") and "/" not in n and "\0" not in n)
)
"""As a file system may hold them, text or not."""
WINDOWS = ["con", "PRN", "aux.txt", "Nul", "com1", "LPT9.tar.gz", "CONIN$"]
TRICKS = ["%", "%25", "%~", "a%2Fb", "a/b", "ada.", "ada ", " ada", ".ada", "..", "",
          "index.html", "index.html-", "Index.MD", "caf\udce9", "a" * 300,
          "é" * 200, "\x00", "🎓" * 60]  # fmt: skip


@pytest.mark.parametrize("name", [*WINDOWS, *TRICKS])
def test_a_folder_can_be_made_on_every_file_system(name: str, tmp_path: Path):
    """No device of Windows, nothing that it refuses, nothing hidden, no page of ours, not long."""
    folder = folders.folder(name)

    (tmp_path / folder).mkdir()
    assert len(folder.encode()) <= folders.LONGEST
    assert not set(folder) & set('/\\<>:"|?*')
    assert folder[0] not in ". "
    assert folder[-1] not in ". "
    assert folder.casefold().split(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
    assert folder.casefold() not in {"index.html", "index.md"}


def test_an_ordinary_name_is_its_own_folder():
    """Letters of any script, digits, spaces and marks stay as they are."""
    for name in ("ada", "Ada Lovelace (2)", "hw-1_final.v2", "Müller", "学生"):
        assert folders.folder(name) == name


@given(NAMES, NAMES)
@example("a" * 300, folders.folder("a" * 300))
@example("con", "%con")
@example("a/b", "a%2Fb")
@example("", "%")
def test_two_names_have_two_folders(first: str, second: str):
    """But for names that are one text, in one spelling of Unicode or the other."""
    one = unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)

    assert (folders.folder(first) == folders.folder(second)) == one


@given(st.lists(ON_DISK))
@example(["twin", "TWIN", "twin.zip", "reference", "Reference", "e\u0301", "\xe9", "ﬁ", "fi"])
@example(["a", "A", "class-A", "class-a", "class-a-2"])
def test_a_batch_has_as_many_folders_as_submissions(names: list[str]):
    """Capitals, ligatures and accents counted as what they are to any file system."""
    paths = [Path("/class", name) for name in dict.fromkeys(names)]

    found = submission.names_of(paths, Path("/course"))

    keys = [folders.key(name) for name in found]
    assert len(set(keys)) == len(paths)
    assert folders.key("reference") not in keys
    assert all(name.encode() for name in found)


def test_the_reference_is_what_stands_at_the_assignments_root(tmp_path: Path):
    """And no hand-in that holds an assignment.toml, or is called like it."""
    for name in ("course", "reference", "ada"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "assignment.toml").touch()
    paths = [tmp_path / name for name in ("ada", "course", "reference")]

    ada, own, called_so = submission.names_of(paths, tmp_path / "course")

    assert (ada, own) == ("ada", "reference")
    assert called_so not in ("ada", "reference")
