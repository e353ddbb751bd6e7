"""What holds for every test of Part 2."""

import pytest

from assay.rubric import ForReview
from rubric_tests import gate
from rubric_tests.part2 import drawings
from rubric_tests.part2.pieces import something_works


@pytest.fixture(autouse=True)
def there_is_something(request: pytest.FixtureRequest) -> None:
    """Nothing counts in a run in which no piece of the part works.

    A drawing of it is looked at by a person all the same.
    """
    is_diagram = request.node.get_closest_marker("criterion").args == ("diagram",)

    def works(run) -> None:
        try:
            something_works(run)
        except Exception as nothing:  # nothing is right, or nothing was answered
            if is_diagram and (found := drawings.found(request.getfixturevalue("submission"))):
                raise ForReview(f"{nothing}; there is {found[0].form}") from None
            raise

    gate.keep(request, works)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    return (yield from gate.look_once_more(pyfuncitem))
