"""Written answers, collected under their headings for a person to mark."""

import pytest

from rubric_tests.written import collect


@pytest.mark.review
@pytest.mark.criterion("exploration")
@pytest.mark.hint("give the answer a heading of its own with `exploration` or `data` in it")
def test_exploration(submission, written):
    """The data set is described: labels, features, missing values, balance."""
    collect(
        submission,
        written,
        r"explor|the data|data ?set|erkundung|\bdaten|\beda\b",
        tag="exploration",
        number="1",
    )


@pytest.mark.review
@pytest.mark.criterion("comparison")
@pytest.mark.hint("give the answer a heading of its own with `comparison` in it")
def test_comparison(submission, written):
    """Network and logistic regression are compared, with what the comparison can show."""
    collect(
        submission,
        written,
        r"compar|versus|\bvs\b|vergleich|gegenüber",
        tag="comparison",
        number="5a",
    )


@pytest.mark.review
@pytest.mark.criterion("self-learning")
@pytest.mark.hint("give the answer a heading of its own with `self-learning` in it")
def test_self_learning(submission, written):
    """What `self-learning` means is explained to a boss who knows linear regression."""
    collect(
        submission,
        written,
        r"self.?learning|\bboss\b|selbst.?lernen|\bchef",
        tag="self-learning",
        number="5b",
    )
