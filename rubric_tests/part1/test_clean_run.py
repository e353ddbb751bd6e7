"""A clean run: from the top, with the parameters it was given."""

import pytest

from rubric_tests import clean_run
from rubric_tests.part1.judgement import check_left, columns_of, models_of
from rubric_tests.reading import check_replies

pytestmark = pytest.mark.criterion("clean-run")


@pytest.mark.hint("restart the kernel and run all cells")
def test_no_cell_fails(run, runs, submission):
    """Every cell runs, from the top, without an error."""
    clean_run.check_cells(run)
    check_replies(submission, runs)


@pytest.mark.hint("restart the kernel, run all cells, and watch time and memory")
def test_the_notebook_comes_to_its_end(run):
    """The run reaches the last cell within its limits."""
    clean_run.check_end(run)


@pytest.mark.hint("set `seed` and `dataset` in the cell tagged `parameters` and nowhere else")
def test_parameters_are_honoured(run, evidence, submission):
    """`seed` and `dataset` are at the end what they were set to."""
    clean_run.check_parameters(run, evidence, "dataset", submission.cells)


@pytest.mark.hint("follow `seed` from the parameters to the split and to the network")
def test_another_seed_gives_another_run(runs):
    """Another seed gives another split or another network."""

    def left_by(evidence):
        networks = models_of(evidence, "networks")
        check_left(networks, "network")  # where none is left, only the split can be told
        return columns_of(evidence["notebook/split"].X_train), networks.loss

    clean_run.check_seeds(runs, "dataset", left_by, "split and the same network")
