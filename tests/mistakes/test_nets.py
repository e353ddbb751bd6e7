"""Networks as courses and books write them, each one bare notebook with its adapter in a cell.

A class whose `loss` returns loss and gradients and whose weights cannot be assigned; functions that
have examples in columns; all weights in one vector that is cut by the number of features; a list of
parameters that is global. Nothing of it is wrong.
"""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Verdict
from assay.submission import submission
from tests.mistakes.grading import Note, explain, graded, lost, one_part, record

FOLDER = Path(__file__).parent / "short" / "nets"


@pytest.mark.parametrize(
    "name",
    [
        "two_layer_net",
        pytest.param("columns", marks=pytest.mark.thorough),
        pytest.param("unrolled", marks=pytest.mark.thorough),
        pytest.param("params_list", marks=pytest.mark.thorough),
    ],
)
def test_a_right_network_loses_nothing(name: str, tmp_path: Path, record_property: Note):
    """However its weights are kept: they are put where it has its own."""
    handed_in = submission.read(FOLDER / f"{name}.ipynb")

    result = graded(
        one_part("part1", [0], {"dataset": ["penguins"]}),
        handed_in,
        Store(tmp_path / "store"),
        tmp_path,
    )
    record(record_property, result, name, None)

    assert lost(result) == set(), explain(result)
    assert result.earned == result.judged_points > 35, explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)
