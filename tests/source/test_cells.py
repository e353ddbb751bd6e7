"""A class of the student's own is not a library's, even when it has its name."""

from types import SimpleNamespace

import pytest

from rubric_tests.part1.sources import Sources
from rubric_tests.part1.sources import ready_made as ready_network
from rubric_tests.part2.sources import foreign_names
from rubric_tests.part2.sources import ready_made as ready_transformer

OWN = "class MLPClassifier:\n    def fit(self, X, y): return self\n"
CHEAT = "from sklearn.neural_network import MLPClassifier\n"
USES = "class ScratchNetwork:\n    def __init__(self): self.net = {}()\n"


def reached(source: str, **files: str) -> list[str]:
    cells = [SimpleNamespace(kind="code", source=source)]
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    found = Sources(SimpleNamespace(cells=cells, sources=named)).reached("ScratchNetwork")
    return [name for name in found if ready_network(name)]


WAYS = [
    ("from network import MLPClassifier\n" + USES.format("MLPClassifier"), "network"),
    ("import network\n" + USES.format("network.MLPClassifier"), "network"),
    ("import network as n\n" + USES.format("n.MLPClassifier"), "network"),
    ("import lib.network\n" + USES.format("lib.network.MLPClassifier"), "lib__network"),
    ("from lib import network\n" + USES.format("network.MLPClassifier"), "lib__network"),
    ("from network import *\n" + USES.format("MLPClassifier"), "network"),
    ("from network import MLPClassifier\n" + USES.format("MLPClassifier"), "homework__network"),
]


@pytest.mark.parametrize(("source", "file"), WAYS)
def test_an_own_classifier_is_not_scikit_learns(source: str, file: str):
    """Through each kind of import; and a file that only passes scikit-learn's on is found out."""
    assert reached(source, **{file: OWN}) == []
    assert reached(source, **{file: CHEAT})


def test_a_decoy_in_a_folder_hides_nothing():
    """What scikit-learn is imported as stays scikit-learn's."""
    source = CHEAT + USES.format("MLPClassifier")

    assert reached(source, decoy__sklearn__neural_network=OWN)


def test_an_own_module_of_a_librarys_name_is_not_the_library():
    """`transformers.py` beside the notebook is what `import transformers` means there."""
    source = "from transformers import Encoder\nmodel = Encoder()\n"
    cells = [SimpleNamespace(kind="code", source=source)]
    own = SimpleNamespace(cells=cells, sources={"transformers.py": "class Encoder: pass"})
    theirs = SimpleNamespace(cells=cells, sources={"decoy/transformers.py": "class Encoder: pass"})

    assert not any(map(ready_transformer, foreign_names(own)))
    assert any(map(ready_transformer, foreign_names(theirs)))
