"""What a cell needs of those above it: told with its cell and its line, before anything is run."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from assay.course import assignment
from assay.source import order
from assay.submission import preflight, sections
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

UNBOUND = {
    "a name of a cell below": (
        ["print(df)", "df = 1"],
        [(1, "uses `df` in line 1, and only code cell 2 binds it")],
    ),
    "a name of no cell": (["x = 1\ny = x + z"], [(1, "uses `z` in line 2, and no cell binds it")]),
    "in a comprehension": (["[a for b in c]"], [(1, "`a`"), (1, "`c`")]),
    "in a class": (["class A(Base):\n    x = y"], [(1, "`Base`"), (1, "`y`")]),
    "a decorator, a default, an annotation": (
        ["@d\ndef f(x=e, *, y: t = 1): pass"],
        [(1, "`d`"), (1, "`e`"), (1, "`t`")],
    ),
    "in a function, of no cell": (["def f():\n    return helper()"], [(1, "`helper`")]),
    "once": (["print(q)", "print(q)"], [(1, "`q`")]),
}
BOUND = {
    "above": ["df = 1", "print(df)"],
    "a function may use what comes later": ["def f(): return g()", "def g(): pass", "f()"],
    "builtins and IPython's own": ["print(len(In), get_ipython(), _, __name__)\ndisplay(1)"],
    "loops, with, except, walrus, import": [
        "for i in [1]: pass\nwith open('x') as f: pass\nif (n := 1): pass\nimport a.b as c, d.e",
        "print(i, f, n, c, d)",
    ],
    "tried": ["try:\n    seen\nexcept NameError:\n    seen = 0", "print(seen)"],
    "magic": [
        "%%capture said\nprint(1)",
        "%time a = 1\nb = !ls\nc = %sql x",
        "print(said, a, b, c)",
    ],
    "everything of a module": ["from numpy import *", "print(array)"],
    "another notebook": ["%run other.ipynb", "print(name)"],
    "by its text": ["exec('x = 1')", "print(x)"],
    "global in a function": ["def f():\n    global x\n    x = 1\nf()", "print(x)"],
    "of a cell that is no Python": ["x = = 1", "print(x)"],
    "parameters, lambdas, closures": [
        "f = lambda a, *b, **c: (a, b, c)\ndef g(d):\n    def h(): return d\n    return h",
    ],
    "in a class, its own": ["class A:\n    x = 1\n    y = x\n    def f(self): return __class__"],
    "an unpacking": ["a, [b, *c] = 1, 2", "print(a, b, c)"],
}
GPU = {
    "x.to('cuda')": 1,
    "x = 1\nmodel.cuda()": 2,
    "device = 'cuda:0'": 1,
    "torch.ones(2, device='cuda')": 1,
    "print(torch.cuda.is_available())\nx.to('cuda')": 2,
    "device = torch.device('cuda')": 1,
}
NO_GPU = {
    "a guard in the cell": ["x.to('cuda' if torch.cuda.is_available() else 'cpu')"],
    "a guard in another cell": [
        "device = 'cuda' if torch.cuda.is_available() else 'cpu'",
        "model.to(device)",
    ],
    "a name that another cell sets": [
        "use_cuda = torch.cuda.is_available()",
        "if use_cuda:\n    model.cuda()",
        "x = x.cuda() if use_cuda else x",
    ],
    "what is compared": ["d = pick()", "if d == 'cuda':\n    torch.cuda.synchronize()"],
    "tried": ["try:\n    x = x.cuda()\nexcept RuntimeError:\n    pass"],
    "a seed": ["torch.cuda.manual_seed_all(0)"],
}


@pytest.mark.parametrize(("cells", "expected"), UNBOUND.values(), ids=UNBOUND)
def test_what_nothing_has_bound(cells: list[str], expected: list[tuple[int, str]]):
    found = list(order.unbound(cells))

    assert [number for number, _ in found] == [number for number, _ in expected]
    assert all(said in told for (_, told), (_, said) in zip(found, expected, strict=True))


@pytest.mark.parametrize("cells", BOUND.values(), ids=BOUND)
def test_what_is_bound(cells: list[str]):
    """A right notebook is not warned of."""
    assert list(order.unbound(cells)) == []


@pytest.mark.parametrize(("cell", "line"), GPU.items(), ids=GPU)
def test_a_gpu_that_nothing_guards(cell: str, line: int):
    assert [said.partition("(")[0] for _, said in order.wants_gpu([cell])] == [
        f"wants a GPU in line {line} "
    ]


@pytest.mark.parametrize("cells", NO_GPU.values(), ids=NO_GPU)
def test_a_gpu_that_is_guarded(cells: list[str]):
    assert list(order.wants_gpu(cells)) == []


def notes(tmp_path: Path, *cells: str, files: Mapping[str, bytes] | None = None) -> str:
    with toys.course(tmp_path / "course") as toy:
        read = assignment.read(toy.root / "assignment.toml")
        book = notebook(PARAMETERS, ADD, *cells)
        handed_in = Submission("ada", {"sums.ipynb": book, **(files or {})})
        return "\n".join(preflight.notes(sections.sections(read, handed_in)))


def test_a_check_tells_the_cell(tmp_path: Path):
    """Beside what else a cell will trip over."""
    told = notes(tmp_path, "print(later)", "later = 1", "model.to('cuda')")

    assert "`sums.ipynb`, code cell 3 uses `later` in line 1, and only code cell 4 binds it" in told
    assert "code cell 5 wants a GPU in line 1 (`model.to('cuda')`), and there is none there" in told


def test_imports_of_modules_that_were_handed_in(tmp_path: Path):
    """Those that a cell reaches, through others and relatively; no others."""
    files = {
        "helper.py": b"import numpy, nothing_one\n",
        "pack/__init__.py": b"",
        "pack/first.py": b"from . import second\nfrom .third import x\n",
        "pack/second.py": b"import nothing_two.inner\n",
        "pack/third.py": b"try:\n    import nothing_tried\nexcept ImportError:\n    pass\nx = 1\n",
        "solution/__init__.py": b"import nothing_three\n",
        "scratch.py": b"import nothing_unreached\n",
    }
    told = notes(tmp_path, "import helper\nfrom pack import first", files=files)

    assert "`helper.py` imports `nothing_one`, which is not installed there" in told
    assert "`pack/second.py` imports `nothing_two.inner`, which" in told
    assert "`solution/__init__.py` imports `nothing_three`, which" in told
    assert "tried" not in told
    assert "unreached" not in told
    assert told.count("which is not installed there") == 3
