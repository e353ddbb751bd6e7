"""What holds for every test of Part 1."""

import pytest

from rubric_tests import gate
from rubric_tests.part1.pieces import something_works


@pytest.fixture(autouse=True)
def there_is_something(request: pytest.FixtureRequest) -> None:
    """Nothing counts in a run in which no piece of the part works."""
    gate.keep(request, something_works)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    return (yield from gate.look_once_more(pyfuncitem))
