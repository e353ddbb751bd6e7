"""A forked kernel shows what a new one shows: cell by cell, and every kind of output."""

import base64
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import takewhile
from typing import Any

import pytest

from assay.course.assignment import Assignment
from assay.execution.execute import Ended
from assay.report.executed import readable
from assay.sandbox.sandbox import Sandbox
from tests.toys import toy as toys
from tests.toys.books import BOOKS
from tests.toys.kept import kept
from tests.toys.shared import execute

CHANGES = (
    (r"0x[0-9a-f]{6,}", "an address"),
    (r"\b[0-9a-f]{32}\b", "a widget"),
    (r"\b[\d.]+(?:e[+-]?\d+)? (?:ns|[uµμ]s|ms|s)\b", "a time"),
    (r"Thread-\d+", "a thread"),
)
"""What no two runs have in common, however their kernels were started."""
NEEDS = {"bars": ("tqdm",), "widgets": ("seaborn", "ipywidgets")}
DRAWN = {"plots": 9, "inline": 4, "windows": 6, "looks": 4, "shown": 3, "tables": 1, "widgets": 5}
"""The pictures that a person who looks at the notebook as it ran sees."""

LATE = """
import threading, time

class Late:
    def __init__(self, lock):
        self.lock = lock
    def __enter__(self):
        if threading.current_thread().name.startswith("Thread-"):
            time.sleep(0.3)
        self.lock.acquire()
    def __exit__(self, *error):
        self.lock.release()

sys.stdout._buffer_lock = Late(sys.stdout._buffer_lock)
"""
"""A thread that reads what is written to a descriptor comes late, as it may on a busy machine."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    root = tmp_path_factory.mktemp("books") / "course"
    with toys.course(root, text=toys.toml(cell=60, run=200)) as assignment:
        yield assignment


def executed(course: Assignment, book: str, chosen: Sandbox) -> Ended:
    """How the notebook ended in a kernel of this kind; it holds the notebook as it ran."""
    missing = [name for name in NEEDS.get(book, ()) if not find_spec(name)]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    job = toys.jobs(course, toys.submission(toys.ADD, *BOOKS[book]))[0]
    return execute(job.packed, chosen)


def cells(content: bytes) -> list[dict[str, Any]]:
    found = json.loads(content)["cells"]
    return [c for c in found if c["cell_type"] == "code" and "ask.sit(" not in "".join(c["source"])]


def said(cell: dict[str, Any]) -> tuple[str, str]:
    """A cell's source, and all that it showed, without what no two runs have in common."""
    found: list[dict[str, Any]] = []
    for output in cell["outputs"]:
        shown = {k: v for k, v in output.items() if k != "metadata"}
        # in how many pieces a stream comes is chance, and so is which of two comes first: stock
        # sends what it has of each a fifth of a second after it was written
        before = takewhile(lambda one: "name" in one, reversed(found))
        same = next((one for one in before if one["name"] == shown.get("name")), None)
        if same:
            same["text"] = [*same["text"], *shown["text"]]
        else:
            is_first = found and shown.get("name", "~") < found[-1].get("name", "")
            found.insert(len(found) - bool(is_first), shown)
    if re.search(r"os\.(write|system|fork)|subprocess|multiprocessing", "".join(cell["source"])):
        found.sort(
            key=lambda output: output.get("name", "~")
        )  # what a thread reads comes when it may
    for output in found:
        if "text" in output:
            output["text"] = "".join(output["text"])
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True)
    for pattern, name in CHANGES:
        text = re.sub(pattern, name, text)
    return "".join(cell["source"]), text


@pytest.mark.parametrize("book", BOOKS)
def test_a_forked_kernel_shows_what_a_new_one_shows(course: Assignment, book: str):
    """Streams, results, errors, tables, widgets and pictures, to the last byte."""
    ended = [executed(course, book, kept(3, warm=how)) for how in (True, False)]
    warm, cold = (one.files["executed.ipynb"] for one in ended)

    assert ended[0].outcome is ended[1].outcome, [one.reason for one in ended]
    assert len(cells(warm)) == len(cells(cold)) == len(BOOKS[book]) + 3
    for one, other in zip(map(said, cells(warm)), map(said, cells(cold)), strict=True):
        assert one == other
    assert _pictures(readable(warm)) == DRAWN.get(book, 0)


@pytest.mark.parametrize("warm", [True, False])
def test_what_is_written_to_a_descriptor_is_in_its_cell(course: Assignment, warm: bool):
    """A thread reads it, which may come late; the cell ends after what it wrote has been read."""
    ways = (
        "os.write(1, b'@')",
        "sys.__stdout__.write('@'); sys.__stdout__.flush()",
        "os.system('echo @')",
        "os.write(1, '@é'.encode()[:-1]); os.write(1, '@é'.encode()[-1:])",
    )
    written = [way.replace("@", f"cell {n}") for n, way in enumerate(ways * 2)]
    job = toys.jobs(course, toys.submission(toys.ADD, "import os, sys", LATE, *written))[0]
    ran = cells(execute(job.packed, kept(3, warm=warm)).files["executed.ipynb"])[-len(written) :]

    assert not [n for n, cell in enumerate(ran) if f"cell {n}" not in json.dumps(cell["outputs"])]
    assert "\ufffd" not in json.dumps([cell["outputs"] for cell in ran])


def test_what_would_open_a_window_is_drawn_here_and_said(course: Assignment):
    """On a student's own machine it is right: no cell fails for it."""
    ran = cells(executed(course, "windows", kept(3, warm=True)).files["executed.ipynb"])
    told = [o["text"] for cell in ran for o in cell["outputs"] if o.get("name") == "stderr"]

    assert not [o for cell in ran for o in cell["outputs"] if o["output_type"] == "error"]
    assert sum("there is no screen here" in "".join(text) for text in told) >= 5


def _pictures(content: bytes) -> int:
    """How many pictures a notebook shows; each is a whole PNG or SVG."""
    shown = [o["data"] for cell in cells(content) for o in cell["outputs"] if "data" in o]
    for data in shown:
        if "image/png" in data:
            assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    return sum(bool({"image/png", "image/svg+xml"} & set(data)) for data in shown)
