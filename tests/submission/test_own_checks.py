"""A student's own checks are read as if they had never been there."""

import json
from pathlib import Path

import nbformat
import pytest

from assay.evidence.store import Store
from assay.submission import own_checks
from assay.submission.submission import read
from tests.toys import toy as toys

CALLS = {
    "magics": "%load_ext assay\n%assay check",
    "reloaded": "%reload_ext assay\n%assay check --seeds 0-2  # look\n",
    "call": "import assay\nassay.check()",
    "one line": "import assay; assay.check();",
    "with arguments": "import assay\nassay.check(\n    'sums.ipynb',\n    seeds=[1, 2],\n)",
    "renamed": "import assay as a\na.check()",
    "function": "from assay import check\ncheck()",
    "function renamed": "from assay import check as look\nlook()",
    "kept in _": "import assay\n_ = assay.check()",
    "guarded": "try:\n    import assay\n    assay.check()\nexcept ImportError:\n    print('no')",
    "on a condition": "import sys\nif 'google.colab' in sys.modules:\n    !pip install -q assay",
    "asked of IPython": (
        "get_ipython().run_line_magic('load_ext', 'assay')\n"
        "get_ipython().run_line_magic('assay', 'check')"
    ),
    "in the shell": "!assay try",
    "by Python": "!{sys.executable} -m assay try --seeds 1",
    "installed": "%pip install --quiet 'assay[student]>=0.1'\nimport assay\nassay.check()",
    "captured": "%%capture\n%load_ext assay\n%assay check",
    "with comments": "# is it right?\n%load_ext assay  # mine\n%assay check",
    "indented": "  import assay\n  assay.check()",
}


def book(*sources: str, crlf: bool = False, shown: int | None = None) -> bytes:
    """A notebook as Jupyter saves it; the cell at `shown` with the table in its output."""
    made = json.loads(toys.notebook(toys.PARAMETERS, *sources))
    if shown is not None:
        output = nbformat.v4.new_output(
            "display_data", {"text/html": "<table></table>"}, metadata={own_checks.SHOWN: {}}
        )
        made["cells"][shown]["outputs"] = [output]
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    return text.replace("\n", "\r\n" if crlf else "\n").encode()


def left(*sources: str, **others: bytes) -> list[str]:
    files = own_checks.without({"sums.ipynb": book(*sources), **others})
    return ["".join(c["source"]) for c in json.loads(files["sums.ipynb"])["cells"][1:]]


@pytest.mark.parametrize("call", [c for n, c in CALLS.items() if n != "on a condition"])
@pytest.mark.parametrize("crlf", [False, True])
def test_a_cell_that_only_checks_is_gone(tmp_path: Path, call: str, crlf: bool):
    """The submission is the same to the byte, so its questions, its runs and its marks are."""
    for name, cells in {"with": (toys.ADD, call), "without": (toys.ADD,)}.items():
        (tmp_path / name).mkdir()
        shown = 2 if name == "with" else None
        content = book(*cells, crlf=crlf, shown=shown)
        (tmp_path / name / "sums.ipynb").write_bytes(content)

    assert read(tmp_path / "with").files == read(tmp_path / "without").files


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\nimport assay\nassay.check()\ny = 2", "x = 1\ny = 2"),
        ("x = 'ü'; assay.check()\nimport assay", "x = 'ü'; pass"),
        ("import assay, math\nassay.check()\nmath.pi", "import math\nmath.pi"),
        ("import assay\nif x:\n    assay.check()\n    y = 1", "if x:\n    pass\n    y = 1"),
        (
            "import assay\ndef f():\n    assay.check()\n    return 1",
            "def f():\n    pass\n    return 1",
        ),
        ("import assay\nfound = assay.check()", "found = None"),
        ("import assay\nassay.check()\nassay.__version__", "import assay\nassay.__version__"),
        ("import assay\nif asks():\n    assay.check()", "if asks():\n    pass"),
        ("for i in y:\n    %assay check", "for i in y:\n    pass"),
        ("import sys\nif 'a' in sys.modules:\n    !pip install -q assay", "import sys"),
        ("with a:\n    %load_ext assay\n    z = 1", "with a:\n    pass\n    z = 1"),
    ],
)
def test_of_other_cells_the_rest_stays(source: str, expected: str):
    assert left(source) == [expected]


@pytest.mark.parametrize(
    "source",
    [
        "assay = load()\nassay.check()",
        "def check():\n    return 1\ncheck()",
        "import essay as assay\nassay.check()",
        'text = """\n%assay check\n"""',
        "print('import assay')",
        "assay.check()",
        "%load_ext assay_of_mine",
        "!pip install assay numpy",
        "import assay.rubric",
        "this is not Python: assay",
        "def f(assay):\n    return assay.check()",
        "rock.assay()",
    ],
)
def test_what_is_of_the_students_own_stays(source: str):
    """To the byte: a rock's assay is nobody's check."""
    content = book(source)

    assert own_checks.without({"a.ipynb": content}) == {"a.ipynb": content}


@pytest.mark.parametrize("name", ["assay.py", "notebooks/assay/__init__.py", "assay/core.py"])
def test_a_module_of_the_students_own_of_that_name_stays(name: str):
    call = "import assay\nassay.check()"

    assert left(call, **{name: b"def check(): pass"}) == [call]


def test_a_name_that_another_cell_binds_is_not_ours():
    cells = ["import assay", "assay.check()", "assay = 3"]

    assert left(*cells) == cells


def test_an_import_in_another_cell_is_found():
    assert left("import assay\nx = 1", "assay.check()", "y = 2") == ["x = 1", "y = 2"]


@pytest.mark.parametrize(
    "content",
    [
        b"assay", b"[]", b'{"cells": "assay"}', b'{"cells": [{"assay": 1}]}', b'"assay"',
        b'{"cells": [{"cell_type": "code", "source": [1, "assay"]}]}', b"\xff assay",
        b'{"cells": [{"cell_type": "code", "source": null, "assay": 1}]}',
        b'{"cells": [{"cell_type": "code", "source": "import assay\\nassay.check()", "outputs": 7},'
        b' {"cell_type": "markdown", "source": "\\ud800"}], "n": NaN}',
        b'{"cells": ' + b"[" * 5_000 + b'"assay"',
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_told_elsewhere(content: bytes):
    """Whatever a file holds, reading it raises nothing, and text that no file can hold stays."""
    found = own_checks.without({"a.ipynb": content})["a.ipynb"]

    assert found == content or b"\\ud800" in found


def test_the_table_in_a_mixed_cell_goes_and_other_outputs_stay():
    made = json.loads(book("x = 1\n%assay check", shown=1))
    stream = {"output_type": "stream", "name": "stdout", "text": "1"}
    made["cells"][1]["outputs"].append(stream)
    files = own_checks.without({"a.ipynb": json.dumps(made).encode()})

    assert json.loads(files["a.ipynb"])["cells"][1]["outputs"] == [stream]


def test_grading_says_nothing_of_it(tmp_path: Path):
    """The same result as without: every word of it, and the runs are not made again."""
    store, reports = Store(tmp_path / "store"), tmp_path / "reports"
    results = []
    with (
        toys.course(tmp_path / "course") as course,
        toys.session(course, store, reports) as session,
    ):
        for name, cells in {"with": (toys.ADD, CALLS["magics"]), "without": (toys.ADD,)}.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "sums.ipynb").write_bytes(book(*cells))
            results.append(session.grade(read(tmp_path / name, "ada")))

    assert results[0].earned == 2
    assert results[0] == results[1]


INSIDE = {
    "import assay\nprint(assay.check())\nmodel = 1": "print(None)\nmodel = 1",
    "import assay as a\nassert a.check() is None": "assert None is None",
    "from assay import check\nt = [check(), (lambda: check())]": "t = [None, (lambda: None)]",
    "import assay\nif assay.check():\n    x = 1\n    assay.check()": (
        "if None:\n    x = 1\n    pass"
    ),
    "import assay\ndef f():\n    return assay.check(\n        'ä'\n    )": (
        "def f():\n    return None"
    ),
}


@pytest.mark.parametrize(("source", "left"), INSIDE.items())
def test_a_check_inside_a_statement_leaves_no_name_behind(source: str, left: str):
    """Its import goes, so what stood for it is what it gives back."""
    assert own_checks.cut([source]) == [left]
