"""A module that Python cannot read is never a missing answer: it is said, and nothing is marked."""

import codecs
import re

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import books, modules, plan, preflight, sections
from assay.submission.submission import Submission
from tests.toys.toy import ADD, PARAMETERS, notebook

UMLAUT = f"# für alle Größen\n{ADD}\n"
WRITTEN = {
    "UTF-16": (UMLAUT.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": (ADD.encode("utf-16-le"), "looks like UTF-16"),
    "Windows": (UMLAUT.encode("cp1252"), "line 1: byte 0xfc is not UTF-8, .* Windows-1252"),
    "a Mac": (UMLAUT.encode("mac_roman"), "Mac Roman"),
    "null bytes": (f"{ADD}\n\0\0\0".encode(), "line 3 holds a null byte"),
}
IMPORTS = {
    "helpers.py": "from helpers import add",
    "hilfe/summe.py": "from hilfe.summe import add",
    "hilfe/__init__.py": "import hilfe\nadd = hilfe.add",
    "solution/adding.py": "1",
    "adapter.py": "plus = 1",
    "tools/werkzeug.py": "%run tools/werkzeug.py",
    "tools/later.py": "exec(open('tools/later.py').read())",
    "summe.py": "1",
}


def handed_in(cell: str, **files: bytes) -> Submission:
    return Submission("ada", {"sums.ipynb": notebook(PARAMETERS, cell), **files})


@pytest.mark.parametrize("file", IMPORTS)
@pytest.mark.parametrize(("content", "said"), WRITTEN.values(), ids=WRITTEN)
def test_a_module_that_may_answer_stops_it(toy: Assignment, file: str, content: bytes, said: str):
    """Imported, looked into by its place, run by a cell, or with a name that is asked for."""
    with pytest.raises(CannotGrade, match=f"Python cannot read `{file}` of `ada`") as caught:
        plan.make(toy, handed_in(IMPORTS[file], **{file: content}))

    assert re.search(said, caught.value.found)
    assert caught.value.hint.startswith("save it as UTF-8")


@pytest.mark.parametrize("cell", ["data = 1", "# the data", "for data in (1, 2):\n    pass"])
def test_a_word_like_its_name_does_not_need_it(toy: Assignment, cell: str):
    """A variable or a comment is no import: the whole hand-in was refused for a stray file."""
    whole = handed_in(f"{ADD}\n{cell}", **{"data.py": "# müll\n".encode("cp1252")})

    assert plan.make(toy, whole).pending


def test_all_of_them_are_named_at_once(toy: Assignment):
    """A student need not hand in twice."""
    bad = {"a.py": b"# \xfc", "b.py": b"# \xfc", "c.py": b"# \xfc"}
    with pytest.raises(CannotGrade) as caught:
        plan.make(toy, handed_in("import a\nimport b", **bad))

    assert [caught.value.what[:24], *(e.what[:24] for e in caught.value.others)] == [
        "Python cannot read `a.py",
        "Python cannot read `b.py",
    ]


@pytest.mark.parametrize(("content", "said"), WRITTEN.values(), ids=WRITTEN)
def test_a_module_that_nothing_needs_is_named_and_keeps_nobody(
    toy: Assignment, content: bytes, said: str
):
    """A scrap beside a notebook that binds the names itself."""
    whole = handed_in(ADD, **{"scraps.py": content})

    assert plan.make(toy, whole).pending
    (note,) = modules.notes(toy, whole)
    assert note.startswith("Python cannot read `scraps.py`, and nothing needs it")
    assert re.search(said, note)


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + UMLAUT.encode(),
        f"# coding: cp1252\n{UMLAUT}".encode("cp1252"),
        f"# -*- coding: latin-1 -*-\r\n{UMLAUT}".replace("\n", "\r\n").encode("latin-1"),
        UMLAUT.replace("\n", "\r").encode(),
    ],
    ids=["mark", "cookie", "windows", "old mac"],
)
def test_what_python_reads_is_found_by_reading(toy: Assignment, content: bytes):
    """Its names are there, in what is said of them and in what is looked for."""
    whole = handed_in("from solution.adding import add", **{"solution/adding.py": content})
    section = sections.sections(toy, whole)["sums"]

    assert plan.make(toy, whole).pending
    assert whole.bound_by_modules == {"add"}
    assert not preflight.missing(section)
    assert not modules.notes(toy, whole)
    assert not books.notes(toy, whole)


def test_an_adapter_with_a_mark_is_python(toy: Assignment):
    """The mark is no character of its text."""
    whole = handed_in("plus = 1", **{"adapter.py": codecs.BOM_UTF8 + b"add = plus"})

    assert sections.sections(toy, whole)["sums"].adapter == "add = plus"
