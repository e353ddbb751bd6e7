"""Token embedding: a table of learned rows."""

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong
from rubric_tests.part2 import layer_checks

pytestmark = pytest.mark.criterion("embedding")


@pytest.mark.public
@pytest.mark.hint("print the shape after each step, for 6 sequences of 5 tokens")
def test_shape(evidence):
    """Tokens of shape `(batch, length)` give finite rows of shape `(batch, length, d_model)`."""
    answer = evidence["embedding/rows"]

    if not (np.isfinite(answer.out).all() and np.isfinite(answer.one).all()):
        raise Wrong("`TokenEmbedding` gives numbers that are not finite")


@pytest.mark.hint("one row for each entry of the vocabulary, looked up by the token's id")
def test_rows_are_looked_up(evidence, given):
    """Each token has one row wherever it stands, and every token its own."""
    layer_checks.check_rows(evidence, given)


@pytest.mark.hint("the rows belong into a Parameter or an Embedding")
def test_rows_are_learned(evidence, given):
    """The rows are those of a weight matrix, scaled or not."""
    answer, tokens = evidence["embedding/rows"], given["embedding/rows"].tokens
    arrays = evidence.partial("embedding/rows")
    tables = [
        a for name, a in arrays.items() if name.startswith("parameter_") and a.ndim == 2 and a.size
    ]

    if not tables:
        raise Wrong("`TokenEmbedding` has no weights")
    if not answer.learns:
        raise KnownMistake("the rows are never learned", "they are in no parameter with a gradient")
    parameters = [name for name in arrays if name.startswith("parameter_")]
    if (
        len(parameters) == 1 and tables[0].shape[1] == answer.out.shape[2]
    ):  # nothing else is at work
        rows = tables[0][tokens] if tables[0].shape[0] > tokens.max() else np.zeros_like(answer.out)
        factor = float(np.sum(rows * answer.out) / (np.sum(rows * rows) + 1e-12))
        if not np.allclose(answer.out, factor * rows, atol=1e-4 * max(1.0, abs(factor))):
            for step, which in ((1, "next"), (-1, "previous")):
                other = tables[0][(tokens + step) % len(tables[0])]
                if np.allclose(answer.out, other, atol=1e-4):
                    raise KnownMistake(f"each token has the row of the {which} one in the table")
            raise Wrong("what comes out are not the rows of the table")
