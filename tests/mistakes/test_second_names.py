"""Ready-made parts are found under second names; a student's own of such a name is its own."""

from types import SimpleNamespace

import pytest

from rubric_tests.part2.sources import foreign_names, ready_made

CHAIN = """import torch
def begin():
    global a, b, c, d, e
    e = d
    d = c
    c = b
    b = a
    a = torch.nn
    return e.Transformer()
model = begin()
"""
BORROWED = {
    "a module's short name": "import torch.nn as n\nA = n.Transformer\nmodel = A()",
    "a module taken from its own": "from torch import nn as q\nA = q\nmodel = A.Transformer()",
    "a name with a type": "import torch\nA: object = torch.nn\nmodel = A.Transformer()",
    "a chain, the last link first": CHAIN,
    "two names at once": "import torch\nA, B = torch.nn, 1\nmodel = A.Transformer()",
    "getattr of a module": "import torch\nA = getattr(torch, 'nn')\nmodel = A.Transformer()",
    "getattr of a part": "from torch import nn\nmodel = getattr(nn, 'Transformer')()",
    "a loop": "from torch import nn\nfor A in (nn,):\n    model = A.Transformer()",
    "a choice": "from torch import nn\nA = nn if 1 else None\nmodel = A.Transformer()",
    "one or another": "from torch import nn\nA = None or nn\nmodel = A.Transformer()",
}
OWN = {
    "a class": "class Transformer: pass\nA = Transformer\nmodel = A()",
    "of a module": "import models\nmodel = getattr(models, 'Transformer')()",
    "of a package": "import solution.model as m\nmodel = getattr(m, 'Transformer')()",
    "of a class": "class M:\n    class Transformer: pass\nmodel = getattr(M, 'Transformer')()",
    "of this module": "import sys\nclass Transformer: pass\n"
    "model = getattr(sys.modules[__name__], 'Transformer')()",
}


def found(notebook: str) -> set[str]:
    cell = SimpleNamespace(kind="code", source=notebook)
    own = "from torch import nn\nclass Transformer(nn.Module): pass"
    sources = {"models.py": own, "solution/model.py": own}
    names = foreign_names(SimpleNamespace(cells=[cell], sources=sources))
    return {name for name in names if ready_made(name)}


@pytest.mark.parametrize("notebook", BORROWED.values(), ids=BORROWED)
def test_a_ready_made_part_is_found_under_a_second_name(notebook: str):
    """In whatever order, and by whatever statement, the name came to be."""
    assert found(notebook) == {"torch.nn.Transformer"}


@pytest.mark.parametrize("notebook", OWN.values(), ids=OWN)
def test_an_own_class_of_such_a_name_is_nobody_elses(notebook: str):
    """Wherever it is defined, and looked up by its text too."""
    assert found(notebook) == set()
