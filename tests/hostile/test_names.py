"""File names made to hurt: a whole batch, from the command line."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

SHARED = ["Ada.ipynb", "ada.ipynb", "é.ipynb", "e\u0301.ipynb", "reference.ipynb", "twin.zip",
          "twin.zip.zip", "index.html.ipynb", "index.html-.ipynb", "CON.ipynb"]  # fmt: skip
REFUSED = [b"caf\xe9.ipynb", b"new\nline.ipynb", b"a" * 240 + b".ipynb"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    with toys.course(tmp_path_factory.mktemp("toy")) as assignment:
        yield assignment


def test_every_submission_of_a_batch_has_its_page(toy: Assignment, tmp_path: Path):
    """Names that are no text, that clash, that are ours: as many results as hand-ins."""
    students = tmp_path / "class"
    students.mkdir()
    content = notebook(PARAMETERS, ADD)
    for name in SHARED:
        (students / name).write_bytes(zipped(content) if name.endswith("zip") else content)
    for raw in REFUSED:
        Path(os.fsdecode(os.fsencode(students) + b"/" + raw)).write_bytes(content)
    for folder in (b"one", b"fold\xff"):
        inside = os.fsencode(students) + b"/" + folder
        os.makedirs(inside + b"/notebooks")  # noqa: PTH103 - a name in bytes
        Path(os.fsdecode(inside), "assignment.toml").touch()
        Path(os.fsdecode(inside), "notebooks", "hw.ipynb").write_bytes(content)
    command = [str(Path(sys.executable).with_name("assay")), "grade", str(students), "--json"]
    options = ["--assignment", str(toy.root / "assignment.toml"), "--reports", str(tmp_path / "r")]

    ran = subprocess.run([*command, *options], capture_output=True, check=False)

    told = ran.stderr.decode()
    graded = list((tmp_path / "r").glob("*/results.json"))
    names = [json.loads(path.read_bytes())["submission"] for path in graded]
    assert ran.returncode == 3, told
    assert "Traceback" not in told
    assert len(json.loads(ran.stdout)) == len(SHARED) + len(REFUSED) + 2
    assert len(set(names)) == len(SHARED) + len(REFUSED) + 2
    assert "reference" not in names
    assert "twin.zip" in told
    assert (tmp_path / "r" / "index.html").is_file()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hw.ipynb", content)
    return buffer.getvalue()
