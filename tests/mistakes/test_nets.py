"""Networks and a transformer as courses write them, each one bare notebook, its adapter in a cell.

A class whose `loss` returns loss and gradients and whose weights cannot be assigned; functions that
have examples in columns; all weights in one vector that is cut by the number of features; a list of
parameters that is global; a model that takes its masks too, and ends before the logits; one
that returns its loss, None without labels, before them. Nothing of it is wrong.
"""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Verdict
from assay.submission import submission
from tests.mistakes.grading import Note, explain, graded, lost, one_part, record

TRANSFORMERS = ("annotated_masks", "loss_first")
FOLDER = Path(__file__).parent / "short" / "nets"


@pytest.mark.parametrize(
    "name",
    [
        "two_layer_net",
        pytest.param("columns", marks=pytest.mark.thorough),
        pytest.param("unrolled", marks=pytest.mark.thorough),
        pytest.param("params_list", marks=pytest.mark.thorough),
        pytest.param("annotated_masks", marks=pytest.mark.thorough),
        pytest.param("loss_first", marks=pytest.mark.thorough),
    ],
)
def test_a_right_network_loses_nothing(name: str, tmp_path: Path, record_property: Note):
    """However its weights are kept: they are put where it has its own."""
    handed_in = submission.read(FOLDER / f"{name}.ipynb")

    part1 = one_part("part1", [0], {"dataset": ["penguins"]})
    part2 = one_part("part2", [0], {"task": ["reverse-5"]})
    course = part2 if name in TRANSFORMERS else part1

    result = graded(course, handed_in, Store(tmp_path / "store"), tmp_path)
    record(record_property, result, name, None)

    assert lost(result) == set(), explain(result)
    assert result.earned == result.judged_points > 35, explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)
