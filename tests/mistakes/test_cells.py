"""A cell that raises: the sentence quotes it, and the hint says what helps."""

from types import SimpleNamespace

import pytest

from assay.rubric import Wrong
from rubric_tests import clean_run


def ran(*errors: str) -> SimpleNamespace:
    cells = [SimpleNamespace(number=i, error=error) for i, error in enumerate(errors, 1)]
    return SimpleNamespace(cells=cells)


def test_a_module_that_was_not_handed_in_is_what_the_hint_is_about():
    """To run all cells once more does not help then."""
    with pytest.raises(Wrong, match="code cell 2 raised ModuleNotFoundError") as missing:
        clean_run.check_cells(ran("", "ModuleNotFoundError: No module named 'solution'"))
    with pytest.raises(Wrong, match="code cell 1 raised NameError") as unbound:
        clean_run.check_cells(ran("NameError: name 'x' is not defined", ""))

    assert missing.value.hint == clean_run.NO_MODULE
    assert unbound.value.hint is None  # the test's own is given
    clean_run.check_cells(ran("", ""))
