"""What is cut of a module and of a notebook, and what a student keeps."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import CourseFault
from assay.handout import cut
from assay.submission.notebook import NotebookCell

SOLUTION = Path(__file__).parents[2] / "solution"


def stub(source: str) -> str:
    return cut.module(source, "solution/x.py").text


def test_a_function_keeps_signature_and_docstring():
    """Its comments and its code go."""
    source = '''\
import numpy as np


@np.vectorize
def slope(
    x: float,  # where
    step: float = 1e-3,
) -> float:
    """The slope at x."""
    # the central difference
    return (x + step) ** 2 / step
'''

    assert (
        stub(source)
        == '''\
import numpy as np


@np.vectorize
def slope(
    x: float,  # where
    step: float = 1e-3,
) -> float:
    """The slope at x."""
    raise NotImplementedError
'''
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x): return x + 41", "def f(x):\n    raise NotImplementedError\n"),
        ('def f(x): "doc"; return 41', "def f(x):\n    raise NotImplementedError\n"),
        (
            'def f(x):\n    "doc"; return 41',
            'def f(x):\n    "doc"\n    raise NotImplementedError\n',
        ),
        (
            "def f(\n    x,\n):\n    # forty-one\n    return 41",
            "def f(\n    x,\n):\n    raise NotImplementedError\n",
        ),
        (
            "def f(x) -> (\n    int\n):  # a comment: of the head\n    y = 41\n    return y",
            "def f(x) -> (\n    int\n):  # a comment: of the head\n    raise NotImplementedError\n",
        ),
        ("async def f(x):\n    return 41", "async def f(x):\n    raise NotImplementedError\n"),
        ("class A:\n    def f(self): return 41", None),
        ("class A:\n    x = (lambda: 41)()\n", "class A:\n    x = ...  # Your code here\n"),
        ("class A:\n    print(41)\n", "class A:\n    pass\n"),
        ("f = lambda x: 41", "f = ...  # Your code here\n"),
        ("def g(): ...\nx = g(41)", "def g(): ...\nx = ...  # Your code here\n"),
        ("from .y import g\nx = g(41)", "from .y import g\nx = ...  # Your code here\n"),
        ("x: list = [41 for _ in 'ab']", "x: list = ...  # Your code here\n"),
        ("for i in range(41):\n    print(i)", ""),
        ("if __name__ == '__main__':\n    print(41)", ""),
        ("class A:\n\tdef f(self):\n\t\treturn 41\n\n\tdef g(self): return 41\n", None),
        ("class A:\n\t_x = 1\n\tdef _f(self):\n\t\treturn 41\n", None),
        ("if True:\n    def f():\n        return 41\n", None),
        ("x = 1; y = [41 for _ in 'a']", None),
        ("def f():\n    'doc'\n    # 41\n    pass; return 41", None),
        ("@d(lambda: 3)\ndef f():\n    return 41", None),
        ("ü = 'é'\ndef f(ä='ö'): return 41", None),
        ("def f():\r\n    return 41\r\n", "def f():\n    raise NotImplementedError\n"),
    ],
)
def test_no_body_stays(source: str, expected: str | None):
    """However a body is written, nothing of it is left, and what is left is Python."""
    found = stub(source)

    ast.parse(found)
    assert "41" not in found
    if expected is not None:
        assert found.strip() == expected.strip()


def test_what_says_nothing_and_plain_values_stay():
    """Protocols, constants, type aliases, fields of a dataclass, imports under a condition."""
    source = '''\
"""A module."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

Shape = tuple[int, ...]
N = 29_524  # half of them


class Rule(Protocol):
    def __call__(self, x: int) -> int: ...


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    steps: int = 200
    names: list[str] = field(default_factory=list)
'''

    assert stub(source) == source


def test_what_is_private_goes_unless_it_is_needed():
    """A helper, with the comment above it, is the answer's own way; one in a signature stays."""
    source = """\
# how to do it
def _helper(x):
    return x


def _default():
    return 1


def f(x=_default):
    return _helper(x)


class A:
    def _secretly(self):
        return 1
"""
    found = stub(source)

    assert "_helper" not in found
    assert "how to do it" not in found
    assert "_secretly" not in found
    assert "def _default():" in found
    ast.parse(found)


def test_marks_in_a_module_say_all_that_is_cut():
    """The rest is given, and a region in a function raises."""
    body = "    ### BEGIN SOLUTION\n    return 41\n    ### END SOLUTION\n"
    source = f"def load():\n    return 1\n\n\ndef split():\n{body}"
    found = stub(source)

    assert "return 1" in found
    assert "41" not in found
    assert found.endswith("    # Your code here\n    raise NotImplementedError\n")


@pytest.mark.parametrize(
    "source",
    [
        "# BEGIN SOLUTION\nx = 41\n# END SOLUTION",
        "### begin solution\nx = 41\n### end solution",
        "x = 1\n###  BEGIN-SOLUTION\nx = 41\n###END_SOLUTION",
        "### BEGIN HIDDEN TESTS\nassert 41\n### END HIDDEN TESTS",
        "<!-- BEGIN SOLUTION -->\n41\n<!-- END SOLUTION -->",
    ],
)
def test_marks_are_seen_however_they_are_typed(source: str):
    """One that is overlooked would hand out the answer."""
    found = cut.text(source, "x")

    assert "41" not in found.text
    assert found.is_cut


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx = 41",
        "x = 41\n### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\nx = 41\n### END SOLUTION",
        "### BEGIN SOLUTION\nx = 41\n### END HIDDEN TESTS\n### END SOLUTION",
    ],
)
def test_a_mark_without_a_partner_is_an_error(source: str):
    """With its line: a region that ends nowhere could be meant either way."""
    with pytest.raises(CourseFault, match="has no partner") as caught:
        cut.text(source, "a notebook")

    assert "line " in caught.value.found


def test_tagged_cells_are_cut_whole():
    """Neighbours become one; headings, prompts and the parameters stay; pictures go."""
    found = [
        NotebookCell("markdown", "# Task\n\nAdd."),
        NotebookCell("code", "seed = 0", ("parameters",)),
        NotebookCell(
            "markdown", "## Answer\n\n41", ("solution",), attachments={"a.png": {"b": "c"}}
        ),
        NotebookCell("code", "x = 41", ("solution", "slow")),
        NotebookCell("code", "y = 41", ("solution",)),
    ]
    cells, done = cut.cells(found, "x.ipynb")

    assert [cell.source for cell in cells] == [
        "# Task\n\nAdd.",
        "seed = 0",
        "## Answer\n\n*Your answer here.*",
        "# Your code here\nraise NotImplementedError",
    ]
    assert [cell.tags for cell in cells] == [(), ("parameters",), (), ("slow",)]
    assert not any(cell.attachments for cell in cells)
    assert "## Answer" in done.kept
    assert {"41", "x = 41", "y = 41"} <= set(done.cut)


def test_a_notebook_without_marks_is_not_handed_out():
    """Nor one whose tag is nearly the tag."""
    with pytest.raises(CourseFault, match="all of it would be handed out"):
        cut.cells([NotebookCell("code", "x = 41")], "x.ipynb")
    with pytest.raises(CourseFault, match="sets the parameters is tagged"):
        cut.cells([NotebookCell("code", "seed = 0", ("parameters", "solution"))], "x.ipynb")
    with pytest.raises(CourseFault, match="is tagged `Solution`"):
        cut.cells([NotebookCell("code", "x = 41", ("Solution",))], "x.ipynb")


@pytest.mark.parametrize("path", sorted(SOLUTION.rglob("*.py")), ids=lambda path: path.stem)
def test_the_stubs_of_a_real_answer_are_python(path: Path):
    """They hold no statement of a function's but what says that it is missing."""
    done = cut.module(path.read_text(encoding="utf-8"), path.name)
    tree = ast.parse(done.text)
    if cut.has_marks(path.read_text(encoding="utf-8")):
        return
    bodies = [n.body for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    left = [ast.unparse(s) for body in bodies for s in body if not isinstance(s, ast.Expr)]

    assert set(left) <= {"raise NotImplementedError", "pass"}


NAMES = st.sampled_from(["f", "_g", "h"])
BODIES = st.sampled_from(
    ["return 41", "x = 41\nreturn x", '"""Doc."""\nreturn 41', "# 41\nif x:\n    return 41", "..."]
)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


FUNCTIONS = st.builds(lambda n, b: f"def {n}(x=0):\n{_indented(b)}\n", NAMES, BODIES)
CLASSES = st.builds(
    lambda n, fs: f"class {n.upper()}:\n{_indented(chr(10).join(fs))}\n",
    NAMES,
    st.lists(FUNCTIONS, min_size=1, max_size=3),
)
MODULES = st.lists(FUNCTIONS | CLASSES | st.just("N = 3  # given\n"), max_size=5).map("\n".join)


@given(MODULES)
def test_any_module_becomes_stubs_without_its_bodies(source: str):
    """Python stays Python, and no line is both handed out and gone."""
    done = cut.module(source, "x")

    ast.parse(done.text)
    assert "41" not in done.text
    assert len(done.kept) + len(done.cut) == len(source.split("\n"))


def test_a_region_of_a_text_leaves_room_for_words():
    """Indented or not: no code stands in prose."""
    region = "- why?\n  <!-- BEGIN SOLUTION -->\n  41\n  <!-- END SOLUTION -->"
    cells, _ = cut.cells([NotebookCell("markdown", region)], "x.ipynb")

    assert cells[0].source == "- why?\n  *Your answer here.*"
