"""What holds for every test of Part 2."""

import pytest

from rubric_tests.checks import ForReview, Wrong
from rubric_tests.part2 import drawings
from rubric_tests.part2.pieces import something_works


@pytest.fixture(autouse=True)
def there_is_something(request: pytest.FixtureRequest) -> None:
    """Nothing counts in a run in which no piece of the part works.

    A drawing of it is looked at by a person all the same.
    """
    if "run" in request.fixturenames:
        try:
            something_works(request.getfixturevalue("run"))
        except Wrong as nothing:
            is_diagram = request.node.get_closest_marker("criterion").args == ("diagram",)
            if is_diagram and (found := drawings.found(request.getfixturevalue("submission"))):
                raise ForReview(f"{nothing}; there is {found[0].form}") from None
            raise
    elif not request.node.get_closest_marker("review"):
        in_any(request.getfixturevalue("runs"))


def in_any(runs) -> None:
    """Raise where it is so in every run."""
    for run in runs[1:]:
        try:
            return something_works(run)
        except AssertionError:
            continue
    something_works(runs[0])
