"""Nothing of a submission is imported before its first cell, whatever its files are called."""

from collections.abc import Iterator

import pytest

from assay.course.assignment import Assignment
from assay.records import Outcome
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

NAMES = [
    "storemagic", "autoreload", "json", "re", "comm", "decorator", "traceback", "ipykernel",
    "IPython", "zmq", "tornado", "debugpy", "matplotlib_inline", "sitecustomize", "usercustomize",
    "switches", "trace", "psutil", "appnope", "random", "tempfile", "landlock", "seccomp", "boot",
    "readline", "pexpect", "ipykernel_launcher", "ipython_config", "nest_asyncio", "uvloop",
    "cython", "curio", "trio", "pandas", "matplotlib", "ipywidgets",
]  # fmt: skip
HIDES = """
import ast

class Quiet:
    def visit(self, tree):
        return ast.parse("x = 1")

def load_ipython_extension(shell):
    shell.ast_transformers.append(Quiet())
"""


EVERYWHERE = pytest.mark.parametrize("folder", ["", "notebooks/"], ids=["at the top", "beside"])


def handed_in(*cells: str, **files: bytes) -> Submission:
    """A notebook in a folder of its own, below which nothing else is looked for."""
    return Submission("ada", {"notebooks/sums.ipynb": notebook(*cells), **files})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    text = toys.toml(cell=20, run=60)
    with toys.course(tmp_path_factory.mktemp("first") / "course", text=text) as assignment:
        yield assignment


@EVERYWHERE
def test_no_file_is_imported_before_the_first_cell(course: Assignment, folder: str):
    """Each of them would end the kernel: all cells run, and the answer is given."""
    files = {f"{folder}{name}.py": b"import os\nos._exit(3)" for name in NAMES}

    ended = toys.run(course, handed_in(PARAMETERS, ADD, **files))

    assert ended.outcome is Outcome.COMPLETED, ended.reason
    assert "evidence/add/plain.npz" in ended.files


def test_no_file_is_an_extension_of_the_kernel(course: Assignment):
    """It would have the shell before the first cell, and hide what fails."""
    ended = toys.run(
        course, handed_in(PARAMETERS, ADD, "1 / 0", **{"storemagic.py": HIDES.encode()})
    )

    assert ended.outcome is Outcome.CELL_FAILED, ended.reason


def test_cells_import_what_was_handed_in(course: Assignment):
    """From the first one on."""
    first = f"import helper\nassert helper.value == 23\n{PARAMETERS}"

    ended = toys.run(course, handed_in(first, ADD, **{"helper.py": b"value = 23"}))

    assert ended.outcome is Outcome.COMPLETED, ended.reason
