"""A student's notebook is copied whatever form the intake reads it in."""

import json

import nbformat
import pytest

from assay.records import Result
from assay.report.annotated import annotated

SPARSE = {
    "cells": [{"cell_type": "code", "metadata": {}, "source": ["def add(x):\n", "    return x"]}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 4,
}
OLD = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {},
    "worksheets": [
        {"cells": [{"cell_type": "code", "input": "def add(x):\n    return x", "outputs": []}]}
    ],
}


@pytest.mark.parametrize("content", [SPARSE, OLD], ids=["no outputs", "format 3"])
def test_a_notebook_that_only_the_intake_reads_is_copied(content: object):
    """A cell without outputs, or the format before this one: the student's code is in the copy."""
    result = Result.model_construct(criteria=[], written=[])
    made = nbformat.reads(annotated(json.dumps(content).encode(), "Sums", result, {}), as_version=4)

    nbformat.validate(made)
    assert [cell.source for cell in made.cells] == ["**Sums**", "def add(x):\n    return x"]


def test_one_that_nobody_can_read_stops_nothing():
    """It lies beside the notebook that was graded: the copy says that it cannot be shown."""
    result = Result.model_construct(criteria=[], written=[])
    made = nbformat.reads(annotated(b'{"cells": 1}', "Sums", result, {}), as_version=4)

    assert "cannot be shown" in made.cells[1].source
